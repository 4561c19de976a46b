/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets how much when not all can be taken (A22, S10). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/sip/overload.h"

#define HALF (OVERLOAD_WHOLE / 2)

static struct peer_set *set;
static uint64_t now_ms;

static int up(void **state)
{
	(void)state;
	set = bed_set(
		"{'peers':{'big':{'realm':'r','next_hops':['sip:192.0.2.1']},"
		"'small':{'realm':'r','next_hops':['sip:192.0.2.2']},"
		"'part':{'realm':'r','next_hops':['sip:192.0.2.3'],'overload':{'consent':true}}}}",
		NULL);
	now_ms = 1000;
	return 0;
}

static int down(void **state)
{
	(void)state;
	peer_set_free(set);
	return 0;
}

static struct peer_load *load(const char *name)
{
	return &peer_find_name(set, name)->state->load;
}

/* Some seconds in which each sends so many calls a tick, which the share does not change. */
static void run(uint32_t big, uint32_t small, uint32_t part, uint32_t admit)
{
	for (int i = 0; i < 100; i++) {
		load("big")->offered = big;
		load("small")->offered = small;
		load("part")->offered = part;
		now_ms += OVERLOAD_TICK_MS;
		peer_load_divide(set, admit, now_ms);
	}
}

static double let_in(const char *name)
{
	const struct peer_load *l = load(name);

	return l->rate * l->here / OVERLOAD_WHOLE;
}

static void all_is_let_in_at_first(void **state)
{
	(void)state;
	assert_int_equal(load("big")->here, OVERLOAD_WHOLE);
	assert_int_equal(peer_load_loss(load("big")), 0);
	run(90, 10, 0, OVERLOAD_WHOLE);
	assert_int_equal(load("big")->here, OVERLOAD_WHOLE);
	assert_true(load("big")->rate > 890 && load("big")->rate < 901);
}

static void a_flood_of_one_takes_nothing_from_the_other(void **state)
{
	(void)state;
	run(90, 10, 0, HALF);
	/* 1000 a second, 500 may come in: the small one's 100 all do, the big one has the rest */
	assert_int_equal(load("small")->here, OVERLOAD_WHOLE);
	assert_true(let_in("big") > 395 && let_in("big") < 405);
}

static void equals_get_equal_parts(void **state)
{
	(void)state;
	run(50, 50, 0, HALF);
	assert_true(let_in("big") > 245 && let_in("big") < 255);
	assert_true(let_in("small") > 245 && let_in("small") < 255);
	run(50, 50, 0, 0);
	assert_int_equal(load("big")->here, 0);
	run(0, 50, 0, HALF);
	/* who is silent has all of the even part, and not more should it begin a flood now */
	assert_int_equal(load("big")->here, OVERLOAD_WHOLE);
	assert_in_range(load("big")->most, 40, 60);
	run(0, 0, 0, HALF);
	assert_int_equal(load("big")->here, HALF); /* nobody sends: there are no parts to give */
}

/* One that is told leaves out its part itself, so what comes is not cut again. */
static void a_participant_is_not_cut_twice(void **state)
{
	struct peer_load *l = load("part");

	(void)state;
	l->oc_ms = now_ms;
	run(0, 0, 80, OVERLOAD_WHOLE);
	assert_true(l->takes_part);
	for (int i = 0; i < 50; i++) { /* it obeys: what comes is its share of 800 */
		l->oc_ms = now_ms;
		l->offered = 80 * l->share / OVERLOAD_WHOLE;
		now_ms += OVERLOAD_TICK_MS;
		peer_load_divide(set, HALF, now_ms);
	}
	assert_in_range(peer_load_loss(l), 45, 55);
	assert_true(l->rate > 350 && l->rate < 450);
	assert_true(l->here > OVERLOAD_WHOLE * 9 / 10);
}

static void one_that_is_told_and_does_not_obey_is_cut(void **state)
{
	struct peer_load *l = load("part");

	(void)state;
	l->oc_ms = now_ms;
	run(0, 0, 80, OVERLOAD_WHOLE);
	for (int i = 0; i < 50; i++) {
		l->oc_ms = now_ms;
		l->offered = 80;
		now_ms += OVERLOAD_TICK_MS;
		peer_load_divide(set, HALF, now_ms);
	}
	assert_true(let_in("part") > 380 && let_in("part") < 420);
}

static void one_that_no_longer_offers_is_none(void **state)
{
	(void)state;
	load("part")->oc_ms = now_ms;
	run(0, 0, 10, OVERLOAD_WHOLE);
	assert_true(load("part")->takes_part);
	now_ms += 60000;
	run(0, 0, 10, OVERLOAD_WHOLE);
	assert_false(load("part")->takes_part);
	/* without agreement an offer means nothing */
	load("big")->oc_ms = now_ms;
	run(10, 0, 0, OVERLOAD_WHOLE);
	assert_false(load("big")->takes_part);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_is_let_in_at_first, up, down),
		cmocka_unit_test_setup_teardown(a_flood_of_one_takes_nothing_from_the_other, up,
						down),
		cmocka_unit_test_setup_teardown(equals_get_equal_parts, up, down),
		cmocka_unit_test_setup_teardown(a_participant_is_not_cut_twice, up, down),
		cmocka_unit_test_setup_teardown(one_that_is_told_and_does_not_obey_is_cut, up,
						down),
		cmocka_unit_test_setup_teardown(one_that_no_longer_offers_is_none, up, down),
	};

	return cmocka_run_group_tests_name("sbe/peer/peer_load", tests, NULL, NULL);
}
