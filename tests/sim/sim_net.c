/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_net - datagrams on their way: late, lost, doubled, overtaken, cut off.
 *
 * A partition is one host and one direction; two of them make it whole. When the world is calm nothing is lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

struct packet {
	LIST_ENTRY(packet) link;
	struct timer timer;
	enum sim_way way;
	struct addr from, to;
	size_t n;
	char data[];
};

static LIST_HEAD(, packet) packets = LIST_HEAD_INITIALIZER(packets);

void sim_net_up(void)
{
	LIST_INIT(&packets);
}

static void drop(struct packet *p)
{
	timer_stop(&p->timer);
	LIST_REMOVE(p, link);
	free(p);
}

void sim_net_down(void)
{
	struct packet *p;

	while ((p = LIST_FIRST(&packets)))
		drop(p);
}

const char *sim_net_name(const struct addr *a)
{
	static char text[4][ADDR_TEXT_BYTES];
	static unsigned turn;
	const struct sim_host *h = sim_host_at(a);
	char *buf = text[turn++ % 4];

	if (h)
		return h->name;
	return sim_sbe_is_core(a) ? "sbe.core" : addr_print(a, buf, sizeof(text[0]));
}

/* ---- partitions */

void sim_net_cut(struct sim_host *h, enum sim_way way, uint32_t ms)
{
	h->cut_until_ms[way] = clock_now_ms() + ms;
	sim_count(COVER_PARTITIONS);
	sim_trace("-- partition: %s %s for %u ms", h->name,
		  way == SIM_TO_SBE ? "to the sbe" : "from the sbe", ms);
}

bool sim_net_is_cut(const struct sim_host *h, enum sim_way way)
{
	return h->cut_until_ms[way] > clock_now_ms();
}

void sim_net_heal(void)
{
	for (unsigned i = 0; i < SIM_HOSTS; i++) {
		sim_hosts[i].cut_until_ms[SIM_TO_SBE] = 0;
		sim_hosts[i].cut_until_ms[SIM_FROM_SBE] = 0;
		sim_hosts[i].unreachable = false;
	}
}

/* ---- on the way */

static void arrive(void *arg)
{
	struct packet *p = arg;
	struct sim_host *h = sim_host_at(p->way == SIM_TO_SBE ? &p->from : &p->to);

	if (h && sim_net_is_cut(h, p->way)) {
		sim_count(COVER_CUT);
		sim_trace_message(sim_net_name(&p->from), sim_net_name(&p->to), p->data, "cut");
	} else if (p->way == SIM_TO_SBE) {
		sim_trace_message(sim_net_name(&p->from), sim_net_name(&p->to), p->data, "");
		sim_check_delivered(h, SIM_TO_SBE, p->data, p->n);
		sim_udp_deliver(&p->from, &p->to, (const uint8_t *)p->data, p->n);
	} else if (h && h->unreachable) {
		sim_count(COVER_ICMP);
		sim_trace_message(sim_net_name(&p->from), h->name, p->data, "unreachable");
		sim_udp_error(&p->from, &p->to, -ECONNREFUSED);
	} else {
		sim_trace_message(sim_net_name(&p->from), sim_net_name(&p->to), p->data, "");
		if (h) {
			sim_check_delivered(h, SIM_FROM_SBE, p->data, p->n);
			sim_peer_receive(h, p->data, p->n);
		}
	}
	drop(p);
}

static void launch(const struct packet *like, const void *data, uint32_t delay_ms)
{
	struct packet *p = malloc(sizeof(*p) + like->n + 1);

	if (!p)
		abort();
	*p = *like;
	memset(&p->timer, 0, sizeof(p->timer));
	memcpy(p->data, data, like->n);
	p->data[like->n] = '\0';
	LIST_INSERT_HEAD(&packets, p, link);
	timer_start(sim.wheel, &p->timer, delay_ms, arrive, p);
}

void sim_net_send(enum sim_way way, const struct addr *from, const struct addr *to,
		  const void *data, size_t len_bytes)
{
	const struct sim_plan *plan = &sim.plan;
	struct packet like = {.way = way, .from = *from, .to = *to, .n = len_bytes};
	uint32_t delay_ms = plan->delay_ms + (plan->jitter_ms ? sim_pick(plan->jitter_ms) : 0);

	if (sim.calm) {
		launch(&like, data, plan->delay_ms);
		return;
	}
	if (sim_chance(plan->loss)) {
		sim_count(COVER_LOST);
		if (sim.trace) {
			launch(&like, data, 0); /* only to show it */
			LIST_FIRST(&packets)->data[len_bytes] = '\0';
			sim_trace_message(sim_net_name(from), sim_net_name(to),
					  LIST_FIRST(&packets)->data, "lost");
			drop(LIST_FIRST(&packets));
		}
		return;
	}
	if (sim_chance(plan->reorder)) {
		sim_count(COVER_REORDERED);
		delay_ms += sim_between(1, 3 * plan->t1_ms);
	}
	launch(&like, data, delay_ms);
	if (sim_chance(plan->dup)) {
		sim_count(COVER_DUPLICATED);
		launch(&like, data, delay_ms + sim_pick(2 * plan->t1_ms));
	}
}
