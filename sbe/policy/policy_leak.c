/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/policy/policy_leak.h"

#include <string.h>

#include "sbe/sip/wire_line.h"

#define RUN_MAX_BYTES 64U
#define UNESCAPED_MAX_BYTES 2048U
#define WORD_MIN_BYTES 2U /* a host of one letter is in every text */

/* ---- numeric addresses ---- */

static bool is_ip_char(char c)
{
	static const uint8_t in[256] = {
		['0' ... '9'] = 1, ['a' ... 'f'] = 1, ['A' ... 'F'] = 1, ['.'] = 1, [':'] = 1};

	return in[(unsigned char)c];
}

/* "1.2.3.4", "1.2.3.4:5060", "2001:db8::1" */
static bool read_address(const char *s, size_t n, struct addr *ret)
{
	const char *colon = memrchr(s, ':', n);
	size_t host = colon ? (size_t)(colon - s) : 0;

	return addr_parse_ip(s, n, ret) == 0 ||
	       (host && memchr(s, '.', host) && addr_parse_ip(s, host, ret) == 0);
}

typedef bool(address_h)(const struct policy_inner *set, const struct addr *a);

/* A run of characters that addresses are made of; a word before it may end in such ones too. */
static bool run_has(const struct policy_inner *set, const char *s, size_t n, address_h *fn)
{
	size_t marks = 0;
	struct addr a;

	while (n && s[n - 1] == '.') /* the end of a sentence */
		n--;
	for (size_t i = 0; i < n; i++)
		marks += s[i] == '.' || s[i] == ':';
	if (n > RUN_MAX_BYTES)
		return marks >= 2; /* no address, but who knows what is in it */
	for (size_t i = 0; i < n && marks >= 2; i++) {
		if (read_address(s + i, n - i, &a) && (!fn || fn(set, &a)))
			return true;
		marks -= s[i] == '.' || s[i] == ':';
	}
	return false;
}

static bool has_address(const struct policy_inner *set, struct wire_text t, address_h *fn)
{
	for (size_t i = 0; i < t.n;) {
		size_t n = 0;

		while (i + n < t.n && is_ip_char(t.s[i + n]))
			n++;
		if (n && run_has(set, t.s + i, n, fn))
			return true;
		i += n + 1;
	}
	return false;
}

/* Four numbers with dots between, whatever stands around them: "v10.0.0.1beta". */
static bool has_dotted(struct wire_text t)
{
	const char *dot = t.n ? memchr(t.s, '.', t.n) : NULL;
	unsigned dots = 0, digits = 0;

	if (!dot)
		return false;
	for (const char *p = dot; p > t.s && p[-1] >= '0' && p[-1] <= '9'; p--)
		digits++;
	for (const char *p = dot; p < t.s + t.n; p++) {
		if (*p >= '0' && *p <= '9') {
			if (++digits && dots == 3)
				return true;
		} else if (*p == '.' && digits) {
			dots++;
			digits = 0;
		} else {
			dots = digits = 0;
		}
	}
	return false;
}

bool policy_names_address(struct wire_text t)
{
	return has_dotted(t) || has_address(NULL, t, NULL);
}

/* ---- names ---- */

static bool is_word_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '_';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* A name with a dot anywhere in the text; a bare word only by itself, or every text would have one. */
static bool has_name(struct wire_text t, struct wire_text name)
{
	bool bare = !memchr(name.s, '.', name.n) && !memchr(name.s, '@', name.n) &&
		    !memchr(name.s, ':', name.n);

	for (size_t i = 0; i + name.n <= t.n; i++) {
		if (lower(t.s[i]) != lower(name.s[0]) || strncasecmp(t.s + i, name.s, name.n))
			continue;
		if (!bare || ((!i || !is_word_char(t.s[i - 1])) &&
			      (i + name.n == t.n || !is_word_char(t.s[i + name.n]))))
			return true;
	}
	return false;
}

static bool is_domain_of(const struct peer *p, struct wire_text host)
{
	const char *const *domains = p ? p->conf->domains.items : NULL;

	for (size_t i = 0; p && i < p->conf->domains.n; i++) {
		if (wire_text_is_nocase(host, domains[i]))
			return true;
	}
	return false;
}

static bool is_our_domain(const struct policy_way *way, struct wire_text host)
{
	for (size_t i = 0; i < way->ndomains; i++) {
		if (wire_text_is_nocase(host, way->domains[i]))
			return true;
	}
	return wire_text_is_nocase(host, "anonymous.invalid") ||
	       wire_text_is_nocase(host, "unknown.invalid");
}

