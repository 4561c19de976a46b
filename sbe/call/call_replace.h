/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_replace - a call whose callee is taken from another call gives it back when it comes to nothing.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_REPLACE_H
#define SBE_CALL_CALL_REPLACE_H

struct call;
struct call_release;

/** The callee goes back to the call it came from, with the session it had there. */
void call_replace_return(struct call *call, const struct call_release *r);

#endif
