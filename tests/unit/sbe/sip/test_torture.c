/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard and the parser make of the messages of RFC 4475 and RFC 5118: which are refused, and what the others say.
 * What the whole sbe answers is in tests/scenario/l010-torture (A1, A2). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire.h"

#define FILES "tests/torture/messages/"

#define assert_text(t, literal)                                                                    \
	do {                                                                                       \
		struct wire_text t_ = (t);                                                         \
		if (!wire_text_is(t_, literal))                                                    \
			fail_msg("'%.*s' is not '%s'", (int)t_.n, t_.s ? t_.s : "", literal);      \
	} while (0)

static uint8_t data[GUARD_MESSAGE_MAX_BYTES];

static size_t load(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), FILES "%s.dat", name);
	FILE *f = fopen(path, "rb");
	if (!f)
		fail_msg("%s is missing", path);
	size_t n = fread(data, 1, sizeof(data), f);
	fclose(f);
	assert_true(n > 0 && n < sizeof(data));
	return n;
}

/* @return the message, NULL if the guard or the parser refused it; *ret_status: what the guard answers, 0 = nothing, 400 = the parser. */
static struct wire_msg *take(const char *name, bool stream, int *ret_status)
{
	size_t n = load(name);
	struct guard_result g;
	struct wire_msg *m = NULL;
	const char *why = NULL;
	guard_check(data, n, stream, &g);
	*ret_status = g.verdict == GUARD_ANSWER ? g.status : 0;
	if (g.verdict != GUARD_PASS)
		return NULL;
	if (wire_parse(data + g.skip_bytes, g.len_bytes, &m, &why)) {
		*ret_status = g.is_request ? 400 : 0;
		return mem_unref(m);
	}
	*ret_status = 200;
	return m;
}

static struct wire_msg *good(const char *name)
{
	int status;
	struct wire_msg *m = take(name, false, &status);
	if (!m)
		fail_msg("%s is refused with %d", name, status);
	return m;
}

static void verdicts(void **state)
{
	/* 200 = it is a message */
	static const struct {
		const char *name;
		int udp, stream;
	} rows[] = {
		{"wsinv", 200, 200},
		{"intmeth", 501, 501},
		{"esc01", 200, 200},
		{"escnull", 200, 200},
		{"esc02", 200, 200},
		{"lwsdisp", 200, 200},
		{"longreq", 200, 200},
		{"dblreq", 200, 400},
		{"semiuri", 200, 200},
		{"transports", 200, 200},
		{"mpart01", 200, 200},
		{"unreason", 200, 200},
		{"noreason", 200, 200},
		{"badinv01", 400, 400},
		{"clerr", 400, 400},
		{"ncl", 400, 400},
		{"scalar02", 400, 400},
		{"scalarlg", 0, 0},
		{"quotbal", 400, 400},
		{"ltgtruri", 400, 400},
		{"lwsruri", 400, 400},
		{"lwsstart", 400, 400},
		{"trws", 400, 400},
		{"escruri", 400, 400},
		{"baddate", 200, 200},
		{"regbadct", 400, 400},
		{"badaspec", 400, 400},
		{"baddn", 400, 400},
		{"badvers", 505, 505},
		{"mismatch01", 400, 400},
		{"mismatch02", 400, 400},
		{"bigcode", 0, 0},
		{"badbranch", 200, 200},
		{"insuf", 400, 400},
		{"unkscm", 200, 200},
		{"novelsc", 200, 200},
		{"unksm2", 200, 200},
		{"bext01", 200, 200},
		{"invut", 200, 200},
		{"regaut01", 200, 200},
		{"multi01", 400, 400},
		{"mcl01", 400, 400},
		{"bcast", 200, 200},
		{"zeromf", 200, 200},
		{"cparam01", 200, 200},
		{"cparam02", 200, 200},
		{"regescrt", 200, 200},
		{"sdp01", 200, 200},
		{"inv2543", 200, 400},
		{"ipv6-good", 200, 200},
		{"ipv6-bad", 400, 400},
		{"port-ambiguous", 200, 200},
		{"port-unambiguous", 200, 200},
		{"via-received-param-with-delim", 200, 200},
		{"via-received-param-no-delim", 200, 200},
		{"ipv6-in-sdp", 200, 200},
		{"mult-ip-in-header", 200, 200},
		{"mult-ip-in-sdp", 200, 200},
		{"ipv4-mapped-ipv6", 200, 200},
		{"ipv6-bug-abnf-3-colons", 200, 200},
		{"ipv6-correct-abnf-2-colons", 200, 200},
	};
	const size_t n = sizeof(rows) / sizeof(rows[0]);
	int status;

	(void)state;
	assert_int_equal(n, 49 + 12);
	for (size_t i = 0; i < n; i++) {
		mem_unref(take(rows[i].name, false, &status));
		if (status != rows[i].udp)
			fail_msg("%s: %d, not %d", rows[i].name, status, rows[i].udp);
		mem_unref(take(rows[i].name, true, &status));
		if (status != rows[i].stream)
			fail_msg("%s on a stream: %d, not %d", rows[i].name, status,
				 rows[i].stream);
	}
}

