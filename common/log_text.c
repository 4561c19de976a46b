/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_text - see the header. A log line often carries what a stranger sent; whoever reads it on a
 * terminal must not be commanded by it, nor take one line for two.
 */
#include "common/log_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LOG_TEXT_CUT "..."
#define LOG_TEXT_CUT_BYTES (sizeof(LOG_TEXT_CUT) - 1)

/* A code point that shows as itself and moves neither cursor nor direction of writing. */
static bool log_text_harmless(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
		return false;
	if (c == 0x2028 || c == 0x2029) /* line and paragraph separator */
		return false;
	return !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

/* Bytes of the character at p that may be copied as they are. @return 0: the byte must be escaped. */
static size_t log_text_char(const uint8_t *p, size_t left)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c = p[0];
	size_t n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;

	if (n == 0 || n > left)
		return 0;
	if (n > 1)
		c &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* RFC 3629 3: no longer form than needed, no surrogates, nothing past U+10FFFF */
	if (c < least[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	return log_text_harmless(c) ? n : 0;
}

static size_t log_text_escape(uint8_t byte, char out[4])
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\n\r\t", to[] = "nrt";
	const char *at = byte ? strchr(from, byte) : NULL;

	out[0] = '\\';
	if (at) {
		out[1] = to[at - from];
		return 2;
	}
	out[1] = 'x';
	out[2] = hex[byte >> 4];
	out[3] = hex[byte & 15];
	return 4;
}

size_t log_text_append(char *buf, size_t size_bytes, size_t used_bytes, const char *text,
		       size_t len_bytes)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + len_bytes;
	size_t mark = used_bytes; /* the last edge after which the mark still fits */

	while (p < end) {
		char escaped[4];
		const char *piece = (const char *)p;
		size_t step = log_text_char(p, (size_t)(end - p)), n = step;

		if (step == 0) {
			step = 1;
			n = log_text_escape(*p, escaped);
			piece = escaped;
		}
		if (used_bytes + LOG_TEXT_CUT_BYTES <= size_bytes)
			mark = used_bytes;
		if (n > size_bytes - used_bytes) {
			if (mark + LOG_TEXT_CUT_BYTES > size_bytes)
				return used_bytes; /* not even room for the mark */
			memcpy(buf + mark, LOG_TEXT_CUT, LOG_TEXT_CUT_BYTES);
			return mark + LOG_TEXT_CUT_BYTES;
		}
		memcpy(buf + used_bytes, piece, n);
		used_bytes += n;
		p += step;
	}
	return used_bytes;
}
