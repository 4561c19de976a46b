/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An INVITE of which every element in turn is something else: too long, a format, a number at the edge, broken UTF-8,
 * control characters, marks of the grammar (A3, A4). Each is refused, dropped or becomes a call that ends; what we send
 * ourselves can always be read (the bed checks it), records read back (A29), and nothing is left.
 */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* The INVITE; its elements end at each "~". "\1" is the number of the case, so that each is a transaction of its
 * own; the element "\2" becomes the length of what is behind the element "\r\n\r\n". */
static char invite[] =
	"INVITE~ ~sip~:~+44207~:~password~@~a.example~:~5060~;~user~=~phone~ ~SIP~/~2.0~\r\n~"
	"Via~:~ ~SIP/2.0~/~UDP~ ~10.0.0.10~:~5060~;~branch~=~z9hG4bK~\1~;~rport~=~5060~;~received~=~"
	"10.0.0.10~;~maddr=~192.0.2.9~;~ttl=~16~\r\n~"
	"From: ~\"~A. \\\" User~\"~ ~<~sip:~u~@~10.0.0.10~;~p~=~v~>~;~tag~=~a-tag\1~;~x=~\"q\"~\r\n~"
	"To~:~ <~sip:~x~@~a.example~>~;x=y~\r\n~Call-ID: ~a-call~\1~@~10.0.0.10~\r\n~"
	"CSeq: ~1~ ~INVITE~\r\n~Contact: ~<sip:~u~@~10.0.0.10~:~5060~;transport=~udp~?~X=y~>~;q=~0.5~"
	";expires=~60~\r\n~Max-Forwards: ~70~\r\n~Record-Route: ~<sip:10.0.0.10;~lr~>~\r\n~"
	"Allow: ~INVITE, ACK~\r\n~Supported: ~timer~,~ x~\r\n~Require:~\r\n~Session-Expires: ~1800~"
	";refresher=~uac~\r\n~Min-SE: ~90~\r\n~Expires: ~120~\r\n~Accept: ~application/sdp~;q=~1~\r\n~"
	"P-Asserted-Identity: ~\"A\" ~<sip:+441@a.example>~\r\n~Privacy: ~none~\r\n~"
	"Reason: ~Q.850;cause=16;text=\"bye\"~\r\n~Date: ~Thu, 21 Feb 2002 13:02:03 GMT~\r\n~"
	"User-Agent: ~agent/1.0 (x)~\r\n~Subject: ~hello~\r\n~"
	"Diversion: ~<sip:d@a.example>;reason=no-answer~\r\n~X-Unknown: ~value~\r\n~"
	"Content-Type: ~application~/~sdp~;charset=~utf-8~\r\n~Content-Length: ~\2~\r\n\r\n~"
	"v=~0~\r\n~o=~user~ ~7~ ~8~ IN ~IP4~ ~10.0.0.11~\r\n~s=~session~\r\n~c=~IN~ ~IP4~ ~10.0.0.11~\r\n~"
	"b=~AS~:~64~\r\n~t=~0~ ~0~\r\n~a=~group:BUNDLE 1~\r\n~m=~audio~ ~4000~/~1~ ~RTP/AVP~ ~8~ ~0~ 101~\r\n~"
	"c=IN IP4 ~10.0.0.11~\r\n~b=~TIAS:~64000~\r\n~a=rtpmap:~101~ ~telephone-event~/~8000~\r\n~"
	"a=fmtp:~101~ ~0-15~\r\n~a=ptime:~20~\r\n~a=maxptime:~40~\r\n~a=rtcp:~4001~ IN IP4 ~10.0.0.11~\r\n~"
	"a=crypto:~1~ AES_CM_128_HMAC_SHA1_80 ~inline:~WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz~|2^20|1:4~"
	"\r\n~a=mid:~1~\r\n~a=candidate:~1 1 UDP 2130706431 10.0.0.11 4000 typ host~\r\n~a=~sendrecv~\r\n";
#define BODY "\r\n\r\n"
#define LENGTH "\2"
#define ELEMENTS_MAX 400
static const char *elements[ELEMENTS_MAX];
static size_t nelements;

static int split(void **state)
{
	char *rest = invite, *e;

	(void)state;
	while ((e = strsep(&rest, "~"))) {
		assert_true(nelements < ELEMENTS_MAX);
		elements[nelements++] = e;
	}
	return 0;
}

/* Bytes with their length: NUL is one of them. A number makes a run of that many 'A's. */
struct payload {
	const char *bytes;
	size_t n, run;
};
#define BYTES(s)                                                                                   \
	{                                                                                          \
		s, sizeof(s) - 1, 0                                                                \
	}
#define RUN(n)                                                                                     \
	{                                                                                          \
		NULL, n, n                                                                         \
	}
