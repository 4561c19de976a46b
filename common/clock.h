/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - the one place that knows what time it is; tests can set it.
 *
 * Timers use the monotonic clock only (a wall clock jump must not fire or stall them); the wall
 * clock is for CDRs, logs and Date headers. Thread: reading is safe anywhere; setting is for tests.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/** Monotonic time in microseconds / milliseconds. */
uint64_t clock_now_us(void);
uint64_t clock_now_ms(void);

/** Wall clock, milliseconds since 1970 UTC. */
uint64_t clock_wall_ms(void);

/** Print wall time as RFC 3339 UTC with milliseconds, e.g. 2026-01-31T23:59:59.123Z (25 bytes with the 0). */
void clock_print(uint64_t wall_ms, char *buf, size_t size_bytes);

/** Tests: freeze both clocks at these values, or go back to the real ones. */
void clock_fake(uint64_t mono_us, uint64_t wall_ms);
void clock_advance_ms(uint64_t ms);
void clock_real(void);

#endif
