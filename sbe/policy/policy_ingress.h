/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_ingress - may this peer ask this of us: the relationship, whose domain the Request-URI names, who From says it
 * is, and when it was written (RFC 6406 5; E10, E11, C14, B7).
 *
 * sip:, sips:, tel:, im: and pres: to one domain are one thing here. Owner: nothing. Thread: loop.
 */
#ifndef SBE_POLICY_POLICY_INGRESS_H
#define SBE_POLICY_POLICY_INGRESS_H

#include "sbe/policy/policy.h"

/* Each: way->from is the peer, m a request outside any dialog. @return true: go on. */

/** The relationship. Others get exactly 403 Unsupported Peer. */
bool policy_ingress_peer(const struct policy_way *way, const struct wire_msg *m,
			 struct policy_refusal *ret_refusal);
/** The Request-URI, as far as it says. Nothing is checked while way has no domains of ours. */
bool policy_ingress_target(const struct policy_way *way, const struct wire_msg *m,
			   struct policy_refusal *ret_refusal);
/** From, P-Asserted-Identity and Date. */
bool policy_ingress_caller(const struct policy_way *way, const struct transport_target *source,
			   const struct wire_msg *m, struct policy_refusal *ret_refusal);
/**
 * The same request when it is known where it would go: a domain that is not ours, back into the realm it came from, and
 * no route that says so makes us a relay nobody agreed to. @param routed the table of routes decided.
 */
bool policy_ingress_onward(const struct policy_way *way, const struct wire_msg *m,
			   const struct peer *to, bool routed, struct policy_refusal *ret_refusal);

#endif
