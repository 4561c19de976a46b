/* SPDX-License-Identifier: Apache-2.0 */
/* Words, numbers and comparison of text pieces, at their edges. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "sbe/sdp/body_text.h"
#include "tests/unit/sbe/sdp/examples.h"

static struct body_text text(const char *t)
{
	return (struct body_text){.at = t, .len = (uint32_t)strlen(t)};
}

static void test_words(void **state)
{
	struct body_text rest = text("  one\ttwo  ");

	(void)state;
	assert_text(body_text_word(&rest), "one");
	assert_text(body_text_word(&rest), "two");
	assert_text(body_text_word(&rest), "");
	rest = (struct body_text){0};
	assert_text(body_text_word(&rest), "");
	assert_text(body_text_trim(text(" \ta b ")), "a b");
	assert_text(body_text_trim(text("  ")), "");
}

static void test_until(void **state)
{
	struct body_text rest = text("a:b:");

	(void)state;
	assert_text(body_text_until(&rest, ':'), "a");
	assert_text(body_text_until(&rest, ':'), "b");
	assert_text(body_text_until(&rest, ':'), "");
	assert_int_equal(rest.len, 0);
	rest = text("abc");
	assert_text(body_text_until(&rest, ':'), "abc");
	assert_int_equal(rest.len, 0);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{"0", 0, true, 0},
		{"1", 0, false, 0},
		{"65535", 65535, true, 65535},
		{"65536", 65535, false, 0},
		{"0000000000000000000000000007", 9, true, 7},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
		{"99999999999999999999", UINT64_MAX, false, 0},
		{"", 9, false, 0},
		{"-1", 9, false, 0},
		{"+1", 9, false, 0},
		{" 1", 9, false, 0},
		{"1.", 9, false, 0},
		{"\xb2", 9, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t n = 42;

		if (body_text_number(text(rows[i].text), rows[i].max, &n) != rows[i].ok)
			fail_msg("\"%s\"", rows[i].text);
		assert_int_equal(n, rows[i].ok ? rows[i].value : 42);
	}
}

static void test_comparison(void **state)
{
	(void)state;
	assert_true(body_text_is(text("PCMu"), "pcmU"));
	assert_false(body_text_is(text("PCMU"), "PCMUx"));
	assert_false(body_text_is(text("PCMUx"), "PCMU"));
	assert_true(body_text_is((struct body_text){0}, ""));
	assert_false(body_text_is(text("@"), "`")); /* 0x20 apart, but no letters */
	assert_true(body_text_begins(text("Multipart/mixed"), "multipart/"));
	assert_false(body_text_begins(text("multi"), "multipart/"));
	assert_true(body_text_equal(text("aB"), text("Ab")));
	assert_false(body_text_equal(text("a"), text("ab")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_comparison),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