/* The answers that are made from the raw text are messages themselves, and no larger than what they answer. */
static void refusals_are_messages(void **state)
{
	static const char *const names[] = {
		"badinv01", "clerr", "ncl",      "scalar02", "quotbal",  "ltgtruri",  "lwsruri",
		"lwsstart", "trws",  "escruri",  "badaspec", "badvers",  "insuf",     "multi01",
		"mcl01",    "baddn", "regbadct", "intmeth",  "ipv6-bad", "mismatch01"};
	char answer[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = load(names[i]);
		struct guard_reply r = {.status = 400, .phrase = "Bad Request"};
		int len = guard_answer(data, n, &r, answer, sizeof(answer));
		r.phrase = "";
		if (len == -EMSGSIZE) /* a short request gets no phrase, as in transport_in.c */
			len = guard_answer(data, n, &r, answer, sizeof(answer));
		if (len <= 0 || (size_t)len > n)
			fail_msg("%s: %d", names[i], len);
		assert_memory_equal(answer, "SIP/2.0 400 ", 12);
		assert_memory_equal(answer + len - 4, "\r\n\r\n", 4);
	}
}

static void folds_and_white_space(void **state)
{
	struct wire_msg *m = good("wsinv");
	struct wire_party p;
	struct wire_header h;
	struct wire_via v;
	struct wire_uri u;

	(void)state;
	wire_request_uri(m, &u);
	assert_text(u.params, "unknownparam");
	wire_to(m, &p);
	assert_text(p.uri.text, "sip:vivekg@chair-dnrc.example.com");
	assert_text(p.tag, "1918181833n");
	wire_from(m, &p);
	assert_text(p.display, "J Rosenberg \\\\\\\"");
	assert_text(p.tag, "98asjd8");
	assert_int_equal(wire_max_forwards(m), 68);
	assert_int_equal(wire_cseq(m), 9);
	assert_int_equal(wire_via_count(m), 3);
	assert_true(wire_top_via(m, &v));
	assert_text(v.host, "192.0.2.2");
	assert_text(v.branch, "390skdjuw");
	assert_true(wire_header_find(m, "subject", &h));
	assert_int_equal(h.value.n, 0);
	assert_true(wire_route(m, 0, &p));
	assert_text(p.uri.params, "lr;unknownwith=value;unknown-no-value");
	assert_true(wire_contact(m, 0, &p));
	assert_text(p.uri.text, "sip:jdrosen@example.com");
	assert_int_equal(wire_body(m).n, 150);
	mem_unref(m);
}

/* Nothing is unescaped that could be read as something else then. */
static void escapes(void **state)
{
	struct wire_msg *m = good("esc01");
	struct wire_party p;
	struct wire_uri u;

	(void)state;
	wire_request_uri(m, &u);
	assert_text(u.user, "sips%3Auser%40example.com");
	assert_text(u.host, "example.net");
	assert_true(wire_contact(m, 0, &p));
	assert_text(p.uri.params, "%6C%72;n%61me=v%61lue%25%34%31");
	assert_false(wire_param(p.uri.params, "lr", &u.text));
	mem_unref(m);

	m = good("escnull");
	wire_to(m, &p);
	assert_text(p.uri.user, "null-%00-null");
	assert_true(wire_contact(m, 1, &p));
	assert_text(p.uri.user, "%00%00");
	mem_unref(m);

	m = good("esc02");
	assert_int_equal(wire_method(m), WIRE_OTHER);
	assert_text(wire_method_text(m), "RE%47IST%45R");
	assert_true(wire_contact(m, 1, &p)); /* alias3: C%6Fntact is no Contact */
	assert_text(p.uri.user, "alias3");
	assert_false(wire_contact(m, 2, &p));
	mem_unref(m);

	m = good("semiuri");
	wire_request_uri(m, &u);
	assert_text(u.user, "user;par=u%40example.net");
	assert_text(u.host, "example.com");
	assert_int_equal(u.params.n, 0);
	mem_unref(m);
}

