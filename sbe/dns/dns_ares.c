/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_ares - sockets of c-ares become poll handles of libuv, its timeouts a timer of ours.
 *
 * c-ares may call back from inside ares_query (no server, no memory); such a result is put on a list and told by a
 * timer, so that whoever asks is never called back while asking.
 *
 * Each server has a channel of its own, for c-ares forgets that a server is dead: every question would wait for it again.
 * Here the next server becomes the first one to ask, and one question now and then tries the one that was (C9).
 */
#include "sbe/dns/dns_ares.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "sbe/dns/dns_record.h"

#define EDNS_BYTES 1232 /* fits an unfragmented packet everywhere */
#define TICK_MS 20U
#define RETURN_MS 30000U /* so often the server the operator named first is tried again */

struct ares_sock {
	uv_poll_t poll;
	struct ares_server *server;
	ares_socket_t fd;
	LIST_ENTRY(ares_sock) link;
};
struct ares_query_ctx {
	struct dns_ares *ares;
	uint64_t ticket;
	int err, type;
	size_t server;
	size_t left; /* servers that may be asked yet */
	TAILQ_ENTRY(ares_query_ctx) failed;
	char name[];
};
struct ares_server {
	struct dns_ares *ares;
	ares_channel channel;
	struct addr at;
};
struct dns_ares {
	struct dns_ares_options o;
	struct ares_server servers[DNS_SERVERS_MAX];
	size_t nservers;
	size_t first; /* asked first */
	uint64_t return_ms;
	bool asking, closing;
	struct timer tick, tell;
	LIST_HEAD(, ares_sock) socks;
	TAILQ_HEAD(, ares_query_ctx) failed;
};

static const int wire_types[DNS_TYPES] = {ns_t_a, ns_t_aaaa, ns_t_srv, ns_t_naptr};

static void on_closed(uv_handle_t *h)
{
	mem_free(h->data);
}

static void sock_close(struct ares_sock *s)
{
	LIST_REMOVE(s, link);
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}

/* ---- time */

static void on_tick(void *arg);

static void arm(struct dns_ares *a)
{
	uint64_t ms = UINT64_MAX;

	for (size_t i = 0; i < a->nservers; i++) {
		struct timeval max = {.tv_sec = 1}, left;
		struct timeval *t = ares_timeout(a->servers[i].channel, NULL, &left);
		uint64_t t_ms;

		if (!t)
			continue;
		if (t->tv_sec >= max.tv_sec)
			t = &max;
		t_ms = (uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_usec / 1000;
		ms = t_ms < ms ? t_ms : ms;
	}
	if (ms == UINT64_MAX)
		timer_stop(&a->tick);
	else
		timer_start(a->o.wheel, &a->tick, ms + TICK_MS, on_tick, a);
}

static void on_tick(void *arg)
{
	struct dns_ares *a = arg;

	for (size_t i = 0; i < a->nservers; i++)
		ares_process_fd(a->servers[i].channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(a);
}

/* ---- sockets */

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct ares_sock *s = h->data;
	struct ares_server *server = s->server;
	ares_socket_t fd = s->fd;

	ares_process_fd(server->channel, status < 0 || events & UV_READABLE ? fd : ARES_SOCKET_BAD,
			status < 0 || events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
	arm(server->ares);
}

static void on_sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct ares_server *server = arg;
	struct dns_ares *a = server->ares;
	struct ares_sock *s;

	LIST_FOREACH(s, &a->socks, link)
		if (s->fd == fd)
			break;
	if (!readable && !writable) {
		if (s)
			sock_close(s);
		return;
	}
	if (!s) {
		s = mem_buffer(sizeof(*s));
		if (!s)
			return; /* the question times out */
		memset(s, 0, sizeof(*s));
		if (uv_poll_init_socket(a->o.loop, &s->poll, fd)) {
			mem_free(s);
			return;
		}
		s->poll.data = s;
		s->server = server;
		s->fd = fd;
		LIST_INSERT_HEAD(&a->socks, s, link);
	}
	uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
		      on_poll);
}

/* ---- questions */

static void tell_failed(void *arg)
{
	struct dns_ares *a = arg;
	struct ares_query_ctx *q;

	while ((q = TAILQ_FIRST(&a->failed))) {
		uint64_t ticket = q->ticket;
		int err = q->err;

		TAILQ_REMOVE(&a->failed, q, failed);
		mem_free(q);
		a->o.fn(a->o.arg, ticket, err, NULL, 0);
	}
}

static void ask(struct ares_query_ctx *q);

