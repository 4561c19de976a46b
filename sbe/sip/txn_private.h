/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_private - what the files of the transaction layer share; nobody else includes it (but its tests).
 *
 * txn.c dispatches, txn_server.c and txn_client.c are the state machines, txn_match.c makes keys,
 * txn_map.c finds them, txn_text.c writes messages, txn_clock.c is the one timer each transaction has.
 * Owner: see txn.h. Thread: loop.
 */
#ifndef SBE_SIP_TXN_PRIVATE_H
#define SBE_SIP_TXN_PRIVATE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "sbe/sip/txn.h"
#include "sbe/sip/txn_metric.h"
#include "sbe/sip/wire_out.h"

#define TXN_MESSAGE_MAX_BYTES 65535U
#define TXN_TAG_BYTES 20U /* 72 random bits in hex, with the 0 */
#define TXN_TAG_MAX_BYTES 128U
#define TXN_TAG_BITS 72U
#define TXN_BRANCH_BITS 96U
#define TXN_BRANCH_BYTES 25U
#define TXN_SERVER_MAX 200000U
#define TXN_FORKS_KNOWN 2U
#define TXN_COOKIE "z9hG4bK"

/* ---- map: 64-bit keyed digests to transactions, 16 bytes an entry (a lingering one must be small) ---- */
struct txn_link {
	struct txn_link *next;
	uint64_t key;
};
struct txn_map {
	struct txn_link **slots;
	size_t nslots, count; /* nslots a power of two */
};
int txn_map_init(struct txn_map *m);
void txn_map_clear(struct txn_map *m); /* the slots; entries are left alone */
void txn_map_add(struct txn_map *m, struct txn_link *e, uint64_t key);
void txn_map_remove(struct txn_map *m, struct txn_link *e);
struct txn_link *txn_map_find(const struct txn_map *m, uint64_t key);
struct txn_link *txn_map_first(const struct txn_map *m);

/* ---- clock: a deadline and, before it, retransmissions at growing intervals, in one timer ---- */
struct txn_clock {
	struct timer timer;
	uint32_t armed_ms;    /* what the timer was started with */
	uint32_t left_ms;     /* until the deadline, counted when the timer was started */
	uint32_t interval_ms; /* between retransmissions; 0 = none */
};
/* Whose timer it is; made on the stack for each call, as it is the same for all of a kind. */
struct txn_alarm {
	struct timer_wheel *wheel;
	timer_h *fn;
	void *arg;
};
void txn_clock_start(struct txn_clock *k, const struct txn_alarm *a, uint32_t interval_ms,
		     uint32_t deadline_ms);
void txn_clock_stop(struct txn_clock *k);
/** The timer fired. @return true at the deadline, false when it is time to send again. */
bool txn_clock_due(struct txn_clock *k);
/** After a retransmission: double the interval up to max_ms (0 = no bound), wait again. */
void txn_clock_again(struct txn_clock *k, const struct txn_alarm *a, uint32_t max_ms);
/** Another interval (0 = none) from now on; the deadline stays where it is. */
void txn_clock_interval(struct txn_clock *k, const struct txn_alarm *a, uint32_t interval_ms);

/* ---- keys ---- */
/** No branch that tells transactions apart: RFC 2543 rules apply. */
bool txn_via_is_old(const struct wire_via *v);
/* What a request is found by. */
struct txn_keys {
	uint64_t request;
	uint64_t merged; /* of a request outside of a dialog */
};
/* Which server transaction a request belongs to; ACK and CANCEL give the key of the INVITE (17.2.3, 9.2). */
uint64_t txn_key_request(const struct wire_msg *m, const struct wire_via *v);
/* Equal for copies of one request that came over different paths (8.2.2.2). */
uint64_t txn_key_merged(const struct wire_msg *m);
/** The same for a request that is not parsed; only of plain branches of RFC 3261. @return 0, -ENOENT. */
int txn_key_raw(const struct guard_head *h, uint64_t *ret_key);
uint64_t txn_key_client(struct wire_text branch, struct wire_text method);

