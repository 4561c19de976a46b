/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - matches a request with the routes, then with lookup and location. The rule stands in route.h.
 */
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
	return true;
}

static void decide(struct route_work *w, const char *by)
{
	w->plan->status = 0;
	w->plan->reason = "";
	text_copy(w->plan->route, sizeof(w->plan->route), by);
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
	decide(w, r->conf->name);
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

/* ---- lookup (LUF) and location (LRF) */

/* The domain a request is for, by the configured sources in order. NULL = none knows. */
static const char *look_up(struct route_work *w)
{
	const struct route_step_conf *steps = w->s->conf->lookup.items;

	for (size_t i = 0; i < w->s->conf->lookup.n; i++) {
		if (steps[i].type == LOOKUP_TABLE) {
			route_why(w, "lookup", "table", "nothing", "the routes name no target");
		} else if (w->q->ours || !w->q->host[0]) {
			route_why(w, "lookup", "uri", "nothing", "the Request-URI is one of ours");
		} else {
			route_why(w, "lookup", "uri", "found", "target domain %s", w->q->host);
			return w->q->host;
		}
	}
	return NULL;
}

static bool locate_peer(struct route_work *w, const char *domain)
{
	struct peer *p = peer_find_domain(w->s->peers, domain, strlen(domain));
	struct route_to to = {p, 1, 1};

	if (!p) {
		route_why(w, "location", "peers", "nothing", "no peer owns %s", domain);
		return false;
	}
	if (w->q->from && !strcmp(p->name, w->q->from->name)) {
		route_why(
			w, "location", "peers", "nothing",
			"%s belongs to %s, where the call comes from: only a route may send it back",
			domain, p->name);
		return false;
	}
	w->matched = true;
	route_why(w, "location", "peers", "found", "%s belongs to peer %s", domain, p->name);
	return route_pick(w, &to, 1) > 0;
}

static void by_lookup(struct route_work *w)
{
	const char *domain = look_up(w);

	if (!domain)
		return;
	if (!w->s->conf->location.n)
		route_why(w, "location", "", "nothing", "no location source is configured");
	for (size_t i = 0; i < w->s->conf->location.n; i++) {
		if (locate_peer(w, domain)) {
			decide(w, "lookup uri");
			return;
		}
	}
}

/* ---- the plan */

static void why_begin(const struct route_work *w)
{
	const struct route_query *q = w->q;
	char uri[192];

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

	if (!w->matched) {
		p->status = 404;
		p->reason = "no route";
	} else {
		p->status = 503;
		p->reason = w->blocked && w->down ? "all peers of the route are blocked or down"
			    : w->blocked          ? "all peers of the route are blocked"
						  : "all peers of the route are down";
	}
}

void route_plan(struct route_set *s, const struct route_query *q, uint64_t now_ms, json_t *why,
		struct route_plan *ret_plan)
{
	struct route_work w = {.s = s, .q = q, .now_ms = now_ms, .why = why, .plan = ret_plan};
	char nth[24];

	memset(ret_plan, 0, sizeof(*ret_plan));
	route_number(q->user, w.number, sizeof(w.number));
	why_begin(&w);
	/* a route that matches names the target even if nobody there can be used: lookup is not asked then */
	if (!by_routes(&w) && !w.matched)
		by_lookup(&w);
	if (!ret_plan->n)
		refuse(&w);
	if (!why)
		return; /* nobody asked: no texts */
	if (!ret_plan->n) {
		snprintf(nth, sizeof(nth), "%d", ret_plan->status);
		route_why(&w, "result", "", nth, "the call is refused: %s", ret_plan->reason);
		return;
	}
	snprintf(nth, sizeof(nth), "%zu", ret_plan->n);
	route_why(&w, "result", ret_plan->route, nth, "next hops are tried in this order");
}
