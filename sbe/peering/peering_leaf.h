/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peering_leaf - the peering policy schema (RFC 6271 appendix A): one row for each leaf of a peering document.
 *
 * A leaf is a value, or {"value":..., "level":"mandatory|recommended|supported|forbidden", "source":"static|dynamic"}. A
 * document speaks of the one who wrote it: its cap.max_sessions_in are calls that it takes.
 * Owner: the rows are static; JSON is borrowed. Thread: any.
 */
#ifndef SBE_PEERING_PEERING_LEAF_H
#define SBE_PEERING_PEERING_LEAF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEERING_LIST_MAX 64 /* items of one list */
#define PEERING_WHY_BYTES 200

enum peering_level { PEERING_SUPPORTED, PEERING_RECOMMENDED, PEERING_MANDATORY, PEERING_FORBIDDEN };
enum peering_type {
	PEERING_UINT,
	PEERING_BOOL,
	PEERING_NUMBER,
	PEERING_WORD,  /* one of words, if there are any */
	PEERING_WORDS, /* a list of them */
	PEERING_HOPS,  /* sip URIs: what is numeric becomes next_hops */
	PEERING_PLACES /* [{"address":..., ...}]: addresses or prefixes */
};
/* When our value and a mandatory one agree. */
enum peering_rule { PEERING_EQUAL, PEERING_AT_MOST, PEERING_ALL_OF };

struct peering_leaf {
	const char *key; /* "cap.max_sessions" */
	enum peering_type type;
	const char *const *words;
	const char *to; /* key of the peer that it sets, "limits.sessions"; NULL = none */
	const char *const *to_words; /* beside words; NULL = the same */
	enum peering_rule rule;
	uint32_t max;
	bool dynamic; /* may be learnt instead of agreed */
	/* What of a mandatory value we cannot do, as words; NULL = nothing. */
	const char *(*cannot)(const json_t *value);
};
extern const struct peering_leaf peering_leaves[]; /* ends with key NULL */

/* What a document says in one leaf. */
struct peering_said {
	const struct peering_leaf *leaf;
	const json_t *value; /* NULL: forbidden as a whole */
	enum peering_level level;
	bool dynamic;
};
typedef int(peering_said_h)(void *arg, const struct peering_said *said);

/**
 * Every leaf of a document, checked.
 * @param ret_at gets the key that is wrong. @return 0, what fn returned, or -EINVAL with why.
 */
int peering_leaf_each(const json_t *document, peering_said_h *fn, void *arg, char ret_at[96],
		      char why[PEERING_WHY_BYTES]);
/** The value at a dotted key of an object, or NULL. */
json_t *peering_leaf_get(const json_t *object, const char *key);
/** Put a value (reference taken) there, making the objects above it. @return 0, -ENOMEM. */
int peering_leaf_put(json_t *object, const char *key, json_t *value);

#endif
