/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_federation - federations (RFC 5486, A12): rules that members share, and how much all of them may use together.
 *
 * The rules are mixed into the members before these are read (sbe/peering); what is left of a federation at run time is
 * its cap: a count and a bucket that all members share. They belong to its name and survive a reload.
 * Owner: each member holds a reference on the shared state. Thread: loop.
 */
#ifndef SBE_PEER_PEER_FEDERATION_H
#define SBE_PEER_PEER_FEDERATION_H

#include "common/conf.h"
#include "common/rate.h"
#include "sbe/peer/peer_limit.h"

#define PEER_FEDERATIONS_MAX 4 /* of one peer */

struct peer_federation_cap {
	uint32_t sessions, cps; /* of all members together, both directions; 0 = none */
};
extern const struct conf_field peer_federation_cap_fields[];

/* What all members of a federation use. */
struct peer_federation {
	char name[64];
	uint32_t sessions;
	uint64_t limited; /* calls it has refused */
	struct rate rate; /* as the cap of whoever took last says */
};

struct peer_federation_conf; /* a member of the map "federations": peer.h */

/* Which federations a peer is in: part of struct peer_conf. */
struct peer_membership {
	struct conf_list names; /* const char *, as written: "federations" */
	size_t n;               /* resolved by peer_federation_bind */
	const struct peer_federation_conf *of[PEER_FEDERATIONS_MAX];
};
/* The same at run time: part of struct peer. */
struct peer_member {
	size_t n;
	struct peer_federation *of[PEER_FEDERATIONS_MAX]; /* counted */
};
extern const struct conf_field peer_federation_fields[];

/** Names to federations: list of struct peer_federation_conf, of struct peer_conf. @return 0, -EINVAL with err set. */
int peer_federation_bind(const struct conf_doc *doc, const struct conf_list *federations,
			 struct conf_list *peers, struct conf_error *err);

struct peer;

struct peer_set;
/** Hold the state of each federation of p: that of another peer which is in it, or a new one. @return 0, -ENOMEM. */
int peer_federation_join(struct peer *p, struct peer_set *now, struct peer_set *before);
void peer_federation_leave(struct peer *p);

/** Which cap has no room for one more call? PEER_LIMIT_NONE = all have. Takes nothing. */
enum peer_limit peer_federation_would_refuse(struct peer *p, uint64_t now_us);
/** Count a call in. @param token false = an urgent one, which takes none. */
void peer_federation_take(struct peer *p, bool token, uint64_t now_us);
void peer_federation_give(struct peer *p);
/** A call was refused; counts it where there was no room. */
void peer_federation_refused(struct peer *p, enum peer_limit l);

#endif
