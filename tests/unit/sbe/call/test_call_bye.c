/* SPDX-License-Identifier: Apache-2.0 */
/* BYE from either side, at any time (A12). */
#include "tests/unit/sbe/call/call_bed.h"

#include <string.h>

static void from_the_caller(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed.extra = "Reason: Q.850;cause=16\n";
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	m = bed_take_bye(B);
	assert_string_equal(bed_header(m, "Reason"), "Q.850;cause=16");
	assert_string_equal(bed_cdr("released_by"), "caller");
	assert_string_equal(bed_cdr("cause"), "normal");
	assert_int_equal(call_count(bed.core), 0);
}

static void from_the_callee(void **state)
{
	(void)state;
	bed_connect();
	bed_hang_up(B, A);
	assert_string_equal(bed_cdr("released_by"), "callee");
	assert_int_equal(call_count(bed.core), 0);
}

static void both_at_once(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(B, "BYE", NULL); /* sent before ours came */
	bed_take(B, "BYE ");
	bed_take(B, "SIP/2.0 200 ");
	bed_reply(B, 481, NULL);
	bed_quiet(A);
	assert_int_equal(call_count(bed.core), 0);
	assert_int_equal(bed_cdr_count(), 1);
}

static void twice(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(A, "BYE", NULL); /* another one, while B has not answered ours */
	bed_take(A, "SIP/2.0 200 ");
	bed_take_bye(B);
	bed_request(A, "BYE", NULL); /* and one when all is over */
	bed_take(A, "SIP/2.0 481 ");
	assert_int_equal(bed_cdr_count(), 1);
}

/* The far end has gone: the call ends all the same, 32 s later. */
static void not_answered(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	assert_int_equal(bed_cdr_count(), 1);
	assert_int_equal(bed.gate.now, 0); /* G15: media stop at once */
	bed_run_ms(31900);
	assert_int_equal(call_count(bed.core), 1);
	bed_run_ms(200);
	assert_int_equal(call_count(bed.core), 0);
	assert_int_equal(bed_skip(B), 11);
}

/* RFC 3261 15: no BYE to a caller whose ACK has not come; B's own is answered at once. */
static void before_the_ack_from_b(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take(B, "ACK "); /* nobody else will give it */
	bed_quiet(A);
	bed_run_ms(400);
	bed_ack(A, NULL);
	bed_take_bye(A);
	bed_quiet(B);
	assert_int_equal(call_count(bed.core), 0);
}

static void before_the_ack_that_never_comes(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take(B, "ACK ");
	bed_run_ms(31900);
	bed_skip(A); /* the 200 again */
	bed_run_ms(200);
	bed_take_bye(A);
	assert_int_equal(call_count(bed.core), 0);
}

static void before_the_ack_from_a(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed_run_ms(1000);
	bed_quiet(A); /* the 2xx is not sent again */
	assert_int_equal(call_count(bed.core), 0);
}

/* A caller may end an early dialog with BYE (RFC 3261 15); its INVITE gets 487 (15.1.2). */
static void in_the_early_dialog(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_request(A, "BYE", NULL);
	bed_has(bed_take(A, "SIP/2.0 200 "), " BYE\r\n");
	bed_take(A, "SIP/2.0 487 ");
	bed_take(B, "CANCEL ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_cdr("cause"), "cancelled");
	assert_int_equal(call_count(bed.core), 0);
}

/* The callee must not (15). It is taken at its word: nobody is left hanging (A12). */
static void in_the_early_dialog_by_b(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	{
		char invite[BED_MESSAGE_MAX];

		strcpy(invite, bed.ua[B].request);
		bed_request(B, "BYE", NULL);
		bed_take(B, "SIP/2.0 200 ");
		bed_take(A, "SIP/2.0 480 ");
		bed_take(B, "CANCEL ");
		strcpy(bed.ua[B].request, invite);
	}
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_cdr("released_by"), "callee");
	assert_int_equal(bed.gate.now, 0);
}

/* S4: a BYE overtakes a re-INVITE. */
static void over_its_own_reinvite(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", BED_SDP("10.0.0.11", "4010"));
	bed_take(B, "INVITE ");
	bed_request(A, "BYE", NULL);
	bed_has(bed_take(A, "SIP/2.0 200 "), " BYE\r\n");
	bed_take(A, "SIP/2.0 487 ");
	bed_take_bye(B);
	assert_int_equal(call_count(bed.core), 0);
}

