/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peering_import - a peering document as keys of a peer, and whether the peer then keeps to it (H, B2, B3).
 *
 * What a document claims is bounded: no more than PEERING_LIST_MAX items, no prefix larger than a peer needs.
 * Owner: JSON as noted. Thread: any one.
 */
#ifndef SBE_PEERING_PEERING_IMPORT_H
#define SBE_PEERING_PEERING_IMPORT_H

#include "sbe/peering/peering_leaf.h"

#define PEERING_DOCUMENT_BYTES (256U * 1024)

struct peering_why {
	char at[96]; /* key of the document, or "" */
	char text[PEERING_WHY_BYTES];
};

/** Read a document. @param ret_document new reference. @return 0, -errno with why. */
int peering_import_load(const char *path, json_t **ret_document, struct peering_why *why);
int peering_import_parse(const char *text, size_t len_bytes, json_t **ret_document,
			 struct peering_why *why);

/** Keys for a peer, of all that is static and not forbidden. @param ret_keys new reference. @return 0, -EINVAL, -ENOMEM. */
int peering_import_keys(const json_t *document, json_t **ret_keys, struct peering_why *why);

/** What is not as recommended: a text for an operator. */
typedef void(peering_note_h)(void *arg, const char *key, const char *text);
/**
 * Does a peer with these keys (object, all mixed in) keep to what the document makes a condition or forbids, and can we?
 * @param listen the realm's listeners as written (array of texts), or NULL.
 * @return 0, -EINVAL with why.
 */
int peering_import_check(const json_t *document, const json_t *keys, const json_t *listen,
			 peering_note_h *note, void *arg, struct peering_why *why);

#endif
