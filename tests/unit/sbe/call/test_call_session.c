/* SPDX-License-Identifier: Apache-2.0 */
/* Session timers, each leg on its own (RFC 4028; S6, A31): who refreshes, how often, and what happens when nobody does. */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#define MINUTE_MS 60000U
#define TIMER "Supported: timer\n"
#define UPDATES "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE\n"

/* Both peers with this session_timer. */
static void up(const char *session_timer)
{
	char peers[1024];

	snprintf(peers, sizeof(peers),
		 "'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"
		 "'sip':{'session_timer':{%s}}},"
		 "'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"
		 "'next_hops':['sip:198.51.100.20'],'sip':{'session_timer':{%s}}}",
		 session_timer, session_timer);
	bed_down();
	bed_up(peers, "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]},"
		      "{'name':'in','from':['bnet'],'to':[{'peer':'pbx'}]}");
}

/* A call from A to B. @return A's 200. */
static const char *connect_with(const char *asks, const char *grants)
{
	const char *m;

	bed.extra = asks;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.extra = grants;
	bed_reply(B, 200, SDP_B);
	m = bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	return m;
}

static void ended_by_timer(void)
{
	bed_has(bed_take_bye(A), "\r\nReason: SIP;cause=408;text=\"session expired\"\r\n");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "session_expired");
	assert_string_equal(bed_cdr("released_by"), "sbe");
	assert_int_equal(bed.gate.now, 0);
}

/* ---- we answer ---- */

static void caller_refreshes_and_stops(void **state)
{
	const char *m;

	(void)state;
	bed.extra = TIMER "Session-Expires: 600\nMin-SE: 120\n";
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_header(m, "Session-Expires"), "1800"); /* ours, not A's */
	bed_lacks(m, "Min-SE");
	bed_has(bed_header(m, "Supported"), "timer");
	bed_lacks(m, "Require");
	bed_reply(B, 200, SDP_B);
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Session-Expires"), "600;refresher=uac");
	assert_string_equal(bed_header(m, "Require"), "timer");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(5 * MINUTE_MS);
	bed.extra = TIMER "Session-Expires: 600;refresher=uac\n";
	bed_request(A, "UPDATE", NULL);
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Session-Expires"), "600;refresher=uac");
	bed_run_ms(567900); /* 10 min less 32 s */
	bed_quiet(A);
	bed_quiet(B);
	bed_run_ms(200);
	ended_by_timer();
}

static void too_small(void **state)
{
	const char *m;

	(void)state;
	bed.extra = TIMER "Session-Expires: 89\n";
	bed_invite(A, SDP_A);
	m = bed_take(A, "SIP/2.0 422 ");
	assert_string_equal(bed_header(m, "Min-SE"), "90");
	assert_string_equal(bed_cdr("cause"), "session_interval");
	bed_quiet(B);
	connect_with(TIMER "Session-Expires: 90\n", NULL);
	bed.extra = TIMER "Session-Expires: 80\n"; /* in the dialog too */
	bed_request(A, "INVITE", SDP_A);
	bed_take(A, "SIP/2.0 422 ");
	bed.extra = TIMER "Session-Expires: 80\n";
	bed_request(A, "UPDATE", NULL);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 422 "), "Min-SE"), "90");
	bed_hang_up(A, B);
}

/* Its proxy wants a timer, it knows none: we refresh, with an INVITE that changes nothing. */
static void caller_knows_no_timer(void **state)
{
	unsigned long long id, version, id_again, version_again;
	const char *m;

	(void)state;
	m = connect_with("Session-Expires: 60\n", NULL);
	assert_string_equal(bed_header(m, "Session-Expires"), "90;refresher=uas"); /* raised */
	bed_lacks(m, "Require");
	bed_origin(m, &id, &version);
	for (int i = 0; i < 3; i++) {
		bed_run_ms(44900);
		bed_quiet(A);
		bed_run_ms(200);
		m = bed_take(A, "INVITE ");
		assert_string_equal(bed_header(m, "Session-Expires"), "90;refresher=uac");
		bed_origin(m, &id_again, &version_again);
		assert_true(id == id_again && version == version_again);
		bed.extra = "Session-Expires: 90;refresher=uac\n";
		bed_reply(A, 200, SDP_A);
		bed_take(A, "ACK ");
		bed_quiet(B);
	}
	assert_int_equal(bed.gate.modifies, 1); /* by the call's answer */
	bed_run_ms(45100);
	bed_take(A, "INVITE "); /* it dies */
	bed_run_ms(14800);
	bed_quiet(B);
	bed_skip(A);
	bed_run_ms(200); /* 60 s of the 90 */
	ended_by_timer();
}

