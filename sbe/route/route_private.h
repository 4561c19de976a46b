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

#define ROUTE_TO_MAX 32   /* peers of one route */
#define ROUTE_FROM_MAX 64 /* ingress peers of one route */

enum lookup_type { LOOKUP_TABLE, LOOKUP_URI };
enum location_type { LOCATION_PEERS };

/* Routes that name the same things are of one rank. */
#define RANK_FROM 1U
#define RANK_DOMAIN 2U
#define RANKS 4U

struct route_to {
	struct peer *peer; /* of the set the routes were compiled for */
	uint32_t priority, weight;
};

struct route {
	const struct route_conf *conf;
	char number[ROUTE_NUMBER_BYTES]; /* normalised; "" = all */
	size_t number_bytes;
	uint8_t rank;        /* RANK_ bits */
	struct route_to *to; /* by priority */
	size_t nto;
};

struct route_set {
	const struct route_conf_lists *conf;
	struct peer_set *peers; /* borrowed */
	struct route *routes;   /* in the order of the file */
	size_t nroutes;
	uint32_t *by_rank[RANKS]; /* indexes of the routes of a rank, longest number first */
	size_t nby_rank[RANKS];
	bool *matched; /* scratch of one route_plan: memory is taken at load, not per call */
	uint64_t random;
};

struct route_work {
	struct route_set *s;
	const struct route_query *q;
	uint64_t now_ms;
	json_t *why; /* or NULL */
	struct route_plan *plan;
	char number[ROUTE_NUMBER_BYTES * 4];
	bool matched;       /* something named the target */
	bool blocked, down; /* why nobody was usable */
};

/* route_pick.c */
/** Add the usable peers of this list to the plan. @return how many candidates came. */
size_t route_pick(struct route_work *w, const struct route_to *to, size_t nto);

/* route_why.c: a step for the operator; texts from the wire are made safe. No effect without w->why. */
void route_why(const struct route_work *w, const char *step, const char *subject,
	       const char *result, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
