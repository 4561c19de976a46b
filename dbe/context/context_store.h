/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context_store - making the store, telling it of its pool, and looking into it for operators.
 *
 * The actions on it are in context.h. Owner: caller. Thread: the loop.
 */
#ifndef DBE_CONTEXT_CONTEXT_STORE_H
#define DBE_CONTEXT_CONTEXT_STORE_H

#include "common/metric.h"
#include "dbe/context/context.h"
#include "dbe/flow/flow.h"

#define CONTEXT_METRICS(X)                                                                         \
	X(CONTEXT_NOW, GAUGE, "dbe_contexts", "contexts that exist")                               \
	X(CONTEXT_ADDED, COUNTER, "dbe_terminations_added_total", "terminations added")            \
	X(CONTEXT_SUBTRACTED, COUNTER, "dbe_terminations_subtracted_total",                        \
	  "terminations subtracted")                                                               \
	X(CONTEXT_FAILED, COUNTER, "dbe_commands_failed_total", "commands answered with an error") \
	X(CONTEXT_LOST, COUNTER, "dbe_rtp_lost_packets_total",                                     \
	  "RTP packets that never came in, of subtracted terminations")                            \
	X(CONTEXT_SILENT, COUNTER, "dbe_silence_total", "streams reported silent")                 \
	X(CONTEXT_SOURCE, COUNTER, "dbe_unexpected_source_total",                                  \
	  "reports of packets from an unexpected source")                                          \
	X(CONTEXT_POLICED, COUNTER, "dbe_policed_total", "reports of policed streams")
METRIC_ENUM(context_metrics, CONTEXT_METRICS)

struct context_options {
	const struct flow_host *host; /* borrowed; outlives the store */
	uint32_t contexts_max;        /* 0 = no cap but the ports */
};

int context_store_new(const struct context_options *o, struct context_store **ret_store);
/** Closes every context. */
void context_store_free(struct context_store *s);

/** A pool event: becomes a node event for all controllers. */
void context_on_pool_event(struct context_store *s, enum pool_event_type type, const char *realm,
			   uint32_t value);
bool context_is_draining(const struct context_store *s);
uint32_t context_max(const struct context_store *s);

struct context_view {
	uint32_t id;
	const char *controller;
	bool emergency;
	size_t nterminations, record_bytes;
	uint64_t age_ms;
};
typedef int(context_each_h)(const struct context_view *view, void *arg);
/** Walk all contexts, oldest first, until fn returns non-0. */
int context_each(struct context_store *s, context_each_h *fn, void *arg);
/** @return 0, -ENOENT. */
int context_view_of(const struct context_store *s, uint32_t id, struct context_view *ret_view);

typedef void(context_stream_each_h)(const char *termination, uint32_t stream_id,
				    const struct flow_view *view, void *arg);
/** Walk the streams of a context, termination by termination. @return 0, -ENOENT. */
int context_each_stream(struct context_store *s, uint32_t id, context_stream_each_h *fn, void *arg);

#endif
