/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_timer - how long a call may ring (timer C of RFC 3261 16.6, applied per attempt).
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_TIMER_H
#define SBE_CALL_CALL_TIMER_H

struct call;

/** The attempt has begun: it may ring so long. */
void call_timer_ring(struct call *call);

#endif
