/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_origin - our own o= line on one leg: the version grows by one exactly when the SDP we send
 * differs from the last one we sent there (RFC 3264 5 and 8; RFC 6337 5).
 *
 * Plain value, kept by the leg. body_sdp_write works on a copy and hands back the next state; the
 * leg stores it when it really sends the text, so an unsent SDP does not use up a version.
 */
#ifndef SBE_SDP_BODY_ORIGIN_H
#define SBE_SDP_BODY_ORIGIN_H

#include <stddef.h>
#include <stdint.h>
#include "sbe/sdp/body_sdp.h"

struct body_origin {
	uint64_t sess_id;
	uint64_t version;
	uint64_t last_hash; /* of what was sent last; 0 = nothing yet */
};

/** A new leg. @param random any 64 random bits: session id and first version are taken from it. */
struct body_origin body_origin_new(uint64_t random);

/** Hash of an SDP text without its o= line; never 0. */
uint64_t body_origin_hash(const char *text, size_t len_bytes);

/** State after sending a text with this hash: the same when nothing changed. */
struct body_origin body_origin_next(const struct body_origin *now, uint64_t hash);

/** How a received SDP relates to the one received before it on the same leg. */
enum body_origin_change {
	BODY_ORIGIN_SAME,  /* same session, same version: nothing changed */
	BODY_ORIGIN_NEWER, /* same session, version + 1 */
	BODY_ORIGIN_JUMPED, /* same session, more than + 1, backwards, or text changed and version not */
	BODY_ORIGIN_OTHER /* another session id or user: a forked or replaced far end */
};
enum body_origin_change body_origin_compare(const struct body_sdp *before,
					    const struct body_sdp *now);

#endif
