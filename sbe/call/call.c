/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call - the core and the life of a call object. What happens in between stands in the verbs' files.
 *
 * A call is freed by its reaper timer, never in the middle of a callback: call_end_check starts it when
 * the call has ended, its record is written and no transaction or gate request will call back.
 */
#include "sbe/call/call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_redirect.h"
#include "sbe/call/call_route.h"
#include "sbe/call/call_terms.h"
#include "sbe/policy/policy.h"
#include "sbe/sip/digest_nonce.h"
#include "sbe/sip/wire_out.h"

METRIC_TABLE(call_metrics, CALL_METRICS)

#define CALLS_MAX_DEFAULT 100000U

static void core_destroy(void *obj)
{
	struct call_core *core = obj;

	table_free(core->calls);
	table_free(core->dialogs);
	digest_nonces_free(core->nonces);
	mem_free(core->past);
}

int call_core_new(const struct call_options *o, const struct call_config *c,
		  struct call_core **ret_core)
{
	struct call_core *core = mem_zalloc(sizeof(*core), core_destroy);
	int err;

	if (!core)
		return -ENOMEM;
	core->o = *o;
	core->c = *c;
	if (!core->o.calls_max)
		core->o.calls_max = CALLS_MAX_DEFAULT;
	err = table_new(core->o.calls_max, &core->calls);
	core->past = mem_buffer(CALL_PAST_MAX * sizeof(*core->past));
	if (!err && !core->past)
		err = -ENOMEM;
	if (!err)
		err = table_new(0, &core->dialogs); /* two per call: bounded by calls_max */
	if (!err)
		err = digest_nonces_new(0, &core->nonces);
	if (!err && getrandom(core->loop_secret, sizeof(core->loop_secret), 0) !=
			    (ssize_t)sizeof(core->loop_secret))
		err = -EIO;
	if (err) {
		mem_unref(core);
		return err;
	}
	metric_register(&call_metrics);
	metric_register(&call_auth_metrics);
	metric_register(&policy_metrics);
	*ret_core = core;
	return 0;
}

static int drop_call(void *obj, void *arg)
{
	(void)arg;
	mem_unref(obj);
	return 0;
}

void call_core_free(struct call_core *core)
{
	if (!core)
		return;
	core->stopped = NULL; /* nobody is told: the process ends */
	table_each(core->calls, drop_call, NULL);
	call_stray_end(core);
	mem_unref(core);
}

void call_core_configure(struct call_core *core, const struct call_config *c)
{
	core->c = *c;
}

size_t call_count(const struct call_core *core)
{
	return table_count(core->calls);
}

/* ---- one call ---- */

static void leg_clear(struct leg *leg)
{
	call_quality_ended(leg, false);
	if (leg->server)
		txn_server_detach(leg->server);
	if (leg->invite)
		txn_client_detach(leg->invite);
	if (leg->bye)
		txn_client_detach(leg->bye);
	leg->server = NULL;
	leg->invite = leg->bye = NULL;
	if (leg->counted)
		peer_give(leg->peer, (enum peer_direction)leg->counted_as);
	leg->counted = false;
	(void)call_terms_take(leg, 0);
	call_relay_end(leg);
	call_refer_forget(leg);
	call_session_clear(leg);
	call_auth_clear(leg);
	leg->peer = mem_unref(leg->peer);
	leg->reliable = mem_unref(leg->reliable);
	call_fork_clear(leg);
	dialog_unregister(&leg->dialog);
	dialog_clear(&leg->dialog);
}

static void call_destroy(void *obj)
{
	struct call *call = obj;
	struct call_core *core = call->core;

	call_show_settle(call);
	timer_stop(&call->ring);
	call_sed_unwatch(call);
	call_sed_give(call);
	timer_stop(&call->reaper);
	timer_stop(&call->guard);
	call_direct_end(call);
	timer_stop(&call->transfer.timer);
	call_transfer_unwant(call);
	if (call->transfer.peer)
		peer_give(call->transfer.peer, PEER_IN);
	mem_unref(call->transfer.peer);
	mem_unref(call->transfer.told_home);
	table_remove(&call->by_token);
	gate_close(call->gate, NULL, NULL);
	call_update_end(call);
	leg_clear(&call->legs[0]);
	leg_clear(&call->legs[1]);
	call_exchange_end(call);
	mem_free(call->streams);
	call_plan_free(call);
	call_attempts_free(call);
	mem_unref(call->caller);
	mem_unref(call->callee);
	mem_unref(call->called_sent);
	mem_unref(call->replaces);
	call->magic = 0;
	metric_set(&call_metrics, CALL_ACTIVE, (int64_t)table_count(core->calls));
	if (core->stopping && !table_count(core->calls) && core->stopped) {
		core->stopped(core->stopped_arg);
		core->stopped = NULL;
	}
}

