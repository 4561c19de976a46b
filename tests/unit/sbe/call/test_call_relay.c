/* SPDX-License-Identifier: Apache-2.0 */
/* Requests inside a call that are nothing to us go to the other side, bounded and cleaned (RFC 6086; A16, A17, C6). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#define DTMF "Signal=5\nDuration=160\n"

#define PEERS(in_dialog)                                                                           \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"             \
	"'sip':{'in_dialog':{" in_dialog "}}},"                                                    \
	"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"        \
	"'next_hops':['sip:198.51.100.20'],'sip':{'in_dialog':{" in_dialog "}}},"                  \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],"                                   \
	"'next_hops':['sip:198.51.100.30']}"
#define ALL "'message':'pass','subscribe':'pass','notify':'pass','options':'pass'"

static void up(const char *peers)
{
	bed_down();
	bed_up(peers, NULL);
}

static void send_dtmf(enum bed_who from)
{
	bed.content_type = "application/dtmf-relay";
	bed_request(from, "INFO", DTMF);
}

/* ---- INFO ---- */

static void info_both_ways(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed.extra = "Info-Package: dtmf\nContent-Disposition: Info-Package\n"
		    "P-Asserted-Identity: <sip:+15550100@10.0.0.10>\nX-Core: pbx\n";
	bed.max_forwards = "11";
	send_dtmf(A);
	m = bed_take(B, "INFO sip:user@198.51.100.20:5060 SIP/2.0\r\n");
	assert_string_equal(bed_header(m, "Info-Package"), "dtmf");
	assert_string_equal(bed_header(m, "Content-Disposition"), "Info-Package");
	assert_string_equal(bed_header(m, "Content-Type"), "application/dtmf-relay");
	assert_string_equal(bed_header(m, "Max-Forwards"), "10"); /* A6 */
	assert_string_equal(bed_body(m), "Signal=5\r\nDuration=160\r\n");
	bed_lacks(m, "X-Core");
	bed_quiet(A);
	bed.extra = "Recv-Info: dtmf\nServer: b 198.51.100.20\n";
	bed_reply(B, 200, NULL);
	m = bed_take(A, "SIP/2.0 200 Yes\r\n");
	assert_string_equal(bed_header(m, "CSeq"), "2 INFO");
	assert_string_equal(bed_header(m, "Recv-Info"), "dtmf");
	bed_lacks(m, "Server");
	bed.max_forwards = NULL;
	/* the other way, with a body in the answer and a status of the package (RFC 6086 4.2.2) */
	send_dtmf(B);
	bed_take(A, "INFO sip:user@10.0.0.10:5060 SIP/2.0\r\n");
	bed.content_type = "text/plain";
	bed_reply(A, 469, "no\n");
	m = bed_take(B, "SIP/2.0 469 No\r\n");
	assert_string_equal(bed_header(m, "Content-Type"), "text/plain");
	assert_string_equal(bed_body(m), "no\r\n");
	bed_hang_up(A, B);
}

