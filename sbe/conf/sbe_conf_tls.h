/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf_tls - the section "tls" and what realms and peers say of it, as options of common/net/tls.h.
 *
 * Owner: the configuration. Thread: any.
 */
#ifndef SBE_CONF_SBE_CONF_TLS_H
#define SBE_CONF_SBE_CONF_TLS_H

#include "common/net/tls.h"
#include "sbe/conf/sbe_conf.h"

/** Fields of struct sbe_tls_conf. */
extern const struct conf_field sbe_conf_tls_fields[];

/** The identity of this name, or NULL. */
const struct sbe_tls_conf *sbe_conf_tls_find(const struct sbe_conf *c, const char *name);
/** The first identity of a realm, or NULL. */
const struct sbe_tls_conf *sbe_conf_tls_of_realm(const struct sbe_conf *c, const char *realm);

void sbe_conf_tls_options(const struct sbe_tls_conf *t, struct tls_options *ret_options);
/** Whose word counts for a peer. @return false if nothing else was agreed than for its realm's identity. */
bool sbe_conf_tls_peer(const struct sbe_conf *c, const struct peer_conf *p,
		       struct tls_trust_options *ret_options);

/** Walk all names of files, to make them whole; fn may change them. Stops at the first error. */
typedef int(sbe_conf_file_h)(void *arg, const char **name);
int sbe_conf_tls_files(const struct sbe_conf *c, sbe_conf_file_h *fn, void *arg);

/** Do certificates, keys and trust load? @return 0, -EINVAL with err set, -ENOMEM. */
int sbe_conf_tls_load(const struct conf_doc *doc, const struct sbe_conf *c, struct conf_error *err);

/** What lookup servers over HTTPS need of the section: files into each step of lookup. @return 0, -EINVAL with err set. */
int sbe_conf_tls_lookup(const struct conf_doc *doc, struct sbe_conf *c, struct conf_error *err);

/** Names of identities that realms and peers use are there; realms that need one have one. */
int sbe_conf_tls_check(const struct conf_doc *doc, const struct sbe_conf *c,
		       struct conf_error *err);

/** A realm's "tls": one name or a list. */
conf_custom_h sbe_conf_tls_read_names;

#endif
