/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns - questions to the DNS, answered from a bounded cache or by name servers, never blocking.
 *
 * Equal questions that are under way are asked once. Every question has a deadline of its asker's. When no
 * server answers, an answer whose time is over serves on for a while (RFC 8767): routes to known places
 * outlive the name servers. The way to the servers is struct dns_io, so tests answer themselves.
 * Owner: the app makes one; a question belongs to its asker until its handler ran. Thread: loop.
 */
#ifndef SBE_DNS_DNS_H
#define SBE_DNS_DNS_H

#include "common/metric.h"
#include "common/timer.h"
#include "sbe/dns/dns_record.h"

#define DNS_METRICS(X)                                                                             \
	X(DNS_CACHED, COUNTER, "sbe_dns_questions_total{from=\"cache\"}",                          \
	  "questions answered, by where the answer came from")                                     \
	X(DNS_ASKED, COUNTER, "sbe_dns_questions_total{from=\"server\"}",                          \
	  "questions answered, by where the answer came from")                                     \
	X(DNS_SHARED, COUNTER, "sbe_dns_questions_total{from=\"shared\"}",                         \
	  "questions answered, by where the answer came from")                                     \
	X(DNS_STALE, COUNTER, "sbe_dns_questions_total{from=\"stale\"}",                           \
	  "questions answered, by where the answer came from")                                     \
	X(DNS_FAILED, COUNTER, "sbe_dns_failures_total{reason=\"server\"}",                        \
	  "questions no name server answered, by reason")                                          \
	X(DNS_TIMEOUT, COUNTER, "sbe_dns_failures_total{reason=\"timeout\"}",                      \
	  "questions no name server answered, by reason")                                          \
	X(DNS_REFUSED, COUNTER, "sbe_dns_failures_total{reason=\"too_many\"}",                     \
	  "questions no name server answered, by reason")                                          \
	X(DNS_ENTRIES, GAUGE, "sbe_dns_cache_entries", "answers kept")                             \
	X(DNS_UNDER_WAY, GAUGE, "sbe_dns_questions_under_way", "questions name servers work on")
METRIC_ENUM(dns_metrics, DNS_METRICS)

#define DNS_QUESTIONS_MAX 1000U /* under way at once; more fail at once */
#define DNS_WAITERS_MAX 20000U
#define DNS_STALE_S 3600U  /* default */
#define DNS_ERROR_TTL_S 2U /* how long a failed server is not asked the same thing again */

struct dns;
struct dns_question;

/* a is only there during the call: copy what is needed. The question is gone when this returns. */
typedef void(dns_answer_h)(void *arg, const struct dns_answer *a);

struct dns_io {
	/** Ask the servers; the result comes with dns_take(ticket), from the loop, never from inside ask. @return 0, -errno. */
	int (*ask)(void *ctx, const char *name, int type, uint64_t ticket);
	void *ctx;
};
struct dns_options {
	struct timer_wheel *wheel;
	struct dns_io io;
	uint32_t entries_max; /* 0 = 10000 */
	uint32_t
		stale_s; /* how long over its time an answer may serve; 0 = DNS_STALE_S, UINT32_MAX = never */
};

int dns_new(const struct dns_options *o, struct dns **ret_dns);
/** Questions that are under way are dropped: their handlers do not run. */
void dns_free(struct dns *d);

struct dns_asker {
	dns_answer_h *fn;
	void *arg;
	uint32_t deadline_ms; /* how long it waits; then -ETIMEDOUT, or what is stale */
};
/**
 * Ask. fn(arg) runs once, before this returns if the answer is known (then *ret_question is NULL).
 * @return 0, -EINVAL (a name that cannot be asked for), -EBUSY, -ENOMEM: fn does not run then.
 */
int dns_ask(struct dns *d, const char *name, int type, const struct dns_asker *asker,
	    struct dns_question **ret_question);
/** The asker is gone. NULL is fine. */
void dns_cancel(struct dns_question *q);

/** What the servers said: err 0 with a packet, -ETIMEDOUT, -EREMOTEIO. An unknown ticket is ignored. */
void dns_take(struct dns *d, uint64_t ticket, int err, const uint8_t *packet, size_t len_bytes);

/** Forget all answers (speerctl). @return how many. */
size_t dns_flush(struct dns *d);
size_t dns_waiting(const struct dns *d);

#endif
