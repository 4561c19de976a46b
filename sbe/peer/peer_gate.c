/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_gate.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/table.h"
#include "common/text.h"

#define SUBSYSTEM "overload"

void peer_gate_init(struct peer_gate *g, const struct peer_gate_options *o)
{
	*g = (struct peer_gate){.o = *o};
	overload_init(&g->overload, &o->overload, clock_now_us());
	rate_init(&g->cps, o->cps, o->cps, clock_now_us());
	rate_init(&g->probes, PEER_PROBES_PER_S, PEER_PROBES_PER_S, clock_now_us());
}

static bool shedding(const struct peer_gate *g)
{
	return overload_admit(&g->overload) < OVERLOAD_WHOLE;
}

bool peer_gate_is_urgent(const struct conf_list *emergency, const struct peer *p,
			 struct wire_text uri, bool priority)
{
	struct guard_head h = {.uri = uri};

	return guard_head_is_emergency(&h, emergency) || (priority && p->conf->overload.priority);
}

/* ---- overload parameters (RFC 7339 4, 5.1) */

const char *peer_gate_oc(struct peer_gate *g, const struct peer *p)
{
	uint32_t loss = peer_load_loss(&p->state->load);
	uint64_t now_ms = clock_wall_ms();

	/* It must rise; a clock that was set back must not stop it. */
	g->seq_ms = now_ms > g->seq_ms ? now_ms : g->seq_ms + 1;
	return wire_oc_print(loss, loss ? WIRE_OC_VALIDITY_MS : 0, g->seq_ms, g->oc, sizeof(g->oc));
}

/* It takes part if it was agreed and its Via says so. */
static bool takes_part(struct peer *p, struct wire_text via)
{
	struct wire_oc oc;

	if (!p->conf->overload.consent || wire_oc_parse(via, &oc) || !oc.offered || !oc.loss)
		return false;
	p->state->load.oc_ms = clock_now_ms();
	return true;
}

/* ---- refusing */

static enum guard_verdict refuse(struct peer_gate *g, struct peer *p, const struct guard_head *h,
				 enum peer_limit why, struct guard_reply *r)
{
	uint32_t retry_s = p->conf->overload.retry_after_s;
	bool oc = takes_part(p, h->via);
	struct text_out t;

	text_start(&t, g->headers, sizeof(g->headers));
	/* Who takes part knows better from oc; 503 with Retry-After would stop him altogether (RFC 7339 5.8). */
	if (retry_s && !(oc && why == PEER_LIMIT_OVERLOAD)) {
		text_add(&t, "Retry-After: ");
		text_add_number(&t, retry_s);
		text_add(&t, "\r\n");
	}
	text_add(&t, "Reason: SIP;cause=503;text=\"");
	text_add(&t, peer_limit_text(why));
	text_add(&t, "\"\r\n");
	*r = (struct guard_reply){.status = 503,
				  .phrase = "Service Unavailable",
				  .headers = g->headers,
				  .oc = oc ? peer_gate_oc(g, p) : NULL};
	return GUARD_ANSWER;
}

static enum guard_verdict refuse_call(struct peer_gate *g, struct peer *p,
				      const struct guard_head *h, enum peer_limit why,
				      struct guard_reply *r)
{
	peer_count_refused(p, why);
	if (why == PEER_LIMIT_OVERLOAD)
		metric_add(&overload_metrics, OVERLOAD_SHED, 1);
	peer_gate_record(g, p, h, why);
	return refuse(g, p, h, why, r);
}

/* Of one request always the same, so that its retransmission has the fate of the first. */
static bool let_in(const struct peer_gate *g, const struct peer_load *l, const struct guard_head *h)
{
	uint32_t share = l->here, all = overload_admit(&g->overload);

	/* Shares are of what a peer sent before: who begins a flood in this tick has none yet, and none were given
	 * out before the first tick of shedding. */
	if ((l->offered > l->most || l->most == UINT32_MAX) && all < share)
		share = all;
	return (table_hash(h->call_id.value.s, h->call_id.value.n) >> 20 & (OVERLOAD_WHOLE - 1)) <
	       share;
}

