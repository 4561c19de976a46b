/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_peers - a listener and two watched streams, the scene of all stream tests.
 *
 * Each end counts what its callbacks were told. Thread: that of the test.
 */
#ifndef TESTS_UNIT_COMMON_NET_NET_PEERS_H
#define TESTS_UNIT_COMMON_NET_NET_PEERS_H

#include "tests/unit/common/net/net_support.h"

#include "common/net/stream.h"

struct net_end {
	struct stream *s;
	int opened, closed, chunks, err;
	int bytes;    /* received */
	uint32_t sum; /* of all bytes received, order counts */
	bool echo;    /* send back what comes */
	bool keep;    /* do not close the stream when it is told closed */
	int close_at; /* close inside the data callback after so many chunks */
	bool close_flushed;
	char why[160]; /* stream_error_text when it was told closed */
};

struct net_scene {
	uv_loop_t loop;
	size_t live;
	char *dir;
	struct stream_listener *listener;
	struct net_end client;
	struct net_end accepted[8];
	int naccepted;
	bool refuse; /* the acceptor closes what it gets */
	bool ignore; /* the acceptor does nothing with it */
	bool echo;   /* accepted ends echo */
};

extern const struct stream_handlers net_end_handlers;

int net_scene_setup(void **state);
int net_scene_teardown(void **state);

/** Listen on 127.0.0.1 (or what `at` says) and accept into scene->accepted. */
void net_scene_listen(struct net_scene *n, const struct stream_listen_options *o);
int net_scene_connect(struct net_scene *n, struct net_end *e, const struct stream_options *o);
/** The next number of the checksum in net_end.sum. */
uint32_t net_sum(uint32_t sum, const uint8_t *data, size_t len_bytes);

#endif
