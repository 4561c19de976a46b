/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_check - looks at every message of the sbe when it is sent, and remembers what it has been told.
 *
 * What must hold of each message: the guard and the parser of anybody take it; it names nothing of the other side (U6);
 * it goes to a next hop or to where its request came from (U7). What must hold of them together: a response answers
 * something, one final status for each transaction, a repeated message is the same byte for byte, CSeq rises in a
 * dialog, CANCEL waits for a provisional response and comes before the final one, ACK for each 2xx, nothing after BYE.
 */
#ifndef TESTS_SIM_SIM_CHECK_H
#define TESTS_SIM_SIM_CHECK_H

#include "tests/sim/sim.h"
#include "tests/sim/sim_peer.h"

void sim_check_up(void);
void sim_check_sent(const struct addr *local, const struct addr *to, const char *text, size_t n);
/** A message has come to where it should. h: the host beside the sbe. */
void sim_check_delivered(const struct sim_host *h, enum sim_way way, const char *text, size_t n);
/** A peer that plays by the rules has made a message. */
void sim_check_made(const struct sim_host *h, const char *text, size_t n);
/** Nothing is left to be said: each 2xx has its ACK. */
void sim_check_settled(void);

/** Did the sbe give up on a request to this leg that never arrived? */
bool sim_check_unheard(const char *call_id);
/** Did an INVITE of the sbe come to this leg, but nothing of what it said to it to the sbe? Then no CANCEL may follow
 *  (RFC 3261 9.1), and it rings until it has enough. */
bool sim_check_unanswered(const char *call_id);
/** A copy of its first INVITE came when that had long been answered, and is a new one. */
bool sim_check_late_copy(const char *call_id);
/** New INVITEs with this Call-ID that came to the sbe. */
unsigned sim_check_attempts(const char *call_id);

/* Messages of peers that were made lately, for who changes them (sim_rogue.c). */
struct sim_made {
	const struct sim_host *host;
	char *text;
	size_t n;
};
/** One of that side; NULL = there is none yet. Nobody knows what is said on the other side. */
const struct sim_made *sim_check_pick(bool core);
void sim_check_down(void);

#endif
