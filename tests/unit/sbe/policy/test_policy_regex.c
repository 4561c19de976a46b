/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: what they match, the groups, what is refused, and that none can be made slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/policy/policy_regex.h"

static struct wire_text text(const char *s)
{
	return (struct wire_text){s, strlen(s)};
}

/* "0" no match, else the groups: "1[abc][b]" */
static const char *run(const char *expression, bool any_case, const char *s)
{
	static char out[512];
	struct wire_text g[POLICY_REGEX_GROUPS];
	struct policy_regex *r = NULL;
	const char *why = "";
	size_t n;

	if (policy_regex_new(expression, any_case, &r, &why)) {
		snprintf(out, sizeof(out), "E %s", why);
		return out;
	}
	n = (size_t)snprintf(out, sizeof(out), "%d", policy_regex_match(r, text(s), g, NULL));
	for (unsigned i = 0; out[0] == '1' && i <= policy_regex_groups(r); i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, g[i].s ? "[%.*s]" : "-",
				      (int)g[i].n, g[i].s);
	mem_unref(r);
	return out;
}

static void matches(void **state)
{
	static const struct {
		const char *e, *s, *want;
	} rows[] = {
		{"abc", "xabcx", "1[abc]"},
		{"^abc$", "xabc", "0"},
		{"^abc$", "abc", "1[abc]"},
		{"a.c", "a\tc", "1[a\tc]"},
		{"^0([1-9][0-9]{5,})$", "02079460000", "1[02079460000][2079460000]"},
		{"^0([1-9][0-9]{5,})$", "0207", "0"},
		{"(a|ab)(c|bcd)(d*)", "abcd", "1[abcd][a][bcd][]"},
		{"a*", "", "1[]"},
		{"a+", "baaac", "1[aaa]"},
		{"(a+)(a?)", "aaa", "1[aaa][aaa][]"},
		{"x(y)?z", "xz", "1[xz]-"},
		{"[^0-9]+", "12ab34", "1[ab]"},
		{"[]a]+", "]a]", "1[]a]]"},
		{"[a-]+", "x-a", "1[-a]"},
		{"\\d{2,3}", "12345", "1[123]"},
		{"\\+44(\\d+)", "sip:+442079;x", "1[+442079][2079]"},
		{"a{3}", "aa", "0"},
		{"a{0}b", "b", "1[b]"},
		{"(ab){2}", "ababab", "1[abab][ab]"},
		{"(a|b)*c", "abac", "1[abac][a]"},
		{"a||b", "b", "1[]"},
		{"^(a*)*$", "aaab", "0"},
		{"a|b|c", "xc", "1[c]"},
		{"(x|(y))+", "xy", "1[xy][y][y]"},
		{"\\w+\\s\\w+", "-no way-", "1[no way]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = run(rows[i].e, false, rows[i].s);

		if (strcmp(got, rows[i].want))
			fail_msg("%s on %s: %s, not %s", rows[i].e, rows[i].s, got, rows[i].want);
	}
	assert_string_equal(run("AbC[x-z]", true, "aBcY"), "1[aBcY]");
	assert_string_equal(run("AbC", false, "abc"), "0");
}

static void refused(void **state)
{
	static const char *const bad[] = {
		"(",
		"a)",
		"[a",
		"a\\",
		"*a",
		"a**",
		"a{2",
		"a{3,2}",
		"a{65}",
		"(((((((((())))))))))",
		"[z-a]",
		"a{,3}",
		"((a{64}){64}){64}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *got = run(bad[i], false, "");

		if (got[0] != 'E' || strlen(got) < 6)
			fail_msg("%s: %s", bad[i], got);
	}
}

/* What is slow by backtracking is not here: steps are bounded by program times text. */
static void never_slow(void **state)
{
	static const char *const evil[] = {"(a*)*b", "(a|a)*b", "(a?){32}a{32}b", "(.*)(.*)(.*)x"};
	char s[4096];

	(void)state;
	memset(s, 'a', sizeof(s));
	s[sizeof(s) - 1] = '\0';
	for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		unsigned budget = 1000000, small = 1000;
		struct policy_regex *r = NULL;
		const char *why;

		assert_int_equal(policy_regex_new(evil[i], false, &r, &why), 0);
		assert_int_equal(policy_regex_match(r, text(s), NULL, &budget), 0);
		assert_in_range(budget, 1, 999999);
		assert_int_equal(policy_regex_match(r, text(s), NULL, &small), -EAGAIN);
		assert_int_equal(small, 0);
		mem_unref(r);
	}
}

/* Whether there is a match is the same question as for POSIX: 20,000 random pairs. */
static void as_posix(void **state)
{
	static const char *const atoms[] = {"a", "b", "[ab]", "(a|b)", "(ab)", ".", "c"};
	static const char *const reps[] = {"", "", "*", "+", "?", "{2}", "{1,2}"};
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char e[128] = "", s[16];
		int n = 1 + rand_r(&seed) % 4;
		regex_t posix;
		const char *got;

		if (rand_r(&seed) % 4 == 0)
			strcat(e, "^");
		for (int k = 0; k < n; k++) {
			strcat(e, atoms[rand_r(&seed) % 7]);
			strcat(e, reps[rand_r(&seed) % 7]);
			if (k + 1 < n && rand_r(&seed) % 6 == 0)
				strcat(e, "|");
		}
		if (rand_r(&seed) % 4 == 0)
			strcat(e, "$");
		n = rand_r(&seed) % 9;
		for (int k = 0; k < n; k++)
			s[k] = "abc"[rand_r(&seed) % 3];
		s[n] = '\0';
		assert_int_equal(regcomp(&posix, e, REG_EXTENDED | REG_NOSUB), 0);
		got = run(e, false, s);
		if ((regexec(&posix, s, 0, NULL, 0) == 0) != (got[0] == '1'))
			fail_msg("%s on %s: %s", e, s, got);
		regfree(&posix);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(refused),
		cmocka_unit_test(never_slow),
		cmocka_unit_test(as_posix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
