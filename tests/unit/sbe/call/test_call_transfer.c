/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers we do ourselves: REFER, blind and attended; what fails leaves the call (RFC 5589). */
#include "sbe/call/call_media.h"
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#define SDP_X BED_SDP("198.51.100.33", "7000")

static void up(void)
{
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"
	       "'sip':{'refer':'absorb','replaces':'absorb'},'limits':{'sessions_in':3}},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"
	       "'next_hops':['sip:198.51.100.20'],'sip':{'refer':'absorb'}},"
	       "'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"
	       "'next_hops':['sip:198.51.100.30']}",
	       "{'name':'c','from':['pbx'],'number':'+49','to':[{'peer':'cnet'}]},"
	       "{'name':'out','from':['pbx'],'number':'+44','to':[{'peer':'bnet'}]},"
	       "{'name':'in','from':['bnet','cnet'],'to':[{'peer':'pbx'}]}");
}

static void told(const char *state, const char *status_line)
{
	const char *m = bed_take(A, "NOTIFY ");

	bed_has(bed_header(m, "Subscription-State"), state);
	bed_has(bed_body(m), status_line);
	bed_has(bed_header(m, "Event"), "refer;id=");
	bed_reply(A, 200, NULL);
}

/* A asks for B to be connected with X, who rings. */
static void refer_and_ring(void)
{
	const char *m;

	bed.extra = "Refer-To: <sip:+4930@a.example?Subject=x>\n";
	bed_request(A, "REFER", NULL);
	bed_take(A, "SIP/2.0 202 ");
	told("active", "SIP/2.0 100 ");
	m = bed_take(X, "INVITE sip:+4930@c.example SIP/2.0\r\n");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_has(bed_header(m, "From"), "sip:+442079460000@b.example");
	bed_lacks(m, "Subject");
	bed_reply(X, 180, NULL);
	told("active", "SIP/2.0 180 Ringing\r\n");
	bed_reply(X, 183, SDP_X); /* once is enough */
	bed_quiet(A);
	bed_quiet(B);
}

static void blind(void **state)
{
	unsigned long long id, version, id_before, version_before;
	const char *m;

	(void)state;
	up();
	bed_invite(A, SDP_A);
	bed_origin(bed_take(B, "INVITE "), &id_before, &version_before);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	refer_and_ring();
	assert_int_equal(bed.gate.now, 2);
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	m = bed_take(B, "INVITE sip:user@198.51.100.20:5060 SIP/2.0\r\n");
	bed_origin(m, &id, &version);
	assert_true(id == id_before && version == version_before + 1);
	bed_reply(B, 200, BED_SDP("198.51.100.22", "6002"));
	bed_take(B, "ACK ");
	told("terminated", "SIP/2.0 200 OK\r\n");
	bed_take_bye(A);
	bed_quiet(X);
	assert_string_equal(bed_cdr("cause"), "transferred");
	assert_int_equal(call_count(bed.core), 1);
	assert_int_equal(bed.gate.now, 1);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 0), "198.51.100.22:6002");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.33:7000");
	/* it is a call like any other */
	bed_request(X, "INVITE", BED_SDP("198.51.100.33", "7002"));
	bed_take(B, "INVITE ");
	bed_reply(B, 200, BED_SDP("198.51.100.22", "6002"));
	bed_take(X, "SIP/2.0 200 ");
	bed_ack(X, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(B, X);
	assert_string_equal(bed_cdr("cause"), "normal");
	assert_string_equal(bed_cdr("ingress_peer"), "bnet");
	assert_string_equal(bed_cdr("egress_peer"), "cnet");
}

static void target_refuses(void **state)
{
	(void)state;
	up();
	bed_connect();
	refer_and_ring();
	bed_reply(X, 486, NULL);
	bed_take(X, "ACK ");
	told("terminated", "SIP/2.0 486 Busy Here\r\n");
	bed_quiet(B);
	assert_int_equal(call_count(bed.core), 1);
	assert_int_equal(bed.gate.now, 1);
	/* and once more, nobody answers */
	bed.extra = "Refer-To: <sip:+4930@a.example>\n";
	bed_request(A, "REFER", NULL);
	bed_take(A, "SIP/2.0 202 ");
	told("active", "SIP/2.0 100 ");
	bed_run_ms(4100);
	bed_skip(X);
	told("terminated", "SIP/2.0 408 ");
	bed_hang_up(A, B);
	bed_run_ms(33000);
	bed_skip(X);
}

