/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stateless answer of the guard. It may be given any bytes whose start line looked like a request,
 * so it copies lines and understands nothing but their names.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/table.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire_line.h"
#include "sbe/sip/wire_oc.h"

#define GUARD_VIA_BYTES 1024

struct answer {
	char *buf;
	size_t size_bytes, len_bytes;
	bool full;
};

static void put(struct answer *a, const char *s, size_t n)
{
	if (a->full || n > a->size_bytes - a->len_bytes) {
		a->full = true;
		return;
	}
	if (n > 0)
		memcpy(a->buf + a->len_bytes, s, n);
	a->len_bytes += n;
}

/* A line as it came, except that lone CRs and LFs become spaces: they may be why the request is refused. */
static void put_line(struct answer *a, struct wire_text line)
{
	size_t at = a->len_bytes;
	put(a, line.s, line.n);
	if (!line.n || (!memchr(line.s, '\r', line.n) && !memchr(line.s, '\n', line.n)))
		return;
	for (size_t i = at; !a->full && i < a->len_bytes; i++) {
		char *c = a->buf + i;
		bool more = i + 2 < a->len_bytes;
		if (more && c[0] == '\r' && c[1] == '\n' && (c[2] == ' ' || c[2] == '\t'))
			i += 2;
		else if (c[0] == '\r' || c[0] == '\n')
			*c = ' ';
	}
}

static bool has_tag(struct wire_text value)
{
	struct wire_party p;
	if (wire_party_parse(value, &p) == 0)
		return p.tag.s != NULL;
	/* Not to be understood: behind the last ">" there may be parameters all the same. */
	const char *close = value.n ? memrchr(value.s, '>', value.n) : NULL;
	const char *from = close ? close : value.s;
	const char *end = value.s + value.n;
	for (; from && end - from >= 5; from++)
		if (*from == ';' && strncasecmp(from + 1, "tag=", 4) == 0)
			return true;
	return false;
}

/* The top value with its overload parameters replaced, the others of the line behind it. */
static void put_via(struct answer *a, const struct guard_field *l, const char *oc)
{
	struct wire_text rest = l->value, top;
	char text[GUARD_VIA_BYTES];
	size_t n;

	if (memchr(l->line.s, '\n', l->line.n) || !wire_list_next(&rest, &top) ||
	    wire_oc_strip(top, text, sizeof(text), &n)) {
		put_line(a, l->line);
		return;
	}
	put(a, "Via: ", 5);
	put(a, text, n);
	put(a, oc, strlen(oc));
	if (rest.n > 0) {
		put(a, ",", 1);
		put(a, rest.s, rest.n);
	}
}

/* RFC 3261 8.2.6.2 and 8.2.7: the same request gets the same tag, though nothing is kept. */
static void put_to(struct answer *a, struct wire_text line, struct wire_text value, uint64_t hash)
{
	put_line(a, line);
	if (!has_tag(value)) {
		static const char digits[] = "0123456789abcdef";
		char tag[] = ";tag=" GUARD_TAG "0123456789abc";
		for (size_t i = sizeof(tag) - 2; i > sizeof(tag) - 15; i--, hash >>= 4)
			tag[i] = digits[hash & 15];
		put(a, tag, sizeof(tag) - 1);
	}
}

static void put_text(struct answer *a, const char *s)
{
	put(a, s, strlen(s));
}

static void put_status(struct answer *a, const struct guard_reply *r)
{
	char code[] = "SIP/2.0 000 ";
	for (int i = 10, v = r->status; i >= 8; i--, v /= 10)
		code[i] = (char)('0' + v % 10);
	put(a, code, sizeof(code) - 1);
	put_text(a, r->phrase);
	put(a, "\r\n", 2);
}

static int end(struct answer *a, const struct guard_reply *r)
{
	if (r->headers)
		put_text(a, r->headers);
	put_text(a, "Content-Length: 0\r\n\r\n");
	return a->full ? -EMSGSIZE : (int)a->len_bytes;
}

int guard_answer_head(const struct guard_head *h, size_t request_bytes, const struct guard_reply *r,
		      char *buf, size_t size_bytes)
{
	struct answer a = {.buf = buf,
			   .size_bytes = size_bytes < request_bytes ? size_bytes : request_bytes};
	if (h->via_lines != 1 || h->folded)
		return -ENOENT;
	put_status(&a, r);
	if (r->oc)
		put_via(&a, &h->via_line, r->oc);
	else
		put_line(&a, h->via_line.line);
	put(&a, "\r\n", 2);
	put_line(&a, h->from.line);
	put(&a, "\r\n", 2);
	put_to(&a, h->to.line, h->to.value,
	       table_hash(h->via.s, h->via.n) ^ table_hash(h->call_id.value.s, h->call_id.value.n));
	put(&a, "\r\n", 2);
	put_line(&a, h->call_id.line);
	put(&a, "\r\n", 2);
	put_line(&a, h->cseq.line);
	put(&a, "\r\n", 2);
	return end(&a, r);
}

int guard_answer(const uint8_t *data, size_t len_bytes, const struct guard_reply *r, char *buf,
		 size_t size_bytes)
{
	struct answer a = {.buf = buf,
			   .size_bytes = size_bytes < len_bytes ? size_bytes : len_bytes};
	struct wire_text rest = {(const char *)data, len_bytes};
	unsigned seen[WIRE_NAME_COUNT] = {0}, lines = 0;
	struct wire_line l;

	/* the start line has no colon of a header; skip it as bytes */
	const char *lf = len_bytes ? memchr(rest.s, '\n', rest.n) : NULL;
	if (!lf)
		return -ENOENT;
	rest.n -= (size_t)(lf + 1 - rest.s);
	rest.s = lf + 1;
	uint64_t hash = table_hash(data, len_bytes < GUARD_LINE_MAX_BYTES ? len_bytes
									  : GUARD_LINE_MAX_BYTES);

	put_status(&a, r);
	while (lines++ < 2 * GUARD_HEADER_LINES_MAX && wire_line_next(&rest, &l)) {
		bool via = l.id == WIRE_NAME_VIA;
		if (!via && l.id != WIRE_NAME_FROM && l.id != WIRE_NAME_TO &&
		    l.id != WIRE_NAME_CALL_ID && l.id != WIRE_NAME_CSEQ)
			continue;
		if (seen[l.id]++ > 0 && !via)
			continue;
		if (l.id == WIRE_NAME_TO)
			put_to(&a, l.line, l.value, hash);
		else if (via && r->oc && seen[l.id] == 1)
			put_via(&a, &(struct guard_field){l.line, l.value}, r->oc);
		else
			put_line(&a, l.line);
		put(&a, "\r\n", 2);
	}
	if (seen[WIRE_NAME_VIA] == 0)
		return -ENOENT;
	return end(&a, r);
}
