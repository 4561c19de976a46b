/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_invite - the way out: gates for a candidate, the INVITE to it, and the next one when it fails.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_INVITE_H
#define SBE_CALL_CALL_INVITE_H

struct call;
struct call_failure;

/** Ask for gates of the present candidate. @return 0, -errno: it can not be tried. */
int call_invite_open(struct call *call);
/** The INVITE to the present candidate. @return 0, -errno of the transaction. */
int call_invite_send(struct call *call);
/** The same once more, in the same dialog (RFC 4028 7.3, RFC 3261 22.2). @return as call_invite_send. */
int call_invite_again(struct call *call);
/** The present candidate has failed: the next one, or give up. */
void call_invite_next(struct call *call, const struct call_failure *f);
/** Final answer to the caller, and the end. */
void call_reject(struct call *call, const struct call_failure *f);

#endif
