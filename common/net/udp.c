/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp - recvmmsg on a uv_poll: one system call takes up to UDP_BATCH datagrams, and one wakeup takes
 * no more than that, so that a flood on one socket cannot starve the others of the loop.
 *
 * IP_RECVERR makes the kernel keep ICMP errors with the destination they are about. It has a price:
 * the error is also put on the socket, so the next send or receive, to whomever, returns it once
 * instead of doing its work. Both are therefore tried again.
 */
#include "common/net/udp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/loop_turn.h"
#include "common/net/device.h"
#include "common/net/dscp.h"
#include "common/net/net_metric.h"

#define UDP_BATCH 32
#define UDP_DATAGRAM_BYTES 65536
#define UDP_RCVBUF_BYTES (4 * 1024 * 1024)
#define UDP_SEND_TRIES 3
#define UDP_SLOT_GAP_BYTES 576 /* keeps slots off the same cache sets */
#define UDP_SLOT_BYTES (UDP_DATAGRAM_BYTES + UDP_SLOT_GAP_BYTES)
#define UDP_CONTROL_BYTES 512
#define UDP_STAMP_BYTES CMSG_SPACE(sizeof(struct timespec))
#define UDP_WAIT_MAX_US 30000000U /* more is a clock that was set, not a wait */

struct udp {
	uv_poll_t poll;
	int fd; /* -1 once closed */
	struct addr local;
	struct udp_handlers h;
	void *arg;
	uint8_t *slots; /* UDP_BATCH of UDP_SLOT_BYTES; pages never touched cost nothing */
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct sockaddr_storage from[UDP_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][UDP_STAMP_BYTES];
	const struct msghdr *now; /* what recv is being told of */
};

static void udp_on_poll(uv_poll_t *p, int status, int events);

static void udp_destroy(void *obj)
{
	struct udp *u = obj;

	if (u->fd >= 0)
		close(u->fd);
	mem_free(u->slots);
}

