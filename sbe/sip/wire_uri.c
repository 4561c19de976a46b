/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URIs and name-addr values, split into slices of the text they are given as.
 *
 * sofia has its own split of the same headers; this one exists because policy and routing need the bytes
 * as received (its copies are unescaped and re-cased) and because URIs also come from places that are no
 * message. Where two readings are possible the text is refused: what we and the next hop would read
 * differently is what an attacker sends.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sbe/sip/wire_line.h"

#define URI_MAX_BYTES 8192U

const char *wire_text_copy(struct wire_text t, char *buf, size_t size_bytes)
{
	if (size_bytes == 0)
		return buf;
	size_t n = t.n < size_bytes ? t.n : size_bytes - 1;
	if (n > 0)
		memcpy(buf, t.s, n);
	buf[n] = 0;
	return buf;
}

static struct wire_text slice(const char *from, const char *to)
{
	return (struct wire_text){from, (size_t)(to - from)};
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* No white space, control characters or delimiters of the headers round it. */
static bool uri_bytes_ok(struct wire_text t)
{
	static const uint8_t bad[256] = {
		[0 ... ' '] = 1, [0x7f] = 1, ['<'] = 1, ['>'] = 1, ['"'] = 1,
	};
	for (size_t i = 0; i < t.n; i++)
		if (bad[(unsigned char)t.s[i]])
			return false;
	return true;
}

/* Length of the scheme, 0 if there is none. */
static size_t scheme_length(struct wire_text t)
{
	size_t i = 0;
	if (t.n == 0 || !is_alpha(t.s[0]))
		return 0;
	while (i < t.n && (is_alpha(t.s[i]) || is_digit(t.s[i]) || t.s[i] == '+' || t.s[i] == '-' ||
			   t.s[i] == '.'))
		i++;
	return i < t.n && t.s[i] == ':' ? i : 0;
}

/* host [":" port] from p, up to end. Both must be used up. */
static int split_hostport(const char *p, const char *end, struct wire_uri *u)
{
	const char *after;
	if (p < end && *p == '[') {
		const char *close = memchr(p, ']', (size_t)(end - p));
		if (!close)
			return -EINVAL;
		u->host = slice(p + 1, close);
		for (size_t i = 0; i < u->host.n; i++) {
			char c = u->host.s[i];
			bool hex = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
			if (!hex && c != ':' && c != '.')
				return -EINVAL;
		}
		after = close + 1;
	} else {
		/* An underscore is in no standard's host name and in many real ones. */
		for (after = p; after < end && *after != ':'; after++)
			if (!is_alpha(*after) && !is_digit(*after) && *after != '-' &&
			    *after != '.' && *after != '_')
				return -EINVAL;
		u->host = slice(p, after);
	}
	if (u->host.n == 0)
		return -EINVAL;
	if (after == end)
		return 0;
	if (*after != ':')
		return -EINVAL;
	uint32_t port;
	struct wire_text digits = slice(after + 1, end);
	if (digits.n > 5 || wire_number(digits, 65535, &port) || port == 0)
		return -EINVAL;
	u->port = (uint16_t)port;
	return 0;
}

/* What is behind "sip:": [user [":" password] "@"] host [":" port] [";" params] ["?" headers] */
static int split_sip(const char *p, const char *end, struct wire_uri *u)
{
	const char *at = memchr(p, '@', (size_t)(end - p));
	if (at) {
		if (memchr(at + 1, '@', (size_t)(end - at - 1)))
			return -EINVAL;
		const char *colon = memchr(p, ':', (size_t)(at - p));
		u->user = slice(p, colon ? colon : at);
		if (u->user.n == 0)
			return -EINVAL;
		p = at + 1;
	}
	const char *headers = memchr(p, '?', (size_t)(end - p));
	if (headers) {
		u->headers = slice(headers + 1, end);
		end = headers;
	}
	const char *params = memchr(p, ';', (size_t)(end - p));
	if (params) {
		u->params = slice(params + 1, end);
		end = params;
	}
	return split_hostport(p, end, u);
}

int wire_uri_parse(struct wire_text text, struct wire_uri *ret_uri)
{
	if (!text.s || text.n > URI_MAX_BYTES || !uri_bytes_ok(text))
		return -EINVAL;
	size_t scheme = scheme_length(text);
	if (scheme == 0 || text.n == scheme + 1)
		return -EINVAL;
	struct wire_uri u = {.text = text, .scheme = {text.s, scheme}};
	const char *p = text.s + scheme + 1, *end = text.s + text.n;
	u.sips = wire_text_is_nocase(u.scheme, "sips");
	u.is_sip = u.sips || wire_text_is_nocase(u.scheme, "sip");
	u.is_tel = wire_text_is_nocase(u.scheme, "tel");
	u.is_page = wire_text_is_nocase(u.scheme, "im") || wire_text_is_nocase(u.scheme, "pres");
	if (!u.is_sip && !u.is_page) {
		u.user = slice(p, end);
	} else {
		int err = split_sip(p, end, &u);
		if (err)
			return err;
	}
	*ret_uri = u;
	return 0;
}

/* First byte of t at or after i that is c and not inside "", or t.n. */
static size_t find_unquoted(struct wire_text t, size_t i, char c)
{
	/* No quotes before the first c: nothing to be careful about. Not looked for beyond it, or many short
	 * parameters would cost the square of their number. */
	const char *hit = i < t.n ? memchr(t.s + i, c, t.n - i) : NULL;
	size_t end = hit ? (size_t)(hit - t.s) : t.n;
	if (i >= end || !memchr(t.s + i, '"', end - i))
		return end;
	bool quoted = false;
	for (; i < t.n; i++) {
		if (quoted) {
			if (t.s[i] == '\\' && i + 1 < t.n)
				i++;
			else if (t.s[i] == '"')
				quoted = false;
		} else if (t.s[i] == c) {
			return i;
		} else if (t.s[i] == '"') {
			quoted = true;
		}
	}
	return t.n;
}

/* Is every quoted string closed? What we put behind an open one would be part of it. */
static bool quotes_closed(struct wire_text t)
{
	bool quoted = false;
	if (t.n == 0 || !memchr(t.s, '"', t.n))
		return true;
	for (size_t i = 0; i < t.n; i++) {
		if (quoted && t.s[i] == '\\')
			i++;
		else if (t.s[i] == '"')
			quoted = !quoted;
	}
	return !quoted;
}

bool wire_param(struct wire_text params, const char *name, struct wire_text *ret_value)
{
	size_t at = 0;
	while (at < params.n) {
		size_t end = find_unquoted(params, at, ';');
		struct wire_text one = {params.s + at, end - at}, value = {NULL, 0};
		const char *eq = one.n ? memchr(one.s, '=', one.n) : NULL;
		if (eq) {
			value = wire_trim(slice(eq + 1, one.s + one.n));
			one = slice(one.s, eq);
		}
		one = wire_trim(one);
		if (one.n > 0 && wire_text_is_nocase(one, name)) {
			*ret_value = value;
			return true;
		}
		at = end + 1;
	}
	return false;
}

/* Closing quote of the quoted string that starts at t.s[0], or 0. */
static size_t quoted_end(struct wire_text t)
{
	for (size_t i = 1; i < t.n; i++) {
		if (t.s[i] == '\\')
			i++;
		else if (t.s[i] == '"')
			return i;
	}
	return 0;
}

/* The display name in front of "<", or nothing. *ret_open is the "<", t.n if this is an addr-spec. */
static int split_display(struct wire_text t, struct wire_text *ret_display, size_t *ret_open)
{
	if (t.s[0] == '"') {
		size_t close = quoted_end(t);
		if (close == 0)
			return -EINVAL;
		*ret_display = slice(t.s + 1, t.s + close);
		size_t open = close + 1;
		while (open < t.n && strchr(" \t\r\n", t.s[open]))
			open++;
		if (open >= t.n || t.s[open] != '<')
			return -EINVAL;
		*ret_open = open;
		return 0;
	}
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		if (c == '<') {
			*ret_display = wire_trim(slice(t.s, t.s + i));
			*ret_open = i;
			return 0;
		}
		/* none of these can be in an unquoted display name: it is an addr-spec, or nothing good */
		if (c == '"' || c == ',' || c == '\\' || c == 0)
			return -EINVAL;
		if (c == ':' || c == ';' || c == '@')
			break;
	}
	*ret_open = t.n;
	return 0;
}

