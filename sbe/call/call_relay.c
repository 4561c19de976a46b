/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_relay.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/sip/wire_out.h"

struct call_relayed {
	LIST_ENTRY(call_relayed) next;
	struct leg *from;
	struct txn_server *server; /* NULL once it has been answered or given up */
	struct txn_client *client;
	call_relay_h *done;
	enum wire_method method;
	/* what is sent once more when the peer challenges it; kept only if we could answer */
	struct wire_msg *msg;
	char *headers, *body; /* counted; NULL as in struct call_relay_what */
};

static void relayed_destroy(void *obj)
{
	struct call_relayed *r = obj;

	mem_unref(r->msg);
	mem_unref(r->headers);
	mem_unref(r->body);
}

static int keep(struct call_relayed *r, const struct leg *to, const struct call_relay_what *what)
{
	int err = 0;

	if (!to->peer->conf->auth.ready)
		return 0;
	if (what->headers)
		err = mem_strdup(what->headers, CALL_HEADERS_BYTES, &r->headers);
	if (!err && what->body)
		err = mem_strdup(what->body, CALL_HEADERS_BYTES, &r->body);
	if (!err)
		r->msg = mem_ref((void *)(uintptr_t)what->msg);
	return err;
}

/* ---- what may pass ---- */

bool call_relay_allowed(const struct peer_conf *c, enum wire_method method)
{
	const struct peer_in_dialog_conf *d = &c->in_dialog;

	switch (method) {
	case WIRE_INFO:
		return d->info == PEER_IN_DIALOG_PASS;
	case WIRE_MESSAGE:
		return d->message == PEER_IN_DIALOG_PASS;
	case WIRE_SUBSCRIBE:
		return d->subscribe == PEER_IN_DIALOG_PASS;
	case WIRE_NOTIFY:
		return d->notify == PEER_IN_DIALOG_PASS;
	case WIRE_OPTIONS:
		return d->options == PEER_IN_DIALOG_PASS;
	case WIRE_REFER:
		return c->refer == PEER_TRANSFER_RELAY;
	default:
		return false;
	}
}

/* Besides what crosses in every message. None has a field for a host. */
static bool crosses(void *arg, const struct wire_header *h)
{
	static const char *const names[] = {
		"info-package", "subscription-state", "allow-events",     "accept",    "expires",
		"min-expires",  "accept-encoding",    "content-encoding", "refer-sub", NULL,
	};

	(void)arg;
	for (size_t i = 0; names[i]; i++) {
		if (!strcmp(names[i], h->canonical))
			return !call_text_names_host(h->value);
	}
	return false;
}

static bool is_event(void *arg, const struct wire_header *h)
{
	(void)arg;
	return !strcmp(h->canonical, "event") && !call_text_names_host(h->value);
}

/* A session description or a message in a body has addresses of the side it comes from. */
static bool body_passes(const struct leg *to, const struct wire_msg *m)
{
	static const char *const never[] = {"application/sdp", "message/", "multipart/",
					    "application/dialog-info",
					    "application/conference-info"};
	struct wire_text type = wire_content_type(m);

	if (!wire_body(m).n)
		return true;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		size_t n = strlen(never[i]);

		if (type.n >= n && !strncasecmp(type.s, never[i], n))
			return false;
	}
	return type.n > 0 && call_headers_body_passes(to, m);
}

/* body false: it is replaced, and with it the Event it is about. */
static void write_crossing(struct leg *to, const struct transport_listener *via,
			   const struct wire_msg *m, bool body, struct wire_out *o)
{
	call_headers_pass(to, via, m, o);
	wire_out_copy(o, m, crosses, NULL);
	if (body)
		wire_out_copy(o, m, is_event, NULL);
	if (body && wire_body(m).n && body_passes(to, m))
		wire_out_header_text(o, "Content-Type", wire_content_type(m));
}

/* ---- the end of one ---- */

static void drop(struct call_relayed *r)
{
	if (r->client)
		txn_client_detach(r->client);
	LIST_REMOVE(r, next);
	r->from->relay.n--;
	mem_unref(r);
}

static void answer(struct call_relayed *r, int status)
{
	if (r->server)
		call_refuse(r->server, status, NULL, NULL);
	r->server = NULL;
}

