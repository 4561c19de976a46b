/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks run from cheap to dear: sizes, bytes, start line, header lines, top Via, body length. The
 * first one that fails decides. Whatever is refused is answered only if it is a request other than ACK:
 * a response or an ACK is never answered (RFC 3261 17.1.1.3, 18.1.2).
 *
 * Line ends are CRLF and nothing else. The RFC lets a parser be kind to a lone LF; an element that
 * decides which headers may pass must not, because the next hop could see other lines than it did.
 */
#include "sbe/sip/guard.h"

#include <endian.h>
#include <string.h>
#include <strings.h>

#include "sbe/sip/wire_line.h"

/* "A b SIP/2.0" is the shortest start line there is; no message is shorter than that and a Via. */
#define GUARD_MESSAGE_MIN_BYTES 20U

static const char *const reason_names[GUARD_REASON_COUNT] = {
#define NAME_ROW(id, name, text) [id] = name,
	GUARD_REASONS(NAME_ROW)
#undef NAME_ROW
};

const char *guard_reason_name(enum guard_reason r)
{
	return (unsigned)r < GUARD_REASON_COUNT ? reason_names[r] : "";
}

/* What is known about the message so far. */
struct check {
	struct wire_text start, headers, body; /* headers with the empty line */
	struct wire_text method;
	struct guard_head head;
	bool is_request;
	bool answerable; /* a request (or what was meant as one), not an ACK */
	int status;      /* to answer with */
};

/* ---- bytes ---- */

/* 1 = look closer. TAB is ordinary, bytes above 0x7f are (UTF-8 in display names, reason phrases). */
static const uint8_t special[256] = {
	[0 ... 8] = 1,
	[10 ... 31] = 1,
	[','] = 1,
	[0x7f] = 1,
};

/* How many of 8 bytes come before the first that may be special: most are not, and this is what makes the look at
 * every byte cheap. A term has the top bit of a byte set if that byte is below 0x20, a comma or DEL; a borrow can
 * only add hits, and only above a true one. */
static size_t plain_bytes(const char *s)
{
	const uint64_t ones = 0x0101010101010101U, tops = ones << 7;
	uint64_t w;
	memcpy(&w, s, sizeof(w));
	w = le64toh(w);
	uint64_t comma = w ^ (ones * ','), del = w ^ (ones * 0x7f);
	uint64_t hits =
		(((w - ones * 0x20) & ~w) | ((comma - ones) & ~comma) | ((del - ones) & ~del)) &
		tops;
	return hits ? (size_t)__builtin_ctzll(hits) / 8 : sizeof(w);
}

/* Find the empty line; on the way no NUL, no lone CR or LF, no control character but behind a backslash. */
static enum guard_reason check_bytes(struct wire_text t, size_t *ret_headers)
{
	size_t line = 0; /* start of the present line */
	unsigned values = 0;
	for (size_t i = 0; i < t.n; i++) {
		while (i + 8 < t.n) {
			size_t plain = plain_bytes(t.s + i);
			i += plain;
			if (plain < 8)
				break;
		}
		unsigned char c = (unsigned char)t.s[i];
		if (!special[c])
			continue;
		if (c == '\r' && i + 1 < t.n && t.s[i + 1] == '\n') {
			if (i == line) {
				*ret_headers = i + 2;
				return GUARD_OK;
			}
			i++;
			line = i + 1;
		} else if (c == ',') {
			if (++values > GUARD_VALUES_MAX)
				return GUARD_VALUES;
		} else if (c == 0) {
			return GUARD_NUL;
		} else if (c == '\r' || c == '\n' || i == 0 || t.s[i - 1] != '\\') {
			return GUARD_BARE_CR;
		}
	}
	return GUARD_TOO_SHORT;
}

/* ---- start line ---- */

static bool starts_nocase(struct wire_text t, const char *with)
{
	size_t n = strlen(with);
	return t.n >= n && strncasecmp(t.s, with, n) == 0;
}

static enum guard_reason check_status_line(struct wire_text t)
{
	if (!starts_nocase(t, "SIP/2.0 "))
		return GUARD_VERSION;
	const char *code = t.s + 8;
	size_t n = t.n - 8;
	if (n < 3 || code[0] < '1' || code[0] > '6' || code[1] < '0' || code[1] > '9' ||
	    code[2] < '0' || code[2] > '9' || (n > 3 && code[3] != ' '))
		return GUARD_START_LINE;
	return GUARD_OK;
}

