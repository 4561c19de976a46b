/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_server - the server machines of RFC 3261 17.2 with RFC 6026 7.1 and RFC 4320, as two tables.
 *
 *   INVITE:      Proceeding -> Completed (3xx-6xx; G, H) -> Confirmed (I) -> end
 *                Proceeding -> Accepted (2xx; sent again until its ACK; L) -> end
 *   non-INVITE:  Trying -> Proceeding (100, late) -> Completed (J) -> end
 *
 * All ends come from the timer, so no user is called from inside a call of his.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/txn_private.h"
#include "sbe/sip/wire_line.h"

enum server_event {
	ON_REQUEST, /* the request again */
	ON_ACK,
	ON_PROVISIONAL,
	ON_SUCCESS,
	ON_FAILURE, /* 300-699 */
	ON_CLOCK,
	SERVER_EVENTS
};

typedef void(server_act_h)(struct txn_server *s);

static void server_on_clock(void *arg);

static struct txn_alarm server_alarm(struct txn_server *s)
{
	return (struct txn_alarm){s->layer->wheel, server_on_clock, s};
}

static void server_start(struct txn_server *s, uint32_t interval_ms, uint32_t deadline_ms)
{
	struct txn_alarm a = server_alarm(s);

	txn_clock_start(&s->clock, &a, interval_ms, deadline_ms);
}

static void server_again(struct txn_server *s, uint32_t max_ms)
{
	struct txn_alarm a = server_alarm(s);

	txn_clock_again(&s->clock, &a, max_ms);
}

static void server_forget(char **slot, uint32_t *slot_bytes)
{
	mem_free(*slot);
	*slot = NULL;
	*slot_bytes = 0;
}

static int server_send(struct txn_server *s, const char *data, size_t n)
{
	struct transport_target to = s->source;

	to.to.port = s->reply_port;
	return txn_send_bytes(s->layer, &to, data, n);
}

/* What to tell a participant now, which is not what was told with the 100 (RFC 7339 5.1). */
static const char *server_oc(const struct txn_server *s)
{
	return s->blob->oc_at ? s->layer->h.overload(s->layer->arg, &s->source) : NULL;
}

/* ---- actions ---- */

static void act_absorb(struct txn_server *s)
{
	(void)s;
}

static void act_repeat(struct txn_server *s)
{
	if (!s->last_bytes)
		return;
	metric_add(&txn_metrics, TXN_REPEAT_OUT, 1);
	(void)server_send(s, s->last, s->last_bytes);
}

/* Timer I takes up ACKs that come again; there are none on a stream. A CANCEL that comes again is answered as the
 * first one was for as long as a transaction of its own would do it (timer J). */
static void server_linger(struct txn_server *s)
{
	uint32_t ms = s->cancelled ? 64 * s->layer->t1_ms : s->layer->t4_ms;

	s->state = SERVER_CONFIRMED;
	server_start(s, 0, txn_reliable(&s->source) ? 0 : ms);
}

static void act_finish(struct txn_server *s)
{
	const struct txn_server_handlers *h = s->h;
	void *arg = s->arg;

	txn_server_drop(s);
	if (h && h->terminated)
		h->terminated(arg);
}

/* Nothing is left to be done: end from the timer. */
static void act_end(struct txn_server *s)
{
	s->state = SERVER_ENDING;
	server_start(s, 0, 0);
}

/* INVITE refused: G sends again over UDP, H gives up (17.2.1). */
static void act_refuse(struct txn_server *s)
{
	s->state = SERVER_COMPLETED;
	server_start(s, txn_reliable(&s->source) ? 0 : s->layer->t1_ms, 64 * s->layer->t1_ms);
}

static void act_clock_g(struct txn_server *s)
{
	if (txn_clock_due(&s->clock)) {
		metric_add(&txn_metrics, TXN_NO_ACK, 1);
		act_finish(s);
		return;
	}
	act_repeat(s);
	server_again(s, s->layer->t2_ms);
}

static void act_confirm(struct txn_server *s)
{
	server_forget(&s->last, &s->last_bytes);
	server_linger(s);
	if (s->h && s->h->acked)
		s->h->acked(s->arg);
}

/*
 * INVITE accepted (RFC 6026 7.1): the INVITE is absorbed until L. The 2xx is sent again over any
 * transport (13.3.1.4); its ACK comes with another branch, so the user says when to stop.
 */
static void act_accept(struct txn_server *s)
{
	s->state = SERVER_ACCEPTED;
	s->unacked = true;
	server_start(s, s->layer->t1_ms, 64 * s->layer->t1_ms);
}

