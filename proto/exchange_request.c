/* SPDX-License-Identifier: Apache-2.0 */
/* Our own requests: ids, deadlines, answers, acknowledgements, sending again. */
#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "proto/exchange_private.h"

static void drop(struct exchange_open *q)
{
	timer_stop(&q->deadline);
	table_remove(&q->entry);
	TAILQ_REMOVE(&q->exchange->open_list, q, link);
	mem_free(q);
}

static void finish(struct exchange_open *q, int err, const struct gate_message *reply)
{
	gate_exchange_h *fn = q->fn;
	void *arg = q->arg;

	drop(q);
	if (fn)
		fn(arg, err, reply);
}

static void deadline(void *arg)
{
	struct exchange_open *q = arg;

	q->exchange->counts.timeouts++;
	finish(q, -ETIMEDOUT, NULL);
}

static struct exchange_open *find(struct gate_exchange *x, uint32_t transaction)
{
	return table_find(x->open, &transaction, sizeof(transaction));
}

void exchange_drop_open(struct gate_exchange *x)
{
	struct exchange_open *q;

	while ((q = TAILQ_FIRST(&x->open_list)))
		drop(q);
	timer_stop(&x->ack);
	x->ack_first = 0;
}

void exchange_fail_open(struct gate_exchange *x, int err, bool changes_only)
{
	struct exchange_open_list failed = TAILQ_HEAD_INITIALIZER(failed);
	struct exchange_open *q, *next;

	/* Taken out first: callbacks make new requests. A deadline or forget cannot reach them any more. */
	for (q = TAILQ_FIRST(&x->open_list); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (changes_only && !q->change)
			continue;
		timer_stop(&q->deadline);
		TAILQ_REMOVE(&x->open_list, q, link);
		TAILQ_INSERT_TAIL(&failed, q, link);
	}
	while ((q = TAILQ_FIRST(&failed))) {
		gate_exchange_h *fn = q->fn;
		void *fn_arg = q->arg;

		TAILQ_REMOVE(&failed, q, link);
		table_remove(&q->entry);
		mem_free(q);
		if (fn)
			fn(fn_arg, err, NULL);
	}
}

struct gate_message *gate_exchange_compose(struct gate_exchange *x, int context_ref,
					   uint32_t context)
{
	gate_message_clear(&x->out);
	x->out.action.context_ref = (uint8_t)context_ref;
	x->out.action.context = context;
	return &x->out;
}

static uint32_t next_transaction(struct gate_exchange *x)
{
	/* 0 means "unknown" in an answer */
	if (!++x->next_transaction)
		x->next_transaction = 1;
	return x->next_transaction;
}

int gate_exchange_request(struct gate_exchange *x, const struct gate_message *m,
			  uint32_t deadline_ms, gate_exchange_h *fn, void *arg,
			  uint32_t *ret_transaction)
{
	bool change = m->action.ncommands && m->action.commands[0].type == GATE_SERVICE_CHANGE;
	struct exchange_open *q;
	size_t bytes;
	int err;

	if (change ? !x->attached : !x->version)
		return -ENOTCONN;
	if (m != &x->out)
		memcpy(&x->out, m, sizeof(*m));
	exchange_stamp(x, &x->out, GATE_BODY_REQUEST, next_transaction(x));
	err = exchange_encode(x, &x->out, &bytes);
	if (err)
		return err;
	q = mem_buffer(sizeof(*q) + bytes);
	if (!q)
		return -ENOMEM;
	memset(q, 0, sizeof(*q));
	q->transaction = x->out.transaction;
	err = table_add(x->open, &q->entry, &q->transaction, sizeof(q->transaction), q);
	if (err) {
		mem_free(q);
		return err == -ENOSPC ? -ENOSPC : -ENOMEM;
	}
	q->exchange = x;
	q->fn = fn;
	q->arg = arg;
	q->deadline_ms = deadline_ms;
	q->change = change;
	q->frame_bytes = (uint32_t)bytes;
	memcpy(q->frame, x->wire, bytes);
	TAILQ_INSERT_TAIL(&x->open_list, q, link);
	timer_start(x->wheel, &q->deadline, deadline_ms, deadline, q);
	x->counts.requests_out++;
	if (ret_transaction)
		*ret_transaction = q->transaction;
	if (x->associated || change) {
		q->sent = true;
		exchange_send(x, &x->out, q->frame, q->frame_bytes);
	}
	return 0;
}

void exchange_send_open(struct gate_exchange *x)
{
	struct exchange_open *q, *next;

	for (q = TAILQ_FIRST(&x->open_list); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->change)
			continue;
		x->counts.resent += q->sent;
		q->sent = true;
		x->handlers.send(x->arg, q->frame, q->frame_bytes);
	}
}

void gate_exchange_forget(struct gate_exchange *x, uint32_t transaction)
{
	struct exchange_open *q = find(x, transaction);

	if (!q)
		return;
	if (!timer_running(&q->deadline))
		q->fn = NULL; /* on the list of exchange_fail_open, which frees it */
	else
		drop(q);
}

static void send_ack(void *arg)
{
	struct gate_exchange *x = arg;

	timer_stop(&x->ack);
	if (x->ack_first && x->attached)
		exchange_send_small(x, GATE_BODY_ACK, x->ack_first, x->ack_last);
	x->ack_first = 0;
}

/* Tell the peer that the copy of this reply can go: in ranges, some time later. */
static void acknowledge(struct gate_exchange *x, uint32_t transaction)
{
	if (x->ack_first && transaction != x->ack_last + 1)
		send_ack(x);
	if (!x->ack_first)
		x->ack_first = transaction;
	x->ack_last = transaction;
	if (x->ack_last - x->ack_first + 1 >= EXCHANGE_ACK_RANGE)
		send_ack(x);
	else if (!timer_running(&x->ack))
		timer_start(x->wheel, &x->ack, EXCHANGE_ACK_MS, send_ack, x);
}

void exchange_answer(struct gate_exchange *x)
{
	struct exchange_open *q = find(x, x->in.transaction);

	if (x->in.body == GATE_BODY_PENDING) {
		/* RFC 3525 8.2.3: it is being worked on; not for ever, though. */
		if (q && q->pendings++ < EXCHANGE_PENDINGS_MAX)
			timer_start(x->wheel, &q->deadline, q->deadline_ms, deadline, q);
		return;
	}
	if (x->in.body == GATE_BODY_REPLY)
		acknowledge(x, x->in.transaction);
	if (q)
		finish(q, 0, &x->in);
	else if (!q && x->in.body == GATE_BODY_REPLY && x->handlers.late)
		x->handlers.late(x->arg, &x->in);
}
