/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a peer's calls fade (E7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sbe/peer/peer_quality.h"

#define WINDOW_MS (PEER_QUALITY_S * 1000ULL)

static void read_it(struct peer_quality *q, uint64_t now_ms, uint32_t calls, uint32_t asr,
		    uint32_t pdd)
{
	struct peer_quality_figures f;

	peer_quality_read(q, now_ms, &f);
	assert_int_equal(f.calls, calls);
	assert_int_equal(f.asr_percent, asr);
	assert_int_equal(f.pdd_ms, pdd);
}

static void they_fade(void **state)
{
	struct peer_quality q = {.started_ms = 0};

	(void)state;
	read_it(&q, 1000, 0, 0, 0);
	peer_quality_note(&q, 200, 100, 1000);
	peer_quality_note(&q, 486, 300, 2000);
	peer_quality_note(&q, 408, 0, 3000);
	peer_quality_note(&q, 503, 0, 4000);
	read_it(&q, 5000, 4, 25, 200);
	peer_quality_note(&q, 200, 500, 1000 + WINDOW_MS);
	read_it(&q, 1000 + WINDOW_MS, 5, 40, 300);
	read_it(&q, 1000 + 2 * WINDOW_MS, 1, 100, 500);
	read_it(&q, 1000 + 9 * WINDOW_MS, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(they_fade)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
