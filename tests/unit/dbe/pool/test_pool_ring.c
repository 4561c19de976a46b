/* SPDX-License-Identifier: Apache-2.0 */
/* Port pairs of one address: no pair twice, rest before reuse (B12), no order to foretell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/mem.h"
#include "dbe/pool/pool_range.h"
#include "dbe/pool/pool_ring.h"

static void test_pairs_are_even_and_inside(void **state)
{
	static const struct {
		uint16_t low, high;
		uint32_t pairs;
		uint16_t first;
	} cases[] = {{16384, 16385, 1, 16384},
		     {16383, 16386, 1, 16384},
		     {16384, 16386, 1, 16384},
		     {16384, 16387, 2, 16384},
		     {65534, 65535, 1, 65534}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pool_ring *r = NULL;
		uint16_t port;

		assert_int_equal(pool_ring_new(cases[i].low, cases[i].high, &r), 0);
		assert_int_equal(pool_ring_total(r), cases[i].pairs);
		for (uint32_t n = 0; n < cases[i].pairs; n++) {
			assert_int_equal(pool_ring_take(r, 0, &port), 0);
			assert_int_equal(port % 2, 0);
			assert_in_range(port, cases[i].low, cases[i].high - 1);
		}
		assert_int_equal(pool_ring_take(r, 0, &port), -ENOSPC);
		pool_ring_free(r);
	}
}

static void test_a_range_without_a_pair_is_refused(void **state)
{
	struct pool_ring *r = NULL;

	(void)state;
	assert_int_equal(pool_ring_new(16384, 16384, &r), -EINVAL);
	assert_int_equal(pool_ring_new(16385, 16386, &r), -EINVAL);
	assert_int_equal(pool_ring_new(2000, 1000, &r), -EINVAL);
	assert_null(r);
}

static void test_each_pair_is_given_once(void **state)
{
	static uint8_t seen[65536];
	struct pool_ring *r = NULL;
	uint16_t port;

	(void)state;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(pool_ring_new(16384, 32767, &r), 0);
	for (int i = 0; i < 8192; i++) {
		assert_int_equal(pool_ring_take(r, 0, &port), 0);
		assert_int_equal(seen[port]++, 0);
	}
	assert_int_equal(pool_ring_take(r, 0, &port), -ENOSPC);
	assert_int_equal(pool_ring_count(r, POOL_USED), 8192);
	pool_ring_free(r);
}

static void test_b12_a_pair_rests_before_reuse(void **state)
{
	struct pool_ring *r = NULL;
	uint16_t port, again;

	(void)state;
	assert_int_equal(pool_ring_new(20000, 20001, &r), 0);
	assert_int_equal(pool_ring_take(r, 1000, &port), 0);
	pool_ring_give(r, port, POOL_RESTING, 1000, 5000);
	assert_int_equal(pool_ring_count(r, POOL_RESTING), 1);
	assert_int_equal(pool_ring_take(r, 5999, &again), -ENOSPC);
	assert_int_equal(pool_ring_take(r, 6000, &again), 0);
	assert_int_equal(again, port);
	pool_ring_free(r);
}

static void test_b12_freed_pairs_go_behind_the_others(void **state)
{
	struct pool_ring *r = NULL;
	uint16_t port, other;

	(void)state;
	assert_int_equal(pool_ring_new(20000, 20999, &r), 0); /* 500 pairs */
	assert_int_equal(pool_ring_take(r, 0, &port), 0);
	pool_ring_give(r, port, POOL_RESTING, 0, 0);
	/* 499 others are in front, and draws reach 64 far */
	for (int i = 0; i < 499 - 64; i++) {
		assert_int_equal(pool_ring_take(r, 1, &other), 0);
		assert_int_not_equal(other, port);
	}
	pool_ring_free(r);
}

/* What keeps sockets open needs it the other way, but the rest, and no order to foretell, as ever. */
static void test_b12_used_pairs_come_first_where_preferred(void **state)
{
	struct pool_ring *r = NULL;
	uint16_t port, other;
	int first = 0;

	(void)state;
	assert_int_equal(pool_ring_new(20000, 20999, &r), 0); /* 500 pairs */
	pool_ring_prefer_used(r);
	assert_int_equal(pool_ring_take(r, 0, &port), 0);
	pool_ring_give(r, port, POOL_RESTING, 0, 5000);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(pool_ring_take(r, 4999, &other), 0);
		assert_int_not_equal(other, port);
		pool_ring_give(r, other, POOL_FREE, 4999, 0);
	}
	/* now it is among the 64 that are drawn from; not drawn in 2,000 draws: once in 10^13 runs */
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(pool_ring_take(r, 5000, &other), 0);
		first += other == port;
		pool_ring_give(r, other, POOL_RESTING, 5000, 0);
	}
	assert_in_range(first, 1, 200);
	assert_int_equal(pool_ring_count(r, POOL_FREE) + pool_ring_count(r, POOL_RESTING), 500);
	pool_ring_free(r);
}

static void test_order_differs_between_runs(void **state)
{
	uint16_t first[2][32];

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct pool_ring *r = NULL;

		assert_int_equal(pool_ring_new(16384, 32767, &r), 0);
		for (int i = 0; i < 32; i++)
			assert_int_equal(pool_ring_take(r, 0, &first[k][i]), 0);
		pool_ring_free(r);
	}
	assert_memory_not_equal(first[0], first[1], sizeof(first[0]));
}