int call_new(struct call_core *core, struct call **ret_call)
{
	struct call *call = mem_zalloc(sizeof(*call), call_destroy);
	int err;

	if (!call)
		return -ENOMEM;
	call->core = core;
	call->magic = CALL_MAGIC;
	call->attempts = call->few_attempts;
	for (int side = 0; side < 2; side++) {
		call->legs[side].magic = LEG_MAGIC;
		call->legs[side].side = (uint8_t)side;
		call->legs[side].call = call;
		call_fork_init(&call->legs[side]);
	}
	fsm_init(&call->fsm, &call_fsm_table, CALL_OPENING, call);
	wire_random_token(call->token, sizeof(call->token), 64);
	err = table_add(core->calls, &call->by_token, call->token, strlen(call->token), call);
	if (err) {
		mem_unref(call);
		return err;
	}
	call->invite_ms = clock_now_ms();
	call->invite_wall_ms = clock_wall_ms();
	call->released_by = CALL_BY_US;
	call->cause = "";
	metric_set(&call_metrics, CALL_ACTIVE, (int64_t)table_count(core->calls));
	*ret_call = call;
	return 0;
}

static void reap(void *arg)
{
	struct call *call = arg;

	CALL_CHECK(call);
	mem_unref(call);
}

static bool leg_waits(const struct leg *leg)
{
	return leg->bye || leg->bye_due || (leg->invite && leg->cancelled);
}

void call_end_check(struct call *call)
{
	CALL_CHECK(call);
	if (call->fsm.state != CALL_ENDING || call->gate_closing)
		return;
	if (leg_waits(&call->legs[0]) || leg_waits(&call->legs[1]))
		return;
	fsm_go(&call->fsm, CALL_DEAD);
	timer_start(call->core->o.wheel, &call->reaper, 0, reap, call);
}

struct find_query {
	const char *token;
	size_t len;
	struct call *found;
	bool several;
};

static int find_one(void *obj, void *arg)
{
	struct call *call = obj;
	struct find_query *q = arg;

	if (strncmp(call->token, q->token, q->len))
		return 0;
	q->several = q->found != NULL;
	q->found = call;
	return q->several;
}

struct call *call_find(struct call_core *core, const char *token, int *ret_err)
{
	struct find_query q = {token, strlen(token), NULL, false};

	if (q.len >= 3)
		table_each(core->calls, find_one, &q);
	*ret_err = !q.found ? -ENOENT : q.several ? -EEXIST : 0;
	return *ret_err ? NULL : q.found;
}

/* ---- what several verbs ask ---- */

const char *call_media_realm(const struct call_core *core, const char *realm)
{
	for (size_t i = 0; i < core->c.nrealms; i++) {
		if (!strcmp(core->c.realms[i].name, realm))
			return core->c.realms[i].media;
	}
	return realm;
}

const struct transport_listener *call_listener(const struct call_core *core, const struct peer *p,
					       const struct peer_hop *hop)
{
	return transport_find(core->o.transport, p->conf->realm, hop->proto, hop->addr.family);
}

bool call_domain_is_ours(const struct call_core *core, struct wire_text host)
{
	for (size_t i = 0; i < core->c.ndomains; i++) {
		if (wire_text_is_nocase(host, core->c.domains[i]))
			return true;
	}
	return false;
}

/* ---- the end of the process ---- */

static int release_one(void *obj, void *arg)
{
	(void)arg;
	call_release_us(obj, 503, "shutdown", "SIP;cause=503;text=\"border element is stopping\"");
	return 0;
}

void call_shutdown(struct call_core *core, void (*done)(void *arg), void *arg)
{
	core->stopping = true;
	if (!table_count(core->calls)) {
		done(arg);
		return;
	}
	core->stopped = done;
	core->stopped_arg = arg;
	table_each(core->calls, release_one, NULL);
}

int call_kill(struct call_core *core, const char *token, const char *why)
{
	int err;
	struct call *call = call_find(core, token, &err);
	char reason[160];

	if (!call)
		return err;
	if (call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		return -ENOENT;
	/* The peers read it: words only, and nothing that could leave the quoted string. */
	for (const char *c = why; c && *c; c++) {
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			return -EINVAL;
	}
	snprintf(reason, sizeof(reason), "SIP;cause=480;text=\"%.100s\"",
		 why && *why ? why : "released by the operator");
	call_release_us(call, 480, "operator", reason);
	return 0;
}
