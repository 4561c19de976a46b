/* SPDX-License-Identifier: Apache-2.0 */
/* timer: order, restart and stop from handlers, jumps of the clock (A14, D7), and a naive model. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/clock.h"
#include "common/timer.h"
#include "tests/lib/oom.h"

static char fired[64]; /* what fired, one letter each */

static void note(void *arg)
{
	size_t n = strlen(fired);

	assert_true(n + 1 < sizeof(fired));
	fired[n] = *(const char *)arg;
	fired[n + 1] = '\0';
}

static struct timer_wheel *wheel_at(uint64_t now_ms)
{
	struct timer_wheel *w;

	assert_int_equal(timer_wheel_new(now_ms, &w), 0);
	fired[0] = '\0';
	return w;
}

static void start(struct timer_wheel *w, struct timer *t, uint64_t delay_ms, const char *letter)
{
	timer_start(w, t, delay_ms, note, (void *)(uintptr_t)letter);
}

static void fires_in_order_of_due_time(void **state)
{
	struct timer_wheel *w = wheel_at(250);
	struct timer t[6] = {0};

	(void)state;
	start(w, &t[0], 70000, "e");
	start(w, &t[1], 10, "b");
	start(w, &t[2], 10, "c"); /* same millisecond: in order of start */
	start(w, &t[3], 0, "a");
	start(w, &t[4], 300, "d");
	start(w, &t[5], 70001, "f");
	assert_int_equal(timer_wheel_count(w), 6);
	assert_int_equal(timer_wheel_next_ms(w, 250), 0);
	timer_wheel_run(w, 250);
	assert_string_equal(fired, "a");
	timer_wheel_run(w, 259);
	assert_string_equal(fired, "a");
	timer_wheel_run(w, 260);
	assert_string_equal(fired, "abc");
	assert_false(timer_running(&t[1]));
	assert_int_equal(timer_left_ms(&t[1]), 0);
	assert_true(timer_running(&t[4]));
	assert_int_equal(timer_left_ms(&t[4]), 290);
	timer_wheel_run(w, 10); /* a clock going back is not believed */
	assert_int_equal(timer_left_ms(&t[4]), 290);
	timer_wheel_run(w, 1000000);
	assert_string_equal(fired, "abcdef");
	assert_int_equal(timer_wheel_count(w), 0);
	assert_int_equal(timer_wheel_next_ms(w, 1000000), -1);
	timer_wheel_free(w);
}

static void stop_and_restart(void **state)
{
	struct timer_wheel *w = wheel_at(0);
	struct timer t[3] = {0};

	(void)state;
	timer_stop(NULL);
	timer_stop(&t[0]); /* all zero is a stopped timer */
	assert_false(timer_running(&t[0]));
	start(w, &t[0], 100, "a");
	start(w, &t[1], 100, "b");
	start(w, &t[2], 100, "c");
	timer_stop(&t[1]);
	timer_stop(&t[1]);
	start(w, &t[0], 200, "A"); /* restart moves it and changes what it does */
	assert_int_equal(timer_wheel_count(w), 2);
	timer_wheel_run(w, 100);
	assert_string_equal(fired, "c");
	timer_wheel_run(w, 200);
	assert_string_equal(fired, "cA");
	timer_wheel_free(w);
}

static void timers_survive_their_wheel(void **state)
{
	struct timer_wheel *w = wheel_at(0);
	struct timer t[4] = {0};

	(void)state;
	start(w, &t[0], 0, "a");
	start(w, &t[1], 5, "a");
	start(w, &t[2], 500, "a");
	start(w, &t[3], 1ULL << 40, "a");
	timer_wheel_free(w);
	for (int i = 0; i < 4; i++) {
		assert_false(timer_running(&t[i]));
		timer_stop(&t[i]);
	}
	timer_wheel_free(NULL);
}

struct actor {
	struct timer_wheel *w;
	struct timer self, victim, friend;
	int runs;
};

static void act_restart_self(void *arg)
{
	struct actor *a = arg;

	a->runs++;
	timer_start(a->w, &a->self, 0, act_restart_self, a);
}

static void zero_delay_waits_for_the_next_run(void **state)
{
	struct actor a = {.w = wheel_at(0)};

	(void)state;
	timer_start(a.w, &a.self, 0, act_restart_self, &a);
	timer_wheel_run(a.w, 0);
	assert_int_equal(a.runs, 1); /* not for ever */
	timer_wheel_run(a.w, 0);
	assert_int_equal(a.runs, 2);
	timer_stop(&a.self);
	assert_int_equal(timer_wheel_count(a.w), 0);
	timer_wheel_free(a.w);
}

static void act_on_others(void *arg)
{
	struct actor *a = arg;

	a->runs++;
	assert_false(timer_running(&a->self));
	timer_stop(&a->victim); /* due in this very run, must not fire any more */
	timer_start(a->w, &a->friend, 1, note, "f");
}

