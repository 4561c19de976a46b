/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that come back (S1, A6-A8; RFC 5393, RFC 7332): hops, breadth, loops by proxies, spirals. */
#include "sbe/call/call_loop.h"
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- marks ---- */

static struct wire_msg *invite(const char *uri, const char *vias)
{
	struct wire_msg *m = NULL;
	const char *why = "";
	char text[2048];
	int n = snprintf(
		text, sizeof(text),
		"INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.20;branch=z9hG4bKtop\r\n"
		"%sFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
		"Content-Length: 0\r\n\r\n",
		uri, vias);

	if (wire_parse((const uint8_t *)text, (size_t)n, &m, &why))
		fail_msg("%s", why);
	return m;
}

static const uint64_t secret[2] = {1, 2}, other_secret[2] = {1, 3};

static bool found(const char *peer, const char *uri, const char *vias)
{
	static struct peer p;
	struct wire_msg *m = invite(uri, vias);
	bool yes;

	snprintf(p.name, sizeof(p.name), "%s", peer);
	yes = call_loop_found(secret, call_loop_key(secret, m, &p), m);
	mem_unref(m);
	return yes;
}

static void marks(void **state)
{
	static struct peer pbx = {.name = "pbx"};
	struct wire_msg *m = invite("sip:+44@a.example", "");
	uint64_t key = call_loop_key(secret, m, &pbx);
	char branch[CALL_LOOP_BRANCH_BYTES], again[CALL_LOOP_BRANCH_BYTES], vias[512];

	(void)state;
	call_loop_branch(secret, key, "sip:+44@b.example", branch);
	call_loop_branch(secret, key, "sip:+44@b.example", again);
	assert_int_equal(strlen(branch), 56);
	assert_int_equal(strspn(branch, "0123456789abcdef"), 56);
	/* of the same call twice nothing is alike: it tells nobody what is behind it */
	assert_true(memcmp(branch + 24, again + 24, 16) != 0);
	assert_true(memcmp(branch + 40, again + 40, 16) != 0);
	snprintf(vias, sizeof(vias),
		 "Via: SIP/2.0/UDP 198.51.100.77;branch=z9hG4bKx, SIP/2.0/UDP "
		 "203.0.113.1:5060;branch=z9hG4bK%s;rport=5060\r\n",
		 branch);
	assert_true(found("bnet", "sip:+44@b.example", vias)); /* as we sent it */
	assert_true(found("bnet", "sip:+44@B.example:5060;user=phone", vias));
	assert_true(found("pbx", "sip:+44@a.example", vias));   /* as it came */
	assert_false(found("bnet", "sip:+44@a.example", vias)); /* spirals */
	assert_false(found("bnet", "sip:+45@b.example", vias));
	assert_false(found("pbx", "sip:+44@c.example", vias));
	assert_false(found("bnet", "sip:+44@b.example:5080", vias));
	/* nobody else can make one */
	call_loop_branch(other_secret, key, "sip:+44@b.example", branch);
	snprintf(vias, sizeof(vias), "Via: SIP/2.0/UDP h;branch=z9hG4bK%s\r\n", branch);
	assert_false(found("bnet", "sip:+44@b.example", vias));
	assert_false(found("bnet", "sip:+44@b.example", "Via: SIP/2.0/UDP h\r\n"));
	assert_false(found("bnet", "sip:+44@b.example", ""));
	mem_unref(m);
}

/* ---- through proxies ---- */

static unsigned branches;

/* An INVITE that came to who is sent back to us as by a proxy, with another Request-URI or the same (NULL). */
static void back(enum bed_who who, const char *m, const char *uri, int hops)
{
	static char text[BED_MESSAGE_MAX];
	char vias[2048] = "", own[512];
	size_t n = 0;

	if (!uri) {
		assert_int_equal(sscanf(m, "INVITE %511s", own), 1);
		uri = own;
	}
	for (const char *at = m; (at = strstr(at, "\r\nVia: "));) {
		at += 2;
		n += (size_t)snprintf(vias + n, sizeof(vias) - n, "%.*s\n", (int)strcspn(at, "\r"),
				      at);
	}
	snprintf(
		text, sizeof(text),
		"INVITE %s SIP/2.0\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK-p%u\n%sFrom: %s\nTo: %s\n"
		"Call-ID: %s\nCSeq: %s\nMax-Forwards: %d\nContact: %s\nContent-Type: "
		"application/sdp\n\n" SDP_B,
		uri, bed.ua[who].ip, ++branches, vias, bed_header(m, "From"), bed_header(m, "To"),
		bed_header(m, "Call-ID"), bed_header(m, "CSeq"), hops, bed_header(m, "Contact"));
	bed_send(who, "%s", text);
}

