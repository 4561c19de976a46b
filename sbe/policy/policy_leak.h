/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_leak - does a text name something of the inside: an address, a host of the message it came in, one of ours?
 *
 * A set is made of one message, when the first text is looked at: the hosts of its Via, Contact, Record-Route, Route,
 * From, Call-ID and SDP. Domains that are public (ours and those of both peers) are never in it.
 * Owner: plain value on the caller's stack, borrows the message. Thread: loop.
 */
#ifndef SBE_POLICY_POLICY_LEAK_H
#define SBE_POLICY_POLICY_LEAK_H

#include "sbe/policy/policy.h"

#define POLICY_INNER_NAMES 64
#define POLICY_INNER_ADDRS 64

struct policy_inner {
	const struct policy_way *way;
	const struct wire_msg *m; /* NULL = only what the way tells */
	bool filled;
	bool full; /* more hosts than there is room for: then every text may name one */
	unsigned nnames, naddrs;
	struct wire_text names[POLICY_INNER_NAMES];
	struct addr addrs[POLICY_INNER_ADDRS];
};

void policy_inner_init(struct policy_inner *s, const struct policy_way *way,
		       const struct wire_msg *m);
/**
 * Is there something inner in the text, in any spelling, escaped or not?
 * @param any_address every numeric address counts, not only those that are known to be inner.
 */
bool policy_inner_in(struct policy_inner *s, struct wire_text t, bool any_address);
/** Is a numeric address in it? */
bool policy_names_address(struct wire_text t);
/** A host that may be shown: a domain of ours, of the peer that sent it, or nobody's (anonymous.invalid). */
bool policy_host_public(const struct policy_way *way, struct wire_text host);

#endif
