/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/path/path_pair.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/mem.h"
#include "dbe/path/path_metric.h"

/* What is on its way when a call ends is a few packets, at most some 100 ms of them in each direction. */
#define PATH_STRAYS_MAX 64
#define PATH_STRAYS_PER_TURN 16

static struct path_pair **bucket_of(struct path_pairs *all, const struct addr *rtp)
{
	/* Our own pool chooses the ports, so nobody can make them collide. */
	return &all->buckets[(rtp->port / 2) % PATH_WARM_BUCKETS];
}

static void warm_count(struct path_pairs *all, int by)
{
	all->warm += (uint32_t)by;
	metric_add(&path_metrics, PATH_M_WARM, by);
}

/* ---------------------------------------------------------------- sockets */

static int pair_bind(const struct path_pairs *all, const struct addr *local, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t sa_bytes = addr_to_sockaddr(local, &sa);
	int size = (int)all->receive_buffer_bytes, on = 1, err;
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (sa.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		goto out;
	if (size && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0)
		goto out;
	if (bind(fd, (struct sockaddr *)&sa, sa_bytes) < 0)
		goto out;
	*ret_fd = fd;
	return 0;
out:
	err = -errno;
	close(fd);
	return err;
}

/* Closing a socket takes it out of the epoll set. */
static void pair_free(struct path_pairs *all, struct path_pair *p)
{
	for (int i = 0; i < PATH_PORTS; i++) {
		if (p->fd[i] >= 0)
			close(p->fd[i]);
		p->fd[i] = -1;
	}
	if (!all->busy) {
		mem_free(p);
		return;
	}
	p->end = NULL;
	p->next = all->dead;
	all->dead = p;
}

static int pair_new(struct path_pairs *all, const struct addr local[PATH_PORTS],
		    struct path_pair **ret_pair)
{
	struct path_pair *p = mem_buffer(sizeof(*p));
	int err = 0;

	if (!p)
		return -ENOMEM;
	*p = (struct path_pair){.fd = {-1, -1}, .local = {local[PATH_RTP], local[PATH_RTCP]}};
	for (int i = 0; i < PATH_PORTS && !err; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uintptr_t)p | (unsigned)i};

		err = pair_bind(all, &local[i], &p->fd[i]);
		if (!err && epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, p->fd[i], &ev) < 0)
			err = -errno;
	}
	if (err) {
		pair_free(all, p);
		return err;
	}
	*ret_pair = p;
	return 0;
}

/* ---------------------------------------------------------------- warm */

static struct path_pair *warm_find(struct path_pairs *all, const struct addr local[PATH_PORTS])
{
	struct path_pair *p = *bucket_of(all, &local[PATH_RTP]);

	while (p && !(addr_equal(&p->local[PATH_RTP], &local[PATH_RTP]) &&
		      addr_equal(&p->local[PATH_RTCP], &local[PATH_RTCP])))
		p = p->next;
	return p;
}

static void warm_remove(struct path_pairs *all, struct path_pair *p)
{
	struct path_pair **at = bucket_of(all, &p->local[PATH_RTP]);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	p->next = NULL;
	warm_count(all, -1);
}

static void warm_close(struct path_pairs *all, struct path_pair *p)
{
	warm_remove(all, p);
	pair_free(all, p);
}

/* @return how many datagrams were read, at most max. */
static unsigned pair_drain(struct path_pair *p, enum path_port port, unsigned max)
{
	unsigned n = 0;
	char byte; /* the rest of a datagram is thrown away with it */

	while (n < max && recv(p->fd[port], &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
		n++;
	if (n)
		metric_add(&path_metrics, PATH_M_STRAYS, n);
	return n;
}

/* What came since the last turn of the loop must not reach the stream that takes the pair. */
static bool warm_is_quiet(struct path_pair *p)
{
	unsigned n = 0;

	for (int i = 0; i < PATH_PORTS; i++)
		n += pair_drain(p, (enum path_port)i, PATH_STRAYS_MAX);
	return p->strays + n < PATH_STRAYS_MAX;
}

static struct path_pair *warm_take(struct path_pairs *all, const struct addr local[PATH_PORTS])
{
	struct path_pair *p = warm_find(all, local);

	if (!p)
		return NULL;
	if (!warm_is_quiet(p)) {
		warm_close(all, p);
		return NULL;
	}
	warm_remove(all, p);
	return p;
}

unsigned path_pair_stray(struct path_pairs *all, struct path_pair *p, enum path_port port)
{
	unsigned n;

	if (p->fd[port] < 0)
		return 0;
	n = pair_drain(p, port, PATH_STRAYS_PER_TURN);
	if (p->strays + n >= PATH_STRAYS_MAX)
		warm_close(all, p);
	else
		p->strays += (uint8_t)n;
	return n;
}

/* ---------------------------------------------------------------- public */

void path_pairs_init(struct path_pairs *all, int epoll_fd, const struct path_options *o)
{
	*all = (struct path_pairs){.epoll_fd = epoll_fd,
				   .receive_buffer_bytes = o->receive_buffer_bytes,
				   .warm_max = o->warm_pairs_max};
}

void path_pairs_clear(struct path_pairs *all)
{
	for (size_t i = 0; i < PATH_WARM_BUCKETS; i++) {
		while (all->buckets[i])
			warm_close(all, all->buckets[i]);
	}
}

void path_pairs_bury(struct path_pairs *all)
{
	while (all->dead) {
		struct path_pair *p = all->dead;

		all->dead = p->next;
		mem_free(p);
	}
}

uint32_t path_pairs_warm_at(const struct path_pairs *all, const struct addr *ip)
{
	uint32_t n = 0;

	for (size_t i = 0; i < PATH_WARM_BUCKETS; i++) {
		for (const struct path_pair *p = all->buckets[i]; p; p = p->next)
			n += addr_ip_equal(&p->local[PATH_RTP], ip);
	}
	return n;
}

int path_pair_open(struct path_pairs *all, const struct addr local[PATH_PORTS],
		   struct path_end *end, struct path_pair **ret_pair)
{
	struct path_pair *p = warm_take(all, local);
	int err = p ? 0 : pair_new(all, local, &p);

	if ((err == -EMFILE || err == -ENFILE || err == -ENOBUFS) && all->warm) {
		path_pairs_clear(all); /* a call is worth more than what the next one saves */
		err = pair_new(all, local, &p);
	}
	if (err)
		return err;
	p->end = end;
	*ret_pair = p;
	return 0;
}

void path_pair_close(struct path_pairs *all, struct path_pair *p)
{
	struct path_pair **bucket = bucket_of(all, &p->local[PATH_RTP]);

	if (all->warm >= all->warm_max) {
		pair_free(all, p);
		return;
	}
	p->end = NULL;
	p->strays = 0;
	p->next = *bucket;
	*bucket = p;
	warm_count(all, 1);
}

void path_pair_set_dscp(struct path_pair *p, uint8_t dscp)
{
	int tos = dscp << 2;

	if (p->dscp == dscp)
		return;
	p->dscp = dscp;
	for (int i = 0; i < PATH_PORTS; i++) {
		/* A mark that cannot be set must not cost the call. */
		if (p->local[i].family == ADDR_V6)
			(void)setsockopt(p->fd[i], IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
		else
			(void)setsockopt(p->fd[i], IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	}
}
