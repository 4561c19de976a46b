/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dbe that does not answer, or always late, gets no new contexts for a while; then one at a time
 * until it has answered in time. Two time-outs are enough: each one costs a caller.
 */
#include "common/clock.h"
#include "common/log.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_private.h"

#define TIMEOUTS_MAX 2U
#define SLOW_MAX 5U
#define TRIP_MS 1000U
#define TRIP_MAX_MS 30000U

static void set_health(struct gate_dbe *d, enum gate_dbe_health health)
{
	d->health = health;
	d->since_ms = clock_now_ms();
	gate_pool_count(d->pool);
}

static void trip_over(void *arg)
{
	struct gate_dbe *d = arg;

	if (d->health != GATE_DBE_TRIPPED)
		return;
	d->probation = true;
	set_health(d, GATE_DBE_UP);
}

static void trip(struct gate_dbe *d, const char *why)
{
	if (d->health != GATE_DBE_UP)
		return;
	d->trip_ms = d->trip_ms ? d->trip_ms * 2 : TRIP_MS;
	if (d->trip_ms > TRIP_MAX_MS)
		d->trip_ms = TRIP_MAX_MS;
	d->timeouts = 0;
	d->slow = 0;
	d->probation = false;
	metric_add(&gate_metrics, GATE_M_TRIPPED, 1);
	LOG_WARN("gate", "'%s' %s: no new contexts for %u ms", d->name, why, d->trip_ms);
	set_health(d, GATE_DBE_TRIPPED);
	timer_start(d->pool->wheel, &d->trip, d->trip_ms, trip_over, d);
}

void gate_breaker_answer(struct gate_dbe *d, uint64_t took_us)
{
	d->timeouts = 0;
	if (took_us > (uint64_t)d->pool->request_ms * 500) {
		if (++d->slow >= SLOW_MAX)
			trip(d, "answers too slowly");
		return;
	}
	d->slow = 0;
	if (d->probation) {
		d->probation = false;
		d->trip_ms = 0;
	}
}

void gate_breaker_timeout(struct gate_dbe *d)
{
	metric_add(&gate_metrics, GATE_M_TIMEOUTS, 1);
	if (++d->timeouts >= TIMEOUTS_MAX || d->probation)
		trip(d, "does not answer");
}

void gate_breaker_reset(struct gate_dbe *d)
{
	timer_stop(&d->trip);
	d->timeouts = 0;
	d->slow = 0;
	d->trip_ms = 0;
	d->probation = false;
}
