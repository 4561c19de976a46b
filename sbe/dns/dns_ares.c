/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_ares - sockets of c-ares become poll handles of libuv, its timeouts a timer of ours.
 *
 * c-ares may call back from inside ares_query (no server, no memory); such a result is put on a list and told by a
 * timer, so that whoever asks is never called back while asking.
 */
#include "sbe/dns/dns_ares.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#include "common/mem.h"
#include "sbe/dns/dns_record.h"

#define EDNS_BYTES 1232 /* fits an unfragmented packet everywhere */
#define TICK_MS 20U

struct ares_sock {
	uv_poll_t poll;
	struct dns_ares *ares;
	ares_socket_t fd;
	LIST_ENTRY(ares_sock) link;
};
struct ares_query_ctx {
	struct dns_ares *ares;
	uint64_t ticket;
	int err;
	TAILQ_ENTRY(ares_query_ctx) failed;
};
struct dns_ares {
	struct dns_ares_options o;
	ares_channel channel;
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
	struct timeval max = {.tv_sec = 1}, left, *t = ares_timeout(a->channel, NULL, &left);
	uint64_t ms = TICK_MS;

	if (!t) {
		timer_stop(&a->tick);
		return;
	}
	if (t->tv_sec >= max.tv_sec)
		t = &max;
	ms += (uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_usec / 1000;
	timer_start(a->o.wheel, &a->tick, ms, on_tick, a);
}

static void on_tick(void *arg)
{
	struct dns_ares *a = arg;

	ares_process_fd(a->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(a);
}

/* ---- sockets */

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct ares_sock *s = h->data;
	struct dns_ares *a = s->ares;
	ares_socket_t fd = s->fd;

	ares_process_fd(a->channel, status < 0 || events & UV_READABLE ? fd : ARES_SOCKET_BAD,
			status < 0 || events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
	arm(a);
}

static void on_sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns_ares *a = arg;
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
		s->ares = a;
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

static void on_answer(void *arg, int status, int timeouts, unsigned char *packet, int len_bytes)
{
	struct ares_query_ctx *q = arg;
	struct dns_ares *a = q->ares;
	uint64_t ticket = q->ticket;
	/* with a packet the response itself says what it is: also "no such name" has things to tell */
	int err = packet && len_bytes > 0 ? 0 : status == ARES_ETIMEOUT ? -ETIMEDOUT : -EREMOTEIO;

	(void)timeouts;
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

int dns_ares_ask(void *ctx, const char *name, int type, uint64_t ticket)
{
	struct dns_ares *a = ctx;
	struct ares_query_ctx *q = mem_buffer(sizeof(*q));

	if (!q)
		return -ENOMEM;
	*q = (struct ares_query_ctx){.ares = a, .ticket = ticket};
	a->asking = true;
	ares_query(a->channel, name, ns_c_in, wire_types[type], on_answer, q);
	a->asking = false;
	arm(a);
	return 0;
}

/* ---- life */

static int set_servers(struct dns_ares *a)
{
	struct ares_addr_port_node nodes[DNS_SERVERS_MAX];
	size_t n = a->o.nservers;

	if (!n)
		return 0;
	if (n > DNS_SERVERS_MAX)
		return -EINVAL;
	memset(nodes, 0, sizeof(nodes));
	for (size_t i = 0; i < n; i++) {
		const struct addr *s = &a->o.servers[i];

		nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
		nodes[i].family = s->family == ADDR_V6 ? AF_INET6 : AF_INET;
		memcpy(&nodes[i].addr, s->ip, s->family == ADDR_V6 ? 16 : 4);
		nodes[i].udp_port = nodes[i].tcp_port = s->port ? s->port : DNS_PORT;
	}
	return ares_set_servers_ports(a->channel, nodes) == ARES_SUCCESS ? 0 : -EINVAL;
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
	if (a->channel)
		ares_destroy(a->channel);
	while ((s = LIST_FIRST(&a->socks)))
		sock_close(s);
	while ((q = TAILQ_FIRST(&a->failed))) {
		TAILQ_REMOVE(&a->failed, q, failed);
		mem_free(q);
	}
	mem_free(a);
	ares_library_cleanup();
}

int dns_ares_new(const struct dns_ares_options *o, struct dns_ares **ret_ares)
{
	/* Only the DNS is asked, no hosts file; a question is a full name, nothing is appended; a server's "failed" is
	 * told instead of asking all others for the same. */
	struct ares_options ao = {.flags =
					  ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
				  .timeout = (int)o->try_ms,
				  .tries = (int)o->tries,
				  .ednspsz = EDNS_BYTES,
				  .sock_state_cb = on_sock_state,
				  .lookups = (char *)(uintptr_t) "b"};
	struct dns_ares *a;
	int err;

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
	ao.sock_state_cb_data = a;
	err = ares_init_options(&a->channel, &ao,
				ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB |
					ARES_OPT_LOOKUPS);
	if (err != ARES_SUCCESS) {
		a->channel = NULL;
		err = -ENOMEM;
	} else {
		err = set_servers(a);
	}
	if (err) {
		dns_ares_free(a);
		return err;
	}
	*ret_ares = a;
	return 0;
}
