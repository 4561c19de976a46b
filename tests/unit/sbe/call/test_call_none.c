/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask for what: strangers, requests outside calls, in-dialog requests of others (C13, C16, A16, A17). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

/* An out-of-dialog request of anybody. */
static void ask(enum bed_who who, const char *method, const char *to_tag)
{
	static unsigned n;
	struct bed_ua *u = &bed.ua[who];

	n++;
	snprintf(u->branch, sizeof(u->branch), "z9hG4bK-q%u", n);
	snprintf(u->call_id, sizeof(u->call_id), "q%u", n);
	snprintf(u->local, sizeof(u->local), "<sip:u@host.invalid>;tag=t%u", n);
	snprintf(u->invite_uri, sizeof(u->invite_uri), "sip:x@a.example");
	bed_send(who,
		 "%s sip:x@a.example SIP/2.0\nVia: SIP/2.0/UDP %s:5060;branch=%s\n"
		 "Max-Forwards: %s\nFrom: %s\nTo: <sip:x@a.example>%s\nCall-ID: %s\n"
		 "CSeq: 1 %s\nContact: <sip:u@%s>\n\n",
		 method, u->ip, u->branch, bed.max_forwards ? bed.max_forwards : "70", u->local,
		 to_tag, u->call_id, method, u->ip);
}

static void strangers(void **state)
{
	static const char *const methods[] = {"INVITE",    "OPTIONS", "REGISTER", "MESSAGE",
					      "SUBSCRIBE", "BYE",     "FOO"};

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		ask(S, methods[i], "");
		bed_take(S, "SIP/2.0 403 Unsupported Peer\r\n"); /* RFC 6406; E11, B8 */
		bed_run_ms(1000);
		bed_quiet(S); /* sent once: a forged source gets one packet */
	}
	ask(S, "BYE", ";tag=guess");
	bed_take(S, "SIP/2.0 481 ");
	ask(S, "INVITE", ";tag=guess");
	assert_int_equal(txn_count_server(bed.txns), 0); /* a flood of them leaves nothing */
	bed_take(S, "SIP/2.0 481 ");
	assert_int_equal(bed_cdr_count(), 0); /* only known peers leave records */
	assert_int_equal(bed.gate.opens, 0);
	bed_run_ms(32000);
	bed_quiet(S);
}

static void other_realms_addresses_are_strangers(void **state)
{
	(void)state;
	bed.ua[S].at.to = bed.ua[A].at.to; /* pbx's address, but at the peering listener */
	bed.leaks_ok = true;
	ask(S, "OPTIONS", "");
	bed.ua[S].at.to.ip[0] = 1; /* so that A is found again */
	bed_take(A, "SIP/2.0 403 Unsupported Peer\r\n");
}

static void outside_calls(void **state)
{
	const char *m;

	(void)state;
	ask(B, "OPTIONS", "");
	m = bed_take(B, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Allow"),
			    "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO");
	assert_string_equal(bed_header(m, "Accept"), "application/sdp, multipart/mixed");
	bed.max_forwards = "0";
	ask(B, "OPTIONS", "");
	bed_take(B, "SIP/2.0 483 ");
	bed.max_forwards = NULL;
	ask(B, "BYE", "");
	bed_take(B, "SIP/2.0 481 ");
	ask(B, "BYE", ";tag=unknown");
	bed_take(B, "SIP/2.0 481 ");
	ask(B, "INVITE", ";tag=unknown");
	bed_take(B, "SIP/2.0 481 ");
	bed_skip(B);
	ask(B, "REGISTER", "");
	m = bed_take(B, "SIP/2.0 405 ");
	assert_string_equal(bed_header(m, "Allow"),
			    "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO");
	ask(B, "SUBSCRIBE", "");
	bed_take(B, "SIP/2.0 405 ");
	ask(B, "PUBLISH", "");
	bed_take(B, "SIP/2.0 405 ");
	ask(B, "MESSAGE", "");
	bed_take(B, "SIP/2.0 405 ");
	ask(B, "FOO", "");
	bed_take(B, "SIP/2.0 501 ");
	ask(B, "PRACK", "");
	bed_take(B, "SIP/2.0 481 ");
	ask(B, "INFO", "");
	bed_take(B, "SIP/2.0 481 ");
	ask(B, "ACK", ";tag=unknown"); /* C16: ignored */
	bed_quiet(B);
	assert_int_equal(bed_cdr_count(), 0);
}

/* RFC 3261 8.2: the method is looked at first, then the URI, then what is required (A1: unkscm, novelsc, bext01). */
static void options_for_nobody_we_know(void **state)
{
	static const char rest[] = "Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK-u%d\n"
				   "Max-Forwards: 70\nFrom: <sip:u@host.invalid>;tag=u\n"
				   "To: <sip:x@a.example>\nCall-ID: u%d\nCSeq: 1 %s\n%s\n";
	static const struct {
		const char *line, *method, *more, *answer;
	} cases[] = {
		{"OPTIONS nobodyKnowsThisScheme:totallyopaquecontent", "OPTIONS", "", "416 "},
		{"OPTIONS soap.beep://192.0.2.103:3002", "OPTIONS", "", "416 "},
		{"REGISTER soap.beep://192.0.2.103:3002", "REGISTER", "", "405 "},
		{"OPTIONS sip:a.example", "OPTIONS", "Require: nothing, 100rel2\n", "420 "},
		{"OPTIONS soap.beep://192.0.2.103:3002", "OPTIONS", "Require: nothing\n", "416 "},
		{"MESSAGE sip:a.example", "MESSAGE", "Require: nothing\n", "405 "},
	};
	char format[600], start[32];
	const char *m;

	(void)state;
	for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
		snprintf(format, sizeof(format), rest, i, i, cases[i].method, cases[i].more);
		snprintf(start, sizeof(start), "SIP/2.0 %s", cases[i].answer);
		bed_send(B, "%s SIP/2.0\n%s", cases[i].line, format);
		m = bed_take(B, start);
		if (!strcmp(cases[i].answer, "420 "))
			assert_string_equal(bed_header(m, "Unsupported"), "nothing, 100rel2");
	}
}

