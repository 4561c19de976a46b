/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device - ties a socket to one network interface: it hears and is heard there only (SO_BINDTODEVICE).
 *
 * Since Linux 5.7 this needs no privilege for a socket that is tied to none yet. Owner: nothing. Thread: any.
 */
#ifndef COMMON_NET_DEVICE_H
#define COMMON_NET_DEVICE_H

#include <uv.h>

#include "common/addr.h"

#define DEVICE_NAME_BYTES 16 /* IFNAMSIZ */

/** Before bind, so that nothing from elsewhere is ever queued. @param device NULL = none. @return 0, -ENODEV, -errno. */
int device_bind(int fd, const char *device);
/** uv_tcp_init, with the socket already made if it is to be tied to a device. @return 0 or -errno. */
int device_tcp_init(uv_loop_t *loop, uv_tcp_t *tcp, uint8_t family, const char *device);
/** device_bind for a handle that device_tcp_init has made. */
int device_tcp_bind(const uv_tcp_t *tcp, const char *device);

#endif
