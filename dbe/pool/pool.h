/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - realms with their media addresses, and the RTP/RTCP port pairs on them.
 *
 * Each way to fail has its own error: the pool is empty, a port cannot be bound, the address is not on
 * this host. Says when a realm runs low, and when it goes down or comes back.
 * Owner: caller owns the pool; pairs are plain values and go back with pool_give or pool_refuse.
 * Thread: that of the loop.
 */
#ifndef DBE_POOL_POOL_H
#define DBE_POOL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/metric.h"
#include "common/timer.h"
#include "dbe/pool/pool_ring.h"

#define POOL_REALMS_MAX 32
#define POOL_ADDRESSES_MAX 16 /* per realm */
#define POOL_NAME_BYTES 64

#define POOL_METRICS(X)                                                                            \
	X(POOL_PORTS_FREE, GAUGE, "dbe_ports{state=\"free\"}", "RTP/RTCP port pairs by state")     \
	X(POOL_PORTS_USED, GAUGE, "dbe_ports{state=\"used\"}", "RTP/RTCP port pairs by state")     \
	X(POOL_PORTS_RESTING, GAUGE, "dbe_ports{state=\"resting\"}",                               \
	  "RTP/RTCP port pairs by state")                                                          \
	X(POOL_PORTS_REFUSED, GAUGE, "dbe_ports{state=\"refused\"}",                               \
	  "RTP/RTCP port pairs by state")                                                          \
	X(POOL_EMPTY, COUNTER, "dbe_pool_empty_total", "port pairs asked for when none was free")  \
	X(POOL_BIND_FAILED, COUNTER, "dbe_pool_bind_failures_total",                               \
	  "port pairs set aside because they could not be bound")
METRIC_ENUM(pool_metrics, POOL_METRICS)

struct pool;

struct pool_address {
	struct addr bind, advertise; /* port unused; advertise.family 0 = bind */
	uint16_t low, high;          /* ports, inclusive */
};

/* A port pair; realm and address are indexes into the pool. */
struct pool_pair {
	uint8_t realm, address;
	uint16_t port; /* RTP; RTCP is the one after it. 0 = none */
};

enum pool_event_type { POOL_EVENT_LOW, POOL_EVENT_OK, POOL_EVENT_DOWN, POOL_EVENT_UP };
/* value: pairs free now. */
typedef void(pool_event_h)(void *arg, enum pool_event_type type, const char *realm, uint32_t value);

struct pool_options {
	struct timer_wheel *wheel;
	uint32_t quarantine_ms;                     /* rest of a pair that was in use */
	bool prefer_used;                           /* see pool_ring_prefer_used */
	uint32_t low_percent, ok_percent;           /* watermarks of free pairs; 0 = 10 and 20 */
	const char *ephemeral_file, *reserved_file; /* NULL = the kernel's */
	int (*probe)(const struct addr
			     *bind); /* is the address here? 0 or -errno; NULL = ask the kernel */
	pool_event_h *event;
	void *event_arg;
};

struct pool_realm_view {
	const char *name;
	uint32_t total, count[POOL_STATES];
	bool ipv4, ipv6, up;
	size_t naddresses;
};
struct pool_address_view {
	struct addr bind, advertise;
	uint16_t low, high;
	uint32_t total, count[POOL_STATES];
	bool up;
};

int pool_new(const struct pool_options *o, struct pool **ret_pool);
void pool_free(struct pool *p);

/**
 * Add a realm. Refused: a range without a pair, one that overlaps the kernel's ephemeral ports, one that
 * overlaps another on the same address. An address that is not here is taken, but starts down.
 * @return 0, -EINVAL, -EEXIST, -ENOSPC, -ENOMEM; ret_why then says what is wrong, naming both sides.
 */
int pool_add_realm(struct pool *p, const char *name, const struct pool_address *addresses,
		   size_t naddresses, char ret_why[256]);

/**
 * Take a pair. @param family enum addr_family, ADDR_NONE = IPv4 if the realm has it.
 * @param near take it on the same address as this one (a termination's other stream) if possible; may be NULL.
 * @return 0, -ENOENT (no such realm), -EAFNOSUPPORT (realm has no such address), -ENETDOWN (address is
 *         not on this host), -ENOSPC (all pairs are in use or rest).
 */
int pool_take(struct pool *p, const char *realm, uint8_t family, const struct pool_pair *near,
	      struct pool_pair *ret_pair);
/** Take the pair with this advertised address and RTP port. @return also -EINVAL, -EBUSY. */
int pool_take_at(struct pool *p, const char *realm, const struct addr *advertised,
		 struct pool_pair *ret_pair);

/** Back after use: it rests. */
void pool_give(struct pool *p, const struct pool_pair *pair);
/** Back because opening it failed with err (-errno): set aside, or the address is down (-EADDRNOTAVAIL). Errors
 *  that are not the pair's fault (-EMFILE, -ENOMEM) leave it free. */
void pool_refuse(struct pool *p, const struct pool_pair *pair, int err);

/** Socket address to bind, and the one to tell the far end. */
void pool_pair_bind(const struct pool *p, const struct pool_pair *pair, bool rtcp,
		    struct addr *ret_addr);
void pool_pair_advertise(const struct pool *p, const struct pool_pair *pair, bool rtcp,
			 struct addr *ret_addr);

size_t pool_realms(const struct pool *p);
/** @return 0, -ENOENT (past the last). */
int pool_realm_view(const struct pool *p, size_t realm, struct pool_realm_view *ret_view);
/** Is this one of our addresses, as bound or as advertised? On loopback, where a laboratory may have all parties, only
 *  the ports of the pool count. */
bool pool_owns(const struct pool *p, const struct addr *a);
int pool_address_view(const struct pool *p, size_t realm, size_t address,
		      struct pool_address_view *ret_view);

/** Write the gauges of pool_metrics. */
void pool_publish(const struct pool *p);

#endif
