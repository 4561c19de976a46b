/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_conf - the field table of a peer, and the rules a table cannot say.
 */
#include "sbe/peer/peer_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

#define SIP_PORT 5060
#define SIPS_PORT 5061

/* ---- next hops */

static int hop_refuse(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

static int hop_transport(const char *params, enum transport_proto *ret_proto, const char **ret_why)
{
	static const struct {
		const char *text;
		enum transport_proto proto;
	} known[] = {{";transport=udp", TRANSPORT_UDP},
		     {";transport=tcp", TRANSPORT_TCP},
		     {";transport=tls", TRANSPORT_TLS}};

	*ret_proto = TRANSPORT_UDP;
	if (!*params)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcasecmp(params, known[i].text)) {
			*ret_proto = known[i].proto;
			return 0;
		}
	}
	return hop_refuse(ret_why,
			  "the only parameter of a next hop is ;transport=udp, tcp or tls");
}

int peer_hop_parse(const char *text, struct peer_hop *ret_hop, const char **ret_why)
{
	struct peer_hop hop = {0};
	char host[sizeof(hop.uri)];
	size_t n;

	if (!strncasecmp(text, "sips:", 5))
		return hop_refuse(ret_why, "write sip: with ;transport=tls instead of sips:");
	if (strncasecmp(text, "sip:", 4))
		return hop_refuse(ret_why, "must be sip:IP[:port][;transport=udp|tcp|tls]");
	if (strlen(text) >= sizeof(hop.uri))
		return hop_refuse(ret_why, "is too long for a numeric sip URI");
	n = strcspn(text + 4, ";");
	memcpy(host, text + 4, n);
	host[n] = '\0';
	if (memchr(host, '@', n))
		return hop_refuse(ret_why, "a next hop has no user part");
	/* a bare IPv6 address would be ambiguous with a port: URIs have it in brackets */
	if ((host[0] != '[' && strchr(host, ':') != strrchr(host, ':')) ||
	    addr_parse(host, &hop.addr))
		return hop_refuse(
			ret_why, "must be sip:IP[:port] with a numeric address (IPv6 in brackets); "
				 "names are not looked up in this version");
	if (addr_is_any(&hop.addr) || addr_is_multicast(&hop.addr))
		return hop_refuse(ret_why, "must be the address of one host");
	if (hop_transport(text + 4 + n, &hop.proto, ret_why))
		return -EINVAL;
	if (!hop.addr.port && strchr(host[0] == '[' ? strchr(host, ']') : host, ':'))
		return hop_refuse(ret_why, "port 0 cannot be sent to");
	if (!hop.addr.port)
		hop.addr.port = hop.proto == TRANSPORT_TLS ? SIPS_PORT : SIP_PORT;
	snprintf(hop.uri, sizeof(hop.uri), "%s", text);
	*ret_hop = hop;
	return 0;
}

/* ---- the table */

static const char *const prack_words[] = {"off", "supported", "required", NULL};
static const char *const redirect_words[] = {"refuse", "follow", NULL};
static const char *const transfer_words[] = {"refuse", "relay", "absorb", NULL};

#define FIELD(struct_name, member, name) .key = name, .offset = offsetof(struct struct_name, member)

static const struct conf_field probe_fields[] = {
	{FIELD(peer_probe_conf, interval_s, "interval_s"), .type = CONF_UINT, .max = 3600,
	 .def = "0",
	 .text = "Send OPTIONS to each next hop every so many seconds; 0 = no probing."},
	{FIELD(peer_probe_conf, down_after, "down_after"), .type = CONF_UINT, .min = 1, .max = 100,
	 .def = "3", .text = "Failed probes in a row that take a next hop out of use."},
	{FIELD(peer_probe_conf, up_after, "up_after"), .type = CONF_UINT, .min = 1, .max = 100,
	 .def = "1", .text = "Answered probes in a row that bring it back."},
	CONF_END,
};

