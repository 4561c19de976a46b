/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/gate/gate_metric.h"

METRIC_TABLE(gate_server_metrics, GATE_SERVER_METRICS)
