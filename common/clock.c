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

#define CLOCK_LAST_S 253402300799U /* 9999-12-31T23:59:59Z */

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

static void put_two(char *at, unsigned v)
{
	at[0] = (char)('0' + v / 10);
	at[1] = (char)('0' + v % 10);
}

/* The date so many days after 1970-01-01. The year is taken to begin in March: then the day that some years have more
 * is their last one, 400 years are always as long, and five months 153 days. */
static void date_of(uint64_t days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	uint64_t since = days + 719468; /* 0000-03-01 */
	unsigned of_era = (unsigned)(since % 146097);
	unsigned of_400 = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * of_400 + of_400 / 4 - of_400 / 100);
	unsigned march = (5 * of_year + 2) / 153; /* months since March */

	*ret_day = of_year - (153 * march + 2) / 5 + 1;
	*ret_month = march < 10 ? march + 3 : march - 9;
	*ret_year = (unsigned)(since / 146097) * 400 + of_400 + (*ret_month <= 2);
}

/* Several times in each record: by hand, not through a format or the C library's time zones. */
void clock_print(uint64_t wall_ms, char *buf, size_t size_bytes)
{
	char text[] = "0000-00-00T00:00:00.000Z";
	uint64_t seconds = wall_ms / 1000;
	unsigned year, month, day, of_day = (unsigned)(seconds % 86400), ms;

	if (size_bytes == 0)
		return;
	if (seconds > CLOCK_LAST_S) { /* RFC 3339: four digits */
		buf[0] = '\0';
		return;
	}
	date_of(seconds / 86400, &year, &month, &day);
	ms = (unsigned)(wall_ms % 1000);
	put_two(text, year / 100);
	put_two(text + 2, year % 100);
	put_two(text + 5, month);
	put_two(text + 8, day);
	put_two(text + 11, of_day / 3600);
	put_two(text + 14, of_day / 60 % 60);
	put_two(text + 17, of_day % 60);
	text[20] = (char)('0' + ms / 100);
	put_two(text + 21, ms % 100);
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
