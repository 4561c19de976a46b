/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp - one bound UDP socket on a libuv loop: receive callback, non-blocking send.
 *
 * A datagram that cannot be sent at once (EAGAIN) is dropped and counted: the layers above retransmit.
 * Owner: caller; udp_close is safe inside the callback. Thread: that of the loop.
 */
#ifndef COMMON_NET_UDP_H
#define COMMON_NET_UDP_H

#include <uv.h>

#include "common/addr.h"

struct udp;

struct udp_handlers {
	/* A datagram; data is valid during the call only. local is the bound address. */
	void (*recv)(void *arg, const struct addr *from, const uint8_t *data, size_t len_bytes);
	/* The kernel reported an ICMP error for a destination (IP_RECVERR): -ECONNREFUSED, -EHOSTUNREACH, ... */
	void (*error)(void *arg, const struct addr *to, int err);
};

/** @return 0 or -errno (-EADDRINUSE, -EADDRNOTAVAIL, ...). local->port 0 picks one (see udp_local). */
int udp_open(uv_loop_t *loop, const struct addr *local, const struct udp_handlers *h, void *arg,
	     struct udp **ret_udp);
/** The same, tied to one interface (common/net/device.h); NULL = to none. */
int udp_open_on(uv_loop_t *loop, const struct addr *local, const char *device,
		const struct udp_handlers *h, void *arg, struct udp **ret_udp);
/** @return 0 or -errno; -EAGAIN = dropped. */
int udp_send(struct udp *u, const struct addr *to, const void *data, size_t len_bytes);
/** Mark what is sent from now on, 0..63. @return 0, -EINVAL, -errno. */
int udp_set_dscp(struct udp *u, uint8_t dscp);
const struct addr *udp_local(const struct udp *u);
/** Inside recv: how long the datagram waited in the kernel and in our batch. 0 = not known. */
uint64_t udp_waited_us(const struct udp *u);
/** Fill of the receive buffer, 0..100. */
unsigned udp_queue_percent(const struct udp *u);
/** Closes; the struct is freed when libuv is done with it. NULL is fine. @return NULL */
struct udp *udp_close(struct udp *u);

#endif
