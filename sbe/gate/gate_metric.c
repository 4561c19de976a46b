/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/gate/gate_metric.h"

METRIC_TABLE(gate_metrics, GATE_METRICS)
