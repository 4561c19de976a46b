/* SPDX-License-Identifier: Apache-2.0 */
/* gate_pool: who joins, what is lost and found again. */
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

/* C10, J9a: short partition: LOST, then BACK; a Modify made meanwhile arrives */
static void a_short_loss_keeps_contexts(void **state)
{
	struct user u;

	(void)state;
	join(0);
	open_gate(&u);
	fake_cut(&fakes[0]);
	assert_int_equal(u.lost, 1);
	modify(&u);
	pass_ms(100);
	assert_int_equal(u.replies, 1);
	fake_join(&fakes[0], GATE_DISCONNECTED, GATE_REASON_RESTORED);
	pass_ms(1);
	assert_int_equal(u.replies, 2);
	assert_int_equal(u.err, 0);
	assert_int_equal(fakes[0].modifies, 1);
	assert_int_equal(u.back, 1);
	assert_int_equal(u.gone, 0);
	close_gate(&u);
	assert_int_equal(u.final_err, 0);
}

/* J4, C4: the Add was executed, its reply was lost with the connection: the next dbe takes the call, no gate is left over */
static void cut_between_add_and_reply_leaves_one_gate(void **state)
{
	struct user u;

	(void)state;
	join(0);
	join(1);
	gate_pool_drain(pool, "dbe1", true);
	fakes[0].mute = true;
	open_gate(&u);
	gate_pool_drain(pool, "dbe1", false);
	assert_int_equal(fakes[0].adds, 1);
	fake_cut(&fakes[0]);
	flow();
	assert_int_equal(u.replies, 1);
	assert_int_equal(u.err, 0);
	assert_string_equal(gate_context_dbe(u.c), "dbe1");
	fakes[0].nheld = 0;
	fake_join(&fakes[0], GATE_DISCONNECTED, GATE_REASON_RESTORED);
	pass_ms(10);
	assert_int_equal(fake_contexts(&fakes[0]), 0);
	assert_int_equal(fake_contexts(&fakes[1]), 1);
	close_gate(&u);
}

/* J9d: cold restart */
static void after_a_cold_restart_contexts_are_gone(void **state)
{
	static struct user u[600];
	size_t i;

	(void)state;
	join(0);
	for (i = 0; i < 600; i++)
		open_gate(&u[i]);
	fake_cut(&fakes[0]);
	fake_restart(&fakes[0], 11, false);
	fake_join(&fakes[0], GATE_RESTART, GATE_REASON_COLD);
	pass_ms(10);
	for (i = 0; i < 600; i++) {
		assert_int_equal(u[i].lost, 1);
		assert_int_equal(u[i].gone, 1);
		assert_int_equal(u[i].back, 0);
		assert_int_equal(gate_modify(u[i].c, &(struct gate_change){{NULL, NULL}, {0, 0}},
					     on_reply, &u[i]),
				 -EHOSTDOWN);
		close_gate(&u[i]);
	}
	pass_ms(1);
	assert_int_equal(u[599].finals, 1);
	assert_int_equal(u[599].final_err, -EHOSTDOWN);
	open_gate(&u[0]);
	assert_int_equal(u[0].err, 0);
	close_gate(&u[0]);
}

/* J9d: warm restart keeps them, by audit in pages; one that is missing is gone */
static void a_warm_restart_is_audited(void **state)
{
	static struct user u[50];
	size_t i;

	(void)state;
	join(0);
	for (i = 0; i < 50; i++)
		open_gate(&u[i]);
	fake_cut(&fakes[0]);
	fake_restart(&fakes[0], 11, true);
	fakes[0].page = 7;
	fakes[0].context[gate_context_id(u[20].c)] = false;
	fakes[0].audits = 0;
	fake_join(&fakes[0], GATE_RESTART, GATE_REASON_WARM);
	pass_ms(10);
	assert_true(fakes[0].audits >= 7);
	for (i = 0; i < 50; i++) {
		assert_int_equal(u[i].gone, i == 20);
		assert_int_equal(u[i].back, i != 20);
		close_gate(&u[i]);
	}
	pass_ms(1);
	assert_int_equal(fake_contexts(&fakes[0]), 0);
}

/* J9b, C13: contexts nobody here knows (our own restart) are subtracted, ours stay */
static void strays_are_subtracted(void **state)
{
	int64_t strays = metric_get(&gate_metrics, GATE_M_STRAYS);
	struct user u;
	uint32_t id;

	(void)state;
	fakes[0].page = 16;
	for (id = 1; id <= 100; id++)
		fakes[0].context[id] = true;
	fakes[0].next = 100;
	join(0);
	open_gate(&u);
	pass_ms(10);
	assert_int_equal(fake_contexts(&fakes[0]), 1);
	assert_int_equal(metric_get(&gate_metrics, GATE_M_STRAYS) - strays, 100);
	/* and by the periodic audit later on */
	fakes[0].context[200] = true;
	pass_ms(31000);
	assert_int_equal(fake_contexts(&fakes[0]), 1);
	assert_int_equal(u.gone + u.lost, 0);
	close_gate(&u);
}

