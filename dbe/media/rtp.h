/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtp - view of an RTP packet (RFC 3550 5.1): header fields and the bounds of its payload.
 *
 * Pure: reads the caller's bytes, keeps nothing. Thread: any.
 */
#ifndef DBE_MEDIA_RTP_H
#define DBE_MEDIA_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_HEADER_BYTES 12
#define RTP_PAYLOAD_TYPES 128

struct rtp_view {
	uint8_t payload_type;
	bool marker;
	uint16_t sequence;
	uint32_t timestamp, ssrc;
	size_t payload_offset, payload_bytes; /* without CSRCs, extension and padding */
};

/**
 * Check version, CSRC count, extension length and padding against the size of the datagram.
 * @return 0, or -EBADMSG: it is not a well-formed RTP packet.
 */
int rtp_view(const uint8_t *data, size_t len_bytes, struct rtp_view *ret_view);

/** RFC 5761 4: on a port that carries both, this byte range is RTCP. Looks at two bytes only. */
bool rtp_is_rtcp(const uint8_t *data, size_t len_bytes);

/** Clock rate of a static payload type (RFC 3551 6), 8000 for those that are assigned by signalling. */
uint32_t rtp_clock_hz(uint8_t payload_type);

#endif
