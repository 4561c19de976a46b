/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges of peers to requests inside a dialog, early ones too (G13, C11, A18). */
#include "tests/unit/sbe/call/call_bed_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char invite[BED_MESSAGE_MAX];

static void connect_challenged(void)
{
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	bed_auth_finish();
}

static void later_requests(void **state)
{
	(void)state;
	connect_challenged();
	bed_request(A, "INVITE", SDP_A);
	bed_auth_check(bed_take(B, "INVITE "), "Authorization", "n1", "00000002");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_lacks(bed_take(B, "ACK "), "uthorization");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_auth_check(bed_take(B, "BYE "), "Authorization", "n1", "00000003");
	bed_reply(B, 200, NULL);
}

static void reinvite_challenged(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	bed_lacks(bed_take(B, "INVITE "), "uthorization");
	bed_auth_challenge(401, WWW(SHA("b.example", "r1", "")));
	m = bed_take(B, "INVITE ");
	bed_auth_check(m, "Authorization", "r1", "00000001");
	bed_has(bed_header(m, "To"), "tag=b-tag");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	/* and not, the second time: the call stays up */
	bed_request(A, "INVITE", SDP_A);
	bed_take(B, "INVITE ");
	bed_auth_challenge(401, WWW(SHA("b.example", "r2", "")));
	bed_take(B, "INVITE ");
	bed_auth_challenge(401, WWW(SHA("b.example", "r3", "")));
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
	bed_hang_up(A, B);
}

/* B said nothing of UPDATE: by INVITE */
static void update_challenged(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "UPDATE", SDP_A);
	bed_take(B, "INVITE ");
	bed_auth_challenge(401, WWW(SHA("b.example", "u1", "")));
	bed_auth_check(bed_take(B, "INVITE "), "Authorization", "u1", "00000001");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void update_challenged_as_itself(void **state)
{
	(void)state;
	bed_auth_to_b();
	bed.extra = "Allow: INVITE, ACK, BYE, UPDATE\n";
	bed_auth_finish();
	bed_request(A, "UPDATE", SDP_A);
	bed_take(B, "UPDATE ");
	bed.extra = WWW(SHA("b.example", "u1", ""));
	bed_reply(B, 401, NULL);
	bed_auth_check(bed_take(B, "UPDATE "), "Authorization", "u1", "00000001");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_hang_up(A, B);
}

/* B's reliable 183, with an offer if the INVITE had none. */
static void rings_reliably(const char *offer_of_a)
{
	bed_down();
	bed_auth_up(",'clear':true},'sip':{'prack':'supported'", NULL);
	bed.extra = "Supported: 100rel\n";
	bed_invite(A, offer_of_a);
	snprintf(invite, sizeof(invite), "%s", bed_take(B, "INVITE "));
	bed.extra = "Require: 100rel\nRSeq: 7\n";
	bed_reply(B, 183, SDP_B);
}

/* A takes our reliable 183. */
static void a_pracks(const char *body)
{
	const char *m = bed_take(A, "SIP/2.0 183 ");
	char line[80];

	bed_lacks(m, "uthenticate");
	snprintf(line, sizeof(line), "RAck: %s %u INVITE\n", bed_header(m, "RSeq"),
		 bed.ua[A].invite_cseq);
	bed.extra = line;
	bed_request(A, "PRACK", body);
	bed_take(A, "SIP/2.0 200 ");
}

