/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sip/transport_metric.h"

#include "sbe/sip/guard.h"

METRIC_TABLE(transport_metrics, TRANSPORT_METRICS)

#define GUARD_METRIC_ROW(id, name, text)                                                           \
	{"sbe_sip_guard_total{reason=\"" name "\"}", "messages by what the guard said of them",    \
	 METRIC_COUNTER},
static const struct metric_def guard_defs[] = {GUARD_REASONS(GUARD_METRIC_ROW)};
static _Atomic int64_t guard_values[GUARD_REASON_COUNT];
struct metric_group transport_guard_metrics = {guard_defs, guard_values, GUARD_REASON_COUNT, NULL};