void call_relay_end(struct leg *leg)
{
	struct call_relayed *r;

	while ((r = LIST_FIRST(&leg->relay.under_way))) {
		answer(r, 481);
		drop(r);
	}
}

static void on_server_end(void *arg)
{
	((struct call_relayed *)arg)->server = NULL;
}

static const struct txn_server_handlers server_handlers = {.terminated = on_server_end};

/* ---- the response ---- */

static void pass_response(struct call_relayed *r, const struct wire_msg *m)
{
	struct leg *leg = r->from;
	struct call_core *core = leg->call->core;
	const struct transport_listener *via = txn_server_source(r->server)->listener;
	struct wire_text body = wire_body(m);
	struct txn_reply reply = {.status = wire_status(m)};
	char phrase[64];
	struct wire_out o;

	if (body.n && body_passes(leg, m)) {
		reply.body = body.s;
		reply.body_bytes = body.n;
	}
	wire_out_init(&o, core->headers, sizeof(core->headers));
	if (reply.status == 405 || r->method == WIRE_OPTIONS)
		call_option_allow(leg->peer->conf, &o);
	if (r->method == WIRE_SUBSCRIBE || r->method == WIRE_NOTIFY || r->method == WIRE_REFER)
		call_headers_contact(txn_server_source(r->server), &o);
	write_crossing(leg, via, m, true, &o);
	reply.reason = call_headers_phrase(leg, m, phrase, sizeof(phrase));
	if (wire_out_end(&o, &reply.headers_bytes)) {
		answer(r, 500);
		return;
	}
	reply.headers = core->headers;
	txn_server_reply(r->server, &reply);
	txn_server_detach(r->server);
	r->server = NULL;
}

/* A challenge or a redirection is between that peer and us; 408 is not sent (RFC 4320). */
static int refusal(int status)
{
	if (status < 400 || status == 401 || status == 407)
		return 403;
	return status == 408 ? 504 : 0;
}

static void finish(struct call_relayed *r, int status, const struct wire_msg *m)
{
	struct leg *from = r->from;
	call_relay_h *done = r->done;
	/* INFO belongs to the call: where it finds no dialog there is no call (RFC 3261 12.2.1.2, 5057 5). */
	bool gone = r->method == WIRE_INFO && (status == 481 || status == 408);
	int other = status < 300 ? 0 : refusal(status);

	if (r->server && m && !other)
		pass_response(r, m);
	else
		answer(r, other ? other : status);
	drop(r);
	if (done)
		done(from, status);
	if (gone)
		call_release_us(from->call, status, "dialog_gone",
				"SIP;cause=481;text=\"dialog is gone\"");
}

static struct dialog *other_dialog(struct leg *to);
static int write_and_send(struct leg *to, struct dialog *d, const struct call_relay_what *what,
			  struct call_relayed *r);

/* Challenged, and we have credentials for that (G13). */
static bool once_more(struct call_relayed *r, const struct wire_msg *m)
{
	const struct call_relay_what what = {.msg = r->msg, .headers = r->headers, .body = r->body};
	struct leg *to = LEG_OTHER(r->from);
	struct dialog *d = other_dialog(to);

	if (!r->msg || !d || !call_auth_again(to, m))
		return false;
	txn_client_detach(r->client);
	r->client = NULL;
	return write_and_send(to, d, &what, r) == 0;
}

static void on_response(void *arg, const struct wire_msg *m)
{
	struct call_relayed *r = arg;

	LEG_CHECK(r->from);
	if (wire_status(m) >= 200 && !once_more(r, m))
		finish(r, wire_status(m), m);
}

static void on_failed(void *arg, int err)
{
	struct call_relayed *r = arg;

	LEG_CHECK(r->from);
	finish(r, err == -ETIMEDOUT ? 408 : 503, NULL);
}

static const struct txn_client_handlers client_handlers = {on_response, on_failed, NULL};

/* ---- the request ---- */

/* The dialog on the other side, early or not; NULL = there is none yet. */
static struct dialog *other_dialog(struct leg *to)
{
	const struct call_forks *forks = &to->forks;
	struct call_fork *f = forks->media ? forks->media : TAILQ_LAST(&forks->all, call_fork_list);

