/* SPDX-License-Identifier: Apache-2.0 */
/* A context's books: what we know of it, and its end. */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_private.h"

/* Subtract may take longer than another request: its counters go into the call's record. */
#define CLOSE_MS 2000U

static void count_ports(struct gate_context *c, bool taken)
{
	int side;

	for (side = 0; side < 2; side++) {
		struct gate_realm_state *r = gate_dbe_realm(c->dbe, c->realm[side]);

		if (!r)
			continue;
		if (taken)
			r->ports_free -= c->nstreams < r->ports_free ? c->nstreams : r->ports_free;
		else if (r->ports_free + c->nstreams <= r->ports_total)
			r->ports_free += c->nstreams;
	}
}

int gate_context_attach(struct gate_context *c, struct gate_dbe *d, const struct gate_action *reply)
{
	struct gate_context *old = table_find(d->contexts, &reply->context, sizeof(reply->context));
	int side, err;

	/* The dbe gives the id away again, so the one we knew by it is no more. */
	if (old)
		gate_audit_gone(old);
	c->id = reply->context;
	err = table_add(d->contexts, &c->entry, &c->id, sizeof(c->id), c);
	if (err)
		return -ENOMEM;
	for (side = 0; side < 2; side++) {
		const struct gate_command *cmd = &reply->commands[side];

		memcpy(c->termination[side], cmd->termination, GATE_NAME_BYTES);
		if (cmd->nstreams && (cmd->streams[0].has & GATE_HAS_LOCAL))
			c->local[side] = cmd->streams[0].local_rtp;
	}
	c->dbe = d;
	c->state = GATE_CONTEXT_OPEN;
	c->opened_ms = clock_now_ms();
	c->audit = d->audit;
	TAILQ_INSERT_TAIL(&d->list, c, link);
	d->ncontexts++;
	metric_add(&gate_metrics, GATE_M_CONTEXTS, 1);
	count_ports(c, true);
	return 0;
}

static void uncount(struct gate_context *c)
{
	c->dbe->ncontexts--;
	metric_add(&gate_metrics, GATE_M_CONTEXTS, -1);
	count_ports(c, false);
}

void gate_context_detach(struct gate_context *c)
{
	if (!c->entry.owner)
		return;
	table_remove(&c->entry);
	TAILQ_REMOVE(&c->dbe->list, c, link);
	if (c->state != GATE_CONTEXT_CLOSING)
		uncount(c);
}

void gate_context_trouble(struct gate_context *c, enum gate_trouble what, int side,
			  const struct gate_event *e)
{
	if (c->trouble && c->state != GATE_CONTEXT_CLOSING)
		c->trouble(c->trouble_arg, what, side, e);
}

void gate_context_results(const struct gate_context *c, const struct gate_action *reply,
			  struct gate_final *ret_final)
{
	size_t i;

	for (i = 0; i < 2; i++)
		ret_final->terminations[i].nstreams = 0;
	ret_final->nterminations = 0;
	for (i = 0; reply && i < reply->ncommands; i++) {
		const struct gate_command *cmd = &reply->commands[i];
		size_t side = i;

		if (!strcmp(cmd->termination, c->termination[0]))
			side = 0;
		else if (!strcmp(cmd->termination, c->termination[1]))
			side = 1;
		if (side > 1)
			continue;
		ret_final->terminations[side].nstreams = cmd->nstreams;
		memcpy(ret_final->terminations[side].streams, cmd->streams,
		       cmd->nstreams * sizeof(cmd->streams[0]));
		ret_final->nterminations = 2;
	}
}

void gate_context_end(struct gate_context *c, int err, const struct gate_action *reply)
{
	gate_final_h *fn = c->final_fn;
	void *arg = c->final_arg;
	struct gate_final final;

	gate_context_results(c, err ? NULL : reply, &final);
	gate_context_detach(c);
	if (c->in_gone)
		TAILQ_REMOVE(&c->dbe->gone, c, link);
	if (c->in_ending)
		TAILQ_REMOVE(&c->pool->ending, c, link);
	timer_stop(&c->later);
	mem_unref(c);
	if (fn)
		fn(arg, err, &final);
}

void gate_context_gone(struct gate_context *c)
{
	if (c->state == GATE_CONTEXT_CLOSING) {
		gate_exchange_forget(c->dbe->exchange, c->transaction);
		gate_context_end(c, -EHOSTDOWN, NULL);
		return;
	}
	gate_context_trouble(c, GATE_TROUBLE_GONE, -1, NULL);
}

/* ---------------------------------------------------------------- closing */
static void end_later(void *arg)
{
	struct gate_context *c = arg;

	gate_context_end(c, c->later_err, NULL);
}

static void later(struct gate_context *c, int err)
{
	c->later_err = err;
	if (c->in_gone)
		TAILQ_REMOVE(&c->dbe->gone, c, link);
	c->in_gone = false;
	if (!c->entry.owner) {
		TAILQ_INSERT_TAIL(&c->pool->ending, c, link);
		c->in_ending = true;
	}
	timer_start(c->pool->wheel, &c->later, 0, end_later, c);
}

static void subtracted(void *arg, int err, const struct gate_message *reply)
{
	struct gate_context *c = arg;
	const char *text;

	c->transaction = 0;
	if (err == -ETIMEDOUT && c->dbe->health == GATE_DBE_UP)
		metric_add(&gate_metrics, GATE_M_TIMEOUTS, 1);
	if (!err && gate_refusal(reply, &text)) {
		metric_add(&gate_metrics, GATE_M_CHANGE_REFUSED, 1);
		err = -EPROTO;
	}
	gate_context_end(c, err, err ? NULL : &reply->action);
}

static void subtract(struct gate_context *c)
{
	struct gate_dbe *d = c->dbe;
	struct gate_message *m;
	int err;

	uncount(c);
	c->state = GATE_CONTEXT_CLOSING;
	m = gate_exchange_compose(d->exchange, GATE_REF_ID, c->id);
	gate_action_add(&m->action, GATE_SUBTRACT, GATE_REF_ALL);
	m->may_wait = true; /* only the record waits for it */
	err = gate_dbe_request(d, m, CLOSE_MS, subtracted, c, &c->transaction);
	/* It stays on the dbe then, until the next audit finds a stray. */
	if (err)
		later(c, err == -ENOTCONN ? -EHOSTDOWN : err);
}

void gate_close(struct gate_context *c, gate_final_h *fn, void *arg)
{
	if (!c)
		return;
	c->final_fn = fn;
	c->final_arg = arg;
	c->trouble = NULL;
	gate_change_drop(c);
	switch (c->state) {
	case GATE_CONTEXT_OPENING:
		gate_open_cancel(c->opening);
		c->opening = NULL;
		later(c, -ECANCELED);
		break;
	case GATE_CONTEXT_OPEN:
	case GATE_CONTEXT_LOST:
		subtract(c);
		return;
	case GATE_CONTEXT_GONE:
		later(c, -EHOSTDOWN);
		break;
	default:
		later(c, -ENODEV);
		break;
	}
	if (!fn)
		gate_context_end(c, 0, NULL);
}

/* ---------------------------------------------------------------- small */
void gate_on_trouble(struct gate_context *c, gate_trouble_h *fn, void *arg)
{
	c->trouble = fn;
	c->trouble_arg = arg;
}

const char *gate_context_dbe(const struct gate_context *c)
{
	return c->dbe ? c->dbe->name : "";
}

uint32_t gate_context_id(const struct gate_context *c)
{
	return c->id;
}
