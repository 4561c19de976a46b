/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused about a new INVITE before anything is opened (E11, S1, A4, A6, C22). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#include "proto/result.h"

/* An INVITE written by the test: Request-URI, header lines, body. */
static void invite(const char *uri, const char *headers, const char *body)
{
	static unsigned n;
	struct bed_ua *u = &bed.ua[A];

	n++;
	u->invite_cseq = u->cseq = 1;
	snprintf(u->branch, sizeof(u->branch), "z9hG4bK-i%u", n);
	snprintf(u->call_id, sizeof(u->call_id), "a-call-i%u", n);
	snprintf(u->local, sizeof(u->local), "<sip:u@10.0.0.10>;tag=a-tag-i%u", n);
	snprintf(u->remote, sizeof(u->remote), "<sip:x@a.example>");
	snprintf(u->invite_uri, sizeof(u->invite_uri), "%s", uri);
	bed_send(A,
		 "INVITE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=%s\nFrom: %s\n"
		 "To: <sip:x@a.example>\nCall-ID: %s\nCSeq: 1 INVITE\nContact: <sip:u@10.0.0.10>\n"
		 "%s\n%s",
		 uri, u->branch, u->local, u->call_id, headers, body);
}

#define OURS "sip:+44207@a.example"
#define SDP "Content-Type: application/sdp\n"

static const char *refused(const char *start, const char *cause)
{
	const char *m = bed_take(A, start);
	char status[8];

	snprintf(status, sizeof(status), "%.3s", start + 8);
	assert_int_equal(bed.gate.opens, 0);
	assert_int_equal(call_count(bed.core), 0);
	assert_string_equal(bed_cdr("type"), "refused");
	assert_string_equal(bed_cdr("cause"), cause);
	assert_string_equal(bed_cdr("status"), status);
	assert_string_equal(bed_cdr("ingress_peer"), "pbx");
	bed_quiet(B);
	return m;
}

/* Answered by ringing and the caller's CANCEL. @return the INVITE that B got. */
static const char *passed(void)
{
	static char text[BED_MESSAGE_MAX];

	strcpy(text, bed_take(B, "INVITE "));
	bed.gate.opens = 0;
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	return text;
}

static void max_forwards(void **state)
{
	(void)state;
	invite(OURS, "Max-Forwards: 0\n" SDP, SDP_A);
	refused("SIP/2.0 483 ", "too_many_hops");
	invite(OURS, "Max-Forwards: 1\n" SDP, SDP_A);
	assert_string_equal(bed_header(passed(), "Max-Forwards"), "0");
	invite(OURS, "Max-Forwards: 10\n" SDP, SDP_A);
	assert_string_equal(bed_header(passed(), "Max-Forwards"), "9");
	invite(OURS, SDP, SDP_A); /* S1: 70 if absent */
	assert_string_equal(bed_header(passed(), "Max-Forwards"), "69");
	invite(OURS, "Max-Forwards: 255\n" SDP, SDP_A);
	assert_string_equal(bed_header(passed(), "Max-Forwards"), "254");
}

static void required_extensions(void **state)
{
	const char *m;

	(void)state;
	invite(OURS, "Max-Forwards: 70\nRequire: 100rel, foo\n" SDP, SDP_A);
	m = refused("SIP/2.0 420 ", "option_required");
	assert_string_equal(bed_header(m, "Unsupported"), "foo");
	invite(OURS, "Max-Forwards: 70\nSupported: 100rel\n" SDP, SDP_A);
	bed_has(passed(), "\r\nSupported: 100rel"); /* our own promise, not the caller's */
}

static void schemes(void **state)
{
	(void)state;
	invite("sips:x@a.example", SDP, SDP_A);
	refused("SIP/2.0 416 ", "uri_scheme");
	invite("mailto:x@a.example", SDP, SDP_A);
	refused("SIP/2.0 416 ", "uri_scheme");
	invite("unknown:x", SDP, SDP_A);
	refused("SIP/2.0 416 ", "uri_scheme");
	invite("tel:+44-207-946", SDP, SDP_A);
	bed_has(passed(), "INVITE sip:+44-207-946@b.example;user=phone SIP/2.0\r\n");
}

