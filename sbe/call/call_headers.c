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

#include "sbe/call/call_private.h"
#include "sbe/sip/wire_out.h"

/* Canonical names; sorted by use. Each carries meaning end to end and names no host. */
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
	"max-breadth",
	"accept-contact",
	"reject-contact",
	"request-disposition",
	"retry-after",
	"answer-mode",
	"priv-answer-mode",
	NULL,
};

bool call_header_crosses(void *arg, const struct wire_header *h)
{
	(void)arg;
	for (size_t i = 0; crossing[i]; i++) {
		if (!strcmp(crossing[i], h->canonical))
			return true;
	}
	return false;
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
	snprintf(buf, size, "\"%.*s\" ", (int)d.n, d.s);
	return buf;
}

static const char *user_phone(const struct wire_uri *u)
{
	struct wire_text v;

	return wire_param(u->params, "user", &v) && wire_text_is_nocase(v, "phone") ? ";user=phone"
										    : "";
}

/* name-addr with a public host; display and user as received. */
static void print_party(char *buf, size_t size, struct wire_text display, const struct wire_uri *u, const char *host)
{
	int user_bytes = u->user.n > 200 ? 200 : (int)u->user.n;
	char name[128];

	snprintf(buf, size, "%s<sip:%.*s%s%s%s>", print_display(display, name, sizeof(name)), user_bytes,
		 u->user.s ? u->user.s : "", user_bytes ? "@" : "", host, user_phone(u));
}

int call_headers_parties(const struct call *call, const struct wire_msg *invite,
			 const struct transport_listener *via, struct call_parties *ret_parties)
{
	const struct leg *a = &call->legs[0], *b = &call->legs[1];
	const char *domain = peer_domain(b->peer);
	struct wire_party from;
	struct wire_uri target;
	char host[280], keep[256];

	wire_from(invite, &from);
	wire_request_uri(invite, &target);
	if (host_is_public(call->core, a->peer, from.uri.host))
		wire_text_copy(from.uri.host, keep, sizeof(keep));
	else
		snprintf(keep, sizeof(keep), "%s", our_host(call->core, via));
	print_party(ret_parties->local, sizeof(ret_parties->local), from.display, &from.uri, keep);
	if (domain)
		snprintf(host, sizeof(host), "%s", domain);
	else
		addr_print(&b->peer->hops[b->hop].addr, host, sizeof(host));
	print_party(ret_parties->remote, sizeof(ret_parties->remote), (struct wire_text){NULL, 0},
		    &target, host);
	/* The same URI without <> is the Request-URI. */
	snprintf(ret_parties->uri, sizeof(ret_parties->uri), "%.*s",
		 (int)strlen(ret_parties->remote) - 2, ret_parties->remote + 1);
	return 0;
}

/* P-Asserted-Identity: a tel: URI passes as it is, a sip: URI with a host of the inner network gets ours.
 * A line with several values that would need rewriting is left out. */
static void pass_identity(const struct call_core *core, const struct wire_header *h,
			  const struct transport_listener *via, struct wire_out *o)
{
	const char *open = memchr(h->value.s, '<', h->value.n);
	const char *close =
		open ? memchr(open, '>', h->value.n - (size_t)(open - h->value.s)) : NULL;
	struct wire_text text = h->value, display = {NULL, 0};
	struct wire_uri u;
	char party[512];

	if (close && memchr(close, ',', (size_t)(h->value.s + h->value.n - close)))
		return;
	if (close) {
		text = (struct wire_text){open + 1, (size_t)(close - open - 1)};
		display = (struct wire_text){h->value.s, (size_t)(open - h->value.s)};
		while (display.n && display.s[display.n - 1] == ' ')
			display.n--;
	}
	if (wire_uri_parse(text, &u))
		return;
	if (u.is_tel) {
		wire_out_line(o, h);
		return;
	}
	if (!u.is_sip)
		return;
	print_party(party, sizeof(party), display, &u, our_host(core, via));
	wire_out_header(o, "P-Asserted-Identity", "%s", party);
}

void call_headers_pass(const struct call_core *core, const struct wire_msg *m,
		       const struct transport_listener *via, struct wire_out *o)
{
	struct wire_header h;
	void *it = NULL;

	wire_out_copy(o, m, call_header_crosses, NULL);
	while (wire_header_next(m, &it, &h)) {
		if (!strcmp(h.canonical, "p-asserted-identity"))
			pass_identity(core, &h, via, o);
	}
}