/* "sip" is an object in the file only: its members lie in struct peer_conf itself. */
static const struct conf_field sip_fields[] = {
	{FIELD(peer_conf, try_ms, "try_ms"), .type = CONF_UINT, .min = 100, .max = 32000,
	 .def = "4000",
	 .text = "How long a next hop may take for its first response before the next one is tried."},
	{FIELD(peer_conf, ring_s, "ring_s"), .type = CONF_UINT, .min = 1, .max = 3600, .def = "180",
	 .text = "How long a call may ring."},
	{FIELD(peer_conf, standing, "standing"), .type = CONF_BOOL, .def = "false",
	 .text = "Open connections to its tcp and tls next hops at the start and keep them; one that cannot be had is down."},
	{FIELD(peer_conf, udp_max_bytes, "udp_max_bytes"), .type = CONF_UINT, .max = 65535,
	 .def = "1300",
	 .text = "A request larger than this to a udp next hop goes by TCP, and by UDP if that is refused (RFC 3261 "
		 "18.1.1); 0 = always by UDP."},
	{FIELD(peer_conf, prack, "prack"), .type = CONF_ENUM, .words = prack_words,
	 .def = "supported",
	 .text = "Reliable provisional responses (RFC 3262): never, when the peer takes them, or required of it."},
	{FIELD(peer_conf, in_dialog, "in_dialog"), .type = CONF_OBJECT,
	 .fields = peer_in_dialog_fields, .item_bytes = sizeof(struct peer_in_dialog_conf),
	 .text = "Requests inside a call that go to the other side."},
	{FIELD(peer_conf, refer, "refer"), .type = CONF_ENUM, .words = transfer_words,
	 .def = "refuse",
	 .text = "A transfer that the peer asks for with REFER: refuse = 403; relay = the other side does it, with "
		 "names it may see; absorb = we call the target and join it to the other side."},
	{FIELD(peer_conf, replaces, "replaces"), .type = CONF_ENUM, .words = transfer_words,
	 .def = "refuse",
	 .text = "An INVITE of the peer that replaces one of its calls: refuse = 403; relay = the other side does "
		 "it, with identifiers it knows; absorb = we join the new call to the other side."},
	{FIELD(peer_conf, session, "session_timer"), .type = CONF_OBJECT,
	 .fields = peer_session_fields, .check = peer_session_check,
	 .item_bytes = sizeof(struct peer_session_conf), .text = "Session timers of its calls."},
	CONF_END,
};

/* sbe/peering has read it before, for what it says stands in other keys by now. */
static int read_peering(struct conf_reader *r, const json_t *value, void *out)
{
	if (!json_is_object(value))
		return conf_fail(r, NULL, "must be an object { ... }");
	*(const json_t **)out = value;
	return 0;
}

static const char *const mode_words[] = {"static", "on-demand", NULL}; /* as enum peer_mode */
static const char *const role_words[] = {"terminal", "transit", NULL}; /* as enum peer_role */