static void left_over_routes(void **state)
{
	(void)state;
	invite(OURS, "Route: <sip:10.0.0.1:5060;lr>\n" SDP, SDP_A);
	passed();
	invite(OURS, "Route: <sip:10.0.0.99;lr>\n" SDP, SDP_A);
	refused("SIP/2.0 403 ", "route_left_over");
	invite(OURS, "Route: <sip:10.0.0.1;lr>, <sip:10.0.0.99;lr>\n" SDP, SDP_A);
	refused("SIP/2.0 403 ", "route_left_over");
}

static void bodies(void **state)
{
	const char *m;

	(void)state;
	invite(OURS, "Content-Type: text/plain\n", "hello\n");
	m = refused("SIP/2.0 415 ", "body_type");
	assert_string_equal(bed_header(m, "Accept"), "application/sdp, multipart/mixed");
	invite(OURS, "", SDP_A); /* a body of no type */
	refused("SIP/2.0 415 ", "body_type");
	invite(OURS, SDP, "v=1\nthis is no SDP\n");
	m = refused("SIP/2.0 400 Bad Session Description\r\n", "body");
	bed_has(m, "\r\nReason: SIP;cause=400;");
	invite(OURS, "Content-Type: multipart/mixed;boundary=x\n",
	       "--x\nContent-Type: text/plain\n\nhello\n--x--\n");
	refused("SIP/2.0 415 ", "body_type");
	invite(OURS, "Content-Type: multipart/mixed\n",
	       "--x\nContent-Type: application/sdp\n\n" SDP_A "--x--\n");
	refused("SIP/2.0 400 ", "body");
}

/* A4: addresses nobody may send to, more streams than there is room for, none at all. */
static void offers_that_cannot_be_relayed(void **state)
{
	static const char *const bad[] = {
		BED_SDP("127.0.0.1", "4000"),
		BED_SDP("224.1.2.3", "4000"),
		BED_SDP("255.255.255.255", "4000"),
		BED_SDP("169.254.1.1", "4000"),
		BED_SDP("host.example", "4000"),
		SDP_A "a=rtcp:4001 IN IP4 127.0.0.1\n",
		SDP_A "a=rtcp:4001 IN IP4 224.0.0.1\n",
		"v=0\no=- 1 1 IN IP4 10.0.0.11\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\n",
		"v=0\no=- 1 1 IN IP4 10.0.0.11\ns=-\nc=IN IP4 10.0.0.11\nt=0 0\n",
		"v=0\no=- 1 1 IN IP4 10.0.0.11\ns=-\nc=IN IP4 10.0.0.11\nt=0 0\n"
		"m=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 0\nm=audio 4004 RTP/AVP 0\n"
		"m=audio 4006 RTP/AVP 0\nm=audio 4008 RTP/AVP 0\nm=audio 4010 RTP/AVP 0\n"
		"m=audio 4012 RTP/AVP 0\nm=audio 4014 RTP/AVP 0\nm=audio 4016 RTP/AVP 0\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		invite(OURS, SDP, bad[i]);
		refused("SIP/2.0 488 ", "body");
	}
}

/* A4: where we speak SIP ourselves, and what the dbe calls its own. */
static void our_own_addresses_get_no_media(void **state)
{
	const char *m;

	(void)state;
	invite(OURS, SDP, BED_SDP("10.0.0.1", "5060"));
	m = refused("SIP/2.0 488 ", "body");
	bed_has(m, "text=\"media address is one where we speak SIP\"");
	invite(OURS, SDP, BED_SDP("203.0.113.1", "5060"));
	refused("SIP/2.0 488 ", "body");
	invite(OURS, SDP, SDP_A "a=rtcp:5060 IN IP4 10.0.0.1\n");
	refused("SIP/2.0 488 ", "body");
	bed.gate.refuse_code = GATE_ERR_VALUE;
	invite(OURS, SDP, SDP_A);
	m = bed_take(A, "SIP/2.0 488 ");
	bed_has(m, "text=\"media relay cannot send there\"");
	assert_string_equal(bed_cdr("cause"), "media");
	bed.gate.refuse_code = GATE_ERR_REALM;
	invite(OURS, SDP, SDP_A);
	bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_cdr("cause"), "gate_refused");
	bed.gate.refuse_code = 0;
	bed_quiet(B);
}

