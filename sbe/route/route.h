/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - where a call goes: ordered candidates (peer, next hop), and the reasons why.
 *
 * Which route: a route matches when its from, number, domain and `when` do; what it does not name matches all, except
 * that without a domain it matches our own domains only. Routes that name the same things (from or not, domain or not)
 * are of the same rank. The ranks stand in the order of their first matching route, and within a rank the longest
 * number comes first, then the order of the file. The first matching route that has a usable peer decides.
 * If no route matches: lookup (LUF, request -> target domain), then location (LRF, target domain -> peer). These never
 * send a call back to the peer it came from; a route does so if it says so.
 * Which candidates: `to` by priority, within one the least cost first, within that by weighted chance (RFC 2782), each
 * peer's next hops in order with those that failed lately or are dead last. A peer whose quality is not what the
 * route wants comes behind all others.
 * Owner: route_set the caller; a plan is a plain struct. Thread: loop. Never sees SIP library types.
 */
#ifndef SBE_ROUTE_ROUTE_H
#define SBE_ROUTE_ROUTE_H

#include <jansson.h>

#include "common/conf.h"
#include "sbe/peer/peer.h"
#include "sbe/route/route_failover.h"
#include "sbe/route/route_quality.h"
#include "sbe/route/route_sed.h"
#include "sbe/route/route_trace.h"
#include "sbe/route/route_when.h"

#define ROUTE_CANDIDATES_MAX 16
#define ROUTE_REDIRECTS_MAX 10 /* candidates that redirects bring */
#define ROUTE_NUMBER_BYTES 64  /* a normalised number with the 0; E.164 has 15 digits */
#define ROUTE_USER_BYTES 128
#define ROUTE_HOST_BYTES 256

struct route_to_conf {
	const char *peer;
	uint32_t priority,
		weight; /* defaults 1, 1; lower priority first, weight 0 = only now and then */
	uint32_t cost;
	struct route_sed_conf sed;
	struct route_quality_conf quality;
};
struct route_conf {
	const char *name;
	struct conf_list from; /* const char *: ingress peers; empty = all */
	const char *number;    /* prefix of the normalised user part; NULL = all */
	const char *domain;    /* Request-URI's domain; NULL = all of ours */
	struct route_when_conf when;
	struct route_failover_conf failover;
	struct conf_list to; /* struct route_to_conf */
};
extern const struct conf_field route_conf_fields[];
struct route_step_conf { /* one entry of lookup / location */
	int type;
	struct conf_list from; /* const char *: ingress peers; empty = all */
	const char *suffix;    /* enum */
	const char *peer;      /* redirect */
	const char *realm;     /* dns: where what is found is reached */
	bool secure;           /* dns, redirect as lookup, https: only over TLS */
	bool allow_private;    /* dns */
	uint32_t timeout_ms;   /* all but table, uri and peers */
	const char *url;       /* https */
	const char *tls;       /* https: name of an identity in the section tls */
	/* of that identity; filled in by whoever knows the section */
	const char *trust_file, *certificate_file, *key_file, *crl_file;
};
extern const struct conf_field lookup_conf_fields[];   /* table, uri, enum, redirect, https */
extern const struct conf_field location_conf_fields[]; /* types built: peers, redirect, dns */
/** Checks of one object (struct conf_field's check of the arrays above). */
int route_conf_check(struct conf_reader *r, void *object);
int lookup_conf_check(struct conf_reader *r, void *object);
int location_conf_check(struct conf_reader *r, void *object);

struct route_query {
	const struct peer *from; /* NULL = nobody in particular (`lookup`): matches every from */
	const char *
		user; /* Request-URI's user part as received (%2B and the like are undone here), 0-terminated */
	const char *host;
	bool ours;           /* the host is one of our domains or addresses */
	const char *method;  /* NULL = any */
	const char *calling; /* user of the caller, as it was received; NULL = any */
	uint64_t at_wall_ms; /* when it is asked for; 0 = now */
	bool no_sip;         /* nobody may be asked by SIP for it (B9) */
};
#define ROUTE_HOP_FOUND                                                                            \
	1000U /* a candidate's hop from here on: plan->found[hop - ROUTE_HOP_FOUND] */
