/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls - loads an identity and says in words what is wrong with a file, because these errors are read
 * by an operator in the middle of a certificate change. Everything is checked here, before a single
 * connection sees the new identity: a bad pair never replaces a good one.
 */
#include "common/net/tls_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/net/cert_name.h"

#define TLS_WHY_BYTES 256
#define TLS_CHAIN_MAX_BYTES (32 * 1024) /* a peer's whole chain */
#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

int tlsid_why(char *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, TLS_WHY_BYTES, fmt, ap);
	va_end(ap);
	return err;
}

/* The last error of the library, in words. */
const char *tlsid_reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "not a PEM file of the right kind";
}

static void tls_context_destroy(void *obj)
{
	struct tls_context *c = obj;

	SSL_CTX_free(c->ctx);
	mem_unref(c->trust);
	mem_unref(c->ciphers);
	for (size_t i = 0; i < c->nothers; i++)
		mem_unref(c->others[i]);
}

/* No prompt on the terminal for an encrypted key: a daemon has nobody to ask. */
static int tls_no_passphrase(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	*(bool *)arg = true;
	return -1;
}

int tlsid_readable(const char *what, const char *file, char *why)
{
	if (!file || !*file)
		return tlsid_why(why, -EINVAL, "%s: no file is named", what);
	if (access(file, R_OK) < 0) {
		int err = errno;

		return tlsid_why(why, err == ENOENT ? -ENOENT : -EINVAL, "%s %s: %s", what, file,
				 strerror(err));
	}
	return 0;
}

static int tls_load_certificate(struct tls_context *c, const char *file, char *why)
{
	int err = tlsid_readable("certificate", file, why);

	if (err)
		return err;
	if (SSL_CTX_use_certificate_chain_file(c->ctx, file) != 1)
		return tlsid_why(why, -EINVAL, "certificate %s: cannot be read: %s", file,
				 tlsid_reason());
	return 0;
}

static int tls_load_key(struct tls_context *c, const struct tls_options *o, char *why)
{
	bool asked = false;
	EVP_PKEY *key = NULL;
	BIO *bio;
	int err = tlsid_readable("private key", o->private_key_file, why);

	if (err)
		return err;
	bio = BIO_new_file(o->private_key_file, "r");
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, tls_no_passphrase, &asked);
	BIO_free(bio);
	if (!key && asked)
		return tlsid_why(why, -EINVAL, "private key %s: is encrypted, give a plain one",
				 o->private_key_file);
	if (!key)
		return tlsid_why(why, -EINVAL, "private key %s: cannot be read: %s",
				 o->private_key_file, tlsid_reason());
	/* X509_check first: SSL_CTX_use_PrivateKey would name the mismatch only in its own words. */
	if (X509_check_private_key(SSL_CTX_get0_certificate(c->ctx), key) != 1)
		err = tlsid_why(why, -EINVAL, "private key %s: does not belong to certificate %s",
				o->private_key_file, o->certificate_file);
	else if (SSL_CTX_use_PrivateKey(c->ctx, key) != 1)
		err = tlsid_why(why, -EINVAL, "private key %s: refused: %s", o->private_key_file,
				tlsid_reason());
	EVP_PKEY_free(key);
	return err;
}

static int tls_load_trust(struct tls_context *c, const struct tls_options *o, char *why)
{
	struct tls_trust_options to = {.files = o->trust_files,
				       .nfiles = o->ntrust,
				       .crl_files = o->crl_files,
				       .ncrls = o->ncrls,
				       .eku = o->eku,
				       .depth = o->depth};
	int err = tlstrust_new(&to, &c->trust, why);

	if (!err)
		SSL_CTX_set1_cert_store(c->ctx, tlstrust_store(c->trust));
	return err;
}

