/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a TLS end believes and which identity it shows: both ends in memory (A19, H1, H4, H6, H7, H8). */
#include "tests/unit/common/net/net_support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/net/stream_tls.h"
#include "common/net/tls.h"
#include "common/net/tls_trust.h"

#define SIP_DOMAIN "1.3.6.1.5.5.7.3.20"

static char *dir;

static const char *file(const char *name, const char *ending)
{
	static char paths[16][512];
	static unsigned turn;
	char *p = paths[turn++ % 16];

	snprintf(p, sizeof(paths[0]), "%s/%s%s", dir, name, ending);
	return p;
}

static int group_setup(void **state)
{
	static const struct net_cert certs[] = {
		{.name = "ca", .common_name = "ca", .ca = true},
		{.name = "other-ca", .common_name = "other", .ca = true},
		{.name = "sub", .common_name = "sub", .ca = true, .issuer = "ca"},
		{.name = "a", .issuer = "ca", .dns = {"a.example", "aa.example"}},
		{.name = "b", .issuer = "ca", .dns = {"b.example"}},
		{.name = "uri", .issuer = "ca", .dns = {"dns.example"}, .uri = "sip:u.example"},
		{.name = "other", .issuer = "other-ca", .dns = {"b.example"}},
		{.name = "chained", .issuer = "sub", .dns = {"b.example"}},
		{.name = "gone", .issuer = "ca", .dns = {"b.example"}},
		{.name = "sip", .issuer = "ca", .dns = {"b.example"}, .ext_key_usage = SIP_DOMAIN},
		{.name = "web",
		 .issuer = "ca",
		 .dns = {"b.example"},
		 .ext_key_usage = "serverAuth,clientAuth"},
		{.name = "any",
		 .issuer = "ca",
		 .dns = {"b.example"},
		 .ext_key_usage = "anyExtendedKeyUsage"},
		{.name = "mail",
		 .issuer = "ca",
		 .dns = {"b.example"},
		 .ext_key_usage = "emailProtection"},
	};

	(void)state;
	dir = net_temp_dir();
	for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++)
		net_cert_make(dir, &certs[i]);
	net_crl_make(dir, "crl", "ca", "gone");
	net_crl_make(dir, "sub-crl", "sub", NULL);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	net_remove_dir(dir);
	assert_int_equal(mem_live(), 0);
	return 0;
}

static struct tls_context *identity(const char *name, struct tls_options o)
{
	const char *trust[] = {file("ca", ".pem")};
	struct tls_context *c = NULL;
	char why[256];

	o.certificate_file = file(name, ".pem");
	o.private_key_file = file(name, ".key");
	o.trust_files = trust;
	o.ntrust = 1;
	if (tlsid_new(&o, &c, why))
		fail_msg("%s", why);
	return c;
}

static struct tls_trust *trust_of(const char *ca, const char *crl, enum tls_eku eku)
{
	const char *files[] = {file(ca, ".pem")}, *crls[] = {crl ? file(crl, ".pem") : NULL};
	struct tls_trust_options o = {
		.files = files, .nfiles = 1, .crl_files = crls, .ncrls = crl ? 1 : 0, .eku = eku};
	struct tls_trust *t = NULL;
	char why[256];

	if (tlstrust_new(&o, &t, why))
		fail_msg("%s", why);
	return t;
}

static void carry(struct stream_tls *from, struct stream_tls *to)
{
	const uint8_t *data;
	size_t n = stream_tls_output(from, &data);

	if (n)
		assert_int_equal(stream_tls_feed(to, data, n), 0);
	stream_tls_output_done(from);
}

static char client_error[160], server_error[160], subject_seen[160];

/* @return true if both ends are content. */
static bool meet(struct tls_context *client, const struct stream_tls_far *to,
		 struct tls_context *server, const struct stream_tls_far *from)
{
	struct stream_tls *c = NULL, *s = NULL;
	int done_c = 0, done_s = 0;

