/* SPDX-License-Identifier: Apache-2.0 */
/* wire_uri: URIs and name-addr values given as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "sbe/sip/wire.h"

static struct wire_text text(const char *s)
{
	return (struct wire_text){s, strlen(s)};
}

static void check_text(struct wire_text t, const char *want, const char *of)
{
	if (want ? !wire_text_is(t, want) : t.n != 0)
		fail_msg("%s: '%.*s' is not '%s'", of, (int)t.n, t.s ? t.s : "", want ? want : "");
}

static void good_uris_are_split(void **state)
{
	(void)state;
	static const struct {
		const char *uri, *scheme, *user, *host;
		unsigned port;
		const char *params, *headers;
	} cases[] = {
		{"sip:bob@example.com", "sip", "bob", "example.com", 0, NULL, NULL},
		{"SIP:bob:secret@example.com:5070;lr;x=y?a=b&c=d", "SIP", "bob", "example.com",
		 5070, "lr;x=y", "a=b&c=d"},
		{"sips:[2001:db8::9:1]:5061", "sips", NULL, "2001:db8::9:1", 5061, NULL, NULL},
		{"sip:[::ffff:192.0.2.10]", "sip", NULL, "::ffff:192.0.2.10", 0, NULL, NULL},
		{"sip:192.0.2.1;transport=tcp", "sip", NULL, "192.0.2.1", 0, "transport=tcp", NULL},
		/* A1 semiuri, escnull, esc01, intmeth: what is in the user part stays as it is */
		{"sip:user;par=u%40example.net@example.com", "sip", "user;par=u%40example.net",
		 "example.com", 0, NULL, NULL},
		{"sip:null-%00-null@example.com", "sip", "null-%00-null", "example.com", 0, NULL,
		 NULL},
		{"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.("
		 "doesn't-it)@example.com",
		 "sip", "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", "example.com", 0, NULL,
		 NULL},
		{"tel:+44123;phone-context=x", "tel", "+44123;phone-context=x", NULL, 0, NULL,
		 NULL},
		{"urn:service:sos", "urn", "service:sos", NULL, 0, NULL, NULL},
		{"soap.beep://192.0.2.103:3002", "soap.beep", "//192.0.2.103:3002", NULL, 0, NULL,
		 NULL},
		{"sip:h?", "sip", NULL, "h", 0, NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_uri u;
		const char *of = cases[i].uri;
		if (wire_uri_parse(text(of), &u))
			fail_msg("refused: %s", of);
		check_text(u.text, of, of);
		check_text(u.scheme, cases[i].scheme, of);
		check_text(u.user, cases[i].user, of);
		check_text(u.host, cases[i].host, of);
		check_text(u.params, cases[i].params, of);
		check_text(u.headers, cases[i].headers, of);
		assert_int_equal(u.port, cases[i].port);
		assert_int_equal(u.is_sip, strncasecmp(of, "sip", 3) == 0);
		assert_int_equal(u.sips, strncasecmp(of, "sips", 4) == 0);
		assert_int_equal(u.is_tel, strncasecmp(of, "tel", 3) == 0);
	}
}

static void ambiguous_and_broken_uris_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"sip",
		"sip:",
		":x",
		"1sip:a@b",
		"sip:@h",
		"sip:a@",
		"sip:a@b@c",
		"sip:a@b:0",
		"sip:a@b:65536",
		"sip:a@b:",
		"sip:a@b:12x",
		"sip:a@b:000005060",
		"sip:a@b c",
		"<sip:a@b>",
		"sip:a\"@b",
		"sip:a@b\r\n",
		"sip:a\t@b",
		"sip:[2001:db8::1",
		"sip:[]",
		"sip:[::1]x",
		"sip:[::1%eth0]",
		"sip:2001:db8::9:1" /* A2 ipv6-bad */,
		"sip:a@b,c",
		"sip:+441@",
		"sip:;x",
		"sip:?x",
		"sip:a@;x",
		"tel:",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_uri u = {.port = 77};
		if (wire_uri_parse(text(bad[i]), &u) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(u.port, 77); /* untouched on failure */
	}
	static char huge[10000];
	memset(huge, 'a', sizeof(huge));
	memcpy(huge, "sip:", 4);
	struct wire_uri u;
	assert_int_equal(wire_uri_parse((struct wire_text){huge, 8192}, &u), 0);
	assert_int_equal(wire_uri_parse((struct wire_text){huge, 8193}, &u), -EINVAL);
	assert_int_equal(wire_uri_parse((struct wire_text){NULL, 0}, &u), -EINVAL);
	assert_int_equal(wire_uri_parse((struct wire_text){"sip:a\0b@c", 9}, &u), -EINVAL);
}

