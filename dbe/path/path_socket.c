/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_socket - relays between UDP sockets.
 *
 * Thousands of streams with a packet each 20 ms: at a wake-up most sockets hold one packet, so one recvfrom and
 * one sendto per packet is the least. A socket that is busier (its last packet came under
 * PATH_BUSY_US ago) is read with recvmmsg instead, at most PATH_BATCH packets a turn, and sent with
 * sendmmsg. Each ready socket gets one turn per round, whoever floods whom; what does not fit into a
 * socket's buffer is dropped by the kernel, and nothing is remembered about it: after an
 * overload the next packet is relayed as ever.
 *
 * The sockets are not connected (sources change, and an ICMP error must not reach them: IP_RECVERR
 * stays off). One uv handle watches the epoll set, because a uv handle per socket would cost more than the
 * socket's own state.
 */
#include "dbe/path/path_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/path/path_gate.h"
#include "dbe/path/path_metric.h"
#include "dbe/path/path_pair.h"

#define PATH_EVENTS_PER_ROUND 64
#define PATH_ROUNDS 4 /* per wake-up; then the loop's other work has its turn */
#define PATH_BATCH 16
#define PATH_BUSY_US 2000
#define PATH_DATAGRAM_BYTES 65536U

struct path_end {
	struct path_gate gate; /* first: a gate pointer is an end pointer */
	struct path_sockets *path;
	struct path_pair *pair;
	struct path_end *next_dead;
	uint64_t last_us[PATH_PORTS];
	int fd[PATH_PORTS]; /* of the pair: one line of the cache less per packet */
};

/* What a round relayed, added to the shared counters once per round. */
struct path_tally {
	uint64_t packets, bytes, drops[PATH_DROPS];
};

struct path_sockets {
	struct path base;
	uv_poll_t poll;
	int epoll_fd;
	struct path_pairs pairs; /* busy in a round: what is closed may still be in hand */
	struct path_end *dead;   /* to be freed after the round */
	struct path_tally tally;
	uint8_t *buffers; /* PATH_BATCH datagrams */
	struct mmsghdr in[PATH_BATCH], out[PATH_BATCH];
	struct iovec in_iov[PATH_BATCH], out_iov[PATH_BATCH];
	struct sockaddr_storage from[PATH_BATCH], to[PATH_BATCH];
	struct path_hop hops[PATH_BATCH];
};

static struct path_sockets *sockets_of(struct path *p)
{
	return (struct path_sockets *)p;
}

/* ---------------------------------------------------------------- relaying */

static void tally_sent(struct path_sockets *s, struct path_end *in, const struct path_hop *hop,
		       size_t len_bytes, int err)
{
	path_gate_sent(&in->gate, hop, len_bytes, err);
	if (err) {
		s->tally.drops[PATH_DROP_SEND]++;
		return;
	}
	s->tally.packets++;
	s->tally.bytes += len_bytes;
}

static void sockets_send_one(struct path_sockets *s, struct path_end *in,
			     const struct path_hop *hop, const uint8_t *data, size_t len_bytes)
{
	struct path_end *out = (struct path_end *)hop->out;
	struct sockaddr_storage sa;
	socklen_t sa_bytes = addr_to_sockaddr(hop->to, &sa);
	ssize_t n = sendto(out->fd[hop->port], data, len_bytes, MSG_DONTWAIT,
			   (struct sockaddr *)&sa, sa_bytes);

	tally_sent(s, in, hop, len_bytes, n < 0 ? -errno : 0);
}

/* Send the first n of out[], which all leave by one socket. A refused packet is dropped, never retried. */
static void sockets_send_batch(struct path_sockets *s, struct path_end *in, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		struct path_end *out = (struct path_end *)s->hops[done].out;
		int sent = sendmmsg(out->fd[s->hops[done].port], s->out + done, n - done,
				    MSG_DONTWAIT);

		if (sent <= 0) {
			tally_sent(s, in, &s->hops[done], s->out_iov[done].iov_len,
				   sent < 0 ? -errno : -EIO);
			done++;
			continue;
		}
		for (int i = 0; i < sent; i++, done++)
			tally_sent(s, in, &s->hops[done], s->out_iov[done].iov_len, 0);
	}
}

/* @return true with *ret_hop if the datagram may pass. */
static bool sockets_admit(struct path_sockets *s, struct path_end *e,
			  const struct path_packet *packet, struct path_hop *ret_hop)
{
	int why = path_gate_in(&e->gate, packet, ret_hop);

	if (why == PATH_PASS)
		return true;
	s->tally.drops[why]++;
	return false;
}

