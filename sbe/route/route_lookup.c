/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_lookup - lookup (LUF): from a request to a target URI, by its own host, ENUM, or a server that is asked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "sbe/route/route_ask_private.h"

/* ---- what was found ---- */

/* The target is of this host; next hops are looked for at next. */
static void set_target(struct route_asking *a, const char *host, const char *next, const char *by)
{
	text_copy(a->domain, sizeof(a->domain), next);
	text_copy(a->by, sizeof(a->by), by);
	if (!route_ask_found(a))
		return;
	text_copy(a->found->host, sizeof(a->found->host), host);
	text_copy(a->found->prove, sizeof(a->found->prove), next);
}

/* E2: it is one of our own: the routes know where it lives. @return it is settled */
static bool is_inside(struct route_asking *a, const char *user, const char *host)
{
	text_copy(a->user, sizeof(a->user), user);
	text_copy(a->host, sizeof(a->host), host);
	a->q.ours = true;
	route_number(a->user, a->w.number, sizeof(a->w.number));
	if (!route_by_table(&a->w) && !a->w.matched)
		return false;
	text_copy(a->found->host, sizeof(a->found->host), host);
	return true;
}

/* ---- ENUM ---- */

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
	if (f->n)
		route_ask_holds(a, f->ttl_s, f->stale);
	for (size_t i = 0; i < f->n && !a->domain[0]; i++) {
		split_uri(f->uris[i], user, host);
		if (!host[0])
			continue;
		route_why(&a->w, "lookup", "enum", "found", "%s is %s", a->w.number, f->uris[i]);
		if (!route_ask_found(a))
			break;
		text_copy(a->found->user, sizeof(a->found->user), user);
		if (!a->env.ours(a->env.arg, host))
			set_target(a, host, host, "lookup enum");
		else if (is_inside(a, user, host))
			break;
	}
	if (!f->n)
		route_why(&a->w, "lookup", "enum", "nothing", "%s: %s", a->w.number,
			  route_told_error(f->err));
	if (!f->n && f->err != -ENOENT && f->err != -ELOOP)
		a->w.failed = true;
	route_ask_go_on(a);
}

/* @return true: it waits */
static bool ask_enum(struct route_asking *a, const struct route_step_conf *c)
{
	struct dns_enum_wish wish = {.number = a->w.number,
				     .suffix = c->suffix,
				     .deadline_ms = route_ask_time(a, c),
				     .told = a->w.why ? route_told : NULL};
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
	if (asking) {
		a->asking_enum = asking;
		route_ask_waits(a);
	}
	return true;
}

/* ---- servers ---- */

static const char *age_of(const struct route_luf_said *said)
{
	return said->stale    ? "an old answer, since nobody answers now"
	       : said->cached ? "known from before"
			      : "asked now";
}

static void take_answer(struct route_asking *a, const struct route_luf_said *said)
{
	const struct route_luf_answer *x = said->answer;
	const char *next = x->next[0] ? x->next : x->host;

	route_ask_holds(a, said->ttl_s, said->stale);
	route_why(&a->w, "lookup", a->by, "found", "target %s%s%s%s%s, good for %u s, %s", x->user,
		  x->user[0] ? "@" : "", x->host, x->next[0] ? ", by way of " : "", x->next,
		  said->ttl_s, age_of(said));
	if (!route_ask_found(a))
		return;
	text_copy(a->found->user, sizeof(a->found->user), x->user);
	mem_unref(a->found->sed);
	a->w.sed = a->found->sed = mem_ref(x->sed);
	if (a->env.ours(a->env.arg, next))
		(void)is_inside(a, x->user, next);
	else
		set_target(a, x->host, next, a->by);
}

static void luf_said(void *arg, const struct route_luf_said *said)
{
	struct route_asking *a = arg;

	a->luf = NULL;
	switch (said->answer->result) {
	case ROUTE_LUF_FOUND:
		take_answer(a, said);
		break;
	case ROUTE_LUF_NONE:
		route_why(&a->w, "lookup", a->by, "nothing", "it knows nobody of that name (%s)",
			  age_of(said));
		break;
	case ROUTE_LUF_DENIED:
		route_why(&a->w, "lookup", a->by, "denied", "we have no permission to know (%s)",
			  age_of(said));
		a->plan.denied = true;
		break;
	default:
		route_why(&a->w, "lookup", a->by, "failed", "%s", said->answer->why);
		a->w.failed = true;
		break;
	}
	route_ask_go_on(a);
}

static const char *luf_error(int err)
{
	return err == -ENODATA   ? "it is only asked by SIP, and nothing of it is known yet"
	       : err == -ENOTSUP ? "there is no way to ask it"
	       : err == -EACCES  ? "it could only be asked in clear text"
	       : err == -EBUSY   ? "too many questions are under way"
				 : "it cannot be asked";
}

/* @return true: it waits, or has gone on */
static bool ask_server(struct route_asking *a, const struct route_step_conf *c)
{
	bool sip = c->type == LOOKUP_REDIRECT;
	struct route_luf_question q = {.step = c,
				       .user = a->w.number,
				       .host = a->q.ours ? "" : a->q.host,
				       .deadline_ms = route_ask_time(a, c),
				       .cached_only = sip && a->q.no_sip,
				       .fn = luf_said,
				       .arg = a};
	struct route_luf_wait *wait;
	int err = -ENOTSUP;

	snprintf(a->by, sizeof(a->by), "lookup %s", sip ? "redirect" : "https");
	if (sip)
		q.peer = peer_find_name(a->set->peers, c->peer);
	/* it may be answered at once: then go_on has run inside, and a may be gone */
	if (a->env.luf)
		err = route_luf_ask(a->env.luf, &q, &wait);
	if (err) {
		a->w.failed |= err != -ENODATA;
		route_why(&a->w, "lookup", a->by, err == -ENODATA ? "skipped" : "failed", "%s",
			  luf_error(err));
		return false;
	}
	if (wait) {
		a->luf = wait;
		route_ask_waits(a);
	}
	return true;
}

/* ---- one source ---- */

bool route_lookup_next(struct route_asking *a)
{
	static const char *const words[] = {"table", "uri", "enum", "redirect", "https"};
	const struct route_step_conf *c = a->set->conf->lookup.items;

	c += a->lookup++;
	if (!route_ask_may(a, c, "lookup", words[c->type]))
		return false;
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
		set_target(a, a->q.host, a->q.host, "lookup uri");
		return false;
	case LOOKUP_ENUM:
		return ask_enum(a, c);
	default:
		return ask_server(a, c);
	}
}
