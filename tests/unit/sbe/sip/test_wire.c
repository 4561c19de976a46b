/* SPDX-License-Identifier: Apache-2.0 */
/* wire: what a message says, and which messages are not taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "sbe/sip/wire.h"
#include "sbe/sip/wire_line.h"

#define assert_text(t, literal)                                                                    \
	do {                                                                                       \
		struct wire_text t_ = (t);                                                         \
		if (!wire_text_is(t_, literal))                                                    \
			fail_msg("'%.*s' is not '%s'", (int)t_.n, t_.s ? t_.s : "", literal);      \
	} while (0)

static const char invite[] =
	"INVITE sip:bob@192.0.2.4:5070;transport=udp SIP/2.0\r\n"
	"Via: SIP/2.0/UDP pc33.example.com:5066;branch=z9hG4bK776asdhds;rport\r\n"
	"Max-Forwards: 70\r\n"
	"To: Bob <sip:bob@biloxi.example.com>\r\n"
	"From: \"Alice, \\\"A\\\"\" <sip:alice@atlanta.example.com>;tag=1928301774;x=\"a;b\"\r\n"
	"Call-ID: a84b4c76e66710@pc33.example.com\r\n"
	"CSeq: 314159 INVITE\r\n"
	"Contact: <sip:alice@pc33.example.com>\r\n"
	"Supported: 100rel, timer\r\n"
	"supported: replaces\r\n"
	"X-Own : some thing \r\n"
	"P-Asserted-Identity: <tel:+4412345>\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 4\r\n"
	"\r\n"
	"v=0\n";

static int parse(const char *text, size_t n, struct wire_msg **ret_msg)
{
	const char *why = NULL;
	int err = wire_parse((const uint8_t *)text, n, ret_msg, &why);
	assert_true(!err == !why);
	return err;
}

static struct wire_msg *good(const char *text)
{
	struct wire_msg *m = NULL;
	const char *why = "";
	int err = wire_parse((const uint8_t *)text, strlen(text), &m, &why);
	if (err)
		fail_msg("%d %s: %s", err, why, text);
	return m;
}

/* A request with one header (with its line end) more, or its From, To... replaced by other lines. */
static struct wire_msg *with(const char *request_line, const char *more)
{
	char text[4096];
	snprintf(text, sizeof(text),
		 "%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n"
		 "To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n%s\r\n",
		 request_line, more);
	struct wire_msg *m = NULL;
	return parse(text, strlen(text), &m) ? mem_unref(m) : m;
}

static void a_request_is_read(void **state)
{
	(void)state;
	struct wire_msg *m = good(invite);
	struct wire_uri u;
	struct wire_party p;
	struct wire_via v;
	assert_true(wire_is_request(m));
	assert_int_equal(wire_method(m), WIRE_INVITE);
	assert_text(wire_method_text(m), "INVITE");
	assert_int_equal(wire_status(m), 0);
	wire_request_uri(m, &u);
	assert_text(u.text, "sip:bob@192.0.2.4:5070;transport=udp");
	assert_text(u.user, "bob");
	assert_text(u.host, "192.0.2.4");
	assert_int_equal(u.port, 5070);
	assert_text(u.params, "transport=udp");
	assert_true(u.is_sip && !u.sips && !u.is_tel);
	assert_text(wire_call_id(m), "a84b4c76e66710@pc33.example.com");
	assert_int_equal(wire_cseq(m), 314159);
	assert_int_equal(wire_max_forwards(m), 70);
	wire_from(m, &p);
	assert_text(p.display, "Alice, \\\"A\\\"");
	assert_text(p.uri.text, "sip:alice@atlanta.example.com");
	assert_text(p.tag, "1928301774");
	assert_text(p.params, "tag=1928301774;x=\"a;b\"");
	wire_to(m, &p);
	assert_text(p.display, "Bob");
	assert_text(p.value, "Bob <sip:bob@biloxi.example.com>");
	assert_null(p.tag.s);
	assert_true(wire_contact(m, 0, &p));
	assert_text(p.uri.host, "pc33.example.com");
	assert_false(wire_contact(m, 1, &p));
	assert_true(wire_top_via(m, &v));
	assert_text(v.transport, "UDP");
	assert_text(v.host, "pc33.example.com");
	assert_int_equal(v.port, 5066);
	assert_text(v.branch, "z9hG4bK776asdhds");
	assert_true(v.has_rport && v.rfc3261);
	assert_null(v.received.s);
	assert_int_equal(wire_via_count(m), 1);
	assert_text(wire_content_type(m), "application/sdp");
	assert_text(wire_body(m), "v=0\n");
	assert_int_equal(wire_size(m), strlen(invite));
	mem_unref(m);
}

