/* SPDX-License-Identifier: Apache-2.0 */
/* gate_open: contexts opened on the right dbe, or not, in time and without leftovers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "proto/result.h"
#include "sbe/gate/gate_metric.h"
#include "tests/unit/sbe/gate/gate_user.h"

static void a_context_lives_on_a_dbe(void **state)
{
	struct user u;

	(void)state;
	join(0);
	open_gate(&u);
	assert_int_equal(u.replies, 1);
	assert_int_equal(u.err, 0);
	assert_int_equal(u.context, 1);
	assert_string_equal(gate_context_dbe(u.c), "dbe0");
	assert_int_equal(gate_context_id(u.c), 1);
	assert_int_equal(gate_pool_contexts(pool), 1);
	assert_int_equal(fakes[0].last.action.ncommands, 2);
	assert_string_equal(fakes[0].last.action.commands[1].realm, "peering");

	modify(&u);
	flow();
	assert_int_equal(u.replies, 2);
	assert_int_equal(u.err, 0);
	/* J2, X6: what was not said is not in the request */
	assert_int_equal(fakes[0].last.action.commands[0].nstreams, 0);
	assert_int_equal(fakes[0].last.action.commands[1].streams[0].has, GATE_HAS_MODE);

	assert_int_equal(gate_audit(u.c, on_final, &u), 0);
	flow();
	assert_int_equal(u.finals, 1);
	assert_int_equal(u.packets[0], 100);
	u.finals = 0;

	close_gate(&u);
	assert_int_equal(u.finals, 1);
	assert_int_equal(u.final_err, 0);
	assert_int_equal(u.packets[0], 100);
	assert_int_equal(u.packets[1], 101);
	assert_int_equal(fake_contexts(&fakes[0]), 0);
	assert_int_equal(gate_pool_contexts(pool), 0);
}

static void without_a_dbe_it_says_so(void **state)
{
	struct user u;

	(void)state;
	assert_int_equal(gate_available(pool, "core", "peering"), -ENOSYS);
	open_gate(&u);
	pass_ms(2);
	assert_int_equal(u.err, -ENOSYS);
	assert_int_equal(u.replies, 1);
	close_gate(&u);
	pass_ms(1);
	assert_int_equal(u.finals, 1);
	assert_int_equal(u.final_err, -ENODEV);

	fakes[0].no_peering = true;
	join(0);
	assert_int_equal(gate_available(pool, "core", "peering"), -ENODEV);
	assert_int_equal(gate_available(pool, "core", "core"), 0);
	open_gate(&u);
	pass_ms(2);
	assert_int_equal(u.err, -ENODEV);
	gate_close(u.c, NULL, NULL);

	fakes[1].ports_free = 0;
	join(1);
	open_gate(&u);
	pass_ms(2);
	assert_int_equal(u.err, -ENOSPC);
	gate_close(u.c, NULL, NULL);
}

/* C12: refused by one, opened by another */
static void refusal_goes_to_the_next_dbe(void **state)
{
	struct user u;
	int i;

	(void)state;
	join(0);
	join(1);
	fakes[0].refuse = GATE_ERR_NONE_AVAILABLE;
	for (i = 0; i < 10; i++) {
		open_gate(&u);
		assert_int_equal(u.err, 0);
		assert_string_equal(gate_context_dbe(u.c), "dbe1");
		close_gate(&u);
	}
	assert_true(fakes[0].adds > 0);
	fakes[1].refuse = GATE_ERR_UNAVAILABLE;
	open_gate(&u);
	pass_ms(1);
	assert_int_equal(u.replies, 1);
	assert_true(u.err == -EPROTO || u.err == -ENOSPC);
	gate_close(u.c, NULL, NULL);
	/* what we asked was wrong: nobody else is asked */
	fakes[0].refuse = fakes[1].refuse = GATE_ERR_VALUE;
	fakes[0].adds = fakes[1].adds = 0;
	open_gate(&u);
	assert_int_equal(u.err, -EPROTO);
	assert_int_equal(u.code, GATE_ERR_VALUE);
	assert_int_equal(fakes[0].adds + fakes[1].adds, 1);
	gate_close(u.c, NULL, NULL);
}

