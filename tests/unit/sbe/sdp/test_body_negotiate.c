/* SPDX-License-Identifier: Apache-2.0 */
/* Does an answer fit its offer? S2 (RFC 3264 6, 8), S14 and C21 (keys and codecs that were not offered). */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "common/mem.h"
#include "sbe/sdp/body_negotiate.h"
#include "tests/unit/sbe/sdp/examples.h"

#define C_LINE "c=IN IP4 10.0.0.1\r\n"

static int negotiate(const char *offer, const char *answer, struct body_negotiation *r,
		     const char **why)
{
	char a[1024], b[1024];
	struct body_sdp *x, *y;
	int err;

	snprintf(a, sizeof(a), "%s%s%s", AUDIO_HEAD, C_LINE, offer);
	snprintf(b, sizeof(b), "%s%s%s", AUDIO_HEAD, C_LINE, answer);
	x = parsed(a);
	y = parsed(b);
	err = body_negotiate(x, y, r, why);
	mem_unref(x);
	mem_unref(y);
	return err;
}

static void test_no_answer_to_this_offer_S2(void **state)
{
	static const struct {
		const char *offer, *answer, *why;
	} rows[] = {
		{"m=audio 2 RTP/AVP 0\r\n", "", "number of m= lines"},
		{"m=audio 2 RTP/AVP 0\r\n", "m=audio 2 RTP/AVP 0\r\nm=audio 2 RTP/AVP 0\r\n",
		 "number of m= lines"},
		{"m=audio 2 RTP/AVP 0\r\nm=video 2 RTP/AVP 31\r\n",
		 "m=video 2 RTP/AVP 31\r\nm=audio 2 RTP/AVP 0\r\n", "media type"},
		{"m=audio 2 RTP/AVP 0\r\nm=video 2 RTP/AVP 31\r\n",
		 "m=audio 2 RTP/AVP 0\r\nm=audio 0 RTP/AVP 31\r\n", "media type"},
		{"m=audio 2 RTP/SAVP 0\r\n", "m=audio 2 RTP/AVP 0\r\n", "transport"},
		{"m=audio 0 RTP/AVP 0\r\n", "m=audio 2 RTP/AVP 0\r\n", "port 0"},
	};
	struct body_negotiation r = {.n_streams = 99};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;

		assert_int_equal(negotiate(rows[i].offer, rows[i].answer, &r, &why), -EBADMSG);
		if (!strstr(why, rows[i].why))
			fail_msg("row %zu: %s", i, why);
	}
	assert_int_equal(r.n_streams, 99);
}

static void test_states_and_warnings(void **state)
{
	static const struct {
		const char *offer, *answer;
		enum body_stream_state state;
		enum body_direction direction;
		unsigned warnings;
	} rows[] = {
		{"m=audio 2 RTP/AVP 0 8\r\n", "m=AUDIO 2 rtp/avp 8\r\n", BODY_STREAM_ACTIVE,
		 BODY_SENDRECV, 0},
		{"m=audio 2 RTP/AVP 0\r\n", "m=audio 0 RTP/AVP 0\r\n", BODY_STREAM_REFUSED, 0, 0},
		{"m=audio 0 RTP/AVP 0\r\n", "m=audio 0 RTP/AVP 0\r\n", BODY_STREAM_REFUSED, 0, 0},
		{"m=audio 2 RTP/SAVP 0\r\n", "m=audio 0 RTP/AVP 99\r\n", BODY_STREAM_REFUSED, 0,
		 BODY_WARN_PROTO_OF_REFUSED},
		{"m=audio 2 RTP/AVP 0\r\na=sendonly\r\n", "m=audio 2 RTP/AVP 0\r\na=recvonly\r\n",
		 BODY_STREAM_HELD, BODY_SENDONLY, 0},
		{"m=audio 2 RTP/AVP 0\r\na=sendonly\r\n", "m=audio 2 RTP/AVP 0\r\n",
		 BODY_STREAM_HELD, BODY_SENDONLY, BODY_WARN_DIRECTION},
		{"m=audio 2 RTP/AVP 0\r\n", "m=audio 2 RTP/AVP 0\r\na=sendonly\r\n",
		 BODY_STREAM_HELD, BODY_RECVONLY, 0},
		{"m=audio 2 RTP/AVP 0\r\na=sendonly\r\n", "m=audio 2 RTP/AVP 0\r\na=sendonly\r\n",
		 BODY_STREAM_HELD, BODY_INACTIVE, BODY_WARN_DIRECTION},
		{"m=audio 2 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", "m=audio 2 RTP/AVP 0\r\n",
		 BODY_STREAM_HELD, BODY_SENDONLY, 0},
		{"m=audio 2 RTP/AVP 0 8\r\n", "m=audio 2 RTP/AVP 8 18\r\n", BODY_STREAM_ACTIVE,
		 BODY_SENDRECV, BODY_WARN_CODEC_NOT_OFFERED},
		{"m=audio 2 RTP/AVP 0 8\r\n", "m=audio 2 RTP/AVP 18\r\n", BODY_STREAM_ACTIVE,
		 BODY_SENDRECV, BODY_WARN_CODEC_NOT_OFFERED | BODY_WARN_NO_COMMON_CODEC},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
		 "m=audio 2 RTP/AVP 97\r\na=rtpmap:97 OPUS/48000/2\r\n", BODY_STREAM_ACTIVE,
		 BODY_SENDRECV, BODY_WARN_PAYLOAD_REMAPPED},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
		 "m=audio 2 RTP/AVP 96\r\na=rtpmap:96 iLBC/8000\r\n", BODY_STREAM_ACTIVE,
		 BODY_SENDRECV, BODY_WARN_CODEC_NOT_OFFERED | BODY_WARN_NO_COMMON_CODEC},
		{"m=audio 2 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n", "m=audio 2 RTP/AVP 96\r\n",
		 BODY_STREAM_ACTIVE, BODY_SENDRECV, 0},
		{"m=audio 2 RTP/SAVP 0\r\na=crypto:1 x\r\n", "m=audio 2 RTP/SAVP 0\r\n",
		 BODY_STREAM_ACTIVE, BODY_SENDRECV, BODY_WARN_KEY_MISSING},
		{"m=audio 2 RTP/AVP 0\r\na=crypto:1 x\r\n",
		 "m=audio 2 RTP/AVP 0\r\na=crypto:1 x\r\n", BODY_STREAM_ACTIVE, BODY_SENDRECV, 0},
		{"a=fingerprint:x\r\nm=audio 2 RTP/AVP 0\r\n", "m=audio 2 RTP/AVP 0\r\n",
		 BODY_STREAM_ACTIVE, BODY_SENDRECV, BODY_WARN_KEY_MISSING},
		{"m=audio 2 RTP/AVP 0\r\n", "m=audio 2 RTP/AVP 0\r\na=rtcp-mux\r\n",
		 BODY_STREAM_ACTIVE, BODY_SENDRECV, BODY_WARN_MUX_NOT_OFFERED},
		{"m=image 2 udptl t38\r\n", "m=image 2 udptl t38\r\n", BODY_STREAM_ACTIVE,
		 BODY_SENDRECV, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct body_negotiation r;

		assert_int_equal(negotiate(rows[i].offer, rows[i].answer, &r, NULL), 0);
		if (r.streams[0].state != rows[i].state ||
		    r.streams[0].direction != rows[i].direction || r.warnings != rows[i].warnings)
			fail_msg("row %zu: state %d direction %d warnings %u", i,
				 r.streams[0].state, r.streams[0].direction, r.warnings);
		assert_int_equal(r.n_active, rows[i].state != BODY_STREAM_REFUSED);
	}
}

