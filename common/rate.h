/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate - token bucket. Plain struct, embedded; time comes in as an argument.
 */
#ifndef COMMON_RATE_H
#define COMMON_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint64_t per_s;       /* tokens per second; 0 = no limit */
	uint64_t burst;       /* bucket size in tokens */
	uint64_t level_micro; /* tokens now, in millionths */
	uint64_t last_us;
};

/** @param per_s 0 = unlimited. @param burst 0 = per_s (at least 1). Starts full. */
void rate_init(struct rate *r, uint64_t per_s, uint64_t burst, uint64_t now_us);

/** Take n tokens. @return true if they were there; false takes nothing. */
bool rate_take(struct rate *r, uint64_t n, uint64_t now_us);

/** Are n tokens there? Takes nothing. */
bool rate_has(struct rate *r, uint64_t n, uint64_t now_us);

#endif
