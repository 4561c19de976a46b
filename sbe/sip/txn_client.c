/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_client - the client machines of RFC 3261 17.1 with RFC 6026 7.2, as two tables.
 *
 *   INVITE:      Calling (A, B) -> Proceeding -> Completed (3xx-6xx, ACK sent here; D) -> end
 *                                             -> Accepted (2xx of any fork to the user; M) -> end
 *   non-INVITE:  Trying (E, F) -> Proceeding (E at T2) -> Completed (K) -> end
 *   Failed:      no answer, or the transport's error; told from the timer
 *   Abandoned:   (Calling) no response within the user's own deadline: he has been told, but the far end may just be
 *                slow. A provisional is followed by CANCEL, a refusal by its ACK, a 2xx goes to stray_2xx
 *
 * The request is kept while it may be sent again, then only the lines its ACK or CANCEL needs.
 */
#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/txn_private.h"

#define TXN_REASON_MAX_BYTES 256U

enum client_event { ON_PROVISIONAL, ON_SUCCESS, ON_FAILURE, ON_CLOCK, CLIENT_EVENTS };

struct client_input {
	const struct wire_msg *m; /* NULL with ON_CLOCK */
	const struct transport_target *from;
};

typedef void(client_act_h)(struct txn_client *c, const struct client_input *in);

static void client_on_clock(void *arg);

static struct txn_alarm client_alarm(struct txn_client *c)
{
	return (struct txn_alarm){c->layer->wheel, client_on_clock, c};
}

static void client_start(struct txn_client *c, uint32_t interval_ms, uint32_t deadline_ms)
{
	struct txn_alarm a = client_alarm(c);

	txn_clock_start(&c->clock, &a, interval_ms, deadline_ms);
}

static uint32_t client_interval_ms(const struct txn_client *c, uint32_t ms)
{
	return txn_reliable(&c->target) ? 0 : ms;
}

static void client_stop_waiting(struct txn_client *c)
{
	if (c->is_waiting)
		LIST_REMOVE(c, waiting);
	c->is_waiting = false;
}

static void client_forget(struct txn_client *c)
{
	mem_free(c->bytes);
	c->bytes = NULL;
	c->nbytes = 0;
	mem_free(c->reason);
	c->reason = NULL;
}

static void client_tell(struct txn_client *c, const struct wire_msg *m)
{
	if (c->h && c->h->response)
		c->h->response(c->arg, m);
}

/* ---- CANCEL ---- */

static int client_make(struct txn_layer *l, const struct transport_target *to,
		       const struct wire_out *o, const char *method,
		       struct txn_client **ret_client);
static void client_go(struct txn_client *c, uint32_t deadline_ms);

/* 9.1: same branch and Request-URI, its own transaction without a user. Then the final has 64*T1 to come. */
static void client_send_cancel(struct txn_client *c)
{
	struct txn_layer *l = c->layer;
	struct txn_client *cancel;
	struct wire_out o;

	wire_out_init(&o, l->out, TXN_MESSAGE_MAX_BYTES);
	if (c->bytes &&
	    !txn_derive((struct wire_text){c->bytes, c->nbytes}, "CANCEL", NULL, c->reason, &o)) {
		metric_add(&txn_metrics, TXN_REQUEST_OUT_CANCEL, 1);
		if (client_make(l, &c->target, &o, "CANCEL", &cancel) == 0)
			client_go(cancel, 64 * l->t1_ms);
		else
			(void)txn_send_bytes(l, &c->target, l->out,
					     o.len_bytes); /* once is better than never */
	}
	mem_free(c->reason);
	c->reason = NULL;
	client_start(c, 0, 64 * l->t1_ms);
}

/* ---- actions ---- */

static void act_finish(struct txn_client *c, const struct client_input *in)
{
	const struct txn_client_handlers *h = c->h;
	void *arg = c->arg;

	(void)in;
	txn_client_drop(c);
	if (h && h->terminated)
		h->terminated(arg);
}

static void act_failed(struct txn_client *c, const struct client_input *in)
{
	c->state = CLIENT_FAILED;
	client_stop_waiting(c);
	if (c->err == -ETIMEDOUT)
		metric_add(&txn_metrics, TXN_TIMEOUTS, 1);
	if (c->h && c->h->failed)
		c->h->failed(c->arg, c->err);
	act_finish(c, in);
}

