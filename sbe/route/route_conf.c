/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_conf - field tables of routes, lookup and location, and the rules between them and the peers.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sbe/route/route_private.h"

#define FIELD(struct_name, member, name) .key = name, .offset = offsetof(struct struct_name, member)

static const struct conf_field to_fields[] = {
	{FIELD(route_to_conf, peer, "peer"), .type = CONF_NAME, .required = true,
	 .text = "Peer the call goes to."},
	{FIELD(route_to_conf, priority, "priority"), .type = CONF_UINT, .max = 65535, .def = "1",
	 .text = "Lower ones are tried first."},
	{FIELD(route_to_conf, weight, "weight"), .type = CONF_UINT, .max = 65535, .def = "1",
	 .text = "Share of the calls among those of the same priority."},
	CONF_END,
};

const struct conf_field route_conf_fields[] = {
	{FIELD(route_conf, name, "name"), .type = CONF_NAME, .required = true,
	 .text = "Name of the route in CDRs, logs and answers."},
	{FIELD(route_conf, from, "from"), .type = CONF_STRINGS, .max = ROUTE_FROM_MAX,
	 .text = "Peers whose calls it is for; absent = all."},
	{FIELD(route_conf, number, "number"), .type = CONF_STRING, .min = 1,
	 .max = ROUTE_NUMBER_BYTES - 1,
	 .text = "Prefix of the called number without visual separators; absent = all."},
	{FIELD(route_conf, domain, "domain"), .type = CONF_STRING, .min = 1,
	 .text = "Domain of the Request-URI; absent = all that are ours."},
	{FIELD(route_conf, to, "to"), .type = CONF_ARRAY, .required = true, .min = 1,
	 .max = ROUTE_TO_MAX, .fields = to_fields, .item_bytes = sizeof(struct route_to_conf),
	 .text = "Where the call goes."},
	CONF_END,
};

/* All types of the design are known by name, so that an operator reads what is missing. */
static const char *const lookup_words[] = {"table", "uri", "enum", "redirect", "https", NULL};
static const char *const location_words[] = {"peers", "redirect", "dns", "https", NULL};

#define STEP_FIELDS(type_words, type_text)                                                         \
	{FIELD(route_step_conf, type, "type"), .type = CONF_ENUM, .words = (type_words),           \
	 .required = true, .text = (type_text)},                                                   \
		{FIELD(route_step_conf, suffix, "suffix"), .type = CONF_STRING,                    \
		 .text = "Of type enum, which is not part of this version."},                      \
		{FIELD(route_step_conf, peer, "peer"), .type = CONF_NAME,                          \
		 .text = "Of type redirect, which is not part of this version."},                  \
		{FIELD(route_step_conf, url, "url"), .type = CONF_STRING,                          \
		 .text = "Of type https, which is not part of this version."},                     \
		CONF_END

const struct conf_field lookup_conf_fields[] = {STEP_FIELDS(
	lookup_words, "How a request finds its target domain: table (the routes) or uri "
		      "(the Request-URI's host if it is not ours).")};
const struct conf_field location_conf_fields[] = {STEP_FIELDS(
	location_words, "How a target domain finds its next hops: peers (the peer that owns "
			"it).")};

static int step_check(struct conf_reader *r, const struct route_step_conf *c, const char *kind,
		      const char *const *words, int last_built)
{
	if (c->type > last_built)
		return conf_fail(r, "type", "%s type %s is not part of this version", kind,
				 words[c->type]);
	if (c->suffix || c->peer || c->url)
		return conf_fail(r,
				 c->suffix ? "suffix"
				 : c->peer ? "peer"
					   : "url",
				 "does not belong to type %s", words[c->type]);
	return 0;
}

int lookup_conf_check(struct conf_reader *r, void *object)
{
	return step_check(r, object, "lookup", lookup_words, LOOKUP_URI);
}

int location_conf_check(struct conf_reader *r, void *object)
{
	return step_check(r, object, "location", location_words, LOCATION_PEERS);
}

