/* SPDX-License-Identifier: Apache-2.0 */
/* S2 (RFC 3264 8): the version of our o= line, and what the other end's says. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/mem.h"
#include "sbe/sdp/body_origin.h"
#include "tests/unit/sbe/sdp/examples.h"

static uint64_t hash(const char *text)
{
	return body_origin_hash(text, strlen(text));
}

static void test_hash_leaves_out_the_origin(void **state)
{
	(void)state;
	assert_int_equal(hash("v=0\r\no=- 1 1 IN IP4 a\r\ns=-\r\n"),
			 hash("v=0\r\no=- 1 2 IN IP4 b\r\ns=-\r\n"));
	assert_int_equal(hash("v=0\r\no=x"), hash("v=0\r\n"));
	assert_int_not_equal(hash("v=0\r\ns=-\r\n"), hash("v=0\r\ns=+\r\n"));
	assert_int_not_equal(hash("a=o=1\r\n"), hash("a=o=2\r\n"));
	assert_int_not_equal(hash(""), 0);
}

static void test_version_grows_only_on_change_S2(void **state)
{
	struct body_origin o = body_origin_new(0xfedcba9876543210u);
	uint64_t first = o.version;

	(void)state;
	assert_true(o.sess_id > 0 && o.sess_id <= 0x80000000u);
	assert_true(first > 0);
	o = body_origin_next(&o, 11);
	assert_int_equal(o.version, first);
	o = body_origin_next(&o, 11);
	assert_int_equal(o.version, first);
	o = body_origin_next(&o, 12);
	assert_int_equal(o.version, first + 1);
	o = body_origin_next(&o, 11); /* back to the old text is a change, too */
	assert_int_equal(o.version, first + 2);
}

static enum body_origin_change compare(const char *a, const char *b)
{
	struct body_sdp *before = parsed(a), *now = parsed(b);
	enum body_origin_change change = body_origin_compare(before, now);

	mem_unref(before);
	mem_unref(now);
	return change;
}

static void test_received_versions_S2(void **state)
{
	const char *const one = "v=0\r\no=a 1 7 IN IP4 10.0.0.1\r\ns=-\r\n";

	(void)state;
	assert_int_equal(compare(one, one), BODY_ORIGIN_SAME);
	assert_int_equal(compare(one, "v=0\r\no=a 1 8 IN IP4 10.0.0.1\r\ns=x\r\n"),
			 BODY_ORIGIN_NEWER);
	assert_int_equal(compare(one, "v=0\r\no=a 1 9 IN IP4 10.0.0.1\r\ns=-\r\n"),
			 BODY_ORIGIN_JUMPED);
	assert_int_equal(compare(one, "v=0\r\no=a 1 6 IN IP4 10.0.0.1\r\ns=-\r\n"),
			 BODY_ORIGIN_JUMPED);
	assert_int_equal(compare(one, "v=0\r\no=a 1 7 IN IP4 10.0.0.1\r\ns=x\r\n"),
			 BODY_ORIGIN_JUMPED);
	assert_int_equal(compare(one, "v=0\r\no=a 1 x IN IP4 10.0.0.1\r\ns=x\r\n"),
			 BODY_ORIGIN_JUMPED);
	assert_int_equal(compare(one, "v=0\r\no=b 1 8 IN IP4 10.0.0.1\r\ns=-\r\n"),
			 BODY_ORIGIN_OTHER);
	assert_int_equal(compare(one, "v=0\r\no=a 2 8 IN IP4 10.0.0.1\r\ns=-\r\n"),
			 BODY_ORIGIN_OTHER);
	assert_int_equal(compare(one, "v=0\r\no=a 1 8 IN IP4 10.0.0.2\r\ns=-\r\n"),
			 BODY_ORIGIN_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_leaves_out_the_origin),
		cmocka_unit_test(test_version_grows_only_on_change_S2),
		cmocka_unit_test(test_received_versions_S2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
