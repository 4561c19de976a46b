/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_limit - limits hold for the name, so the counts stand in peer_state; the token buckets stand in the
 * peer, since they are as large as its configuration says. Refusal is cheapest first: block, sessions,
 * transactions, rate (a refused call takes no token, or a peer over its sessions would also lose its rate).
 */
#include "sbe/peer/peer_limit.h"

#include "common/clock.h"
#include "sbe/peer/peer.h"

#define LIMIT_METRIC_ROW(id, label, name, text)                                                    \
	{"sbe_limit_rejects_total{limit=\"" label "\"}", "new calls refused by a limit",           \
	 METRIC_COUNTER},
static const struct metric_def limit_defs[] = {PEER_LIMITS(LIMIT_METRIC_ROW)};
static _Atomic int64_t limit_values[PEER_LIMIT_COUNT];
struct metric_group peer_limit_metrics = {limit_defs, limit_values, PEER_LIMIT_COUNT, NULL};

#define FIELD(member)                                                                              \
	.key = #member, .offset = offsetof(struct peer_limits, member), .type = CONF_UINT,         \
	.def = "0"

const struct conf_field peer_limits_fields[] = {
	{FIELD(sessions),
	 .text = "Calls at the same time, both directions together; 0 = no limit."},
	{FIELD(sessions_in), .text = "Calls from the peer at the same time; 0 = no limit."},
	{FIELD(sessions_out), .text = "Calls to the peer at the same time; 0 = no limit."},
	{FIELD(cps),
	 .text = "New calls per second, both directions together; a burst of one second's worth passes."},
	{FIELD(cps_in), .text = "New calls per second from the peer; 0 = no limit."},
	{FIELD(cps_out), .text = "New calls per second to the peer; 0 = no limit."},
	{FIELD(transactions), .max = 10000000,
	 .text = "Open transactions of requests from the peer, each kept for up to 32 s; new calls above are "
		 "refused; 0 = 100000."},
	{FIELD(messages_per_s), .max = 10000000,
	 .text = "SIP messages per second from the peer; above three quarters new calls are refused, above all "
		 "of it messages are dropped unread; 0 = no limit."},
	CONF_END,
};

void peer_rates_init(struct rate rates[PEER_RATES], const struct peer_limits *l, uint64_t now_us)
{
	rate_init(&rates[PEER_RATE_CALLS], l->cps, l->cps, now_us);
	rate_init(&rates[PEER_RATE_IN], l->cps_in, l->cps_in, now_us);
	rate_init(&rates[PEER_RATE_OUT], l->cps_out, l->cps_out, now_us);
	rate_init(&rates[PEER_RATE_MESSAGES], l->messages_per_s, l->messages_per_s, now_us);
}

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

static bool transactions_left(const struct peer *p)
{
	uint32_t limit = p->conf->limits.transactions;

	return p->state->transactions.open < (limit ? limit : PEER_TRANSACTIONS);
}

enum peer_limit peer_would_refuse(struct peer *p, enum peer_direction d, uint64_t now_us)
{
	if (p->state->blocked)
		return PEER_LIMIT_BLOCKED;
	if (!sessions_left(p, d))
		return PEER_LIMIT_SESSIONS;
	if (d == PEER_IN && !transactions_left(p))
		return PEER_LIMIT_TRANSACTIONS;
	if (!rate_has(&p->rates[PEER_RATE_CALLS], 1, now_us) ||
	    !rate_has(&p->rates[PEER_RATE_IN + d], 1, now_us))
		return PEER_LIMIT_CPS;
	return peer_federation_would_refuse(p, now_us);
}

void peer_count_limited(struct peer *p, enum peer_limit l)
{
	p->state->limited++;
	p->state->limited_by[l]++;
	metric_add(&peer_limit_metrics, l, 1);
	peer_federation_refused(p, l);
}

void peer_count_refused(struct peer *p, enum peer_limit l)
{
	p->state->attempts[PEER_IN]++;
	peer_count_limited(p, l);
	peer_quality_outcome(p, PEER_IN, &(struct peer_outcome){.status = 503, .heard = true},
			     clock_now_ms());
}

enum peer_limit peer_take(struct peer *p, enum peer_direction d, uint64_t now_us)
{
	enum peer_limit limit = peer_would_refuse(p, d, now_us);

	p->state->attempts[d]++;
	if (limit != PEER_LIMIT_NONE) {
		peer_count_limited(p, limit);
		return limit;
	}
	(void)rate_take(&p->rates[PEER_RATE_CALLS], 1, now_us);
	(void)rate_take(&p->rates[PEER_RATE_IN + d], 1, now_us);
	peer_federation_take(p, true, now_us);
	p->state->sessions[d]++;
	return PEER_LIMIT_NONE;
}

enum peer_limit peer_take_urgent(struct peer *p, enum peer_direction d)
{
	p->state->attempts[d]++;
	if (p->state->blocked) {
		peer_count_limited(p, PEER_LIMIT_BLOCKED);
		return PEER_LIMIT_BLOCKED;
	}
	peer_federation_take(p, false, 0);
	p->state->sessions[d]++;
	return PEER_LIMIT_NONE;
}

void peer_give(struct peer *p, enum peer_direction d)
{
	if (p->state->sessions[d] > 0)
		p->state->sessions[d]--;
	peer_federation_give(p);
}

bool peer_take_message(struct peer *p, bool reserve, uint64_t now_us)
{
	struct rate *r = &p->rates[PEER_RATE_MESSAGES];

	if (reserve && !rate_has(r, 1 + r->burst / 4, now_us))
		return false;
	return rate_take(r, 1, now_us);
}

static const struct {
	const char *name, *text;
} limits[PEER_LIMIT_COUNT] = {
#define LIMIT_ROW(id, label, name, text) [id] = {name, text},
	PEER_LIMITS(LIMIT_ROW)
#undef LIMIT_ROW
};

const char *peer_limit_name(enum peer_limit l)
{
	return (unsigned)l < PEER_LIMIT_COUNT ? limits[l].name : "";
}

const char *peer_limit_text(enum peer_limit l)
{
	return (unsigned)l < PEER_LIMIT_COUNT ? limits[l].text : "";
}
