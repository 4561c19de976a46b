/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_set - all peers of a configuration: found by name, by source address in a realm, by domain.
 *
 * It is built once and never changed, so a reload makes another one aside. What must survive is
 * taken over from the old set while the new peers are made, without touching the old ones: if the
 * reload fails later nothing has happened.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/prefix.h"
#include "sbe/peer/peer.h"
#include "sbe/peer/peer_conf.h"

#define DOMAIN_BYTES 256

struct peer_realm {
	const char *name; /* of a peer's conf */
	struct prefix_set *sources;
};

struct peer_name { /* one domain, in lower case */
	struct table_entry entry;
	char domain[DOMAIN_BYTES];
};

struct peer_set {
	struct table *names;
	struct table *domains;
	struct peer **peers; /* references */
	size_t npeers;
	struct peer **numbered;  /* of peers, by rising number */
	struct peer **certified; /* of peers: those known by certificate alone */
	size_t ncertified;
	bool has_ipsec;
	struct peer_realm *realms;
	size_t nrealms;
	struct peer_name *domain_names;
	size_t ndomains;
};

/* ---- one peer */

static void peer_destroy(void *obj)
{
	struct peer *p = obj;

	table_remove(&p->by_name);
	peer_federation_leave(p);
	mem_unref(p->state);
	mem_unref(p->owner);
}

/* A bucket that goes on where the old one is; a smaller one is full at once. */
static void rate_carry(struct rate *r, const struct rate *old)
{
	if (!r->per_s || !old->per_s)
		return;
	if (old->level_micro < r->level_micro)
		r->level_micro = old->level_micro;
	r->last_us = old->last_us;
}

static void peer_carry(struct peer *p, const struct peer *old)
{
	for (size_t i = 0; i < PEER_RATES; i++)
		rate_carry(&p->rates[i], &old->rates[i]);
	rate_carry(&p->lookups, &old->lookups);
	for (size_t i = 0; i < p->nhops; i++) {
		for (size_t k = 0; k < old->nhops; k++) {
			if (p->hops[i].proto != old->hops[k].proto ||
			    !addr_equal(&p->hops[i].addr, &old->hops[k].addr))
				continue;
			p->hops[i].retry_ms = old->hops[k].retry_ms;
			p->hops[i].rest_ms = old->hops[k].rest_ms;
			p->hops[i].tcp_retry_ms = old->hops[k].tcp_retry_ms;
			/* nobody would ever find it alive again without probes */
			if (p->conf->probe.interval_s || p->conf->standing)
				peer_hop_set_down(p, i,
						  old->hops[k].down ? old->hops[k].why : NULL);
			p->hops[i].down_wall_ms = old->hops[k].down_wall_ms;
		}
	}
}

static int peer_hops(struct peer *p)
{
	const char *const *texts = p->conf->next_hops.items;
	const char *why;

	if (p->conf->next_hops.n > PEER_HOPS_MAX)
		return -EINVAL;
	for (; p->nhops < p->conf->next_hops.n; p->nhops++) {
		if (peer_hop_parse(texts[p->nhops], &p->hops[p->nhops], &why))
			return -EINVAL;
	}
	return 0;
}

static struct peer_state *peer_state_new(void)
{
	static uint32_t last;
	struct peer_state *s = mem_zalloc(sizeof(*s), NULL);

	if (s)
		s->number = ++last ? last : ++last;
	return s;
}

static int peer_new(const struct peer_conf *conf, void *owner, const struct peer *old,
		    struct peer **ret_peer)
{
	struct peer *p = mem_zalloc(sizeof(*p), peer_destroy);
	uint64_t now_us = clock_now_us();
	int err;

	if (!p)
		return -ENOMEM;
	p->conf = conf;
	p->owner = mem_ref(owner);
	snprintf(p->name, sizeof(p->name), "%s", conf->name);
	p->state = old ? mem_ref(old->state) : peer_state_new();
	if (p->state && !old)
		peer_load_init(&p->state->load);
	if (p->state && !old)
		peer_quality_window(p, now_us / 1000);
	peer_rates_init(p->rates, &conf->limits, now_us);
	rate_init(&p->pages, conf->im.per_s, conf->im.per_s, now_us);
	rate_init(&p->lookups, conf->lookups.per_s, conf->lookups.burst, now_us);
	err = p->state ? peer_hops(p) : -ENOMEM;
	if (err) {
		mem_unref(p);
		return err;
	}
	if (old)
		peer_carry(p, old);
	*ret_peer = p;
	return 0;
}

