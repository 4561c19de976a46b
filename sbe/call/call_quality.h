/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_quality - when a leg's INVITE and BYE were sent and answered, noted for its peer (RFC 6076, S17).
 *
 * On the caller's leg it is what the peer had of us, on the callee's what we had of the peer. Each attempt at another
 * next hop is an INVITE of its own. Owner: embedded in struct leg; it goes with the dialog. Thread: loop.
 */
#ifndef SBE_CALL_CALL_QUALITY_H
#define SBE_CALL_CALL_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

struct leg;
struct peer;

struct call_quality {
	uint64_t invite_ms, first_ms, answer_ms, bye_ms; /* monotonic; 0 = not yet */
	bool open;                                       /* the INVITE has no outcome yet */
	bool up;                                         /* answered, and its end is not noted */
	bool heard, rang;
};

/** Its INVITE came, or was sent for the first time. */
void call_quality_start(struct leg *leg);
/** A provisional response but 100 came or was given. */
void call_quality_rang(struct leg *leg);
/** The outcome; only the first counts. @param heard it was a response, not the lack of one. */
void call_quality_final(struct leg *leg, int status, bool heard);
/** A BYE is sent. */
void call_quality_bye(struct leg *leg);
/** The session has ended; only the first counts. @param completed by a BYE that was answered with 2xx. */
void call_quality_ended(struct leg *leg, bool completed);
/** The leg goes on in another place. */
void call_quality_move(struct leg *from, struct leg *to);
/** An INVITE of the peer was refused before there was a call. */
void call_quality_refused(struct peer *p, int status);

#endif
