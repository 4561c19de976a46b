/* SPDX-License-Identifier: Apache-2.0 */
/* gate_pool: who joins, who is picked, what is lost and found again - against scripted dbes. */
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
#include "tests/unit/sbe/gate/fake_dbe.h"

static struct gate_pool *pool;
static struct timer_wheel *wheel;

struct user {
	struct gate_context *c;
	size_t replies, finals, lost, back, gone, events;
	int err, final_err, side;
	uint64_t packets[2];
	uint32_t context;
	uint16_t code;
	struct gate_event event;
};

static int setup(void **state)
{
	(void)state;
	return fake_setup(&pool, &wheel);
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(gate_pool_contexts(pool), 0);
	return fake_teardown();
}

static void on_reply(void *arg, int err, const struct gate_action *reply)
{
	struct user *u = arg;

	u->replies++;
	u->err = err;
	u->code = err == -EPROTO && reply ? reply->commands[0].code : 0;
	if (!err)
		u->context = reply->context;
}

static void on_final(void *arg, int err, const struct gate_final *final)
{
	struct user *u = arg;
	int side;

	u->finals++;
	u->final_err = err;
	for (side = 0; side < 2; side++)
		u->packets[side] =
			err ? 0 : final->terminations[side].streams[0].statistics.packets_in;
}

static void on_trouble(void *arg, enum gate_trouble what, int side, const struct gate_event *e)
{
	struct user *u = arg;

	u->lost += what == GATE_TROUBLE_LOST;
	u->back += what == GATE_TROUBLE_BACK;
	u->gone += what == GATE_TROUBLE_GONE;
	if (what == GATE_TROUBLE_EVENT) {
		u->events++;
		u->side = side;
		u->event = *e;
	}
}

static void open_with(struct user *u, bool emergency)
{
	static struct gate_open_params p;
	int side;

	memset(u, 0, sizeof(*u));
	memset(&p, 0, sizeof(p));
	p.realm[0] = "core";
	p.realm[1] = "peering";
	p.family[0] = p.family[1] = ADDR_V4;
	p.nstreams = 1;
	p.emergency = emergency;
	p.label = "call-1";
	for (side = 0; side < 2; side++) {
		p.streams[side][0].id = 1;
		p.streams[side][0].has = GATE_HAS_MODE;
	}
	assert_int_equal(gate_open(pool, &p, on_reply, u, &u->c), 0);
	assert_int_equal(u->replies, 0);
	gate_on_trouble(u->c, on_trouble, u);
}

static void open_gate(struct user *u)
{
	open_with(u, false);
	flow();
}

static void close_gate(struct user *u)
{
	gate_close(u->c, on_final, u);
	assert_int_equal(u->finals, 0);
	flow();
	u->c = NULL;
}

static void join(int i)
{
	fake_join(&fakes[i], GATE_RESTART, GATE_REASON_COLD);
	assert_int_equal(gate_pool_find(pool, fakes[i].name)->health, GATE_DBE_UP);
}

static void modify(struct user *u)
{
	struct gate_stream s;
	struct gate_change change = {{NULL, &s}, {0, 1}};

	gate_stream_clear(&s);
	s.id = 1;
	s.has = GATE_HAS_MODE;
	s.mode = GATE_SENDRECV;
	assert_int_equal(gate_modify(u->c, &change, on_reply, u), 0);
}

/* ---------------------------------------------------------------- opening */
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
	int i, first_mute = -1;

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
	(void)first_mute;
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

/* ---------------------------------------------------------------- lost and found */
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
