/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer - timing wheel of one loop: O(1) start and stop, millisecond resolution, sans-I/O.
 *
 * Whoever owns the loop asks timer_wheel_next_ms() how long it may sleep and calls
 * timer_wheel_run() when it wakes (common/net/timer_uv.h does both on libuv).
 * Owner: a timer lives inside the caller's object and must be stopped before that is freed.
 * Thread: that of the loop.
 */
#ifndef COMMON_TIMER_H
#define COMMON_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer_wheel;

typedef void(timer_h)(void *arg);

/** All zero is a valid, stopped timer. Fields are private to timer.c. */
struct timer {
	struct timer *next, **prev;
	struct timer_wheel *wheel;
	uint64_t due_ms;
	timer_h *fn;
	void *arg;
};

/** @param now_ms monotonic now. @return 0, -ENOMEM. */
int timer_wheel_new(uint64_t now_ms, struct timer_wheel **ret_wheel);
void timer_wheel_free(struct timer_wheel *w);

/**
 * Where "now" comes from while the wheel is not running, e.g. clock_now_ms. Without it the present
 * is that of the last run, and a loop that has slept since would start its timers too early.
 */
void timer_wheel_set_clock(struct timer_wheel *w, uint64_t (*now_ms)(void));

/** (Re)start: fn(arg) once, delay_ms after the wheel's present. 0 = at the next run. */
void timer_start(struct timer_wheel *w, struct timer *t, uint64_t delay_ms, timer_h *fn, void *arg);
void timer_stop(struct timer *t);
bool timer_running(const struct timer *t);
/** Milliseconds left, 0 if due or stopped. */
uint64_t timer_left_ms(const struct timer *t);

/**
 * Fire all timers due at now_ms in order of their due time, those of one millisecond in order of
 * their start. Handlers may start and stop any timer; one that is overdue fires once however late
 * we are, and what a handler starts is counted from now_ms and not fired in the same run.
 */
void timer_wheel_run(struct timer_wheel *w, uint64_t now_ms);

/** How long the loop may sleep: ms until the next timer (0 = due), -1 = none. May be early, never late. */
int64_t timer_wheel_next_ms(const struct timer_wheel *w, uint64_t now_ms);

/** Called when a newly started timer is due before the last answer of timer_wheel_next_ms. */
void timer_wheel_on_earlier(struct timer_wheel *w, void (*fn)(void *arg), void *arg);

/** Running timers (tests, leak checks). */
size_t timer_wheel_count(const struct timer_wheel *w);

/* A table row for a named timer: code, CLI and docs come from it. */
struct timer_def {
	const char *name;   /* e.g. "T1" */
	const char *clause; /* e.g. "RFC 3261 17.1.1.1" */
	uint32_t default_ms, min_ms, max_ms;
	const char *text; /* one sentence for an operator */
};

#endif
