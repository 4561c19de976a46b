/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer - one peer: how its next hops are. Its limits are in peer_limit.c.
 */
#include "sbe/peer/peer.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"

METRIC_TABLE(peer_metrics, PEER_METRICS)

/* ---- counters */

void peer_count_answered(struct peer *p, enum peer_direction d)
{
	p->state->answered[d]++;
}

void peer_count_failover(struct peer *p)
{
	p->state->failovers++;
}

/* ---- states: what the operator wants and what the network says are two things */

bool peer_usable(const struct peer *p)
{
	return !p->state->blocked && !p->down;
}

void peer_block(struct peer *p, bool block)
{
	p->state->blocked = block;
}

void peer_hop_failed(struct peer *p, size_t hop, uint64_t now_ms)
{
	if (hop < p->nhops)
		p->hops[hop].retry_ms = now_ms + PEER_RETRY_MS;
}

void peer_hop_rest(struct peer *p, size_t hop, uint32_t retry_after_s, uint64_t now_ms)
{
	uint32_t most_s = p->conf->overload.retry_after_max_s;

	if (hop < p->nhops)
		p->hops[hop].rest_ms =
			now_ms + 1000ULL * (retry_after_s < most_s ? retry_after_s : most_s);
}

bool peer_hop_resting(const struct peer *p, size_t hop, uint64_t now_ms)
{
	return hop < p->nhops && p->hops[hop].rest_ms > now_ms;
}

void peer_hop_answered(struct peer *p, size_t hop)
{
	if (hop < p->nhops)
		p->hops[hop].retry_ms = 0;
}

void peer_hop_set_down(struct peer *p, size_t hop, const char *why)
{
	struct peer_hop *h;

	if (hop >= p->nhops)
		return;
	h = &p->hops[hop];
	if (why && !h->down)
		h->down_wall_ms = clock_wall_ms();
	if (why)
		snprintf(h->why, sizeof(h->why), "%s", why);
	else
		h->retry_ms = 0;
	h->down = why;
	p->down = true;
	for (size_t i = 0; i < p->nhops; i++)
		p->down = p->down && p->hops[i].down;
}

bool peer_hop_last(const struct peer *p, size_t hop, uint64_t now_ms)
{
	return p->hops[hop].down || p->hops[hop].retry_ms > now_ms ||
	       peer_hop_resting(p, hop, now_ms);
}

/* ---- names */

const char *peer_domain(const struct peer *p)
{
	return p->conf->domains.n ? ((const char *const *)p->conf->domains.items)[0] : NULL;
}