/* RFC 3525 8: the first Add has worked, the second not: no half gate is left (C12) */
static void a_half_open_context_is_subtracted(void **state)
{
	struct user u;

	(void)state;
	join(0);
	fakes[0].second_add_fails = true;
	open_gate(&u);
	assert_int_equal(u.err, -ENOSPC);
	assert_int_equal(fakes[0].subtracts, 1);
	assert_int_equal(fake_contexts(&fakes[0]), 0);
	gate_close(u.c, NULL, NULL);
}

/* C11: a dbe that does not answer costs one deadline; its late success is subtracted */
static void a_mute_dbe_is_passed_over_and_leaves_no_orphan(void **state)
{
	struct user u[8];
	int64_t late = metric_get(&gate_metrics, GATE_M_LATE);
	int i;

	(void)state;
	join(0);
	join(1);
	fakes[0].mute = true;
	for (i = 0; i < 8; i++)
		open_gate(&u[i]);
	pass_ms(501);
	for (i = 0; i < 8; i++) {
		assert_int_equal(u[i].replies, 1);
		assert_int_equal(u[i].err, 0);
		assert_string_equal(gate_context_dbe(u[i].c), "dbe1");
	}
	assert_true(fakes[0].adds > 0);
	assert_int_equal(gate_pool_find(pool, "dbe0")->health, GATE_DBE_TRIPPED);
	assert_int_equal(gate_pool_in_service(pool), 1);
	assert_true(fake_contexts(&fakes[0]) > 0);
	fake_release(&fakes[0]);
	flow();
	assert_int_equal(fake_contexts(&fakes[0]), 0);
	assert_int_equal(metric_get(&gate_metrics, GATE_M_LATE) - late, (int64_t)fakes[0].adds);
	for (i = 0; i < 8; i++)
		close_gate(&u[i]);
}

static void the_total_deadline_holds(void **state)
{
	struct user u;
	uint64_t ms;
	int i;

	(void)state;
	for (i = 0; i < FAKE_DBES; i++) {
		join(i);
		fakes[i].mute = true;
	}
	open_gate(&u);
	for (ms = 0; !u.replies && ms < 5000; ms++)
		pass_ms(1);
	assert_int_equal(u.err, -ETIMEDOUT);
	assert_in_range(ms, 1400, 2001);
	gate_close(u.c, NULL, NULL);
	for (i = 0; i < FAKE_DBES; i++)
		fake_release(&fakes[i]);
	flow();
	for (i = 0; i < FAKE_DBES; i++)
		assert_int_equal(fake_contexts(&fakes[i]), 0);
}

/* C13: given up before it was open */
static void closing_before_it_is_open_leaves_nothing(void **state)
{
	struct user u;

	(void)state;
	join(0);
	fakes[0].mute = true;
	open_gate(&u);
	assert_int_equal(
		gate_modify(u.c, &(struct gate_change){{NULL, NULL}, {0, 0}}, on_reply, &u),
		-EBUSY);
	close_gate(&u);
	pass_ms(1);
	assert_int_equal(u.finals, 1);
	assert_int_equal(u.final_err, -ECANCELED);
	fake_release(&fakes[0]);
	flow();
	pass_ms(3000);
	assert_int_equal(u.replies, 0);
	assert_int_equal(fake_contexts(&fakes[0]), 0);
	/* and before it was even asked */
	open_with(&u, false);
	gate_close(u.c, NULL, NULL);
	flow();
	fakes[0].mute = false;
	pass_ms(100);
	assert_int_equal(u.replies, 0);
	fake_release(&fakes[0]);
	flow();
	assert_int_equal(fake_contexts(&fakes[0]), 0);
}

/* ---------------------------------------------------------------- choice */
static void equal_dbes_share_the_calls(void **state)
{
	static struct user u[200];
	int i;

	(void)state;
	for (i = 0; i < FAKE_DBES; i++)
		join(i);
	for (i = 0; i < 200; i++)
		open_gate(&u[i]);
	for (i = 0; i < FAKE_DBES; i++)
		assert_in_range(fake_contexts(&fakes[i]), 50, 85);
	for (i = 0; i < 200; i++)
		close_gate(&u[i]);
}

