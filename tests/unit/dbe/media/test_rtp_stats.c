/* SPDX-License-Identifier: Apache-2.0 */
/* Loss and jitter per RFC 3550 A.1, A.3, A.8; silence per H.248.40 (J7, B13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dbe/media/rtp_stats.h"
#include "dbe/media/silence.h"

static struct rtp_stats stats;

static int setup(void **state)
{
	(void)state;
	memset(&stats, 0, sizeof(stats));
	return 0;
}

static void feed(uint32_t ssrc, uint16_t sequence, uint32_t timestamp, uint64_t arrival_us)
{
	struct rtp_sample p = {.ssrc = ssrc,
			       .sequence = sequence,
			       .timestamp = timestamp,
			       .clock_hz = 8000,
			       .arrival_us = arrival_us};

	rtp_stats_feed(&stats, &p);
}

static void test_no_loss_across_the_wrap(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 70000; i++)
		feed(1, (uint16_t)(65530 + i), i * 160, i * 20000ULL);
	assert_int_equal(rtp_stats_lost(&stats), 0);
	assert_int_equal(rtp_stats_jitter_us(&stats), 0);
}

static void test_counts_gaps_also_at_the_wrap(void **state)
{
	uint32_t lost = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		if (i % 10 == 5)
			lost++;
		else
			feed(1, (uint16_t)(65000 + i), i * 160, i * 20000ULL);
	}
	assert_int_equal(rtp_stats_lost(&stats), lost);
}

static void test_reordering_is_not_loss(void **state)
{
	(void)state;
	feed(1, 10, 0, 0);
	feed(1, 12, 320, 40000);
	assert_int_equal(rtp_stats_lost(&stats), 1);
	feed(1, 11, 160, 41000);
	assert_int_equal(rtp_stats_lost(&stats), 0);
}

static void test_duplicates_never_go_below_zero(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		feed(1, 10, 0, 0);
	assert_int_equal(rtp_stats_lost(&stats), 0);
}

static void test_ssrc_change_restarts_and_keeps_the_total(void **state)
{
	(void)state;
	feed(1, 100, 0, 0);
	feed(1, 104, 640, 80000); /* 3 lost */
	feed(2, 40000, 99, 100000);
	feed(2, 40002, 419, 140000); /* 1 lost */
	assert_int_equal(rtp_stats_lost(&stats), 4);
	assert_int_equal(stats.restarts, 1);
}

static void test_b4_sequence_jump_needs_a_second_packet(void **state)
{
	(void)state;
	feed(1, 100, 0, 0);
	feed(1, 101, 160, 20000);
	feed(1, 32869, 320, 40000); /* alone: ignored */
	feed(1, 102, 320, 40000);
	assert_int_equal(rtp_stats_lost(&stats), 0);
	assert_int_equal(stats.restarts, 0);
	feed(1, 33000, 0, 60000);
	feed(1, 33001, 160, 80000); /* follows on: the sender restarted */
	assert_int_equal(stats.restarts, 1);
	feed(1, 33003, 480, 120000);
	assert_int_equal(rtp_stats_lost(&stats), 1);
}

/* The arithmetic of A.8 written down again in floating point, as 6.4.1 defines it. */
static void test_jitter_follows_the_definition(void **state)
{
	double jitter = 0, last_transit = 0;
	uint64_t arrival_us;

	(void)state;
	srand(7);
	for (uint32_t i = 0; i < 2000; i++) {
		double transit;

		arrival_us =
			i * 20000ULL + (uint64_t)(rand() % 80) * 125; /* whole timestamp units */
		feed(1, (uint16_t)i, i * 160, arrival_us);
		transit = (double)arrival_us * 8000 / 1e6 - i * 160.0;
		if (i > 0)
			jitter += ((transit > last_transit ? transit - last_transit
							   : last_transit - transit) -
				   jitter) /
				  16;
		last_transit = transit;
	}
	assert_true(jitter > 10);
	assert_in_range(rtp_stats_jitter_us(&stats), (uint64_t)((jitter - 1) * 125),
			(uint64_t)((jitter + 1) * 125));
	assert_true(stats.jitter_max_us >= rtp_stats_jitter_us(&stats));
}

