/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for the tests, by libcrypto: nothing secret and nothing that expires is kept in the repository. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/common/net/net_support.h"

static FILE *net_file(const char *dir, const char *name, const char *ending, const char *mode)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, ending);
	f = fopen(path, mode);
	assert_non_null(f);
	return f;
}

static X509 *net_read_cert(const char *dir, const char *name)
{
	FILE *f = net_file(dir, name, ".pem", "r");
	X509 *x = PEM_read_X509(f, NULL, NULL, NULL);

	fclose(f);
	assert_non_null(x);
	return x;
}

static EVP_PKEY *net_read_key(const char *dir, const char *name)
{
	FILE *f = net_file(dir, name, ".key", "r");
	EVP_PKEY *k = PEM_read_PrivateKey(f, NULL, NULL, NULL);

	fclose(f);
	assert_non_null(k);
	return k;
}

static void net_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static void net_alternative_names(X509 *x, const struct net_cert *c)
{
	char text[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < 3 && c->dns[i]; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%sDNS:%s",
					 used ? "," : "", c->dns[i]);
	if (c->uri)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%sURI:%s",
					 used ? "," : "", c->uri);
	if (used)
		net_extension(x, NID_subject_alt_name, text);
}

static X509 *net_fill(const struct net_cert *c, EVP_PKEY *key, X509 *issuer)
{
	static long serial = 1000;
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), c->from_s ? c->from_s : -60);
	X509_gmtime_adj(X509_getm_notAfter(x), c->to_s ? c->to_s : 3600);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)c->name, -1, -1,
				   0);
	if (c->common_name)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					   (const unsigned char *)c->common_name, -1, -1, 0);
	X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name);
	X509_set_pubkey(x, key);
	net_extension(x, NID_basic_constraints, c->ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (c->ca)
		net_extension(x, NID_key_usage, "critical,keyCertSign,cRLSign");
	net_alternative_names(x, c);
	if (c->ext_key_usage)
		net_extension(x, NID_ext_key_usage, c->ext_key_usage);
	return x;
}

void net_cert_make(const char *dir, const struct net_cert *c)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY *issuer_key = c->issuer ? net_read_key(dir, c->issuer) : NULL;
	X509 *issuer = c->issuer ? net_read_cert(dir, c->issuer) : NULL;
	X509 *x = net_fill(c, key, issuer);
	FILE *f;

	assert_true(X509_sign(x, issuer_key ? issuer_key : key, EVP_sha256()) > 0);
	f = net_file(dir, c->name, ".pem", "w");
	PEM_write_X509(f, x);
	if (issuer && X509_check_issued(issuer, issuer) != X509_V_OK)
		PEM_write_X509(f, issuer);
	fclose(f);
	f = net_file(dir, c->name, ".key", "w");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(x);
	X509_free(issuer);
	EVP_PKEY_free(key);
	EVP_PKEY_free(issuer_key);
}

void net_crl_make(const char *dir, const char *name, const char *issuer, const char *revoked)
{
	X509_CRL *crl = X509_CRL_new();
	X509 *ca = net_read_cert(dir, issuer);
	EVP_PKEY *key = net_read_key(dir, issuer);
	ASN1_TIME *t = X509_gmtime_adj(NULL, -30);
	FILE *f;

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(crl, t);
	if (revoked) {
		X509 *x = net_read_cert(dir, revoked);
		X509_REVOKED *r = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(x));
		X509_REVOKED_set_revocationDate(r, t);
		X509_CRL_add0_revoked(crl, r);
		X509_free(x);
	}
	X509_gmtime_adj(t, 3600);
	X509_CRL_set1_nextUpdate(crl, t);
	X509_CRL_sort(crl);
	assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	f = net_file(dir, name, ".pem", "w");
	PEM_write_X509_CRL(f, crl);
	fclose(f);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	X509_free(ca);
	EVP_PKEY_free(key);
}
