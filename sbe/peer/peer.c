/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer - one peer: what it may still take, and how its next hops are.
 *
 * Limits hold for the name, so the counts stand in peer_state; the token buckets stand in the peer,
 * since they are as large as its configuration says. Refusal is cheapest first: block, sessions,
 * rate (a refused call takes no token, or a peer over its sessions would also lose its rate).
 */
#include "sbe/peer/peer.h"

#include <string.h>

#include "common/clock.h"
#include "common/mem.h"

METRIC_TABLE(peer_metrics, PEER_METRICS)

/* ---- limits */

static bool over(uint32_t count, uint32_t limit)
{
	return limit && count >= limit;
}

static bool sessions_left(const struct peer *p, enum peer_direction d)
{
	const struct peer_limits *l = &p->conf->limits;
	const uint32_t *s = p->state->sessions;

	return !over(s[PEER_IN] + s[PEER_OUT], l->sessions) &&
	       !over(s[d], d == PEER_IN ? l->sessions_in : l->sessions_out);
}

/* Both buckets or none. */
static bool rate_take_both(struct peer *p, enum peer_direction d, uint64_t now_us)
{
	struct rate before = p->rates[0];

	if (!rate_take(&p->rates[0], 1, now_us))
		return false;
	if (rate_take(&p->rates[1 + d], 1, now_us))
		return true;
	p->rates[0] = before;
	return false;
}

enum peer_limit peer_take(struct peer *p, enum peer_direction d, uint64_t now_us)
{
	enum peer_limit limit = PEER_LIMIT_NONE;
	int metric = 0;

	p->state->attempts[d]++;
	if (p->state->blocked) {
		limit = PEER_LIMIT_BLOCKED;
		metric = PEER_REJECT_BLOCKED;
	} else if (!sessions_left(p, d)) {
		limit = PEER_LIMIT_SESSIONS;
		metric = PEER_REJECT_SESSIONS;
	} else if (!rate_take_both(p, d, now_us)) {
		limit = PEER_LIMIT_CPS;
		metric = PEER_REJECT_CPS;
	}
	if (limit != PEER_LIMIT_NONE) {
		p->state->limited++;
		metric_add(&peer_metrics, metric, 1);
		return limit;
	}
	p->state->sessions[d]++;
	return PEER_LIMIT_NONE;
}

void peer_give(struct peer *p, enum peer_direction d)
{
	if (p->state->sessions[d] > 0)
		p->state->sessions[d]--;
}

const char *peer_limit_name(enum peer_limit l)
{
	static const char *const names[] = {
		[PEER_LIMIT_NONE] = "none",
		[PEER_LIMIT_SESSIONS] = "limit_sessions",
		[PEER_LIMIT_CPS] = "limit_cps",
		[PEER_LIMIT_BLOCKED] = "peer_blocked",
	};

	return names[l];
}

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

void peer_hop_answered(struct peer *p, size_t hop)
{
	if (hop < p->nhops)
		p->hops[hop].retry_ms = 0;
}

void peer_hop_set_down(struct peer *p, size_t hop, bool down)
{
	if (hop >= p->nhops)
		return;
	p->hops[hop].down = down;
	if (!down)
		p->hops[hop].retry_ms = 0;
	p->down = true;
	for (size_t i = 0; i < p->nhops; i++)
		p->down = p->down && p->hops[i].down;
}

bool peer_hop_last(const struct peer *p, size_t hop, uint64_t now_ms)
{
	return p->hops[hop].down || p->hops[hop].retry_ms > now_ms;
}

/* ---- names */

const char *peer_domain(const struct peer *p)
{
	return p->conf->domains.n ? ((const char *const *)p->conf->domains.items)[0] : NULL;
}