static void client_feedback(const struct txn_client *c, const struct wire_msg *m, int err)
{
	const struct txn_layer *l = c->layer;
	struct wire_oc oc;

	if (c->target.overload && l->h.feedback)
		l->h.feedback(l->arg, &c->target, m && !wire_oc_read(m, &oc) ? &oc : NULL, err);
}

static void client_timed_out(struct txn_client *c)
{
	if (c->state == CLIENT_CALLING)
		client_feedback(c, NULL, -ETIMEDOUT);
	c->err = -ETIMEDOUT;
	act_failed(c, NULL);
}

/* It is not sent again and may ring for minutes: its ACK and its CANCEL are made of the headers, so the body goes. */
static void client_shrink(struct txn_client *c)
{
	size_t n = txn_head_bytes(c->bytes, c->nbytes);
	char *head = n < c->nbytes ? mem_resize(c->bytes, n) : NULL;

	if (!head)
		return;
	c->bytes = head;
	c->nbytes = (uint32_t)n;
}

/* The user goes on to another next hop; the phone behind this one shall not ring for nobody. */
static void client_abandon(struct txn_client *c, int err)
{
	client_feedback(c, NULL, err);
	metric_add(&txn_metrics, TXN_TIMEOUTS, err == -ETIMEDOUT);
	client_stop_waiting(c);
	c->state = CLIENT_CALLING;
	c->cancelled = c->abandoned = true;
	client_shrink(c);
	client_start(c, 0, 64 * c->layer->t1_ms);
	if (c->h && c->h->failed)
		c->h->failed(c->arg, err);
	if (c->h && c->h->terminated) /* not if it was let go of in there */
		c->h->terminated(c->arg);
	c->h = NULL;
	c->arg = NULL;
}

/* The network refused a copy of an INVITE: an earlier one may have come through all the same, and somebody may ring. */
static void act_unsent(struct txn_client *c, const struct client_input *in)
{
	if (c->invite && c->repeated && !c->abandoned)
		client_abandon(c, c->err);
	else
		act_failed(c, in);
}

static void act_clock_send(struct txn_client *c, const struct client_input *in)
{
	struct txn_alarm a = client_alarm(c);
	int err;

	if (c->abandoned) {
		act_finish(c, in);
		return;
	}
	if (txn_clock_due(&c->clock)) {
		if (c->hasty)
			client_abandon(c, -ETIMEDOUT);
		else
			client_timed_out(c);
		return;
	}
	metric_add(&txn_metrics, TXN_REPEAT_OUT, 1);
	c->repeated = true;
	err = txn_send_bytes(c->layer, &c->target, c->bytes, c->nbytes);
	if (err) {
		c->err = (int16_t)err;
		act_unsent(c, NULL);
		return;
	}
	/* A doubles without end (17.1.1.2), E only up to T2 (17.1.2.2). */
	txn_clock_again(&c->clock, &a, c->invite ? 0 : c->layer->t2_ms);
}

/* Only a CANCEL or a lost user sets a deadline on a ringing INVITE. */
static void act_clock_ringing(struct txn_client *c, const struct client_input *in)
{
	(void)in;
	client_timed_out(c);
}

static void act_ringing(struct txn_client *c, const struct client_input *in)
{
	bool first = c->state == CLIENT_CALLING;

	c->state = CLIENT_PROCEEDING;
	if (first) {
		client_stop_waiting(c);
		txn_clock_stop(&c->clock);
		if (!c->abandoned)
			client_shrink(c);
		if (c->cancelled)
			client_send_cancel(c);
		else if (!c->h)
			client_start(c, 0, 64 * c->layer->t1_ms);
	}
	client_tell(c, in->m);
}

static void act_proceed(struct txn_client *c, const struct client_input *in)
{
	struct txn_alarm a = client_alarm(c);

	if (c->state == CLIENT_CALLING)
		txn_clock_interval(&c->clock, &a, client_interval_ms(c, c->layer->t2_ms));
	c->state = CLIENT_PROCEEDING;
	client_tell(c, in->m);
}

static uint32_t hash_tag(const char *s, size_t n)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619U;
	return h;
}