static void a_failed_audit_ends_no_call(void **state)
{
	struct user u;

	(void)state;
	join(0);
	open_gate(&u);
	fake_cut(&fakes[0]);
	fakes[0].audit_error = GATE_ERR_INTERNAL;
	fake_join(&fakes[0], GATE_DISCONNECTED, GATE_REASON_RESTORED);
	pass_ms(3500);
	assert_int_equal(u.gone + u.back, 0);
	fakes[0].audit_error = 0;
	pass_ms(1500);
	assert_int_equal(u.back, 1);
	close_gate(&u);
}

/* C10: away for longer than the hold time */
static void after_the_hold_time_contexts_are_gone(void **state)
{
	struct user u, v;

	(void)state;
	join(0);
	open_gate(&u);
	open_gate(&v);
	fake_cut(&fakes[0]);
	gate_close(v.c, on_final, &v); /* asked while it is away */
	pass_ms(3000);
	assert_int_equal(v.finals, 1);
	assert_int_equal(v.final_err, -ETIMEDOUT);
	pass_ms(26000);
	assert_int_equal(u.gone, 0);
	pass_ms(2000);
	assert_int_equal(u.gone, 1);
	close_gate(&u);
	/* its clock was put back: nothing of its former life is left, so it may come */
	fake_restart(&fakes[0], 3, true);
	fake_join(&fakes[0], GATE_RESTART, GATE_REASON_WARM);
	pass_ms(10);
	assert_int_equal(gate_pool_find(pool, "dbe0")->health, GATE_DBE_UP);
	assert_int_equal(fake_contexts(&fakes[0]), 0);
}

static void a_dbe_that_says_good_bye_takes_its_contexts(void **state)
{
	struct user u;

	(void)state;
	join(0);
	open_gate(&u);
	fake_change(&fakes[0], GATE_FORCED, GATE_REASON_OUT);
	flow();
	pass_ms(1);
	assert_int_equal(u.gone, 1);
	assert_int_equal(gate_available(pool, "core", "peering"), -ENODEV);
	close_gate(&u);
}

static void a_silent_dbe_is_out_within_a_second_or_so(void **state)
{
	struct user u;
	int ms;

	(void)state;
	join(0);
	open_gate(&u);
	fakes[0].deaf = true;
	for (ms = 0; !u.lost && ms < 3000; ms++)
		pass_ms(1);
	assert_in_range(ms, 500, 1001);
	close_gate(&u);
	pass_ms(2001);
	assert_int_equal(u.finals, 1);
	fakes[0].deaf = false;
}

static void events_reach_their_context(void **state)
{
	struct user u;
	struct gate_event e = {.type = GATE_EVENT_LATCHED,
			       .stream_id = 1,
			       .addr = {ADDR_V4, 0, 99, {10, 0, 0, 1}}};

	(void)state;
	join(0);
	open_gate(&u);
	fake_notify(&fakes[0], 1, "peering/1", &e);
	assert_int_equal(u.events, 1);
	assert_int_equal(u.side, 1);
	assert_int_equal(u.event.addr.port, 99);
	assert_int_equal(fakes[0].change_code, 0);
	/* J7 hangterm: the dbe is told that nobody knows this one */
	fake_notify(&fakes[0], 77, "peering/77", &e);
	assert_int_equal(fakes[0].change_code, GATE_ERR_CONTEXT);
	assert_int_equal(u.events, 1);
	close_gate(&u);
}

/* ---------------------------------------------------------------- joining */
static void first_message(struct gate_message *m, const char *sender, uint64_t epoch, int type)
{
	struct gate_command *c;

	gate_message_clear(m);
	m->version = 1;
	strcpy(m->sender, sender);
	m->epoch = epoch;
	m->body = GATE_BODY_REQUEST;
	m->transaction = 1;
	m->action.context_ref = GATE_REF_ROOT;
	c = gate_action_add(&m->action, type, GATE_REF_ROOT);
	if (type == GATE_SERVICE_CHANGE) {
		c->change.method = GATE_RESTART;
		c->change.reason = GATE_REASON_COLD;
		c->change.version_min = 1;
		c->change.version_max = 1;
	} else {
		c->event.type = GATE_EVENT_LOAD;
	}
}

