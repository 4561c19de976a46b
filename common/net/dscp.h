/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dscp - the mark of the packets that a socket sends (RFC 2474).
 *
 * Accepted connections have that of their listener. Owner: nothing. Thread: any.
 */
#ifndef COMMON_NET_DSCP_H
#define COMMON_NET_DSCP_H

#include <uv.h>

#include "common/addr.h"

#define DSCP_MAX 63

/** @param dscp 0..63. @return 0, -EINVAL, -errno. */
int dscp_set(int fd, uint8_t family, uint8_t dscp);
/** The same for a handle that is bound. 0 = as it is. */
int dscp_tcp_set(const uv_tcp_t *tcp, uint8_t family, uint8_t dscp);

#endif