/* B does not want another session: it stays with A. */
static void who_stays_refuses(void **state)
{
	(void)state;
	up();
	bed_connect();
	refer_and_ring();
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	bed_take(B, "INVITE ");
	bed_request(A, "INFO", NULL); /* to nobody at this moment */
	bed_take(A, "SIP/2.0 500 ");
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	told("terminated", "SIP/2.0 488 ");
	bed_take_bye(X);
	assert_string_equal(bed_cdr("cause"), "transfer_failed");
	assert_int_equal(call_count(bed.core), 1);
	bed_request(A, "INFO", NULL);
	bed_take(B, "INFO ");
	bed_reply(B, 200, NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_hang_up(B, A);
}

/* Phones hang up as soon as the REFER is accepted: the transfer goes on. */
static void referrer_hangs_up_early(void **state)
{
	(void)state;
	up();
	bed_connect();
	refer_and_ring();
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_quiet(B);
	assert_int_equal(bed.gate.now, 1);
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	bed_quiet(A);
	bed_hang_up(X, B);
	/* and if nobody is there, who waits is released */
	bed_connect();
	refer_and_ring();
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_reply(X, 603, NULL);
	bed_take(X, "ACK ");
	bed_take_bye(B);
}

static void who_stays_hangs_up(void **state)
{
	(void)state;
	up();
	bed_connect();
	refer_and_ring();
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take(X, "CANCEL ");
	bed_take_bye(A);
	bed_send(
		X,
		"SIP/2.0 487 Cancelled\nVia: %s\nFrom: %s\nTo: %s;tag=%s\nCall-ID: %s\nCSeq: 1 INVITE\n\n",
		bed_header(bed.ua[X].request, "Via"), bed_header(bed.ua[X].request, "From"),
		bed_header(bed.ua[X].request, "To"), bed.ua[X].tag, bed.ua[X].call_id);
	bed_take(X, "ACK ");
	bed_run_ms(33000);
	bed_skip(X);
	/* in the middle of the move */
	bed_connect();
	refer_and_ring();
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	bed_take(B, "INVITE ");
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take_bye(A);
	bed_take_bye(X);
	bed_run_ms(33000);
	bed_skip(B);
}

static void not_possible(void **state)
{
	(void)state;
	up();
	bed_connect();
	bed.extra = "Refer-To: <sip:+33@nowhere.example>\n"; /* no route */
	bed_request(A, "REFER", NULL);
	bed_take(A, "SIP/2.0 404 ");
	bed_quiet(A);
	bed_hang_up(A, B);
	/* limits of the referring peer count for what it asks for */
	bed_connect();
	struct bed_ua a = bed.ua[A], b = bed.ua[B];
	bed_connect();
	struct bed_ua a2 = bed.ua[A], b2 = bed.ua[B];
	bed_connect();
	bed.extra = "Refer-To: <sip:+4930@a.example>\n";
	bed_request(A, "REFER", NULL);
	bed_take(A, "SIP/2.0 503 ");
	bed_hang_up(A, B);
	bed.ua[A] = a;
	bed.ua[B] = b;
	bed_hang_up(A, B);
	bed.ua[A] = a2;
	bed.ua[B] = b2;
	bed_hang_up(A, B);
}

static void without_notify(void **state)
{
	(void)state;
	up();
	bed_connect();
	bed.extra = "Refer-To: <sip:+4930@a.example>\nRefer-Sub: false\n";
	bed_request(A, "REFER", NULL);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 202 "), "Refer-Sub"), "false");
	bed_take(X, "INVITE ");
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	bed_take_bye(A); /* RFC 4488: and nothing before */
	bed_hang_up(B, X);
}

/* The moment is bad: B is just changing its session. It is done when that is over. */
static void busy_for_a_moment(void **state)
{
	(void)state;
	up();
	bed_connect();
	refer_and_ring();
	bed_request(B, "INVITE", BED_SDP("198.51.100.22", "6004"));
	bed_take(A, "INVITE ");
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	for (int i = 0; i < 4; i++) { /* X speaks with nobody yet */
		static const char *const methods[] = {"INFO", "UPDATE", "INVITE", "REFER"};

		bed_request(X, methods[i], i == 1 || i == 2 ? SDP_X : NULL);
		bed_take(X, "SIP/2.0 500 ");
	}
	bed_run_ms(1000);
	bed_skip(A);
	bed_reply(A, 200, SDP_A);
	bed_take(B, "SIP/2.0 200 ");
	bed_ack(B, NULL);
	bed_take(A, "ACK ");
	bed_run_ms(300);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, BED_SDP("198.51.100.22", "6004"));
	bed_take(B, "ACK ");
	told("terminated", "SIP/2.0 200 OK\r\n");
	bed_take_bye(A);
	bed_hang_up(B, X);
}

