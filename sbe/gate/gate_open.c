/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a context: on one dbe after the other, until one has opened it or the time is up. What was
 * given up on may still have been opened: it is subtracted when its reply comes (gate_dbe.c, late) or
 * by the next audit.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "proto/result.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_private.h"

/* What is needed to ask again; kept only until the context is open. */
struct gate_opening {
	TAILQ_ENTRY(gate_opening) link; /* dbe->openings while asked */
	struct gate_context *context;
	struct gate_dbe *dbe; /* asked now, or NULL */
	struct gate_wish wish;
	gate_reply_h *fn;
	void *arg;
	uint64_t until_ms, sent_us;
	struct timer later;
	uint32_t transaction;
	int err; /* of the last try */
	uint16_t code;
	char text[GATE_TEXT_BYTES];
	struct gate_stream streams[]; /* side 0, then side 1 */
};

static void compose(const struct gate_opening *o, struct gate_message *m)
{
	const struct gate_pool *p = o->context->pool;
	size_t n = o->wish.nstreams;
	int side;

	if (o->wish.emergency) {
		m->action.has_emergency = true;
		m->action.emergency = true;
	}
	for (side = 0; side < 2; side++) {
		struct gate_command *c = gate_action_add(&m->action, GATE_ADD, GATE_REF_CHOOSE);

		strcpy(c->realm, gate_pool_realm_name(p, o->wish.realm[side]));
		c->family = o->wish.family[side];
		memcpy(c->streams, o->streams + (size_t)side * n, n * sizeof(c->streams[0]));
		c->nstreams = n;
	}
}

static void opened(void *arg, int err, const struct gate_message *reply);

static int ask(struct gate_opening *o, struct gate_dbe *d, uint64_t left_ms)
{
	uint32_t deadline_ms = d->pool->request_ms;
	struct gate_message *m = gate_exchange_compose(d->exchange, GATE_REF_CHOOSE, 0);
	int err;

	compose(o, m);
	err = gate_dbe_request(d, m, left_ms < deadline_ms ? (uint32_t)left_ms : deadline_ms,
			       opened, o, &o->transaction);
	if (err)
		return err;
	o->dbe = d;
	o->sent_us = clock_now_us();
	TAILQ_INSERT_TAIL(&d->openings, o, link);
	d->nopenings++;
	return 0;
}

/* @return 0: asked; else what the caller is to be told. */
static int next_try(struct gate_opening *o)
{
	struct gate_pool *p = o->context->pool;
	struct gate_dbe *d;
	uint64_t now_ms;
	int err;

	for (;;) {
		now_ms = clock_now_ms();
		if (now_ms >= o->until_ms)
			return o->err ? o->err : -ETIMEDOUT;
		err = gate_pick(p, &o->wish, &d);
		if (err)
			return o->err ? o->err : err;
		if (o->wish.tried)
			metric_add(&gate_metrics, GATE_M_RETRIES, 1);
		o->wish.tried |= 1ULL << d->index;
		err = ask(o, d, o->until_ms - now_ms);
		if (!err)
			return 0;
		o->err = err == -ENOTCONN ? -EHOSTDOWN : err;
	}
}

static void unlink_opening(struct gate_opening *o)
{
	if (!o->dbe)
		return;
	TAILQ_REMOVE(&o->dbe->openings, o, link);
	o->dbe->nopenings--;
	o->dbe = NULL;
}

static void count_failure(int err)
{
	int id = err == -ENOSPC      ? GATE_M_FAIL_PORTS
		 : err == -ETIMEDOUT ? GATE_M_FAIL_TIMEOUT
		 : err == -EHOSTDOWN ? GATE_M_FAIL_LOST
		 : err == -EPROTO    ? GATE_M_FAIL_REFUSED
				     : GATE_M_FAIL_NO_DBE;

	metric_add(&gate_metrics, id, 1);
}

static void fail(struct gate_opening *o, int err)
{
	struct gate_context *c = o->context;
	const struct gate_action *action = NULL;
	gate_reply_h *fn = o->fn;
	void *arg = o->arg;

	count_failure(err);
	c->state = GATE_CONTEXT_FAILED;
	c->opening = NULL;
	if (err == -EPROTO)
		action = gate_refusal_action(c->pool, GATE_ADD, o->code, o->text);
	mem_free(o);
	fn(arg, err, action);
}

static void fail_later(void *arg)
{
	struct gate_opening *o = arg;

	fail(o, o->err);
}

static void again(struct gate_opening *o)
{
	int err = next_try(o);

	if (err)
		fail(o, err);
}

/* Refused for what we asked, not for what the dbe has: the next one would say the same. */
static bool our_fault(uint16_t code)
{
	return code == GATE_ERR_SYNTAX || code == GATE_ERR_TRANSACTION ||
	       code == GATE_ERR_IDENTIFIER || code == GATE_ERR_COMMAND ||
	       code == GATE_ERR_DESCRIPTOR || code == GATE_ERR_VALUE || code == GATE_ERR_MISSING;
}

