/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_out - writes SIP text into a buffer; received headers that pass are copied byte for byte.
 *
 * Overflow is remembered, not fatal at each call: check wire_out_end(). Values we put are checked for
 * CR, LF and NUL, so nothing can smuggle a header in.
 * Owner: the caller's buffer. Thread: any.
 */
#ifndef SBE_SIP_WIRE_OUT_H
#define SBE_SIP_WIRE_OUT_H

#include <errno.h>
#include <string.h>

#include "sbe/sip/wire.h"

struct wire_out {
	char *buf;
	size_t size_bytes, len_bytes;
	int err; /* 0, -EMSGSIZE, -EINVAL (a value with CR, LF or NUL) */
};

void wire_out_init(struct wire_out *o, char *buf, size_t size_bytes);
/** Bytes as they are: the caller knows that they are clean. Here, so that a few bytes of a literal are just stored. */
static inline void wire_out_raw(struct wire_out *o, const char *s, size_t n)
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
/** "Name: value\r\n" */
void wire_out_header(struct wire_out *o, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void wire_out_header_text(struct wire_out *o, const char *name, struct wire_text value);
/** The value is the parts one behind the other: what every message has is written like this, without a format. */
void wire_out_header_parts(struct wire_out *o, const char *name, const struct wire_text *parts,
			   size_t nparts);
#define WIRE_NUMBER_BYTES 10
/** In decimal, in a buffer of WIRE_NUMBER_BYTES that must outlive the result. */
struct wire_text wire_number_text(uint32_t number, char *buf);
/** A received header line as it is, with its line ending made CRLF. */
void wire_out_line(struct wire_out *o, const struct wire_header *h);

/** Shall this received header cross to the other side? */
typedef bool(wire_keep_h)(void *arg, const struct wire_header *h);
/** Copy every header keep says yes to, in order. */
void wire_out_copy(struct wire_out *o, const struct wire_msg *m, wire_keep_h *keep, void *arg);

/** @return 0 with *ret_bytes, or the first error. */
int wire_out_end(const struct wire_out *o, size_t *ret_bytes);

/** 64 random bits from getrandom. Loop thread only. */
uint64_t wire_random_number(void);
/** Random token from getrandom, hex, bits/4 characters (bits a multiple of 8, at most 256), 0-terminated. Loop thread only. */
void wire_random_token(char *buf, size_t size_bytes, unsigned bits);

#endif
