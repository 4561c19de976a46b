/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_listen - accepts streams on TCP and unix sockets, under caps.
 *
 * A connection counts from accept until its descriptor is closed, so half-open handshakes and slow
 * closers are in the caps too (reliability A20, A21).
 */
#include "common/net/stream_private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/device.h"
#include "common/net/dscp.h"
#include "common/net/net_metric.h"
#include "common/net/tls.h"
#include "common/rate.h"
#include "common/table.h"

#define STREAM_LISTEN_BACKLOG 1024
#define STREAM_MAX_DEFAULT 1024
#define STREAM_HANDSHAKE_MS 5000
#define STREAM_ACCEPT_RETRY_MS 100
#define STREAM_PACE_MS 10
#define STREAM_SOCKET_MODE 0660

/* Connections of one address. */
struct stream_from {
	struct table_entry entry;
	uint8_t key[17]; /* family, address */
	uint32_t count;
};

struct stream_listener {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} io;
	uv_timer_t retry; /* after an accept for which there was no memory, or that came too soon */
	struct rate pace;
	bool closed;
	struct stream_listen_options o;
	stream_accept_h *accept;
	void *arg;
	struct addr local;
	uint32_t nstreams;
	struct table *froms; /* NULL = no cap per address */
	LIST_HEAD(, stream) handshakes;
	char *path; /* unix: our socket file, told from a successor's by device and inode */
	dev_t path_dev;
	ino_t path_ino;
};

static void stream_on_retry(uv_timer_t *t);

/* ---------------------------------------------------------------- caps */

static int stream_count_from(struct stream_listener *l, struct stream *s)
{
	struct stream_from *f;
	uint8_t key[sizeof(f->key)];
	int err;

	if (!l->froms)
		return 0;
	key[0] = s->remote.family;
	memcpy(key + 1, s->remote.ip, sizeof(key) - 1);
	f = table_find(l->froms, key, sizeof(key));
	if (f && f->count >= l->o.max_per_address)
		return -EUSERS;
	if (!f) {
		f = mem_zalloc(sizeof(*f), NULL);
		if (!f)
			return -ENOMEM;
		memcpy(f->key, key, sizeof(key));
		err = table_add(l->froms, &f->entry, f->key, sizeof(f->key), f);
		if (err) {
			mem_unref(f);
			return err;
		}
	}
	f->count++;
	s->from = f;
	return 0;
}

void stream_listener_forget(struct stream *s)
{
	struct stream_listener *l = s->listener;

	if (!l)
		return;
	if (s->in_handshakes)
		LIST_REMOVE(s, handshake_entry);
	s->in_handshakes = false;
	if (s->from && --s->from->count == 0) {
		table_remove(&s->from->entry);
		mem_unref(s->from);
	}
	s->from = NULL;
	l->nstreams--;
	s->listener = NULL;
	mem_unref(l);
}

/* ---------------------------------------------------------------- accepting */

void stream_listener_hand_over(struct stream *s)
{
	struct stream_listener *l = s->listener;

	LIST_REMOVE(s, handshake_entry);
	s->in_handshakes = false;
	l->accept(l->arg, s);
	/* Without a data handler nobody would ever see its bytes: an acceptor that forgot to close. */
	if (!s->released && !s->h.data)
		stream_close(s);
}

void stream_listener_refused(const struct stream *s)
{
	const struct stream_listen_options *o = &s->listener->o;

	if (o->refused && s->error[0])
		o->refused(s->listener->arg, &s->remote, s->error);
}

static void stream_learn_remote(struct stream *s)
{
	struct sockaddr_storage sa;
	int len = sizeof(sa);

	if (s->io.handle.type == UV_TCP &&
	    uv_tcp_getpeername(&s->io.tcp, (struct sockaddr *)&sa, &len) == 0)
		addr_from_sockaddr((struct sockaddr *)&sa, &s->remote);
}

/* Is this far end let in, and on whose word? */
static bool stream_vet(struct stream_listener *l, struct stream *s)
{
	struct stream_vet vet = {.need_certificate = l->o.tls && tlsid_requires_peer(l->o.tls)};
	struct stream_tls_far far = {.server = true};

	if (l->o.vet && !l->o.vet(l->arg, &s->remote, &vet)) {
		metric_add(&net_metrics, NET_STREAM_REFUSED_VET, 1);
		return false;
	}
	if (!l->o.tls)
		return true;
	far.trust = vet.trust;
	far.need_certificate = vet.need_certificate;
	return stream_tls_new(l->o.tls, &far, &s->tls) == 0;
}

