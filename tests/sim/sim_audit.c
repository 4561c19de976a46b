/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "sbe/call/call_object.h"
#include "sbe/cdr/cdr.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"
#include "tests/sim/sim_sbe.h"

#define CDRS_MAX 4096

static uint64_t cdrs[CDRS_MAX]; /* hashes of a_call_id */
static unsigned ncdrs;
static int64_t attempts_before, followed_before;

void sim_audit_begin(void)
{
	ncdrs = 0;
	attempts_before = metric_get(&call_metrics, CALL_ATTEMPTS);
	followed_before = metric_get(&call_metrics, CALL_REDIRECTS);
}

/* In place of the writer and its thread (sbe/cdr/cdr.h). */
int cdr_write(struct cdr_writer *w, struct cdr_text *record)
{
	const char *key = "\"a_call_id\":\"", *at;
	size_t n;

	(void)w;
	cdr_text_close(record, '}');
	if (record->err || record->len_bytes >= record->size_bytes || ncdrs == CDRS_MAX)
		sim_breach("a record that cannot be written");
	record->buf[record->len_bytes] = '\0';
	sim_trace("-- CDR %s", record->buf);
	sim_count(COVER_CDRS);
	at = strstr(record->buf, key);
	n = at ? strcspn(at + strlen(key), "\"") : 0;
	cdrs[ncdrs++] = sim_hash(at ? at + strlen(key) : "", n, 0);
	return 0;
}

static unsigned cdrs_of(const char *call_id)
{
	uint64_t h = sim_hash_text(call_id, 0);
	unsigned n = 0;

	for (unsigned i = 0; i < ncdrs; i++)
		n += cdrs[i] == h;
	return n;
}

/* ---- while calls are up */

struct find_call {
	const char *call_id;
	const struct call *found;
};

static int by_call_id(void *obj, void *arg)
{
	const struct call *call = obj;
	struct find_call *f = arg;

	if (!strcmp(call->a_call_id, f->call_id) && call->fsm.state != CALL_DEAD)
		f->found = call;
	return 0;
}

struct legs {
	unsigned up;
	const struct sim_ua *ua; /* of one that is */
	bool unheard, unreached;
};

static struct legs callee_legs(const struct sim_call *call)
{
	struct legs legs = {0};
	const struct sim_ua *ua;
	bool rings = false;

	LIST_FOREACH(ua, &sim_uas, link) {
		if (ua->call != call || ua->caller)
			continue;
		legs.up += ua->state == UA_UP;
		if (ua->state == UA_UP)
			legs.ua = ua;
		rings = rings || (ua->state == UA_EARLY && !sim_check_unanswered(ua->call_id));
		legs.unreached = legs.unreached || ua->unreached;
		legs.unheard = legs.unheard || sim_check_unheard(ua->call_id);
	}
	if (rings && !legs.unheard && !call->tainted)
		sim_breach("call %s rings for nobody", call->number);
	return legs;
}

/* Where nothing is against it a call comes to be. */
static void check_success(const struct sim_call *call)
{
	if (!sim.plan.clean || call->given_up)
		return;
	sim_count(COVER_CLEAN);
	if (!call->answered)
		sim_breach("call %s of well-behaved peers over a good network failed with %d",
			   call->number, call->caller->initial->status);
}

/* ---- calls that were transferred: each leg of the sbe is somebody's, and everybody who is up has one */

struct find_leg {
	const struct sim_ua *ua;
	const struct leg *found;
};

static bool is_leg_of(const struct leg *leg, const struct sim_ua *ua)
{
	const struct dialog *d = &leg->dialog;

	return leg->up && d->call_id && !strcmp(d->call_id, ua->call_id) &&
	       !strcmp(d->local_tag, ua->remote_tag) && !strcmp(d->remote_tag, ua->local_tag);
}

static int by_dialog(void *obj, void *arg)
{
	const struct call *call = obj;
	struct find_leg *f = arg;

	for (int side = 0; side < 2; side++) {
		if (call->fsm.state != CALL_DEAD && is_leg_of(&call->legs[side], f->ua))
			f->found = &call->legs[side];
	}
	return 0;
}

