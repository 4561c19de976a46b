/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_federation.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "sbe/peer/peer.h"

/* ---- configuration */

#define FIELD(struct_name, member, name) .key = name, .offset = offsetof(struct struct_name, member)

const struct conf_field peer_federation_cap_fields[] = {
	{FIELD(peer_federation_cap, sessions, "sessions"), .type = CONF_UINT, .def = "0",
	 .text = "Calls at the same time of all members together, both directions; 0 = no limit."},
	{FIELD(peer_federation_cap, cps, "cps"), .type = CONF_UINT, .max = 1000000, .def = "0",
	 .text = "New calls per second of all members together, both directions; 0 = no limit."},
	CONF_END,
};

const struct conf_field peer_federation_fields[] = {
	{FIELD(peer_federation_conf, cap, "cap"), .type = CONF_OBJECT,
	 .fields = peer_federation_cap_fields, .item_bytes = sizeof(struct peer_federation_cap),
	 .text = "What all members may use together, beside the limits of each."},
	{FIELD(peer_federation_conf, rules, "rules"), .type = CONF_OBJECT,
	 .fields = peer_conf_fields, .item_bytes = sizeof(struct peer_conf),
	 .text = "Keys of peers that count for each member which does not say something else itself."},
	CONF_END,
};

static const struct peer_federation_conf *find(const struct conf_list *list, const char *name)
{
	const struct peer_federation_conf *f = list->items;

	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(f[i].name, name))
			return &f[i];
	}
	return NULL;
}

static int bind_one(const struct conf_doc *doc, const struct conf_list *federations,
		    struct peer_conf *c, struct conf_error *err)
{
	const char *const *names = c->federations.names.items;
	char at[160];

	c->federations.n = 0;
	for (size_t i = 0; i < c->federations.names.n && i < PEER_FEDERATIONS_MAX; i++) {
		const struct peer_federation_conf *f = find(federations, names[i]);

		snprintf(at, sizeof(at), "peers.%s.federations[%zu]", c->name, i);
		if (!f)
			return conf_fail_at(doc, at, err, "there is no \"%.64s\" in federations",
					    names[i]);
		for (size_t k = 0; k < i; k++) {
			if (c->federations.of[k] == f)
				return conf_fail_at(doc, at, err, "is listed twice");
		}
		c->federations.of[c->federations.n++] = f;
	}
	return 0;
}

/* What makes a peer this one peer cannot be shared. */
static int check_rules(const struct conf_doc *doc, const struct peer_federation_conf *f,
		       struct conf_error *err)
{
	const struct peer_conf *r = &f->rules;
	const struct {
		const char *key;
		bool there;
	} own[] = {
		{"sources", r->sources.n > 0},     {"domains", r->domains.n > 0},
		{"next_hops", r->next_hops.n > 0}, {"federations", r->federations.names.n > 0},
		{"mode", r->mode != PEER_STATIC},  {"peering", r->peering != NULL},
		{"document", r->document != NULL},
	};
	char at[160];

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (!own[i].there)
			continue;
		snprintf(at, sizeof(at), "federations.%s.rules.%s", f->name, own[i].key);
		return conf_fail_at(doc, at, err, "belongs to one peer, so it cannot be shared");
	}
	return 0;
}

int peer_federation_bind(const struct conf_doc *doc, const struct conf_list *federations,
			 struct conf_list *peers, struct conf_error *err)
{
	const struct peer_federation_conf *f = federations->items;
	struct peer_conf *c = peers->items;
	int e = 0;

	for (size_t i = 0; !e && i < federations->n; i++)
		e = check_rules(doc, &f[i], err);
	for (size_t i = 0; !e && i < peers->n; i++)
		e = bind_one(doc, federations, &c[i], err);
	return e;
}

/* ---- what they share at run time */

struct search {
	const char *name;
	struct peer_federation *found;
};

static int search_one(struct peer *p, void *arg)
{
	struct search *s = arg;

	for (size_t i = 0; i < p->member.n && !s->found; i++) {
		if (!strcmp(p->member.of[i]->name, s->name))
			s->found = p->member.of[i];
	}
	return s->found != NULL;
}

int peer_federation_join(struct peer *p, struct peer_set *now, struct peer_set *before)
{
	const struct peer_membership *m = &p->conf->federations;

	for (size_t i = 0; i < m->n; i++) {
		struct search s = {.name = m->of[i]->name};

		if (!peer_each(now, search_one, &s) && before)
			(void)peer_each(before, search_one, &s);
		if (s.found) {
			mem_ref(s.found);
		} else {
			s.found = mem_zalloc(sizeof(*s.found), NULL);
			if (!s.found)
				return -ENOMEM;
			text_copy(s.found->name, sizeof(s.found->name), s.name);
		}
		p->member.of[p->member.n++] = s.found;
	}
	return 0;
}

void peer_federation_leave(struct peer *p)
{
	while (p->member.n)
		mem_unref(p->member.of[--p->member.n]);
}

static const struct peer_federation_cap *cap_of(const struct peer *p, size_t i)
{
	return &p->conf->federations.of[i]->cap;
}

/* The cap is the configuration's: a reload that is refused later has changed nothing. */
static struct rate *rate_of(struct peer *p, size_t i, uint64_t now_us)
{
	struct rate *r = &p->member.of[i]->rate;
	uint32_t cps = cap_of(p, i)->cps;

	if (r->per_s != cps)
		rate_init(r, cps, cps, now_us);
	return r;
}

static enum peer_limit refusal(struct peer *p, size_t i, uint64_t now_us)
{
	uint32_t most = cap_of(p, i)->sessions;

	if (most && p->member.of[i]->sessions >= most)
		return PEER_LIMIT_FEDERATION_SESSIONS;
	return rate_has(rate_of(p, i, now_us), 1, now_us) ? PEER_LIMIT_NONE
							  : PEER_LIMIT_FEDERATION_CPS;
}

enum peer_limit peer_federation_would_refuse(struct peer *p, uint64_t now_us)
{
	enum peer_limit l = PEER_LIMIT_NONE;

	for (size_t i = 0; i < p->member.n && l == PEER_LIMIT_NONE; i++)
		l = refusal(p, i, now_us);
	return l;
}

void peer_federation_refused(struct peer *p, enum peer_limit l)
{
	const bool sessions = l == PEER_LIMIT_FEDERATION_SESSIONS;

	if (!sessions && l != PEER_LIMIT_FEDERATION_CPS)
		return;
	for (size_t i = 0; i < p->member.n; i++) {
		const struct peer_federation_cap *cap = cap_of(p, i);

		if (sessions ? cap->sessions && p->member.of[i]->sessions >= cap->sessions
			     : cap->cps > 0)
			p->member.of[i]->limited++;
	}
}

void peer_federation_take(struct peer *p, bool token, uint64_t now_us)
{
	for (size_t i = 0; i < p->member.n; i++) {
		p->member.of[i]->sessions++;
		if (token)
			(void)rate_take(rate_of(p, i, now_us), 1, now_us);
	}
}

void peer_federation_give(struct peer *p)
{
	for (size_t i = 0; i < p->member.n; i++) {
		if (p->member.of[i]->sessions > 0)
			p->member.of[i]->sessions--;
	}
}
