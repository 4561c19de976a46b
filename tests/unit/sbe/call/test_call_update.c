/* SPDX-License-Identifier: Apache-2.0 */
/* UPDATE before and after the answer, from either side, its glare, and what a refused one leaves behind (S2, A10, RFC 3311, 6141). */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALLOW "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\n"
#define SDP_A2 BED_SDP("10.0.0.12", "4444")
#define SDP_B2 BED_SDP("198.51.100.23", "7000")

static char invite[BED_MESSAGE_MAX];

/* A call both of whose sides know UPDATE. */
static void connect_with(const char *a, const char *b)
{
	bed.extra = a;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.extra = b;
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
}

/* A call that rings, with offer and answer complete on both legs. */
static void ring(void)
{
	char rack[60];

	bed.extra = "Supported: 100rel\n" ALLOW;
	bed_invite(A, SDP_A);
	strcpy(invite, bed_take(B, "INVITE "));
	bed.extra = "Require: 100rel\nRSeq: 1\n" ALLOW;
	bed_reply(B, 183, SDP_B);
	bed_take(B, "PRACK ");
	bed_reply(B, 200, NULL);
	snprintf(rack, sizeof(rack), "RAck: %s 1 INVITE\n",
		 bed_header(bed_take(A, "SIP/2.0 183 "), "RSeq"));
	bed.extra = rack;
	bed_request(A, "PRACK", NULL);
	bed_take(A, "SIP/2.0 200 ");
}

static void answer_the_invite(void)
{
	strcpy(bed.ua[B].request, invite);
	bed_reply(B, 200, NULL);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
}

/* One side offers by UPDATE, the other answers. @return what the other one got. */
static const char *change(enum bed_who from, const char *offer, const char *answer)
{
	static char text[BED_MESSAGE_MAX];
	enum bed_who to = from == A ? B : A;
	const char *m;

	bed_request(from, "UPDATE", offer);
	strcpy(text, bed_take(to, "UPDATE "));
	bed_quiet(from);
	bed_reply(to, 200, answer);
	m = bed_take(from, "SIP/2.0 200 ");
	bed_has(bed_header(m, "CSeq"), " UPDATE");
	bed_has(m, "\r\nm=audio ");
	bed_has(m, "\r\nContact: <sip:");
	bed_has(bed_header(m, "Allow"), "UPDATE");
	return text;
}

static void both_ways(void **state)
{
	const char *m;

	(void)state;
	connect_with(ALLOW, ALLOW);
	bed.max_forwards = "20";
	m = change(A, SDP_A2, SDP_B2);
	assert_string_equal(bed_header(m, "Max-Forwards"), "19");
	assert_string_equal(bed_header(m, "CSeq"), "2 UPDATE");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_has(m, "\r\nContact: <sip:203.0.113.1:5060>\r\n");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	change(B, SDP_B, SDP_A);
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	bed_hang_up(A, B);
}