static void no_timer_at_all(void **state)
{
	(void)state;
	bed_lacks(connect_with(NULL, NULL), "Session-Expires");
	bed_run_ms(24 * 60 * MINUTE_MS);
	bed_hang_up(A, B);
}

/* RFC 4028 9: the timer ends with a refresh that asks for none. */
static void refresh_without_timer(void **state)
{
	(void)state;
	connect_with(TIMER "Session-Expires: 90\n", NULL);
	bed_run_ms(30000);
	bed_request(A, "UPDATE", NULL);
	bed_lacks(bed_take(A, "SIP/2.0 200 "), "Session-Expires");
	bed_run_ms(10 * MINUTE_MS);
	bed_hang_up(A, B);
}

/* A refresh that changes nothing is between the peer and us; a change goes on. */
static void refresh_by_invite(void **state)
{
	const char *m;

	(void)state;
	connect_with(TIMER "Session-Expires: 90\n", TIMER "Session-Expires: 90;refresher=uas\n");
	bed_run_ms(45000);
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_request(A, "INVITE", SDP_A);
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Session-Expires"), "90;refresher=uac");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	bed_ack(A, NULL);
	bed_quiet(B);
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_request(B, "INVITE", SDP_B); /* what it said was an answer */
	m = bed_take(B, "SIP/2.0 200 ");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_ack(B, NULL);
	bed_quiet(A);
	/* a change: both are asked, both timers start anew */
	bed_run_ms(45000);
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_request(A, "INVITE", BED_SDP("10.0.0.11", "4002"));
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_header(m, "Session-Expires"), "90;refresher=uas");
	bed.extra = TIMER "Session-Expires: 90;refresher=uas\n";
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(59000);
	bed_quiet(A);
	bed_quiet(B);
	bed_hang_up(B, A);
}

/* ---- we ask ---- */

static void callee_wants_more(void **state)
{
	const char *m;
	char call_id[128];

	(void)state;
	up("'se_s':90");
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_header(m, "Session-Expires"), "90");
	snprintf(call_id, sizeof(call_id), "%s", bed_header(m, "Call-ID"));
	bed.extra = "Min-SE: 300\n";
	bed_reply(B, 422, NULL);
	bed_take(B, "ACK ");
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_header(m, "Session-Expires"), "300");
	assert_string_equal(bed_header(m, "Min-SE"), "300");
	assert_string_equal(bed_header(m, "Call-ID"), call_id);
	assert_string_equal(bed_header(m, "CSeq"), "2 INVITE");
	bed.extra = TIMER "Session-Expires: 300;refresher=uas\n";
	bed_reply(B, 200, SDP_B);
	bed_lacks(bed_take(A, "SIP/2.0 200 "), "Session-Expires");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(267900); /* it never refreshes; 32 s before the end */
	bed_quiet(A);
	bed_run_ms(200);
	ended_by_timer();
}

