/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_stream - SIP over TCP and TLS: accepted connections and those we open.
 *
 * An accepted connection is reached by its id only. One that we opened is also found by where it goes,
 * so that requests to one next hop share it. An id is never given twice, so a stale one finds nothing.
 * A connection leaves both tables before anybody is told that it failed.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/sip/transport_private.h"

static void on_open(void *arg);
static void on_data(void *arg, const uint8_t *data, size_t len_bytes);
static void on_closed(void *arg, int err);

static const struct stream_handlers connection_handlers = {on_open, on_data, on_closed};

/* ---- life ---- */

static void connection_destroy(void *obj)
{
	struct transport_connection *c = obj;
	struct transport_waiting *w;

	while ((w = STAILQ_FIRST(&c->queue))) {
		STAILQ_REMOVE_HEAD(&c->queue, next);
		mem_free(w);
	}
	frame_free(c->frame);
	metric_add(&transport_metrics, TRANSPORT_CONNECTIONS, -1);
}

static int connection_new(const struct transport_listener *l, const struct addr *remote,
			  struct transport_connection **ret_connection)
{
	struct transport_connection *c = mem_zalloc(sizeof(*c), connection_destroy);
	struct transport *t = l->transport;
	int err;

	if (!c)
		return -ENOMEM;
	metric_add(&transport_metrics, TRANSPORT_CONNECTIONS, 1);
	STAILQ_INIT(&c->queue);
	c->transport = t;
	c->listener = l;
	c->remote = *remote;
	c->opened_ms = clock_now_ms();
	err = frame_new(&c->frame);
	if (err)
		goto out;
	do {
		c->id = ++t->last_id;
		err = c->id ? table_add(t->by_id, &c->by_id, &c->id, sizeof(c->id), c) : -EEXIST;
	} while (err == -EEXIST);
	if (err)
		goto out;
	*ret_connection = c;
	return 0;
out:
	mem_unref(c);
	return err;
}

static void connection_unlist(struct transport_connection *c)
{
	table_remove(&c->by_id);
	table_remove(&c->by_route);
}

/* What was sent lately may still be on its way when the far end is told that we close. */
static void connection_end(struct transport_connection *c, bool flush)
{
	struct stream *s = c->stream;

	if (!s && !c->by_id.owner)
		return;
	connection_unlist(c);
	c->stream = NULL;
	if (flush)
		stream_close_flushed(s);
	else
		stream_close(s);
	mem_unref(c);
}

void transport_connection_free(struct transport_connection *c)
{
	connection_end(c, false);
}

struct transport_connection *transport_connection_find(const struct transport *t, uint32_t id)
{
	return table_find(t->by_id, &id, sizeof(id));
}

static struct transport_target connection_target(const struct transport_connection *c)
{
	return (struct transport_target){.proto = c->listener->proto,
					 .to = c->remote,
					 .listener = c->listener,
					 .connection = c->id};
}

/* Gone without our doing: tell for whom it was opened, and who may wait for an answer on it. */
static void connection_lost(struct transport_connection *c, int err)
{
	struct transport *t = c->transport;
	struct transport_target self = connection_target(c);
	struct transport_waiting *w;

	mem_ref(c);
	if (!c->open)
		metric_add(&transport_metrics, TRANSPORT_CONNECT_FAILED, 1);
	connection_end(c, err == 0);
	if (t->h.failed) {
		STAILQ_FOREACH(w, &c->queue, next)
			t->h.failed(t->arg, &w->to, err ? err : -ECONNRESET);
		if (c->open)
			t->h.failed(t->arg, &self, err ? err : -ECONNRESET);
	}
	mem_unref(c);
}

/* ---- in ---- */

static void connection_set_idle(struct transport_connection *c, bool known)
{
	uint32_t idle_ms = c->used ? TRANSPORT_IDLE_USED_MS : TRANSPORT_IDLE_NEW_MS;

	stream_set_idle_ms(c->stream, known || c->outgoing ? TRANSPORT_IDLE_PEER_MS : idle_ms);
}

static void take_message(struct transport_connection *c, const uint8_t *data, size_t len_bytes)
{
	struct transport *t = c->transport;
	struct transport_input in = {
		.data = data, .len_bytes = len_bytes, .from = connection_target(c), .stream = true};

	if (!transport_admit(t, &in.from))
		return;
	/* What the kernel holds is read to its end in one turn, so the turn so far is how long it waited. */
	in.waited_us = uv_hrtime() / 1000 - uv_now(t->loop) * 1000;
	if (in.waited_us > TRANSPORT_WAIT_MAX_US) /* uv_now is in ms, and may be ahead by one */
		in.waited_us = 0;
	c->messages_in++;
	if (!transport_take(t, &in) || c->used || !c->stream)
		return;
	c->used = true;
	connection_set_idle(c, in.from.known);
}

/* @return what frame_next said last: 0 or an error. */
static int drain_frames(struct transport_connection *c, bool *ret_whole)
{
	const uint8_t *data = NULL;
	size_t n = 0;
	int r;

	while (c->stream && (r = frame_next(c->frame, &data, &n)) != 0) {
		if (r < 0) {
			/* The headers tell whom to answer, but not where the next message begins. */
			if (r == -EBADMSG && data)
				take_message(c, data, n);
			return r;
		}
		*ret_whole = true;
		if (r == 1) {
			take_message(c, data, n);
		} else {
			metric_add(&transport_metrics, TRANSPORT_KEEPALIVES, 1);
			(void)stream_send(c->stream, "\r\n", 2); /* RFC 5626 4.4.1 */
		}
		data = NULL;
	}
	return 0;
}

