/* SPDX-License-Identifier: Apache-2.0 */
/* The way out: refusals, next hops when one fails (A14, C23, E5), gates that cannot be opened (C11, C12). */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void to_b(void)
{
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
}

static void finish_at(enum bed_who who)
{
	bed_reply(who, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(who, "ACK ");
	bed_hang_up(A, who);
}

/* ---- refused by the peer ---- */

static void finals_pass(void **state)
{
	static const struct {
		int from_b, to_a;
	} list[] = {
		{486, 486}, {404, 404}, {480, 480}, {488, 488}, {500, 500},
		{600, 600}, {603, 603}, {302, 480}, /* C19: a redirect is neither followed nor shown */
		{300, 480}, {401, 403}, {407, 403}, /* G13: a challenge is between the peer and us */
	};
	char line[32];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		const char *m;

		to_b();
		bed_reply(B, 180, NULL);
		bed_take(A, "SIP/2.0 180 ");
		bed.extra = "Contact: <sip:+1900@evil.example>\n"
			    "WWW-Authenticate: Digest realm=\"x\",nonce=\"y\"\n"
			    "Warning: 399 198.51.100.20 \"inside\"\n"
			    "Retry-After: 30\n";
		bed_reply(B, list[i].from_b, NULL);
		bed_take(B, "ACK ");
		snprintf(line, sizeof(line), "SIP/2.0 %d ", list[i].to_a);
		m = bed_take(A, line);
		bed_lacks(m, "evil.example");
		bed_lacks(m, "Authenticate");
		bed_lacks(m, "Warning");
		assert_string_equal(bed_header(m, "Retry-After"), "30");
		assert_int_equal(bed.gate.now, 0);
		assert_int_equal(call_count(bed.core), 0);
		snprintf(line, sizeof(line), "%d", list[i].to_a);
		assert_string_equal(bed_cdr("status"), line);
		assert_string_equal(bed_cdr("cause"), list[i].from_b == 401 || list[i].from_b == 407
							      ? "auth_failed"
							      : "peer_refused");
		assert_string_equal(bed_cdr("released_by"), "callee");
		assert_string_equal(bed_cdr("type"), "fail");
		bed_quiet(C);
	}
}

static void reason_of_a_refusal_passes(void **state)
{
	const char *m;

	(void)state;
	to_b();
	bed.extra = "Reason: Q.850;cause=17;text=\"user busy\"\n";
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	m = bed_take(A, "SIP/2.0 486 No\r\n"); /* its own phrase */
	assert_string_equal(bed_header(m, "Reason"), "Q.850;cause=17;text=\"user busy\"");
}

/* ---- next hops ---- */

static void after_no_answer(void **state)
{
	const char *m;

	(void)state;
	to_b();
	bed_run_ms(3999);
	assert_int_equal(bed_skip(B), 3);
	bed_quiet(C);
	bed_run_ms(1); /* sip.try_ms */
	m = bed_take(C, "INVITE sip:+442079460000@b.example SIP/2.0\r\n");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_lacks(m, bed.ua[B].call_id);     /* a new dialog */
	assert_int_equal(bed.gate.opens, 1); /* in the same realm the gates fit */
	bed_quiet(A);
	finish_at(C);
	assert_string_equal(bed_cdr("attempts.0.hop"), "bnet sip:198.51.100.20");
	assert_string_equal(bed_cdr("attempts.0.result"), "timeout");
	assert_string_equal(bed_cdr("attempts.0.status"), "408");
	assert_string_equal(bed_cdr("attempts.1.hop"), "bnet sip:198.51.100.21");
	assert_string_equal(bed_cdr("attempts.1.result"), "answered");
	assert_string_equal(bed_cdr("egress_address"), "198.51.100.21:5060");
	assert_int_equal(peer_find_name(bed.config.peers, "bnet")->state->failovers, 1);
	/* the dead hop is tried last for a while */
	bed_invite(A, SDP_A);
	bed_take(C, "INVITE ");
	bed_quiet(B);
	finish_at(C);
}

static void after_503(void **state)
{
	(void)state;
	to_b();
	bed_reply(B, 100, NULL);
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_take(C, "INVITE ");
	bed_quiet(A);
	finish_at(C);
	assert_string_equal(bed_cdr("attempts.0.result"), "peer_refused");
	assert_string_equal(bed_cdr("attempts.0.status"), "503");
}

