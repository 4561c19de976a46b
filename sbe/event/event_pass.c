/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_pass - one request to the other side and its answer back. Outside a dialog the next hops are tried in turn.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/event/event_private.h"
#include "sbe/policy/policy_ingress.h"
#include "sbe/sip/transport_name.h"

/* Headers of these methods that policy leaves to us: none has a field for a host. */
static bool crosses(void *arg, const struct wire_header *h)
{
	static const char *const names[] = {
		"event",        "accept",       "subscription-state", "min-expires", "sip-etag",
		"sip-if-match", "allow-events", "content-encoding",   NULL};
	const bool *expires = arg;

	for (size_t i = 0; names[i]; i++) {
		if (!strcmp(names[i], h->canonical))
			return true;
	}
	return *expires && !strcmp(h->canonical, "expires");
}

/* ---- the end */

static void pass_destroy(void *obj)
{
	struct event_pass *p = obj;

	route_cancel(p->asking);
	for (size_t i = 0; p->planned && i < p->plan.n; i++) {
		mem_unref(p->plan.candidates[i].peer);
		mem_unref(p->plan.candidates[i].sed);
	}
	if (p->planned)
		mem_unref(p->plan.found);
	if (p->client)
		txn_client_detach(p->client);
	mem_unref(p->msg);
	mem_unref(p->from);
	mem_unref(p->to);
}

void event_pass_end(struct event_pass *p, int status)
{
	if (p->server) {
		if (status)
			event_refuse(p->server, status, NULL, NULL);
		else
			txn_server_detach(p->server);
	}
	LIST_REMOVE(p, link);
	p->core->npasses--;
	if (p->sub)
		p->sub->passes--;
	mem_unref(p);
}

static void server_gone(void *arg)
{
	((struct event_pass *)arg)->server = NULL;
}

static const struct txn_server_handlers server_handlers = {.terminated = server_gone};

static struct event_pass *pass_new(struct event_core *core, struct txn_server *s,
				   const struct wire_msg *m, struct peer *from)
{
	struct event_pass *p = mem_zalloc(sizeof(*p), pass_destroy);

	if (!p)
		return NULL;
	p->core = core;
	p->server = s;
	p->msg = mem_ref((void *)(uintptr_t)m);
	p->method = wire_method(m);
	p->from = mem_ref(from);
	LIST_INSERT_HEAD(&core->passes, p, link);
	core->npasses++;
	txn_server_bind(s, &server_handlers, p);
	return p;
}

/* ---- the answer */

static int reply(struct event_pass *p, const struct wire_msg *m)
{
	struct event_core *core = p->core;
	const struct transport_target *back = txn_server_source(p->server);
	struct wire_text type = wire_content_type(m);
	struct txn_reply r = {.status = wire_status(m)};
	bool expires = true;
	struct policy_way way;
	struct wire_out o;
	char phrase[64];
	int err;

	event_way(core, p->to, p->from, back->listener, &way);
	wire_out_init(&o, core->headers, sizeof(core->headers));
	policy_pass(&way, m, &o);
	wire_out_copy(&o, m, crosses, &expires);
	if (p->method == WIRE_SUBSCRIBE && r.status < 300)
		dialog_write_contact(back, &o);
	if (type.n && wire_body(m).n) {
		wire_out_header_text(&o, "Content-Type", type);
		r.body = wire_body(m).s;
		r.body_bytes = wire_body(m).n;
	}
	err = wire_out_end(&o, &r.headers_bytes);
	if (err)
		return err;
	r.headers = core->headers;
	r.reason = policy_phrase(&way, m, phrase, sizeof(phrase));
	metric_add(&event_metrics, EVENT_PASSED, 1);
	txn_server_reply(p->server, &r);
	txn_server_detach(p->server);
	p->server = NULL;
	return 0;
}

static void try_next(struct event_pass *p);

/* A challenge or a redirection is between that peer and us; 408 is not sent (RFC 4320). */
static int shown(int status)
{
	if (status < 400 || status == 401 || status == 407)
		return 403;
	return status == 408 ? 504 : status;
}

/* m NULL: no answer, status is ours. */
static void finish(struct event_pass *p, int status, const struct wire_msg *m)
{
	struct event_sub *sub = p->sub;
	bool pass = m && (status < 300 || shown(status) == status);

	if (!m)
		metric_add(&event_metrics, EVENT_FAILED, 1);
	if (p->server && pass && reply(p, m))
		status = 500;
	if (sub)
		event_sub_answered(sub, p, status, m);
	event_pass_end(p, status < 300 ? 500 : shown(status));
	if (sub && sub->ending && !sub->passes)
		event_sub_free(sub);
}

static void on_response(void *arg, const struct wire_msg *m)
{
	struct event_pass *p = arg;
	int status = wire_status(m);

	if (status < 200)
		return;
	if (!p->leg && (status == 503 || status == 502 || status == 504) &&
	    p->candidate + 1 < p->plan.n) {
		peer_hop_failed(p->to, p->plan.candidates[p->candidate].hop, clock_now_ms());
		p->candidate++;
		try_next(p);
		return;
	}
	finish(p, status, m);
}

