/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf_check - rules between the objects of a configuration: names that must exist, addresses that
 * must not be there twice, what would only show when the first call comes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sbe/conf/sbe_conf_peering.h"
#include "sbe/conf/sbe_conf_private.h"
#include "sbe/conf/sbe_conf_tls.h"
#include "sbe/peer/peer_conf.h"

#define AT_BYTES 256

struct check {
	const struct conf_doc *doc;
	const struct sbe_conf *c;
	struct conf_error *err;
};

static const struct sbe_realm_conf *find_realm(const struct check *k, const char *name)
{
	const struct sbe_realm_conf *realms = k->c->realms.items;

	for (size_t i = 0; i < k->c->realms.n; i++) {
		if (!strcmp(realms[i].name, name))
			return &realms[i];
	}
	return NULL;
}

/* ---- listeners */

/* One address we are going to bind, with where it was asked for. */
struct bound {
	const struct addr *addr;
	bool datagram;
	char at[AT_BYTES];
};

struct bound_walk {
	size_t nth; /* which one is wanted */
	struct bound *found;
};

static bool bound_is(struct bound_walk *w, const struct addr *a, bool datagram)
{
	if (w->nth-- > 0)
		return false;
	w->found->addr = a;
	w->found->datagram = datagram;
	return true;
}

/* All addresses in one sequence: SIP, gate control, HTTP. @return false behind the last. */
static bool bound_nth(const struct check *k, size_t nth, struct bound *ret)
{
	const struct sbe_realm_conf *realms = k->c->realms.items;
	const struct addr *gates = k->c->gate.listen.items;
	struct bound_walk w = {nth, ret};

	for (size_t i = 0; i < k->c->realms.n; i++) {
		const struct sbe_listen_conf *l = realms[i].listen.items;

		for (size_t n = 0; n < realms[i].listen.n; n++) {
			snprintf(ret->at, sizeof(ret->at), "realms.%s.listen[%zu]", realms[i].name,
				 n);
			if (bound_is(&w, &l[n].addr, l[n].proto == TRANSPORT_UDP))
				return true;
		}
	}
	for (size_t i = 0; i < k->c->gate.listen.n; i++) {
		snprintf(ret->at, sizeof(ret->at), "gate_control.listen[%zu]", i);
		if (bound_is(&w, &gates[i], false))
			return true;
	}
	snprintf(ret->at, sizeof(ret->at), "http.listen");
	return k->c->http.listen.family && bound_is(&w, &k->c->http.listen, false);
}

/* The wildcard address takes the port on every one of its family. */
static bool collide(const struct bound *a, const struct bound *b)
{
	return a->datagram == b->datagram && a->addr->port == b->addr->port &&
	       a->addr->family == b->addr->family &&
	       (addr_ip_equal(a->addr, b->addr) || addr_is_any(a->addr) || addr_is_any(b->addr));
}

static int check_addresses(const struct check *k)
{
	struct bound a = {0}, b = {0};
	char text[ADDR_TEXT_BYTES];

	for (size_t i = 0; bound_nth(k, i, &b); i++) {
		for (size_t n = 0; n < i && bound_nth(k, n, &a); n++) {
			if (collide(&a, &b))
				return conf_fail_at(k->doc, b.at, k->err,
						    "%s is taken by %s already",
						    addr_print(b.addr, text, sizeof(text)), a.at);
		}
	}
	return 0;
}

static int check_advertise(const struct check *k, const char *at, const char *host)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
	struct addr a;

	if (!addr_parse_ip(host, strlen(host), &a) || !host[strspn(host, chars)])
		return 0;
	return conf_fail_at(k->doc, at, k->err,
			    "must be a host name or an IP address, without port");
}

static int check_realm(const struct check *k, const struct sbe_realm_conf *r)
{
	char at[AT_BYTES];

	snprintf(at, sizeof(at), "realms.%s.protected", r->name);
	if (r->protected_by != SBE_PROTECTED_NONE && !r->interface)
		return conf_fail_at(k->doc, at, k->err,
				    "needs \"interface\": only what comes through it is protected");
	snprintf(at, sizeof(at), "realms.%s.advertise", r->name);
	return r->advertise ? check_advertise(k, at, r->advertise) : 0;
}

