/* SPDX-License-Identifier: Apache-2.0 */
/* rate: exact over any pattern of questions, bounded by the burst, deaf to clocks going back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>

#include "common/rate.h"

static unsigned taken(struct rate *r, unsigned tries, uint64_t now_us)
{
	unsigned n = 0;

	while (tries-- > 0)
		n += rate_take(r, 1, now_us);
	return n;
}

static void starts_full_and_refills(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, 10, 5, 1000);
	assert_int_equal(taken(&r, 100, 1000), 5);
	assert_false(rate_take(&r, 1, 1000 + 99999));
	assert_true(rate_take(&r, 1, 1000 + 100000));
	assert_false(rate_take(&r, 1, 1000 + 100000));
	/* a long pause fills the bucket and no more */
	assert_int_equal(taken(&r, 100, 1000 + 3600000000), 5);
}

static void no_token_is_lost_by_rounding(void **state)
{
	struct rate r;
	unsigned n = 0;

	(void)state;
	rate_init(&r, 3, 1, 0);
	for (uint64_t now_us = 7; now_us <= 100000000; now_us += 7)
		n += rate_take(&r, 1, now_us);
	/* 1 + 3 * 100 s; the bucket of one token loses at most a step each time it was full */
	assert_in_range(n, 300, 301);
}

static void failure_takes_nothing(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, 1, 10, 0);
	assert_false(rate_take(&r, 11, 0));
	assert_true(rate_take(&r, 4, 0));
	assert_false(rate_take(&r, 7, 0));
	assert_true(rate_take(&r, 6, 0));
	assert_true(rate_take(&r, 0, 0));
	assert_false(rate_take(&r, UINT64_MAX, 0));
}

static void zero_means_defaults(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, 0, 0, 0);
	assert_true(rate_take(&r, UINT64_MAX, 0)); /* no limit */
	rate_init(&r, 7, 0, 0);
	assert_int_equal(taken(&r, 100, 0), 7); /* burst is a second's worth */
}

static void extremes_do_not_overflow(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, UINT64_MAX, UINT64_MAX, 0);
	assert_true(rate_take(&r, UINT64_MAX / 1000000, 0));
	assert_false(rate_take(&r, 1, 0));
	assert_true(rate_take(&r, UINT64_MAX / 1000000, UINT64_MAX));
	rate_init(&r, 1000000000, 1, 500);
	assert_true(rate_take(&r, 1, 500));
	assert_false(rate_take(&r, 1, 400)); /* D7: an older time gives nothing */
	assert_true(rate_take(&r, 1, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_full_and_refills),
		cmocka_unit_test(no_token_is_lost_by_rounding),
		cmocka_unit_test(failure_takes_nothing),
		cmocka_unit_test(zero_means_defaults),
		cmocka_unit_test(extremes_do_not_overflow),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
