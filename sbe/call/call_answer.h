/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_answer - responses to our INVITE on their way to the caller, and the ACK on its way to the callee.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_ANSWER_H
#define SBE_CALL_CALL_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "sbe/sip/txn.h"

struct body_sdp;
struct call;
struct leg;
struct wire_msg;

extern const struct txn_client_handlers call_invite_handlers;

struct call_reply {
	struct txn_server *server;
	const struct wire_msg *msg; /* its status and headers */
	const struct body_sdp *sdp; /* parsed from it, or what goes in its place; NULL = none */
	bool offer;                 /* it is one: codecs are filtered */
	uint32_t rseq;              /* 0 = not reliable */
};

/** Give leg `side` a response like msg. @return as txn_server_reply, -ENOTSUP. */
int call_reply(struct call *call, int side, const struct call_reply *r);
/** The callee's 2xx, for the state table: gates follow first. @return 0, -errno: the call is released. */
int call_answer(struct call *call, const struct wire_msg *m);
/** The gates have followed: the 2xx goes to the caller. @return 0, -errno. */
int call_answer_done(struct call *call);
/** From now on it is up. */
void call_answer_up(struct call *call);
/** Pass the 2xx that waited for gates. */
void call_reply_held(struct call *call);
/** ACK to this leg. @param ack of the other side, whose body passes; NULL = an ACK without one. @return 0, -errno. */
int call_ack_leg(struct leg *leg, const struct wire_msg *ack);

#endif
