/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_conf - field tables of routes, lookup and location, and the rules between them and the peers.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sbe/dns/dns_record.h"
#include "sbe/peer/peer_conf.h"
#include "sbe/route/route_private.h"

#define FIELD(struct_name, member, name) .key = name, .offset = offsetof(struct struct_name, member)

static const struct conf_field to_fields[] = {
	{FIELD(route_to_conf, peer, "peer"), .type = CONF_NAME, .required = true,
	 .text = "Peer the call goes to."},
	{FIELD(route_to_conf, priority, "priority"), .type = CONF_UINT, .max = 65535, .def = "1",
	 .text = "Lower ones are tried first."},
	{FIELD(route_to_conf, weight, "weight"), .type = CONF_UINT, .max = 65535, .def = "1",
	 .text = "Share of the calls among those of the same priority and cost."},
	{FIELD(route_to_conf, cost, "cost"), .type = CONF_UINT, .max = 1000000, .def = "0",
	 .text = "Among those of the same priority the least cost is tried first."},
	{FIELD(route_to_conf, sed, "sed"), .type = CONF_OBJECT, .fields = route_sed_fields,
	 .check = route_sed_check, .item_bytes = sizeof(struct route_sed_conf),
	 .text = "What the request there looks like, and how many may go."},
	{FIELD(route_to_conf, quality, "quality"), .type = CONF_OBJECT,
	 .fields = route_quality_fields, .item_bytes = sizeof(struct route_quality_conf),
	 .text = "What its calls of late must have been like, else it is tried last."},
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
	{FIELD(route_conf, when, "when"), .type = CONF_OBJECT, .fields = route_when_fields,
	 .check = route_when_check, .item_bytes = sizeof(struct route_when_conf),
	 .text = "For which requests it is: method, time of day, where they come from."},
	{FIELD(route_conf, failover, "failover"), .type = CONF_OBJECT,
	 .fields = route_failover_fields, .check = route_failover_check,
	 .item_bytes = sizeof(struct route_failover_conf),
	 .text = "When the next candidate is tried, and how long all may take."},
	{FIELD(route_conf, to, "to"), .type = CONF_ARRAY, .required = true, .min = 1,
	 .max = ROUTE_TO_MAX, .fields = to_fields, .item_bytes = sizeof(struct route_to_conf),
	 .text = "Where the call goes."},
	CONF_END,
};

/* All types of the design are known by name, so that an operator reads what is missing. */
static const char *const lookup_words[] = {"table", "uri", "enum", "redirect", "https", NULL};
static const char *const location_words[] = {"peers", "redirect", "dns", "https", NULL};

#define STEP_TYPE(type_words, type_text)                                                           \
	{                                                                                          \
		FIELD(route_step_conf, type, "type"), .type = CONF_ENUM, .words = (type_words),    \
						      .required = true, .text = (type_text)        \
	}
#define STEP_TIMEOUT                                                                                    \
	{                                                                                               \
		FIELD(route_step_conf, timeout_ms, "timeout_ms"),                                       \
			.type = CONF_UINT, .min = 100, .max = 10000, .def = "2000",                     \
			.text = "How long a call may wait for this source; then the next one is asked." \
	}
#define STEP_PEER(type_text)                                                                       \
	{                                                                                          \
		FIELD(route_step_conf, peer, "peer"), .type = CONF_NAME, .text = (type_text)       \
	}
#define STEP_FROM                                                                                  \
	{                                                                                          \
		FIELD(route_step_conf, from, "from"),                                              \
			.type = CONF_STRINGS, .max = ROUTE_FROM_MAX,                               \
			.text = "Peers whose requests this source is asked for; absent = all."     \
	}
#define STEP_URL(url_text)                                                                         \
	{                                                                                          \
		FIELD(route_step_conf, url, "url"), .type = CONF_STRING, .max = 1000,              \
						    .text = (url_text)                             \
	}

