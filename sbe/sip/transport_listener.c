/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_listener - questions about our listeners: names, look-up, what is ours. No sockets here.
 */
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/transport_private.h"

static const struct {
	const char *name;
	bool reliable;
} protos[TRANSPORT_PROTOS] = {
	[TRANSPORT_UDP] = {"UDP", false},
	[TRANSPORT_TCP] = {"TCP", true},
	[TRANSPORT_TLS] = {"TLS", true},
};

const char *transport_proto_name(enum transport_proto p)
{
	return (unsigned)p < TRANSPORT_PROTOS ? protos[p].name : "";
}

bool transport_reliable(enum transport_proto p)
{
	return (unsigned)p < TRANSPORT_PROTOS && protos[p].reliable;
}

const char *transport_realm(const struct transport_listener *l)
{
	return l->realm;
}

bool transport_is_protected(const struct transport_listener *l)
{
	return l->device && l->ipsec;
}

const char *transport_sent_by(const struct transport_listener *l)
{
	return l->sent_by;
}

const struct transport_listener *transport_find(const struct transport *t, const char *realm,
						enum transport_proto proto, int family)
{
	const struct transport_listener *l;

	STAILQ_FOREACH(l, &t->listeners, next)
		if (l->proto == proto && (family == ADDR_NONE || l->local.family == family) &&
		    !strcmp(l->realm, realm))
			return l;
	return NULL;
}

bool transport_may_go(const struct transport_target *there, const struct addr *to)
{
	const struct transport *t = there->listener ? there->listener->transport : NULL;

	return !t || !t->h.may_go || t->h.may_go(t->arg, there, to);
}

bool transport_is_ours(const struct transport *t, struct wire_text host, uint16_t port)
{
	const struct transport_listener *l;
	struct addr a = {.family = ADDR_NONE}, advertised;
	bool ip = host.n && addr_parse_ip(host.s, host.n, &a) == 0;

	STAILQ_FOREACH(l, &t->listeners, next) {
		if (port && port != l->local.port)
			continue;
		if (ip && addr_ip_equal(&a, &l->local))
			return true;
		if (!l->advertise)
			continue;
		if (wire_text_is_nocase(host, l->advertise))
			return true;
		if (ip && addr_parse_ip(l->advertise, strlen(l->advertise), &advertised) == 0 &&
		    addr_ip_equal(&a, &advertised))
			return true;
	}
	return false;
}

bool transport_listens_at(const struct transport *t, const struct addr *a)
{
	const struct transport_listener *l;
	struct addr advertised;

	STAILQ_FOREACH(l, &t->listeners, next) {
		if (a->port != l->local.port)
			continue;
		if (addr_ip_equal(a, &l->local) ||
		    (l->advertise &&
		     addr_parse_ip(l->advertise, strlen(l->advertise), &advertised) == 0 &&
		     addr_ip_equal(a, &advertised)))
			return true;
	}
	return false;
}

unsigned transport_queue_percent(const struct transport *t)
{
	const struct transport_listener *l;
	unsigned most = 0;

	STAILQ_FOREACH(l, &t->listeners, next) {
		unsigned percent = l->udp ? udp_queue_percent(l->udp) : 0;

		if (percent > most)
			most = percent;
	}
	return most;
}

void transport_set_tls(struct transport *t, const char *realm, struct tls_context *tls)
{
	struct transport_listener *l;

	STAILQ_FOREACH(l, &t->listeners, next) {
		if (l->proto != TRANSPORT_TLS || !tls || strcmp(l->realm, realm))
			continue;
		mem_ref(tls);
		mem_unref(l->tls);
		l->tls = tls;
		stream_listener_set_tls(l->stream, tls);
	}
}

void transport_listener_free(struct transport_listener *l)
{
	if (!l)
		return;
	udp_close(l->udp);
	stream_listener_close(l->stream);
	mem_unref(l->tls);
	mem_unref(l->realm);
	mem_unref(l->advertise);
	mem_unref(l->device);
	mem_unref(l->sent_by);
	mem_unref(l);
}