static void a_response_is_read(void **state)
{
	(void)state;
	struct wire_msg *m = good(
		"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\r\nVia: SIP/2.0/TCP [2001:db8::9]:5061;"
		"branch=z9hG4bK;received=192.0.2.7\r\nVia: SIP/2.0/UDP b, SIP/2.0/UDP c\r\n"
		"From: <sip:a@b>;tag=f\r\nTo: sip:c@d;tag=t\r\nCall-ID: 1\r\nCSeq: 0 BYE\r\n\r\n");
	struct wire_via v;
	struct wire_party p;
	struct wire_uri u;
	assert_false(wire_is_request(m));
	assert_int_equal(wire_status(m), 200);
	assert_text(wire_reason(m), "= 2**3 * 5**2 \xd0\xbd");
	assert_int_equal(wire_method(m), WIRE_BYE);
	assert_int_equal(wire_max_forwards(m), -ENOENT);
	assert_true(wire_top_via(m, &v));
	assert_text(v.transport, "TCP");
	assert_text(v.host, "2001:db8::9");
	assert_int_equal(v.port, 5061);
	assert_text(v.received, "192.0.2.7");
	/* A1 badbranch: the bare cookie is no branch */
	assert_false(v.rfc3261);
	assert_int_equal(wire_via_count(m), 3);
	wire_to(m, &p);
	assert_text(p.uri.text, "sip:c@d");
	assert_text(p.tag, "t");
	wire_request_uri(m, &u);
	assert_null(u.text.s);
	assert_int_equal(wire_body(m).n, 0);
	assert_int_equal(wire_content_type(m).n, 0);
	mem_unref(m);
}

/* H.: every line is seen once, in wire order, byte for byte (pass-through of what we do not know). */
static void headers_are_walked_in_wire_order(void **state)
{
	(void)state;
	static const char *const names[] = {"via",
					    "max-forwards",
					    "to",
					    "from",
					    "call-id",
					    "cseq",
					    "contact",
					    "supported",
					    "supported",
					    "x-own",
					    "p-asserted-identity",
					    "content-type",
					    "content-length"};
	struct wire_msg *m = good(invite);
	struct wire_header h;
	void *it = NULL;
	size_t n = 0;
	const char *at = strstr(invite, "\r\n") + 2;
	while (wire_header_next(m, &it, &h)) {
		assert_true(n < sizeof(names) / sizeof(names[0]));
		assert_string_equal(h.canonical, names[n]);
		assert_memory_equal(h.line.s, at, h.line.n);
		at += h.line.n + 2;
		n++;
	}
	assert_int_equal(n, sizeof(names) / sizeof(names[0]));
	assert_memory_equal(at, "\r\n", 2);
	assert_true(wire_header_find(m, "x-own", &h));
	assert_text(h.name, "X-Own");
	assert_text(h.value, "some thing");
	assert_text(h.line, "X-Own : some thing ");
	assert_false(wire_header_find(m, "x-other", &h));
	assert_true(wire_has_token(m, "supported", "TIMER"));
	assert_true(wire_has_token(m, "supported", "replaces"));
	assert_false(wire_has_token(m, "supported", "time"));
	assert_false(wire_has_token(m, "require", "timer"));
	mem_unref(m);
}

