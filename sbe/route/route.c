/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - matches a request with the routes, then with lookup and location. The rule stands in route.h.
 */
#include "common/clock.h"
#include "common/text.h"
#include "sbe/route/route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sbe/route/route_private.h"

/* ---- one route */

static bool from_matches(const struct route *r, const struct peer *from)
{
	const char *const *names = r->conf->from.items;

	if (!r->conf->from.n || !from)
		return true;
	for (size_t i = 0; i < r->conf->from.n; i++) {
		if (!strcmp(names[i], from->name))
			return true;
	}
	return false;
}

static bool its_time(const struct route_work *w, const struct route *r)
{
	const struct route_query *q = w->q;
	const struct route_when_query when = {.method = q->method,
					      .realm = q->from ? q->from->conf->realm : NULL,
					      .calling = q->calling ? w->calling : NULL,
					      .wall_ms = q->at_wall_ms ? q->at_wall_ms
								       : clock_wall_ms()};
	char why[160] = "";
	bool fits = route_when_matches(&r->when, &when, w->why ? why : NULL, sizeof(why));

	if (!fits)
		route_why(w, "route", r->conf->name, "skipped", "%s", why);
	return fits;
}

static bool matches(const struct route_work *w, const struct route *r)
{
	const struct route_query *q = w->q;

	if (!from_matches(r, q->from)) {
		route_why(w, "route", r->conf->name, "skipped", "it is not for calls from %s",
			  q->from->name);
		return false;
	}
	if (r->conf->domain && strcasecmp(r->conf->domain, q->host)) {
		route_why(w, "route", r->conf->name, "skipped", "it is for domain %s, not %s",
			  r->conf->domain, q->host);
		return false;
	}
	if (!r->conf->domain && !q->ours) {
		route_why(w, "route", r->conf->name, "skipped",
			  "it has no domain, so it is for our own, and %s is not one", q->host);
		return false;
	}
	if (strncmp(w->number, r->number, r->number_bytes)) {
		route_why(w, "route", r->conf->name, "skipped", "%s does not begin with %s",
			  w->number, r->number);
		return false;
	}
	return r->when.any || its_time(w, r);
}

void route_decide(struct route_work *w, const char *by)
{
	w->plan->status = 0;
	w->plan->reason = "";
	text_copy(w->plan->route, sizeof(w->plan->route), by);
	w->plan->by_route = false;
}

/* ---- all routes */

/* Which match, and the ranks in the order of their first match. @return number of ranks. */
static size_t scan(struct route_work *w, unsigned ranks[RANKS])
{
	bool seen[RANKS] = {false};
	size_t n = 0;

	for (size_t i = 0; i < w->s->nroutes; i++) {
		const struct route *r = &w->s->routes[i];

		w->s->matched[i] = matches(w, r);
		if (!w->s->matched[i] || seen[r->rank])
			continue;
		seen[r->rank] = true;
		ranks[n++] = r->rank;
	}
	return n;
}

static bool try_route(struct route_work *w, const struct route *r)
{
	w->matched = true;
	route_why(w, "route", r->conf->name, "matched", "%s%s%s",
		  r->number_bytes ? "number " : "all numbers", r->number,
		  r->conf->domain ? " in its domain" : "");
	if (!route_pick(w, r->to, r->nto)) {
		route_why(w, "route", r->conf->name, "skipped",
			  "none of its peers can be used now");
		return false;
	}
	w->plan->failover = r->failover;
	route_decide(w, r->conf->name);
	w->plan->by_route = true;
	return true;
}

static bool by_routes(struct route_work *w)
{
	unsigned ranks[RANKS];
	size_t n = scan(w, ranks);

	for (size_t i = 0; i < n; i++) {
		const uint32_t *list = w->s->by_rank[ranks[i]];

		for (size_t k = 0; k < w->s->nby_rank[ranks[i]]; k++) {
			if (w->s->matched[list[k]] && try_route(w, &w->s->routes[list[k]]))
				return true;
		}
	}
	return false;
}

/* ---- the plan */

static void why_begin(const struct route_work *w)
{
	const struct route_query *q = w->q;
	char uri[192];

	if (!w->why)
		return; /* nobody asked: no texts */
	if (q->from)
		route_why(w, "from", q->from->name, "matched",
			  "the call comes from peer %s in realm %s%s", q->from->name,
			  q->from->conf->realm,
			  q->from->state->blocked ? ", which is blocked: it would be refused" : "");
	else
		route_why(w, "from", "", "any", "no peer is asked for: every route counts");
	snprintf(uri, sizeof(uri), "%.90s%s%.90s", q->user, q->user[0] && q->host[0] ? "@" : "",
		 q->host);
	if (q->host[0])
		route_why(w, "target", uri, q->ours ? "ours" : "foreign",
			  "number or user %s, domain %s is %s", w->number, q->host,
			  q->ours ? "one of ours" : "not one of ours");
	else
		route_why(w, "target", uri, q->ours ? "ours" : "foreign",
			  "number %s, without a domain", w->number);
}

static void refuse(struct route_work *w)
{
	struct route_plan *p = w->plan;

	if (p->status)
		return;                               /* somebody knows better */
	if (!w->matched && w->failed && !p->denied) { /* perhaps it is there (C4, D3) */
		p->status = 503;
		p->reason = "lookup failed";
		p->cause = "lookup_failed";
		p->unknown = true;
	} else if (!w->matched || p->denied) {
		p->status = 404;
		p->reason = "no route";
		p->cause = p->denied ? "lookup_denied" : "no_route";
	} else {
		p->status = 503;
		p->cause = "no_next_hop";
		p->reason = w->blocked && w->down ? "all peers of the route are blocked or down"
			    : w->blocked          ? "all peers of the route are blocked"
						  : "all peers of the route are down";
	}
}

void route_begin(struct route_work *w)
{
	memset(w->plan, 0, sizeof(*w->plan));
	route_failover_compile(NULL, &w->plan->failover);
	route_number(w->q->user, w->number, sizeof(w->number));
	w->calling[0] = '\0';
	if (w->q->calling)
		route_number(w->q->calling, w->calling, sizeof(w->calling));
	why_begin(w);
	by_routes(w);
}

void route_end(struct route_work *w)
{
	struct route_plan *p = w->plan;
	char nth[24];

	if (!p->n)
		refuse(w);
	if (!w->why)
		return; /* nobody asked: no texts */
	if (!p->n) {
		snprintf(nth, sizeof(nth), "%d", p->status);
		route_why(w, "result", "", nth, "the call is refused: %s", p->reason);
		return;
	}
	snprintf(nth, sizeof(nth), "%zu", p->n);
	route_why(w, "result", p->route, nth, "next hops are tried in this order");
}

bool route_by_table(struct route_work *w)
{
	return by_routes(w);
}

const struct peer_hop *route_hop(const struct route_plan *plan, size_t nth)
{
	const struct route_candidate *c = &plan->candidates[nth];

	return c->hop < PEER_HOPS_MAX ? &c->peer->hops[c->hop]
				      : &plan->found->hops[c->hop - ROUTE_HOP_FOUND];
}
