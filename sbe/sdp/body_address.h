/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_address - network addresses as session descriptions write them: "IN IP4 192.0.2.1".
 *
 * Pure functions on plain values. Numeric only: a host name is recognised, never looked up.
 */
#ifndef SBE_SDP_BODY_ADDRESS_H
#define SBE_SDP_BODY_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include "common/addr.h"
#include "sbe/sdp/body_text.h"

/** What stood where an address belongs. */
enum body_address_state {
	BODY_ADDRESS_ABSENT = 0, /* no c= line applies */
	BODY_ADDRESS_NUMERIC,    /* usable: see addr */
	BODY_ADDRESS_NAME,       /* a host name: addr.family is ADDR_NONE */
	BODY_ADDRESS_BAD /* not "IN IP4|IP6 address", family and address disagree, %zone, ... */
};

struct body_address {
	enum body_address_state state;
	struct addr addr;      /* port 0; family ADDR_NONE unless state is NUMERIC */
	struct body_text text; /* the address as written, without /ttl/count */
};

/** Read "IN IP4 192.0.2.1[/ttl[/count]]" (RFC 8866 5.7). Never fails: see state. */
struct body_address body_address_parse(const char *text, size_t len_bytes);

/** Print "IN IP4 192.0.2.1" into buf (at least BODY_ADDRESS_BYTES). @return length without the 0. */
size_t body_address_print(const struct addr *a, char *buf, size_t size_bytes);
#define BODY_ADDRESS_BYTES 64

#define BODY_ADDRESS_LOOPBACK_OK 1u /* laboratories and tests: 127/8 and ::1 are fine */
#define BODY_ADDRESS_ANY_OK 2u      /* 0.0.0.0 and :: are fine (hold, RFC 3264 8.4) */

/**
 * May we send media there? Refuses no address, any, loopback, multicast and broadcast, link-local.
 * Our own relay addresses are not known here: the caller compares them.
 * @param ret_why set on refusal to a constant sentence; may be NULL.
 * @return 0, -EADDRNOTAVAIL.
 */
int body_address_ok(const struct addr *a, unsigned flags, const char **ret_why);

#endif