static void test_mux_needs_both(void **state)
{
	struct body_negotiation r;

	(void)state;
	assert_int_equal(negotiate("m=audio 2 RTP/AVP 0\r\na=rtcp-mux\r\n",
				   "m=audio 2 RTP/AVP 0\r\na=rtcp-mux\r\n", &r, NULL),
			 0);
	assert_true(r.streams[0].rtcp_mux);
	assert_int_equal(negotiate("m=audio 2 RTP/AVP 0\r\na=rtcp-mux\r\n",
				   "m=audio 2 RTP/AVP 0\r\n", &r, NULL),
			 0);
	assert_false(r.streams[0].rtcp_mux);
}

static void test_later_offers_S2(void **state)
{
	struct body_sdp *two = parsed(AUDIO_HEAD "m=audio 2 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\n");
	struct body_sdp *one = parsed(AUDIO_HEAD "m=audio 2 RTP/AVP 0\r\n");
	struct body_sdp *changed =
		parsed(AUDIO_HEAD "m=image 2 udptl t38\r\nm=video 0 RTP/AVP 31\r\n");
	const char *why = NULL;

	(void)state;
	assert_int_equal(body_negotiate_again(1, two, &why), 0);
	assert_int_equal(body_negotiate_again(2, two, &why), 0);
	assert_int_equal(body_negotiate_again(2, changed, &why), 0); /* 8.3.3 */
	assert_null(why);
	assert_int_equal(body_negotiate_again(2, one, &why), -EBADMSG);
	assert_non_null(strstr(why, "missing"));
	mem_unref(two);
	mem_unref(one);
	mem_unref(changed);
}

/* Helpers in common are no codec in common: telephone-event alone carries no voice. */
static void test_a_stream_needs_a_codec(void **state)
{
	struct body_negotiation r;

	(void)state;
	assert_int_equal(
		negotiate("m=audio 2 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
			  "m=audio 2 RTP/AVP 9 101\r\na=rtpmap:101 telephone-event/8000\r\n", &r,
			  NULL),
		0);
	assert_int_equal(r.warnings, BODY_WARN_CODEC_NOT_OFFERED | BODY_WARN_NO_COMMON_CODEC);
	assert_int_equal(
		negotiate("m=audio 2 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
			  "m=audio 2 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", &r,
			  NULL),
		0);
	assert_int_equal(r.warnings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_answer_to_this_offer_S2),
		cmocka_unit_test(test_states_and_warnings),
		cmocka_unit_test(test_mux_needs_both),
		cmocka_unit_test(test_later_offers_S2),
		cmocka_unit_test(test_a_stream_needs_a_codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
