/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context - the dbe's contexts with their terminations and streams, and the actions on them.
 *
 * The gate server hands over checked actions; results come back at once (nothing here waits).
 * Owner: the store owns contexts, these their terminations and streams. Thread: the loop.
 */
#ifndef DBE_CONTEXT_CONTEXT_H
#define DBE_CONTEXT_CONTEXT_H

#include "proto/message.h"

struct context_store;

/* Something happened to a termination or the node; controller is who made the context ("" = all). */
typedef void(context_event_h)(void *arg, const char *controller, uint32_t context,
			      const char *termination, const struct gate_event *event);

/**
 * Execute an action for a controller. Commands run in order; the first failure stops the rest unless
 * it is optional; a failed command has no effect (RFC 3525 8). A controller sees only its own contexts.
 * A Modify with a stream id the termination does not have yet adds that stream (mode inactive unless told),
 * with local addresses chosen: they are in the reply (GATE_HAS_LOCAL), as for an Add.
 * @param controller name of the sbe.  @param ret_reply filled: per command code, ids, local addresses, statistics.
 * @return 0 always when ret_reply is usable (errors are codes in it).
 */
int context_execute(struct context_store *s, const char *controller,
		    const struct gate_action *request, struct gate_action *ret_reply);

/** Drop all contexts of a controller (hold time over, cold restart of the controller). @return how many. */
size_t context_clear(struct context_store *s, const char *controller);

/** Contexts of a controller; NULL = all. */
size_t context_count(const struct context_store *s, const char *controller);

/** Draining refuses Add (503) except for emergency contexts. */
void context_set_draining(struct context_store *s, bool draining);

void context_on_event(struct context_store *s, context_event_h *fn, void *arg);

/** What a ServiceChange tells: realms, capacity. */
void context_describe(const struct context_store *s, struct gate_service_change *ret_change);

#endif