static enum peer_limit judge_call(struct peer_gate *g, struct peer *p, const struct guard_head *h,
				  uint64_t waited_us)
{
	uint64_t now_us = clock_now_us();
	enum peer_limit why = peer_would_refuse(p, PEER_IN, now_us);
	bool urgent = peer_gate_is_urgent(&g->o.emergency, p, h->uri, h->priority);
	struct peer_load *l = &p->state->load;

	if (urgent && shedding(g))
		metric_add(&overload_metrics, OVERLOAD_PRIORITY, 1);
	if (urgent && why != PEER_LIMIT_BLOCKED)
		return peer_take_message(p, false, now_us) ? PEER_LIMIT_NONE : PEER_LIMIT_MESSAGES;
	l->offered++;
	if (why != PEER_LIMIT_NONE)
		return why;
	if (shedding(g) && !let_in(g, l, h))
		return PEER_LIMIT_OVERLOAD;
	/* Who keeps to his part does not pay for a queue that others have made. */
	if (!(shedding(g) && l->here >= OVERLOAD_WHOLE && l->offered <= l->most) &&
	    overload_too_late(&g->overload, waited_us))
		return PEER_LIMIT_OVERLOAD;
	if (!rate_take(&g->cps, 1, now_us))
		return PEER_LIMIT_NODE_CPS;
	return peer_take_message(p, true, now_us) ? PEER_LIMIT_NONE : PEER_LIMIT_MESSAGES;
}

static bool in_dialog(const struct guard_head *h)
{
	return guard_head_to_tag(h).n > 0;
}

static enum guard_verdict take_message(struct peer *p, bool reserve)
{
	return peer_take_message(p, reserve, clock_now_us()) ? GUARD_PASS : GUARD_DROP;
}

static enum guard_verdict take_call(struct peer_gate *g, struct peer *p,
				    const struct transport_offer *o, struct guard_reply *r,
				    uint16_t *ret_port)
{
	const struct guard_head *h = o->head;
	enum peer_limit why;

	if (in_dialog(h))
		return take_message(p, false);
	(void)takes_part(p, h->via);
	why = judge_call(g, p, h, o->waited_us);
	if (why == PEER_LIMIT_NONE)
		return GUARD_PASS;
	*ret_port = guard_head_reply_port(h);
	return refuse_call(g, p, h, why, r);
}

/* Anything but calls outside of dialogs. OPTIONS is how peers see that we live: some are always answered. */
static enum guard_verdict take_other(struct peer_gate *g, struct peer *p,
				     const struct transport_offer *o)
{
	bool options = o->head->method == WIRE_OPTIONS, ok;

	if (take_message(p, options) != GUARD_PASS)
		return GUARD_DROP;
	if (!shedding(g) || in_dialog(o->head))
		return GUARD_PASS;
	ok = options ? rate_take(&g->probes, 1, clock_now_us())
		     : let_in(g, &p->state->load, o->head);
	if (!ok)
		metric_add(&overload_metrics, OVERLOAD_SHED_OTHER, 1);
	return ok ? GUARD_PASS : GUARD_DROP;
}

static enum guard_verdict take_stranger(struct peer_gate *g, const struct transport_offer *o)
{
	if (!o->head || !shedding(g))
		return GUARD_PASS;
	metric_add(&overload_metrics, OVERLOAD_SHED_STRANGER, 1);
	return GUARD_DROP;
}

enum guard_verdict peer_gate_take(struct peer_gate *g, struct peer *p,
				  const struct transport_offer *o, struct guard_reply *ret_reply,
				  uint16_t *ret_port)
{
	overload_waited(&g->overload, o->waited_us);
	if (!p)
		return take_stranger(g, o);
	if (!o->head)
		return take_message(p, false);
	switch (o->head->method) {
	case WIRE_INVITE:
		return take_call(g, p, o, ret_reply, ret_port);
	case WIRE_ACK:
	case WIRE_BYE:
	case WIRE_CANCEL:
	case WIRE_PRACK:
	case WIRE_UPDATE:
	case WIRE_INFO:
		return take_message(p, false);
	default:
		return take_other(g, p, o);
	}
}

/* ---- time */

static void tell(struct peer_gate *g)
{
	const struct overload *o = &g->overload;
	uint64_t shed = (uint64_t)metric_get(&overload_metrics, OVERLOAD_SHED);

	if (o->shedding == g->said)
		return;
	g->said = o->shedding;
	if (o->shedding) {
		g->shed_before = shed;
		LOG_WARN(
			SUBSYSTEM,
			"new calls are shed, %u %% now: %s (messages wait %.1f ms, loop %.0f %% busy)",
			overload_level(o), overload_cause_text(o->cause), o->delay_ms,
			o->busy * 100);
	} else {
		LOG_NOTICE(SUBSYSTEM, "all calls are taken again; %llu were shed",
			   (unsigned long long)(shed - g->shed_before));
	}
}

void peer_gate_tick(struct peer_gate *g, struct peer_set *s, const struct overload_sample *sample)
{
	overload_tick(&g->overload, sample);
	peer_load_divide(s, overload_admit(&g->overload), clock_now_ms());
	tell(g);
	if (++g->ticks % (1000 / OVERLOAD_TICK_MS) == 0)
		peer_gate_record_rest(g, s);
}