int64_t tlsid_time_s(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

static int tls_check_dates(struct tls_context *c, const char *file, char *why)
{
	X509 *cert = SSL_CTX_get0_certificate(c->ctx);
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
	struct tls_info *info = &c->info;
	char when[32];

	X509_NAME_oneline(X509_get_subject_name(cert), info->subject, sizeof(info->subject));
	X509_NAME_oneline(X509_get_issuer_name(cert), info->issuer, sizeof(info->issuer));
	cert_name_print(cert, info->names, sizeof(info->names));
	info->not_before_s = tlsid_time_s(X509_get0_notBefore(cert));
	info->not_after_s = tlsid_time_s(X509_get0_notAfter(cert));
	if (info->not_after_s <= now_s) {
		clock_print((uint64_t)info->not_after_s * 1000, when, sizeof(when));
		return tlsid_why(why, -EINVAL, "certificate %s: expired at %s", file, when);
	}
	if (info->not_before_s > now_s) {
		clock_print((uint64_t)info->not_before_s * 1000, when, sizeof(when));
		return tlsid_why(why, -EINVAL, "certificate %s: not valid before %s", file, when);
	}
	return 0;
}

static int tls_load_identity(struct tls_context *c, const struct tls_options *o, char *why)
{
	int err = tls_load_certificate(c, o->certificate_file, why);

	if (!err)
		err = tls_load_key(c, o, why);
	if (!err)
		err = tls_check_dates(c, o->certificate_file, why);
	return err;
}

/* RFC 9325 4.1: what an operator's list lets in beside those two properties is a mistake. */
static int tls_set_ciphers(struct tls_context *c, const char *list, char *why)
{
	STACK_OF(SSL_CIPHER) * all;

	if (SSL_CTX_set_cipher_list(c->ctx, list) != 1)
		return tlsid_why(why, -EINVAL, "ciphers %.100s: none is known", list);
	all = SSL_CTX_get_ciphers(c->ctx);
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const SSL_CIPHER *s = sk_SSL_CIPHER_value(all, i);
		int kx = SSL_CIPHER_get_kx_nid(s);

		if (!SSL_CIPHER_is_aead(s) || (kx != NID_kx_ecdhe && kx != NID_kx_any))
			return tlsid_why(why, -EINVAL,
					 "ciphers: %s has no forward secrecy or no AEAD",
					 SSL_CIPHER_get_name(s));
	}
	return mem_strdup(list, strlen(list), &c->ciphers)
		       ? tlsid_why(why, -ENOMEM, "out of memory")
		       : 0;
}

static int tls_set_rules(struct tls_context *c, const struct tls_options *o, char *why)
{
	SSL_CTX *ctx = c->ctx;

	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_max_cert_list(ctx, TLS_CHAIN_MAX_BYTES);
	/* Idle connections give their 34 KiB of record buffers back. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_client_hello_cb(ctx, tlsid_client_hello, c);
	c->min_version = o->min_version == TLS_MIN_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
	if (SSL_CTX_set_num_tickets(ctx, 0) != 1 || SSL_CTX_set_max_early_data(ctx, 0) != 1 ||
	    SSL_CTX_set_min_proto_version(ctx, c->min_version) != 1)
		return tlsid_why(why, -EINVAL, "TLS rules refused: %s", tlsid_reason());
	return tls_set_ciphers(c, o->ciphers ? o->ciphers : TLS12_CIPHERS, why);
}

int tlsid_new(const struct tls_options *o, struct tls_context **ret_context, char ret_why[256])
{
	struct tls_context *c;
	int err;

	ret_why[0] = 0;
	if (o->require_peer && o->ntrust == 0)
		return tlsid_why(ret_why, -EINVAL,
				 "trust: no file is named, but peers need a verified certificate");
	c = mem_zalloc(sizeof(*c), tls_context_destroy);
	if (!c)
		return tlsid_why(ret_why, -ENOMEM, "out of memory");
	ERR_clear_error();
	c->require_peer = o->require_peer;
	c->ctx = SSL_CTX_new(TLS_method());
	if (!c->ctx) {
		err = tlsid_why(ret_why, -ENOMEM, "out of memory");
		goto out;
	}
	err = tls_set_rules(c, o, ret_why);
	if (err)
		goto out;
	if (o->certificate_file || o->private_key_file)
		err = tls_load_identity(c, o, ret_why);
	if (!err)
		err = tls_load_trust(c, o, ret_why);
	if (err)
		goto out;
	*ret_context = c;
	c = NULL;
out:
	ERR_clear_error();
	mem_unref(c);
	return err;
}

void tlsid_info(const struct tls_context *c, struct tls_info *ret_info)
{
	*ret_info = c->info;
	ret_info->crl_until_s = tlstrust_crl_until_s(c->trust);
}

int tlsid_serve_also(struct tls_context *c, struct tls_context *o)
{
	if (c->nothers >= TLS_OTHERS_MAX)
		return -ENOSPC;
	c->others[c->nothers++] = mem_ref(o);
	return 0;
}

bool tlsid_requires_peer(const struct tls_context *c)
{
	return c->require_peer;
}

bool tlsid_has_name(const struct tls_context *c, const char *name)
{
	X509 *cert = SSL_CTX_get0_certificate(c->ctx);

	if (cert && cert_name_has(cert, name))
		return true;
	for (size_t i = 0; i < c->nothers; i++) {
		if (tlsid_has_name(c->others[i], name))
			return true;
	}
	return false;
}
