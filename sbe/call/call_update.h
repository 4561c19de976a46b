/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_update - UPDATE (RFC 3311, 6141), before and after the answer, and the offer a PRACK may bring.
 *
 * Without a description we answer it ourselves: it refreshes the target. With one it is an exchange of its own, beside
 * that of the INVITE: it goes to the other leg as UPDATE, or as INVITE when that side knows no UPDATE and the call is up.
 * One at a time; overlap and glare get 500 and 491 (RFC 3311 5.2).
 * Owner: embedded in the call. Thread: loop.
 */
#ifndef SBE_CALL_CALL_UPDATE_H
#define SBE_CALL_CALL_UPDATE_H

#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/txn.h"

struct call;
struct call_fork;
struct leg;

struct call_update {
	bool running;
	uint8_t from;              /* side that offers */
	struct txn_server *server; /* its UPDATE or PRACK; NULL once it is answered */
	struct txn_client *client; /* our UPDATE to the other side */
	struct call_fork *fork; /* the early dialog of the callee it is about; NULL = the leg's */
	struct wire_msg *held;  /* the request, then the 2xx that waits for gates */
	struct body_sdp *offer, *answer;
};

/** An UPDATE in a dialog. */
void call_update_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
/** A request of this leg brings an offer; takes over the reference. */
void call_update_offer(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
		       struct body_sdp *offer);
/** May this side offer now? @return 0, 481, 491 or 500. @param invite it would be an INVITE. */
int call_update_glare(const struct leg *leg, bool invite);
/** Answer the refusal of call_update_glare. */
void call_update_refuse(struct txn_server *s, int status);
/** The fork has answered: what was about its early dialog goes on in the leg's; about another one it ends. */
void call_update_confirm(struct call *call, const struct call_fork *fork);
/** The fork is gone. */
void call_update_forget(struct call *call, const struct call_fork *fork);
/** The call ends. */
void call_update_end(struct call *call);

#endif
