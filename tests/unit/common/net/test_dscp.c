/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of what sockets send, as who receives it sees them (H: media.dscp.sig). */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/net/dscp.h"

static int bound(uint8_t family, struct addr *ret_at)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	struct addr a;
	int on = 1,
	    fd = socket(family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(addr_parse(family == ADDR_V6 ? "[::1]" : "127.0.0.1", &a), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, addr_to_sockaddr(&a, &sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, ret_at), 0);
	if (family == ADDR_V6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)), 0);
	else
		assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)), 0);
	return fd;
}

static int mark_of(int fd)
{
	uint8_t control[256];
	char data[16];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	int mark = -1;

	assert_int_equal(recvmsg(fd, &m, 0), 2); /* over loopback it is there already */
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			mark = *(uint8_t *)CMSG_DATA(c);
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			memcpy(&mark, CMSG_DATA(c), sizeof(mark));
	}
	return mark;
}

static void marked(uint8_t family)
{
	struct sockaddr_storage sa;
	struct addr from, to;
	int a = bound(family, &from), b = bound(family, &to);
	socklen_t n = addr_to_sockaddr(&to, &sa);

	for (int dscp = 0; dscp <= DSCP_MAX; dscp += 21) {
		assert_int_equal(dscp_set(a, family, (uint8_t)dscp), 0);
		assert_int_equal(sendto(a, "hi", 2, 0, (struct sockaddr *)&sa, n), 2);
		assert_int_equal(mark_of(b), dscp << 2);
	}
	assert_int_equal(dscp_set(a, family, DSCP_MAX + 1), -EINVAL);
	close(a);
	close(b);
}

static void both_families(void **state)
{
	(void)state;
	marked(ADDR_V4);
	marked(ADDR_V6);
}

/* A handle that is not bound has no socket yet: 0 asks for nothing. */
static void handles(void **state)
{
	uv_loop_t loop;
	uv_tcp_t tcp;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uv_os_fd_t fd;
	int tos = -1;
	socklen_t n = sizeof(tos);

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(uv_tcp_init(&loop, &tcp), 0);
	assert_int_equal(dscp_tcp_set(&tcp, ADDR_V4, 0), 0);
	assert_int_not_equal(dscp_tcp_set(&tcp, ADDR_V4, 24), 0);
	assert_int_equal(uv_tcp_bind(&tcp, (struct sockaddr *)&sa, 0), 0);
	assert_int_equal(dscp_tcp_set(&tcp, ADDR_V4, 24), 0);
	assert_int_equal(uv_fileno((uv_handle_t *)&tcp, &fd), 0);
	assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_TOS, &tos, &n), 0);
	assert_int_equal(tos, 24 << 2);
	uv_close((uv_handle_t *)&tcp, NULL);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families),
		cmocka_unit_test(handles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
