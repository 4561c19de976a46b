/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/route/route_sed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/dns/dns_record.h"
#include "sbe/sip/wire.h"

#define FIELD(member, name) .key = name, .offset = offsetof(struct route_sed_conf, member)

const struct conf_field route_sed_fields[] = {
	{FIELD(keep_ruri, "keep_ruri"), .type = CONF_BOOL, .def = "false",
	 .text = "The Request-URI keeps the host it came with; a Route set selects the way."},
	{FIELD(host, "host"), .type = CONF_STRING, .min = 1, .max = ROUTE_SED_HOST_BYTES - 1,
	 .text = "Host of the Request-URI, e.g. of a gateway; absent = the first domain of the peer."},
	{FIELD(route, "route"), .type = CONF_STRINGS, .max = ROUTE_SET_MAX,
	 .text = "Route set in front of the request, e.g. sip:sbe.b.example;lr; absent = none."},
	{FIELD(expect, "expect"), .type = CONF_STRING, .min = 1, .max = ROUTE_SED_HOST_BYTES - 1,
	 .text = "Over TLS: the one name the certificate must carry; absent = as agreed with the peer."},
	{FIELD(calls, "calls"), .type = CONF_UINT, .max = 1000000, .def = "0",
	 .text = "Calls at once that go this way; 0 = no limit of its own."},
	{FIELD(per_s, "per_s"), .type = CONF_UINT, .max = 100000, .def = "0",
	 .text = "New calls each second that go this way; 0 = no limit of its own."},
	CONF_END,
};

static bool is_host(const char *text)
{
	struct addr a;

	return dns_name_valid(text) || !addr_parse_ip(text, strlen(text), &a);
}

int route_sed_check(struct conf_reader *r, void *object)
{
	const struct route_sed_conf *c = object;
	const char *const *route = c->route.items;
	struct route_sed probe = {.routes = ""};
	char at[32];

	if (c->keep_ruri && c->host)
		return conf_fail(r, "host", "keep_ruri leaves it as it is");
	if (c->host && !is_host(c->host))
		return conf_fail(r, "host", "must be a host name or an address");
	if (c->expect && !dns_name_valid(c->expect))
		return conf_fail(r, "expect", "must be a domain");
	for (size_t i = 0; i < c->route.n; i++) {
		if (!route_sed_add(&probe, route[i], strlen(route[i])))
			continue;
		snprintf(at, sizeof(at), "route[%zu]", i);
		return conf_fail(r, at, "\"%.80s\" is no sip URI of a host, or they are too long",
				 route[i]);
	}
	return 0;
}

bool route_sed_empty(const struct route_sed_conf *c)
{
	return !c->keep_ruri && !c->host && !c->route.n && !c->expect && !c->calls && !c->per_s;
}

static void sed_destroy(void *obj)
{
	struct route_sed *s = obj;

	mem_unref(s->use);
}

/* What must not stand in a header line that we write. */
static bool is_clean(const char *uri, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++) {
		if (uri[i] <= ' ' || uri[i] > '~' || strchr("<>\",?", uri[i]))
			return false;
	}
	return true;
}

int route_sed_add(struct route_sed *s, const char *uri, size_t len_bytes)
{
	struct wire_text v;
	struct wire_uri u;
	size_t n = strlen(s->routes);
	int more;

	if (!len_bytes || len_bytes >= ROUTE_SET_BYTES || !is_clean(uri, len_bytes) ||
	    wire_uri_parse((struct wire_text){uri, len_bytes}, &u) || !u.is_sip || !u.host.n)
		return -EINVAL;
	more = snprintf(s->routes + n, sizeof(s->routes) - n, "%s<%.*s%s>", n ? ", " : "",
			(int)len_bytes, uri, wire_param(u.params, "lr", &v) ? "" : ";lr");
	if (more > 0 && (size_t)more < sizeof(s->routes) - n)
		return 0;
	s->routes[n] = '\0';
	return -EMSGSIZE;
}

static int limit(struct route_sed *s, uint32_t calls, uint32_t per_s)
{
	if (!calls && !per_s)
		return 0;
	s->calls_max = calls;
	s->use = mem_zalloc(sizeof(*s->use), NULL);
	if (!s->use)
		return -ENOMEM;
	rate_init(&s->use->rate, per_s, 0, clock_now_us());
	return 0;
}

int route_sed_new(const struct route_sed_conf *c, struct route_sed **ret_sed)
{
	struct route_sed *s = mem_zalloc(sizeof(*s), sed_destroy);
	const char *const *route = c->route.items;
	int err;

	if (!s)
		return -ENOMEM;
	s->keep_ruri = c->keep_ruri;
	if (c->host)
		text_copy(s->host, sizeof(s->host), c->host);
	if (c->expect)
		text_copy(s->expect, sizeof(s->expect), c->expect);
	err = limit(s, c->calls, c->per_s);
	for (size_t i = 0; !err && i < c->route.n; i++)
		err = route_sed_add(s, route[i], strlen(route[i]));
	if (err) {
		mem_unref(s);
		return err;
	}
	*ret_sed = s;
	return 0;
}

void route_sed_adopt(struct route_sed *s, const struct route_sed *old, uint32_t per_s)
{
	if (!s || !s->use || !old || !old->use)
		return;
	if (old->use->rate.per_s != per_s)
		rate_init(&old->use->rate, per_s, 0, clock_now_us());
	mem_unref(s->use);
	s->use = mem_ref(old->use);
}

bool route_sed_take(struct route_sed *s, uint64_t now_us, const char **ret_why)
{
	if (!s || !s->use)
		return true;
	if (s->calls_max && s->use->calls >= s->calls_max) {
		*ret_why = "sed_calls";
		return false;
	}
	if (!rate_take(&s->use->rate, 1, now_us)) {
		*ret_why = "sed_rate";
		return false;
	}
	s->use->calls++;
	return true;
}

void route_sed_give(struct route_sed *s)
{
	if (s && s->use && s->use->calls)
		s->use->calls--;
}