/* Where the URI ends and what follows: *ret_after is behind ">" or at the first ";" of an addr-spec. */
static int split_address(struct wire_text t, size_t open, struct wire_uri *u, size_t *ret_after)
{
	if (open < t.n) {
		const char *close = memchr(t.s + open, '>', t.n - open);
		if (!close)
			return -EINVAL;
		*ret_after = (size_t)(close - t.s) + 1;
		return wire_uri_parse(slice(t.s + open + 1, close), u);
	}
	/* RFC 3261 20.10: without <> a semicolon starts header parameters, and "," "?" may not be there. */
	size_t end = 0;
	while (end < t.n && t.s[end] != ';' && !strchr(" \t\r\n", t.s[end]))
		end++;
	struct wire_text uri = {t.s, end};
	if (memchr(uri.s, '?', uri.n) || memchr(uri.s, ',', uri.n))
		return -EINVAL;
	*ret_after = end;
	return wire_uri_parse(uri, u);
}

int wire_party_parse(struct wire_text text, struct wire_party *ret_party)
{
	struct wire_party p = {.value = wire_trim(text)};
	size_t open, after;
	if (!text.s || p.value.n == 0)
		return -EINVAL;
	if (wire_text_is(p.value, "*")) {
		p.uri.text = p.value;
		*ret_party = p;
		return 0;
	}
	int err = split_display(p.value, &p.display, &open);
	if (!err)
		err = split_address(p.value, open, &p.uri, &after);
	if (err)
		return err;
	struct wire_text rest = wire_trim(slice(p.value.s + after, p.value.s + p.value.n));
	if (rest.n > 0) {
		/* no comments: some take one at the end, and we may put a tag behind it */
		if (rest.s[0] != ';' || find_unquoted(rest, 0, ',') < rest.n ||
		    find_unquoted(rest, 0, '(') < rest.n || !quotes_closed(rest))
			return -EINVAL;
		p.params = wire_trim(slice(rest.s + 1, rest.s + rest.n));
		wire_param(p.params, "tag", &p.tag);
	}
	*ret_party = p;
	return 0;
}
