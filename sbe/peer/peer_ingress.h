/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_ingress - what a peer may ask of us: the group "ingress" of its configuration (RFC 6406 5; requirements E10, E11,
 * A9, C14, B7).
 *
 * Owner: embedded in struct peer_conf. Thread: any (plain values).
 */
#ifndef SBE_PEER_PEER_INGRESS_H
#define SBE_PEER_PEER_INGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

/* Whose calls it may bring: the relationship that is agreed. */
enum peer_calls { PEER_CALLS_ANY, PEER_CALLS_OWN, PEER_CALLS_TRANSIT, PEER_CALLS_NONE };
/* Request-URIs whose domain is not ours. */
enum peer_foreign { PEER_FOREIGN_ROUTED, PEER_FOREIGN_LISTED, PEER_FOREIGN_ANY };
/* Request-URIs with a numeric host. */
enum peer_numeric { PEER_NUMERIC_OURS, PEER_NUMERIC_ANY, PEER_NUMERIC_NONE };
enum peer_from { PEER_FROM_CERTIFICATE, PEER_FROM_STRICT, PEER_FROM_ANY };
enum peer_date { PEER_DATE_IGNORE, PEER_DATE_CHECK, PEER_DATE_REQUIRE };

struct peer_ingress_conf {
	int calls, foreign, numeric, from, date;
	struct conf_list domains; /* const char *: not ours, and it may call them through us */
	uint32_t date_max_s;
};
extern const struct conf_field peer_ingress_fields[];

/** Is the domain in the list (case-insensitive)? */
bool peer_ingress_lists(const struct conf_list *domains, const char *domain, size_t len_bytes);

#endif
