/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_private - what the files of route/ share; nobody else includes it.
 *
 * route_conf.c reads, route_set.c compiles and lists, route.c matches and plans, route_pick.c orders the
 * candidates of a match, route_why.c says it all in words.
 */
#ifndef SBE_ROUTE_ROUTE_PRIVATE_H
#define SBE_ROUTE_ROUTE_PRIVATE_H

#include "sbe/route/route.h"
#include "sbe/route/route_ask.h"

#define ROUTE_TO_MAX 32   /* peers of one route */
#define ROUTE_FROM_MAX 64 /* ingress peers of one route */

enum lookup_type { LOOKUP_TABLE, LOOKUP_URI, LOOKUP_ENUM, LOOKUP_REDIRECT, LOOKUP_HTTPS };
enum location_type { LOCATION_PEERS, LOCATION_REDIRECT, LOCATION_DNS };

/* Routes that name the same things are of one rank. */
#define RANK_FROM 1U
#define RANK_DOMAIN 2U
#define RANKS 4U

struct route_to {
	struct peer *peer; /* of the set the routes were compiled for */
	uint32_t priority, weight, cost;
	const struct route_quality_conf *quality; /* NULL = does not matter */
	struct route_sed *sed;                    /* reference; NULL = nothing is said */
};

struct route {
	const struct route_conf *conf;
	char number[ROUTE_NUMBER_BYTES]; /* normalised; "" = all */
	size_t number_bytes;
	struct route_when when;
	struct route_failover failover;
	uint8_t rank;        /* RANK_ bits */
	struct route_to *to; /* by priority */
	size_t nto;
};

struct route_set {
	const struct route_conf_lists *conf;
	void *owner; /* what keeps conf alive */
	struct peer_set *peers;
	struct route *routes; /* in the order of the file */
	size_t nroutes;
	uint32_t *by_rank[RANKS]; /* indexes of the routes of a rank, longest number first */
	size_t nby_rank[RANKS];
	bool *matched; /* scratch of one route_plan: memory is taken at load, not per call */
	uint64_t random;
};

struct route_work {
	struct route_set *s;
	const struct route_query *q;
	const struct route_env *env; /* NULL = there is none */
	uint64_t now_ms;
	json_t *why; /* or NULL */
	struct route_plan *plan;
	char number[ROUTE_NUMBER_BYTES * 4], calling[ROUTE_CALLING_BYTES];
	struct route_sed *sed; /* of the target that a lookup found; NULL = none */
	bool matched;          /* something named the target */
	bool blocked, down;    /* why nobody was usable */
	bool failed;           /* somebody who may have known the target did not answer */
};

/* route.c: the configured part of a plan */
/** Clear the plan and try the routes. Then w->plan->n, or w->matched (named, but nobody can be used), or ask. */
void route_begin(struct route_work *w);
/** The same once more, for a target that a lookup has found. @return there are candidates. */
bool route_by_table(struct route_work *w);
void route_decide(struct route_work *w, const char *by);
/** Without candidates: the status; and the last step for the operator. */
void route_end(struct route_work *w);

/* route_pick.c */
/** Is there nothing that keeps calls from this peer? If there is: a step and why in w. */
bool route_usable(struct route_work *w, const struct peer *p);
/** Add the usable peers of this list to the plan. @return how many candidates came. */
size_t route_pick(struct route_work *w, const struct route_to *to, size_t nto);

/* route_why.c: a step for the operator; texts from the wire are made safe. No effect without w->why. */
void route_why(const struct route_work *w, const char *step, const char *subject,
	       const char *result, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
