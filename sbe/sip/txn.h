/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn - SIP transactions (RFC 3261 17 with RFC 6026, 4320), sans-I/O: messages and time in, bytes out.
 *
 * Server transactions match by branch, sent-by and method (17.2.3; old branches by the RFC 2543 rules);
 * client ones by branch and CSeq method. Retransmissions are absorbed and answered here. A transaction
 * keeps only what a retransmission needs: the request is not kept, the last response goes at ACK.
 * Owner: the layer owns transactions; a user's pointer is valid until its last callback (terminated) or
 * until it detaches. No callback is made from inside a call of the user. Thread: loop.
 */
#ifndef SBE_SIP_TXN_H
#define SBE_SIP_TXN_H

#include "common/timer.h"
#include "sbe/sip/transport.h"
#include "sbe/sip/wire.h"
#include "sbe/sip/wire_oc.h"

#define TXN_TIMERS(X)                                                                              \
	X(TXN_T1, "T1", "RFC 3261 17.1.1.1", 500, 100, 5000, "round-trip estimate")                \
	X(TXN_T2, "T2", "RFC 3261 17.1.2.2", 4000, 500, 32000, "largest retransmission interval")  \
	X(TXN_T4, "T4", "RFC 3261 17.1.2.2", 5000, 500, 32000,                                     \
	  "how long a message may stay in the network")

#define TXN_BRANCH_MAX_BYTES 65

struct txn_layer;
struct txn_server;
struct txn_client;

struct txn_layer_handlers {
	/* Put bytes on the wire: transport_send. @return 0 or -errno */
	int (*send)(void *arg, const struct transport_target *to, const void *data,
		    size_t len_bytes);
	/* A new request with its server transaction (never ACK or CANCEL). Answer now or later. */
	void (*request)(void *arg, struct txn_server *s, const struct wire_msg *m);
	/* An ACK that belongs to no transaction here: the ACK of a 2xx. */
	void (*ack)(void *arg, const struct wire_msg *m, const struct transport_target *from);
	/* A 2xx to INVITE after its client transaction has gone, or with no transaction (late fork).
	 * again: a 2xx of the same fork has been given to somebody before, so an ACK is all it needs. */
	void (*stray_2xx)(void *arg, const struct wire_msg *m, const struct transport_target *from,
			  bool again);
	/* RFC 3261 18.1.1, may be NULL. A request of this size is for a UDP target: the TCP listener to send it from
	 * instead, or NULL = it is not too large, or there is none. */
	const struct transport_listener *(*large)(void *arg, const struct transport_target *to,
						  size_t len_bytes);
	/* That one could not be delivered by TCP: the UDP listener to send it from, or NULL = none. NULL if large is. */
	const struct transport_listener *(*refused)(void *arg, const struct transport_target *to);
	/* RFC 7339, may be NULL. Overload parameters for a response to this source, whose request offers control:
	 * ";oc=...", good until the next call, or NULL = not agreed with it. */
	const char *(*overload)(void *arg, const struct transport_target *from);
	/* RFC 7339, may be NULL. A server that was offered control (target.overload) answered, with parameters or
	 * without (oc NULL); or did not answer at all: err -ETIMEDOUT. */
	void (*feedback)(void *arg, const struct transport_target *to, const struct wire_oc *oc,
			 int err);
};

struct txn_options {
	uint32_t t1_ms, t2_ms, t4_ms; /* 0 = default of the table */
	uint32_t server_max; /* cap on server transactions; more are answered 503. 0 = 200000 */
};

int txn_layer_new(struct timer_wheel *w, const struct txn_options *o,
		  const struct txn_layer_handlers *h, void *arg, struct txn_layer **ret_layer);
/** Ends all transactions without a callback. */
void txn_layer_free(struct txn_layer *l);

/** A parsed message from the transport. */
void txn_receive(struct txn_layer *l, const struct wire_msg *m,
		 const struct transport_target *from);
/** A request that is not parsed yet: if it is one that we have, it is answered as before. @return true: done with. */
bool txn_repeat(struct txn_layer *l, const struct guard_head *h,
		const struct transport_target *from);
/** The transport could not deliver to this target (ICMP, refused): fails client transactions waiting on it. */
void txn_transport_failed(struct txn_layer *l, const struct transport_target *to, int err);

/* ---- server side ---- */
struct txn_server_handlers {
	void (*cancel)(
		void *arg,
		const struct wire_msg *
			cancel); /* CANCEL matched (already answered 200); answer 487 if you end it */
	void (*acked)(
		void *arg); /* INVITE: our non-2xx final was ACKed. Not for 2xx: see txn_server_stop_2xx */
	void (*no_ack)(void *arg);     /* INVITE: nobody ACKed our 2xx for 64*T1 */
	void (*terminated)(void *arg); /* last callback; the pointer is dead after it */
};
void txn_server_bind(struct txn_server *s, const struct txn_server_handlers *h, void *arg);
/** Forget the user: no more callbacks. The transaction lives on for retransmissions; unanswered, it answers 500. */
void txn_server_detach(struct txn_server *s);
/* Whom transactions are charged to: the first member of a counted object (common/mem.h), to which each holds a reference. */
struct txn_account {
	uint32_t open;
};
/** Count this transaction there for as long as it lives; only the first call counts. */
void txn_server_charge(struct txn_server *s, struct txn_account *a);