/* A28: a header is the same under its compact name, in any case, folded, with space before the colon. */
static void compact_folded_and_spaced_names_are_one_header(void **state)
{
	(void)state;
	struct wire_msg *m = good(
		"OPTIONS sip:d SIP/2.0\r\nv : SIP  /  2.0\r\n / UDP\r\n  192.0.2.2 ;branch= z9hG4bKx\r\n"
		"f\t:\r\n <sip:a@b>\r\n ;\r\n tag = 7\r\nT: <sip:c@d>\r\nI: cid\r\nm: <sip:1@x>\r\n"
		"CSEQ: 0009\r\n  OPTIONS\r\nL : 2\r\nK: a,\r\n b\r\nc: text/plain\r\ns :\r\ny: \"id\"\r\nz: q\r\n\r\nhi");
	static const char *const canonical[] = {"via",
						"from",
						"to",
						"call-id",
						"contact",
						"cseq",
						"content-length",
						"supported",
						"content-type",
						"subject",
						"identity",
						"z"};
	struct wire_header h;
	struct wire_party p;
	struct wire_via v;
	void *it = NULL;
	for (size_t i = 0; i < sizeof(canonical) / sizeof(canonical[0]); i++) {
		assert_true(wire_header_next(m, &it, &h));
		assert_string_equal(h.canonical, canonical[i]);
	}
	assert_false(wire_header_next(m, &it, &h));
	wire_from(m, &p);
	assert_text(p.tag, "7");
	assert_null(memchr(p.value.s, '\n', p.value.n)); /* accessors unfold ... */
	assert_true(wire_header_find(m, "from", &h));
	assert_non_null(memchr(h.value.s, '\n', h.value.n)); /* ... the raw line does not */
	assert_true(wire_top_via(m, &v));
	assert_text(v.transport, "UDP");
	assert_text(v.host, "192.0.2.2");
	assert_text(v.branch, "z9hG4bKx");
	assert_int_equal(wire_cseq(m), 9);
	assert_true(wire_has_token(m, "supported", "b"));
	assert_text(wire_body(m), "hi");
	mem_unref(m);
}

static void several_values_on_a_line_are_several_parties(void **state)
{
	(void)state;
	struct wire_msg *m = with(
		"OPTIONS sip:d SIP/2.0",
		"Route: <sip:p1;lr>, <sip:u,v@p2;lr>\r\nRoute: <sip:[2001:db8::10:5070]>\r\n"
		"Record-Route: \"a, b\" <sip:r1:5099;lr>\r\n ,<sip:r2>\r\n"
		"Contact: \"Q \\\" ,\" <sips:u%40x:pw@h.example:5062;p?h=v>;q=0.5 , sip:e@f;expires=3\r\n");
	struct wire_party p;
	struct wire_text q;
	assert_non_null(m);
	assert_true(wire_route(m, 1, &p));
	assert_text(p.uri.host, "p2");
	assert_true(wire_param(p.uri.params, "LR", &q));
	assert_int_equal(q.n, 0);
	assert_true(wire_route(m, 2, &p));
	assert_text(p.uri.host, "2001:db8::10:5070"); /* A2: no port in there */
	assert_int_equal(p.uri.port, 0);
	assert_false(wire_route(m, 3, &p));
	assert_true(wire_record_route(m, 0, &p));
	assert_text(p.display, "a, b");
	assert_int_equal(p.uri.port, 5099);
	assert_true(wire_record_route(m, 1, &p));
	assert_text(p.uri.host, "r2");
	assert_false(wire_record_route(m, 2, &p));
	assert_true(wire_contact(m, 0, &p));
	assert_true(p.uri.sips);
	assert_text(p.uri.user, "u%40x");
	assert_text(p.uri.headers, "h=v");
	assert_text(p.params, "q=0.5");
	assert_true(wire_contact(m, 1, &p));
	assert_text(p.uri.text, "sip:e@f");
	assert_text(p.params, "expires=3");
	mem_unref(m);
}

