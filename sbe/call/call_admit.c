/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_admit - everything that is checked about a new INVITE before a call object exists.
 *
 * Cheap checks first; a refusal allocates nothing and leaves one CDR with its cause.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/call/call_admit.h"
#include "sbe/call/call_cancel.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_ingress.h"
#include "sbe/call/call_invite.h"
#include "sbe/call/call_loop.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_overload.h"
#include "sbe/call/call_record.h"
#include "sbe/call/call_reliable.h"
#include "sbe/call/call_replaces.h"
#include "sbe/call/call_route.h"
#include "sbe/call/call_screen.h"
#include "sbe/call/call_sips.h"
#include "sbe/call/call_terms.h"
#include "sbe/policy/policy.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/wire_out.h"

struct refusal {
	int status;
	const char *phrase;
	const char *cause; /* CDR word */
	const char *text;  /* for a Reason header; NULL = none */
	char header[160];  /* one more header line */
};

static void refuse(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		   const struct peer *p, const struct refusal *r)
{
	struct policy_way way;
	struct policy_outcome out;
	char headers[400] = "", reason[200];

	call_headers_way(core, NULL, p, NULL, &way);
	policy_outcome(&way, NULL, r->status, &out);
	snprintf(reason, sizeof(reason), "SIP;cause=%d;text=\"%s\"", r->status,
		 r->text ? r->text : "");
	if (r->text && policy_reason(&way, NULL, reason, NULL, 0))
		snprintf(headers, sizeof(headers), "Reason: %s\r\n%s", reason, r->header);
	else
		snprintf(headers, sizeof(headers), "%s", r->header);
	metric_add(&call_metrics, CALL_REFUSED, 1);
	call_record_refused(core, m, p, out.status, r->cause);
	call_refuse(s, out.status, out.why ? out.phrase : r->phrase, headers);
}

static bool passed(const struct call_screened *s, struct refusal *r)
{
	if (!s)
		return true;
	*r = (struct refusal){s->status, s->phrase, s->cause, s->text, ""};
	if (s->header)
		text_copy(r->header, sizeof(r->header), s->header);
	return false;
}

static bool check_options(const struct wire_msg *m, const struct peer *p, struct refusal *r)
{
	if (call_option_refused(m, p->conf, r->header, sizeof(r->header)))
		r->status = 420, r->cause = "option_required";
	else if (p->conf->prack == PEER_PRACK_REQUIRED &&
		 !wire_has_token(m, "supported", "100rel") &&
		 !wire_has_token(m, "require", "100rel"))
		*r = (struct refusal){421, NULL, "option_missing", NULL, "Require: 100rel\r\n"};
	else if ((r->status = call_session_check(m, p->conf, r->header, sizeof(r->header))))
		r->cause = r->status == 422 ? "session_interval" : "timer_required";
	return !r->status;
}

static bool agree_not(const struct policy_refusal *no, struct refusal *r)
{
	*r = (struct refusal){no->status, no->phrase, no->cause, no->text, ""};
	text_copy(r->header, sizeof(r->header), no->header);
	return false;
}

/* RFC 6406 5: the Request-URI must be ours to route and no Route may be left over (E11). */
static bool check_target(const struct call_core *core, const struct txn_server *s,
			 const struct wire_msg *m, const struct peer *p, struct refusal *r)
{
	struct policy_refusal no;
	struct wire_uri uri;
	struct wire_party route;

	wire_request_uri(m, &uri);
	if ((!uri.is_sip && !uri.is_tel && !uri.is_page) ||
	    !call_sips_came_well(&uri, txn_server_source(s))) {
		*r = (struct refusal){416, NULL, "uri_scheme", NULL, ""};
		return false;
	}
	if (!call_ingress_target(core, m, p, &no))
		return agree_not(&no, r);
	for (unsigned i = 0; wire_route(m, i, &route); i++) {
		if (!transport_is_ours(core->o.transport, route.uri.host, route.uri.port)) {
			*r = (struct refusal){403, NULL, "route_left_over",
					      "a Route that is not ours is left over", ""};
			return false;
		}
	}
	return true;
}

/* Who is calling, as far as the peer's policy asks. */
static bool check_caller(const struct call_core *core, const struct txn_server *s,
			 const struct wire_msg *m, const struct peer *p, struct refusal *r)
{
	struct policy_refusal no;
	struct policy_way way;

	call_headers_way(core, p, NULL, NULL, &way);
	return (call_ingress_caller(core, txn_server_source(s), m, p, &no) &&
		policy_admit(&way, m, &no)) ||
	       agree_not(&no, r);
}

static bool check_relation(const struct call_core *core, const struct wire_msg *m,
			   const struct peer *p, struct refusal *r)
{
	struct policy_refusal no;

	return call_ingress_peer(core, m, p, &no) || agree_not(&no, r);
}