static bool out_of_room(uint16_t code)
{
	return code == GATE_ERR_NONE_AVAILABLE || code == GATE_ERR_NO_CONTEXTS ||
	       code == GATE_ERR_RESOURCES;
}

static void refused(struct gate_opening *o, struct gate_dbe *d, const struct gate_message *reply,
		    uint16_t code, const char *text)
{
	/* The first Add may have worked: RFC 3525 8 leaves what was done before the failure. */
	if (!reply->code && reply->action.context && reply->action.ncommands &&
	    !reply->action.commands[0].code)
		gate_dbe_subtract(d, reply->action.context);
	o->err = out_of_room(code) ? -ENOSPC : -EPROTO;
	o->code = code;
	text_copy(o->text, sizeof(o->text), text);
	if (our_fault(code))
		fail(o, -EPROTO);
	else
		again(o);
}

static bool complete(const struct gate_action *a)
{
	return a->context && a->ncommands == 2 && a->commands[0].termination[0] &&
	       a->commands[1].termination[0];
}

static void opened(void *arg, int err, const struct gate_message *reply)
{
	struct gate_opening *o = arg;
	struct gate_context *c = o->context;
	struct gate_dbe *d = o->dbe;
	const char *text = "";
	uint16_t code;
	gate_reply_h *fn;
	void *fn_arg;

	unlink_opening(o);
	o->transaction = 0;
	if (err) {
		if (err == -ETIMEDOUT)
			gate_breaker_timeout(d);
		o->err = err;
		again(o);
		return;
	}
	gate_breaker_answer(d, clock_now_us() - o->sent_us);
	code = gate_refusal(reply, &text);
	if (!code && !complete(&reply->action)) {
		code = GATE_ERR_PROTOCOL;
		text = "a reply without terminations";
	}
	if (code) {
		refused(o, d, reply, code, text);
		return;
	}
	err = gate_context_attach(c, d, &reply->action);
	if (err) {
		gate_dbe_subtract(d, reply->action.context);
		fail(o, err);
		return;
	}
	fn = o->fn;
	fn_arg = o->arg;
	c->opening = NULL;
	mem_free(o);
	fn(fn_arg, 0, &reply->action);
}

void gate_open_cancel(struct gate_opening *o)
{
	if (o->dbe)
		gate_exchange_forget(o->dbe->exchange, o->transaction);
	unlink_opening(o);
	timer_stop(&o->later);
	mem_free(o);
}

void gate_open_elsewhere(struct gate_dbe *d)
{
	struct gate_opening *o;

	while ((o = TAILQ_FIRST(&d->openings))) {
		gate_exchange_forget(d->exchange, o->transaction);
		unlink_opening(o);
		o->err = -EHOSTDOWN;
		again(o);
	}
}

static int begin(struct gate_pool *p, const struct gate_open_params *params, struct gate_context *c,
		 struct gate_opening **ret_opening)
{
	size_t n = params->nstreams,
	       bytes = sizeof(struct gate_opening) + 2 * n * sizeof(struct gate_stream);
	struct gate_opening *o = mem_buffer(bytes);
	int side;

	if (!o)
		return -ENOMEM;
	memset(o, 0, sizeof(*o));
	o->context = c;
	o->until_ms = clock_now_ms() + p->open_ms;
	o->wish.nstreams = n;
	o->wish.emergency = params->emergency;
	for (side = 0; side < 2; side++) {
		o->wish.realm[side] = gate_pool_realm(p, params->realm[side]);
		o->wish.family[side] = params->family[side];
		memcpy(o->streams + (size_t)side * n, params->streams[side],
		       n * sizeof(struct gate_stream));
		c->realm[side] = o->wish.realm[side];
		c->mode[side] = n ? params->streams[side][0].mode : GATE_INACTIVE;
		if (n && (params->streams[side][0].has & GATE_HAS_REMOTE))
			c->remote[side] = params->streams[side][0].remote_rtp;
	}
	*ret_opening = o;
	return 0;
}

int gate_open(struct gate_pool *p, const struct gate_open_params *params, gate_reply_h *fn,
	      void *arg, struct gate_context **ret_context)
{
	struct gate_context *c;
	struct gate_opening *o;
	int err;

	if (params->nstreams > GATE_STREAMS_MAX || !params->realm[0] || !params->realm[1])
		return -EINVAL;
	c = mem_zalloc(sizeof(*c), NULL);
	if (!c)
		return -ENOMEM;
	c->pool = p;
	c->state = GATE_CONTEXT_OPENING;
	c->nstreams = (uint8_t)params->nstreams;
	LIST_INIT(&c->ops);
	text_copy(c->label, sizeof(c->label), params->label ? params->label : "");
	err = begin(p, params, c, &o);
	if (err) {
		mem_unref(c);
		return err;
	}
	o->fn = fn;
	o->arg = arg;
	c->opening = o;
	o->err = next_try(o);
	if (o->err)
		timer_start(p->wheel, &o->later, 0, fail_later, o);
	*ret_context = c;
	return 0;
}
