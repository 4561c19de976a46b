/* SPDX-License-Identifier: Apache-2.0 */
/* Digest: test vectors (RFC 2617 3.5, RFC 7616 3.9.1), text that is long, half or twice, what we write (G13, A18). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sbe/sip/digest.h"

static struct wire_text text(const char *s)
{
	return (struct wire_text){s, strlen(s)};
}

static void is(struct wire_text t, const char *s)
{
	assert_non_null(t.s);
	assert_int_equal(t.n, strlen(s));
	assert_memory_equal(t.s, s, t.n);
}

/* ---- digests ---- */

static void vectors(void **state)
{
	static const char ha1_2617[] = "939e7578ed9e3c518a452acee763bce9";
	struct digest_input in = {
		.method = WIRE_TEXT("GET"),
		.uri = WIRE_TEXT("/dir/index.html"),
		.nonce = WIRE_TEXT("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
		.nc = WIRE_TEXT("00000001"),
		.cnonce = WIRE_TEXT("0a4f113b"),
	};
	char ha1[DIGEST_HEX_BYTES], hex[DIGEST_HEX_BYTES];

	(void)state;
	assert_int_equal(
		digest_ha1(DIGEST_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life", ha1), 0);
	assert_string_equal(ha1, ha1_2617);
	assert_int_equal(digest_response(DIGEST_MD5, ha1, &in, hex), 0);
	assert_string_equal(hex, "6629fae49393a05397450978507c4ef1");
	in.nc.s = NULL; /* without qop */
	assert_int_equal(digest_response(DIGEST_MD5, ha1, &in, hex), 0);
	assert_string_equal(hex, "670fd8c2df070c60b045671b8b24ff02");

	in.nc = text("00000001");
	in.nonce = text("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v");
	in.cnonce = text("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
	assert_int_equal(
		digest_ha1(DIGEST_MD5, "Mufasa", "http-auth@example.org", "Circle of Life", ha1),
		0);
	assert_int_equal(digest_response(DIGEST_MD5, ha1, &in, hex), 0);
	assert_string_equal(hex, "8ca523f5e9506fed4657c9700eebdbec");
	assert_int_equal(
		digest_ha1(DIGEST_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life", ha1),
		0);
	assert_int_equal(digest_response(DIGEST_SHA256, ha1, &in, hex), 0);
	assert_string_equal(hex,
			    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

static void compared(void **state)
{
	(void)state;
	assert_true(digest_equal(text("00aabbcc"), "00aabbcc"));
	assert_true(digest_equal(text("00AABBCC"), "00aabbcc"));
	assert_false(digest_equal(text("00aabbcd"), "00aabbcc"));
	assert_false(digest_equal(text("00aabbc"), "00aabbcc"));
	assert_false(digest_equal(text("00aabbccd"), "00aabbcc"));
	assert_false(digest_equal((struct wire_text){NULL, 0}, "00aabbcc"));
}

static void algorithms(void **state)
{
	enum digest_algorithm a = DIGEST_ALGORITHMS;

	(void)state;
	assert_int_equal(digest_algorithm_of((struct wire_text){NULL, 0}, &a), 0);
	assert_int_equal(a, DIGEST_MD5);
	assert_int_equal(digest_algorithm_of(text("sha-256"), &a), 0);
	assert_int_equal(a, DIGEST_SHA256);
	assert_int_equal(digest_algorithm_of(text("MD5-sess"), &a), -EINVAL);
	assert_int_equal(digest_algorithm_of(text(""), &a), -EINVAL);
	assert_string_equal(digest_algorithm_name(DIGEST_SHA256), "SHA-256");
}

/* ---- text ---- */

static void challenge_read(void **state)
{
	struct digest_fields f;

	(void)state;
	assert_int_equal(
		digest_parse(
			text("  digest\r\n Realm=\"a \\\"b\\\", c\" ,nonce = \"n\",\t,x=y, "
			     "opaque=\"\",qop=\"auth-int, auth\",stale=TRUE,algorithm=SHA-256"),
			&f),
		0);
	is(f.realm, "a \\\"b\\\", c");
	is(f.nonce, "n");
	is(f.opaque, "");
	is(f.qop, "auth-int, auth");
	is(f.stale, "TRUE");
	is(f.algorithm, "SHA-256");
	assert_null(f.username.s);
	assert_null(f.response.s);
	assert_true(digest_has_qop(f.qop, "auth"));
	assert_true(digest_has_qop(f.qop, "AUTH-INT"));
	assert_false(digest_has_qop(text("auth-int"), "auth"));
	assert_false(digest_has_qop((struct wire_text){NULL, 0}, "auth"));
}

static void credentials_read(void **state)
{
	struct digest_fields f;

	(void)state;
	assert_int_equal(digest_parse(text("Digest username=\"u\",realm=\"r\",nonce=\"n\","
					   "uri=\"sip:+1@h;x=1\",response=\"ab\",cnonce=\"c\","
					   "nc=0000000a,qop=auth,userhash=false"),
				      &f),
			 0);
	is(f.username, "u");
	is(f.uri, "sip:+1@h;x=1");
	is(f.response, "ab");
	is(f.cnonce, "c");
	is(f.nc, "0000000a");
	is(f.userhash, "false");
}

static void refused(void **state)
{
	static const struct {
		const char *value;
		int err;
	} list[] = {
		{"", -ENOTSUP},
		{"Basic realm=\"x\"", -ENOTSUP},
		{"Digest", -EBADMSG},
		{"Digest=\"x\"", -EBADMSG},
		{"Digest realm", -EBADMSG},
		{"Digest realm=", -EBADMSG},
		{"Digest realm=\"", -EBADMSG},
		{"Digest realm=\"x", -EBADMSG},
		{"Digest realm=\"x\\", -EBADMSG},
		{"Digest realm=\"x\\\"", -EBADMSG},
		{"Digest realm=\"x\" nonce=\"y\"", -EBADMSG},
		{"Digest realm=\"x\",nonce=\"y\",realm=\"z\"", -EBADMSG},
		{"Digest realm=\"x\r\n y\"", -EBADMSG},
		{"Digest realm=\"x\\\r\n y\"", -EBADMSG},
		{"Digest =x", -EBADMSG},
		{"Digest realm=\"x\", Digest realm=\"y\"", -EBADMSG},
		{"Digest realm=x=y", -EBADMSG},
		{"Digest realm=\"x\",nonce=y\\", -EBADMSG},
		{"Digest realm=\"x\",nonce=y/z", -EBADMSG},
	};
	struct digest_fields f;

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		assert_int_equal(digest_parse(text(list[i].value), &f), list[i].err);
	assert_int_equal(digest_parse((struct wire_text){NULL, 0}, &f), -EBADMSG);
}

static void bounded(void **state)
{
	static char value[20000];
	struct digest_fields f;
	size_t n = (size_t)sprintf(value, "Digest realm=\"");

	(void)state;
	memset(value + n, 'x', DIGEST_FIELD_MAX_BYTES);
	strcpy(value + n + DIGEST_FIELD_MAX_BYTES, "\"");
	assert_int_equal(digest_parse(text(value), &f), 0);
	assert_int_equal(f.realm.n, DIGEST_FIELD_MAX_BYTES);
	strcpy(value + n + DIGEST_FIELD_MAX_BYTES, "x\"");
	assert_int_equal(digest_parse(text(value), &f), -EMSGSIZE);
	memset(value + n, 'x', sizeof(value) - n - 1);
	assert_int_equal(digest_parse(text(value), &f), -EMSGSIZE);
	n = (size_t)sprintf(value, "Digest ");
	for (int i = 0; i < 40; i++)
		n += (size_t)sprintf(value + n, "a%d=b,", i);
	assert_int_equal(digest_parse(text(value), &f), -EMSGSIZE);
}

/* ---- what we write is what we read, and the digest in it is right ---- */

static void answer_written(void **state)
{
	char buf[2048], ha1[DIGEST_HEX_BYTES], hex[DIGEST_HEX_BYTES], cnonce[64];
	struct digest_answer a = {.header = "Proxy-Authorization",
				  .algorithm = DIGEST_SHA256,
				  .user = "us",
				  .realm = "b.example",
				  .ha1 = ha1,
				  .method = "INVITE",
				  .uri = "sip:+44@b.example",
				  .nonce = WIRE_TEXT("no\\\"nce"),
				  .opaque = WIRE_TEXT("o"),
				  .nc = 0x1a};
	struct digest_input in = {.method = WIRE_TEXT("INVITE")};
	struct digest_fields f;
	struct wire_out o;
	size_t n;

	(void)state;
	digest_ha1(DIGEST_SHA256, "us", "b.example", "secret", ha1);
	wire_out_init(&o, buf, sizeof(buf));
	assert_int_equal(digest_write_answer(&a, &o), 0);
	assert_int_equal(wire_out_end(&o, &n), 0);
	buf[n] = '\0';
	assert_int_equal(strncmp(buf, "Proxy-Authorization: ", 21), 0);
	assert_string_equal(buf + n - 2, "\r\n");
	assert_int_equal(digest_parse((struct wire_text){buf + 21, n - 23}, &f), 0);
	is(f.username, "us");
	is(f.realm, "b.example");
	is(f.nonce, "no\\\"nce");
	is(f.uri, "sip:+44@b.example");
	is(f.opaque, "o");
	is(f.algorithm, "SHA-256");
	is(f.qop, "auth");
	is(f.nc, "0000001a");
	assert_int_equal(f.cnonce.n, 32);
	in.uri = f.uri;
	in.nonce = f.nonce;
	in.nc = f.nc;
	in.cnonce = f.cnonce;
	digest_response(DIGEST_SHA256, ha1, &in, hex);
	is(f.response, hex);
	wire_text_copy(f.cnonce, cnonce, sizeof(cnonce));
	wire_out_init(&o, buf, sizeof(buf));
	digest_write_answer(&a, &o);
	assert_int_equal(wire_out_end(&o, &n), 0);
	buf[n] = '\0';
	assert_null(strstr(buf, cnonce)); /* another one each time */
}

static void answer_without_qop(void **state)
{
	char buf[2048];
	struct digest_answer a = {.header = "Authorization",
				  .algorithm = DIGEST_MD5,
				  .user = "us",
				  .realm = "r",
				  .ha1 = "x",
				  .method = "BYE",
				  .uri = "sip:h",
				  .nonce = WIRE_TEXT("n")};
	struct wire_out o;
	size_t n;

	(void)state;
	wire_out_init(&o, buf, sizeof(buf));
	assert_int_equal(digest_write_answer(&a, &o), 0);
	assert_int_equal(wire_out_end(&o, &n), 0);
	buf[n] = '\0';
	assert_null(strstr(buf, "nc="));
	assert_null(strstr(buf, "qop"));
	assert_null(strstr(buf, "opaque"));
	wire_out_init(&o, buf, 40);
	digest_write_answer(&a, &o);
	assert_int_equal(wire_out_end(&o, &n), -EMSGSIZE);
	a.nonce = text("a\r\nVia: x");
	wire_out_init(&o, buf, sizeof(buf));
	digest_write_answer(&a, &o);
	assert_int_equal(wire_out_end(&o, &n), -EINVAL);
}

static void challenge_written(void **state)
{
	char buf[512];
	struct digest_fields f;
	struct wire_out o;
	size_t n;

	(void)state;
	wire_out_init(&o, buf, sizeof(buf));
	digest_write_challenge(DIGEST_SHA256, "a.example", "abc", false, &o);
	assert_int_equal(wire_out_end(&o, &n), 0);
	assert_int_equal(digest_parse((struct wire_text){buf + 18, n - 20}, &f), 0);
	is(f.realm, "a.example");
	is(f.nonce, "abc");
	is(f.algorithm, "SHA-256");
	assert_null(f.stale.s);
	wire_out_init(&o, buf, sizeof(buf));
	digest_write_challenge(DIGEST_SHA256, "a.example", "abc", true, &o);
	assert_int_equal(wire_out_end(&o, &n), 0);
	assert_int_equal(digest_parse((struct wire_text){buf + 18, n - 20}, &f), 0);
	is(f.stale, "true");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(compared),
		cmocka_unit_test(algorithms),
		cmocka_unit_test(challenge_read),
		cmocka_unit_test(credentials_read),
		cmocka_unit_test(refused),
		cmocka_unit_test(bounded),
		cmocka_unit_test(answer_written),
		cmocka_unit_test(answer_without_qop),
		cmocka_unit_test(challenge_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