/* 3.3.12-14: whose parameter it is decides where it goes. */
static void contact_parameters(void **state)
{
	struct wire_msg *m = good("cparam01");
	struct wire_party p;

	(void)state;
	assert_true(wire_contact(m, 0, &p));
	assert_text(p.params, "unknownparam");
	assert_int_equal(p.uri.params.n, 0);
	mem_unref(m);
	m = good("cparam02");
	assert_true(wire_contact(m, 0, &p));
	assert_text(p.uri.params, "unknownparam");
	assert_int_equal(p.params.n, 0);
	mem_unref(m);
	m = good("regescrt");
	assert_true(wire_contact(m, 0, &p));
	assert_text(p.uri.headers, "Route=%3Csip:sip.example.com%3E");
	assert_text(p.uri.user, "user");
	mem_unref(m);
}

static void what_others_say(void **state)
{
	struct wire_msg *m = good("longreq");
	struct wire_via v;
	struct wire_party p;

	(void)state;
	assert_int_equal(wire_via_count(m), 34);
	mem_unref(m);
	m = good("lwsdisp");
	wire_from(m, &p);
	assert_text(p.display, "caller");
	mem_unref(m);
	m = good("dblreq"); /* one message, and it ends where it says */
	assert_int_equal(wire_method(m), WIRE_REGISTER);
	assert_int_equal(wire_body(m).n, 0);
	mem_unref(m);
	m = good("mpart01"); /* NULs in a body are a body's business */
	assert_int_equal(wire_body(m).n, 553);
	mem_unref(m);
	m = good("badbranch");
	assert_true(wire_top_via(m, &v));
	assert_text(v.branch, "z9hG4bK");
	mem_unref(m);
	m = good("inv2543");
	assert_true(wire_top_via(m, &v));
	assert_false(v.rfc3261);
	assert_int_equal(wire_max_forwards(m), -2);
	wire_from(m, &p);
	assert_int_equal(p.tag.n, 0);
	mem_unref(m);
	m = good("unreason");
	assert_int_equal(wire_status(m), 200);
	assert_int_equal(wire_reason(m).s[0], '=');
	mem_unref(m);
	m = good("noreason");
	assert_int_equal(wire_status(m), 100);
	assert_int_equal(wire_reason(m).n, 0);
	mem_unref(m);
	m = good("bcast");
	assert_int_equal(wire_via_count(m), 2); /* so it is dropped (RFC 3261 8.1.3.3) */
	mem_unref(m);
}

static void ipv6_references(void **state)
{
	struct wire_msg *m = good("port-ambiguous");
	struct wire_uri u;
	struct wire_via v;

	(void)state;
	wire_request_uri(m, &u);
	assert_text(u.host, "2001:db8::10:5070");
	assert_int_equal(u.port, 0);
	mem_unref(m);
	m = good("port-unambiguous");
	wire_request_uri(m, &u);
	assert_text(u.host, "2001:db8::10");
	assert_int_equal(u.port, 5070);
	mem_unref(m);
	m = good("via-received-param-with-delim");
	assert_true(wire_top_via(m, &v));
	assert_text(v.host, "2001:db8::9:1");
	assert_text(v.branch, "z9hG4bKas3-111");
	mem_unref(m);
	m = good("via-received-param-no-delim");
	assert_true(wire_top_via(m, &v));
	assert_text(v.received, "2001:db8::9:255");
	assert_text(v.branch, "z9hG4bKas3");
	mem_unref(m);
	m = good("mult-ip-in-header");
	assert_int_equal(wire_via_count(m), 3);
	assert_true(wire_top_via(m, &v));
	assert_int_equal(v.port, 6050);
	mem_unref(m);
}

static int setup(void **state)
{
	(void)state;
	wire_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(refusals_are_messages),
		cmocka_unit_test(folds_and_white_space),
		cmocka_unit_test(escapes),
		cmocka_unit_test(contact_parameters),
		cmocka_unit_test(what_others_say),
		cmocka_unit_test(ipv6_references),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
