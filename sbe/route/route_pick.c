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

static void add_hop(struct route_work *w, const struct route_to *to, size_t hop, const char *note)
{
	const struct peer_hop *h = &to->peer->hops[hop];
	char subject[224] = "", nth[24] = "";

	if (w->why) /* else nobody reads it */
		snprintf(subject, sizeof(subject), "%s %s", to->peer->name, h->uri);
	if (w->plan->n == ROUTE_CANDIDATES_MAX) {
		route_why(w, "candidate", subject, "left out", "a call has at most %d candidates",
			  ROUTE_CANDIDATES_MAX);
		return;
	}
	w->plan->candidates[w->plan->n++] = (struct route_candidate){.peer = to->peer, .hop = hop};
	if (w->why)
		snprintf(nth, sizeof(nth), "%zu", w->plan->n);
	route_why(w, "candidate", subject, nth, "priority %u, weight %u%s", to->priority,
		  to->weight, note);
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

size_t route_pick(struct route_work *w, const struct route_to *to, size_t nto)
{
	struct route_to group[ROUTE_TO_MAX];
	size_t before = w->plan->n;

	for (size_t i = 0; i < nto;) {
		uint32_t priority = to[i].priority;
		size_t n = 0;

		for (; i < nto && to[i].priority == priority; i++) {
			if (usable(w, to[i].peer) && n < ROUTE_TO_MAX)
				group[n++] = to[i];
		}
		if (n > 1)
			route_why(
				w, "weights", "", "drawn",
				"%zu peers have priority %u: their weights decide the order by chance, this is "
				"one draw",
				n, priority);
		while (n > 0) {
			size_t k = draw(w->s, group, n);

			add_peer(w, &group[k]);
			memmove(&group[k], &group[k + 1], (--n - k) * sizeof(group[0]));
		}
	}
	return w->plan->n - before;
}
