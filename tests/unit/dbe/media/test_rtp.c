/* SPDX-License-Identifier: Apache-2.0 */
/* RTP and RTCP well-formedness: C29, B4, B6, B10 (no over-read: run with the address sanitizer). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dbe/media/rtcp.h"
#include "dbe/media/rtp.h"

/* Hand over an exact-size heap copy, so that one byte too far is seen by the sanitizer. */
static int view(const uint8_t *bytes, size_t n, struct rtp_view *v)
{
	uint8_t *copy = malloc(n ? n : 1);
	int err;

	assert_non_null(copy);
	if (n)
		memcpy(copy, bytes, n);
	err = rtp_view(copy, n, v);
	free(copy);
	return err;
}

static int rtcp(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	int err;

	assert_non_null(copy);
	if (n)
		memcpy(copy, bytes, n);
	err = rtcp_check(copy, n);
	free(copy);
	return err;
}

static void test_reads_fields(void **state)
{
	uint8_t p[20] = {0x80, 0x88, 0x12, 0x34, 1, 2, 3, 4, 0xa, 0xb, 0xc, 0xd};
	struct rtp_view v;

	(void)state;
	assert_int_equal(view(p, sizeof(p), &v), 0);
	assert_int_equal(v.payload_type, 8);
	assert_true(v.marker);
	assert_int_equal(v.sequence, 0x1234);
	assert_int_equal(v.timestamp, 0x01020304);
	assert_int_equal(v.ssrc, 0x0a0b0c0d);
	assert_int_equal(v.payload_offset, 12);
	assert_int_equal(v.payload_bytes, 8);
}

static void test_c29_short_packets(void **state)
{
	uint8_t p[12] = {0x80};
	struct rtp_view v;

	(void)state;
	for (size_t n = 0; n < 12; n++)
		assert_int_equal(view(p, n, &v), -EBADMSG);
	assert_int_equal(view(p, 12, &v), 0);
	assert_int_equal(v.payload_bytes, 0);
}

static void test_b4_versions(void **state)
{
	uint8_t p[12] = {0};
	struct rtp_view v;

	(void)state;
	for (int version = 0; version < 4; version++) {
		p[0] = (uint8_t)(version << 6);
		assert_int_equal(view(p, 12, &v), version == 2 ? 0 : -EBADMSG);
	}
}

static void test_b4_csrc_count(void **state)
{
	uint8_t p[72] = {0x8f};
	struct rtp_view v;

	(void)state;
	assert_int_equal(view(p, 71, &v), -EBADMSG);
	assert_int_equal(view(p, 72, &v), 0);
	assert_int_equal(v.payload_offset, 72);
}

static void test_b4_extension(void **state)
{
	uint8_t p[24] = {0x90};
	struct rtp_view v;

	(void)state;
	p[14] = 0xff;
	p[15] = 0xff;
	assert_int_equal(view(p, 24, &v), -EBADMSG); /* length 65535 */
	assert_int_equal(view(p, 15, &v), -EBADMSG); /* not even its header */
	p[14] = 0;
	p[15] = 2;
	assert_int_equal(view(p, 24, &v), 0);
	assert_int_equal(v.payload_bytes, 0);
	assert_int_equal(view(p, 23, &v), -EBADMSG);
}

static void test_b4_padding(void **state)
{
	uint8_t p[16] = {0xa0};
	struct rtp_view v;

	(void)state;
	p[15] = 0;
	assert_int_equal(view(p, 16, &v), -EBADMSG);
	p[15] = 5; /* more than the payload */
	assert_int_equal(view(p, 16, &v), -EBADMSG);
	p[15] = 4;
	assert_int_equal(view(p, 16, &v), 0);
	assert_int_equal(v.payload_bytes, 0);
	p[11] = 1; /* the last byte of the header is not padding */
	assert_int_equal(view(p, 12, &v), -EBADMSG);
}

