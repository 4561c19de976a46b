/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_io - bytes of a stream: reading, decrypting, the capped send queue.
 *
 * Two buffers per thread serve all its streams, because libuv fills one and calls us back before it
 * touches the next, and a callback never runs the loop.
 */
#include "common/net/stream_private.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/mem.h"
#include "common/net/loop_turn.h"
#include "common/net/net_metric.h"

#define STREAM_PLAIN_BYTES (16U * 1024) /* one TLS record */

static _Thread_local uint8_t stream_in[STREAM_READ_BYTES];
static _Thread_local uint8_t stream_plain[STREAM_PLAIN_BYTES];

struct stream_write {
	uv_write_t req;
	struct stream *s; /* reference */
	size_t len_bytes;
	uint8_t data[];
};

/* ---------------------------------------------------------------- out */

static void stream_on_written(uv_write_t *req, int status)
{
	struct stream_write *w = req->data;
	struct stream *s = w->s;

	s->queued_bytes -= w->len_bytes;
	s->written_bytes += w->len_bytes;
	mem_free(w);
	if (status < 0 && status != UV_ECANCELED)
		stream_fail(s, status);
	mem_unref(s);
}

static int stream_queue(struct stream *s, const uint8_t *data, size_t len_bytes)
{
	struct stream_write *w;
	uv_buf_t buf;
	int err;

	if (s->queued_bytes + len_bytes > s->queue_max_bytes) {
		metric_add(&net_metrics, NET_STREAM_QUEUE_FULL, 1);
		return -ENOBUFS;
	}
	w = mem_buffer(sizeof(*w) + len_bytes);
	if (!w)
		return -ENOMEM;
	memcpy(w->data, data, len_bytes);
	w->len_bytes = len_bytes;
	w->req.data = w;
	buf = uv_buf_init((char *)w->data, (unsigned)len_bytes);
	err = uv_write(&w->req, &s->io.stream, &buf, 1, stream_on_written);
	if (err) {
		mem_free(w);
		return err;
	}
	w->s = mem_ref(s);
	s->queued_bytes += len_bytes;
	return 0;
}

int stream_write_raw(struct stream *s, const void *data, size_t len_bytes)
{
	const uint8_t *p = data;

	/* Mostly the kernel takes it at once: no copy, no allocation. */
	if (s->queued_bytes == 0) {
		uv_buf_t buf = uv_buf_init((char *)p, (unsigned)len_bytes);
		int n = uv_try_write(&s->io.stream, &buf, 1);

		if (n < 0 && n != UV_EAGAIN)
			return n;
		if (n > 0) {
			p += n;
			s->written_bytes += (uint64_t)n;
			len_bytes -= (size_t)n;
		}
	}
	return len_bytes ? stream_queue(s, p, len_bytes) : 0;
}

int stream_flush_tls(struct stream *s)
{
	const uint8_t *data;
	size_t n = stream_tls_output(s->tls, &data);
	int err = n ? stream_write_raw(s, data, n) : 0;

	stream_tls_output_done(s->tls);
	return err;
}

/* ---------------------------------------------------------------- in */

static void stream_give(struct stream *s, const uint8_t *data, size_t len_bytes)
{
	if (s->h.data)
		s->h.data(s->arg, data, len_bytes);
}

static void stream_tls_failed(struct stream *s, int err)
{
	stream_set_error(s, stream_tls_error(s->tls));
	stream_fail(s, err);
}

static bool stream_still_handshaking(struct stream *s)
{
	int done = stream_tls_handshake(s->tls);
	/* Sent also when it failed: the alert tells the far end why. */
	int err = stream_flush_tls(s);

	if (done < 0) {
		metric_add(&net_metrics, NET_TLS_FAILED, 1);
		stream_tls_failed(s, done);
	} else if (err) {
		stream_fail(s, err);
	} else if (done) {
		stream_opened(s);
	}
	return s->state != STREAM_OPEN;
}

static void stream_on_cipher(struct stream *s, const uint8_t *data, size_t len_bytes)
{
	int n, err = stream_tls_feed(s->tls, data, len_bytes);

	if (err) {
		stream_fail(s, err);
		return;
	}
	if (s->state == STREAM_HANDSHAKE && stream_still_handshaking(s))
		return;
	while (s->state == STREAM_OPEN) {
		n = stream_tls_read(s->tls, stream_plain, sizeof(stream_plain));
		/* Reading may want to answer: key updates, alerts. They count against the cap too. */
		err = stream_flush_tls(s);
		if (n == 0 && !err)
			return;
		if (n == -EPIPE)
			stream_fail(s, 0);
		else if (n < 0)
			stream_tls_failed(s, n);
		else if (err)
			stream_fail(s, err);
		else
			stream_give(s, stream_plain, (size_t)n);
	}
}

static void stream_on_end_of_file(struct stream *s)
{
	s->eof = true;
	if (s->state == STREAM_ENDING) {
		/* Both directions are done once ours is flushed: see stream_on_shut_down. */
		if (s->queued_bytes == 0)
			stream_end(s);
		return;
	}
	/* TLS ends with a goodbye; without one somebody in between may have cut the data short. */
	stream_fail(s, s->tls ? -ECONNRESET : 0);
}

static void stream_on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *ret_buf)
{
	(void)h;
	(void)hint;
	*ret_buf = uv_buf_init((char *)stream_in, sizeof(stream_in));
}

static void stream_on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
	struct stream *s = h->data;
	const uint8_t *data = (const uint8_t *)buf->base;

	loop_turn_woke();
	if (n == 0)
		return;
	if (n == (ssize_t)buf->len)
		loop_turn_unread();
	mem_ref(s);
	if (n == UV_EOF) {
		uv_read_stop(h);
		stream_on_end_of_file(s);
	} else if (n < 0) {
		uv_read_stop(h);
		if (s->state == STREAM_ENDING)
			stream_end(s);
		else
			stream_fail(s, (int)n);
	} else if (s->state == STREAM_OPEN || s->state == STREAM_HANDSHAKE) {
		s->last_in_ms = uv_now(h->loop);
		if (s->tls)
			stream_on_cipher(s, data, (size_t)n);
		else
			stream_give(s, data, (size_t)n);
	} /* else: ending, what still comes in is thrown away */
	mem_unref(s);
}

int stream_read_start(struct stream *s)
{
	return uv_read_start(&s->io.stream, stream_on_alloc, stream_on_read);
}

size_t stream_unread_bytes(const struct stream *s)
{
	int fd, n = 0;

	if (!s->io_live || uv_fileno(&s->io.handle, &fd) || ioctl(fd, FIONREAD, &n) < 0 || n < 0)
		return 0;
	return (size_t)n;
}
