/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_lookup - how much a peer may make us ask others: name servers and lookup servers (C1, C4).
 *
 * Only what somebody has to be asked for counts; once the bucket is empty all of its requests that need a lookup are
 * refused alike, known answers among them, so that it learns nothing. Owner: see peer.h. Thread: loop.
 */
#ifndef SBE_PEER_PEER_LOOKUP_H
#define SBE_PEER_PEER_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/rate.h"

struct peer_lookup_conf {
	uint32_t per_s, burst, pending; /* 0 = none */
};
extern const struct conf_field peer_lookup_fields[];

/* Belongs to the peer's name. */
struct peer_lookups {
	uint32_t pending; /* under way now */
	uint64_t refused;
	bool tripped; /* somebody was told already */
};

struct peer;
/** May a request of it look something up? false: no, and it is counted and told. */
bool peer_lookup_admit(struct peer *p, uint64_t now_us);
/** A question goes out for it. */
void peer_lookup_spend(struct peer *p, uint64_t now_us);
/** A request of it waits for answers, and does so no longer. */
void peer_lookup_begin(struct peer *p);
void peer_lookup_end(struct peer *p);

#endif
