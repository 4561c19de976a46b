/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_limit - how much a peer may use: calls, calls a second, open transactions, messages a second.
 *
 * Every refusal has one name, which stands in the CDR, in the Reason header, in `peer show` and in the counters.
 * Owner: see peer.h, which includes this. Thread: loop.
 */
#ifndef SBE_PEER_PEER_LIMIT_H
#define SBE_PEER_PEER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/metric.h"
#include "common/rate.h"

/* What can refuse a call before it exists: label of the counter, CDR word, text for people. */
#define PEER_LIMITS(X)                                                                             \
	X(PEER_LIMIT_NONE, "none", "none", "no limit")                                             \
	X(PEER_LIMIT_SESSIONS, "sessions", "limit_sessions", "session limit of the peer")          \
	X(PEER_LIMIT_CPS, "cps", "limit_cps", "call rate limit of the peer")                       \
	X(PEER_LIMIT_BLOCKED, "blocked", "peer_blocked", "peer is blocked by the operator")        \
	X(PEER_LIMIT_TRANSACTIONS, "transactions", "limit_transactions",                           \
	  "transaction limit of the peer")                                                         \
	X(PEER_LIMIT_MESSAGES, "messages", "limit_messages", "message rate limit of the peer")     \
	X(PEER_LIMIT_NODE_CPS, "node_cps", "limit_node_cps",                                       \
	  "call rate limit of the border element")                                                 \
	X(PEER_LIMIT_BANDWIDTH, "bandwidth", "limit_bandwidth", "bandwidth limit of the peer")     \
	X(PEER_LIMIT_OVERLOAD, "overload", "overload", "border element is overloaded")             \
	X(PEER_LIMIT_FEDERATION_SESSIONS, "federation_sessions", "limit_federation_sessions",      \
	  "session limit of the federation")                                                       \
	X(PEER_LIMIT_FEDERATION_CPS, "federation_cps", "limit_federation_cps",                     \
	  "call rate limit of the federation")
#define PEER_LIMIT_ENUM_(id, label, name, text) id,
enum peer_limit { PEER_LIMITS(PEER_LIMIT_ENUM_) PEER_LIMIT_COUNT };

/* Indexed by enum peer_limit: sbe_limit_rejects_total{limit="..."}. */
extern struct metric_group peer_limit_metrics;

enum peer_direction { PEER_IN, PEER_OUT }; /* calls they send us, calls we send them */

struct peer_limits {
	uint32_t sessions, sessions_in, sessions_out; /* 0 = none */
	uint32_t cps, cps_in, cps_out;
	uint32_t transactions;   /* open server transactions; 0 = PEER_TRANSACTIONS */
	uint32_t messages_per_s; /* 0 = none */
};
extern const struct conf_field peer_limits_fields[];

#define PEER_TRANSACTIONS 100000U /* half of what the node has: one peer cannot take it all */

/* Buckets, as large as the configuration says. */
enum { PEER_RATE_CALLS, PEER_RATE_IN, PEER_RATE_OUT, PEER_RATE_MESSAGES, PEER_RATES };
void peer_rates_init(struct rate rates[PEER_RATES], const struct peer_limits *l, uint64_t now_us);

struct peer;
/** Count a session in; all or nothing. @return PEER_LIMIT_NONE, or which limit refused (counted). */
enum peer_limit peer_take(struct peer *p, enum peer_direction d, uint64_t now_us);
/** An emergency or priority call: counted, refused by nothing but the operator's block. */
enum peer_limit peer_take_urgent(struct peer *p, enum peer_direction d);
void peer_give(struct peer *p, enum peer_direction d);
/** What peer_take would say; takes and counts nothing. */
enum peer_limit peer_would_refuse(struct peer *p, enum peer_direction d, uint64_t now_us);
/** A new call was refused by something that peer_take does not look at, or before it was asked. */
void peer_count_refused(struct peer *p, enum peer_limit l);
/** A limit refused something that counts as no attempt of its own. */
void peer_count_limited(struct peer *p, enum peer_limit l);
/** One message of it. @param reserve leave a quarter of the second for those that matter more. @return false: over its rate. */
bool peer_take_message(struct peer *p, bool reserve, uint64_t now_us);
const char *peer_limit_name(enum peer_limit l);
const char *peer_limit_text(enum peer_limit l);

#endif