static void test_rfc5761_demultiplexing(void **state)
{
	uint8_t p[2] = {0x80, 0};

	(void)state;
	for (int type = 0; type < 256; type++) {
		p[1] = (uint8_t)type;
		assert_int_equal(rtp_is_rtcp(p, 2), type >= 192 && type <= 223);
	}
	p[1] = 200;
	assert_false(rtp_is_rtcp(p, 1));
	p[0] = 0x40;
	assert_false(rtp_is_rtcp(p, 2));
}

static void test_clock_rates(void **state)
{
	(void)state;
	assert_int_equal(rtp_clock_hz(0), 8000);
	assert_int_equal(rtp_clock_hz(9), 8000); /* G722 says 8000 although it samples at 16000 */
	assert_int_equal(rtp_clock_hz(11), 44100);
	assert_int_equal(rtp_clock_hz(31), 90000);
	assert_int_equal(rtp_clock_hz(101), 8000);
}

static void test_rtcp_compound(void **state)
{
	/* RR with no block, SDES with one chunk, BYE */
	uint8_t p[] = {0x80, 201, 0, 1, 1, 2, 3,    4,   0x81, 202, 0, 2, 1, 2,
		       3,    4,   0, 0, 0, 0, 0x81, 203, 0,    1,   1, 2, 3, 4};

	(void)state;
	assert_int_equal(rtcp(p, sizeof(p)), 0);
	for (size_t n = 0; n < sizeof(p); n++)
		assert_int_equal(rtcp(p, n), n == 8 || n == 20 ? 0 : -EBADMSG);
	p[8] = 0x41; /* the version of a later packet counts too */
	assert_int_equal(rtcp(p, sizeof(p)), -EBADMSG);
}

static void test_b6_rtcp_lengths(void **state)
{
	uint8_t p[64] = {0x80, 200, 0, 6};

	(void)state;
	assert_int_equal(rtcp(p, 28), 0);
	p[3] = 0; /* length 0: no room for a sender report */
	assert_int_equal(rtcp(p, 28), -EBADMSG);
	p[2] = 0xff;
	p[3] = 0xff;
	assert_int_equal(rtcp(p, 28), -EBADMSG);
	p[2] = 0;
	p[3] = 6;
	p[0] = 0x9f; /* 31 report blocks that are not there */
	assert_int_equal(rtcp(p, 28), -EBADMSG);
	p[0] = 0x80;
	p[1] = 191;
	assert_int_equal(rtcp(p, 28), -EBADMSG);
	p[1] = 205; /* feedback types are taken as they are */
	assert_int_equal(rtcp(p, 28), 0);
}

static void test_rtcp_padding(void **state)
{
	uint8_t p[16] = {0xa0, 201, 0, 2, 1, 2, 3, 4, 0, 0, 0, 4};

	(void)state;
	assert_int_equal(rtcp(p, 12), 0);
	p[11] = 3;
	assert_int_equal(rtcp(p, 12), -EBADMSG);
	p[11] = 0;
	assert_int_equal(rtcp(p, 12), -EBADMSG);
	p[11] = 8; /* would eat the SSRC */
	assert_int_equal(rtcp(p, 12), -EBADMSG);
	/* padding on a packet that is not the last */
	p[11] = 4;
	p[12] = 0x80;
	p[13] = 203;
	assert_int_equal(rtcp(p, 16), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_fields),
		cmocka_unit_test(test_c29_short_packets),
		cmocka_unit_test(test_b4_versions),
		cmocka_unit_test(test_b4_csrc_count),
		cmocka_unit_test(test_b4_extension),
		cmocka_unit_test(test_b4_padding),
		cmocka_unit_test(test_rfc5761_demultiplexing),
		cmocka_unit_test(test_clock_rates),
		cmocka_unit_test(test_rtcp_compound),
		cmocka_unit_test(test_b6_rtcp_lengths),
		cmocka_unit_test(test_rtcp_padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
