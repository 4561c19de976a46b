/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pb_out.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define VARINT_MAX_BYTES 10U

enum wire_type { VARINT = 0, FIXED64 = 1, LENGTH = 2 };

void pb_out_init(struct pb_out *o, uint8_t *buf, size_t size_bytes)
{
	*o = (struct pb_out){.buf = buf, .size_bytes = size_bytes};
}

void pb_out_fail(struct pb_out *o, int err)
{
	if (!o->err)
		o->err = err;
}

static bool room(struct pb_out *o, size_t n)
{
	if (o->err)
		return false;
	if (n <= o->size_bytes - o->used_bytes)
		return true;
	o->err = -EMSGSIZE;
	return false;
}

static size_t to_varint(uint8_t *to, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		to[n++] = (uint8_t)value | 0x80;
	to[n++] = (uint8_t)value;
	return n;
}

static void varint(struct pb_out *o, uint64_t value)
{
	uint8_t bytes[VARINT_MAX_BYTES];
	size_t n;

	/* Most of them: numbers of fields, enums, small counts. */
	if (value < 0x80) {
		if (room(o, 1))
			o->buf[o->used_bytes++] = (uint8_t)value;
		return;
	}
	n = to_varint(bytes, value);
	if (!room(o, n))
		return;
	memcpy(o->buf + o->used_bytes, bytes, n);
	o->used_bytes += n;
}

static void key(struct pb_out *o, unsigned field, enum wire_type type)
{
	varint(o, (uint64_t)field << 3 | type);
}

void pb_out_number(struct pb_out *o, unsigned field, uint64_t value)
{
	key(o, field, VARINT);
	varint(o, value);
}

void pb_out_number_if(struct pb_out *o, unsigned field, uint64_t value)
{
	if (value)
		pb_out_number(o, field, value);
}

void pb_out_fixed64(struct pb_out *o, unsigned field, uint64_t value)
{
	size_t i;

	key(o, field, FIXED64);
	if (!room(o, sizeof(value)))
		return;
	for (i = 0; i < sizeof(value); i++)
		o->buf[o->used_bytes++] = (uint8_t)(value >> (8 * i));
}

void pb_out_bytes(struct pb_out *o, unsigned field, const uint8_t *bytes, size_t len_bytes)
{
	key(o, field, LENGTH);
	varint(o, len_bytes);
	if (!len_bytes || !room(o, len_bytes))
		return;
	memcpy(o->buf + o->used_bytes, bytes, len_bytes);
	o->used_bytes += len_bytes;
}

void pb_out_text(struct pb_out *o, unsigned field, const char *text)
{
	if (text[0])
		pb_out_bytes(o, field, (const uint8_t *)text, strlen(text));
}

size_t pb_out_begin(struct pb_out *o, unsigned field)
{
	key(o, field, LENGTH);
	/* One byte for the length, which is enough for most; pb_out_end makes room for more. */
	varint(o, 0);
	return o->used_bytes;
}

void pb_out_end(struct pb_out *o, size_t begin)
{
	uint8_t bytes[VARINT_MAX_BYTES];
	size_t len, n;

	if (o->err)
		return;
	len = o->used_bytes - begin;
	n = to_varint(bytes, len);
	if (n > 1) {
		if (!room(o, n - 1))
			return;
		memmove(o->buf + begin + n - 1, o->buf + begin, len);
		o->used_bytes += n - 1;
	}
	memcpy(o->buf + begin - 1, bytes, n);
}

void pb_out_element(struct pb_out *o, uint64_t value)
{
	varint(o, value);
}
