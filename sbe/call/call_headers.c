/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_headers - which headers cross from one leg to the other, and who we say is calling.
 *
 * An allow-list: what is not named here stays on its side, so nothing of the inner network passes by
 * accident (RFC 6404 4.10, C6). What names a host is rewritten or left out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "sbe/call/call_private.h"
#include "sbe/sip/wire_line.h"
#include "sbe/sip/wire_out.h"

#define USER_MAX_BYTES 200U
#define RUN_MAX_BYTES 64U

/* Canonical names; sorted by use. Each carries meaning end to end and has no field for a host. */
static const char *const crossing[] = {
	"subject",
	"priority",
	"privacy",
	"reason",
	"date",
	"identity",
	"resource-priority",
	"accept-resource-priority",
	"accept-language",
	"content-language",
	"content-disposition",
	"mime-version",
	"user-to-user",
	"p-early-media",
	"accept-contact",
	"reject-contact",
	"request-disposition",
	"retry-after",
	"answer-mode",
	"recv-info",
	"priv-answer-mode",
	NULL,
};

static bool is_ip_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
	       c == '.' || c == ':';
}

/* "1.2.3.4", "1.2.3.4:5060", "2001:db8::1" */
static bool is_address(const char *s, size_t n)
{
	const char *colon = memrchr(s, ':', n);
	size_t host = colon ? (size_t)(colon - s) : 0;
	struct addr a;

	return addr_parse_ip(s, n, &a) == 0 ||
	       (host && memchr(s, '.', host) && addr_parse_ip(s, host, &a) == 0);
}

/* A run of characters that addresses are made of; a word before it may end in such ones too. */
static bool run_names_host(const char *s, size_t n)
{
	size_t marks = 0;

	while (n && s[n - 1] == '.') /* the end of a sentence */
		n--;
	for (size_t i = 0; i < n; i++)
		marks += s[i] == '.' || s[i] == ':';
	if (n > RUN_MAX_BYTES)
		return marks >= 2; /* no address, but who knows what is in it */
	for (size_t i = 0; i < n && marks >= 2; i++) {
		if (is_address(s + i, n - i))
			return true;
	}
	return false;
}

bool call_text_names_host(struct wire_text t)
{
	for (size_t i = 0; i < t.n;) {
		size_t n = 0;

		while (i + n < t.n && is_ip_char(t.s[i + n]))
			n++;
		if (n && run_names_host(t.s + i, n))
			return true;
		i += n + 1;
	}
	return false;
}

/* Words for people name hosts now and then. What is signed stays as it is, or the signature breaks (E13). */
static bool may_cross(const struct wire_header *h)
{
	return !strcmp(h->canonical, "identity") || !call_text_names_host(h->value);
}

bool call_header_crosses(void *arg, const struct wire_header *h)
{
	/* A 503 from beyond says nothing of us: its Retry-After would stop the other side altogether (RFC 3261 21.5.4). */
	if (arg && wire_status(arg) == 503 && !strcmp(h->canonical, "retry-after"))
		return false;
	for (size_t i = 0; crossing[i]; i++) {
		if (crossing[i][0] == h->canonical[0] && !strcmp(crossing[i], h->canonical))
			return may_cross(h);
	}
	return false;
}

bool call_headers_reason(const struct wire_msg *m, struct wire_header *ret_header)
{
	return wire_header_find(m, "reason", ret_header) && may_cross(ret_header);
}

const char *call_headers_phrase(const struct wire_msg *m, char *buf, size_t size_bytes)
{
	struct wire_text t = wire_reason(m);

	if (!t.n || call_text_names_host(t))
		return NULL;
	return wire_text_copy(t, buf, size_bytes);
}

void call_headers_contact(const struct transport_target *t, struct wire_out *o)
{
	const char *transport = t->proto == TRANSPORT_TCP   ? ";transport=tcp"
				: t->proto == TRANSPORT_TLS ? ";transport=tls"
							    : "";

	wire_out_header(o, "Contact", "<sip:%s%s>", transport_sent_by(t->listener), transport);
}

/* What we call ourselves on the far side of a listener. */
static const char *our_host(const struct call_core *core, const struct transport_listener *via)
{
	return core->c.ndomains ? core->c.domains[0] : transport_sent_by(via);
}

static bool looks_numeric(struct wire_text host)
{
	struct addr a;

	return !host.n || addr_parse_ip(host.s, host.n, &a) == 0;
}

/* A host may be shown when it is a domain of ours or of the peer that sent it: those are public names. */
static bool host_is_public(const struct call_core *core, const struct peer *from,
			   struct wire_text host)
{
	const char *const *domains = from->conf->domains.items;

	if (looks_numeric(host))
		return false;
	if (call_domain_is_ours(core, host) || wire_text_is_nocase(host, "anonymous.invalid"))
		return true;
	for (size_t i = 0; i < from->conf->domains.n; i++) {
		if (wire_text_is_nocase(host, domains[i]))
			return true;
	}
	return false;
}

