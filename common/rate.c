/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate - token bucket in millionths of a token: a rate of n per second adds exactly n of them each
 * microsecond, so nothing is lost by rounding however often it is asked.
 */
#include "common/rate.h"

#define RATE_MICRO 1000000U
#define RATE_BURST_MAX (UINT64_MAX / RATE_MICRO)

void rate_init(struct rate *r, uint64_t per_s, uint64_t burst, uint64_t now_us)
{
	if (burst == 0)
		burst = per_s > 0 ? per_s : 1;
	if (burst > RATE_BURST_MAX)
		burst = RATE_BURST_MAX;
	r->per_s = per_s;
	r->burst = burst;
	r->level_micro = burst * RATE_MICRO;
	r->last_us = now_us;
}

static void rate_fill(struct rate *r, uint64_t now_us)
{
	uint64_t missing_micro = r->burst * RATE_MICRO - r->level_micro;
	uint64_t passed_us;

	if (now_us <= r->last_us) /* other threads' clocks may be a little behind */
		return;
	passed_us = now_us - r->last_us;
	r->last_us = now_us;
	/* divide first: the product of a long idle time and a high rate may overflow */
	if (passed_us > missing_micro / r->per_s)
		r->level_micro += missing_micro;
	else
		r->level_micro += passed_us * r->per_s;
}

bool rate_has(struct rate *r, uint64_t n, uint64_t now_us)
{
	if (r->per_s == 0)
		return true;
	rate_fill(r, now_us);
	return n <= r->burst && n * RATE_MICRO <= r->level_micro;
}

bool rate_take(struct rate *r, uint64_t n, uint64_t now_us)
{
	if (!rate_has(r, n, now_us))
		return false;
	if (r->per_s)
		r->level_micro -= n * RATE_MICRO;
	return true;
}
