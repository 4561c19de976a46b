/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - where a call goes: ordered candidates (peer, next hop), and the reasons why.
 *
 * The routes of the configuration in order, longest number prefix among equals first; if none names the
 * target: lookup (LUF, request -> target domain) then location (LRF, target domain -> peer).
 * Owner: route_set the caller; a plan is a plain struct. Thread: loop. Never sees SIP library types.
 */
#ifndef SBE_ROUTE_ROUTE_H
#define SBE_ROUTE_ROUTE_H

#include <jansson.h>

#include "common/conf.h"
#include "sbe/peer/peer.h"

#define ROUTE_CANDIDATES_MAX 16

struct route_to_conf {
	const char *peer;
	uint32_t priority, weight; /* defaults 1, 1 */
};
struct route_conf {
	const char *name;
	struct conf_list from;  /* const char *: ingress peers; empty = all */
	const char *number;     /* prefix of the normalised user part; NULL = all */
	const char *domain;     /* Request-URI's domain; NULL = all of ours */
	struct conf_list to;    /* struct route_to_conf */
};
extern const struct conf_field route_conf_fields[];
struct route_step_conf { /* one entry of lookup / location */
	int type;
};
extern const struct conf_field lookup_conf_fields[];   /* types built: table, uri */
extern const struct conf_field location_conf_fields[]; /* types built: peers */

struct route_query {
	const struct peer *from;
	const char *user;  /* Request-URI's user part, unescaped, 0-terminated */
	const char *host;
	bool ours;         /* the host is one of our domains or addresses */
};
struct route_candidate {
	struct peer *peer; /* borrowed from the peer set of the same snapshot */
	size_t hop;        /* index into peer->hops */
};
struct route_plan {
	char route[64];  /* which route or source decided: "b", "lookup uri" */
	int status;      /* 0 = candidates there; else the SIP status to answer: 404 no route, 503 all down/blocked */
	const char *reason; /* static text for it */
	size_t n;
	struct route_candidate candidates[ROUTE_CANDIDATES_MAX];
};
struct route_set;

/** Cross-checks (names of peers exist) report through conf_fail_at on doc. */
int route_set_new(const struct conf_list *routes, const struct conf_list *lookup, const struct conf_list *location,
		  struct peer_set *peers, struct route_set **ret_set);
void route_set_free(struct route_set *s);

/** Make the plan. random01 in [0,1) per call drives weights (tests give it). why may be NULL: gets steps as JSON array
 *  of {"step","subject","result","text"} for `route test` and `call show`. */
void route_plan(struct route_set *s, const struct route_query *q, uint64_t now_ms, json_t *why, struct route_plan *ret_plan);

json_t *route_list(const struct route_set *s);

#endif
