/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peering_mix - makes of what a peer says itself, and of what its federations say, one object per peer (A12).
 *
 * Done on the document, before the tables are read: so shared values are checked as strictly as a peer's own.
 * Owner: the document. Thread: any one.
 */
#ifndef SBE_PEERING_PEERING_MIX_H
#define SBE_PEERING_PEERING_MIX_H

#include "common/conf.h"

/**
 * What is of the wrong type or not there is left to the tables and to peer_federation_bind.
 * @return 0, -EINVAL with err set: two federations of a peer differ in a key that it does not set itself, -ENOMEM.
 */
int peering_mix(struct conf_doc *doc, struct conf_error *err);

#endif
