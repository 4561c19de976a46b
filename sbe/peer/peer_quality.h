/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_quality - how calls to a peer went of late: how many were answered, how long they took to ring.
 *
 * Two windows of PEER_QUALITY_S; the older one is forgotten when the newer one is over, so figures fade.
 * Owner: embedded in the peer's state. Thread: loop.
 */
#ifndef SBE_PEER_PEER_QUALITY_H
#define SBE_PEER_PEER_QUALITY_H

#include <stdint.h>

#define PEER_QUALITY_S 300U

struct peer_quality_window {
	uint32_t calls, answered, rang;
	uint64_t rang_ms; /* sum of those that rang */
};
struct peer_quality {
	uint64_t started_ms; /* of windows[0]; 0 = nothing yet */
	struct peer_quality_window windows[2];
};
struct peer_quality_figures {
	uint32_t calls, asr_percent, pdd_ms; /* pdd_ms 0 = none rang */
};

/** An attempt is over. @param pdd_ms from our INVITE to the first sign of ringing; 0 = it did not ring. */
void peer_quality_note(struct peer_quality *q, int status, uint32_t pdd_ms, uint64_t now_ms);
void peer_quality_read(struct peer_quality *q, uint64_t now_ms, struct peer_quality_figures *ret_f);

#endif
