/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's connections on common/net/stream: listen, frames in, bytes out. */
#include <errno.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/net/loop_turn.h"
#include "common/net/stream.h"
#include "proto/frame.h"
#include "proto/outbox.h"
#include "sbe/gate/gate_private.h"

#define JOIN_MS 5000U /* from accept to ServiceChange */
#define HALF_FRAME_MS 5000U
#define HANDSHAKE_MS 5000U
#define LISTENERS_MAX 16
#define STREAMS_MAX 256U
#define SEND_QUEUE_BYTES (8U * 1024 * 1024)

struct conn {
	LIST_ENTRY(conn) link;
	struct gate_pool *pool;
	struct gate_dbe *dbe; /* NULL before it has joined */
	struct stream *stream;
	bool tls;
	bool dead; /* closed; freed when reading is over */
	bool reading;
	struct gate_frame frames;
	struct gate_outbox out;
	struct loop_task out_now; /* at the end of this turn */
	struct timer out_later;
	struct timer deadline; /* of joining, then of a half-received frame */
};

struct listener {
	struct stream_listener *listener;
	bool tls;
	struct gate_pool *pool;
};

struct gate_uv {
	LIST_HEAD(, conn) conns;
	struct listener listeners[LISTENERS_MAX];
	size_t nlisteners;
};

static void release(struct conn *c)
{
	LIST_REMOVE(c, link);
	timer_stop(&c->deadline);
	timer_stop(&c->out_later);
	loop_turn_forget(&c->out_now);
	gate_frame_reset(&c->frames);
	gate_outbox_reset(&c->out);
	mem_unref(c);
}

static void write_bytes(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct conn *c = arg;

	stream_send(c->stream, bytes, len_bytes); /* on failure on_closed follows */
}

static void flush(void *arg)
{
	struct conn *c = arg;

	timer_stop(&c->out_later);
	loop_turn_forget(&c->out_now);
	if (!c->dead)
		gate_outbox_flush(&c->out, write_bytes, c);
}

static void close_conn(void *arg, bool flush_first)
{
	struct conn *c = arg;

	if (c->dead)
		return;
	if (flush_first)
		flush(c);
	c->dead = true;
	if (flush_first)
		stream_close_flushed(c->stream);
	else
		stream_close(c->stream);
	c->stream = NULL;
	timer_stop(&c->deadline);
	timer_stop(&c->out_later);
	loop_turn_forget(&c->out_now);
	if (!c->reading)
		release(c);
}

static void lost(struct conn *c, int err)
{
	if (c->dead)
		return;
	if (c->dbe && c->dbe->conn == c)
		gate_dbe_lost(c->dbe, err); /* closes it */
	else
		close_conn(c, false);
}

static void deadline(void *arg)
{
	lost(arg, -ETIMEDOUT);
}

static int join(struct conn *c, const uint8_t *frame, size_t len_bytes)
{
	char address[ADDR_TEXT_BYTES];
	int err;

	addr_print(stream_remote(c->stream), address, sizeof(address));
	err = gate_pool_join(c->pool, frame, len_bytes, c, address, &c->dbe);
	if (err)
		close_conn(c, true);
	else
		timer_stop(&c->deadline);
	return err;
}

static void on_data(void *arg, const uint8_t *data, size_t len_bytes)
{
	struct conn *c = arg;
	const uint8_t *frame;
	size_t n;
	int err = 0, got;

	c->reading = true;
	gate_frame_feed(&c->frames, data, len_bytes);
	while ((got = gate_frame_next(&c->frames, &frame, &n)) == 1) {
		err = c->dbe ? gate_exchange_frame(c->dbe->exchange, frame, n) : join(c, frame, n);
		if (err || c->dead)
			break;
	}
	if (!c->dead && (err || got < 0))
		lost(c, err ? err : got);
	c->reading = false;
	flush(c);
	if (c->dead) {
		release(c);
		return;
	}
	if (!c->dbe)
		return;
	if (!gate_frame_partial(&c->frames))
		timer_stop(&c->deadline);
	else if (!timer_running(&c->deadline))
		timer_start(c->pool->wheel, &c->deadline, HALF_FRAME_MS, deadline, c);
}

static void on_closed(void *arg, int err)
{
	lost(arg, err);
}

/* @return false when there is no memory for waiting: it is written, in order. */
static bool put(struct conn *c, const uint8_t *bytes, size_t len_bytes)
{
	if (gate_outbox_add(&c->out, bytes, len_bytes) == 0)
		return true;
	flush(c);
	write_bytes(c, bytes, len_bytes);
	return false;
}