/* ICMP, or a connection that is refused. */
static void after_transport_failure(void **state)
{
	struct transport_target to;

	(void)state;
	to_b();
	to = bed.ua[B].at;
	txn_transport_failed(bed.txns, &to, -ECONNREFUSED);
	bed_settle();
	bed_take(C, "INVITE ");
	finish_at(C);
	assert_string_equal(bed_cdr("attempts.0.result"), "unreachable");
	assert_string_equal(bed_cdr("attempts.0.status"), "503");
}

static void when_it_cannot_be_sent(void **state)
{
	(void)state;
	bed.send_err[B] = -ENETUNREACH;
	bed_invite(A, SDP_A);
	bed_take(C, "INVITE ");
	finish_at(C);
	assert_string_equal(bed_cdr("attempts.0.result"), "unreachable");
}

/* The caller heard it ring: another phone ringing now would be a surprise. */
static void not_after_ringing(void **state)
{
	(void)state;
	to_b();
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 503 ");
	bed_quiet(C);
}

static void late_answer_of_an_abandoned_hop(void **state)
{
	char invite[BED_MESSAGE_MAX];
	const char *m;

	(void)state;
	to_b();
	bed_run_ms(4000);
	bed_skip(B);
	bed_take(C, "INVITE ");
	bed_reply(C, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_reply(B, 180, NULL); /* nobody's, so it shall not ring */
	bed_quiet(A);
	bed_take(B, "CANCEL ");
	strcpy(invite, bed.ua[B].request);
	bed_reply(B, 200, SDP_B);
	m = bed_take(B, "ACK ");
	assert_string_equal(bed_header(m, "To"), bed.ua[B].local);
	bed_take_bye(B);
	strcpy(bed.ua[B].request, invite);
	bed_reply(B, 200, SDP_B); /* once more: nothing but its ACK is missing */
	bed_take(B, "ACK ");
	bed_quiet(A);
	bed_skip(B);
	assert_string_equal(bed_modes(), "inactive/inactive");
	finish_at(C);
}

static void all_time_out(void **state)
{
	const char *m;

	(void)state;
	to_b();
	bed_run_ms(8000);
	assert_int_equal(bed_skip(C), 4);
	m = bed_take(A, "SIP/2.0 408 ");
	assert_string_equal(bed_header(m, "Reason"), "SIP;cause=408;text=\"timeout\"");
	assert_string_equal(bed_cdr("cause"), "timeout");
	assert_string_equal(bed_cdr("status"), "408");
	assert_string_equal(bed_cdr("attempts.1.result"), "timeout");
	assert_string_equal(bed_cdr("released_by"), "sbe");
	bed_skip(B);
}

static void all_refuse(void **state)
{
	(void)state;
	to_b();
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_take(C, "INVITE ");
	bed_reply(C, 503, NULL);
	bed_take(C, "ACK ");
	bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_cdr("status"), "503");
}

static void all_unreachable(void **state)
{
	const char *m;

	(void)state;
	bed.send_err[B] = bed.send_err[C] = -ENETUNREACH;
	bed_invite(A, SDP_A);
	m = bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_header(m, "Reason"), "SIP;cause=503;text=\"unreachable\"");
	assert_int_equal(bed.gate.now, 0);
}

/* Candidates in two realms: the gates of one do not fit the other. */
static void next_hop_in_another_realm(void **state)
{
	const char *m;

	(void)state;
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"
	       "'inner':{'realm':'core','next_hops':['sip:198.51.100.99']},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20'],"
	       "'next_hops':['sip:198.51.100.20']}",
	       "{'name':'r','to':[{'peer':'bnet','priority':1},{'peer':'inner','priority':2}]}");
	bed.ua[S].at.listener = bed.ua[A].at.listener;
	bed.leaks_ok = true; /* S plays somebody inside */
	to_b();
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed.gate.realms, "m-core v4 m-core v4");
	assert_int_equal(bed.gate.opens, 2);
	assert_int_equal(bed.gate.now, 1);
	m = bed_take(S, "INVITE sip:+442079460000@198.51.100.99:5060 SIP/2.0\r\n");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(S, 486, NULL);
	bed_take(S, "ACK ");
}

