/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf - reads the file, checks what only the whole of it shows, and builds the snapshot.
 */
#include "sbe/conf/sbe_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/peer/peer_conf.h"

static void snapshot_destroy(void *obj)
{
	struct sbe_snapshot *s = obj;

	route_set_free(s->routes);
	conf_doc_free(s->doc);
	mem_free(s->realms);
}

static bool has_tls(const struct sbe_conf *c, const char *name)
{
	const struct sbe_tls_conf *t = c->tls.items;

	for (size_t i = 0; i < c->tls.n; i++) {
		if (!strcmp(t[i].name, name))
			return true;
	}
	return false;
}

static int check_gate_control(const struct conf_doc *doc, const struct sbe_conf *c,
			      struct conf_error *err)
{
	const struct addr *a = c->gate.listen.items;

	if (c->gate.tls && !has_tls(c, c->gate.tls))
		return conf_fail_at(doc, "gate_control.tls", err, "there is no tls.%s",
				    c->gate.tls);
	for (size_t i = 0; i < c->gate.listen.n; i++) {
		if (!c->gate.tls && !addr_is_loopback(&a[i]))
			return conf_fail_at(doc, "gate_control.listen", err,
					    "without tls only loopback addresses are allowed");
	}
	if (!c->gate.listen.n)
		return conf_fail_at(doc, "gate_control", err,
				    "listen is needed: an address the dbes dial");
	return 0;
}

/* The same socket twice, over all realms. */
static int check_unique(const struct conf_doc *doc, const struct sbe_conf *c, size_t realm,
			size_t listen, struct conf_error *err)
{
	const struct sbe_realm_conf *r = c->realms.items;
	const struct sbe_listen_conf *mine =
		(const struct sbe_listen_conf *)r[realm].listen.items + listen;
	char path[128], text[ADDR_TEXT_BYTES];

	for (size_t i = 0; i <= realm; i++) {
		const struct sbe_listen_conf *l = r[i].listen.items;

		for (size_t k = 0; k < (i == realm ? listen : r[i].listen.n); k++) {
			bool same_kind =
				(l[k].proto == TRANSPORT_UDP) == (mine->proto == TRANSPORT_UDP);

			if (!same_kind || !addr_equal(&l[k].addr, &mine->addr))
				continue;
			snprintf(path, sizeof(path), "realms.%s.listen", r[realm].name);
			return conf_fail_at(doc, path, err, "%s is used by realm %s already",
					    addr_print(&mine->addr, text, sizeof(text)), r[i].name);
		}
	}
	return 0;
}

static int check_realms(const struct conf_doc *doc, struct sbe_conf *c, struct conf_error *err)
{
	struct sbe_realm_conf *r = c->realms.items;
	char path[128];

	for (size_t i = 0; i < c->realms.n; i++) {
		const struct sbe_listen_conf *l = r[i].listen.items;

		snprintf(path, sizeof(path), "realms.%s.tls", r[i].name);
		if (!r[i].media)
			r[i].media = r[i].name;
		if (r[i].tls && !has_tls(c, r[i].tls))
			return conf_fail_at(doc, path, err, "there is no tls.%s", r[i].tls);
		for (size_t k = 0; k < r[i].listen.n; k++) {
			int e = check_unique(doc, c, i, k, err);

			if (e)
				return e;
			snprintf(path, sizeof(path), "realms.%s.listen", r[i].name);
			if (l[k].proto == TRANSPORT_TLS && !r[i].tls)
				return conf_fail_at(doc, path, err,
						    "a tls: socket needs the realm's key \"tls\"");
		}
	}
	return 0;
}

static const struct sbe_realm_conf *find_realm(const struct sbe_conf *c, const char *name)
{
	const struct sbe_realm_conf *r = c->realms.items;

	for (size_t i = 0; i < c->realms.n; i++) {
		if (!strcmp(r[i].name, name))
			return &r[i];
	}
	return NULL;
}