static void a_loaded_dbe_gets_less(void **state)
{
	static struct user u[100];
	struct gate_event e = {.type = GATE_EVENT_LOAD, .value = 80};
	int i;

	(void)state;
	join(0);
	join(1);
	fake_notify(&fakes[0], 0, "", &e);
	for (i = 0; i < 100; i++)
		open_gate(&u[i]);
	assert_int_equal(fake_contexts(&fakes[0]), 0);
	for (i = 0; i < 100; i++)
		close_gate(&u[i]);
}

static void draining_dbes_get_only_emergencies(void **state)
{
	struct user u;

	(void)state;
	join(0);
	assert_int_equal(gate_pool_drain(pool, "dbe9", true), -ENOENT);
	assert_int_equal(gate_pool_drain(pool, "dbe0", true), 0);
	assert_int_equal(gate_available(pool, "core", "peering"), -ENODEV);
	assert_int_equal(gate_pool_in_service(pool), 0);
	open_gate(&u);
	pass_ms(1);
	assert_int_equal(u.err, -ENODEV);
	gate_close(u.c, NULL, NULL);
	open_with(&u, true);
	flow();
	assert_int_equal(u.err, 0);
	assert_true(fakes[0].last.action.emergency);
	close_gate(&u);
	gate_pool_drain(pool, "dbe0", false);
	/* J9e: drained by its own operator, and taken back */
	fake_change(&fakes[0], GATE_GRACEFUL, GATE_REASON_OUT);
	flow();
	assert_int_equal(gate_available(pool, "core", "peering"), -ENODEV);
	fake_change(&fakes[0], GATE_RESTART, GATE_REASON_CANCEL_GRACEFUL);
	flow();
	assert_int_equal(gate_available(pool, "core", "peering"), 0);
}

/* J9h */
static void a_realm_that_is_down_is_not_used(void **state)
{
	struct gate_event e = {.type = GATE_EVENT_REALM_DOWN, .realm = "peering"};

	(void)state;
	join(0);
	fake_notify(&fakes[0], 0, "", &e);
	assert_int_equal(gate_available(pool, "core", "peering"), -ENODEV);
	e.type = GATE_EVENT_REALM_UP;
	fake_notify(&fakes[0], 0, "", &e);
	assert_int_equal(gate_available(pool, "core", "peering"), 0);
}

static void a_tripped_dbe_comes_back_on_probation(void **state)
{
	struct user u, v;
	struct gate_dbe *d = gate_pool_find(pool, "dbe0");

	(void)state;
	join(0);
	fakes[0].mute = true;
	open_gate(&u);
	open_gate(&v);
	pass_ms(501);
	assert_int_equal(d->health, GATE_DBE_TRIPPED);
	assert_int_equal(u.err, -ETIMEDOUT);
	gate_close(u.c, NULL, NULL);
	gate_close(v.c, NULL, NULL);
	fake_release(&fakes[0]);
	flow();
	pass_ms(1000);
	assert_int_equal(d->health, GATE_DBE_UP);
	assert_true(d->probation);
	/* one time-out is enough now, and the next pause is longer */
	open_gate(&u);
	pass_ms(501);
	assert_int_equal(d->health, GATE_DBE_TRIPPED);
	gate_close(u.c, NULL, NULL);
	fake_release(&fakes[0]);
	pass_ms(1500);
	assert_int_equal(d->health, GATE_DBE_TRIPPED);
	/* better a doubtful one than none */
	fakes[0].mute = false;
	open_gate(&u);
	assert_int_equal(u.err, 0);
	close_gate(&u);
	pass_ms(600);
	open_gate(&u);
	close_gate(&u);
	assert_false(d->probation);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_context_lives_on_a_dbe),
		TEST(without_a_dbe_it_says_so),
		TEST(refusal_goes_to_the_next_dbe),
		TEST(a_half_open_context_is_subtracted),
		TEST(a_mute_dbe_is_passed_over_and_leaves_no_orphan),
		TEST(the_total_deadline_holds),
		TEST(closing_before_it_is_open_leaves_nothing),
		TEST(equal_dbes_share_the_calls),
		TEST(a_loaded_dbe_gets_less),
		TEST(draining_dbes_get_only_emergencies),
		TEST(a_realm_that_is_down_is_not_used),
		TEST(a_tripped_dbe_comes_back_on_probation),
	};

	return cmocka_run_group_tests_name("gate_open", tests, NULL, NULL);
}
