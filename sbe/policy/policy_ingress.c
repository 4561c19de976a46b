/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/policy/policy_ingress.h"

#include <string.h>
#include <time.h>

#include "common/addr.h"
#include "common/clock.h"
#include "sbe/policy/policy_private.h"
#include "sbe/sip/wire_line.h"

static bool refuse(struct policy_refusal *r, int status, const char *phrase, const char *cause,
		   const char *text)
{
	*r = (struct policy_refusal){
		.status = status, .phrase = phrase, .cause = cause, .text = text};
	metric_add(&policy_metrics, POLICY_REFUSED, 1);
	return false;
}

/* ---- the relationship ---- */

static bool is_theirs(const struct peer *p, struct wire_text host)
{
	return host.n && peer_ingress_lists(&p->conf->domains, host.s, host.n);
}

bool policy_ingress_peer(const struct policy_way *way, const struct wire_msg *m,
			 struct policy_refusal *ret_refusal)
{
	const struct peer *p = way->from;
	struct wire_party from;
	bool own;

	if (p->conf->ingress.calls == PEER_CALLS_ANY)
		return true;
	wire_from(m, &from);
	own = is_theirs(p, from.uri.host);
	if (p->conf->ingress.calls == (own ? PEER_CALLS_OWN : PEER_CALLS_TRANSIT))
		return true;
	return refuse(ret_refusal, 403, "Unsupported Peer", "unsupported_peer", NULL);
}

/* ---- the Request-URI ---- */

static bool is_listener(const struct policy_way *way, const struct wire_uri *u)
{
	return way->transport && transport_is_ours(way->transport, u->host, u->port);
}

static bool is_ours(const struct policy_way *way, const struct wire_uri *u)
{
	for (size_t i = 0; i < way->ndomains; i++) {
		if (wire_text_is_nocase(u->host, way->domains[i]))
			return true;
	}
	return is_listener(way, u);
}

static bool is_numeric(struct wire_text host)
{
	struct addr a;

	return !addr_parse_ip(host.s, host.n, &a);
}

/* Whose domain it is. @return true: nothing more needs to be asked. */
static bool is_agreed(const struct policy_way *way, const struct wire_uri *u)
{
	const struct peer_ingress_conf *c = &way->from->conf->ingress;

	return !way->ndomains || !u->host.n || is_ours(way, u) || c->foreign == PEER_FOREIGN_ANY ||
	       peer_ingress_lists(&c->domains, u->host.s, u->host.n);
}

bool policy_ingress_target(const struct policy_way *way, const struct wire_msg *m,
			   struct policy_refusal *ret_refusal)
{
	const struct peer_ingress_conf *c = &way->from->conf->ingress;
	struct wire_uri u;

	wire_request_uri(m, &u);
	if (way->ndomains && u.host.n && is_numeric(u.host)) {
		if (c->numeric == PEER_NUMERIC_ANY ||
		    (c->numeric == PEER_NUMERIC_OURS && is_ours(way, &u)))
			return true;
		return refuse(ret_refusal, 404, NULL, "numeric_host",
			      "the called URI names an address that is not ours to route");
	}
	if (c->foreign != PEER_FOREIGN_LISTED || is_agreed(way, &u))
		return true;
	return refuse(ret_refusal, 404, NULL, "not_ours",
		      "the called domain is not ours and not agreed for this peer");
}

bool policy_ingress_onward(const struct policy_way *way, const struct wire_msg *m,
			   const struct peer *to, bool routed, struct policy_refusal *ret_refusal)
{
	struct wire_uri u;

	wire_request_uri(m, &u);
	if (routed || strcmp(way->from->conf->realm, to->conf->realm) != 0 || is_agreed(way, &u))
		return true;
	return refuse(ret_refusal, 404, NULL, "not_ours",
		      "the called domain is not ours and nobody agreed that we relay to it");
}

/* ---- who calls, and when ---- */

/* A number alone has no domain; whoever is anonymous says so, and P-Asserted-Identity who it is. */
static bool host_fits(const struct transport_target *source, const struct wire_uri *u, bool strict)
{
	char name[256];

	if (!u->host.n || wire_text_is_nocase(u->host, "anonymous.invalid"))
		return true;
	if (is_numeric(u->host))
		return !strict;
	if (u->host.n >= sizeof(name))
		return false;
	return transport_has_name(source, wire_text_copy(u->host, name, sizeof(name)));
}

static bool asserted_fits(const struct transport_target *source, const struct wire_msg *m,
			  bool strict)
{
	struct wire_text rest, value;
	struct wire_party party;
	struct wire_header h;

	for (void *it = NULL; wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, "p-asserted-identity"))
			continue;
		rest = h.value;
		while (wire_list_next(&rest, &value)) {
			if (!wire_party_parse(value, &party) &&
			    !host_fits(source, &party.uri, strict))
				return false;
		}
	}
	return true;
}

/* E10: the domains named must be proved. Who carries the calls of others proves only itself (X2). */
static bool domain_fits(const struct peer *p, const struct transport_target *source,
			const struct wire_msg *m)
{
	struct wire_party from;
	bool strict = p->conf->ingress.from == PEER_FROM_STRICT;

	if (p->conf->role != PEER_TERMINAL || p->conf->ingress.from == PEER_FROM_ANY ||
	    source->proto != TRANSPORT_TLS || !transport_authenticated(source))
		return true;
	wire_from(m, &from);
	return host_fits(source, &from.uri, strict) && asserted_fits(source, m, strict);
}

/* RFC 3261 20.17: only the one form of RFC 1123, always GMT. @return seconds since 1970, -1 = none. */
static int64_t date_of(struct wire_text value)
{
	char text[40];
	struct tm tm = {0};
	const char *end;

	if (value.n >= sizeof(text))
		return -1;
	end = strptime(wire_text_copy(value, text, sizeof(text)), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return end && !*end ? (int64_t)timegm(&tm) : -1;
}

static bool date_fits(const struct peer_ingress_conf *c, const struct wire_msg *m)
{
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000), then_s;
	struct wire_header h;

	if (c->date == PEER_DATE_IGNORE)
		return true;
	if (!wire_header_find(m, "date", &h))
		return c->date != PEER_DATE_REQUIRE;
	then_s = date_of(wire_trim(h.value));
	return then_s >= 0 && then_s + c->date_max_s >= now_s && then_s <= now_s + c->date_max_s;
}

bool policy_ingress_caller(const struct policy_way *way, const struct transport_target *source,
			   const struct wire_msg *m, struct policy_refusal *ret_refusal)
{
	if (!domain_fits(way->from, source, m))
		return refuse(ret_refusal, 403, "Caller Domain Not Allowed", "caller_domain",
			      "the caller's domain does not stand in the certificate");
	if (!date_fits(&way->from->conf->ingress, m))
		return refuse(ret_refusal, 403, "Stale Date", "stale_date",
			      "the request was written too long ago");
	return true;
}
