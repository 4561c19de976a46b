/* SPDX-License-Identifier: Apache-2.0 */
/* reply_cache: J4 at most once, with every bound it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/reply_cache.h"

static struct timer_wheel *wheel;
static struct reply_cache *cache;
static const uint8_t *bytes;
static size_t len;

static int setup(void **state)
{
	(void)state;
	if (timer_wheel_new(1000, &wheel))
		return -1;
	return reply_cache_new(wheel, &cache);
}

static int teardown(void **state)
{
	(void)state;
	reply_cache_free(cache);
	timer_wheel_free(wheel);
	return mem_live() ? -1 : 0;
}

static enum reply_state begin(uint32_t id)
{
	return reply_cache_begin(cache, id, &bytes, &len);
}

static void execute(uint32_t id)
{
	assert_int_equal(begin(id), REPLY_NEW);
	reply_cache_done(cache, id, (const uint8_t *)&id, sizeof(id));
}

static void a_duplicate_gets_the_same_bytes(void **state)
{
	uint32_t id = 7;

	(void)state;
	assert_int_equal(begin(id), REPLY_NEW);
	assert_int_equal(begin(id), REPLY_EXECUTING);
	assert_true(reply_cache_executing(cache, id));
	reply_cache_done(cache, id, (const uint8_t *)"reply", 5);
	assert_false(reply_cache_executing(cache, id));
	assert_int_equal(begin(id), REPLY_DONE);
	assert_int_equal(len, 5);
	assert_memory_equal(bytes, "reply", 5);
}

static void acknowledged_replies_go_but_ids_stay(void **state)
{
	uint32_t id;

	(void)state;
	for (id = 1; id <= 100; id++)
		execute(id);
	reply_cache_ack(cache, 1, 50);
	assert_int_equal(reply_cache_count(cache), 50);
	assert_int_equal(reply_cache_bytes(cache), 200);
	assert_int_equal(begin(50), REPLY_FORGOTTEN);
	assert_int_equal(begin(51), REPLY_DONE);
	/* a range far wider than what there is */
	reply_cache_ack(cache, 0, UINT32_MAX);
	assert_int_equal(reply_cache_count(cache), 0);
	assert_int_equal(begin(100), REPLY_FORGOTTEN);
	assert_int_equal(begin(101), REPLY_NEW);
}

static void replies_live_for_long_timer(void **state)
{
	(void)state;
	execute(1);
	timer_wheel_run(wheel, 1000 + REPLY_CACHE_LONG_TIMER_MS);
	execute(2);
	assert_int_equal(begin(1), REPLY_DONE);
	timer_wheel_run(wheel, 1000 + 2 * REPLY_CACHE_LONG_TIMER_MS);
	timer_wheel_run(wheel, 1000 + 3 * REPLY_CACHE_LONG_TIMER_MS);
	assert_int_equal(begin(1), REPLY_DONE);
	for (uint64_t t = 0; t < 10; t++)
		timer_wheel_run(wheel, 1000 + 3 * REPLY_CACHE_LONG_TIMER_MS + t * 7500);
	assert_int_equal(begin(1), REPLY_FORGOTTEN);
	assert_int_equal(begin(2), REPLY_FORGOTTEN);
	assert_int_equal(timer_wheel_count(wheel), 0);
}

static void count_and_bytes_are_bounded(void **state)
{
	static uint8_t big[65540];
	uint32_t id;

	(void)state;
	for (id = 1; id <= REPLY_CACHE_MAX + 10; id++)
		execute(id);
	assert_int_equal(reply_cache_count(cache), REPLY_CACHE_MAX);
	assert_int_equal(begin(10), REPLY_FORGOTTEN);
	assert_int_equal(begin(11), REPLY_DONE);
	for (; id < REPLY_CACHE_MAX + 1000; id++) {
		assert_int_equal(begin(id), REPLY_NEW);
		reply_cache_done(cache, id, big, sizeof(big));
		assert_true(reply_cache_bytes(cache) <= REPLY_CACHE_MAX_BYTES);
	}
}

static void ids_may_come_in_disorder_and_wrap(void **state)
{
	(void)state;
	execute(UINT32_MAX - 1);
	execute(UINT32_MAX);
	execute(1);
	execute(70);
	execute(69);
	reply_cache_ack(cache, 0, UINT32_MAX);
	assert_int_equal(begin(69), REPLY_FORGOTTEN);
	assert_int_equal(begin(UINT32_MAX), REPLY_FORGOTTEN);
	assert_int_equal(begin(68), REPLY_NEW);
	/* a leap: what it passed over is too old */
	execute(1000000);
	assert_int_equal(begin(71), REPLY_FORGOTTEN);
	assert_int_equal(begin(1000000 - 65535), REPLY_NEW);
	assert_int_equal(begin(1000000 - 65536), REPLY_FORGOTTEN);
	/* a step on: bits of skipped ids are not taken for old ones of the same place */
	execute(1000010);
	assert_int_equal(begin(1000005), REPLY_NEW);
}

static void too_many_at_once_are_refused_without_trace(void **state)
{
	uint32_t id;

	(void)state;
	for (id = 1; id <= REPLY_CACHE_EXECUTING_MAX; id++)
		assert_int_equal(begin(id), REPLY_NEW);
	assert_int_equal(begin(id), REPLY_BUSY);
	reply_cache_done(cache, 1, bytes, 0);
	assert_int_equal(begin(id), REPLY_NEW);
}

static void without_memory_it_is_still_at_most_once(void **state)
{
	(void)state;
	assert_int_equal(begin(1), REPLY_NEW);
	mem_fail_at(1);
	reply_cache_done(cache, 1, (const uint8_t *)"x", 1);
	mem_fail_at(0);
	assert_int_equal(begin(1), REPLY_FORGOTTEN);
	reply_cache_reset(cache);
	assert_int_equal(begin(1), REPLY_NEW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_duplicate_gets_the_same_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(acknowledged_replies_go_but_ids_stay, setup,
						teardown),
		cmocka_unit_test_setup_teardown(replies_live_for_long_timer, setup, teardown),
		cmocka_unit_test_setup_teardown(count_and_bytes_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_may_come_in_disorder_and_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_at_once_are_refused_without_trace, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_memory_it_is_still_at_most_once, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("reply_cache", tests, NULL, NULL);
}
