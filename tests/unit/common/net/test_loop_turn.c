/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns of the loop: waiting is told from working, also when the work is done in the callback that ends the wait (E2);
 * what is put off runs once, before the wait; a busy loop gathers, and one that is not, or that has more to read, does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/net/loop_turn.h"

#define WORK_MS 200

static uv_loop_t loop;

static void work(void)
{
	uint64_t until = uv_hrtime() + WORK_MS * 1000000ULL;

	while (uv_hrtime() < until)
		;
}

static void on_readable(uv_poll_t *p, int status, int events)
{
	(void)status;
	(void)events;
	loop_turn_woke();
	work();
	uv_close((uv_handle_t *)p, NULL);
}

static void on_timer(uv_timer_t *t)
{
	uv_close((uv_handle_t *)t, NULL);
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	return loop_turn_start(&loop);
}

static int teardown(void **state)
{
	(void)state;
	loop_turn_stop();
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

static void test_waiting_for_a_timer_is_idle(void **state)
{
	uv_timer_t t;
	uint64_t began = uv_hrtime();

	(void)state;
	uv_timer_init(&loop, &t);
	uv_timer_start(&t, on_timer, 50, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_in_range(loop_turn_idle_us(), 45000, (uv_hrtime() - began) / 1000);
}

static void test_working_in_a_callback_is_not(void **state)
{
	int fd[2];
	uv_poll_t p;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	uv_poll_init(&loop, &p, fd[0]);
	uv_poll_start(&p, UV_READABLE, on_readable);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(loop_turn_idle_us() < WORK_MS * 1000 / 2);
	close(fd[0]);
	close(fd[1]);
}

/* ---------------------------------------------------------------- put off to the end of the turn */

static struct {
	struct loop_task task;
	unsigned runs;
	uint64_t idle_us; /* when it ran */
} off;

static void run_off(void *arg)
{
	assert_ptr_equal(arg, &off);
	off.runs++;
	off.idle_us = loop_turn_idle_us();
}

static void put_off_twice(uv_timer_t *t)
{
	assert_true(loop_turn_at_end(&off.task, run_off, &off));
	assert_true(loop_turn_at_end(&off.task, run_off, &off));
	assert_int_equal(off.runs, 0); /* not now */
	uv_timer_start(t, on_timer, 50, 0);
}

static void test_a_task_runs_once_before_the_wait(void **state)
{
	uv_timer_t t;

	(void)state;
	off.runs = 0;
	uv_timer_init(&loop, &t);
	uv_timer_start(&t, put_off_twice, 0, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(off.runs, 1);
	assert_true(off.idle_us < 40000); /* the 50 ms came after */
	assert_true(loop_turn_at_end(&off.task, run_off, &off));
	loop_turn_forget(&off.task);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(off.runs, 1);
}

static void test_without_a_loop_nothing_is_put_off(void **state)
{
	(void)state;
	loop_turn_stop();
	assert_false(loop_turn_at_end(&off.task, run_off, &off));
}

/* ---------------------------------------------------------------- gathering */

#define SPAN_MS 300
#define GATHER_MS 5
#define WINDOW_WORK 32 /* before so much is done nobody knows that the loop is busy */

static struct {
	unsigned turns, ticks;
	bool unread, urgent, idle;
} seen;

static void on_always_readable(uv_poll_t *p, int status, int events)
{
	(void)p;
	(void)status;
	(void)events;
	seen.turns++;
	if (!seen.idle)
		loop_turn_worked();
	if (seen.unread)
		loop_turn_unread();
}

static void on_tick(uv_timer_t *t)
{
	(void)t;
	seen.ticks++;
}

static void on_span_over(uv_timer_t *t)
{
	uv_stop(t->loop);
}

/* Turns of a loop that always has something to do, in SPAN_MS, beside a timer of 10 ms. */
static unsigned busy_turns(uint32_t gather_ms, bool unread)
{
	uv_timer_t tick, over;
	uv_poll_t p;
	int fd[2];

	seen.turns = seen.ticks = 0;
	seen.unread = unread;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	loop_turn_gather(gather_ms * 1000);
	if (seen.urgent)
		loop_turn_urgent(fd[0]);
	uv_poll_init(&loop, &p, fd[0]);
	uv_poll_start(&p, UV_READABLE, on_always_readable);
	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 10, 10);
	uv_timer_init(&loop, &over);
	uv_timer_start(&over, on_span_over, SPAN_MS, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&p, NULL);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_close((uv_handle_t *)&over, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	loop_turn_not_urgent(fd[0]);
	close(fd[0]);
	close(fd[1]);
	return seen.turns;
}

static void test_a_busy_loop_gathers(void **state)
{
	(void)state;
	assert_in_range(busy_turns(GATHER_MS, false), 1,
			WINDOW_WORK + 2 * SPAN_MS / GATHER_MS); /* the timers have turns too */
	assert_in_range(seen.ticks, 10, SPAN_MS / 10);
}

static void test_what_is_unread_does_not_wait(void **state)
{
	(void)state;
	assert_true(busy_turns(GATHER_MS, true) > 10 * SPAN_MS / GATHER_MS);
}

static void test_what_is_urgent_does_not_wait(void **state)
{
	unsigned turns;

	(void)state;
	seen.urgent = true;
	turns = busy_turns(GATHER_MS, false);
	seen.urgent = false;
	assert_true(turns > 10 * SPAN_MS / GATHER_MS);
	test_a_busy_loop_gathers(state); /* it is forgotten */
}

/* Bytes of strangers, timers, records: turns without what we are here for. */
static void test_turns_without_work_do_not_wait(void **state)
{
	unsigned turns;

	(void)state;
	seen.idle = true;
	turns = busy_turns(GATHER_MS, false);
	seen.idle = false;
	assert_true(turns > 10 * SPAN_MS / GATHER_MS);
}

static void test_nothing_is_gathered_unless_asked(void **state)
{
	(void)state;
	assert_true(busy_turns(0, false) > 10 * SPAN_MS / GATHER_MS);
}

static struct {
	int fd[2];
	uint64_t sent_ns, late_ns;
	unsigned left;
} quiet;

static void on_quiet_send(uv_timer_t *t)
{
	if (!quiet.left--) {
		uv_stop(t->loop);
		return;
	}
	quiet.sent_ns = uv_hrtime();
	assert_int_equal(write(quiet.fd[1], "x", 1), 1);
}

static void on_quiet_readable(uv_poll_t *p, int status, int events)
{
	uint64_t late_ns = uv_hrtime() - quiet.sent_ns;
	char x;

	(void)p;
	(void)status;
	(void)events;
	loop_turn_worked();
	assert_int_equal(read(quiet.fd[0], &x, 1), 1);
	if (late_ns < quiet.late_ns) /* the best of all: others use this machine too */
		quiet.late_ns = late_ns;
}

static void test_a_quiet_loop_does_not_wait(void **state)
{
	uv_timer_t t;
	uv_poll_t p;

	(void)state;
	quiet.left = WINDOW_WORK * 2;
	quiet.late_ns = UINT64_MAX;
	assert_int_equal(pipe(quiet.fd), 0);
	loop_turn_gather(20000);
	uv_poll_init(&loop, &p, quiet.fd[0]);
	uv_poll_start(&p, UV_READABLE, on_quiet_readable);
	uv_timer_init(&loop, &t);
	uv_timer_start(&t, on_quiet_send, 5, 5); /* 200 a second */
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&p, NULL);
	uv_close((uv_handle_t *)&t, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	close(quiet.fd[0]);
	close(quiet.fd[1]);
	assert_true(quiet.late_ns < 10000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_waiting_for_a_timer_is_idle),
		TEST(test_working_in_a_callback_is_not),
		TEST(test_a_task_runs_once_before_the_wait),
		TEST(test_without_a_loop_nothing_is_put_off),
		TEST(test_a_busy_loop_gathers),
		TEST(test_what_is_unread_does_not_wait),
		TEST(test_what_is_urgent_does_not_wait),
		TEST(test_turns_without_work_do_not_wait),
		TEST(test_nothing_is_gathered_unless_asked),
		TEST(test_a_quiet_loop_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
