/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overload - how many new calls the node can take: a controller on measured delay, without clock or sockets.
 *
 * What is controlled is the time messages wait between the kernel and us. Every message tells how long it
 * waited, a tick every OVERLOAD_TICK_MS tells how busy the loop was; the share of new calls to let in follows
 * from both, so that the delay stays near its target: full use of the processor, and no queue behind it.
 * Somebody else's program that takes the processor for a moment makes delay, but not a busy loop: then nothing is shed.
 *
 * Owner: the caller embeds it. Thread: loop.
 */
#ifndef SBE_SIP_OVERLOAD_H
#define SBE_SIP_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/metric.h"

#define OVERLOAD_TICK_MS 100U
#define OVERLOAD_WHOLE 65536U /* shares are parts of this */

#define OVERLOAD_METRICS(X)                                                                        \
	X(OVERLOAD_LEVEL, GAUGE, "sbe_overload_shed_percent",                                      \
	  "share of new calls that is shed now, of 100")                                           \
	X(OVERLOAD_DELAY, GAUGE, "sbe_overload_delay_microseconds",                                \
	  "how long messages waited for the loop, mean of the last tenth of a second")             \
	X(OVERLOAD_BUSY, GAUGE, "sbe_overload_busy_percent", "share of time the loop was busy")    \
	X(OVERLOAD_CPU, GAUGE, "sbe_overload_cpu_percent",                                         \
	  "processor time of the process, of one core")                                            \
	X(OVERLOAD_QUEUE, GAUGE, "sbe_overload_queue_percent",                                     \
	  "fill of the fullest SIP receive buffer")                                                \
	X(OVERLOAD_EPISODES, COUNTER, "sbe_overload_episodes_total",                               \
	  "times the node began to shed calls")                                                    \
	X(OVERLOAD_SHED, COUNTER, "sbe_overload_shed_total{kind=\"call\"}",                        \
	  "requests refused or dropped unparsed because of overload")                              \
	X(OVERLOAD_SHED_OTHER, COUNTER, "sbe_overload_shed_total{kind=\"other\"}",                 \
	  "requests refused or dropped unparsed because of overload")                              \
	X(OVERLOAD_SHED_STRANGER, COUNTER, "sbe_overload_shed_total{kind=\"stranger\"}",           \
	  "requests refused or dropped unparsed because of overload")                              \
	X(OVERLOAD_PRIORITY, COUNTER, "sbe_overload_priority_total",                               \
	  "emergency and priority calls let in while others were shed")
METRIC_ENUM(overload_metrics, OVERLOAD_METRICS)

/* What makes it shed, the strongest cause of the last tick. */
#define OVERLOAD_CAUSES(X)                                                                         \
	X(OVERLOAD_NOTHING, "nothing", "not overloaded")                                           \
	X(OVERLOAD_BY_DELAY, "delay", "messages wait too long for the loop")                       \
	X(OVERLOAD_BY_QUEUE, "queue", "a receive buffer fills up")                                 \
	X(OVERLOAD_BY_TRANSACTIONS, "transactions", "the table of transactions is nearly full")    \
	X(OVERLOAD_BY_FORCE, "forced", "an operator or limits.shed_percent says so")
#define OVERLOAD_ENUM_(id, name, text) id,
enum overload_cause { OVERLOAD_CAUSES(OVERLOAD_ENUM_) OVERLOAD_CAUSE_COUNT };

struct overload_options {
	uint32_t delay_ms; /* target of the mean delay; 0 = 30 */
	uint32_t brake_ms; /* a new call that waited longer is shed whatever the share; 0 = 250 */
	uint32_t force_percent; /* shed at least so much */
};

struct overload_sample {
	uint64_t now_us;
	uint64_t idle_us;              /* time the loop waited for events, ever */
	uint64_t cpu_us;               /* processor time of the process, ever */
	unsigned queue_percent;        /* fullest receive buffer */
	unsigned transactions_percent; /* of the table */
};

struct overload {
	struct overload_options o;
	double admit; /* share of new calls let in, 0..1 */
	enum overload_cause cause;
	bool shedding;    /* with hysteresis: for logs and counters */
	unsigned pending; /* ticks in a row that asked for shedding before it began */
	uint64_t calm_us; /* since when all are let in */
	uint64_t wait_us, wait_max_us;
	unsigned waits; /* messages of this tick */
	double delay_ms, last_delay_ms, busy;
	unsigned cpu_percent, queue_percent;
	uint64_t last_us, last_idle_us, last_cpu_us;
};

void overload_init(struct overload *o, const struct overload_options *options, uint64_t now_us);
/** A message waited so long before it was handled. */
static inline void overload_waited(struct overload *o, uint64_t us)
{
	o->wait_us += us;
	o->waits++;
	if (us > o->wait_max_us)
		o->wait_max_us = us;
}
/** Every OVERLOAD_TICK_MS: the share for the next tick. Shorter intervals than a quarter of that are ignored. */
void overload_tick(struct overload *o, const struct overload_sample *s);
/** At least so many percent from now on. */
void overload_force(struct overload *o, uint32_t percent);
/** Share of new calls to let in, of OVERLOAD_WHOLE. */
uint32_t overload_admit(const struct overload *o);
/** 0..100: what is shed. */
unsigned overload_level(const struct overload *o);
/** A call that waited so long is of no use any more to its sender, who has sent it again. */
bool overload_too_late(const struct overload *o, uint64_t waited_us);
const char *overload_cause_name(enum overload_cause c);
const char *overload_cause_text(enum overload_cause c);

#endif