/* Which packages each side takes is told end to end. */
static void packages_are_told(void **state)
{
	(void)state;
	bed.extra = "Recv-Info: dtmf, x-fax\n";
	bed_invite(A, SDP_A);
	assert_string_equal(bed_header(bed_take(B, "INVITE "), "Recv-Info"), "dtmf, x-fax");
	bed.extra = "Recv-Info: dtmf\n";
	bed_reply(B, 200, SDP_B);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 200 "), "Recv-Info"), "dtmf");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void info_in_an_early_dialog(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed.ua[B].invite_cseq = 0;
	send_dtmf(A);
	bed_take(B, "INFO ");
	bed_reply(B, 200, NULL);
	bed_take(A, "SIP/2.0 200 ");
	send_dtmf(B);
	bed_take(A, "INFO ");
	bed_reply(A, 200, NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_cancel(A);
	bed_take(B, "CANCEL ");
	bed_take(A, "SIP/2.0 487 ");
	bed_send(B, "SIP/2.0 200 OK\nVia: %s\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: 1 CANCEL\n\n",
		 bed_header(bed.ua[B].request, "Via"), bed.ua[B].remote, bed.ua[B].local,
		 bed.ua[B].call_id);
	bed.idle_unchecked = true;
}

static void nobody_there_yet(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	snprintf(bed.ua[A].target, sizeof(bed.ua[A].target), "sip:10.0.0.1");
	send_dtmf(A); /* A has no dialog at all: its To has no tag */
	bed_take(A, "SIP/2.0 481 ");
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

/* ---- what does not pass ---- */

static void bodies_that_tell_too_much(void **state)
{
	static const char *const types[] = {"application/sdp", "message/sipfrag", "message/sip",
					    "Message/SIP", "multipart/mixed;boundary=x"};

	(void)state;
	bed_connect();
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		bed.content_type = types[i];
		bed_request(A, "INFO", "v=0\nc=IN IP4 10.0.0.11\n");
		bed_take(A, "SIP/2.0 415 ");
	}
	bed_quiet(B);
	/* in an answer it is left out */
	send_dtmf(A);
	bed_take(B, "INFO ");
	bed.content_type = "message/sip";
	bed_reply(B, 200, "OPTIONS sip:198.51.100.20 SIP/2.0\n");
	assert_string_equal(bed_body(bed_take(A, "SIP/2.0 200 ")), "");
	bed_hang_up(A, B);
}

static void hops_and_options(void **state)
{
	(void)state;
	bed_connect();
	bed.max_forwards = "0";
	send_dtmf(A);
	bed_take(A, "SIP/2.0 483 ");
	bed.max_forwards = NULL;
	bed.extra = "Require: x-magic\n";
	send_dtmf(A);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 420 "), "Unsupported"), "x-magic");
	bed_quiet(B);
	bed_hang_up(A, B);
}

static void by_policy(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed_request(A, "MESSAGE", NULL); /* the default */
	m = bed_take(A, "SIP/2.0 405 ");
	assert_string_equal(bed_header(m, "Allow"),
			    "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO");
	bed_request(A, "SUBSCRIBE", NULL);
	bed_take(A, "SIP/2.0 405 ");
	bed_request(A, "NOTIFY", NULL);
	bed_take(A, "SIP/2.0 405 ");
	bed_request(A, "OPTIONS", NULL); /* by us */
	bed_take(A, "SIP/2.0 200 ");
	bed_quiet(B);
	bed_hang_up(A, B);
	up(PEERS("'info':'refuse'"));
	bed_connect();
	send_dtmf(A);
	bed_lacks(bed_take(A, "SIP/2.0 405 "), "INFO,");
	bed_hang_up(A, B);
	/* one side alone is not enough */
	up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"
	   "'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"
	   "'next_hops':['sip:198.51.100.20'],'sip':{'in_dialog':{'info':'refuse'}}},"
	   "'cnet':{'realm':'peering','sources':['198.51.100.30'],"
	   "'next_hops':['sip:198.51.100.30']}");
	bed_connect();
	send_dtmf(A);
	bed_take(A, "SIP/2.0 403 Not Taken By The Other Side\r\n");
	bed_quiet(B);
	bed_hang_up(A, B);
}

