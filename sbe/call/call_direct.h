/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_direct - whether media go through a dbe or straight from end to end (media.relay; Figure 1 of the SPEERMINT
 * flows, G1, G10).
 *
 * Decided when the gates would be opened, by what both peers agreed to and what the offer says. A call without gates has
 * no supervision of media either. An offer inside the call that needs a dbe gets one; a call that has one keeps it.
 * Owner: embedded in struct call. Thread: loop.
 */
#ifndef SBE_CALL_CALL_DIRECT_H
#define SBE_CALL_CALL_DIRECT_H

#include <stdbool.h>

#include "common/timer.h"
#include "sbe/gate/gate.h"
#include "sbe/sdp/body_sdp.h"

#define CALL_DIRECT_WAITING 4

struct call;
struct peer;
struct call_core;

struct call_direct {
	bool on;         /* no gates */
	bool leaving;    /* gates are there for an offer that is not answered yet */
	const char *why; /* static: in words, for operators; NULL = not decided */
	struct timer timer;
	gate_reply_h *waiting[CALL_DIRECT_WAITING]; /* to be told that all is well */
	unsigned nwaiting;
	gate_reply_h *left; /* who waits for the gates */
};

/** May calls between these two do without a dbe at all? */
bool call_direct_possible(const struct call_core *core, const struct peer *from,
			  const struct peer *to);
/** Would it be direct now, by what its streams say? */
bool call_direct_wanted(const struct call *call, const char **ret_why);
/** The same, and so it is from now on. */
bool call_direct_decide(struct call *call);
/** Call fn(call, 0, NULL) soon, as a gate would. @return 0, -EBUSY. */
int call_direct_done(struct call *call, gate_reply_h *fn);
/** Is the call direct, and can it not stay so with this offer of that side? */
bool call_direct_breaks(const struct call *call, int side, const struct body_sdp *offer);
/** Is the call direct, and would an answer tell a private address to another realm? */
bool call_direct_leaks(const struct call *call, const struct body_sdp *answer);
/** Would ICE candidates of a description do so? Then ICE is taken out of it (RFC 8839 5.4: the other side does without). */
bool call_direct_ends_ice(const struct call *call, const struct body_sdp *sdp);
/** Open gates for that offer; fn is called as by gate_open. */
int call_direct_leave(struct call *call, int side, const struct body_sdp *offer, gate_reply_h *fn);
/** The offer was refused: as it was. */
void call_direct_stay(struct call *call);
/** Nobody waits any more. */
void call_direct_end(struct call *call);

#endif
