/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_stream - SIP over TCP and TLS: the life of a connection, what comes in by it, and those we accept.
 *
 * A connection is reached by its id, which is never given twice, so a stale one finds nothing; by where it goes, if we
 * opened it (transport_connect.c); and by where its far end says it may be used for (transport_alias.c). It leaves all
 * tables before anybody is told that it failed.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/net/tls.h"
#include "sbe/sip/transport_private.h"

#define LOG_SIP "sip"

static void on_open(void *arg);
static void on_data(void *arg, const uint8_t *data, size_t len_bytes);
static void on_closed(void *arg, int err);

const struct stream_handlers transport_connection_handlers = {on_open, on_data, on_closed};

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

int transport_connection_new(const struct transport_listener *l, const struct addr *remote,
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
	c->opened_ms = c->taken_ms = clock_now_ms();
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
	table_remove(&c->by_alias);
}

/* What was sent lately may still be on its way when the far end is told that we close. */
void transport_connection_end(struct transport_connection *c, bool flush)
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

struct transport_connection *transport_connection_find(const struct transport *t, uint32_t id)
{
	return table_find(t->by_id, &id, sizeof(id));
}

struct transport_target transport_connection_target(const struct transport_connection *c)
{
	return (struct transport_target){.proto = c->listener->proto,
					 .to = c->remote,
					 .listener = c->listener,
					 .connection = c->id,
					 .peer = c->outgoing ? c->route.peer : 0};
}

static void log_loss(const struct transport_connection *c, int err)
{
	const char *why = c->stream ? stream_error_text(c->stream) : "";
	char to[ADDR_TEXT_BYTES];

	if (c->open)
		LOG_DEBUG(LOG_SIP, "realm %s: connection with %s is gone: %s", c->listener->realm,
			  addr_print(&c->remote, to, sizeof(to)), *why ? why : strerror(-err));
	else
		LOG_NOTICE(LOG_SIP, "realm %s: no %s connection to %s: %s", c->listener->realm,
			   transport_proto_name(c->listener->proto),
			   addr_print(&c->remote, to, sizeof(to)), *why ? why : strerror(-err));
}

void transport_connection_lost(struct transport_connection *c, int err)
{
	struct transport *t = c->transport;
	struct transport_target self = transport_connection_target(c);
	struct transport_waiting *w;

	mem_ref(c);
	if (!c->open)
		metric_add(&transport_metrics, TRANSPORT_CONNECT_FAILED, 1);
	log_loss(c, err);
	transport_connection_end(c, err == 0);
	err = err ? err : -ECONNRESET;
	if (t->h.failed) {
		STAILQ_FOREACH(w, &c->queue, next)
			t->h.failed(t->arg, &w->to, err);
		if (c->open)
			t->h.failed(t->arg, &self, err);
	}
	if (c->outgoing && t->h.link)
		t->h.link(t->arg, &self, false, err);
	mem_unref(c);
}

/* ---- in ---- */

static void connection_set_idle(struct transport_connection *c)
{
	const struct transport_limits *l = &c->transport->limits;

	if (c->stream && !c->stood_ms)
		stream_set_idle_ms(c->stream, c->peer || c->outgoing ? l->idle_ms : l->stranger_ms);
}

static void take_message(struct transport_connection *c, const uint8_t *data, size_t len_bytes)
{
	struct transport *t = c->transport;
	struct transport_input in = {.data = data,
				     .len_bytes = len_bytes,
				     .from = transport_connection_target(c),
				     .stream = true};
	bool known_before;

	if (!transport_admit(t, &in.from))
		return;
	in.waited_us = transport_wait_us(c);
	c->messages_in++;
	known_before = c->peer != 0;
	c->peer = in.from.known ? in.from.peer : 0;
	if (!transport_take(t, &in) || !c->stream)
		return;
	c->taken_ms = clock_now_ms();
	if (!c->used || known_before != (c->peer != 0))
		connection_set_idle(c);
	c->used = true;
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
		} else if (r == FRAME_PONG) {
			metric_add(&transport_metrics, TRANSPORT_PONGS, 1);
			c->ping_ms = 0;
			c->ponged = true;
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
	transport_wait_data(c, len_bytes);
	err = frame_feed(c->frame, data, len_bytes);
	if (!err)
		err = drain_frames(c, &whole);
	if (err) {
		metric_add(&transport_metrics, TRANSPORT_BROKEN, 1);
		transport_connection_end(c, true);
	} else if (frame_pending(c->frame) == 0) {
		c->unfinished_ms = 0;
	} else if (whole || !c->unfinished_ms) {
		c->unfinished_ms = clock_now_ms();
	}
	mem_unref(c);
}

