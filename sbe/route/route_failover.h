/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_failover - when a call goes on to the next candidate, and how long all of them may take together.
 *
 * A timeout, a transport error and 503 always lead on; of the other 5xx those listed; a 4xx never does (but for 408,
 * which is a timeout), and a 6xx ends the search (RFC 3261 16.7, 21.6). Plain struct. Thread: any.
 */
#ifndef SBE_ROUTE_ROUTE_FAILOVER_H
#define SBE_ROUTE_ROUTE_FAILOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

struct route_failover_conf {
	uint32_t try_ms;          /* 0 = what the peer says */
	uint32_t progress_ms;     /* a candidate may say nothing but 100 for so long */
	uint32_t total_ms;        /* all of them together, until one rings */
	struct conf_list next_on; /* const char *: "500".."599" */
};
extern const struct conf_field route_failover_fields[];
conf_check_h route_failover_check;

/* What a plan carries: nothing in it belongs to a configuration. */
struct route_failover {
	uint32_t try_ms, progress_ms, total_ms;
	uint64_t next_on[2]; /* bit status - 500 */
};

/** c NULL = the defaults. */
void route_failover_compile(const struct route_failover_conf *c, struct route_failover *ret_f);
/** Does this final response lead on to the next candidate? */
bool route_failover_next(const struct route_failover *f, int status);

#endif
