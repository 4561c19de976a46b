/* SPDX-License-Identifier: Apache-2.0 */
/* Modify and AuditValue on an open context. Frames leave in the order of the calls, so requests keep theirs. */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "proto/result.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_private.h"

uint16_t gate_refusal(const struct gate_message *reply, const char **ret_text)
{
	size_t i;

	if (reply->code) {
		*ret_text = reply->text;
		return reply->code;
	}
	for (i = 0; i < reply->action.ncommands; i++) {
		if (reply->action.commands[i].code) {
			*ret_text = reply->action.commands[i].text;
			return reply->action.commands[i].code;
		}
	}
	return 0;
}

const struct gate_action *gate_refusal_action(struct gate_pool *p, int type, uint16_t code,
					      const char *text)
{
	struct gate_action *a = &p->scratch.action;
	struct gate_command *c;

	gate_action_clear(a);
	c = gate_action_add(a, type, GATE_REF_ALL);
	c->code = code;
	text_copy(c->text, sizeof(c->text), text && text[0] ? text : gate_result_text(code));
	return a;
}

static int op_new(struct gate_context *c, void *arg, struct gate_op **ret_op)
{
	struct gate_op *op;

	if (c->state == GATE_CONTEXT_OPENING)
		return -EBUSY;
	if (c->state != GATE_CONTEXT_OPEN && c->state != GATE_CONTEXT_LOST)
		return -EHOSTDOWN;
	op = mem_zalloc(sizeof(*op), NULL);
	if (!op)
		return -ENOMEM;
	op->context = c;
	op->arg = arg;
	op->sent_us = clock_now_us();
	*ret_op = op;
	return 0;
}

static int op_send(struct gate_op *op, const struct gate_message *m, gate_exchange_h *done)
{
	struct gate_context *c = op->context;
	int err = gate_dbe_request(c->dbe, m, c->dbe->pool->request_ms, done, op, &op->transaction);

	if (err) {
		mem_unref(op);
		return err == -ENOTCONN ? -EHOSTDOWN : err;
	}
	LIST_INSERT_HEAD(&c->ops, op, link);
	return 0;
}

/* Book the answer and free the op; what is left is to call the caller. */
static void op_end(struct gate_op *op, int err)
{
	struct gate_dbe *d = op->context->dbe;

	LIST_REMOVE(op, link);
	if (err == -ETIMEDOUT)
		gate_breaker_timeout(d);
	else if (!err)
		gate_breaker_answer(d, clock_now_us() - op->sent_us);
	mem_unref(op);
}

static void modified(void *arg, int err, const struct gate_message *reply)
{
	struct gate_op *op = arg;
	struct gate_pool *p = op->context->pool;
	gate_reply_h *fn = op->reply_fn;
	void *fn_arg = op->arg;
	const char *text = "";
	uint16_t code;

	op_end(op, err);
	if (err) {
		if (fn)
			fn(fn_arg, err, NULL);
		return;
	}
	code = gate_refusal(reply, &text);
	if (code)
		metric_add(&gate_metrics, GATE_M_CHANGE_REFUSED, 1);
	if (!fn)
		return;
	if (code)
		fn(fn_arg, -EPROTO, gate_refusal_action(p, GATE_MODIFY, code, text));
	else
		fn(fn_arg, 0, &reply->action);
}

/* For lists: what the first stream is set to now. */
static void note(struct gate_context *c, int side, const struct gate_stream *s)
{
	if (s->has & GATE_HAS_MODE)
		c->mode[side] = s->mode;
	if (s->has & GATE_HAS_REMOTE)
		c->remote[side] = s->remote_rtp;
}

int gate_modify(struct gate_context *c, const struct gate_change *change, gate_reply_h *fn,
		void *arg)
{
	struct gate_message *m;
	struct gate_op *op;
	int side, err;

	if (change->n[0] > GATE_STREAMS_MAX || change->n[1] > GATE_STREAMS_MAX)
		return -EINVAL;
	err = op_new(c, arg, &op);
	if (err)
		return err;
	op->reply_fn = fn;
	m = gate_exchange_compose(c->dbe->exchange, GATE_REF_ID, c->id);
	/* Both sides always, so that the reply's commands are the sides; one without streams changes nothing. */
	for (side = 0; side < 2; side++) {
		struct gate_command *cmd = gate_action_add(&m->action, GATE_MODIFY, GATE_REF_ID);

		memcpy(cmd->termination, c->termination[side], GATE_NAME_BYTES);
		cmd->nstreams = change->n[side];
		if (!cmd->nstreams)
			continue;
		memcpy(cmd->streams, change->streams[side],
		       cmd->nstreams * sizeof(cmd->streams[0]));
		note(c, side, &cmd->streams[0]);
	}
	return op_send(op, m, modified);
}

static void audited(void *arg, int err, const struct gate_message *reply)
{
	struct gate_op *op = arg;
	gate_final_h *fn = op->final_fn;
	void *fn_arg = op->arg;
	const char *text;
	struct gate_final final;

	if (!err && gate_refusal(reply, &text))
		err = -EPROTO;
	gate_context_results(op->context, err ? NULL : &reply->action, &final);
	op_end(op, err);
	fn(fn_arg, err, &final);
}

int gate_audit(struct gate_context *c, gate_final_h *fn, void *arg)
{
	struct gate_message *m;
	struct gate_op *op;
	int err = op_new(c, arg, &op);

	if (err)
		return err;
	op->final_fn = fn;
	m = gate_exchange_compose(c->dbe->exchange, GATE_REF_ID, c->id);
	gate_action_add(&m->action, GATE_AUDIT_VALUE, GATE_REF_ALL);
	return op_send(op, m, audited);
}

void gate_change_drop(struct gate_context *c)
{
	struct gate_op *op;

	while ((op = LIST_FIRST(&c->ops))) {
		gate_exchange_forget(c->dbe->exchange, op->transaction);
		LIST_REMOVE(op, link);
		mem_unref(op);
	}
}
