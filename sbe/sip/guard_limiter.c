/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket per source in a set-associative table: a keyed hash picks a set, the least recently
 * used way of it is given up for a newcomer. Constant time and memory however many sources there are,
 * and nobody can choose a source that falls into somebody else's set.
 */
#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "common/rate.h"
#include "common/table.h"
#include "sbe/sip/guard.h"

#define LIMITER_SETS 2048U /* power of two */
#define LIMITER_WAYS 8U

struct source {
	uint8_t key
		[9]; /* family, then an IPv4 address or the upper half of an IPv6 one; family 0 = free */
	struct rate rate;
};

struct guard_limiter {
	uint32_t per_s, burst;
	struct source sets[LIMITER_SETS][LIMITER_WAYS]; /* of a set, most recently used first */
};

int guard_limiter_new(uint32_t per_s, uint32_t burst, struct guard_limiter **ret_limiter)
{
	struct guard_limiter *l = mem_zalloc(sizeof(*l), NULL);
	if (!l)
		return -ENOMEM;
	l->per_s = per_s;
	l->burst = burst;
	*ret_limiter = l;
	return 0;
}

void guard_limiter_free(struct guard_limiter *l)
{
	mem_unref(l);
}

bool guard_limiter_take(struct guard_limiter *l, const struct addr *from, uint64_t now_us)
{
	uint8_t key[9] = {from->family ? from->family : 1};
	/* One host has a whole /64 of IPv6 addresses to send from. */
	memcpy(key + 1, from->ip, from->family == ADDR_V4 ? 4 : 8);
	struct source *set = l->sets[table_hash(key, sizeof(key)) & (LIMITER_SETS - 1)];
	struct source one;
	unsigned way = 0;
	while (way < LIMITER_WAYS && memcmp(set[way].key, key, sizeof(key)) != 0)
		way++;
	if (way < LIMITER_WAYS) {
		one = set[way];
	} else {
		way = LIMITER_WAYS - 1;
		memcpy(one.key, key, sizeof(key));
		rate_init(&one.rate, l->per_s, l->burst, now_us);
	}
	bool ok = rate_take(&one.rate, 1, now_us);
	memmove(set + 1, set, way * sizeof(*set));
	set[0] = one;
	return ok;
}