/* Hold in its three forms. */
static void hold(void **state)
{
	(void)state;
	connect_with(ALLOW, ALLOW);
	bed_has(change(A, SDP_A "a=sendonly\n", SDP_B "a=recvonly\n"), "\r\na=sendonly\r\n");
	assert_string_equal(bed_modes(), "recvonly/sendonly");
	bed_has(change(A, SDP_A "a=inactive\n", SDP_B "a=inactive\n"), "\r\na=inactive\r\n");
	assert_string_equal(bed_modes(), "inactive/inactive");
	bed_has(change(A, BED_SDP("0.0.0.0", "4000"), SDP_B), "\r\nc=IN IP4 0.0.0.0\r\n");
	assert_string_equal(bed_modes(), "recvonly/sendonly");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	change(A, SDP_A, SDP_B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

static void another_stream(void **state)
{
	(void)state;
	connect_with(ALLOW, ALLOW);
	bed_has(change(A, SDP_A "m=video 4002 RTP/AVP 31\n", SDP_B "m=video 6002 RTP/AVP 31\n"),
		"\r\nm=video 2");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv sendrecv/sendrecv");
	bed_request(A, "UPDATE", SDP_A); /* a line of the session is missing (S2) */
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
	bed_request(A, "INVITE", SDP_A);
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv sendrecv/sendrecv");
	bed.gate.modify_err = -ENOSPC;
	bed_request(B, "UPDATE", SDP_B "m=video 6002 RTP/AVP 31\nm=audio 6004 RTP/AVP 0\n");
	bed_take(B, "SIP/2.0 488 ");
	bed.gate.modify_err = 0;
	bed_hang_up(A, B);
}

/* Ours to answer: it goes nowhere, and the target is the new one. */
static void without_a_description(void **state)
{
	const char *m;

	(void)state;
	connect_with("", "");
	bed.ua[B].ip = "198.51.100.21";
	bed.ua[C].target[0] = '\0';
	bed_request(B, "UPDATE", NULL);
	m = bed_take(B, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Contact"), "<sip:203.0.113.1:5060>");
	assert_string_equal(bed_body(m), "");
	bed_quiet(A);
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(C, "BYE sip:user@198.51.100.21:5060 ");
	bed_reply(C, 200, NULL);
}

/* S2 */
static void refused(void **state)
{
	static const int statuses[] = {488, 500, 603, 491};
	char start[20];

	(void)state;
	connect_with(ALLOW, ALLOW);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		bed_request(A, "UPDATE", SDP_A2);
		bed_take(B, "UPDATE ");
		bed_reply(B, statuses[i], NULL);
		snprintf(start, sizeof(start), "SIP/2.0 %d ", statuses[i]);
		bed_take(A, start);
		assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
		assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	}
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "UPDATE ");
	bed_reply(B, 407, NULL); /* between B and us */
	bed_take(A, "SIP/2.0 488 ");
	bed_request(A, "UPDATE", "v=0\nnonsense\n");
	bed_take(A, "SIP/2.0 488 ");
	bed_request(A, "UPDATE", BED_SDP("224.0.0.1", "4000"));
	bed_take(A, "SIP/2.0 488 ");
	bed.extra = "Require: gibberish\n";
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(A, "SIP/2.0 420 ");
	bed.max_forwards = "0";
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(A, "SIP/2.0 483 ");
	bed.max_forwards = NULL;
	bed_quiet(B);
	change(A, SDP_A2, SDP_B2);
	bed_hang_up(A, B);
}

static void answered_with_nonsense(void **state)
{
	(void)state;
	connect_with(ALLOW, ALLOW);
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "UPDATE ");
	bed_reply(B, 200, NULL);
	bed_take(A, "SIP/2.0 487 ");
	bed_take_bye(A);
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "bad_answer");
}

static void the_other_side_is_gone(void **state)
{
	(void)state;
	connect_with(ALLOW, ALLOW);
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "UPDATE ");
	bed_reply(B, 481, NULL);
	bed_take(A, "SIP/2.0 500 ");
	bed_take_bye(A);
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "dialog_gone");
}

static void nobody_answers(void **state)
{
	(void)state;
	connect_with(ALLOW, ALLOW);
	bed.lossy[B] = true;
	bed_request(A, "UPDATE", SDP_A2);
	bed_run_ms(29900);
	bed_quiet(A);
	bed.lossy[B] = false;
	bed_run_ms(200);
	assert_string_equal(bed_cdr("cause"), "dialog_gone");
	bed_has(bed_header(bed_take(A, "SIP/2.0 504 "), "CSeq"), " UPDATE");
	bed_take_bye(A);
	bed_take_bye(B);
}

/* ---- the other side knows no UPDATE ---- */