/* METHOD SP Request-URI SP "SIP/2.0", single spaces (RFC 3261 7.1). */
static enum guard_reason check_request_line(struct check *c)
{
	struct wire_text t = c->start;
	const char *sp = t.n ? memchr(t.s, ' ', t.n) : NULL;
	const char *last = t.n ? memrchr(t.s, ' ', t.n) : NULL;
	if (!sp)
		return GUARD_START_LINE;
	c->method = (struct wire_text){t.s, (size_t)(sp - t.s)};
	struct wire_text tail = wire_trim(t);
	if (!wire_is_token(c->method) || tail.n < 8)
		return GUARD_START_LINE;
	/* Only what looks like SIP gets an answer: other protocols must not be talked to. */
	const char *version = memrchr(tail.s, ' ', tail.n);
	if (!version ||
	    !starts_nocase((struct wire_text){version + 1, (size_t)(tail.s + tail.n - version - 1)},
			   "SIP/"))
		return GUARD_START_LINE;
	c->is_request = true;
	c->answerable = !wire_text_is(c->method, "ACK");
	c->head.method = wire_method_of(c->method);
	c->head.uri = (struct wire_text){sp + 1, last > sp ? (size_t)(last - sp - 1) : 0};
	struct wire_text end = {last + 1, (size_t)(t.s + t.n - last - 1)};
	if (last == sp || memchr(sp + 1, ' ', (size_t)(last - sp - 1)) || last == sp + 1 ||
	    end.n == 0)
		return GUARD_START_LINE;
	if (!wire_text_is_nocase(end, "SIP/2.0")) {
		c->status = 505;
		return GUARD_VERSION;
	}
	return memchr(t.s, '\t', t.n) ? GUARD_START_LINE : GUARD_OK;
}

static enum guard_reason check_start_line(struct check *c)
{
	if (starts_nocase(c->start, "SIP/"))
		return check_status_line(c->start);
	enum guard_reason r = check_request_line(c);
	if (r == GUARD_OK && c->start.n > GUARD_LINE_MAX_BYTES) {
		c->status = 414;
		return GUARD_LINE_LENGTH;
	}
	return r;
}

/* ---- top Via ---- */

static void skip_space(struct wire_text *t)
{
	while (t->n > 0 && strchr(" \t\r\n", t->s[0])) {
		t->s++;
		t->n--;
	}
}

/* Cut the run of bytes off the front that are not in stop and not white space. */
static struct wire_text cut_run(struct wire_text *t, const char *stop)
{
	struct wire_text run = {t->s, 0};
	for (; run.n < t->n; run.n++) {
		char c = t->s[run.n];
		if (c == stop[0] || (stop[0] && (c == stop[1] || (stop[1] && c == stop[2]))) ||
		    c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0)
			break;
	}
	t->s += run.n;
	t->n -= run.n;
	return run;
}

static bool cut_char(struct wire_text *t, char c)
{
	skip_space(t);
	if (t->n == 0 || t->s[0] != c)
		return false;
	t->s++;
	t->n--;
	skip_space(t);
	return true;
}

/* *( ";" token [ "=" ( quoted / value ) ] ), nothing empty */
static bool via_params_ok(struct wire_text t)
{
	while (t.n > 0) {
		if (!cut_char(&t, ';') || !wire_is_token(cut_run(&t, ";=")))
			return false;
		if (!cut_char(&t, '='))
			continue;
		if (t.n > 0 && t.s[0] == '"') {
			size_t i = 1;
			while (i < t.n && t.s[i] != '"')
				i += t.s[i] == '\\' ? 2 : 1;
			if (i >= t.n)
				return false;
			t.s += i + 1;
			t.n -= i + 1;
		} else {
			/* "(" begins a comment to the parser at the end of a Via, and nothing elsewhere: our
			 * answers would be read differently from the request */
			struct wire_text value = cut_run(&t, ";\"");
			if (value.n == 0 || memchr(value.s, '(', value.n))
				return false;
		}
		skip_space(&t);
	}
	return true;
}