static void sockets_read_one(struct path_sockets *s, struct path_end *e, enum path_port port,
			     uint64_t now_us)
{
	socklen_t from_bytes = sizeof(s->from[0]);
	struct path_packet packet = {.data = s->buffers, .port = port, .now_us = now_us};
	struct path_hop hop;
	ssize_t n = recvfrom(e->fd[port], s->buffers, PATH_DATAGRAM_BYTES, MSG_DONTWAIT,
			     (struct sockaddr *)&s->from[0], &from_bytes);

	if (n < 0 || addr_from_sockaddr((struct sockaddr *)&s->from[0], &packet.from) < 0)
		return;
	packet.len_bytes = (size_t)n;
	if (sockets_admit(s, e, &packet, &hop))
		sockets_send_one(s, e, &hop, packet.data, packet.len_bytes);
}

static void sockets_read_batch(struct path_sockets *s, struct path_end *e, enum path_port port,
			       uint64_t now_us)
{
	unsigned queued = 0;
	int n;

	for (unsigned i = 0; i < PATH_BATCH; i++)
		s->in[i].msg_hdr.msg_namelen = sizeof(s->from[i]);
	n = recvmmsg(e->fd[port], s->in, PATH_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct path_packet packet = {.data = s->in_iov[i].iov_base,
					     .len_bytes = s->in[i].msg_len,
					     .port = port,
					     .now_us = now_us};
		struct path_hop hop;

		if (addr_from_sockaddr((struct sockaddr *)&s->from[i], &packet.from) < 0 ||
		    !sockets_admit(s, e, &packet, &hop))
			continue;
		if (queued && s->hops[0].port != hop.port) { /* rtcp-mux on one side only */
			sockets_send_batch(s, e, queued);
			queued = 0;
		}
		s->hops[queued] = hop;
		s->out_iov[queued] = (struct iovec){(void *)packet.data, packet.len_bytes};
		s->out[queued].msg_hdr.msg_namelen = addr_to_sockaddr(hop.to, &s->to[queued]);
		queued++;
	}
	sockets_send_batch(s, e, queued);
}

static void sockets_on_ready(struct path_sockets *s, uint64_t tag)
{
	struct path_pair *pair = (struct path_pair *)(uintptr_t)(tag & ~1ULL);
	enum path_port port = (enum path_port)(tag & 1);
	struct path_end *e = pair->end;
	uint64_t now_us;

	if (!e) {
		path_pair_stray(&s->pairs, pair, port);
		return;
	}
	now_us = clock_now_us();
	if (now_us - e->last_us[port] < PATH_BUSY_US)
		sockets_read_batch(s, e, port, now_us);
	else
		sockets_read_one(s, e, port, now_us);
	e->last_us[port] = now_us;
}

static void sockets_publish(struct path_sockets *s)
{
	if (s->tally.packets) {
		metric_add(&path_metrics, PATH_M_PACKETS, (int64_t)s->tally.packets);
		metric_add(&path_metrics, PATH_M_BYTES, (int64_t)s->tally.bytes);
	}
	for (int i = 0; i < PATH_DROPS; i++) {
		if (s->tally.drops[i])
			metric_add(&path_metrics, PATH_M_DROP_MODE + i, (int64_t)s->tally.drops[i]);
	}
	memset(&s->tally, 0, sizeof(s->tally));
}

static void sockets_bury(struct path_sockets *s)
{
	while (s->dead) {
		struct path_end *e = s->dead;

		s->dead = e->next_dead;
		mem_unref(e);
	}
	path_pairs_bury(&s->pairs);
}

/* With thousands of streams an end has left the cache by its next packet: fetch it while the one before it is
 * being relayed, and its pair, which leads to it, one packet earlier. */
static void event_prefetch(const struct epoll_event *events, int i, int n)
{
	const struct path_pair *pair;
	const char *e;

	if (i + 1 < n)
		__builtin_prefetch((const void *)(uintptr_t)(events[i + 1].data.u64 & ~1ULL));
	if (i >= n)
		return;
	pair = (const struct path_pair *)(uintptr_t)(events[i].data.u64 & ~1ULL);
	e = (const char *)pair->end;
	for (size_t at = 0; e && at < sizeof(struct path_end); at += 64)
		__builtin_prefetch(e + at);
}

