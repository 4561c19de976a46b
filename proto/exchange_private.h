/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_private - the exchange's struct; exchange.c has the connection and what comes in,
 * exchange_request.c has our own requests.
 */
#ifndef PROTO_EXCHANGE_PRIVATE_H
#define PROTO_EXCHANGE_PRIVATE_H

#include <sys/queue.h>

#include "common/table.h"
#include "proto/exchange.h"
#include "proto/frame.h"
#include "proto/reply_cache.h"

#define EXCHANGE_ACK_MS 200U
#define EXCHANGE_ACK_RANGE 64U
#define EXCHANGE_PENDINGS_MAX 4

/* One of our requests that has no answer yet; the frame is kept to be sent again. */
struct exchange_open {
	struct table_entry entry;
	TAILQ_ENTRY(exchange_open) link; /* by id */
	struct timer deadline;
	struct gate_exchange *exchange;
	gate_exchange_h *fn;
	void *arg;
	uint32_t transaction;
	uint32_t deadline_ms;
	uint8_t pendings;
	bool change; /* ServiceChange: belongs to one connection */
	bool sent;
	uint32_t frame_bytes;
	uint8_t frame[];
};
TAILQ_HEAD(exchange_open_list, exchange_open);

struct gate_exchange {
	struct gate_exchange_handlers handlers;
	void *arg;
	struct timer_wheel *wheel;
	char node[GATE_NAME_BYTES];
	uint64_t epoch;
	uint32_t heartbeat_ms;

	bool attached, identified, associated;
	char peer[GATE_NAME_BYTES];
	uint64_t peer_epoch;
	uint32_t version; /* chosen; 0 = never associated with this life of the peer */

	uint32_t next_transaction;
	struct table *open;
	struct exchange_open_list open_list;
	uint32_t ack_first, ack_last; /* replies not yet acknowledged; 0 = none */
	struct timer ack;

	struct reply_cache *replies;

	struct timer heartbeat;
	uint32_t heartbeat_number, missed;
	uint64_t heartbeat_us; /* when the last one went out; 0 = answered */
	bool heard;

	struct gate_exchange_counts counts;
	struct gate_message in, out;
	uint8_t wire[GATE_FRAME_HEAD_BYTES + GATE_FRAME_MAX_BYTES];
};

/** Write head and message to x->wire. @return 0 and the frame's size with its head, or the encoder's error. */
int exchange_encode(struct gate_exchange *x, const struct gate_message *m, size_t *ret_bytes);
/** Set who and when in a message. */
void exchange_stamp(struct gate_exchange *x, struct gate_message *m, int body,
		    uint32_t transaction);
/** Send the frame of m, now or, if it may wait, together with the next. */
void exchange_send(struct gate_exchange *x, const struct gate_message *m, const uint8_t *bytes,
		   size_t len_bytes);
/** Encode and send a small message (acknowledge, heartbeat, error, pending). */
void exchange_send_small(struct gate_exchange *x, int body, uint32_t transaction, uint32_t last);

void exchange_send_open(struct gate_exchange *x);
/** End open requests, all or only ServiceChanges. */
void exchange_fail_open(struct gate_exchange *x, int err, bool changes_only);
/** Reply, error or pending in x->in. */
void exchange_answer(struct gate_exchange *x);
/** Drop all without callbacks. */
void exchange_drop_open(struct gate_exchange *x);

#endif