/* ---- two calls become one ---- */

struct pair {
	struct bed_ua a1, b, a2, x;
};

/* A has B in one call and X in another, and asks B's call to take X. */
static void connect_both(struct pair *p)
{
	bed_connect();
	p->a1 = bed.ua[A];
	p->b = bed.ua[B];
	bed_connect_as(X, A);
	p->a2 = bed.ua[A];
	p->x = bed.ua[X];
}

static void refer_to_x(struct pair *p)
{
	char lines[500];

	snprintf(lines, sizeof(lines),
		 "Refer-To: <sip:x@a.example?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>\n",
		 p->a2.call_id, strstr(p->a2.remote, ";tag=") + 5, p->a2.tag);
	bed.ua[A] = p->a1;
	bed.extra = lines;
	bed_request(A, "REFER", NULL);
}

static void two_calls(struct pair *p)
{
	connect_both(p);
	refer_to_x(p);
	bed_take(A, "SIP/2.0 202 ");
	told("active", "SIP/2.0 100 ");
	p->a1 = bed.ua[A];
}

static void attended(void **state)
{
	struct pair p;
	const char *m;

	(void)state;
	up();
	two_calls(&p);
	m = bed_take(X, "INVITE sip:user@198.51.100.30:5060 SIP/2.0\r\n"); /* in its dialog */
	bed_has(bed_header(m, "To"), p.x.tag);
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	told("terminated", "SIP/2.0 200 OK\r\n");
	bed_take_bye(A);
	bed_take_bye(A);
	bed_quiet(X);
	bed_quiet(B);
	assert_int_equal(call_count(bed.core), 1);
	assert_int_equal(bed.gate.now, 1);
	assert_string_equal(bed_gate_remote(1, 0), "198.51.100.22:6000");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.33:7000");
	bed_hang_up(X, B);
}

/* X does not take it: both calls of A are as they were. */
/* X is busy with a change of its own when it is asked for, and then gone: nothing waits for it any more (A16). */
static void attended_by_nobody(void **state)
{
	struct pair p;

	(void)state;
	up();
	connect_both(&p);
	bed_request(X, "INVITE", SDP_X);
	bed_take(A, "INVITE ");
	bed_reply(A, 100, NULL);
	p.a2 = bed.ua[A];
	refer_to_x(&p);
	bed_take(A, "SIP/2.0 202 ");
	told("active", "SIP/2.0 100 ");
	p.a1 = bed.ua[A];
	refer_to_x(&p); /* nor is it promised twice */
	bed_take(A, "SIP/2.0 491 ");
	p.a1 = bed.ua[A];
	bed.ua[A] = p.a2;
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(X, "SIP/2.0 487 ");
	bed_take_bye(X);
	bed.ua[A] = p.a1;
	told("terminated", "SIP/2.0 480 ");
	bed_run_ms(10000);
	assert_int_equal(call_count(bed.core), 1);
	bed_quiet(B);
	bed_hang_up(A, B);
}

/* B has asked for a transfer of its own: it is moved when it knows what became of that. */
static void who_is_taken_transfers(void **state)
{
	struct pair p;

	(void)state;
	up();
	bed_connect_as(B, A);
	p.a2 = bed.ua[A]; /* refer_to_x: to B */
	bed_connect_as(X, A);
	p.a1 = bed.ua[A];
	bed.extra = "Refer-To: <sip:+1@a.example>\n";
	bed_request(B, "REFER", NULL);
	bed_take(B, "SIP/2.0 202 ");
	bed_has(bed_body(bed_take(B, "NOTIFY ")), "SIP/2.0 100 ");
	bed_reply(B, 200, NULL);
	bed_take(A, "INVITE ");
	bed_reply(A, 100, NULL);
	struct bed_ua ringing = bed.ua[A];
	refer_to_x(&p);
	bed_take(A, "SIP/2.0 202 ");
	told("active", "SIP/2.0 100 ");
	bed_quiet(B);
	p.a1 = bed.ua[A];
	bed.ua[A] = ringing;
	bed_reply(A, 486, NULL);
	bed_take(A, "ACK ");
	bed_has(bed_body(bed_take(B, "NOTIFY ")), "SIP/2.0 486 ");
	bed_reply(B, 200, NULL);
	bed_run_ms(200);
	bed_take(B, "INVITE ");
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	bed.ua[A] = p.a1;
	told("terminated", "SIP/2.0 488 ");
	bed_hang_up(A, X);
	bed.ua[A] = p.a2;
	bed_hang_up(A, B);
}