/* A display name passes as a quoted string, unless it holds what could break out of one. */
static const char *print_display(struct wire_text d, char *buf, size_t size)
{
	struct text_out t;

	if (d.n >= 2 && d.s[0] == '"' && d.s[d.n - 1] == '"') {
		d.s++;
		d.n -= 2;
	}
	buf[0] = 0;
	if (!d.n || d.n > 120)
		return buf;
	for (size_t i = 0; i < d.n; i++) {
		unsigned char c = (unsigned char)d.s[i];

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			return buf;
	}
	text_start(&t, buf, size);
	text_add(&t, "\"");
	text_add_bytes(&t, d.s, d.n);
	text_add(&t, "\" ");
	return buf;
}

static const char *user_phone(const struct wire_uri *u)
{
	struct wire_text v;

	bool phone =
		u->is_tel || (wire_param(u->params, "user", &v) && wire_text_is_nocase(v, "phone"));

	return phone ? ";user=phone" : "";
}

/* The part of the user that is one in any URI; parameters of a number go when they name a host. */
static size_t user_bytes(const struct wire_uri *u)
{
	struct wire_text t = u->user;
	const char *stop = call_text_names_host(t) ? "@<>\" \t\r\n,;" : "@<>\" \t\r\n,";
	size_t n = 0;

	while (n < t.n && n < USER_MAX_BYTES && !strchr(stop, t.s[n]))
		n++;
	return n;
}

/* name-addr with a public host; display and user as received. */
static void print_party(char *buf, size_t size, struct wire_text display, const struct wire_uri *u,
			const char *host)
{
	size_t user = user_bytes(u);
	char name[128];
	struct text_out t;

	if (call_text_names_host(display))
		display.n = 0;
	text_start(&t, buf, size);
	text_add(&t, print_display(display, name, sizeof(name)));
	text_add(&t, "<sip:");
	text_add_bytes(&t, u->user.s, user);
	text_add(&t, user ? "@" : "");
	text_add(&t, host);
	text_add(&t, user_phone(u));
	text_add(&t, ">");
}

int call_headers_parties(const struct call *call, const struct wire_msg *invite,
			 const struct transport_listener *via, struct call_parties *ret_parties)
{
	const struct leg *a = &call->legs[0], *b = &call->legs[1];
	const struct route_found *found = call->plan->found;
	const char *domain = peer_domain(b->peer);
	struct wire_party from;
	struct wire_uri target;
	struct text_out uri;
	char host[280], keep[256];

	wire_from(invite, &from);
	wire_request_uri(invite, &target);
	if (host_is_public(call->core, a->peer, from.uri.host))
		wire_text_copy(from.uri.host, keep, sizeof(keep));
	else
		text_copy(keep, sizeof(keep), our_host(call->core, via));
	print_party(ret_parties->local, sizeof(ret_parties->local), from.display, &from.uri, keep);
	/* what a lookup has found is the target (B5), else the peer's first domain, else the next hop itself */
	if (found && found->host[0])
		text_copy(host, sizeof(host), found->host);
	else if (domain)
		text_copy(host, sizeof(host), domain);
	else
		addr_print(&call_route_hop(call)->addr, host, sizeof(host));
	if (found && found->user[0])
		target.user = (struct wire_text){found->user, strlen(found->user)};
	print_party(ret_parties->remote, sizeof(ret_parties->remote), (struct wire_text){NULL, 0},
		    &target, host);
	/* The same URI without <> is the Request-URI. */
	text_start(&uri, ret_parties->uri, sizeof(ret_parties->uri));
	text_add_bytes(&uri, ret_parties->remote + 1, strlen(ret_parties->remote) - 2);
	return 0;
}

/* P-Asserted-Identity: a tel: URI passes as it is, a sip: URI with a host of the inner network gets ours. */
static void pass_identity(const struct call_way *way, struct wire_text value, struct wire_out *o)
{
	struct wire_party p;
	char party[CALL_PARTY_BYTES], host[256];

	if (wire_party_parse(value, &p) || memchr(value.s, '\n', value.n))
		return;
	if (p.uri.is_tel && !call_text_names_host(value)) {
		wire_out_header_text(o, "P-Asserted-Identity", value);
		return;
	}
	if (!p.uri.is_sip)
		return;
	if (host_is_public(way->core, way->from, p.uri.host))
		wire_text_copy(p.uri.host, host, sizeof(host));
	else
		snprintf(host, sizeof(host), "%.255s", our_host(way->core, way->via));
	print_party(party, sizeof(party), p.display, &p.uri, host);
	wire_out_header(o, "P-Asserted-Identity", "%s", party);
}

void call_headers_pass(const struct call_way *way, const struct wire_msg *m, struct wire_out *o)
{
	struct wire_text rest, value;
	struct wire_header h;
	void *it = NULL;

	wire_out_copy(o, m, call_header_crosses, (void *)(uintptr_t)m);
	while (wire_header_next(m, &it, &h)) {
		if (strcmp(h.canonical, "p-asserted-identity"))
			continue;
		rest = h.value;
		while (wire_list_next(&rest, &value))
			pass_identity(way, value, o);
	}
}
