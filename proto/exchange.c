/* SPDX-License-Identifier: Apache-2.0 */
/* The connection's life, and what comes in. */
#include "proto/exchange.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "proto/exchange_private.h"
#include "proto/result.h"

int gate_exchange_new(const struct gate_exchange_options *o, const struct gate_exchange_handlers *h,
		      void *arg, struct timer_wheel *wheel, struct gate_exchange **ret_exchange)
{
	struct gate_exchange *x;
	int err;

	if (!gate_name_valid(o->node) || !o->epoch || !o->heartbeat_ms)
		return -EINVAL;
	x = mem_zalloc(sizeof(*x), NULL);
	if (!x)
		return -ENOMEM;
	TAILQ_INIT(&x->open_list);
	err = table_new(GATE_EXCHANGE_OPEN_MAX, &x->open);
	if (!err)
		err = reply_cache_new(wheel, &x->replies);
	if (err) {
		gate_exchange_free(x);
		return err;
	}
	x->handlers = *h;
	x->arg = arg;
	x->wheel = wheel;
	x->epoch = o->epoch;
	x->heartbeat_ms = o->heartbeat_ms;
	strcpy(x->node, o->node);
	*ret_exchange = x;
	return 0;
}

void gate_exchange_free(struct gate_exchange *x)
{
	if (!x)
		return;
	exchange_drop_open(x);
	timer_stop(&x->heartbeat);
	reply_cache_free(x->replies);
	table_free(x->open);
	mem_unref(x);
}

/* ---------------------------------------------------------------- out */
int exchange_encode(struct gate_exchange *x, const struct gate_message *m, size_t *ret_bytes)
{
	size_t n;
	int err = gate_message_encode(m, x->wire + GATE_FRAME_HEAD_BYTES, GATE_FRAME_MAX_BYTES, &n);

	if (err)
		return err;
	gate_frame_head(x->wire, n);
	*ret_bytes = n + GATE_FRAME_HEAD_BYTES;
	return 0;
}

void exchange_stamp(struct gate_exchange *x, struct gate_message *m, int body, uint32_t transaction)
{
	m->version = x->version ? x->version : GATE_VERSION_MAX;
	memcpy(m->sender, x->node, sizeof(m->sender));
	m->epoch = x->epoch;
	m->body = (uint8_t)body;
	m->transaction = transaction;
}

void exchange_send(struct gate_exchange *x, const struct gate_message *m, const uint8_t *bytes,
		   size_t len_bytes)
{
	if (m->may_wait && x->handlers.send_later)
		x->handlers.send_later(x->arg, bytes, len_bytes);
	else
		x->handlers.send(x->arg, bytes, len_bytes);
}

/* The head of a message is small, the rest of the struct is not touched by these bodies. */
void exchange_send_small(struct gate_exchange *x, int body, uint32_t transaction, uint32_t last)
{
	size_t bytes;

	gate_message_clear(&x->out);
	exchange_stamp(x, &x->out, body, transaction);
	x->out.transaction_last = last;
	x->out.may_wait = body == GATE_BODY_ACK;
	if (!exchange_encode(x, &x->out, &bytes))
		exchange_send(x, &x->out, x->wire, bytes);
}

static void send_error(struct gate_exchange *x, uint32_t transaction, uint16_t code,
		       const char *text)
{
	size_t bytes;

	gate_message_clear(&x->out);
	exchange_stamp(x, &x->out, GATE_BODY_ERROR, transaction);
	x->out.code = code;
	strncpy(x->out.text, text ? text : gate_result_text(code), GATE_TEXT_BYTES - 1);
	x->out.text[GATE_TEXT_BYTES - 1] = 0;
	if (x->attached && !exchange_encode(x, &x->out, &bytes))
		x->handlers.send(x->arg, x->wire, bytes);
}

