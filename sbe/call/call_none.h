/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_none - requests outside any call, and refusals.
 * Owner: none. Thread: loop.
 */
#ifndef SBE_CALL_CALL_NONE_H
#define SBE_CALL_CALL_NONE_H

#include <stdbool.h>

struct call_core;
struct leg;
struct peer;
struct transport_target;
struct txn_server;
struct wire_msg;

/** Does a message of this peer come from the far end of the leg? (RFC 6404, C13) */
bool call_from_leg(const struct leg *leg, const struct peer *p,
		   const struct transport_target *from);
/** A final answer that refuses. @param phrase NULL = the standard one. @param headers whole lines, NULL = none. */
void call_refuse(struct txn_server *s, int status, const char *phrase, const char *headers);
/** 200 with what we can do (RFC 3261 11.2), 503 while we shut down. */
void call_answer_options(struct call_core *core, struct txn_server *s, const struct peer *p);

#endif
