/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_sync - after the answer: is the caller owed another description than a reliable 18x gave it (RFC 3262 5, S3)?
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_SYNC_H
#define SBE_CALL_CALL_SYNC_H

struct call;

/** The initial INVITE is acknowledged: offer the caller what counts now, if it would read differently. */
void call_sync(struct call *call);

#endif
