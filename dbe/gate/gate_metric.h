/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_metric - gate control as the dbe sees it. Owner: static storage. Thread: any. Registered by gate_server_new.
 */
#ifndef DBE_GATE_GATE_METRIC_H
#define DBE_GATE_GATE_METRIC_H

#include "common/metric.h"

#define GATE_SERVER_METRICS(X)                                                                     \
	X(GATE_M_ASSOCIATIONS, GAUGE, "dbe_gate_associations", "controllers associated now")       \
	X(GATE_M_LOST, COUNTER, "dbe_gate_associations_lost_total",                                \
	  "associations that ended without our doing")                                             \
	X(GATE_M_REFUSED, COUNTER, "dbe_gate_registrations_refused_total",                         \
	  "ServiceChange refused by a controller, or its reply by us")                             \
	X(GATE_M_REQUESTS, COUNTER, "dbe_gate_requests_total", "requests executed")                \
	X(GATE_M_DUPLICATES, COUNTER, "dbe_gate_duplicates_total",                                 \
	  "repeated requests answered without executing them again")                               \
	X(GATE_M_ERRORS, COUNTER, "dbe_gate_protocol_errors_total",                                \
	  "frames and requests refused before execution")                                          \
	X(GATE_M_NOTIFIES, COUNTER, "dbe_gate_notifies_total", "events sent to controllers")       \
	X(GATE_M_NOTIFIES_DROPPED, COUNTER, "dbe_gate_notifies_dropped_total",                     \
	  "events not sent because the buffer was full (H.248 error 518)")                         \
	X(GATE_M_HELD_OUT, COUNTER, "dbe_gate_contexts_expired_total",                             \
	  "contexts cleared because their controller was gone for the hold time")
METRIC_ENUM(gate_server_metrics, GATE_SERVER_METRICS)

#endif