	assert_int_equal(stream_tls_new(client, to, &c), 0);
	assert_int_equal(stream_tls_new(server, from, &s), 0);
	for (int i = 0; i < 20 && done_c >= 0 && done_s >= 0 && !(done_c && done_s); i++) {
		done_c = stream_tls_handshake(c);
		carry(c, s);
		done_s = stream_tls_handshake(s);
		carry(s, c);
	}
	snprintf(client_error, sizeof(client_error), "%s", stream_tls_error(c));
	snprintf(server_error, sizeof(server_error), "%s", stream_tls_error(s));
	subject_seen[0] = '\0';
	for (const char *const *n = (const char *const[]){"a.example", "b.example", NULL}; *n;
	     n++) {
		if (stream_tls_peer_has_name(c, *n))
			snprintf(subject_seen, sizeof(subject_seen), "%s", *n);
	}
	mem_unref(c);
	mem_unref(s);
	return done_c == 1 && done_s == 1;
}

static const struct stream_tls_far as_server = {.server = true, .need_certificate = true};

static bool meet_named(const char *server_name, const char *const *names, size_t n,
		       const char *cert)
{
	struct tls_context *c = identity("a", (struct tls_options){0});
	struct tls_context *s = identity(cert, (struct tls_options){0});
	struct stream_tls_far to = {.server_name = server_name, .names = names, .nnames = n};
	bool ok = meet(c, &to, s, &as_server);

	mem_unref(c);
	mem_unref(s);
	return ok;
}

static void one_of_several_names_is_enough(void **state)
{
	(void)state;
	static const char *const names[] = {"x.example", "B.Example"};

	assert_true(meet_named(NULL, NULL, 0, "b"));
	assert_true(meet_named("b.example", NULL, 0, "b"));
	assert_true(meet_named("z.example", names, 2, "b"));
	assert_true(meet_named(NULL, names, 2, "b"));
	assert_false(meet_named("z.example", names, 1, "b"));
	assert_non_null(strstr(client_error, "does not carry the name z.example"));
	/* H6: with a sip: URI in it the DNS names of a certificate count for nothing */
	assert_true(meet_named("u.example", NULL, 0, "uri"));
	assert_false(meet_named("dns.example", NULL, 0, "uri"));
}

/* H1: the far end's authorities are those agreed with it, whomever else we believe. */
static void trust_is_of_the_far_end(void **state)
{
	(void)state;
	struct tls_context *c = identity("a", (struct tls_options){0});
	struct tls_context *b = identity("b", (struct tls_options){0});
	struct tls_context *o = identity("other", (struct tls_options){0});
	struct tls_trust *theirs = trust_of("other-ca", NULL, TLS_EKU_OFF);
	struct stream_tls_far to = {.server_name = "b.example"}, from = as_server;

	assert_true(meet(c, &to, b, &from));
	assert_false(meet(c, &to, o, &from));
	assert_non_null(strstr(client_error, "certificate refused"));
	to.trust = theirs;
	assert_true(meet(c, &to, o, &from));
	assert_false(meet(c, &to, b, &from));
	to.trust = NULL;
	from.trust = theirs; /* and as a server: a is of the other authority */
	assert_false(meet(c, &to, b, &from));
	assert_non_null(strstr(server_error, "certificate refused"));
	mem_unref(theirs);
	mem_unref(c);
	mem_unref(b);
	mem_unref(o);
}

static bool believes(const char *cert, const char *crl, enum tls_eku eku)
{
	struct tls_context *c = identity("a", (struct tls_options){0});
	struct tls_context *s = identity(cert, (struct tls_options){0});
	struct tls_trust *t = trust_of("ca", crl, eku);
	struct stream_tls_far to = {.server_name = "b.example", .trust = t};
	bool ok = meet(c, &to, s, &as_server);

	mem_unref(t);
	mem_unref(c);
	mem_unref(s);
	return ok;
}