static void as_an_invite(void **state)
{
	const char *m;

	(void)state;
	connect_with(ALLOW, "Allow: INVITE, ACK, BYE\n");
	bed_request(A, "UPDATE", SDP_A2);
	m = bed_take(B, "INVITE ");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_quiet(A);
	bed_reply(B, 180, NULL);
	bed_reply(B, 200, SDP_B2);
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(bed_header(m, "CSeq"), " UPDATE");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	bed_take(B, "ACK "); /* at once: no ACK will come from A */
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	bed_request(A, "UPDATE", SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 488 ");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	bed_request(B, "INVITE", SDP_B); /* and the exchange is over */
	bed_take(A, "INVITE ");
	bed_reply(A, 200, SDP_A);
	bed_take(B, "SIP/2.0 200 ");
	bed_ack(B, NULL);
	bed_take(A, "ACK ");
	bed_hang_up(A, B);
}

/* RFC 3311 5.2: 504, before the UPDATE's sender gives up. */
static void as_an_invite_that_rings(void **state)
{
	(void)state;
	connect_with(ALLOW, "");
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_run_ms(20100);
	bed_skip(A);
	bed_take(B, "CANCEL ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	assert_int_equal(call_count(bed.core), 1);
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	while (strncmp(bed_take_any(B), "BYE ", 4))
		; /* the CANCEL again, which nobody has answered */
	bed_reply(B, 200, NULL);
	bed_run_ms(32000);
	bed_skip(B);
}

static void as_an_invite_and_the_call_ends(void **state)
{
	(void)state;
	connect_with(ALLOW, "");
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "INVITE ");
	{
		char request[BED_MESSAGE_MAX];

		strcpy(request, bed.ua[B].request);
		bed_request(B, "BYE", NULL);
		bed_take(B, "SIP/2.0 200 ");
		bed_has(bed_header(bed_take(A, "SIP/2.0 487 "), "CSeq"), " UPDATE");
		bed_take_bye(A);
		strcpy(bed.ua[B].request, request);
	}
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
}

/* ---- glare (A10) ---- */

static void glare(void **state)
{
	const char *m;

	(void)state;
	connect_with(ALLOW, ALLOW);
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "UPDATE ");
	{
		char request[BED_MESSAGE_MAX];

		strcpy(request, bed.ua[B].request);
		bed_request(B, "UPDATE", SDP_B2); /* from the other side */
		bed_take(B, "SIP/2.0 491 ");
		bed_request(B, "INVITE", SDP_B2);
		bed_take(B, "SIP/2.0 491 ");
		bed_request(A, "UPDATE", SDP_A); /* from the same side */
		m = bed_take(A, "SIP/2.0 500 ");
		assert_true(atoi(bed_header(m, "Retry-After")) <= 10);
		assert_true(bed_header(m, "Retry-After")[0] != '\0');
		bed_request(A, "INVITE", SDP_A);
		bed_take(A, "SIP/2.0 500 ");
		bed_request(A, "UPDATE", NULL); /* offers nothing */
		bed_take(A, "SIP/2.0 200 ");
		strcpy(bed.ua[B].request, request);
	}
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	bed_hang_up(A, B);
}

static void during_a_reinvite(void **state)
{
	char request[BED_MESSAGE_MAX];

	(void)state;
	connect_with(ALLOW, ALLOW);
	bed_request(A, "INVITE", SDP_A2);
	bed_take(B, "INVITE ");
	strcpy(request, bed.ua[B].request);
	bed_request(B, "UPDATE", SDP_B2);
	bed_take(B, "SIP/2.0 491 ");
	bed_request(A, "UPDATE", SDP_A);
	bed_take(A, "SIP/2.0 500 ");
	strcpy(bed.ua[B].request, request);
	bed_reply(B, 200, SDP_B2);
	bed_take(A, "SIP/2.0 200 ");
	change(B, SDP_B, SDP_A2); /* the answer is there, its ACK is another matter */
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	bed_hang_up(A, B);
}

/* ---- early ---- */

static void early_from_the_caller(void **state)
{
	const char *m;

	(void)state;
	ring();
	m = change(A, SDP_A2, SDP_B2);
	assert_string_equal(bed_header(m, "To"), bed.ua[B].local);
	assert_string_equal(bed_header(m, "CSeq"), "3 UPDATE"); /* INVITE, PRACK */
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	assert_string_equal(bed_modes(), "sendonly/recvonly"); /* the callee has not answered */
	answer_the_invite();
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(bed_take_bye(B), "CSeq"), "4 BYE");
}

static void early_from_the_callee(void **state)
{
	(void)state;
	ring();
	bed.ua[B].cseq = 100;
	change(B, SDP_B2, SDP_A2);
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	bed_request(B, "UPDATE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_quiet(A);
	bed.ua[B].cseq = 50; /* the early dialog counts, RFC 3261 12.2.2 */
	bed_request(B, "UPDATE", NULL);
	bed_take(B, "SIP/2.0 500 ");
	answer_the_invite();
	bed.ua[B].cseq = 60; /* and goes on counting when it is confirmed */
	bed_request(B, "UPDATE", NULL);
	bed_take(B, "SIP/2.0 500 ");
	bed.ua[B].cseq = 200;
	bed_hang_up(B, A);
}

static void early_and_then_answered(void **state)
{
	(void)state;
	ring();
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "UPDATE ");
	{
		char update[BED_MESSAGE_MAX];

		strcpy(update, bed.ua[B].request);
		answer_the_invite();
		strcpy(bed.ua[B].request, update);
	}
	bed_reply(B, 200, SDP_B2);
	bed_has(bed_header(bed_take(A, "SIP/2.0 200 "), "CSeq"), " UPDATE");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	bed_hang_up(A, B);
}