static void parties_are_split(void **state)
{
	(void)state;
	static const struct {
		const char *value, *display, *uri, *tag, *params;
	} cases[] = {
		{"sip:a@b", NULL, "sip:a@b", NULL, NULL},
		{"sip:a@b;tag=1;x", NULL, "sip:a@b", "1", "tag=1;x"},
		{"<sip:a@b;tag=no>", NULL, "sip:a@b;tag=no", NULL, NULL},
		{" \"A \\\" <sip:x>\" <sip:a@b> ; TAG = t ", "A \\\" <sip:x>", "sip:a@b", "t",
		 "TAG = t"},
		{"caller<sip:caller@example.com>;tag=323", "caller", "sip:caller@example.com",
		 "323", "tag=323"}, /* A1 lwsdisp */
		{"A B <sip:a@b>;x=\"1;tag=2\";tag=3", "A B", "sip:a@b", "3", "x=\"1;tag=2\";tag=3"},
		{"\"\" <tel:+1>", NULL, "tel:+1", NULL, NULL},
		{"isbn:2983792873", NULL, "isbn:2983792873", NULL, NULL}, /* A1 unksm2 */
		{"<sip:a@b>;;tag=1;", NULL, "sip:a@b", "1", ";tag=1;"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_party p;
		const char *of = cases[i].value;
		if (wire_party_parse(text(of), &p))
			fail_msg("refused: %s", of);
		check_text(p.display, cases[i].display, of);
		check_text(p.uri.text, cases[i].uri, of);
		check_text(p.tag, cases[i].tag, of);
		check_text(p.params, cases[i].params, of);
	}
	struct wire_party star;
	assert_int_equal(wire_party_parse(text("*"), &star), 0);
	assert_true(wire_text_is(star.uri.text, "*") && star.uri.host.n == 0);
}

static void broken_parties_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		" ",
		"\"a <sip:a@b>",
		"\"a\" sip:a@b",
		"\"a\"",
		"<sip:a@b",
		"sip:a@b>",
		"<>",
		"a\" <sip:a@b>",
		"Bell, Alexander <sip:a@b>",
		"<sip:a@b> x",
		"<sip:a@b>,<sip:c@d>",
		"sip:a@b?Route=x" /* A1 regbadct */,
		"sip:a@b,sip:c@d",
		"< sip:a@b >",
		"Bob sip:a@b",
		"\"\\",
		"<sip:a@b>;x=(comment)",
		"<sip:a@b>;x=\"open", /* our tag would become a part of it */
		"sip:a@b;x=\"y\\\"",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_party p;
		if (wire_party_parse(text(bad[i]), &p) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void parameters_are_found(void **state)
{
	(void)state;
	struct wire_text params = text("a=1;B; c = \"x;d=9\" ;d=\";;\";e;=5;f="), v = {NULL, 0};
	assert_true(wire_param(params, "A", &v) && wire_text_is(v, "1"));
	assert_true(wire_param(params, "b", &v) && v.n == 0);
	assert_true(wire_param(params, "c", &v) && wire_text_is(v, "\"x;d=9\""));
	assert_true(wire_param(params, "d", &v) && wire_text_is(v, "\";;\""));
	assert_true(wire_param(params, "f", &v) && v.n == 0);
	v = text("same");
	assert_false(wire_param(params, "x", &v));
	assert_false(wire_param((struct wire_text){NULL, 0}, "x", &v));
	assert_true(wire_text_is(v, "same"));
}

static void texts_are_compared_and_copied(void **state)
{
	(void)state;
	char buf[4] = "zzz";
	assert_true(wire_text_is(text("Ab"), "Ab"));
	assert_false(wire_text_is(text("Ab"), "AB"));
	assert_true(wire_text_is_nocase(text("Ab"), "aB"));
	assert_false(wire_text_is_nocase(text("Ab"), "aBc"));
	assert_false(wire_text_is((struct wire_text){NULL, 0}, ""));
	assert_string_equal(wire_text_copy(text("abcdef"), buf, sizeof(buf)), "abc");
	assert_string_equal(wire_text_copy((struct wire_text){NULL, 0}, buf, sizeof(buf)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_uris_are_split),
		cmocka_unit_test(ambiguous_and_broken_uris_are_refused),
		cmocka_unit_test(parties_are_split),
		cmocka_unit_test(broken_parties_are_refused),
		cmocka_unit_test(parameters_are_found),
		cmocka_unit_test(texts_are_compared_and_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
