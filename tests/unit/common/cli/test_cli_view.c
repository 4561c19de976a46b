/* SPDX-License-Identifier: Apache-2.0 */
/* Golden outputs: JSON in, text out, byte by byte. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/cli_view.h"
#include "common/mem.h"

static char *render(const char *json, bool colour)
{
	json_error_t e;
	json_t *data = json_loads(json, JSON_DECODE_ANY, &e);
	char *text = NULL;
	size_t size_bytes;
	FILE *f = open_memstream(&text, &size_bytes);

	if (!data)
		fail_msg("%s", e.text);
	assert_int_equal(cli_view_print(f, data, colour), 0);
	fclose(f);
	json_decref(data);
	return text;
}

static void assert_view(const char *json, const char *golden)
{
	char *text = render(json, false);

	assert_string_equal(text, golden);
	free(text);
}

static void test_table(void **state)
{
	(void)state;
	assert_view("{\"columns\":[\"name\",\"calls\",\"state\"],\"rows\":["
		    "[\"pbx\",5,\"up\"],[\"a-long-peer\",1234,\"down\"],[\"x\",null,null]]}",
		    "NAME         CALLS  STATE\n"
		    "pbx              5  up\n"
		    "a-long-peer   1234  down\n"
		    "x                -  -\n");
}

static void test_table_cells(void **state)
{
	(void)state;
	assert_view("{\"columns\":[\"a\",\"b\"],\"rows\":[[true,1.5],[false,-2],[[1,2],\"x\"],"
		    "[[],{}],[\"short\"],[\"surplus\",1,2]]}",
		    "A        B\n"
		    "yes      1.5\n"
		    "no       -2\n"
		    "1,2      x\n"
		    "-        {...}\n"
		    "short    -\n"
		    "surplus  1\n");
}

static void test_table_without_rows_and_with_more(void **state)
{
	(void)state;
	assert_view("{\"columns\":[\"name\",\"calls\"],\"rows\":[]}", "NAME  CALLS\n");
	assert_view("{\"columns\":[\"n\"],\"rows\":[[1]],\"total\":17,\"cut\":true}",
		    "N\n"
		    "1\n"
		    "total: 17\n"
		    "cut:   yes\n");
	assert_view("{\"columns\":[],\"rows\":[[1]]}", "");
}

static void test_utf8_counts_characters(void **state)
{
	(void)state;
	assert_view(
		"{\"columns\":[\"n\",\"x\"],\"rows\":[[\"z\xc3\xbcrich\",\"a\"],[\"zug\",\"b\"]]}",
		"N       X\n"
		"z\xc3\xbcrich  a\n"
		"zug     b\n");
}

static void test_tree(void **state)
{
	(void)state;
	assert_view("{\"node\":\"sbe1\",\"uptime_s\":61,\"ready\":true,\"note\":null,"
		    "\"domains\":[\"a.example\",\"b.example\"],\"empty\":[],"
		    "\"calls\":{\"active\":3,\"peak\":10},"
		    "\"deep\":{\"er\":{\"est\":1.25}}}",
		    "node:     sbe1\n"
		    "uptime_s: 61\n"
		    "ready:    yes\n"
		    "note:     -\n"
		    "domains:  a.example, b.example\n"
		    "empty:    -\n"
		    "calls:\n"
		    "  active: 3\n"
		    "  peak:   10\n"
		    "deep:\n"
		    "  er:\n"
		    "    est: 1.25\n");
}

static void test_uniform_array_is_a_table(void **state)
{
	(void)state;
	assert_view(
		"{\"legs\":[{\"side\":\"A\",\"packets\":10},{\"side\":\"B\",\"packets\":9999}]}",
		"legs:\n"
		"  SIDE  PACKETS\n"
		"  A          10\n"
		"  B        9999\n");
	/* Order of keys may differ; the first one's counts. */
	assert_view("[{\"a\":1,\"b\":2},{\"b\":4,\"a\":3}]", "A  B\n"
							     "1  2\n"
							     "3  4\n");
}

static void test_nested_table(void **state)
{
	(void)state;
	assert_view("{\"steps\":{\"columns\":[\"step\"],\"rows\":[[\"one\"]]}}", "steps:\n"
										 "  STEP\n"
										 "  one\n");
}

static void test_array_of_different_objects(void **state)
{
	(void)state;
	assert_view("{\"x\":[{\"a\":1},{\"b\":{\"c\":2}},3,[1,2],[[1],{}]]}", "x:\n"
									      "  - \n"
									      "    a: 1\n"
									      "  - \n"
									      "    b:\n"
									      "      c: 2\n"
									      "  - 3\n"
									      "  - 1, 2\n"
									      "  - [[1],{}]\n");
}

