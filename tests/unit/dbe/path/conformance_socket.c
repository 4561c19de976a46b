/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones on real sockets. On loopback a datagram is in the receiver's queue when sendto returns, so once the data plane has
 * counted a packet, what it sent is there too: nothing has to be waited for.
 */
#include <netinet/in.h>
#include <netinet/ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dbe/path/path_socket.h"
#include "tests/unit/dbe/path/conformance.h"

static void socket_start(struct bed *b)
{
	for (int i = 0; i < PHONES; i++)
		b->fd[i] = -1;
}

static void socket_stop(struct bed *b)
{
	for (int i = 0; i < PHONES; i++) {
		if (b->fd[i] >= 0)
			close(b->fd[i]);
		b->fd[i] = -1;
	}
}

static void socket_phone(struct bed *b, enum bed_phone who, const char *ip)
{
	struct sockaddr_storage sa;
	struct addr a;
	socklen_t len;
	int on = 1;

	assert_int_equal(addr_parse(ip, &a), 0);
	len = addr_to_sockaddr(&a, &sa);
	b->fd[who] = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(b->fd[who] >= 0);
	assert_int_equal(setsockopt(b->fd[who], IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)), 0);
	if (sa.ss_family == AF_INET6)
		assert_int_equal(
			setsockopt(b->fd[who], IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)), 0);
	assert_int_equal(bind(b->fd[who], (struct sockaddr *)&sa, len), 0);
	len = sizeof(sa);
	assert_int_equal(getsockname(b->fd[who], (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &b->phone[who]), 0);
}

static void socket_send(struct bed *b, enum bed_phone from, const struct addr *to, const void *data,
			size_t len_bytes)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);

	assert_int_equal(sendto(b->fd[from], data, len_bytes, 0, (struct sockaddr *)&sa, len),
			 len_bytes);
}

static void socket_work(struct bed *b)
{
	uv_run(&b->loop, UV_RUN_NOWAIT);
}

static int socket_receive(struct bed *b, enum bed_phone who, uint8_t *buf, struct addr *ret_from,
			  int *ret_dscp)
{
	char control[128];
	struct sockaddr_storage sa;
	struct iovec iov = {buf, 65536};
	struct msghdr m = {.msg_name = &sa,
			   .msg_namelen = sizeof(sa),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(b->fd[who], &m, MSG_DONTWAIT);

	if (n < 0)
		return -1;
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, ret_from), 0);
	*ret_dscp = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		int tos = 0;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			tos = *(uint8_t *)CMSG_DATA(c);
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			memcpy(&tos, CMSG_DATA(c), sizeof(tos));
		*ret_dscp |= tos >> 2;
	}
	return (int)n;
}

#define SOCKET_DRIVER(id, text, ms, warm)                                                          \
	const struct conformance_driver id = {                                                     \
		.name = text,                                                                      \
		.ops = &path_socket,                                                               \
		.step_ms = ms,                                                                     \
		.warm_pairs = warm,                                                                \
		.start = socket_start,                                                             \
		.stop = socket_stop,                                                               \
		.phone = socket_phone,                                                             \
		.send = socket_send,                                                               \
		.receive = socket_receive,                                                         \
		.work = socket_work,                                                               \
	}

SOCKET_DRIVER(driver_socket, "socket", 20, 0);
/* No time passes between packets: the batched way through the same data plane. */
SOCKET_DRIVER(driver_socket_busy, "socket, busy", 0, 0);
/* What a stream gives back stays open for the next. */
SOCKET_DRIVER(driver_socket_warm, "socket, warm", 20, 16);