static void answers_the_invite(const char *body)
{
	snprintf(bed.ua[B].request, sizeof(bed.ua[B].request), "%s", invite);
	bed_reply(B, 200, body);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void prack_challenged(void **state)
{
	const char *m;
	unsigned cseq;

	(void)state;
	rings_reliably(SDP_A);
	m = bed_take(B, "PRACK ");
	bed_lacks(m, "uthorization");
	cseq = (unsigned)strtoul(bed_header(m, "CSeq"), NULL, 10);
	bed.extra = WWW(SHA("b.example", "p1", ""));
	bed_reply(B, 401, NULL);
	m = bed_take(B, "PRACK ");
	bed_auth_check(m, "Authorization", "p1", "00000001");
	assert_string_equal(bed_header(m, "RAck"), "7 1 INVITE");
	assert_int_equal(strtoul(bed_header(m, "CSeq"), NULL, 10), cseq + 1);
	bed.extra = WWW(SHA("b.example", "p2", ""));
	bed_reply(B, 401, NULL); /* refused: B gives the INVITE up if it must have it */
	bed_quiet(B);
	a_pracks(NULL);
	answers_the_invite(NULL);
}

static void prack_with_an_answer_challenged(void **state)
{
	char body[2048];
	const char *m;

	(void)state;
	rings_reliably(NULL);
	a_pracks(SDP_A);
	snprintf(body, sizeof(body), "%s", bed_body(bed_take(B, "PRACK ")));
	assert_true(body[0]);
	bed.extra = WWW(SHA("b.example", "p1", ""));
	bed_reply(B, 401, NULL);
	m = bed_take(B, "PRACK ");
	bed_auth_check(m, "Authorization", "p1", "00000001");
	assert_string_equal(bed_body(m), body);
	assert_string_equal(bed_header(m, "Content-Type"), "application/sdp");
	bed_reply(B, 200, NULL);
	answers_the_invite(NULL);
}

/* B has asked for a transfer and challenges who tells it how that goes. */
static void notify_challenged(void **state)
{
	const char *m;

	(void)state;
	bed_down();
	bed_auth_up(",'clear':true},'sip':{'refer':'absorb'",
		    "{'name':'c','number':'+49','to':[{'peer':'cnet'}]},"
		    "{'name':'in','to':[{'peer':'pbx'}]}");
	bed_connect_as(B, A);
	bed.extra = "Refer-To: <sip:+4930@a.example>\n";
	bed_request(B, "REFER", NULL);
	bed_take(B, "SIP/2.0 202 ");
	bed_lacks(bed_take(B, "NOTIFY "), "uthorization");
	bed.extra = WWW(SHA("b.example", "n1", ""));
	bed_reply(B, 401, NULL);
	m = bed_take(B, "NOTIFY ");
	bed_auth_check(m, "Authorization", "n1", "00000001");
	bed_has(bed_body(m), "SIP/2.0 100 ");
	bed_reply(B, 200, NULL);
	bed_take(X, "INVITE ");
	bed_reply(X, 486, NULL);
	bed_take(X, "ACK ");
	m = bed_take(B, "NOTIFY ");
	bed_auth_check(m, "Authorization", "n1", "00000002");
	bed_has(bed_body(m), "SIP/2.0 486 ");
	bed.extra = WWW(SHA("b.example", "n2", ""));
	bed_reply(B, 401, NULL);
	bed_auth_check(bed_take(B, "NOTIFY "), "Authorization", "n2", "00000001");
	bed_hang_up(B, A); /* the answer to it never comes */
	bed_run_ms(33000);
	bed_skip(B);
}

static void info_challenged(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	for (int i = 0; i < 2; i++) {
		bed.extra = "Info-Package: x\n";
		bed_request(A, "INFO", NULL);
		bed_take(B, "INFO ");
		bed.extra = i ? WWW(SHA("b.example", "i3", ",stale=true"))
			      : WWW(SHA("b.example", "i1", ""));
		bed_reply(B, 401, NULL);
		m = bed_take(B, "INFO ");
		bed_auth_check(m, "Authorization", i ? "i3" : "i1", "00000001");
		assert_string_equal(bed_header(m, "Info-Package"), "x");
		bed_reply(B, i ? 403 : 200, NULL);
		bed_take(A, i ? "SIP/2.0 403 " : "SIP/2.0 200 ");
	}
	bed_request(A, "INFO", NULL);
	bed_take(B, "INFO ");
	bed.extra = WWW(SHA("z.example", "i1", ""));
	bed_reply(B, 401, NULL);
	bed_lacks(bed_take(A, "SIP/2.0 403 "), "z.example");
	bed_hang_up(A, B);
}

static void bye_challenged(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed.extra = "Reason: Q.850;cause=16;\n\ttext=\"x\"\n";
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_has(bed_take(B, "BYE "), "Q.850");
	bed.extra = WWW(SHA("b.example", "b1", ""));
	bed_reply(B, 401, NULL);
	m = bed_take(B, "BYE ");
	bed_auth_check(m, "Authorization", "b1", "00000001");
	bed_has(bed_header(m, "Reason"), "Q.850;cause=16;");
	bed.extra = WWW(SHA("b.example", "b2", ""));
	bed_reply(B, 401, NULL); /* that was all: a dialog needs no more than our word to end */
	bed_quiet(B);
}

/* The caller challenges our BYE. */
static void caller_challenges(void **state)
{
	(void)state;
	bed_connect_as(B, A);
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(B, "BYE ");
	bed.extra = WWW(SHA("b.example", "b1", ""));
	bed_reply(B, 401, NULL);
	bed_auth_check(bed_take(B, "BYE "), "Authorization", "b1", "00000001");
	bed_reply(B, 200, NULL);
}

/* Another fork answers than the one whose description B has acknowledged: our offer to B is challenged. */
static void own_invite_challenged(void **state)
{
	char body[2048], line[80];
	const char *m;

	(void)state;
	bed_down();
	bed_auth_up(",'clear':true},'sip':{'prack':'supported'", NULL);
	bed.extra = "Supported: 100rel\n";
	bed_invite(B, SDP_B);
	snprintf(invite, sizeof(invite), "%s", bed_take(A, "INVITE "));
	bed_reply(A, 183, SDP_A);
	m = bed_take(B, "SIP/2.0 183 ");
	snprintf(line, sizeof(line), "RAck: %s %u INVITE\n", bed_header(m, "RSeq"),
		 bed.ua[B].invite_cseq);
	bed.extra = line;
	bed_request(B, "PRACK", NULL);
	bed_take(B, "SIP/2.0 200 ");
	snprintf(bed.ua[A].tag, sizeof(bed.ua[A].tag), "second");
	snprintf(bed.ua[A].request, sizeof(bed.ua[A].request), "%s", invite);
	bed_reply(A, 200,
		  "v=0\no=user 8 8 IN IP4 10.0.0.11\ns=-\nc=IN IP4 10.0.0.11\nt=0 0\n"
		  "m=audio 4002 RTP/AVP 0\n");
	bed_take(B, "SIP/2.0 200 ");
	bed_ack(B, NULL);
	bed_take(A, "ACK ");
	snprintf(body, sizeof(body), "%s", bed_body(bed_take(B, "INVITE ")));
	bed_auth_challenge(401, WWW(SHA("b.example", "o1", "")));
	m = bed_take(B, "INVITE ");
	bed_auth_check(m, "Authorization", "o1", "00000001");
	assert_string_equal(bed_body(m), body);
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	bed_hang_up(B, A);
}

/* A second phone of B's answers, and is told to hang up: that too wants credentials. */
static void stray_bye_challenged(void **state)
{
	const char *m;

	(void)state;
	bed_auth_to_b();
	snprintf(invite, sizeof(invite), "%s", bed.ua[B].request);
	bed_auth_finish();
	struct bed_ua first = bed.ua[B];
	snprintf(bed.ua[B].request, sizeof(bed.ua[B].request), "%s", invite);
	snprintf(bed.ua[B].tag, sizeof(bed.ua[B].tag), "second");
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	m = bed_take(B, "BYE ");
	bed_lacks(m, "uthorization");
	bed_has(bed_header(m, "To"), "tag=second");
	bed.extra = WWW(SHA("b.example", "s1", ""));
	bed_reply(B, 401, NULL);
	m = bed_take(B, "BYE ");
	bed_auth_check(m, "Authorization", "s1", "00000001");
	bed_has(bed_header(m, "To"), "tag=second");
	bed.extra = WWW(SHA("b.example", "s2", ""));
	bed_reply(B, 401, NULL);
	bed_quiet(B);
	bed.ua[B] = first;
	bed_hang_up(A, B);
}

/* Its answer moves the dialog to another host: nothing of the password goes there. */
static void dialog_moved(void **state)
{
	(void)state;
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	bed.extra = "Record-Route: <sip:198.51.100.99;lr>\n";
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(S, "ACK ");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_lacks(bed_take(S, "BYE "), "uthorization");
	snprintf(bed.ua[S].tag, sizeof(bed.ua[S].tag), "%s", bed.ua[B].tag);
	bed.extra = WWW(SHA("b.example", "n2", ""));
	bed_reply(S, 401, NULL);
	bed_quiet(S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_AUTH_TEST(later_requests),
		BED_AUTH_TEST(reinvite_challenged),
		BED_AUTH_TEST(update_challenged),
		BED_AUTH_TEST(update_challenged_as_itself),
		BED_AUTH_TEST(prack_challenged),
		BED_AUTH_TEST(prack_with_an_answer_challenged),
		BED_AUTH_TEST(notify_challenged),
		BED_AUTH_TEST(info_challenged),
		BED_AUTH_TEST(bye_challenged),
		BED_AUTH_TEST(caller_challenges),
		BED_AUTH_TEST(own_invite_challenged),
		BED_AUTH_TEST(stray_bye_challenged),
		BED_AUTH_TEST(dialog_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
