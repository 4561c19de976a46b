/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_replaces - dialog identifiers that name a call of ours: Replaces (RFC 3891), also inside a Refer-To.
 *
 * What one side knows of a dialog means nothing to the other: identifiers are mapped from leg to leg, and only
 * those of the peer's own calls are taken (A16).
 * Owner: plain values. Thread: loop.
 */
#ifndef SBE_CALL_CALL_REPLACES_H
#define SBE_CALL_CALL_REPLACES_H

#include "common/text.h"
#include "sbe/sip/txn.h"

#define CALL_REPLACES_BYTES 512

struct call_core;
struct leg;
struct peer;

struct call_replaces {
	char call_id[256], to_tag[128], from_tag[128];
	bool early_only;
};

/** A Replaces value. @return 0, -EINVAL. */
int call_replaces_parse(struct wire_text value, struct call_replaces *ret_replaces);
/**
 * The leg whose dialog this is. @param ret_theirs true: the identifiers are written for the leg's far end (its tag is
 * the to-tag), false: for us. @return NULL: no call of ours.
 */
struct leg *call_replaces_find(struct call_core *core, const struct call_replaces *r,
			       bool *ret_theirs);
/** The value that names this leg's dialog to its far end. */
void call_replaces_name(const struct leg *leg, struct text_out *t);

/** %XX in a URI. @return 0, -EMSGSIZE, -EINVAL (not %XX, or a control character comes out). */
int call_replaces_unescape(struct wire_text text, char *buf, size_t size_bytes);
/** All but what may stand in the value of a URI's header becomes %XX. */
void call_replaces_escape(const char *text, struct text_out *t);

/** Is this INVITE to replace a call, and may it? */
struct call_replacing {
	struct leg *kept; /* the leg that stays, with a new far end; NULL = no Replaces */
	bool absorb;      /* we do it; else its far end does */
	char value[CALL_REPLACES_BYTES]; /* of the Replaces for that far end */
};
/** @return 0, or the status to refuse with and *ret_cause for the CDR. */
int call_replaces_check(struct call_core *core, const struct wire_msg *m, const struct peer *p,
			struct call_replacing *ret_replacing, const char **ret_cause);

#endif
