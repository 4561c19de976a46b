/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `policy test` on the cases in tests/golden/policy: a configuration, a message, and what becomes of it with the rule that
 * did it. UPDATE_GOLDEN=1 writes what comes out now; look at the difference before it is kept.
 */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_in_range(fread(text, 1, 65535, f), 1, 65534);
	fclose(f);
	return text;
}

/* Text between "== name\n" and the next "== "; owned by the caller. */
static char *section(const char *text, const char *name)
{
	char mark[64];
	const char *at, *end;

	snprintf(mark, sizeof(mark), "== %s\n", name);
	at = strstr(text, mark);
	if (!at)
		return strdup("");
	at += strlen(mark);
	end = strstr(at, "\n== ");
	return end ? strndup(at, (size_t)(end - at) + 1) : strdup(at);
}

static void add_text(char *out, const char *line, const char *why)
{
	strcat(out, line);
	if (*why) {
		strcat(out, "    <- ");
		strcat(out, why);
	}
	strcat(out, "\n");
}

static char *result(const char *message)
{
	char *out = calloc(1, 65536), line[2048];
	const char *why = "";
	json_t *table, *row, *refused;
	size_t i;
	int err = policy_preview(&bed.way, message, strlen(message), &table, &why);

	if (err) {
		snprintf(out, 65536, "not taken: %s\n", why);
		return out;
	}
	refused = json_object_get(table, "refused");
	if (refused) {
		snprintf(line, sizeof(line), "refused: %lld %s",
			 (long long)json_integer_value(json_object_get(refused, "status")),
			 json_string_value(json_object_get(refused, "cause")));
		add_text(out, line, "");
	}
	json_array_foreach(json_object_get(table, "rows"), i, row) {
		snprintf(line, sizeof(line), "%s %s", json_string_value(json_array_get(row, 0)),
			 json_string_value(json_array_get(row, 1)));
		add_text(out, line, json_string_value(json_array_get(row, 2)));
	}
	json_decref(table);
	return out;
}

static void one(const char *path)
{
	char *text = read_file(path), *conf = section(text, "conf"), *from = section(text, "from"),
	     *to = section(text, "to"), *message = section(text, "message"),
	     *want = section(text, "want"), *got;

	from[strcspn(from, "\n")] = '\0';
	to[strcspn(to, "\n")] = '\0';
	bed_up(conf, *from ? from : NULL, *to ? to : NULL);
	got = result(message);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *f = fopen(path, "wb");
		const char *end = strstr(text, "== want\n");

		fprintf(f, "%.*s== want\n%s", (int)(end - text), text, got);
		fclose(f);
	} else if (strcmp(got, want)) {
		fail_msg("%s gives\n%s", path, got);
	}
	bed_down();
	free(text);
	free(conf);
	free(from);
	free(to);
	free(message);
	free(want);
	free(got);
}

static void golden(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("tests/golden/policy/*.case", 0, NULL, &g), 0);
	assert_in_range(g.gl_pathc, 5, 500);
	for (size_t i = 0; i < g.gl_pathc; i++)
		one(g.gl_pathv[i]);
	globfree(&g);
}

static void what_is_no_message(void **state)
{
	static char large[70000];
	const char *why = "";
	json_t *table = NULL;

	(void)state;
	bed_peers(NULL, NULL);
	assert_int_equal(policy_preview(&bed.way, "hello", 5, &table, &why), -EBADMSG);
	assert_true(*why != '\0');
	memset(large, 'x', sizeof(large));
	assert_int_equal(policy_preview(&bed.way, large, sizeof(large), &table, &why), -E2BIG);
	assert_null(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(golden),
		BED_TEST(what_is_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
