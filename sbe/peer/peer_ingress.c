/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_ingress.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *const calls_words[] = {"any", "own", "transit", "none", NULL};
static const char *const foreign_words[] = {"routed", "listed", "any", NULL};
static const char *const numeric_words[] = {"ours", "any", "none", NULL};
static const char *const from_words[] = {"certificate", "strict", "any", NULL};
static const char *const date_words[] = {"ignore", "check", "require", NULL};

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_ingress_conf, member)

const struct conf_field peer_ingress_fields[] = {
	{FIELD(calls, "calls"), .type = CONF_ENUM, .words = calls_words, .def = "any",
	 .text = "Whose calls the peer may bring: own = From names one of its domains; transit = From names none of "
		 "them; others are answered 403 Unsupported Peer."},
	{FIELD(foreign, "foreign"), .type = CONF_ENUM, .words = foreign_words, .def = "routed",
	 .text = "Calls to domains that are not ours, once domains says which are: listed = only to those in "
		 "ingress.domains; routed = also others, but back into the realm they came from only if a route says "
		 "so; any. Others are answered 404."},
	{FIELD(domains, "domains"), .type = CONF_STRINGS, .max = 256,
	 .text = "Domains that are not ours and that the peer may call through us."},
	{FIELD(numeric, "numeric"), .type = CONF_ENUM, .words = numeric_words, .def = "ours",
	 .text = "Request-URIs with an IP address for a host: only ours (a listener, or listed in domains), any, or none."},
	{FIELD(from, "from"), .type = CONF_ENUM, .words = from_words, .def = "certificate",
	 .text = "Over mutual TLS the domains in From and P-Asserted-Identity of a terminal peer must stand in its "
		 "certificate; an IP address names nobody there, with strict it is refused too; or any may."},
	{FIELD(date, "date"), .type = CONF_ENUM, .words = date_words, .def = "ignore",
	 .text = "The Date of a new call: not looked at; checked if it is there; required. One that is too old, too "
		 "new or missing is answered 403 Stale Date."},
	{FIELD(date_max_s, "date_max_s"), .type = CONF_UINT, .min = 1, .max = 86400, .def = "60",
	 .text = "How many seconds a Date may differ from our clock."},
	CONF_END,
};

bool peer_ingress_lists(const struct conf_list *domains, const char *domain, size_t len_bytes)
{
	const char *const *names = domains->items;

	for (size_t i = 0; i < domains->n; i++) {
		if (strlen(names[i]) == len_bytes && !strncasecmp(names[i], domain, len_bytes))
			return true;
	}
	return false;
}
