/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_ask_private - a question for a plan that is under way: what the files that walk the sources share.
 *
 * route_ask.c walks, route_lookup.c asks who it is (LUF), route_locate.c where that is (LRF), route_told.c says what
 * the DNS said.
 */
#ifndef SBE_ROUTE_ROUTE_ASK_PRIVATE_H
#define SBE_ROUTE_ROUTE_ASK_PRIVATE_H

#include "sbe/dns/dns_enum.h"
#include "sbe/dns/dns_target.h"
#include "sbe/route/route_luf.h"
#include "sbe/route/route_private.h"

struct route_asking {
	struct route_work w;
	struct route_query q;
	struct route_plan plan;
	struct route_env env;
	struct route_asker asker;
	struct route_set *set;
	char user[ROUTE_USER_BYTES], host[ROUTE_HOST_BYTES]; /* what the query points to */
	struct route_found *found;
	char domain
		[ROUTE_HOST_BYTES]; /* whose next hops are looked for, when lookup has found it */
	char by[64];                /* which lookup did */
	size_t lookup, location;    /* the next source of each */
	uint64_t begin_ms, end_ms;  /* of all sources together */
	bool waits;                 /* counted in its peer's lookups */
	struct peer *peer;          /* whose next hops the DNS is asked for */
	struct dns_enum *asking_enum;
	struct dns_locating *locating;
	struct route_luf_wait *luf;
};

/* route_ask.c */
/** On to the next source. Consumes a when all is known: nobody touches it after this. */
void route_ask_go_on(struct route_asking *a);
/** Where results go that no configuration has; NULL without memory. */
struct route_found *route_ask_found(struct route_asking *a);
/** A question went out for it. */
void route_ask_waits(struct route_asking *a);
/** How long this source may take; 0 = there is no time left. */
uint32_t route_ask_time(const struct route_asking *a, const struct route_step_conf *c);
/** What it rests on holds for so long at most. */
void route_ask_holds(struct route_asking *a, uint32_t ttl_s, bool stale);
/** Is this source for whoever asks? */
bool route_ask_may(const struct route_asking *a, const struct route_step_conf *c, const char *step,
		   const char *word);

/* route_lookup.c, route_locate.c: the next source. @return true: it waits, or has gone on */
bool route_lookup_next(struct route_asking *a);
bool route_locate_next(struct route_asking *a);

/* route_told.c */
const char *route_told_error(int err);
/** An answer of the DNS as a step; arg is the struct route_asking. */
void route_told(void *arg, const char *name, int type, const struct dns_answer *answer,
		uint64_t took_ms);

#endif
