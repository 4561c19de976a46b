/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peering_view - what one peer may know of us, and its two forms: a DNS zone and a peering document (B1-B4).
 *
 * Owner: everything in a view is borrowed. Thread: loop.
 */
#ifndef SBE_PEERING_PEERING_VIEW_H
#define SBE_PEERING_PEERING_VIEW_H

#include <jansson.h>

#include "sbe/peer/peer.h"

#define PEERING_LISTENS_MAX 64

struct peering_listen {
	enum transport_proto proto;
	struct addr addr;
};
struct peering_view {
	const char *node;
	const char *const *domains;
	size_t ndomains;
	const char *advertise;                              /* host instead of addresses, or NULL */
	struct peering_listen ingress[PEERING_LISTENS_MAX]; /* ways in of this peer */
	struct peering_listen egress[PEERING_LISTENS_MAX]; /* what we send from: all of the realm */
	size_t ningress, negress;
	const char *
		tls_names; /* of the certificate that it is shown, separated by blanks; "" = none */
	bool ipsec;
	const json_t *media; /* [{"address","ports","dbe"}] */
	const struct peer_conf *peer;
};

/**
 * Records of our domains as this peer shall see them: NAPTR, SRV, A and AAAA (RFC 3263).
 * @param whole with SOA and NS, so that a name server takes it as it is. @return text to mem_free, NULL = no memory.
 */
char *peering_zone(const struct peering_view *v, const char *domain, bool whole);
/** The document of the schema of peering_leaf.h. @return new reference, NULL = no memory. */
json_t *peering_document(const struct peering_view *v);

#endif