/* ---- the set */

static void peer_set_destroy(void *obj)
{
	struct peer_set *s = obj;

	for (size_t i = 0; i < s->nrealms; i++)
		prefix_set_free(s->realms[i].sources);
	for (size_t i = 0; i < s->npeers; i++) {
		table_remove(
			&s->peers[i]->by_name); /* a call may keep the peer, but not in our table */
		mem_unref(s->peers[i]);
	}
	for (size_t i = 0; i < s->ndomains; i++)
		table_remove(&s->domain_names[i].entry);
	table_free(s->names);
	table_free(s->domains);
	mem_free(s->peers);
	mem_free(s->numbered);
	mem_free(s->certified);
	mem_free(s->realms);
	mem_free(s->domain_names);
}

static struct prefix_set *realm_find(const struct peer_set *s, const char *realm)
{
	for (size_t i = 0; i < s->nrealms; i++) {
		if (!strcmp(s->realms[i].name, realm))
			return s->realms[i].sources;
	}
	return NULL;
}

static int add_sources(struct peer_set *s, struct peer *p)
{
	const struct addr_prefix *sources = p->conf->sources.items;
	struct prefix_set *set = realm_find(s, p->conf->realm);
	int err = 0;

	if (!set) {
		err = prefix_set_new(&set);
		if (err)
			return err;
		s->realms[s->nrealms++] = (struct peer_realm){p->conf->realm, set};
	}
	for (size_t i = 0; !err && i < p->conf->sources.n; i++)
		err = prefix_set_add(set, &sources[i], p);
	return err;
}

/* Lower case. @return length, 0 if it is no domain one could own. */
static size_t domain_key(const char *domain, size_t len_bytes, char key[DOMAIN_BYTES])
{
	if (len_bytes > 0 &&
	    domain[len_bytes - 1] == '.') /* the root's dot means the same domain */
		len_bytes--;
	if (len_bytes >= DOMAIN_BYTES)
		return 0;
	for (size_t i = 0; i < len_bytes; i++)
		key[i] = (char)tolower((unsigned char)domain[i]);
	return len_bytes;
}

static int add_domains(struct peer_set *s, struct peer *p)
{
	const char *const *domains = p->conf->domains.items;
	int err = 0;

	for (size_t i = 0; !err && i < p->conf->domains.n; i++) {
		struct peer_name *n = &s->domain_names[s->ndomains++];
		size_t len = domain_key(domains[i], strlen(domains[i]), n->domain);

		err = len ? table_add(s->domains, &n->entry, n->domain, len, p) : -EINVAL;
	}
	return err;
}

/* Memory for the largest set these confs can make. */
static int reserve(struct peer_set *s, const struct conf_list *confs)
{
	const struct peer_conf *c = confs->items;
	size_t ndomains = 0, n = confs->n;
	int err = table_new(0, &s->names);

	if (!err)
		err = table_new(0, &s->domains);
	if (err || !n)
		return err;
	for (size_t i = 0; i < n; i++)
		ndomains += c[i].domains.n;
	s->peers = mem_buffer(n * sizeof(struct peer *));
	s->numbered = mem_buffer(n * sizeof(struct peer *));
	s->realms = mem_buffer(n * sizeof(*s->realms));
	s->certified = mem_buffer(n * sizeof(struct peer *));
	if (!s->peers || !s->numbered || !s->realms || !s->certified)
		return -ENOMEM;
	if (!ndomains)
		return 0;
	s->domain_names = mem_buffer(ndomains * sizeof(*s->domain_names));
	if (!s->domain_names)
		return -ENOMEM;
	memset(s->domain_names, 0, ndomains * sizeof(*s->domain_names));
	return 0;
}

static int add_peer(struct peer_set *s, const struct peer_conf *conf, void *owner,
		    struct peer_set *old)
{
	struct peer *p;
	int err = peer_new(conf, owner, old ? peer_find_name(old, conf->name) : NULL, &p);

	if (err)
		return err;
	err = peer_federation_join(p, s, old);
	if (err) {
		mem_unref(p);
		return err;
	}
	s->peers[s->npeers++] = p;
	s->has_ipsec |= conf->sec.admission == PEER_ADMIT_IPSEC;
	if (!conf->sources.n && conf->tls.names.n && !peer_tls_own_rules(conf))
		s->certified[s->ncertified++] = p;
	err = table_add(s->names, &p->by_name, p->name, strlen(p->name), p);
	if (!err)
		err = add_sources(s, p);
	if (!err)
		err = add_domains(s, p);
	return err;
}

