/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event - requests that are no calls: MESSAGE, SUBSCRIBE with its NOTIFYs, PUBLISH, from one peer to another.
 *
 * Routed like calls, under the peers' policies, with identifiers of our own on each side; nothing is authorised here
 * but what the communities have agreed (RFC 5344). Bodies pass byte for byte.
 * Owner: the app makes one core. Thread: loop.
 */
#ifndef SBE_EVENT_EVENT_H
#define SBE_EVENT_EVENT_H

#include "common/metric.h"
#include "common/timer.h"
#include "sbe/peer/peer.h"
#include "sbe/route/route_ask.h"
#include "sbe/sip/txn.h"

#define EVENT_METRICS(X)                                                                           \
	X(EVENT_PASSED, COUNTER, "sbe_events_total{result=\"passed\"}",                            \
	  "MESSAGE, SUBSCRIBE, NOTIFY and PUBLISH requests, by what became of them")               \
	X(EVENT_REFUSED, COUNTER, "sbe_events_total{result=\"refused\"}",                          \
	  "MESSAGE, SUBSCRIBE, NOTIFY and PUBLISH requests, by what became of them")               \
	X(EVENT_FAILED, COUNTER, "sbe_events_total{result=\"failed\"}",                            \
	  "MESSAGE, SUBSCRIBE, NOTIFY and PUBLISH requests, by what became of them")               \
	X(EVENT_FOREIGN, COUNTER, "sbe_events_foreign_total",                                      \
	  "requests in a subscription that did not come from its peer, answered 481")              \
	X(EVENT_SUBSCRIPTIONS, GAUGE, "sbe_subscriptions", "subscriptions between peers now")
METRIC_ENUM(event_metrics, EVENT_METRICS)

struct event_config { /* of a snapshot; strings live as long as it */
	struct peer_set *peers;
	struct route_set *routes;
	const char *const *domains; /* ours */
	size_t ndomains;
};
struct event_options {
	struct timer_wheel *wheel;
	struct transport *transport;
	struct txn_layer *txns;
	struct route_env env;
};
struct event_core;

int event_core_new(const struct event_options *o, const struct event_config *c,
		   struct event_core **ret_core);
/** What is under way ends without a word; to be called before the transactions go. */
void event_core_free(struct event_core *core);
/** A new snapshot; what is under way goes on under the old one. */
void event_core_configure(struct event_core *core, const struct event_config *c);

/** A request. @return true: it is ours and s is taken; false: nothing was done. */
bool event_on_request(struct event_core *core, struct txn_server *s, const struct wire_msg *m);
/** May requests of this method, outside of calls, come from the peer? */
bool event_agreed(const struct peer_conf *c, enum wire_method method);

/** Columns and rows of all subscriptions (common/admin.h), or NULL without memory. */
json_t *event_list(const struct event_core *core);
size_t event_count(const struct event_core *core); /* subscriptions and requests under way */

#endif
