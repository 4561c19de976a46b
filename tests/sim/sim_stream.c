/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_stream - common/net/stream.h on the simulated network: linked in place of the real one.
 *
 * A connection is two ends; bytes arrive in order, late, in pieces. It can be cut (both ends hear of it), stand
 * still, or lose one end without a word (a host that is gone).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/net/stream.h"
#include "tests/sim/sim.h"

struct chunk {
	STAILQ_ENTRY(chunk) next;
	uint64_t due_ms;
	size_t n;
	uint8_t data[];
};

enum kind { CONNECTING, OPEN, REFUSED, ENDED };

struct stream {
	LIST_ENTRY(stream) link;
	struct stream *far; /* NULL = gone */
	struct stream_handlers h;
	void *arg;
	struct addr local, remote;
	enum kind kind;
	STAILQ_HEAD(, chunk) in; /* on its way to us */
	uint64_t last_ms;        /* when the last of it arrives */
	bool fin, told;          /* the far end has closed; we have been told */
	int fin_err;
	uint64_t fin_ms;
	struct timer timer;
	bool busy, gone; /* gone: closed by its owner while busy */
};

struct stream_listener {
	LIST_ENTRY(stream_listener) link;
	struct addr local;
	stream_accept_h *accept;
	void *arg;
};

static LIST_HEAD(, stream) streams = LIST_HEAD_INITIALIZER(streams);
static LIST_HEAD(, stream_listener) listeners = LIST_HEAD_INITIALIZER(listeners);
static uint64_t stalled_until_ms;
static bool silent;

static void turn(void *arg);

static struct stream *new_stream(const struct addr *local, const struct addr *remote)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->local = *local;
	s->remote = *remote;
	STAILQ_INIT(&s->in);
	LIST_INSERT_HEAD(&streams, s, link);
	return s;
}

static void end_stream(struct stream *s)
{
	struct chunk *c;

	timer_stop(&s->timer);
	while ((c = STAILQ_FIRST(&s->in))) {
		STAILQ_REMOVE_HEAD(&s->in, next);
		free(c);
	}
	if (s->far)
		s->far->far = NULL;
	LIST_REMOVE(s, link);
	free(s);
}

/* ---- arrivals */

static void wake(struct stream *s)
{
	uint64_t now_ms = clock_now_ms(), due_ms = UINT64_MAX;

	if (!STAILQ_EMPTY(&s->in))
		due_ms = STAILQ_FIRST(&s->in)->due_ms;
	else if (s->fin && !s->told)
		due_ms = s->fin_ms;
	if (due_ms == UINT64_MAX || s->kind == CONNECTING)
		return;
	if (due_ms < stalled_until_ms)
		due_ms = stalled_until_ms;
	timer_start(sim.wheel, &s->timer, due_ms > now_ms ? due_ms - now_ms : 0, turn, s);
}

static void connected(struct stream *s)
{
	struct stream_listener *l;
	struct stream *far;

	LIST_FOREACH(l, &listeners, link)
		if (addr_equal(&l->local, &s->remote))
			break;
	if (!l || stalled_until_ms > clock_now_ms()) {
		s->kind = REFUSED;
		s->told = true;
		s->h.closed(s->arg, l ? -ETIMEDOUT : -ECONNREFUSED);
		return;
	}
	far = new_stream(&s->remote, &s->local);
	s->kind = far->kind = OPEN;
	s->far = far;
	far->far = s;
	far->busy = true;
	l->accept(l->arg, far);
	far->busy = false;
	if (far->gone)
		end_stream(far);
	if (!s->gone && s->h.open)
		s->h.open(s->arg);
}

static void deliver(struct stream *s)
{
	struct chunk *c = STAILQ_FIRST(&s->in);

	if (c && c->due_ms <= clock_now_ms()) {
		STAILQ_REMOVE_HEAD(&s->in, next);
		if (s->h.data)
			s->h.data(s->arg, c->data, c->n);
		free(c);
	} else if (!c && s->fin && !s->told && s->fin_ms <= clock_now_ms()) {
		s->told = true;
		if (s->h.closed)
			s->h.closed(s->arg, s->fin_err);
	}
}

static void turn(void *arg)
{
	struct stream *s = arg;

	s->busy = true;
	if (s->kind == CONNECTING)
		connected(s);
	else
		deliver(s);
	s->busy = false;
	if (s->gone)
		end_stream(s);
	else
		wake(s);
}

/* ---- the interface */

int stream_connect(uv_loop_t *loop, const struct addr *to, const struct stream_options *o,
		   const struct stream_handlers *h, void *arg, struct stream **ret_stream)
{
	static uint16_t port;
	struct addr local = o->bind ? *o->bind : *to;
	struct stream *s;

	(void)loop;
	local.port = (uint16_t)(20000 + port++ % 20000);
	s = new_stream(&local, to);
	s->h = *h;
	s->arg = arg;
	timer_start(sim.wheel, &s->timer, sim_between(1, 5), turn, s);
	*ret_stream = s;
	return 0;
}

