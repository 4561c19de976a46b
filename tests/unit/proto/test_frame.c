/* SPDX-License-Identifier: Apache-2.0 */
/* frame: C2 of the gate control catalogue, every chunking and every bad length. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/frame.h"

static struct gate_frame f;

static int setup(void **state)
{
	(void)state;
	gate_frame_reset(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gate_frame_reset(&f);
	return mem_live() ? -1 : 0;
}

static int next(const char *expect)
{
	const uint8_t *frame;
	size_t n;
	int r = gate_frame_next(&f, &frame, &n);

	if (r == 1) {
		assert_int_equal(n, strlen(expect));
		assert_memory_equal(frame, expect, n);
	}
	return r;
}

static void one_byte_at_a_time(void **state)
{
	const uint8_t bytes[] = {0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 1, 'x'};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++) {
		gate_frame_feed(&f, &bytes[i], 1);
		assert_int_equal(next(i == 6 ? "abc" : "x"), i == 6 || i == 11);
		assert_int_equal(gate_frame_partial(&f), i != 6 && i != 11);
		if (i == 6 || i == 11)
			assert_int_equal(next(""), 0);
	}
}

static void every_cut_gives_the_same_frames(void **state)
{
	const uint8_t bytes[] = {0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 1, 'x', 0, 0, 0, 2, 'y', 'z'};
	const char *const frames[] = {"abc", "x", "yz"};
	size_t cut, n;

	(void)state;
	for (cut = 0; cut <= sizeof(bytes); cut++) {
		n = 0;
		gate_frame_feed(&f, bytes, cut);
		while (next(frames[n % 3]) == 1)
			n++;
		gate_frame_feed(&f, bytes + cut, sizeof(bytes) - cut);
		while (next(frames[n % 3]) == 1)
			n++;
		assert_int_equal(n, 3);
		assert_false(gate_frame_partial(&f));
	}
}

static void bad_length(uint32_t length)
{
	uint8_t bytes[5] = {0};

	gate_frame_reset(&f);
	gate_frame_head(bytes, length);
	gate_frame_feed(&f, bytes, sizeof(bytes));
	assert_int_equal(next(""), -EPROTO);
	/* refused before anything was allocated for it, and for good */
	assert_int_equal(mem_live(), 0);
	gate_frame_feed(&f, bytes, sizeof(bytes));
	assert_int_equal(next(""), -EPROTO);
}

static void lengths_out_of_range_are_refused(void **state)
{
	(void)state;
	bad_length(0);
	bad_length(0xffffffffU);
	bad_length(0x80000000U);
	bad_length(GATE_FRAME_MAX_BYTES + 1);
}

static void the_cap_itself_is_fine(void **state)
{
	static uint8_t bytes[GATE_FRAME_HEAD_BYTES + GATE_FRAME_MAX_BYTES];
	const uint8_t *frame;
	size_t n;

	(void)state;
	gate_frame_head(bytes, GATE_FRAME_MAX_BYTES);
	bytes[sizeof(bytes) - 1] = 7;
	gate_frame_feed(&f, bytes, 100);
	assert_int_equal(gate_frame_next(&f, &frame, &n), 0);
	/* memory follows data, not promises */
	assert_true(f.rest_size <= 256);
	gate_frame_feed(&f, bytes + 100, sizeof(bytes) - 100);
	assert_int_equal(gate_frame_next(&f, &frame, &n), 1);
	assert_int_equal(n, GATE_FRAME_MAX_BYTES);
	assert_int_equal(frame[n - 1], 7);
	assert_int_equal(gate_frame_next(&f, &frame, &n), 0);
	assert_int_equal(f.rest_size, 0);
}

static void ten_thousand_tiny_frames_in_one_chunk(void **state)
{
	static uint8_t bytes[50000];
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < sizeof(bytes); i += 5) {
		gate_frame_head(bytes + i, 1);
		bytes[i + 4] = 'q';
	}
	gate_frame_feed(&f, bytes, sizeof(bytes));
	while (next("q") == 1)
		n++;
	assert_int_equal(n, 10000);
	assert_int_equal(mem_live(), 0);
}

static void no_memory_is_reported(void **state)
{
	const uint8_t bytes[] = {0, 0, 0, 9, 1};

	(void)state;
	mem_fail_at(1);
	gate_frame_feed(&f, bytes, sizeof(bytes));
	assert_int_equal(next(""), -ENOMEM);
	mem_fail_at(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_byte_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(every_cut_gives_the_same_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(lengths_out_of_range_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(the_cap_itself_is_fine, setup, teardown),
		cmocka_unit_test_setup_teardown(ten_thousand_tiny_frames_in_one_chunk, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_memory_is_reported, setup, teardown),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
