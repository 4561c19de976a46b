/* SPDX-License-Identifier: Apache-2.0 */
/* What both peers agreed to about media: types, codecs, packet times, encryption, bandwidth, DSCP, early media (C21, C25, B5, S11, H). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#define ROUTE "{'name':'r','to':[{'peer':'bnet'}]}"

static void up(const char *a, const char *b)
{
	char peers[3000];

	bed_down();
	snprintf(
		peers, sizeof(peers),
		"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],'media':{%s}},"
		"'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"
		"'next_hops':['sip:198.51.100.20'],'media':{%s}}",
		a, b);
	bed_up(peers, ROUTE);
}

static void refused(const char *sdp, const char *cause)
{
	bed_invite(A, sdp);
	bed_take(A, "SIP/2.0 488 ");
	assert_string_equal(bed_cdr("cause"), cause);
	bed_quiet(B);
	assert_int_equal(bed.gate.now, 0);
}

static void connect_with(const char *offer, const char *answer)
{
	bed_invite(A, offer);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, answer);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
}

static void give_up(void)
{
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
}

static void types(void **state)
{
	(void)state;
	up("", "'types':['audio','image']");
	bed_invite(A, SDP_A "m=video 4002 RTP/AVP 31\n");
	bed_has(bed_take(B, "INVITE "), "\r\nm=video 0 RTP/AVP 31\r\n");
	bed_has(bed.ua[B].request, "\r\nm=audio 2");
	give_up();
	up("'types':['VIDEO']", "");
	refused(SDP_A, "media_type");
}

/* The list of who is offered says the order; both lists say what. */
static void codecs_in_order(void **state)
{
	(void)state;
	up("'codecs':['telephone-event','PCMA','PCMU']",
	   "'codecs':['PCMU','PCMA','telephone-event']");
	bed_invite(A, SDP_A);
	bed_has(bed_take(B, "INVITE "), " RTP/AVP 0 8 101\r\n");
	give_up();
	up("", "'codecs':['opus']");
	refused(SDP_A, "codec");
}

#define ANSWER(formats)                                                                            \
	"v=0\no=user 7 7 IN IP4 198.51.100.22\ns=-\nc=IN IP4 198.51.100.22\nt=0 0\n"               \
	"m=audio 6000 RTP/AVP " formats "\n"

/* C21: what was taken from the offer does not come back by the answer. */
static void codecs_of_answers(void **state)
{
	(void)state;
	up("", "'codecs':['PCMU']");
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, ANSWER("8 0"));
	bed_has(bed_take(A, "SIP/2.0 200 "), " RTP/AVP 0\r\n");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, ANSWER("8"));
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed_take(A, "SIP/2.0 488 ");
	bed_invite(A, SDP_A); /* not in any offer */
	bed_take(B, "INVITE ");
	bed_reply(B, 200, ANSWER("18"));
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed_take(A, "SIP/2.0 502 ");
}

static void packet_times(void **state)
{
	(void)state;
	up("'ptime_min_ms':20", "'ptime_max_ms':40");
	refused(SDP_A "a=ptime:10\n", "ptime");
	refused(SDP_A "a=ptime:60\n", "ptime");
	connect_with(SDP_A "a=ptime:40\n", SDP_B);
	bed_hang_up(A, B);
	connect_with(SDP_A, SDP_B);
	bed_hang_up(A, B);
}

#define SECURE(ip, port, key)                                                                      \
	"v=0\no=user 7 7 IN IP4 " ip "\ns=-\nc=IN IP4 " ip "\nt=0 0\nm=audio " port                \
	" RTP/SAVP 8\n" key
#define KEY "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\n"
#define SECURE_A SECURE("10.0.0.11", "4000", KEY)
#define SECURE_B SECURE("198.51.100.22", "6000", KEY)

static void bad_answer(const char *offer, const char *answer)
{
	bed_invite(A, offer);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, answer);
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed_take(A, "SIP/2.0 488 ");
	assert_string_equal(bed_cdr("cause"), "bad_answer");
}

/* C21, C25, S14: no way down from encrypted to plain that was not agreed. */
static void srtp(void **state)
{
	(void)state;
	up("", "'srtp':'required'");
	refused(SDP_A, "srtp_required");
	refused(SDP_A KEY, "srtp_required"); /* opportunistic: it may end in plain RTP */
	refused(SECURE("10.0.0.11", "4000", ""), "srtp_required");
	connect_with(SECURE_A, SECURE_B);
	bed_request(A, "INVITE", SDP_A); /* nor later */
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
	bed_hang_up(A, B);
	bad_answer(SECURE_A, SECURE("198.51.100.22", "6000", ""));
	up("", "");
	bad_answer(SECURE_A, SECURE("198.51.100.22", "6000", ""));
	connect_with(SDP_A KEY, SDP_B); /* RFC 8643: unanswered is plain, where that is agreed */
	bed_hang_up(A, B);
	up("'srtp':'off'", "");
	refused(SECURE_A, "srtp_off");
	connect_with(SDP_A, SDP_B);
	bed_hang_up(A, B);
}

