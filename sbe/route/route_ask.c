/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_ask - walks the sources of lookup and of location. A step that must wait keeps its place in struct
 * route_asking and goes on from the answer; nothing is allocated for a call that the routes decide.
 */
#include "sbe/route/route_ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/dns/dns_enum.h"
#include "sbe/dns/dns_target.h"
#include "sbe/route/route_private.h"

#define SUBJECT_BYTES (DNS_NAME_BYTES + 16)

struct route_asking {
	struct route_work w;
	struct route_query q;
	struct route_plan plan;
	struct route_env env;
	struct route_asker asker;
	struct route_set *set;
	char user[ROUTE_USER_BYTES], host[ROUTE_HOST_BYTES]; /* what the query points to */
	struct route_found *found;
	char domain[ROUTE_HOST_BYTES]; /* the target domain, when lookup has found it */
	char by[64];                   /* which lookup did */
	size_t lookup, location;       /* the next source of each */
	struct peer *peer;             /* whose next hops the DNS is asked for */
	struct dns_enum *asking_enum;
	struct dns_locating *locating;
};

static void go_on(struct route_asking *a);

static void asking_destroy(void *obj)
{
	struct route_asking *a = obj;

	dns_enum_cancel(a->asking_enum);
	dns_target_cancel(a->locating);
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

/* ---- words for operators */

static const char *dns_words(int err)
{
	return err == -ENOENT      ? "there is nothing of that name"
	       : err == -ETIMEDOUT ? "no name server answered in time"
	       : err == -EREMOTEIO ? "the name servers failed"
	       : err == -EACCES    ? "only addresses of private networks, which are not believed"
	       : err == -ELOOP     ? "a chain of records that does not end"
	       : err == -EBUSY     ? "too many questions are under way"
				   : "what came was no answer";
}

static void print_record(const struct dns_record *r, int type, char *buf, size_t size_bytes)
{
	char ip[64];

	if (type == DNS_SRV)
		snprintf(buf, size_bytes, "%u %u %u %.100s", r->u.srv.priority, r->u.srv.weight,
			 r->u.srv.port, r->u.srv.target);
	else if (type == DNS_NAPTR)
		snprintf(buf, size_bytes, "%u %u %.8s %.30s %.100s %.100s", r->u.naptr.order,
			 r->u.naptr.preference, r->u.naptr.flags, r->u.naptr.services,
			 r->u.naptr.regexp, r->u.naptr.replacement);
	else
		snprintf(buf, size_bytes, "%s", addr_print_ip(&r->u.addr, false, ip, sizeof(ip)));
}

/* An answer of the DNS as a step. */
static void told(void *arg, const char *name, int type, const struct dns_answer *answer,
		 uint64_t took_ms)
{
	struct route_asking *a = arg;
	char subject[SUBJECT_BYTES], text[400] = "";
	size_t n = 0;

	if (!a->w.why)
		return;
	snprintf(subject, sizeof(subject), "%s %s", dns_type_name(type), name);
	for (size_t i = 0; i < answer->n && i < 4 && n < sizeof(text) - 1; i++) {
		char record[280];

		print_record(&answer->records[i], type, record, sizeof(record));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "; " : "", record);
	}
	route_why(&a->w, "dns", subject,
		  answer->err     ? "nothing"
		  : answer->stale ? "old"
				  : "found",
		  "%s%s (%lu ms)", answer->err ? dns_words(answer->err) : text,
		  answer->n > 4 ? "; ..." : "", (unsigned long)took_ms);
}

/* ---- the end */

static void finish(struct route_asking *a)
{
	route_end(&a->w);
	if (a->plan.n)
		a->plan.found = a->found;
	a->asker.fn(a->asker.arg, &a->plan);
	mem_unref(a);
}

/* @return where results go that no configuration has; NULL without memory */
static struct route_found *found_of(struct route_asking *a)
{
	if (!a->found)
		a->found = mem_zalloc(sizeof(*a->found), NULL);
	return a->found;
}

/* ---- lookup: whose is it? */

static void set_domain(struct route_asking *a, const char *domain, const char *by)
{
	text_copy(a->domain, sizeof(a->domain), domain);
	text_copy(a->by, sizeof(a->by), by);
	if (found_of(a))
		text_copy(a->found->host, sizeof(a->found->host), domain);
}

/* user and host of a sip URI that dns_enum has let pass. */
static void split_uri(const char *uri, char user[ROUTE_USER_BYTES], char host[ROUTE_HOST_BYTES])
{
	const char *at = strchr(uri, ':') + 1, *sign = strchr(at, '@');
	size_t n = sign ? strcspn(at, ":@") : 0;

	snprintf(user, ROUTE_USER_BYTES, "%.*s", (int)n, at);
	if (sign)
		at = sign + 1;
	n = *at == '[' ? strcspn(at + 1, "]") : strcspn(at, ":;?");
	at += *at == '[';
	snprintf(host, ROUTE_HOST_BYTES, "%.*s", (int)n, at);
}

