/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_identify.h"

#include <string.h>

static bool carries_name(const struct peer *p, const struct transport_target *from)
{
	const char *const *names = NULL;
	size_t n = peer_tls_names(p->conf, &names);

	for (size_t i = 0; i < n; i++) {
		if (transport_has_name(from, names[i]))
			return true;
	}
	return false;
}

/* Does what is agreed with the peer at this address allow for this message? */
static bool may_be(const struct peer *p, const struct transport_target *from)
{
	const char *const *names = NULL;

	if (!peer_sec_way_ok(p->conf, from))
		return false;
	if (from->proto != TRANSPORT_TLS)
		return true;
	if (!p->conf->tls.mutual || !peer_tls_names(p->conf, &names))
		return true;
	return carries_name(p, from);
}

/* Who is nobody we know is the on-demand peer of the realm, if there is one and it takes them like this. */
static struct peer *anybody(const struct peer_set *s, const struct transport_target *from)
{
	struct peer *p = peer_find_on_demand(s, transport_realm(from->listener));

	if (!p || !peer_sec_way_ok(p->conf, from))
		return NULL;
	if (from->proto != TRANSPORT_TLS)
		return p;
	return !p->conf->tls.mutual || transport_authenticated(from) ? p : NULL;
}

struct peer *peer_identify(const struct peer_set *s, const struct transport_target *from)
{
	const char *realm = transport_realm(from->listener);
	struct peer *p = from->peer ? peer_find_number(s, from->peer) : NULL;

	if (p)
		return p; /* the transport has asked already */
	if (peer_sec_is_astray(s, from))
		return NULL; /* who has to come through the tunnel is nobody else outside of it */
	p = peer_find_source(s, realm, &from->to);
	if (p && may_be(p, from))
		return p;
	if (from->proto != TRANSPORT_TLS || !transport_authenticated(from))
		return p ? NULL
			 : anybody(s, from); /* who uses a peer's address is that peer or nobody */
	for (size_t i = 0; (p = peer_by_name(s, i)); i++) {
		if (!strcmp(p->conf->realm, realm) && carries_name(p, from) &&
		    peer_sec_way_ok(p->conf, from))
			return p;
	}
	return peer_find_source(s, realm, &from->to) ? NULL : anybody(s, from);
}

bool peer_may_be_at(const struct peer_set *s, const struct transport_target *there,
		    const struct addr *a)
{
	const struct peer *p = there->peer ? peer_find_number(s, there->peer) : NULL;

	if (!p || p->conf->mode != PEER_STATIC || there->proto == TRANSPORT_TLS ||
	    addr_ip_equal(a, &there->to))
		return true;
	for (size_t i = 0; i < p->nhops; i++) {
		if (addr_ip_equal(a, &p->hops[i].addr))
			return true;
	}
	return peer_find_source(s, transport_realm(there->listener), a) == p;
}
