/* SPDX-License-Identifier: Apache-2.0 */
/* The controller of overload under a simulated clock and load (E2, E7, S10): a loop with one processor and a queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sbe/sip/overload.h"

/*
 * The box: a call costs COST_US in all, in messages spread over its life; a refused one costs SHED_US. Messages
 * wait in one queue, as they do in a socket.
 */
#define COST_US 1000U /* 1000 calls a second fill it */
#define SHED_US 25U
#define HOLD_US 1000000U
#define QUEUE_MAX 400000U

struct item {
	uint64_t at_us;
	bool first, last; /* of a call */
};

static struct item queue[QUEUE_MAX];
static size_t head, tail;
/* what calls that were let in will send later, at fixed distances: one list for each is sorted by itself */
static struct item later[4][QUEUE_MAX];
static size_t later_head[4], later_tail[4];
static const uint32_t distance_us[4] = {5000, 60000, 80000, HOLD_US};
static uint32_t seed;

struct box {
	struct overload o;
	uint64_t now_us, idle_us, next_call_us, next_tick_us, stall_until_us;
	uint64_t offered, admitted, finished, shed;
	uint64_t delay_max_us;
	double admit_low, admit_high;
};

static uint32_t rnd(void)
{
	seed = seed * 1664525U + 1013904223U;
	return seed >> 8;
}

static void box_start(struct box *b, uint32_t first_seed)
{
	struct overload_options o = {0};

	memset(b, 0, sizeof(*b));
	head = tail = 0;
	memset(later_head, 0, sizeof(later_head));
	memset(later_tail, 0, sizeof(later_tail));
	seed = first_seed;
	overload_init(&b->o, &o, 0);
	b->next_tick_us = OVERLOAD_TICK_MS * 1000;
}

static void box_counts_zero(struct box *b)
{
	b->offered = b->admitted = b->finished = b->shed = b->delay_max_us = 0;
	b->admit_low = 1;
	b->admit_high = 0;
}

static void arrive(struct box *b, uint32_t rate)
{
	while (rate && b->next_call_us <= b->now_us) {
		queue[tail++ % QUEUE_MAX] = (struct item){b->next_call_us, true, false};
		b->offered++;
		b->next_call_us += 1 + rnd() % (2 * 1000000U / rate);
	}
	for (int k = 0; k < 4; k++)
		while (later_head[k] != later_tail[k] &&
		       later[k][later_head[k] % QUEUE_MAX].at_us <= b->now_us)
			queue[tail++ % QUEUE_MAX] = later[k][later_head[k]++ % QUEUE_MAX];
}

static void handle(struct box *b, struct item i)
{
	uint64_t waited_us = b->now_us - i.at_us;

	overload_waited(&b->o, waited_us);
	if (waited_us > b->delay_max_us)
		b->delay_max_us = waited_us;
	if (!i.first) {
		b->now_us += COST_US / 6;
		b->finished += i.last;
		return;
	}
	if (rnd() % OVERLOAD_WHOLE >= overload_admit(&b->o) ||
	    overload_too_late(&b->o, waited_us)) {
		b->now_us += SHED_US;
		b->shed++;
		return;
	}
	b->now_us += COST_US - 4 * (COST_US / 6);
	b->admitted++;
	for (int k = 0; k < 4; k++)
		later[k][later_tail[k]++ % QUEUE_MAX] =
			(struct item){b->now_us + distance_us[k], false, k == 3};
}

static void tick(struct box *b)
{
	struct overload_sample s = {.now_us = b->now_us, .idle_us = b->idle_us};

	overload_tick(&b->o, &s);
	b->next_tick_us = b->now_us + OVERLOAD_TICK_MS * 1000;
	if (b->o.admit < b->admit_low)
		b->admit_low = b->o.admit;
	if (b->o.admit > b->admit_high)
		b->admit_high = b->o.admit;
	if (getenv("OVERLOAD_TRACE"))
		printf("%6.1f admit %.3f delay %.1f busy %.2f queue %zu\n", (double)b->now_us / 1e6,
		       b->o.admit, b->o.delay_ms, b->o.busy, tail - head);
}