static void early_and_another_fork_answers(void **state)
{
	(void)state;
	ring();
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "UPDATE ");
	strcpy(bed.ua[B].request, invite);
	strcpy(bed.ua[B].tag, "b-tag-f2");
	bed_reply(B, 200, SDP_B2);
	bed_has(bed_header(bed_take(A, "SIP/2.0 500 "), "CSeq"), " UPDATE");
	bed_has(bed_header(bed_take(A, "SIP/2.0 200 "), "CSeq"), " INVITE");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	snprintf(bed.ua[B].local, sizeof(bed.ua[B].local), "%s;tag=b-tag-f2",
		 bed_header(invite, "To"));
	bed_hang_up(A, B);
	bed_run_ms(32000);
	bed_skip(B); /* the UPDATE, which nobody has answered */
}

static void early_and_cancelled(void **state)
{
	(void)state;
	ring();
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(B, "UPDATE ");
	bed_cancel(A);
	bed_has(bed_header(bed_take(A, "SIP/2.0 487 "), "CSeq"), " UPDATE");
	bed_has(bed_header(bed_take(A, "SIP/2.0 487 "), "CSeq"), " INVITE");
	bed_take(B, "CANCEL ");
	strcpy(bed.ua[B].request, invite);
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(32000);
	bed_skip(B);
}

/* Too early: the offer of the INVITE has no answer that had to arrive. */
static void too_early(void **state)
{
	(void)state;
	bed.extra = ALLOW;
	bed_invite(A, SDP_A);
	strcpy(invite, bed_take(B, "INVITE "));
	bed.extra = ALLOW;
	bed_reply(B, 183, SDP_B);
	bed_take(A, "SIP/2.0 183 ");
	bed_request(A, "UPDATE", SDP_A2);
	bed_has(bed_header(bed_take(A, "SIP/2.0 500 "), "Retry-After"), "");
	bed_request(B, "UPDATE", SDP_B2);
	bed_take(B, "SIP/2.0 491 ");
	bed_request(B, "UPDATE", NULL); /* a new target is welcome any time */
	bed_take(B, "SIP/2.0 200 ");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	bed.ua[A].invite_cseq = 1;
	answer_the_invite();
	bed_hang_up(A, B);
}

/* The caller's leg is done, the callee's is not. */
static void the_other_leg_is_not_ready(void **state)
{
	char rack[60];

	(void)state;
	bed.extra = "Supported: 100rel\n" ALLOW;
	bed_invite(A, SDP_A);
	strcpy(invite, bed_take(B, "INVITE "));
	bed.extra = ALLOW;
	bed_reply(B, 183, SDP_B); /* not reliable */
	snprintf(rack, sizeof(rack), "RAck: %s 1 INVITE\n",
		 bed_header(bed_take(A, "SIP/2.0 183 "), "RSeq"));
	bed.extra = rack;
	bed_request(A, "PRACK", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(A, "UPDATE", SDP_A2);
	bed_take(A, "SIP/2.0 491 "); /* come again later */
	answer_the_invite();
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(both_ways),
		BED_TEST(hold),
		BED_TEST(another_stream),
		BED_TEST(without_a_description),
		BED_TEST(refused),
		BED_TEST(answered_with_nonsense),
		BED_TEST(the_other_side_is_gone),
		BED_TEST(nobody_answers),
		BED_TEST(as_an_invite),
		BED_TEST(as_an_invite_that_rings),
		BED_TEST(as_an_invite_and_the_call_ends),
		BED_TEST(glare),
		BED_TEST(during_a_reinvite),
		BED_TEST(early_from_the_caller),
		BED_TEST(early_from_the_callee),
		BED_TEST(early_and_then_answered),
		BED_TEST(early_and_another_fork_answers),
		BED_TEST(early_and_cancelled),
		BED_TEST(too_early),
		BED_TEST(the_other_leg_is_not_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
