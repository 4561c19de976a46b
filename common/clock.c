/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - the system's two clocks, or two numbers a test has set.
 */
#include "common/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static atomic_bool clock_is_fake;
static _Atomic uint64_t clock_fake_us;
static _Atomic uint64_t clock_fake_wall_ms;

static uint64_t clock_read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now); /* cannot fail for the two clocks we name */
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_now_us(void)
{
	if (atomic_load_explicit(&clock_is_fake, memory_order_acquire))
		return atomic_load_explicit(&clock_fake_us, memory_order_relaxed);
	return clock_read_us(CLOCK_MONOTONIC);
}

uint64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

uint64_t clock_wall_ms(void)
{
	if (atomic_load_explicit(&clock_is_fake, memory_order_acquire))
		return atomic_load_explicit(&clock_fake_wall_ms, memory_order_relaxed);
	return clock_read_us(CLOCK_REALTIME) / 1000;
}

static void put_digits(char *at, int n, unsigned v)
{
	while (n--) {
		at[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

/* Several times in each record: digits by hand, not through a format. */
void clock_print(uint64_t wall_ms, char *buf, size_t size_bytes)
{
	char text[] = "0000-00-00T00:00:00.000Z";
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm t;

	if (size_bytes == 0)
		return;
	if (!gmtime_r(&seconds, &t) || t.tm_year > 9999 - 1900) { /* RFC 3339: four digits */
		buf[0] = '\0';
		return;
	}
	put_digits(text, 4, (unsigned)t.tm_year + 1900);
	put_digits(text + 5, 2, (unsigned)t.tm_mon + 1);
	put_digits(text + 8, 2, (unsigned)t.tm_mday);
	put_digits(text + 11, 2, (unsigned)t.tm_hour);
	put_digits(text + 14, 2, (unsigned)t.tm_min);
	put_digits(text + 17, 2, (unsigned)t.tm_sec);
	put_digits(text + 20, 3, (unsigned)(wall_ms % 1000));
	if (size_bytes > sizeof(text))
		size_bytes = sizeof(text);
	memcpy(buf, text, size_bytes - 1);
	buf[size_bytes - 1] = '\0';
}

void clock_fake(uint64_t mono_us, uint64_t wall_ms)
{
	atomic_store(&clock_fake_us, mono_us);
	atomic_store(&clock_fake_wall_ms, wall_ms);
	atomic_store_explicit(&clock_is_fake, true, memory_order_release);
}

void clock_advance_ms(uint64_t ms)
{
	atomic_fetch_add(&clock_fake_us, ms * 1000);
	atomic_fetch_add(&clock_fake_wall_ms, ms);
}

void clock_real(void)
{
	atomic_store(&clock_is_fake, false);
}
