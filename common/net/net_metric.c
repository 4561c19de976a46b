/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/net_metric.h"

METRIC_TABLE(net_metrics, NET_METRICS)