static void box_run(struct box *b, uint32_t rate, uint32_t ms)
{
	uint64_t end_us = b->now_us + ms * 1000ULL;

	if (b->next_call_us < b->now_us)
		b->next_call_us = b->now_us;
	while (b->now_us < end_us) {
		arrive(b, rate);
		if (b->now_us >= b->next_tick_us)
			tick(b);
		if (head != tail) {
			handle(b, queue[head++ % QUEUE_MAX]);
		} else {
			b->now_us += 50;
			b->idle_us += 50;
		}
	}
}

/* ---- */

static void below_capacity_nothing_is_shed(void **state)
{
	struct box b;

	(void)state;
	box_start(&b, 1);
	box_run(&b, 850, 20000);
	assert_int_equal(b.shed, 0);
	assert_int_equal(overload_level(&b.o), 0);
	assert_true(b.finished > 850 * 18);
}

/* Goodput of the calls that finish within the time, after the first seconds. */
static double goodput(uint32_t rate, struct box *b)
{
	box_start(b, 7);
	box_run(b, 500, 3000);
	box_run(b, rate, 6000);
	box_counts_zero(b);
	box_run(b, rate, 20000);
	return (double)b->finished / 20;
}

static void goodput_stays_in_overload(void **state)
{
	static const struct {
		uint32_t rate, least;
	} cases[] = {{1100, 900}, {2000, 900}, {5000, 800}, {10000, 700}};
	struct box b;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double good = goodput(cases[i].rate, &b);

		printf("  %u offered: %.0f finished, delay at most %.0f ms, share %.3f to %.3f\n",
		       cases[i].rate, good, (double)b.delay_max_us / 1000, b.admit_low,
		       b.admit_high);
		assert_true(good >= cases[i].least);
		assert_true(b.delay_max_us < 500000);
	}
}

static void the_share_is_smooth(void **state)
{
	struct box b;

	(void)state;
	goodput(2000, &b);
	assert_true(b.admit_low > 0.25);
	assert_true(b.admit_high < 0.75);
}

static void a_step_is_answered_within_a_second(void **state)
{
	struct box b;

	(void)state;
	box_start(&b, 3);
	box_run(&b, 500, 5000);
	box_counts_zero(&b);
	box_run(&b, 5000, 3000);
	assert_true(b.delay_max_us < 800000);
	box_counts_zero(&b);
	box_run(&b, 5000, 3000);
	assert_true(b.delay_max_us < 400000);
}

static void all_is_normal_soon_after(void **state)
{
	struct box b;

	(void)state;
	box_start(&b, 5);
	box_run(&b, 5000, 20000);
	assert_true(overload_level(&b.o) > 50);
	assert_true(b.o.shedding);
	box_run(&b, 500, 8000);
	assert_int_equal(overload_level(&b.o), 0);
	assert_false(b.o.shedding);
	box_counts_zero(&b);
	box_run(&b, 800, 5000);
	assert_int_equal(b.shed, 0);
}

/* The processor was somebody else's for a while: late, but the loop has time, so nothing is to be shed. */
static void a_machine_that_stood_still_is_no_overload(void **state)
{
	struct overload_options none = {0};
	struct overload_sample s = {0};
	struct overload o;

	(void)state;
	overload_init(&o, &none, 0);
	for (int i = 0; i < 50; i++) {
		for (int k = 0; k < 20; k++)
			overload_waited(&o, 100000);
		s.now_us += OVERLOAD_TICK_MS * 1000;
		s.idle_us += OVERLOAD_TICK_MS * 500; /* half of the time idle */
		overload_tick(&o, &s);
		assert_int_equal(overload_level(&o), 0);
		assert_false(overload_too_late(&o, 900000));
	}
}

