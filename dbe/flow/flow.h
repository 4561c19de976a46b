/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow - one stream on one termination: its port pair, its settings, its gate in the data plane, its
 * watch for silence. Two flows joined are a stream through the relay.
 *
 * Owner: the caller closes its flows before it frees the host they came from. Thread: that of the loop.
 */
#ifndef DBE_FLOW_FLOW_H
#define DBE_FLOW_FLOW_H

#include "common/timer.h"
#include "dbe/flow/flow_rules.h"
#include "dbe/path/path.h"
#include "dbe/pool/pool.h"

/* What all flows share; borrowed. */
struct flow_host {
	struct pool *pool;
	struct path *path;
	struct timer_wheel *wheel;
};

enum flow_event_type {
	FLOW_EVENT_SILENCE, /* nothing came in for silence_ms; once until RESUMED */
	FLOW_EVENT_RESUMED,
	FLOW_EVENT_SOURCE,  /* addr = the stranger, value = packets dropped so far */
	FLOW_EVENT_LATCHED, /* addr = the pinned source */
	FLOW_EVENT_POLICED  /* value = packets dropped so far */
};
struct flow_event {
	enum flow_event_type type;
	struct addr addr;
	uint64_t value;
};
/* The handler must not close flows. */
typedef void(flow_event_h)(void *arg, const struct flow_event *event);

struct flow;

/* Where to open. */
struct flow_place {
	const char *realm;
	uint8_t family;           /* enum addr_family; ADDR_NONE = the realm's first choice */
	const struct flow *near;  /* on the same address as this one if possible; may be NULL */
	const struct addr *local; /* this advertised address and RTP port, or NULL = choose */
};

struct flow_view {
	const struct flow_settings *settings; /* borrowed */
	struct addr local[PATH_PORTS];        /* as advertised */
	struct path_counters counters;
	uint64_t opened_us; /* monotonic */
	uint64_t
		silent_ms; /* since the last packet (or since it was waited for); 0 = not reported silent */
	const char *path; /* name of the data plane */
};

/**
 * Take a port pair, bind it, set the rules. A pair that cannot be bound is set aside and the next tried,
 * a few times.
 * @return 0, -ENOENT (no such realm), -EAFNOSUPPORT, -ENETDOWN (realm is down), -ENOSPC (pool is empty),
 *         -EADDRINUSE and other errors of bind, -EINVAL/-EBUSY (place->local), -EMFILE, -ENOMEM.
 */
int flow_open(const struct flow_host *host, const struct flow_place *place,
	      const struct flow_settings *settings, struct flow **ret_flow);
/** Who is told what happens; set right after flow_open. */
void flow_on_event(struct flow *f, flow_event_h *fn, void *arg);
/** Make a and b relay to each other. */
void flow_join(struct flow *a, struct flow *b);
/** New settings; cannot fail (check them with flow_settings_wrong first). */
void flow_change(struct flow *f, const struct flow_settings *settings);
const struct flow_settings *flow_settings_of(const struct flow *f);
uint8_t flow_family(const struct flow *f);
/** Advertised local address. */
void flow_local(const struct flow *f, enum path_port port, struct addr *ret_addr);
void flow_read(const struct flow *f, struct flow_view *ret_view);
/** Ports go back to the pool, forwarding stops at once. NULL is fine. @return NULL */
struct flow *flow_close(struct flow *f);

#endif
