/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silence - when does missing media become news, and when is it back (H.248.40 adid)?
 *
 * Plain struct, embedded; the caller brings the time of the last packet and a timer. One report per
 * silence. Thread: any one.
 */
#ifndef DBE_MEDIA_SILENCE_H
#define DBE_MEDIA_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

struct silence {
	uint32_t silence_ms;      /* 0 = off */
	uint32_t first_packet_ms; /* before the first packet; 0 = silence_ms */
	uint64_t since_us;        /* watching since; packets before it are not waited for twice */
	uint64_t missed_us;       /* the last packet's time when silence was reported */
	bool watching;            /* off while the mode expects no media (hold) */
	bool silent;              /* reported, not resumed yet */
};

enum silence_change { SILENCE_SAME = 0, SILENCE_BEGAN, SILENCE_ENDED };

/** Settings or mode changed: start to watch at now_us, or stop. A reported silence is forgotten when it stops. */
void silence_set(struct silence *s, bool watch, uint32_t silence_ms, uint32_t first_packet_ms,
		 uint64_t now_us);

/**
 * Look at the stream. @param last_us when the last packet came in, 0 = never.
 * @param ret_next_ms when to look again; 0 = no need.  @return what changed.
 */
enum silence_change silence_check(struct silence *s, uint64_t last_us, uint64_t now_us,
				  uint32_t *ret_next_ms);

#endif