static void test_jitter_survives_timestamp_wrap_and_leap(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		feed(1, (uint16_t)i, 0xffffff00U + i * 160, i * 20000ULL);
	assert_int_equal(rtp_stats_jitter_us(&stats), 0);
	feed(1, 100, 12345678, 2000000);
	assert_int_equal(rtp_stats_jitter_us(&stats), 0);
}

static void test_jitter_with_a_month_of_uptime(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		feed(1, (uint16_t)i, i * 160, 2600000000000ULL + i * 20000ULL);
	assert_int_equal(rtp_stats_jitter_us(&stats), 0);
}

static void test_silence_is_reported_once_and_ends_with_a_packet(void **state)
{
	struct silence s = {0};
	uint32_t next = 0;

	(void)state;
	silence_set(&s, true, 1000, 3000, 1000000);
	assert_int_equal(silence_check(&s, 0, 1000000, &next), SILENCE_SAME);
	assert_int_equal(next, 3000); /* first packet has its own limit */
	assert_int_equal(silence_check(&s, 2000000, 2500000, &next), SILENCE_SAME);
	assert_int_equal(next, 500);
	assert_int_equal(silence_check(&s, 2000000, 3000000, &next), SILENCE_BEGAN);
	assert_int_equal(silence_check(&s, 2000000, 9000000, &next), SILENCE_SAME);
	silence_set(&s, true, 60000, 0, 9000000); /* a longer limit is no packet */
	assert_int_equal(silence_check(&s, 2000000, 9000001, &next), SILENCE_SAME);
	assert_int_equal(silence_check(&s, 9100000, 9200000, &next), SILENCE_ENDED);
	assert_int_equal(silence_check(&s, 9100000, 9201000, &next), SILENCE_SAME);
	assert_true(next > 59000);
}

static void test_silence_waits_while_on_hold(void **state)
{
	struct silence s = {0};
	uint32_t next = 0;

	(void)state;
	silence_set(&s, true, 1000, 0, 0);
	assert_int_equal(silence_check(&s, 0, 1000000, &next), SILENCE_BEGAN);
	silence_set(&s, false, 1000, 0, 1000000);
	assert_int_equal(silence_check(&s, 0, 9000000, &next), SILENCE_SAME);
	assert_int_equal(next, 0);
	/* taken off hold: a full period again */
	silence_set(&s, true, 1000, 0, 9000000);
	assert_int_equal(silence_check(&s, 0, 9500000, &next), SILENCE_SAME);
	assert_int_equal(next, 500);
	assert_int_equal(silence_check(&s, 0, 10000000, &next), SILENCE_BEGAN);
}

static void test_silence_zero_is_off(void **state)
{
	struct silence s = {0};
	uint32_t next = 9;

	(void)state;
	silence_set(&s, true, 0, 500, 0);
	assert_int_equal(silence_check(&s, 0, 1000000000, &next), SILENCE_SAME);
	assert_int_equal(next, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_loss_across_the_wrap, setup),
		cmocka_unit_test_setup(test_counts_gaps_also_at_the_wrap, setup),
		cmocka_unit_test_setup(test_reordering_is_not_loss, setup),
		cmocka_unit_test_setup(test_duplicates_never_go_below_zero, setup),
		cmocka_unit_test_setup(test_ssrc_change_restarts_and_keeps_the_total, setup),
		cmocka_unit_test_setup(test_b4_sequence_jump_needs_a_second_packet, setup),
		cmocka_unit_test_setup(test_jitter_follows_the_definition, setup),
		cmocka_unit_test_setup(test_jitter_survives_timestamp_wrap_and_leap, setup),
		cmocka_unit_test_setup(test_jitter_with_a_month_of_uptime, setup),
		cmocka_unit_test(test_silence_is_reported_once_and_ends_with_a_packet),
		cmocka_unit_test(test_silence_waits_while_on_hold),
		cmocka_unit_test(test_silence_zero_is_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
