/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_set - the routes of a configuration, ready to be matched: numbers normalised, peers found,
 * targets and ranks sorted. All memory is taken here; planning a call takes none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/admin.h"
#include "common/mem.h"
#include "sbe/route/route_private.h"

static void route_set_destroy(void *obj)
{
	struct route_set *s = obj;

	for (size_t i = 0; i < s->nroutes; i++) {
		for (size_t k = 0; k < s->routes[i].nto; k++)
			mem_unref(s->routes[i].to[k].sed);
		mem_free(s->routes[i].to);
	}
	for (size_t i = 0; i < RANKS; i++)
		mem_free(s->by_rank[i]);
	mem_free(s->routes);
	mem_free(s->matched);
	mem_unref(s->peers);
	mem_unref(s->owner);
}

static int make_to(struct route_set *s, const struct route_to_conf *c, struct route_to *ret_to)
{
	*ret_to = (struct route_to){.peer = peer_find_name(s->peers, c->peer),
				    .priority = c->priority,
				    .weight = c->weight,
				    .cost = c->cost,
				    .quality = &c->quality};
	if (!ret_to->peer)
		return -EINVAL;
	return route_sed_empty(&c->sed) ? 0 : route_sed_new(&c->sed, &ret_to->sed);
}

/* Is a tried before b? Equals stay in the order of the file. */
static bool before(const struct route_to *a, const struct route_to *b)
{
	return a->priority < b->priority || (a->priority == b->priority && a->cost < b->cost);
}

static int compile_to(struct route_set *s, struct route *r)
{
	const struct route_to_conf *to = r->conf->to.items;

	if (!r->conf->to.n || r->conf->to.n > ROUTE_TO_MAX)
		return -EINVAL;
	r->to = mem_buffer(r->conf->to.n * sizeof(*r->to));
	if (!r->to)
		return -ENOMEM;
	for (size_t i = 0; i < r->conf->to.n; i++) {
		struct route_to t;
		size_t k = r->nto;
		int err = make_to(s, &to[i], &t);

		if (err)
			return err;
		for (; k > 0 && before(&t, &r->to[k - 1]); k--)
			r->to[k] = r->to[k - 1];
		r->to[k] = t;
		r->nto++;
	}
	return 0;
}

static int compile(struct route_set *s, const struct route_conf *c)
{
	struct route *r = &s->routes[s->nroutes++];

	*r = (struct route){.conf = c};
	if (c->number)
		route_number(c->number, r->number, sizeof(r->number));
	r->number_bytes = strlen(r->number);
	r->rank = (uint8_t)((c->from.n ? RANK_FROM : 0) | (c->domain ? RANK_DOMAIN : 0));
	route_failover_compile(&c->failover, &r->failover);
	return route_when_compile(&c->when, &r->when) ? -EINVAL : compile_to(s, r);
}

/* The longest number first, then the order of the file. */
static int by_length(const void *x, const void *y, void *arg)
{
	const struct route *routes = arg;
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	if (routes[a].number_bytes != routes[b].number_bytes)
		return routes[a].number_bytes > routes[b].number_bytes ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int sort_rank(struct route_set *s, unsigned rank)
{
	uint32_t *list = mem_buffer(s->nroutes * sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < s->nroutes; i++) {
		if (s->routes[i].rank == rank)
			list[n++] = (uint32_t)i;
	}
	qsort_r(list, n, sizeof(*list), by_length, s->routes);
	s->by_rank[rank] = list;
	s->nby_rank[rank] = n;
	return 0;
}

int route_set_new(const struct route_conf_lists *c, void *owner, struct peer_set *peers,
		  struct route_set **ret_set)
{
	const struct route_conf *routes = c->routes.items;
	struct route_set *s = mem_zalloc(sizeof(*s), route_set_destroy);
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->conf = c;
	s->owner = mem_ref(owner);
	s->peers = mem_ref(peers);
	if (getrandom(&s->random, sizeof(s->random), GRND_NONBLOCK) < 0)
		s->random = (uint64_t)(uintptr_t)
			s; /* load sharing only: better a poor seed than no start */
	s->routes = mem_buffer(c->routes.n * sizeof(*s->routes));
	s->matched = mem_buffer(c->routes.n * sizeof(*s->matched));
	if (!s->routes || !s->matched)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < c->routes.n; i++)
		err = compile(s, &routes[i]);
	for (unsigned i = 0; !err && i < RANKS; i++)
		err = sort_rank(s, i);
	if (err) {
		mem_unref(s);
		return err;
	}
	*ret_set = s;
	return 0;
}

/* By the names of route and peer. */
static const struct route_sed *find_sed(const struct route_set *s, const char *name,
					const char *peer)
{
	for (size_t i = 0; i < s->nroutes; i++) {
		const struct route *r = &s->routes[i];

		for (size_t k = 0; !strcmp(r->conf->name, name) && k < r->nto; k++) {
			if (!strcmp(r->to[k].peer->name, peer))
				return r->to[k].sed;
		}
	}
	return NULL;
}

void route_set_adopt(struct route_set *s, const struct route_set *old)
{
	for (size_t i = 0; old && i < s->nroutes; i++) {
		struct route *r = &s->routes[i];

		for (size_t k = 0; k < r->nto; k++) {
			struct route_sed *sed = r->to[k].sed;

			if (sed && sed->use)
				route_sed_adopt(sed,
						find_sed(old, r->conf->name, r->to[k].peer->name),
						(uint32_t)sed->use->rate.per_s);
		}
	}
}

void route_set_free(struct route_set *s)
{
	mem_unref(s);
}

void route_set_seed(struct route_set *s, uint64_t seed)
{
	s->random = seed;
}

/* ---- for operators */

static void join_from(const struct route *r, char *buf, size_t size_bytes)
{
	const char *const *from = r->conf->from.items;
	size_t n = 0;

	snprintf(buf, size_bytes, "%s", r->conf->from.n ? "" : "all");
	for (size_t i = 0; i < r->conf->from.n && n < size_bytes; i++)
		n += (size_t)snprintf(buf + n, size_bytes - n, "%s%s", i ? " " : "", from[i]);
}

static void join_to(const struct route *r, char *buf, size_t size_bytes)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < r->nto && n < size_bytes; i++)
		n += (size_t)snprintf(buf + n, size_bytes - n, "%s%s (%u/%u%s)", i ? " " : "",
				      r->to[i].peer->name, r->to[i].priority, r->to[i].weight,
				      r->to[i].peer->state->blocked ? ", blocked"
				      : r->to[i].peer->down         ? ", down"
								    : "");
}

json_t *route_list(const struct route_set *s)
{
	static const char *const columns[] = {"name", "from", "number", "domain", "to", NULL};
	json_t *table = admin_table(columns);

	for (size_t i = 0; table && i < s->nroutes; i++) {
		const struct route *r = &s->routes[i];
		char from[512], to[1024];

		join_from(r, from, sizeof(from));
		join_to(r, to, sizeof(to));
		if (admin_row(table, json_pack("[s,s,s,s,s]", r->conf->name, from,
					       r->number_bytes ? r->number : "all",
					       r->conf->domain ? r->conf->domain : "ours", to))) {
			json_decref(table);
			return NULL;
		}
	}
	return table;
}
