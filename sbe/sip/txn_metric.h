/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_metric - what the transaction layer counts. Owner: static storage. Thread: any.
 */
#ifndef SBE_SIP_TXN_METRIC_H
#define SBE_SIP_TXN_METRIC_H

#include "common/metric.h"
#include "sbe/sip/wire.h"

/* Method classes: the order is that of txn_metric_method(). */
#define TXN_METRICS(X)                                                                             \
	X(TXN_TOO_LARGE, COUNTER, "sbe_sip_answers_withheld_total",                                \
	  "answers to unknown sources that would have been larger than their request")             \
	X(TXN_REQUEST_IN_OTHER, COUNTER, "sbe_sip_requests_in_total{method=\"other\"}",            \
	  "requests received")                                                                     \
	X(TXN_REQUEST_IN_INVITE, COUNTER, "sbe_sip_requests_in_total{method=\"invite\"}",          \
	  "requests received")                                                                     \
	X(TXN_REQUEST_IN_ACK, COUNTER, "sbe_sip_requests_in_total{method=\"ack\"}",                \
	  "requests received")                                                                     \
	X(TXN_REQUEST_IN_BYE, COUNTER, "sbe_sip_requests_in_total{method=\"bye\"}",                \
	  "requests received")                                                                     \
	X(TXN_REQUEST_IN_CANCEL, COUNTER, "sbe_sip_requests_in_total{method=\"cancel\"}",          \
	  "requests received")                                                                     \
	X(TXN_REQUEST_IN_OPTIONS, COUNTER, "sbe_sip_requests_in_total{method=\"options\"}",        \
	  "requests received")                                                                     \
	X(TXN_REQUEST_OUT_OTHER, COUNTER, "sbe_sip_requests_out_total{method=\"other\"}",          \
	  "requests sent")                                                                         \
	X(TXN_REQUEST_OUT_INVITE, COUNTER, "sbe_sip_requests_out_total{method=\"invite\"}",        \
	  "requests sent")                                                                         \
	X(TXN_REQUEST_OUT_ACK, COUNTER, "sbe_sip_requests_out_total{method=\"ack\"}",              \
	  "requests sent")                                                                         \
	X(TXN_REQUEST_OUT_BYE, COUNTER, "sbe_sip_requests_out_total{method=\"bye\"}",              \
	  "requests sent")                                                                         \
	X(TXN_REQUEST_OUT_CANCEL, COUNTER, "sbe_sip_requests_out_total{method=\"cancel\"}",        \
	  "requests sent")                                                                         \
	X(TXN_REQUEST_OUT_OPTIONS, COUNTER, "sbe_sip_requests_out_total{method=\"options\"}",      \
	  "requests sent")                                                                         \
	X(TXN_LARGE, COUNTER, "sbe_sip_large_requests_total{result=\"tcp\"}",                      \
	  "requests too large for UDP")                                                            \
	X(TXN_LARGE_BACK, COUNTER, "sbe_sip_large_requests_total{result=\"udp\"}",                 \
	  "requests too large for UDP")                                                            \
	X(TXN_RESPONSE_IN_1XX, COUNTER, "sbe_sip_responses_in_total{class=\"1xx\"}",               \
	  "responses received")                                                                    \
	X(TXN_RESPONSE_IN_2XX, COUNTER, "sbe_sip_responses_in_total{class=\"2xx\"}",               \
	  "responses received")                                                                    \
	X(TXN_RESPONSE_IN_3XX, COUNTER, "sbe_sip_responses_in_total{class=\"3xx\"}",               \
	  "responses received")                                                                    \
	X(TXN_RESPONSE_IN_4XX, COUNTER, "sbe_sip_responses_in_total{class=\"4xx\"}",               \
	  "responses received")                                                                    \
	X(TXN_RESPONSE_IN_5XX, COUNTER, "sbe_sip_responses_in_total{class=\"5xx\"}",               \
	  "responses received")                                                                    \
	X(TXN_RESPONSE_IN_6XX, COUNTER, "sbe_sip_responses_in_total{class=\"6xx\"}",               \
	  "responses received")                                                                    \
	X(TXN_RESPONSE_OUT_1XX, COUNTER, "sbe_sip_responses_out_total{class=\"1xx\"}",             \
	  "responses sent")                                                                        \
	X(TXN_RESPONSE_OUT_2XX, COUNTER, "sbe_sip_responses_out_total{class=\"2xx\"}",             \
	  "responses sent")                                                                        \
	X(TXN_RESPONSE_OUT_3XX, COUNTER, "sbe_sip_responses_out_total{class=\"3xx\"}",             \
	  "responses sent")                                                                        \
	X(TXN_RESPONSE_OUT_4XX, COUNTER, "sbe_sip_responses_out_total{class=\"4xx\"}",             \
	  "responses sent")                                                                        \
	X(TXN_RESPONSE_OUT_5XX, COUNTER, "sbe_sip_responses_out_total{class=\"5xx\"}",             \
	  "responses sent")                                                                        \
	X(TXN_RESPONSE_OUT_6XX, COUNTER, "sbe_sip_responses_out_total{class=\"6xx\"}",             \
	  "responses sent")                                                                        \
	X(TXN_REPEAT_IN, COUNTER, "sbe_sip_retransmissions_total{direction=\"in\"}",               \
	  "messages seen again")                                                                   \
	X(TXN_REPEAT_OUT, COUNTER, "sbe_sip_retransmissions_total{direction=\"out\"}",             \
	  "messages sent again")                                                                   \
	X(TXN_UNMATCHED, COUNTER, "sbe_sip_unmatched_total",                                       \
	  "responses and CANCELs that belong to no transaction")                                   \
	X(TXN_UNEXPECTED, COUNTER, "sbe_sip_unexpected_total",                                     \
	  "messages a transaction's state does not take")                                          \
	X(TXN_OFF_PATH, COUNTER, "sbe_sip_off_path_total",                                         \
	  "messages for a transaction from an address that has no part in it")                     \
	X(TXN_MERGED, COUNTER, "sbe_sip_merged_total",                                             \
	  "copies of a request that came by another path, answered 482")                           \
	X(TXN_REFUSED, COUNTER, "sbe_sip_refused_total", "requests answered 503 for want of room") \
	X(TXN_TIMEOUTS, COUNTER, "sbe_sip_timeouts_total{side=\"client\"}",                        \
	  "transactions nobody answered")                                                          \
	X(TXN_NO_ACK, COUNTER, "sbe_sip_timeouts_total{side=\"server\"}",                          \
	  "final responses nobody acknowledged")                                                   \
	X(TXN_SEND_FAILED, COUNTER, "sbe_sip_send_errors_total",                                   \
	  "messages the transport did not take")                                                   \
	X(TXN_SERVERS, GAUGE, "sbe_sip_transactions{side=\"server\"}", "open transactions")        \
	X(TXN_CLIENTS, GAUGE, "sbe_sip_transactions{side=\"client\"}", "open transactions")

METRIC_ENUM(txn_metrics, TXN_METRICS)

/** Offset of a method's row from TXN_REQUEST_IN_OTHER or TXN_REQUEST_OUT_OTHER. */
static inline int txn_metric_method(enum wire_method m)
{
	return m >= WIRE_INVITE && m <= WIRE_OPTIONS ? (int)m : 0;
}
/** Offset of a status's row from ..._1XX; status is 100..699. */
static inline int txn_metric_class(int status)
{
	return status / 100 - 1;
}

#endif
