/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_reliable - provisional responses we send so that they arrive (RFC 3262 3, S5): on a leg whose INVITE we
 * answer, when its peer takes them.
 *
 * Each has an RSeq of ours, is sent again until its PRACK, and only one is under way at a time; the rest waits in a
 * short queue. A 2xx waits while one that carries a session description is not acknowledged.
 * Owner: the leg (counted). Thread: loop.
 */
#ifndef SBE_CALL_CALL_RELIABLE_H
#define SBE_CALL_CALL_RELIABLE_H

#include "common/timer.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/txn.h"

#define CALL_RELIABLE_QUEUE 4 /* more are left out: they would come too late to be of use */

struct leg;

struct call_reliable_item {
	struct wire_msg *msg;
	struct body_sdp *sdp; /* NULL = goes without */
};

struct call_reliable {
	struct leg *leg;
	struct timer timer;
	uint32_t rseq; /* of the last one sent */
	uint32_t cseq; /* of the INVITE */
	uint32_t interval_ms, age_ms;
	bool waiting;     /* the last one sent is not acknowledged */
	bool waiting_sdp; /* and carries a session description */
	bool given; /* a session description went this way: no other may follow in a response */
	bool final; /* the 2xx waits */
	struct body_sdp *owed; /* of the fork that answered, when another one had been given */
	bool offered;          /* it has been sent as an offer */
	unsigned tries;        /* to tell it */
	unsigned n;
	struct call_reliable_item queue[CALL_RELIABLE_QUEUE];
};

/** Look at the INVITE of this leg: shall its provisional responses be reliable? @return 0, -ENOMEM. */
int call_reliable_start(struct leg *leg, const struct wire_msg *invite);
/** Pass a 18x on. The description is left out when one has been given. */
void call_reliable_send(struct leg *leg, struct wire_msg *m, struct body_sdp *sdp);
/** Must the 2xx wait? Then call_answer_done is called when it need not any more. */
bool call_reliable_holds(struct leg *leg);
/** Has this leg been given a description that way? */
bool call_reliable_given(const struct leg *leg);
/** Given and acknowledged: offer and answer of the INVITE are complete on this leg. */
bool call_reliable_settled(const struct leg *leg);
/** A final response has gone out, or the call ends: nothing is sent again; a late PRACK is still answered. */
void call_reliable_stop(struct leg *leg);
/** PRACK from the peer. */
void call_reliable_prack(struct leg *leg, struct txn_server *s, const struct wire_msg *m);

#endif
