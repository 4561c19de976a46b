/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context_private - the structs of this folder; only dbe/context includes it.
 *
 * Owner: the store owns contexts, a context its terminations, a termination its flows. Thread: the loop.
 */
#ifndef DBE_CONTEXT_CONTEXT_PRIVATE_H
#define DBE_CONTEXT_CONTEXT_PRIVATE_H

#include <sys/queue.h>

#include "common/table.h"
#include "dbe/context/context_store.h"

#define CONTEXT_TERMINATIONS_MAX 2

struct context_stream {
	uint32_t id;
	struct flow *flow;
	struct termination *termination;
};

/* Called "realm/number"; the text is made when it is needed. */
struct termination {
	struct context *context;
	const char *realm; /* the pool's */
	uint32_t number;
	size_t nstreams;
	struct context_stream streams[GATE_STREAMS_MAX];
};

/* Who made a context; shared by its contexts, so that a name is kept once. */
struct controller {
	LIST_ENTRY(controller) link;
	size_t ncontexts;
	char name[GATE_NAME_BYTES];
};

struct context {
	uint32_t id;
	bool emergency;
	struct table_entry by_id;
	struct context_store *store;
	struct controller *controller;
	uint64_t made_ms;
	char *record; /* the sbe's opaque recovery record */
	size_t record_bytes;
	size_t nterminations;
	struct termination *terminations[CONTEXT_TERMINATIONS_MAX];
};

LIST_HEAD(controller_list, controller);

struct context_store {
	struct context_options o;
	struct table *contexts;
	struct controller_list controllers;
	uint32_t next_id, next_termination;
	bool draining;
	context_event_h *event;
	void *event_arg;
};

/* ---- context_store.c */

/** @return 0, -ENOSPC (cap), -ENOMEM. */
int context_new(struct context_store *s, const char *controller, struct context **ret_context);
/** Close all of it. */
void context_close(struct context *c);
/** @return the context if it exists and belongs to controller (NULL = anybody's). */
struct context *context_find(const struct context_store *s, const char *controller, uint32_t id);
/** Ids above after, rising, at most GATE_CONTEXTS_PER_AUDIT of them. */
int context_ids(struct context_store *s, const char *controller, uint32_t after,
		struct gate_action *ret_reply);

/* ---- termination.c: results are H.248 codes, written with their words into reply */

void termination_add(struct context *c, const struct gate_command *request,
		     struct gate_command *reply);
void termination_modify(struct termination *t, const struct gate_command *request,
			struct gate_command *reply);
/** Reply gets the final statistics. */
void termination_subtract(struct termination *t, struct gate_command *reply);
void termination_audit(const struct termination *t, struct gate_command *reply);
void termination_close(struct termination *t);
void termination_name(const struct termination *t, char ret_name[GATE_NAME_BYTES]);
/** @return the termination of c with this name, or NULL. */
struct termination *termination_find(const struct context *c, const char *name);

/** Result of a command; text NULL = the code's own words. */
void command_result(struct gate_command *reply, uint16_t code, const char *text);

/* ---- context_own.c */

/** Far ends that are this relay's own addresses. @return NULL if media may go there, else why not. */
const char *context_own_wrong(const struct context *c, const struct addr *remote);

/* ---- context_stream.c: wire structs <-> flows */

/** What a stream of a request says, on top of base. */
void stream_settings(const struct gate_stream *wire, const struct flow_settings *base,
		     struct flow_settings *ret_settings);
void stream_settings_default(struct flow_settings *ret_settings);
void stream_put_local(const struct flow *f, struct gate_stream *wire);
void stream_put_all(const struct flow *f, struct gate_stream *wire);
void stream_put_statistics(const struct flow *f, struct gate_stream *wire);
/** flow_event_h; arg is the struct context_stream. */
void stream_on_flow_event(void *arg, const struct flow_event *event);

#endif
