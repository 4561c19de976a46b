/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_large - which requests are too large for UDP to a peer, and who was found to take no TCP ("sip.udp_max_bytes").
 *
 * Owner: nothing. Thread: loop.
 */
#ifndef SBE_PEER_PEER_LARGE_H
#define SBE_PEER_PEER_LARGE_H

#include "sbe/peer/peer.h"

#define PEER_TCP_RETRY_MS                                                                          \
	60000 /* how long a hop that refused TCP gets large requests by UDP at once */

/** Shall a request of this size go to this UDP target by TCP? */
bool peer_large(const struct peer_set *s, const struct transport_target *to, size_t len_bytes,
		uint64_t now_ms);
/** It was not to be had there. */
void peer_large_refused(const struct peer_set *s, const struct transport_target *to,
			uint64_t now_ms);

#endif