static void test_text_is_printed_as_it_is(void **state)
{
	(void)state;
	assert_view("{\"text\":\"one\\n  two\\n\\nthree\\n\",\"n\":1}", "one\n"
									"  two\n"
									"\n"
									"three\n"
									"n: 1\n");
	assert_view("{\"text\":[\"one\",\"\",\"two\"]}", "one\n\ntwo\n");
	assert_view("{\"leg\":{\"text\":\"inside\"}}", "leg:\n  inside\n");
	assert_view("{\"text\":[1,2]}", "text: 1, 2\n");
}

/* An SDP in a member of its own stands as a block. */
static void test_string_of_many_lines(void **state)
{
	(void)state;
	assert_view("{\"sdp\":\"v=0\\r\\ns=-\\r\\n\",\"n\":1}", "sdp:\n"
								"  v=0\n"
								"  s=-\n"
								"n: 1\n");
}

static void test_scalars_and_nothing(void **state)
{
	(void)state;
	assert_view("null", "");
	assert_view("\"plain\"", "plain\n");
	assert_view("42", "42\n");
	assert_view("{}", "");
	assert_view("[]", "");
	assert_int_equal(cli_view_print(stdout, NULL, false), 0);
}

/* A29: what a peer put into a name must not steer the operator's terminal. */
static void test_control_characters_are_escaped(void **state)
{
	(void)state;
	assert_view("{\"ua\":\"\\u001b[2Jgone\\u0007\",\"k\\u001b\":\"a\\rb\\tc\"}",
		    "ua:    \\x1b[2Jgone\\x07\n"
		    "k\\x1b: a\\x0db\\x09c\n");
	assert_view(
		"{\"columns\":[\"n\"],\"rows\":[[\"a\\nb\"],[\"\xc2\x9b x\"],[\"\\u202eabc\"]]}",
		"N\n"
		"a\\x0ab\n"
		"\\x9b x\n"
		"\\u{202e}abc\n");
	assert_view("{\"text\":\"a\\u001b[1mb\"}", "a\\x1b[1mb\n");
}

static void test_depth_is_bounded(void **state)
{
	char json[4096] = "", *text;

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(json, "{\"a\":");
	strcat(json, "1");
	for (int i = 0; i < 200; i++)
		strcat(json, "}");
	text = render(json, false);
	assert_non_null(strstr(text, "{\"a\":{\"a\":"));
	assert_true(strlen(text) < 4096);
	free(text);
}

static void test_colour_only_when_asked(void **state)
{
	char *text = render("{\"columns\":[\"n\"],\"rows\":[[\"x\"]],\"k\":1}", true);

	(void)state;
	assert_string_equal(text, "\033[1mN\033[0m\nx\n\033[1mk\033[0m: 1\n");
	free(text);
}

static void test_json_keeps_order_and_version(void **state)
{
	json_t *reply = json_loads("{\"v\":1,\"code\":0,\"data\":{\"z\":1,\"a\":[]}}", 0, NULL);
	char *text = NULL;
	size_t size_bytes;
	FILE *f = open_memstream(&text, &size_bytes);

	(void)state;
	assert_int_equal(cli_view_json(f, reply), 0);
	fclose(f);
	assert_string_equal(text, "{\n"
				  "  \"v\": 1,\n"
				  "  \"code\": 0,\n"
				  "  \"data\": {\n"
				  "    \"z\": 1,\n"
				  "    \"a\": []\n"
				  "  }\n"
				  "}\n");
	free(text);
	json_decref(reply);
}

static void test_no_memory(void **state)
{
	json_t *data = json_loads("{\"columns\":[\"n\"],\"rows\":[[1]]}", 0, NULL);

	(void)state;
	mem_fail_at(1);
	assert_int_equal(cli_view_print(stdout, data, false), -12);
	mem_fail_at(0);
	json_decref(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_cells),
		cmocka_unit_test(test_table_without_rows_and_with_more),
		cmocka_unit_test(test_utf8_counts_characters),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_uniform_array_is_a_table),
		cmocka_unit_test(test_nested_table),
		cmocka_unit_test(test_array_of_different_objects),
		cmocka_unit_test(test_text_is_printed_as_it_is),
		cmocka_unit_test(test_string_of_many_lines),
		cmocka_unit_test(test_scalars_and_nothing),
		cmocka_unit_test(test_control_characters_are_escaped),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_colour_only_when_asked),
		cmocka_unit_test(test_json_keeps_order_and_version),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