static void loop(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE ");
	back(B, m, NULL, 68);
	bed_has(bed_next(B), "SIP/2.0 482 Loop Detected\r\n");
	bed_quiet(A); /* it goes no further */
	assert_string_equal(bed_cdr("cause"), "loop");
	assert_string_equal(bed_cdr("status"), "482");
	bed_reply(B, 482, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 482 ");
	bed_skip(B);
	bed.idle_unchecked = true; /* the proxy does not ACK here */
}

/* The peer sends it back for a number of ours: a spiral. The second time round it is a loop. */
static void spiral(void **state)
{
	static char first[BED_MESSAGE_MAX], second[BED_MESSAGE_MAX];

	(void)state;
	bed_down();
	bed_up(NULL, "{'name':'all','to':[{'peer':'bnet'}]}");
	bed_invite(A, SDP_A);
	snprintf(first, sizeof(first), "%s", bed_take(B, "INVITE "));
	back(B, first, "sip:+442079460000@a.example", 68);
	snprintf(second, sizeof(second), "%s", bed_take(B, "INVITE "));
	assert_string_equal(bed_header(second, "Max-Forwards"), "67");
	assert_int_equal(call_count(bed.core), 2);
	/* Vias of the second are only ours: we are a B2BUA. A proxy behind us would keep them. */
	back(B, second, "sip:+442079460000@a.example", 66);
	bed_has(bed_next(B), "SIP/2.0 482 ");
	bed_run_ms(1000);
	bed_skip(B);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed.idle_unchecked = true;
	bed_run_ms(200000); /* the proxy gives no answer: calls end by themselves */
	for (int i = 0; i < BED_UAS; i++)
		bed_skip((enum bed_who)i);
}

/* ---- hops (A6) ---- */

static void with_hops(const char *lines)
{
	struct bed_ua *u = &bed.ua[A];

	snprintf(u->call_id, sizeof(u->call_id), "a-call-h%u@10.0.0.10", ++branches);
	snprintf(u->branch, sizeof(u->branch), "z9hG4bK-h%u", branches);
	snprintf(u->local, sizeof(u->local), "<sip:+1@10.0.0.10>;tag=a-tag");
	snprintf(u->invite_uri, sizeof(u->invite_uri), "sip:+44@a.example");
	u->cseq = u->invite_cseq = 1;
	bed_send(A,
		 "INVITE sip:+44@a.example SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=%s\n"
		 "%sFrom: %s\nTo: <sip:+44@a.example>\nCall-ID: %s\nCSeq: 1 INVITE\n"
		 "Contact: <sip:a@10.0.0.10>\nContent-Type: application/sdp\n\n" SDP_A,
		 u->branch, lines, u->local, u->call_id);
}

static void goes_on_with(const char *hops, const char *breadth)
{
	const char *m = bed_take(B, "INVITE "), *second;

	assert_string_equal(bed_header(m, "Max-Forwards"), hops);
	assert_string_equal(bed_header(m, "Max-Breadth"), breadth);
	second = strstr(strstr(m, "\r\nMax-Breadth: ") + 2, "\r\nMax-Breadth");
	assert_null(second);
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

static void refused_with(const char *start, const char *cause)
{
	bed_take(A, start);
	assert_string_equal(bed_cdr("cause"), cause);
	bed_quiet(B);
}

static void hops(void **state)
{
	(void)state;
	with_hops("Max-Forwards: 0\n");
	refused_with("SIP/2.0 483 ", "too_many_hops");
	with_hops("Max-Forwards: 1\n");
	goes_on_with("0", "60");
	with_hops("Max-Forwards: 255\n");
	goes_on_with("254", "60");
	with_hops("Max-Forwards: 10\n");
	goes_on_with("9", "60");
	with_hops("");
	goes_on_with("69", "60");
}

/* The parser takes no others, in any request: what it put aside can be answered 400. */
static void no_hops(void **state)
{
	static const char *const list[] = {"256", "-1", "x", "4294967297", "7x", "0x7"};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct wire_msg *m = NULL;
		const char *why = "";
		int n = snprintf(text, sizeof(text),
				 "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
				 "Max-Forwards: %s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
				 "Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
				 list[i]);

		assert_int_equal(wire_parse((const uint8_t *)text, (size_t)n, &m, &why), -EBADMSG);
		assert_string_equal(why, "max-forwards");
		assert_non_null(m);
		mem_unref(m);
	}
}

/* In a dialog too: never reset, never taken as absent. */
static void hops_in_dialog(void **state)
{
	(void)state;
	bed_connect();
	bed.max_forwards = "7";
	bed_request(A, "INVITE", SDP_A);
	assert_string_equal(bed_header(bed_take(B, "INVITE "), "Max-Forwards"), "6");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed.max_forwards = "0";
	bed_request(A, "INVITE", SDP_A);
	bed_take(A, "SIP/2.0 483 ");
	bed_quiet(B);
	bed.max_forwards = NULL;
	bed_hang_up(A, B);
}

/* ---- breadth (A8) ---- */

static void breadth(void **state)
{
	(void)state;
	with_hops("Max-Breadth: 0\n");
	refused_with("SIP/2.0 440 Max-Breadth Exceeded", "max_breadth");
	with_hops("Max-Breadth: 1\n");
	goes_on_with("69", "1");
	with_hops("Max-Breadth: 60\n");
	goes_on_with("69", "60");
	with_hops("Max-Breadth: many\n");
	refused_with("SIP/2.0 400 Bad Max-Breadth", "max_breadth");
	with_hops("Max-Breadth: 99999999999\n");
	refused_with("SIP/2.0 400 Bad Max-Breadth", "max_breadth");
}

/* The next hop gets what the first one got. */
static void breadth_of_the_next_hop(void **state)
{
	(void)state;
	with_hops("Max-Forwards: 9\nMax-Breadth: 7\n");
	bed_take(B, "INVITE ");
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	{
		const char *m = bed_take(C, "INVITE ");

		assert_string_equal(bed_header(m, "Max-Forwards"), "8");
		assert_string_equal(bed_header(m, "Max-Breadth"), "7");
	}
	bed_reply(C, 486, NULL);
	bed_take(C, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks),  BED_TEST(loop),
		BED_TEST(spiral),         BED_TEST(hops),
		BED_TEST(hops_in_dialog), cmocka_unit_test(no_hops),
		BED_TEST(breadth),        BED_TEST(breadth_of_the_next_hop),
	};

	wire_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
