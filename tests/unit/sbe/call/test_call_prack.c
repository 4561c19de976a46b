/* SPDX-License-Identifier: Apache-2.0 */
/* Reliable provisional responses, on either leg, on both, and the offers and answers in them (S5, RFC 3262). */
#include "sbe/call/call_reliable.h"
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REL(n) "Require: 100rel\nRSeq: " n "\n"
#define PEERS_WITH(a, b)                                                                           \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"             \
	"'sip':{'prack':'" a "'}},"                                                                \
	"'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"           \
	"'next_hops':['sip:198.51.100.20'],'sip':{'prack':'" b "'}}"
#define ROUTE "{'name':'r','to':[{'peer':'bnet'}]}"

static char invite[BED_MESSAGE_MAX];

static void ring(const char *header, const char *body)
{
	bed.extra = header;
	bed_invite(A, body);
	strcpy(invite, bed_take(B, "INVITE "));
}

static void b_says(int status, const char *header, const char *body)
{
	strcpy(bed.ua[B].request, invite);
	bed.extra = header;
	bed_reply(B, status, body);
}

/* Our PRACK to B, answered 200. @return its text. */
static const char *take_prack(const char *rack)
{
	static char text[BED_MESSAGE_MAX];

	strcpy(text, bed_take(B, "PRACK sip:user@198.51.100.20:5060 SIP/2.0\r\n"));
	assert_string_equal(bed_header(text, "RAck"), rack);
	bed_reply(B, 200, NULL);
	return text;
}

static unsigned long rseq_of(const char *text)
{
	assert_string_equal(bed_header(text, "Require"), "100rel");
	return strtoul(bed_header(text, "RSeq"), NULL, 10);
}

static void a_pracks(unsigned long rseq, const char *body)
{
	static char line[80];

	snprintf(line, sizeof(line), "RAck: %lu %u INVITE\n", rseq, bed.ua[A].invite_cseq);
	bed.extra = line;
	bed_request(A, "PRACK", body);
}

static void finish(void)
{
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* ---- the callee's leg ---- */

static void callee_alone(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	strcpy(invite, bed_take(B, "INVITE "));
	assert_string_equal(bed_header(invite, "Supported"), "100rel, timer");
	assert_string_equal(bed_header(invite, "Require"), "");
	b_says(180, REL("101"), NULL);
	m = bed_take(A, "SIP/2.0 180 ");
	bed_lacks(m, "Require"); /* S5: it leads nowhere */
	bed_lacks(m, "RSeq");
	m = take_prack("101 1 INVITE");
	assert_string_equal(bed_header(m, "CSeq"), "2 PRACK");
	assert_string_equal(bed_header(m, "To"), bed.ua[B].local);
	b_says(180, REL("101"), NULL); /* again: it has been acknowledged */
	bed_quiet(A);
	bed_quiet(B);
	b_says(183, REL("103"), SDP_B); /* 102 is missing (RFC 3262 4) */
	bed_quiet(A);
	bed_quiet(B);
	b_says(183, REL("102"), SDP_B);
	m = bed_take(A, "SIP/2.0 183 ");
	bed_has(m, "\r\nm=audio ");
	m = take_prack("102 1 INVITE");
	assert_string_equal(bed_header(m, "CSeq"), "3 PRACK");
	assert_string_equal(bed_body(m), "");
	b_says(200, NULL, NULL); /* the answer was in the 183 */
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(m, "\r\nm=audio "); /* A has seen none that had to arrive */
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	assert_string_equal(bed_header(bed_take(B, "ACK "), "CSeq"), "1 ACK");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(bed_take_bye(B), "CSeq"), "4 BYE");
}

/* Each fork numbers its own; who is hung up later sees a CSeq above that of the PRACK. */
static void forks_count_for_themselves(void **state)
{
	char tag[64];
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	strcpy(invite, bed_take(B, "INVITE "));
	strcpy(tag, bed.ua[B].tag);
	b_says(180, REL("7"), NULL);
	bed_take(A, "SIP/2.0 180 ");
	take_prack("7 1 INVITE");
	strcpy(bed.ua[B].tag, "b-tag-f2");
	b_says(180, REL("7"), NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_has(take_prack("7 1 INVITE"), ";tag=b-tag-f2\r\n");
	strcpy(bed.ua[B].tag, tag);
	b_says(200, NULL, SDP_B);
	strcpy(bed.ua[B].tag, "b-tag-f2");
	b_says(200, NULL, SDP_B);
	bed_has(bed_take(B, "ACK "), ";tag=b-tag-f2\r\n");
	m = bed_take_bye(B);
	bed_has(m, ";tag=b-tag-f2\r\n");
	assert_true(atoi(bed_header(m, "CSeq")) > 3);
	strcpy(bed.ua[B].tag, tag);
	finish();
}

static void unusable_rseq(void **state)
{
	static const char *const lines[] = {"Require: 100rel\n", REL("0")};

	(void)state;
	bed_invite(A, SDP_A);
	strcpy(invite, bed_take(B, "INVITE "));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		b_says(180, lines[i], NULL);
		bed_quiet(A);
		bed_quiet(B);
	}
	b_says(200, NULL, SDP_B);
	finish();
}

