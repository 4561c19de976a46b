/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - life of a stream: connecting, opening, failing, closing. Bytes are in stream_io.c,
 * accepting in stream_listen.c, the TLS engine in stream_tls.c.
 *
 * One timer per stream carries the deadline of the state it is in: connect and handshake, idle,
 * flush. h->closed is called once at most, and never from inside a call of the owner.
 */
#include "common/net/stream_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/mem.h"
#include "common/net/device.h"
#include "common/net/dscp.h"
#include "common/net/loop_turn.h"
#include "common/net/net_metric.h"

#define STREAM_FLUSH_MS 1000
#define STREAM_KEEPALIVE_S 15
#define STREAM_USER_TIMEOUT_MS 30000 /* bytes the far end did not acknowledge for so long */

static void stream_on_timer(uv_timer_t *t);

/* ---------------------------------------------------------------- memory and handles */

static void stream_destroy(void *obj)
{
	struct stream *s = obj;

	mem_unref(s->tls);
}

static void stream_on_timer_closed(uv_handle_t *h)
{
	mem_unref(h->data);
}

static void stream_on_io_closed(uv_handle_t *h)
{
	struct stream *s = h->data;

	metric_add(&net_metrics, NET_STREAMS, -1);
	stream_listener_forget(s);
	mem_unref(s);
}

int stream_new(uv_loop_t *loop, struct stream **ret_stream)
{
	struct stream *s = mem_zalloc(sizeof(*s), stream_destroy);

	if (!s)
		return -ENOMEM;
	uv_timer_init(loop, &s->timer); /* cannot fail */
	s->timer.data = mem_ref(s);
	s->state = STREAM_CONNECTING;
	*ret_stream = s;
	return 0;
}

void stream_io_is_live(struct stream *s)
{
	s->io_live = true;
	s->io.handle.data = mem_ref(s);
	metric_add(&net_metrics, NET_STREAMS, 1);
}

static void stream_close_io(struct stream *s)
{
	uv_os_fd_t fd;

	if (!s->io_live)
		return;
	s->io_live = false;
	if (s->urgent && uv_fileno(&s->io.handle, &fd) == 0)
		loop_turn_not_urgent(fd);
	uv_close(&s->io.handle, stream_on_io_closed);
}

void stream_end(struct stream *s)
{
	if (s->state == STREAM_DEAD)
		return;
	s->state = STREAM_DEAD;
	s->released = true;
	stream_close_io(s);
	uv_close((uv_handle_t *)&s->timer, stream_on_timer_closed);
	mem_unref(s);
}

void stream_set_error(struct stream *s, const char *text)
{
	snprintf(s->error, sizeof(s->error), "%s", text);
}

/* ---------------------------------------------------------------- failing */

void stream_fail(struct stream *s, int err)
{
	void (*closed)(void *arg, int err) = s->h.closed;

	if (s->state == STREAM_ENDING && err) {
		stream_end(s);
		return;
	}
	if (s->state >= STREAM_CLOSED)
		return;
	uv_timer_stop(&s->timer);
	if (s->listener && s->in_handshakes) {
		stream_listener_refused(s);
		stream_end(s); /* nobody has seen it yet */
		return;
	}
	s->state = STREAM_CLOSED;
	s->err = err;
	/* After the far end's orderly close the owner may still flush an answer. */
	if (err)
		stream_close_io(s);
	else
		uv_read_stop(&s->io.stream);
	if (closed)
		closed(s->arg, err);
}

void stream_fail_later(struct stream *s, int err)
{
	if (s->state >= STREAM_FAILING)
		return;
	s->state = STREAM_FAILING;
	s->err = err;
	uv_read_stop(&s->io.stream);
	uv_timer_start(&s->timer, stream_on_timer, 0, 0);
}

/* ---------------------------------------------------------------- deadlines */

static void stream_arm_idle(struct stream *s)
{
	if (s->idle_ms)
		uv_timer_start(&s->timer, stream_on_timer, s->idle_ms, 0);
	else
		uv_timer_stop(&s->timer);
}

/* Reading only notes the time; the timer looks at it when it comes, so a busy stream costs nothing. */
static void stream_check_idle(struct stream *s)
{
	uint64_t quiet_ms = uv_now(s->timer.loop) - s->last_in_ms;

	if (quiet_ms < s->idle_ms) {
		uv_timer_start(&s->timer, stream_on_timer, s->idle_ms - quiet_ms, 0);
		return;
	}
	metric_add(&net_metrics, NET_STREAM_IDLE, 1);
	stream_set_error(s, "nothing came in for too long");
	stream_fail(s, -ETIMEDOUT);
}

static void stream_on_timer(uv_timer_t *t)
{
	struct stream *s = t->data;

	mem_ref(s);
	switch (s->state) {
	case STREAM_CONNECTING:
		stream_set_error(s, "no connection in time");
		stream_fail(s, -ETIMEDOUT);
		break;
	case STREAM_HANDSHAKE:
		metric_add(&net_metrics, NET_TLS_FAILED, 1);
		stream_set_error(s, "TLS handshake not finished in time");
		stream_fail(s, -ETIMEDOUT);
		break;
	case STREAM_OPEN:
		stream_check_idle(s);
		break;
	case STREAM_FAILING:
		stream_fail(s, s->err);
		break;
	case STREAM_ENDING:
		stream_end(s);
		break;
	case STREAM_CLOSED:
	case STREAM_DEAD:
		break;
	}
	mem_unref(s);
}