/* ---- how long it may ring (timer C, RFC 3261 16.6) ---- */

static void rings_too_long(void **state)
{
	(void)state;
	to_b();
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_run_ms(179999);
	bed_quiet(A);
	bed_quiet(B);
	bed_run_ms(1);
	bed_take(A, "SIP/2.0 408 ");
	bed_has(bed_take(B, "CANCEL "), "\r\nReason: SIP;cause=408;text=\"no answer\"\r\n");
	bed_reply(B, 200, SDP_B); /* S4: late 2xx after timer C */
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed_quiet(A);
	assert_string_equal(bed_cdr("cause"), "no_answer");
	assert_int_equal(call_count(bed.core), 0);
}

/* ---- gates ---- */

static void gate_fails(int err, const char *cause, const char *text)
{
	char reason[160];
	const char *m;

	bed.gate.open_err = err;
	bed_invite(A, SDP_A);
	m = bed_take(A, "SIP/2.0 503 ");
	snprintf(reason, sizeof(reason), "SIP;cause=503;text=\"%s\"", text);
	assert_string_equal(bed_header(m, "Reason"), reason);
	assert_string_equal(bed_cdr("cause"), cause);
	assert_string_equal(bed_cdr("type"), "fail");
	assert_int_equal(bed.gate.now, 0);
	assert_int_equal(call_count(bed.core), 0);
	bed_quiet(B);
	bed_quiet(C);
	bed.gate.open_err = 0;
}

static void gates_that_do_not_open(void **state)
{
	(void)state;
	gate_fails(-ENOSPC, "gate_ports", "no media port is free");
	gate_fails(-ETIMEDOUT, "gate_timeout", "media relay did not answer in time");
	gate_fails(-EPROTO, "gate_refused", "media relay refused");
	gate_fails(-ENOSYS, "no_dbe", "no media relay (dbe) is connected");
	gate_fails(-EHOSTDOWN, "no_dbe", "no media relay (dbe) is connected");
	gate_fails(-ENODEV, "no_dbe", "no media relay (dbe) serves both realms");
}

static void no_dbe_at_admission(void **state)
{
	const char *m;

	(void)state;
	bed.gate.available = -ENOSYS;
	bed_invite(A, SDP_A);
	m = bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_header(m, "Reason"),
			    "SIP;cause=503;text=\"no media relay (dbe) is connected\"");
	assert_string_equal(bed_cdr("type"), "refused");
	assert_string_equal(bed_cdr("cause"), "no_dbe");
	bed.gate.available = -ENODEV;
	bed_invite(A, SDP_A);
	m = bed_take(A, "SIP/2.0 503 ");
	bed_has(m, "serves both realms");
	assert_int_equal(bed.gate.opens, 0);
}

/* ---- limits of the callee's peer ---- */

static void no_room_at_the_next_hop(void **state)
{
	(void)state;
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"
	       "'next_hops':['sip:198.51.100.20'],'limits':{'sessions_out':1}},"
	       "'cnet':{'realm':'peering','sources':['198.51.100.30'],"
	       "'next_hops':['sip:198.51.100.30']}",
	       "{'name':'b','number':'+44','to':[{'peer':'bnet','priority':1}]},"
	       "{'name':'bc','number':'+49','to':[{'peer':'bnet','priority':1},"
	       "{'peer':'cnet','priority':2}]}");
	bed_connect();
	{
		struct bed_ua a = bed.ua[A];

		bed_invite(A, SDP_A);
		bed_take(A, "SIP/2.0 503 ");
		assert_string_equal(bed_cdr("cause"), "no_next_hop");
		assert_string_equal(bed_cdr("attempts.0.result"), "limit_sessions");
		bed.ua[A] = a;
	}
	bed_hang_up(A, B);
	to_b();
	finish_at(B);
}

/* ---- codecs ---- */

#define PEERS_CODECS(a, b)                                                                         \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"             \
	"'media':{'codecs':[" a "]}},"                                                             \
	"'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"           \
	"'next_hops':['sip:198.51.100.20'],'media':{'codecs':[" b "]}}"
#define ROUTE_B "{'name':'r','to':[{'peer':'bnet'}]}"

