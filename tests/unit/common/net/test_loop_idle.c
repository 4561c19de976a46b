/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting is told from working, also when the work is done in the callback that ends the wait (E2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/net/loop_idle.h"

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
	loop_idle_woke();
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
	return loop_idle_start(&loop);
}

static int teardown(void **state)
{
	(void)state;
	loop_idle_stop();
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
	assert_in_range(loop_idle_us(), 45000, (uv_hrtime() - began) / 1000);
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
	assert_true(loop_idle_us() < WORK_MS * 1000 / 2);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waiting_for_a_timer_is_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_working_in_a_callback_is_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
