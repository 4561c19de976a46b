/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_sed - session establishment data of a candidate beyond its address (RFC 5486, A8, B5): what the Request-URI
 * shall be, the Route set in front of it, the name TLS must prove, and how much may go there.
 *
 * Counts of calls belong to a key (route and peer) and survive a reload. Owner: counted; a call holds a reference
 * from the attempt until it ends. Thread: loop.
 */
#ifndef SBE_ROUTE_ROUTE_SED_H
#define SBE_ROUTE_ROUTE_SED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/rate.h"

#define ROUTE_SET_MAX 8 /* URIs of a Route set */
#define ROUTE_SET_BYTES 1024
#define ROUTE_SED_HOST_BYTES 256

struct route_sed_conf {
	bool keep_ruri;
	const char *host;       /* of the Request-URI; NULL = as the peer has it */
	struct conf_list route; /* const char *: sip URIs */
	const char *
		expect; /* the one name its certificate must carry; NULL = as agreed with the peer */
	uint32_t calls, per_s; /* 0 = none */
};
extern const struct conf_field route_sed_fields[];
conf_check_h route_sed_check;

/* Counted on its own: two configurations share it. */
struct route_sed_use {
	uint32_t calls;
	struct rate rate;
};
struct route_sed {
	bool keep_ruri;
	char host[ROUTE_SED_HOST_BYTES];
	char expect[ROUTE_SED_HOST_BYTES];
	char routes[ROUTE_SET_BYTES]; /* "<sip:a;lr>, <sip:b;lr>"; "" = none */
	uint32_t calls_max;           /* 0 = none */
	struct route_sed_use *use;    /* NULL = not limited */
};

/** Does it say anything at all? */
bool route_sed_empty(const struct route_sed_conf *c);
/** @return 0, -EINVAL, -ENOMEM. */
int route_sed_new(const struct route_sed_conf *c, struct route_sed **ret_sed);
/** Go on counting where the one of the former configuration is. */
void route_sed_adopt(struct route_sed *s, const struct route_sed *old, uint32_t per_s);
/** Add a URI to the Route set: sip, with lr put behind it if it lacks it. @return 0, -EINVAL, -EMSGSIZE. */
int route_sed_add(struct route_sed *s, const char *uri, size_t len_bytes);

/** Count a call. NULL is without limits. @return true, or false: full; ret_why says which limit. */
bool route_sed_take(struct route_sed *s, uint64_t now_us, const char **ret_why);
void route_sed_give(struct route_sed *s);

#endif
