/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/gate/gate_uv.h"

#include <errno.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/net/stream.h"
#include "dbe/gate/gate_server_private.h"
#include "proto/frame.h"
#include "proto/outbox.h"

#define CONNECT_MS 3000U
#define HALF_FRAME_MS 5000U
#define SEND_QUEUE_BYTES (4U * 1024 * 1024)

struct gate_uv {
	uv_loop_t *loop;
	struct tls_context *tls;
	struct timer_wheel *wheel;
};

struct conn {
	struct gate_uv *uv;
	struct gate_link *link; /* NULL once closed by it */
	struct stream *stream;
	struct gate_frame frames;
	struct gate_outbox out; /* while reading */
	struct timer half;      /* a frame has begun and not ended */
	bool reading;           /* in on_data: closing waits for its end */
};

static void release(struct conn *c)
{
	timer_stop(&c->half);
	gate_frame_reset(&c->frames);
	gate_outbox_reset(&c->out);
	mem_unref(c);
}

static void write_bytes(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct conn *c = arg;

	stream_send(c->stream, bytes, len_bytes); /* on failure on_closed follows */
}

static void on_open(void *arg)
{
	struct conn *c = arg;

	gate_link_opened(c->link);
}

static void lost(struct conn *c, int err)
{
	/* The link closes the connection from in there. */
	if (c->link)
		gate_link_closed(c->link, err);
}

static void half_over(void *arg)
{
	lost(arg, -ETIMEDOUT);
}

static void on_data(void *arg, const uint8_t *data, size_t len_bytes)
{
	struct conn *c = arg;
	const uint8_t *frame;
	size_t n;
	int err;

	c->reading = true;
	gate_frame_feed(&c->frames, data, len_bytes);
	err = 0;
	while (!err && c->link && (err = gate_frame_next(&c->frames, &frame, &n)) == 1)
		err = gate_link_frame(c->link, frame, n);
	if (err < 0)
		lost(c, err);
	c->reading = false;
	if (!c->link) {
		release(c);
		return;
	}
	gate_outbox_flush(&c->out, write_bytes, c);
	if (!gate_frame_partial(&c->frames))
		timer_stop(&c->half);
	else if (!timer_running(&c->half))
		timer_start(c->uv->wheel, &c->half, HALF_FRAME_MS, half_over, c);
}

static void on_closed(void *arg, int err)
{
	const struct conn *c = arg;
	const char *why = stream_error_text(c->stream);
	char text[ADDR_TEXT_BYTES];

	/* A wrong certificate does not heal by dialling again: somebody has to know. */
	if (*why)
		LOG_WARN("gate", "%s: %s", addr_print(stream_remote(c->stream), text, sizeof(text)),
			 why);
	lost(arg, err);
}

static int dial(void *arg, struct gate_link *l, const struct addr *to, void **ret_conn)
{
	static const struct stream_handlers handlers = {on_open, on_data, on_closed};
	struct gate_uv *u = arg;
	struct stream_options o = {
		.tls = u->tls, .connect_ms = CONNECT_MS, .send_queue_bytes = SEND_QUEUE_BYTES};
	struct conn *c;
	int err;

	/* A redirection may lead anywhere; without TLS only this host is trusted. */
	if (!u->tls && !addr_is_loopback(to))
		return -EPERM;
	c = mem_zalloc(sizeof(*c), NULL);
	if (!c)
		return -ENOMEM;
	c->uv = u;
	c->link = l;
	err = stream_connect(u->loop, to, &o, &handlers, c, &c->stream);
	if (err) {
		mem_unref(c);
		return err;
	}
	*ret_conn = c;
	return 0;
}

static void send_bytes(void *conn, const uint8_t *bytes, size_t len_bytes)
{
	struct conn *c = conn;

	/* Answers to what was read together leave together. */
	if (c->reading && !gate_outbox_full(&c->out) &&
	    gate_outbox_add(&c->out, bytes, len_bytes) == 0)
		return;
	gate_outbox_flush(&c->out, write_bytes, c);
	write_bytes(c, bytes, len_bytes);
}

static void close_conn(void *conn, bool flush)
{
	struct conn *c = conn;

	if (flush)
		gate_outbox_flush(&c->out, write_bytes, c);
	if (flush)
		stream_close_flushed(c->stream);
	else
		stream_close(c->stream);
	c->stream = NULL;
	c->link = NULL;
	timer_stop(&c->half);
	if (!c->reading)
		release(c);
}

static bool has_name(void *conn, const char *name)
{
	const struct conn *c = conn;

	return !c->uv->tls || stream_peer_has_name(c->stream, name);
}

int gate_uv_new(uv_loop_t *loop, struct tls_context *tls, struct timer_wheel *wheel,
		struct gate_link_io *ret_io, struct gate_uv **ret_uv)
{
	struct gate_uv *u = mem_zalloc(sizeof(*u), NULL);

	if (!u)
		return -ENOMEM;
	u->loop = loop;
	u->tls = mem_ref(tls);
	u->wheel = wheel;
	*ret_io = (struct gate_link_io){u, dial, send_bytes, close_conn, has_name};
	*ret_uv = u;
	return 0;
}

void gate_uv_free(struct gate_uv *u)
{
	if (!u)
		return;
	mem_unref(u->tls);
	mem_unref(u);
}

int gate_server_start(struct gate_server *s, uv_loop_t *loop)
{
	size_t i;
	int err;

	for (i = 0; i < s->nlinks; i++)
		if (!s->tls && !addr_is_loopback(&s->links[i].address))
			return -EPERM;
	err = gate_uv_new(loop, s->tls, s->wheel, &s->io, &s->uv);
	if (!err)
		gate_server_run(s);
	return err;
}

void gate_server_free(struct gate_server *s)
{
	size_t i;

	if (!s)
		return;
	timer_stop(&s->load);
	for (i = 0; i < s->nlinks; i++)
		gate_link_destroy(&s->links[i]);
	for (i = 0; i < sizeof(s->controllers) / sizeof(s->controllers[0]); i++)
		timer_stop(&s->controllers[i].hold);
	gate_uv_free(s->uv);
	mem_unref(s);
}
