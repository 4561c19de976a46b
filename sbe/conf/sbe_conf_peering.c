/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/conf/sbe_conf_peering.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct sbe_realm_conf *realm_of(const struct sbe_conf *c, const struct peer_conf *p)
{
	const struct sbe_realm_conf *r = c->realms.items;

	for (size_t i = 0; i < c->realms.n; i++) {
		if (!strcmp(r[i].name, p->realm))
			return &r[i];
	}
	return NULL;
}

/* Is this listener a way in of the peer? B6: one that is taken over TLS only hears of no other. */
static bool is_ingress(const struct peer_conf *p, const struct sbe_listen_conf *l)
{
	const char *const *texts = p->net.ingress.items;
	struct sbe_listen_conf one;

	if (peer_tls_only(p) && l->proto != TRANSPORT_TLS)
		return false;
	for (size_t i = 0; i < p->net.ingress.n; i++) {
		if (!sbe_conf_listen_parse(texts[i], &one) && one.proto == l->proto &&
		    addr_equal(&one.addr, &l->addr))
			return true;
	}
	return !p->net.ingress.n;
}

void sbe_conf_peering_view(const struct sbe_snapshot *s, const struct peer_conf *p,
			   struct peering_view *ret_view)
{
	const struct sbe_realm_conf *r = realm_of(&s->conf, p);
	const struct sbe_listen_conf *l = r->listen.items;

	*ret_view = (struct peering_view){.node = s->conf.node,
					  .domains = s->conf.domains.items,
					  .ndomains = s->conf.domains.n,
					  .advertise = r->advertise,
					  .tls_names = "",
					  .ipsec = r->protected_by == SBE_PROTECTED_IPSEC,
					  .peer = p};
	for (size_t i = 0; i < r->listen.n && i < PEERING_LISTENS_MAX; i++) {
		const struct peering_listen one = {l[i].proto, l[i].addr};

		if (is_ingress(p, &l[i]))
			ret_view->ingress[ret_view->ningress++] = one;
		if (!peer_tls_only(p) || l[i].proto == TRANSPORT_TLS)
			ret_view->egress[ret_view->negress++] = one;
	}
}

static int check_ingress(const struct conf_doc *doc, const struct sbe_conf *c,
			 const struct peer_conf *p, struct conf_error *err)
{
	const struct sbe_realm_conf *r = realm_of(c, p);
	const struct sbe_listen_conf *l = r->listen.items;
	const char *const *texts = p->net.ingress.items;
	char at[200];

	for (size_t i = 0; i < p->net.ingress.n; i++) {
		struct sbe_listen_conf one;
		bool found = false;
		int bad = sbe_conf_listen_parse(texts[i], &one);

		for (size_t k = 0; !bad && k < r->listen.n; k++)
			found |= one.proto == l[k].proto && addr_equal(&one.addr, &l[k].addr);
		if (found)
			continue;
		snprintf(at, sizeof(at), "peers.%s.net.ingress[%zu]", p->name, i);
		return conf_fail_at(doc, at, err, "is no listener of realm %s", r->name);
	}
	return 0;
}

static bool overlap(const struct addr_prefix *a, const struct addr_prefix *b)
{
	return addr_prefix_has(a, &b->net) || addr_prefix_has(b, &a->net);
}

/* The longest prefix wins, so with a narrow one in its document a peer could take the place of another. */
static int check_claims(const struct conf_doc *doc, const struct sbe_conf *c,
			const struct peer_conf *p, struct conf_error *err)
{
	const struct peer_conf *others = c->peers.items;
	const struct addr_prefix *mine = p->sources.items;
	char at[200], text[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < c->peers.n; i++) {
		const struct addr_prefix *theirs = others[i].sources.items;

		if (&others[i] == p || strcmp(others[i].realm, p->realm) != 0)
			continue;
		for (size_t k = 0; k < p->sources.n * others[i].sources.n; k++) {
			if (!overlap(&mine[k / others[i].sources.n],
				     &theirs[k % others[i].sources.n]))
				continue;
			snprintf(at, sizeof(at), "peers.%s.document", p->name);
			return conf_fail_at(
				doc, at, err,
				"its source %s overlaps one of peer %s: say in sources whose it is",
				addr_prefix_print(&mine[k / others[i].sources.n], text,
						  sizeof(text)),
				others[i].name);
		}
	}
	return 0;
}

int sbe_conf_peering_check(const struct conf_doc *doc, const struct sbe_conf *c,
			   struct conf_error *err)
{
	const struct peer_conf *p = c->peers.items;
	int e = 0;

	for (size_t i = 0; !e && i < c->peers.n; i++) {
		e = check_ingress(doc, c, &p[i], err);
		if (!e && p[i].document)
			e = check_claims(doc, c, &p[i], err);
	}
	return e;
}
