/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange - one association of gate control, either end: requests with deadlines and one answer
 * each, incoming requests executed at most once, heartbeats. Sans-I/O: frames in, frames out.
 *
 * It outlives its connection. attach (a connection is there; only ServiceChange passes) -> identify
 * (who the peer is) -> associate (all may pass) -> detach. When the same peer with the same epoch
 * comes back, open requests are sent again and replies to its own old requests are still known; for
 * another peer or epoch both are dropped. What it forgets is never executed twice.
 * Owner: caller. Thread: the loop. Callbacks may call anything here but gate_exchange_free.
 */
#ifndef PROTO_EXCHANGE_H
#define PROTO_EXCHANGE_H

#include "common/timer.h"
#include "proto/message.h"

#define GATE_EXCHANGE_OPEN_MAX 65536U /* requests in flight */
#define GATE_HEARTBEATS_MISSED 3U

struct gate_exchange;

struct gate_exchange_options {
	const char *node;      /* our name */
	uint64_t epoch;        /* of our process */
	uint32_t heartbeat_ms; /* how often the peer is asked for a sign of life */
};

struct gate_exchange_handlers {
	/* Send a frame, head and all. A connection that cannot take it closes itself. */
	void (*send)(void *arg, const uint8_t *bytes, size_t len_bytes);
	/* A new request: answer with gate_exchange_reply or _refuse, now or later. m is valid during the call. */
	void (*request)(void *arg, const struct gate_message *m);
	/* A reply to a request that has timed out or was forgotten. May be NULL. */
	void (*late)(void *arg, const struct gate_message *m);
	/* The peer is silent: close the connection, then gate_exchange_detach. */
	void (*silent)(void *arg);
	/* Like send, but it may wait for a later frame to leave with, a few ms. NULL: send does it. */
	void (*send_later)(void *arg, const uint8_t *bytes, size_t len_bytes);
};

/**
 * Answer to a request.
 * @param err 0, -ETIMEDOUT, -ENOTCONN (ServiceChange whose connection went), -EHOSTDOWN (the peer has another life now).
 * @param reply with err 0: a REPLY, or an ERROR; code not 0 = nothing was done. Else NULL.
 */
typedef void(gate_exchange_h)(void *arg, int err, const struct gate_message *reply);

int gate_exchange_new(const struct gate_exchange_options *o, const struct gate_exchange_handlers *h,
		      void *arg, struct timer_wheel *wheel, struct gate_exchange **ret_exchange);
/** Open requests get no callback any more. NULL is fine. */
void gate_exchange_free(struct gate_exchange *x);

void gate_exchange_attach(struct gate_exchange *x);
/** Who is there, as ServiceChange or its reply says. Another peer or epoch than last time: open requests end with -EHOSTDOWN. */
void gate_exchange_identify(struct gate_exchange *x, const char *peer, uint64_t epoch);
/** @param version chosen, see gate_version_choose. Sends open requests again, in order. */
void gate_exchange_associate(struct gate_exchange *x, uint32_t version);
void gate_exchange_detach(struct gate_exchange *x);
bool gate_exchange_attached(const struct gate_exchange *x);
bool gate_exchange_associated(const struct gate_exchange *x);

/** A frame without its head. @return 0, -EPROTO: not our protocol, close the connection. */
int gate_exchange_frame(struct gate_exchange *x, const uint8_t *frame, size_t len_bytes);

/** The exchange's own message, cleared for a request on a context: fill it and give it to gate_exchange_request at once. */
struct gate_message *gate_exchange_compose(struct gate_exchange *x, int context_ref,
					   uint32_t context);

/**
 * Send a request; while there is no association it waits for one, if there has been one before.
 * ServiceChange goes out at once. fn never comes before this returns.
 * @return 0, -ENOTCONN, -EINVAL or -EMSGSIZE (cannot be encoded), -ENOMEM, -ENOSPC (too many open).
 */
int gate_exchange_request(struct gate_exchange *x, const struct gate_message *m,
			  uint32_t deadline_ms, gate_exchange_h *fn, void *arg,
			  uint32_t *ret_transaction);
/** No callback for this one; a reply goes to late. 0 and unknown ids are fine. */
void gate_exchange_forget(struct gate_exchange *x, uint32_t transaction);

/** Answer an incoming request. m: action, or code and text, filled; the rest is set here. A reply too big becomes a 533. */
void gate_exchange_reply(struct gate_exchange *x, uint32_t transaction, struct gate_message *m);
void gate_exchange_refuse(struct gate_exchange *x, uint32_t transaction, uint16_t code,
			  const char *text);

/** Highest version both speak. @return 0: none (406). */
uint32_t gate_version_choose(uint32_t min, uint32_t max);

struct gate_exchange_counts {
	uint64_t requests_in, duplicates, requests_out, resent, timeouts,
		errors;  /* errors: bad frames and refusals here */
	uint32_t rtt_us; /* last heartbeat; 0 = none yet */
	size_t open, cached;
};
void gate_exchange_count(const struct gate_exchange *x, struct gate_exchange_counts *ret_counts);
const char *gate_exchange_peer(const struct gate_exchange *x); /* "" before the first identify */
uint64_t gate_exchange_peer_epoch(const struct gate_exchange *x);

#endif