static const struct payload payloads[] = {
	BYTES(""),
	BYTES(" "),
	BYTES("\t"),
	BYTES("\r"),
	BYTES("\n"),
	BYTES("\r\n"),
	BYTES("\r\n "),
	BYTES("\r\n\r\n"),
	BYTES("\0"),
	BYTES("a\0b"),
	BYTES("\x01"),
	BYTES("\x7f"),
	BYTES("\x1b[2J"),
	BYTES("\""),
	BYTES("\\"),
	BYTES("\\\""),
	BYTES("<"),
	BYTES(">"),
	BYTES(";"),
	BYTES(";;;;"),
	BYTES(","),
	BYTES(",,,,"),
	BYTES(":"),
	BYTES("::"),
	BYTES("="),
	BYTES("@"),
	BYTES("@@"),
	BYTES("["),
	BYTES("[::1]"),
	BYTES("]"),
	BYTES("("),
	BYTES("?"),
	BYTES("?Route=%3Csip:x%3E"),
	BYTES("%"),
	BYTES("%00"),
	BYTES("%0d%0aX: y"),
	BYTES("%s%s%s%n%n%x"),
	BYTES("%.1000d"),
	BYTES("${jndi:ldap://x}"),
	BYTES("'; DROP TABLE"),
	BYTES("=cmd|' /C x'!A0"),
	BYTES("$(id)"),
	BYTES("\xc0\xaf"),
	BYTES("\xff\xfe"),
	BYTES("\xed\xa0\x80"),
	BYTES("\xf8\x88\x80\x80\x80"),
	BYTES("\xe2\x82"),
	BYTES("\xe2\x80\xae"),
	BYTES("\xc3\xbc"),
	BYTES("0"),
	BYTES("-1"),
	BYTES("+1"),
	BYTES("00000000000000000001"),
	BYTES("1"),
	BYTES("255"),
	BYTES("256"),
	BYTES("65535"),
	BYTES("65536"),
	BYTES("2147483647"),
	BYTES("2147483648"),
	BYTES("-2147483648"),
	BYTES("4294967295"),
	BYTES("4294967296"),
	BYTES("9223372036854775807"),
	BYTES("9223372036854775808"),
	BYTES("18446744073709551616"),
	BYTES("1e9"),
	BYTES("0x10"),
	BYTES("1.5"),
	BYTES("0.0.0.0"),
	BYTES("127.0.0.1"),
	BYTES("255.255.255.255"),
	BYTES("224.0.0.1"),
	BYTES("169.254.0.1"),
	BYTES("300.1.1.1"),
	BYTES("10.0.0.1"),
	BYTES("1.2.3"),
	BYTES("::1"),
	BYTES("fe80::1%eth0"),
	BYTES("host.example"),
	BYTES("../../etc/passwd"),
	BYTES("SIP/3.0"),
	RUN(2),
	RUN(64),
	RUN(255),
	RUN(256),
	RUN(257),
	RUN(1023),
	RUN(1025),
	RUN(4097),
	RUN(8000),
	RUN(8193),
	RUN(65400),
	RUN(65536),
};
#define PAYLOADS (sizeof(payloads) / sizeof(payloads[0]))

static char text[200000];

static size_t put(size_t at, const char *bytes, size_t n)
{
	assert_true(at + n < sizeof(text));
	if (n > 0)
		memcpy(text + at, bytes, n);
	return at + n;
}

static size_t put_payload(size_t at, const struct payload *p)
{
	if (!p->run)
		return put(at, p->bytes, p->n);
	assert_true(at + p->run < sizeof(text));
	memset(text + at, 'A', p->run);
	return at + p->run;
}

/* An element as it is, with the number of the case in it. */
static size_t put_element(size_t at, const char *e, unsigned number)
{
	char digits[16];

	for (; *e; e++) {
		if (*e != '\1') {
			at = put(at, e, 1);
			continue;
		}
		snprintf(digits, sizeof(digits), "%u", number);
		at = put(at, digits, strlen(digits));
	}
	return at;
}

/* The message with element `bad` replaced by the payload, or followed by it. @return its length. */
static size_t build(unsigned number, size_t bad, const struct payload *p, bool after)
{
	size_t at = 0, length_at = 0, body = 0;
	char digits[16];

	for (size_t i = 0; i < nelements; i++) {
		bool as_it_is = i != bad || after;

		if (as_it_is && !strcmp(elements[i], LENGTH)) {
			length_at = at;
			at = put(at, "     ", 5); /* filled in when the body is there */
		} else if (as_it_is) {
			at = put_element(at, elements[i], number);
		}
		if (i == bad)
			at = put_payload(at, p);
		if (!strcmp(elements[i], BODY))
			body = at;
	}
	if (length_at) {
		snprintf(digits, sizeof(digits), "%5zu", at - body);
		memcpy(text + length_at, digits, 5);
	}
	return at;
}

/* What became of them. */
static unsigned refused, dropped, calls;

