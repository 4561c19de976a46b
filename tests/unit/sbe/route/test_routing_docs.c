/* SPDX-License-Identifier: Apache-2.0 */
/* The examples in docs/routing.md load with the peers of the bed, and do what the text says. */
#include "tests/unit/sbe/route/route_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bed bed;
static char *text;

static int read_document(void **state)
{
	FILE *f = fopen("docs/routing.md", "rb");

	(void)state;
	text = calloc(1, 65536);
	if (!f || !text || !fread(text, 1, 65535, f))
		return -1;
	return fclose(f);
}

static int forget_document(void **state)
{
	(void)state;
	free(text);
	return 0;
}

/* Load the nth example. @return false: there are not so many. */
static bool load(unsigned nth)
{
	static char members[8192];
	const char *at = text, *end;

	do {
		at = strstr(at, "```json\n{");
		if (!at)
			return false;
		at += strlen("```json\n{");
	} while (nth--);
	end = strstr(at, "\n}\n```");
	assert_non_null(end);
	snprintf(members, sizeof(members), "%.*s", (int)(end - at), at);
	if (bed_up(&bed, members))
		fail_msg("%s in\n%s", bed.error.text, members);
	return true;
}

static void all_of_them_load(void **state)
{
	unsigned n = 0;

	(void)state;
	for (; load(n); n++)
		bed_down(&bed);
	assert_in_range(n, 5, 20);
}

static void they_do_what_is_said(void **state)
{
	struct route_quality poor = {.calls = 50, .asr_percent = 39};

	(void)state;
	load(0);
	bed.method = "INVITE";
	bed.at_wall_ms = 1767268800000ULL; /* a Thursday, 12:00 UTC */
	assert_string_equal(bed_plan(&bed, "pbx", "+4420", "a.example", 1),
			    "office: bnet/0 bnet/1");
	bed.at_wall_ms += 12 * 3600000ULL;
	bed.calling = "+442079460000";
	assert_string_equal(bed_plan(&bed, "pbx", "+4420", "a.example", 1), "own-callers: cnet/0");
	bed.calling = "+33";
	assert_string_equal(bed_plan(&bed, "pbx", "+4420", "a.example", 1), "rest: dnet/0");
	bed_down(&bed);
	load(1);
	assert_string_equal(bed_plan(&bed, "pbx", "+4420", "a.example", 1),
			    "uk: bnet/0 bnet/1 cnet/0 dnet/0");
	bed.quality = &poor;
	assert_string_equal(bed_plan(&bed, "pbx", "+4420", "a.example", 1),
			    "uk: cnet/0 dnet/0 bnet/0 bnet/1");
	bed_down(&bed);
	load(2);
	bed_plan(&bed, "pbx", "+33", "a.example", 1);
	assert_string_equal(bed.plan.candidates[0].sed->routes, "<sip:i-sbe.b.example;lr>");
	bed_down(&bed);
	load(3);
	bed_plan(&bed, "pbx", "+44", "a.example", 1);
	assert_int_equal(bed.plan.failover.total_ms, 20000);
	bed_down(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_them_load),
		cmocka_unit_test(they_do_what_is_said),
	};

	return cmocka_run_group_tests(tests, read_document, forget_document);
}