int route_conf_check(struct conf_reader *r, void *object)
{
	const struct route_conf *c = object;
	char number[ROUTE_NUMBER_BYTES];

	if (!c->number)
		return 0;
	route_number(c->number, number, sizeof(number));
	if (!number[0] || number[strspn(number, "+0123456789*#ABCDabcd")])
		return conf_fail(r, "number", "must be the beginning of a number, such as +44");
	return 0;
}

/* ---- rules across objects */

static const struct peer_conf *find_peer(const struct conf_list *peers, const char *name)
{
	const struct peer_conf *c = peers->items;

	for (size_t i = 0; i < peers->n; i++) {
		if (!strcmp(c[i].name, name))
			return &c[i];
	}
	return NULL;
}

static int check_from(const struct conf_doc *doc, const struct route_conf *c, size_t nth,
		      const struct conf_list *peers, struct conf_error *err)
{
	const char *const *from = c->from.items;
	char at[64];

	for (size_t i = 0; i < c->from.n; i++) {
		if (find_peer(peers, from[i]))
			continue;
		snprintf(at, sizeof(at), "routes[%zu].from[%zu]", nth, i);
		return conf_fail_at(doc, at, err, "route %s: there is no peer \"%.64s\"", c->name,
				    from[i]);
	}
	return 0;
}

static int check_to(const struct conf_doc *doc, const struct route_conf *c, size_t nth,
		    const struct conf_list *peers, struct conf_error *err)
{
	const struct route_to_conf *to = c->to.items;
	char at[64];

	for (size_t i = 0; i < c->to.n; i++) {
		const struct peer_conf *p = find_peer(peers, to[i].peer);

		snprintf(at, sizeof(at), "routes[%zu].to[%zu].peer", nth, i);
		if (!p)
			return conf_fail_at(doc, at, err, "route %s: there is no peer \"%.64s\"",
					    c->name, to[i].peer);
		if (!p->next_hops.n)
			return conf_fail_at(doc, at, err, "route %s: peer %s has no next_hops",
					    c->name, p->name);
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(to[k].peer, to[i].peer))
				return conf_fail_at(doc, at, err, "route %s names peer %s twice",
						    c->name, p->name);
		}
	}
	return 0;
}

int route_conf_check_all(const struct conf_doc *doc, const struct route_conf_lists *c,
			 const struct conf_list *peers, struct conf_error *err)
{
	const struct route_conf *routes = c->routes.items;
	char at[64];
	int e = 0;

	for (size_t i = 0; !e && i < c->routes.n; i++) {
		e = check_from(doc, &routes[i], i, peers, err);
		if (!e)
			e = check_to(doc, &routes[i], i, peers, err);
		for (size_t k = 0; !e && k < i; k++) {
			if (strcmp(routes[k].name, routes[i].name))
				continue;
			snprintf(at, sizeof(at), "routes[%zu].name", i);
			e = conf_fail_at(doc, at, err, "there is another route %s", routes[i].name);
		}
	}
	return e;
}

/* ---- numbers */

static int hex(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* One character, escaped or not (RFC 3261 19.1.4: %2B is +). What no number or name has stays escaped: a control
 * character must not get into logs, nor a 0 byte cut the rest off. */
static char next_char(const char **text)
{
	const char *t = *text;
	int high = t[0] == '%' ? hex(t[1]) : -1, low = high >= 0 ? hex(t[2]) : -1;
	int c = low >= 0 ? high * 16 + low : 0;

	if (c <= ' ' || c > '~') {
		*text = t + 1;
		return t[0];
	}
	*text = t + 3;
	return (char)c;
}

const char *route_number(const char *user, char *buf, size_t size_bytes)
{
	/* parameters of a tel URI or of a telephone-subscriber (RFC 3966) */
	const char *end = user + strcspn(user, ";");
	size_t n = 0;
	bool number = user < end;

	for (const char *p = user; number && p < end;) {
		char c = next_char(&p);

		number = c && strchr("+0123456789*#ABCDabcd-.() ", c);
	}
	for (const char *p = user; p < end && n + 1 < size_bytes;) {
		char c = next_char(&p);

		if (!number || !strchr("-.() ", c))
			buf[n++] = c;
	}
	buf[n] = '\0';
	return buf;
}