static int check_realms(const struct check *k)
{
	const struct sbe_realm_conf *realms = k->c->realms.items;
	int err = 0;

	for (size_t i = 0; !err && i < k->c->realms.n; i++)
		err = check_realm(k, &realms[i]);
	return err;
}

static int check_gates(const struct check *k)
{
	const struct sbe_gate_conf *g = &k->c->gate;
	const struct addr *listen = g->listen.items;
	const char *const *dbes = g->dbes.items;
	char at[AT_BYTES];

	for (size_t i = 0; i < g->listen.n && !g->tls; i++) {
		if (addr_is_loopback(&listen[i]))
			continue;
		snprintf(at, sizeof(at), "gate_control.listen[%zu]", i);
		return conf_fail_at(k->doc, at, k->err,
				    "gate control without tls is allowed on loopback only: give "
				    "gate_control.tls a name from the section tls");
	}
	for (size_t i = 0; i < g->dbes.n; i++) {
		for (size_t n = 0; n < i; n++) {
			if (strcmp(dbes[n], dbes[i]))
				continue;
			snprintf(at, sizeof(at), "gate_control.dbes[%zu]", i);
			return conf_fail_at(k->doc, at, k->err, "%.64s is listed twice", dbes[i]);
		}
		snprintf(at, sizeof(at), "gate_control.dbes[%zu]", i);
		if (strlen(dbes[i]) >= GATE_NAME_BYTES)
			return conf_fail_at(k->doc, at, k->err, "must be at most %d bytes",
					    GATE_NAME_BYTES - 1);
	}
	return 0;
}

/* ---- peers */

static bool has_listener(const struct sbe_realm_conf *r, const struct peer_hop *hop)
{
	const struct sbe_listen_conf *l = r->listen.items;

	for (size_t i = 0; i < r->listen.n; i++) {
		if (l[i].proto == hop->proto && l[i].addr.family == hop->addr.family)
			return true;
	}
	return false;
}

/* A next hop that is one of our own listeners would send each call round and round. */
static bool is_us(const struct check *k, const struct peer_hop *hop)
{
	struct bound b = {0};

	for (size_t i = 0; bound_nth(k, i, &b); i++) {
		if (b.datagram == (hop->proto == TRANSPORT_UDP) && addr_equal(b.addr, &hop->addr))
			return true;
	}
	return false;
}

static int check_hop(const struct check *k, const struct peer_conf *p,
		     const struct sbe_realm_conf *realm, size_t nth)
{
	const char *text = ((const char *const *)p->next_hops.items)[nth];
	struct peer_hop hop;
	const char *why;
	char at[AT_BYTES];

	if (peer_hop_parse(text, &hop, &why))
		return -EINVAL; /* peer_conf_check has been here */
	snprintf(at, sizeof(at), "peers.%s.next_hops[%zu]", p->name, nth);
	if (!has_listener(realm, &hop))
		return conf_fail_at(k->doc, at, k->err,
				    "realm %s has no %s listener of IPv%d to send from: add one to "
				    "realms.%s.listen",
				    realm->name, transport_proto_name(hop.proto),
				    hop.addr.family == ADDR_V6 ? 6 : 4, realm->name);
	if (is_us(k, &hop))
		return conf_fail_at(k->doc, at, k->err, "is one of our own listeners");
	return 0;
}

static bool is_our_domain(const struct check *k, const char *domain)
{
	const char *const *ours = k->c->domains.items;

	for (size_t i = 0; i < k->c->domains.n; i++) {
		if (!strcasecmp(ours[i], domain))
			return true;
	}
	return false;
}

