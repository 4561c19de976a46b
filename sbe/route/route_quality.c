/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/route/route_quality.h"

#include <stdio.h>

#define FIELD(member, name) .key = name, .offset = offsetof(struct route_quality_conf, member)

const struct conf_field route_quality_fields[] = {
	{FIELD(asr_percent, "asr_percent"), .type = CONF_UINT, .max = 100, .def = "0",
	 .text = "A peer with less of its calls answered is tried last; 0 = does not matter."},
	{FIELD(pdd_ms, "pdd_ms"), .type = CONF_UINT, .max = 60000, .def = "0",
	 .text = "A peer that on average takes longer to ring is tried last; 0 = does not matter."},
	{FIELD(calls, "calls"), .type = CONF_UINT, .min = 1, .max = 100000, .def = "20",
	 .text = "Fewer calls of late say nothing about its quality."},
	CONF_END,
};

bool route_quality_good(const struct route_quality_conf *c, const struct route_quality *q,
			char *why, size_t size_bytes)
{
	if ((!c->asr_percent && !c->pdd_ms) || q->calls < c->calls)
		return true;
	if (q->asr_percent < c->asr_percent) {
		snprintf(why, size_bytes,
			 "%u percent of its last %u calls were answered, %u are wanted",
			 q->asr_percent, q->calls, c->asr_percent);
		return false;
	}
	if (c->pdd_ms && q->pdd_ms > c->pdd_ms) {
		snprintf(why, size_bytes, "it took %u ms to ring on average, %u are wanted",
			 q->pdd_ms, c->pdd_ms);
		return false;
	}
	return true;
}
