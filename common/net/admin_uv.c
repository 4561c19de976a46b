/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_uv - the operators' socket (reliability A30).
 *
 * Calls come first: one command is run per turn of the loop and client, and what a client sends
 * ahead waits in its buffer of one line's size, also while an answer is still to come. A client that sends more,
 * sends nothing for a while, or does not read its answer is closed.
 */
#include "common/net/admin_uv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/net/stream.h"

#define ADMIN_CLIENTS_MAX 32
#define ADMIN_IDLE_MS 30000
#define ADMIN_ANSWER_MS 2000
#define ADMIN_OUTPUT_MAX_BYTES (8U * 1024 * 1024)
#define ADMIN_BUFFER_MIN_BYTES 1024

struct admin_client {
	struct admin_uv *server; /* reference */
	struct stream *stream;
	uv_idle_t
		turn; /* runs while lines wait: libuv would fire a 0 ms timer again in the same turn */
	uv_timer_t deadline;           /* of the answer that is pending */
	struct admin_pending *pending; /* NULL = no command is under way */
	uint32_t answer_ms;
	char *buf;
	size_t used, size_bytes;
	bool ended; /* the far end has sent its last byte */
	LIST_ENTRY(admin_client) entry;
};

struct admin_uv {
	uv_loop_t *loop;
	struct admin *table;
	struct stream_listener *listener;
	uint32_t idle_ms, answer_ms;
	bool closed;
	LIST_HEAD(, admin_client) clients;
};

static void admin_client_work(struct admin_client *c);
static void admin_client_resume(struct admin_client *c);

/* ---------------------------------------------------------------- client */

static void admin_client_destroy(void *obj)
{
	struct admin_client *c = obj;

	mem_free(c->buf);
	mem_unref(c->server);
}

static void admin_client_on_closed(uv_handle_t *h)
{
	mem_unref(h->data);
}

/* @param flush let what is queued go out first */
static void admin_client_close(struct admin_client *c, bool flush)
{
	if (!c->stream)
		return;
	if (flush)
		stream_close_flushed(c->stream);
	else
		stream_close(c->stream);
	c->stream = NULL;
	c->pending = admin_cancel(c->pending);
	LIST_REMOVE(c, entry);
	uv_close((uv_handle_t *)&c->turn, admin_client_on_closed);
	uv_close((uv_handle_t *)&c->deadline, admin_client_on_closed);
}

static void admin_client_refuse(struct admin_client *c, const char *why)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "{\"v\":1,\"code\":%d,\"error\":\"%s\"}\n",
			 ADMIN_FAILED, why);

	stream_send(c->stream, line, (size_t)n);
}

/* At once or later; who stopped the daemon by a command gets none. */
static void admin_client_on_reply(void *arg, const char *reply, size_t reply_bytes)
{
	struct admin_client *c = arg;
	bool late = c->pending != NULL;

	c->pending = NULL;
	if (!c->stream)
		return;
	if (!reply)
		admin_client_refuse(c, "out of memory");
	else if (reply_bytes > ADMIN_OUTPUT_MAX_BYTES)
		admin_client_refuse(c, "the answer is too long, ask for less");
	else
		stream_send(c->stream, reply, reply_bytes);
	if (late)
		admin_client_resume(c);
}

static void admin_client_on_deadline(uv_timer_t *t)
{
	struct admin_client *c = t->data;

	c->pending = admin_cancel(c->pending);
	admin_client_refuse(c, "the answer took too long");
	admin_client_resume(c);
}

static void admin_client_answer(struct admin_client *c, const char *line, size_t len_bytes)
{
	c->pending = admin_ask(c->server->table, line, len_bytes, admin_client_on_reply, c);
	if (!c->stream) /* the command was to stop the daemon */
		c->pending = admin_cancel(c->pending);
	else if (c->pending)
		uv_timer_start(&c->deadline, admin_client_on_deadline, c->answer_ms, 0);
}

static void admin_client_on_turn(uv_idle_t *t)
{
	struct admin_client *c = t->data;

	mem_ref(c);
	admin_client_work(c);
	mem_unref(c);
}

/* The answer is out: the line behind it gets its turn, or the end its due. */
static void admin_client_resume(struct admin_client *c)
{
	if (!c->stream)
		return;
	uv_timer_stop(&c->deadline);
	uv_idle_start(&c->turn, admin_client_on_turn);
}

/* Run the first line of the buffer, if it is complete. */
static void admin_client_work(struct admin_client *c)
{
	char *end = c->used ? memchr(c->buf, '\n', c->used) : NULL;

	if (end) {
		size_t len_bytes = (size_t)(end - c->buf);

		admin_client_answer(c, c->buf, len_bytes);
		c->used -= len_bytes + 1;
		memmove(c->buf, end + 1, c->used);
	}
	if (!c->stream)
		return;
	if (c->pending) {
		uv_idle_stop(&c->turn);
		return;
	}
	if (c->used && memchr(c->buf, '\n', c->used)) {
		uv_idle_start(&c->turn, admin_client_on_turn);
		return;
	}
	uv_idle_stop(&c->turn);
	if (c->ended)
		admin_client_close(c, true);
}