static void bandwidth_of_a_stream(void **state)
{
	(void)state;
	up("", "'bandwidth':{'stream_kbps':100}");
	refused(SDP_A "b=AS:101\n", "bandwidth");
	refused(SDP_A "b=TIAS:90000\n", "bandwidth"); /* without headers (RFC 3890) */
	bed_invite(A, SDP_A "b=AS:100\nm=video 4002 RTP/AVP 31\nb=AS:500\n");
	bed_has(bed_take(B, "INVITE "), "\r\nm=video 0 ");
	give_up();
}

/* What was asked for is what may come, with some tolerance; what says nothing is bounded by what is agreed. */
static void policed_rate(void **state)
{
	(void)state;
	up("", "");
	connect_with(SDP_A "b=AS:80\n", SDP_B "b=AS:64\n");
	assert_int_equal(bed_gate_stream(1, 0)->rate_bytes_per_s, 160 * 125);
	assert_int_equal(bed_gate_stream(1, 1)->rate_bytes_per_s, 160 * 125);
	bed_request(A, "INVITE", SDP_A); /* it says nothing any more */
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(bed_gate_stream(1, 0)->rate_bytes_per_s, 0);
	bed_hang_up(A, B);
	up("'rate_kbps':400", "'bandwidth':{'stream_kbps':200}");
	connect_with(SDP_A, SDP_B);
	assert_int_equal(bed_gate_stream(1, 0)->rate_bytes_per_s, 50000);
	assert_int_equal(bed_gate_stream(1, 1)->rate_bytes_per_s, 25000);
	bed_hang_up(A, B);
}

static uint64_t held(const char *peer)
{
	return peer_find_name(bed.config.peers, peer)->state->kbps;
}

static void bandwidth_of_all(void **state)
{
	(void)state;
	up("", "'bandwidth':{'all_kbps':200}");
	connect_with(SDP_A "b=AS:100\n", SDP_B "b=AS:100\n");
	assert_int_equal(held("bnet"), 100);
	assert_int_equal(held("pbx"), 100);
	bed_request(A, "INVITE",
		    SDP_A "b=AS:201\n"); /* more than there is: the call stays as it is */
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
	assert_int_equal(held("bnet"), 100);
	bed_invite(A, SDP_A "b=AS:101\n");
	bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_cdr("attempts.0.result"), "limit_bandwidth");
	assert_int_equal(held("bnet"), 100);
	assert_int_equal(peer_find_name(bed.config.peers, "bnet")->state->sessions[PEER_OUT], 1);
	bed_quiet(B);
	bed_request(B, "BYE", NULL); /* the first one is as it was */
	bed_take(B, "SIP/2.0 200 ");
	bed_take_bye(A);
	assert_int_equal(held("bnet"), 0);
}

static void bandwidth_comes_back(void **state)
{
	(void)state;
	up("'bandwidth':{'all_kbps':100}", "'bandwidth':{'all_kbps':100}");
	for (int i = 0; i < 3; i++) {
		connect_with(SDP_A "b=AS:90\n", SDP_B "b=AS:60\n");
		assert_int_equal(held("bnet"), 60); /* as agreed */
		bed_hang_up(A, B);
		assert_int_equal(held("bnet"), 0);
		assert_int_equal(held("pbx"), 0);
	}
	bed_invite(A, SDP_A "b=AS:120\n");
	bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_cdr("cause"), "limit_bandwidth");
	assert_int_equal(peer_find_name(bed.config.peers, "pbx")->state->sessions[PEER_IN], 0);
	bed_invite(A, SDP_A "b=AS:90\n");
	bed_take(B, "INVITE ");
	assert_int_equal(held("bnet"), 90);
	give_up();
	assert_int_equal(held("bnet"), 0);
}

static void dscp_by_type(void **state)
{
	(void)state;
	up("'dscp':8", "'dscp':46,'dscp_by_type':{'video':34,'text':0}");
	connect_with(
		SDP_A "m=video 4002 RTP/AVP 31\nm=text 4004 RTP/AVP 96\na=rtpmap:96 t140/1000\n",
		SDP_B "m=video 6002 RTP/AVP 31\nm=text 6004 RTP/AVP 96\na=rtpmap:96 t140/1000\n");
	assert_int_equal(bed_gate_stream(1, 1)->dscp, 46);
	assert_int_equal(bed_gate_stream(2, 1)->dscp, 34);
	assert_int_equal(bed_gate_stream(3, 1)->dscp, 0);
	for (unsigned s = 1; s <= 3; s++)
		assert_int_equal(bed_gate_stream(s, 0)->dscp, 8);
	bed_hang_up(A, B);
}

/* S11: nobody talks over a call that nobody pays for. */
static void early_media_blocked(void **state)
{
	(void)state;
	up("", "'early_media':'block-until-answer'");
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 183, SDP_B);
	bed_lacks(bed_take(A, "SIP/2.0 183 "), "m=audio");
	assert_string_equal(bed_modes(), "inactive/inactive");
	bed_reply(B, 200, SDP_B);
	bed_has(bed_take(A, "SIP/2.0 200 "), "\r\nm=audio 2");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(types),
		BED_TEST(codecs_in_order),
		BED_TEST(codecs_of_answers),
		BED_TEST(packet_times),
		BED_TEST(srtp),
		BED_TEST(bandwidth_of_a_stream),
		BED_TEST(policed_rate),
		BED_TEST(bandwidth_of_all),
		BED_TEST(bandwidth_comes_back),
		BED_TEST(dscp_by_type),
		BED_TEST(early_media_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
