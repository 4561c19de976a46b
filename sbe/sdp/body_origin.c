/* SPDX-License-Identifier: Apache-2.0 */
/* body_origin - see the header. */
#include <string.h>
#include "sbe/sdp/body_origin.h"

#define HASH_START 0xcbf29ce484222325ull
#define HASH_STEP 0x9e3779b97f4a7c15ull /* odd, its bits as many ones as zeros */

struct body_origin body_origin_new(uint64_t random)
{
	struct body_origin o = {0};

	/* RFC 3264 5: a signed 64-bit number each, the first version under 2^62 - 1. Short numbers, because
	 * some far ends keep them in 32 bits; 31 random bits are enough to tell sessions of one leg apart. */
	o.sess_id = (random >> 33) + 1;
	o.version = (random & 0xffff) + 1;
	return o;
}

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * HASH_STEP;
	return hash ^ hash >> 32;
}

/* Eight bytes at a time: a description is hashed whenever one comes or goes. */
static uint64_t hash_bytes(uint64_t hash, const char *at, size_t n)
{
	uint64_t word;

	for (; n >= sizeof(word); at += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = hash_word(hash, word);
	}
	word = (uint64_t)n << 56; /* fewer than eight are left, so their places are below */
	if (n)
		memcpy(&word, at, n);
	return hash_word(hash, word);
}

/* Where the o= line is; behind the text if there is none. A description has one (RFC 8866 5). */
static size_t origin_line(const char *text, size_t len_bytes, size_t *ret_end)
{
	size_t off = 0, next;

	for (; off < len_bytes; off = next) {
		const char *end = memchr(text + off, '\n', len_bytes - off);

		next = end ? (size_t)(end - text) + 1 : len_bytes;
		if (next - off >= 2 && memcmp(text + off, "o=", 2) == 0) {
			*ret_end = next;
			return off;
		}
	}
	*ret_end = len_bytes;
	return len_bytes;
}

uint64_t body_origin_hash(const char *text, size_t len_bytes)
{
	size_t end, origin = origin_line(text, len_bytes, &end);
	uint64_t hash = hash_bytes(HASH_START, text, origin);

	hash = hash_bytes(hash, text + end, len_bytes - end);
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
