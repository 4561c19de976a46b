/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_sips - a call to a sips: URI comes by TLS and goes on by TLS or not at all (RFC 3261 26.2.2, RFC 5630).
 *
 * That it is one stands in the caller's dialog: its target says so. Owner: the call. Thread: loop.
 */
#ifndef SBE_CALL_CALL_SIPS_H
#define SBE_CALL_CALL_SIPS_H

#include <stdbool.h>

#include "sbe/policy/policy.h"

struct call;
struct peer_hop;
struct transport_target;

bool call_is_sips(const struct call *call);
/** May a request with this URI come from there? */
bool call_sips_came_well(const struct wire_uri *uri, const struct transport_target *from);
/** Why this next hop is none for the call, or NULL. */
const char *call_sips_declines(const struct call *call, const struct peer_hop *hop);
/** Request-URI and To of a sips call. */
void call_sips_parties(const struct call *call, struct policy_parties *who);

#endif
