/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_luf_sip - a lookup by SIP: an INVITE without a body to a server that answers 3xx; its best Contact is the target.
 *
 * A Route that the Contact carries (?Route=) becomes the Route set. 404 and the like = nobody; 403 = we may not know.
 * A server that accepts it as a call is hung up on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/route/route_luf_private.h"
#include "sbe/route/route_redirect.h"
#include "sbe/sip/wire_line.h"
#include "sbe/sip/wire_out.h"

#define URI_BYTES (3 * ROUTE_USER_BYTES + ROUTE_HOST_BYTES + 8)
#define TTL_MAX_S 86400U
#define TRY_MIN_MS 100U

/* ---- targets and Route sets, as any server names them ---- */

static bool plain_user(struct wire_text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] <= ' ' || t.s[i] > '~' || strchr("@<>\",;?", t.s[i]))
			return false;
	}
	return t.n < ROUTE_USER_BYTES;
}

static bool plain_host(struct wire_text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] <= ' ' || t.s[i] > '~' || strchr("@<>\",;?/", t.s[i]))
			return false;
	}
	return t.n && t.n < ROUTE_HOST_BYTES;
}

static int take_uri(struct route_luf_answer *a, const struct wire_uri *u)
{
	if (!u->is_sip || !plain_user(u->user) || !plain_host(u->host))
		return -EINVAL;
	wire_text_copy(u->user, a->user, sizeof(a->user));
	wire_text_copy(u->host, a->host, sizeof(a->host));
	return 0;
}

int luf_take_target(struct route_luf_answer *a, const char *uri, size_t len_bytes)
{
	struct wire_uri u;

	if (strlen(uri) != len_bytes || wire_uri_parse((struct wire_text){uri, len_bytes}, &u) ||
	    u.headers.s)
		return -EINVAL;
	return take_uri(a, &u);
}

int luf_take_route(struct route_luf_answer *a, const char *uri, size_t len_bytes)
{
	static const struct route_sed_conf nothing = {.keep_ruri = false};
	struct wire_uri u;
	int err;

	if (!a->sed && route_sed_new(&nothing, &a->sed))
		return -ENOMEM;
	err = route_sed_add(a->sed, uri, len_bytes);
	if (err || a->next[0] || wire_uri_parse((struct wire_text){uri, len_bytes}, &u))
		return err;
	if (!plain_host(u.host))
		return -EINVAL;
	wire_text_copy(u.host, a->next, sizeof(a->next));
	return 0;
}

/* ---- the response ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* "Route=%3Csip:a%3Blr%3E,%3Csip:b%3Blr%3E", escapes undone and taken apart. Other headers are not ours to set. */
static int take_header(struct route_luf_answer *a, struct wire_text headers)
{
	char text[ROUTE_SET_BYTES];
	size_t n = 0;

	if (headers.n < 6 || strncasecmp(headers.s, "Route=", 6) != 0 ||
	    memchr(headers.s, '&', headers.n))
		return -EINVAL;
	for (size_t i = 6; i < headers.n; i++) {
		int high = headers.s[i] == '%' && i + 2 < headers.n ? hex(headers.s[i + 1]) : -1;
		int low = high >= 0 ? hex(headers.s[i + 2]) : -1;

		if (n + 1 >= sizeof(text) || (headers.s[i] == '%' && low < 0))
			return -EINVAL;
		text[n++] = low >= 0 ? (char)(high * 16 + low) : headers.s[i];
		i += low >= 0 ? 2 : 0;
	}
	text[n] = '\0';
	for (char *at = text, *save = NULL, *one; (one = strtok_r(at, ",", &save)); at = NULL) {
		char *end = strchr(one, '>');

		one += strspn(one, " ");
		if (*one != '<' || !end || luf_take_route(a, one + 1, (size_t)(end - one - 1)))
			return -EINVAL;
	}
	return 0;
}

/* RFC 3261 21.3: without expires it holds for this one time only. */
static uint32_t ttl_of(const struct wire_party *contact)
{
	struct wire_text t;
	uint32_t s = 0;

	if (!wire_param(contact->params, "expires", &t))
		return 0;
	return wire_number(t, TTL_MAX_S, &s) == -ERANGE ? TTL_MAX_S : s;
}

static struct route_luf_answer *read_3xx(const struct wire_msg *m)
{
	struct route_luf_answer *best = NULL;
	unsigned best_q = 0;
	struct wire_party c;

	for (unsigned i = 0; i < ROUTE_CONTACTS_MAX && wire_contact(m, i, &c); i++) {
		unsigned q = route_contact_q(c.params);
		struct route_luf_answer *a;

		if (best && q <= best_q)
			continue;
		a = luf_answer_new(ROUTE_LUF_FOUND, ttl_of(&c), NULL);
		if (!a || take_uri(a, &c.uri) ||
		    (c.uri.headers.s && take_header(a, c.uri.headers))) {
			mem_unref(a);
			continue;
		}
		mem_unref(best);
		best = a;
		best_q = q;
	}
	return best ? best
		    : luf_answer_new(ROUTE_LUF_FAILED, ROUTE_LUF_ERROR_TTL_S,
				     "its 3xx has no Contact that can be a target");
}

struct route_luf_answer *route_luf_read_sip(const struct wire_msg *m)
{
	int status = wire_status(m);
	char text[64];