static int by_number(const void *a, const void *b)
{
	uint32_t one = (*(struct peer *const *)a)->state->number;
	uint32_t two = (*(struct peer *const *)b)->state->number;

	return (one > two) - (one < two);
}

/* A peer is asked for by its number for every message: halving an array takes less than a hash. */
static void sort_numbers(struct peer_set *s)
{
	if (!s->npeers)
		return;
	memcpy(s->numbered, s->peers, s->npeers * sizeof(struct peer *));
	qsort(s->numbered, s->npeers, sizeof(struct peer *), by_number);
}

int peer_set_new(const struct conf_list *confs, void *owner, struct peer_set *old,
		 struct peer_set **ret_set)
{
	const struct peer_conf *c = confs->items;
	struct peer_set *s = mem_zalloc(sizeof(*s), peer_set_destroy);
	int err = s ? reserve(s, confs) : -ENOMEM;

	for (size_t i = 0; !err && i < confs->n; i++)
		err = add_peer(s, &c[i], owner, old);
	if (err) {
		mem_unref(s);
		return err;
	}
	sort_numbers(s);
	metric_register(&peer_metrics);
	metric_register(&peer_limit_metrics);
	metric_register(&peer_overload_metrics);
	metric_register(&peer_sec_metrics);
	metric_register(&peer_quality_metrics);
	*ret_set = s;
	return 0;
}

void peer_set_free(struct peer_set *s)
{
	mem_unref(s);
}

size_t peer_set_count(const struct peer_set *s)
{
	return s->npeers;
}

void peer_set_measure(struct peer_set *s)
{
	int64_t down = 0, blocked = 0;

	for (size_t i = 0; i < s->npeers; i++) {
		down += s->peers[i]->down;
		blocked += s->peers[i]->state->blocked;
	}
	metric_set(&peer_metrics, PEER_COUNT, (int64_t)s->npeers);
	metric_set(&peer_metrics, PEER_DOWN, down);
	metric_set(&peer_metrics, PEER_BLOCKED, blocked);
}

/* ---- finding */

struct peer *peer_find_source(const struct peer_set *s, const char *realm, const struct addr *from)
{
	const struct prefix_set *set = realm_find(s, realm);

	return set ? prefix_set_find(set, from) : NULL;
}

struct peer *peer_find_name(const struct peer_set *s, const char *name)
{
	return table_find(s->names, name, strlen(name));
}

struct peer *peer_find_number(const struct peer_set *s, uint32_t number)
{
	size_t low = 0, high = s->npeers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->numbered[middle]->state->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->npeers && s->numbered[low]->state->number == number ? s->numbered[low]
									    : NULL;
}

struct peer *peer_by_name(const struct peer_set *s, size_t nth)
{
	return nth < s->ncertified ? s->certified[nth] : NULL;
}

struct peer *peer_find_domain(const struct peer_set *s, const char *domain, size_t len_bytes)
{
	char key[DOMAIN_BYTES];
	size_t len = domain_key(domain, len_bytes, key);

	return len ? table_find(s->domains, key, len) : NULL;
}

bool peer_set_has_ipsec(const struct peer_set *s)
{
	return s->has_ipsec;
}

struct peer *peer_find_on_demand(const struct peer_set *s, const char *realm)
{
	for (size_t i = 0; i < s->npeers; i++) {
		const struct peer_conf *c = s->peers[i]->conf;

		if (c->mode == PEER_ON_DEMAND && !strcmp(c->realm, realm))
			return s->peers[i];
	}
	return NULL;
}

struct peer *peer_find_hop(const struct peer_set *s, const char *realm, const struct addr *to)
{
	for (size_t i = 0; i < s->npeers; i++) {
		struct peer *p = s->peers[i];

		if (strcmp(p->conf->realm, realm))
			continue;
		for (size_t k = 0; k < p->nhops; k++) {
			if (addr_equal(&p->hops[k].addr, to))
				return p;
		}
	}
	return NULL;
}

int peer_each(struct peer_set *s, peer_each_h *fn, void *arg)
{
	int stop = 0;

	for (size_t i = 0; !stop && i < s->npeers; i++)
		stop = fn(s->peers[i], arg);
	return stop;
}