/* B ends the call instead of answering the re-INVITE. */
static void over_the_others_reinvite(void **state)
{
	char invite[BED_MESSAGE_MAX];

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", BED_SDP("10.0.0.11", "4010"));
	bed_take(B, "INVITE ");
	strcpy(invite, bed.ua[B].request);
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take(A, "SIP/2.0 487 ");
	bed_take_bye(A);
	strcpy(bed.ua[B].request, invite);
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(call_count(bed.core), 0);
}

/* The re-INVITE's 2xx and the BYE cross: the 2xx is ACKed, or B would repeat it for 32 s. */
static void crosses_the_2xx_of_a_reinvite(void **state)
{
	char invite[BED_MESSAGE_MAX], bye[BED_MESSAGE_MAX];

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", BED_SDP("10.0.0.11", "4010"));
	bed_take(B, "INVITE ");
	strcpy(invite, bed.ua[B].request);
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(A, "SIP/2.0 487 ");
	bed_take(B, "BYE ");
	strcpy(bye, bed.ua[B].request);
	strcpy(bed.ua[B].request, invite);
	bed_reply(B, 200, SDP_B);
	assert_string_equal(bed_header(bed_take(B, "ACK "), "CSeq"), "2 ACK");
	strcpy(bed.ua[B].request, bye);
	bed_reply(B, 200, NULL);
	assert_int_equal(call_count(bed.core), 0);
}

/* Its 2xx waits for A's ACK: B gets the ACK from us, then the BYE. */
static void while_a_reinvite_waits_for_its_ack(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", BED_SDP("10.0.0.11", "4010"));
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(bed_take(B, "ACK "), "CSeq"), "2 ACK");
	assert_string_equal(bed_header(bed_take_bye(B), "CSeq"), "3 BYE");
	assert_int_equal(call_count(bed.core), 0);
}

/* Both protocols may tell why (RFC 3326), in answers too (RFC 6432); few of them, and none that names inner hosts. */
static void reasons(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed.extra = "Reason: Q.850;cause=16;text=\"Normal, all is well\"\n"
		    "Reason: SIP;cause=200;text=\"from 10.0.0.10\", X;cause=1, no token;cause=1\n"
		    "Reason: Y;cause=2,Z;cause=3\n";
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	m = bed_take_bye(B);
	assert_string_equal(bed_header(m, "Reason"),
			    "Q.850;cause=16;text=\"Normal, all is well\", X;cause=1, Y;cause=2");
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.extra = "Reason: Q.850;cause=17\n";
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 486 "), "Reason"), "Q.850;cause=17");
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.extra =
		"Reason: A;cause=1, B;cause=1\nReason: C;cause=1, D;cause=1\nReason: E;cause=5\n";
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	m = bed_take(A, "SIP/2.0 486 ");
	assert_string_equal(bed_header(m, "Reason"), "A;cause=1, B;cause=1, C;cause=1");
	bed_lacks(m, "D;cause");
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed.extra =
		"Reason: SIP;cause=200;text=\"Call completed elsewhere\"\nReason: Q.850;cause=26\n";
	bed_send_cancel(A);
	m = bed_take(B, "CANCEL ");
	assert_string_equal(bed_header(m, "Reason"),
			    "SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=26");
	bed_take(A, "SIP/2.0 200 ");
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(33000);
	bed_skip(B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(from_the_caller),
		BED_TEST(from_the_callee),
		BED_TEST(both_at_once),
		BED_TEST(twice),
		BED_TEST(not_answered),
		BED_TEST(before_the_ack_from_b),
		BED_TEST(before_the_ack_that_never_comes),
		BED_TEST(before_the_ack_from_a),
		BED_TEST(in_the_early_dialog),
		BED_TEST(in_the_early_dialog_by_b),
		BED_TEST(over_its_own_reinvite),
		BED_TEST(over_the_others_reinvite),
		BED_TEST(crosses_the_2xx_of_a_reinvite),
		BED_TEST(while_a_reinvite_waits_for_its_ack),
		BED_TEST(reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
