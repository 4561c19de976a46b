/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_bye - the end of a call: who asked for it, both legs released, gates closed, record written.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_BYE_H
#define SBE_CALL_CALL_BYE_H

struct call;
struct call_release;
struct leg;
struct txn_server;
struct wire_msg;

/** BYE of this leg; s is answered at once. */
void call_bye_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
/** BYE to this leg. @param request whose Reason passes, or NULL. @param reason value of ours, or NULL. */
void call_leg_bye(struct leg *leg, const struct wire_msg *request, const char *reason);
/** Release both legs, each as its state needs. Called by the state table (CALL_EV_RELEASE) only. @return 0. */
int call_release(struct call *call, const struct call_release *r);
/** The same as an event, by us. @param status for a caller without an answer. @param cause CDR word, static. */
void call_release_us(struct call *call, int status, const char *cause, const char *reason);

#endif
