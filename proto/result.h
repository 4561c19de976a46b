/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result - H.248 error codes and ServiceChange reasons we use: number, name, text in one table.
 */
#ifndef PROTO_RESULT_H
#define PROTO_RESULT_H

#include <stdint.h>

#define GATE_RESULTS(X)                                                                            \
	X(GATE_ERR_SYNTAX, 400, "syntax error in message")                                         \
	X(GATE_ERR_PROTOCOL, 401, "protocol error")                                                \
	X(GATE_ERR_UNAUTHORIZED, 402, "unauthorized")                                              \
	X(GATE_ERR_TRANSACTION, 403, "syntax error in transaction")                                \
	X(GATE_ERR_VERSION, 406, "version not supported")                                          \
	X(GATE_ERR_IDENTIFIER, 410, "incorrect identifier")                                        \
	X(GATE_ERR_CONTEXT, 411, "unknown context")                                                \
	X(GATE_ERR_NO_CONTEXTS, 412, "no contexts available")                                      \
	X(GATE_ERR_ACTION, 421, "illegal combination of actions")                                  \
	X(GATE_ERR_TERMINATION, 430, "unknown termination")                                        \
	X(GATE_ERR_NONE_AVAILABLE, 432, "no termination available: port pool is empty")            \
	X(GATE_ERR_IN_CONTEXT, 433, "termination is already in a context")                         \
	X(GATE_ERR_CONTEXT_FULL, 434, "context has no room for more terminations")                 \
	X(GATE_ERR_NOT_IN_CONTEXT, 435, "termination is not in that context")                      \
	X(GATE_ERR_COMMAND, 443, "unsupported or unknown command")                                 \
	X(GATE_ERR_DESCRIPTOR, 444, "unsupported or unknown descriptor")                           \
	X(GATE_ERR_VALUE, 449, "unsupported or unknown parameter value")                           \
	X(GATE_ERR_MISSING, 457, "missing parameter")                                              \
	X(GATE_ERR_INTERNAL, 500, "internal failure")                                              \
	X(GATE_ERR_NOT_IMPLEMENTED, 501, "not implemented")                                        \
	X(GATE_ERR_NOT_READY, 502, "not ready")                                                    \
	X(GATE_ERR_UNAVAILABLE, 503, "service unavailable: draining")                              \
	X(GATE_ERR_FOREIGN, 504, "command from unauthorized entity")                               \
	X(GATE_ERR_BEFORE_CHANGE, 505, "command before the ServiceChange reply")                   \
	X(GATE_ERR_RESOURCES, 510, "insufficient resources")                                       \
	X(GATE_ERR_BUFFER_FULL, 518, "event buffer full")                                          \
	X(GATE_ERR_BIND, 529, "a media address could not be bound")                                \
	X(GATE_ERR_REALM, 531, "no such realm, or it is down")                                     \
	X(GATE_ERR_TOO_BIG, 533, "reply exceeds the message size")                                 \
	X(GATE_ERR_NOT_THERE, 581, "does not exist")
#define GATE_RESULT_ENUM_(id, number, text) id = number,
enum gate_result { GATE_OK = 0, GATE_RESULTS(GATE_RESULT_ENUM_) };

#define GATE_REASONS(X)                                                                            \
	X(GATE_REASON_RESTORED, 900, "service restored")                                           \
	X(GATE_REASON_COLD, 901, "cold boot")                                                      \
	X(GATE_REASON_WARM, 902, "warm boot")                                                      \
	X(GATE_REASON_DIRECTED, 903, "directed by the controller")                                 \
	X(GATE_REASON_MALFUNCTION, 904, "termination malfunctioning")                              \
	X(GATE_REASON_OUT, 905, "taken out of service")                                            \
	X(GATE_REASON_LOWER_LAYER, 906, "loss of lower layer connectivity")                        \
	X(GATE_REASON_TRANSMISSION, 907, "transmission failure")                                   \
	X(GATE_REASON_DBE_FAILING, 908, "gateway impending failure")                               \
	X(GATE_REASON_SBE_FAILING, 909, "controller impending failure")                            \
	X(GATE_REASON_STATE_LOSS, 915, "state loss")                                               \
	X(GATE_REASON_CANCEL_GRACEFUL, 918, "cancel graceful")
#define GATE_REASON_ENUM_(id, number, text) id = number,
enum gate_reason { GATE_REASONS(GATE_REASON_ENUM_) };

/** @return the table's text, or "unknown". Both code spaces are disjoint. */
const char *gate_result_text(uint16_t code);

#endif