static void handlers_may_stop_and_start_any_timer(void **state)
{
	struct actor a = {.w = wheel_at(7)};

	(void)state;
	timer_start(a.w, &a.self, 10, act_on_others, &a);
	start(a.w, &a.victim, 10, "v");
	start(a.w, &a.friend, 11, "x"); /* collected too, but restarted before its turn */
	timer_wheel_run(a.w, 100);
	assert_int_equal(a.runs, 1);
	assert_string_equal(fired, "");
	assert_int_equal(timer_left_ms(&a.friend), 1); /* from 100, not from 17 */
	timer_wheel_run(a.w, 101);
	assert_string_equal(fired, "f");
	timer_wheel_free(a.w);
}

static void act_every_10_ms(void *arg)
{
	struct actor *a = arg;

	a->runs++;
	timer_start(a->w, &a->self, 10, act_every_10_ms, a);
}

/* D7: an hour's jump is one firing and not 360,000 to catch up; and no loop over milliseconds. */
static void big_jumps_fire_once_and_fast(void **state)
{
	struct actor a = {.w = wheel_at(0)};
	uint64_t now_ms = 0, before_us = clock_now_us();

	(void)state;
	timer_start(a.w, &a.self, 10, act_every_10_ms, &a);
	timer_wheel_run(a.w, 3600 * 1000);
	assert_int_equal(a.runs, 1);
	start(a.w, &a.victim, UINT64_MAX, "n"); /* never, and no overflow into "now" */
	start(a.w, &a.friend, 1ULL << 50, "f");
	for (now_ms = 1ULL << 40; now_ms < 1ULL << 62; now_ms <<= 1)
		timer_wheel_run(a.w, now_ms);
	assert_int_equal(a.runs, 23);
	assert_string_equal(fired, "f");
	assert_true(timer_running(&a.victim));
	assert_true(clock_now_us() - before_us < 1000000);
	timer_stop(&a.self);
	timer_stop(&a.victim);
	timer_wheel_free(a.w);
}

static void count_call(void *arg)
{
	++*(int *)arg;
}

static void owner_is_told_when_it_must_wake_earlier(void **state)
{
	struct timer_wheel *w = wheel_at(0);
	struct timer t[4] = {0};
	int told = 0;

	(void)state;
	timer_wheel_on_earlier(w, count_call, &told);
	assert_int_equal(timer_wheel_next_ms(w, 0), -1);
	start(w, &t[0], 100, "a");
	assert_int_equal(told, 1);
	assert_int_equal(timer_wheel_next_ms(w, 0), 100);
	start(w, &t[1], 100, "b");
	start(w, &t[2], 5000, "c");
	assert_int_equal(told, 1);
	start(w, &t[3], 99, "d");
	assert_int_equal(told, 2);
	assert_int_equal(timer_wheel_next_ms(w, 0), 99);
	assert_int_equal(timer_wheel_next_ms(w, 98), 1);
	assert_int_equal(timer_wheel_next_ms(w, 2000), 0);
	timer_stop(&t[3]);
	assert_int_equal(timer_wheel_next_ms(w, 0), 100); /* the bitmap forgot the stopped one */
	timer_wheel_on_earlier(w, NULL, NULL);
	start(w, &t[3], 1, "d");
	assert_int_equal(told, 2);
	timer_wheel_free(w);
}

/* A loop that slept since its last run starts timers from the real present. */
static void present_comes_from_the_clock(void **state)
{
	struct timer_wheel *w;
	struct timer t = {0};

	(void)state;
	clock_fake(1000 * 1000, 0);
	w = wheel_at(clock_now_ms());
	timer_wheel_set_clock(w, clock_now_ms);
	clock_advance_ms(800);
	start(w, &t, 500, "a");
	assert_int_equal(timer_left_ms(&t), 500);
	timer_wheel_run(w, clock_now_ms());
	assert_string_equal(fired, "");
	clock_advance_ms(499);
	assert_int_equal(timer_left_ms(&t), 1);
	timer_wheel_run(w, clock_now_ms());
	assert_string_equal(fired, "");
	clock_advance_ms(1);
	timer_wheel_run(w, clock_now_ms());
	assert_string_equal(fired, "a");
	clock_real();
	timer_wheel_free(w);
}

/* ---- the model: an array, and a look at all of it for each answer */

#define MODEL_TIMERS 150
#define MODEL_STEPS 100000

struct model_timer {
	struct timer t;
	uint64_t due_ms, order;
	unsigned started_in_run;
	bool running;
};

static struct model {
	struct timer_wheel *w;
	struct model_timer timers[MODEL_TIMERS];
	uint64_t now_ms, order, seed;
	unsigned run;
	bool in_run;
	unsigned long fired;
} model;

static uint64_t model_random(void)
{
	model.seed ^= model.seed << 13;
	model.seed ^= model.seed >> 7;
	model.seed ^= model.seed << 17;
	return model.seed;
}

