/* SPDX-License-Identifier: Apache-2.0 */
/* Media through a dbe, or past us: media.relay (G1, G10, H, E15, A17). */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEER(name, realm, at, relay)                                                               \
	"'" name "':{'realm':'" realm "','sources':['" at "'],'next_hops':['sip:" at "'],"         \
	"'domains':['" name ".example'],'media':{" relay "}}"
#define RELAY(word) "'relay':'" word "'"

/* X calls B: the same realm and public addresses. A calls B: another realm and private ones. */
static void up(const char *a, const char *b, const char *x)
{
	char peers[3000];

	bed_down();
	snprintf(peers, sizeof(peers),
		 PEER("home", "core", "10.0.0.10",
		      "%s") "," PEER("bnet", "peering", "198.51.100.20",
				     "%s") "," PEER("cnet", "peering", "198.51.100.30", "%s"),
		 a, b, x);
	bed_up(peers, "{'name':'r','from':['home','cnet'],'to':[{'peer':'bnet'}]},"
		      "{'name':'s','from':['bnet'],'to':[{'peer':'cnet'}]}");
}

#define SDP_X BED_SDP("198.51.100.33", "5000")

static void lines_of(const char *text, const char *c, const char *m)
{
	bed_has(text, c);
	bed_has(text, m);
}

static const char *call_json(const char *key)
{
	static char text[128];
	json_t *list = call_list(bed.core), *o;
	const char *token = json_string_value(
		json_array_get(json_array_get(json_object_get(list, "rows"), 0), 0));

	o = bed_show(token);
	snprintf(text, sizeof(text), "%s", json_string_value(json_object_get(o, key)));
	json_decref(o);
	json_decref(list);
	return text;
}

