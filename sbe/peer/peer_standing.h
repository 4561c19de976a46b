/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_standing - connections to next hops that are up before the first call and stay up: "sip.standing" of a peer.
 *
 * A hop whose connection cannot be had is down: calls go elsewhere at once instead of finding it out. It is tried again
 * after a while that doubles up to half a minute, with jitter, so that a node that comes back is not met by everybody
 * at the same moment (G5).
 * Owner: the app. It keeps references on the peers it watches. Thread: loop.
 */
#ifndef SBE_PEER_PEER_STANDING_H
#define SBE_PEER_PEER_STANDING_H

#include "common/timer.h"
#include "sbe/peer/peer.h"

struct peer_standing;

struct peer_standing_options {
	struct timer_wheel *wheel;
	/* Local side for this hop, or NULL when there is none: transport_find. */
	const struct transport_listener *(*listener)(void *arg, const struct peer *p, size_t hop);
	int (*stand)(void *arg, const struct transport_target *to); /* transport_stand */
	void *arg;
};

/** @return 0, -ENOMEM. */
int peer_standing_new(const struct peer_standing_options *o, struct peer_standing **ret_standing);
void peer_standing_free(struct peer_standing *ps);

/** Keep up the hops of this set instead of those of the last one. set must live until the next call. @return 0, -ENOMEM
 *  (then nothing has changed). */
int peer_standing_watch(struct peer_standing *ps, struct peer_set *set);

/** A connection came up or went: transport_handlers.link. */
void peer_standing_link(struct peer_standing *ps, const struct transport_target *to, bool up,
			int err);

#endif
