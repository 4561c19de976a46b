/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer holds what has not been handed out: used bytes up to `start` are given back when more comes.
 * Line ends between messages never get into it, so that what is pending is always part of a message.
 * `scan` remembers how far the end of the headers has been looked for: each byte is looked at once.
 */
#include "sbe/sip/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire_line.h"

#define FRAME_FIRST_BYTES 2048U
#define FRAME_KEEP_BYTES 16384U
/* Unread bytes kept at most: one unfinished message and what one read brings on top of it. */
#define FRAME_BUFFER_MAX_BYTES (4U * GUARD_MESSAGE_MAX_BYTES)

struct frame {
	uint8_t *buf;
	size_t size_bytes, len_bytes;
	size_t start;       /* first byte not handed out */
	size_t given;       /* length of the message handed out last */
	size_t scan;        /* behind start: searched up to here */
	size_t headers;     /* length of the headers with the empty line, 0 = not known yet */
	size_t message;     /* length of headers and body */
	bool pong;          /* one is expected */
	unsigned line_ends; /* of "\r\n\r\n" between messages, seen so far */
	int broken;         /* the error that ended it: there is no way back into step */
};

static void frame_destroy(void *obj)
{
	struct frame *f = obj;
	mem_free(f->buf);
}

int frame_new(struct frame **ret_frame)
{
	struct frame *f = mem_zalloc(sizeof(*f), frame_destroy);
	if (!f)
		return -ENOMEM;
	*ret_frame = f;
	return 0;
}

void frame_free(struct frame *f)
{
	mem_unref(f);
}

static void drop_given(struct frame *f)
{
	f->start += f->given;
	f->given = 0;
	if (f->start < f->len_bytes)
		return;
	f->start = f->len_bytes = 0;
	/* thousands of idle connections must not each keep what their largest message needed */
	if (f->size_bytes > FRAME_KEEP_BYTES) {
		mem_free(f->buf);
		f->buf = NULL;
		f->size_bytes = 0;
	}
}

int frame_feed(struct frame *f, const uint8_t *data, size_t len_bytes)
{
	drop_given(f);
	size_t pending = f->len_bytes - f->start;
	if (len_bytes == 0)
		return 0;
	if (len_bytes > FRAME_BUFFER_MAX_BYTES - pending)
		return -EMSGSIZE;
	if (len_bytes > f->size_bytes - f->len_bytes && f->start > 0) {
		memmove(f->buf, f->buf + f->start, pending);
		f->len_bytes = pending;
		f->start = 0;
	}
	if (len_bytes > f->size_bytes - f->len_bytes) {
		size_t size = f->size_bytes ? f->size_bytes : FRAME_FIRST_BYTES;
		while (size < f->len_bytes + len_bytes)
			size *= 2;
		uint8_t *grown = mem_resize(f->buf, size);
		if (!grown)
			return -ENOMEM;
		f->buf = grown;
		f->size_bytes = size;
	}
	memcpy(f->buf + f->len_bytes, data, len_bytes);
	f->len_bytes += len_bytes;
	return 0;
}

void frame_expect_pong(struct frame *f)
{
	f->pong = true;
}

/* Eat line ends in front of a message. @return 2 when a double CRLF is complete, FRAME_PONG, 0 (RFC 5626 4.4.1). */
static int skip_line_ends(struct frame *f)
{
	while (f->start < f->len_bytes) {
		uint8_t c = f->buf[f->start];
		if (c != '\r' && c != '\n') {
			f->line_ends = 0;
			return 0;
		}
		f->start++;
		if (c == (f->line_ends % 2 == 0 ? '\r' : '\n'))
			f->line_ends++;
		else
			f->line_ends = c == '\r' ? 1 : 0;
		if (f->line_ends == 2 && f->pong) {
			f->line_ends = 0;
			f->pong = false;
			return FRAME_PONG;
		}
		if (f->line_ends == 4) {
			f->line_ends = 0;
			return 2;
		}
	}
	return 0;
}

