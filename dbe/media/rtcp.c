/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/media/rtcp.h"

#include <errno.h>

#define RTCP_HEADER_BYTES 4
#define RTCP_REPORT_BYTES 24

/* The smallest size that the count in the header asks for; what follows it is the profile's. */
static size_t rtcp_least_bytes(uint8_t type, uint8_t count)
{
	switch (type) {
	case RTCP_SR: /* sender's SSRC and report, then the blocks (6.4.1) */
		return 28 + (size_t)count * RTCP_REPORT_BYTES;
	case RTCP_RR:
		return 8 + (size_t)count * RTCP_REPORT_BYTES;
	case RTCP_SDES: /* each chunk has an SSRC and at least one word of items (6.5) */
		return RTCP_HEADER_BYTES + (size_t)count * 8;
	case RTCP_BYE:
		return RTCP_HEADER_BYTES + (size_t)count * 4;
	case RTCP_APP:
		return 12;
	default:
		return RTCP_HEADER_BYTES;
	}
}

int rtcp_check(const uint8_t *data, size_t len_bytes)
{
	size_t at = 0;

	if (len_bytes < RTCP_HEADER_BYTES)
		return -EBADMSG;
	while (at < len_bytes) {
		const uint8_t *p = data + at;
		size_t left = len_bytes - at, size, padding = 0;

		if (left < RTCP_HEADER_BYTES || p[0] >> 6 != 2 || p[1] < 192 || p[1] > 223)
			return -EBADMSG;
		size = ((size_t)(p[2] << 8 | p[3]) + 1) * 4;
		if (size > left)
			return -EBADMSG;
		if (p[0] & 0x20) {
			/* A.2: padding is on the last packet only, in whole words */
			padding = p[size - 1];
			if (size != left || padding == 0 || padding % 4 ||
			    padding > size - RTCP_HEADER_BYTES)
				return -EBADMSG;
		}
		if (size - padding < rtcp_least_bytes(p[1], p[0] & 0x1f))
			return -EBADMSG;
		at += size;
	}
	return 0;
}
