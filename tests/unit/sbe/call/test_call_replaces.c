/* SPDX-License-Identifier: Apache-2.0 */
/* INVITE with Replaces: only for calls of the same peer, with identifiers mapped from leg to leg (RFC 3891; A16, C6). */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEERS(replaces)                                                                            \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"             \
	"'sip':{'replaces':'" replaces "'}},"                                                      \
	"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"        \
	"'next_hops':['sip:198.51.100.20'],'sip':{'replaces':'" replaces "'}},"                    \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"           \
	"'next_hops':['sip:198.51.100.30'],'sip':{'replaces':'" replaces "'}}"

static void up_relay(void)
{
	bed_down();
	bed_up(PEERS("relay"), NULL);
}

/* The call of a user agent, as it would name it to us. */
static const char *name_of(enum bed_who who, const char *more)
{
	static char line[600];
	const struct bed_ua *u = &bed.ua[who];

	snprintf(line, sizeof(line), "Replaces: %s;to-tag=%s;from-tag=%s%s\n", u->call_id,
		 strstr(u->remote, ";tag=") + 5, u->tag, more);
	return line;
}

static void parsed(void **state)
{
	struct call_replaces r;

	(void)state;
	assert_int_equal(call_replaces_parse(WIRE_TEXT("a@b;from-tag=1;early-only;to-tag=2"), &r),
			 0);
	assert_string_equal(r.call_id, "a@b");
	assert_string_equal(r.to_tag, "2");
	assert_string_equal(r.from_tag, "1");
	assert_true(r.early_only);
	assert_int_equal(call_replaces_parse(WIRE_TEXT(" x ; to-tag=2;from-tag=1;y=z"), &r), 0);
	assert_false(r.early_only);
	assert_int_equal(call_replaces_parse(WIRE_TEXT("a;to-tag=2"), &r), -EINVAL);
	assert_int_equal(call_replaces_parse(WIRE_TEXT(";to-tag=2;from-tag=1"), &r), -EINVAL);
	assert_int_equal(call_replaces_parse(WIRE_TEXT("a,b;to-tag=2;from-tag=1"), &r), -EINVAL);
	assert_int_equal(call_replaces_parse(WIRE_TEXT("a b;to-tag=2;from-tag=1"), &r), -EINVAL);
	assert_int_equal(call_replaces_parse(WIRE_TEXT("a;to-tag=;from-tag=1"), &r), -EINVAL);
	assert_int_equal(call_replaces_parse(WIRE_TEXT("a"), &r), -EINVAL);
}

static void escapes(void **state)
{
	char buf[32], out[64];
	struct text_out t;

	(void)state;
	assert_int_equal(call_replaces_unescape(WIRE_TEXT("a%40b%3Bc"), buf, sizeof(buf)), 0);
	assert_string_equal(buf, "a@b;c");
	assert_int_equal(call_replaces_unescape(WIRE_TEXT("a%4"), buf, sizeof(buf)), -EINVAL);
	assert_int_equal(call_replaces_unescape(WIRE_TEXT("a%zz"), buf, sizeof(buf)), -EINVAL);
	assert_int_equal(call_replaces_unescape(WIRE_TEXT("a%0d%0ab"), buf, sizeof(buf)), -EINVAL);
	assert_int_equal(call_replaces_unescape(WIRE_TEXT("abcdef"), buf, 6), -EMSGSIZE);
	text_start(&t, out, sizeof(out));
	call_replaces_escape("a@b;to-tag=\x01 z", &t);
	assert_string_equal(out, "a%40b%3Bto-tag%3D%01%20z");
}

static void refused_by_default(void **state)
{
	(void)state;
	bed_connect();
	bed.extra = name_of(A, "");
	bed_invite(A, SDP_A);
	bed_take(A, "SIP/2.0 403 ");
	assert_string_equal(bed_cdr("cause"), "replaces_refused");
	bed.extra = "Require: replaces\nReplaces: 1;to-tag=1;from-tag=1\n";
	bed_invite(A, SDP_A);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 420 "), "Unsupported"), "replaces");
	call_shutdown(bed.core, NULL, NULL);
	bed.idle_unchecked = true;
}