static void codecs_are_filtered(void **state)
{
	(void)state;
	bed_down();
	bed_up(PEERS_CODECS("'PCMA','PCMU','telephone-event'", "'PCMU','telephone-event'"),
	       ROUTE_B);
	bed_invite(A, SDP_A);
	bed_has(bed_take(B, "INVITE "), " RTP/AVP 0 101\r\n");
	finish_at(B);
}

/* Audio may pass, video may not: its line stays, with port 0. */
static void one_stream_is_filtered(void **state)
{
	const char *m;

	(void)state;
	bed_down();
	bed_up(PEERS_CODECS("", "'PCMU'"), ROUTE_B);
	bed_invite(A, SDP_A "m=video 4002 RTP/AVP 31\n");
	m = bed_take(B, "INVITE ");
	bed_has(m, " RTP/AVP 0\r\n");
	bed_has(m, "\r\nm=video 0 RTP/AVP 31\r\n");
	bed_reply(B, 200, SDP_B "m=video 0 RTP/AVP 31\n");
	bed_has(bed_take(A, "SIP/2.0 200 "), "\r\nm=video 0 RTP/AVP 31\r\n");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv inactive/inactive");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void no_codec_is_left(void **state)
{
	(void)state;
	bed_down();
	bed_up(PEERS_CODECS("", "'G729','telephone-event'"), ROUTE_B);
	bed_invite(A, SDP_A);
	bed_take(A, "SIP/2.0 488 ");
	assert_string_equal(bed_cdr("cause"), "codec");
	assert_int_equal(bed.gate.opens, 0);
	/* both lists leave something, together only what helps a codec */
	bed_down();
	bed_up(PEERS_CODECS("'PCMA','telephone-event'", "'PCMU','telephone-event'"), ROUTE_B);
	bed_invite(A, SDP_A);
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
}

/* ---- transports ---- */

static void over_tcp(void **state)
{
	const char *m;

	(void)state;
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"
	       "'next_hops':['sip:198.51.100.20;transport=tcp']}",
	       ROUTE_B);
	bed.ua[B].at.proto = TRANSPORT_TCP;
	bed.ua[B].at.listener = &bed.listeners[2];
	bed_invite(A, SDP_A);
	bed_run_ms(3000);
	m = bed_take(B, "INVITE ");
	bed_quiet(B); /* a stream loses nothing */
	bed_has(m, "\r\nVia: SIP/2.0/TCP 203.0.113.1:5060;branch=");
	bed_has(m, "\r\nContact: <sip:203.0.113.1:5060;transport=tcp>\r\n");
	bed_reply(B, 200, SDP_B);
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(m, "\r\nContact: <sip:10.0.0.1:5060>\r\n");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(B, A);
	assert_string_equal(bed_cdr("egress_transport"), "TCP");
	assert_string_equal(bed_cdr("ingress_transport"), "UDP");
}

static void no_listener_for_a_hop(void **state)
{
	(void)state;
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"
	       "'next_hops':['sip:[2001:db8::20]','sip:198.51.100.20']}",
	       ROUTE_B);
	to_b();
	finish_at(B);
	assert_string_equal(bed_cdr("attempts.0.result"), "no_listener");
	assert_string_equal(bed_cdr("attempts.1.result"), "answered");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(finals_pass),
		BED_TEST(reason_of_a_refusal_passes),
		BED_TEST(after_no_answer),
		BED_TEST(after_503),
		BED_TEST(after_transport_failure),
		BED_TEST(when_it_cannot_be_sent),
		BED_TEST(not_after_ringing),
		BED_TEST(late_answer_of_an_abandoned_hop),
		BED_TEST(all_time_out),
		BED_TEST(all_refuse),
		BED_TEST(all_unreachable),
		BED_TEST(next_hop_in_another_realm),
		BED_TEST(rings_too_long),
		BED_TEST(gates_that_do_not_open),
		BED_TEST(no_dbe_at_admission),
		BED_TEST(no_room_at_the_next_hop),
		BED_TEST(codecs_are_filtered),
		BED_TEST(one_stream_is_filtered),
		BED_TEST(no_codec_is_left),
		BED_TEST(over_tcp),
		BED_TEST(no_listener_for_a_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
