/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_identify - whose message is this: by the address it came from and the certificate it came with.
 *
 * Owner: nothing. Thread: loop.
 */
#ifndef SBE_PEER_PEER_IDENTIFY_H
#define SBE_PEER_PEER_IDENTIFY_H

#include "sbe/peer/peer.h"

/**
 * The peer a message came from, or NULL for a stranger.
 *
 * In clear: the longest prefix of the realm's sources, unless that peer is TLS only (requirements H11). Over TLS the
 * connection must also carry one of the peer's names, if it has any (RFC 5922, H6), unless tls.mutual is off.
 * A peer without sources but with a TLS name is known by its certificate alone, from any address.
 * Who is none of them is the on-demand peer of the realm, if it has one and what that asks of TLS is met.
 */
struct peer *peer_identify(const struct peer_set *s, const struct transport_target *from);

/**
 * May requests to the peer at `there` go to this address? One of its sources or next hops, or where it is already. Over
 * TLS, and for the on-demand peer, others are proved by their certificate, or agreed with nobody.
 */
bool peer_may_be_at(const struct peer_set *s, const struct transport_target *there,
		    const struct addr *a);

#endif
