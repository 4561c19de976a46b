/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_socket - the portable data plane: one UDP socket per port, one epoll set for all of them.
 */
#ifndef DBE_PATH_PATH_SOCKET_H
#define DBE_PATH_PATH_SOCKET_H

#include "dbe/path/path.h"

extern const struct path_ops path_socket;

#endif
