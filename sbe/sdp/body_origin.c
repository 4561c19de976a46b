/* SPDX-License-Identifier: Apache-2.0 */
/* body_origin - see the header. */
#include <string.h>
#include "sbe/sdp/body_origin.h"

#define FNV_START 0xcbf29ce484222325ull
#define FNV_STEP 0x100000001b3ull

struct body_origin body_origin_new(uint64_t random)
{
	struct body_origin o = {0};

	/* RFC 3264 5: a signed 64-bit number each, the first version under 2^62 - 1. Short numbers, because
	 * some far ends keep them in 32 bits; 31 random bits are enough to tell sessions of one leg apart. */
	o.sess_id = (random >> 33) + 1;
	o.version = (random & 0xffff) + 1;
	return o;
}

uint64_t body_origin_hash(const char *text, size_t len_bytes)
{
	uint64_t hash = FNV_START;

	for (size_t off = 0; off < len_bytes;) {
		const char *end = memchr(text + off, '\n', len_bytes - off);
		size_t stop = end ? (size_t)(end - text) + 1 : len_bytes;
		bool origin = stop - off >= 2 && memcmp(text + off, "o=", 2) == 0;

		for (size_t i = off; i < stop && !origin; i++)
			hash = (hash ^ (unsigned char)text[i]) * FNV_STEP;
		off = stop;
	}
	return hash ? hash : 1; /* 0 means "nothing sent yet" */
}

struct body_origin body_origin_next(const struct body_origin *now, uint64_t hash)
{
	struct body_origin next = *now;

	if (now->last_hash && now->last_hash != hash)
		next.version++;
	next.last_hash = hash;
	return next;
}

enum body_origin_change body_origin_compare(const struct body_sdp *before,
					    const struct body_sdp *now)
{
	const struct body_origin_line *a = &before->origin, *b = &now->origin;

	/* RFC 8866 5.2: user, id and address together name the session */
	if (!body_text_equal(a->username, b->username) ||
	    !body_text_equal(a->sess_id_text, b->sess_id_text) ||
	    !body_text_equal(a->address.text, b->address.text))
		return BODY_ORIGIN_OTHER;
	if (body_text_equal(a->version_text, b->version_text)) {
		bool same = body_origin_hash(before->text, before->len_bytes) ==
			    body_origin_hash(now->text, now->len_bytes);

		return same ? BODY_ORIGIN_SAME : BODY_ORIGIN_JUMPED;
	}
	if (a->numeric && b->numeric && b->version == a->version + 1)
		return BODY_ORIGIN_NEWER;
	return BODY_ORIGIN_JUMPED;
}
