/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_connect - connections that we open, and which connection a message takes.
 *
 * A connection that we opened is found by where it goes, so that messages to one next hop share it. What is sent before
 * it is open waits in its queue, which is bounded.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/sip/transport_name.h"
#include "sbe/sip/transport_private.h"

void transport_connect_opened(struct transport_connection *c)
{
	struct transport *t = c->transport;
	struct transport_target self = transport_connection_target(c);
	struct transport_waiting *w;

	c->open = true;
	c->sent_ms = clock_now_ms();
	while ((w = STAILQ_FIRST(&c->queue))) {
		/* A failure here is heard of in on_closed, with what is left in the queue. */
		if (stream_send(c->stream, w->data, w->len_bytes))
			return;
		c->messages_out++;
		STAILQ_REMOVE_HEAD(&c->queue, next);
		mem_free(w);
	}
	c->queued_bytes = 0;
	if (t->h.link)
		t->h.link(t->arg, &self, true, 0);
}

/* What is agreed with this far end; over TLS nothing goes to somebody with whom nothing is. */
static int agree(struct transport *t, const struct transport_target *to,
		 struct transport_tls *ret_tls)
{
	memset(ret_tls, 0, sizeof(*ret_tls));
	ret_tls->peer = to->peer;
	if (to->proto != TRANSPORT_TLS)
		return 0;
	if (t->h.tls && !t->h.tls(t->arg, to, false, ret_tls))
		return -EACCES;
	if (!to->name)
		return 0;
	t->names.wanted = transport_name_text(t, to->name);
	ret_tls->names = &t->names.wanted;
	ret_tls->nnames = 1;
	return t->names.wanted ? 0 : -EACCES;
}

static int start(struct transport_connection *c, const struct transport_tls *tls)
{
	struct transport *t = c->transport;
	const struct transport_listener *l = c->listener;
	struct addr local = l->local;
	struct stream_options o = {.connect_ms = t->limits.connect_ms,
				   .idle_ms = t->limits.idle_ms,
				   .send_queue_bytes = t->limits.queue_bytes,
				   .bind = &local,
				   .device = l->device,
				   .dscp = l->dscp};

	local.port = 0;
	if (l->tls) {
		o.tls = tls->identity ? tls->identity : l->tls;
		o.trust = tls->trust;
		o.server_name = tls->nnames ? tls->names[0] : NULL;
		o.names = tls->nnames ? tls->names + 1 : NULL;
		o.nnames = tls->nnames ? tls->nnames - 1 : 0;
	}
	return stream_connect(t->loop, &c->remote, &o, &transport_connection_handlers, c,
			      &c->stream);
}

static int connection_open(struct transport *t, const struct transport_target *to,
			   struct transport_connection **ret_connection)
{
	struct transport_connection *c;
	struct transport_tls tls;
	int err;

	if (to->to.port == 0 || addr_is_any(&to->to) || addr_is_multicast(&to->to))
		return -EINVAL;
	err = agree(t, to, &tls);
	if (!err && table_count(t->by_route) >= t->limits.opened_max)
		err = -ENOSPC;
	if (!err)
		err = transport_connection_new(to->listener, &to->to, &c);
	if (err)
		return err;
	c->outgoing = true;
	transport_route_set(&c->route, to);
	err = table_add(t->by_route, &c->by_route, &c->route, sizeof(c->route), c);
	if (!err)
		err = start(c, &tls);
	if (err) {
		metric_add(&transport_metrics, TRANSPORT_CONNECT_FAILED, 1);
		transport_connection_end(c, false);
		return err;
	}
	metric_add(&transport_metrics, TRANSPORT_CONNECTS, 1);
	*ret_connection = c;
	return 0;
}

static int connection_queue(struct transport_connection *c, const struct transport_target *to,
			    const void *data, size_t len_bytes)
{
	struct transport_waiting *w;

	if (c->queued_bytes + len_bytes > c->transport->limits.queue_bytes)
		return -ENOBUFS;
	w = mem_buffer(sizeof(*w) + len_bytes);
	if (!w)
		return -ENOMEM;
	w->to = *to;
	w->len_bytes = len_bytes;
	memcpy(w->data, data, len_bytes);
	STAILQ_INSERT_TAIL(&c->queue, w, next);
	c->queued_bytes += len_bytes;
	return 0;
}

void transport_route_set(struct transport_route *r, const struct transport_target *to)
{
	memset(r, 0, sizeof(*r));
	r->remote = to->to;
	r->remote.pad = 0;
	r->listener = to->listener;
	r->peer = to->proto == TRANSPORT_TLS ? to->peer : 0;
	r->name = to->proto == TRANSPORT_TLS ? to->name : 0;
}

/* Over TLS it matters for whom a message is, also when the sender knows only where. */
static struct transport_target resolve(struct transport *t, const struct transport_target *to)
{
	struct transport_target whom = *to;
	struct transport_tls tls;

	if (to->proto == TRANSPORT_TLS && !to->peer && !agree(t, to, &tls))
		whom.peer = tls.peer;
	return whom;
}

static bool is_response(const void *data, size_t len_bytes)
{
	return len_bytes > 8 && !memcmp(data, "SIP/2.0 ", 8);
}

static struct transport_connection *by_route(const struct transport *t,
					     const struct transport_target *to)
{
	struct transport_connection *c, *alias;
	struct transport_route route;

	transport_route_set(&route, to);
	c = table_find(t->by_route, &route, sizeof(route));
	if ((c && c->open) || to->proto != TRANSPORT_TLS)
		return c;
	alias = transport_alias_find(t, to);
	return alias ? alias : c;
}

/*
 * The connection a message came by takes its responses. New requests take it too: over TCP as one in use; over TLS only if
 * we opened it, or its authenticated far end said so (RFC 5923).
 */
static struct transport_connection *by_id(const struct transport *t,
					  const struct transport_target *to, bool response)
{
	struct transport_connection *c =
		to->connection ? transport_connection_find(t, to->connection) : NULL;

	/* The id came from a message of this listener; another one's is no business of this realm. */
	if (!c || c->listener != to->listener)
		return NULL;
	if (to->proto == TRANSPORT_TLS && !response && !c->outgoing && !c->by_alias.owner)
		return NULL;
	return c;
}

int transport_stream_send(struct transport *t, const struct transport_target *to, const void *data,
			  size_t len_bytes)
{
	struct transport_connection *c = by_id(t, to, is_response(data, len_bytes));
	struct transport_target whom;
	int err = 0;

	if (!c) {
		whom = resolve(t, to);
		c = by_route(t, &whom);
		if (!c)
			err = connection_open(t, &whom, &c);
	}
	if (err)
		return err;
	if (!c->open)
		return connection_queue(c, to, data, len_bytes);
	err = stream_send(c->stream, data, len_bytes);
	if (!err) {
		c->messages_out++;
		c->sent_ms = clock_now_ms();
	}
	return err;
}

int transport_stand(struct transport *t, const struct transport_target *to)
{
	struct transport_target whom = resolve(t, to);
	struct transport_connection *c;
	int err = 0;

	if (to->proto == TRANSPORT_UDP || !to->listener)
		return -EINVAL;
	c = by_route(t, &whom);
	if (!c)
		err = connection_open(t, &whom, &c);
	if (err)
		return err;
	if (!c->stood_ms)
		stream_set_idle_ms(c->stream, 0);
	c->stood_ms = clock_now_ms();
	return c->open ? 1 : 0;
}
