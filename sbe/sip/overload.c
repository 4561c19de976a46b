/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller. While the loop has no time left the delay grows by (work offered / capacity - 1) per second,
 * so its growth in a tick tells the ratio of work offered to capacity, and its distance from the target tells
 * what that ratio should be to bring it there within DRAIN_MS. The quotient is the factor the share is off by.
 * Only a part of it is applied: most of a call's work comes after its INVITE, up to its BYE, so a full
 * correction would answer for the past twice. While the loop has time left, how busy it is is that ratio itself.
 * Both are products, so it is as smooth at a share of 0.02 as at 0.9.
 */
#include "sbe/sip/overload.h"

#define DELAY_MS 30U
#define BRAKE_MS 250U
#define BUSY 0.90         /* below, delay is not the loop's own doing */
#define QUEUE_PERCENT 50U /* of a receive buffer: the rest is for what must not be lost */
#define TRANSACTIONS_PERCENT 90U
#define START_TICKS 3U   /* in a row, before anything is shed: a burst is no overload */
#define CALM_US 2000000U /* nothing shed for so long: the episode is over */
#define ADMIT_MIN 0.005  /* some always get in, or nothing would tell that it is over */
#define DRAIN_MS 500.0
#define GAIN 0.35
#define FALL_MIN 0.7
#define RISE_MAX 1.15
#define RISE_ADD 0.002
#define BUSY_AIM 0.98

METRIC_TABLE(overload_metrics, OVERLOAD_METRICS)

void overload_init(struct overload *o, const struct overload_options *options, uint64_t now_us)
{
	*o = (struct overload){.o = *options, .admit = 1, .last_us = now_us};
	if (!o->o.delay_ms)
		o->o.delay_ms = DELAY_MS;
	if (!o->o.brake_ms)
		o->o.brake_ms = BRAKE_MS;
	metric_register(&overload_metrics);
}

static double clip(double v, double low, double high)
{
	return v < low ? low : v > high ? high : v;
}

static void measure(struct overload *o, const struct overload_sample *s)
{
	uint64_t passed_us = s->now_us - o->last_us;
	uint64_t idle_us = s->idle_us - o->last_idle_us;

	o->last_delay_ms = o->delay_ms;
	o->delay_ms = o->waits ? (double)o->wait_us / o->waits / 1000 : 0;
	o->busy = idle_us >= passed_us ? 0 : 1 - (double)idle_us / (double)passed_us;
	o->cpu_percent = (unsigned)((s->cpu_us - o->last_cpu_us) * 100 / passed_us);
	o->queue_percent = s->queue_percent;
	o->wait_us = o->wait_max_us = 0;
	o->waits = 0;
	o->last_us = s->now_us;
	o->last_idle_us = s->idle_us;
	o->last_cpu_us = s->cpu_us;
}

/* What one tick asks for, as a factor on the share. */
static double ask(struct overload *o, const struct overload_sample *s, double tick_ms)
{
	double error_ms = o->delay_ms - o->o.delay_ms, ratio, aim;

	if (s->transactions_percent >= TRANSACTIONS_PERCENT) {
		o->cause = OVERLOAD_BY_TRANSACTIONS;
		return 0.7;
	}
	if (s->queue_percent >= QUEUE_PERCENT) {
		o->cause = OVERLOAD_BY_QUEUE;
		return 0.7;
	}
	if (o->busy < BUSY)
		return clip(1 + GAIN * (BUSY_AIM / (o->busy + 0.01) - 1), 1, RISE_MAX);
	ratio = clip(1 + (o->delay_ms - o->last_delay_ms) / tick_ms, 0.5, 2);
	aim = clip(1 - error_ms / DRAIN_MS, 0.5, 1.1);
	if (error_ms > 0)
		o->cause = OVERLOAD_BY_DELAY;
	return clip(1 + GAIN * (aim / ratio - 1), FALL_MIN, RISE_MAX);
}

static void note_episode(struct overload *o, uint64_t now_us)
{
	if (overload_level(o) > 0) {
		if (!o->shedding)
			metric_add(&overload_metrics, OVERLOAD_EPISODES, 1);
		o->shedding = true;
		o->calm_us = 0;
	} else if (o->shedding) {
		if (!o->calm_us)
			o->calm_us = now_us;
		o->shedding = now_us - o->calm_us < CALM_US;
	}
}

static void publish(const struct overload *o)
{
	metric_set(&overload_metrics, OVERLOAD_LEVEL, overload_level(o));
	metric_set(&overload_metrics, OVERLOAD_DELAY, (int64_t)(o->delay_ms * 1000));
	metric_set(&overload_metrics, OVERLOAD_BUSY, (int64_t)(o->busy * 100 + 0.5));
	metric_set(&overload_metrics, OVERLOAD_CPU, o->cpu_percent);
	metric_set(&overload_metrics, OVERLOAD_QUEUE, o->queue_percent);
}

void overload_tick(struct overload *o, const struct overload_sample *s)
{
	double tick_ms, factor;

	if (s->now_us < o->last_us + OVERLOAD_TICK_MS * 1000 / 4)
		return;
	tick_ms = (double)(s->now_us - o->last_us) / 1000;
	measure(o, s);
	o->cause = OVERLOAD_NOTHING;
	factor = ask(o, s, tick_ms);
	o->pending = factor < 1 ? o->pending + 1 : 0;
	if (factor < 1 && o->admit >= 1 && o->pending < START_TICKS)
		factor = 1;
	o->admit = clip(o->admit * factor + (factor > 1 ? RISE_ADD : 0), ADMIT_MIN, 1);
	if (o->admit < 1 && o->cause == OVERLOAD_NOTHING)
		o->cause = OVERLOAD_BY_DELAY; /* still on the way back */
	if (o->o.force_percent && o->admit * 100 >= 100 - o->o.force_percent)
		o->cause = OVERLOAD_BY_FORCE;
	note_episode(o, s->now_us);
	publish(o);
}

void overload_force(struct overload *o, uint32_t percent)
{
	o->o.force_percent = percent > 100 ? 100 : percent;
	o->cause = percent ? OVERLOAD_BY_FORCE : OVERLOAD_NOTHING;
	publish(o);
}

uint32_t overload_admit(const struct overload *o)
{
	uint32_t own = (uint32_t)(o->admit * OVERLOAD_WHOLE);
	uint32_t forced = (100 - o->o.force_percent) * OVERLOAD_WHOLE / 100;

	return own < forced ? own : forced;
}

unsigned overload_level(const struct overload *o)
{
	return 100 - (overload_admit(o) * 100 + OVERLOAD_WHOLE / 2) / OVERLOAD_WHOLE;
}

bool overload_too_late(const struct overload *o, uint64_t waited_us)
{
	/* When the machine stood still for once all are late and none is too many: it must have lasted. */
	return waited_us > (uint64_t)o->o.brake_ms * 1000 && o->busy >= BUSY &&
	       (o->admit < 1 || o->pending + 1 >= START_TICKS);
}

static const struct {
	const char *name, *text;
} causes[OVERLOAD_CAUSE_COUNT] = {
#define CAUSE_ROW(id, name, text) [id] = {name, text},
	OVERLOAD_CAUSES(CAUSE_ROW)
#undef CAUSE_ROW
};

const char *overload_cause_name(enum overload_cause c)
{
	return (unsigned)c < OVERLOAD_CAUSE_COUNT ? causes[c].name : "";
}

const char *overload_cause_text(enum overload_cause c)
{
	return (unsigned)c < OVERLOAD_CAUSE_COUNT ? causes[c].text : "";
}
