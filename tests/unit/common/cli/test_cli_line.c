/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/cli_line.h"

static void test_split(void **state)
{
	static const struct {
		const char *line;
		const char *words[6];
	} rows[] = {
		{"", {0}},
		{"  \t ", {0}},
		{"call list", {"call", "list"}},
		{"  call   list  ", {"call", "list"}},
		{"a 'b c' d", {"a", "b c", "d"}},
		{"a \"b 'c\" d", {"a", "b 'c", "d"}},
		{"a b\\ c", {"a", "b c"}},
		{"a 'b\\ c'", {"a", "b\\ c"}},
		{"x''y ''", {"xy", ""}},
		{"--from=\"two words\"", {"--from=two words"}},
		{"a\\", {"a\\"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128];
		const char *words[6];
		size_t n = 99, want = 0;

		snprintf(line, sizeof(line), "%s", rows[i].line);
		assert_int_equal(cli_line_split(line, words, 6, &n), 0);
		while (want < 6 && rows[i].words[want])
			want++;
		assert_int_equal(n, want);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(words[k], rows[i].words[k]);
	}
}

static void test_split_refuses(void **state)
{
	char open_quote[] = "a 'b", many[] = "a b c d";
	const char *words[3];
	size_t n = 99;

	(void)state;
	assert_int_equal(cli_line_split(open_quote, words, 3, &n), -EINVAL);
	assert_int_equal(cli_line_split(many, words, 3, &n), -E2BIG);
	assert_int_equal(n, 99);
}

static json_t *help_of_a_daemon(void)
{
	return json_loads("{\"columns\":[\"command\",\"help\"],\"rows\":["
			  "[\"call list [--peer PEER]\",\"x\"],[\"call show CALL\",\"x\"],"
			  "[\"call kill CALL\",\"x\"],[\"cert list\",\"x\"],"
			  "[\"status\",\"x\"],[\"lookup NUMBER|URI\",\"x\"]]}",
			  0, NULL);
}

static void test_complete(void **state)
{
	static const struct {
		const char *line, *candidates;
		size_t typed;
	} rows[] = {
		{"", "call cert status lookup ", 0},
		{"c", "call cert ", 1},
		{"  ca", "call ", 2},
		{"call", "call ", 4},
		{"call ", "list show kill ", 0},
		{"call s", "show ", 1},
		{"call  s", "show ", 1},
		{"call show ", "", 0},
		{"status ", "", 0},
		{"lookup ", "", 0}, /* what follows is an argument */
		{"zzz", "", 3},
		{"zzz l", "", 1},
	};
	json_t *help = help_of_a_daemon();

	(void)state;
	assert_non_null(help);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cli_candidates c;
		char text[128] = "";
		size_t typed = cli_line_complete(help, rows[i].line, strlen(rows[i].line), &c);

		for (size_t k = 0; k < c.n; k++) {
			strcat(text, c.words[k]);
			strcat(text, " ");
		}
		assert_string_equal(text, rows[i].candidates);
		assert_int_equal(typed, rows[i].typed);
		cli_line_forget(&c);
	}
	json_decref(help);
}

static void test_complete_without_help(void **state)
{
	struct cli_candidates c;
	json_t *odd = json_loads("{\"rows\":[1,[],[null],[\"\"],{}]}", 0, NULL);

	(void)state;
	cli_line_complete(NULL, "ca", 2, &c);
	assert_int_equal(c.n, 0);
	cli_line_complete(odd, "", 0, &c);
	assert_int_equal(c.n, 0);
	json_decref(odd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_refuses),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_complete_without_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
