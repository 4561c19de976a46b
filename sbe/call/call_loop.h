/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_loop - calls that come back: hops left (RFC 3261 8.1.1.6, RFC 7332), breadth left (RFC 5393), and our own
 * INVITE recognised when it returns.
 *
 * Where all in between are proxies, our Via is still in it when it comes back. Its branch carries two keyed marks,
 * salted with the branch's own random part, so nobody else can read, compare or make one: what the INVITE was
 * when it came to us, from which peer, and which Request-URI we gave it. An INVITE that is one of both again
 * would go the same way again: 482. Another target, or the same from another side (a spiral), goes on. Through
 * another B2BUA nothing of ours is left but Max-Forwards, which ends it.
 * Owner: nothing. Thread: loop.
 */
#ifndef SBE_CALL_CALL_LOOP_H
#define SBE_CALL_CALL_LOOP_H

#include "sbe/call/call.h"
#include "sbe/sip/wire_out.h"

#define CALL_LOOP_BRANCH_BYTES 57 /* 96 random bits and two marks in hex, with the 0 */
#define CALL_HOPS_DEFAULT 70
#define CALL_BREADTH_DEFAULT "60"
#define CALL_BREADTH_MAX 1000000U

struct peer;

/** What an INVITE is when it comes: the peer and the Request-URI. */
uint64_t call_loop_key(const uint64_t secret[2], const struct wire_msg *m, const struct peer *p);
/** A branch (without the cookie) for an INVITE that came as key and goes out with this Request-URI. */
void call_loop_branch(const uint64_t secret[2], uint64_t key, const char *uri,
		      char branch[CALL_LOOP_BRANCH_BYTES]);
/** Has this INVITE been here before? */
bool call_loop_found(const uint64_t secret[2], uint64_t key, const struct wire_msg *m);

/** Max-Forwards for what we send in place of m. */
int call_hops_left(const struct wire_msg *m);
/** Max-Breadth of m. @return it, -ENOENT absent, -EINVAL no number. */
int call_breadth(const struct wire_msg *m);
/** The Max-Breadth line of what we send in place of an INVITE (RFC 5393 5.3.3.1). */
void call_breadth_write(const struct wire_msg *m, struct wire_out *o);

#endif
