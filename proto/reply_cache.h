/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply_cache - at most once: which requests of one peer have been executed, and the replies' bytes.
 *
 * Ids of a (sender, epoch) rise, by serial number arithmetic, with gaps and some disorder: the last
 * 65536 are remembered one by one, what is older counts as executed. A reply is kept until it is
 * acknowledged, for LONG-TIMER, or until newer ones need its room; its id is remembered longer, so a
 * duplicate is never executed even then (RFC 3525 8.2.1, D.1).
 * Owner: caller. Thread: the loop.
 */
#ifndef PROTO_REPLY_CACHE_H
#define PROTO_REPLY_CACHE_H

#include <stdbool.h>

#include "common/timer.h"

#define REPLY_CACHE_LONG_TIMER_MS 30000U
#define REPLY_CACHE_MAX 8192U
#define REPLY_CACHE_MAX_BYTES (8U * 1024 * 1024)
#define REPLY_CACHE_EXECUTING_MAX 64U

struct reply_cache;

enum reply_state {
	REPLY_NEW,       /* never seen: execute it, then reply_cache_done */
	REPLY_EXECUTING, /* seen, no reply yet */
	REPLY_DONE,      /* seen, here is the reply */
	REPLY_FORGOTTEN, /* seen, or too old to know, and the reply is gone */
	REPLY_BUSY,      /* new, but too many are executing: not noted, refuse it */
};

int reply_cache_new(struct timer_wheel *wheel, struct reply_cache **ret_cache);
void reply_cache_free(struct reply_cache *c);

/** A request came in. @param ret_bytes with REPLY_DONE the reply, borrowed until the next call. */
enum reply_state reply_cache_begin(struct reply_cache *c, uint32_t id, const uint8_t **ret_bytes,
				   size_t *ret_len_bytes);
/** Its reply (copied). Without memory it is not kept, that is all. Without a begin nothing happens. */
void reply_cache_done(struct reply_cache *c, uint32_t id, const uint8_t *bytes, size_t len_bytes);
/** Is it executing? */
bool reply_cache_executing(const struct reply_cache *c, uint32_t id);

/** The peer has the replies first..last. */
void reply_cache_ack(struct reply_cache *c, uint32_t first, uint32_t last);

/** Another peer, or another life of it: forget all. */
void reply_cache_reset(struct reply_cache *c);

size_t reply_cache_count(const struct reply_cache *c);
size_t reply_cache_bytes(const struct reply_cache *c);

#endif