	if (status >= 300 && status < 400)
		return read_3xx(m);
	if (status == 404 || status == 410 || status == 484 || status == 604)
		return luf_answer_new(ROUTE_LUF_NONE, ROUTE_LUF_NEGATIVE_TTL_S, NULL);
	if (status == 403 || status == 603)
		return luf_answer_new(ROUTE_LUF_DENIED, ROUTE_LUF_NEGATIVE_TTL_S, NULL);
	snprintf(text, sizeof(text), "it answered %d", status);
	return luf_answer_new(ROUTE_LUF_FAILED, ROUTE_LUF_ERROR_TTL_S, text);
}

/* ---- asking ---- */

static int ask_hop(struct luf_entry *e);

/* The next of its hops, if there is one and time for it. */
static bool next_hop(struct luf_entry *e)
{
	while (++e->hop < e->peer->nhops && clock_now_ms() + TRY_MIN_MS < e->end_ms) {
		if (!ask_hop(e))
			return true;
	}
	return false;
}

static void on_response(void *arg, const struct wire_msg *m)
{
	struct luf_entry *e = arg;
	int status = wire_status(m);

	if (status < 200)
		return;
	if (status < 300 && e->luf->o.hang_up)
		e->luf->o.hang_up(e->luf->o.arg, m, txn_client_target(e->invite));
	txn_client_detach(e->invite);
	e->invite = NULL;
	if ((status == 503 || status == 408) && next_hop(e))
		return;
	luf_answered(e, route_luf_read_sip(m));
}

static void on_failed(void *arg, int err)
{
	struct luf_entry *e = arg;

	e->invite = NULL;
	if (next_hop(e))
		return;
	luf_answered(e, luf_answer_new(ROUTE_LUF_FAILED, ROUTE_LUF_ERROR_TTL_S,
				       err == -ETIMEDOUT ? "no answer in time"
							 : "it cannot be reached"));
}

static const struct txn_client_handlers handlers = {.response = on_response, .failed = on_failed};

/* What no user part has is escaped: nothing of the caller's gets out of it (C3). */
static void write_uri(const struct luf_entry *e, char uri[URI_BYTES])
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()+";
	const struct peer_hop *h = &e->peer->hops[e->hop];
	const char *host = e->host[0] ? e->host : peer_domain(e->peer);
	size_t n = (size_t)snprintf(uri, URI_BYTES, "sip:");
	char at[64];

	for (const char *p = e->user; *p; p++)
		n += (size_t)snprintf(uri + n, URI_BYTES - n, strchr(plain, *p) ? "%c" : "%%%02X",
				      (unsigned char)*p);
	snprintf(uri + n, URI_BYTES - n, "%s%s", e->user[0] ? "@" : "",
		 host ? host : addr_print(&h->addr, at, sizeof(at)));
}

static int write_headers(const struct transport_target *to, const char *uri, struct wire_out *o)
{
	static const char *const param[TRANSPORT_PROTOS] = {"", ";transport=tcp", ";transport=tls"};
	const char *we = transport_sent_by(to->listener);
	char call_id[33], tag[19];
	size_t n;

	wire_random_token(call_id, sizeof(call_id), 128);
	wire_random_token(tag, sizeof(tag), 72);
	wire_out_header(o, "Max-Forwards", "70");
	wire_out_header(o, "From", "<sip:%s>;tag=%s", we, tag);
	wire_out_header(o, "To", "<%s>", uri);
	wire_out_header(o, "Call-ID", "%s", call_id);
	wire_out_header(o, "CSeq", "1 INVITE");
	wire_out_header(o, "Contact", "<sip:%s%s>", we, param[to->proto]);
	return wire_out_end(o, &n);
}

static int ask_hop(struct luf_entry *e)
{
	struct peer *p = e->peer;
	const struct peer_hop *hop = &p->hops[e->hop];
	struct transport_target to = {.proto = (uint8_t)hop->proto,
				      .overload = p->conf->overload.consent,
				      .peer = p->state->number,
				      .to = hop->addr};
	uint64_t now_ms = clock_now_ms(), left_ms = e->end_ms > now_ms ? e->end_ms - now_ms : 1;
	char uri[URI_BYTES], headers[2048];
	struct txn_request r = {.method = "INVITE", .uri = uri, .headers = headers};
	struct wire_out o;
	int err;

	if (e->secure && hop->proto != TRANSPORT_TLS)
		return -EACCES;
	to.listener = e->luf->o.listener(e->luf->o.arg, p, e->hop);
	if (!to.listener)
		return -EADDRNOTAVAIL;
	write_uri(e, uri);
	wire_out_init(&o, headers, sizeof(headers));
	err = write_headers(&to, uri, &o);
	if (err)
		return err;
	r.headers_bytes = o.len_bytes;
	r.timeout_ms = (uint32_t)(e->hop + 1 < p->nhops ? left_ms / 2 : left_ms);
	return txn_client_new(e->luf->o.txns, &to, &r, &handlers, e, &e->invite);
}

int luf_sip_start(struct luf_entry *e, const struct route_luf_question *q)
{
	int err = -EHOSTUNREACH;

	if (!e->luf->o.txns || !e->luf->o.listener || !q->peer)
		return -ENOTSUP;
	e->peer = mem_ref(q->peer);
	text_copy(e->user, sizeof(e->user), q->user);
	text_copy(e->host, sizeof(e->host), q->host);
	e->secure = q->step->secure;
	for (e->hop = 0; e->hop < e->peer->nhops; e->hop++) {
		err = ask_hop(e);
		if (!err)
			break;
	}
	return err;
}

void luf_sip_stop(struct luf_entry *e)
{
	if (!e->invite)
		return;
	txn_client_cancel(e->invite, NULL);
	txn_client_detach(e->invite);
	e->invite = NULL;
}
