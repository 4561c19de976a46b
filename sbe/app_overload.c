/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_overload - wires overload control: what is measured each tick, who is asked before a message is parsed, and
 * where feedback of other servers goes.
 */
#include <time.h>

#include "common/clock.h"
#include "common/net/loop_turn.h"
#include "sbe/app_private.h"

static uint64_t process_cpu_us(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void on_tick(void *arg)
{
	struct app *a = arg;
	struct overload_sample s = {
		.now_us = clock_now_us(),
		.idle_us = loop_turn_idle_us(),
		.cpu_us = process_cpu_us(),
		.queue_percent = transport_queue_percent(a->transport),
		.transactions_percent =
			(unsigned)(txn_count_server(a->txns) * 100 / txn_server_max(a->txns)),
	};

	peer_gate_tick(&a->gate, a->snapshot->peers, &s);
	timer_start(a->wheel, &a->overload_tick, OVERLOAD_TICK_MS, on_tick, a);
}

void app_overload_start(struct app *a)
{
	const struct sbe_conf *c = &a->snapshot->conf;
	struct peer_gate_options o = {.overload = {.force_percent = c->limits.shed_percent,
						   .delay_ms = c->limits.delay_ms},
				      .cps = c->limits.cps,
				      .emergency = c->limits.emergency,
				      .cdr = a->cdr};

	peer_gate_init(&a->gate, &o);
	loop_turn_gather(c->limits.gather_ms * 1000);
	on_tick(a);
}

void app_overload_reload(struct app *a)
{
	a->gate.o.emergency =
		a->snapshot->conf.limits.emergency; /* the old list goes with its snapshot */
	loop_turn_gather(a->snapshot->conf.limits.gather_ms * 1000);
}

static struct peer *peer_of(const struct app *a, const struct transport_target *t)
{
	return t->peer ? peer_find_number(a->snapshot->peers, t->peer) : NULL;
}

enum guard_verdict app_overload_gate(void *arg, const struct transport_offer *offer,
				     struct guard_reply *ret_reply, uint16_t *ret_port)
{
	struct app *a = arg;

	/* Who waits too long sends again: that must cost less than the first time, not more. */
	if (a->gate.overload.shedding && offer->head &&
	    txn_repeat(a->txns, offer->head, offer->from))
		return GUARD_DROP;
	return peer_gate_take(&a->gate, peer_of(a, offer->from), offer, ret_reply, ret_port);
}

const char *app_overload_params(void *arg, const struct transport_target *from)
{
	struct app *a = arg;
	const struct peer *p = peer_of(a, from);

	return p && p->conf->overload.consent ? peer_gate_oc(&a->gate, p) : NULL;
}

/* Responses are only heard from where the request went, so who sits there is the peer it was sent to. */
void app_overload_feedback(void *arg, const struct transport_target *to, const struct wire_oc *oc,
			   int err)
{
	struct app *a = arg;
	struct peer *p = peer_of(a, to);

	if (!p || !p->conf->overload.consent) {
		if (oc && oc->has_value)
			metric_add(&peer_overload_metrics, PEER_OC_STRANGE, 1);
		return;
	}
	if (err) {
		peer_control_timed_out(&p->state->controls, &to->to, clock_now_ms());
		return;
	}
	peer_control_answered(&p->state->controls, &to->to);
	if (oc)
		(void)peer_control_take(&p->state->controls, &to->to, oc, clock_now_ms());
}
