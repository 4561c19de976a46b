/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_trust - whom to believe: authorities, revocation lists, depth and purpose of a certificate.
 *
 * Only the files count, never the system's store (requirements H1). With a revocation list each leaf needs a fresh one of
 * its issuer; an authority in between needs one only if there is one of its issuer.
 * Owner: counted (mem_ref/mem_unref); a running stream keeps the one it was verified with. Thread: loop.
 */
#ifndef COMMON_NET_TLS_TRUST_H
#define COMMON_NET_TLS_TRUST_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 5924: is a certificate meant for SIP domains? id-kp-sipDomain or anyExtendedKeyUsage. */
enum tls_eku {
	TLS_EKU_OFF, /* not asked; an extension without serverAuth or clientAuth is refused as by any TLS */
	TLS_EKU_IF_PRESENT, /* if it limits its use at all */
	TLS_EKU_REQUIRED,
};

#define TLS_TRUST_DEPTH_DEFAULT 8

struct tls_trust_options {
	const char *const *files; /* PEM: authorities, and revocation lists too */
	size_t nfiles;
	const char *const *crl_files; /* PEM: revocation lists; each must hold one at least */
	size_t ncrls;
	enum tls_eku eku;
	unsigned depth; /* certificates between the leaf and the authority; 0 = 8 */
};

struct tls_trust;

/** @param ret_why a sentence naming file and cause. @return 0, -EINVAL, -ENOENT, -ENOMEM. */
int tlstrust_new(const struct tls_trust_options *o, struct tls_trust **ret_trust,
		 char ret_why[256]);
/* free with mem_unref */

/** It names authorities: a far end can be verified. */
bool tlstrust_any(const struct tls_trust *t);
/** When the first of its revocation lists is stale, since 1970 UTC; 0 = it has none. */
int64_t tlstrust_crl_until_s(const struct tls_trust *t);
/** Use it for this handshake: store, depth, the names a client is told. @return 0, -ENOMEM. */
int tlstrust_use(const struct tls_trust *t, SSL *ssl);
/** A step of the verification of a chain; ok as OpenSSL gave it. @return 1 to go on, else 0 with the error in ctx. */
int tlstrust_step(const struct tls_trust *t, int ok, X509_STORE_CTX *ctx);
/** Store, borrowed: chains of our own certificates are completed from it. */
X509_STORE *tlstrust_store(const struct tls_trust *t);

#endif