static void other_methods(void **state)
{
	const char *m;

	(void)state;
	up(PEERS(ALL));
	bed_connect();
	bed.content_type = "text/plain";
	bed_request(A, "MESSAGE", "hello\n");
	assert_string_equal(bed_body(bed_take(B, "MESSAGE ")), "hello\r\n");
	bed_reply(B, 202, NULL);
	bed_take(A, "SIP/2.0 202 ");
	bed.extra = "Event: x-state\nExpires: 60\nAccept: text/plain\n";
	bed_request(B, "SUBSCRIBE", NULL);
	m = bed_take(A, "SUBSCRIBE ");
	assert_string_equal(bed_header(m, "Event"), "x-state");
	assert_string_equal(bed_header(m, "Expires"), "60");
	assert_string_equal(bed_header(m, "Contact"), "<sip:10.0.0.1:5060>");
	bed.extra = "Expires: 30\nContact: <sip:user@10.0.0.10>\n";
	bed_reply(A, 200, NULL);
	m = bed_take(B, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Expires"), "30");
	assert_string_equal(bed_header(m, "Contact"), "<sip:203.0.113.1:5060>");
	bed.extra = "Event: x-state\nSubscription-State: active;expires=30\n";
	bed_request(A, "NOTIFY", NULL);
	m = bed_take(B, "NOTIFY ");
	assert_string_equal(bed_header(m, "Subscription-State"), "active;expires=30");
	bed_reply(B, 481, NULL); /* the subscription is gone, the call is not (RFC 5057) */
	bed_take(A, "SIP/2.0 481 ");
	bed_request(A, "OPTIONS", NULL);
	bed_take(B, "OPTIONS ");
	bed.extra = "Allow: INVITE, FOO\nAccept: text/x\n";
	bed_reply(B, 200, SDP_B);
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Accept"), "text/x");
	bed_lacks(m, "FOO"); /* what we can do, not what B can */
	assert_string_equal(bed_body(m), "");
	bed_hang_up(A, B);
}

/* ---- bounds ---- */

static void too_many_at_once(void **state)
{
	(void)state;
	bed_connect();
	for (int i = 0; i < CALL_RELAY_MAX; i++) {
		send_dtmf(A);
		bed_take(B, "INFO ");
		bed_quiet(A);
	}
	send_dtmf(A);
	assert_string_equal(
		bed_header(bed_take(A, "SIP/2.0 500 Too Many Requests\r\n"), "Retry-After"), "1");
	bed_quiet(B);
	bed_reply(B, 200, NULL); /* of the last one: there is room again */
	bed_take(A, "SIP/2.0 200 ");
	send_dtmf(A);
	bed_take(B, "INFO ");
	send_dtmf(B); /* the other direction counts for itself */
	bed_take(A, "INFO ");
	bed_reply(A, 200, NULL);
	bed_take(B, "SIP/2.0 200 ");
	/* the end answers them all */
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	for (int i = 0; i < CALL_RELAY_MAX; i++)
		bed_take(A, "SIP/2.0 481 ");
	bed_skip(A);
	bed_take_bye(B);
}

/* A16: a flood costs the other side nothing beyond the rate. */
static void flood(void **state)
{
	unsigned passed = 0;

	(void)state;
	bed_connect();
	for (int i = 0; i < 200; i++) {
		send_dtmf(A);
		if (bed_take_any(B)) {
			passed++;
			bed_reply(B, 200, NULL);
		}
		bed_skip(A);
	}
	assert_int_equal(passed, CALL_RELAY_BURST);
	bed_run_ms(1000);
	for (int i = 0; i < 200; i++) {
		send_dtmf(A);
		if (bed_take_any(B)) {
			passed++;
			bed_reply(B, 200, NULL);
		}
		bed_skip(A);
	}
	assert_in_range(passed, CALL_RELAY_BURST + CALL_RELAY_PER_S - 1,
			CALL_RELAY_BURST + CALL_RELAY_PER_S + 1);
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
}

/* ---- failures ---- */

static void answered_with_errors(void **state)
{
	static const struct {
		int from_b;
		const char *to_a;
	} cases[] = {{486, "SIP/2.0 486 "}, {401, "SIP/2.0 403 "}, {407, "SIP/2.0 403 "},
		     {302, "SIP/2.0 403 "}, {501, "SIP/2.0 501 "}, {405, "SIP/2.0 405 "}};

	(void)state;
	bed_connect();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		send_dtmf(A);
		bed_take(B, "INFO ");
		bed.extra = "WWW-Authenticate: Digest realm=\"b\", nonce=\"1\"\n"
			    "Contact: <sip:u@198.51.100.20>\n";
		bed_reply(B, cases[i].from_b, NULL);
		bed_lacks(bed_take(A, cases[i].to_a), "Digest");
	}
	bed_hang_up(A, B);
}

