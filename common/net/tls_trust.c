/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_trust - a certificate store made of files, and what OpenSSL does not check by itself: RFC 5924 and lists of
 * authorities in between.
 */
#include "common/net/tls_trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/net/tls_private.h"

struct tls_trust {
	X509_STORE *store;
	STACK_OF(X509_NAME) * names; /* tells a client which of its certificates to show */
	ASN1_OBJECT *sip_domain;     /* 1.3.6.1.5.5.7.3.20 */
	enum tls_eku eku;
	int depth;
	int64_t crl_until_s;
	bool any;
};

static void trust_destroy(void *obj)
{
	struct tls_trust *t = obj;

	X509_STORE_free(t->store);
	sk_X509_NAME_pop_free(t->names, X509_NAME_free);
	ASN1_OBJECT_free(t->sip_domain);
}

static int load_files(struct tls_trust *t, const struct tls_trust_options *o, char *why)
{
	for (size_t i = 0; i < o->nfiles; i++) {
		int err = tlsid_readable("trust", o->files[i], why);

		if (!err && X509_STORE_load_file(t->store, o->files[i]) != 1)
			err = tlsid_why(why, -EINVAL, "trust %s: cannot be read: %s", o->files[i],
					tlsid_reason());
		if (err)
			return err;
		/* A file with revocation lists only adds no name. */
		SSL_add_file_cert_subjects_to_stack(t->names, o->files[i]);
		ERR_clear_error();
	}
	t->any = o->nfiles > 0;
	return 0;
}

static int load_crls(struct tls_trust *t, const struct tls_trust_options *o, char *why)
{
	for (size_t i = 0; i < o->ncrls; i++) {
		X509_LOOKUP *l = X509_STORE_add_lookup(t->store, X509_LOOKUP_file());
		int err = tlsid_readable("crl", o->crl_files[i], why);

		if (!err && (!l || X509_load_crl_file(l, o->crl_files[i], X509_FILETYPE_PEM) < 1))
			err = tlsid_why(why, -EINVAL, "crl %s: cannot be read: %s", o->crl_files[i],
					tlsid_reason());
		if (err)
			return err;
	}
	return 0;
}

/* The store also takes the lists of a trust file; as soon as there is one, lists are used. */
static bool has_crls(struct tls_trust *t)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(t->store);
	bool any = false;

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
		int64_t until_s;

		if (!crl)
			continue;
		any = true;
		until_s = tlsid_time_s(X509_CRL_get0_nextUpdate(crl));
		if (until_s && (!t->crl_until_s || until_s < t->crl_until_s))
			t->crl_until_s = until_s;
	}
	return any;
}

int tlstrust_new(const struct tls_trust_options *o, struct tls_trust **ret_trust, char ret_why[256])
{
	struct tls_trust *t = mem_zalloc(sizeof(*t), trust_destroy);
	int err;

	if (!t)
		return tlsid_why(ret_why, -ENOMEM, "out of memory");
	t->eku = o->eku;
	t->depth = (int)(o->depth ? o->depth : TLS_TRUST_DEPTH_DEFAULT);
	t->store = X509_STORE_new();
	t->names = sk_X509_NAME_new_null();
	t->sip_domain = OBJ_txt2obj("1.3.6.1.5.5.7.3.20", 1);
	if (!t->store || !t->names || !t->sip_domain) {
		err = tlsid_why(ret_why, -ENOMEM, "trust: out of memory");
		goto out;
	}
	err = load_files(t, o, ret_why);
	if (!err)
		err = load_crls(t, o, ret_why);
	if (err)
		goto out;
	if (has_crls(t))
		X509_STORE_set_flags(t->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	*ret_trust = t;
	t = NULL;
out:
	ERR_clear_error();
	mem_unref(t);
	return err;
}

bool tlstrust_any(const struct tls_trust *t)
{
	return t->any;
}

int64_t tlstrust_crl_until_s(const struct tls_trust *t)
{
	return t->crl_until_s;
}

X509_STORE *tlstrust_store(const struct tls_trust *t)
{
	return t->store;
}

int tlstrust_use(const struct tls_trust *t, SSL *ssl)
{
	STACK_OF(X509_NAME) *names = SSL_dup_CA_list(t->names);

	if (!names || SSL_set1_verify_cert_store(ssl, t->store) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return -ENOMEM;
	}
	SSL_set0_CA_list(ssl, names);
	SSL_set_verify_depth(ssl, t->depth);
	/* RFC 5924 asks for purposes of its own instead of those of web servers and their clients. */
	if (t->eku != TLS_EKU_OFF && SSL_set_purpose(ssl, X509_PURPOSE_ANY) != 1)
		return -ENOMEM;
	return 0;
}

static bool eku_fits(const struct tls_trust *t, X509 *cert)
{
	int critical = 0;
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(cert, NID_ext_key_usage, &critical, NULL);
	bool fits = false;

	if (!usage) /* -1: there is none; anything else is one that is broken or doubled */
		return critical == -1 && t->eku == TLS_EKU_IF_PRESENT;
	for (int i = 0; i < sk_ASN1_OBJECT_num(usage) && !fits; i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(usage, i);

		fits = OBJ_obj2nid(o) == NID_anyExtendedKeyUsage || !OBJ_cmp(o, t->sip_domain);
	}
	sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
	return fits;
}

int tlstrust_step(const struct tls_trust *t, int ok, X509_STORE_CTX *ctx)
{
	int depth = X509_STORE_CTX_get_error_depth(ctx);

	if (!ok && depth > 0 && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	if (!ok || depth > 0 || t->eku == TLS_EKU_OFF)
		return ok;
	if (eku_fits(t, X509_STORE_CTX_get_current_cert(ctx)))
		return 1;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_INVALID_PURPOSE);
	return 0;
}
