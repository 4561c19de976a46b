/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_clock - one timer that serves a retransmission interval and a deadline.
 *
 * Two timers would be simpler, but a transaction that only lingers should not carry 48 bytes it does
 * not use. Time is counted by adding up what the timer was started with, so the wheel's clock is
 * the only one and the schedule of RFC 3261 comes out exactly.
 */
#include "sbe/sip/txn_private.h"

static void txn_clock_arm(struct txn_clock *k, const struct txn_alarm *a)
{
	k->armed_ms = k->interval_ms && k->interval_ms < k->left_ms ? k->interval_ms : k->left_ms;
	timer_start(a->wheel, &k->timer, k->armed_ms, a->fn, a->arg);
}

void txn_clock_start(struct txn_clock *k, const struct txn_alarm *a, uint32_t interval_ms,
		     uint32_t deadline_ms)
{
	k->interval_ms = interval_ms;
	k->left_ms = deadline_ms;
	txn_clock_arm(k, a);
}

void txn_clock_stop(struct txn_clock *k)
{
	timer_stop(&k->timer);
}

bool txn_clock_due(struct txn_clock *k)
{
	k->left_ms -= k->armed_ms;
	return k->left_ms == 0;
}

void txn_clock_again(struct txn_clock *k, const struct txn_alarm *a, uint32_t max_ms)
{
	k->interval_ms *= 2;
	if (max_ms && k->interval_ms > max_ms)
		k->interval_ms = max_ms;
	txn_clock_arm(k, a);
}

void txn_clock_interval(struct txn_clock *k, const struct txn_alarm *a, uint32_t interval_ms)
{
	uint64_t rest_ms = timer_left_ms(&k->timer);

	if (!timer_running(&k->timer))
		return;
	k->left_ms -= k->armed_ms;
	k->left_ms += rest_ms < k->armed_ms ? (uint32_t)rest_ms : k->armed_ms;
	k->interval_ms = interval_ms;
	txn_clock_arm(k, a);
}
