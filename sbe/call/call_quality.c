/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_quality.h"

#include "common/clock.h"
#include "sbe/call/call_object.h"

void call_quality_start(struct leg *leg)
{
	leg->quality = (struct call_quality){.invite_ms = clock_now_ms(), .open = true};
}

static void heard(struct call_quality *q, bool rang)
{
	if (q->heard)
		return;
	q->heard = true;
	q->rang = rang;
	q->first_ms = clock_now_ms();
}

void call_quality_rang(struct leg *leg)
{
	if (leg->quality.open)
		heard(&leg->quality, true);
}

void call_quality_final(struct leg *leg, int status, bool is_response)
{
	struct call_quality *q = &leg->quality;
	struct peer_outcome o = {.status = status};
	uint64_t now_ms = clock_now_ms();

	if (!q->open || !leg->peer)
		return;
	q->open = false;
	if (is_response)
		heard(q, false);
	o.heard = q->heard;
	o.rang = q->rang;
	o.first_ms = q->first_ms - (q->heard ? q->invite_ms : 0);
	q->up = status >= 200 && status < 300;
	q->answer_ms = now_ms;
	peer_quality_outcome(leg->peer, (enum peer_direction)leg->counted_as, &o, now_ms);
}

void call_quality_bye(struct leg *leg)
{
	if (!leg->quality.bye_ms)
		leg->quality.bye_ms = clock_now_ms();
}

void call_quality_ended(struct leg *leg, bool completed)
{
	struct call_quality *q = &leg->quality;
	uint64_t now_ms = clock_now_ms();
	struct peer_ending e = {.completed = completed, .asked = q->bye_ms != 0};

	if (!q->up || !leg->peer)
		return;
	q->up = false;
	e.talk_ms = (e.asked ? q->bye_ms : now_ms) - q->answer_ms;
	e.bye_ms = e.asked ? now_ms - q->bye_ms : 0;
	peer_quality_ended(leg->peer, (enum peer_direction)leg->counted_as, &e, now_ms);
}

void call_quality_move(struct leg *from, struct leg *to)
{
	to->quality = from->quality;
	from->quality = (struct call_quality){.open = false};
}

void call_quality_refused(struct peer *p, int status)
{
	peer_quality_outcome(p, PEER_IN, &(struct peer_outcome){.status = status, .heard = true},
			     clock_now_ms());
}