static void bad_vital_headers_make_the_message_bad(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"Contact: \"x <sip:a@b>\r\n",
		"Max-Forwards: 256\r\n", /* A6 */
		"Max-Forwards: many\r\n",
		"Max-Forwards: -1\r\n",
		"From: <sip:x@y>;tag=2\r\n",
		"To: <sip:x@y>\r\n",
		"CSeq: 2 OPTIONS\r\n",
		"Call-ID: again\r\n",
		"no colon here\r\n",
		"Bad Name: x\r\n",
		"\x01: x\r\n",
		"Contact: <sip:a@b>, <sip:c@d@e>\r\n",
		"Record-Route: <sip:a@b>, x\r\n",
		"Route: <sip:a:b:c>\r\n",
		"Content-Length: -1\r\n",
		"Content-Length: 9\r\n",
		"Content-Length: 4294967297\r\n",
	};
	struct wire_msg *m = with("OPTIONS sip:d SIP/2.0", "Date: never\r\nQ: y\r\n");
	assert_non_null(m);
	mem_unref(m);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = with("OPTIONS sip:d SIP/2.0", bad[i]);
		if (m)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void bad_request_lines_make_the_message_bad(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"OPTIONS <sip:d> SIP/2.0",
		"OPTIONS sip:a@b@c SIP/2.0",
		"INVITE sip:d SIP/2.0",
		"OPTIONS sip:d SIP/3.0",
		"OPTIONS sip:d?Route=%3Csip:x%3E SIP/2.0",
		"OPTIONS sip:2001:db8::1 SIP/2.0",
		"OPTIONS d SIP/2.0",
		"OPTIONS sip: SIP/2.0",
		"OPTIONS sip:a b SIP/2.0",
		"OPTION sip:d SIP/2.0",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_msg *m = with(bad[i], "");
		if (m)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void a_bad_request_that_can_be_answered_is_handed_out(void **state)
{
	(void)state;
	static const char text[] =
		"OPTIONS sip:d SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
		"Contact: \"x <sip:a>\r\n\r\n";
	struct wire_msg *m = NULL;
	const char *why = NULL;
	assert_int_equal(wire_parse((const uint8_t *)text, sizeof(text) - 1, &m, &why), -EBADMSG);
	assert_string_equal(why, "contact");
	assert_non_null(m);
	assert_text(wire_call_id(m), "x");
	struct wire_party p;
	wire_to(m, &p);
	assert_text(p.tag, "2"); /* the answer must not add another one */
	mem_unref(m);
	m = NULL;
	static const char bad_to[] =
		"OPTIONS sip:d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>\r\n"
		"To: \"Mr. J. User <sip:j@x>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n";
	assert_int_equal(parse(bad_to, sizeof(bad_to) - 1, &m), -EBADMSG);
	assert_null(m);
	/* an ACK is never answered */
	static const char ack[] =
		"ACK sip:d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\n"
		"To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n";
	assert_int_equal(parse(ack, sizeof(ack) - 1, &m), -EBADMSG);
	assert_null(m);
}

/* What is compared or written again is one word; sofia leaves a fold in the middle of some values. */
static void identifiers_are_whole_words(void **state)
{
	(void)state;
	static const struct {
		const char *via, *call_id, *from, *to;
		int err;
	} cases[] = {
		{"SIP/2.0/UDP h", "c", "<sip:a>;tag=1", "<sip:b>", 0},
		{"SIP/2.0/UDP h", "c\r\n d", "<sip:a>;tag=1", "<sip:b>", -EBADMSG},
		{"SIP/2.0/UDP h", "c d", "<sip:a>;tag=1", "<sip:b>", -EBADMSG},
		{"SIP/2.0/UDP h", "", "<sip:a>;tag=1", "<sip:b>", -EBADMSG},
		{"SIP/2.0/UDP h;branch=\"a\r\n b\"", "c", "<sip:a>;tag=1", "<sip:b>", -EBADMSG},
		{"SIP/2.0/UDP h", "c", "<sip:a>;tag=1;tag=2", "<sip:b>", -EBADMSG},
		{"SIP/2.0/UDP h", "c", "<sip:a>;tag=1;tag=1", "<sip:b>", -EBADMSG},
		{"SIP/2.0/UDP h", "c", "<sip:a>;tag=1", "<sip:b>;tag", -EBADMSG},
		{"SIP/2.0/UDP h", "c", "<sip:a>;tag=1", "<sip:b>;tag=", -EBADMSG},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct wire_msg *m = NULL;
		snprintf(
			text, sizeof(text),
			"INFO sip:d SIP/2.0\r\nVia: %s\r\nCall-ID: %s\r\nFrom: %s\r\nTo: %s\r\nCSeq: 1 INFO\r\n\r\n",
			cases[i].via, cases[i].call_id, cases[i].from, cases[i].to);
		if (parse(text, strlen(text), &m) != cases[i].err)
			fail_msg("case %zu", i);
		/* and where it is bad, nobody gets it to answer either */
		assert_true((m != NULL) == (cases[i].err == 0));
		mem_unref(m);
	}
}

static void cseq_and_status_are_in_range(void **state)
{
	(void)state;
	static const char form[] =
		"%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n"
		"To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: %s OPTIONS\r\n\r\n";
	static const struct {
		const char *start, *cseq;
		int err;
	} cases[] = {
		{"OPTIONS sip:d SIP/2.0", "0", 0},
		{"OPTIONS sip:d SIP/2.0", "2147483647", 0},
		{"OPTIONS sip:d SIP/2.0", "2147483648", -EBADMSG},
		{"OPTIONS sip:d SIP/2.0", "36893488147419103232", -EBADMSG},
		{"SIP/2.0 100 ", "1", 0},
		{"SIP/2.0 699 x", "1", 0},
		{"SIP/2.0 4294967301 x", "1", -EBADMSG},
		{"SIP/2.0 99 x", "1", -EBADMSG},
		{"SIP/2.0 700 x", "1", -EBADMSG},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct wire_msg *m = NULL;
		snprintf(text, sizeof(text), form, cases[i].start, cases[i].cseq);
		if (parse(text, strlen(text), &m) != cases[i].err)
			fail_msg("case %zu", i);
		mem_unref(m);
	}
}

static void no_prefix_or_byte_change_does_harm(void **state)
{
	(void)state;
	char text[sizeof(invite)];
	for (size_t n = 0; n < sizeof(invite); n++) {
		struct wire_msg *m = NULL;
		parse(invite, n, &m);
		mem_unref(m);
	}
	for (size_t i = 0; i < sizeof(invite) - 1; i++) {
		memcpy(text, invite, sizeof(text));
		text[i] = (char)(i % 3 == 0 ? 0 : i % 3 == 1 ? '"' : 0xff);
		struct wire_msg *m = NULL;
		parse(text, sizeof(text) - 1, &m);
		mem_unref(m);
	}
	assert_int_equal(mem_live(), 0);
}

static void running_out_of_memory_is_reported(void **state)
{
	(void)state;
	struct wire_msg *m = NULL;
	mem_fail_at(1);
	assert_int_equal(parse(invite, strlen(invite), &m), -ENOMEM);
	mem_fail_at(0);
	assert_null(m);
}

static void methods_have_names(void **state)
{
	(void)state;
	for (int i = 1; i < WIRE_METHODS; i++) {
		const char *name = wire_method_name((enum wire_method)i);
		assert_int_equal(wire_method_of((struct wire_text){name, strlen(name)}), i);
	}
	assert_int_equal(wire_method_of(WIRE_TEXT("invite")), WIRE_OTHER);
	assert_int_equal(wire_method_of(WIRE_TEXT("")), WIRE_OTHER);
}

static int setup(void **state)
{
	(void)state;
	wire_setup();
	wire_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read),
		cmocka_unit_test(a_response_is_read),
		cmocka_unit_test(headers_are_walked_in_wire_order),
		cmocka_unit_test(compact_folded_and_spaced_names_are_one_header),
		cmocka_unit_test(several_values_on_a_line_are_several_parties),
		cmocka_unit_test(bad_vital_headers_make_the_message_bad),
		cmocka_unit_test(bad_request_lines_make_the_message_bad),
		cmocka_unit_test(a_bad_request_that_can_be_answered_is_handed_out),
		cmocka_unit_test(identifiers_are_whole_words),
		cmocka_unit_test(cseq_and_status_are_in_range),
		cmocka_unit_test(no_prefix_or_byte_change_does_harm),
		cmocka_unit_test(running_out_of_memory_is_reported),
		cmocka_unit_test(methods_have_names),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