static void enum_found(void *arg, const struct dns_enum_found *f)
{
	struct route_asking *a = arg;
	char user[ROUTE_USER_BYTES], host[ROUTE_HOST_BYTES];

	a->asking_enum = NULL;
	for (size_t i = 0; i < f->n && !a->domain[0]; i++) {
		split_uri(f->uris[i], user, host);
		if (!host[0])
			continue;
		route_why(&a->w, "lookup", "enum", "found", "%s is %s", a->w.number, f->uris[i]);
		if (!found_of(a))
			break;
		text_copy(a->found->user, sizeof(a->found->user), user);
		if (!a->env.ours(a->env.arg, host)) {
			set_domain(a, host, "lookup enum");
			break;
		}
		/* E2: a number of our own: the routes know where it lives */
		text_copy(a->user, sizeof(a->user), user);
		text_copy(a->host, sizeof(a->host), host);
		a->q.ours = true;
		route_number(a->user, a->w.number, sizeof(a->w.number));
		if (route_by_table(&a->w) || a->w.matched) {
			text_copy(a->found->host, sizeof(a->found->host), host);
			break;
		}
	}
	if (!f->n)
		route_why(&a->w, "lookup", "enum", "nothing", "%s: %s", a->w.number,
			  dns_words(f->err));
	go_on(a);
}

/* @return true: it waits */
static bool ask_enum(struct route_asking *a, const struct route_step_conf *c)
{
	struct dns_enum_wish wish = {.number = a->w.number,
				     .suffix = c->suffix,
				     .deadline_ms = c->timeout_ms,
				     .told = a->w.why ? told : NULL};
	struct dns_enum *asking;

	if (!dns_enum_is_number(a->w.number)) {
		route_why(&a->w, "lookup", "enum", "nothing",
			  "%s is not a number with its country code, so it is not asked for",
			  a->w.number);
		return false;
	}
	if (!a->env.dns) {
		route_why(&a->w, "lookup", "enum", "nothing", "no name servers are configured");
		return false;
	}
	/* it may be answered at once: then go_on has run inside, and a may be gone */
	if (dns_enum_find(a->env.dns, &wish, enum_found, a, &asking))
		return false;
	if (asking)
		a->asking_enum = asking;
	return true;
}

/* @return true: it waits, or has gone on */
static bool look_up(struct route_asking *a)
{
	const struct route_step_conf *c = a->set->conf->lookup.items;

	c += a->lookup++;
	switch (c->type) {
	case LOOKUP_TABLE:
		route_why(&a->w, "lookup", "table", "nothing", "the routes name no target");
		return false;
	case LOOKUP_URI:
		if (a->q.ours || !a->q.host[0]) {
			route_why(&a->w, "lookup", "uri", "nothing",
				  "the Request-URI is one of ours");
			return false;
		}
		route_why(&a->w, "lookup", "uri", "found", "target domain %s", a->q.host);
		set_domain(a, a->q.host, "lookup uri");
		return false;
	default:
		return ask_enum(a, c);
	}
}

/* ---- location: where is that? */

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
	for (size_t i = 0; i < found->n; i++)
		add_found(a, &found->targets[i]);
	if (found->n)
		route_decide(&a->w, a->by);
	else
		route_why(&a->w, "location", "dns", "nothing", "%s: %s", a->domain,
			  dns_words(found->err));
	if (!found->n)
		a->w.down = true;
	go_on(a);
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
				.deadline_ms = c->timeout_ms,
				.told = a->w.why ? told : NULL};
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
	if (!route_usable(&a->w, p) || !a->env.dns || !found_of(a)) {
		route_why(&a->w, "location", "dns", "nothing", "%s",
			  a->env.dns ? "its peer cannot be used now"
				     : "no name servers are configured");
		return false;
	}
	mem_unref(a->peer);
	a->peer = mem_ref(p);
	wish.protos = a->env.protos(a->env.arg, c->realm, &wish.families);
	route_why(&a->w, "location", "dns", "asked", "%s, for peer %s%s", a->domain, p->name,
		  c->secure ? ", only over TLS" : "");
	if (dns_target_find(a->env.dns, &wish, random ? random : 1, located, a, &locating))
		return false;
	if (locating)
		a->locating = locating;
	return true;
}

static bool locate(struct route_asking *a)
{
	const struct route_step_conf *c = a->set->conf->location.items;

	c += a->location++;
	if (c->type == LOCATION_PEERS)
		return locate_peer(a), false;
	if (c->type == LOCATION_REDIRECT)
		return locate_redirect(a, c), false;
	return locate_dns(a, c);
}

/* ---- one source after the other */

/* On to the next source. Consumes a when all is known: nobody touches it after this. */
static void go_on(struct route_asking *a)
{
	const struct route_conf_lists *conf = a->set->conf;

	while (!a->plan.n) {
		if (a->domain[0]) {
			if (!conf->location.n)
				route_why(&a->w, "location", "", "nothing",
					  "no location source is configured");
			if (a->location == conf->location.n)
				break;
			if (locate(a))
				return;
		} else {
			/* a route that matches names the target even if nobody there can be used */
			if (a->w.matched || a->lookup == conf->lookup.n)
				break;
			if (look_up(a))
				return;
		}
	}
	finish(a);
}

static struct route_asking *asking_new(const struct route_work *w, const struct route_env *env,
				       const struct route_asker *asker)
{
	struct route_asking *a = mem_zalloc(sizeof(*a), asking_destroy);

	if (!a)
		return NULL;
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
	struct route_asking *a;

	*ret_asking = NULL;
	plan.n = 0;
	route_begin(&w);
	a = plan.n || w.matched ? NULL : asking_new(&w, env, asker);
	if (!a) {
		route_end(&w);
		asker->fn(asker->arg, &plan);
		return;
	}
	if (asker->begin)
		asker->begin(asker->arg);
	mem_ref(a);
	go_on(a);
	*ret_asking = mem_refs(a) > 1 ? a : NULL;
	mem_unref(a);
}
