/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_luf - servers that are asked for the target of a number or URI (RFC 5486: LUF): an HTTPS service, or a SIP
 * server that answers a lookup INVITE with 3xx.
 *
 * Equal questions under way are asked once. Answers are kept for their time, also "not there" and "you may not know";
 * when a server does not answer, one whose time is over serves on for a while. Everything is bounded.
 * Owner: the app makes one, it outlives configurations. Thread: loop.
 */
#ifndef SBE_ROUTE_ROUTE_LUF_H
#define SBE_ROUTE_ROUTE_LUF_H

#include "common/metric.h"
#include "common/timer.h"
#include "sbe/route/route.h"
#include "sbe/sip/txn.h"
#include "sbe/web/web.h"

#define ROUTE_LUF_METRICS(X)                                                                       \
	X(ROUTE_LUF_CACHED, COUNTER, "sbe_lookup_answers_total{from=\"cache\"}",                   \
	  "answers of lookup servers, by where they came from")                                    \
	X(ROUTE_LUF_ASKED, COUNTER, "sbe_lookup_answers_total{from=\"server\"}",                   \
	  "answers of lookup servers, by where they came from")                                    \
	X(ROUTE_LUF_STALE, COUNTER, "sbe_lookup_answers_total{from=\"stale\"}",                    \
	  "answers of lookup servers, by where they came from")                                    \
	X(ROUTE_LUF_FAILURES, COUNTER, "sbe_lookup_failures_total",                                \
	  "questions that a lookup server did not answer or answered with nonsense")               \
	X(ROUTE_LUF_REFUSALS, COUNTER, "sbe_lookup_denied_total",                                  \
	  "questions that a lookup server may not answer to us")                                   \
	X(ROUTE_LUF_LIMITED, COUNTER, "sbe_lookup_limited_total",                                  \
	  "requests refused since their peer makes us ask too much")                               \
	X(ROUTE_LUF_ENTRIES, GAUGE, "sbe_lookup_cache_entries", "answers of lookup servers kept")
METRIC_ENUM(route_luf_metrics, ROUTE_LUF_METRICS)

#define ROUTE_LUF_WAITERS_MAX 10000U
#define ROUTE_LUF_STALE_S 3600U
#define ROUTE_LUF_TTL_S 60U          /* when the answer says nothing */
#define ROUTE_LUF_NEGATIVE_TTL_S 30U /* not there, not allowed */
#define ROUTE_LUF_ERROR_TTL_S                                                                      \
	2U /* how long a server that failed is not asked the same thing again */

enum route_luf_result {
	ROUTE_LUF_FOUND,
	ROUTE_LUF_NONE,
	ROUTE_LUF_DENIED, /* we have no permission to know (D3) */
	ROUTE_LUF_FAILED
};
/* Counted, never changes. */
struct route_luf_answer {
	enum route_luf_result result;
	char why[160]; /* FAILED: in words */
	uint32_t ttl_s;
	char user[ROUTE_USER_BYTES]; /* of the target URI; "" = as it was asked for */
	char host[ROUTE_HOST_BYTES];
	char next[ROUTE_HOST_BYTES]; /* domain of the next hop; "" = the target's own */
	struct route_sed *sed;       /* with the Route set; NULL = none */
};
struct route_luf_said {
	const struct route_luf_answer *answer;
	bool cached, stale;
	uint32_t ttl_s; /* left */
};
typedef void(route_luf_h)(void *arg, const struct route_luf_said *said);

struct route_luf;
struct route_luf_wait;

struct route_luf_options {
	struct timer_wheel *wheel;
	struct web *web;        /* NULL = no HTTPS */
	struct txn_layer *txns; /* NULL = no SIP */
	/* Where requests to this next hop leave from; NULL = nowhere. */
	const struct transport_listener *(*listener)(void *arg, const struct peer *p, size_t hop);
	/* A server accepted the lookup INVITE as a call: end it. */
	void (*hang_up)(void *arg, const struct wire_msg *m, const struct transport_target *to);
	void *arg;
	uint32_t entries_max; /* 0 = 10000 */
	uint32_t stale_s;     /* 0 = ROUTE_LUF_STALE_S, UINT32_MAX = never */
};
struct route_luf_question {
	const struct route_step_conf *step; /* of type https or redirect */
	struct peer *peer;                  /* redirect: who is asked */
	const char *user, *host;            /* host "" = none that is not ours */
	uint32_t deadline_ms;
	bool cached_only; /* nothing may be sent */
	route_luf_h *fn;
	void *arg;
};

int route_luf_new(const struct route_luf_options *o, struct route_luf **ret_luf);
/** Questions under way are dropped: their handlers do not run. */
void route_luf_free(struct route_luf *l);
/**
 * Ask. fn runs once, perhaps before this returns (then *ret_wait is NULL).
 * @return 0, -ENODATA (cached_only, and it is not), -ENOTSUP (no way to ask), -EBUSY, -ENOMEM: fn does not run then.
 */
int route_luf_ask(struct route_luf *l, const struct route_luf_question *q,
		  struct route_luf_wait **ret_wait);
/** NULL is fine. */
void route_luf_cancel(struct route_luf_wait *w);
/** Forget all answers. @return how many. */
size_t route_luf_flush(struct route_luf *l);

/** What an HTTPS service said; status and body as received. @return a new answer, NULL without memory. */
struct route_luf_answer *route_luf_read_json(int status, const char *body, size_t body_bytes);
/** What a SIP server said with a final response. @return a new answer, NULL without memory. */
struct route_luf_answer *route_luf_read_sip(const struct wire_msg *m);

#endif
