/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_ares - the way to the name servers: c-ares on the loop, UDP with EDNS, TCP when an answer is cut.
 *
 * Owner: the app. Thread: loop. Freed handles live until the loop has run once more.
 */
#ifndef SBE_DNS_DNS_ARES_H
#define SBE_DNS_DNS_ARES_H

#include <uv.h>

#include "common/addr.h"
#include "common/timer.h"

#define DNS_SERVERS_MAX 8
#define DNS_PORT 53

struct dns_ares;
typedef void(dns_packet_h)(void *arg, uint64_t ticket, int err, const uint8_t *packet,
			   size_t len_bytes);

struct dns_ares_options {
	uv_loop_t *loop;
	struct timer_wheel *wheel;
	const struct addr *servers; /* port 0 = 53; none = those of this host (resolv.conf) */
	size_t nservers;
	uint32_t try_ms;  /* for one server, one try */
	uint32_t tries;   /* rounds over all servers */
	dns_packet_h *fn; /* err 0 with a packet (also one that says no), -ETIMEDOUT, -EREMOTEIO */
	void *arg;
};

/** @return 0, -ENOMEM, -EINVAL. */
int dns_ares_new(const struct dns_ares_options *o, struct dns_ares **ret_ares);
/** Questions under way are forgotten, fn is not called any more. */
void dns_ares_free(struct dns_ares *a);
/** struct dns_io's ask; ctx is the struct dns_ares. fn is called from the loop, not from inside. */
int dns_ares_ask(void *ctx, const char *name, int type, uint64_t ticket);

#endif