/* "SIP/2.0/" transport LWS host [":" port] params; white space and folds are allowed round the marks. */
static bool via_ok(struct wire_text t)
{
	uint32_t port;
	struct wire_text part = cut_run(&t, "/");
	if (!wire_text_is_nocase(part, "SIP") || !cut_char(&t, '/'))
		return false;
	part = cut_run(&t, "/");
	if (!wire_text_is(part, "2.0") || !cut_char(&t, '/') || !wire_is_token(cut_run(&t, "/")))
		return false;
	if (t.n == 0 || !strchr(" \t\r\n", t.s[0]))
		return false;
	skip_space(&t);
	if (t.n > 0 && t.s[0] == '[') {
		part = cut_run(&t, "];");
		if (part.n < 3 || strspn(part.s + 1, "0123456789abcdefABCDEF:.") < part.n - 1 ||
		    t.n == 0 || t.s[0] != ']')
			return false;
		t.s++;
		t.n--;
	} else {
		part = cut_run(&t, ":;");
		if (!wire_is_token(part))
			return false;
	}
	if (cut_char(&t, ':')) {
		part = cut_run(&t, ";");
		if (part.n > 5 || wire_number(part, 65535, &port) || port == 0)
			return false;
	}
	skip_space(&t);
	return via_params_ok(t);
}

/* ---- header lines ---- */

struct headers {
	unsigned seen[WIRE_NAME_COUNT];
	unsigned vias, lines;
	struct wire_text content_length;
	struct guard_head *head;
};

static unsigned count_lines(struct wire_text t)
{
	unsigned n = 0;
	for (const char *lf = t.s; (lf = memchr(lf, '\n', (size_t)(t.s + t.n - lf))); lf++)
		n++;
	return n + 1;
}

static enum guard_reason check_via_line(struct headers *h, struct wire_text value)
{
	struct wire_text rest = value, one;
	bool top = h->vias == 0;
	while (wire_list_next(&rest, &one)) {
		if (top && !via_ok(one))
			return GUARD_VIA;
		if (top)
			h->head->via = one;
		top = false;
		if (++h->vias > GUARD_VIAS_MAX)
			return GUARD_VIAS;
	}
	return h->vias == 0 ? GUARD_VIA : GUARD_OK;
}

/* What guard_head tells. */
static void note_line(struct guard_head *h, const struct wire_line *l)
{
	static const char priority[] = "resource-priority";
	struct guard_field *f = l->id == WIRE_NAME_FROM      ? &h->from
				: l->id == WIRE_NAME_TO      ? &h->to
				: l->id == WIRE_NAME_CALL_ID ? &h->call_id
				: l->id == WIRE_NAME_CSEQ    ? &h->cseq
				: l->id == WIRE_NAME_VIA     ? &h->via_line
							     : NULL;
	if (f) {
		h->folded |= l->folded;
		h->via_lines += l->id == WIRE_NAME_VIA;
		*f = (struct guard_field){l->line, l->value};
	} else if (l->id == WIRE_NAME_UNKNOWN && l->name.n == sizeof(priority) - 1 &&
		   wire_text_is_nocase(l->name, priority)) {
		h->priority = true;
	}
}

static enum guard_reason check_line(struct headers *h, const struct wire_line *l)
{
	h->lines += l->folded ? count_lines(l->line) : 1;
	if (h->lines > GUARD_HEADER_LINES_MAX)
		return GUARD_LINES;
	if (l->line.n > GUARD_LINE_MAX_BYTES)
		return GUARD_LINE_LENGTH;
	if (!wire_is_token(l->name))
		return GUARD_HEADER_NAME;
	h->seen[l->id]++;
	note_line(h->head, l);
	switch (l->id) {
	case WIRE_NAME_VIA:
		return check_via_line(h, l->value);
	case WIRE_NAME_CONTENT_LENGTH:
		h->content_length = l->value;
		/* fall through */
	case WIRE_NAME_FROM:
	case WIRE_NAME_TO:
	case WIRE_NAME_CALL_ID:
	case WIRE_NAME_CSEQ:
	case WIRE_NAME_MAX_FORWARDS:
		return h->seen[l->id] > 1 ? GUARD_DUPLICATE : GUARD_OK;
	default:
		return GUARD_OK;
	}
}

static enum guard_reason check_headers(struct check *c, struct headers *h)
{
	struct wire_text rest = c->headers;
	struct wire_line l;
	while (wire_line_next(&rest, &l)) {
		enum guard_reason r = check_line(h, &l);
		if (r != GUARD_OK)
			return r;
	}
	if (h->vias == 0)
		return GUARD_NO_VIA;
	if (!h->seen[WIRE_NAME_FROM] || !h->seen[WIRE_NAME_TO] || !h->seen[WIRE_NAME_CALL_ID] ||
	    !h->seen[WIRE_NAME_CSEQ])
		return GUARD_MISSING;
	return GUARD_OK;
}