/* 1 + place of the fork among those known; 0 = it is not there. In a dialog there is only one. */
static unsigned client_fork(const struct txn_client *c, uint32_t tag)
{
	for (unsigned i = 0; i < c->nforks; i++) {
		if (c->in_dialog || c->forks[i] == tag)
			return i + 1;
	}
	return 0;
}

/* A copy of a 2xx that was ACKed gets the same ACK. */
static void client_ack_again(const struct txn_client *c)
{
	struct transport_target to;

	memcpy(&to, c->bytes, sizeof(to));
	metric_add(&txn_metrics, TXN_REPEAT_OUT, 1);
	(void)txn_send_bytes(c->layer, &to, c->bytes + sizeof(to), c->nbytes - sizeof(to));
}

int txn_client_ack(struct txn_client *c, const struct transport_target *to,
		   const struct txn_request *r, const char *their_tag)
{
	struct txn_layer *l = c->layer;
	unsigned fork = client_fork(c, hash_tag(their_tag, strlen(their_tag)));
	size_t n = 0;
	int err = txn_ack_write(l, to, r, &n);
	char *copy;

	if (err)
		return err;
	copy = fork && c->state == CLIENT_ACCEPTED ? mem_buffer(sizeof(*to) + n) : NULL;
	if (copy) { /* without memory it is sent once */
		memcpy(copy, to, sizeof(*to));
		memcpy(copy + sizeof(*to), l->out, n);
		client_forget(c);
		c->bytes = copy;
		c->nbytes = (uint32_t)(sizeof(*to) + n);
		c->ack_of = fork & 3;
	}
	return txn_send_bytes(l, to, l->out, n);
}

/* A 2xx that has been taken before, by whoever was the user then, only needs its ACK again. */
static void client_give_2xx(struct txn_client *c, const struct client_input *in)
{
	struct wire_party to;
	uint32_t tag;
	unsigned fork;

	wire_to(in->m, &to);
	tag = hash_tag(to.tag.s, to.tag.n);
	fork = client_fork(c, tag);
	if (!fork && c->nforks < TXN_FORKS_KNOWN)
		c->forks[c->nforks++] = tag;
	if (fork && fork == c->ack_of)
		client_ack_again(c);
	else if (c->h)
		client_tell(c, in->m);
	else
		c->layer->h.stray_2xx(c->layer->arg, in->m, in->from, fork || c->in_dialog);
}

static void act_accept(struct txn_client *c, const struct client_input *in)
{
	c->state = CLIENT_ACCEPTED;
	client_stop_waiting(c);
	client_forget(c);
	client_start(c, 0, 64 * c->layer->t1_ms);
	client_give_2xx(c, in);
}

/* A 2xx again or of another fork: the user sends its ACK, and BYE if he does not want it (RFC 6026 7.2). */
static void act_fork(struct txn_client *c, const struct client_input *in)
{
	client_give_2xx(c, in);
}

static void act_stray(struct txn_client *c, const struct client_input *in)
{
	c->layer->h.stray_2xx(c->layer->arg, in->m, in->from, false);
}

static void client_keep_ack(struct txn_client *c, const struct wire_msg *m)
{
	struct txn_layer *l = c->layer;
	struct wire_header to;
	struct wire_out o;
	bool have_to = wire_header_find(m, "to", &to);

	wire_out_init(&o, l->out, TXN_MESSAGE_MAX_BYTES);
	if (txn_derive((struct wire_text){c->bytes, c->nbytes}, "ACK", have_to ? &to : NULL, NULL,
		       &o)) {
		client_forget(c);
		return;
	}
	metric_add(&txn_metrics, TXN_REQUEST_OUT_ACK, 1);
	(void)txn_send_bytes(l, &c->target, o.buf, o.len_bytes);
	/* Kept for the refusal's retransmissions, of which a stream has none. */
	if (txn_reliable(&c->target) || txn_keep(&c->bytes, &c->nbytes, o.buf, o.len_bytes))
		client_forget(c);
}

static void act_refuse(struct txn_client *c, const struct client_input *in)
{
	c->state = CLIENT_COMPLETED;
	client_stop_waiting(c);
	client_keep_ack(c, in->m);
	/* D: at least 32 s on UDP; 64*T1 is what the far end's H takes. */
	client_start(c, 0, client_interval_ms(c, 64 * c->layer->t1_ms));
	client_tell(c, in->m);
}