	if (to->up || (to->side == 0 && to->call->ring_ms))
		return &to->dialog;
	return to->side == 1 && f ? &f->dialog : NULL;
}

static bool too_many(struct leg *leg)
{
	struct call_relay *r = &leg->relay;

	if (!r->rate.per_s)
		rate_init(&r->rate, CALL_RELAY_PER_S, CALL_RELAY_BURST, clock_now_us());
	if (r->n < CALL_RELAY_MAX && rate_take(&r->rate, 1, clock_now_us()))
		return false;
	metric_add(&call_metrics, CALL_RELAY_REFUSED, 1);
	return true;
}

static int write_and_send(struct leg *to, struct dialog *d, const struct call_relay_what *what,
			  struct call_relayed *r)
{
	const struct wire_msg *m = what->msg;
	struct call_core *core = to->call->core;
	struct wire_text body =
		what->body ? (struct wire_text){what->body, strlen(what->body)} : wire_body(m);
	struct txn_request q = {.method = wire_method_name(wire_method(m)),
				.uri = d->remote_target,
				.body = body.s,
				.body_bytes = body.n};
	int hops = wire_max_forwards(m), err;
	struct wire_out o;

	wire_out_init(&o, core->headers, sizeof(core->headers));
	dialog_write(d, q.method, ++to->dialog.local_cseq, hops < 0 ? 69 : hops - 1, &o);
	call_headers_contact(&d->target, &o);
	call_auth_write(to, &q, &d->target, &o);
	write_crossing(to, d->target.listener, m, !what->body, &o);
	err = wire_out_end(&o, &q.headers_bytes);
	if (err)
		return err;
	if (what->headers) {
		size_t n = strlen(what->headers);

		if (n > sizeof(core->headers) - q.headers_bytes)
			return -EMSGSIZE;
		memcpy(core->headers + q.headers_bytes, what->headers, n);
		q.headers_bytes += n;
	}
	q.headers = core->headers;
	return txn_client_new(core->o.txns, &d->target, &q, &client_handlers, r, &r->client);
}

/* @return true: it was refused */
static bool refused(struct leg *leg, struct txn_server *s, const struct call_relay_what *what)
{
	struct call *call = leg->call;
	char line[200];

	if (call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		call_refuse(s, 481, NULL, NULL);
	else if (wire_max_forwards(what->msg) == 0)
		call_refuse(s, 483, NULL, NULL);
	else if (call_option_refused(what->msg, leg->peer->conf, line, sizeof(line)))
		call_refuse(s, 420, NULL, line);
	else if (!what->body && !body_passes(LEG_OTHER(leg), what->msg))
		call_refuse(s, 415, NULL, NULL);
	else if (too_many(leg))
		call_refuse(s, 500, "Too Many Requests", "Retry-After: 1\r\n");
	else
		return false;
	return true;
}

void call_relay_send(struct leg *leg, struct txn_server *s, const struct call_relay_what *what)
{
	struct leg *to = LEG_OTHER(leg);
	struct dialog *d;
	struct call_relayed *r;

	if (refused(leg, s, what))
		return;
	d = other_dialog(to);
	if (!d) {
		call_refuse(s, 500, "No Dialog Yet", "Retry-After: 2\r\n");
		return;
	}
	r = mem_zalloc(sizeof(*r), relayed_destroy);
	if (!r) {
		call_refuse(s, 500, NULL, NULL);
		return;
	}
	*r = (struct call_relayed){
		.from = leg, .server = s, .done = what->done, .method = wire_method(what->msg)};
	LIST_INSERT_HEAD(&leg->relay.under_way, r, next);
	leg->relay.n++;
	txn_server_bind(s, &server_handlers, r);
	if (keep(r, to, what) || write_and_send(to, d, what, r)) {
		answer(r, 500);
		drop(r);
	}
}

void call_relay_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	if (!call_relay_allowed(LEG_OTHER(leg)->peer->conf, wire_method(m))) {
		call_refuse(s, 403, "Not Taken By The Other Side", NULL);
		return;
	}
	call_relay_send(leg, s, &(struct call_relay_what){.msg = m});
}
