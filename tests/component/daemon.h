/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon - runs sbe or dbe for a component test: a directory of its own, its log, its control socket.
 *
 * Needs SPEER_BIN (set by tests/run.sh). Asserts with cmocka. Owner: caller, static. Thread: the test.
 */
#ifndef TESTS_COMPONENT_DAEMON_H
#define TESTS_COMPONENT_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DAEMON_WAIT_MS 15000

struct daemon {
	const char *program; /* "sbe", "dbe" */
	char dir[64], conf[96], log[96], socket[96];
	pid_t pid; /* 0 = not running */
};

/** Make the directory. */
void daemon_init(struct daemon *d, const char *program);
/** Write the configuration, printf-like with ' for ", start, wait until the control socket answers. */
void daemon_start(struct daemon *d, const char *conf, ...) __attribute__((format(printf, 2, 3)));
/** SIGTERM; it must end with 0. Shows the log if not. */
void daemon_stop(struct daemon *d);
/** Whatever is left: killed, log shown, directory removed. */
void daemon_clean(struct daemon *d);

/** A number at a path of the reply to a command: daemon_number(d, "[\"status\"]", "calls"). -1 = not there. */
int64_t daemon_number(const struct daemon *d, const char *command, const char *key);
/** Rows of a list. */
size_t daemon_rows(const struct daemon *d, const char *command);
/** Sum of all counters whose name contains the text. */
int64_t daemon_counter(const struct daemon *d, const char *part);
/** Wait until it is at least n: some are published once a second. */
void daemon_await_counter(const struct daemon *d, const char *part, int64_t n);
/** In a table: sum of the column over rows. */
int64_t daemon_column(const struct daemon *d, const char *command, const char *column);
long daemon_rss_kib(const struct daemon *d);

/** A TCP or UDP port that is free now. */
unsigned daemon_free_port(const char *ip, bool udp);

#endif
