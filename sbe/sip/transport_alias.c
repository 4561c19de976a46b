/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_alias - connection reuse by RFC 5923: a far end that connected to us over TLS and proved who it is may say
 * with "alias" in its Via that our requests to it may take the same connection.
 *
 * A row stands for an address (where the connection came from, with the port of its Via) and an identity (the peer its
 * certificate names): both must match, or somebody could draw another domain's requests to himself. The row lives in
 * the connection and goes with it. Who is no peer by name has a row that only his own dialogs can use, by the connection they came by.
 * The last one to say so wins; the older connection is still good for responses.
 */
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/transport_private.h"

#define SIPS_PORT 5061

static bool may_learn(const struct transport_connection *c)
{
	return !c->outgoing && !c->by_alias.owner && (c->peer || c->welcome) && c->stream &&
	       c->listener->proto == TRANSPORT_TLS && stream_authenticated(c->stream);
}

void transport_alias_learn(struct transport_connection *c, const struct wire_msg *m)
{
	struct transport *t = c->transport;
	struct transport_target row = transport_connection_target(c);
	struct transport_connection *before;
	struct wire_via v;

	if (!may_learn(c) || !wire_is_request(m) || !wire_top_via(m, &v) || !v.alias)
		return;
	row.peer = c->peer;
	row.to.port = v.port ? v.port : SIPS_PORT;
	transport_route_set(&c->alias, &row);
	before = table_find(t->by_alias, &c->alias, sizeof(c->alias));
	if (before)
		table_remove(&before->by_alias);
	if (!table_add(t->by_alias, &c->by_alias, &c->alias, sizeof(c->alias), c))
		metric_add(&transport_metrics, TRANSPORT_ALIASES, 1);
}

struct transport_connection *transport_alias_find(const struct transport *t,
						  const struct transport_target *to)
{
	struct transport_route route;

	if (!to->peer)
		return NULL;
	transport_route_set(&route, to);
	return table_find(t->by_alias, &route, sizeof(route));
}
