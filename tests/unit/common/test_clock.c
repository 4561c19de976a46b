/* SPDX-License-Identifier: Apache-2.0 */
/* clock: monotonic and wall time apart, settable, RFC 3339 text (D7). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

static void real_clocks_follow_the_system(void **state)
{
	uint64_t first = clock_now_us();
	struct timespec wall;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &wall);
	assert_true(clock_now_us() >= first);
	assert_in_range(clock_now_ms(), first / 1000, first / 1000 + 10000);
	assert_in_range(clock_wall_ms(), (uint64_t)wall.tv_sec * 1000,
			((uint64_t)wall.tv_sec + 10) * 1000);
}

static void fake_clocks_stand_still(void **state)
{
	(void)state;
	clock_fake(5000, 1700000000000);
	assert_int_equal(clock_now_us(), 5000);
	assert_int_equal(clock_now_ms(), 5);
	assert_int_equal(clock_wall_ms(), 1700000000000);
	clock_advance_ms(32);
	assert_int_equal(clock_now_us(), 37000);
	assert_int_equal(clock_wall_ms(), 1700000000032);
	/* D7: the wall clock jumps, monotonic time does not */
	clock_fake(37000, 1600000000000);
	assert_int_equal(clock_now_ms(), 37);
	clock_real();
	assert_true(clock_now_us() != 37000);
}

static void prints_rfc3339_utc(void **state)
{
	char buf[25], small[11];

	(void)state;
	clock_print(0, buf, sizeof(buf));
	assert_string_equal(buf, "1970-01-01T00:00:00.000Z");
	clock_print(1769903999123, buf, sizeof(buf));
	assert_string_equal(buf, "2026-01-31T23:59:59.123Z");
	clock_print(951782400007, buf, sizeof(buf));
	assert_string_equal(buf, "2000-02-29T00:00:00.007Z");
	clock_print(0, small, sizeof(small));
	assert_string_equal(small, "1970-01-01");
	clock_print(UINT64_MAX, buf, sizeof(buf)); /* no such year in RFC 3339 */
	assert_string_equal(buf, "");
	strcpy(small, "x");
	clock_print(0, small, 0);
	assert_string_equal(small, "x");
}

/* The dates are made here; the C library says what they have to be, day by day and over the leap years. */
static void prints_every_date(void **state)
{
	char buf[25], expected[32];
	struct tm t;

	(void)state;
	for (uint64_t day = 0; day < 2932897;
	     day += day < 60000 ? 1 : 97) { /* to the end of 9999 */
		time_t s = (time_t)(day * 86400 + day * 7919 % 86400);

		assert_non_null(gmtime_r(&s, &t));
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", &t);
		clock_print((uint64_t)s * 1000, buf, sizeof(buf));
		assert_string_equal(buf, expected);
	}
	clock_print(253402300799999, buf, sizeof(buf));
	assert_string_equal(buf, "9999-12-31T23:59:59.999Z");
	clock_print(253402300800000, buf, sizeof(buf));
	assert_string_equal(buf, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_clocks_follow_the_system),
		cmocka_unit_test(fake_clocks_stand_still),
		cmocka_unit_test(prints_rfc3339_utc),
		cmocka_unit_test(prints_every_date),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
