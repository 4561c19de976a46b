/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_admit - whether a new call may be: everything that is checked before a call object exists.
 * Owner: none. Thread: loop.
 */
#ifndef SBE_CALL_CALL_ADMIT_H
#define SBE_CALL_CALL_ADMIT_H

struct call_core;
struct call_planning;
struct peer;
struct route_asking;
struct txn_server;
struct wire_msg;

/** A new INVITE of peer p: refused (answered, with one record), or the call it begins. */
void call_admit(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		struct peer *p);
/** Limits and route of a call that peer p makes by other means than an INVITE.
 *  @return 0 with the peer's session taken (PEER_IN), or a status. */
int call_admit_plan(struct call_core *core, const struct wire_msg *invite, struct peer *p,
		    struct call_planning *ret_planning, struct route_asking **ret_asking);

#endif