/* Let everything end: B refuses or nobody answers, and 32 s pass. */
static void let_go(void)
{
	bed.lossy[A] = bed.lossy[B] = true;
	bed_run_ms(70000);
	bed.lossy[A] = bed.lossy[B] = false;
	bed_skip(A);
	bed_skip(B);
	bed_skip(C);
	assert_int_equal(call_count(bed.core), 0);
	assert_int_equal(bed.gate.now, 0);
	assert_int_equal(txn_count_server(bed.txns), 0);
}

static void one_case(size_t n, unsigned number)
{
	int status = bed_raw(A, text, n);
	const char *out, *m;

	if (status) {
		refused += status > 0;
		dropped += status < 0;
		return;
	}
	m = bed_next(A);
	out = bed_take_any(B);
	if (!out) {
		refused += m != NULL;
		dropped += m == NULL;
		return;
	}
	calls++;
	if (strncmp(out, "INVITE ", 7))
		fail_msg("B got\n%s", out);
	bed_reply(B, number % 2 ? 486 : 200, number % 2 ? NULL : SDP_B);
	bed_skip(A);
	bed_skip(B);
}

static void every_element_is_something_else(void **state)
{
	unsigned number = 1;
	struct payload none = BYTES("");
	bool all = getenv("SPEER_ALL_CASES") != NULL;

	(void)state;
	bed.leaks_ok = bed.idle_unchecked = true;
	one_case(build(1, nelements, &none, false), 1);
	assert_int_equal(calls, 1); /* as it is, it is a call */
	for (size_t e = 0; e < nelements; e++) {
		for (size_t p = 0; p < PAYLOADS; p++) {
			/* replaced or followed, in turn; with SPEER_ALL_CASES both */
			for (int after = 0; after < 2; after++) {
				if (!all && (e + p) % 2 != (size_t)after)
					continue;
				number++;
				one_case(build(number, e, &payloads[p], after), number);
			}
			if (number % 40 < 2)
				let_go();
		}
	}
	let_go();
	print_message("%u cases: %u refused, %u dropped, %u became calls\n", number, refused,
		      dropped, calls);
	assert_true(refused > number / 4 && calls > number / 8 && dropped > 0);
	/* U1, U2: it works as before */
	bed.leaks_ok = false;
	bed_connect();
	bed_hang_up(A, B);
}

/* A29: what a peer put into a URI or a Call-ID stands in the record as it was sent. */
static void records_say_what_was_sent(void **state)
{
	static const char *const values[] = {"%25n%25s",
					     "${jndi/ldap}",
					     "=cmd'/C!A0",
					     "a,b;c",
					     "'--",
					     "\\\\",
					     "a\\n",
					     "$(id)",
					     "%0d%0aX%20y",
					     "J\xc3\xbcrgen",
					     "\xf0\x9f\x93\x9e",
					     "+1-2.3~*!",
					     "&amp;",
					     "a=b&c=d"};
	/* what a Call-ID may have (RFC 3261 25.1: word) */
	static const char *const words[] = {"%n%s%x", "{jndi:x}", "\"q", "<b>",
					    "\\n",    "'--",      "(x)", "[?]"};
	char called[128], calling[128];

	(void)state;
	bed.leaks_ok = true;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (int refused_too = 0; refused_too < 2; refused_too++) {
			size_t n = (size_t)snprintf(
				text, sizeof(text),
				"INVITE sip:%s@a.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKr%zu%d\r\n"
				"Max-Forwards: %d\r\nFrom: <sip:%s@h>;tag=a-tag%zu%d\r\nTo: <sip:x@a.example>\r\n"
				"Call-ID: %s%zu%d\r\nCSeq: 1 INVITE\r\nContact: <sip:u@10.0.0.10>\r\n"
				"Content-Length: 0\r\n\r\n",
				values[i], i, refused_too, refused_too ? 0 : 70, values[i], i,
				refused_too, words[i % 8], i, refused_too);

			if (bed_raw(A, text, n))
				fail_msg("refused: %s", text);
			if (!refused_too) {
				assert_non_null(bed_take_any(B));
				bed_reply(B, 486, NULL);
				let_go();
			}
			snprintf(called, sizeof(called), "sip:%s@a.example", values[i]);
			snprintf(calling, sizeof(calling), "sip:%s@h", values[i]);
			assert_string_equal(bed_cdr("called"), called);
			assert_string_equal(bed_cdr("calling"), calling);
			snprintf(called, sizeof(called), "%s%zu%d", words[i % 8], i, refused_too);
			assert_string_equal(bed_cdr("a_call_id"), called);
		}
	}
	let_go();
	assert_int_equal(bed_cdr_count(), 2 * sizeof(values) / sizeof(values[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(every_element_is_something_else),
		BED_TEST(records_say_what_was_sent),
	};

	return cmocka_run_group_tests(tests, split, NULL);
}
