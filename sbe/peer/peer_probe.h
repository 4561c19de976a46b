/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_probe - finds out whether next hops live: OPTIONS to each at an interval (RFC 3261 11).
 *
 * A hop is down after down_after probes in a row without an answer and up again after up_after that
 * were answered. Any final response is a sign of life, except 503 and 408: their sender is asking not
 * to be used, or says so for somebody behind it.
 * Owner: the app. It keeps references on the peers it watches. Thread: loop.
 */
#ifndef SBE_PEER_PEER_PROBE_H
#define SBE_PEER_PEER_PROBE_H

#include "common/timer.h"
#include "sbe/peer/peer.h"
#include "sbe/sip/txn.h"

struct peer_probe;

struct peer_probe_options {
	struct timer_wheel *wheel;
	struct txn_layer *txns;
	/* Local side for requests to this hop, or NULL when there is none: transport_find. */
	const struct transport_listener *(*listener)(void *arg, const struct peer *p, size_t hop);
	void *arg;
};

/** @return 0, -ENOMEM. */
int peer_probe_new(const struct peer_probe_options *o, struct peer_probe **ret_probe);
void peer_probe_free(struct peer_probe *pp);

/**
 * Watch the peers of this set that have a probe interval, instead of those of the last one. Health that is known
 * is kept (it is in the peers); the first probes are spread over the first seconds. set must live until the next call.
 * @return 0, -ENOMEM (then nothing has changed).
 */
int peer_probe_watch(struct peer_probe *pp, struct peer_set *set);

#endif