static void act_clock_2xx(struct txn_server *s)
{
	if (!txn_clock_due(&s->clock)) {
		act_repeat(s);
		server_again(s, s->layer->t2_ms);
		return;
	}
	if (s->unacked) {
		s->unacked = false;
		metric_add(&txn_metrics, TXN_NO_ACK, 1);
		if (s->h && s->h->no_ack)
			s->h->no_ack(s->arg);
	}
	act_finish(s);
}

/* Timer J takes up requests that come again; there are none on a stream. */
static void act_answer(struct txn_server *s)
{
	s->state = SERVER_COMPLETED;
	if (txn_reliable(&s->source))
		server_forget(&s->last, &s->last_bytes);
	server_start(s, 0, txn_reliable(&s->source) ? 0 : 64 * s->layer->t1_ms);
}

static void act_proceed(struct txn_server *s)
{
	s->state = SERVER_PROCEEDING;
}

/* Nobody answered a non-INVITE: 100 when the sender's timer E reaches T2, and never a late final (RFC 4320). */
static void act_clock_late(struct txn_server *s)
{
	static const struct txn_reply trying = {.status = 100};
	struct txn_alarm a = server_alarm(s);
	struct wire_out o;

	if (txn_clock_due(&s->clock)) {
		act_finish(s);
		return;
	}
	wire_out_init(&o, s->layer->out, TXN_MESSAGE_MAX_BYTES);
	if (!txn_response_write(s->blob, s->blob->text, NULL, server_oc(s), &trying, &o)) {
		metric_add(&txn_metrics, TXN_RESPONSE_OUT_1XX, 1);
		(void)txn_keep(&s->last, &s->last_bytes, o.buf, o.len_bytes);
		(void)server_send(s, o.buf, o.len_bytes);
	}
	s->state = SERVER_PROCEEDING;
	s->clock.interval_ms = 0;
	txn_clock_again(&s->clock, &a, 0);
}

static server_act_h *const invite_machine[SERVER_STATES][SERVER_EVENTS] = {
	[SERVER_PROCEEDING] = {[ON_REQUEST] = act_repeat,
			       [ON_PROVISIONAL] = act_proceed,
			       [ON_SUCCESS] = act_accept,
			       [ON_FAILURE] = act_refuse},
	[SERVER_COMPLETED] =
		{[ON_REQUEST] = act_repeat, [ON_ACK] = act_confirm, [ON_CLOCK] = act_clock_g},
	[SERVER_CONFIRMED] =
		{[ON_REQUEST] = act_absorb, [ON_ACK] = act_absorb, [ON_CLOCK] = act_finish},
	[SERVER_ACCEPTED] = {[ON_REQUEST] = act_absorb, [ON_CLOCK] = act_clock_2xx},
	[SERVER_ENDING] =
		{[ON_REQUEST] = act_absorb, [ON_ACK] = act_absorb, [ON_CLOCK] = act_finish},
};

static server_act_h *const other_machine[SERVER_STATES][SERVER_EVENTS] = {
	[SERVER_TRYING] = {[ON_REQUEST] = act_absorb,
			   [ON_PROVISIONAL] = act_absorb,
			   [ON_SUCCESS] = act_answer,
			   [ON_FAILURE] = act_answer,
			   [ON_CLOCK] = act_clock_late},
	[SERVER_PROCEEDING] = {[ON_REQUEST] = act_repeat,
			       [ON_PROVISIONAL] = act_absorb,
			       [ON_SUCCESS] = act_answer,
			       [ON_FAILURE] = act_answer,
			       [ON_CLOCK] = act_clock_late},
	[SERVER_COMPLETED] = {[ON_REQUEST] = act_repeat, [ON_CLOCK] = act_finish},
	[SERVER_ENDING] = {[ON_REQUEST] = act_absorb, [ON_CLOCK] = act_finish},
};

static server_act_h *server_find(const struct txn_server *s, enum server_event e)
{
	return s->method == WIRE_INVITE ? invite_machine[s->state][e] : other_machine[s->state][e];
}

static void server_event(struct txn_server *s, enum server_event e)
{
	server_act_h *act = server_find(s, e);

	if (act)
		act(s);
	else
		metric_add(&txn_metrics, TXN_UNEXPECTED, 1);
}

static void server_on_clock(void *arg)
{
	server_event(arg, ON_CLOCK);
}

/* ---- life ---- */

static uint32_t late_100_ms(const struct txn_layer *l)
{
	uint32_t at_ms = 0;

	/* When a client's timer E has doubled up to T2 (RFC 4320 4.1). */
	for (uint32_t e_ms = l->t1_ms; e_ms < l->t2_ms; e_ms *= 2)
		at_ms += e_ms;
	return at_ms ? at_ms : l->t1_ms;
}

