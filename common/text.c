/* SPDX-License-Identifier: Apache-2.0 */
#include "common/text.h"

#include <string.h>

void text_copy(char *buf, size_t size_bytes, const char *from)
{
	size_t n;

	if (size_bytes == 0)
		return;
	n = strnlen(from, size_bytes - 1);
	memcpy(buf, from, n);
	buf[n] = 0;
}

void text_start(struct text_out *t, char *buf, size_t size_bytes)
{
	*t = (struct text_out){buf, size_bytes, 0};
	buf[0] = 0;
}

void text_add_bytes(struct text_out *t, const char *s, size_t n)
{
	size_t room = t->size_bytes - t->len_bytes - 1;

	if (n > room)
		n = room;
	if (n)
		memcpy(t->buf + t->len_bytes, s, n);
	t->len_bytes += n;
	t->buf[t->len_bytes] = 0;
}

void text_add_number(struct text_out *t, unsigned long long v)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	text_add_bytes(t, digits + at, sizeof(digits) - at);
}
