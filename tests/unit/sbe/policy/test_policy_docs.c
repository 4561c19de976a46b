/* SPDX-License-Identifier: Apache-2.0 */
/* The examples in docs/policy.md load, and the one with a message gives what is printed there. */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text;

static int read_document(void **state)
{
	FILE *f = fopen("docs/policy.md", "rb");

	(void)state;
	text = calloc(1, 65536);
	if (!f || !fread(text, 1, 65535, f))
		return -1;
	return fclose(f);
}

static int forget_document(void **state)
{
	(void)state;
	bed_down();
	free(text);
	return 0;
}

/* The nth block of a kind, owned by the caller; NULL = there are not so many. */
static char *block(const char *kind, unsigned nth)
{
	char mark[32];
	const char *at = text;

	snprintf(mark, sizeof(mark), "```%s\n", kind);
	do {
		at = strstr(at, mark);
		if (!at)
			return NULL;
		at += strlen(mark);
	} while (nth--);
	return strndup(at, (size_t)(strstr(at, "```") - at));
}

static void every_example_loads(void **state)
{
	static char whole[16384];
	unsigned n = 0;
	char *json;

	(void)state;
	for (; (json = block("json", n)); n++) {
		struct conf_error err = {""};
		bool all = strstr(json, "\"peers\"") != NULL;

		snprintf(
			whole, sizeof(whole), "%s%s%s",
			all ? ""
			    : "{\"peers\":{\"p\":{\"realm\":\"r\",\"sources\":[\"10.0.0.1\"],\"policy\":",
			json, all ? "" : "}}}");
		if (bed_load(whole, &err))
			fail_msg("example %u: %s\n%s", n + 1, err.text, json);
		bed_down();
		free(json);
	}
	assert_in_range(n, 5, 50);
}

static void what_is_printed(void **state)
{
	char *json = block("json", 0), *message = block("sip", 0), *want = block("text", 0),
	     *at = strstr(json, "\"bnet\": {"), whole[8192];
	const char *why = "";
	json_t *table, *row;
	size_t i;

	(void)state;
	snprintf(whole, sizeof(whole),
		 "%.*s\"pbx\": {\"realm\": \"core\", \"sources\": [\"10.0.0.10\"]},\n%s",
		 (int)(at - json), json, at);
	bed_up(whole, "pbx", "bnet");
	assert_int_equal(policy_preview(&bed.way, message, strlen(message), &table, &why), 0);
	json_array_foreach(json_object_get(table, "rows"), i, row) {
		const char *mark = json_string_value(json_array_get(row, 0)),
			   *line = json_string_value(json_array_get(row, 1)),
			   *rule = json_string_value(json_array_get(row, 2));
		char printed[1024];

		snprintf(printed, sizeof(printed), "%s %s%s%s\n", mark, line,
			 *rule ? "    <- " : "", rule);
		if ((!strncmp(line, "X-", 2) || !strncmp(line, "Subject", 7)) &&
		    !strstr(want, printed))
			fail_msg("not in the document: %s", printed);
		if (!strncmp(line, "X-Trunk", 7))
			at = NULL;
	}
	assert_null(at);
	json_decref(table);
	free(json);
	free(message);
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_loads),
		cmocka_unit_test(what_is_printed),
	};

	return cmocka_run_group_tests(tests, read_document, forget_document);
}