/* Another phone of A's side takes over A's call: B hears it in B's own words. */
static void relayed(void **state)
{
	static struct bed_ua old[BED_UAS];
	char want[400];
	const char *m;

	(void)state;
	up_relay();
	bed_connect();
	memcpy(old, bed.ua, sizeof(old));
	snprintf(want, sizeof(want), "%s;to-tag=%s;from-tag=%s", bed.ua[B].call_id, bed.ua[B].tag,
		 strstr(bed.ua[B].remote, ";tag=") + 5);
	bed.extra = name_of(A, "");
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_header(m, "Replaces"), want);
	assert_string_equal(bed_header(m, "Require"), "replaces");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	struct bed_ua now_a = bed.ua[A], now_b = bed.ua[B];
	/* B ends the old call, so A's old phone is free */
	bed.ua[A] = old[A];
	bed.ua[B] = old[B];
	bed_hang_up(B, A);
	bed.ua[A] = now_a;
	bed.ua[B] = now_b;
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
}

/* Identifiers that B's network wrote for B (a REFER of ours took them there) go to B as they are. */
static void relayed_by_the_far_network(void **state)
{
	static struct bed_ua old[BED_UAS];
	char line[500], want[400];

	(void)state;
	bed_down();
	bed_up(PEERS("relay"), "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]},"
			       "{'name':'self','from':['bnet'],'to':[{'peer':'bnet'}]}");
	bed_connect();
	memcpy(old, bed.ua, sizeof(old));
	snprintf(want, sizeof(want), "%s;to-tag=%s;from-tag=%s", bed.ua[B].call_id, bed.ua[B].tag,
		 strstr(bed.ua[B].remote, ";tag=") + 5);
	snprintf(line, sizeof(line), "Replaces: %s\n", want);
	bed.extra = line;
	bed_invite(C, SDP_B);
	assert_string_equal(bed_header(bed_take(B, "INVITE "), "Replaces"), want);
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	bed_take(C, "SIP/2.0 486 ");
	bed.ua[B] = old[B];
	bed_hang_up(A, B);
}

static void unknown_and_foreign(void **state)
{
	char line[600];

	(void)state;
	up_relay();
	bed_connect();
	snprintf(line, sizeof(line), "%s", name_of(B, ""));
	struct bed_ua a = bed.ua[A], b = bed.ua[B];
	bed.extra = line; /* X knows all of B's call; it is not its own */
	bed_invite(X, SDP_B);
	bed_take(X, "SIP/2.0 481 ");
	assert_string_equal(bed_cdr("cause"), "replaces_unknown");
	bed.extra = "Replaces: nothing;to-tag=1;from-tag=2\n";
	bed_invite(B, SDP_B);
	bed_take(B, "SIP/2.0 481 ");
	bed.extra = "Replaces: nothing;to-tag=1\n";
	bed_invite(B, SDP_B);
	bed_take(B, "SIP/2.0 400 ");
	bed.ua[A] = a;
	bed.ua[B] = b;
	bed.extra = name_of(A, ";early-only");
	bed_invite(A, SDP_A);
	bed_take(A, "SIP/2.0 486 "); /* RFC 3891 3: it is not early any more */
	bed.ua[A] = a;
	assert_int_equal(call_count(bed.core), 1);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_quiet(B);
	bed_hang_up(A, B);
}

/* The call goes to somebody else than who has the replaced one: that one cannot do it. */
static void routed_elsewhere(void **state)
{
	(void)state;
	bed_down();
	bed_up(PEERS("relay"), "{'name':'c','from':['pbx'],'number':'+49','to':[{'peer':'cnet'}]},"
			       "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]}");
	bed_connect();
	struct bed_ua a = bed.ua[A];
	bed_send(
		A,
		"INVITE sip:+4930@a.example SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=z9hG4bK-e\n"
		"Max-Forwards: 70\nFrom: <sip:a@10.0.0.10>;tag=n\nTo: <sip:+4930@a.example>\n"
		"Call-ID: n@10.0.0.10\nCSeq: 1 INVITE\nContact: <sip:user@10.0.0.10:5060>\n%s"
		"Content-Type: application/sdp\n\n" SDP_A,
		name_of(A, ""));
	bed_has(bed_next(A), "SIP/2.0 481 ");
	bed_send(A, "ACK sip:+4930@a.example SIP/2.0\n"
		    "Via: SIP/2.0/UDP 10.0.0.10:5060;branch=z9hG4bK-e\nMax-Forwards: 70\n"
		    "From: <sip:a@10.0.0.10>;tag=n\nTo: <sip:+4930@a.example>;tag=x\n"
		    "Call-ID: n@10.0.0.10\nCSeq: 1 ACK\n\n");
	bed_quiet(X);
	bed.ua[A] = a;
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(parsed),
		BED_TEST(escapes),
		BED_TEST(refused_by_default),
		BED_TEST(relayed),
		BED_TEST(relayed_by_the_far_network),
		BED_TEST(unknown_and_foreign),
		BED_TEST(routed_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
