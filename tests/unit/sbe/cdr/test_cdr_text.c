/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "sbe/cdr/cdr_text.h"

static char buf[CDR_TEXT_BYTES];

/* The text as another JSON reader understands it. */
static json_t *read_back(const struct cdr_text *t)
{
	json_t *v = json_loadb(t->buf, t->len_bytes, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(v);
	return v;
}

static void objects_lists_and_numbers(void **state)
{
	struct cdr_text t;

	(void)state;
	cdr_text_init(&t, buf, sizeof(buf));
	cdr_text_string(&t, "a", "x");
	cdr_text_string(&t, "none", "");
	cdr_text_string(&t, "null", NULL);
	cdr_text_number(&t, "n", 0);
	cdr_text_number(&t, "max", UINT64_MAX);
	cdr_text_open(&t, "list", '[');
	cdr_text_open(&t, NULL, '{');
	cdr_text_number(&t, "i", 1);
	cdr_text_close(&t, '}');
	cdr_text_open(&t, NULL, '{');
	cdr_text_close(&t, '}');
	cdr_text_close(&t, ']');
	cdr_text_close(&t, '}');
	assert_int_equal(t.err, 0);
	t.buf[t.len_bytes] = 0;
	assert_string_equal(
		t.buf,
		"{\"a\":\"x\",\"n\":0,\"max\":18446744073709551615,\"list\":[{\"i\":1},{}]}");
}

/* A29: whatever a peer sends stays inside its string, on one line, and reads back. */
static void hostile_text_reads_back(void **state)
{
	static const char *const same[] = {
		"\"},{\"x\":\"",     "a\r\nb\tc",
		"\x1b[2J\x01\x7f",   "\\u0000 \\ \\\\",
		"${jndi:x} %n =cmd", "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x93\x9e"};
	struct cdr_text t;

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		json_t *v;

		cdr_text_init(&t, buf, sizeof(buf));
		cdr_text_string(&t, "s", same[i]);
		cdr_text_close(&t, '}');
		assert_null(memchr(t.buf, '\n', t.len_bytes));
		v = read_back(&t);
		assert_string_equal(json_string_value(json_object_get(v, "s")), same[i]);
		json_decref(v);
	}
}

static void bytes_that_are_no_utf8_become_question_marks(void **state)
{
	static const char *const bad[] = {
		"\xff", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xc3", "\xe2\x82", "x\x80y"};
	struct cdr_text t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *v;

		cdr_text_init(&t, buf, sizeof(buf));
		cdr_text_string(&t, "s", bad[i]);
		cdr_text_close(&t, '}');
		v = read_back(&t);
		assert_int_equal(strlen(json_string_value(json_object_get(v, "s"))),
				 strlen(bad[i]));
		assert_non_null(strchr(json_string_value(json_object_get(v, "s")), '?'));
		json_decref(v);
	}
}

static void too_much_is_remembered_at_every_size(void **state)
{
	struct cdr_text t;
	size_t full;

	(void)state;
	for (size_t size = 1; size < 64; size++) {
		cdr_text_init(&t, buf, size);
		cdr_text_string(&t, "key", "va\"lue\n\xc3\xbc");
		cdr_text_number(&t, "n", 12345);
		cdr_text_close(&t, '}');
		assert_true(t.len_bytes <= size);
		if (!t.err) {
			full = t.len_bytes;
			assert_int_equal(full, size); /* it fits exactly when there is room */
			json_decref(read_back(&t));
			return;
		}
		assert_int_equal(t.err, -EMSGSIZE);
	}
	fail();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_lists_and_numbers),
		cmocka_unit_test(hostile_text_reads_back),
		cmocka_unit_test(bytes_that_are_no_utf8_become_question_marks),
		cmocka_unit_test(too_much_is_remembered_at_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
