/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_audit - what must hold when nothing happens any more: while calls are up, and when all are over.
 */
#ifndef TESTS_SIM_SIM_AUDIT_H
#define TESTS_SIM_SIM_AUDIT_H

#include "tests/sim/sim_peer.h"

void sim_audit_begin(void);
/** Both sides agree which calls are up, nothing is half, gates == calls (U4, J9). */
void sim_audit_up(void);
/** Time has passed: who is refreshed is up still, who is not has ended (A31). */
void sim_audit_aged(void);
/** Media of a call that is up go where both sides say. */
void sim_audit_media(const struct sim_ua *caller, const struct sim_ua *callee);
/** Nothing is left anywhere (U3), one record for each attempt (U5). */
void sim_audit_idle(void);

#endif