const struct conf_field peer_conf_fields[] = {
	{FIELD(peer_conf, mode, "mode"), .type = CONF_ENUM, .words = mode_words, .def = "static",
	 .text = "static: agreed beforehand; on-demand: whoever is no other peer of the realm, under these limits."},
	{FIELD(peer_conf, role, "role"), .type = CONF_ENUM, .words = role_words, .def = "terminal",
	 .text = "terminal: its calls are its own users'; transit: it carries calls of others, hop by hop."},
	{FIELD(peer_conf, realm, "realm"), .type = CONF_NAME,
	 .text = "Realm the peer is reached in; required, here or in a federation."},
	{FIELD(peer_conf, federations.names, "federations"), .type = CONF_STRINGS,
	 .max = PEER_FEDERATIONS_MAX,
	 .text = "Names from federations whose rules are the peer's too; its own values win."},
	{FIELD(peer_conf, peering, "peering"), .type = CONF_CUSTOM, .custom = read_peering,
	 .item_bytes = sizeof(const json_t *),
	 .text = "What was agreed, in the schema of peering documents (docs/peering.md); the peer's own keys win."},
	{FIELD(peer_conf, document, "document"), .type = CONF_STRING, .min = 1, .max = 4095,
	 .text = "File with the peering document that the peer gave us; its own keys and peering win."},
	{FIELD(peer_conf, sources, "sources"), .type = CONF_PREFIXES, .max = 256,
	 .text = "Addresses or prefixes its requests come from; the longest prefix of a realm wins."},
	{FIELD(peer_conf, domains, "domains"), .type = CONF_STRINGS, .max = 256,
	 .text = "Domains the peer owns; the first is what Request-URIs towards it carry."},
	{FIELD(peer_conf, next_hops, "next_hops"), .type = CONF_STRINGS, .max = PEER_HOPS_MAX,
	 .text = "Where its requests go, in order: sip:IP[:port][;transport=udp|tcp|tls]."},
	{FIELD(peer_conf, limits, "limits"), .type = CONF_OBJECT, .fields = peer_limits_fields,
	 .item_bytes = sizeof(struct peer_limits), .text = "How much the peer may use."},
	{FIELD(peer_conf, lookups, "lookups"), .type = CONF_OBJECT, .fields = peer_lookup_fields,
	 .item_bytes = sizeof(struct peer_lookup_conf),
	 .text = "How much its requests may make us look up."},
	{FIELD(peer_conf, media, "media"), .type = CONF_OBJECT, .fields = peer_media_fields,
	 .check = peer_media_check, .item_bytes = sizeof(struct peer_media_conf),
	 .text = "Rules for its media."},
	{FIELD(peer_conf, ingress, "ingress"), .type = CONF_OBJECT, .fields = peer_ingress_fields,
	 .item_bytes = sizeof(struct peer_ingress_conf), .text = "What it may ask of us."},
	{FIELD(peer_conf, probe, "probe"), .type = CONF_OBJECT, .fields = probe_fields,
	 .item_bytes = sizeof(struct peer_probe_conf),
	 .text = "Watching its next hops with OPTIONS."},
	{FIELD(peer_conf, overload, "overload"), .type = CONF_OBJECT,
	 .fields = peer_overload_fields, .check = peer_overload_check,
	 .item_bytes = sizeof(struct peer_overload_conf),
	 .text = "What is agreed for times of overload."},
	{FIELD(peer_conf, use, "use"), .type = CONF_STRINGS, .max = 16,
	 .text = "Names from policies whose rules are the peer's too; its own values win."},
	{FIELD(peer_conf, policy, "policy"), .type = CONF_OBJECT, .fields = peer_policy_fields,
	 .item_bytes = sizeof(struct peer_policy),
	 .text = "Headers, identities, numbers, causes and bodies."},
	{.key = "sip",
	 .offset = 0,
	 .type = CONF_OBJECT,
	 .fields = sip_fields,
	 .text = "How its calls are signalled."},
	{FIELD(peer_conf, tls, "tls"), .type = CONF_OBJECT, .fields = peer_tls_fields,
	 .item_bytes = sizeof(struct peer_tls_conf), .text = "Its identity."},
	{FIELD(peer_conf, sec, "sec"), .type = CONF_OBJECT, .fields = peer_sec_fields,
	 .item_bytes = sizeof(struct peer_sec_conf), .text = "Over what it is taken."},
	{FIELD(peer_conf, net, "net"), .type = CONF_OBJECT, .fields = peer_net_fields,
	 .item_bytes = sizeof(struct peer_net_conf), .text = "What it is told of our side."},
	{FIELD(peer_conf, im, "im"), .type = CONF_OBJECT, .fields = peer_im_fields,
	 .item_bytes = sizeof(struct peer_im_conf), .text = "Messages outside of calls."},
	{FIELD(peer_conf, presence, "presence"), .type = CONF_OBJECT,
	 .fields = peer_presence_fields, .item_bytes = sizeof(struct peer_presence_conf),
	 .text = "Subscriptions and what is published."},
	{FIELD(peer_conf, auth, "auth"), .type = CONF_OBJECT, .fields = peer_auth_fields,
	 .check = peer_auth_check, .item_bytes = sizeof(struct peer_auth_conf),
	 .text = "Digest with it, in both roles."},
	{FIELD(peer_conf, perf, "perf"), .type = CONF_OBJECT, .fields = peer_perf_fields,
	 .item_bytes = sizeof(struct peer_perf_conf),
	 .text = "How well its calls shall fare, and over which time that is measured."},
	{FIELD(peer_conf, redirect, "redirect"), .type = CONF_ENUM, .words = redirect_words,
	 .def = "refuse",
	 .text = "What its 3xx are: a refusal, or where to send the call, if that is another peer of ours."},
	CONF_END,
};

/* ---- rules */

static int check_hops(const struct conf_doc *doc, const char *path, const struct peer_conf *c,
		      struct conf_error *err)
{
	const char *const *texts = c->next_hops.items;
	char at[256];

	for (size_t i = 0; i < c->next_hops.n; i++) {
		struct peer_hop hop;
		const char *why = "";

		if (!peer_hop_parse(texts[i], &hop, &why))
			continue;
		snprintf(at, sizeof(at), "%s.%s.next_hops[%zu]", path, c->name, i);
		return conf_fail_at(doc, at, err, "\"%.80s\": %s", texts[i], why);
	}
	if (c->sources.n || c->next_hops.n || c->tls.names.n || c->domains.n ||
	    c->mode == PEER_ON_DEMAND)
		return peer_tls_check(doc, path, c, err);
	snprintf(at, sizeof(at), "%s.%s", path, c->name);
	return conf_fail_at(
		doc, at, err,
		"needs sources (to call us), next_hops (to be called), or domains (to be "
		"found in the DNS)");
}

/* Who stands for everybody is one of a realm, claims nothing, and has limits (A11). */
static int check_on_demand(const struct conf_doc *doc, const char *path,
			   const struct conf_list *confs, size_t nth, struct conf_error *err)
{
	const struct peer_conf *all = confs->items, *c = &all[nth];
	char at[256];

	if (c->mode != PEER_ON_DEMAND)
		return 0;
	snprintf(at, sizeof(at), "%s.%s", path, c->name);
	if (c->sources.n || c->next_hops.n || c->domains.n)
		return conf_fail_at(
			doc, at, err,
			"an on-demand peer stands for all others of its realm: it has no "
			"sources, domains or next_hops");
	if (!c->limits.sessions || !c->limits.cps)
		return conf_fail_at(doc, at, err,
				    "an on-demand peer needs limits.sessions and limits.cps");
	for (size_t i = 0; i < nth; i++) {
		if (all[i].mode == PEER_ON_DEMAND && !strcmp(all[i].realm, c->realm))
			return conf_fail_at(doc, at, err,
					    "realm %s has the on-demand peer %s already", c->realm,
					    all[i].name);
	}
	return 0;
}