static const struct sim_ua *ua_of(const struct leg *leg)
{
	const struct sim_ua *ua;

	LIST_FOREACH(ua, &sim_uas, link)
		if (is_leg_of(leg, ua))
			return ua;
	return NULL;
}

static void check_leg(const struct sim_ua *ua)
{
	const struct sim_call *call = ua->call;
	struct find_leg f = {ua, NULL};
	const struct sim_ua *far;

	table_each(sim_sbe.calls->calls, by_dialog, &f);
	if (ua->state != UA_UP && f.found)
		sim_breach("%s in call %s is not up, but the sbe has it", ua->host->name,
			   call->number);
	if (ua->state != UA_UP)
		return;
	if (!f.found || f.found->call->fsm.state != CALL_UP)
		sim_breach("%s in call %s is up, but the sbe does not have it", ua->host->name,
			   call->number);
	far = ua_of(&f.found->call->legs[1 - f.found->side]);
	if (!far || far->state != UA_UP)
		sim_breach("%s in call %s speaks with nobody", ua->host->name, call->number);
	if (ua->refer_open && !strcmp(sim.plan.refer, "absorb"))
		sim_breach("%s in call %s is never told what came of its REFER", ua->host->name,
			   call->number);
	sim_count(COVER_JOINED);
	if (f.found->side == 0 && !call->differs && !far->call->differs)
		sim_audit_media(ua, far);
}

static void check_referred(struct sim_call *call)
{
	const struct sim_ua *ua;

	if (call->joined && call->joined->excused)
		call->excused = true;
	if (call->excused)
		return;
	LIST_FOREACH(ua, &sim_uas, link)
		if (ua->call == call)
			check_leg(ua);
}

static void check_call(struct sim_call *call)
{
	struct find_call f = {call->caller->call_id, NULL};
	struct legs legs = callee_legs(call);
	bool up = call->caller->state == UA_UP;

	if (call->tainted || call->caller->unreached || legs.unreached || legs.unheard ||
	    sim_check_unheard(call->caller->call_id))
		call->excused = true;
	if (call->excused || call->referred)
		return; /* the latter: check_referred */
	table_each(sim_sbe.calls->calls, by_call_id, &f);
	if (up != (legs.up == 1) || legs.up > 1)
		sim_breach("half a call: %s, caller %s, %u callees up", call->number,
			   up ? "up" : "down", legs.up);
	if (up != (f.found != NULL))
		sim_breach("call %s is %s for its peers, but the sbe %s it", call->number,
			   up ? "up" : "over", f.found ? "has" : "does not have");
	if (up && f.found->fsm.state != CALL_UP)
		sim_breach("call %s is up for its peers, but in state %d", call->number,
			   f.found->fsm.state);
	call->was_up = up;
	if (!up)
		return;
	sim_count(COVER_CALLS_UP_AT_CHECK);
	if (!call->differs)
		sim_audit_media(call->caller, legs.ua);
}

static int show_call(void *obj, void *arg)
{
	const struct call *call = obj;

	(void)arg;
	sim_trace("-- sbe call %s: state %d, gate %s%s on %s, legs %s%s, exchange %s",
		  call->a_call_id, call->fsm.state, call->gate ? "there" : "none",
		  call->gate_closing ? " closing" : "", call->dbe, call->legs[0].up ? "up" : "down",
		  call->legs[1].up ? " up" : " down", call->ex.running ? "running" : "none");
	return 0;
}

static int not_up(void *obj, void *arg)
{
	(void)arg;
	return ((const struct call *)obj)->fsm.state != CALL_UP;
}

/* A timer of a call (media that stopped, a session nobody refreshes) may end it at this very moment. */
static void let_finish(void)
{
	for (int i = 0; i < 3 && table_each(sim_sbe.calls->calls, not_up, NULL); i++)
		sim_run_ms(70 * sim.plan.t1_ms);
}

