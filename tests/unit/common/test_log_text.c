/* SPDX-License-Identifier: Apache-2.0 */
/* log_text: whatever a stranger sends stays on one line and commands no terminal (A29). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>

#include "common/log_text.h"

static void shows(const char *text, size_t len, const char *expected)
{
	char buf[200];
	size_t n = log_text_append(buf, sizeof(buf), 0, text, len);

	assert_true(n < sizeof(buf));
	buf[n] = '\0';
	assert_string_equal(buf, expected);
}
#define SHOWS(text, expected) shows(text, sizeof(text) - 1, expected)

static void plain_text_stays(void **state)
{
	(void)state;
	SHOWS("", "");
	SHOWS("peer 'bnet' over its 50 cps ~ \\ %n ${jndi}",
	      "peer 'bnet' over its 50 cps ~ \\ %n ${jndi}");
	SHOWS("Gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac \xf0\x9f\x98\x80",
	      "Gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac \xf0\x9f\x98\x80");
	SHOWS("\xc2\xa0\xdf\xbf\xe0\xa0\x80\xef\xbf\xbd\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	      "\xc2\xa0\xdf\xbf\xe0\xa0\x80\xef\xbf\xbd\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

static void control_characters_are_escaped(void **state)
{
	(void)state;
	SHOWS("a\r\nb\tc", "a\\r\\nb\\tc");
	SHOWS("\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f");
	SHOWS("nul\0byte", "nul\\x00byte");
	SHOWS("\xc2\x9b"
	      "31m",
	      "\\xc2\\x9b31m"); /* C1: another way to say ESC [ */
	SHOWS("\xe2\x80\xa8\xe2\x80\xae", "\\xe2\\x80\\xa8\\xe2\\x80\\xae"); /* U+2028, U+202E */
	SHOWS("\xe2\x81\xa6x", "\\xe2\\x81\\xa6x");                          /* U+2066 */
}

static void invalid_utf8_is_escaped(void **state)
{
	(void)state;
	SHOWS("\xff\xfe", "\\xff\\xfe");
	SHOWS("\x80x", "\\x80x");
	SHOWS("\xc3", "\\xc3"); /* cut off at the end */
	SHOWS("\xc3(", "\\xc3(");
	SHOWS("\xe2\x82", "\\xe2\\x82");
	SHOWS("\xc0\xaf", "\\xc0\\xaf"); /* overlong '/' */
	SHOWS("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");
	SHOWS("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf");
	SHOWS("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
	SHOWS("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	SHOWS("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
}

static void what_does_not_fit_is_cut_at_an_edge(void **state)
{
	static const char text[] = "ab\xc3\xbc\x01"
				   "defgh";
	static const char *const expected[] = {"",
					       "a",
					       "ab",
					       "...",
					       "a...",
					       "ab...",
					       "ab...",
					       "ab\xc3\xbc...",
					       "ab\xc3\xbc...",
					       "ab\xc3\xbc...",
					       "ab\xc3\xbc...",
					       "ab\xc3\xbc\\x01..."};

	(void)state;
	for (size_t size = 0; size < sizeof(expected) / sizeof(expected[0]); size++) {
		char buf[64];
		size_t n;

		memset(buf, '#', sizeof(buf));
		n = log_text_append(buf, size, 0, text, sizeof(text) - 1);
		assert_true(n <= size);
		assert_int_equal(n, strlen(expected[size]));
		assert_memory_equal(buf, expected[size], n);
		assert_int_equal(buf[size], '#');
	}
	shows(text, sizeof(text) - 1,
	      "ab\xc3\xbc\\x01"
	      "defgh");
}

static void appends_behind_what_is_there(void **state)
{
	char buf[10] = "12345";

	(void)state;
	assert_int_equal(log_text_append(buf, 9, 5, "abcd", 4), 9);
	assert_memory_equal(buf, "12345abcd", 10);
	assert_int_equal(log_text_append(buf, 9, 5, "abcde", 5), 9);
	assert_memory_equal(buf, "12345a...", 10);
	assert_int_equal(log_text_append(buf, 9, 9, "x", 1), 9);
	assert_memory_equal(buf, "12345a...", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(invalid_utf8_is_escaped),
		cmocka_unit_test(what_does_not_fit_is_cut_at_an_edge),
		cmocka_unit_test(appends_behind_what_is_there),
	};

	return cmocka_run_group_tests_name("log_text", tests, NULL, NULL);
}
