/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_gate - the decision about one packet, sans-I/O: every data plane in user space asks here.
 *
 * Owner: embedded in the data plane's end. Thread: that of the loop.
 */
#ifndef DBE_PATH_PATH_GATE_H
#define DBE_PATH_PATH_GATE_H

#include "common/rate.h"
#include "dbe/media/rtp_stats.h"
#include "dbe/path/path.h"

struct path_gate {
	struct path_rules rules;
	struct path_gate *peer; /* joined end, or NULL */
	struct addr latched[PATH_PORTS];
	struct rate rate
		[PATH_PORTS]; /* reports have a bucket of their own, so that they survive policing */
	struct rtp_stats stats;
	struct path_counters
		counters; /* without lost, jitter and latched: path_gate_read fills those in */
	uint64_t next_event_us[PATH_EVENTS];
	path_event_h *event;
	void *event_arg;
};

struct path_packet {
	const uint8_t *data;
	size_t len_bytes;
	struct addr from;
	enum path_port port; /* it came to */
	uint64_t now_us;
};

/* Where a packet that may pass goes. */
struct path_hop {
	struct path_gate *out;
	enum path_port port;   /* of out, to send from */
	const struct addr *to; /* valid until out's rules change */
	bool rtcp;
};

#define PATH_PASS (-1)

void path_gate_init(struct path_gate *g, const struct path_open *o, uint64_t now_us);
void path_gate_change(struct path_gate *g, const struct path_rules *rules, bool rearm,
		      uint64_t now_us);
/** Join both ways, undoing earlier joins; b NULL = part. */
void path_gate_join(struct path_gate *a, struct path_gate *b);

/** Check, count, latch. @return PATH_PASS with ret_hop set, or an enum path_drop that has been counted. */
int path_gate_in(struct path_gate *g, const struct path_packet *packet, struct path_hop *ret_hop);
/** Count how sending went. @param err 0 or -errno. */
void path_gate_sent(struct path_gate *in, const struct path_hop *hop, size_t len_bytes, int err);

void path_gate_read(const struct path_gate *g, struct path_counters *ret_counters);

#endif
