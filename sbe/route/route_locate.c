/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_locate - location (LRF): from a target domain to next hops, by the peer that owns it, a peer that redirects, or
 * the DNS.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/route/route_ask_private.h"

static bool comes_from_there(struct route_asking *a, const struct peer *p, const char *source)
{
	if (!a->q.from || strcmp(p->name, a->q.from->name) != 0)
		return false;
	route_why(&a->w, "location", source, "nothing",
		  "%s belongs to %s, where the call comes from: only a route may send it back",
		  a->domain, p->name);
	return true;
}

static bool pick(struct route_asking *a, struct peer *p)
{
	struct route_to to = {.peer = p, .priority = 1, .weight = 1};

	a->w.matched = true;
	if (!route_pick(&a->w, &to, 1))
		return false;
	route_decide(&a->w, a->by);
	return true;
}

static bool locate_peer(struct route_asking *a)
{
	struct peer *p = peer_find_domain(a->set->peers, a->domain, strlen(a->domain));

	if (!p) {
		route_why(&a->w, "location", "peers", "nothing", "no peer owns %s", a->domain);
		return false;
	}
	if (comes_from_there(a, p, "peers"))
		return false;
	if (!p->nhops) {
		a->w.matched = true; /* unless the DNS knows more */
		route_why(&a->w, "location", "peers", "nothing",
			  "%s belongs to peer %s, which has no next hop", a->domain, p->name);
		return false;
	}
	route_why(&a->w, "location", "peers", "found", "%s belongs to peer %s", a->domain, p->name);
	return pick(a, p);
}

static bool locate_redirect(struct route_asking *a, const struct route_step_conf *c)
{
	struct peer *p = peer_find_name(a->set->peers, c->peer);

	if (!p || comes_from_there(a, p, "redirect"))
		return false;
	route_why(&a->w, "location", "redirect", "found",
		  "peer %s is asked for %s with the INVITE itself", p->name, a->domain);
	return pick(a, p);
}

static void add_found(struct route_asking *a, const struct dns_target *t)
{
	static const char *const names[] = {"udp", "tcp", "tls"};
	struct route_found *f = a->found;
	struct route_plan *plan = &a->plan;
	struct peer_hop *h = &f->hops[f->nhops];
	char at[64], subject[224], nth[24];

	if (plan->n == ROUTE_CANDIDATES_MAX)
		return;
	*h = (struct peer_hop){.proto = (enum transport_proto)t->proto, .addr = t->addr};
	snprintf(h->uri, sizeof(h->uri), "sip:%s;transport=%s",
		 addr_print(&t->addr, at, sizeof(at)), names[t->proto]);
	plan->candidates[plan->n++] = (struct route_candidate){
		.peer = a->peer, .hop = ROUTE_HOP_FOUND + f->nhops++, .sed = a->w.sed};
	if (!a->w.why)
		return;
	snprintf(subject, sizeof(subject), "%s %s", a->peer->name, h->uri);
	snprintf(nth, sizeof(nth), "%zu", plan->n);
	route_why(&a->w, "candidate", subject, nth, "%s of %s", t->name, a->domain);
}

static void located(void *arg, const struct dns_located *found)
{
	struct route_asking *a = arg;

	a->locating = NULL;
	if (found->n)
		route_ask_holds(a, found->ttl_s, found->stale);
	for (size_t i = 0; i < found->n; i++)
		add_found(a, &found->targets[i]);
	if (found->n)
		route_decide(&a->w, a->by);
	else
		route_why(&a->w, "location", "dns", "nothing", "%s: %s", a->domain,
			  route_told_error(found->err));
	if (!found->n)
		a->w.down = true;
	route_ask_go_on(a);
}

/* The peer that answers for what the DNS finds: the owner of the domain, else the one for everybody. */
static struct peer *answers_for(struct route_asking *a, const char *realm)
{
	struct peer *p = peer_find_domain(a->set->peers, a->domain, strlen(a->domain));

	if (p && !strcmp(p->conf->realm, realm))
		return p;
	if (p)
		route_why(&a->w, "location", "dns", "nothing", "peer %s of %s is not in realm %s",
			  p->name, a->domain, realm);
	return p ? NULL : peer_find_on_demand(a->set->peers, realm);
}

/* @return true: it waits, or has gone on */
static bool locate_dns(struct route_asking *a, const struct route_step_conf *c)
{
	struct dns_wish wish = {.host = a->domain,
				.proto = -1,
				.secure = c->secure,
				.public_only = !c->allow_private,
				.deadline_ms = route_ask_time(a, c),
				.told = a->w.why ? route_told : NULL};
	struct peer *p = answers_for(a, c->realm);
	uint64_t random = a->set->random ^ clock_now_us();
	struct dns_locating *locating;

	if (!p) {
		route_why(&a->w, "location", "dns", "nothing",
			  "no peer owns %s and realm %s has no on-demand peer", a->domain,
			  c->realm);
		return false;
	}
	if (comes_from_there(a, p, "dns"))
		return false;
	a->w.matched = true;
	if (!route_usable(&a->w, p) || !a->env.dns || !route_ask_found(a)) {
		route_why(&a->w, "location", "dns", "nothing", "%s",
			  a->env.dns ? "its peer cannot be used now"
				     : "no name servers are configured");
		return false;
	}
	mem_unref(a->peer);
	a->peer = mem_ref(p);
	text_copy(a->found->prove, sizeof(a->found->prove), a->domain);
	wish.protos = a->env.protos(a->env.arg, c->realm, &wish.families);
	route_why(&a->w, "location", "dns", "asked", "%s, for peer %s%s", a->domain, p->name,
		  c->secure ? ", only over TLS" : "");
	if (dns_target_find(a->env.dns, &wish, random ? random : 1, located, a, &locating))
		return false;
	if (locating) {
		a->locating = locating;
		route_ask_waits(a);
	}
	return true;
}

bool route_locate_next(struct route_asking *a)
{
	static const char *const words[] = {"peers", "redirect", "dns"};
	const struct route_step_conf *c = a->set->conf->location.items;

	c += a->location++;
	if (!route_ask_may(a, c, "location", words[c->type]))
		return false;
	if (c->type == LOCATION_PEERS)
		return locate_peer(a), false;
	if (c->type == LOCATION_REDIRECT)
		return locate_redirect(a, c), false;
	return locate_dns(a, c);
}
