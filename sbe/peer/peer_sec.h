/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_sec - over what a peer is taken (E9, G6, G7): TLS, IPsec, or anything; and where its media may be.
 *
 * The group "sec" of a peer's configuration, and why somebody with a peer's address was taken for a stranger.
 * Owner: the configuration; counters belong to the process. Thread: loop.
 */
#ifndef SBE_PEER_PEER_SEC_H
#define SBE_PEER_PEER_SEC_H

#include <stdbool.h>

#include "common/addr.h"
#include "common/conf.h"
#include "common/metric.h"

enum peer_admission {
	PEER_ADMIT_ANY,
	PEER_ADMIT_TLS,
	PEER_ADMIT_IPSEC /* on an interface that carries nothing else */
};

struct peer_sec_conf {
	int admission;          /* enum peer_admission */
	struct conf_list media; /* struct addr_prefix: where its media are; empty = anywhere */
};
extern const struct conf_field peer_sec_fields[];

/* Why it is not taken: label of the counter, text for people. */
#define PEER_SEC_REASONS(X)                                                                        \
	X(PEER_SEC_CLEAR, "clear", "this peer is taken over TLS only")                             \
	X(PEER_SEC_CERTIFICATE, "certificate", "the certificate has no name of this peer")         \
	X(PEER_SEC_IPSEC, "ipsec", "this peer is taken over IPsec only")
#define PEER_SEC_ENUM_(id, label, text) id,
enum peer_sec_reason { PEER_SEC_OK = -1, PEER_SEC_REASONS(PEER_SEC_ENUM_) PEER_SEC_REASON_COUNT };
extern struct metric_group peer_sec_metrics; /* by enum peer_sec_reason */

struct peer;
struct peer_conf;
struct peer_set;
struct transport_target;

/** Is what came from there on a way that the peer takes? TLS names are looked at elsewhere. */
bool peer_sec_way_ok(const struct peer_conf *c, const struct transport_target *from);
/** Does this address belong to a peer that is taken over IPsec only, though not here? */
bool peer_sec_is_astray(const struct peer_set *s, const struct transport_target *from);
/**
 * Somebody was taken for a stranger: is it a peer that came the wrong way? Counts and, a few times a minute, logs it.
 * @return PEER_SEC_OK: a stranger indeed.
 */
enum peer_sec_reason peer_sec_refused(const struct peer_set *s,
				      const struct transport_target *from);
const char *peer_sec_text(enum peer_sec_reason r);

/** May its media be there? */
bool peer_sec_media_ok(const struct peer_conf *c, const struct addr *a);
/** What a table cannot say. @return 0, -EINVAL with err set. */
int peer_sec_check(const struct conf_doc *doc, const char *path, const struct peer_conf *c,
		   struct conf_error *err);

#endif
