/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and health of a peer (C22; cap and session keys of H). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include "common/clock.h"
#include "common/mem.h"

#define SECOND_US 1000000U

static struct peer_set *set;

static struct peer *one(const char *members)
{
	char text[512];

	(void)snprintf(
		text, sizeof(text),
		"{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1','sip:192.0.2.2']%s%s}}}",
		members[0] ? "," : "", members);
	set = bed_set(text, NULL);
	return peer_find_name(set, "p");
}

static int down(void **state)
{
	(void)state;
	peer_set_free(set);
	set = NULL;
	clock_real();
	return 0;
}

static void no_limit_unless_told(void **state)
{
	(void)state;
	struct peer *p = one("");

	for (int i = 0; i < 5000; i++)
		assert_int_equal(peer_take(p, i % 2 ? PEER_IN : PEER_OUT, 1), PEER_LIMIT_NONE);
	assert_int_equal(p->state->sessions[PEER_IN], 2500);
}

static void sessions_of_both_directions_count_together(void **state)
{
	(void)state;
	struct peer *p = one("'limits':{'sessions':2}");

	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_OUT, 0), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_SESSIONS);
	assert_int_equal(peer_take(p, PEER_OUT, 0), PEER_LIMIT_SESSIONS);
	peer_give(p, PEER_OUT);
	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_NONE);
	assert_int_equal(p->state->sessions[PEER_IN], 2);
	assert_int_equal(p->state->limited, 2);
}

static void sessions_of_one_direction(void **state)
{
	(void)state;
	struct peer *p = one("'limits':{'sessions_in':1,'sessions_out':2}");

	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_SESSIONS);
	assert_int_equal(peer_take(p, PEER_OUT, 0), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_OUT, 0), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_OUT, 0), PEER_LIMIT_SESSIONS);
}

/* Burst of one second's worth, then the rate. */
static void rate_with_burst(void **state)
{
	(void)state;
	clock_fake(SECOND_US, 0);
	struct peer *p = one("'limits':{'cps':3}");
	uint64_t now = SECOND_US;

	for (int i = 0; i < 3; i++)
		assert_int_equal(peer_take(p, PEER_IN, now), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_OUT, now), PEER_LIMIT_CPS);
	now += SECOND_US / 3 + 1;
	assert_int_equal(peer_take(p, PEER_OUT, now), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_IN, now), PEER_LIMIT_CPS);
}

/* All or nothing: what one bucket refuses must not cost the other one a token. */
static void refused_by_one_bucket_costs_nothing(void **state)
{
	(void)state;
	clock_fake(SECOND_US, 0);
	struct peer *p = one("'limits':{'cps':2,'cps_in':1}");
	uint64_t now = SECOND_US;

	assert_int_equal(peer_take(p, PEER_IN, now), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_IN, now), PEER_LIMIT_CPS);
	assert_int_equal(peer_take(p, PEER_OUT, now), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_OUT, now), PEER_LIMIT_CPS);
	assert_int_equal(p->state->sessions[PEER_IN], 1);
	assert_int_equal(p->state->sessions[PEER_OUT], 1);
}

/* C22: sessions are looked at first, and a call over them takes no token. */
static void sessions_come_before_rate(void **state)
{
	(void)state;
	clock_fake(SECOND_US, 0);
	struct peer *p = one("'limits':{'sessions':1,'cps':2}");

	assert_int_equal(peer_take(p, PEER_IN, SECOND_US), PEER_LIMIT_NONE);
	for (int i = 0; i < 10; i++)
		assert_int_equal(peer_take(p, PEER_IN, SECOND_US), PEER_LIMIT_SESSIONS);
	peer_give(p, PEER_IN);
	assert_int_equal(peer_take(p, PEER_IN, SECOND_US), PEER_LIMIT_NONE);
}

static void blocked_refuses_both_directions_and_keeps_calls(void **state)
{
	(void)state;
	struct peer *p = one("");

	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_NONE);
	peer_block(p, true);
	assert_false(peer_usable(p));
	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_BLOCKED);
	assert_int_equal(peer_take(p, PEER_OUT, 0), PEER_LIMIT_BLOCKED);
	assert_int_equal(p->state->sessions[PEER_IN], 1);
	peer_block(p, false);
	assert_true(peer_usable(p));
	assert_int_equal(peer_take(p, PEER_OUT, 0), PEER_LIMIT_NONE);
}

static void give_never_goes_below_zero(void **state)
{
	(void)state;
	struct peer *p = one("'limits':{'sessions':1}");

	peer_give(p, PEER_IN);
	assert_int_equal(p->state->sessions[PEER_IN], 0);
	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_IN, 0), PEER_LIMIT_SESSIONS);
}

static void failed_hop_is_last_for_30_s(void **state)
{
	(void)state;
	struct peer *p = one("");

	peer_hop_failed(p, 0, 1000);
	assert_true(peer_hop_last(p, 0, 1000));
	assert_true(peer_hop_last(p, 0, 30999));
	assert_false(peer_hop_last(p, 0, 31000));
	assert_false(peer_hop_last(p, 1, 1000));
	assert_true(
		peer_usable(p)); /* calls that fail do not take a peer out: there may be no other */
	peer_hop_answered(p, 0);
	assert_false(peer_hop_last(p, 0, 1000));
	peer_hop_failed(p, 7, 1000); /* a hop of an older configuration */
}

static void down_when_all_hops_are(void **state)
{
	(void)state;
	struct peer *p = one("'probe':{'interval_s':10}");

	peer_hop_set_down(p, 0, "no answer");
	assert_true(peer_usable(p));
	peer_hop_set_down(p, 1, "no answer");
	assert_false(peer_usable(p));
	peer_hop_set_down(p, 0, NULL);
	assert_true(peer_usable(p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(no_limit_unless_told, down),
		cmocka_unit_test_teardown(sessions_of_both_directions_count_together, down),
		cmocka_unit_test_teardown(sessions_of_one_direction, down),
		cmocka_unit_test_teardown(rate_with_burst, down),
		cmocka_unit_test_teardown(refused_by_one_bucket_costs_nothing, down),
		cmocka_unit_test_teardown(sessions_come_before_rate, down),
		cmocka_unit_test_teardown(blocked_refuses_both_directions_and_keeps_calls, down),
		cmocka_unit_test_teardown(give_never_goes_below_zero, down),
		cmocka_unit_test_teardown(failed_hop_is_last_for_30_s, down),
		cmocka_unit_test_teardown(down_when_all_hops_are, down),
	};

	return cmocka_run_group_tests_name("sbe/peer", tests, NULL, NULL);
}
