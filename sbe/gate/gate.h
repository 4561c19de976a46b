/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate - the sbe's pool of dbes as the call layer sees it: open a context, change it, close it.
 *
 * A context is opened on the best dbe in service that has both realms; when that one refuses or does
 * not answer within its deadline the next is tried, so one slow or dead dbe never holds up a call.
 * Every request has a deadline and exactly one callback; nothing blocks.
 * Owner: a gate_context belongs to the caller until gate_close. Thread: the loop.
 */
#ifndef SBE_GATE_GATE_H
#define SBE_GATE_GATE_H

#include "proto/message.h"

struct gate_pool;    /* all dbes; made by the app with gate_pool_new (sbe/gate/gate_pool.h) */
struct gate_context; /* one call's media on one dbe */

/**
 * Result of gate_open and gate_modify.
 * @param err  0, or: -ENOSYS no dbe is associated at all, -ENODEV none has both realms (or all are draining),
 *             -ENOSPC port pools empty, -ETIMEDOUT deadline, -EHOSTDOWN the dbe went away, -EPROTO it refused
 *             (code and text in reply).
 * @param reply the reply's action (ids, local addresses per command/stream); NULL when err is not 0 (except -EPROTO).
 */
typedef void(gate_reply_h)(void *arg, int err, const struct gate_action *reply);

/** Final counters; err as above (then statistics are all 0). terminations[0], [1] in the order they were added. */
struct gate_final {
	size_t nterminations;
	struct {
		size_t nstreams;
		struct gate_stream streams[GATE_STREAMS_MAX];
	} terminations[2];
};
typedef void(gate_final_h)(void *arg, int err, const struct gate_final *final);

/* Something happened to a context after it was opened. */
enum gate_trouble {
	GATE_TROUBLE_EVENT, /* a Notify; event is set */
	GATE_TROUBLE_LOST,  /* association lost: media may go on, nothing can be changed for now */
	GATE_TROUBLE_BACK,  /* association is back and the context still there */
	GATE_TROUBLE_GONE, /* the context does not exist any more (cold restart, audit, hold time over) */
};
typedef void(gate_trouble_h)(void *arg, enum gate_trouble what, int side,
			     const struct gate_event *event);

struct gate_open_params {
	const char *realm[2]; /* media realm of termination 0 and 1 */
	uint8_t family[2];    /* ADDR_V4/V6/NONE per side */
	size_t nstreams;
	struct gate_stream
		streams[2]
		       [GATE_STREAMS_MAX]; /* per side: ids, remote, source, payloads, mode ... */
	bool emergency;
	const char *label; /* call token, for logs; copied */
};

/**
 * Open a context with two terminations. reply's commands [0] and [1] are the two Adds.
 * @return 0 (the callback will come, never before this returns), -ENOMEM.
 */
int gate_open(struct gate_pool *p, const struct gate_open_params *params, gate_reply_h *fn,
	      void *arg, struct gate_context **ret_context);

/* Streams per side; n = 0 leaves a side alone. A stream id the context does not have yet is added (closed, with
 * addresses chosen: they come back in the reply as for an Add). */
struct gate_change {
	const struct gate_stream *streams[2];
	size_t n[2];
};
/** Change streams of one or both sides. Requests of one context keep their order. reply's commands [0] and [1] are
 *  the Modifies of side 0 and 1 (a side left alone has no streams there).
 *  @return 0 (the callback will come, never before this returns), -EBUSY (not open yet), -EHOSTDOWN (gone), -ENOMEM. */
int gate_modify(struct gate_context *c, const struct gate_change *change, gate_reply_h *fn,
		void *arg);

/** Set who hears of trouble. */
void gate_on_trouble(struct gate_context *c, gate_trouble_h *fn, void *arg);

/**
 * Subtract everything; fn (may be NULL) gets the final counters once, never before this returns (err -ECANCELED: it was
 * not open yet). The context is freed by this call; a pending open or
 * modify gets no callback any more (a late success is subtracted). NULL is fine.
 */
void gate_close(struct gate_context *c, gate_final_h *fn, void *arg);

const char *gate_context_dbe(const struct gate_context *c); /* name, "" before it is chosen */
uint32_t gate_context_id(const struct gate_context *c);

/** Ask the dbe for the streams and counters now (call show); answer through fn as for close, with modes and addresses. */
int gate_audit(struct gate_context *c, gate_final_h *fn, void *arg);

/** Is there a dbe in service for these two realms? 0, -ENOSYS, -ENODEV. Cheap: for admission before any state. */
int gate_available(const struct gate_pool *p, const char *realm0, const char *realm1);

#endif