struct route_candidate {
	struct peer *peer;     /* borrowed from the peer set of the same snapshot */
	size_t hop;            /* index into peer->hops, or as above */
	uint8_t target;        /* plan->targets[target - 1]; 0 = as it was asked for */
	uint8_t depth;         /* redirects that led to it */
	struct route_sed *sed; /* borrowed as peer is; NULL = nothing but the address */
};
/* Whom a redirect wants to be asked for (route_redirect.h). */
struct route_target {
	char user[ROUTE_USER_BYTES];
	char host[ROUTE_HOST_BYTES]; /* "" = the peer's */
};
/* What lookups found out that no configuration says. */
struct route_found {
	char user[ROUTE_USER_BYTES]; /* of the target URI; "" = as it was asked for */
	char host[ROUTE_HOST_BYTES]; /* target domain: the Request-URI's host */
	char prove
		[ROUTE_HOST_BYTES]; /* domain the next hops are of: the name TLS must prove (RFC 5922 4) */
	struct route_sed *sed; /* what the lookup said of the Route set; NULL = nothing */
	size_t nhops;
	struct peer_hop hops[ROUTE_CANDIDATES_MAX];
};
struct route_plan {
	char route[64]; /* which route or source decided: "b", "lookup uri" */
	bool by_route;  /* one of the routes, not a lookup */
	bool unknown;   /* a 503: a source that was asked did not answer, so nobody knows */
	int status; /* 0 = candidates there; else the SIP status to answer: 404 no route, 503 all down/blocked */
	const char *reason; /* static text for it */
	const char *cause;  /* CDR word for it */
	/* How sure it is: of what was looked up, how long it holds; stale = its time is over, nobody could be asked. */
	bool looked_up, stale, denied;
	uint32_t ttl_s, took_ms;
	size_t n;
	struct route_candidate candidates[ROUTE_CANDIDATES_MAX + ROUTE_REDIRECTS_MAX];
	struct route_failover failover;
	struct route_found *found;    /* counted; NULL = all is configured */
	struct route_trace trace;     /* who was asked besides the routes */
	struct route_target *targets; /* counted, ROUTE_REDIRECTS_MAX; NULL = nobody redirected */
};
struct route_set;

/* What the configuration says about routing. */
struct route_conf_lists {
	struct conf_list routes;   /* struct route_conf */
	struct conf_list lookup;   /* struct route_step_conf */
	struct conf_list location; /* struct route_step_conf */
};

/** Rules between routes and peers: names exist and are told apart, a target has next hops. @return 0, -EINVAL with err set. */
int route_conf_check_all(const struct conf_doc *doc, const struct route_conf_lists *c,
			 const struct conf_list *peers, struct conf_error *err);

/**
 * Compile for use with these peers (of the same snapshot).
 * @param owner counted object that keeps the confs alive; NULL = they are static.
 * @return 0, -EINVAL (route_conf_check_all would have said why), -ENOMEM.
 */
int route_set_new(const struct route_conf_lists *c, void *owner, struct peer_set *peers,
		  struct route_set **ret_set);
void route_set_free(struct route_set *s);
/** Limits of routes go on where they are in the former configuration. old NULL = there is none. */
void route_set_adopt(struct route_set *s, const struct route_set *old);
/** Tests: the chances of weights from here on. */
void route_set_seed(struct route_set *s, uint64_t seed);

/** The next hop of a candidate. */
const struct peer_hop *route_hop(const struct route_plan *plan, size_t nth);

/** Escapes undone, visual separators out, parameters cut ("+44 (20) 79;x" -> "+442079"); what is no number stays as it is.
 *  @return buf, cut to its size. */
const char *route_number(const char *user, char *buf, size_t size_bytes);

/** Columns and rows (common/admin.h), or NULL without memory. */
json_t *route_list(const struct route_set *s);

#endif
