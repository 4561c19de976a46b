/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/device.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int device_bind(int fd, const char *device)
{
	if (!device)
		return 0;
	if (strlen(device) >= DEVICE_NAME_BYTES)
		return -ENODEV;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1)
		       ? -errno
		       : 0;
}

int device_tcp_init(uv_loop_t *loop, uv_tcp_t *tcp, uint8_t family, const char *device)
{
	if (!device)
		return uv_tcp_init(loop, tcp);
	return uv_tcp_init_ex(loop, tcp, family == ADDR_V6 ? AF_INET6 : AF_INET);
}

int device_tcp_bind(const uv_tcp_t *tcp, const char *device)
{
	uv_os_fd_t fd = -1;
	int err = device ? uv_fileno((const uv_handle_t *)tcp, &fd) : 0;

	return err ? err : device_bind(fd, device);
}
