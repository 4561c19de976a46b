/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends made equal (RFC 3525 11.5, H.248.36): the dbe lists its contexts page by page. What we do
 * not know is subtracted; what we know and it has not is gone. Replies come in the order of execution,
 * so a context opened before a page was written is known here when the page is read, and one opened
 * while the audit runs carries its number from the start.
 */
#include <errno.h>

#include "common/log.h"
#include "proto/result.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_private.h"

#define PAGE_MS 3000U
#define RETRY_MS 1000U
#define SLICE 256 /* contexts told at once that they are gone: each may end a call */

/* ---------------------------------------------------------------- gone */
static void gone_slice(void *arg)
{
	struct gate_dbe *d = arg;
	struct gate_context *c;
	int n = 0;

	while (n++ < SLICE && (c = TAILQ_FIRST(&d->gone))) {
		TAILQ_REMOVE(&d->gone, c, link);
		c->in_gone = false;
		gate_context_gone(c);
	}
	if (!TAILQ_EMPTY(&d->gone))
		timer_start(d->pool->wheel, &d->gone_timer, 1, gone_slice, d);
}

void gate_audit_gone(struct gate_context *c)
{
	struct gate_dbe *d = c->dbe;

	gate_context_detach(c);
	if (c->state != GATE_CONTEXT_CLOSING)
		c->state = GATE_CONTEXT_GONE;
	c->in_gone = true;
	TAILQ_INSERT_TAIL(&d->gone, c, link);
	metric_add(&gate_metrics, GATE_M_GONE, 1);
	if (!timer_running(&d->gone_timer))
		timer_start(d->pool->wheel, &d->gone_timer, 0, gone_slice, d);
}

void gate_audit_all_gone(struct gate_dbe *d)
{
	struct gate_context *c;

	while ((c = TAILQ_FIRST(&d->list)))
		gate_audit_gone(c);
}

/* ---------------------------------------------------------------- audit */
static void page(struct gate_dbe *d, uint32_t from);

static void retry(void *arg)
{
	gate_audit_start(arg);
}

static void finished(struct gate_dbe *d)
{
	struct gate_context *c, *next;

	d->auditing = false;
	for (c = TAILQ_FIRST(&d->list); c; c = next) {
		next = TAILQ_NEXT(c, link);
		/* One that is closing may have been subtracted before the page was written. */
		if (c->audit != d->audit && c->state != GATE_CONTEXT_CLOSING)
			gate_audit_gone(c);
	}
	/* No context leaves the list in these callbacks: closing waits for its answer. */
	TAILQ_FOREACH(c, &d->list, link) {
		if (c->state != GATE_CONTEXT_LOST)
			continue;
		c->state = GATE_CONTEXT_OPEN;
		gate_context_trouble(c, GATE_TROUBLE_BACK, -1, NULL);
	}
}

static void page_in(void *arg, int err, const struct gate_message *reply)
{
	struct gate_dbe *d = arg;
	const struct gate_action *a;
	struct gate_context *c;
	size_t i, strays = 0;
	bool more;
	uint32_t last;

	if (err || reply->code || (reply->action.ncommands && reply->action.commands[0].code)) {
		d->auditing = false;
		LOG_WARN("gate", "'%s': audit failed: %s", d->name,
			 err ? "no answer" : gate_result_text(reply->code));
		if (d->conn)
			timer_start(d->pool->wheel, &d->audit_retry, RETRY_MS, retry, d);
		return;
	}
	a = &reply->action;
	more = a->more && a->ncontexts;
	last = a->ncontexts ? a->contexts[a->ncontexts - 1] : 0;
	for (i = 0; i < a->ncontexts; i++) {
		c = table_find(d->contexts, &a->contexts[i], sizeof(a->contexts[i]));
		if (c) {
			c->audit = d->audit;
		} else {
			gate_dbe_subtract(d, a->contexts[i]);
			strays++;
		}
	}
	metric_add(&gate_metrics, GATE_M_STRAYS, (int64_t)strays);
	if (strays)
		LOG_NOTICE("gate", "'%s': %zu stray contexts subtracted", d->name, strays);
	if (more)
		page(d, last);
	else
		finished(d);
}

static void page(struct gate_dbe *d, uint32_t from)
{
	struct gate_message *m = gate_exchange_compose(d->exchange, GATE_REF_ALL, from);

	gate_action_add(&m->action, GATE_AUDIT_VALUE, GATE_REF_ALL);
	if (!gate_dbe_request(d, m, PAGE_MS, page_in, d, &d->audit_transaction))
		return;
	d->auditing = false;
	timer_start(d->pool->wheel, &d->audit_retry, RETRY_MS, retry, d);
}

void gate_audit_start(struct gate_dbe *d)
{
	if (d->auditing || !d->conn)
		return;
	timer_stop(&d->audit_retry);
	d->auditing = true;
	d->audit++;
	page(d, 0);
}

void gate_audit_stop(struct gate_dbe *d)
{
	timer_stop(&d->audit_retry);
	/* Or it would be sent again with the next association, among the pages of the next audit. */
	if (d->auditing)
		gate_exchange_forget(d->exchange, d->audit_transaction);
	d->auditing = false;
}
