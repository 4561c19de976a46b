/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_private - inside of a TLS identity, for tls.c, tls_sni.c, tls_trust.c and stream_tls.c only.
 */
#ifndef COMMON_NET_TLS_PRIVATE_H
#define COMMON_NET_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "common/net/tls.h"
#include "common/net/tls_trust.h"

struct tls_context {
	SSL_CTX *ctx;
	struct tls_trust *trust; /* reference */
	bool require_peer;
	int min_version; /* TLS1_2_VERSION ... */
	char *ciphers;   /* of TLS 1.2 */
	struct tls_info info;
	/* as a server: other identities for the names clients ask for; references */
	struct tls_context *others[TLS_OTHERS_MAX];
	size_t nothers;
};

/* Words for an operator; why has 256 bytes. @return err, or what is wrong with the file. */
int tlsid_why(char *why, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int tlsid_readable(const char *what, const char *file, char *why);
int64_t tlsid_time_s(const ASN1_TIME *t);
/** The last error of the library. */
const char *tlsid_reason(void);

/* tls_sni.c: choose the identity a client asked for. */
int tlsid_client_hello(SSL *ssl, int *ret_alert, void *arg);

#endif
