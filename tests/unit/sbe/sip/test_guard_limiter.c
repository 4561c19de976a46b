/* SPDX-License-Identifier: Apache-2.0 */
/* guard_limiter: each source its own bucket, in bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "sbe/sip/guard.h"

static struct addr v4(uint32_t n)
{
	struct addr a = {.family = ADDR_V4, .port = 5060};
	memcpy(a.ip, &n, 4);
	return a;
}

static unsigned passed(struct guard_limiter *l, struct addr from, unsigned n, uint64_t now_us)
{
	unsigned ok = 0;
	for (unsigned i = 0; i < n; i++)
		ok += guard_limiter_take(l, &from, now_us);
	return ok;
}

static void each_source_has_its_rate(void **state)
{
	(void)state;
	struct guard_limiter *l = NULL;
	assert_int_equal(guard_limiter_new(10, 20, &l), 0);
	assert_int_equal(passed(l, v4(1), 50, 1000), 20);
	assert_int_equal(passed(l, v4(2), 5, 1000), 5); /* not hit by the other's flood */
	assert_int_equal(passed(l, v4(1), 50, 1001000), 10);
	struct addr other_port = v4(1);
	other_port.port = 6000;
	assert_int_equal(passed(l, other_port, 5, 1001000), 0);
	guard_limiter_free(l);
	guard_limiter_free(NULL);
}

static void an_ipv6_network_is_one_source(void **state)
{
	(void)state;
	struct guard_limiter *l = NULL;
	struct addr a = {.family = ADDR_V6, .ip = {0x20, 1, 0xd, 0xb8}}, b = a, c = a;
	b.ip[15] = 9;
	c.ip[7] = 1;
	assert_int_equal(guard_limiter_new(1, 4, &l), 0);
	assert_int_equal(passed(l, a, 3, 0), 3);
	assert_int_equal(passed(l, b, 3, 0), 1);
	assert_int_equal(passed(l, c, 3, 0), 3);
	guard_limiter_free(l);
}

/* A24: forged sources push out forgotten ones, not one that is in use, and take no memory. */
static void a_flood_of_sources_is_bounded(void **state)
{
	(void)state;
	struct guard_limiter *l = NULL;
	unsigned ok = 0;
	assert_int_equal(guard_limiter_new(1, 100, &l), 0);
	size_t live = mem_live();
	for (uint32_t i = 0; i < 200000; i++) {
		struct addr forged = v4(1000 + i);
		guard_limiter_take(l, &forged, 0);
		if (i % 100 == 0) {
			struct addr busy = v4(7);
			ok += guard_limiter_take(l, &busy, 0);
		}
	}
	assert_int_equal(ok, 100); /* its bucket was never forgotten: 2000 tries, 100 tokens */
	assert_int_equal(mem_live(), live);
	guard_limiter_free(l);
}

static void no_limit_is_no_limit(void **state)
{
	(void)state;
	struct guard_limiter *l = NULL;
	assert_int_equal(guard_limiter_new(0, 0, &l), 0);
	assert_int_equal(passed(l, v4(1), 100000, 5), 100000);
	guard_limiter_free(l);
	mem_fail_at(1);
	assert_int_equal(guard_limiter_new(1, 1, &l), -ENOMEM);
	mem_fail_at(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_source_has_its_rate),
		cmocka_unit_test(an_ipv6_network_is_one_source),
		cmocka_unit_test(a_flood_of_sources_is_bounded),
		cmocka_unit_test(no_limit_is_no_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
