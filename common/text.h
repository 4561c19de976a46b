/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text - short texts copied or put together in a fixed buffer without a format.
 *
 * For what is written several times in every call: there the reading of a printf format costs more than all the
 * rest. What does not fit is cut, as snprintf would, and the text always ends with a 0.
 *
 * Owner: the caller's buffer. Thread: any.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stddef.h>
#include <string.h>

/** snprintf(buf, size_bytes, "%s", from) */
void text_copy(char *buf, size_t size_bytes, const char *from);

struct text_out {
	char *buf;
	size_t size_bytes, len_bytes;
};

/** An empty text in buf. @param size_bytes at least 1. */
void text_start(struct text_out *t, char *buf, size_t size_bytes);
/** n bytes, which need no 0 behind them. */
void text_add_bytes(struct text_out *t, const char *s, size_t n);
/** Here, so that the length of a literal is known when it is compiled. */
static inline void text_add(struct text_out *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}
/** In decimal. */
void text_add_number(struct text_out *t, unsigned long long v);

#endif
