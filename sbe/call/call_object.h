/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_object - the call: two legs, streams, one exchange, what its record needs; and the core that holds all calls.
 *
 * State changes go through the table of call_fsm.h. A call is freed by its reaper, never inside a callback. Included by
 * the files of call/ only; whatever is not in here has a header of its own.
 * Owner: the core owns its calls. Thread: loop.
 */
#ifndef SBE_CALL_CALL_OBJECT_H
#define SBE_CALL_CALL_OBJECT_H

#include <sys/queue.h>

#include "common/table.h"
#include "sbe/call/call.h"
#include "sbe/call/call_direct.h"
#include "sbe/call/call_fsm.h"
#include "sbe/call/call_leg.h"
#include "sbe/call/call_reinvite.h"
#include "sbe/call/call_sed.h"
#include "sbe/call/call_show.h"
#include "sbe/call/call_stray.h"
#include "sbe/call/call_trace.h"
#include "sbe/call/call_transfer.h"
#include "sbe/call/call_update.h"

struct call_stream;
struct digest_nonces;

#define CALL_MAGIC 0xca110001U
#define CALL_TOKEN_BYTES 17      /* 64 random bits in hex, with the 0 */
#define CALL_HEADERS_BYTES 16384 /* header block we build; a message is at most 64 KiB */
#define CALL_ATTEMPTS_FEW 4      /* as many as a call mostly has */
#define CALL_ATTEMPTS_MAX 40

struct call_attempt {
	char hop[64];
	const char *result;
	int status;
};

struct call {
	uint32_t magic;
	struct call_core *core;
	char token[CALL_TOKEN_BYTES];
	struct fsm fsm;
	struct leg legs[2];
	struct gate_context *gate;
	bool gate_open, gate_closing, recorded;
	struct call_direct direct;
	bool urgent;    /* an emergency or priority call */
	uint8_t silent; /* bit per side: nothing comes from there of all it should send */
	struct call_stream *streams;
	size_t nstreams;
	unsigned nlines; /* m= lines the session has: a later offer has no fewer */
	struct call_exchange ex;
	struct timer ex_timer; /* of an UPDATE served by an INVITE */
	struct call_update upd;
	struct call_transfer transfer;     /* how it came about, if not by a plain INVITE */
	struct route_plan *plan;           /* freed when the call is up */
	struct route_asking *asking_route; /* somebody is asked where it goes */
	size_t candidate;
	struct call_sed sed;
	struct timer ring, reaper, guard;
	/* for the CDR */
	char *caller, *callee, *called_sent; /* URIs */
	struct call_attempt few_attempts[CALL_ATTEMPTS_FEW], *attempts;
	size_t nattempts;
	unsigned invites; /* sent to callees, those that were sent again with more among them */
	uint64_t invite_wall_ms, invite_ms, ring_ms, answer_ms, end_ms;
	uint64_t answer_wall_ms, ring_wall_ms, end_wall_ms;
	int status;
	char *replaces;    /* of the INVITE to the callee; NULL = none */
	int max_forwards;  /* of the INVITEs that go out */
	uint64_t loop_key; /* call_loop.h */
	enum call_by released_by;
	const char *cause;
	char dbe[GATE_NAME_BYTES];
	uint32_t context_id;
	char route[64];
	char a_call_id[128];
	struct addr sip_addr[2];
	struct call_asking_list asking;
	struct call_trace trace;
	struct table_entry by_token;
};

struct call_core {
	struct call_options o;
	struct call_config c;
	struct table *calls;          /* by token */
	struct table *dialogs;        /* see dialog_register */
	unsigned asking;              /* questions of all calls */
	struct digest_nonces *nonces; /* of our challenges */
	uint64_t loop_secret[2];      /* call_loop.h */
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
	struct call_strays strays;
	struct call_past *past;           /* CALL_PAST_MAX */
	size_t npast;                     /* ever */
	char headers[CALL_HEADERS_BYTES]; /* scratch for the message being written */
};

#define CALL_CHECK(c) assert((c)->magic == CALL_MAGIC)

/** A call in its first state, in the table of calls. @return 0, -ENOMEM, -errno of table_add. */
int call_new(struct call_core *core, struct call **ret_call);
/** Reap it when nothing is left to wait for. */
void call_end_check(struct call *call);
/** By a unique prefix of its token, 3 characters at least. @return NULL with ret_err -ENOENT or -EEXIST. */
struct call *call_find(struct call_core *core, const char *token, int *ret_err);
/** Media realm of a SIP realm: the one it is configured with, else that of its own name. */
const char *call_media_realm(const struct call_core *core, const char *realm);
/** Where a request to this hop of the peer leaves us. @return NULL: no listener of its realm fits. */
const struct transport_listener *call_listener(const struct call_core *core, const struct peer *p,
					       const struct peer_hop *hop);
/** Is the host of a URI a domain or a listener of ours? */
bool call_domain_is_ours(const struct call_core *core, struct wire_text host);

#endif
