/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_metric - what SIP sockets count; a row for each reason of the guard. Owner: static storage. Thread: any.
 */
#ifndef SBE_SIP_TRANSPORT_METRIC_H
#define SBE_SIP_TRANSPORT_METRIC_H

#include "common/metric.h"

#define TRANSPORT_METRICS(X)                                                                       \
	X(TRANSPORT_IN_UDP, COUNTER, "sbe_sip_messages_in_total{transport=\"udp\"}",               \
	  "messages received")                                                                     \
	X(TRANSPORT_IN_TCP, COUNTER, "sbe_sip_messages_in_total{transport=\"tcp\"}",               \
	  "messages received")                                                                     \
	X(TRANSPORT_IN_TLS, COUNTER, "sbe_sip_messages_in_total{transport=\"tls\"}",               \
	  "messages received")                                                                     \
	X(TRANSPORT_OUT_UDP, COUNTER, "sbe_sip_messages_out_total{transport=\"udp\"}",             \
	  "messages sent")                                                                         \
	X(TRANSPORT_OUT_TCP, COUNTER, "sbe_sip_messages_out_total{transport=\"tcp\"}",             \
	  "messages sent")                                                                         \
	X(TRANSPORT_OUT_TLS, COUNTER, "sbe_sip_messages_out_total{transport=\"tls\"}",             \
	  "messages sent")                                                                         \
	X(TRANSPORT_BAD, COUNTER, "sbe_sip_malformed_total", "messages the parser refused")        \
	X(TRANSPORT_ANSWERED, COUNTER, "sbe_sip_stateless_answers_total",                          \
	  "requests refused before or by the parser")                                              \
	X(TRANSPORT_ACKS, COUNTER, "sbe_sip_stateless_acks_total",                                 \
	  "ACKs of stateless answers, dropped unparsed")                                           \
	X(TRANSPORT_KEEPALIVES, COUNTER, "sbe_sip_keepalives_total", "keep-alives received")       \
	X(TRANSPORT_SLOW, COUNTER, "sbe_sip_slow_senders_total",                                   \
	  "connections closed over an unfinished message")                                         \
	X(TRANSPORT_STUCK, COUNTER, "sbe_sip_connections_closed_total{reason=\"stuck\"}",          \
	  "connections closed by us")                                                              \
	X(TRANSPORT_SILENT, COUNTER, "sbe_sip_connections_closed_total{reason=\"silent\"}",        \
	  "connections closed by us")                                                              \
	X(TRANSPORT_NO_PONG, COUNTER, "sbe_sip_connections_closed_total{reason=\"no_pong\"}",      \
	  "connections closed by us")                                                              \
	X(TRANSPORT_UNKNOWN, COUNTER, "sbe_sip_connections_closed_total{reason=\"certificate\"}",  \
	  "connections closed by us")                                                              \
	X(TRANSPORT_TLS_REFUSED, COUNTER, "sbe_sip_tls_refused_total",                             \
	  "TLS handshakes of others that we refused or that did not end")                          \
	X(TRANSPORT_ALIASES, COUNTER, "sbe_sip_aliases_total",                                     \
	  "connections whose far end lets us send requests over them (RFC 5923)")                  \
	X(TRANSPORT_PINGS, COUNTER, "sbe_sip_pings_total", "keep-alives sent")                     \
	X(TRANSPORT_PONGS, COUNTER, "sbe_sip_pongs_total", "answers to our keep-alives")           \
	X(TRANSPORT_BROKEN, COUNTER, "sbe_sip_broken_streams_total",                               \
	  "connections closed because messages could not be told apart")                           \
	X(TRANSPORT_CONNECTS, COUNTER, "sbe_sip_connects_total", "connections we began to open")   \
	X(TRANSPORT_CONNECT_FAILED, COUNTER, "sbe_sip_connect_failures_total",                     \
	  "connections that did not open")                                                         \
	X(TRANSPORT_CONNECTIONS, GAUGE, "sbe_sip_connections", "open and opening connections")

METRIC_ENUM(transport_metrics, TRANSPORT_METRICS)

/* Indexed by enum guard_reason. */
extern struct metric_group transport_guard_metrics;

#endif