static void send_bytes(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct conn *c = arg;

	if (c->dead || !put(c, bytes, len_bytes))
		return;
	/* What one turn of the loop has to say leaves together, and nothing overtakes what waits. */
	if (gate_outbox_full(&c->out) || (!c->reading && !loop_turn_at_end(&c->out_now, flush, c)))
		flush(c);
}

static void send_later(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct conn *c = arg;

	if (c->dead || !put(c, bytes, len_bytes))
		return;
	if (gate_outbox_full(&c->out))
		flush(c);
	else if (!timer_running(&c->out_later))
		timer_start(c->pool->wheel, &c->out_later, GATE_OUTBOX_WAIT_MS, flush, c);
}

static bool has_name(void *arg, const char *name)
{
	const struct conn *c = arg;

	return !c->tls || stream_peer_has_name(c->stream, name);
}

static void on_refused(void *arg, const struct addr *from, const char *why)
{
	char address[ADDR_TEXT_BYTES];

	(void)arg;
	LOG_WARN("gate", "%s may not join: %s", addr_print(from, address, sizeof(address)), why);
}

static void on_accept(void *arg, struct stream *s)
{
	static const struct stream_handlers handlers = {.data = on_data, .closed = on_closed};
	struct listener *l = arg;
	struct conn *c = mem_zalloc(sizeof(*c), NULL);

	if (!c) {
		stream_close(s);
		return;
	}
	c->pool = l->pool;
	c->stream = s;
	c->tls = l->tls;
	LIST_INSERT_HEAD(&l->pool->uv->conns, c, link);
	stream_set_handlers(s, &handlers, c);
	stream_set_urgent(s); /* a call waits for each answer */
	timer_start(c->pool->wheel, &c->deadline, JOIN_MS, deadline, c);
}

int gate_pool_listen(struct gate_pool *p, uv_loop_t *loop, const struct addr *local,
		     struct tls_context *tls)
{
	const struct stream_listen_options o = {.tls = tls,
						.max_streams = STREAMS_MAX,
						.handshake_ms = HANDSHAKE_MS,
						.send_queue_bytes = SEND_QUEUE_BYTES,
						.refused = on_refused};
	struct listener *l;
	int err;

	if (!tls && !addr_is_loopback(local))
		return -EPERM;
	if (!p->uv) {
		p->uv = mem_zalloc(sizeof(*p->uv), NULL);
		if (!p->uv)
			return -ENOMEM;
		LIST_INIT(&p->uv->conns);
		p->io = (struct gate_dbe_io){send_bytes, close_conn, has_name, send_later};
	}
	if (p->uv->nlisteners == LISTENERS_MAX)
		return -ENOSPC;
	l = &p->uv->listeners[p->uv->nlisteners];
	l->tls = tls;
	l->pool = p;
	err = stream_listen(loop, local, &o, on_accept, l, &l->listener);
	if (!err)
		p->uv->nlisteners++;
	return err;
}

void gate_pool_set_tls(struct gate_pool *p, struct tls_context *tls)
{
	for (size_t i = 0; p->uv && i < p->uv->nlisteners; i++)
		stream_listener_set_tls(p->uv->listeners[i].listener, tls);
}

void gate_pool_close_listeners(struct gate_pool *p)
{
	size_t i;

	for (i = 0; p->uv && i < p->uv->nlisteners; i++)
		stream_listener_close(p->uv->listeners[i].listener);
	if (p->uv)
		p->uv->nlisteners = 0;
}

/* Contexts that were closed are ours; the rest is the caller's, who should have closed it before. */
static void drop_contexts(struct gate_context_list *list)
{
	struct gate_context *c, *next;

	for (c = TAILQ_FIRST(list); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == GATE_CONTEXT_CLOSING || c->in_ending) {
			c->final_fn = NULL;
			gate_context_end(c, 0, NULL);
		}
	}
}

void gate_pool_free(struct gate_pool *p)
{
	struct conn *c;
	size_t i;

	if (!p)
		return;
	gate_pool_close_listeners(p);
	drop_contexts(&p->ending);
	for (i = 0; i < p->ndbes; i++) {
		drop_contexts(&p->dbes[i]->list);
		drop_contexts(&p->dbes[i]->gone);
		gate_dbe_free(p->dbes[i]);
	}
	while (p->uv && (c = LIST_FIRST(&p->uv->conns)))
		close_conn(c, true);
	mem_unref(p->uv);
	mem_unref(p);
}