static void on_failed(void *arg, int err)
{
	struct event_pass *p = arg;

	if (!p->leg) {
		peer_hop_failed(p->to, p->plan.candidates[p->candidate].hop, clock_now_ms());
		p->candidate++;
		try_next(p);
		return;
	}
	finish(p, err == -ETIMEDOUT ? 408 : 503, NULL);
}

static void on_terminated(void *arg)
{
	((struct event_pass *)arg)->client = NULL;
}

static const struct txn_client_handlers client_handlers = {on_response, on_failed, on_terminated};

/* ---- the request */

static int send_in(struct event_pass *p, struct dialog *d, const char *uri)
{
	struct event_core *core = p->core;
	struct wire_text type = wire_content_type(p->msg);
	struct txn_request r = {.method = wire_method_name(p->method),
				.uri = uri,
				.body = wire_body(p->msg).s,
				.body_bytes = wire_body(p->msg).n,
				.timeout_ms = p->to->conf->try_ms};
	int hops = wire_max_forwards(p->msg), err;
	bool expires = p->method != WIRE_SUBSCRIBE;
	struct policy_way way;
	struct wire_out o;

	event_way(core, p->from, p->to, d->target.listener, &way);
	wire_out_init(&o, core->headers, sizeof(core->headers));
	dialog_write(d, r.method, 0, hops < 0 ? 69 : hops - 1, &o);
	if (p->method == WIRE_SUBSCRIBE || p->method == WIRE_NOTIFY)
		dialog_write_contact(&d->target, &o);
	if (p->method == WIRE_SUBSCRIBE)
		wire_out_header(&o, "Expires", "%u", p->expires_s);
	policy_pass(&way, p->msg, &o);
	wire_out_copy(&o, p->msg, crosses, &expires);
	if (wire_has_token(p->msg, "supported", "eventlist"))
		wire_out_header(&o, "Supported", "eventlist");
	if (type.n && r.body_bytes)
		wire_out_header_text(&o, "Content-Type", type);
	if (p->leg)
		r.timeout_ms = 0;
	err = wire_out_end(&o, &r.headers_bytes);
	r.headers = core->headers;
	if (p->client) /* of the hop before */
		txn_client_detach(p->client);
	p->client = NULL;
	return err ? err
		   : txn_client_new(core->o.txns, &d->target, &r, &client_handlers, p, &p->client);
}

/* Host of the Request-URI: what the route says, what a lookup has found, the peer's first domain, the next hop itself. */
static const char *target_host(const struct event_pass *p, const struct peer_hop *hop,
			       char buf[ROUTE_HOST_BYTES])
{
	const struct route_sed *sed = p->plan.candidates[p->candidate].sed;
	const struct route_found *found = p->plan.found;
	struct wire_uri uri;

	wire_request_uri(p->msg, &uri);
	if (sed && sed->host[0])
		return sed->host;
	if (sed && sed->keep_ruri && uri.host.n && uri.host.n < ROUTE_HOST_BYTES)
		return wire_text_copy(uri.host, buf, ROUTE_HOST_BYTES);
	if (found && found->host[0])
		return found->host;
	return peer_domain(p->to) ? peer_domain(p->to)
				  : addr_print(&hop->addr, buf, ROUTE_HOST_BYTES);
}

/* Over TLS: the one name its certificate must carry, of the route or of the domain that was looked up. @return false: no room. */
static bool must_prove(const struct event_pass *p, struct transport_target *to)
{
	const struct route_candidate *c = &p->plan.candidates[p->candidate];
	const char *name = c->sed && c->sed->expect[0] ? c->sed->expect
			   : c->hop >= ROUTE_HOP_FOUND ? p->plan.found->prove
						       : NULL;

	if (to->proto != TRANSPORT_TLS || !name)
		return true;
	to->name = transport_name_number(p->core->o.transport, name);
	return to->name != 0;
}

/* The dialog on the other side: a subscription's, or one for this request alone. */
static int send_out(struct event_pass *p, const struct peer_hop *hop)
{
	const struct route_found *found = p->plan.found;
	const struct route_sed *sed = p->plan.candidates[p->candidate].sed;
	struct transport_target to = {
		.proto = (uint8_t)hop->proto, .peer = p->to->state->number, .to = hop->addr};
	char host[ROUTE_HOST_BYTES];
	struct policy_target target = {.host = target_host(p, hop, host)};
	struct policy_parties who;
	struct dialog alone = {0}, *d = p->sub ? &p->sub->legs[1].dialog : &alone;
	struct policy_way way;
	int err;

	to.listener = transport_find(p->core->o.transport, p->to->conf->realm, hop->proto,
				     hop->addr.family);
	if (!to.listener)
		return -EADDRNOTAVAIL;
	if (!must_prove(p, &to))
		return -ENOSPC;
	if (found && found->user[0])
		target.user = (struct wire_text){found->user, strlen(found->user)};
	event_way(p->core, p->from, p->to, to.listener, &way);
	err = policy_parties(&way, p->msg, &target, &who);
	if (err)
		return err;
	dialog_clear(d);
	err = dialog_init_uac(d, who.local, who.remote, who.uri, &to);
	if (!err && sed)
		err = dialog_preload(d, sed->routes);
	if (!err && p->sub) {
		p->sub->legs[1].from = hop->addr;
		err = dialog_register(p->core->dialogs, d, &p->sub->legs[1]);
	}
	if (!err)
		err = send_in(p, d, who.uri);
	if (!p->sub)
		dialog_clear(&alone);
	return err;
}

