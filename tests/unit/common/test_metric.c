/* SPDX-License-Identifier: Apache-2.0 */
/* metric: counting, and text that Prometheus takes. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/metric.h"

#define APPLE_METRICS(X)                                                                           \
	X(APPLE_EATEN, COUNTER, "apple_eaten_total", "apples eaten")                               \
	X(FRUIT_BAD_APPLE, COUNTER, "fruit_bad_total{kind=\"apple\"}", "fruit thrown away")        \
	X(APPLE_LEFT, GAUGE, "apple_left", "apples in the basket")
#define PEAR_METRICS(X)                                                                            \
	X(FRUIT_BAD_PEAR, COUNTER, "fruit_bad_total{kind=\"pear\"}", "fruit thrown away")          \
	X(APPLE_LEFTOVER, GAUGE, "apple_leftover", "its name begins like another's")

METRIC_ENUM(apple_metrics, APPLE_METRICS)
METRIC_ENUM(pear_metrics, PEAR_METRICS)
METRIC_TABLE(apple_metrics, APPLE_METRICS)
METRIC_TABLE(pear_metrics, PEAR_METRICS)

static const char expected[] = "# HELP apple_eaten_total apples eaten\n"
			       "# TYPE apple_eaten_total counter\n"
			       "apple_eaten_total 3\n"
			       "# HELP fruit_bad_total fruit thrown away\n"
			       "# TYPE fruit_bad_total counter\n"
			       "fruit_bad_total{kind=\"apple\"} 1\n"
			       "fruit_bad_total{kind=\"pear\"} 5000000000\n"
			       "# HELP apple_left apples in the basket\n"
			       "# TYPE apple_left gauge\n"
			       "apple_left -2\n"
			       "# HELP apple_leftover its name begins like another's\n"
			       "# TYPE apple_leftover gauge\n"
			       "apple_leftover 0\n";

static void nothing_registered_prints_nothing(void **state)
{
	char buf[4] = "abc";

	(void)state;
	assert_int_equal(metric_print(buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(metric_print(NULL, 0), 0);
}

static void counts(void **state)
{
	(void)state;
	metric_add(&apple_metrics, APPLE_EATEN, 1);
	metric_add(&apple_metrics, APPLE_EATEN, 2);
	metric_set(&apple_metrics, APPLE_LEFT, 7);
	metric_set(&apple_metrics, APPLE_LEFT, -2);
	metric_add(&apple_metrics, FRUIT_BAD_APPLE, 1);
	metric_add(&pear_metrics, FRUIT_BAD_PEAR, 5000000000);
	assert_int_equal(metric_get(&apple_metrics, APPLE_EATEN), 3);
	assert_int_equal(metric_get(&apple_metrics, APPLE_LEFT), -2);
	assert_int_equal(metric_get(&pear_metrics, APPLE_LEFTOVER), 0);
}

static void prints_each_name_in_one_block(void **state)
{
	char buf[1024];

	(void)state;
	metric_register(&apple_metrics);
	metric_register(&pear_metrics);
	metric_register(&apple_metrics); /* twice is harmless */
	metric_register(&pear_metrics);
	assert_int_equal(metric_print(buf, sizeof(buf)), sizeof(expected) - 1);
	assert_string_equal(buf, expected);
}

static void printing_is_bounded_and_tells_the_need(void **state)
{
	(void)state;
	for (size_t size = 0; size <= sizeof(expected); size++) {
		char buf[sizeof(expected) + 1];

		memset(buf, '#', sizeof(buf));
		assert_int_equal(metric_print(buf, size), sizeof(expected) - 1);
		assert_int_equal(buf[size], '#');
		if (size > 0) {
			assert_int_equal(strlen(buf), size - 1);
			assert_memory_equal(buf, expected, size - 1);
		}
	}
}

static void append_name(const struct metric_def *def, int64_t value, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s=%d ", def->name, (int)(value % 1000));
}

static void walks_all_rows(void **state)
{
	char text[256] = "";

	(void)state;
	metric_each(append_name, text);
	assert_string_equal(text, "apple_eaten_total=3 fruit_bad_total{kind=\"apple\"}=1 "
				  "apple_left=-2 fruit_bad_total{kind=\"pear\"}=0 "
				  "apple_leftover=0 ");
}

/* Rows without a table stand behind; a page that has grown since it was measured ends with a whole line. */
static void prints_the_page(void **state)
{
	static const char page[] = "peer_calls{peer=\"a\"} 1\npeer_calls{peer=\"b\"} 2\n";
	char text[4096], all[4096];
	size_t n = metric_print(text, sizeof(text)), with;

	(void)state;
	assert_int_equal(metric_set_page(page, strlen(page)), 0);
	with = metric_print(all, sizeof(all));
	assert_int_equal(with, n + strlen(page));
	assert_memory_equal(all, text, n);
	assert_string_equal(all + n, page);
	metric_print(all, with);
	assert_string_equal(all + n, "peer_calls{peer=\"a\"} 1\n");
	mem_fail_at(1);
	assert_int_equal(metric_set_page("x 1\n", 4), -ENOMEM);
	assert_int_equal(metric_print(NULL, 0), with);
	assert_int_equal(metric_set_page(NULL, 0), 0);
	assert_int_equal(metric_print(NULL, 0), n);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_registered_prints_nothing),
		cmocka_unit_test(counts),
		cmocka_unit_test(prints_each_name_in_one_block),
		cmocka_unit_test(printing_is_bounded_and_tells_the_need),
		cmocka_unit_test(walks_all_rows),
		cmocka_unit_test(prints_the_page),
	};

	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