static int server_set_tag(struct txn_server *s, struct wire_text tag)
{
	char *copy = NULL;

	if (tag.n >= TXN_TAG_BYTES) {
		copy = mem_buffer(tag.n + 1);
		if (!copy)
			return -ENOMEM;
	}
	if (s->tag_long)
		mem_free(s->tag.longer);
	s->tag_long = copy != NULL;
	if (copy)
		s->tag.longer = copy;
	else
		copy = s->tag.text;
	memcpy(copy, tag.s, tag.n);
	copy[tag.n] = '\0';
	return 0;
}

static int server_fill(struct txn_server *s, const struct wire_msg *m, const struct wire_via *v,
		       const struct transport_target *from)
{
	struct wire_out o;
	struct txn_blob sizes;
	struct wire_party to;
	size_t n;
	int err;

	wire_out_init(&o, s->layer->blob, TXN_MESSAGE_MAX_BYTES);
	err = txn_blob_write(m, v, from, txn_takes_part(s->layer, m, from), &o, &sizes);
	if (err)
		return err;
	n = (size_t)sizes.head_bytes + sizes.route_bytes + sizes.stamp_bytes;
	s->blob = mem_buffer(sizeof(sizes) + n);
	if (!s->blob)
		return -ENOMEM;
	memcpy(s->blob, &sizes, sizeof(sizes));
	memcpy(s->blob->text, s->layer->blob, n);
	wire_to(m, &to);
	s->to_has_tag = to.tag.n > 0;
	if (s->to_has_tag)
		return server_set_tag(s, to.tag);
	wire_random_token(s->tag.text, sizeof(s->tag.text), TXN_TAG_BITS);
	return 0;
}