/* One source or domain of a peer. Sorted, two claims on the same thing are neighbours. */
struct claim {
	const struct peer_conf *peer;
	size_t index;              /* in its list */
	const char *domain;        /* NULL = a source */
	struct addr_prefix source; /* in the peer's realm */
};

static int claim_compare(const struct claim *a, const struct claim *b)
{
	int d;

	if (a->domain)
		return strcasecmp(a->domain, b->domain);
	d = strcmp(a->peer->realm, b->peer->realm);
	if (!d)
		d = a->source.net.family - b->source.net.family;
	if (!d)
		d = a->source.bits - b->source.bits;
	return d ? d : memcmp(a->source.net.ip, b->source.net.ip, sizeof(a->source.net.ip));
}

static int claim_order(const void *x, const void *y)
{
	const struct claim *a = x, *b = y;
	int d = claim_compare(a, b);

	if (!d) /* the one that stands first in the file has the older claim */
		d = a->peer < b->peer ? -1 : a->peer > b->peer;
	return d ? d : (a->index > b->index) - (a->index < b->index);
}

static int claim_fail(const struct conf_doc *doc, const char *path, const struct claim *a,
		      const struct claim *b, struct conf_error *err)
{
	char at[256], text[ADDR_TEXT_BYTES];

	snprintf(at, sizeof(at), "%s.%s.%s[%zu]", path, b->peer->name,
		 b->domain ? "domains" : "sources", b->index);
	if (a->peer == b->peer)
		return conf_fail_at(doc, at, err, "is listed twice");
	if (b->domain)
		return conf_fail_at(
			doc, at, err,
			"domain %.80s belongs to peer %s already, so it cannot be one of %s",
			b->domain, a->peer->name, b->peer->name);
	return conf_fail_at(
		doc, at, err,
		"source %s belongs to peer %s of the same realm %s already, so it cannot be "
		"one of %s",
		addr_prefix_print(&b->source, text, sizeof(text)), a->peer->name, a->peer->realm,
		b->peer->name);
}

static void claim_fill(struct claim *claims, const struct conf_list *confs, bool domains)
{
	const struct peer_conf *c = confs->items;

	for (size_t i = 0; i < confs->n; i++) {
		const struct conf_list *list = domains ? &c[i].domains : &c[i].sources;

		for (size_t k = 0; k < list->n; k++, claims++) {
			*claims = (struct claim){.peer = &c[i], .index = k};
			if (domains)
				claims->domain = ((const char *const *)list->items)[k];
			else
				claims->source = ((const struct addr_prefix *)list->items)[k];
		}
	}
}

/* Of all peers one kind of claim, each only once. */
static int check_claims(const struct conf_doc *doc, const char *path, const struct conf_list *confs,
			bool domains, struct conf_error *err)
{
	const struct peer_conf *c = confs->items;
	struct claim *claims;
	size_t n = 0;
	int e = 0;

	for (size_t i = 0; i < confs->n; i++)
		n += domains ? c[i].domains.n : c[i].sources.n;
	if (n < 2)
		return 0;
	claims = mem_buffer(n * sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	claim_fill(claims, confs, domains);
	qsort(claims, n, sizeof(*claims), claim_order);
	for (size_t i = 1; !e && i < n; i++) {
		if (!claim_compare(&claims[i - 1], &claims[i]))
			e = claim_fail(doc, path, &claims[i - 1], &claims[i], err);
	}
	mem_free(claims);
	return e;
}

int peer_conf_check(const struct conf_doc *doc, const char *path, const struct conf_list *confs,
		    struct conf_error *err)
{
	const struct peer_conf *c = confs->items;
	char at[128];
	int e = 0;

	for (size_t i = 0; i < confs->n; i++) {
		snprintf(at, sizeof(at), "%s.%s.realm", path, c[i].name);
		if (!c[i].realm)
			return conf_fail_at(doc, at, err, "is required");
	}
	for (size_t i = 0; !e && i < confs->n; i++) {
		e = check_hops(doc, path, &c[i], err);
		if (!e)
			e = peer_sec_check(doc, path, &c[i], err);
		if (!e)
			e = check_on_demand(doc, path, confs, i, err);
	}
	if (!e)
		e = check_claims(doc, path, confs, false, err);
	return e ? e : check_claims(doc, path, confs, true, err);
}
