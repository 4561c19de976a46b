/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_pair - the two sockets of a port pair: bound, in the epoll set, in use or kept warm for the next stream.
 *
 * Making four sockets for a call and closing them costs more than the rest of what the dbe does for it, so a pair
 * that a stream gives back stays open, up to a number of them. Nothing that comes to it meanwhile reaches the
 * next stream: it is read, counted and dropped as it comes, and once more when the pair is taken. A pair that gets
 * many such packets is closed, so that the kernel tells their sender that nobody is there.
 * Owner: path_socket. The tag of an event is the pair's address, the lowest bit says which port. Thread: the loop's.
 */
#ifndef DBE_PATH_PATH_PAIR_H
#define DBE_PATH_PATH_PAIR_H

#include "dbe/path/path.h"

#define PATH_WARM_BUCKETS 1024

struct path_pair {
	struct path_end *end; /* whose packets these are; NULL = warm */
	int fd[PATH_PORTS];
	uint8_t dscp; /* as set on the sockets */
	uint8_t strays;
	struct addr local[PATH_PORTS];
	struct path_pair *next; /* in its bucket, or among the dead */
};

struct path_pairs {
	int epoll_fd; /* borrowed */
	uint32_t receive_buffer_bytes;
	uint32_t warm_max, warm;
	bool busy; /* events in hand may still name a pair that is closed */
	struct path_pair *dead;
	struct path_pair *buckets[PATH_WARM_BUCKETS];
};

void path_pairs_init(struct path_pairs *all, int epoll_fd, const struct path_options *o);
/** Close all warm pairs. */
void path_pairs_clear(struct path_pairs *all);
/** Free what was closed while events were in hand. */
void path_pairs_bury(struct path_pairs *all);
/** Warm pairs at this IP address. */
uint32_t path_pairs_warm_at(const struct path_pairs *all, const struct addr *ip);

/** A warm pair or a new one. @return 0, -EADDRINUSE, -EADDRNOTAVAIL, -EMFILE, -ENOMEM ... */
int path_pair_open(struct path_pairs *all, const struct addr local[PATH_PORTS],
		   struct path_end *end, struct path_pair **ret_pair);
/** Give it back: it is kept warm if there is room, else closed. */
void path_pair_close(struct path_pairs *all, struct path_pair *p);
/** Mark what is sent. */
void path_pair_set_dscp(struct path_pair *p, uint8_t dscp);

/** Read and drop what came to a warm pair. @return the number of datagrams. The pair may be closed. */
unsigned path_pair_stray(struct path_pairs *all, struct path_pair *p, enum path_port port);

#endif