/* Delays and jumps of all levels of the wheel, round numbers among them. */
static uint64_t model_span(void)
{
	static const uint64_t limits[] = {1, 4, 300, 300, 300, 70000, 70000, 1 << 25, 1ULL << 34};
	uint64_t span = model_random() % limits[model_random() % 9];

	if (model_random() % 8 == 0)
		span = span / 256 * 256;
	return span;
}

static struct model_timer *model_first(bool due_in_this_run)
{
	struct model_timer *first = NULL;

	for (int i = 0; i < MODEL_TIMERS; i++) {
		struct model_timer *m = &model.timers[i];

		if (!m->running)
			continue;
		if (due_in_this_run && (m->due_ms > model.now_ms || m->started_in_run == model.run))
			continue;
		if (!first || m->due_ms < first->due_ms ||
		    (m->due_ms == first->due_ms && m->order < first->order))
			first = m;
	}
	return first;
}

static void model_change(void);

static void model_fired(void *arg)
{
	struct model_timer *m = arg;

	assert_ptr_equal(m, model_first(true));
	assert_false(timer_running(&m->t));
	m->running = false;
	model.fired++;
	for (uint64_t n = model_random() % 4; n > 0; n--)
		model_change();
}

static void model_change(void)
{
	struct model_timer *m = &model.timers[model_random() % MODEL_TIMERS];

	if (model_random() % 4 == 0) {
		timer_stop(&m->t);
		m->running = false;
		return;
	}
	uint64_t delay_ms = model_span();

	timer_start(model.w, &m->t, delay_ms, model_fired, m);
	m->running = true;
	m->due_ms = model.now_ms + delay_ms;
	m->order = ++model.order;
	m->started_in_run = model.in_run ? model.run : 0;
}

static void model_check(void)
{
	struct model_timer *first = model_first(false);
	int64_t next_ms = timer_wheel_next_ms(model.w, model.now_ms);
	size_t count = 0;

	for (int i = 0; i < MODEL_TIMERS; i++) {
		struct model_timer *m = &model.timers[i];

		count += m->running;
		assert_int_equal(timer_running(&m->t), m->running);
		if (m->running)
			assert_int_equal(timer_left_ms(&m->t), m->due_ms - model.now_ms);
	}
	assert_int_equal(timer_wheel_count(model.w), count);
	if (!first) {
		assert_int_equal(next_ms, -1);
		return;
	}
	/* never late; 0 only when something is due, or the loop would spin */
	assert_true(next_ms >= 0 && (uint64_t)next_ms <= first->due_ms - model.now_ms);
	assert_true((next_ms == 0) == (first->due_ms == model.now_ms));
}

static void agrees_with_a_naive_model(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.seed = 0x5eedULL;
	model.now_ms = 0xfffff000; /* soon over the edge of 32 bits */
	model.w = wheel_at(model.now_ms);
	for (int step = 0; step < MODEL_STEPS; step++) {
		if (model_random() % 3 > 0) {
			model_change();
		} else {
			model.now_ms += model_span();
			model.run++;
			model.in_run = true;
			timer_wheel_run(model.w, model.now_ms);
			model.in_run = false;
			assert_null(model_first(true)); /* nothing due was left over */
		}
		model_check();
	}
	assert_true(model.fired > 10000);
	timer_wheel_free(model.w);
}

/* Waking only when the wheel says so fires everything at its very millisecond. */
static void sleeping_as_told_is_never_late(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.seed = 0xabcdefULL;
	model.now_ms = 12345;
	model.w = wheel_at(model.now_ms);
	for (int wakes = 0; wakes < 10000; wakes++) {
		while (timer_wheel_count(model.w) < 20)
			model_change();
		model.now_ms += (uint64_t)timer_wheel_next_ms(model.w, model.now_ms);
		struct model_timer *first = model_first(false);

		assert_true(first->due_ms >= model.now_ms);
		model.run++;
		model.in_run = true;
		timer_wheel_run(model.w, model.now_ms);
		model.in_run = false;
	}
	assert_true(model.fired > 1000);
	timer_wheel_free(model.w);
}

static int build(void *arg)
{
	struct timer_wheel *w;
	int err = timer_wheel_new(0, &w);

	(void)arg;
	if (!err)
		timer_wheel_free(w);
	return err;
}

static void out_of_memory_is_reported(void **state)
{
	(void)state;
	assert_int_equal(oom_each(build, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_in_order_of_due_time),
		cmocka_unit_test(stop_and_restart),
		cmocka_unit_test(timers_survive_their_wheel),
		cmocka_unit_test(zero_delay_waits_for_the_next_run),
		cmocka_unit_test(handlers_may_stop_and_start_any_timer),
		cmocka_unit_test(big_jumps_fire_once_and_fast),
		cmocka_unit_test(owner_is_told_when_it_must_wake_earlier),
		cmocka_unit_test(present_comes_from_the_clock),
		cmocka_unit_test(agrees_with_a_naive_model),
		cmocka_unit_test(sleeping_as_told_is_never_late),
		cmocka_unit_test(out_of_memory_is_reported),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
