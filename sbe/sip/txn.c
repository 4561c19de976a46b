/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn - the layer: finds the transaction of a message, makes server transactions, answers what has none.
 *
 * ACK and CANCEL have no server transaction of their own. A CANCEL is answered from the INVITE's
 * transaction each time it comes, which gives the same result as 9.2 and keeps nothing.
 */
#include "sbe/sip/txn.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/table.h"
#include "common/text.h"
#include "sbe/sip/txn_private.h"

#define TXN_DEF_ROW(id, name, clause, def, low, high, text) {name, clause, def, low, high, text},
#define TXN_ENUM_ROW(id, name, clause, def, low, high, text) id,
enum { TXN_TIMERS(TXN_ENUM_ROW) TXN_TIMER_COUNT };
static const struct timer_def txn_timers[] = {TXN_TIMERS(TXN_DEF_ROW)};

#define TXN_OF(link, type, member)                                                                 \
	((struct type *)(void *)((char *)(link)-offsetof(struct type, member)))

static uint32_t timer_value(uint32_t asked_ms, int id)
{
	return asked_ms ? asked_ms : txn_timers[id].default_ms;
}

int txn_layer_new(struct timer_wheel *w, const struct txn_options *o,
		  const struct txn_layer_handlers *h, void *arg, struct txn_layer **ret_layer)
{
	static const struct txn_options none;
	struct txn_layer *l = mem_buffer(sizeof(*l));

	if (!l)
		return -ENOMEM;
	if (!o)
		o = &none;
	memset(l, 0, sizeof(*l));
	l->wheel = w;
	l->h = *h;
	l->arg = arg;
	l->t1_ms = timer_value(o->t1_ms, TXN_T1);
	l->t2_ms = timer_value(o->t2_ms, TXN_T2);
	l->t4_ms = timer_value(o->t4_ms, TXN_T4);
	l->server_max = o->server_max ? o->server_max : TXN_SERVER_MAX;
	LIST_INIT(&l->waiting);
	if (txn_map_init(&l->servers) || txn_map_init(&l->merged) || txn_map_init(&l->clients)) {
		txn_layer_free(l);
		return -ENOMEM;
	}
	metric_register(&txn_metrics);
	*ret_layer = l;
	return 0;
}

void txn_layer_free(struct txn_layer *l)
{
	struct txn_link *e;

	if (!l)
		return;
	while ((e = txn_map_first(&l->servers)))
		txn_server_drop(TXN_OF(e, txn_server, by_key));
	while ((e = txn_map_first(&l->clients)))
		txn_client_drop(TXN_OF(e, txn_client, by_key));
	txn_map_clear(&l->servers);
	txn_map_clear(&l->merged);
	txn_map_clear(&l->clients);
	mem_free(l);
}

bool txn_reliable(const struct transport_target *t)
{
	return transport_reliable(t->proto);
}

int txn_send_bytes(struct txn_layer *l, const struct transport_target *to, const char *data,
		   size_t len_bytes)
{
	int err = l->h.send(l->arg, to, data, len_bytes);

	if (err)
		metric_add(&txn_metrics, TXN_SEND_FAILED, 1);
	return err == -EAGAIN && !txn_reliable(to) ? 0 : err;
}

int txn_keep(char **slot, uint32_t *slot_bytes, const char *data, size_t len_bytes)
{
	char *copy = mem_buffer(len_bytes);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len_bytes);
	mem_free(*slot);
	*slot = copy;
	*slot_bytes = (uint32_t)len_bytes;
	return 0;
}

uint16_t txn_reply_port(const struct wire_via *v, const struct transport_target *from)
{
	if (!txn_reliable(from) && v->has_rport)
		return from->to.port;
	if (v->port)
		return v->port;
	return from->proto == TRANSPORT_TLS ? 5061 : 5060;
}

bool txn_on_path(const struct transport_target *ours, const struct transport_target *from)
{
	return ours->proto == from->proto && ours->listener == from->listener &&
	       ((ours->connection && ours->connection == from->connection) ||
		addr_ip_equal(&ours->to, &from->to));
}

bool txn_takes_part(const struct txn_layer *l, const struct wire_msg *m,
		    const struct transport_target *from)
{
	struct wire_oc oc;

	return l->h.overload && !wire_oc_read(m, &oc) && oc.offered && oc.loss &&
	       l->h.overload(l->arg, from);
}

bool txn_fits_request(const struct transport_target *to, size_t n, size_t request_bytes)
{
	if (to->known || txn_reliable(to) || n <= request_bytes)
		return true;
	metric_add(&txn_metrics, TXN_TOO_LARGE, 1);
	return false;
}

