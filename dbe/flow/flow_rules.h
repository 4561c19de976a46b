/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_rules - settings of a stream as signalled -> the complete rules a data plane obeys.
 *
 * Pure. Thread: any.
 */
#ifndef DBE_FLOW_FLOW_RULES_H
#define DBE_FLOW_FLOW_RULES_H

#include "common/addr.h"
#include "dbe/path/path.h"

/* H.248.1 7.1.7: seen from outside the context, so sendonly sends to the far end. */
enum flow_mode { FLOW_INACTIVE = 0, FLOW_SENDONLY, FLOW_RECVONLY, FLOW_SENDRECV, FLOW_MODES };

/* One stream on one termination. All zero = closed, exact source, nothing known of the far end. */
struct flow_settings {
	uint8_t mode;   /* enum flow_mode */
	uint8_t source; /* enum path_source */
	uint8_t dscp;
	bool rtp;
	bool rtcp_mux;
	struct addr remote_rtp, remote_rtcp; /* rtcp.family 0 = RTP's port + 1 */
	struct addr_prefix source_prefix;    /* LATCH; net.family 0 = host prefix of remote_rtp */
	uint64_t payloads[2];
	uint32_t rate_bytes_per_s, burst_bytes;
	uint32_t silence_ms, first_packet_ms;
};

void flow_rules(const struct flow_settings *s, struct path_rules *ret_rules);

/** Values that cannot work on a local address of this family. @return NULL if fine, else what is wrong. */
const char *flow_settings_wrong(const struct flow_settings *s, uint8_t local_family);

/** Does going from a to b mean a new far end, so that a latch starts anew? */
bool flow_settings_rearm(const struct flow_settings *a, const struct flow_settings *b);

/** Does the far end send media to us in this mode? */
bool flow_mode_receives(uint8_t mode);
bool flow_mode_sends(uint8_t mode);

#endif