/* ---------------------------------------------------------------- opening */

static void stream_learn_addresses(struct stream *s)
{
	struct sockaddr_storage sa;
	int len = sizeof(sa);

	if (s->io.handle.type != UV_TCP)
		return;
	if (uv_tcp_getpeername(&s->io.tcp, (struct sockaddr *)&sa, &len) == 0)
		addr_from_sockaddr((struct sockaddr *)&sa, &s->remote);
	len = sizeof(sa);
	if (uv_tcp_getsockname(&s->io.tcp, (struct sockaddr *)&sa, &len) == 0)
		addr_from_sockaddr((struct sockaddr *)&sa, &s->local);
}

static void stream_set_tcp_options(struct stream *s)
{
	unsigned timeout_ms = STREAM_USER_TIMEOUT_MS;
	uv_os_fd_t fd;

	if (s->io.handle.type != UV_TCP)
		return;
	/* Best effort: a stream without them works, only slower to see a dead peer. */
	uv_tcp_nodelay(&s->io.tcp, 1);
	uv_tcp_keepalive(&s->io.tcp, 1, STREAM_KEEPALIVE_S);
	if (uv_fileno(&s->io.handle, &fd) == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
				 sizeof(timeout_ms));
}

void stream_opened(struct stream *s)
{
	s->state = STREAM_OPEN;
	s->last_in_ms = uv_now(s->timer.loop);
	stream_arm_idle(s);
	if (s->listener)
		stream_listener_hand_over(s);
	else if (s->h.open)
		s->h.open(s->arg);
}

void stream_start(struct stream *s)
{
	int err;

	stream_learn_addresses(s);
	stream_set_tcp_options(s);
	err = stream_read_start(s);
	if (err) {
		stream_fail(s, err);
		return;
	}
	if (!s->tls) {
		stream_opened(s);
		return;
	}
	s->state = STREAM_HANDSHAKE;
	if (s->listener) /* a client's deadline has been running since it began to connect */
		uv_timer_start(&s->timer, stream_on_timer, s->connect_ms, 0);
	/* A client speaks first; for a server this does nothing yet. */
	err = stream_tls_handshake(s->tls);
	if (err >= 0)
		err = stream_flush_tls(s);
	else
		stream_set_error(s, stream_tls_error(s->tls));
	if (err < 0)
		stream_fail(s, err);
}

static void stream_on_connected(uv_connect_t *req, int status)
{
	struct stream *s = req->data;

	if (s->state != STREAM_CONNECTING)
		return; /* cancelled by our own close */
	mem_ref(s);
	if (status < 0)
		stream_fail(s, status);
	else
		stream_start(s);
	mem_unref(s);
}

static int stream_begin_connect(struct stream *s, const struct addr *to,
				const struct stream_options *o)
{
	struct sockaddr_storage sa;
	int err = device_tcp_bind(&s->io.tcp, o->device);

	if (err)
		return err;
	if (o->bind) {
		addr_to_sockaddr(o->bind, &sa);
		err = uv_tcp_bind(&s->io.tcp, (struct sockaddr *)&sa, 0);
		if (!err)
			err = dscp_tcp_set(&s->io.tcp, to->family, o->dscp);
		if (err)
			return err;
	}
	addr_to_sockaddr(to, &sa);
	s->connect_req.data = s;
	return uv_tcp_connect(&s->connect_req, &s->io.tcp, (struct sockaddr *)&sa,
			      stream_on_connected);
}

int stream_connect(uv_loop_t *loop, const struct addr *to, const struct stream_options *o,
		   const struct stream_handlers *h, void *arg, struct stream **ret_stream)
{
	struct stream *s;
	int err;

	if ((to->family != ADDR_V4 && to->family != ADDR_V6) ||
	    (o->bind && o->bind->family != to->family))
		return -EAFNOSUPPORT;
	err = stream_new(loop, &s);
	if (err)
		return err;
	s->h = *h;
	s->arg = arg;
	s->remote = *to;
	s->connect_ms = o->connect_ms ? o->connect_ms : STREAM_CONNECT_MS_DEFAULT;
	s->idle_ms = o->idle_ms;
	s->queue_max_bytes = o->send_queue_bytes ? o->send_queue_bytes : STREAM_QUEUE_BYTES_DEFAULT;
	if (o->tls)
		err = stream_tls_new(o->tls,
				     &(struct stream_tls_far){.trust = o->trust,
							      .server_name = o->server_name,
							      .names = o->names,
							      .nnames = o->nnames},
				     &s->tls);
	if (!err)
		err = device_tcp_init(loop, &s->io.tcp, to->family, o->device);
	if (!err) {
		stream_io_is_live(s);
		err = stream_begin_connect(s, to, o);
	}
	if (err) {
		stream_end(s);
		return err;
	}
	uv_update_time(loop); /* deadlines count from now, not from when the loop last woke */
	uv_timer_start(&s->timer, stream_on_timer, s->connect_ms, 0);
	*ret_stream = s;
	return 0;
}