/* A next hop needs a listener of its transport and family to be reached from. */
static int check_hops(const struct conf_doc *doc, const struct peer_conf *p,
		      const struct sbe_realm_conf *r, struct conf_error *err)
{
	const char *const *hops = p->next_hops.items, *why = "";
	const struct sbe_listen_conf *l = r->listen.items;
	char path[128];

	snprintf(path, sizeof(path), "peers.%s.next_hops", p->name);
	for (size_t i = 0; i < p->next_hops.n; i++) {
		struct peer_hop hop;
		bool found = false;

		if (peer_hop_parse(hops[i], &hop, &why))
			return conf_fail_at(doc, path, err, "%s: %s", hops[i], why);
		for (size_t k = 0; k < r->listen.n && !found; k++)
			found = l[k].proto == hop.proto && l[k].addr.family == hop.addr.family;
		if (!found)
			return conf_fail_at(doc, path, err,
					    "%s: realm %s has no %s socket of that address family",
					    hops[i], r->name, transport_proto_name(hop.proto));
	}
	return 0;
}

static int check_peers(const struct conf_doc *doc, const struct sbe_conf *c, struct conf_error *err)
{
	const struct peer_conf *p = c->peers.items;
	char path[128];
	int e = 0;

	for (size_t i = 0; !e && i < c->peers.n; i++) {
		const struct sbe_realm_conf *r = find_realm(c, p[i].realm);

		snprintf(path, sizeof(path), "peers.%s.realm", p[i].name);
		e = r ? check_hops(doc, &p[i], r, err)
		      : conf_fail_at(doc, path, err, "there is no realm %s", p[i].realm);
	}
	return e ? e : peer_conf_check(doc, "peers", &c->peers, err);
}

static int compile(struct sbe_snapshot *s, struct sbe_snapshot *old)
{
	const struct sbe_realm_conf *r = s->conf.realms.items;
	int err = peer_set_new(&s->conf.peers, s, old ? old->peers : NULL, &s->peers);

	if (!err)
		err = route_set_new(&s->conf.route, s->peers, &s->routes);
	if (err)
		return err;
	s->realms = mem_buffer(s->conf.realms.n * sizeof(*s->realms));
	if (!s->realms)
		return -ENOMEM;
	for (size_t i = 0; i < s->conf.realms.n; i++)
		s->realms[i] = (struct call_realm){r[i].name, r[i].media};
	s->call = (struct call_config){.node = s->conf.node,
				       .domains = s->conf.domains.items,
				       .ndomains = s->conf.domains.n,
				       .realms = s->realms,
				       .nrealms = s->conf.realms.n,
				       .peers = s->peers,
				       .routes = s->routes};
	return 0;
}

void sbe_conf_retire(struct sbe_snapshot *s)
{
	if (!s)
		return;
	/* Peers hold the snapshot and the snapshot holds the set: the set goes first, so that the last call that
	 * uses one of its peers takes the rest along. */
	peer_set_free(s->peers);
	s->peers = NULL;
	mem_unref(s);
}

int sbe_conf_load(const char *path, struct sbe_snapshot *old, struct sbe_snapshot **ret_snapshot,
		  struct conf_error *err)
{
	struct sbe_snapshot *s = mem_zalloc(sizeof(*s), snapshot_destroy);
	int e;

	err->text[0] = 0;
	if (!s)
		return -ENOMEM;
	e = conf_load(path, &s->doc, err);
	if (!e)
		e = conf_read(s->doc, sbe_conf_fields, &s->conf, err);
	if (!e)
		e = check_gate_control(s->doc, &s->conf, err);
	if (!e)
		e = check_realms(s->doc, &s->conf, err);
	if (!e)
		e = check_peers(s->doc, &s->conf, err);
	if (!e)
		e = route_conf_check_all(s->doc, &s->conf.route, &s->conf.peers, err);
	if (!e)
		e = compile(s, old);
	if (e) {
		sbe_conf_retire(s);
		return e;
	}
	*ret_snapshot = s;
	return 0;
}