/* RFC 5924, H7. */
static void key_usage_by_policy(void **state)
{
	(void)state;
	static const struct {
		const char *cert;
		bool off, if_present, required;
	} cases[] = {{"b", true, true, false},
		     {"sip", false, true, true},
		     {"any", true, true, true},
		     {"web", true, false, false},
		     {"mail", false, false, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (believes(cases[i].cert, NULL, TLS_EKU_OFF) != cases[i].off &&
		    strcmp(cases[i].cert, "any"))
			fail_msg("%s, off: %s", cases[i].cert, client_error);
		if (believes(cases[i].cert, NULL, TLS_EKU_IF_PRESENT) != cases[i].if_present)
			fail_msg("%s, if-present: %s", cases[i].cert, client_error);
		if (believes(cases[i].cert, NULL, TLS_EKU_REQUIRED) != cases[i].required)
			fail_msg("%s, required: %s", cases[i].cert, client_error);
	}
}

static void revocation_lists(void **state)
{
	(void)state;
	assert_true(believes("gone", NULL, TLS_EKU_OFF));
	assert_false(believes("gone", "crl", TLS_EKU_OFF));
	assert_non_null(strstr(client_error, "revoked"));
	assert_true(believes("b", "crl", TLS_EKU_OFF));
	/* the list of its issuer must be there ... */
	assert_false(believes("b", "sub-crl", TLS_EKU_OFF));
	assert_non_null(strstr(client_error, "CRL"));
	/* ... those of the authorities above it need not */
	assert_true(believes("chained", "sub-crl", TLS_EKU_OFF));
	assert_false(believes("chained", "crl", TLS_EKU_OFF));
}

static void depth_is_limited(void **state)
{
	(void)state;
	const char *files[] = {file("ca", ".pem")};
	struct tls_context *c = identity("a", (struct tls_options){0});
	struct tls_context *s = identity("chained", (struct tls_options){0});
	struct tls_context *flat;
	struct stream_tls_far to = {.server_name = "b.example"};
	char why[256];

	assert_true(meet(c, &to, s, &as_server));
	mem_unref(c);
	/* the smallest limit lets one authority stand in between; none at all is a matter of trusting that one */
	flat = identity("a", (struct tls_options){.depth = 1});
	assert_true(meet(flat, &to, s, &as_server));
	mem_unref(flat);
	mem_unref(s);
	assert_int_equal(tlstrust_new(&(struct tls_trust_options){.files = files,
								  .nfiles = 1,
								  .crl_files = files,
								  .ncrls = 1},
				      &(struct tls_trust *){NULL}, why),
			 -EINVAL);
	assert_non_null(strstr(why, "crl "));
}

/* H8, RFC 6066: the name a client asks for decides; an unknown one gets the first. */
static void server_name_chooses_the_identity(void **state)
{
	(void)state;
	struct tls_context *c = identity("a", (struct tls_options){0});
	struct tls_context *s = identity("a", (struct tls_options){0});
	struct tls_context *b = identity("b", (struct tls_options){.min_version = TLS_MIN_1_3});
	struct tls_context *old = identity("a", (struct tls_options){0});
	struct stream_tls_far to = {.server_name = "b.example"};

	assert_int_equal(tlsid_serve_also(s, b), 0);
	assert_true(meet(c, &to, s, &as_server));
	assert_string_equal(subject_seen, "b.example");
	to.server_name = "AA.example";
	assert_true(meet(c, &to, s, &as_server));
	assert_string_equal(subject_seen, "a.example");
	to.server_name = "nobody.example";
	assert_false(meet(c, &to, s, &as_server));
	to.server_name = NULL;
	assert_true(meet(c, &to, s, &as_server));
	assert_string_equal(subject_seen, "a.example");
	mem_unref(old);
	mem_unref(c);
	mem_unref(s);
	mem_unref(b);
}

/* H4: the floor of the cipher list cannot be lowered. */
static void ciphers_have_a_floor(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"AES128-SHA", "ECDHE+AES:!AESGCM", "AES128-GCM-SHA256", "NULL", "RC4", "rubbish"};
	struct tls_context *c = NULL;
	char why[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(tlsid_new(&(struct tls_options){.ciphers = bad[i]}, &c, why),
				 -EINVAL);
		assert_non_null(strstr(why, "ciphers"));
	}
	assert_int_equal(tlsid_new(&(struct tls_options){.ciphers = "ECDHE+AESGCM"}, &c, why), 0);
	mem_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_of_several_names_is_enough),
		cmocka_unit_test(trust_is_of_the_far_end),
		cmocka_unit_test(key_usage_by_policy),
		cmocka_unit_test(revocation_lists),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(server_name_chooses_the_identity),
		cmocka_unit_test(ciphers_have_a_floor),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
