/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context_own - far ends that are this relay itself.
 *
 * A session description may name one of our own addresses. When it is the port of another context that is a call
 * which came back to us through somebody who does not touch media, and it works. Anything else there is not for
 * peers to reach; and contexts that lead in a circle would pass one packet on for ever (B15, A4).
 */
#include "common/text.h"
#include "dbe/context/context_private.h"

#define CHAIN_MAX                                                                                  \
	8 /* contexts one behind the other; a call that comes back more often is a loop of signaling too */

struct search {
	const struct addr *local;
	const struct context_stream *found;
	enum path_port port;
};

static int search_context(void *obj, void *arg)
{
	const struct context *c = obj;
	struct search *s = arg;
	struct addr local;

	for (size_t i = 0; i < c->nterminations; i++) {
		const struct termination *t = c->terminations[i];

		for (size_t k = 0; k < t->nstreams; k++) {
			for (int port = 0; port < PATH_PORTS; port++) {
				flow_local(t->streams[k].flow, (enum path_port)port, &local);
				if (!addr_equal(&local, s->local))
					continue;
				s->found = &t->streams[k];
				s->port = (enum path_port)port;
				return 1;
			}
		}
	}
	return 0;
}

/* Where what arrives at this stream is sent on to; NULL = nowhere yet. */
static const struct addr *leads_to(const struct context_stream *st, enum path_port port)
{
	const struct context *c = st->termination->context;

	for (size_t i = 0; i < c->nterminations; i++) {
		const struct termination *t = c->terminations[i];

		for (size_t k = 0; t != st->termination && k < t->nstreams; k++) {
			const struct flow_settings *s = flow_settings_of(t->streams[k].flow);

			if (t->streams[k].id == st->id)
				return port == PATH_RTP ? &s->remote_rtp : &s->remote_rtcp;
		}
	}
	return NULL;
}

const char *context_own_wrong(const struct context *c, const struct addr *remote)
{
	const struct pool *pool = c->store->o.host->pool;

	for (int i = 0; i < CHAIN_MAX; i++) {
		struct search s = {.local = remote};

		if (!remote || !remote->family || !pool_owns(pool, remote))
			return NULL;
		if (!table_each(c->store->contexts, search_context, &s))
			return i ? NULL : "remote address is this relay's own";
		if (s.found->termination->context == c)
			return "remote address leads back to this context";
		remote = leads_to(s.found, s.port);
	}
	return "remote address leads through too many contexts";
}
