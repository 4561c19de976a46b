/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_progress - the callee's provisional responses on their way to the caller: early dialogs, early media, 199.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_PROGRESS_H
#define SBE_CALL_CALL_PROGRESS_H

struct call;
struct call_fork;
struct wire_msg;

/** A 101 to 199 of the callee. @return 0, -errno of the gates and of call_prack_offer. */
int call_progress(struct call *call, const struct wire_msg *m);
/** It rings: note when, once. */
void call_note_ringing(struct call *call);
/** An early dialog has ended: early media of another one is heard, if there is one. @return 0, -errno of the gates. */
int call_fork_gone(struct call *call, struct call_fork *fork);

#endif
