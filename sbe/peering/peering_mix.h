/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peering_mix - makes one object of what counts for a peer: its own keys, then its peering document as written here, then
 * the one it gave us, then its federations (A12, H).
 *
 * Done on the document, before the tables are read: so shared values are checked as strictly as a peer's own.
 * Owner: the document. Thread: any one.
 */
#ifndef SBE_PEERING_PEERING_MIX_H
#define SBE_PEERING_PEERING_MIX_H

#include "common/conf.h"

/**
 * What is of the wrong type or not there is left to the tables and to peer_federation_bind.
 * @param path of the configuration: names of documents start at its directory.
 * @param ret_notes array of texts, what differs from what was recommended, or NULL (new reference, also on failure).
 * @return 0, -EINVAL with err set: two federations of a peer differ in a key that it does not set itself, or a document
 *         is wrong, or makes a condition that the peer or we do not meet; -ENOMEM.
 */
int peering_mix(struct conf_doc *doc, const char *path, json_t **ret_notes, struct conf_error *err);

#endif