const struct conf_field lookup_conf_fields[] = {
	STEP_TYPE(
		lookup_words,
		"How a request finds its target domain: table (the routes), uri (the Request-URI's host "
		"if it is not ours), enum (the number, in the DNS), redirect (a SIP server that answers "
		"a lookup INVITE with 3xx), or https (a service)."),
	STEP_FROM,
	{FIELD(route_step_conf, suffix, "suffix"), .type = CONF_STRING, .min = 1, .max = 200,
	 .text = "Of type enum: root of the numbers, e164.arpa or a private one."},
	STEP_PEER("Of type redirect: the peer that is asked; it needs redirect follow."),
	STEP_URL("Of type https: what is asked, by GET with the parameters user and host."),
	{FIELD(route_step_conf, tls, "tls"), .type = CONF_NAME,
	 .text = "Of type https: name in the section tls; what we show, and who may vouch for the server."},
	{FIELD(route_step_conf, secure, "secure"), .type = CONF_BOOL, .def = "true",
	 .text = "Of types redirect and https: nothing is asked in clear text."},
	STEP_TIMEOUT,
	CONF_END};
const struct conf_field location_conf_fields[] = {
	STEP_TYPE(
		location_words,
		"How a target domain finds its next hops: peers (the peer that owns it), redirect (a "
		"peer that answers with 3xx), or dns (NAPTR, SRV, addresses)."),
	STEP_FROM,
	STEP_PEER("Of type redirect: the peer that is asked; it needs redirect follow."),
	{FIELD(route_step_conf, realm, "realm"), .type = CONF_NAME,
	 .text = "Of type dns: the realm in which what is found is reached."},
	{FIELD(route_step_conf, secure, "secure"), .type = CONF_BOOL, .def = "true",
	 .text = "Of type dns: only what is reached over TLS."},
	{FIELD(route_step_conf, allow_private, "allow_private"), .type = CONF_BOOL, .def = "false",
	 .text = "Of type dns: believe addresses of private and local networks too."},
	STEP_URL("Of type https, which is not part of this version."),
	STEP_TIMEOUT,
	CONF_END};

/* Which keys belong to a type, which it cannot do without. */
struct step_key {
	const char *key;
	size_t offset;
	int type; /* that needs it; nobody else may have it */
};

static int step_check(struct conf_reader *r, const struct route_step_conf *c, const char *kind,
		      const char *const *words, const struct step_key *keys)
{
	for (; keys->key; keys++) {
		const char *value = *(const char *const *)((const char *)c + keys->offset);

		if (value && c->type != keys->type)
			return conf_fail(r, keys->key, "does not belong to type %s",
					 words[c->type]);
		if (!value && c->type == keys->type)
			return conf_fail(r, keys->key, "%s type %s needs it", kind, words[c->type]);
	}
	return 0;
}

static int refuse_type(struct conf_reader *r, const char *kind, const char *word)
{
	return conf_fail(r, "type", "%s type %s is not part of this version", kind, word);
}

#define STEP_KEY(member, key_type)                                                                 \
	{                                                                                          \
#member, offsetof(struct route_step_conf, member), key_type                        \
	}

static int url_check(struct conf_reader *r, const struct route_step_conf *c)
{
	bool https = !strncasecmp(c->url, "https://", 8);

	if (!https && strncasecmp(c->url, "http://", 7) != 0)
		return conf_fail(r, "url", "must begin with https://");
	if (!https && c->secure)
		return conf_fail(r, "url", "is clear text; use https://, or set secure to false");
	if (https && !c->tls)
		return conf_fail(r, "tls", "an https service needs it");
	for (const char *p = c->url; *p; p++) {
		if (*p <= ' ' || *p > '~' || strchr("#<>\"", *p))
			return conf_fail(r, "url", "has a character that must be escaped");
	}
	return 0;
}

int lookup_conf_check(struct conf_reader *r, void *object)
{
	static const struct step_key keys[] = {STEP_KEY(suffix, LOOKUP_ENUM),
					       STEP_KEY(peer, LOOKUP_REDIRECT),
					       STEP_KEY(url, LOOKUP_HTTPS),
					       {NULL, 0, 0}};
	const struct route_step_conf *c = object;

	if (c->type == LOOKUP_HTTPS && c->url && url_check(r, c))
		return -EINVAL;
	if (c->tls && c->type != LOOKUP_HTTPS)
		return conf_fail(r, "tls", "does not belong to type %s", lookup_words[c->type]);
	if (c->suffix && !dns_name_valid(c->suffix))
		return conf_fail(r, "suffix", "must be a domain without a final dot");
	return step_check(r, c, "lookup", lookup_words, keys);
}