/* A4: shapes of descriptions and of multiparts; B16: no more is looked at than a bound. */
static void shapes_of_bodies(void **state)
{
	static const struct {
		const char *head, *line;
		unsigned count;
		const char *start; /* NULL = it becomes a call */
	} rows[] = {
		{"", "m=audio 4000 RTP/AVP 0\n", 8, NULL},
		{"", "m=audio 4000 RTP/AVP 0\n", 9, "SIP/2.0 488 "},
		{"", "m=audio 4000 RTP/AVP 0\n", 64, "SIP/2.0 400 "},
		{"", "m=audio 4000 RTP/AVP 0\n", 1024, "SIP/2.0 400 "},
		{"", "m=audio 65536 RTP/AVP 0\n", 1, "SIP/2.0 400 "},
		{"", "m=audio -1 RTP/AVP 0\n", 1, "SIP/2.0 400 "},
		{"", "m=audio 4294967296 RTP/AVP 0\n", 1, "SIP/2.0 400 "},
		{"", "m=audio 4000 RTP/AVP\n", 1, "SIP/2.0 400 "},
		{"", "m=audio 65535 RTP/AVP 0\n", 1, NULL},
		{"", "m=audio 1 RTP/AVP 0\n", 1, NULL},
		{"m=audio 4000 RTP/AVP 0\n", "a=ptime:0\n", 1, NULL},
		{"m=audio 4000 RTP/AVP 0\n", "a=ptime:4000000000\n", 1, NULL},
		{"m=audio 4000 RTP/AVP 0\n", "b=AS:0\n", 1, NULL},
		{"m=audio 4000 RTP/AVP 0\n", "b=AS:18446744073709551616\n", 1, NULL},
		{"m=audio 4000 RTP/AVP 0\n", "a=\n", 1, NULL},
		{"m=audio 4000 RTP/AVP 0\n", "a=fmtp\na=rtpmap\na=rtpmap:\na=rtpmap:0\n", 1, NULL},
		{"m=audio 4000 RTP/AVP 0\n", "a=mid:1\na=group:BUNDLE 1 1\n", 4, NULL},
		{"m=audio 4000 RTP/AVP 0\n", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AA==\n", 1,
		 NULL},
		{"m=audio 4000 RTP/AVP 0\n", "a=candidate:1 1 UDP 1 10.0.0.11 4000 typ host\n", 100,
		 NULL},
		{"m=audio 4000 RTP/AVP 0\n", "a=candidate:1 1 UDP 1 10.0.0.11 4000 typ host\n",
		 1200, "SIP/2.0 400 "},
	};
	static char body[70000];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = (size_t)sprintf(
			body, "v=0\no=- 1 1 IN IP4 10.0.0.11\ns=-\nc=IN IP4 10.0.0.11\nt=0 0\n%s",
			rows[i].head);
		for (unsigned k = 0; k < rows[i].count; k++)
			n += (size_t)sprintf(body + n, "%s", rows[i].line);
		invite(OURS, SDP, body);
		if (rows[i].start)
			refused(rows[i].start, "body");
		else
			passed();
	}
}

static void boundaries_of_multiparts(void **state)
{
	static char body[80000], type[6000], boundary[5000];
	static const struct {
		size_t bytes;
		bool closed;
		const char *start;
	} rows[] = {{1, true, NULL},
		    {70, true, NULL},
		    {71, true, "SIP/2.0 400 "},
		    {4096, true, "SIP/2.0 415 "},
		    {0, true, "SIP/2.0 400 "},
		    {20, false, "SIP/2.0 400 "}};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(boundary, 'b', rows[i].bytes);
		boundary[rows[i].bytes] = '\0';
		sprintf(type, "Content-Type: multipart/mixed;boundary=\"%s\"\n", boundary);
		sprintf(body, "--%s\nContent-Type: application/sdp\n\n" SDP_A "--%s%s\n", boundary,
			boundary, rows[i].closed ? "--" : "");
		invite(OURS, type, body);
		if (rows[i].start)
			refused(rows[i].start, strstr(rows[i].start, "415") ? "body_type" : "body");
		else
			passed();
	}
	for (int i = 0; i < 100; i++) /* one in the other */
		n += (size_t)sprintf(body + n,
				     "--b%d\nContent-Type: multipart/mixed;boundary=b%d\n\n", i,
				     i + 1);
	invite(OURS, "Content-Type: multipart/mixed;boundary=b0\n", body);
	bed_take(A, "SIP/2.0 4");
	assert_int_equal(bed.gate.opens, 0);
}

