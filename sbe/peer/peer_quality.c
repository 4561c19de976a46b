/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_quality.h"

#include <string.h>

static void turn(struct peer_quality *q, uint64_t now_ms)
{
	const uint64_t window_ms = PEER_QUALITY_S * 1000ULL;

	if (q->started_ms && now_ms - q->started_ms < window_ms)
		return;
	if (q->started_ms && now_ms - q->started_ms < 2 * window_ms)
		q->windows[1] = q->windows[0];
	else
		memset(&q->windows[1], 0, sizeof(q->windows[1]));
	memset(&q->windows[0], 0, sizeof(q->windows[0]));
	q->started_ms = now_ms;
}

void peer_quality_note(struct peer_quality *q, int status, uint32_t pdd_ms, uint64_t now_ms)
{
	turn(q, now_ms);
	q->windows[0].calls++;
	q->windows[0].answered += status >= 200 && status < 300;
	if (!pdd_ms)
		return;
	q->windows[0].rang++;
	q->windows[0].rang_ms += pdd_ms;
}

void peer_quality_read(struct peer_quality *q, uint64_t now_ms, struct peer_quality_figures *ret_f)
{
	uint64_t calls, answered, rang, rang_ms;

	turn(q, now_ms);
	calls = (uint64_t)q->windows[0].calls + q->windows[1].calls;
	answered = (uint64_t)q->windows[0].answered + q->windows[1].answered;
	rang = (uint64_t)q->windows[0].rang + q->windows[1].rang;
	rang_ms = q->windows[0].rang_ms + q->windows[1].rang_ms;
	*ret_f = (struct peer_quality_figures){
		.calls = calls > UINT32_MAX ? UINT32_MAX : (uint32_t)calls,
		.asr_percent = calls ? (uint32_t)(answered * 100 / calls) : 0,
		.pdd_ms = rang ? (uint32_t)(rang_ms / rang) : 0};
}