static bool takes(const struct event_pass *p, const struct peer *to)
{
	return event_agreed(to->conf, p->method) &&
	       (p->method != WIRE_SUBSCRIBE ||
		event_package_agreed(to->conf,
				     (struct wire_text){p->sub->package, strlen(p->sub->package)}));
}

static void try_next(struct event_pass *p)
{
	int status = p->plan.status ? p->plan.status : 503;

	for (; !p->plan.status && p->candidate < p->plan.n; p->candidate++) {
		struct peer *to = p->plan.candidates[p->candidate].peer;

		if (!takes(p, to)) {
			status = 403;
			continue;
		}
		mem_unref(p->to);
		p->to = mem_ref(to);
		if (p->sub) {
			mem_unref(p->sub->legs[1].peer);
			p->sub->legs[1].peer = mem_ref(to);
		}
		if (!send_out(p, route_hop(&p->plan, p->candidate)))
			return;
	}
	finish(p, status, NULL);
}

/* Not through us to where nobody agreed that we relay (E11). */
static void keep_agreed(struct event_pass *p)
{
	struct route_plan *plan = &p->plan;
	const struct policy_way way = {.from = p->from,
				       .transport = p->core->o.transport,
				       .domains = p->core->c.domains,
				       .ndomains = p->core->c.ndomains};
	struct policy_refusal no;
	size_t n = 0;

	if (plan->status)
		return;
	for (size_t i = 0; i < plan->n; i++) {
		if (policy_ingress_onward(&way, p->msg, plan->candidates[i].peer, plan->by_route,
					  &no))
			plan->candidates[n++] = plan->candidates[i];
	}
	plan->n = n;
	if (!n)
		plan->status = no.status;
}

static void planned(void *arg, const struct route_plan *plan)
{
	struct event_pass *p = arg;

	p->asking = NULL;
	p->plan = *plan;
	p->planned = true;
	mem_ref(p->plan.found);
	keep_agreed(p);
	for (size_t i = 0; i < p->plan.n; i++) {
		mem_ref(p->plan.candidates[i].peer);
		mem_ref(p->plan.candidates[i].sed);
	}
	try_next(p);
}

static void ask_route(struct event_pass *p)
{
	struct event_core *core = p->core;
	struct route_asker asker = {planned, p, NULL, NULL};
	char user[ROUTE_USER_BYTES], host[ROUTE_HOST_BYTES], calling[ROUTE_USER_BYTES];
	struct wire_party caller;
	struct route_query q = {.from = p->from,
				.user = user,
				.host = host,
				.method = wire_method_name(wire_method(p->msg)),
				.calling = calling};
	struct route_asking *asking;
	struct wire_uri uri;

	wire_request_uri(p->msg, &uri);
	policy_called(p->from, &uri, user, sizeof(user));
	wire_text_copy(uri.host, host, sizeof(host));
	wire_from(p->msg, &caller);
	policy_called(p->from, &caller.uri, calling, sizeof(calling));
	q.ours = uri.is_tel || transport_is_ours(core->o.transport, uri.host, uri.port) ||
		 core->o.env.ours(core->o.env.arg, host);
	route_ask(core->c.routes, &core->o.env, &q, &asker, &asking);
	if (asking) /* else p may be gone */
		p->asking = asking;
}

void event_pass_new(struct event_core *core, struct txn_server *s, const struct wire_msg *m,
		    struct peer *from, struct event_sub *sub)
{
	struct event_pass *p = pass_new(core, s, m, from);

	if (!p) {
		event_refuse(s, 500, NULL, NULL);
		if (sub)
			event_sub_free(sub);
		return;
	}
	p->sub = sub;
	if (sub) {
		sub->passes++;
		p->expires_s = sub->expires_s;
	}
	ask_route(p);
}

void event_pass_in_dialog(struct event_leg *out, struct txn_server *s, const struct wire_msg *m,
			  uint32_t expires_s)
{
	struct event_sub *sub = out->sub;
	struct event_pass *p = pass_new(sub->core, s, m, sub->legs[1 - out->side].peer);

	if (!p) {
		event_refuse(s, 500, NULL, NULL);
		return;
	}
	p->sub = sub;
	sub->passes++;
	p->leg = out;
	p->to = mem_ref(out->peer);
	p->expires_s = expires_s;
	if (send_in(p, &out->dialog, out->dialog.remote_target))
		finish(p, 500, NULL);
}