/* One answer, nothing kept. The same request gets the same tag again (8.2.7). */
static void answer_stateless(struct txn_layer *l, const struct wire_msg *m,
			     const struct transport_target *from, int status, const char *tag)
{
	struct txn_reply r = {.status = status};
	struct transport_target to = *from;
	struct txn_blob sizes;
	struct wire_party party;
	struct wire_out o;
	struct wire_via v;
	char made[TXN_TAG_BYTES];

	if (status == 503) {
		r.headers = "Retry-After: 5\r\n";
		r.headers_bytes = strlen(r.headers);
	}
	wire_out_init(&o, l->blob, TXN_MESSAGE_MAX_BYTES);
	if (!wire_top_via(m, &v) ||
	    txn_blob_write(m, &v, from, txn_takes_part(l, m, from), &o, &sizes))
		return;
	wire_to(m, &party);
	if (!tag) {
		uint64_t hash = txn_key_merged(m) ^ table_hash(v.branch.s, v.branch.n);

		(void)snprintf(made, sizeof(made), "%016llx", (unsigned long long)hash);
		tag = made;
	}
	wire_out_init(&o, l->out, TXN_MESSAGE_MAX_BYTES);
	if (txn_response_write(&sizes, l->blob, party.tag.n ? NULL : tag,
			       sizes.oc_at ? l->h.overload(l->arg, from) : NULL, &r, &o))
		return;
	if (!txn_fits_request(from, o.len_bytes, wire_size(m)))
		return;
	to.to.port = txn_reply_port(&v, from);
	metric_add(&txn_metrics, TXN_RESPONSE_OUT_1XX + txn_metric_class(status), 1);
	(void)txn_send_bytes(l, &to, l->out, o.len_bytes);
}

static struct txn_server *find_server(const struct txn_layer *l, uint64_t key)
{
	struct txn_link *e = txn_map_find(&l->servers, key);

	return e ? TXN_OF(e, txn_server, by_key) : NULL;
}

static void receive_ack(struct txn_layer *l, const struct wire_msg *m, const struct wire_via *v,
			const struct transport_target *from)
{
	struct txn_server *s = find_server(l, txn_key_request(m, v));
	struct wire_party to;

	/* By RFC 2543 the ACK of a 2xx looks like that of a refusal but for the To tag it may not have. */
	if (s && !txn_on_path(&s->source, from)) {
		metric_add(&txn_metrics, TXN_OFF_PATH, 1);
		return;
	}
	wire_to(m, &to);
	if (s && txn_via_is_old(v) && !wire_text_is(to.tag, txn_server_to_tag(s)))
		s = NULL;
	if (s)
		txn_server_ack(s, m, from);
	else
		l->h.ack(l->arg, m, from);
}

static void receive_cancel(struct txn_layer *l, const struct wire_msg *m, const struct wire_via *v,
			   const struct transport_target *from)
{
	struct txn_server *s = find_server(l, txn_key_request(m, v));

	if (s && !txn_on_path(&s->source, from)) {
		metric_add(&txn_metrics, TXN_OFF_PATH, 1);
		s = NULL;
	}
	if (!s) {
		metric_add(&txn_metrics, TXN_UNMATCHED, 1);
		answer_stateless(l, m, from, 481, NULL);
		return;
	}
	answer_stateless(l, m, from, 200, txn_server_to_tag(s));
	txn_server_cancel(s, m);
}

static void receive_new(struct txn_layer *l, const struct wire_msg *m, const struct wire_via *v,
			const struct transport_target *from, uint64_t key)
{
	struct txn_keys keys = {.request = key};
	struct txn_server *s;
	struct wire_party to;

	wire_to(m, &to);
	if (to.tag.n == 0)
		keys.merged = txn_key_merged(m);
	if (to.tag.n == 0 && txn_map_find(&l->merged, keys.merged)) {
		metric_add(&txn_metrics, TXN_MERGED, 1);
		answer_stateless(l, m, from, 482, NULL);
		return;
	}
	if (l->servers.count >= l->server_max || txn_server_new(l, m, v, from, &keys, &s)) {
		metric_add(&txn_metrics, TXN_REFUSED, 1);
		answer_stateless(l, m, from, 503, NULL);
		return;
	}
	l->h.request(l->arg, s, m);
	/* At once, and not after 200 ms (17.2.1): it stops the sender's retransmissions. */
	txn_server_trying(s);
}

static void receive_request(struct txn_layer *l, const struct wire_msg *m,
			    const struct transport_target *from)
{
	enum wire_method method = wire_method(m);
	struct txn_server *s;
	struct wire_via v;
	uint64_t key;

	metric_add(&txn_metrics, TXN_REQUEST_IN_OTHER + txn_metric_method(method), 1);
	if (!wire_top_via(m, &v))
		return;
	if (method == WIRE_ACK) {
		receive_ack(l, m, &v, from);
	} else if (method == WIRE_CANCEL) {
		receive_cancel(l, m, &v, from);
	} else {
		key = txn_key_request(m, &v);
		s = find_server(l, key);
		if (!s) {
			receive_new(l, m, &v, from, key);
			return;
		}
		metric_add(&txn_metrics, TXN_REPEAT_IN, 1);
		txn_server_repeat(s);
	}
}

