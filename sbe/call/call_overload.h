/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_overload - calls in times of overload: which come before others, and which next hop may have this one.
 * Owner: none. Thread: loop.
 */
#ifndef SBE_CALL_CALL_OVERLOAD_H
#define SBE_CALL_CALL_OVERLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "sbe/peer/peer.h"

struct call;
struct call_core;
struct call_failure;
struct wire_msg;

/** An emergency, or a call with a priority we believe: it comes before others (E7). */
bool call_is_urgent(const struct call_core *core, const struct wire_msg *m, const struct peer *p);
/** Count a session and a call a second of the peer. @return which of its limits forbids it, or none. */
enum peer_limit call_take(struct peer *p, enum peer_direction d, bool urgent);
/** Does this hop want no call now? @return CDR word, or NULL = it may have it. */
const char *call_hop_declines(const struct call *call, struct peer *p, size_t hop);
/** The present attempt failed in a way that says something of its hop. */
void call_hop_failed(struct call *call, const struct call_failure *f);

#endif
