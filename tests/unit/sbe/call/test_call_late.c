/* SPDX-License-Identifier: Apache-2.0 */
/* Late offers: the INVITE has no SDP, the offer is in the 2xx and the answer in the ACK (S2). And our o= line. */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <string.h>

#define SDP_B_VIDEO SDP_B "m=video 6002 RTP/AVP 31\n"
#define SDP_A_VIDEO SDP_A "m=video 4002 RTP/AVP 31\n"

static void answer_in_the_ack(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, NULL);
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_body(m), "");
	bed_lacks(m, "Content-Type");
	assert_int_equal(bed.gate.opens, 0); /* nothing is known yet */
	bed_reply(B, 183, SDP_B);            /* no place for an offer */
	assert_string_equal(bed_body(bed_take(A, "SIP/2.0 183 ")), "");
	bed_reply(B, 200, SDP_B);
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	assert_string_equal(bed.gate.realms, "m-core v4 m-peering v4");
	assert_string_equal(bed_modes(), "inactive/inactive");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	bed_quiet(B);
	bed_ack(A, SDP_A);
	m = bed_take(B, "ACK ");
	bed_has(m, "\r\nContent-Type: application/sdp\r\n");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	/* a repeated 2xx gets the same ACK, with its SDP */
	{
		char ack[BED_MESSAGE_MAX];

		strcpy(ack, m);
		bed_reply(B, 200, SDP_B);
		assert_string_equal(bed_take(B, "ACK "), ack);
	}
	bed_hang_up(A, B);
	assert_string_equal(bed_cdr("dbe"), "dbe1");
	assert_string_equal(bed_cdr("media.0.callee.remote"), "198.51.100.22:6000");
}

static void ack_without_an_answer(void **state)
{
	(void)state;
	bed_invite(A, NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	assert_string_equal(bed_body(bed_take(B, "ACK ")), ""); /* so that B stops, then: */
	bed_take_bye(B);
	bed_take_bye(A);
	assert_string_equal(bed_cdr("cause"), "bad_answer");
}

static void ack_with_a_wrong_answer(void **state)
{
	(void)state;
	bed_invite(A, NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, SDP_A_VIDEO);
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed_take_bye(A);
	assert_string_equal(bed_cdr("cause"), "bad_answer");
}

static void no_offer_in_the_2xx(void **state)
{
	(void)state;
	bed_invite(A, NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, NULL);
	bed_take(A, "SIP/2.0 502 ");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_int_equal(bed.gate.opens, 0);
}

static void no_gates_for_the_offer(void **state)
{
	(void)state;
	bed.gate.open_err = -ENOSPC;
	bed_invite(A, NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 503 ");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "gate_ports");
}

static void nothing_left_of_the_offer(void **state)
{
	(void)state;
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"
	       "'media':{'codecs':['G729']}},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"
	       "'next_hops':['sip:198.51.100.20']}",
	       "{'name':'r','to':[{'peer':'bnet'}]}");
	bed_invite(A, NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 488 ");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "bad_answer");
}

/* A whole answer does not fit the buffer of a usual ACK. */
static void large_answer(void **state)
{
	static char sdp[8000];

	(void)state;
	strcpy(sdp, SDP_A);
	for (int i = 0; i < 80; i++)
		strcat(sdp,
		       "a=x-very-long-attribute-that-nobody-knows:abcdefghijklmnopqrstuvwxyz\n");
	bed_invite(A, NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, sdp);
	bed_has(bed_take(B, "ACK "), "x-very-long");
	bed_reply(B, 200, SDP_B);
	bed_has(bed_take(B, "ACK "), "x-very-long");
	bed_hang_up(A, B);
}

/* ---- re-INVITE without SDP ---- */

static void in_a_call(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", NULL);
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_body(m), "");
	bed_reply(B, 200, BED_SDP("198.51.100.23", "7000"));
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000"); /* until it is answered */
	bed_ack(A, BED_SDP("10.0.0.12", "4444"));
	m = bed_take(B, "ACK ");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	bed_hang_up(A, B);
}

static void in_a_call_with_another_stream(void **state)
{
	(void)state;
	bed_connect();
	bed_request(B, "INVITE", NULL);
	bed_take(A, "INVITE ");
	bed_reply(A, 200, SDP_A_VIDEO);
	bed_has(bed_take(B, "SIP/2.0 200 "), "\r\nm=video 2");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv inactive/inactive");
	bed_ack(B, SDP_B_VIDEO);
	bed_take(A, "ACK ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv sendrecv/sendrecv");
	bed_hang_up(A, B);
}

/* An ACK before there is anything to acknowledge is nobody's. */
static void in_a_call_acknowledged_too_early(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", NULL);
	bed_take(B, "INVITE ");
	bed_ack(A, SDP_A);
	bed_quiet(B);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, SDP_A);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void in_a_call_refused(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 488 ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

static void in_a_call_without_an_answer(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed_take_bye(A);
}

/* ---- o= (RFC 3264 5 and 8): the version grows by one exactly when the text changes ---- */

struct origin {
	unsigned long long id, version;
};

static struct origin offer_from_a(const char *sdp, struct origin *ret_answer)
{
	struct origin o;

	bed_request(A, "INVITE", sdp);
	bed_origin(bed_take(B, "INVITE "), &o.id, &o.version);
	bed_reply(B, 200, SDP_B);
	bed_origin(bed_take(A, "SIP/2.0 200 "), &ret_answer->id, &ret_answer->version);
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	return o;
}

static void origin_versions(void **state)
{
	struct origin b0, a0, b, a;

	(void)state;
	bed_invite(A, SDP_A);
	bed_origin(bed_take(B, "INVITE "), &b0.id, &b0.version);
	bed_reply(B, 183, SDP_B);
	bed_origin(bed_take(A, "SIP/2.0 183 "), &a0.id, &a0.version);
	bed_reply(B, 200, SDP_B);
	bed_origin(bed_take(A, "SIP/2.0 200 "), &a.id, &a.version);
	assert_int_equal(a.version, a0.version);
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	b = offer_from_a(SDP_A, &a); /* nothing changed */
	assert_int_equal(b.id, b0.id);
	assert_int_equal(b.version, b0.version);
	assert_int_equal(a.version, a0.version);
	/* A's address changed, ours did not: to B it is the same */
	b = offer_from_a(BED_SDP("10.0.0.12", "4444"), &a);
	assert_int_equal(b.version, b0.version);
	b = offer_from_a(SDP_A "a=sendonly\n", &a);
	assert_int_equal(b.id, b0.id);
	assert_int_equal(b.version, b0.version + 1);
	assert_int_equal(a.version, a0.version);
	b = offer_from_a(SDP_A, &a);
	assert_int_equal(b.version, b0.version + 2);
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(answer_in_the_ack),
		BED_TEST(ack_without_an_answer),
		BED_TEST(ack_with_a_wrong_answer),
		BED_TEST(no_offer_in_the_2xx),
		BED_TEST(no_gates_for_the_offer),
		BED_TEST(nothing_left_of_the_offer),
		BED_TEST(large_answer),
		BED_TEST(in_a_call),
		BED_TEST(in_a_call_with_another_stream),
		BED_TEST(in_a_call_acknowledged_too_early),
		BED_TEST(in_a_call_refused),
		BED_TEST(in_a_call_without_an_answer),
		BED_TEST(origin_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