static void act_ack_again(struct txn_client *c, const struct client_input *in)
{
	(void)in;
	metric_add(&txn_metrics, TXN_REPEAT_IN, 1);
	if (!c->nbytes)
		return;
	metric_add(&txn_metrics, TXN_REPEAT_OUT, 1);
	(void)txn_send_bytes(c->layer, &c->target, c->bytes, c->nbytes);
}

static void act_complete(struct txn_client *c, const struct client_input *in)
{
	c->state = CLIENT_COMPLETED;
	client_stop_waiting(c);
	client_forget(c);
	client_start(c, 0, client_interval_ms(c, c->layer->t4_ms));
	client_tell(c, in->m);
}

static void act_absorb(struct txn_client *c, const struct client_input *in)
{
	(void)c;
	(void)in;
	metric_add(&txn_metrics, TXN_REPEAT_IN, 1);
}

static client_act_h *const invite_machine[CLIENT_STATES][CLIENT_EVENTS] = {
	[CLIENT_CALLING] = {act_ringing, act_accept, act_refuse, act_clock_send},
	[CLIENT_PROCEEDING] = {act_ringing, act_accept, act_refuse, act_clock_ringing},
	[CLIENT_COMPLETED] = {NULL, act_stray, act_ack_again, act_finish},
	[CLIENT_ACCEPTED] = {NULL, act_fork, NULL, act_finish},
	[CLIENT_FAILED] = {NULL, act_stray, NULL, act_unsent},
};

static client_act_h *const other_machine[CLIENT_STATES][CLIENT_EVENTS] = {
	[CLIENT_CALLING] = {act_proceed, act_complete, act_complete, act_clock_send},
	[CLIENT_PROCEEDING] = {act_proceed, act_complete, act_complete, act_clock_send},
	[CLIENT_COMPLETED] = {act_absorb, act_absorb, act_absorb, act_finish},
	[CLIENT_FAILED] = {NULL, NULL, NULL, act_failed},
};

static void client_event(struct txn_client *c, enum client_event e, const struct client_input *in)
{
	client_act_h *act = c->invite ? invite_machine[c->state][e] : other_machine[c->state][e];

	if (act)
		act(c, in);
	else
		metric_add(&txn_metrics, TXN_UNEXPECTED, 1);
}

static void client_on_clock(void *arg)
{
	client_event(arg, ON_CLOCK, NULL);
}

void txn_client_response(struct txn_client *c, const struct wire_msg *m,
			 const struct transport_target *from)
{
	struct client_input in = {m, from};
	int status = wire_status(m);

	/* Who guesses a branch still does not sit at the address we sent to. */
	if (!txn_on_path(&c->target, from)) {
		metric_add(&txn_metrics, TXN_OFF_PATH, 1);
		return;
	}
	client_feedback(c, m, 0);
	client_event(c,
		     status < 200   ? ON_PROVISIONAL
		     : status < 300 ? ON_SUCCESS
				    : ON_FAILURE,
		     &in);
}

/* ---- life ---- */

/* The Via is the first header of what we write, so the first branch is ours. */
static int client_make(struct txn_layer *l, const struct transport_target *to,
		       const struct wire_out *o, const char *method, struct txn_client **ret_client)
{
	struct txn_client *c = mem_buffer(sizeof(*c));
	struct wire_text name = {method, strlen(method)};

	if (!c)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	if (txn_keep(&c->bytes, &c->nbytes, o->buf, o->len_bytes)) {
		mem_free(c);
		return -ENOMEM;
	}
	c->layer = l;
	c->target = *to;
	c->invite = wire_method_of(name) == WIRE_INVITE;
	c->state = CLIENT_CALLING;
	txn_map_add(&l->clients, &c->by_key, txn_key_client(txn_branch(c->bytes, c->nbytes), name));
	metric_add(&txn_metrics, TXN_CLIENTS, 1);
	LIST_INSERT_HEAD(&l->waiting, c, waiting);
	c->is_waiting = true;
	*ret_client = c;
	return 0;
}

