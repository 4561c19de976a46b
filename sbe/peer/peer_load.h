/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_load - what each peer offers, and its part of what the node can take when that is less (A22, S10).
 *
 * The share to let in is given out so that who asks for little gets all of it and the rest is divided evenly: a
 * peer that floods takes nothing from the others. A peer that takes part in overload control (RFC 7339) is told
 * its part and leaves the rest out itself; only what it sends beyond is shed here.
 * Owner: embedded in struct peer_state. Thread: loop.
 */
#ifndef SBE_PEER_PEER_LOAD_H
#define SBE_PEER_PEER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct peer_load {
	uint32_t offered; /* new calls since the last tick */
	double rate;      /* per second, as they arrive, smoothed */
	double wanted;    /* what it would send if we had not asked it for less */
	uint32_t share;   /* of what it wants, in parts of OVERLOAD_WHOLE */
	uint32_t here;    /* of what arrives, in the same parts */
	uint32_t most;    /* calls in one tick above which it is a flood that has just begun */
	uint64_t oc_ms;   /* when it last offered overload control; 0 = never */
	bool takes_part;  /* lately, and it is agreed */
};

struct peer_set;

/** All is let in. */
void peer_load_init(struct peer_load *l);
/** Once a tick. @param admit share of all new calls that may come in, of OVERLOAD_WHOLE. */
void peer_load_divide(struct peer_set *s, uint32_t admit, uint64_t now_ms);
/** Percent of its calls a peer shall leave out: 0..100. */
uint32_t peer_load_loss(const struct peer_load *l);

#endif
