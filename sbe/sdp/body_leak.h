/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_leak - does a line name an address that must stay inside (C6, X1)?
 *
 * The set borrows the names it is given (they live in the received SDP). Plain value, on the stack.
 */
#ifndef SBE_SDP_BODY_LEAK_H
#define SBE_SDP_BODY_LEAK_H

#include <stdbool.h>
#include "sbe/sdp/body_address.h"
#include "sbe/sdp/body_sdp.h"

/* o=, session c=, and c= and a=rtcp of every stream */
#define BODY_LEAK_MAX (2 + 2 * BODY_MAX_MEDIA)

struct body_leak_set {
	unsigned n_addrs, n_names;
	uint64_t
		folded[4]; /* bit per folded address: most addresses are none of ours at a glance */
	struct addr addrs[BODY_LEAK_MAX];
	struct body_text
		names[BODY_LEAK_MAX]; /* host names; those without a dot are common words */
};

/** An empty set; what is behind its counts need not be cleared, and is kilobytes. */
void body_leak_clear(struct body_leak_set *set);

/** Remember an inner address or host name. 0.0.0.0 and :: say nothing and are left out; so are doubles. */
void body_leak_add(struct body_leak_set *set, const struct body_address *a);
void body_leak_add_ip(struct body_leak_set *set, const struct addr *a);

/** Take an address or name out again, because it may be seen: ours (in a laboratory both sides may live on
 * the same one), or that of a stream which we do not carry. */
void body_leak_allow(struct body_leak_set *set, const struct body_address *a);
void body_leak_allow_ip(struct body_leak_set *set, const struct addr *a);

/** Is one of them in the text, in any spelling and between any other characters? */
bool body_leak_in(const struct body_leak_set *set, struct body_text line);

#endif