static bool is_numeric(struct wire_text host)
{
	struct addr a;

	return !host.n || addr_parse_ip(host.s, host.n, &a) == 0;
}

bool policy_host_public(const struct policy_way *way, struct wire_text host)
{
	if (is_numeric(host))
		return false;
	return is_our_domain(way, host) || is_domain_of(way->from, host);
}

/* ---- the set of a message ---- */

static void add_address(struct policy_inner *s, const struct addr *a)
{
	if (addr_is_any(a))
		return;
	for (unsigned i = 0; i < s->naddrs; i++) {
		if (addr_ip_equal(&s->addrs[i], a))
			return;
	}
	if (s->naddrs == POLICY_INNER_ADDRS)
		s->full = true;
	else
		s->addrs[s->naddrs++] = *a;
}

static void add_host(struct policy_inner *s, struct wire_text host)
{
	struct addr a;

	while (host.n && host.s[host.n - 1] == '.') /* the final dot of a complete name */
		host.n--;
	if (host.n > 2 && host.s[0] == '[' && host.s[host.n - 1] == ']')
		host = (struct wire_text){host.s + 1, host.n - 2};
	if (addr_parse_ip(host.s, host.n, &a) == 0)
		add_address(s, &a); /* and its text, for what stands too close around it */
	if (host.n < WORD_MIN_BYTES || policy_host_public(s->way, host) ||
	    is_domain_of(s->way->to, host))
		return;
	for (unsigned i = 0; i < s->nnames; i++) {
		if (s->names[i].n == host.n && !strncasecmp(s->names[i].s, host.s, host.n))
			return;
	}
	if (s->nnames == POLICY_INNER_NAMES)
		s->full = true;
	else
		s->names[s->nnames++] = host;
}

/* What stands behind "SIP / 2.0 / UDP ": white space may be anywhere (RFC 3261 25.1). */
static struct wire_text behind_transport(struct wire_text v)
{
	const char *slash = memrchr(v.s, '/', v.n);
	size_t i = slash ? (size_t)(slash - v.s) + 1 : 0;

	while (i < v.n && strchr(" \t\r\n", v.s[i]))
		i++;
	while (i < v.n && !strchr(" \t\r\n", v.s[i]))
		i++;
	return wire_trim((struct wire_text){v.s + i, v.n - i});
}

/* "SIP/2.0/UDP host:port;received=..." */
static void add_via(struct policy_inner *s, struct wire_text v)
{
	const char *semicolon = memchr(v.s, ';', v.n);
	struct wire_text params = {NULL, 0}, value;
	const char *colon, *end;

	if (semicolon) {
		params = (struct wire_text){semicolon + 1, (size_t)(v.s + v.n - semicolon - 1)};
		v.n = (size_t)(semicolon - v.s);
	}
	v = behind_transport(v);
	colon = v.n && v.s[0] != '[' ? memchr(v.s, ':', v.n) : NULL;
	if (colon)
		v.n = (size_t)(colon - v.s);
	end = v.n && v.s[0] == '[' ? memchr(v.s, ']', v.n) : NULL;
	if (end)
		v.n = (size_t)(end - v.s) + 1;
	add_host(s, wire_trim(v));
	if (params.s && wire_param(params, "received", &value))
		add_host(s, value);
	if (params.s && wire_param(params, "maddr", &value))
		add_host(s, value);
}

static void add_party(struct policy_inner *s, struct wire_text v)
{
	struct wire_party p;

	struct wire_text maddr;

	if (wire_party_parse(v, &p) || !p.uri.is_sip)
		return;
	add_host(s, p.uri.host);
	if (wire_param(p.uri.params, "maddr", &maddr))
		add_host(s, maddr);
}

static void add_header(struct policy_inner *s, const struct wire_header *h)
{
	struct wire_text rest = h->value, v;
	bool via = !strcmp(h->canonical, "via");

	if (!via && strcmp(h->canonical, "contact") && strcmp(h->canonical, "record-route") &&
	    strcmp(h->canonical, "route") && strcmp(h->canonical, "from"))
		return;
	while (wire_list_next(&rest, &v)) {
		if (via)
			add_via(s, v);
		else
			add_party(s, v);
	}
}

/* Words of an attribute that are addresses: a=rtcp, a=candidate and what is like them. */
static void add_words(struct policy_inner *s, struct wire_text line)
{
	struct addr a;

	for (size_t i = 0, n; i < line.n; i += n + 1) {
		for (n = 0; i + n < line.n && line.s[i + n] != ' ';)
			n++;
		if (n >= 3 && addr_parse_ip(line.s + i, n, &a) == 0)
			add_host(s, (struct wire_text){line.s + i, n});
	}
}

