/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_own - an INVITE of our own in a dialog that is up: no side has asked for it, its answer goes nowhere.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_OWN_H
#define SBE_CALL_CALL_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "sbe/call/call_reinvite.h"

struct body_written;
struct leg;
struct wire_msg;

/** An INVITE of our own with this body, which stays the caller's. The 2xx is ACKed and taken as a refresh before fn.
 *  @return 0, -EBUSY (another exchange is going on), -errno of txn_client_new. */
int call_own_invite(struct leg *leg, struct body_written *w, call_own_h *fn);
/** @return true: it was a response to that. m NULL: there was none, err says why. */
bool call_own_response(struct leg *leg, const struct wire_msg *m, int err);
/** How long to wait after a 491 to such a request (RFC 3261 14.1), milliseconds. */
uint64_t call_own_glare_ms(const struct leg *leg);

#endif