/* ---------------------------------------------------------------- sending and closing */

int stream_send(struct stream *s, const void *data, size_t len_bytes)
{
	int err;
	/* After its end of file the far end may still read: a client that shut down its sending side. */
	bool half = s->state == STREAM_CLOSED && s->err == 0 && s->io_live;

	if (s->state != STREAM_OPEN && !half)
		return -ENOTCONN;
	if (len_bytes == 0)
		return 0;
	if (len_bytes > INT32_MAX)
		return -EMSGSIZE;
	if (!s->tls) {
		err = stream_write_raw(s, data, len_bytes);
	} else if (s->queued_bytes && s->queued_bytes + len_bytes > s->queue_max_bytes) {
		metric_add(&net_metrics, NET_STREAM_QUEUE_FULL, 1); /* before it is encrypted */
		err = -ENOBUFS;
	} else {
		err = stream_tls_write(s->tls, data, len_bytes);
		if (err)
			stream_set_error(s, stream_tls_error(s->tls));
		else
			err = stream_flush_tls(s);
	}
	if (err == -ENOBUFS)
		stream_set_error(s, "the far end does not read");
	if (err)
		stream_fail_later(s, err);
	return err;
}

/* Goodbye is a courtesy: it goes out only if nothing is waiting before it. */
static void stream_say_goodbye(struct stream *s)
{
	if (!s->tls || !s->io_live || s->queued_bytes)
		return;
	stream_tls_goodbye(s->tls);
	(void)stream_flush_tls(s);
}

struct stream *stream_close(struct stream *s)
{
	if (!s || s->released)
		return NULL;
	if (s->state == STREAM_OPEN || s->state == STREAM_CLOSED)
		stream_say_goodbye(s);
	stream_end(s);
	return NULL;
}

static void stream_on_shut_down(uv_shutdown_t *req, int status)
{
	struct stream *s = req->data;

	if (s->state == STREAM_ENDING && (status < 0 || s->eof))
		stream_end(s);
	mem_unref(s);
}

/*
 * After our last byte we go on reading until the far end closes too: closing a socket with unread
 * bytes in it makes the kernel send a reset, which may overtake what we have just flushed.
 */
struct stream *stream_close_flushed(struct stream *s)
{
	if (!s || s->released)
		return NULL;
	if (!s->io_live || (s->state != STREAM_OPEN && s->state != STREAM_CLOSED)) {
		stream_end(s);
		return NULL;
	}
	s->released = true;
	s->state = STREAM_ENDING;
	if (s->tls) {
		stream_tls_goodbye(s->tls);
		(void)stream_flush_tls(s);
	}
	s->shutdown_req.data = s;
	if (uv_shutdown(&s->shutdown_req, &s->io.stream, stream_on_shut_down) < 0) {
		stream_end(s);
		return NULL;
	}
	mem_ref(s); /* of the request */
	uv_update_time(s->timer.loop);
	uv_timer_start(&s->timer, stream_on_timer, STREAM_FLUSH_MS, 0);
	return NULL;
}

/* ---------------------------------------------------------------- questions */

const struct addr *stream_remote(const struct stream *s)
{
	return &s->remote;
}

const struct addr *stream_local(const struct stream *s)
{
	return &s->local;
}

bool stream_authenticated(const struct stream *s)
{
	return s->tls && stream_tls_authenticated(s->tls);
}

bool stream_peer_has_name(const struct stream *s, const char *name)
{
	return s->tls && stream_tls_peer_has_name(s->tls, name);
}

const char *stream_tls_text(const struct stream *s)
{
	return s->tls ? stream_tls_version(s->tls) : "";
}

void stream_set_handlers(struct stream *s, const struct stream_handlers *h, void *arg)
{
	s->h = *h;
	s->arg = arg;
}

size_t stream_untaken_bytes(const struct stream *s, uint64_t *ret_taken)
{
	uv_os_fd_t fd;
	int kernel = 0;

	if (s->io_live && uv_fileno(&s->io.handle, &fd) == 0 && ioctl(fd, SIOCOUTQ, &kernel) < 0)
		kernel = 0;
	*ret_taken = s->written_bytes - (uint64_t)kernel;
	return s->queued_bytes + (size_t)kernel;
}

void stream_set_urgent(struct stream *s)
{
	uv_os_fd_t fd;

	if (s->urgent || !s->io_live || uv_fileno(&s->io.handle, &fd))
		return;
	s->urgent = true;
	loop_turn_urgent(fd);
}

void stream_set_idle_ms(struct stream *s, uint32_t idle_ms)
{
	s->idle_ms = idle_ms;
	if (s->state != STREAM_OPEN)
		return;
	s->last_in_ms = uv_now(s->timer.loop);
	stream_arm_idle(s);
}

const char *stream_error_text(const struct stream *s)
{
	return s->error;
}
