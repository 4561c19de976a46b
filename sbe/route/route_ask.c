/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_ask - walks the sources of lookup and of location. A step that must wait keeps its place in struct
 * route_asking and goes on from the answer; nothing is allocated for a call that the routes decide.
 */
#include "sbe/route/route_ask.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/route/route_ask_private.h"

/* All sources together, unless one of them is given more: who waits hears something within 5 s (A25, A26). */
#define TOTAL_MS 4500U

static void asking_destroy(void *obj)
{
	struct route_asking *a = obj;

	dns_enum_cancel(a->asking_enum);
	dns_target_cancel(a->locating);
	route_luf_cancel(a->luf);
	if (a->waits)
		peer_lookup_end((void *)(uintptr_t)a->q.from);
	mem_unref(a->found);
	mem_unref((void *)(uintptr_t)a->q.from);
	mem_unref(a->peer);
	mem_unref(a->set);
	if (a->asker.why)
		json_decref(a->asker.why);
}

void route_cancel(struct route_asking *a)
{
	mem_unref(a);
}

void route_retell(struct route_asking *a, route_plan_h *fn, void *arg)
{
	a->asker.fn = fn;
	a->asker.arg = arg;
}

/* ---- what the sources share ---- */

static void found_destroy(void *obj)
{
	struct route_found *f = obj;

	mem_unref(f->sed);
}

struct route_found *route_ask_found(struct route_asking *a)
{
	if (!a->found)
		a->found = mem_zalloc(sizeof(*a->found), found_destroy);
	return a->found;
}

void route_ask_waits(struct route_asking *a)
{
	struct peer *p = (void *)(uintptr_t)a->q.from;

	if (!p)
		return;
	peer_lookup_spend(p, clock_now_us());
	if (!a->waits)
		peer_lookup_begin(p);
	a->waits = true;
}

uint32_t route_ask_time(const struct route_asking *a, const struct route_step_conf *c)
{
	uint64_t now_ms = clock_now_ms(), left_ms = now_ms < a->end_ms ? a->end_ms - now_ms : 0;

	return left_ms < c->timeout_ms ? (uint32_t)left_ms : c->timeout_ms;
}

void route_ask_holds(struct route_asking *a, uint32_t ttl_s, bool stale)
{
	struct route_plan *p = &a->plan;

	if (!p->looked_up || ttl_s < p->ttl_s)
		p->ttl_s = ttl_s;
	p->looked_up = true;
	p->stale |= stale;
}

bool route_ask_may(const struct route_asking *a, const struct route_step_conf *c, const char *step,
		   const char *word)
{
	const char *const *from = c->from.items;

	for (size_t i = 0; a->q.from && i < c->from.n; i++) {
		if (!strcmp(from[i], a->q.from->name))
			return true;
	}
	if (!c->from.n || !a->q.from)
		return true;
	route_why(&a->w, step, word, "skipped", "it is not asked for calls from %s",
		  a->q.from->name);
	return false;
}

/* ---- one source after the other ---- */

static void finish(struct route_asking *a)
{
	route_end(&a->w);
	a->plan.took_ms = (uint32_t)(clock_now_ms() - a->begin_ms);
	if (a->plan.n)
		a->plan.found = a->found;
	a->asker.fn(a->asker.arg, &a->plan);
	mem_unref(a);
}

/* @return false: there is nothing more to ask. ret_waits: it waits, or has gone on. */
static bool next_source(struct route_asking *a, bool *ret_waits)
{
	const struct route_conf_lists *conf = a->set->conf;

	*ret_waits = false;
	if (a->plan.denied)
		return false; /* whose word counts has said no: nobody else is asked (D3, C2) */
	if (a->domain[0]) {
		if (!conf->location.n)
			route_why(&a->w, "location", "", "nothing",
				  "no location source is configured");
		if (a->location == conf->location.n)
			return false;
		*ret_waits = route_locate_next(a);
		return true;
	}
	/* a route that matches names the target even if nobody there can be used */
	if (a->w.matched || a->lookup == conf->lookup.n)
		return false;
	*ret_waits = route_lookup_next(a);
	return true;
}

void route_ask_go_on(struct route_asking *a)
{
	bool waits;

	while (!a->plan.n) {
		if (!next_source(a, &waits))
			break;
		if (waits)
			return;
	}
	finish(a);
}

static uint32_t longest_ms(const struct conf_list *list)
{
	const struct route_step_conf *c = list->items;
	uint32_t ms = 0;

	for (size_t i = 0; i < list->n; i++)
		ms = c[i].timeout_ms > ms ? c[i].timeout_ms : ms;
	return ms;
}

static struct route_asking *asking_new(const struct route_work *w, const struct route_env *env,
				       const struct route_asker *asker)
{
	struct route_asking *a = mem_zalloc(sizeof(*a), asking_destroy);
	uint32_t lookup_ms, location_ms, total_ms = TOTAL_MS;

	if (!a)
		return NULL;
	lookup_ms = longest_ms(&w->s->conf->lookup);
	location_ms = longest_ms(&w->s->conf->location);
	total_ms = lookup_ms > total_ms ? lookup_ms : total_ms;
	total_ms = location_ms > total_ms ? location_ms : total_ms;
	a->begin_ms = w->now_ms;
	a->end_ms = w->now_ms + total_ms;
	a->w = *w;
	a->plan = *w->plan;
	a->q = *w->q;
	a->env = *env;
	a->asker = *asker;
	a->set = mem_ref(w->s);
	text_copy(a->user, sizeof(a->user), w->q->user);
	text_copy(a->host, sizeof(a->host), w->q->host);
	a->q.user = a->user;
	a->q.host = a->host;
	a->q.calling = w->q->calling ? a->w.calling : NULL;
	a->q.from = mem_ref((void *)(uintptr_t)w->q->from);
	a->w.q = &a->q;
	a->w.plan = &a->plan;
	a->w.env = &a->env;
	if (asker->why)
		json_incref(asker->why);
	return a;
}

/* C1: one who asks too much is told nothing, not even what we know. */
static bool may_ask(struct route_work *w)
{
	struct peer *p = (void *)(uintptr_t)w->q->from;

	if (!p || (!w->s->conf->lookup.n && !w->s->conf->location.n) ||
	    peer_lookup_admit(p, clock_now_us()))
		return true;
	metric_add(&route_luf_metrics, ROUTE_LUF_LIMITED, 1);
	route_why(w, "lookup", "", "refused", "peer %s has made us look up too much", p->name);
	w->plan->status = 503;
	w->plan->reason = "too many lookups";
	w->plan->cause = "lookup_limit";
	return false;
}

void route_ask(struct route_set *s, const struct route_env *env, const struct route_query *q,
	       const struct route_asker *asker, struct route_asking **ret_asking)
{
	struct route_plan plan;
	struct route_work w = {.s = s,
			       .q = q,
			       .env = env,
			       .now_ms = clock_now_ms(),
			       .why = asker->why,
			       .plan = &plan};
	struct route_asking *a = NULL;

	*ret_asking = NULL;
	plan.n = 0;
	plan.trace.n = 0;
	route_begin(&w);
	if (!plan.n && !w.matched && may_ask(&w))
		a = asking_new(&w, env, asker);
	if (!a) {
		route_end(&w);
		asker->fn(asker->arg, &plan);
		return;
	}
	if (asker->begin)
		asker->begin(asker->arg);
	mem_ref(a);
	route_ask_go_on(a);
	*ret_asking = mem_refs(a) > 1 ? a : NULL;
	mem_unref(a);
}
