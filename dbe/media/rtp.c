/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/media/rtp.h"

#include <errno.h>

static uint16_t rtp_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t rtp_u32(const uint8_t *p)
{
	return (uint32_t)rtp_u16(p) << 16 | rtp_u16(p + 2);
}

int rtp_view(const uint8_t *data, size_t len_bytes, struct rtp_view *ret_view)
{
	size_t at = RTP_HEADER_BYTES, padding = 0;

	if (len_bytes < RTP_HEADER_BYTES || data[0] >> 6 != 2)
		return -EBADMSG;
	at += (size_t)(data[0] & 0x0f) * 4; /* CSRC list */
	if (data[0] & 0x10) {
		/* RFC 3550 5.3.1: 16 bits for the profile, 16 bits for the length in words */
		if (at + 4 > len_bytes)
			return -EBADMSG;
		at += 4 + (size_t)rtp_u16(data + at + 2) * 4;
	}
	if (at > len_bytes)
		return -EBADMSG;
	if (data[0] & 0x20) {
		/* 5.1: the last byte counts the padding, itself included, so 0 is never right */
		padding = data[len_bytes - 1];
		if (padding == 0 || padding > len_bytes - at)
			return -EBADMSG;
	}
	ret_view->payload_type = data[1] & 0x7f;
	ret_view->marker = data[1] >> 7;
	ret_view->sequence = rtp_u16(data + 2);
	ret_view->timestamp = rtp_u32(data + 4);
	ret_view->ssrc = rtp_u32(data + 8);
	ret_view->payload_offset = at;
	ret_view->payload_bytes = len_bytes - at - padding;
	return 0;
}

bool rtp_is_rtcp(const uint8_t *data, size_t len_bytes)
{
	return len_bytes >= 2 && data[0] >> 6 == 2 && data[1] >= 192 && data[1] <= 223;
}

uint32_t rtp_clock_hz(uint8_t payload_type)
{
	/* RFC 3551 tables 4 and 5; what is not here is 8000 Hz */
	switch (payload_type) {
	case 6: /* DVI4 */
		return 16000;
	case 10: /* L16 stereo */
	case 11: /* L16 mono */
		return 44100;
	case 16: /* DVI4 */
		return 11025;
	case 17: /* DVI4 */
		return 22050;
	case 14: /* MPA */
	case 25: /* CelB */
	case 26: /* JPEG */
	case 28: /* nv */
	case 31: /* H261 */
	case 32: /* MPV */
	case 33: /* MP2T */
	case 34: /* H263 */
		return 90000;
	default:
		return 8000;
	}
}