static void client_go(struct txn_client *c, uint32_t deadline_ms)
{
	int err;

	client_start(c, client_interval_ms(c, c->layer->t1_ms), deadline_ms);
	err = txn_send_bytes(c->layer, &c->target, c->bytes, c->nbytes);
	if (err)
		txn_client_fail(c, err);
}

int txn_client_new(struct txn_layer *l, const struct transport_target *to,
		   const struct txn_request *r, const struct txn_client_handlers *h, void *arg,
		   struct txn_client **ret_client)
{
	char random[TXN_BRANCH_BYTES];
	const char *branch = r->branch ? r->branch : random;
	struct transport_target target = *to;
	uint32_t deadline_ms = 64 * l->t1_ms;
	enum wire_method method;
	struct txn_client *c;
	struct wire_out o;
	int err;

	if (!to->listener || !r->method)
		return -EINVAL;
	method = wire_method_of((struct wire_text){r->method, strlen(r->method)});
	if (method == WIRE_ACK || method == WIRE_CANCEL)
		return -EINVAL;
	if (r->branch && strnlen(r->branch, TXN_BRANCH_MAX_BYTES) == TXN_BRANCH_MAX_BYTES)
		return -EINVAL;
	if (!r->branch)
		wire_random_token(random, sizeof(random), TXN_BRANCH_BITS);
	wire_out_init(&o, l->out, TXN_MESSAGE_MAX_BYTES);
	err = txn_request_write(&target, r, branch, &o);
	if (!err && txn_large_turn(l, &target, o.len_bytes)) {
		wire_out_init(&o, l->out, TXN_MESSAGE_MAX_BYTES);
		err = txn_request_write(&target, r, branch, &o);
	}
	if (err)
		return err;
	err = client_make(l, &target, &o, r->method, &c);
	if (err)
		return err;
	c->h = h;
	c->arg = arg;
	c->in_dialog = txn_has_to_tag(r);
	if (r->timeout_ms && r->timeout_ms < deadline_ms) {
		deadline_ms = r->timeout_ms;
		c->hasty = c->invite;
	}
	metric_add(&txn_metrics, TXN_REQUEST_OUT_OTHER + txn_metric_method(method), 1);
	*ret_client = c;
	client_go(c, deadline_ms);
	return 0;
}

/* Ends from the timer, so that no user is called from inside his own call. */
void txn_client_fail(struct txn_client *c, int err)
{
	struct txn_alarm a = client_alarm(c);

	if (c->state == CLIENT_CALLING && txn_large_back(c)) {
		txn_clock_interval(&c->clock, &a, c->layer->t1_ms);
		err = txn_send_bytes(c->layer, &c->target, c->bytes, c->nbytes);
		if (!err)
			return;
	}
	client_stop_waiting(c);
	c->err = (int16_t)err;
	c->state = CLIENT_FAILED;
	client_start(c, 0, 0);
}

void txn_client_drop(struct txn_client *c)
{
	txn_clock_stop(&c->clock);
	client_stop_waiting(c);
	txn_map_remove(&c->layer->clients, &c->by_key);
	metric_add(&txn_metrics, TXN_CLIENTS, -1);
	client_forget(c);
	mem_free(c);
}

/* ---- the user ---- */

void txn_client_cancel(struct txn_client *c, const char *reason)
{
	if (!c->invite || c->cancelled || c->state > CLIENT_PROCEEDING)
		return;
	c->cancelled = true;
	if (reason && txn_text_is_one_line(reason)) {
		size_t n = strnlen(reason, TXN_REASON_MAX_BYTES);

		c->reason = n < TXN_REASON_MAX_BYTES ? mem_buffer(n + 1) : NULL;
		if (c->reason)
			memcpy(c->reason, reason, n + 1);
	}
	/* 9.1: not before the far end has answered anything; the CANCEL might overtake the INVITE. */
	if (c->state == CLIENT_PROCEEDING)
		client_send_cancel(c);
}

void txn_client_detach(struct txn_client *c)
{
	c->h = NULL;
	c->arg = NULL;
	/* Nobody is left to cancel it. */
	if (c->invite && c->state == CLIENT_PROCEEDING && !c->cancelled)
		client_start(c, 0, 64 * c->layer->t1_ms);
}

const struct transport_target *txn_client_target(const struct txn_client *c)
{
	return &c->target;
}
