/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls - a TLS identity: certificate chain, key, trust and rules, shared by many streams.
 *
 * TLS 1.2 with forward secrecy and AEAD only, or TLS 1.3 (RFC 9325); no compression, renegotiation,
 * early data, session cache or tickets. Whom it believes: tls_trust.h; a stream may be given another
 * one, for what was agreed with a single far end.
 * The functions are called tlsid_, because tls_ is a prefix of sofia-sip's.
 * Owner: counted (mem_ref/mem_unref); a running stream keeps its context, so a reload makes a new one.
 * Thread: loop.
 */
#ifndef COMMON_NET_TLS_H
#define COMMON_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/tls_trust.h"

struct tls_context;

#define TLS_OTHERS_MAX 15

enum tls_version { TLS_MIN_1_2, TLS_MIN_1_3 };

struct tls_options {
	/* PEM: leaf first, then the chain. Both files NULL: a client that shows no certificate. */
	const char *certificate_file;
	const char *private_key_file; /* PEM, not encrypted */
	const char *const *trust_files;
	size_t ntrust;
	const char *const *crl_files; /* revocation lists, PEM */
	size_t ncrls;
	enum tls_eku eku;
	unsigned depth;               /* 0 = 8 */
	enum tls_version min_version; /* gate control: 1.3 */
	/* Of TLS 1.2, in OpenSSL's notation; NULL = all that have forward secrecy and AEAD. Others are refused. */
	const char *ciphers;
	bool require_peer; /* server: refuse a client without a verified certificate */
};

/** What an operator wants to know of our own certificate (`cert list`, metrics, alarms). */
struct tls_info {
	char subject[128];
	char issuer[128];
	char names[256]; /* the names a peer may match, separated by a blank; RFC 5922 7.1 */
	int64_t not_before_s, not_after_s; /* since 1970 UTC */
	int64_t crl_until_s; /* when the first of its revocation lists is stale; 0 = it has none */
};

/** @param ret_why  at least 256 bytes for a sentence naming file and cause. @return 0, -EINVAL, -ENOENT, -ENOMEM. */
int tlsid_new(const struct tls_options *o, struct tls_context **ret_context, char ret_why[256]);
/* free with mem_unref */

/** As a server show o instead to clients that ask for one of its names. @return 0, -ENOSPC. */
int tlsid_serve_also(struct tls_context *c, struct tls_context *o);

/** As a server it refuses clients without a verified certificate. */
bool tlsid_requires_peer(const struct tls_context *c);

/** Does our certificate, or one of those we also serve, have this name (RFC 5922)? */
bool tlsid_has_name(const struct tls_context *c, const char *name);

void tlsid_info(const struct tls_context *c, struct tls_info *ret_info);

#endif
