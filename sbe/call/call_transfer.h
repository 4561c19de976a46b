/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_transfer - transfers and replacements that we do ourselves (RFC 5589, 3891 3): a leg leaves its call and joins
 * another one with a new far end.
 *
 * The new call has gates, a record and limits of its own. A leg moves when it is needed and goes back when it is not
 * wanted, so that a transfer that fails leaves the old call as it was. While it is away the place it left is empty and
 * says where it is (leg->lent).
 * Owner: embedded in the call that is made. Thread: loop.
 */
#ifndef SBE_CALL_CALL_TRANSFER_H
#define SBE_CALL_CALL_TRANSFER_H

#include "common/timer.h"
#include "sbe/call/call_refer.h"

struct call_release;

struct call_transfer {
	bool made;        /* by a REFER: side 0 is who stays, nobody waits for a response */
	bool parked;      /* who stays is in its place already: the one that referred has hung up */
	uint8_t told;     /* progress that the referring side knows */
	uint8_t tries;    /* to move a leg that is busy */
	struct leg *from; /* whose far end asked for it; NULL = it is gone */
	struct leg *home; /* where the callee leg comes from, if it is one of another call */
	char *told_home;  /* what it was told there about media */
	struct peer *peer; /* whose session is counted for it until it has a caller */
	struct timer timer;
};

/** REFER of a peer whose transfers we do. s is answered. */
void call_transfer_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
			   const struct call_refer_to *r);
/** This call, not begun yet, gets its callee from another call. @return 0, -EBUSY: another one waits for it. */
int call_transfer_borrow(struct call *call, struct leg *home);
/** It does not need it any more. */
void call_transfer_unwant(struct call *call);

/* The life of the call that is made; for all others these do nothing. */
/** The real addresses of who stays, after his offer has been taken from what the other side knows of him. */
void call_transfer_media(struct call *call);
/** The INVITE to a callee that comes from another call. @return as call_invite_send. */
int call_transfer_invite(struct call *call);
/** A provisional response. @return true: nobody else is to hear of it. */
bool call_transfer_progress(struct call *call, const struct wire_msg *m);
/** The callee has answered and the gates follow. @return true: the rest is done here. */
bool call_transfer_answered(struct call *call);
/** The caller has its 2xx: the call its callee came from ends. */
void call_transfer_settled(struct call *call);
/** Any call ends: what it lends or borrows is put in order. To be called first. */
void call_transfer_ending(struct call *call, const struct call_release *r);

#endif
