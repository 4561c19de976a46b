/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_fake - a data plane without sockets for tests: packets are handed in and taken out by hand.
 *
 * Obeys the same rules as any path (it runs the same conformance suite). Owner: as path.h. Thread: one.
 */
#ifndef DBE_PATH_PATH_FAKE_H
#define DBE_PATH_PATH_FAKE_H

#include "dbe/path/path.h"

#define PATH_FAKE_QUEUE 64
#define PATH_FAKE_BYTES 9216

/* create ignores the loop, which may be NULL. */
extern const struct path_ops path_fake;

struct path_fake_packet {
	struct addr from, to; /* from: the local address it left by */
	uint8_t dscp;
	size_t len_bytes;
	uint8_t data[PATH_FAKE_BYTES];
};

/** A datagram arrives. @return 0, -ECONNREFUSED (nobody has that port open). */
int path_fake_deliver(struct path *p, const struct addr *to, const struct addr *from,
		      const void *data, size_t len_bytes);
/** Oldest packet that was sent. @return 0, -EAGAIN (none). */
int path_fake_take(struct path *p, struct path_fake_packet *ret_packet);

/** The next count opens fail with err. */
void path_fake_fail_open(struct path *p, int err, unsigned count);
/** Ends open now, ever opened, and rule changes ever. */
size_t path_fake_ends(const struct path *p);
size_t path_fake_opened(const struct path *p);
size_t path_fake_changes(const struct path *p);

#endif
