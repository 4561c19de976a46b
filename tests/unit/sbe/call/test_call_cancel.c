/* SPDX-License-Identifier: Apache-2.0 */
/* CANCEL at every moment (A9, S4, C13). */
#include "tests/unit/sbe/call/call_bed.h"

#include <string.h>

static void end_of_b(void)
{
	bed_take(B, "CANCEL ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
}

static void after_180(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_run_ms(100);
	bed.extra = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n";
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	m = bed_take(B, "CANCEL sip:+442079460000@b.example SIP/2.0\r\n");
	assert_string_equal(bed_header(m, "CSeq"), "1 CANCEL");
	assert_string_equal(bed_header(m, "Via"), bed_header(bed.ua[B].request, "Via"));
	assert_string_equal(bed_header(m, "Reason"),
			    "SIP;cause=200;text=\"Call completed elsewhere\"");
	assert_int_equal(bed.gate.now, 0);
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(call_count(bed.core), 0); /* nothing to wait for any more */
	assert_string_equal(bed_cdr("type"), "fail");
	assert_string_equal(bed_cdr("cause"), "cancelled");
	assert_string_equal(bed_cdr("status"), "487");
	assert_string_equal(bed_cdr("released_by"), "caller");
}

/* 9.1: no CANCEL before the far end has answered anything. */
static void before_100(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_quiet(B);
	bed_reply(B, 100, NULL);
	end_of_b();
	assert_int_equal(call_count(bed.core), 0);
}

static void before_100_and_refused_at_once(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	bed_quiet(A);
	assert_int_equal(call_count(bed.core), 0);
}

static void after_100(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 100, NULL);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	end_of_b();
}

static void while_gates_open(void **state)
{
	(void)state;
	bed.gate.hold = true;
	bed_invite(A, SDP_A);
	bed_quiet(B);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed.gate.hold = false;
	bed_settle();
	bed_quiet(B);
	assert_int_equal(bed.gate.now, 0);
	assert_string_equal(bed_cdr("cause"), "cancelled");
}

/* The 2xx was sent before the CANCEL came there: ACK and BYE to B, 487 to A. */
static void crosses_the_2xx(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 200, SDP_B);
	bed_take(B, "CANCEL ");
	m = bed_take(B, "ACK sip:user@198.51.100.20:5060 SIP/2.0\r\n");
	assert_string_equal(bed_header(m, "CSeq"), "1 ACK");
	assert_string_equal(bed_header(m, "To"), bed.ua[B].local);
	m = bed_take_bye(B);
	assert_string_equal(bed_header(m, "CSeq"), "2 BYE");
	bed_quiet(A);
	assert_int_equal(bed.gate.now, 0);
	assert_int_equal(call_count(bed.core), 0);
}

/* The 2xx of B is here, A's CANCEL comes while the gates follow. */
static void while_gates_follow_the_answer(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.gate.hold = true;
	bed_reply(B, 200, SDP_B);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed.gate.hold = false;
	bed_settle();
	bed_quiet(A);
	assert_int_equal(bed.gate.now, 0);
}

/* The CANCEL comes behind our 2xx: no effect (9.2), and A ends the call with BYE. */
static void behind_the_2xx(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_cancel(A);
	bed_quiet(B);
	assert_int_equal(call_count(bed.core), 1);
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void twice(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_cancel(A);
	bed_quiet(A);
	end_of_b();
	bed_quiet(B);
}

/* Right identifiers from somewhere else (C13). */
static void of_somebody_else(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed.leaks_ok = true; /* it gets back what it sent */
	bed_send(
		X,
		"CANCEL %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=%s;rport\nMax-Forwards: 70\n"
		"From: %s\nTo: <sip:+442079460000@a.example>\nCall-ID: %s\nCSeq: 1 CANCEL\n\n",
		bed.ua[A].invite_uri, bed.ua[A].branch, bed.ua[A].local, bed.ua[A].call_id);
	bed_take(X, "SIP/2.0 481 ");
	bed.leaks_ok = false;
	bed_quiet(A);
	bed_quiet(B);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* B never answers the CANCEL: it is given up after 64*T1. */
static void never_answered(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_run_ms(31900);
	assert_int_equal(call_count(bed.core), 1);
	assert_int_equal(bed_cdr_count(), 1); /* the record does not wait */
	bed_run_ms(200);
	assert_int_equal(call_count(bed.core), 0);
	bed_skip(B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(after_180),
		BED_TEST(before_100),
		BED_TEST(before_100_and_refused_at_once),
		BED_TEST(after_100),
		BED_TEST(while_gates_open),
		BED_TEST(crosses_the_2xx),
		BED_TEST(while_gates_follow_the_answer),
		BED_TEST(behind_the_2xx),
		BED_TEST(twice),
		BED_TEST(of_somebody_else),
		BED_TEST(never_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