void gate_exchange_reply(struct gate_exchange *x, uint32_t transaction, struct gate_message *m)
{
	size_t bytes;
	int err;

	/* Who asked may be gone, and its successor asked something else. */
	if (!reply_cache_executing(x->replies, transaction))
		return;
	exchange_stamp(x, m, GATE_BODY_REPLY, transaction);
	err = exchange_encode(x, m, &bytes);
	if (err) {
		gate_message_clear(&x->out);
		x->out.code = err == -EMSGSIZE ? GATE_ERR_TOO_BIG : GATE_ERR_INTERNAL;
		exchange_stamp(x, &x->out, GATE_BODY_REPLY, transaction);
		if (exchange_encode(x, &x->out, &bytes))
			return;
	}
	reply_cache_done(x->replies, transaction, x->wire, bytes);
	if (x->attached)
		x->handlers.send(x->arg, x->wire, bytes);
}

void gate_exchange_refuse(struct gate_exchange *x, uint32_t transaction, uint16_t code,
			  const char *text)
{
	gate_message_clear(&x->out);
	x->out.code = code;
	strncpy(x->out.text, text ? text : gate_result_text(code), GATE_TEXT_BYTES - 1);
	x->out.text[GATE_TEXT_BYTES - 1] = 0;
	gate_exchange_reply(x, transaction, &x->out);
}

/* ---------------------------------------------------------------- life */
static void heartbeat(void *arg)
{
	struct gate_exchange *x = arg;

	/* Any frame is a sign of life, not only the answer. */
	x->missed = x->heard ? 0 : x->missed + 1;
	x->heard = false;
	if (x->missed >= GATE_HEARTBEATS_MISSED) {
		x->handlers.silent(x->arg);
		return;
	}
	timer_start(x->wheel, &x->heartbeat, x->heartbeat_ms, heartbeat, x);
	x->heartbeat_us = clock_now_us();
	exchange_send_small(x, GATE_BODY_HEARTBEAT, ++x->heartbeat_number, 0);
}

static void heartbeat_in(struct gate_exchange *x)
{
	if (!x->in.transaction_last) {
		exchange_send_small(x, GATE_BODY_HEARTBEAT, x->in.transaction, 1);
	} else if (x->heartbeat_us && x->in.transaction == x->heartbeat_number) {
		x->counts.rtt_us = (uint32_t)(clock_now_us() - x->heartbeat_us);
		x->heartbeat_us = 0;
	}
}

void gate_exchange_attach(struct gate_exchange *x)
{
	x->attached = true;
	x->identified = false;
	x->associated = false;
}

void gate_exchange_identify(struct gate_exchange *x, const char *peer, uint64_t epoch)
{
	bool same = epoch == x->peer_epoch && !strcmp(peer, x->peer);

	x->identified = true;
	if (same)
		return;
	strncpy(x->peer, peer, sizeof(x->peer) - 1);
	x->peer_epoch = epoch;
	x->version = 0;
	timer_stop(&x->ack);
	x->ack_first = 0;
	reply_cache_reset(x->replies);
	exchange_fail_open(x, -EHOSTDOWN, false);
}

void gate_exchange_associate(struct gate_exchange *x, uint32_t version)
{
	x->version = version;
	x->associated = true;
	x->heard = true;
	x->missed = 0;
	x->heartbeat_us = 0;
	/* The first one at once: it also measures the round trip. */
	timer_start(x->wheel, &x->heartbeat, 0, heartbeat, x);
	exchange_send_open(x);
}

void gate_exchange_detach(struct gate_exchange *x)
{
	x->attached = false;
	x->identified = false;
	x->associated = false;
	timer_stop(&x->heartbeat);
	timer_stop(&x->ack);
	x->ack_first = 0; /* the peer's copies go by LONG-TIMER then */
	exchange_fail_open(x, -ENOTCONN, true);
}

bool gate_exchange_attached(const struct gate_exchange *x)
{
	return x->attached;
}

bool gate_exchange_associated(const struct gate_exchange *x)
{
	return x->associated;
}

uint32_t gate_version_choose(uint32_t min, uint32_t max)
{
	uint32_t top = max < GATE_VERSION_MAX ? max : GATE_VERSION_MAX;

	return top >= min && top >= GATE_VERSION_MIN ? top : 0;
}

