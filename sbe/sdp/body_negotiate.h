/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_negotiate - does an answer fit its offer (RFC 3264 6, RFC 6337)?
 *
 * Pure functions; nothing is allocated.
 */
#ifndef SBE_SDP_BODY_NEGOTIATE_H
#define SBE_SDP_BODY_NEGOTIATE_H

#include <stdbool.h>
#include <stdint.h>
#include "sbe/sdp/body_sdp.h"

enum body_stream_state {
	BODY_STREAM_REFUSED, /* port 0 on either side */
	BODY_STREAM_HELD,    /* agreed, media flows one way or not at all */
	BODY_STREAM_ACTIVE   /* agreed, both ways */
};

/** Breaches we can live with; policy decides (C21: a codec that was not offered). Bits. */
enum body_warning {
	BODY_WARN_CODEC_NOT_OFFERED = 1, /* some format of the answer was not in the offer */
	BODY_WARN_NO_COMMON_CODEC = 2,   /* none of them was */
	BODY_WARN_DIRECTION = 4,         /* e.g. sendonly answered with sendonly */
	BODY_WARN_KEY_MISSING = 8, /* offer had a=crypto or fingerprint, answer has none (S14) */
	BODY_WARN_MUX_NOT_OFFERED = 16,  /* a=rtcp-mux in the answer only (RFC 5761 5.1.1) */
	BODY_WARN_PROTO_OF_REFUSED = 32, /* another transport in a refused line */
	BODY_WARN_PAYLOAD_REMAPPED =
		64 /* same codec under another number (RFC 3264 6.1 allows it) */
};

struct body_stream {
	enum body_stream_state state;
	enum body_direction direction; /* what really flows, seen from the offerer */
	bool rtcp_mux;                 /* both want it */
	unsigned warnings;             /* enum body_warning */
};

struct body_negotiation {
	unsigned n_streams, n_active; /* active counts held ones too: all that are not refused */
	unsigned warnings;            /* of all streams together */
	struct body_stream streams[BODY_MAX_MEDIA];
};

/**
 * Compare an answer with its offer: same number of m= lines, same order and type, same transport
 * unless refused, port 0 answered by port 0.
 * @param ret_why set on failure to a constant sentence; may be NULL.
 * @return 0, -EBADMSG: end the call or answer 488, the answer is no answer to this offer.
 */
int body_negotiate(const struct body_sdp *offer, const struct body_sdp *answer,
		   struct body_negotiation *ret_result, const char **ret_why);

/**
 * In a later offer of the same session m= lines may be added, never removed (RFC 3264 8). What stands in a line may
 * change, its media type too (8.3.3: fax takes the place of audio).
 * @param n_before m= lines the session has. @return 0, -EBADMSG.
 */
int body_negotiate_again(unsigned n_before, const struct body_sdp *offer, const char **ret_why);

#endif