/* RFC 3261 18.3: a datagram is cut to its Content-Length, one that ends before it is an error. */
static enum guard_reason check_body(struct check *c, const struct headers *h, bool stream)
{
	uint32_t n;
	if (!h->seen[WIRE_NAME_CONTENT_LENGTH])
		return stream ? GUARD_CONTENT_LENGTH : GUARD_OK;
	if (wire_number(h->content_length, GUARD_MESSAGE_MAX_BYTES, &n) || n > c->body.n)
		return GUARD_CONTENT_LENGTH;
	if (stream && n < c->body.n)
		return GUARD_CONTENT_LENGTH;
	c->body.n = n;
	return GUARD_OK;
}

/* ---- all together ---- */

static const char *phrase_of(int status)
{
	switch (status) {
	case 414:
		return "Request-URI Too Long";
	case 501:
		return "Not Implemented";
	case 505:
		return "Version Not Supported";
	case 513:
		return "Message Too Large";
	default:
		return "Bad Request";
	}
}

static enum guard_reason check_message(struct check *c, struct wire_text t, bool stream)
{
	struct headers h = {.head = &c->head};
	if (t.n < GUARD_MESSAGE_MIN_BYTES)
		return GUARD_TOO_SHORT;
	/* The start line first: it tells whether there may be an answer at all. */
	const char *lf =
		memchr(t.s, '\n', t.n < GUARD_MESSAGE_MAX_BYTES ? t.n : GUARD_MESSAGE_MAX_BYTES);
	if (!lf)
		return GUARD_START_LINE;
	c->start = (struct wire_text){t.s, (size_t)(lf - t.s)};
	if (c->start.n > 0 && lf[-1] == '\r')
		c->start.n--;
	enum guard_reason r = check_start_line(c);
	if (r != GUARD_OK)
		return r;
	if (t.n > GUARD_MESSAGE_MAX_BYTES) {
		c->status = 513;
		return GUARD_TOO_LARGE;
	}
	size_t headers = 0;
	r = check_bytes(t, &headers);
	/* RFC 3261 8.2: the method is looked at before the headers are. */
	if (r == GUARD_NUL && wire_method_of(c->method) == WIRE_OTHER)
		c->status = 501;
	if (r != GUARD_OK)
		return r;
	size_t at = (size_t)(lf - t.s) + 1;
	if (at >= headers) /* "\r\n" is all there is behind the start line */
		return GUARD_NO_VIA;
	c->headers = (struct wire_text){t.s + at, headers - at};
	c->body = (struct wire_text){t.s + headers, t.n - headers};
	r = check_headers(c, &h);
	return r == GUARD_OK ? check_body(c, &h, stream) : r;
}

/* NAT keep-alives of RFC 5626 come as STUN to the SIP port. Nobody was told that we answer them. */
static bool is_stun(const uint8_t *data, size_t len_bytes)
{
	return len_bytes >= 20 && data[0] < 0x40 && !memcmp(data + 4, "\x21\x12\xa4\x42", 4);
}

void guard_check(const uint8_t *data, size_t len_bytes, bool stream,
		 struct guard_result *ret_result)
{
	struct guard_result g = {.verdict = GUARD_DROP, .reason = GUARD_KEEPALIVE};
	struct check c = {.status = 400};
	while (g.skip_bytes < len_bytes &&
	       (data[g.skip_bytes] == '\r' || data[g.skip_bytes] == '\n'))
		g.skip_bytes++;
	struct wire_text t = {(const char *)data + g.skip_bytes, len_bytes - g.skip_bytes};
	g.len_bytes = t.n;
	if (is_stun(data, len_bytes))
		g.reason = GUARD_STUN;
	else if (t.n > 0)
		g.reason = check_message(&c, t, stream);
	g.is_request = c.is_request;
	if (g.reason == GUARD_OK) {
		g.verdict = GUARD_PASS;
		g.len_bytes = (size_t)(c.body.s + c.body.n - t.s);
		g.head = c.head;
	} else if (c.answerable && g.reason != GUARD_NO_VIA) {
		g.verdict = GUARD_ANSWER;
		g.status = c.status;
		g.phrase = phrase_of(c.status);
	}
	*ret_result = g;
}
