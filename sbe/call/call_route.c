/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_route - where a new call goes: the question to route/, and what happens when the answer takes time.
 *
 * What the configuration decides is known before a call object exists, so that a refusal allocates nothing. When
 * somebody has to be asked, the call waits in its first state: a CANCEL ends it as ever.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/call/call_ingress.h"
#include "sbe/call/call_invite.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_route.h"
#include "sbe/policy/policy.h"
#include "sbe/sip/transport_name.h"

/* ---- what routing asks us */

static unsigned protos(void *arg, const char *realm, unsigned *ret_families)
{
	const struct call_core *core = arg;
	unsigned bits = 0;

	*ret_families = 0;
	for (unsigned p = 0; p < TRANSPORT_PROTOS; p++) {
		for (int v6 = 0; v6 < 2; v6++) {
			if (!transport_find(core->o.transport, realm, (enum transport_proto)p,
					    v6 ? ADDR_V6 : ADDR_V4))
				continue;
			bits |= 1U << p;
			*ret_families |= 1U << v6;
		}
	}
	return bits;
}

static bool ours(void *arg, const char *host)
{
	const struct call_core *core = arg;
	struct wire_text text = {host, strlen(host)};

	return call_domain_is_ours(core, text) || transport_is_ours(core->o.transport, text, 0);
}

static void quality(void *arg, const struct peer *p, struct route_quality *ret_quality)
{
	struct peer_quality_sums s;
	double asr = 0, pdd = 0;
	uint64_t calls, rang;

	(void)arg;
	peer_quality_sum((struct peer *)(uintptr_t)p, PEER_OUT, clock_now_ms(), &s);
	peer_quality_figure(&s, FIGURE_ASR, &asr, &calls);
	peer_quality_figure(&s, FIGURE_PDD, &pdd, &rang);
	*ret_quality = (struct route_quality){calls > UINT32_MAX ? UINT32_MAX : (uint32_t)calls,
					      (uint32_t)asr, (uint32_t)pdd};
}

void call_route_env(struct call_core *core, struct route_env *ret_env)
{
	*ret_env = (struct route_env){.dns = core->o.dns,
				      .protos = protos,
				      .ours = ours,
				      .arg = core,
				      .luf = core->o.luf,
				      .quality = quality};
}

/* ---- known at once */

static void planned_now(void *arg, const struct route_plan *plan)
{
	struct call_planning *p = arg;

	p->done = true;
	p->plan = *plan;
	mem_ref(p->plan.found);
}

/* The caller learns that we are at it before the first question leaves: looking up may take seconds (RFC 3261 8.2.6.1). */
static void asking_begins(void *arg)
{
	static const struct txn_reply trying = {.status = 100};
	struct call_planning *p = arg;

	if (p->s)
		(void)txn_server_reply(p->s, &trying);
}

void call_route_ask(struct call_core *core, const struct wire_msg *m, struct peer *p,
		    struct call_planning *ret_planning, struct route_asking **ret_asking)
{
	struct route_asker asker = {planned_now, ret_planning, NULL, asking_begins};
	char user[ROUTE_USER_BYTES], host[ROUTE_HOST_BYTES], calling[ROUTE_USER_BYTES];
	struct route_query q = {
		.from = p, .user = user, .host = host, .method = "INVITE", .calling = calling};
	struct route_env env;
	struct wire_party caller;
	struct wire_uri uri;

	ret_planning->done = false;
	wire_request_uri(m, &uri);
	policy_called(p, &uri, user, sizeof(user));
	wire_text_copy(uri.host, host, sizeof(host));
	wire_from(m, &caller);
	policy_called(p, &caller.uri, calling, sizeof(calling));
	q.ours = uri.is_tel || transport_is_ours(core->o.transport, uri.host, uri.port) ||
		 call_domain_is_ours(core, uri.host);
	call_route_env(core, &env);
	route_ask(core->c.routes, &env, &q, &asker, ret_asking);
}

int call_route_keep(struct call *call, const struct route_plan *plan)
{
	call->plan = mem_buffer(sizeof(*plan));
	if (!call->plan)
		return -ENOMEM;
	*call->plan = *plan;
	mem_ref(call->plan->found);
	for (size_t i = 0; i < plan->n; i++) {
		mem_ref(plan->candidates[i].peer); /* a reload must not take them away */
		mem_ref(plan->candidates[i].sed);
	}
	text_copy(call->route, sizeof(call->route), plan->route);
	if (plan->trace.n)
		call->trace.route = plan->trace;
	call_step(call, CALL_STEP_PLAN, (unsigned)plan->n, 0, NULL);
	return 0;
}

const char *call_route_no_gate(struct call_core *core, const struct peer *from,
			       const struct route_plan *plan, const char **ret_text)
{
	const struct peer *to = plan->candidates[0].peer;
	int err;

	if (call_direct_possible(core, from, to))
		return NULL; /* should it need one, that shows when it is asked for */
	err = gate_available(core->o.gates, call_media_realm(core, from->conf->realm),
			     call_media_realm(core, to->conf->realm));

	if (!err)
		return NULL;
	metric_add(&call_metrics, CALL_NO_DBE, 1);
	*ret_text = err == -ENOSYS ? "no media relay (dbe) is connected"
				   : "no media relay (dbe) serves both realms";
	return "no_dbe";
}

const struct peer_hop *call_route_hop(const struct call *call)
{
	return call->plan && call->candidate < call->plan->n
		       ? route_hop(call->plan, call->candidate)
		       : NULL;
}

void call_plan_free(struct call *call)
{
	route_cancel(call->asking_route);
	call->asking_route = NULL;
	if (!call->plan)
		return;
	for (size_t i = 0; i < call->plan->n; i++) {
		mem_unref(call->plan->candidates[i].peer);
		mem_unref(call->plan->candidates[i].sed);
	}
	mem_unref(call->plan->found);
	mem_unref(call->plan->targets);
	mem_free(call->plan);
	call->plan = NULL;
}

bool call_route_prove(const struct call *call, struct transport_target *to)
{
	const struct route_sed *sed = call_sed_of(call);
	const char *name = sed && sed->expect[0] ? sed->expect : NULL;

	if (!name && call->plan->candidates[call->candidate].hop >= ROUTE_HOP_FOUND)
		name = call->plan->found->prove;
	if (to->proto != TRANSPORT_TLS || !name)
		return true;
	to->name = transport_name_number(call->core->o.transport, name);
	return to->name != 0;
}

/* ---- known later */

static void planned_later(void *arg, const struct route_plan *plan)
{
	struct call *call = arg;
	struct call_failure f = {.status = plan->status, .text = plan->reason};
	struct route_plan agreed = *plan;
	struct policy_refusal no;

	CALL_CHECK(call);
	call->asking_route = NULL;
	f.cause = plan->cause;
	if (!plan->status &&
	    !call_ingress_plan(call->core, call->ex.held, call->legs[0].peer, &agreed, &no)) {
		f.status = no.status;
		f.cause = no.cause;
		f.text = no.text;
	} else if (!plan->status) {
		f.status = 503;
		f.cause = call_route_no_gate(call->core, call->legs[0].peer, &agreed, &f.text);
	}
	if (!f.cause && call_route_keep(call, &agreed)) {
		f.status = 500;
		f.cause = "memory";
	}
	if (f.cause)
		call_reject(call, &f);
	else
		call_invite_open(call);
}

void call_route_wait(struct call *call, struct route_asking *asking)
{
	call->asking_route = asking;
	route_retell(asking, planned_later, call);
}
