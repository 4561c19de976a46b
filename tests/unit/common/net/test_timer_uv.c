/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/net/net_support.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/net/timer_uv.h"

struct fixture {
	uv_loop_t loop;
	size_t live;
	struct timer_wheel *wheel;
	struct timer_uv *driver;
	struct timer a, b;
	int fired;
	char order[8];
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->live = mem_live();
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &f->wheel), 0);
	assert_int_equal(timer_uv_new(&f->loop, f->wheel, &f->driver), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	timer_stop(&f->a);
	timer_stop(&f->b);
	timer_uv_close(f->driver);
	timer_wheel_free(f->wheel);
	net_finish(&f->loop, f->live);
	test_free(f);
	return 0;
}

static void on_a(void *arg)
{
	struct fixture *f = arg;

	f->order[f->fired++] = 'a';
}

static void on_b(void *arg)
{
	struct fixture *f = arg;

	f->order[f->fired++] = 'b';
}

static void test_fires_in_order_and_not_early(void **state)
{
	struct fixture *f = *state;
	uint64_t before_ms = clock_now_ms();

	timer_start(f->wheel, &f->a, 60, on_a, f);
	timer_start(f->wheel, &f->b, 20, on_b, f); /* earlier than what the driver waits for */
	assert_true(net_wait(&f->loop, &f->fired, 2));
	assert_string_equal(f->order, "ba");
	assert_true(clock_now_ms() - before_ms >= 60);
}

static void on_idle_end(uv_timer_t *t)
{
	*(int *)t->data = 1;
	uv_close((uv_handle_t *)t, NULL);
}

/* A delay counts from now, not from when the wheel last had something to do. */
static void test_delay_counts_from_now_after_idling(void **state)
{
	struct fixture *f = *state;
	uv_timer_t wait;
	int done = 0;
	uint64_t before_ms;

	uv_timer_init(&f->loop, &wait);
	wait.data = &done;
	uv_timer_start(&wait, on_idle_end, 150, 0);
	assert_true(net_wait(&f->loop, &done, 1));
	before_ms = clock_now_ms();
	timer_start(f->wheel, &f->a, 100, on_a, f);
	assert_true(net_wait(&f->loop, &f->fired, 1));
	assert_true(clock_now_ms() - before_ms >= 99);
}

static void on_restart(void *arg)
{
	struct fixture *f = arg;

	f->fired++;
	if (f->fired < 3)
		timer_start(f->wheel, &f->a, 1, on_restart, f);
}

static void test_timers_started_by_a_handler_fire(void **state)
{
	struct fixture *f = *state;

	timer_start(f->wheel, &f->a, 0, on_restart, f);
	assert_true(net_wait(&f->loop, &f->fired, 3));
}

static void on_close(void *arg)
{
	struct fixture *f = arg;

	f->fired++;
	f->driver = timer_uv_close(f->driver);
}

static void test_handler_may_close_the_driver(void **state)
{
	struct fixture *f = *state;

	timer_start(f->wheel, &f->a, 1, on_close, f);
	timer_start(f->wheel, &f->b, 500, on_b, f);
	assert_true(net_wait(&f->loop, &f->fired, 1));
	net_turns(&f->loop, 3);
	assert_true(timer_running(&f->b));
}

static void on_again(void *arg)
{
	struct fixture *f = arg;

	f->fired++;
	if (f->fired < 1000)
		timer_start(f->wheel, &f->a, 0, on_again, f);
}

/* A handler that starts itself again at once must not keep the sockets waiting. */
static void test_timers_of_zero_leave_turns_to_the_sockets(void **state)
{
	struct fixture *f = *state;

	timer_start(f->wheel, &f->a, 0, on_again, f);
	uv_run(&f->loop, UV_RUN_ONCE);
	uv_run(&f->loop, UV_RUN_ONCE);
	assert_in_range(f->fired, 1, 3);
}

static void test_no_timer_lets_the_loop_end(void **state)
{
	struct fixture *f = *state;

	timer_start(f->wheel, &f->a, 1, on_a, f);
	uv_run(&f->loop, UV_RUN_DEFAULT); /* hangs if the driver keeps its uv timer */
	assert_int_equal(f->fired, 1);
}

static void on_answer(uv_poll_t *p, int status, int events)
{
	struct fixture *f = p->data;

	(void)status, (void)events;
	timer_stop(&f->a);
	uv_poll_stop(p);
	uv_close((uv_handle_t *)p, NULL);
}

/*
 * We were held up, and what we waited for came meanwhile: it counts, though its time is past. Without it the timer fires in
 * the same turn.
 */
static void test_held_up_looks_at_the_sockets_before_the_clock(void **state)
{
	struct fixture *f = *state;
	uv_poll_t poll;
	int pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	uv_poll_init(&f->loop, &poll, pipe_fds[0]);
	poll.data = f;
	uv_poll_start(&poll, UV_READABLE, on_answer);
	timer_start(f->wheel, &f->a, 10, on_a, f);
	timer_start(f->wheel, &f->b, 10, on_b, f);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(write(pipe_fds[1], "", 1), 1);
	usleep((10 + TIMER_UV_LATE_MS + 20) * 1000);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_string_equal(f->order, "b");
	net_turns(&f->loop, 3); /* the poll handle is ours until it is closed */
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void test_held_up_and_closed_meanwhile(void **state)
{
	struct fixture *f = *state;

	timer_start(f->wheel, &f->a, 10, on_close, f);
	timer_start(f->wheel, &f->b, 10, on_b, f);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	usleep((10 + TIMER_UV_LATE_MS + 20) * 1000);
	assert_true(net_wait(&f->loop, &f->fired, 1));
	net_turns(&f->loop, 3);
	assert_null(f->driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_fires_in_order_and_not_early),
		T(test_delay_counts_from_now_after_idling),
		T(test_timers_started_by_a_handler_fire),
		T(test_handler_may_close_the_driver),
		T(test_timers_of_zero_leave_turns_to_the_sockets),
		T(test_no_timer_lets_the_loop_end),
		T(test_held_up_looks_at_the_sockets_before_the_clock),
		T(test_held_up_and_closed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
