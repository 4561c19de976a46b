/* SPDX-License-Identifier: Apache-2.0 */
/* Identities of a certificate: RFC 5922 7.1 and 7.2, requirements H6. */
#include "tests/unit/common/net/net_support.h"

#include <openssl/asn1.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/net/cert_name.h"

static X509 *make(const char *cn, const char *san)
{
	X509 *x = X509_new();

	X509_set_version(x, 2);
	if (cn)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
					   (const unsigned char *)cn, -1, -1, 0);
	if (san) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);

		assert_non_null(e);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	return x;
}

static void test_names(void **state)
{
	static const struct {
		const char *cn, *san, *name;
		bool has;
	} rows[] = {
		{NULL, "DNS:sbe1", "sbe1", true},
		{NULL, "DNS:sbe1", "SBE1", true},
		{NULL, "DNS:sbe1,DNS:sbe2", "sbe2", true},
		{NULL, "DNS:sbe1", "sbe", false},
		{NULL, "DNS:sbe1", "sbe12", false},
		{NULL, "DNS:sbe1", "", false},
		{NULL, "DNS:a.example", "b.a.example", false},   /* no suffix */
		{NULL, "DNS:*.a.example", "b.a.example", false}, /* no wildcard */
		{"sbe1", NULL, "sbe1", true},
		{"*.a.example", NULL, "b.a.example", false},
		{"sbe1", "DNS:other", "sbe1", false}, /* CN counts only without a SAN */
		{"sbe1", "IP:192.0.2.1", "sbe1", false},
		{NULL, "URI:sip:a.example", "a.example", true},
		{NULL, "URI:sip:A.example:5061;x=y", "a.example", true},
		{NULL, "URI:sip:a.example,DNS:b.example", "b.example", false}, /* URI wins */
		{NULL, "URI:sip:user@a.example", "a.example", false},
		{NULL, "URI:sip:user@a.example,DNS:b.example", "b.example", true},
		{NULL, "URI:https:a.example,DNS:b.example", "a.example", false},
		{NULL, "URI:https:a.example,DNS:b.example", "b.example", true},
		{NULL, "URI:sip:", "", false},
		{NULL, NULL, "sbe1", false},
		{NULL, "IP:192.0.2.1,DNS:a.example", "192.0.2.1", true},
		{NULL, "IP:192.0.2.1", "192.0.2.2", false},
		{NULL, "IP:2001:db8::1", "2001:DB8:0::1", true},
		{NULL, "DNS:192.0.2.1", "192.0.2.1", true},
		{NULL, "URI:sip:192.0.2.1", "192.0.2.1", true},
		{NULL, "IP:192.0.2.1,URI:sip:a.example", "192.0.2.1", false}, /* URI wins */
		{"a.example b.example", NULL, "b.example", false},
		{"a.example b.example", NULL, "a.example b.example", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509 *x = make(rows[i].cn, rows[i].san);

		if (cert_name_has(x, rows[i].name) != rows[i].has)
			fail_msg("row %zu: %s against %s", i, rows[i].name,
				 rows[i].san ? rows[i].san : "CN");
		X509_free(x);
	}
}

/* "sbe1\0.evil.example" must not pass for sbe1, and not for the whole either. */
static void test_zero_byte_inside_a_name(void **state)
{
	X509 *x = make(NULL, NULL);
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	(void)state;
	ASN1_STRING_set(s, "sbe1\0.evil", 10);
	GENERAL_NAME_set0_value(g, GEN_DNS, s);
	sk_GENERAL_NAME_push(names, g);
	X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0);
	assert_false(cert_name_has(x, "sbe1"));
	GENERAL_NAMES_free(names);
	X509_free(x);
}

static void test_print(void **state)
{
	X509 *x = make(NULL, "DNS:one,DNS:two,DNS:three");
	char buf[32], small[8];

	(void)state;
	assert_string_equal(cert_name_print(x, buf, sizeof(buf)), "one two three");
	assert_string_equal(cert_name_print(x, small, sizeof(small)), "one two");
	X509_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_zero_byte_inside_a_name),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
