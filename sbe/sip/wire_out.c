/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sip/wire_out.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define POOL_BYTES 1024
#define TOKEN_BITS_MAX 256U

void wire_out_init(struct wire_out *o, char *buf, size_t size_bytes)
{
	*o = (struct wire_out){.buf = buf, .size_bytes = size_bytes};
}

static bool breaks_line(char c)
{
	return c == '\r' || c == '\n' || c == 0;
}

/* Is none of these eight bytes below 16? Then none is a CR, an LF or a NUL; else they have to be looked at. */
static bool all_printed(const char *s)
{
	uint64_t eight;

	memcpy(&eight, s, sizeof(eight));
	return !((eight - 0x1010101010101010U) & ~eight & 0x8080808080808080U);
}

/* What we write into a value must stay in that value. */
static bool stays_in_line(const char *s, size_t n)
{
	size_t i = 0;

	while (n - i >= 8 && all_printed(s + i))
		i += 8;
	for (; i < n; i++) {
		if (breaks_line(s[i]))
			return false;
	}
	return true;
}

/* The value that begins there is complete. */
static void end_value(struct wire_out *o, size_t value)
{
	if (!o->err && !stays_in_line(o->buf + value, o->len_bytes - value)) {
		o->len_bytes = value;
		o->err = -EINVAL;
	}
	wire_out_raw(o, "\r\n", 2);
}

void wire_out_header_text(struct wire_out *o, const char *name, struct wire_text value)
{
	if (!stays_in_line(value.s, value.n)) {
		if (!o->err)
			o->err = -EINVAL;
		return;
	}
	wire_out_raw(o, name, strlen(name));
	wire_out_raw(o, ": ", 2);
	wire_out_raw(o, value.s, value.n);
	wire_out_raw(o, "\r\n", 2);
}

struct wire_text wire_number_text(uint32_t number, char *buf)
{
	size_t at = WIRE_NUMBER_BYTES;

	do {
		buf[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return (struct wire_text){buf + at, WIRE_NUMBER_BYTES - at};
}

void wire_out_header_parts(struct wire_out *o, const char *name, const struct wire_text *parts,
			   size_t nparts)
{
	size_t value;

	wire_out_raw(o, name, strlen(name));
	wire_out_raw(o, ": ", 2);
	value = o->len_bytes;
	for (size_t i = 0; i < nparts; i++)
		wire_out_raw(o, parts[i].s, parts[i].n);
	end_value(o, value);
}

static void put_number(struct wire_out *o, unsigned v)
{
	char buf[WIRE_NUMBER_BYTES];
	struct wire_text digits = wire_number_text(v, buf);

	wire_out_raw(o, digits.s, digits.n);
}

/* Most values are texts put together: a format of %s, %u and %d only is written without vsnprintf, which would be the
 * dearest part of writing a message. @return false: there is something else in it, and nothing is to be kept */
static bool put_plain(struct wire_out *o, const char *fmt, va_list ap)
{
	const char *end;
	unsigned v;

	for (; (end = strchr(fmt, '%')); fmt = end + 2) {
		wire_out_raw(o, fmt, (size_t)(end - fmt));
		if (end[1] == 's') {
			const char *text = va_arg(ap, const char *);

			wire_out_raw(o, text, strlen(text));
		} else if (end[1] == 'u' || end[1] == 'd') {
			v = va_arg(ap, unsigned); /* int and unsigned are passed alike */
			if (end[1] == 'd' && (int)v < 0) {
				wire_out_raw(o, "-", 1);
				v = 0U - v;
			}
			put_number(o, v);
		} else {
			return false;
		}
	}
	wire_out_raw(o, fmt, strlen(fmt));
	return true;
}

/* Anything else. vsnprintf needs one byte for its 0, which the line end takes over. */
static void put_formatted(struct wire_out *o, const char *fmt, va_list ap)
{
	size_t room = o->size_bytes - o->len_bytes;
	int n;

	if (o->err)
		return;
	n = vsnprintf(o->buf + o->len_bytes, room, fmt, ap);
	if (n < 0 || (size_t)n >= room)
		o->err = -EMSGSIZE;
	else
		o->len_bytes += (size_t)n;
}

void wire_out_header(struct wire_out *o, const char *name, const char *fmt, ...)
{
	va_list ap;
	size_t value;
	bool done;

	wire_out_raw(o, name, strlen(name));
	wire_out_raw(o, ": ", 2);
	value = o->len_bytes;
	va_start(ap, fmt);
	done = put_plain(o, fmt, ap);
	va_end(ap);
	if (!done) {
		o->len_bytes = value;
		va_start(ap, fmt);
		put_formatted(o, fmt, ap);
		va_end(ap);
	}
	end_value(o, value);
}

/* A CR or LF may only be part of a fold; the guard has seen to that, this is the second lock. */
static bool only_folds(struct wire_text t)
{
	if (t.n == 0 || stays_in_line(t.s, t.n))
		return true; /* not folded, as nearly all lines */
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == 0)
			return false;
		if (t.s[i] != '\r' && t.s[i] != '\n')
			continue;
		if (t.s[i] != '\r' || i + 2 >= t.n || t.s[i + 1] != '\n' ||
		    (t.s[i + 2] != ' ' && t.s[i + 2] != '\t'))
			return false;
		i += 2;
	}
	return true;
}

void wire_out_line(struct wire_out *o, const struct wire_header *h)
{
	if (!only_folds(h->line)) {
		if (!o->err)
			o->err = -EINVAL;
		return;
	}
	wire_out_raw(o, h->line.s, h->line.n);
	wire_out_raw(o, "\r\n", 2);
}

void wire_out_copy(struct wire_out *o, const struct wire_msg *m, wire_keep_h *keep, void *arg)
{
	struct wire_header h;
	void *it = NULL;
	while (wire_header_next(m, &it, &h))
		if (keep(arg, &h))
			wire_out_line(o, &h);
}

int wire_out_end(const struct wire_out *o, size_t *ret_bytes)
{
	if (o->err)
		return o->err;
	*ret_bytes = o->len_bytes;
	return 0;
}

/* getrandom costs a system call, a message needs several tokens: take a pool of bytes at a time, use each once. */
static void random_bytes(uint8_t *out, size_t n)
{
	static uint8_t pool[POOL_BYTES];
	static size_t left;
	size_t got = 0;

	if (left < n) {
		while (got < sizeof(pool)) {
			ssize_t r = getrandom(pool + got, sizeof(pool) - got, 0);

			if (r > 0)
				got += (size_t)r;
			else if (r < 0 && errno != EINTR)
				abort(); /* a guessable tag would be worse than a restart */
		}
		left = sizeof(pool);
	}
	left -= n;
	memcpy(out, pool + left, n);
	memset(pool + left, 0, n);
}

uint64_t wire_random_number(void)
{
	uint8_t raw[sizeof(uint64_t)];
	uint64_t number;

	random_bytes(raw, sizeof(raw));
	memcpy(&number, raw, sizeof(number));
	return number;
}

void wire_random_token(char *buf, size_t size_bytes, unsigned bits)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t raw[TOKEN_BITS_MAX / 8];
	size_t n = bits / 8;

	assert(bits > 0 && bits % 8 == 0 && bits <= TOKEN_BITS_MAX && size_bytes > 2 * n);
	(void)size_bytes;
	random_bytes(raw, n);
	for (size_t i = 0; i < n; i++) {
		buf[2 * i] = hex[raw[i] >> 4];
		buf[2 * i + 1] = hex[raw[i] & 15];
	}
	buf[2 * n] = 0;
}
