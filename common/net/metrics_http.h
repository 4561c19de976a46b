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

int metrics_http_start(const struct addr *listen, struct metrics_http **ret_server);
void metrics_http_set_ready(struct metrics_http *s, bool ready);
struct metrics_http *metrics_http_stop(struct metrics_http *s);

#endif
