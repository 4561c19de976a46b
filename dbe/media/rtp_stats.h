/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtp_stats - loss and jitter of one received RTP stream (RFC 3550 A.1, A.3, A.8).
 *
 * Plain struct, embedded; all zero is a valid start. A new SSRC, or a sequence jump that turns out
 * to be a restart, begins a new count; what was lost before stays in the total. Thread: any one.
 */
#ifndef DBE_MEDIA_RTP_STATS_H
#define DBE_MEDIA_RTP_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct rtp_stats {
	bool started;
	uint16_t max_sequence;
	uint32_t ssrc;
	uint32_t cycles; /* sequence wraps, already shifted by 16 bits */
	uint32_t base_sequence;
	uint32_t
		bad_sequence; /* the number that would confirm a restart; over 16 bits = none awaited */
	uint32_t received;    /* of the present count */
	uint64_t lost_before; /* of the counts before it */
	uint32_t transit;     /* A.8: relative transit time of the last packet, timestamp units */
	bool has_transit;
	uint32_t jitter_x16; /* A.8: 16 times the jitter, timestamp units */
	uint32_t clock_hz;
	uint32_t jitter_max_us;
	uint32_t restarts; /* SSRC changes and sequence restarts seen */
};

struct rtp_sample {
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint32_t clock_hz;
	uint64_t arrival_us;
};

void rtp_stats_feed(struct rtp_stats *s, const struct rtp_sample *p);

/** Expected - received over all counts; duplicates can make that negative, which reads as 0 (A.3). */
uint64_t rtp_stats_lost(const struct rtp_stats *s);

/** Interarrival jitter now, in microseconds (6.4.1). */
uint32_t rtp_stats_jitter_us(const struct rtp_stats *s);

#endif