/* It asks for more and more, or for nothing: that is a refusal, and the caller does not see 422. */
static void callee_never_content(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	for (int i = 1; i <= 3; i++) {
		char line[32];

		snprintf(line, sizeof(line), "Min-SE: %d\n", 2000 * i);
		bed.extra = line;
		bed_reply(B, 422, NULL);
		bed_take(B, "ACK ");
		bed_take(B, "INVITE ");
	}
	bed.extra = "Min-SE: 9000\n";
	bed_reply(B, 422, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 500 ");
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 422, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 500 ");
}

static void we_refresh_with_update(void **state)
{
	const char *m;

	(void)state;
	connect_with(NULL, UPDATES TIMER "Session-Expires: 90;refresher=uac\n");
	for (int i = 0; i < 3; i++) {
		bed_run_ms(45100);
		m = bed_take(B, "UPDATE ");
		assert_string_equal(bed_header(m, "Session-Expires"), "90;refresher=uac");
		bed_has(bed_header(m, "Supported"), "timer");
		assert_string_equal(bed_body(m), "");
		bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
		bed_reply(B, 200, NULL);
		bed_quiet(A);
	}
	bed_run_ms(45100);
	bed_take(B, "UPDATE ");
	bed_run_ms(14700);
	bed_skip(B); /* it is dead: it gets the same again and again */
	bed_quiet(A);
	bed_run_ms(200);
	ended_by_timer();
}

static void refresh_refused(void **state)
{
	(void)state;
	connect_with(NULL, UPDATES TIMER "Session-Expires: 90;refresher=uac\n");
	bed_run_ms(45100);
	bed_take(B, "UPDATE ");
	bed_reply(B, 491, NULL); /* glare: soon again */
	bed_run_ms(2000);
	bed_quiet(B);
	bed_run_ms(2100);
	bed_take(B, "UPDATE ");
	bed_skip(B); /* it may have come more than once by now */
	bed.extra = "Min-SE: 200\n";
	bed_reply(B, 422, NULL);
	assert_string_equal(bed_header(bed_take(B, "UPDATE "), "Session-Expires"),
			    "200;refresher=uac");
	bed_reply(B, 405, NULL); /* it has forgotten UPDATE */
	bed_take(B, "INVITE ");
	bed_reply(B, 500, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(4900);
	bed_quiet(B);
	bed_run_ms(200);
	bed_take(B, "INVITE ");
	bed_reply(B, 481, NULL); /* the call is not there any more */
	bed_take(B, "ACK ");
	bed_take_bye(A);
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "dialog_gone");
}

/* While we refresh one side the other wants a change. */
static void refresh_meets_change(void **state)
{
	const char *m;
	char cseq[32];

	(void)state;
	connect_with(NULL, TIMER "Session-Expires: 90;refresher=uac\n");
	bed_run_ms(45100);
	bed_take(B, "INVITE ");
	bed_request(A, "INVITE", BED_SDP("10.0.0.11", "4002"));
	bed_take(A, "SIP/2.0 491 ");
	bed_request(A, "UPDATE", BED_SDP("10.0.0.11", "4002"));
	bed_take(A, "SIP/2.0 491 ");
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_reply(B, 200, BED_SDP("198.51.100.22", "6010")); /* it has moved meanwhile */
	bed_take(B, "ACK ");
	bed_settle();
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6010");
	/* the other way round: our refresh waits for the change */
	bed_run_ms(44000);
	bed_request(A, "INVITE", BED_SDP("10.0.0.11", "4002"));
	snprintf(cseq, sizeof(cseq), "%s", bed_header(bed_take(B, "INVITE "), "CSeq"));
	bed_run_ms(2000);
	while ((m = bed_next(B)))
		assert_string_equal(bed_header(m, "CSeq"), cseq);
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_reply(B, 200, BED_SDP("198.51.100.22", "6010"));
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* The interval is between us and one side: its 422 to an UPDATE that passes does not pass. */
/* A stream was to be added and was refused: a side that has moved when it is refreshed is followed all the same. */
static void refresh_after_a_refusal(void **state)
{
	(void)state;
	connect_with(NULL, TIMER "Session-Expires: 90;refresher=uac\n");
	bed_request(A, "INVITE", SDP_A "m=video 4010 RTP/AVP 31\n");
	bed_take(B, "INVITE ");
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 488 ");
	bed_run_ms(45100);
	bed_take(B, "INVITE ");
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_reply(B, 200, BED_SDP("198.51.100.22", "6010"));
	bed_take(B, "ACK ");
	bed_settle();
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6010");
	bed_hang_up(A, B);
}

/* A's refresh and ours to B cross: the ACK of the one says nothing about the other (A10). */
static void refreshes_cross(void **state)
{
	(void)state;
	connect_with(TIMER "Session-Expires: 90\n", TIMER "Session-Expires: 90;refresher=uac\n");
	bed_run_ms(44900);
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_request(A, "INVITE", SDP_A);
	bed_take(A, "SIP/2.0 200 ");
	bed_run_ms(200);
	bed_take(B, "INVITE ");
	bed_ack(A, NULL);
	bed_quiet(B);
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	/* nor about an INVITE that serves an UPDATE */
	bed_run_ms(20000);
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_request(A, "INVITE", SDP_A);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(A, "UPDATE", BED_SDP("10.0.0.11", "4002"));
	bed_take(B, "INVITE ");
	bed_ack(A, NULL);
	bed_quiet(B);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void update_with_too_small_interval(void **state)
{
	(void)state;
	connect_with(UPDATES, UPDATES TIMER "Session-Expires: 90;refresher=uac\n");
	bed_request(A, "UPDATE", BED_SDP("10.0.0.11", "4002"));
	bed_take(B, "UPDATE ");
	bed.extra = "Min-SE: 2000\n";
	bed_reply(B, 422, NULL);
	assert_string_equal(bed_header(bed_take(B, "UPDATE "), "Session-Expires"),
			    "2000;refresher=uac");
	bed.extra = TIMER "Session-Expires: 2000;refresher=uac\n";
	bed_reply(B, 200, SDP_B);
	bed_lacks(bed_take(A, "SIP/2.0 200 "), "Session-Expires");
	bed_request(A, "UPDATE", BED_SDP("10.0.0.11", "4004"));
	bed_take(B, "UPDATE ");
	bed_reply(B, 422, NULL); /* and does not say what it wants */
	bed_take(A, "SIP/2.0 488 ");
	bed_hang_up(A, B);
}

/* ---- policy ---- */

static void off(void **state)
{
	const char *m;

	(void)state;
	up("'mode':'off'");
	bed.extra = "Require: timer\n";
	bed_invite(A, SDP_A);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 420 "), "Unsupported"), "timer");
	bed.extra = TIMER "Session-Expires: 60\n";
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE ");
	bed_lacks(m, "Session-Expires");
	bed_lacks(m, "timer");
	bed.extra = TIMER "Session-Expires: 90;refresher=uac\n";
	bed_reply(B, 200, SDP_B);
	bed_lacks(bed_take(A, "SIP/2.0 200 "), "Session-Expires");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(60 * MINUTE_MS);
	bed_hang_up(A, B);
}

static void required(void **state)
{
	const char *m;

	(void)state;
	up("'mode':'require','se_s':120,'refresher':'us'");
	bed_invite(A, SDP_A);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 421 "), "Require"), "timer");
	assert_string_equal(bed_cdr("cause"), "timer_required");
	bed.extra = TIMER UPDATES;
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_header(m, "Require"), "timer");
	assert_string_equal(bed_header(m, "Session-Expires"), "120;refresher=uac");
	bed.extra = UPDATES; /* it takes the call and says nothing: we refresh all the same */
	bed_reply(B, 200, SDP_B);
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Session-Expires"), "120;refresher=uas");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(60100);
	bed_take(A, "UPDATE ");
	bed.extra = "Session-Expires: 120;refresher=uac\n";
	bed_reply(A, 200, NULL);
	bed_take(B, "UPDATE ");
	bed_reply(B, 200, NULL);
	bed_run_ms(30000);
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(caller_refreshes_and_stops),
		BED_TEST(too_small),
		BED_TEST(caller_knows_no_timer),
		BED_TEST(no_timer_at_all),
		BED_TEST(refresh_without_timer),
		BED_TEST(refresh_by_invite),
		BED_TEST(callee_wants_more),
		BED_TEST(callee_never_content),
		BED_TEST(we_refresh_with_update),
		BED_TEST(refresh_refused),
		BED_TEST(refresh_meets_change),
		BED_TEST(refresh_after_a_refusal),
		BED_TEST(refreshes_cross),
		BED_TEST(update_with_too_small_interval),
		BED_TEST(off),
		BED_TEST(required),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
