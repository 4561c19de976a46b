/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool_range - does a media port range overlap the ports the kernel hands out by itself?
 *
 * A range within /proc/sys/net/ipv4/ip_local_port_range loses pairs at random to other programs'
 * outgoing sockets. Ports in ip_local_reserved_ports are left alone by the kernel and are fine.
 * Pure but for reading two files. Thread: any.
 */
#ifndef DBE_POOL_POOL_RANGE_H
#define DBE_POOL_POOL_RANGE_H

#include <stdint.h>

#define POOL_EPHEMERAL_FILE "/proc/sys/net/ipv4/ip_local_port_range"
#define POOL_RESERVED_FILE "/proc/sys/net/ipv4/ip_local_reserved_ports"

struct pool_range {
	uint16_t low, high; /* both inclusive */
};

/**
 * @param ephemeral_file, reserved_file  NULL = the kernel's. A file that cannot be read is no conflict.
 * @param ret_overlap set to the kernel's range on conflict.  @return 0, -EADDRINUSE (conflict).
 */
int pool_range_check(const struct pool_range *range, const char *ephemeral_file,
		     const char *reserved_file, struct pool_range *ret_overlap);

#endif