int location_conf_check(struct conf_reader *r, void *object)
{
	static const struct step_key keys[] = {STEP_KEY(peer, LOCATION_REDIRECT),
					       STEP_KEY(realm, LOCATION_DNS),
					       STEP_KEY(url, -1),
					       {NULL, 0, 0}};
	const struct route_step_conf *c = object;

	if (c->type > LOCATION_DNS)
		return refuse_type(r, "location", location_words[c->type]);
	return step_check(r, c, "location", location_words, keys);
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

static int check_step_from(const struct conf_doc *doc, const struct route_step_conf *c,
			   const char *where, const struct conf_list *peers, struct conf_error *err)
{
	const char *const *from = c->from.items;
	char at[64];

	for (size_t i = 0; i < c->from.n; i++) {
		if (find_peer(peers, from[i]))
			continue;
		snprintf(at, sizeof(at), "%s.from[%zu]", where, i);
		return conf_fail_at(doc, at, err, "there is no peer \"%.64s\"", from[i]);
	}
	return 0;
}

/* Who is asked by SIP is trusted with it, and asked in clear text only if that is said (B16). */
static int check_lookup(const struct conf_doc *doc, const struct route_step_conf *c, size_t nth,
			const struct conf_list *peers, struct conf_error *err)
{
	const struct peer_conf *p = c->peer ? find_peer(peers, c->peer) : NULL;
	struct peer_hop hop;
	const char *why;
	char at[64];

	snprintf(at, sizeof(at), "lookup[%zu]", nth);
	if (check_step_from(doc, c, at, peers, err))
		return -EINVAL;
	if (!c->peer)
		return 0;
	snprintf(at, sizeof(at), "lookup[%zu].peer", nth);
	if (!p)
		return conf_fail_at(doc, at, err, "there is no peer \"%.64s\"", c->peer);
	if (!p->next_hops.n)
		return conf_fail_at(doc, at, err, "peer %s has no next_hops", p->name);
	if (p->redirect != PEER_REDIRECT_FOLLOW)
		return conf_fail_at(doc, at, err, "peer %s needs redirect follow", p->name);
	for (size_t i = 0; c->secure && i < p->next_hops.n; i++) {
		const char *text = ((const char *const *)p->next_hops.items)[i];

		if (!peer_hop_parse(text, &hop, &why) && hop.proto != TRANSPORT_TLS)
			return conf_fail_at(
				doc, at, err,
				"next hop %.80s of peer %s is clear text; set secure to false",
				text, p->name);
	}
	return 0;
}

/* A redirect asks a peer that is there and can be reached; dns needs somebody who answers for what it finds. */
static int check_location(const struct conf_doc *doc, const struct route_step_conf *c, size_t nth,
			  const struct conf_list *peers, struct conf_error *err)
{
	const struct peer_conf *p = c->peer ? find_peer(peers, c->peer) : NULL;
	char at[64];

	snprintf(at, sizeof(at), "location[%zu]", nth);
	if (check_step_from(doc, c, at, peers, err))
		return -EINVAL;
	if (!c->peer)
		return 0;
	snprintf(at, sizeof(at), "location[%zu].peer", nth);
	if (!p)
		return conf_fail_at(doc, at, err, "there is no peer \"%.64s\"", c->peer);
	if (!p->next_hops.n)
		return conf_fail_at(doc, at, err, "peer %s has no next_hops", p->name);
	return 0;
}

int route_conf_check_all(const struct conf_doc *doc, const struct route_conf_lists *c,
			 const struct conf_list *peers, struct conf_error *err)
{
	const struct route_step_conf *location = c->location.items, *lookup = c->lookup.items;
	const struct route_conf *routes = c->routes.items;
	char at[64];
	int e = 0;

	for (size_t i = 0; !e && i < c->lookup.n; i++)
		e = check_lookup(doc, &lookup[i], i, peers, err);
	for (size_t i = 0; !e && i < c->location.n; i++)
		e = check_location(doc, &location[i], i, peers, err);

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
