/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_sips.h"

#include <string.h>

#include "sbe/call/call_object.h"

bool call_is_sips(const struct call *call)
{
	return call->legs[0].dialog.target.sips;
}

bool call_sips_came_well(const struct wire_uri *uri, const struct transport_target *from)
{
	return !uri->sips || from->proto == TRANSPORT_TLS;
}

const char *call_sips_declines(const struct call *call, const struct peer_hop *hop)
{
	return call_is_sips(call) && hop->proto != TRANSPORT_TLS ? "sips_needs_tls" : NULL;
}

/* "...sip:..." becomes "...sips:...", if there is room. */
static void make_sips(char *text, size_t size_bytes)
{
	char *at = strstr(text, "sip:");
	size_t n = strlen(text);

	if (!at || n + 1 >= size_bytes)
		return;
	memmove(at + 4, at + 3, n + 1 - (size_t)(at + 3 - text));
	at[3] = 's';
}

void call_sips_parties(const struct call *call, struct policy_parties *who)
{
	if (!call_is_sips(call))
		return;
	make_sips(who->remote, sizeof(who->remote));
	make_sips(who->uri, sizeof(who->uri));
}
