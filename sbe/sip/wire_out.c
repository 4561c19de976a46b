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

static void put(struct wire_out *o, const char *s, size_t n)
{
	if (o->err || n == 0)
		return;
	if (n > o->size_bytes - o->len_bytes) {
		o->err = -EMSGSIZE;
		return;
	}
	memcpy(o->buf + o->len_bytes, s, n);
	o->len_bytes += n;
}

/* What we write into a value must stay in that value. */
static bool stays_in_line(const char *s, size_t n)
{
	return n == 0 || !(memchr(s, '\r', n) || memchr(s, '\n', n) || memchr(s, 0, n));
}

void wire_out_header_text(struct wire_out *o, const char *name, struct wire_text value)
{
	if (!stays_in_line(value.s, value.n)) {
		if (!o->err)
			o->err = -EINVAL;
		return;
	}
	put(o, name, strlen(name));
	put(o, ": ", 2);
	put(o, value.s, value.n);
	put(o, "\r\n", 2);
}

/* Most values are texts put together: a format of %s, %u and %d only is written without vsnprintf, which would be the
 * dearest part of writing a message. */
static bool is_plain_format(const char *fmt)
{
	for (; (fmt = strchr(fmt, '%')); fmt += 2) {
		if (fmt[1] != 's' && fmt[1] != 'u' && fmt[1] != 'd')
			return false;
	}
	return true;
}

static void put_number(struct wire_out *o, unsigned v)
{
	char digits[12];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(o, digits + at, sizeof(digits) - at);
}

static void put_plain(struct wire_out *o, const char *fmt, va_list ap)
{
	while (*fmt) {
		size_t n = strcspn(fmt, "%");

		put(o, fmt, n);
		fmt += n;
		if (!*fmt)
			break;
		if (fmt[1] == 's') {
			const char *text = va_arg(ap, const char *);

			put(o, text, strlen(text));
		} else {
			unsigned v = va_arg(ap, unsigned); /* int and unsigned are passed alike */

			if (fmt[1] == 'd' && (int)v < 0) {
				put(o, "-", 1);
				v = 0U - v;
			}
			put_number(o, v);
		}
		fmt += 2;
	}
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

	put(o, name, strlen(name));
	put(o, ": ", 2);
	value = o->len_bytes;
	va_start(ap, fmt);
	if (is_plain_format(fmt))
		put_plain(o, fmt, ap);
	else
		put_formatted(o, fmt, ap);
	va_end(ap);
	if (!o->err && !stays_in_line(o->buf + value, o->len_bytes - value)) {
		o->len_bytes = value;
		o->err = -EINVAL;
	}
	put(o, "\r\n", 2);
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
	put(o, h->line.s, h->line.n);
	put(o, "\r\n", 2);
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