int txn_server_new(struct txn_layer *l, const struct wire_msg *m, const struct wire_via *v,
		   const struct transport_target *from, const struct txn_keys *keys,
		   struct txn_server **ret_server)
{
	struct txn_server *s = mem_buffer(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->layer = l;
	s->method = (uint8_t)wire_method(m);
	s->source = *from;
	s->reply_port = txn_reply_port(v, from);
	err = server_fill(s, m, v, from);
	txn_map_add(&l->servers, &s->by_key, keys->request);
	metric_add(&txn_metrics, TXN_SERVERS, 1);
	if (err) {
		txn_server_drop(s);
		return err;
	}
	if (!s->to_has_tag) {
		txn_map_add(&l->merged, &s->by_merge, keys->merged);
		s->merge_listed = true;
	}
	s->state = s->method == WIRE_INVITE ? SERVER_PROCEEDING : SERVER_TRYING;
	if (s->method != WIRE_INVITE)
		server_start(s, late_100_ms(l), 64 * l->t1_ms);
	*ret_server = s;
	return 0;
}

static void server_unlist_merge(struct txn_server *s)
{
	if (s->merge_listed)
		txn_map_remove(&s->layer->merged, &s->by_merge);
	s->merge_listed = false;
}

void txn_server_drop(struct txn_server *s)
{
	txn_clock_stop(&s->clock);
	server_unlist_merge(s);
	txn_map_remove(&s->layer->servers, &s->by_key);
	metric_add(&txn_metrics, TXN_SERVERS, -1);
	if (s->account)
		s->account->open--;
	mem_unref(s->account);
	mem_free(s->blob);
	mem_free(s->last);
	if (s->tag_long)
		mem_free(s->tag.longer);
	mem_free(s);
}

/* ---- messages ---- */

void txn_server_repeat(struct txn_server *s)
{
	server_event(s, ON_REQUEST);
}

void txn_server_ack(struct txn_server *s, const struct wire_msg *m,
		    const struct transport_target *from)
{
	/* RFC 6026 7.1: an ACK that finds an accepted INVITE is the user's. */
	if (s->state == SERVER_ACCEPTED)
		s->layer->h.ack(s->layer->arg, m, from);
	else
		server_event(s, ON_ACK);
}

void txn_server_cancel(struct txn_server *s, const struct wire_msg *m)
{
	if (s->cancelled)
		return;
	s->cancelled = true;
	if (s->state == SERVER_CONFIRMED)
		server_linger(s);
	/* 9.2: no effect on an INVITE that has its final response */
	if (!s->done && s->h && s->h->cancel)
		s->h->cancel(s->arg, m);
}

void txn_server_trying(struct txn_server *s)
{
	static const struct txn_reply trying = {.status = 100};

	if (s->method == WIRE_INVITE && !s->done && !s->last)
		(void)txn_server_reply(s, &trying);
}

/* The final response is out: all that is needed from now on are its bytes. */
static void server_finalise(struct txn_server *s, int status)
{
	s->done = true;
	mem_free(s->blob);
	s->blob = NULL;
	/* A refused request may be tried again over another path with the same identifiers (RFC 3263 4.3). */
	if (status >= 300)
		server_unlist_merge(s);
}

static enum server_event event_of(int status)
{
	if (status < 200)
		return ON_PROVISIONAL;
	return status < 300 ? ON_SUCCESS : ON_FAILURE;
}

/* RFC 4320: what a non-INVITE may not be answered. */
static bool reply_is_forbidden(const struct txn_server *s, int status)
{
	return s->method != WIRE_INVITE && (status < 200 || status == 408);
}

static int server_forbidden(struct txn_server *s, int status)
{
	if (status > 100 && status < 200)
		return -EINVAL;
	if (status == 408) {
		/* 4.2: the sender has timed out by itself; the answer would only be a stray. */
		server_finalise(s, status);
		act_end(s);
	}
	return 0; /* the 100 goes out when it is due */
}

static bool tag_ok(const char *tag)
{
	size_t n = strnlen(tag, TXN_TAG_MAX_BYTES);

	return n < TXN_TAG_MAX_BYTES && wire_is_token((struct wire_text){tag, n});
}

/* A stranger's short request is answered in short: without phrase and headers of ours. */
static int server_write_short(struct txn_server *s, const struct txn_reply *r, struct wire_out *o)
{
	struct txn_reply plain = {.status = r->status, .reason = ""};

	wire_out_init(o, s->layer->out, TXN_MESSAGE_MAX_BYTES);
	return txn_response_write(s->blob, s->blob->text,
				  s->to_has_tag ? NULL : txn_server_to_tag(s), server_oc(s), &plain,
				  o);
}

int txn_server_reply(struct txn_server *s, const struct txn_reply *r)
{
	struct txn_layer *l = s->layer;
	struct wire_out o;
	int err, sent;

	if (s->done)
		return -EALREADY;
	if (r->status < 100 || r->status > 699 || (r->to_tag && !tag_ok(r->to_tag)))
		return -EINVAL;
	if (reply_is_forbidden(s, r->status))
		return server_forbidden(s, r->status);
	if (r->to_tag && !s->to_has_tag) {
		err = server_set_tag(s, (struct wire_text){r->to_tag, strlen(r->to_tag)});
		if (err)
			return err;
	}
	wire_out_init(&o, l->out, TXN_MESSAGE_MAX_BYTES);
	err = txn_response_write(s->blob, s->blob->text,
				 s->to_has_tag || r->status == 100 ? NULL : txn_server_to_tag(s),
				 server_oc(s), r, &o);
	if (err)
		return err;
	if (r->once && o.len_bytes > s->blob->request_bytes)
		err = server_write_short(s, r, &o);
	if (err)
		return err;
	/* Without memory to keep it, it is sent once; an older one must not go out after it. */
	if (r->once || txn_keep(&s->last, &s->last_bytes, l->out, o.len_bytes))
		server_forget(&s->last, &s->last_bytes);
	metric_add(&txn_metrics, TXN_RESPONSE_OUT_1XX + txn_metric_class(r->status), 1);
	sent = r->once && !txn_fits_request(&s->source, o.len_bytes, s->blob->request_bytes)
		       ? 0
		       : server_send(s, l->out, o.len_bytes);
	if (r->status >= 200)
		server_finalise(s, r->status);
	if (r->status >= 200 && r->once)
		act_end(s);
	else
		server_event(s, event_of(r->status));
	return sent;
}

/* ---- the user ---- */

void txn_server_bind(struct txn_server *s, const struct txn_server_handlers *h, void *arg)
{
	s->h = h;
	s->arg = arg;
}

void txn_server_detach(struct txn_server *s)
{
	static const struct txn_reply gone = {.status = 500};

	s->h = NULL;
	s->arg = NULL;
	/* Nobody can answer any more. */
	if (!s->done)
		(void)txn_server_reply(s, &gone);
	if (!s->done)
		act_end(s);
}

void txn_server_send_again(struct txn_server *s)
{
	act_repeat(s);
}

void txn_server_charge(struct txn_server *s, struct txn_account *a)
{
	if (s->account)
		return;
	s->account = mem_ref(a);
	a->open++;
}

void txn_server_stop_2xx(struct txn_server *s)
{
	struct txn_alarm a = server_alarm(s);

	if (s->state != SERVER_ACCEPTED || !s->unacked)
		return;
	s->unacked = false;
	server_forget(&s->last, &s->last_bytes);
	txn_clock_interval(&s->clock, &a, 0);
}

const struct transport_target *txn_server_source(const struct txn_server *s)
{
	return &s->source;
}

const char *txn_server_to_tag(const struct txn_server *s)
{
	return s->tag_long ? s->tag.longer : s->tag.text;
}

enum wire_method txn_server_method(const struct txn_server *s)
{
	return s->method;
}

bool txn_server_done(const struct txn_server *s)
{
	return s->done;
}
