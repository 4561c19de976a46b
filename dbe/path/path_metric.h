/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_metric - what the data plane of this process relayed and dropped.
 *
 * Owner: static storage. Thread: any. The program registers the group once.
 */
#ifndef DBE_PATH_PATH_METRIC_H
#define DBE_PATH_PATH_METRIC_H

#include "common/metric.h"

/* The first rows are in the order of enum path_drop. */
#define PATH_METRICS(X)                                                                            \
	X(PATH_M_DROP_MODE, COUNTER, "dbe_drops_total{reason=\"mode\"}",                           \
	  "packets that were not relayed")                                                         \
	X(PATH_M_DROP_SOURCE, COUNTER, "dbe_drops_total{reason=\"source\"}",                       \
	  "packets that were not relayed")                                                         \
	X(PATH_M_DROP_PAYLOAD, COUNTER, "dbe_drops_total{reason=\"payload_type\"}",                \
	  "packets that were not relayed")                                                         \
	X(PATH_M_DROP_MALFORMED, COUNTER, "dbe_drops_total{reason=\"malformed\"}",                 \
	  "packets that were not relayed")                                                         \
	X(PATH_M_DROP_RATE, COUNTER, "dbe_drops_total{reason=\"rate\"}",                           \
	  "packets that were not relayed")                                                         \
	X(PATH_M_DROP_NO_REMOTE, COUNTER, "dbe_drops_total{reason=\"no_remote\"}",                 \
	  "packets that were not relayed")                                                         \
	X(PATH_M_DROP_SEND, COUNTER, "dbe_drops_total{reason=\"send\"}",                           \
	  "packets that were not relayed")                                                         \
	X(PATH_M_PACKETS, COUNTER, "dbe_packets_total", "packets relayed, RTP and RTCP")           \
	X(PATH_M_BYTES, COUNTER, "dbe_bytes_total", "bytes relayed, without IP and UDP headers")   \
	X(PATH_M_ENDS, GAUGE, "dbe_gates_active{path=\"socket\"}",                                 \
	  "streams of terminations that have open ports")                                          \
	X(PATH_M_WARM, GAUGE, "dbe_warm_pairs",                                                    \
	  "port pairs no stream has, kept open for the next one")                                  \
	X(PATH_M_STRAYS, COUNTER, "dbe_stray_packets_total",                                       \
	  "packets that came to such a port and were dropped")
METRIC_ENUM(path_metrics, PATH_METRICS)

#endif
