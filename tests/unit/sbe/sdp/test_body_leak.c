/* SPDX-License-Identifier: Apache-2.0 */
/* Finding inner addresses in other people's lines (C6, X1): all spellings, no false alarms. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "sbe/sdp/body_leak.h"
#include "tests/unit/sbe/sdp/examples.h"

static struct body_text text(const char *t)
{
	return (struct body_text){.at = t, .len = (uint32_t)strlen(t)};
}

static void add(struct body_leak_set *set, const char *value)
{
	struct body_address a = body_address_parse(value, strlen(value));

	body_leak_add(set, &a);
}

static void test_lines_C6_X1(void **state)
{
	static const struct {
		const char *line;
		bool leaks;
	} rows[] = {
		{"a=x:10.0.0.1", true},
		{"a=x 10.0.0.1.", true},
		{"a=x:ip10.0.0.1:5060", true},
		{"a=x <sip:u@10.0.0.1;a=b>", true},
		{"10.0.0.1", true},
		{"a=x:10.0.0.12", false},
		{"a=x:110.0.0.1", false},
		{"a=x:1.10.0.0.1", false},
		{"a=x:10.0.0", false},
		{"a=x:2001:db8::1", true},
		{"a=face:2001:db8::1", true},
		{"a=x:y:2001:db8::1", true},
		{"a=x ..10.0.0.1", true},
		{"a=x 10.0.0.300 2001:db8::1::2", false},
		{"a=x 10.0.0.2 2001:db8::2 other.example", false},
		{"a=x [2001:DB8:0:0::0001]:5060", true},
		{"a=x 2001:db8::1.", true},
		{"a=x 2001:db8::1: it", true},
		{"a=x 2001:db8::12", false},
		{"a=x 2001:db8::1%eth0", true},
		{"a=x ::ffff:10.0.0.1", true},
		{"a=x u@PBX.Inner.example", true},
		{"a=x pbx.inner.example.", true},
		{"a=x my-pbx.inner.example", false},
		{"a=x pbx.inner.example2", false},
		{"a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
		 false},
		{"a=:", false},
		{"a=::", false},
		{"a=...:::...", false},
		{"localhost", false},
		{"", false},
	};
	struct body_leak_set set = {0};

	(void)state;
	assert_false(body_leak_in(&set, text("a=x:10.0.0.1 pbx.inner.example")));
	add(&set, "IN IP4 10.0.0.1");
	add(&set, "IN IP6 2001:db8::1");
	add(&set, "IN IP4 pbx.inner.example");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (body_leak_in(&set, text(rows[i].line)) != rows[i].leaks)
			fail_msg("\"%s\"", rows[i].line);
	}
}

/* Found by the fuzzer: a name written with the final dot was kept with it and then never found. */
static void test_name_with_final_dot(void **state)
{
	struct body_leak_set set = {0};

	(void)state;
	add(&set, "IN IP4 pbx.inner.example.");
	add(&set, "IN IP4 pbx.");
	assert_true(body_leak_in(&set, text("a=x pbx.inner.example")));
	assert_true(body_leak_in(&set, text("a=x pbx.inner.example. now")));
	assert_false(body_leak_in(&set, text("a=x pbx. now")));
	assert_int_equal(set.n_names, 1);
}

static void test_set(void **state)
{
	struct body_leak_set set = {0};
	struct body_address name = body_address_parse("IN IP4 a.example", 16);
	struct addr inner = ip("10.0.0.1");

	(void)state;
	add(&set, "IN IP4 10.0.0.1");
	add(&set, "IN IP4 10.0.0.1");
	add(&set, "IN IP4 0.0.0.0"); /* hold names nobody */
	add(&set, "IN IP6 ::");
	add(&set, "IN IP4 localhost"); /* a word */
	add(&set, "IN IP4 a.example");
	add(&set, "IN IP4 A.example");
	add(&set, "junk");
	assert_int_equal(set.n_addrs, 1);
	assert_int_equal(set.n_names, 1);
	body_leak_allow_ip(&set, &inner);
	body_leak_allow(&set, &name);
	assert_int_equal(set.n_addrs + set.n_names, 0);
	for (unsigned i = 0; i < 2 * BODY_LEAK_MAX; i++) {
		inner.ip[3] = (uint8_t)i;
		body_leak_add_ip(&set, &inner);
	}
	assert_int_equal(set.n_addrs, BODY_LEAK_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_C6_X1),
		cmocka_unit_test(test_name_with_final_dot),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