/* What the peer demands of its realm, and the realm of its peers (E9, G6, G7). */
static int check_admission(const struct check *k, const struct peer_conf *p,
			   const struct sbe_realm_conf *realm)
{
	char at[AT_BYTES];

	snprintf(at, sizeof(at), "peers.%s.sec.admission", p->name);
	if (p->sec.admission == PEER_ADMIT_IPSEC && realm->protected_by != SBE_PROTECTED_IPSEC)
		return conf_fail_at(
			k->doc, at, k->err,
			"ipsec-only needs a realm with \"protected\": \"ipsec\", and realm "
			"%s is none",
			realm->name);
	if (p->sec.admission == PEER_ADMIT_TLS && !realm->tls.n)
		return conf_fail_at(k->doc, at, k->err, "realm %s has no TLS identity",
				    realm->name);
	snprintf(at, sizeof(at), "peers.%s.mode", p->name);
	if (realm->colocated && p->mode == PEER_ON_DEMAND && !peer_tls_only(p))
		return conf_fail_at(
			k->doc, at, k->err,
			"in the co-located realm %s peers are known by their sources, so "
			"nobody is taken on demand in clear",
			realm->name);
	return 0;
}

static int check_peer(const struct check *k, const struct peer_conf *p)
{
	const struct sbe_realm_conf *realm = find_realm(k, p->realm);
	const char *const *domains = p->domains.items;
	char at[AT_BYTES];
	int err = 0;

	snprintf(at, sizeof(at), "peers.%s.realm", p->name);
	if (!realm)
		return conf_fail_at(k->doc, at, k->err, "there is no realm \"%s\"", p->realm);
	err = check_admission(k, p, realm);
	for (size_t i = 0; !err && i < p->next_hops.n; i++)
		err = check_hop(k, p, realm, i);
	for (size_t i = 0; !err && i < p->domains.n; i++) {
		if (!is_our_domain(k, domains[i]))
			continue;
		snprintf(at, sizeof(at), "peers.%s.domains[%zu]", p->name, i);
		err = conf_fail_at(k->doc, at, k->err, "%.80s is one of our own domains",
				   domains[i]);
	}
	return err;
}

static int check_peers(const struct check *k)
{
	const struct peer_conf *peers = k->c->peers.items;
	int err = peer_conf_check(k->doc, "peers", &k->c->peers, k->err);

	for (size_t i = 0; !err && i < k->c->peers.n; i++)
		err = check_peer(k, &peers[i]);
	return err;
}

/* Who is asked with the INVITE itself (G8) answers with a 3xx: it must be one whose word counts. */
static int check_asked(const struct check *k, const char *name, size_t nth)
{
	const struct peer_conf *peers = k->c->peers.items;
	char at[64];

	for (size_t i = 0; i < k->c->peers.n; i++) {
		if (strcmp(peers[i].name, name) || peers[i].redirect == PEER_REDIRECT_FOLLOW)
			continue;
		snprintf(at, sizeof(at), "location[%zu].peer", nth);
		return conf_fail_at(k->doc, at, k->err,
				    "peer %s is asked where calls go, so peers.%s.redirect must be "
				    "\"follow\"",
				    name, name);
	}
	return 0;
}

/* What the DNS finds is reached in a realm that is there and, when TLS is asked for, has an identity. */
static int check_location(const struct check *k)
{
	const struct route_step_conf *steps = k->c->route.location.items;

	for (size_t i = 0; i < k->c->route.location.n; i++) {
		const struct sbe_realm_conf *realm;
		char at[64];

		if (steps[i].peer && check_asked(k, steps[i].peer, i))
			return -EINVAL;
		if (!steps[i].realm)
			continue;
		realm = find_realm(k, steps[i].realm);
		snprintf(at, sizeof(at), "location[%zu].realm", i);
		if (!realm)
			return conf_fail_at(k->doc, at, k->err, "there is no realm \"%.64s\"",
					    steps[i].realm);
		if (steps[i].secure && !realm->tls.n)
			return conf_fail_at(
				k->doc, at, k->err,
				"realm %s has no TLS identity; give it one, or set secure to "
				"false",
				realm->name);
	}
	return 0;
}

int sbe_conf_check(const struct conf_doc *doc, const struct sbe_conf *c, struct conf_error *err)
{
	const struct check k = {doc, c, err};
	int e = sbe_conf_tls_check(doc, c, err);

	if (!e)
		e = check_realms(&k);
	if (!e)
		e = check_gates(&k);
	if (!e)
		e = check_addresses(&k);
	if (!e)
		e = check_peers(&k);
	if (!e)
		e = sbe_conf_peering_check(doc, c, err);
	if (!e)
		e = check_location(&k);
	return e ? e : route_conf_check_all(doc, &c->route, &c->peers, err);
}