/* RFC 3261 12.2.1.2: 481, and no answer at all, mean that there is no call on that side. */
static void dialog_is_gone(void **state)
{
	(void)state;
	bed_connect();
	send_dtmf(A);
	bed_take(B, "INFO ");
	bed_reply(B, 481, NULL);
	bed_take(A, "SIP/2.0 481 ");
	bed_take_bye(B);
	bed_take_bye(A);
	assert_string_equal(bed_cdr("cause"), "dialog_gone");
	bed_connect();
	send_dtmf(A);
	bed_run_ms(33000);
	bed_skip(B);
	bed_take_bye(A); /* its own INFO has timed out there (RFC 4320) */
	bed_skip(A);
	bed_skip(B);
	assert_string_equal(bed_cdr("cause"), "dialog_gone");
	bed_run_ms(33000);
	bed_skip(B);
}

/* CANCEL is for INVITE: another request goes on (RFC 3261 9.2). */
static void cancel_changes_nothing(void **state)
{
	char branch[64];

	(void)state;
	bed_connect();
	send_dtmf(A);
	bed_take(B, "INFO ");
	snprintf(branch, sizeof(branch), "z9hG4bK-%u", bed.branches);
	bed_send(A,
		 "CANCEL %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=%s\n"
		 "Max-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %u CANCEL\n\n",
		 bed.ua[A].target, branch, bed.ua[A].local, bed.ua[A].remote, bed.ua[A].call_id,
		 bed.ua[A].cseq);
	bed_take_any(A);
	bed_quiet(B);
	bed_reply(B, 200, NULL);
	bed_has(bed_take(A, "SIP/2.0 200 "), " INFO\r\n");
	bed_hang_up(A, B);
}

/* A16, A17: unknown tags, and right ones from the wrong sender: 481, nothing is made, media stay. */
static void foreign_and_unknown(void **state)
{
	static const char *const methods[] = {"INFO",  "UPDATE", "MESSAGE", "NOTIFY", "SUBSCRIBE",
					      "REFER", "PRACK",  "OPTIONS", "INVITE", "BYE"};
	struct bed_ua *x = &bed.ua[X], *s = &bed.ua[S];

	(void)state;
	bed_connect();
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		for (int k = 0; k < 2; k++) {
			struct bed_ua *u = k ? s : x;
			const char *name = u->name, *ip = u->ip;
			struct transport_target at = u->at;

			*u = bed.ua[B]; /* all it knows */
			u->name = name;
			u->ip = ip;
			u->at = at;
			bed_request(k ? S : X, methods[i], NULL);
			bed_take(k ? S : X, "SIP/2.0 481 ");
		}
		snprintf(x->call_id, sizeof(x->call_id), "guess-%zu", i);
		bed_request(X, methods[i], NULL);
		bed_take(X, "SIP/2.0 481 ");
		bed_skip(X);
	}
	bed_quiet(A);
	bed_quiet(B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
	bed_run_ms(33000);
	bed_skip(X);
	bed_skip(S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(info_both_ways),
		BED_TEST(packages_are_told),
		BED_TEST(info_in_an_early_dialog),
		BED_TEST(nobody_there_yet),
		BED_TEST(bodies_that_tell_too_much),
		BED_TEST(hops_and_options),
		BED_TEST(by_policy),
		BED_TEST(other_methods),
		BED_TEST(too_many_at_once),
		BED_TEST(flood),
		BED_TEST(answered_with_errors),
		BED_TEST(dialog_is_gone),
		BED_TEST(cancel_changes_nothing),
		BED_TEST(foreign_and_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
