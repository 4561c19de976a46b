/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_prack - reliable provisional responses of the callee (RFC 3262 4, S5): their order, and our PRACK.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_PRACK_H
#define SBE_CALL_CALL_PRACK_H

#include <stdbool.h>
#include <stdint.h>

struct body_sdp;
struct call;
struct call_fork;
struct call_media_in;
struct leg;
struct txn_client;
struct txn_server;
struct wire_msg;

/* Our last PRACK to a fork, until it is answered: its peer may want credentials. */
struct call_prack_sent {
	struct leg *leg;
	struct txn_client *client; /* NULL = nobody waits for an answer */
	uint32_t rseq;
	struct wire_msg *msg; /* its answer was in that, NULL = it had none */
	struct body_sdp *sdp;
};

enum call_prack { CALL_PRACK_NONE, CALL_PRACK_DUE, CALL_PRACK_IGNORE };

/** Do we tell the callee that we take them? */
bool call_prack_offered(const struct call *call);
/** A provisional response of this fork: not reliable, to be acknowledged, or out of order (RFC 3262 4). */
enum call_prack call_prack_take(struct call *call, struct call_fork *fork,
				const struct wire_msg *m);
/** The PRACK. @param answer to the offer in the response, NULL = it has none. @return 0, -errno. */
int call_prack_send(struct call *call, struct call_fork *fork, const struct call_media_in *answer);
/** The fork ends: what comes back is of no interest. */
void call_prack_forget(struct call_fork *fork);
/** The response m has an offer: the caller is to answer it; references on both are taken. @return 0, -errno: the call is released. */
int call_prack_offer(struct call *call, struct call_fork *fork, struct wire_msg *m,
		     struct body_sdp *offer);
/** The caller's PRACK has brought that answer (NULL: none); s is answered. */
void call_prack_answer(struct call *call, struct txn_server *s, const struct wire_msg *m,
		       struct body_sdp *answer);

#endif
