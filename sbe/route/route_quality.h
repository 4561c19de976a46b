/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_quality - is a peer as good as a route wants it, going by what was measured of it lately (E7)?
 *
 * Who measures is not our business: the figures come by route_env.quality. Too few calls say nothing, so a peer
 * that is tried last for its quality comes back when its old figures have faded. Plain structs. Thread: loop.
 */
#ifndef SBE_ROUTE_ROUTE_QUALITY_H
#define SBE_ROUTE_ROUTE_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

struct route_quality_conf {
	uint32_t asr_percent; /* at least; 0 = not looked at */
	uint32_t pdd_ms;      /* at most; 0 = not looked at */
	uint32_t calls;       /* fewer say nothing */
};
extern const struct conf_field route_quality_fields[];

/* Calls to a peer, of late. */
struct route_quality {
	uint32_t calls;
	uint32_t asr_percent; /* answered of all seizures */
	uint32_t pdd_ms;      /* from INVITE to the first sign of ringing, mean; 0 = not known */
};

/** @return true: good enough, or nothing is asked or known; else why. */
bool route_quality_good(const struct route_quality_conf *c, const struct route_quality *q,
			char *why, size_t size_bytes);

#endif