static bool stream_admit(struct stream_listener *l, struct stream *s)
{
	int err;

	if (l->nstreams > l->o.max_streams) {
		metric_add(&net_metrics, NET_STREAM_REFUSED_TOTAL, 1);
		return false;
	}
	stream_learn_remote(s);
	err = stream_count_from(l, s);
	if (err == -EUSERS)
		metric_add(&net_metrics, NET_STREAM_REFUSED_ADDRESS, 1);
	return err ? false : stream_vet(l, s);
}

/* Make the stream this listener's and give it the connection that libuv holds. */
static int stream_take(struct stream_listener *l, struct stream *s)
{
	uv_loop_t *loop = l->io.handle.loop;
	int err;

	if (l->io.handle.type == UV_TCP)
		err = uv_tcp_init(loop, &s->io.tcp);
	else
		err = uv_pipe_init(loop, &s->io.pipe, 0);
	if (err)
		return err;
	stream_io_is_live(s);
	s->listener = mem_ref(l);
	l->nstreams++;
	LIST_INSERT_HEAD(&l->handshakes, s, handshake_entry);
	s->in_handshakes = true;
	return uv_accept(&l->io.stream, &s->io.stream);
}

static void stream_accept_one(struct stream_listener *l)
{
	struct stream *s;

	if (stream_new(l->io.handle.loop, &s) < 0) {
		/* libuv does not listen again until the connection it holds is taken. */
		uv_timer_start(&l->retry, stream_on_retry, STREAM_ACCEPT_RETRY_MS, 0);
		return;
	}
	if (stream_take(l, s) < 0 || !stream_admit(l, s)) {
		stream_end(s);
		return;
	}
	s->connect_ms = l->o.handshake_ms;
	s->idle_ms = l->o.idle_ms;
	s->queue_max_bytes = l->o.send_queue_bytes;
	mem_ref(s); /* the acceptor may close it */
	stream_start(s);
	mem_unref(s);
}

/* Handshakes cost more than calls: a storm of connections waits in the kernel, not in our loop (A21). */
static void stream_accept_paced(struct stream_listener *l)
{
	if (l->o.accepts_per_s && !rate_take(&l->pace, 1, uv_hrtime() / 1000)) {
		metric_add(&net_metrics, NET_STREAM_PACED, 1);
		uv_timer_start(&l->retry, stream_on_retry, STREAM_PACE_MS, 0);
		return;
	}
	stream_accept_one(l);
}

static void stream_on_connection(uv_stream_t *server, int status)
{
	struct stream_listener *l = server->data;

	if (status < 0 || l->closed)
		return;
	stream_accept_paced(l);
}

static void stream_on_retry(uv_timer_t *t)
{
	stream_accept_paced(t->data);
}

/* ---------------------------------------------------------------- making and closing */

static void stream_listener_destroy(void *obj)
{
	struct stream_listener *l = obj;

	table_free(l->froms);
	mem_unref(l->o.tls);
	mem_unref(l->path);
}

static void stream_on_listener_handle_closed(uv_handle_t *h)
{
	mem_unref(h->data);
}

static int stream_listener_new(uv_loop_t *loop, const struct stream_listen_options *o,
			       struct stream_listener **ret_listener)
{
	struct stream_listener *l = mem_zalloc(sizeof(*l), stream_listener_destroy);
	int err;

	if (!l)
		return -ENOMEM;
	l->o = *o;
	mem_ref(o->tls);
	if (!l->o.max_streams)
		l->o.max_streams = STREAM_MAX_DEFAULT;
	if (!l->o.handshake_ms)
		l->o.handshake_ms = STREAM_HANDSHAKE_MS;
	if (!l->o.send_queue_bytes)
		l->o.send_queue_bytes = STREAM_QUEUE_BYTES_DEFAULT;
	rate_init(&l->pace, o->accepts_per_s, o->accepts_per_s, uv_hrtime() / 1000);
	LIST_INIT(&l->handshakes);
	if (l->o.max_per_address) {
		err = table_new(l->o.max_streams, &l->froms);
		if (err) {
			mem_unref(l);
			return err;
		}
	}
	uv_timer_init(loop, &l->retry);
	l->retry.data = mem_ref(l);
	*ret_listener = l;
	return 0;
}

static int stream_bind_tcp(uv_loop_t *loop, struct stream_listener *l, const struct addr *local)
{
	struct sockaddr_storage sa;
	int err, len = sizeof(sa);

	err = device_tcp_init(loop, &l->io.tcp, local->family, l->o.device);
	if (err)
		return err;
	l->io.handle.data = mem_ref(l);
	addr_to_sockaddr(local, &sa);
	err = device_tcp_bind(&l->io.tcp, l->o.device);
	l->o.device = NULL; /* the caller's */
	if (!err)
		err = uv_tcp_bind(&l->io.tcp, (struct sockaddr *)&sa,
				  local->family == ADDR_V6 ? UV_TCP_IPV6ONLY : 0);
	if (!err)
		err = dscp_tcp_set(&l->io.tcp, local->family, l->o.dscp);
	if (!err)
		err = uv_listen(&l->io.stream, STREAM_LISTEN_BACKLOG, stream_on_connection);
	len = sizeof(sa);
	if (!err)
		err = uv_tcp_getsockname(&l->io.tcp, (struct sockaddr *)&sa, &len);
	return err ? err : addr_from_sockaddr((struct sockaddr *)&sa, &l->local);
}