static int options_stopped;

static void on_stopped(void *arg)
{
	++*(int *)arg;
}

static void options_while_stopping(void **state)
{
	(void)state;
	call_shutdown(bed.core, on_stopped, &options_stopped);
	ask(B, "OPTIONS", "");
	bed_take(B, "SIP/2.0 503 "); /* peers' probes send their calls elsewhere */
}

static void in_dialog(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "OPTIONS", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(A, "FOO", NULL);
	bed_take(A, "SIP/2.0 501 ");
	bed_request(A, "REFER", NULL);
	bed_take(A, "SIP/2.0 403 "); /* the default policy */
	bed_request(B, "UPDATE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_request(B, "PRACK", NULL);
	bed_take(B, "SIP/2.0 481 ");
	bed.max_forwards = "0";
	bed_request(A, "INVITE", SDP_A);
	bed_take(A, "SIP/2.0 483 ");
	bed.max_forwards = "7";
	bed_request(A, "INVITE", SDP_A); /* S1: not reset in a dialog either */
	assert_string_equal(bed_header(bed_take(B, "INVITE "), "Max-Forwards"), "6");
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(A);
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
}

/* C13, A17: everything right but the sender. */
static void from_somebody_else(void **state)
{
	static const enum bed_who others[] = {X, S};
	static const char *const methods[] = {"BYE", "INVITE", "UPDATE", "OPTIONS"};
	const struct gate_stream before = (bed_connect(), *bed_gate_stream(1, 1));

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		for (size_t k = 0; k < sizeof(methods) / sizeof(methods[0]); k++) {
			struct bed_ua own = bed.ua[others[i]];
			struct transport_target at = own.at;

			bed.ua[others[i]] = bed.ua[B];
			bed.ua[others[i]].at = at;
			bed.leaks_ok = true;
			bed_request(others[i], methods[k],
				    !strcmp(methods[k], "INVITE") ? BED_SDP("198.51.100.66", "7000")
								  : NULL);
			bed_take(others[i], "SIP/2.0 481 ");
			bed.leaks_ok = false;
			bed.ua[others[i]] = own;
			assert_int_equal(call_count(bed.core), 1);
		}
	}
	bed_quiet(A);
	bed_quiet(B);
	assert_memory_equal(&before.remote_rtp, &bed_gate_stream(1, 1)->remote_rtp,
			    sizeof(before.remote_rtp));
	bed_hang_up(A, B);
}

/* The ACK of somebody else does not count either. */
static void ack_of_somebody_else(void **state)
{
	struct transport_target at;
	struct bed_ua own;

	(void)state;
	bed_invite(B, SDP_B);
	bed_take(A, "INVITE ");
	bed_reply(A, 200, SDP_A);
	bed_take(B, "SIP/2.0 200 ");
	own = bed.ua[X];
	at = own.at;
	bed.ua[X] = bed.ua[B];
	bed.ua[X].at = at;
	bed_ack(X, NULL);
	bed.ua[X] = own;
	bed_quiet(A);
	bed_run_ms(600);
	assert_int_equal(bed_skip(B), 1); /* the 2xx again */
	bed_ack(B, NULL);
	bed_take(A, "ACK ");
	bed_hang_up(A, B);
}

/* The same peer from its other address is the same peer. */
static void from_the_peers_other_address(void **state)
{
	struct transport_target at;

	(void)state;
	bed_connect();
	at = bed.ua[C].at;
	bed.ua[C] = bed.ua[B];
	bed.ua[C].at = at;
	bed_request(C, "BYE", NULL);
	bed_take(C, "SIP/2.0 200 ");
	bed_take_bye(A);
}

static void wrong_tags(void **state)
{
	(void)state;
	bed_connect();
	{
		struct bed_ua b = bed.ua[B];

		*strstr(bed.ua[B].local, ";tag=b") = '\0'; /* without its own tag */
		strcat(bed.ua[B].local, ";tag=other");
		bed_request(B, "BYE", NULL);
		bed_take(B, "SIP/2.0 481 ");
		bed.ua[B] = b;
		bed.ua[B].call_id[0] ^= 1;
		bed_request(B, "BYE", NULL);
		bed_take(B, "SIP/2.0 481 ");
		bed.ua[B] = b;
	}
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(B, A);
}

/* RFC 3261 12.2.2 */
static void cseq_out_of_order(void **state)
{
	(void)state;
	bed_connect();
	bed.ua[A].cseq = 9;
	bed_request(A, "OPTIONS", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed.ua[A].cseq = 4;
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 500 ");
	bed_quiet(B);
	assert_int_equal(call_count(bed.core), 1);
	bed.ua[A].cseq = 10;
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(strangers),
		BED_TEST(other_realms_addresses_are_strangers),
		BED_TEST(outside_calls),
		BED_TEST(options_for_nobody_we_know),
		BED_TEST(options_while_stopping),
		BED_TEST(in_dialog),
		BED_TEST(from_somebody_else),
		BED_TEST(ack_of_somebody_else),
		BED_TEST(from_the_peers_other_address),
		BED_TEST(wrong_tags),
		BED_TEST(cseq_out_of_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