/* Nothing in it is for a relay: no gate is opened. */
static void offers_without_a_stream_for_us(void **state)
{
	(void)state;
	invite(OURS, SDP,
	       "v=0\no=- 1 1 IN IP4 10.0.0.11\ns=-\nc=IN IP4 10.0.0.11\nt=0 0\n"
	       "m=message 4000 TCP/MSRP *\n");
	bed_take(A, "SIP/2.0 488 ");
	assert_int_equal(bed.gate.opens, 0);
	assert_string_equal(bed_cdr("cause"), "media");
}

/* RFC 3261 19.1.4: %2B is +. */
static void escaped_user(void **state)
{
	(void)state;
	bed_down();
	bed_up(NULL, "{'name':'r','number':'+44','to':[{'peer':'bnet'}]}");
	invite("sip:%2B44%32@a.example", SDP, SDP_A);
	passed();
	assert_string_equal(bed_cdr("route"), "r");
	invite("sip:%00+44@a.example", SDP, SDP_A);
	refused("SIP/2.0 404 ", "no_route");
}

static void room_of_the_node(void **state)
{
	(void)state;
	bed.core->o.calls_max = 1;
	bed_connect();
	{
		struct bed_ua a = bed.ua[A];

		bed_invite(A, SDP_A);
		bed_has(bed_take(A, "SIP/2.0 503 "), "no room for more calls");
		assert_string_equal(bed_cdr("cause"), "calls_max");
		bed.ua[A] = a;
	}
	bed_hang_up(A, B);
}

static void where_it_goes(void **state)
{
	(void)state;
	invite("sip:x@foreign.example", SDP, SDP_A); /* E11: no open relay */
	refused("SIP/2.0 404 ", "no_route");
	invite("sip:x@10.0.0.1", SDP, SDP_A);
	passed();
	invite("sip:x@10.0.0.1:5099", SDP, SDP_A);
	refused("SIP/2.0 404 ", "numeric_host");
	peer_block(peer_find_name(bed.config.peers, "bnet"), true);
	invite(OURS, SDP, SDP_A);
	refused("SIP/2.0 503 ", "no_next_hop");
}

#define LIMITED(limit)                                                                             \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"             \
	"'limits':{" limit "}},"                                                                   \
	"'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"           \
	"'next_hops':['sip:198.51.100.20']}"
#define ROUTE_B "{'name':'r','to':[{'peer':'bnet'}]}"

static void session_limit(void **state)
{
	const char *m;

	(void)state;
	bed_down();
	bed_up(LIMITED("'sessions':1"), ROUTE_B);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	{
		struct bed_ua a = bed.ua[A];

		bed_invite(A, SDP_A);
		m = bed_take(A, "SIP/2.0 503 ");
		bed_has(m, "session limit of the peer");
		assert_string_equal(bed_cdr("cause"), "limit_sessions");
		bed.ua[A] = a;
	}
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	bed_connect(); /* there is room again */
	bed_hang_up(A, B);
}

static void rate_limit(void **state)
{
	(void)state;
	bed_down();
	bed_up(LIMITED("'cps':2"), ROUTE_B);
	for (int i = 0; i < 2; i++) {
		bed_connect();
		bed_hang_up(A, B);
	}
	bed_invite(A, SDP_A);
	bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_cdr("cause"), "limit_cps");
	bed_run_ms(1000);
	bed_connect();
	bed_hang_up(A, B);
}

static void blocked_by_the_operator(void **state)
{
	(void)state;
	peer_block(peer_find_name(bed.config.peers, "pbx"), true);
	invite(OURS, SDP, SDP_A);
	bed_has(refused("SIP/2.0 503 ", "peer_blocked"), "peer is blocked by the operator");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(max_forwards),
		BED_TEST(required_extensions),
		BED_TEST(schemes),
		BED_TEST(left_over_routes),
		BED_TEST(bodies),
		BED_TEST(offers_that_cannot_be_relayed),
		BED_TEST(our_own_addresses_get_no_media),
		BED_TEST(shapes_of_bodies),
		BED_TEST(boundaries_of_multiparts),
		BED_TEST(offers_without_a_stream_for_us),
		BED_TEST(escaped_user),
		BED_TEST(room_of_the_node),
		BED_TEST(where_it_goes),
		BED_TEST(session_limit),
		BED_TEST(rate_limit),
		BED_TEST(blocked_by_the_operator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