/* ---- the caller's leg ---- */

static void caller_alone(void **state)
{
	unsigned long first, second;
	const char *m;

	(void)state;
	ring("Supported: timer, 100REL\n", SDP_A);
	b_says(180, NULL, NULL);
	m = bed_take(A, "SIP/2.0 180 ");
	first = rseq_of(m);
	assert_true(first >= 1 && first < 0x7fffffff);
	b_says(183, NULL, SDP_B); /* one at a time */
	bed_quiet(A);
	bed_run_ms(400);
	bed_quiet(A);
	bed_run_ms(200); /* T1 */
	assert_int_equal(rseq_of(bed_take(A, "SIP/2.0 180 ")), first);
	bed_run_ms(800);
	bed_quiet(A);
	bed_run_ms(200); /* and doubled */
	assert_int_equal(rseq_of(bed_take(A, "SIP/2.0 180 ")), first);
	a_pracks(first + 1, NULL);
	bed_take(A, "SIP/2.0 481 "); /* A16 */
	a_pracks(first, NULL);
	bed_take(A, "SIP/2.0 200 ");
	m = bed_take(A, "SIP/2.0 183 ");
	second = rseq_of(m);
	assert_int_equal(second, first + 1);
	bed_has(m, "\r\nm=audio ");
	a_pracks(first, NULL);
	bed_take(A, "SIP/2.0 481 ");
	b_says(200, NULL, SDP_B); /* waits: the 183 carries the answer */
	bed_quiet(A);
	assert_int_equal(call_count(bed.core), 1);
	bed_run_ms(600);
	assert_int_equal(rseq_of(bed_take(A, "SIP/2.0 183 ")), second);
	a_pracks(second, NULL);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 200 "), "CSeq"), "5 PRACK");
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "CSeq"), "1 INVITE");
	assert_string_equal(bed_body(m), ""); /* given already */
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* Without a description it does not hold up the 2xx; its PRACK may still come. */
static void ringing_does_not_hold_the_answer(void **state)
{
	unsigned long rseq;
	const char *m;

	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	b_says(180, NULL, NULL);
	rseq = rseq_of(bed_take(A, "SIP/2.0 180 "));
	b_says(180, NULL, NULL);
	b_says(200, NULL, SDP_B);
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(m, "\r\nm=audio ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(2000);
	bed_quiet(A); /* nothing is sent again */
	a_pracks(rseq, NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_hang_up(A, B);
}

static void caller_never_acknowledges(void **state)
{
	const char *m;

	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	b_says(183, NULL, SDP_B);
	bed_take(A, "SIP/2.0 183 ");
	bed_run_ms(31900);
	assert_int_equal(bed_skip(A), 6); /* 0.5 1.5 3.5 7.5 15.5 31.5 */
	bed_run_ms(200);
	m = bed_take(A, "SIP/2.0 504 ");
	bed_has(m, "\r\nReason: SIP;cause=504;text=\"no PRACK\"\r\n");
	bed_take(B, "CANCEL ");
	b_says(487, NULL, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_cdr("cause"), "no_prack");
	assert_string_equal(bed_cdr("status"), "504");
}

static void cancelled_meanwhile(void **state)
{
	(void)state;
	ring("Require: 100rel\n", SDP_A);
	b_says(183, REL("1"), SDP_B);
	take_prack("1 1 INVITE");
	bed_take(A, "SIP/2.0 183 ");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_take(B, "CANCEL ");
	b_says(487, NULL, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(40000);
	bed_quiet(A);
	bed_skip(B); /* the CANCEL, which B has not answered */
}

/* The 2xx is here and waits for the PRACK of a 183. */
static void cancelled_while_the_answer_waits(void **state)
{
	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	b_says(183, NULL, SDP_B);
	bed_take(A, "SIP/2.0 183 ");
	b_says(200, NULL, SDP_B);
	bed_quiet(A);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_int_equal(bed.gate.now, 0);
}

static void never_acknowledged_while_the_answer_waits(void **state)
{
	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	b_says(183, NULL, SDP_B);
	bed_take(A, "SIP/2.0 183 ");
	b_says(200, NULL, SDP_B);
	bed_run_ms(31900);
	bed_skip(A);
	bed_run_ms(200);
	bed_take(A, "SIP/2.0 504 ");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "no_prack");
}

static void refused_meanwhile(void **state)
{
	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	b_says(183, NULL, SDP_B);
	bed_take(A, "SIP/2.0 183 ");
	b_says(486, NULL, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
	bed_run_ms(5000);
	bed_quiet(A);
}

/* More than the queue takes: the call goes on. */
static void many_in_a_row(void **state)
{
	unsigned long rseq;
	unsigned n = 0;
	const char *m;

	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	for (int i = 0; i < 20; i++)
		b_says(180, NULL, NULL);
	while ((m = bed_take_any(A))) {
		rseq = rseq_of(m);
		n++;
		a_pracks(rseq, NULL);
		bed_take(A, "SIP/2.0 200 ");
	}
	assert_int_equal(n, 1 + CALL_RELIABLE_QUEUE);
	b_says(200, NULL, SDP_B);
	finish();
}

/* ---- both ---- */

static void both(void **state)
{
	unsigned long rseq;
	const char *m;

	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	b_says(183, REL("9"), SDP_B);
	take_prack("9 1 INVITE"); /* B does not wait for A */
	m = bed_take(A, "SIP/2.0 183 ");
	rseq = rseq_of(m);
	assert_true(rseq != 9);
	a_pracks(rseq, NULL);
	bed_take(A, "SIP/2.0 200 ");
	b_says(180, REL("10"), NULL);
	take_prack("10 1 INVITE");
	assert_int_equal(rseq_of(bed_take(A, "SIP/2.0 180 ")), rseq + 1);
	a_pracks(rseq + 1, NULL);
	bed_take(A, "SIP/2.0 200 ");
	b_says(200, NULL, NULL);
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_body(m), "");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(B, A);
}

/* A new offer in the PRACK goes on as UPDATE: B's own PRACK is long done. */
static void offer_in_the_prack(void **state)
{
	unsigned long rseq;
	const char *m;

	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	b_says(183, REL("1") "Allow: INVITE, ACK, UPDATE, PRACK\n", SDP_B);
	take_prack("1 1 INVITE");
	rseq = rseq_of(bed_take(A, "SIP/2.0 183 "));
	a_pracks(rseq, BED_SDP("10.0.0.12", "4444"));
	bed_quiet(A);
	m = bed_take(B, "UPDATE ");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_reply(B, 200, BED_SDP("198.51.100.23", "7000"));
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(bed_header(m, "CSeq"), "PRACK");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	assert_string_equal(bed_modes(), "sendonly/recvonly");
	b_says(200, NULL, NULL);
	finish();
}

static void offer_in_the_prack_that_cannot_go_on(void **state)
{
	unsigned long rseq;

	(void)state;
	ring("Supported: 100rel\n", SDP_A);
	b_says(183, REL("1"), SDP_B); /* allows no UPDATE */
	take_prack("1 1 INVITE");
	rseq = rseq_of(bed_take(A, "SIP/2.0 183 "));
	a_pracks(rseq, BED_SDP("10.0.0.12", "4444"));
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	b_says(200, NULL, NULL);
	finish();
}

/* ---- an INVITE without an offer ---- */

static void late_offer(void **state)
{
	unsigned long rseq;
	const char *m;

	(void)state;
	ring("Supported: 100rel\n", NULL);
	assert_string_equal(bed_header(invite, "Supported"), "100rel, timer");
	b_says(183, REL("5"), SDP_B);
	bed_quiet(B); /* its PRACK needs A's answer */
	m = bed_take(A, "SIP/2.0 183 ");
	rseq = rseq_of(m);
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	assert_string_equal(bed_modes(), "inactive/inactive");
	b_says(183, REL("5"), SDP_B);
	bed_quiet(A);
	a_pracks(rseq, SDP_A);
	bed_take(A, "SIP/2.0 200 ");
	m = take_prack("5 1 INVITE");
	bed_has(m, "\r\nContent-Type: application/sdp\r\n");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	assert_string_equal(bed_modes(), "sendonly/recvonly");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	b_says(200, NULL, NULL);
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_body(m), "");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	assert_string_equal(bed_body(bed_take(B, "ACK ")), "");
	bed_hang_up(A, B);
}

static void late_offer_without_an_answer(void **state)
{
	unsigned long rseq;

	(void)state;
	ring("Supported: 100rel\n", NULL);
	b_says(183, REL("5"), SDP_B);
	rseq = rseq_of(bed_take(A, "SIP/2.0 183 "));
	a_pracks(rseq, NULL);
	bed_has(bed_header(bed_take(A, "SIP/2.0 488 "), "CSeq"), "PRACK");
	bed_has(bed_header(bed_take(A, "SIP/2.0 488 "), "CSeq"), "INVITE");
	bed_take(B, "CANCEL ");
	b_says(487, NULL, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_cdr("cause"), "bad_answer");
	assert_int_equal(bed.gate.now, 0);
}

/* A caller who takes no reliable responses can be offered something in the 2xx only: the callee is not tempted. */
static void late_offer_and_an_old_caller(void **state)
{
	(void)state;
	bed_invite(A, NULL);
	strcpy(invite, bed_take(B, "INVITE "));
	assert_string_equal(bed_header(invite, "Supported"), "timer");
	b_says(180, NULL, NULL);
	bed_take(A, "SIP/2.0 180 ");
	b_says(200, NULL, SDP_B);
	bed_has(bed_take(A, "SIP/2.0 200 "), "\r\nm=audio ");
	bed_ack(A, SDP_A);
	bed_has(bed_take(B, "ACK "), "\r\nm=audio ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

/* The offer comes in the 2xx although the 18x were reliable: as ever. */
static void late_offer_in_the_2xx_all_the_same(void **state)
{
	unsigned long rseq;

	(void)state;
	ring("Supported: 100rel\n", NULL);
	b_says(180, NULL, NULL);
	rseq = rseq_of(bed_take(A, "SIP/2.0 180 "));
	a_pracks(rseq, NULL);
	bed_take(A, "SIP/2.0 200 ");
	b_says(200, NULL, SDP_B);
	bed_has(bed_take(A, "SIP/2.0 200 "), "\r\nm=audio ");
	bed_ack(A, SDP_A);
	bed_has(bed_take(B, "ACK "), "\r\nm=audio ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

/* A second fork's offer finds nobody to answer it: it is not acknowledged, the first one goes on. */
static void late_offers_of_two_forks(void **state)
{
	unsigned long rseq;
	char tag[64];

	(void)state;
	ring("Supported: 100rel\n", NULL);
	b_says(183, REL("5"), SDP_B);
	rseq = rseq_of(bed_take(A, "SIP/2.0 183 "));
	strcpy(tag, bed.ua[B].tag);
	strcpy(bed.ua[B].tag, "b-tag-f2");
	b_says(183, REL("1"), BED_SDP("198.51.100.23", "7000"));
	bed_quiet(A);
	bed_quiet(B);
	strcpy(bed.ua[B].tag, tag);
	a_pracks(rseq, SDP_A);
	bed_take(A, "SIP/2.0 200 ");
	take_prack("5 1 INVITE");
	b_says(200, NULL, NULL);
	finish();
}

/* ---- policy ---- */

static void switched_off(void **state)
{
	const char *m;

	(void)state;
	bed_down();
	bed_up(PEERS_WITH("off", "off"), ROUTE);
	bed.extra = "Require: 100rel\n";
	bed_invite(A, SDP_A);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 420 "), "Unsupported"), "100rel");
	ring("Supported: 100rel\n", SDP_A);
	bed_lacks(invite, "100rel");
	b_says(180, REL("1"), NULL); /* not asked for: taken as an ordinary one */
	m = bed_take(A, "SIP/2.0 180 ");
	bed_lacks(m, "100rel");
	bed_lacks(m, "PRACK");
	bed_quiet(B);
	b_says(200, NULL, SDP_B);
	finish();
}

static void required(void **state)
{
	unsigned long rseq;

	(void)state;
	bed_down();
	bed_up(PEERS_WITH("required", "required"), ROUTE);
	bed_invite(A, SDP_A);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 421 "), "Require"), "100rel");
	assert_string_equal(bed_cdr("cause"), "option_missing");
	ring("Supported: 100rel\n", SDP_A);
	assert_string_equal(bed_header(invite, "Require"), "100rel");
	b_says(180, REL("1"), NULL);
	take_prack("1 1 INVITE");
	rseq = rseq_of(bed_take(A, "SIP/2.0 180 "));
	a_pracks(rseq, NULL);
	bed_take(A, "SIP/2.0 200 ");
	b_says(200, NULL, SDP_B);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(callee_alone),
		BED_TEST(forks_count_for_themselves),
		BED_TEST(unusable_rseq),
		BED_TEST(caller_alone),
		BED_TEST(ringing_does_not_hold_the_answer),
		BED_TEST(caller_never_acknowledges),
		BED_TEST(cancelled_meanwhile),
		BED_TEST(cancelled_while_the_answer_waits),
		BED_TEST(never_acknowledged_while_the_answer_waits),
		BED_TEST(refused_meanwhile),
		BED_TEST(many_in_a_row),
		BED_TEST(both),
		BED_TEST(offer_in_the_prack),
		BED_TEST(offer_in_the_prack_that_cannot_go_on),
		BED_TEST(late_offer),
		BED_TEST(late_offer_without_an_answer),
		BED_TEST(late_offer_and_an_old_caller),
		BED_TEST(late_offer_in_the_2xx_all_the_same),
		BED_TEST(late_offers_of_two_forks),
		BED_TEST(switched_off),
		BED_TEST(required),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