/* J11, C1: who may not join */
static void strangers_do_not_join(void **state)
{
	static struct gate_message m;

	(void)state;
	first_message(&m, "dbe9", 10, GATE_SERVICE_CHANGE);
	assert_int_equal(fake_join_raw(&fakes[0], &m, "127.0.0.1:1"), -EACCES);
	first_message(&m, "dbe0", 10, GATE_NOTIFY);
	assert_int_equal(fake_join_raw(&fakes[0], &m, "127.0.0.1:1"), -EPROTO);
	fake_certificate(false);
	first_message(&m, "dbe0", 10, GATE_SERVICE_CHANGE);
	assert_int_equal(fake_join_raw(&fakes[0], &m, "127.0.0.1:1"), -EACCES);
	fake_certificate(true);
	/* J9g */
	m.action.commands[0].change.version_min = 7;
	m.action.commands[0].change.version_max = 9;
	assert_int_equal(fake_join_raw(&fakes[0], &m, "127.0.0.1:1"), -EACCES);
	assert_true(fakes[0].flushed);
	assert_int_equal(gate_pool_in_service(pool), 0);
	/* a version of the future that can also speak ours */
	m.action.commands[0].change.version_min = 1;
	m.transaction = 2;
	assert_int_equal(fake_join_raw(&fakes[0], &m, "127.0.0.1:1"), 0);
	assert_int_equal(gate_pool_in_service(pool), 1);
	/* C7: replayed, nothing comes of it */
	assert_int_equal(fake_join_raw(&fakes[1], &m, "127.0.0.1:1"), -EPROTO);
	assert_int_equal(gate_pool_in_service(pool), 0);
}

/* C7, C14: an older life is refused while the newer one's contexts count; a newer one takes over */
static void epochs_fence(void **state)
{
	static struct gate_message m;
	struct user u;

	(void)state;
	join(0);
	open_gate(&u);
	first_message(&m, "dbe0", 9, GATE_SERVICE_CHANGE);
	assert_int_equal(fake_join_raw(&fakes[1], &m, "127.0.0.1:1"), -ESTALE);
	assert_int_equal(u.lost, 0);
	fakes[1].connected = false;
	/* the same one again: its first connection is dead, it says */
	first_message(&m, "dbe0", 10, GATE_SERVICE_CHANGE);
	m.transaction = 1000;
	assert_int_equal(fake_join_raw(&fakes[1], &m, "127.0.0.1:1"), 0);
	assert_int_equal(u.lost, 1);
	assert_false(fakes[0].connected);
	gate_close(u.c, NULL, NULL);
	pass_ms(2100);
}

static void lists_tell_what_there_is(void **state)
{
	json_t *list, *row;
	struct user u;

	(void)state;
	join(0);
	open_gate(&u);
	list = gate_pool_list(pool);
	assert_int_equal(json_array_size(json_object_get(list, "rows")), FAKE_DBES);
	row = json_array_get(json_object_get(list, "rows"), 0);
	assert_int_equal(json_array_size(row), json_array_size(json_object_get(list, "columns")));
	assert_string_equal(json_string_value(json_array_get(row, 3)), "up");
	assert_int_equal(json_integer_value(json_array_get(row, 4)), 1);
	assert_string_equal(json_string_value(json_array_get(row, 5)),
			    "core 999/1000 peering 999/1000");
	json_decref(list);
	list = gate_pool_gates(pool);
	row = json_array_get(json_object_get(list, "rows"), 0);
	assert_int_equal(json_array_size(row), json_array_size(json_object_get(list, "columns")));
	assert_string_equal(json_string_value(json_array_get(row, 0)), "call-1");
	assert_string_equal(json_string_value(json_array_get(row, 6)), "127.0.0.1:16386");
	assert_string_equal(json_string_value(json_array_get(row, 8)), "inactive");
	json_decref(list);
	assert_null(gate_pool_show(pool, "nobody"));
	list = gate_pool_show(pool, "dbe0");
	assert_non_null(list);
	assert_string_equal(json_string_value(json_object_get(list, "health")), "up");
	json_decref(list);
	close_gate(&u);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_short_loss_keeps_contexts),
		TEST(cut_between_add_and_reply_leaves_one_gate),
		TEST(after_a_cold_restart_contexts_are_gone),
		TEST(a_warm_restart_is_audited),
		TEST(strays_are_subtracted),
		TEST(a_failed_audit_ends_no_call),
		TEST(after_the_hold_time_contexts_are_gone),
		TEST(a_dbe_that_says_good_bye_takes_its_contexts),
		TEST(a_silent_dbe_is_out_within_a_second_or_so),
		TEST(events_reach_their_context),
		TEST(strangers_do_not_join),
		TEST(epochs_fence),
		TEST(lists_tell_what_there_is),
	};

	return cmocka_run_group_tests_name("gate_pool", tests, NULL, NULL);
}
