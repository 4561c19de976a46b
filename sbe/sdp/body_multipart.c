/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_multipart - see the header.
 *
 * Line by line: a delimiter line ends a part, a blank line ends a part's headers. Everything is kept
 * as offsets into the caller's text, so replacing the SDP is three copies.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/mem.h"
#include "sbe/sdp/body_multipart.h"

#define MAX_BODY_BYTES (1u << 20)
#define MAX_HEADER_BYTES 4096 /* of one part */

static int refuse(const char *why, int error, const char **ret_why)
{
	if (ret_why)
		*ret_why = why;
	return error;
}

static bool fold_char(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Also over the line ends of a folded header. */
static struct body_text trim_folds(struct body_text t)
{
	while (t.len && fold_char(*t.at)) {
		t.at++;
		t.len--;
	}
	while (t.len && fold_char(t.at[t.len - 1]))
		t.len--;
	return t;
}

/* "application/sdp" of "application/SDP ; charset=utf-8" */
static struct body_text media_type(struct body_text *rest)
{
	return trim_folds(body_text_until(rest, ';'));
}

/* Take one ";name=value" off; the value without its quotes (a quoted ';' does not end it). */
static bool next_parameter(struct body_text *rest, struct body_text *name, struct body_text *value)
{
	const char *quote;

	if (!rest->len)
		return false;
	while (rest->len && (*rest->at == ' ' || *rest->at == '\t')) {
		rest->at++;
		rest->len--;
	}
	*name = (struct body_text){.at = rest->at};
	while (name->len < rest->len && name->at[name->len] != '=' && name->at[name->len] != ';')
		name->len++;
	rest->at += name->len;
	rest->len -= name->len;
	*value = (struct body_text){.at = rest->at};
	if (rest->len && *rest->at == '=') {
		struct body_text after = {.at = rest->at + 1, .len = rest->len - 1};

		quote = after.len > 1 && *after.at == '"' ? memchr(after.at + 1, '"', after.len - 1)
							  : NULL;
		if (quote) {
			value->at = after.at + 1;
			value->len = (uint32_t)(quote - value->at);
			after.len -= value->len + 2;
			after.at = quote + 1;
			body_text_until(&after, ';');
		} else {
			*value = body_text_trim(body_text_until(&after, ';'));
		}
		*rest = after;
	} else {
		body_text_until(rest, ';');
	}
	*name = body_text_trim(*name);
	return true;
}

/* RFC 2046 5.1.1: 1 to 70 characters, the last one not a space. */
static bool boundary_of(struct body_text parameters, struct body_text *ret_boundary)
{
	struct body_text name, value;

	while (next_parameter(&parameters, &name, &value)) {
		if (!body_text_is(name, "boundary"))
			continue;
		if (!value.len || value.len > BODY_MAX_BOUNDARY_BYTES ||
		    value.at[value.len - 1] == ' ')
			return false;
		for (uint32_t i = 0; i < value.len; i++) {
			if (value.at[i] < ' ' || value.at[i] > '~')
				return false;
		}
		*ret_boundary = value;
		return true;
	}
	return false;
}

enum line_kind { LINE_OTHER, LINE_BLANK, LINE_DELIMITER, LINE_CLOSE };

struct line {
	size_t start, next; /* next: the start of the following line */
	size_t end;         /* without the line end */
	enum line_kind kind;
};

static enum line_kind kind_of(struct body_text t, struct body_text boundary)
{
	enum line_kind kind = LINE_DELIMITER;

	if (!t.len)
		return LINE_BLANK;
	if (t.len < boundary.len + 2 || t.at[0] != '-' || t.at[1] != '-' ||
	    memcmp(t.at + 2, boundary.at, boundary.len) != 0)
		return LINE_OTHER;
	t.at += boundary.len + 2;
	t.len -= boundary.len + 2;
	if (t.len >= 2 && t.at[0] == '-' && t.at[1] == '-') {
		t.at += 2;
		t.len -= 2;
		kind = LINE_CLOSE;
	}
	/* only padding may follow; else it is another, longer boundary */
	return body_text_trim(t).len ? LINE_OTHER : kind;
}

static struct line read_line(const char *body, size_t len, size_t off, struct body_text boundary)
{
	const char *lf = memchr(body + off, '\n', len - off);
	struct line l = {.start = off};

	l.end = lf ? (size_t)(lf - body) : len;
	l.next = lf ? l.end + 1 : len;
	if (l.end > off && body[l.end - 1] == '\r')
		l.end--;
	l.kind = kind_of((struct body_text){.at = body + off, .len = (uint32_t)(l.end - off)},
			 boundary);
	return l;
}

/* What the headers of one part said. */
struct part {
	bool is_sdp, is_session, is_encoded;
	bool has_type, in_headers;
	size_t start, body_off; /* of the part and of its body */
	size_t length_off, length_len;
	struct body_text header; /* read when we know that no folded line continues it */
};

static void read_header(struct part *p, const char *body)
{
	struct body_text value = p->header;
	struct body_text name = body_text_trim(body_text_until(&value, ':'));
	struct body_text first;
	uint64_t n;

	value = trim_folds(value);
	first = value;
	p->header = (struct body_text){0};
	first = media_type(&first);
	if (body_text_is(name, "Content-Type") || body_text_is(name, "c")) {
		/* twice: whoever reads it may take either, so one that says SDP is enough to look closer */
		p->is_sdp = p->is_sdp || body_text_is(first, "application/sdp");
		p->is_encoded = p->is_encoded || (p->has_type && p->is_sdp);
		p->has_type = true;
	} else if (body_text_is(name, "Content-Disposition")) {
		/* RFC 3261 20.11: session is what SDP means by default; early-session (RFC 3959) is another */
		p->is_session = body_text_is(first, "session");
	} else if (body_text_is(name, "Content-Transfer-Encoding")) {
		p->is_encoded = p->is_encoded ||
				!(body_text_is(first, "binary") || body_text_is(first, "8bit") ||
				  body_text_is(first, "7bit"));
	} else if (body_text_is(name, "Content-Encoding") || body_text_is(name, "e")) {
		p->is_encoded = p->is_encoded || !body_text_is(first, "identity");
	} else if (body_text_is(name, "Content-Length") || body_text_is(name, "l")) {
		if (!body_text_number(value, UINT32_MAX, &n) || p->length_len)
			return;
		p->length_off = (size_t)(value.at - body);
		p->length_len = value.len;
	}
}

/* RFC 5322 2.2.3: a line that begins with a space continues the header before. */
static void header_line(struct part *p, const char *body, const struct line *l)
{
	if (p->header.len && (body[l->start] == ' ' || body[l->start] == '\t')) {
		p->header.len = (uint32_t)(body + l->end - p->header.at);
		return;
	}
	read_header(p, body);
	p->header = (struct body_text){.at = body + l->start, .len = (uint32_t)(l->end - l->start)};
}

struct search {
	struct body_part found;
	bool have, two, encoded;
};

/* A part is complete: its body ends before the line end that belongs to the delimiter. */
static int close_part(struct search *s, struct part *p, const char *body, size_t delimiter)
{
	size_t end = delimiter;

	read_header(p, body); /* one is left when the blank line is missing */
	if (!p->is_sdp) {
		s->found.has_opaque = true;
		return 0;
	}
	if (p->in_headers)
		return -EBADMSG;
	if (s->have || !p->is_session)
		s->two = true;
	if (p->is_encoded)
		s->encoded = true;
	if (end > p->body_off && body[end - 1] == '\n')
		end--;
	if (end > p->body_off && body[end - 1] == '\r')
		end--;
	s->have = true;
	s->found.off = p->body_off;
	s->found.len_bytes = end - p->body_off;
	s->found.length_off = p->length_off;
	s->found.length_len = p->length_len;
	return 0;
}

static int split(struct search *s, const char *body, size_t len, struct body_text boundary,
		 const char **ret_why)
{
	struct part p = {0};

	for (size_t off = 0; off < len;) {
		struct line l = read_line(body, len, off, boundary);

		off = l.next;
		if (l.kind == LINE_DELIMITER || l.kind == LINE_CLOSE) {
			if (s->found.n_parts && close_part(s, &p, body, l.start))
				return refuse("an SDP part has no end of headers", -EBADMSG,
					      ret_why);
			if (l.kind == LINE_CLOSE)
				return s->found.n_parts ? 0
							: refuse("multipart body without a part",
								 -EBADMSG, ret_why);
			if (++s->found.n_parts > BODY_MAX_PARTS)
				return refuse("too many parts", -EBADMSG, ret_why);
			p = (struct part){.is_session = true, .in_headers = true, .start = off};
		} else if (p.in_headers && l.kind == LINE_BLANK) {
			read_header(&p, body);
			p.in_headers = false;
			p.body_off = off;
		} else if (p.in_headers) {
			if (off - p.start > MAX_HEADER_BYTES)
				return refuse("headers of a part too long", -EBADMSG, ret_why);
			header_line(&p, body, &l);
		}
	}
	return refuse("multipart body without its last boundary", -EBADMSG, ret_why);
}

bool body_multipart_boundary(const char *content_type, struct body_text *ret_boundary)
{
	struct body_text rest = {.at = content_type, .len = (uint32_t)strlen(content_type)};
	struct body_text type = media_type(&rest);

	return body_text_begins(type, "multipart/") && boundary_of(rest, ret_boundary);
}

int body_multipart_find(const char *content_type, const char *body, size_t len_bytes,
			struct body_part *ret_part, const char **ret_why)
{
	struct body_text rest = {.at = content_type, .len = (uint32_t)strlen(content_type)};
	struct body_text type = media_type(&rest), boundary;
	struct search s = {0};
	int err;

	if (len_bytes > MAX_BODY_BYTES)
		return refuse("body too large", -EBADMSG, ret_why);
	if (body_text_is(type, "application/sdp")) {
		*ret_part = (struct body_part){.len_bytes = len_bytes, .whole = true, .n_parts = 1};
		return 0;
	}
	if (!body_text_begins(type, "multipart/"))
		return refuse("the body is no session description", -ENOENT, ret_why);
	if (!boundary_of(rest, &boundary))
		return refuse("multipart without a usable boundary", -EBADMSG, ret_why);
	err = split(&s, body, len_bytes, boundary, ret_why);
	if (err)
		return err;
	if (!s.have)
		return refuse("no part is a session description", -ENOENT, ret_why);
	if (s.two)
		return refuse("more than one session description", -ENOTSUP, ret_why);
	if (s.encoded)
		return refuse("the session description is encoded", -ENOTSUP, ret_why);
	*ret_part = s.found;
	return 0;
}

int body_multipart_replace(const char *body, size_t len_bytes, const struct body_part *part,
			   struct body_text sdp, char **ret_body, size_t *ret_len_bytes)
{
	char digits[24] = "", *copy;
	size_t n_digits = 0, len = 0, head = part->off;

	if (part->off > len_bytes || part->len_bytes > len_bytes - part->off ||
	    part->length_off > part->off || part->length_len > part->off - part->length_off)
		return -EINVAL;
	if (len_bytes > MAX_BODY_BYTES || sdp.len > MAX_BODY_BYTES)
		return -E2BIG;
	copy = mem_buffer(len_bytes + sdp.len + sizeof(digits) + 1);
	if (!copy)
		return -ENOMEM;
	if (part->length_len) {
		n_digits = (size_t)snprintf(digits, sizeof(digits), "%u", (unsigned)sdp.len);
		memcpy(copy, body, part->length_off);
		memcpy(copy + part->length_off, digits, n_digits);
		len = part->length_off + n_digits;
		body += part->length_off + part->length_len;
		head -= part->length_off + part->length_len;
		len_bytes -= part->length_off + part->length_len;
	}
	memcpy(copy + len, body, head);
	len += head;
	if (sdp.len)
		memcpy(copy + len, sdp.at, sdp.len);
	len += sdp.len;
	body += head + part->len_bytes;
	len_bytes -= head + part->len_bytes;
	memcpy(copy + len, body, len_bytes);
	len += len_bytes;
	copy[len] = 0;
	*ret_body = copy;
	*ret_len_bytes = len;
	return 0;
}
