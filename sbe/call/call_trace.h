/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_trace - what was decided and done for a call, step by step, kept small until somebody asks why.
 *
 * A step is two words and a time; what they mean is worked out in call_why.c. A call has its own steps; when it ends,
 * and when it is refused, they go into a ring of the last CALL_PAST_MAX calls.
 * Owner: embedded in struct call; the ring is the core's. Thread: loop.
 */
#ifndef SBE_CALL_CALL_TRACE_H
#define SBE_CALL_CALL_TRACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "sbe/route/route_trace.h"

#define CALL_STEPS_MAX 32
#define CALL_PAST_MAX 256
#define CALL_PAST_ATTEMPTS 6
#define CALL_PAST_TEXT_BYTES 96

enum call_step_id {
	CALL_STEP_PLAN,  /* n candidates are known */
	CALL_STEP_SKIP,  /* attempt n was not made: word */
	CALL_STEP_GATES, /* media ports are reserved */
	CALL_STEP_SENT,  /* INVITE of attempt n; status: enum transport_proto */
	CALL_STEP_LINK,  /* the connection to it is up */
	CALL_STEP_HEARD, /* first response, 100 among them */
	CALL_STEP_ASKED, /* a challenge (status) is answered */
	CALL_STEP_RINGING,
	CALL_STEP_RESULT,   /* attempt n ended: status, word */
	CALL_STEP_ANSWERED, /* the callee's 2xx */
	CALL_STEP_UP,       /* gates follow, the 2xx has gone on */
	CALL_STEP_END       /* status, word */
};
struct call_step {
	uint32_t at_ms; /* since the INVITE came */
	uint8_t id, n;
	uint16_t status;
	const char *word; /* static, or NULL */
};
struct call_trace {
	uint8_t n;
	bool heard; /* the present attempt */
	struct call_step steps[CALL_STEPS_MAX];
	struct route_trace route;
};

/* One call as it was; texts are cut. */
struct call_past {
	char token[20], call_id[64], node_peer[2][64], caller[CALL_PAST_TEXT_BYTES],
		callee[CALL_PAST_TEXT_BYTES], sent[CALL_PAST_TEXT_BYTES], route[64], dbe[64];
	char state[12], text[96]; /* text: of a refusal */
	const char *cause, *by;   /* static */
	int status;
	uint64_t wall_ms;
	struct addr addr[2];
	const char *proto[2]; /* static; NULL = not known */
	uint8_t nattempts;
	struct {
		char hop[64];
		const char *result;
		int status;
	} attempts[CALL_PAST_ATTEMPTS];
	struct call_trace trace;
};

struct call;
struct call_core;
struct peer;
struct transport_target;
struct wire_msg;

void call_step(struct call *call, enum call_step_id id, unsigned n, int status, const char *word);
/** A connection that we opened came up: calls that wait for it have a step more. */
void call_link_up(struct call_core *core, const struct transport_target *to);
/** The first response to the present attempt. */
void call_step_heard(struct call *call);
/** What is known of a call now. */
void call_past_take(const struct call *call, struct call_past *ret_past);
/** The call is over: into the ring. */
void call_past_keep(const struct call *call);
/** An INVITE was refused before there was a call. */
void call_past_refused(struct call_core *core, const struct wire_msg *m, const struct peer *p,
		       int status, const char *cause);

/** call_why.c: all of it in words. NULL without memory. */
json_t *call_why_object(struct call_core *core, const struct call_past *p);

#endif
