/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_large.h"

#define UDP_MAX_BYTES 1300 /* RFC 3261 18.1.1: when nobody knows the path's MTU */

static struct peer *whose(const struct peer_set *s, const struct transport_target *to)
{
	struct peer *p = to->peer ? peer_find_number(s, to->peer) : NULL;

	return p ? p : peer_find_hop(s, transport_realm(to->listener), &to->to);
}

static struct peer_hop *hop_at(struct peer *p, const struct addr *a)
{
	for (size_t i = 0; i < p->nhops; i++) {
		if (addr_equal(&p->hops[i].addr, a))
			return &p->hops[i];
	}
	return NULL;
}

bool peer_large(const struct peer_set *s, const struct transport_target *to, size_t len_bytes,
		uint64_t now_ms)
{
	struct peer *p = whose(s, to);
	const struct peer_hop *hop = p ? hop_at(p, &to->to) : NULL;
	uint32_t max_bytes = p ? p->conf->udp_max_bytes : UDP_MAX_BYTES;

	return max_bytes && len_bytes > max_bytes && !(hop && hop->tcp_retry_ms > now_ms);
}

void peer_large_refused(const struct peer_set *s, const struct transport_target *to,
			uint64_t now_ms)
{
	struct peer *p = whose(s, to);
	struct peer_hop *hop = p ? hop_at(p, &to->to) : NULL;

	if (hop)
		hop->tcp_retry_ms = now_ms + PEER_TCP_RETRY_MS;
}