int stream_send(struct stream *s, const void *data, size_t len_bytes)
{
	const uint8_t *at = data;

	if (s->kind != OPEN)
		return -ENOTCONN;
	while (len_bytes && s->far) {
		/* now and then in pieces */
		size_t n = len_bytes > 1 && sim_chance(2) ? 1 + sim_pick((unsigned)len_bytes - 1)
							  : len_bytes;
		struct chunk *c = malloc(sizeof(*c) + n);
		bool first = STAILQ_EMPTY(&s->far->in);

		if (!c)
			abort();
		c->due_ms = clock_now_ms() + 1 + (sim.calm ? 0 : sim_pick(3));
		if (s->far->last_ms > c->due_ms)
			c->due_ms = s->far->last_ms;
		s->far->last_ms = c->due_ms;
		c->n = n;
		memcpy(c->data, at, n);
		at += n;
		len_bytes -= n;
		STAILQ_INSERT_TAIL(&s->far->in, c, next);
		if (first)
			wake(s->far);
	}
	return 0;
}

struct stream *stream_close(struct stream *s)
{
	if (!s)
		return NULL;
	if (s->far && !silent) {
		s->far->fin = true;
		s->far->fin_ms = clock_now_ms() + 1;
		wake(s->far);
	}
	if (s->far)
		s->far->far = NULL;
	s->far = NULL;
	s->kind = ENDED;
	if (s->busy)
		s->gone = true;
	else
		end_stream(s);
	return NULL;
}

struct stream *stream_close_flushed(struct stream *s)
{
	return stream_close(s); /* what was sent is on its way */
}

int stream_listen(uv_loop_t *loop, const struct addr *local, const struct stream_listen_options *o,
		  stream_accept_h *accept, void *arg, struct stream_listener **ret_listener)
{
	struct stream_listener *l = calloc(1, sizeof(*l));

	(void)loop;
	(void)o;
	if (!l)
		return -ENOMEM;
	l->local = *local;
	l->accept = accept;
	l->arg = arg;
	LIST_INSERT_HEAD(&listeners, l, link);
	*ret_listener = l;
	return 0;
}

struct stream_listener *stream_listener_close(struct stream_listener *l)
{
	if (l)
		LIST_REMOVE(l, link);
	free(l);
	return NULL;
}

const struct addr *stream_listener_local(const struct stream_listener *l)
{
	return &l->local;
}

void stream_listener_set_tls(struct stream_listener *l, struct tls_context *tls)
{
	(void)l;
	(void)tls;
}

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
	(void)s;
	return false;
}

bool stream_peer_has_name(const struct stream *s, const char *name)
{
	(void)s;
	(void)name;
	return false;
}

size_t stream_unread_bytes(const struct stream *s)
{
	(void)s;
	return 0;
}

size_t stream_untaken_bytes(const struct stream *s, uint64_t *ret_taken)
{
	(void)s;
	*ret_taken = 0;
	return 0;
}

const char *stream_tls_text(const struct stream *s)
{
	(void)s;
	return "";
}

void stream_set_handlers(struct stream *s, const struct stream_handlers *h, void *arg)
{
	s->h = *h;
	s->arg = arg;
}

void stream_set_urgent(struct stream *s)
{
	(void)s;
}

void stream_set_idle_ms(struct stream *s, uint32_t idle_ms)
{
	(void)s;
	(void)idle_ms;
}

const char *stream_error_text(const struct stream *s)
{
	(void)s;
	return "";
}

/* ---- faults */

void sim_stream_cut_all(void)
{
	struct stream *s;

	sim_count(COVER_GATE_CUTS);
	sim_trace("-- gate control connections are cut");
	LIST_FOREACH(s, &streams, link) {
		struct chunk *c;

		if (s->kind != OPEN || s->fin)
			continue;
		/* what is on its way may be lost with it */
		while (sim_chance(50) && (c = STAILQ_FIRST(&s->in))) {
			STAILQ_REMOVE_HEAD(&s->in, next);
			free(c);
		}
		if (s->far)
			s->far->far = NULL;
		s->far = NULL;
		s->fin = true;
		s->fin_err = -ECONNRESET;
		s->fin_ms = clock_now_ms() + sim_pick(20);
		wake(s);
	}
}

void sim_stream_stall_all(uint32_t ms)
{
	struct stream *s;

	sim_count(COVER_GATE_STALLS);
	sim_trace("-- gate control stands still for %u ms", ms);
	stalled_until_ms = clock_now_ms() + ms;
	LIST_FOREACH(s, &streams, link)
		wake(s);
}

void sim_stream_heal(void)
{
	struct stream *s;

	stalled_until_ms = 0;
	LIST_FOREACH(s, &streams, link)
		wake(s);
}

void sim_stream_silent(bool on)
{
	silent = on;
}

size_t sim_stream_count(void)
{
	struct stream *s;
	size_t n = 0;

	LIST_FOREACH(s, &streams, link)
		n++;
	return n;
}
