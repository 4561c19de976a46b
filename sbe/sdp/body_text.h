/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_text - pieces of somebody's text: words, numbers, comparison. Nothing is copied.
 *
 * Plain values that borrow the memory they point to.
 */
#ifndef SBE_SDP_BODY_TEXT_H
#define SBE_SDP_BODY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A range of bytes; not 0-terminated. at NULL = absent. */
struct body_text {
	const char *at;
	uint32_t len;
};

/** The first len bytes of both, ASCII case ignored. */
bool body_text_same(const char *a, const char *b, size_t len);

/** Case-insensitive (ASCII) comparison with a 0-terminated word. Here, so that the length of a literal is known when
 *  it is compiled: lines are compared with a dozen words each, and most differ in length. */
static inline bool body_text_is(struct body_text t, const char *word)
{
	if (t.len && ((t.at[0] ^ word[0]) & ~0x20)) /* not even the first letter, in any case */
		return false;
	return t.len == strlen(word) && body_text_same(t.at, word, t.len);
}

/** Does it begin with the word (ASCII case does not matter)? */
bool body_text_begins(struct body_text t, const char *word);

/** Two pieces, ASCII case ignored. */
bool body_text_equal(struct body_text a, struct body_text b);

/** Take the next word (spaces and tabs separate) off the front of rest. @return len 0 at the end. */
struct body_text body_text_word(struct body_text *rest);

/** Take everything before the first sep off the front of rest; sep itself is eaten. Without sep: all. */
struct body_text body_text_until(struct body_text *rest, char sep);

/** Unsigned decimal number, digits only, at most max. @return false: not one, *ret_number untouched. */
bool body_text_number(struct body_text t, uint64_t max, uint64_t *ret_number);

/** Without spaces and tabs at both ends. */
struct body_text body_text_trim(struct body_text t);

#endif
