/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/path/path_metric.h"

METRIC_TABLE(path_metrics, PATH_METRICS)
