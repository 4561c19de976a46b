/* SPDX-License-Identifier: Apache-2.0 */
/* log_ring: bounded, in order per thread, nothing lost or twice between several threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/log_ring.h"

static void lines_come_out_as_they_went_in(void **state)
{
	char buf[LOG_LINE_MAX_BYTES];

	(void)state;
	assert_int_equal(log_ring_take(buf, sizeof(buf)), 0);
	assert_true(log_ring_put("first", 5));
	assert_true(log_ring_put("second", 6));
	assert_int_equal(log_ring_take(buf, 4), 0); /* no room: stays */
	assert_int_equal(log_ring_take(buf, 5), 5);
	assert_memory_equal(buf, "first", 5);
	assert_int_equal(log_ring_take(buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "second", 6);
	assert_int_equal(log_ring_take(buf, sizeof(buf)), 0);
}

static void full_ring_refuses(void **state)
{
	static const char big[LOG_LINE_MAX_BYTES + 1];
	char buf[LOG_LINE_MAX_BYTES];
	uint32_t i, out;

	(void)state;
	assert_false(log_ring_put(big, 0));
	assert_false(log_ring_put(big, sizeof(big)));
	for (int round = 0; round < 3; round++) {
		for (i = 0; log_ring_put((const char *)&i, sizeof(i)); i++)
			;
		assert_int_equal(i, LOG_RING_LINES);
		for (i = 0; i < LOG_RING_LINES; i++) {
			assert_int_equal(log_ring_take(buf, sizeof(buf)), sizeof(out));
			memcpy(&out, buf, sizeof(out));
			assert_int_equal(out, i);
		}
		assert_int_equal(log_ring_take(buf, sizeof(buf)), 0);
		assert_true(log_ring_put(big, LOG_LINE_MAX_BYTES)); /* shifts the next round */
		assert_int_equal(log_ring_take(buf, sizeof(buf)), LOG_LINE_MAX_BYTES);
	}
}

#define THREADS 4
#define EACH 20000

static void *put_many(void *arg)
{
	uint32_t line[2] = {(uint32_t)(uintptr_t)arg, 0};

	while (line[1] < EACH) {
		if (log_ring_put((const char *)line, sizeof(line)))
			line[1]++;
		else
			sched_yield();
	}
	return NULL;
}

static void several_threads_lose_nothing(void **state)
{
	pthread_t threads[THREADS];
	uint32_t next[THREADS] = {0}, line[2];
	char buf[LOG_LINE_MAX_BYTES];

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, (void *)i), 0);
	for (int got = 0; got < THREADS * EACH;) {
		if (log_ring_take(buf, sizeof(buf)) == 0) {
			sched_yield();
			continue;
		}
		memcpy(line, buf, sizeof(line));
		assert_in_range(line[0], 0, THREADS - 1);
		assert_int_equal(line[1], next[line[0]]);
		next[line[0]]++;
		got++;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(log_ring_take(buf, sizeof(buf)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_out_as_they_went_in),
		cmocka_unit_test(full_ring_refuses),
		cmocka_unit_test(several_threads_lose_nothing),
	};

	return cmocka_run_group_tests_name("log_ring", tests, NULL, NULL);
}
