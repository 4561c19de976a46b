/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin_why - what `route test` tells besides the way: by what the caller's peer is known, and whose rules apply.
 */
#include <stdio.h>
#include <string.h>

#include "sbe/admin/sbe_admin.h"

static void add(json_t *steps, const char *step, const struct peer *p, const char *result,
		const char *text)
{
	json_array_append_new(steps, json_pack("{s:s,s:s,s:s,s:s}", "step", step, "subject",
					       p->name, "result", result, "text", text));
}

void sbe_admin_why_from(json_t *steps, const struct peer *p)
{
	const struct addr_prefix *sources = p->conf->sources.items;
	char text[400], one[ADDR_TEXT_BYTES];
	size_t n;

	if (p->conf->mode == PEER_ON_DEMAND)
		n = (size_t)snprintf(text, sizeof(text),
				     "it stands for whoever is no other peer of realm %s",
				     p->conf->realm);
	else
		n = (size_t)snprintf(
			text, sizeof(text), "it is known in realm %s by %s", p->conf->realm,
			p->conf->sources.n ? "its source" : "the name in its certificate");
	for (size_t i = 0; i < p->conf->sources.n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s", i ? "," : "",
				      addr_prefix_print(&sources[i], one, sizeof(one)));
	add(steps, "peer", p, p->state->blocked ? "blocked" : "known", text);
	call_why_policy(p, text, sizeof(text));
	add(steps, "policy", p, "applied", text);
}

void sbe_admin_why_to(json_t *steps, const struct route_plan *plan)
{
	char text[400];

	for (size_t i = 0; i < plan->n; i++) {
		const struct peer *p = plan->candidates[i].peer;
		bool told = false;

		for (size_t k = 0; k < i; k++)
			told = told || plan->candidates[k].peer == p;
		if (told)
			continue;
		call_why_policy(p, text, sizeof(text));
		add(steps, "policy", p, "applied", text);
	}
}
