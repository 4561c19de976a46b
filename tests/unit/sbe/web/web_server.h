/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_server - an HTTPS server in a thread for tests: one request after the other, the same answer to each.
 *
 * Owner: the test. Threads: its own; counters are read by the test when an answer is there.
 */
#ifndef TESTS_UNIT_SBE_WEB_WEB_SERVER_H
#define TESTS_UNIT_SBE_WEB_WEB_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct web_server {
	/* set before web_server_start */
	const char *certificate_file, *key_file; /* NULL = clear text */
	const char *client_trust_file; /* clients must show a certificate of it; NULL = need not */
	/* may be set at any time between requests */
	const char *status; /* "200 OK" */
	const char *body;
	const char *more; /* header lines */
	atomic_bool mute; /* take requests, never answer */
	/* to be read */
	atomic_int requests, connections;
	char last[4096]; /* head of the last request */
	uint16_t port;
	/* its own */
	int fd;
	atomic_bool stop;
	void *ctx;
	pthread_t thread;
};

void web_server_start(struct web_server *s);
void web_server_stop(struct web_server *s);

#endif