/* A server let a question down, or answers again: who is asked first from now on. */
static void judge(struct dns_ares *a, size_t server, bool answers)
{
	char text[ADDR_TEXT_BYTES];

	if (a->nservers < 2 || (answers ? server >= a->first : server != a->first))
		return;
	if (!answers) {
		LOG_NOTICE("dns", "name server %s does not answer, the next one is asked first",
			   addr_print(&a->servers[server].at, text, sizeof(text)));
		a->first = (server + 1) % a->nservers;
		a->return_ms = clock_now_ms() + RETURN_MS;
	} else {
		LOG_NOTICE("dns", "name server %s answers again",
			   addr_print(&a->servers[server].at, text, sizeof(text)));
		a->first = server;
	}
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int len_bytes)
{
	struct ares_query_ctx *q = arg;
	struct dns_ares *a = q->ares;
	uint64_t ticket = q->ticket;
	/* with a packet the response itself says what it is: also "no such name" has things to tell */
	int err = packet && len_bytes > 0 ? 0 : status == ARES_ETIMEOUT ? -ETIMEDOUT : -EREMOTEIO;

	(void)timeouts;
	if (!a->closing && (!err || status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED))
		judge(a, q->server, !err);
	if (err && !a->closing && q->left && status != ARES_EBADNAME && status != ARES_ENOMEM) {
		q->server = (q->server + 1) % a->nservers;
		ask(q);
		return;
	}
	if (a->asking) {
		q->err = err ? err : -EREMOTEIO;
		TAILQ_INSERT_TAIL(&a->failed, q, failed);
		timer_start(a->o.wheel, &a->tell, 0, tell_failed, a);
		return;
	}
	mem_free(q);
	if (!a->closing)
		a->o.fn(a->o.arg, ticket, err, packet, (size_t)len_bytes);
}

static void ask(struct ares_query_ctx *q)
{
	struct dns_ares *a = q->ares;

	q->left--;
	ares_query(a->servers[q->server].channel, q->name, ns_c_in, wire_types[q->type], on_answer,
		   q);
}

int dns_ares_ask(void *ctx, const char *name, int type, uint64_t ticket)
{
	struct dns_ares *a = ctx;
	size_t name_bytes = strlen(name) + 1;
	struct ares_query_ctx *q = mem_buffer(sizeof(*q) + name_bytes);

	if (!q)
		return -ENOMEM;
	*q = (struct ares_query_ctx){.ares = a, .ticket = ticket, .type = type, .server = a->first};
	memcpy(q->name, name, name_bytes);
	q->left = a->nservers > 1 ? a->nservers * a->o.tries : 1;
	if (a->first && clock_now_ms() >= a->return_ms) {
		q->server = 0;
		a->return_ms = clock_now_ms() + RETURN_MS;
	}
	a->asking = true;
	ask(q);
	a->asking = false;
	arm(a);
	return 0;
}

/* ---- life */

static int set_server(ares_channel channel, const struct addr *s)
{
	struct ares_addr_port_node node = {.family = s->family == ADDR_V6 ? AF_INET6 : AF_INET};

	memcpy(&node.addr, s->ip, s->family == ADDR_V6 ? 16 : 4);
	node.udp_port = node.tcp_port = s->port ? s->port : DNS_PORT;
	return ares_set_servers_ports(channel, &node) == ARES_SUCCESS ? 0 : -EINVAL;
}

void dns_ares_free(struct dns_ares *a)
{
	struct ares_query_ctx *q;
	struct ares_sock *s;

	if (!a)
		return;
	a->closing = true;
	timer_stop(&a->tick);
	timer_stop(&a->tell);
	for (size_t i = 0; i < a->nservers; i++)
		ares_destroy(a->servers[i].channel);
	while ((s = LIST_FIRST(&a->socks)))
		sock_close(s);
	while ((q = TAILQ_FIRST(&a->failed))) {
		TAILQ_REMOVE(&a->failed, q, failed);
		mem_free(q);
	}
	mem_free(a);
	ares_library_cleanup();
}

/* A channel to one server, or to those of this host. */
static int server_new(struct dns_ares *a, const struct addr *at)
{
	/* Only the DNS is asked, no hosts file; a question is a full name, nothing is appended. */
	struct ares_server *s = &a->servers[a->nservers];
	struct ares_options ao = {.flags =
					  ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
				  .timeout = (int)a->o.try_ms,
				  .tries = a->o.nservers > 1 ? 1 : (int)a->o.tries,
				  .ednspsz = EDNS_BYTES,
				  .sock_state_cb = on_sock_state,
				  .sock_state_cb_data = s,
				  .lookups = (char *)(uintptr_t) "b"};

	s->ares = a;
	if (ares_init_options(&s->channel, &ao,
			      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				      ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB |
				      ARES_OPT_LOOKUPS) != ARES_SUCCESS)
		return -ENOMEM;
	a->nservers++;
	if (!at)
		return 0;
	s->at = *at;
	return set_server(s->channel, at);
}

int dns_ares_new(const struct dns_ares_options *o, struct dns_ares **ret_ares)
{
	struct dns_ares *a;
	int err = 0;

	if (o->nservers > DNS_SERVERS_MAX)
		return -EINVAL;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return -ENOMEM;
	a = mem_buffer(sizeof(*a));
	if (!a) {
		ares_library_cleanup();
		return -ENOMEM;
	}
	memset(a, 0, sizeof(*a));
	a->o = *o;
	LIST_INIT(&a->socks);
	TAILQ_INIT(&a->failed);
	if (!o->nservers)
		err = server_new(a, NULL);
	for (size_t i = 0; i < o->nservers && !err; i++)
		err = server_new(a, &o->servers[i]);
	if (err) {
		dns_ares_free(a);
		return err;
	}
	*ret_ares = a;
	return 0;
}