/* Figure 1: c= and m= are the same at both ends, no gate is asked for, and the operator is told so (G1). */
static void both_agree(void **state)
{
	(void)state;
	up("", RELAY("never"), RELAY("never"));
	bed.gate.available = -ENOSYS; /* no dbe is needed at all */
	bed_invite(X, SDP_X "a=candidate:1 1 UDP 1 198.51.100.33 5000 typ host\na=x-foo:1\n");
	lines_of(bed_take(B, "INVITE "), "\r\nc=IN IP4 198.51.100.33\r\n", "\r\nm=audio 5000 ");
	bed_has(bed.ua[B].request, "\r\na=candidate:1 1 UDP 1 198.51.100.33 5000 typ host\r\n");
	bed_reply(B, 180, NULL);
	bed_take(X, "SIP/2.0 180 ");
	bed_reply(B, 200, SDP_B);
	lines_of(bed_take(X, "SIP/2.0 200 "), "\r\nc=IN IP4 198.51.100.22\r\n",
		 "\r\nm=audio 6000 ");
	bed_ack(X, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(bed.gate.opens, 0);
	assert_string_equal(call_json("media_path"), "direct");
	assert_string_equal(call_json("media_why"), "both peers are agreed to do without a dbe");
	bed_has(call_json("counters"), "end to end");
	bed_hang_up(X, B);
	assert_string_equal(bed_cdr("media_path"), "direct");
	assert_string_equal(bed_cdr("dbe"), "");
	assert_int_equal(bed.gate.opens, 0);
}

static void relayed(const char *a, const char *b, const char *why)
{
	up(a, b, a);
	bed_invite(X, SDP_X);
	bed_lacks(bed_take(B, "INVITE "), "198.51.100.33");
	bed_reply(B, 200, SDP_B);
	bed_lacks(bed_take(X, "SIP/2.0 200 "), "198.51.100.22");
	bed_ack(X, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(bed.gate.opens, 1);
	assert_string_equal(call_json("media_path"), "relay");
	assert_string_equal(call_json("media_why"), why);
	bed_hang_up(X, B);
	assert_string_equal(bed_cdr("media_path"), "relay");
}

static void the_stricter_one_counts(void **state)
{
	(void)state;
	relayed(RELAY("never"), "", "a peer is agreed to be relayed always");
	relayed("", RELAY("never"), "a peer is agreed to be relayed always");
	relayed("", "", "a peer is agreed to be relayed always");
	relayed(RELAY("if-needed") ",'early_media':'block-until-answer'", RELAY("never"),
		"early media are blocked");
}

static void connect_direct(enum bed_who from, const char *sdp)
{
	unsigned opens = bed.gate.opens;

	bed_invite(from, sdp);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_has(bed_take(from, "SIP/2.0 200 "), "\r\nc=IN IP4 198.51.100.22\r\n");
	bed_ack(from, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(bed.gate.opens, opens);
}

static void if_needed(void **state)
{
	(void)state;
	up(RELAY("if-needed"), RELAY("if-needed"), RELAY("if-needed"));
	connect_direct(X, SDP_X); /* nothing needs it */
	bed_hang_up(X, B);
	bed_invite(A, SDP_A); /* another realm */
	bed_lacks(bed_take(B, "INVITE "), "10.0.0.11");
	assert_int_equal(bed.gate.opens, 1);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	bed_invite(X, BED_SDP("192.168.1.5", "5000")); /* behind a NAT */
	bed_lacks(bed_take(B, "INVITE "), "192.168.1.5");
	assert_int_equal(bed.gate.opens, 2);
	bed_cancel(X);
	bed_take(X, "SIP/2.0 487 ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
}

/* Public addresses may cross from realm to realm when both agree; private ones never do, whoever agreed to what. */
static void across_realms(void **state)
{
	(void)state;
	up(RELAY("never"), RELAY("never"), "");
	bed.leaks_ok = true; /* what this is about */
	connect_direct(A, BED_SDP("192.0.2.44", "5000"));
	bed_hang_up(A, B);
	/* ICE ends where a candidate would tell */
	bed_invite(
		A,
		BED_SDP("192.0.2.44",
			"5000") "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n"
				"a=candidate:1 1 UDP 2130706431 10.0.0.11 5000 typ host\n"
				"a=candidate:2 1 UDP 1694498815 192.0.2.44 5000 typ srflx raddr 10.0.0.11 rport 5000\n");
	bed_lacks(bed_take(B, "INVITE "), "candidate");
	bed_lacks(bed.ua[B].request, "ice-");
	bed_has(bed.ua[B].request, "\r\nc=IN IP4 192.0.2.44\r\n");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	bed_invite(A, SDP_A);
	bed_lacks(bed_take(B, "INVITE "), "10.0.0.11");
	assert_int_equal(bed.gate.opens, 1);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
}

/* The callee answers from behind a NAT of another realm: neither is its address told nor can the call be. */
static void private_answer(void **state)
{
	(void)state;
	up(RELAY("never"), RELAY("never"), "");
	bed.leaks_ok = true;
	bed_invite(A, BED_SDP("192.0.2.44", "5000"));
	bed_take(B, "INVITE ");
	bed_reply(B, 183, BED_SDP("192.168.7.7", "6000")); /* it rings all the same */
	bed_lacks(bed_take(A, "SIP/2.0 183 "), "192.168.7.7");
	bed_reply(B, 200, BED_SDP("192.168.7.7", "6000"));
	bed_take(B, "ACK ");
	bed_lacks(bed_take(A, "SIP/2.0 502 "), "192.168.7.7");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "bad_answer");
	assert_int_equal(bed.gate.opens, 0);
	/* and not in a call that is up either */
	connect_direct(A, BED_SDP("192.0.2.44", "5000"));
	bed_request(A, "INVITE", BED_SDP("192.0.2.44", "5002"));
	bed_take(B, "INVITE ");
	bed_reply(B, 200, BED_SDP("192.168.7.7", "6000"));
	bed_take(B, "ACK ");
	bed_lacks(bed_take(A, "SIP/2.0 488 "), "192.168.7.7");
	bed_take_bye(A);
	bed_take_bye(B);
}

/* Who decides late is known late: the offer comes in the 2xx, the answer in the ACK. */
static void late_offer(void **state)
{
	(void)state;
	up("", RELAY("never"), RELAY("never"));
	bed_invite(X, NULL);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_has(bed_take(X, "SIP/2.0 200 "), "\r\nc=IN IP4 198.51.100.22\r\n");
	bed_ack(X, SDP_X);
	bed_has(bed_take(B, "ACK "), "\r\nc=IN IP4 198.51.100.33\r\n");
	assert_int_equal(bed.gate.opens, 0);
	bed_hang_up(X, B);
}

static void early_media_and_hold(void **state)
{
	(void)state;
	up("", RELAY("never"), RELAY("never"));
	bed_invite(X, SDP_X);
	bed_take(B, "INVITE ");
	bed_reply(B, 183, SDP_B);
	bed_has(bed_take(X, "SIP/2.0 183 "), "\r\nc=IN IP4 198.51.100.22\r\n");
	bed_reply(B, 200, SDP_B);
	bed_take(X, "SIP/2.0 200 ");
	bed_ack(X, NULL);
	bed_take(B, "ACK ");
	bed_request(B, "INVITE", SDP_B "a=sendonly\n");
	bed_has(bed_take(X, "INVITE "), "\r\na=sendonly\r\n");
	bed_reply(X, 200, SDP_X "a=recvonly\n");
	bed_has(bed_take(B, "SIP/2.0 200 "), "\r\nc=IN IP4 198.51.100.33\r\n");
	bed_ack(B, NULL);
	bed_take(X, "ACK ");
	assert_int_equal(bed.gate.opens, 0);
	bed_hang_up(X, B);
}

/* The phone moves behind a NAT: this and all that follows goes through a dbe. */
static void an_offer_that_needs_it(void **state)
{
	(void)state;
	up("", RELAY("if-needed"), RELAY("if-needed"));
	connect_direct(X, SDP_X);
	bed_request(X, "INVITE", BED_SDP("10.9.9.9", "7000"));
	bed_has(bed_take(B, "INVITE "), "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_reply(B, 488, NULL); /* refused: all is as it was, also the gates */
	bed_take(B, "ACK ");
	bed_take(X, "SIP/2.0 488 ");
	assert_int_equal(bed.gate.now, 0);
	assert_string_equal(call_json("media_path"), "direct");
	bed_request(X, "INVITE", BED_SDP("10.9.9.9", "7000"));
	bed_has(bed_take(B, "INVITE "), "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_reply(B, 200, SDP_B);
	bed_has(bed_take(X, "SIP/2.0 200 "), "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_ack(X, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(bed.gate.now, 1);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 0), "10.9.9.9:7000");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	assert_string_equal(call_json("media_path"), "relay");
	bed_request(X, "INVITE", SDP_X); /* back in the open: it stays */
	bed_has(bed_take(B, "INVITE "), "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_reply(B, 200, SDP_B);
	bed_take(X, "SIP/2.0 200 ");
	bed_ack(X, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(bed.gate.now, 1);
	bed_hang_up(X, B);
	assert_string_equal(bed_cdr("media_path"), "relay");
	assert_int_equal(bed.gate.now, 0);
}

static void no_dbe_for_it(void **state)
{
	(void)state;
	up("", RELAY("if-needed"), RELAY("if-needed"));
	connect_direct(X, SDP_X);
	bed.gate.open_err = -ENODEV;
	bed_request(X, "INVITE", BED_SDP("10.9.9.9", "7000"));
	bed_take(X, "SIP/2.0 488 ");
	bed_quiet(B);
	assert_int_equal(bed.gate.now, 0);
	bed_hang_up(X, B);
}

/* A hang-up before anybody was told that there is nothing to wait for. */
static void ends_at_once(void **state)
{
	(void)state;
	up("", RELAY("never"), RELAY("never"));
	bed_invite(X, SDP_X);
	bed_take(B, "INVITE ");
	bed_cancel(X);
	bed_take(X, "SIP/2.0 487 ");
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("media_path"), "direct");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(both_agree),
		BED_TEST(the_stricter_one_counts),
		BED_TEST(if_needed),
		BED_TEST(across_realms),
		BED_TEST(private_answer),
		BED_TEST(late_offer),
		BED_TEST(early_media_and_hold),
		BED_TEST(an_offer_that_needs_it),
		BED_TEST(no_dbe_for_it),
		BED_TEST(ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