int stream_listen(uv_loop_t *loop, const struct addr *local, const struct stream_listen_options *o,
		  stream_accept_h *accept, void *arg, struct stream_listener **ret_listener)
{
	struct stream_listener *l;
	int err;

	if (local->family != ADDR_V4 && local->family != ADDR_V6)
		return -EAFNOSUPPORT;
	err = stream_listener_new(loop, o, &l);
	if (err)
		return err;
	l->accept = accept;
	l->arg = arg;
	err = stream_bind_tcp(loop, l, local);
	if (err) {
		stream_listener_close(l);
		return err;
	}
	*ret_listener = l;
	return 0;
}

/* Does somebody answer on the socket at path? A file that is no socket is not ours to remove. */
static int stream_clear_stale(const char *path, const struct sockaddr_un *sa)
{
	struct stat st;
	int fd, err;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? errno : 0;
	close(fd);
	if (err == ENOENT)
		return 0;
	/* Only a refusal proves that nobody listens; a full backlog, say, proves the opposite. */
	if (err != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int stream_bind_unix_fd(struct stream_listener *l, const struct sockaddr_un *sa, int *ret_fd)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* Before bind, so that the file never exists with wider rights; chmod undoes the umask's part. */
	if (fchmod(fd, STREAM_SOCKET_MODE) < 0 ||
	    bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	if (chmod(sa->sun_path, STREAM_SOCKET_MODE) == 0 && stat(sa->sun_path, &st) == 0) {
		l->path_dev = st.st_dev;
		l->path_ino = st.st_ino;
	}
	*ret_fd = fd;
	return 0;
}

static int stream_bind_unix(uv_loop_t *loop, struct stream_listener *l, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd = -1, err;

	if (len == 0 || len >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, len + 1);
	err = stream_clear_stale(path, &sa);
	if (!err)
		err = mem_strdup(path, len, &l->path);
	if (err)
		return err;
	err = uv_pipe_init(loop, &l->io.pipe, 0);
	if (err)
		return err;
	l->io.handle.data = mem_ref(l);
	err = stream_bind_unix_fd(l, &sa, &fd);
	if (err)
		return err;
	err = uv_pipe_open(&l->io.pipe, fd);
	if (err) {
		close(fd);
		return err;
	}
	return uv_listen(&l->io.stream, STREAM_LISTEN_BACKLOG, stream_on_connection);
}

int stream_listen_unix(uv_loop_t *loop, const char *path, const struct stream_listen_options *o,
		       stream_accept_h *accept, void *arg, struct stream_listener **ret_listener)
{
	struct stream_listener *l;
	int err = stream_listener_new(loop, o, &l);

	if (err)
		return err;
	l->accept = accept;
	l->arg = arg;
	err = stream_bind_unix(loop, l, path);
	if (err) {
		stream_listener_close(l);
		return err;
	}
	*ret_listener = l;
	return 0;
}

const struct addr *stream_listener_local(const struct stream_listener *l)
{
	return &l->local;
}

/* A successor may have put its own socket there already; that one stays. */
static void stream_remove_path(struct stream_listener *l)
{
	struct stat st;

	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->path_dev &&
	    st.st_ino == l->path_ino)
		unlink(l->path);
}

void stream_listener_set_tls(struct stream_listener *l, struct tls_context *tls)
{
	if (!l->o.tls || !tls)
		return;
	mem_ref(tls);
	mem_unref(l->o.tls);
	l->o.tls = tls;
}

struct stream_listener *stream_listener_close(struct stream_listener *l)
{
	struct stream *s;

	if (!l || l->closed)
		return NULL;
	l->closed = true;
	stream_remove_path(l);
	if (l->io.handle.data)
		uv_close(&l->io.handle, stream_on_listener_handle_closed);
	uv_close((uv_handle_t *)&l->retry, stream_on_listener_handle_closed);
	/* Half-open ones belong to nobody but us; accepted ones live on with their owners. */
	while ((s = LIST_FIRST(&l->handshakes))) {
		LIST_REMOVE(s, handshake_entry);
		s->in_handshakes = false;
		stream_end(s);
	}
	mem_unref(l);
	return NULL;
}
