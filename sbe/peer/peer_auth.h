/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_auth - Digest with a peer: the one realm in which we have credentials with it, and what we ask of it.
 *
 * The same user and password serve both ways: we answer its challenges with them, and it answers ours. The
 * password is read from a file of its own and kept only as H(user:realm:password).
 * Owner: part of the peer's configuration. Thread: loop.
 */
#ifndef SBE_PEER_PEER_AUTH_H
#define SBE_PEER_PEER_AUTH_H

#include "common/conf.h"
#include "sbe/sip/digest.h"

#define PEER_AUTH_PASSWORD_MAX_BYTES 256U

struct peer_auth_conf {
	const char *realm; /* NULL = no Digest with this peer */
	const char *user;
	const char *password_file;
	bool challenge;              /* its requests must carry credentials */
	bool clear;                  /* also over UDP and TCP */
	struct conf_list algorithms; /* const char *; empty = SHA-256 */
	/* made by peer_auth_load */
	bool ready;
	uint8_t allowed; /* bit per enum digest_algorithm */
	char ha1[DIGEST_ALGORITHMS][DIGEST_HEX_BYTES];
};
extern const struct conf_field peer_auth_fields[];
/** Check of the object (struct conf_field). */
int peer_auth_check(struct conf_reader *r, void *object);

/**
 * Read the password, which must be the only line of a file nobody else can read.
 * @param conf_path the configuration file: other names are relative to its directory. NULL = to the present one.
 * @param why       set to a text without the password when it fails. @return 0, -EINVAL, -errno of the file.
 */
int peer_auth_load(struct peer_auth_conf *a, const char *conf_path, char *why, size_t why_bytes);
/** The rest of it: from the password. @return 0, -ENOTSUP (an algorithm OpenSSL refuses here). */
int peer_auth_set(struct peer_auth_conf *a, const char *password);

/** May this algorithm be used with the peer? Not before the password is known. */
bool peer_auth_allows(const struct peer_auth_conf *a, enum digest_algorithm algorithm);

#endif
