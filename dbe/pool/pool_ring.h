/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool_ring - the RTP/RTCP port pairs of one address: even port and the odd one after it.
 *
 * Take and give are O(1). The order is random from the start and stays so, a pair that was given back
 * rests before it is used again (the old far end may still be sending to it) and then, if not said otherwise, comes
 * after all others; one that could not be bound is set aside for longer. Owner: caller. Thread: one.
 */
#ifndef DBE_POOL_POOL_RING_H
#define DBE_POOL_POOL_RING_H

#include <stddef.h>
#include <stdint.h>

enum pool_state { POOL_FREE = 0, POOL_USED, POOL_RESTING, POOL_REFUSED, POOL_STATES };

struct pool_ring;

/** Pairs that lie wholly within low..high. @return 0, -EINVAL (no pair fits), -ENOMEM. */
int pool_ring_new(uint16_t low, uint16_t high, struct pool_ring **ret_ring);
void pool_ring_free(struct pool_ring *r);

/** Draw from the pairs that rested last, not from those that were free longest: their sockets may still be open. */
void pool_ring_prefer_used(struct pool_ring *r);

/** @return 0 and the even port, -ENOSPC. */
int pool_ring_take(struct pool_ring *r, uint64_t now_ms, uint16_t *ret_port);
/** Take this very pair. O(pairs): for recovery, not for calls. @return 0, -EINVAL (not ours), -EBUSY. */
int pool_ring_take_port(struct pool_ring *r, uint64_t now_ms, uint16_t port);

/** Give back a taken pair; it rests until now + rest_ms. @param state POOL_RESTING or POOL_REFUSED (why it
 *  rests), or POOL_FREE: it was never in use. Within one state rest_ms has to be the same each time. */
void pool_ring_give(struct pool_ring *r, uint16_t port, enum pool_state state, uint64_t now_ms,
		    uint32_t rest_ms);

/** Free what has rested long enough. */
void pool_ring_age(struct pool_ring *r, uint64_t now_ms);

uint32_t pool_ring_count(const struct pool_ring *r, enum pool_state state);
uint32_t pool_ring_total(const struct pool_ring *r);

#endif
