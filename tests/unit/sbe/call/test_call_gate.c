/* SPDX-License-Identifier: Apache-2.0 */
/* What dbes report about a call's media (E17, D2), and what they are told. */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <string.h>

#define VIDEO_A SDP_A "m=video 4002 RTP/AVP 31\n"
#define VIDEO_B SDP_B "m=video 6002 RTP/AVP 31\n"

static void both_get_bye(const char *cause)
{
	bed_take_bye(A);
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), cause);
	assert_string_equal(bed_cdr("released_by"), "sbe");
	assert_int_equal(call_count(bed.core), 0);
	assert_int_equal(bed.gate.now, 0);
}

static const char *text_of_call(void)
{
	static char text[128];
	json_t *list = call_list(bed.core), *o, *s;
	const char *token = json_string_value(
		json_array_get(json_array_get(json_object_get(list, "rows"), 0), 0));

	bed.gate.audit_err = -ETIMEDOUT; /* only what it told before */
	o = bed_show(token);
	s = json_object_get(o, "text");
	text[0] = '\0';
	if (s)
		strncpy(text, json_string_value(s), sizeof(text) - 1);
	json_decref(o);
	json_decref(list);
	return text;
}

static void context_is_gone(void **state)
{
	(void)state;
	bed_connect();
	bed_gate_trouble(GATE_TROUBLE_GONE);
	both_get_bye("media_lost");
}

static void context_is_gone_while_it_rings(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_gate_trouble(GATE_TROUBLE_GONE);
	bed_take(A, "SIP/2.0 503 ");
	bed_take(B, "CANCEL ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_cdr("cause"), "media_lost");
}

/* The association is away for a while: media go on, and so does the call (C10). */
static void association_comes_and_goes(void **state)
{
	(void)state;
	bed_connect();
	bed_gate_trouble(GATE_TROUBLE_LOST);
	bed_gate_trouble(GATE_TROUBLE_BACK);
	bed_quiet(A);
	bed_quiet(B);
	bed_hang_up(A, B);
}

static void silence_of_one_side(void **state)
{
	(void)state;
	bed_connect();
	assert_string_equal(text_of_call(), "");
	bed_gate_event(0, GATE_EVENT_SILENCE);
	bed_quiet(A);
	bed_quiet(B);
	assert_string_equal(text_of_call(), "One-way audio: no media arrives from the caller.");
	bed_gate_event(0, GATE_EVENT_RESUMED);
	assert_string_equal(text_of_call(), "");
	bed_gate_event(1, GATE_EVENT_SILENCE);
	assert_string_equal(text_of_call(), "One-way audio: no media arrives from the callee.");
	bed_gate_event(1, GATE_EVENT_RESUMED);
	bed_gate_event(0, GATE_EVENT_SILENCE);
	bed_quiet(A);
	bed_hang_up(A, B);
}

static void silence_of_both_sides(void **state)
{
	(void)state;
	bed_connect();
	bed_gate_event(0, GATE_EVENT_SILENCE);
	bed_gate_event(1, GATE_EVENT_SILENCE);
	both_get_bye("media_silent");
}

/* On hold only the one who plays music is expected to send. */
static void silence_on_hold(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A "a=sendonly\n");
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B "a=recvonly\n");
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_gate_event(1, GATE_EVENT_SILENCE); /* told before it heard of the hold */
	bed_quiet(A);
	bed_gate_event(0, GATE_EVENT_SILENCE);
	both_get_bye("media_silent");
}

static void nobody_is_expected_to_send(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A "a=inactive\n");
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B "a=inactive\n");
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_gate_event(0, GATE_EVENT_SILENCE);
	bed_gate_event(1, GATE_EVENT_SILENCE);
	bed_quiet(A);
	bed_quiet(B);
	bed_hang_up(A, B);
}