static void on_closed(void *arg, int err)
{
	transport_connection_lost(arg, err);
}

/* ---- accepted ---- */

/* Who is it? Over TLS somebody we do not know may be closed before it can say anything (H5, H6). */
static bool is_welcome(struct transport_connection *c)
{
	struct transport *t = c->transport;
	struct transport_target self = transport_connection_target(c);
	char from[ADDR_TEXT_BYTES];

	c->peer = t->h.known ? t->h.known(t->arg, &self) : 0;
	if (c->peer || !t->h.known || !c->listener->tls || !tlsid_requires_peer(c->listener->tls))
		return true;
	c->welcome = t->h.welcome && t->h.welcome(t->arg, &self);
	if (c->welcome)
		return true;
	metric_add(&transport_metrics, TRANSPORT_UNKNOWN, 1);
	LOG_NOTICE(LOG_SIP, "realm %s: TLS from %s closed: its certificate is not that of a peer",
		   c->listener->realm, addr_print(&c->remote, from, sizeof(from)));
	return false;
}

static void on_accept(void *arg, struct stream *s)
{
	struct transport_listener *l = arg;
	struct transport_connection *c;

	if (transport_connection_new(l, stream_remote(s), &c)) {
		stream_close(s);
		return;
	}
	c->stream = s;
	c->open = true;
	stream_set_handlers(s, &transport_connection_handlers, c);
	if (is_welcome(
		    c)) /* An address over TCP is not forged: who we know may keep silent for longer. */
		connection_set_idle(c);
	else
		transport_connection_end(c, false);
}

/* Before a certificate is seen only the address tells what was agreed. */
static bool on_vet(void *arg, const struct addr *from, struct stream_vet *vet)
{
	struct transport_listener *l = arg;
	struct transport *t = l->transport;
	struct transport_target far = {.proto = l->proto, .to = *from, .listener = l};
	struct transport_tls tls = {.need_certificate = vet->need_certificate};

	if (!l->tls || !t->h.tls)
		return true;
	if (!t->h.tls(t->arg, &far, true, &tls))
		return false;
	vet->trust = tls.trust;
	vet->need_certificate = tls.need_certificate;
	return true;
}

static void on_refused(void *arg, const struct addr *from, const char *why)
{
	const struct transport_listener *l = arg;
	char text[ADDR_TEXT_BYTES];

	metric_add(&transport_metrics, TRANSPORT_TLS_REFUSED, 1);
	LOG_NOTICE(LOG_SIP, "realm %s: TLS from %s refused: %s", l->realm,
		   addr_print(from, text, sizeof(text)), why);
}

int transport_stream_open(struct transport_listener *l)
{
	const struct transport_limits *limits = &l->transport->limits;
	struct stream_listen_options o = {.tls = l->tls,
					  .max_streams = limits->max,
					  .max_per_address = limits->per_address,
					  .handshake_ms = limits->handshake_ms,
					  .idle_ms = limits->stranger_ms,
					  .send_queue_bytes = limits->queue_bytes,
					  .accepts_per_s = limits->accepts_per_s,
					  .device = l->device,
					  .dscp = l->dscp,
					  .vet = on_vet,
					  .refused = on_refused};
	int err = stream_listen(l->transport->loop, &l->local, &o, on_accept, l, &l->stream);

	if (!err)
		l->local = *stream_listener_local(l->stream);
	return err;
}

/* ---- opened by us ---- */

static void on_open(void *arg)
{
	transport_connect_opened(arg);
}
