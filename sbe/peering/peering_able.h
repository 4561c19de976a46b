/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peering_able - what we can do, against what a peer makes a condition: RFCs, methods, option tags.
 *
 * Owner: static. Thread: loop (texts are overwritten by the next call).
 */
#ifndef SBE_PEERING_PEERING_ABLE_H
#define SBE_PEERING_PEERING_ABLE_H

#include <jansson.h>

#include "sbe/peer/peer.h"

/* Each: what of the value we cannot do, in words; NULL = nothing is missing. */
const char *peering_able_nothing(const json_t *value);
const char *peering_able_true(const json_t *value);
const char *peering_able_rfcs(const json_t *value);
const char *peering_able_methods(const json_t *value);
const char *peering_able_options(const json_t *value);
const char *peering_able_identity(const json_t *value);
const char *peering_able_srtp(const json_t *value);
const char *peering_able_im(const json_t *value);

/** Lists of texts for a document. NULL = no memory. */
json_t *peering_able_list_rfcs(void);
json_t *peering_able_list_methods(const struct peer_conf *c);
json_t *peering_able_list_options(const struct peer_conf *c);

#endif
