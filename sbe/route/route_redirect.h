/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_redirect - where a 3xx sends a call (RFC 3261 8.1.3.4), as far as we go there: its Contacts become further
 * candidates of the plan, right behind the one that redirected.
 *
 * A Contact is taken only if it is plain (sip:user@host) and its host is a configured peer: one of its domains, or
 * one of its next hops in the realm the 3xx came from. It is asked of a peer we trust with that; what it can do
 * at most is bounded by ROUTE_REDIRECT_DEPTH_MAX and ROUTE_INVITES_MAX (A27, C19).
 * Owner: plan->targets is counted, and so are the peers of inserted candidates: the plan's owner gives them back.
 */
#ifndef SBE_ROUTE_ROUTE_REDIRECT_H
#define SBE_ROUTE_ROUTE_REDIRECT_H

#include "sbe/route/route.h"
#include "sbe/sip/wire.h"

#define ROUTE_CONTACTS_MAX 32 /* looked at; more are left out */
#define ROUTE_REDIRECT_DEPTH_MAX 5
#define ROUTE_INVITES_MAX 10 /* of a call that was redirected */

struct route_redirect {
	struct peer_set *peers;
	const struct peer *from; /* where the call comes from: it does not go back there */
	bool (*ours)(void *arg, struct wire_text host, uint16_t port);
	void *arg;
	const char *user; /* the called one as the caller wrote it */
	size_t at;        /* the candidate that redirects */
	unsigned invites; /* sent for this call so far */
	uint64_t now_ms;
};

/* What became of one Contact. */
struct route_contact_said {
	char contact[48];   /* its address, cut; what cannot be shown is '?' */
	const char *result; /* static word: "redirect_taken", or why not */
};
struct route_redirect_said {
	size_t n;
	struct route_contact_said contacts[ROUTE_CONTACTS_MAX];
};

/**
 * Insert what m (a 3xx) offers into the plan. The caller holds a reference on each peer of the plan, and gets one on
 * each that is inserted.
 * @return how many candidates came; 0 = none, and the plan is as it was.
 */
size_t route_redirect(const struct route_redirect *r, const struct wire_msg *m,
		      struct route_plan *plan, struct route_redirect_said *ret_said);

/** The q of a Contact's parameters in thousandths (RFC 3261 25.1); what is none counts as the least. */
unsigned route_contact_q(struct wire_text params);

/** The target of a candidate that a redirect has brought; NULL = it was planned. */
const struct route_target *route_target(const struct route_plan *plan, size_t nth);

#endif