/* ---- text ---- */
/* What all responses to a request have in common, so that the request need not be kept. */
struct txn_blob {
	uint16_t head_bytes;    /* Via ..., From, Call-ID, CSeq, and To without its line end */
	uint16_t route_bytes;   /* Record-Route lines */
	uint16_t stamp_bytes;   /* Timestamp, for the 100 (8.2.6.1) */
	uint16_t request_bytes; /* of the request: what a stranger is answered is no larger */
	uint16_t oc_at;         /* where overload parameters go into the top Via; 0 = nowhere */
	char text[];
};
/** @param oc room for overload parameters in the top Via in place of what is asked there. @return 0, -EMSGSIZE. */
int txn_blob_write(const struct wire_msg *m, const struct wire_via *v,
		   const struct transport_target *from, bool oc, struct wire_out *o,
		   struct txn_blob *ret_sizes);
/** @param tag added to To, NULL = none. @param oc overload parameters, or NULL. @return 0, -EMSGSIZE, -EINVAL. */
int txn_response_write(const struct txn_blob *sizes, const char *text, const char *tag,
		       const char *oc, const struct txn_reply *r, struct wire_out *o);
int txn_request_write(const struct transport_target *to, const struct txn_request *r,
		      const char *branch, struct wire_out *o);
/* The first branch of a request: the topmost Via's. Empty if there is none. */
struct wire_text txn_branch(const char *request, size_t n);
/**
 * From a request of ours: its ACK for a non-2xx (17.1.1.3) or its CANCEL (9.1). @param to_line To of the response, or n = 0 for the request's own.
 */
int txn_derive(struct wire_text request, const char *method, const struct wire_header *to_line,
	       const char *reason, struct wire_out *o);
/** Of a message of ours: what comes before its body. */
size_t txn_head_bytes(const char *s, size_t n);
/** Is it sent in a dialog? */
bool txn_has_to_tag(const struct txn_request *r);
bool txn_text_is_one_line(const char *s);

/* ---- objects ---- */
LIST_HEAD(txn_waiting, txn_client);

struct txn_layer {
	struct timer_wheel *wheel;
	struct txn_layer_handlers h;
	void *arg;
	uint32_t t1_ms, t2_ms, t4_ms, server_max;
	struct txn_map servers, merged, clients;
	struct txn_waiting waiting; /* clients the transport may fail */
	/* One message is built at a time; handlers.send does not come back into the layer. */
	char blob[TXN_MESSAGE_MAX_BYTES + 1];
	char out[TXN_MESSAGE_MAX_BYTES + 1];
};

enum txn_server_state {
	SERVER_TRYING, /* non-INVITE only */
	SERVER_PROCEEDING,
	SERVER_COMPLETED,
	SERVER_CONFIRMED,
	SERVER_ACCEPTED, /* RFC 6026 */
	SERVER_ENDING,   /* nothing left to do: terminated is called from the timer */
	SERVER_STATES
};

/* Lives 32 s after its work is done, so every byte counts: at most 300 with what it points to. */
struct txn_server {
	struct txn_layer *layer;
	struct txn_link by_key, by_merge;
	struct txn_clock clock;
	struct transport_target source;
	const struct txn_server_handlers *h;
	void *arg;
	struct txn_account *account; /* reference, or NULL */
	struct txn_blob *blob;       /* until the final response */
	char *last;                  /* the response a retransmission is answered with */
	uint32_t last_bytes;
	uint16_t reply_port;
	uint16_t method : 5; /* enum wire_method */
	uint16_t state : 4;  /* enum txn_server_state */
	bool to_has_tag : 1, merge_listed : 1, cancelled : 1, done : 1, unacked : 1, tag_long : 1;
	union {
		char text[TXN_TAG_BYTES];
		char *longer; /* the peer's own To tag may be of any length */
	} tag;
};

