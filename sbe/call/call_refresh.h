/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_refresh - refreshes of a session (RFC 4028 7.4, 8) that we send, and the session that was in force brought back.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_REFRESH_H
#define SBE_CALL_CALL_REFRESH_H

struct leg;

/** Our refresh of this leg, by UPDATE if its peer allows it, else by INVITE. */
void call_refresh_send(struct leg *leg);
/** The leg has taken a session that does not come about: bring back what was in force. */
void call_refresh_restore(struct leg *leg);

#endif