void sim_audit_up(void)
{
	struct sim_call *call;
	size_t calls, gates, contexts;

	let_finish();
	calls = call_count(sim_sbe.calls);
	gates = gate_pool_contexts(sim_sbe.gates);
	contexts = sim_dbe_contexts();
	table_each(sim_sbe.calls->calls, show_call, NULL);
	LIST_FOREACH(call, &sim_calls, link) {
		check_success(call);
		check_call(call);
	}
	LIST_FOREACH(call, &sim_calls, link)
		if (call->referred)
			check_referred(call);
	if (gates != calls)
		sim_breach("%zu calls, but %zu gate contexts", calls, gates);
	if (contexts != gates)
		sim_breach("%zu gate contexts in the sbe, %zu in the dbes", gates, contexts);
	sim_check_settled();
}

/* Nobody has hung up since; only who forgot his session, or sends no media, has ended his call. */
static void check_aged(struct sim_call *call)
{
	const struct sim_ua *ua;
	bool faded = false, was_up = call->was_up;

	LIST_FOREACH(ua, &sim_uas, link) {
		if (ua->call == call && !call->excused && sim_session_overdue(ua))
			sim_breach("call %s is up, but nobody has refreshed it with %s for %llu s",
				   call->number, ua->host->name,
				   (unsigned long long)(clock_now_ms() - ua->session.refreshed_ms) /
					   1000);
		if (ua->call != call)
			continue;
		faded = faded || ua->session.forgets;
		/* its 2xx may have come half a minute late, and with it the refresh */
		faded = faded || (ua->session.unsure && sim.plan.t1_ms == 500);
	}
	check_call(call);
	if (call->excused || !was_up || sim.plan.silence_s)
		return;
	if (!call->was_up && !faded)
		sim_breach("call %s has ended although all have refreshed it", call->number);
	if (call->was_up)
		sim_count(COVER_AGED);
}

void sim_audit_aged(void)
{
	struct sim_call *call;

	LIST_FOREACH(call, &sim_calls, link)
		check_aged(call);
}

/* ---- when all is over */

static int no_sessions(struct peer *p, void *arg)
{
	(void)arg;
	if (p->state->sessions[PEER_IN] || p->state->sessions[PEER_OUT])
		sim_breach("peer %s still has %u + %u sessions", p->name,
			   p->state->sessions[PEER_IN], p->state->sessions[PEER_OUT]);
	return 0;
}

static void none(const char *what, size_t n)
{
	if (n)
		sim_breach("%zu %s left", n, what);
}

void sim_audit_idle(void)
{
	struct sim_call *call;
	int64_t attempts = metric_get(&call_metrics, CALL_ATTEMPTS) - attempts_before;

	none("calls", call_count(sim_sbe.calls));
	none("dialogs", table_count(sim_sbe.calls->dialogs));
	none("client transactions", txn_count_client(sim_sbe.txns));
	none("server transactions", txn_count_server(sim_sbe.txns));
	none("timers of calls and transactions", timer_wheel_count(sim.core_wheel));
	none("gate contexts in the sbe", gate_pool_contexts(sim_sbe.gates));
	none("contexts in the dbes", sim_dbe_contexts());
	none("ends in the data plane", sim_dbe_ends());
	none("ports in use", sim_dbe_ports_used());
	peer_each(sim_sbe.snapshot->peers, no_sessions, NULL);
	sim_cover[COVER_FOLLOWED] +=
		(uint64_t)(metric_get(&call_metrics, CALL_REDIRECTS) - followed_before);
	if ((int64_t)ncdrs != attempts)
		sim_breach("%u records for %lld attempts", ncdrs, (long long)attempts);
	LIST_FOREACH(call, &sim_calls, link) {
		unsigned want = sim_check_attempts(call->caller->call_id) ? 1 : 0;
		unsigned have = cdrs_of(call->caller->call_id);

		if (have == want + 1 && sim_check_late_copy(call->caller->call_id))
			continue;
		if (call->referred && have >= want)
			continue; /* one for each call that was made for it */
		if (!call->tainted && have != want)
			sim_breach("call %s (%s): %u records", call->number, call->caller->call_id,
				   have);
	}
	sim_check_settled();
}