/* ---------------------------------------------------------------- in */
static void request_in(struct gate_exchange *x)
{
	uint32_t transaction = x->in.transaction;
	const uint8_t *bytes;
	size_t len;

	switch (reply_cache_begin(x->replies, transaction, &bytes, &len)) {
	case REPLY_NEW:
		x->counts.requests_in++;
		x->handlers.request(x->arg, &x->in);
		break;
	case REPLY_DONE:
		x->counts.duplicates++;
		x->handlers.send(x->arg, bytes, len);
		break;
	case REPLY_EXECUTING:
		x->counts.duplicates++;
		exchange_send_small(x, GATE_BODY_PENDING, transaction, 0);
		break;
	case REPLY_FORGOTTEN:
		x->counts.duplicates++;
		send_error(x, transaction, GATE_ERR_TRANSACTION,
			   "this transaction id has been used");
		break;
	case REPLY_BUSY:
		send_error(x, transaction, GATE_ERR_RESOURCES, NULL);
		break;
	}
}

/* May this request pass? Refused ones leave no trace: the id may come again. */
static uint16_t admit(const struct gate_exchange *x)
{
	const struct gate_message *m = &x->in;
	bool change = m->action.ncommands && m->action.commands[0].type == GATE_SERVICE_CHANGE;

	if (!x->identified || (!x->associated && !change))
		return GATE_ERR_BEFORE_CHANGE;
	if (!change && m->version != x->version)
		return GATE_ERR_VERSION;
	return 0;
}

static bool from_peer(const struct gate_exchange *x)
{
	return x->in.epoch == x->peer_epoch && !strcmp(x->in.sender, x->peer);
}

static void message_in(struct gate_exchange *x)
{
	uint16_t refusal;

	/* Who it is has been settled: nobody else speaks on this connection, no older life of it either (C7, C14). */
	if (x->identified && !from_peer(x)) {
		send_error(x, x->in.body == GATE_BODY_REQUEST ? x->in.transaction : 0,
			   GATE_ERR_FOREIGN, NULL);
		return;
	}
	x->heard = true;
	switch (x->in.body) {
	case GATE_BODY_REQUEST:
		refusal = admit(x);
		if (refusal) {
			x->counts.errors++;
			send_error(x, x->in.transaction, refusal, NULL);
		} else {
			request_in(x);
		}
		break;
	case GATE_BODY_REPLY:
	case GATE_BODY_ERROR:
	case GATE_BODY_PENDING:
		exchange_answer(x);
		break;
	case GATE_BODY_ACK:
		if (x->identified)
			reply_cache_ack(x->replies, x->in.transaction, x->in.transaction_last);
		break;
	case GATE_BODY_HEARTBEAT:
		heartbeat_in(x);
		break;
	default:
		break;
	}
}

/* Only requests are answered: the ids of other bodies are ours, not the peer's, and two ends that do not like each
 * other's errors would go on for ever. What has no envelope may be told, as the connection ends then. */
static void bad_in(struct gate_exchange *x, uint16_t code, const char *text)
{
	x->counts.errors++;
	if (x->in.body == GATE_BODY_REPLY && (!x->identified || from_peer(x))) {
		x->in.body = GATE_BODY_ERROR;
		x->in.code = code;
		memcpy(x->in.text, text, GATE_TEXT_BYTES);
		exchange_answer(x);
		return;
	}
	if (x->in.body == GATE_BODY_REQUEST || code == GATE_ERR_SYNTAX)
		send_error(x, x->in.body == GATE_BODY_REQUEST ? x->in.transaction : 0, code, text);
}

int gate_exchange_frame(struct gate_exchange *x, const uint8_t *frame, size_t len_bytes)
{
	char text[GATE_TEXT_BYTES];
	uint16_t code = 0;

	if (gate_message_decode(frame, len_bytes, &x->in, &code, text)) {
		bad_in(x, code, text);
		/* Not even an envelope: there is no sense in reading on. */
		return code == GATE_ERR_SYNTAX ? -EPROTO : 0;
	}
	message_in(x);
	return 0;
}

void gate_exchange_count(const struct gate_exchange *x, struct gate_exchange_counts *ret_counts)
{
	*ret_counts = x->counts;
	ret_counts->open = table_count(x->open);
	ret_counts->cached = reply_cache_count(x->replies);
}

const char *gate_exchange_peer(const struct gate_exchange *x)
{
	return x->peer;
}

uint64_t gate_exchange_peer_epoch(const struct gate_exchange *x)
{
	return x->peer_epoch;
}
