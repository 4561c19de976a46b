/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_tls - what was agreed with a peer about TLS: who it is, who vouches for it, who we are to it.
 *
 * The group "tls" of a peer's configuration. Owner: the configuration. Thread: any.
 */
#ifndef SBE_PEER_PEER_TLS_H
#define SBE_PEER_PEER_TLS_H

#include <stdbool.h>

#include "common/conf.h"

/* As enum tls_eku, but for the first: what the identity says. */
enum peer_tls_eku { PEER_EKU_IDENTITY, PEER_EKU_OFF, PEER_EKU_IF_PRESENT, PEER_EKU_REQUIRED };

struct peer_tls_conf {
	struct conf_list
		names; /* const char *: its certificate carries one of them; empty = its first domain */
	const char *identity; /* name in the section tls: what we show to it; NULL = the realm's */
	struct conf_list
		trust; /* const char *: PEM files, the only authorities for this peer; empty = the identity's */
	struct conf_list crl; /* const char *: PEM files with revocation lists */
	int eku;              /* enum peer_tls_eku */
	bool required;        /* nothing of it is taken, and nothing sent to it, without TLS */
	bool mutual;          /* its connections to us carry a certificate with its name */
};

extern const struct conf_field peer_tls_fields[];

struct peer;
struct peer_conf;

/** No message of this peer passes in clear: "required", names are agreed, or sec.admission says so. */
bool peer_tls_only(const struct peer_conf *c);
/** It has authorities or rules of its own, which only its address calls for: a certificate cannot name its own judge. */
bool peer_tls_own_rules(const struct peer_conf *c);
/** Names of which its certificate must carry one, at most PEER_TLS_NAMES_MAX. @return how many; 0 = none agreed. */
#define PEER_TLS_NAMES_MAX 16
size_t peer_tls_names(const struct peer_conf *c, const char *const **ret_names);
/** The first of them, or NULL. */
const char *peer_tls_name(const struct peer *p);

/** What a table cannot say: trust without sources, clear next hops of a peer that takes TLS only. @return 0, -EINVAL. */
int peer_tls_check(const struct conf_doc *doc, const char *path, const struct peer_conf *c,
		   struct conf_error *err);

#endif
