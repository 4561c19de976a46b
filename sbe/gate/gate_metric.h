/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_metric - gate control as the sbe sees it. Owner: static storage. Thread: any. Registered by gate_pool_new.
 */
#ifndef SBE_GATE_GATE_METRIC_H
#define SBE_GATE_GATE_METRIC_H

#include "common/metric.h"

#define GATE_METRICS(X)                                                                            \
	X(GATE_M_IN_SERVICE, GAUGE, "sbe_gate_dbes_in_service", "dbes that take new contexts")     \
	X(GATE_M_CONTEXTS, GAUGE, "sbe_gate_contexts", "contexts open on all dbes")                \
	X(GATE_M_REQUESTS, COUNTER, "sbe_gate_requests_total", "requests sent to dbes")            \
	X(GATE_M_TIMEOUTS, COUNTER, "sbe_gate_timeouts_total",                                     \
	  "requests without an answer in time")                                                    \
	X(GATE_M_RETRIES, COUNTER, "sbe_gate_retries_total", "contexts tried on another dbe")      \
	X(GATE_M_FAIL_NO_DBE, COUNTER, "sbe_gate_open_failures_total{reason=\"no_dbe\"}",          \
	  "contexts that could not be opened")                                                     \
	X(GATE_M_FAIL_PORTS, COUNTER, "sbe_gate_open_failures_total{reason=\"ports\"}",            \
	  "contexts that could not be opened")                                                     \
	X(GATE_M_FAIL_TIMEOUT, COUNTER, "sbe_gate_open_failures_total{reason=\"timeout\"}",        \
	  "contexts that could not be opened")                                                     \
	X(GATE_M_FAIL_LOST, COUNTER, "sbe_gate_open_failures_total{reason=\"lost\"}",              \
	  "contexts that could not be opened")                                                     \
	X(GATE_M_FAIL_REFUSED, COUNTER, "sbe_gate_open_failures_total{reason=\"refused\"}",        \
	  "contexts that could not be opened")                                                     \
	X(GATE_M_CHANGE_REFUSED, COUNTER, "sbe_gate_changes_refused_total",                        \
	  "Modify, Subtract or audit refused by a dbe")                                            \
	X(GATE_M_LATE, COUNTER, "sbe_gate_late_contexts_total",                                    \
	  "contexts opened after we had given up, subtracted")                                     \
	X(GATE_M_STRAYS, COUNTER, "sbe_gate_strays_total",                                         \
	  "contexts found by an audit that nobody here knows, subtracted")                         \
	X(GATE_M_GONE, COUNTER, "sbe_gate_contexts_gone_total",                                    \
	  "contexts that vanished with their dbe")                                                 \
	X(GATE_M_LOST, COUNTER, "sbe_gate_associations_lost_total", "associations lost")           \
	X(GATE_M_TRIPPED, COUNTER, "sbe_gate_tripped_total",                                       \
	  "dbes taken out because they were slow or silent")                                       \
	X(GATE_M_JOIN_REFUSED, COUNTER, "sbe_gate_joins_refused_total",                            \
	  "connections that were not let in")
METRIC_ENUM(gate_metrics, GATE_METRICS)

#endif