static bool check_parts(const struct call_core *core, const struct wire_msg *m,
			const struct peer *p, struct refusal *r)
{
	struct policy_refusal no;
	struct policy_way way;

	call_headers_way(core, p, NULL, NULL, &way);
	return policy_body_admit(&way, m, &no) || agree_not(&no, r);
}

static bool check_body(const struct wire_msg *m, struct body_sdp **ret_sdp, struct refusal *r)
{
	const char *why = NULL;
	int err = call_media_parse(m, ret_sdp, &why);

	if (!err)
		return true;
	if (err == -ENOTSUP) {
		*r = (struct refusal){415, NULL, "body_type", NULL, ""};
		text_copy(r->header, sizeof(r->header), call_screen_taken(m));
	} else
		*r = (struct refusal){err == -ENOMEM ? 500 : 400,
				      err == -ENOMEM ? NULL : "Bad Session Description", "body",
				      why, ""};
	return false;
}

static bool check_limits(const struct call_core *core, struct peer *p, bool urgent,
			 struct refusal *r)
{
	/* A twentieth more for those that come before others. */
	size_t room = core->o.calls_max + (urgent ? core->o.calls_max / 20 : 0);
	enum peer_limit limit;

	if (core->stopping) {
		*r = (struct refusal){503, NULL, "stopping", "border element is stopping", ""};
		return false;
	}
	if (call_count(core) >= room) {
		*r = (struct refusal){503, NULL, "calls_max", "no room for more calls", ""};
		return false;
	}
	limit = call_take(p, PEER_IN, urgent);
	if (limit == PEER_LIMIT_NONE)
		return true;
	*r = (struct refusal){503, NULL, peer_limit_name(limit), peer_limit_text(limit), ""};
	if (p->conf->overload.retry_after_s)
		snprintf(r->header, sizeof(r->header), "Retry-After: %u\r\n",
			 p->conf->overload.retry_after_s);
	return false;
}

/* What the configuration decides, it decides now; else *ret_asking, and the plan comes later. */
static bool make_plan(struct call_core *core, const struct wire_msg *m, struct peer *p,
		      struct call_planning *planning, struct route_asking **ret_asking,
		      struct refusal *r)
{
	struct route_plan *plan = &planning->plan;
	struct policy_refusal no;

	call_route_ask(core, m, p, planning, ret_asking);
	if (!planning->done)
		return true;
	if (!plan->status && !call_ingress_plan(core, m, p, plan, &no))
		return agree_not(&no, r);
	if (plan->status)
		*r = (struct refusal){plan->status, NULL, plan->cause, plan->reason, ""};
	return !plan->status;
}

/* Its Replaces means something to the far end of that call only. */
static bool check_replacing(const struct call_replacing *c, struct call_planning *planning,
			    struct refusal *r)
{
	struct route_plan *plan = &planning->plan;
	size_t n = 0;

	for (size_t i = 0; c->kept && planning->done && i < plan->n; i++) {
		if (!strcmp(plan->candidates[i].peer->name, c->kept->peer->name))
			plan->candidates[n++] = plan->candidates[i];
	}
	if (c->kept && !n)
		*r = (struct refusal){481, NULL, "replaces_unknown", NULL, ""};
	else if (c->kept)
		plan->n = n;
	return !r->status;
}

static bool check_gates(struct call_core *core, const struct peer *p,
			const struct call_planning *planning, struct refusal *r)
{
	if (planning->done)
		r->cause = call_route_no_gate(core, p, &planning->plan, &r->text);
	if (r->cause)
		r->status = 503;
	return !r->cause;
}

/* "sip:user@host", without what stands behind it; bounded. */
static int uri_copy(const struct wire_uri *u, char **ret_copy)
{
	char text[300];
	struct text_out t;

	text_start(&t, text, sizeof(text));
	text_add_bytes(&t, u->scheme.s, u->scheme.n);
	text_add(&t, ":");
	text_add_bytes(&t, u->user.s, u->user.n > 120 ? 120 : u->user.n);
	text_add(&t, u->user.n && u->host.n ? "@" : "");
	text_add_bytes(&t, u->host.s, u->host.n > 120 ? 120 : u->host.n);
	return mem_strdup(text, sizeof(text), ret_copy);
}

static int fill(struct call *call, struct txn_server *s, const struct wire_msg *m,
		const struct call_planning *planning)
{
	const struct transport_target *from = txn_server_source(s);
	struct leg *a = &call->legs[0];
	struct wire_party caller;
	struct wire_uri callee;
	int err = dialog_init_uas(&a->dialog, m, from, txn_server_to_tag(s));

	if (err)
		return err;
	err = dialog_register(call->core->dialogs, &a->dialog, a);
	if (err)
		return err;
	if (planning->done)
		err = call_route_keep(call, &planning->plan);
	if (err)
		return err;
	wire_from(m, &caller);
	wire_request_uri(m, &callee);
	err = uri_copy(&caller.uri, &call->caller);
	if (!err)
		err = uri_copy(&callee, &call->callee);
	wire_text_copy(wire_call_id(m), call->a_call_id, sizeof(call->a_call_id));
	call->sip_addr[0] = from->to;
	call->max_forwards = call_hops_left(m);
	a->their_cseq = wire_cseq(m);
	a->allows_update = call_option_peer_allows(m, "UPDATE");
	if (!err)
		err = call_reliable_start(a, m);
	call_session_heard(a, m);
	return err;
}