/* Is the line end at lf the last of the headers? @return 1 yes, 0 no, 2 more bytes are needed, -EBADMSG. */
static int is_end(const uint8_t *at, const uint8_t *lf, const uint8_t *end)
{
	bool crlf = lf > at && lf[-1] == '\r';
	if (lf + 1 == end)
		return 2;
	if (lf[1] ==
	    '\n') /* a lone LF ends the headers for some, not for us: nobody knows where we are */
		return -EBADMSG;
	if (lf[1] != '\r')
		return 0;
	if (lf + 2 == end)
		return 2;
	if (lf[2] != '\n')
		return 0;
	return crlf ? 1 : -EBADMSG;
}

/* Look for the empty line from where the last search ended. @return as is_end; sets headers with 1 and -EBADMSG. */
static int find_headers(struct frame *f)
{
	const uint8_t *at = f->buf + f->start, *end = f->buf + f->len_bytes;
	const uint8_t *lf;
	while ((lf = memchr(at + f->scan, '\n', (size_t)(end - at) - f->scan))) {
		int r = is_end(at, lf, end);
		f->scan = (size_t)(lf - at);
		if (r == 1)
			f->headers = f->scan + 3;
		else if (r == -EBADMSG)
			f->headers = f->scan + (lf[1] == '\n' ? 2 : 3);
		if (r != 0)
			return r;
		f->scan++;
	}
	f->scan = (size_t)(end - at);
	return 2;
}

/* The one Content-Length of the headers (RFC 3261 18.3: it must be there). */
static int find_length(const struct frame *f, size_t *ret_body)
{
	struct wire_text rest = {(const char *)f->buf + f->start, f->headers};
	struct wire_line l;
	uint32_t n = 0;
	bool found = false;
	/* the start line is no header, whatever it looks like */
	const char *lf = memchr(rest.s, '\n', rest.n);
	rest.n -= (size_t)(lf + 1 - rest.s);
	rest.s = lf + 1;
	while (wire_line_next(&rest, &l)) {
		if (l.id != WIRE_NAME_CONTENT_LENGTH)
			continue;
		if (found)
			return -EBADMSG;
		int err = wire_number(l.value, GUARD_MESSAGE_MAX_BYTES, &n);
		if (err)
			return err == -ERANGE ? -EMSGSIZE : -EBADMSG;
		found = true;
	}
	if (!found)
		return -EBADMSG;
	*ret_body = n;
	return 0;
}

/* @return 0 the length of the message is known, 2 need more, -errno */
static int measure(struct frame *f)
{
	size_t body = 0;
	if (f->headers > 0)
		return 0;
	int r = find_headers(f);
	if (f->headers > GUARD_MESSAGE_MAX_BYTES || (r == 2 && f->scan > GUARD_MESSAGE_MAX_BYTES))
		return -EMSGSIZE;
	if (r != 1)
		return r;
	int err = find_length(f, &body);
	if (err)
		return err;
	if (f->headers + body > GUARD_MESSAGE_MAX_BYTES)
		return -EMSGSIZE;
	f->message = f->headers + body;
	return 0;
}

int frame_next(struct frame *f, const uint8_t **ret_data, size_t *ret_bytes)
{
	*ret_data = NULL;
	*ret_bytes = 0;
	if (f->broken)
		return f->broken;
	drop_given(f);
	int r = f->scan == 0 ? skip_line_ends(f) : 0;
	if (r)
		return r;
	r = f->start < f->len_bytes ? measure(f) : 2;
	if (r == 2)
		return 0;
	if (r < 0) {
		f->broken = r;
		if (r == -EBADMSG) {
			*ret_data = f->buf + f->start;
			*ret_bytes = f->headers;
		}
		return r;
	}
	if (f->len_bytes - f->start < f->message)
		return 0;
	*ret_data = f->buf + f->start;
	*ret_bytes = f->given = f->message;
	f->scan = f->headers = f->message = 0;
	return 1;
}

size_t frame_pending(const struct frame *f)
{
	size_t i = f->start + f->given;
	while (f->scan == 0 && i < f->len_bytes && (f->buf[i] == '\r' || f->buf[i] == '\n'))
		i++;
	return f->len_bytes - i;
}
