/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_metric - what the sockets of this process dropped, refused or closed.
 *
 * Owner: static storage. Thread: any. The program registers the group once with
 * metric_register(&net_metrics).
 */
#ifndef COMMON_NET_NET_METRIC_H
#define COMMON_NET_NET_METRIC_H

#include "common/metric.h"

#define NET_METRICS(X)                                                                             \
	X(NET_UDP_SEND_DROPPED, COUNTER, "net_udp_send_drops_total",                               \
	  "datagrams dropped because the socket's send buffer was full")                           \
	X(NET_UDP_SEND_FAILED, COUNTER, "net_udp_send_errors_total",                               \
	  "datagrams the kernel refused to send")                                                  \
	X(NET_UDP_ICMP, COUNTER, "net_udp_icmp_errors_total",                                      \
	  "ICMP errors reported for datagrams we sent")                                            \
	X(NET_STREAMS, GAUGE, "net_streams", "stream connections that hold a descriptor")          \
	X(NET_STREAM_QUEUE_FULL, COUNTER, "net_stream_queue_full_total",                           \
	  "streams closed because the far end did not read")                                       \
	X(NET_STREAM_IDLE, COUNTER, "net_stream_idle_closed_total",                                \
	  "streams closed because nothing came in for too long")                                   \
	X(NET_STREAM_REFUSED_TOTAL, COUNTER, "net_stream_refused_total{reason=\"listener\"}",      \
	  "connections closed at accept by a cap")                                                 \
	X(NET_STREAM_REFUSED_ADDRESS, COUNTER, "net_stream_refused_total{reason=\"address\"}",     \
	  "connections closed at accept by a cap")                                                 \
	X(NET_STREAM_REFUSED_VET, COUNTER, "net_stream_refused_total{reason=\"unknown\"}",         \
	  "connections closed at accept by a cap")                                                 \
	X(NET_STREAM_PACED, COUNTER, "net_stream_accept_waits_total",                              \
	  "times that connections waited because they came too fast")                              \
	X(NET_TLS_FAILED, COUNTER, "net_tls_handshake_failures_total",                             \
	  "TLS handshakes that failed or took too long")

METRIC_ENUM(net_metrics, NET_METRICS)

#endif