/* Speech has stopped both ways but the picture moves: the call lives. Events are of stream 1. */
static void silence_of_one_stream(void **state)
{
	(void)state;
	bed_invite(A, VIDEO_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, VIDEO_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_gate_event(0, GATE_EVENT_SILENCE);
	bed_gate_event(1, GATE_EVENT_SILENCE);
	bed_quiet(A);
	bed_quiet(B);
	bed_hang_up(A, B);
}

static void other_events(void **state)
{
	(void)state;
	bed_connect();
	bed_gate_event(0, GATE_EVENT_SOURCE);
	bed_gate_event(0, GATE_EVENT_POLICED);
	bed_gate_event(1, GATE_EVENT_LATCHED);
	bed_gate_event(-1, GATE_EVENT_SILENCE);
	bed_gate_event(2, GATE_EVENT_SILENCE);
	bed_quiet(A);
	bed_hang_up(A, B);
}

/* ---- what a dbe is told ---- */

static void streams_as_agreed(void **state)
{
	const struct gate_stream *a, *b;

	(void)state;
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"
	       "'media':{'source':'latch','dscp':10,'silence_s':7,'rate_kbps':400}},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"
	       "'next_hops':['sip:198.51.100.20'],'media':{'silence_s':0}}",
	       "{'name':'r','to':[{'peer':'bnet'}]}");
	bed_invite(A, SDP_A "a=rtcp-mux\na=rtcp:4005 IN IP4 10.0.0.13\n");
	bed_take(B, "INVITE ");
	bed_reply(B, 200,
		  "v=0\no=u 7 7 IN IP4 198.51.100.22\ns=-\nc=IN IP4 198.51.100.22\nt=0 0\n"
		  "m=audio 6000 RTP/AVP 8\na=rtcp-mux\n");
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	a = bed_gate_stream(1, 0);
	b = bed_gate_stream(1, 1);
	assert_int_equal(a->source, GATE_SOURCE_LATCH);
	assert_int_equal(a->dscp, 10);
	assert_int_equal(a->silence_ms, 7000);
	assert_int_equal(a->rate_bytes_per_s, 50000);
	assert_int_equal(a->burst_bytes, 10000);
	assert_int_equal(b->source, GATE_SOURCE_EXACT);
	assert_int_equal(b->dscp, 46);
	assert_int_equal(b->silence_ms, 0);
	assert_false(b->has & GATE_HAS_RATE);
	assert_true(a->rtp && b->rtp);
	/* 8, 0 and 101: each side may send what either description names */
	assert_int_equal(a->payloads[0], 1U << 8 | 1U << 0);
	assert_int_equal(a->payloads[1], 1ULL << (101 - 64));
	bed_hang_up(A, B);
}

/* An MSRP stream between two that we carry: numbers and order stay (S2). */
static void streams_keep_their_numbers(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A "m=message 4002 TCP/MSRP *\nm=video 4004 RTP/AVP 31\n");
	m = bed_take(B, "INVITE ");
	bed_has(m, "\r\nm=message 0 TCP/MSRP *\r\n");
	bed_reply(B, 200, SDP_B "m=message 0 TCP/MSRP *\nm=video 6004 RTP/AVP 31\n");
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	assert_string_equal(bed_gate_remote(3, 1), "198.51.100.22:6004");
	assert_string_equal(bed_gate_remote(3, 0), "10.0.0.11:4004");
	bed_hang_up(A, B);
	assert_string_equal(bed_cdr("media.1.stream"), "3");
}

static void declined_stream_is_closed(void **state)
{
	(void)state;
	bed_invite(A, VIDEO_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B "m=video 0 RTP/AVP 31\n");
	bed_has(bed_take(A, "SIP/2.0 200 "), "\r\nm=video 0 RTP/AVP 31\r\n");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv inactive/inactive");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(context_is_gone),
		BED_TEST(context_is_gone_while_it_rings),
		BED_TEST(association_comes_and_goes),
		BED_TEST(silence_of_one_side),
		BED_TEST(silence_of_both_sides),
		BED_TEST(silence_on_hold),
		BED_TEST(nobody_is_expected_to_send),
		BED_TEST(silence_of_one_stream),
		BED_TEST(other_events),
		BED_TEST(streams_as_agreed),
		BED_TEST(streams_keep_their_numbers),
		BED_TEST(declined_stream_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
