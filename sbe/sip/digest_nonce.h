/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_nonce - nonces of our challenges: made and recognised without keeping anything, and the counts that
 * were used with those whose credentials were right.
 *
 * A nonce is its time (masked), 64 random bits and an HMAC of both and of whom it is for, under a key made at
 * the start: asking for nonces costs no memory. Only who knows the password makes an entry, and entries are a
 * ring of fixed size: when it is full the oldest goes and nonces as old as that one count as expired.
 * Owner: the caller of _new. Thread: loop.
 */
#ifndef SBE_SIP_DIGEST_NONCE_H
#define SBE_SIP_DIGEST_NONCE_H

#include "sbe/sip/wire.h"

#define DIGEST_NONCE_BYTES 65 /* with the 0 */
#define DIGEST_NONCE_LIFETIME_MS 60000U
#define DIGEST_NONCE_USED_MAX 8192U /* nonces whose counts are remembered */
#define DIGEST_NONCE_WINDOW 64U     /* how far a count may come late */

struct digest_nonces;

/** @param used_max 0 = DIGEST_NONCE_USED_MAX; a power of two. @return 0, -ENOMEM, -EIO (no random numbers). */
int digest_nonces_new(size_t used_max, struct digest_nonces **ret_nonces);
void digest_nonces_free(struct digest_nonces *n);

/** A new nonce for whom. */
void digest_nonce_make(const struct digest_nonces *n, const char *whom, uint64_t now_ms,
		       char buf[DIGEST_NONCE_BYTES]);

enum digest_nonce_verdict {
	DIGEST_NONCE_GOOD,
	DIGEST_NONCE_FORGED, /* not made by us, or for somebody else */
	DIGEST_NONCE_OLD,
	DIGEST_NONCE_USED, /* this count, or one too far behind */
};
/**
 * To be called only when the credentials made with it are right: takes the count.
 * @param nc from 1.
 */
enum digest_nonce_verdict digest_nonce_use(struct digest_nonces *n, const char *whom,
					   struct wire_text nonce, uint32_t nc, uint64_t now_ms);

#endif
