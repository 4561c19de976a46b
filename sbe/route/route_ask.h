/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_ask - a plan for a request, also when somebody has to be asked for it: the routes, then lookup (LUF: request ->
 * target domain), then location (LRF: target domain -> next hops), each source in the configured order.
 *
 * What the routes or the peers know is answered at once; what is asked of name and lookup servers takes time, at most
 * timeout_ms for each source, and 4.5 s for all unless one is given more. A source that fails is passed over; one that
 * says we may not know ends it.
 * Owner: the caller until its handler ran or route_cancel. Thread: loop.
 */
#ifndef SBE_ROUTE_ROUTE_ASK_H
#define SBE_ROUTE_ROUTE_ASK_H

#include "sbe/dns/dns.h"
#include "sbe/route/route.h"

/* What routing needs from outside. */
struct route_env {
	struct dns *dns; /* NULL: sources that need it are passed over */
	/* Bits of the transports (1 << enum transport_proto) and families (1 IPv4, 2 IPv6) a realm can send over. */
	unsigned (*protos)(void *arg, const char *realm, unsigned *ret_families);
	bool (*ours)(void *arg, const char *host); /* is this domain one of ours? */
	void *arg;
	struct route_luf *luf; /* NULL: lookup servers are passed over */
	/* What was measured of the calls to a peer; calls 0 = nothing. NULL = nobody measures. */
	void (*quality)(void *arg, const struct peer *p, struct route_quality *ret_quality);
};
struct route_luf;
struct route_asking;
/* plan is only there during the call; plan->found is to be kept with mem_ref. */
typedef void(route_plan_h)(void *arg, const struct route_plan *plan);
struct route_asker {
	route_plan_h *fn;
	void *arg;
	json_t *why; /* as in route_plan, kept while asking; may be NULL */
	/* Somebody is going to be asked: runs once before the first question goes out. NULL = never mind. */
	void (*begin)(void *arg);
};

/**
 * Make the plan. fn runs once, in most cases before this returns (then *ret_asking is NULL).
 */
void route_ask(struct route_set *s, const struct route_env *env, const struct route_query *q,
	       const struct route_asker *asker, struct route_asking **ret_asking);
/** Whoever asked is somebody else now: fn(arg) is what runs. */
void route_retell(struct route_asking *a, route_plan_h *fn, void *arg);
/** The asker is gone. NULL is fine. */
void route_cancel(struct route_asking *a);

#endif