static void one_long_turn_is_no_overload(void **state)
{
	struct overload_options none = {0};
	struct overload_sample s = {0};
	struct overload o;

	(void)state;
	overload_init(&o, &none, 0);
	for (int i = 0; i < 2; i++) {
		overload_waited(&o, 80000);
		s.now_us += OVERLOAD_TICK_MS * 1000;
		overload_tick(&o, &s);
		assert_true(i > 0 || !overload_too_late(&o, 900000));
	}
	assert_int_equal(overload_level(&o), 0);
	s.now_us += OVERLOAD_TICK_MS * 1000;
	s.idle_us += OVERLOAD_TICK_MS * 900;
	overload_tick(&o, &s);
	assert_int_equal(overload_level(&o), 0);
	assert_int_equal(o.cause, OVERLOAD_NOTHING);
}

static struct overload ticked(struct overload_sample s, int ticks)
{
	struct overload_options none = {0};
	struct overload o;
	uint64_t tick_us = OVERLOAD_TICK_MS * 1000;

	overload_init(&o, &none, 0);
	for (int i = 0; i < ticks; i++) {
		s.now_us += tick_us;
		s.idle_us += tick_us;
		overload_tick(&o, &s);
	}
	return o;
}

static void full_buffers_and_tables_are_overload_too(void **state)
{
	struct overload o = ticked((struct overload_sample){.queue_percent = 70}, 10);

	(void)state;
	assert_true(overload_level(&o) > 50);
	assert_int_equal(o.cause, OVERLOAD_BY_QUEUE);
	o = ticked((struct overload_sample){.transactions_percent = 95}, 10);
	assert_true(overload_level(&o) > 50);
	assert_int_equal(o.cause, OVERLOAD_BY_TRANSACTIONS);
	assert_string_equal(overload_cause_name(o.cause), "transactions");
	/* some always get in: a share of nothing could never be seen to be too small */
	o = ticked((struct overload_sample){.transactions_percent = 95}, 1000);
	assert_true(overload_admit(&o) > 0);
}

static void a_forced_level_holds(void **state)
{
	struct overload o = ticked((struct overload_sample){0}, 3);

	(void)state;
	overload_force(&o, 30);
	assert_int_equal(overload_level(&o), 30);
	assert_int_equal(o.cause, OVERLOAD_BY_FORCE);
	overload_force(&o, 100);
	assert_int_equal(overload_admit(&o), 0);
	overload_force(&o, 4000);
	assert_int_equal(overload_level(&o), 100);
	overload_force(&o, 0);
	assert_int_equal(overload_level(&o), 0);
}

static void ticks_that_come_too_soon_say_nothing(void **state)
{
	struct overload o = ticked((struct overload_sample){0}, 1);
	struct overload_sample s = {.now_us = o.last_us};

	(void)state;
	overload_waited(&o, 5);
	overload_tick(&o, &s); /* no time has passed: no division by it */
	s.now_us += 1000;
	overload_tick(&o, &s);
	assert_int_equal(o.waits, 1);
	assert_int_equal(overload_level(&o), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(below_capacity_nothing_is_shed),
		cmocka_unit_test(goodput_stays_in_overload),
		cmocka_unit_test(the_share_is_smooth),
		cmocka_unit_test(a_step_is_answered_within_a_second),
		cmocka_unit_test(all_is_normal_soon_after),
		cmocka_unit_test(a_machine_that_stood_still_is_no_overload),
		cmocka_unit_test(one_long_turn_is_no_overload),
		cmocka_unit_test(full_buffers_and_tables_are_overload_too),
		cmocka_unit_test(a_forced_level_holds),
		cmocka_unit_test(ticks_that_come_too_soon_say_nothing),
	};

	return cmocka_run_group_tests_name("sbe/sip/overload", tests, NULL, NULL);
}
