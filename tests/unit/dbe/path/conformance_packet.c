/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of the conformance cases. */
#include <string.h>

#include "tests/unit/dbe/path/conformance.h"

static size_t packet_rtp(uint8_t *p, size_t len_bytes, uint8_t first, uint8_t second)
{
	static uint16_t sequence;

	for (size_t i = 0; i < len_bytes; i++)
		p[i] = (uint8_t)(i * 7 + 3); /* payload that shows a changed byte */
	p[0] = first;
	p[1] = second;
	sequence++;
	p[2] = (uint8_t)(sequence >> 8);
	p[3] = (uint8_t)sequence;
	return len_bytes;
}

static size_t packet_rtcp(uint8_t *p, const uint8_t *bytes, size_t len_bytes)
{
	memcpy(p, bytes, len_bytes);
	return len_bytes;
}

static size_t packet_odd(int what, uint8_t *p)
{
	static const uint8_t report[] = {0x80, 201, 0, 1, 1, 2, 3, 4, 0x81, 202,
					 0,    2,   1, 2, 3, 4, 1, 0, 0,    0};
	static const uint8_t feedback[] = {0x81, 206, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t udptl[] = {0, 1, 6, 0xc0, 1, 0x80, 0, 0, 0xff};

	switch (what) {
	case SEND_CSRC_EXTENSION_PADDING:
		packet_rtp(p, 100, 0xb2, 8);
		p[22] = 0; /* 2 CSRCs, then an extension of 3 words */
		p[23] = 3;
		p[99] = 60;
		return 100;
	case SEND_JUMBO:
		return packet_rtp(p, 9000, 0x80, 8);
	case SEND_RR:
		return packet_rtcp(p, report, sizeof(report));
	case SEND_FEEDBACK:
		return packet_rtcp(p, feedback, sizeof(feedback));
	case SEND_UDPTL:
		return packet_rtcp(p, udptl, sizeof(udptl));
	case SEND_BAD_RTCP_LENGTH:
		packet_rtcp(p, report, sizeof(report));
		p[2] = p[3] = 0xff;
		return sizeof(report);
	case SEND_BAD_RTCP_COUNT:
		packet_rtcp(p, report, sizeof(report));
		p[0] = 0x9f;
		return sizeof(report);
	case SEND_BAD_RTCP_TAIL:
		return packet_rtcp(p, report, sizeof(report) - 1);
	case SEND_BAD_EXTENSION:
		packet_rtp(p, 172, 0x90, 8);
		p[14] = p[15] = 0xff;
		return 172;
	case SEND_BAD_PADDING:
		packet_rtp(p, 172, 0xa0, 8);
		p[171] = 161;
		return 172;
	case SEND_BAD_PADDING_0:
		packet_rtp(p, 172, 0xa0, 8);
		p[171] = 0;
		return 172;
	default:
		return 0;
	}
}

size_t bed_packet(int what, uint8_t buf[BED_BYTES])
{
	if (what >= SEND_SHORT && what < SEND_NOTHING) {
		packet_rtp(buf, 172, 0x80, 8);
		return (size_t)(what - SEND_SHORT);
	}
	switch (what) {
	case SEND_RTP:
		return packet_rtp(buf, 172, 0x80, 8);
	case SEND_RTP_MARKER:
		return packet_rtp(buf, 172, 0x80, 0x88);
	case SEND_PT0:
		return packet_rtp(buf, 172, 0x80, 0);
	case SEND_PT101:
		return packet_rtp(buf, 16, 0x80, 101);
	case SEND_PT127:
		return packet_rtp(buf, 172, 0x80, 127);
	case SEND_BAD_VERSION_0:
		return packet_rtp(buf, 172, 0x00, 8);
	case SEND_BAD_VERSION_1:
		return packet_rtp(buf, 172, 0x40, 8);
	case SEND_BAD_VERSION_3:
		return packet_rtp(buf, 172, 0xc0, 8);
	case SEND_BAD_CSRC:
		return packet_rtp(buf, 71, 0x8f, 8);
	default:
		return packet_odd(what, buf);
	}
}