static struct refusal no_dialog(int err)
{
	if (err == -EMSGSIZE) /* more than a dialog keeps of From, To, Contact and Record-Route */
		return (struct refusal){513, NULL, "too_large", NULL, ""};
	if (err == -EINVAL)
		return (struct refusal){400, "Bad Contact", "no_contact", NULL, ""};
	return (struct refusal){500, NULL, "memory", NULL, ""};
}

static void start(struct call *call, struct txn_server *s, const struct wire_msg *m,
		  struct body_sdp *offer, struct route_asking *asking)
{
	call->ex =
		(struct call_exchange){.running = true, .initial = true, .late = !offer, .from = 0};
	call->ex.offer = offer;
	call->ex.held = mem_ref((void *)(uintptr_t)m);
	for (int side = 0; side < 2; side++) {
		call->legs[side].origin = body_origin_new(wire_random_number());
	}
	call->legs[0].server = s;
	call_quality_start(&call->legs[0]);
	txn_server_bind(s, &call_server_handlers, &call->legs[0]);
	if (asking)
		call_route_wait(call, asking);
	else
		call_invite_open(call);
}

int call_admit_plan(struct call_core *core, const struct wire_msg *invite, struct peer *p,
		    struct call_planning *ret_planning, struct route_asking **ret_asking)
{
	struct refusal r = {0};

	if (!check_limits(core, p, false, &r))
		return r.status;
	if (make_plan(core, invite, p, ret_planning, ret_asking, &r))
		return 0;
	peer_give(p, PEER_IN);
	return r.status;
}

void call_admit(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		struct peer *p)
{
	struct refusal r = {0};
	struct body_sdp *offer = NULL;
	struct call_replacing replacing = {NULL, false, ""};
	struct call_planning planning = {.s = s};
	struct route_asking *asking = NULL;
	struct call *call = NULL;
	uint64_t key = call_loop_key(core->loop_secret, m, p);
	bool counted = false, urgent = call_is_urgent(core, m, p);
	int err;

	metric_add(&call_metrics, CALL_ATTEMPTS, 1);
	/* The order is that of call_screen.h. */
	if (!check_relation(core, m, p, &r) || !passed(call_screen_numbers(m), &r) ||
	    !check_target(core, s, m, p, &r) ||
	    !passed(call_screen_hops(core->loop_secret, key, m), &r) || !check_options(m, p, &r) ||
	    !check_caller(core, s, m, p, &r) || !passed(call_screen_content(m), &r) ||
	    !check_parts(core, m, p, &r) || !check_body(m, &offer, &r))
		goto refused;
	if (!check_limits(core, p, urgent, &r))
		goto refused;
	counted = true;
	r.status = call_replaces_check(core, m, p, &replacing, &r.cause);
	/* a callee that is taken from another call needs no route */
	if (r.status || (!replacing.absorb && (!make_plan(core, m, p, &planning, &asking, &r) ||
					       !check_replacing(&replacing, &planning, &r) ||
					       !check_gates(core, p, &planning, &r))))
		goto refused;
	if (call_new(core, &call)) {
		r = (struct refusal){500, NULL, "memory", NULL, ""};
		goto refused;
	}
	call->legs[0].peer = mem_ref(p);
	call->legs[0].counted = true;
	call->legs[0].counted_as = PEER_IN;
	call->urgent = urgent;
	call->loop_key = key;
	counted = false;
	err = fill(call, s, m, &planning);
	if (!err && replacing.absorb)
		err = call_transfer_borrow(call, replacing.kept);
	else if (!err && replacing.kept)
		err = mem_strdup(replacing.value, sizeof(replacing.value), &call->replaces);
	if (err) {
		mem_unref(call);
		r = no_dialog(err);
		goto refused;
	}
	if (offer && call_media_check(call, offer, &r.text)) {
		mem_unref(call);
		r.status = 488;
		r.cause = "body";
		goto refused;
	}
	if (offer && !call_terms_take(&call->legs[0], call_terms_kbps(offer))) {
		mem_unref(call);
		r = (struct refusal){503, NULL, peer_limit_name(PEER_LIMIT_BANDWIDTH),
				     peer_limit_text(PEER_LIMIT_BANDWIDTH), ""};
		goto refused;
	}
	start(call, s, m, offer, asking);
	if (planning.done)
		mem_unref(planning.plan.found);
	return;

refused:
	if (counted)
		peer_give(p, PEER_IN);
	route_cancel(asking);
	if (planning.done)
		mem_unref(planning.plan.found);
	mem_unref(offer);
	refuse(core, s, m, p, &r);
}