/* U5: what is counted as an attempt has a record, what is refused has neither. */
static void one_record_each(void **state)
{
	int64_t before;
	struct pair p;

	(void)state;
	up();
	before = metric_get(&call_metrics, CALL_ATTEMPTS);
	bed_connect();
	bed.extra = "Refer-To: <sip:+99@a.example>\n"; /* no route */
	bed_request(A, "REFER", NULL);
	bed_take(A, "SIP/2.0 404 ");
	bed_hang_up(A, B);
	assert_int_equal(metric_get(&call_metrics, CALL_ATTEMPTS) - before, bed_cdr_count());
	two_calls(&p);
	bed_take(X, "INVITE ");
	bed_reply(X, 488, NULL);
	bed_take(X, "ACK ");
	told("terminated", "SIP/2.0 488 ");
	bed_hang_up(A, B);
	bed.ua[A] = p.a2;
	bed_hang_up(A, X);
	assert_int_equal(metric_get(&call_metrics, CALL_ATTEMPTS) - before, bed_cdr_count());
}

static void attended_refused(void **state)
{
	struct pair p;

	(void)state;
	up();
	two_calls(&p);
	bed_take(X, "INVITE ");
	bed_reply(X, 488, NULL);
	bed_take(X, "ACK ");
	told("terminated", "SIP/2.0 488 ");
	bed_quiet(X);
	assert_int_equal(call_count(bed.core), 2);
	bed_hang_up(A, B);
	bed.ua[A] = p.a2;
	bed_hang_up(A, X);
}

/* B does not take it, after X has: X gets its old session back. */
static int by_caller_x(void *obj, void *arg)
{
	const struct call *call = obj;

	if (call->legs[0].peer && !strcmp(call->legs[0].peer->name, "cnet"))
		*(uint16_t *)arg = call->streams[0].local_rtp[0].port;
	return 0;
}

static void attended_refused_late(void **state)
{
	uint16_t port = 0;
	struct pair p;
	char line[40];

	(void)state;
	up();
	two_calls(&p);
	bed_take(X, "INVITE ");
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	bed_take(B, "INVITE ");
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	told("terminated", "SIP/2.0 488 ");
	table_each(bed.core->calls, by_caller_x, &port);
	snprintf(line, sizeof(line), "m=audio %u ", port);
	bed_has(bed_take(X, "INVITE "), line); /* of its own call again */
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	assert_int_equal(call_count(bed.core), 2);
	bed_hang_up(A, B);
	bed.ua[A] = p.a2;
	bed_hang_up(A, X);
}

/* A hangs up both calls at once; the two others talk on. */
static void attended_and_gone(void **state)
{
	struct pair p;

	(void)state;
	up();
	two_calls(&p);
	bed_take(X, "INVITE ");
	bed.ua[A] = p.a2;
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed.ua[A] = p.a1;
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_quiet(X);
	bed_quiet(B);
	bed_reply(X, 200, SDP_X);
	bed_take(X, "ACK ");
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(B, X);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(blind),
		BED_TEST(target_refuses),
		BED_TEST(who_stays_refuses),
		BED_TEST(referrer_hangs_up_early),
		BED_TEST(who_stays_hangs_up),
		BED_TEST(not_possible),
		BED_TEST(without_notify),
		BED_TEST(busy_for_a_moment),
		BED_TEST(attended),
		BED_TEST(attended_by_nobody),
		BED_TEST(who_is_taken_transfers),
		BED_TEST(one_record_each),
		BED_TEST(attended_refused),
		BED_TEST(attended_refused_late),
		BED_TEST(attended_and_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
