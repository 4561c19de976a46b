/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/media/silence.h"

/* While it is silent we look this often whether media is back. */
#define SILENCE_RECHECK_MS 500

void silence_set(struct silence *s, bool watch, uint32_t silence_ms, uint32_t first_packet_ms,
		 uint64_t now_us)
{
	watch = watch && silence_ms > 0;
	/* The clock starts anew only when watching starts: an unrelated change must not hide a silence. */
	if (watch && !s->watching)
		s->since_us = now_us;
	if (!watch)
		s->silent = false;
	s->watching = watch;
	s->silence_ms = silence_ms;
	s->first_packet_ms = first_packet_ms;
}

enum silence_change silence_check(struct silence *s, uint64_t last_us, uint64_t now_us,
				  uint32_t *ret_next_ms)
{
	uint64_t from_us = last_us > s->since_us ? last_us : s->since_us;
	uint64_t limit_us, quiet_us = now_us > from_us ? now_us - from_us : 0;

	*ret_next_ms = 0;
	if (!s->watching)
		return SILENCE_SAME;
	limit_us = 1000ULL * (!last_us && s->first_packet_ms ? s->first_packet_ms : s->silence_ms);
	/* Once reported, only a packet ends it: a longer limit alone does not bring media back. */
	if (s->silent && last_us == s->missed_us) {
		*ret_next_ms = SILENCE_RECHECK_MS;
		return SILENCE_SAME;
	}
	if (s->silent) {
		s->silent = false;
		*ret_next_ms = 1; /* it may have been one lone packet, long ago */
		return SILENCE_ENDED;
	}
	if (quiet_us < limit_us) {
		*ret_next_ms = (uint32_t)((limit_us - quiet_us + 999) / 1000);
		return SILENCE_SAME;
	}
	s->silent = true;
	s->missed_us = last_us;
	*ret_next_ms = SILENCE_RECHECK_MS;
	return SILENCE_BEGAN;
}