static void on_data(void *arg, const uint8_t *data, size_t len_bytes)
{
	struct transport_connection *c = arg;
	bool whole = false;
	int err;

	mem_ref(c); /* a handler may make it fail */
	err = frame_feed(c->frame, data, len_bytes);
	if (!err)
		err = drain_frames(c, &whole);
	if (err) {
		metric_add(&transport_metrics, TRANSPORT_BROKEN, 1);
		connection_end(c, true);
	} else if (frame_pending(c->frame) == 0) {
		c->unfinished_ms = 0;
	} else if (whole || !c->unfinished_ms) {
		c->unfinished_ms = clock_now_ms();
	}
	mem_unref(c);
}

static void on_closed(void *arg, int err)
{
	connection_lost(arg, err);
}

/* ---- accepted ---- */

static void on_accept(void *arg, struct stream *s)
{
	struct transport_listener *l = arg;
	struct transport *t = l->transport;
	struct transport_connection *c;
	struct transport_target self;

	if (connection_new(l, stream_remote(s), &c)) {
		stream_close(s);
		return;
	}
	c->stream = s;
	c->open = true;
	stream_set_handlers(s, &connection_handlers, c);
	self = connection_target(c);
	/* An address over TCP is not forged, so who we know may keep silent for longer. */
	connection_set_idle(c, t->h.known && t->h.known(t->arg, &self));
}

int transport_stream_open(struct transport_listener *l)
{
	struct stream_listen_options o = {.tls = l->tls,
					  .max_streams = TRANSPORT_STREAMS_MAX,
					  .max_per_address = TRANSPORT_PER_ADDRESS_MAX,
					  .idle_ms = TRANSPORT_IDLE_NEW_MS,
					  .send_queue_bytes = TRANSPORT_QUEUE_BYTES};
	int err = stream_listen(l->transport->loop, &l->local, &o, on_accept, l, &l->stream);

	if (!err)
		l->local = *stream_listener_local(l->stream);
	return err;
}

/* ---- opened by us ---- */

static void on_open(void *arg)
{
	struct transport_connection *c = arg;
	struct transport_waiting *w;

	c->open = true;
	while ((w = STAILQ_FIRST(&c->queue))) {
		/* A failure here is heard of in on_closed, with what is left in the queue. */
		if (stream_send(c->stream, w->data, w->len_bytes))
			return;
		c->messages_out++;
		STAILQ_REMOVE_HEAD(&c->queue, next);
		mem_free(w);
	}
	c->queued_bytes = 0;
}

static int connection_open(struct transport *t, const struct transport_target *to,
			   struct transport_connection **ret_connection)
{
	const struct transport_listener *l = to->listener;
	struct addr local = l->local;
	struct stream_options o = {.tls = l->tls,
				   .connect_ms = TRANSPORT_CONNECT_MS,
				   .idle_ms = TRANSPORT_IDLE_PEER_MS,
				   .send_queue_bytes = TRANSPORT_QUEUE_BYTES,
				   .bind = &local};
	struct transport_connection *c;
	int err;

	if (to->to.port == 0 || addr_is_any(&to->to) || addr_is_multicast(&to->to))
		return -EINVAL;
	err = connection_new(l, &to->to, &c);
	if (err)
		return err;
	c->outgoing = true;
	c->route.remote = to->to;
	c->route.remote.pad = 0;
	c->route.listener = l;
	err = table_add(t->by_route, &c->by_route, &c->route, sizeof(c->route), c);
	local.port = 0;
	if (l->tls && t->h.tls_name)
		o.server_name = t->h.tls_name(t->arg, l->realm, &to->to);
	if (!err)
		err = stream_connect(t->loop, &to->to, &o, &connection_handlers, c, &c->stream);
	if (err) {
		metric_add(&transport_metrics, TRANSPORT_CONNECT_FAILED, 1);
		connection_end(c, false);
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

	if (c->queued_bytes + len_bytes > TRANSPORT_QUEUE_BYTES)
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

static struct transport_connection *connection_for(const struct transport *t,
						   const struct transport_target *to)
{
	struct transport_connection *c =
		to->connection ? transport_connection_find(t, to->connection) : NULL;
	struct transport_route route;

	/* The id came from a message of this listener; another one's is no business of this realm. */
	if (c && c->listener == to->listener)
		return c;
	memset(&route, 0, sizeof(route));
	route.remote = to->to;
	route.remote.pad = 0;
	route.listener = to->listener;
	return table_find(t->by_route, &route, sizeof(route));
}

int transport_stream_send(struct transport *t, const struct transport_target *to, const void *data,
			  size_t len_bytes)
{
	struct transport_connection *c = connection_for(t, to);
	int err = 0;

	if (!c)
		err = connection_open(t, to, &c);
	if (err)
		return err;
	if (!c->open)
		return connection_queue(c, to, data, len_bytes);
	err = stream_send(c->stream, data, len_bytes);
	if (!err)
		c->messages_out++;
	return err;
}

/* ---- slow senders ---- */

static int sweep_one(void *obj, void *arg)
{
	struct transport_connection *c = obj;
	const uint64_t *now_ms = arg;

	if (c->unfinished_ms && *now_ms - c->unfinished_ms >= TRANSPORT_MESSAGE_MS) {
		metric_add(&transport_metrics, TRANSPORT_SLOW, 1);
		connection_end(c, false);
	}
	return 0;
}

void transport_stream_sweep(struct transport *t)
{
	uint64_t now_ms = clock_now_ms();

	(void)table_each(t->by_id, sweep_one, &now_ms);
}
