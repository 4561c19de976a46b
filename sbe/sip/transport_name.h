/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_name - names that far ends found by a look-up must prove with their certificate, as numbers that fit into a
 * target: RFC 5922 4 compares with the domain that was asked for, not with what the DNS led to.
 *
 * Owner: the transport; a name stays until it is freed, their number is bounded. Thread: loop.
 */
#ifndef SBE_SIP_TRANSPORT_NAME_H
#define SBE_SIP_TRANSPORT_NAME_H

#include "sbe/sip/transport.h"

#define TRANSPORT_NAMES_MAX 65535U

/** Number of a name for transport_target.name. @return 0: too many, too long or no memory; do not send then. */
uint32_t transport_name_number(struct transport *t, const char *name);
/** The name of a number, or NULL. */
const char *transport_name_text(const struct transport *t, uint32_t number);

#endif
