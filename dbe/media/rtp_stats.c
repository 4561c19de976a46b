/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtp_stats - follows a stream's sequence numbers and arrival times.
 *
 * RFC 3550 A.1 keeps a new source on probation for two packets. We do not: the packets here passed a
 * source filter, and each must be counted because each is relayed.
 */
#include "dbe/media/rtp_stats.h"

#define RTP_DROPOUT_MAX 3000 /* A.1: a jump ahead up to this is loss */
#define RTP_MISORDER_MAX 100 /* A.1: a step back up to this is reordering */
#define RTP_NO_RESTART 0x10000U

static uint64_t stats_lost_now(const struct rtp_stats *s)
{
	uint32_t expected = s->cycles + s->max_sequence - s->base_sequence + 1;

	return s->started && expected > s->received ? expected - s->received : 0;
}

static void stats_restart(struct rtp_stats *s, const struct rtp_sample *p)
{
	if (s->started) {
		s->lost_before += stats_lost_now(s);
		s->restarts++;
	}
	s->started = true;
	s->ssrc = p->ssrc;
	s->base_sequence = p->sequence;
	s->max_sequence = p->sequence;
	s->cycles = 0;
	s->received = 0;
	s->bad_sequence = RTP_NO_RESTART;
	s->has_transit = false;
	s->jitter_x16 = 0;
}

/* @return true if the packet belongs to the count (A.1 update_seq). */
static bool stats_sequence(struct rtp_stats *s, const struct rtp_sample *p)
{
	uint16_t delta = (uint16_t)(p->sequence - s->max_sequence);

	if (delta < RTP_DROPOUT_MAX) {
		if (p->sequence < s->max_sequence)
			s->cycles += 0x10000U;
		s->max_sequence = p->sequence;
		s->bad_sequence = RTP_NO_RESTART;
	} else if (delta <= 0x10000U - RTP_MISORDER_MAX) {
		/* A large jump: believe it when the next packet follows on. */
		if (p->sequence != s->bad_sequence) {
			s->bad_sequence = (uint16_t)(p->sequence + 1);
			return false;
		}
		stats_restart(s, p);
	}
	/* else: late or twice; it was expected before, so it only counts as received */
	return true;
}

static void stats_jitter(struct rtp_stats *s, const struct rtp_sample *p)
{
	uint32_t arrival, transit, us;
	int32_t d;

	/* Another clock makes old and new transit times incomparable. */
	if (s->clock_hz != p->clock_hz) {
		s->clock_hz = p->clock_hz;
		s->has_transit = false;
		s->jitter_x16 = 0;
	}
	/* Split so that a long uptime cannot overflow; only differences matter, modulo 2^32. */
	arrival = (uint32_t)(p->arrival_us / 1000000 * p->clock_hz +
			     p->arrival_us % 1000000 * p->clock_hz / 1000000);
	transit = arrival - p->timestamp;
	d = (int32_t)(transit - s->transit);
	s->transit = transit;
	if (!s->has_transit) {
		s->has_transit = true;
		return;
	}
	if (d < 0)
		d = d == INT32_MIN ? INT32_MAX : -d;
	/* A timestamp that leaps (talk spurts of odd senders) would spoil the mean for minutes. */
	if ((uint32_t)d > p->clock_hz * 10)
		return;
	s->jitter_x16 += (uint32_t)d - ((s->jitter_x16 + 8) >> 4);
	us = rtp_stats_jitter_us(s);
	if (us > s->jitter_max_us)
		s->jitter_max_us = us;
}

void rtp_stats_feed(struct rtp_stats *s, const struct rtp_sample *p)
{
	if (!s->started || p->ssrc != s->ssrc)
		stats_restart(s, p);
	if (!stats_sequence(s, p))
		return;
	s->received++;
	stats_jitter(s, p);
}

uint64_t rtp_stats_lost(const struct rtp_stats *s)
{
	return s->lost_before + stats_lost_now(s);
}

uint32_t rtp_stats_jitter_us(const struct rtp_stats *s)
{
	if (!s->clock_hz)
		return 0;
	return (uint32_t)((uint64_t)s->jitter_x16 * 1000000 / s->clock_hz / 16);
}