static int admin_client_store(struct admin_client *c, const uint8_t *data, size_t len_bytes)
{
	size_t need_bytes = c->used + len_bytes, size_bytes = ADMIN_BUFFER_MIN_BYTES;
	char *bigger;

	/* One line and its end. */
	if (need_bytes > ADMIN_LINE_MAX_BYTES + 1)
		return -E2BIG;
	if (need_bytes > c->size_bytes) {
		while (size_bytes < need_bytes)
			size_bytes *= 2;
		bigger = mem_resize(c->buf, size_bytes);
		if (!bigger)
			return -ENOMEM;
		c->buf = bigger;
		c->size_bytes = size_bytes;
	}
	memcpy(c->buf + c->used, data, len_bytes);
	c->used = need_bytes;
	return 0;
}

static void admin_client_on_data(void *arg, const uint8_t *data, size_t len_bytes)
{
	struct admin_client *c = arg;
	int err = admin_client_store(c, data, len_bytes);

	if (err) {
		admin_client_refuse(c,
				    err == -E2BIG ? "more than 64 KiB at once" : "out of memory");
		admin_client_close(c, true);
		return;
	}
	/* If a turn is due already, or an answer, the lines before come first. */
	if (!c->pending && !uv_is_active((uv_handle_t *)&c->turn)) {
		mem_ref(c);
		admin_client_work(c);
		mem_unref(c);
	}
}

static void admin_client_on_stream_closed(void *arg, int err)
{
	struct admin_client *c = arg;

	/* A client may close its sending side at once and wait for the answers. */
	if (err == 0 && (c->pending || uv_is_active((uv_handle_t *)&c->turn)))
		c->ended = true;
	else
		admin_client_close(c, err == 0);
}

static void admin_uv_on_accept(void *arg, struct stream *s)
{
	static const struct stream_handlers handlers = {
		.data = admin_client_on_data,
		.closed = admin_client_on_stream_closed,
	};
	struct admin_uv *server = arg;
	struct admin_client *c = mem_zalloc(sizeof(*c), admin_client_destroy);

	if (!c) {
		stream_close(s);
		return;
	}
	c->server = mem_ref(server);
	c->stream = s;
	uv_idle_init(server->loop, &c->turn);
	c->turn.data = c;
	uv_timer_init(server->loop, &c->deadline);
	c->deadline.data = mem_ref(c); /* each handle holds one */
	c->answer_ms = server->answer_ms;
	LIST_INSERT_HEAD(&server->clients, c, entry);
	stream_set_handlers(s, &handlers, c);
	stream_set_idle_ms(s, server->idle_ms);
}

/* ---------------------------------------------------------------- server */

/* The directory of the socket, if only its last part is missing (/run is empty after a boot). */
static void admin_uv_make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[256];

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(dir))
		return;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = 0;
	(void)mkdir(dir, 0755); /* whatever is wrong, bind will say so */
}

int admin_uv_listen(uv_loop_t *loop, const char *path, struct admin *table,
		    struct admin_uv **ret_server)
{
	const struct stream_listen_options o = {
		.max_streams = ADMIN_CLIENTS_MAX,
		.send_queue_bytes = ADMIN_OUTPUT_MAX_BYTES,
	};
	struct admin_uv *s = mem_zalloc(sizeof(*s), NULL);
	int err;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->table = table;
	s->idle_ms = ADMIN_IDLE_MS;
	s->answer_ms = ADMIN_ANSWER_MS;
	LIST_INIT(&s->clients);
	admin_uv_make_directory(path);
	err = stream_listen_unix(loop, path, &o, admin_uv_on_accept, s, &s->listener);
	if (err) {
		mem_unref(s);
		return err;
	}
	*ret_server = s;
	return 0;
}

void admin_uv_set_idle_ms(struct admin_uv *s, uint32_t idle_ms)
{
	s->idle_ms = idle_ms;
}

void admin_uv_set_answer_ms(struct admin_uv *s, uint32_t answer_ms)
{
	s->answer_ms = answer_ms;
}

struct admin_uv *admin_uv_close(struct admin_uv *s)
{
	struct admin_client *c;

	if (!s || s->closed)
		return NULL;
	s->closed = true;
	s->listener = stream_listener_close(s->listener);
	while ((c = LIST_FIRST(&s->clients)))
		admin_client_close(c, true);
	mem_unref(s);
	return NULL;
}
