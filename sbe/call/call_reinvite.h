/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_reinvite - offer and answer in a call: the one exchange that may be under way, and INVITEs inside the dialog that
 * start one (RFC 3261 14, RFC 3264 8).
 * Owner: the exchange is embedded in struct call. Thread: loop.
 */
#ifndef SBE_CALL_CALL_REINVITE_H
#define SBE_CALL_CALL_REINVITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct body_sdp;
struct call;
struct leg;
struct txn_server;
struct wire_msg;

/* status of the final response, or of what stands for it (m NULL: there was none) */
typedef void(call_own_h)(struct leg *leg, int status, const struct wire_msg *m);
struct call_exchange {
	bool running, initial;
	bool late;       /* the INVITE had no SDP: the offer is in the 2xx, the answer in the ACK */
	bool answered;   /* the answer has been taken */
	uint8_t from;    /* side that sent the INVITE */
	call_own_h *own; /* nobody sent it: an INVITE of our own to the other side */
	char *own_body;  /* of that, should it have to be sent again */
	size_t own_body_bytes;
	struct body_sdp *offer;
	struct wire_msg *held; /* a 2xx that waits for gates, or the INVITE that waits for a gate */
	struct body_sdp *sdp;  /* what goes with a held 2xx; NULL = nothing */
	bool by_update;        /* it serves an UPDATE: no INVITE of that side, so no ACK to come */
	struct txn_server *update; /* that UPDATE; NULL once it is answered */
};

/** A re-INVITE from this leg; s is answered now or when the other side has answered. */
void call_reinvite_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
/** Serve an UPDATE's offer with an INVITE to the other side; takes over the offer. */
void call_reinvite_for(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
		       struct body_sdp *offer);
/** A response to the INVITE we sent to this leg for it. */
void call_reinvite_response(struct leg *leg, const struct wire_msg *m);
/** There is none and will be none: err is -ETIMEDOUT or the transport's. */
void call_reinvite_failed(struct leg *leg, int err);
/** It is over: free what it held. */
void call_exchange_end(struct call *call);
/** Keep the message that waits for gates (a reference is taken), and the description that goes with it (taken over). */
void call_exchange_hold(struct call *call, const struct wire_msg *m, struct body_sdp *sdp);

#endif