/* Tell the owner about one entry of the error queue. @return false when the queue is empty. */
static bool udp_take_error(struct udp *u)
{
	uint8_t control[UDP_CONTROL_BYTES];
	struct sockaddr_storage to;
	struct msghdr m = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct addr a;

	if (recvmsg(u->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err e;
		bool v4 = c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR;
		bool v6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR;

		if ((!v4 && !v6) || c->cmsg_len < CMSG_LEN(sizeof(e)))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (e.ee_origin != SO_EE_ORIGIN_ICMP && e.ee_origin != SO_EE_ORIGIN_ICMP6)
			continue;
		metric_add(&net_metrics, NET_UDP_ICMP, 1);
		/* A smaller path MTU is no failure: the kernel fragments the retransmission. */
		if (e.ee_errno == EMSGSIZE || !u->h.error)
			continue;
		if (addr_from_sockaddr((struct sockaddr *)&to, &a) == 0)
			u->h.error(u->arg, &a, -(int)e.ee_errno);
		break;
	}
	return true;
}

static void udp_drain_errors(struct udp *u)
{
	for (int i = 0; i < UDP_BATCH && u->fd >= 0; i++)
		if (!udp_take_error(u))
			return;
}

static int udp_recv_batch(struct udp *u)
{
	int n;

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		u->msgs[i].msg_hdr.msg_namelen = sizeof(u->from[i]);
		u->msgs[i].msg_hdr.msg_controllen = UDP_STAMP_BYTES;
	}
	do
		n = recvmmsg(u->fd, u->msgs, UDP_BATCH, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	return n;
}

static void udp_receive(struct udp *u)
{
	int n = udp_recv_batch(u);

	if (n < 0 && errno != EAGAIN) {
		/* The error of some earlier datagram, not of this call. */
		udp_drain_errors(u);
		if (u->fd < 0)
			return;
		n = udp_recv_batch(u);
	}
	for (int i = 0; i < n && u->fd >= 0; i++) {
		struct addr a;

		if (addr_from_sockaddr((struct sockaddr *)&u->from[i], &a) < 0)
			continue;
		u->now = &u->msgs[i].msg_hdr;
		u->h.recv(u->arg, &a, u->iov[i].iov_base, u->msgs[i].msg_len);
	}
	u->now = NULL;
	if (n == UDP_BATCH)
		loop_turn_unread();
}

static void udp_on_poll(uv_poll_t *p, int status, int events)
{
	struct udp *u = p->data;

	(void)events;
	loop_turn_woke();
	mem_ref(u); /* handlers may close us; libuv frees later, this is for clarity of ownership */
	/* libuv takes a pending socket error for a broken descriptor and stops polling. */
	if (status < 0)
		udp_drain_errors(u);
	if (u->fd >= 0)
		udp_receive(u);
	if (status < 0 && u->fd >= 0)
		uv_poll_start(&u->poll, UV_READABLE, udp_on_poll);
	mem_unref(u);
}

static int udp_socket(const struct addr *local, const char *device, int *ret_fd)
{
	bool v6 = local->family == ADDR_V6;
	int fd, err, on = 1, size = UDP_RCVBUF_BYTES;
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(local, &sa);

	fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* FORCE goes over rmem_max with CAP_NET_ADMIN; both are best effort. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Tells how long a datagram waited; without it that is not known, and all else is as ever. */
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (v6 && setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		goto fail;
	if (v6)
		(void)setsockopt(fd, SOL_IPV6, IPV6_RECVERR, &on, sizeof(on));
	else
		(void)setsockopt(fd, SOL_IP, IP_RECVERR, &on, sizeof(on));
	err = device_bind(fd, device);
	if (!err && bind(fd, (struct sockaddr *)&sa, len) < 0)
		goto fail;
	if (err)
		goto out;
	*ret_fd = fd;
	return 0;
fail:
	err = -errno;
out:
	close(fd);
	return err;
}

static int udp_prepare(struct udp *u)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(u->fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	if (addr_from_sockaddr((struct sockaddr *)&sa, &u->local) < 0)
		return -EAFNOSUPPORT;
	u->slots = mem_buffer((size_t)UDP_BATCH * UDP_SLOT_BYTES);
	if (!u->slots)
		return -ENOMEM;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		u->iov[i].iov_base = u->slots + (size_t)i * UDP_SLOT_BYTES;
		u->iov[i].iov_len = UDP_DATAGRAM_BYTES;
		u->msgs[i].msg_hdr.msg_name = &u->from[i];
		u->msgs[i].msg_hdr.msg_iov = &u->iov[i];
		u->msgs[i].msg_hdr.msg_iovlen = 1;
		u->msgs[i].msg_hdr.msg_control = u->control[i];
	}
	return 0;
}

int udp_open(uv_loop_t *loop, const struct addr *local, const struct udp_handlers *h, void *arg,
	     struct udp **ret_udp)
{
	return udp_open_on(loop, local, NULL, h, arg, ret_udp);
}

int udp_open_on(uv_loop_t *loop, const struct addr *local, const char *device,
		const struct udp_handlers *h, void *arg, struct udp **ret_udp)
{
	struct udp *u;
	int err;

	if (local->family != ADDR_V4 && local->family != ADDR_V6)
		return -EAFNOSUPPORT;
	u = mem_zalloc(sizeof(*u), udp_destroy);
	if (!u)
		return -ENOMEM;
	u->fd = -1;
	u->h = *h;
	u->arg = arg;
	err = udp_socket(local, device, &u->fd);
	if (err)
		goto out;
	err = udp_prepare(u);
	if (err)
		goto out;
	err = uv_poll_init(loop, &u->poll, u->fd);
	if (err)
		goto out;
	u->poll.data = u;
	err = uv_poll_start(&u->poll, UV_READABLE, udp_on_poll);
	if (err) {
		udp_close(u);
		return err;
	}
	*ret_udp = u;
	return 0;
out:
	mem_unref(u);
	return err;
}

int udp_send(struct udp *u, const struct addr *to, const void *data, size_t len_bytes)
{
	struct sockaddr_storage sa;
	socklen_t sa_len;
	int err = 0;

	if (u->fd < 0)
		return -ENOTCONN;
	if (to->family != u->local.family)
		return -EAFNOSUPPORT;
	sa_len = addr_to_sockaddr(to, &sa);
	/* The first failure may be the left-over of another destination: see the top. */
	for (int i = 0; i < UDP_SEND_TRIES; i++) {
		if (sendto(u->fd, data, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
			   (struct sockaddr *)&sa, sa_len) >= 0)
			return 0;
		err = -errno;
		if (err == -EAGAIN || err == -EMSGSIZE || err == -EINVAL)
			break;
	}
	if (err == -EAGAIN || err == -ENOBUFS) {
		metric_add(&net_metrics, NET_UDP_SEND_DROPPED, 1);
		return -EAGAIN;
	}
	metric_add(&net_metrics, NET_UDP_SEND_FAILED, 1);
	return err;
}

int udp_set_dscp(struct udp *u, uint8_t dscp)
{
	return dscp_set(u->fd, u->local.family, dscp);
}

const struct addr *udp_local(const struct udp *u)
{
	return &u->local;
}

uint64_t udp_waited_us(const struct udp *u)
{
	struct timespec then, now;
	const struct cmsghdr *c = u->now ? CMSG_FIRSTHDR(u->now) : NULL;
	int64_t us;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return 0;
	memcpy(&then, CMSG_DATA(c), sizeof(then));
	clock_gettime(CLOCK_REALTIME, &now); /* the kernel stamps with the wall clock */
	us = (now.tv_sec - then.tv_sec) * 1000000LL + (now.tv_nsec - then.tv_nsec) / 1000;
	return us > 0 && us < UDP_WAIT_MAX_US ? (uint64_t)us : 0;
}

unsigned udp_queue_percent(const struct udp *u)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	if (u->fd < 0 || getsockopt(u->fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 ||
	    !info[SK_MEMINFO_RCVBUF])
		return 0;
	return (unsigned)((uint64_t)info[SK_MEMINFO_RMEM_ALLOC] * 100 / info[SK_MEMINFO_RCVBUF]);
}

static void udp_on_closed(uv_handle_t *h)
{
	mem_unref(h->data);
}

struct udp *udp_close(struct udp *u)
{
	if (!u || u->fd < 0)
		return NULL;
	uv_close((uv_handle_t *)&u->poll, udp_on_closed);
	/* libuv has let go of the descriptor; the address is free again at once. */
	close(u->fd);
	u->fd = -1;
	return NULL;
}