static void test_states_add_up_under_churn(void **state)
{
	struct pool_ring *r = NULL;
	uint16_t held[64];
	size_t nheld = 0;
	uint32_t sum;

	(void)state;
	srand(3);
	assert_int_equal(pool_ring_new(30000, 30099, &r), 0);
	for (uint64_t now = 0; now < 20000; now++) {
		if (nheld < 40 && rand() % 2) {
			if (pool_ring_take(r, now, &held[nheld]) == 0)
				nheld++;
		} else if (nheld) {
			size_t at = (size_t)rand() % nheld;
			enum pool_state to = rand() % 8   ? POOL_RESTING
					     : rand() % 2 ? POOL_REFUSED
							  : POOL_FREE;

			pool_ring_give(r, held[at], to, now, to == POOL_REFUSED ? 50 : 10);
			held[at] = held[--nheld];
		}
		assert_int_equal(pool_ring_count(r, POOL_USED), nheld);
		sum = 0;
		for (int s = 0; s < POOL_STATES; s++)
			sum += pool_ring_count(r, (enum pool_state)s);
		assert_int_equal(sum, 50);
	}
	for (size_t i = 0; i < nheld; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(held[i], held[k]);
	pool_ring_free(r);
}

static void test_take_a_named_pair(void **state)
{
	struct pool_ring *r = NULL;
	uint16_t port;

	(void)state;
	assert_int_equal(pool_ring_new(20000, 20009, &r), 0);
	assert_int_equal(pool_ring_take_port(r, 0, 20004), 0);
	assert_int_equal(pool_ring_take_port(r, 0, 20004), -EBUSY);
	assert_int_equal(pool_ring_take_port(r, 0, 20005), -EINVAL);
	assert_int_equal(pool_ring_take_port(r, 0, 20010), -EINVAL);
	assert_int_equal(pool_ring_take_port(r, 0, 19998), -EINVAL);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pool_ring_take(r, 0, &port), 0);
		assert_int_not_equal(port, 20004);
	}
	pool_ring_free(r);
}

static void test_allocation_failure_leaks_nothing(void **state)
{
	size_t before = mem_live();

	(void)state;
	for (unsigned long n = 1; n <= 3; n++) {
		struct pool_ring *r = NULL;

		mem_fail_at(n);
		assert_int_equal(pool_ring_new(20000, 20009, &r), -ENOMEM);
		assert_int_equal(mem_live(), before);
	}
	mem_fail_at(0);
}

/* ---- the kernel's own ports */

static char ephemeral_path[64], reserved_path[64];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int range_setup(void **state)
{
	(void)state;
	snprintf(ephemeral_path, sizeof(ephemeral_path), "/tmp/pool-range-%d", (int)getpid());
	snprintf(reserved_path, sizeof(reserved_path), "/tmp/pool-reserved-%d", (int)getpid());
	write_file(ephemeral_path, "32768\t60999\n");
	write_file(reserved_path, "\n");
	return 0;
}

static int range_teardown(void **state)
{
	(void)state;
	unlink(ephemeral_path);
	unlink(reserved_path);
	return 0;
}

static int check(uint16_t low, uint16_t high)
{
	struct pool_range range = {low, high}, kernel = {0, 0};
	int err = pool_range_check(&range, ephemeral_path, reserved_path, &kernel);

	if (err) {
		assert_int_equal(kernel.low, 32768);
		assert_int_equal(kernel.high, 60999);
	}
	return err;
}

static void test_ephemeral_overlap(void **state)
{
	(void)state;
	assert_int_equal(check(16384, 32766), 0);
	assert_int_equal(check(16384, 32767), 0);
	assert_int_equal(check(16384, 32768), -EADDRINUSE);
	assert_int_equal(check(30000, 40000), -EADDRINUSE);
	assert_int_equal(check(60999, 61010), -EADDRINUSE);
	assert_int_equal(check(61000, 65535), 0);
	assert_int_equal(check(40000, 41000), -EADDRINUSE);
}

static void test_reserved_ports_are_fine(void **state)
{
	(void)state;
	write_file(reserved_path, "32768-35000,35001,35002-40000\n");
	assert_int_equal(check(30000, 40000), 0);
	assert_int_equal(check(30000, 40001), -EADDRINUSE);
	write_file(reserved_path, "32768-35000,35002-40000\n");
	assert_int_equal(check(30000, 40000), -EADDRINUSE);
	write_file(reserved_path, "garbage\n");
	assert_int_equal(check(30000, 40000), -EADDRINUSE);
}

static void test_an_unreadable_file_is_no_conflict(void **state)
{
	struct pool_range range = {40000, 41000}, kernel;

	(void)state;
	assert_int_equal(pool_range_check(&range, "/nonexistent/range", reserved_path, &kernel), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs_are_even_and_inside),
		cmocka_unit_test(test_a_range_without_a_pair_is_refused),
		cmocka_unit_test(test_each_pair_is_given_once),
		cmocka_unit_test(test_b12_a_pair_rests_before_reuse),
		cmocka_unit_test(test_b12_freed_pairs_go_behind_the_others),
		cmocka_unit_test(test_b12_used_pairs_come_first_where_preferred),
		cmocka_unit_test(test_order_differs_between_runs),
		cmocka_unit_test(test_states_add_up_under_churn),
		cmocka_unit_test(test_take_a_named_pair),
		cmocka_unit_test(test_allocation_failure_leaks_nothing),
		cmocka_unit_test_setup_teardown(test_ephemeral_overlap, range_setup,
						range_teardown),
		cmocka_unit_test_setup_teardown(test_reserved_ports_are_fine, range_setup,
						range_teardown),
		cmocka_unit_test_setup_teardown(test_an_unreadable_file_is_no_conflict, range_setup,
						range_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