/* 18.1.2: a response whose top Via we did not write is nobody's. */
static bool via_is_ours(const struct wire_via *v, const struct transport_target *from)
{
	bool brackets = memchr(v->host.s, ':', v->host.n) != NULL;
	char host[300];
	struct text_out t;

	text_start(&t, host, sizeof(host));
	text_add(&t, brackets ? "[" : "");
	text_add_bytes(&t, v->host.s, v->host.n < 256 ? v->host.n : 256);
	text_add(&t, brackets ? "]:" : ":");
	text_add_number(&t, v->port ? v->port : 5060);
	return wire_text_is_nocase((struct wire_text){host, t.len_bytes},
				   transport_sent_by(from->listener));
}

static void receive_response(struct txn_layer *l, const struct wire_msg *m,
			     const struct transport_target *from)
{
	int status = wire_status(m);
	struct txn_link *e;
	struct wire_via v;

	if (status < 100 || status > 699)
		return;
	metric_add(&txn_metrics, TXN_RESPONSE_IN_1XX + txn_metric_class(status), 1);
	if (!wire_top_via(m, &v) || wire_via_count(m) != 1 || !via_is_ours(&v, from)) {
		metric_add(&txn_metrics, TXN_UNMATCHED, 1);
		return;
	}
	e = txn_map_find(&l->clients, txn_key_client(v.branch, wire_method_text(m)));
	if (e) {
		txn_client_response(TXN_OF(e, txn_client, by_key), m, from);
		return;
	}
	metric_add(&txn_metrics, TXN_UNMATCHED, 1);
	if (status / 100 == 2 && wire_method(m) == WIRE_INVITE)
		l->h.stray_2xx(l->arg, m, from, false);
}

void txn_receive(struct txn_layer *l, const struct wire_msg *m, const struct transport_target *from)
{
	if (wire_is_request(m))
		receive_request(l, m, from);
	else
		receive_response(l, m, from);
}

bool txn_repeat(struct txn_layer *l, const struct guard_head *h,
		const struct transport_target *from)
{
	struct txn_link *e;
	struct txn_server *s;
	uint64_t key;

	if (txn_key_raw(h, &key))
		return false;
	e = txn_map_find(&l->servers, key);
	s = e ? TXN_OF(e, txn_server, by_key) : NULL;
	if (!s || !txn_on_path(&s->source, from))
		return false;
	metric_add(&txn_metrics, TXN_REPEAT_IN, 1);
	txn_server_repeat(s);
	return true;
}

void txn_transport_failed(struct txn_layer *l, const struct transport_target *to, int err)
{
	struct txn_client *c = LIST_FIRST(&l->waiting);

	/* Nothing is called back from here: each one fails from its own timer. */
	while (c) {
		struct txn_client *next = LIST_NEXT(c, waiting);
		const struct transport_target *t = &c->target;
		bool same = t->proto == to->proto && t->listener == to->listener;

		if (same && ((to->connection && t->connection == to->connection) ||
			     addr_equal(&t->to, &to->to)))
			txn_client_fail(c, err);
		c = next;
	}
}

int txn_ack_write(struct txn_layer *l, const struct transport_target *to,
		  const struct txn_request *r, size_t *ret_bytes)
{
	char branch[TXN_BRANCH_BYTES];
	struct wire_out o;
	int err;

	if (!to->listener)
		return -EINVAL;
	wire_random_token(branch, sizeof(branch), TXN_BRANCH_BITS);
	wire_out_init(&o, l->out, TXN_MESSAGE_MAX_BYTES);
	err = txn_request_write(to, r, branch, &o);
	if (err)
		return err;
	metric_add(&txn_metrics, TXN_REQUEST_OUT_ACK, 1);
	*ret_bytes = o.len_bytes;
	return 0;
}

int txn_send_ack(struct txn_layer *l, const struct transport_target *to,
		 const struct txn_request *r)
{
	size_t n = 0;
	int err = txn_ack_write(l, to, r, &n);

	return err ? err : txn_send_bytes(l, to, l->out, n);
}

uint32_t txn_t1_ms(const struct txn_layer *l)
{
	return l->t1_ms;
}

size_t txn_count_server(const struct txn_layer *l)
{
	return l->servers.count;
}

size_t txn_server_max(const struct txn_layer *l)
{
	return l->server_max;
}

size_t txn_count_client(const struct txn_layer *l)
{
	return l->clients.count;
}
