/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls - a TLS identity: certificate chain, key, trust and rules, shared by many streams.
 *
 * TLS 1.2 with forward secrecy and AEAD only, or TLS 1.3 (RFC 9325); no compression, renegotiation,
 * session cache or tickets. Only the trust files count, never the system's store (requirements H1).
 * A trust file may also hold revocation lists in PEM: as soon as one is there, each certificate of a
 * peer needs a fresh list of its issuer.
 * The functions are called tlsid_, because tls_ is a prefix of sofia-sip's.
 * Owner: counted (mem_ref/mem_unref); a running stream keeps its context, so a reload makes a new one.
 * Thread: loop.
 */
#ifndef COMMON_NET_TLS_H
#define COMMON_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_context;

struct tls_options {
	/* PEM: leaf first, then the chain. Both files NULL: a client that shows no certificate. */
	const char *certificate_file;
	const char *private_key_file; /* PEM, not encrypted */
	const char *const *trust_files;
	size_t ntrust;
	bool tls13_only;   /* gate control */
	bool require_peer; /* server: refuse a client without a verified certificate */
};

/** What an operator wants to know of our own certificate (`cert list`, metrics, alarms). */
struct tls_info {
	char subject[128];
	char issuer[128];
	char names[256]; /* the names a peer may match, separated by a blank; RFC 5922 7.1 */
	int64_t not_before_s, not_after_s; /* since 1970 UTC */
};

/** @param ret_why  at least 256 bytes for a sentence naming file and cause. @return 0, -EINVAL, -ENOENT, -ENOMEM. */
int tlsid_new(const struct tls_options *o, struct tls_context **ret_context, char ret_why[256]);
/* free with mem_unref */

void tlsid_info(const struct tls_context *c, struct tls_info *ret_info);

#endif