/** The phrase that goes with a status when nobody says another. */
const char *txn_standard_phrase(int status);

struct txn_reply {
	int status;
	const char *reason; /* phrase; NULL = standard one */
	const char *
		to_tag; /* added to To if it has none there; NULL = a random one per transaction for > 100 */
	const char
		*headers; /* more header lines, each with CRLF; NULL = none. Contact, Allow, ... */
	size_t headers_bytes;
	const char *content_type; /* with body */
	const char *body;
	size_t body_bytes;
	bool once; /* final to a stranger: sent once and forgotten, so a forged source gets one packet */
};
/**
 * Answer. 2xx to INVITE is retransmitted here (T1 doubling to T2, over any transport: RFC 3261 13.3.1.4)
 * until txn_server_stop_2xx or no_ack. To a non-INVITE 100 and 408 are taken but not sent as such (RFC 4320: the
 * layer sends 100 when it is due, never a 408), other provisionals are -EINVAL. A provisional after a final, or a second final, is -EALREADY.
 * @return 0, -EALREADY, -EMSGSIZE, -EINVAL (header text with a smuggled line end), -errno of sending (retransmission goes on).
 */
int txn_server_reply(struct txn_server *s, const struct txn_reply *r);
/** Send the last response again (a reliable provisional one, RFC 3262 3). */
void txn_server_send_again(struct txn_server *s);
/** The dialog saw the ACK of the 2xx. */
void txn_server_stop_2xx(struct txn_server *s);
const struct transport_target *txn_server_source(const struct txn_server *s);
const char *txn_server_to_tag(const struct txn_server *s); /* the tag our responses carry */
enum wire_method txn_server_method(const struct txn_server *s);
/** A final response has been given. */
bool txn_server_done(const struct txn_server *s);

/* ---- client side ---- */
struct txn_client_handlers {
	/* Each provisional, then the final response; several 2xx of forks (RFC 6026 Accepted). m borrowed. */
	void (*response)(void *arg, const struct wire_msg *m);
	/* No final response: -ETIMEDOUT (timer B / F), or the transport's error. */
	void (*failed)(void *arg, int err);
	void (*terminated)(void *arg); /* last callback */
};
struct txn_request {
	const char *method; /* "INVITE" */
	const char *uri;    /* Request-URI */
	const char *
		branch; /* of its Via, without the cookie; at most TXN_BRANCH_MAX_BYTES - 1 and never the same
			       again. NULL = a random one */
	const char *
		headers; /* all header lines but Via and Content-Length, each with CRLF: From, To, Call-ID, CSeq, Route... */
	size_t headers_bytes;
	const char *body; /* NULL = none; Content-Type is among headers */
	size_t body_bytes;
	uint32_t
		timeout_ms; /* own deadline for the first response of any kind (INVITE) or the final one; 0 = 64*T1 */
};
/** @return 0, -EMSGSIZE, -EINVAL, -ENOMEM. Errors of sending come through failed (never from inside). */
int txn_client_new(struct txn_layer *l, const struct transport_target *to,
		   const struct txn_request *r, const struct txn_client_handlers *h, void *arg,
		   struct txn_client **ret_client);
/** INVITE: send CANCEL, now or when the first provisional comes (9.1). If no final follows in 64*T1 it fails with -ETIMEDOUT.
 *  reason: value of a Reason header, or NULL. */
void txn_client_cancel(struct txn_client *c, const char *reason);
void txn_client_detach(struct txn_client *c);
const struct transport_target *txn_client_target(const struct txn_client *c);

/** Send a request that has no transaction: the ACK of a 2xx (Via with a new branch is added). */
int txn_send_ack(struct txn_layer *l, const struct transport_target *to,
		 const struct txn_request *r);
/** The same, and each further copy of that 2xx is answered with it here, for as long as they may come, whoever the
 *  user is by then. their_tag: To tag of the 2xx. */
int txn_client_ack(struct txn_client *c, const struct transport_target *to,
		   const struct txn_request *r, const char *their_tag);

/** The round-trip estimate in use. */
uint32_t txn_t1_ms(const struct txn_layer *l);

/** Open transactions (admin, leak checks). */
size_t txn_count_server(const struct txn_layer *l);
size_t txn_server_max(const struct txn_layer *l);
size_t txn_count_client(const struct txn_layer *l);

#endif