/* o=, c= and whatever else in a session description is an address. */
static void add_body(struct policy_inner *s, struct wire_text body)
{
	for (size_t i = 0; i < body.n && !s->full;) {
		struct wire_text line = {body.s + i, 0};
		const char *end = memchr(line.s, '\n', body.n - i), *blank;

		line.n = end ? (size_t)(end - line.s) : body.n - i;
		i += line.n + 1;
		if (line.n < 4 || line.s[1] != '=')
			continue;
		line = wire_trim(line);
		blank = memrchr(line.s, ' ', line.n);
		if (line.s[0] == 'a')
			add_words(s, line);
		else if (blank && (line.s[0] == 'o' || line.s[0] == 'c'))
			add_host(s, (struct wire_text){blank + 1,
						       (size_t)(line.s + line.n - blank - 1)});
	}
}

static void fill(struct policy_inner *s)
{
	struct wire_text id;
	struct wire_header h;
	void *it = NULL;
	const char *at;

	s->filled = true;
	if (!s->m)
		return;
	while (wire_header_next(s->m, &it, &h))
		add_header(s, &h);
	id = wire_call_id(s->m);
	at = id.n ? memchr(id.s, '@', id.n) : NULL;
	if (id.n >= 8 && s->nnames < POLICY_INNER_NAMES)
		s->names[s->nnames++] = id;
	if (at)
		add_host(s, (struct wire_text){at + 1, (size_t)(id.s + id.n - at - 1)});
	add_body(s, wire_body(s->m));
}

void policy_inner_init(struct policy_inner *s, const struct policy_way *way,
		       const struct wire_msg *m)
{
	s->way = way;
	s->m = m;
	s->filled = s->full = false;
	s->nnames = s->naddrs = 0;
}

/* ---- the question ---- */

static bool in_sources(const struct peer *p, const struct addr *a)
{
	const struct addr_prefix *list = p ? p->conf->sources.items : NULL;

	for (size_t i = 0; p && i < p->conf->sources.n; i++) {
		if (addr_prefix_has(&list[i], a))
			return true;
	}
	for (size_t i = 0; p && i < p->nhops; i++) {
		if (addr_ip_equal(&p->hops[i].addr, a))
			return true;
	}
	return false;
}

static bool is_inner_address(const struct policy_inner *s, const struct addr *a)
{
	char text[ADDR_TEXT_BYTES];

	for (unsigned i = 0; i < s->naddrs; i++) {
		if (addr_ip_equal(&s->addrs[i], a))
			return true;
	}
	if (in_sources(s->way->from, a))
		return true;
	addr_print_ip(a, false, text, sizeof(text));
	return s->way->transport &&
	       transport_is_ours(s->way->transport, (struct wire_text){text, strlen(text)}, 0);
}

static bool plain_in(struct policy_inner *s, struct wire_text t, bool any_address)
{
	if (any_address ? policy_names_address(t) : has_address(s, t, is_inner_address))
		return true;
	for (unsigned i = 0; i < s->nnames; i++) {
		if (has_name(t, s->names[i]))
			return true;
	}
	return false;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* %31%30 is 10, and a quoted pair \. is a dot */
static size_t unescape(struct wire_text t, char *buf)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++) {
		int high = t.s[i] == '%' && i + 2 < t.n ? hex(t.s[i + 1]) : -1;
		int low = high >= 0 ? hex(t.s[i + 2]) : -1;

		if (low >= 0) {
			buf[n++] = (char)(high * 16 + low);
			i += 2;
		} else if (t.s[i] == '\\' && i + 1 < t.n) {
			buf[n++] = t.s[++i];
		} else {
			buf[n++] = t.s[i];
		}
	}
	return n;
}

bool policy_inner_in(struct policy_inner *s, struct wire_text t, bool any_address)
{
	char buf[UNESCAPED_MAX_BYTES];

	if (!t.n)
		return false;
	if (!s->filled)
		fill(s);
	if (s->full || plain_in(s, t, any_address))
		return true;
	if (!memchr(t.s, '%', t.n) && !memchr(t.s, '\\', t.n))
		return false;
	if (t.n > sizeof(buf))
		return true; /* nobody needs that much of it */
	t.n = unescape(t, buf);
	t.s = buf;
	return plain_in(s, t, any_address);
}