enum txn_client_state {
	CLIENT_CALLING, /* INVITE: Calling; others: Trying */
	CLIENT_PROCEEDING,
	CLIENT_COMPLETED,
	CLIENT_ACCEPTED, /* RFC 6026 */
	CLIENT_FAILED,   /* failed and terminated are called from the timer */
	CLIENT_STATES
};

struct txn_client {
	struct txn_layer *layer;
	struct txn_link by_key;
	struct txn_clock clock;
	struct transport_target target;
	union {
		LIST_ENTRY(txn_client) waiting;  /* until a response */
		uint32_t forks[TXN_FORKS_KNOWN]; /* then hashes of the To tags of 2xx */
	};
	const struct txn_client_handlers *h;
	void *arg;
	/* the request; its headers after a provisional; its ACK after a non-2xx; after a 2xx the target of its ACK, and that */
	char *bytes;
	char *reason; /* of a CANCEL that waits for the first provisional */
	uint32_t nbytes;
	int16_t err;
	uint8_t state : 4; /* enum txn_client_state */
	uint8_t nforks : 2,
		ack_of : 2; /* whose 2xx have come; 1 + the one our ACK is for, 0 = none */
	bool invite : 1, is_waiting : 1, cancelled : 1, in_dialog : 1;
	bool repeated : 1;  /* more than one copy has been sent */
	bool hasty : 1;     /* an INVITE that may wait less than timer B for its first response */
	bool abandoned : 1; /* it came to that: the user was told */
};

/* txn.c */
bool txn_reliable(const struct transport_target *t);
/** handlers.send, counted. A datagram dropped for want of buffer is no error: it is sent again. */
int txn_send_bytes(struct txn_layer *l, const struct transport_target *to, const char *data,
		   size_t len_bytes);
/** Replace what *slot holds (mem_buffer or NULL) by a copy; untouched on failure. @return 0, -ENOMEM. */
int txn_keep(char **slot, uint32_t *slot_bytes, const char *data, size_t len_bytes);
/** Port a response goes to: rport's, else the one of sent-by (18.2.2, RFC 3581). */
uint16_t txn_reply_port(const struct wire_via *v, const struct transport_target *from);
/** Is that the address (and side of us) a message of this transaction may come from? */
bool txn_on_path(const struct transport_target *ours, const struct transport_target *from);

/** May n bytes go there in answer to a request of request_bytes? Whom we do not know may be somebody else's forged
 *  address, who must not get more than was sent in his name (A24). */
bool txn_fits_request(const struct transport_target *to, size_t n, size_t request_bytes);
/** Does the sender of this request take part in overload control, and may it? */
bool txn_takes_part(const struct txn_layer *l, const struct wire_msg *m,
		    const struct transport_target *from);

/* txn_large.c */
/** Too large for where it should go? Then target is where it goes instead. */
bool txn_large_turn(const struct txn_layer *l, struct transport_target *target, size_t len_bytes);
/** It could not go there: back to UDP. @return false if it never left, or there is no way back. */
bool txn_large_back(struct txn_client *c);

/** The ACK of a 2xx into l->out. @return 0, -EINVAL, -EMSGSIZE. */
int txn_ack_write(struct txn_layer *l, const struct transport_target *to,
		  const struct txn_request *r, size_t *ret_bytes);

/* txn_server.c */
int txn_server_new(struct txn_layer *l, const struct wire_msg *m, const struct wire_via *v,
		   const struct transport_target *from, const struct txn_keys *keys,
		   struct txn_server **ret_server);
void txn_server_repeat(struct txn_server *s);
void txn_server_ack(struct txn_server *s, const struct wire_msg *m,
		    const struct transport_target *from);
void txn_server_cancel(struct txn_server *s, const struct wire_msg *m);
void txn_server_trying(struct txn_server *s);
void txn_server_drop(struct txn_server *s);

/* txn_client.c */
void txn_client_response(struct txn_client *c, const struct wire_msg *m,
			 const struct transport_target *from);
void txn_client_fail(struct txn_client *c, int err);
void txn_client_drop(struct txn_client *c);

#endif
