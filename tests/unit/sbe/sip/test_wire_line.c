/* SPDX-License-Identifier: Apache-2.0 */
/* wire_line: one way to cut header lines for guard, framer and message view. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "sbe/sip/wire_line.h"

static struct wire_text text(const char *s)
{
	return (struct wire_text){s, strlen(s)};
}

static void names_are_found_long_and_compact(void **state)
{
	(void)state;
	/* RFC 3261 7.3.3 and 20, RFC 3515, 3892, 4028, 3265, 3841, 8224 */
	static const struct {
		const char *compact, *name;
	} forms[] = {
		{"i", "call-id"},
		{"m", "contact"},
		{"e", "content-encoding"},
		{"l", "content-length"},
		{"c", "content-type"},
		{"f", "from"},
		{"s", "subject"},
		{"k", "supported"},
		{"t", "to"},
		{"v", "via"},
		{"r", "refer-to"},
		{"b", "referred-by"},
		{"o", "event"},
		{"u", "allow-events"},
		{"a", "accept-contact"},
		{"x", "session-expires"},
		{"d", "request-disposition"},
		{"j", "reject-contact"},
		{"y", "identity"},
		{"n", "identity-info"},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char upper[2] = {(char)toupper(forms[i].compact[0]), 0};
		enum wire_name id = wire_name_find(text(forms[i].compact));
		assert_string_equal(wire_name_text(id), forms[i].name);
		assert_int_equal(wire_name_find(text(upper)), id);
		assert_int_equal(wire_name_find(text(forms[i].name)), id);
	}
	for (int i = 1; i < WIRE_NAME_COUNT; i++) {
		char upper[64];
		size_t n = 0;
		for (const char *s = wire_name_text((enum wire_name)i); *s; s++)
			upper[n++] = (char)toupper(*s);
		upper[n] = 0;
		assert_int_equal(wire_name_find(text(upper)), i);
	}
	assert_int_equal(wire_name_find(text("vi")), WIRE_NAME_UNKNOWN);
	assert_int_equal(wire_name_find(text("")), WIRE_NAME_UNKNOWN);
	assert_int_equal(wire_name_find(text("\x14")),
			 WIRE_NAME_UNKNOWN); /* 't' without its high bits */
	assert_int_equal(wire_name_find(text("Call_ID")), WIRE_NAME_UNKNOWN);
	assert_null(wire_name_text(WIRE_NAME_UNKNOWN));
}

static void lines_are_cut(void **state)
{
	(void)state;
	struct wire_text rest = text(
		"From: a\r\nX \t: b \r\n\tc\r\n d\r\nnone\r\nl:\r\n 5\nlast:x\r\n\r\n body: 1");
	static const struct {
		const char *name, *value, *line;
		bool folded;
	} want[] = {
		{"From", "a", "From: a", false},
		{"X", "b \r\n\tc\r\n d", "X \t: b \r\n\tc\r\n d", true},
		{"", "", "none", false},
		{"l", "5", "l:\r\n 5", true},
		{"last", "x", "last:x", false},
	};
	struct wire_line l;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_true(wire_line_next(&rest, &l));
		assert_true(l.name.n == 0 ? !*want[i].name : wire_text_is(l.name, want[i].name));
		assert_true(l.value.n == 0 ? !*want[i].value
					   : wire_text_is(l.value, want[i].value));
		assert_true(wire_text_is(l.line, want[i].line));
		assert_int_equal(l.folded, want[i].folded);
	}
	assert_false(wire_line_next(&rest, &l));
	assert_true(wire_text_is(rest, " body: 1"));
	rest = text("a: b");
	assert_true(wire_line_next(&rest, &l));
	assert_true(wire_text_is(l.value, "b"));
	assert_false(wire_line_next(&rest, &l));
	assert_null(rest.s); /* no empty line */
}

static void lists_are_cut_at_outer_commas(void **state)
{
	(void)state;
	struct wire_text rest = text(" a ,, \"b,\\\",\" <c,d>;e , f\r\n g,"), v;
	assert_true(wire_list_next(&rest, &v) && wire_text_is(v, "a"));
	assert_true(wire_list_next(&rest, &v) && wire_text_is(v, "\"b,\\\",\" <c,d>;e"));
	assert_true(wire_list_next(&rest, &v) && wire_text_is(v, "f\r\n g"));
	assert_false(wire_list_next(&rest, &v));
}

static void numbers_have_limits(void **state)
{
	(void)state;
	uint32_t n = 0;
	assert_int_equal(wire_number(text(" \t0070\r\n "), 255, &n), 0);
	assert_int_equal(n, 70);
	assert_int_equal(wire_number(text("4294967295"), UINT32_MAX, &n), 0);
	assert_int_equal(n, UINT32_MAX);
	assert_int_equal(wire_number(text("4294967296"), UINT32_MAX, &n), -ERANGE);
	assert_int_equal(wire_number(text("99999999999999999999999999999"), 10, &n), -ERANGE);
	static const char *const bad[] = {
		"", "-1", "+1", "0x1", "1 2", "1.0", "99999999999999999999x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wire_number(text(bad[i]), UINT32_MAX, &n), -EINVAL);
	assert_int_equal(n, UINT32_MAX);
}

static void tokens_are_those_of_the_grammar(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		char s[2] = {(char)c, 0};
		bool want = (c < 128 && isalnum(c)) || strchr("-.!%*_+`'~", c);
		assert_int_equal(wire_is_token(text(s)), want);
	}
	assert_false(wire_is_token(text("")));
	assert_false(wire_is_token(text("a b")));
}

/* A parameter ends at a semicolon, but not at one that somebody quotes. */
static void semicolons_outside_of_quotes(void **state)
{
	static const struct {
		struct wire_text text;
		size_t at;
	} cases[] = {
		{WIRE_TEXT("a;b"), 1},
		{WIRE_TEXT(";"), 0},
		{WIRE_TEXT("abc"), 3},
		{WIRE_TEXT("a=\";\";b"), 5},
		{WIRE_TEXT("a=\"\\\";\";b"), 7},
		{WIRE_TEXT("a=\";b"), 5},
		{WIRE_TEXT("a=\"\\"), 4},
		{WIRE_TEXT("a;b=\";\""), 1},
		{{NULL, 0}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(wire_semicolon(cases[i].text), cases[i].at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(semicolons_outside_of_quotes),
		cmocka_unit_test(names_are_found_long_and_compact),
		cmocka_unit_test(lines_are_cut),
		cmocka_unit_test(lists_are_cut_at_outer_commas),
		cmocka_unit_test(numbers_have_limits),
		cmocka_unit_test(tokens_are_those_of_the_grammar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
