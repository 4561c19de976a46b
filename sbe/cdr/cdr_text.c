/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/cdr/cdr_text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Room for n more bytes. @return NULL, and the record is spoilt, if there is none. */
static char *room(struct cdr_text *t, size_t n)
{
	char *at = t->buf + t->len_bytes;

	if (t->err || n > t->size_bytes - t->len_bytes) {
		t->err = -EMSGSIZE;
		return NULL;
	}
	t->len_bytes += n;
	return at;
}

static void put(struct cdr_text *t, const char *bytes, size_t n)
{
	char *at = room(t, n);

	if (at)
		memcpy(at, bytes, n);
}

void cdr_text_init(struct cdr_text *t, char *buf, size_t size_bytes)
{
	*t = (struct cdr_text){.buf = buf, .size_bytes = size_bytes};
	put(t, "{", 1);
}

/* A comma unless it is the first of its object or list, the key, in which there is nothing to escape (it is ours), and
 * room for n more bytes. @return where they go; NULL: the record is spoilt */
static char *begin(struct cdr_text *t, const char *key, size_t n)
{
	char last = t->len_bytes ? t->buf[t->len_bytes - 1] : '{';
	size_t comma = last != '{' && last != '[', key_bytes = key ? strlen(key) : 0;
	char *at = room(t, comma + (key ? key_bytes + 3 : 0) + n);

	if (!at)
		return NULL;
	if (comma)
		*at++ = ',';
	if (!key)
		return at;
	*at++ = '"';
	memcpy(at, key, key_bytes);
	at += key_bytes;
	*at++ = '"';
	*at++ = ':';
	return at;
}

/* Length of the UTF-8 character at s, 0 if it is none (RFC 3629: no surrogates, no overlong forms). */
static size_t utf8_length(const unsigned char *s)
{
	size_t n = s[0] < 0x80                   ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
						 : 0;

	if (!n && s[0] >= 0xf0 && s[0] < 0xf5)
		n = 4;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void put_escaped(struct cdr_text *t, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (c == '"' || c == '\\') {
		text[1] = (char)c;
		put(t, text, 2);
	} else {
		put(t, text, 6);
	}
}

/* Printable, and means nothing in a JSON string. */
static const uint8_t plain_char[256] = {[' ' ... '!'] = 1, ['#' ... '['] = 1, [']' ... '~'] = 1};

/* What has to be looked at character by character. */
static void put_any(struct cdr_text *t, const unsigned char *s)
{
	while (*s && !t->err) {
		const unsigned char *plain = s;
		size_t n;

		while (plain_char[*s])
			s++;
		put(t, (const char *)plain, (size_t)(s - plain));
		if (!*s)
			break;
		n = *s < 0x80 ? 0 : utf8_length(s);
		if (*s < 0x80)
			put_escaped(t, *s);
		else if (n)
			put(t, (const char *)s, n);
		else
			put(t, "?", 1);
		s += n ? n : 1;
	}
}

void cdr_text_string(struct cdr_text *t, const char *key, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t plain = 0;
	bool all;
	char *at;

	if (!value || !value[0])
		return;
	while (plain_char[s[plain]])
		plain++;
	all = !s[plain]; /* as good as always */
	at = begin(t, key, 1 + plain + all);
	if (!at)
		return;
	*at = '"';
	memcpy(at + 1, value, plain);
	if (all) {
		at[1 + plain] = '"';
		return;
	}
	put_any(t, s + plain);
	put(t, "\"", 1);
}

void cdr_text_number(struct cdr_text *t, const char *key, uint64_t value)
{
	char digits[24], *at;
	size_t from = sizeof(digits);

	do {
		digits[--from] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	at = begin(t, key, sizeof(digits) - from);
	if (at)
		memcpy(at, digits + from, sizeof(digits) - from);
}

void cdr_text_open(struct cdr_text *t, const char *key, char bracket)
{
	char *at = begin(t, key, 1);

	if (at)
		*at = bracket;
}

void cdr_text_close(struct cdr_text *t, char bracket)
{
	put(t, &bracket, 1);
}