static void sockets_on_poll(uv_poll_t *poll, int status, int uv_events)
{
	struct path_sockets *s = poll->data;
	struct epoll_event events[PATH_EVENTS_PER_ROUND];

	(void)status;
	(void)uv_events;
	s->pairs.busy = true;
	for (int round = 0; round < PATH_ROUNDS; round++) {
		int n = epoll_wait(s->epoll_fd, events, PATH_EVENTS_PER_ROUND, 0);

		event_prefetch(events, 0, n);
		for (int i = 0; i < n; i++) {
			event_prefetch(events, i + 1, n);
			sockets_on_ready(s, events[i].data.u64);
		}
		if (n < PATH_EVENTS_PER_ROUND)
			break;
	}
	s->pairs.busy = false;
	sockets_publish(s);
	sockets_bury(s);
}

/* ---------------------------------------------------------------- life */

static void sockets_free(void *obj)
{
	struct path_sockets *s = obj;

	path_pairs_clear(&s->pairs);
	sockets_bury(s);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	mem_free(s->buffers);
}

static void sockets_on_closed(uv_handle_t *h)
{
	mem_unref(h->data);
}

static int sockets_create(uv_loop_t *loop, const struct path_options *o, struct path **ret_path)
{
	struct path_sockets *s = mem_zalloc(sizeof(*s), sockets_free);
	int err;

	if (!s)
		return -ENOMEM;
	s->base.ops = &path_socket;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	path_pairs_init(&s->pairs, s->epoll_fd, o);
	s->buffers = mem_buffer((size_t)PATH_BATCH * PATH_DATAGRAM_BYTES);
	err = s->epoll_fd < 0 ? -errno : !s->buffers ? -ENOMEM : 0;
	if (!err)
		err = uv_poll_init(loop, &s->poll, s->epoll_fd);
	if (err) {
		mem_unref(s);
		return err;
	}
	for (unsigned i = 0; i < PATH_BATCH; i++) {
		s->in_iov[i] = (struct iovec){s->buffers + (size_t)i * PATH_DATAGRAM_BYTES,
					      PATH_DATAGRAM_BYTES};
		s->in[i].msg_hdr = (struct msghdr){
			.msg_name = &s->from[i], .msg_iov = &s->in_iov[i], .msg_iovlen = 1};
		s->out[i].msg_hdr = (struct msghdr){
			.msg_name = &s->to[i], .msg_iov = &s->out_iov[i], .msg_iovlen = 1};
	}
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, sockets_on_poll);
	*ret_path = &s->base;
	return 0;
}

static void sockets_destroy(struct path *p)
{
	struct path_sockets *s;

	if (!p)
		return;
	s = sockets_of(p);
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, sockets_on_closed);
}

static int sockets_open(struct path *p, const struct path_open *o, struct path_end **ret_end)
{
	struct path_sockets *s = sockets_of(p);
	struct path_end *e = mem_zalloc(sizeof(*e), NULL);
	int err;

	if (!e)
		return -ENOMEM;
	err = path_pair_open(&s->pairs, o->local, e, &e->pair);
	if (err) {
		mem_unref(e);
		return err;
	}
	e->path = mem_ref(s);
	memcpy(e->fd, e->pair->fd, sizeof(e->fd));
	path_gate_init(&e->gate, o, clock_now_us());
	path_pair_set_dscp(e->pair, e->gate.rules.dscp);
	metric_add(&path_metrics, PATH_M_ENDS, 1);
	*ret_end = e;
	return 0;
}

static void sockets_join(struct path_end *a, struct path_end *b)
{
	path_gate_join(&a->gate, b ? &b->gate : NULL);
}

static void sockets_change(struct path_end *e, const struct path_rules *rules, bool rearm)
{
	path_gate_change(&e->gate, rules, rearm, clock_now_us());
	path_pair_set_dscp(e->pair, e->gate.rules.dscp);
}

static void sockets_read(const struct path_end *e, struct path_counters *ret_counters)
{
	path_gate_read(&e->gate, ret_counters);
}

static void sockets_close(struct path_end *e)
{
	struct path_sockets *s;

	if (!e)
		return;
	s = e->path;
	path_gate_join(&e->gate, NULL);
	metric_add(&path_metrics, PATH_M_ENDS, -1);
	path_pair_close(&s->pairs, e->pair);
	if (s->pairs.busy) {
		e->next_dead = s->dead;
		s->dead = e;
	} else {
		mem_unref(e);
	}
	mem_unref(s);
}

static uint32_t sockets_warm(struct path *p, const struct addr *ip)
{
	return path_pairs_warm_at(&sockets_of(p)->pairs, ip);
}

const struct path_ops path_socket = {
	.name = "socket",
	.create = sockets_create,
	.destroy = sockets_destroy,
	.open = sockets_open,
	.join = sockets_join,
	.change = sockets_change,
	.read = sockets_read,
	.close = sockets_close,
	.warm = sockets_warm,
};
