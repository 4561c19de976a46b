/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_http - /metrics (Prometheus text) and /healthz, /ready on libmicrohttpd's own thread.
 *
 * Only reads atomics (metrics, the ready flag), so the loop is never touched. Owner: caller.
 */
#ifndef COMMON_NET_METRICS_HTTP_H
#define COMMON_NET_METRICS_HTTP_H

#include <stdbool.h>

#include "common/addr.h"

struct metrics_http;

/** @param listen port 0 picks one (see metrics_http_port). @return 0, -EADDRINUSE, -EADDRNOTAVAIL, ... -errno. */
int metrics_http_start(const struct addr *listen, struct metrics_http **ret_server);
/** /ready answers 200 if ready, else 503 (starting, draining). Not ready at first. */
void metrics_http_set_ready(struct metrics_http *s, bool ready);
uint16_t metrics_http_port(const struct metrics_http *s);
/** Waits for the thread. @return NULL */
struct metrics_http *metrics_http_stop(struct metrics_http *s);

#endif
