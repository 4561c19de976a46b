/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/dscp.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

int dscp_set(int fd, uint8_t family, uint8_t dscp)
{
	int tos = dscp << 2; /* the two bits below are ECN's */

	if (dscp > DSCP_MAX)
		return -EINVAL;
	if (family == ADDR_V6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos)) ? -errno : 0;
	return setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) ? -errno : 0;
}

int dscp_tcp_set(const uv_tcp_t *tcp, uint8_t family, uint8_t dscp)
{
	uv_os_fd_t fd = -1;
	int err = dscp ? uv_fileno((const uv_handle_t *)tcp, &fd) : 0;

	return err || !dscp ? err : dscp_set(fd, family, dscp);
}
