/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_leg - one side of a call: its dialog, its peer, what is under way in it and what was agreed on it.
 * Owner: embedded in struct call; a transfer moves what it holds to another call. Thread: loop.
 */
#ifndef SBE_CALL_CALL_LEG_H
#define SBE_CALL_CALL_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "sbe/call/call_fork.h"
#include "sbe/call/call_quality.h"
#include "sbe/call/call_refer.h"
#include "sbe/call/call_relay.h"
#include "sbe/call/call_session.h"
#include "sbe/sdp/body_origin.h"
#include "sbe/sip/dialog.h"

struct call;
struct call_auth;
struct call_reliable;
struct peer;
struct txn_client;
struct txn_server;

#define LEG_MAGIC 0x1e900001U

struct leg {
	uint32_t magic;
	uint8_t side;       /* 0 caller, 1 callee */
	uint8_t counted_as; /* enum peer_direction */
	bool counted;       /* peer_take was done */
	bool up;            /* 2xx passed: a BYE ends it */
	bool cancelled;     /* our INVITE is being cancelled */
	bool ack_due;       /* a 2xx of it has not been ACKed by us */
	bool bye_due;       /* BYE as soon as our 2xx is ACKed or given up (RFC 3261 15) */
	struct call *call;
	struct peer *peer;
	size_t hop;
	struct dialog dialog;
	struct txn_server *server; /* INVITE from this leg that is not answered or not ACKed */
	struct txn_client *invite; /* our INVITE to this leg */
	struct txn_client *bye;
	uint32_t invite_cseq; /* of our last INVITE on this leg: the ACK carries it */
	uint32_t their_cseq;  /* of their last INVITE: their ACK carries it */
	struct body_origin origin;
	struct call_forks forks;        /* early dialogs of our INVITE */
	struct call_reliable *reliable; /* our 18x to it are; NULL = they are not */
	bool allows_update;
	uint32_t kbps;          /* of its peer's bandwidth (call_terms.h) */
	struct call_auth *auth; /* challenges it gave us; NULL = none */
	struct call_session session;
	struct call_quality quality;
	struct call *lent;       /* the leg is in that call for now: this place is empty */
	struct call *wanted;     /* that call waits until the leg may be moved to it */
	struct call_refer refer; /* a transfer that this side has asked for */
	struct call_relay relay; /* requests from here that go to the other leg */
};

#define LEG_OTHER(leg) (&(leg)->call->legs[1 - (leg)->side])
#define LEG_CHECK(l) assert((l)->magic == LEG_MAGIC)

/** Is the leg up with nothing going on that knows where it is? */
bool call_leg_movable(const struct leg *leg);
/** Move everything about the far end; the place it leaves is empty. to must be empty. */
void call_leg_move(struct leg *from, struct leg *to);

#endif
