/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_pick - puts the peers of a match in order, and each one's next hops.
 */
#include <stdio.h>
#include <string.h>

#include "sbe/route/route_private.h"

/* splitmix64: plenty for sharing load; nothing secret hangs on it. */
static uint64_t next_random(struct route_set *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

bool route_usable(struct route_work *w, const struct peer *p)
{
	const char *why = NULL;

	if (p->state->blocked) {
		w->blocked = true;
		why = "the operator has blocked it";
	} else if (p->down) {
		w->down = true;
		why = "all its next hops are down";
	}
	if (why)
		route_why(w, "peer", p->name, "left out", "%s", why);
	return !why;
}

static bool usable(struct route_work *w, const struct peer *p)
{
	if (p->nhops)
		return route_usable(w, p);
	w->down = true;
	route_why(w, "peer", p->name, "left out", "it has no next hop");
	return false;
}

/*
 * RFC 2782: a random point on the line of running sums picks one; those of weight 0 stand first on it,
 * so they have a very small chance. The caller takes it out and asks again.
 */
static size_t draw(struct route_set *s, const struct route_to *group, size_t n)
{
	uint64_t sum = 0, point;

	for (size_t i = 0; i < n; i++)
		sum += group[i].weight;
	point = next_random(s) % (sum + 1);
	sum = 0;
	for (size_t pass = 0; pass < 2; pass++) { /* weight 0 first */
		for (size_t i = 0; i < n; i++) {
			if ((group[i].weight == 0) != (pass == 0))
				continue;
			sum += group[i].weight;
			if (sum >= point)
				return i;
		}
	}
	return n - 1;
}

/* What the request to it will look like. */
static void explain_sed(const struct route_work *w, const char *subject, const struct route_sed *s)
{
	if (!s)
		return;
	if (s->keep_ruri)
		route_why(w, "sed", subject, "kept", "the Request-URI stays as it is");
	else if (s->host[0])
		route_why(w, "sed", subject, "host", "the Request-URI names %s", s->host);
	if (s->routes[0])
		route_why(w, "sed", subject, "route", "Route: %s", s->routes);
	if (s->expect[0])
		route_why(w, "sed", subject, "tls", "over TLS its certificate must carry %s",
			  s->expect);
	if (s->use)
		route_why(w, "sed", subject, "limits", "%u calls of at most %u now, %lu a second",
			  s->use->calls, s->calls_max, (unsigned long)s->use->rate.per_s);
}

static void add_hop(struct route_work *w, const struct route_to *to, size_t hop, const char *note)
{
	const struct peer_hop *h = &to->peer->hops[hop];
	char subject[224] = "", nth[24] = "", cost[24] = "";

	if (w->why) /* else nobody reads it */
		snprintf(subject, sizeof(subject), "%s %s", to->peer->name, h->uri);
	if (w->plan->n == ROUTE_CANDIDATES_MAX) {
		route_why(w, "candidate", subject, "left out", "a call has at most %d candidates",
			  ROUTE_CANDIDATES_MAX);
		return;
	}
	w->plan->candidates[w->plan->n++] = (struct route_candidate){
		.peer = to->peer, .hop = hop, .sed = to->sed ? to->sed : w->sed};
	if (!w->why)
		return;
	snprintf(nth, sizeof(nth), "%zu", w->plan->n);
	if (to->cost)
		snprintf(cost, sizeof(cost), ", cost %u", to->cost);
	route_why(w, "candidate", subject, nth, "priority %u%s, weight %u%s", to->priority, cost,
		  to->weight, note);
	explain_sed(w, subject, to->sed ? to->sed : w->sed);
}

static void add_peer(struct route_work *w, const struct route_to *to)
{
	for (int last = 0; last < 2; last++) {
		for (size_t i = 0; i < to->peer->nhops; i++) {
			if (peer_hop_last(to->peer, i, w->now_ms) != (last == 1))
				continue;
			add_hop(w, to, i,
				!last                    ? ""
				: to->peer->hops[i].down ? "; tried last since probes find it down"
							 : "; tried last since it failed lately");
		}
	}
}

/* Those of one priority and one cost, in an order drawn by their weights. */
static void add_group(struct route_work *w, struct route_to *group, size_t n)
{
	if (n > 1)
		route_why(
			w, "weights", "", "drawn",
			"%zu peers have priority %u: their weights decide the order by chance, this is "
			"one draw",
			n, group[0].priority);
	while (n > 0) {
		size_t k = draw(w->s, group, n);

		add_peer(w, &group[k]);
		memmove(&group[k], &group[k + 1], (--n - k) * sizeof(group[0]));
	}
}

static void add_all(struct route_work *w, const struct route_to *to, size_t nto)
{
	struct route_to group[ROUTE_TO_MAX];

	for (size_t i = 0; i < nto;) {
		const struct route_to *first = &to[i];
		size_t n = 0;

		for (; i < nto && to[i].priority == first->priority && to[i].cost == first->cost;
		     i++) {
			if (usable(w, to[i].peer) && n < ROUTE_TO_MAX)
				group[n++] = to[i];
		}
		add_group(w, group, n);
	}
}

static bool is_good(const struct route_work *w, const struct route_to *to)
{
	struct route_quality q = {.calls = 0};
	char why[128];

	if (!to->quality || !w->env || !w->env->quality)
		return true;
	if (!to->quality->asr_percent && !to->quality->pdd_ms)
		return true;
	w->env->quality(w->env->arg, to->peer, &q);
	if (route_quality_good(to->quality, &q, why, sizeof(why)))
		return true;
	route_why(w, "quality", to->peer->name, "last", "%s", why);
	return false;
}

size_t route_pick(struct route_work *w, const struct route_to *to, size_t nto)
{
	struct route_to good[ROUTE_TO_MAX], poor[ROUTE_TO_MAX];
	size_t before = w->plan->n, ngood = 0, npoor = 0;

	for (size_t i = 0; i < nto && i < ROUTE_TO_MAX; i++) {
		if (is_good(w, &to[i]))
			good[ngood++] = to[i];
		else
			poor[npoor++] = to[i];
	}
	add_all(w, good, ngood);
	add_all(w, poor, npoor);
	return w->plan->n - before;
}
