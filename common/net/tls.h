/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls - a TLS identity: certificate chain, key, trust and rules, shared by many streams.
 *
 * Owner: counted (mem_ref/mem_unref); a running stream keeps its context, so a reload makes a new one.
 * Thread: loop.
 */
#ifndef COMMON_NET_TLS_H
#define COMMON_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct tls_context;

struct tls_options {
	const char *certificate_file; /* PEM: leaf first, then the chain */
	const char *private_key_file; /* PEM */
	const char *const *trust_files;
	size_t ntrust;
	bool tls13_only;  /* gate control */
	bool require_peer; /* server: refuse a client without a verified certificate */
};

/** @param ret_why  at least 256 bytes for a sentence naming file and cause. @return 0, -EINVAL, -ENOENT, -ENOMEM. */
int tls_context_new(const struct tls_options *o, struct tls_context **ret_context, char ret_why[256]);
/* free with mem_unref */

#endif
