/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: cache, sharing, deadlines, caps, stale answers (B9, C4, C9, E5, A25 of the catalogue).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "tests/unit/sbe/dns/zone.h"

static struct zone zone;
static struct dns_options options;
static struct timer_wheel *wheel;
static size_t live;

static struct seen {
	unsigned calls;
	int err;
	bool stale;
	size_t n;
	struct addr first;
} seen;

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct seen *s = arg;

	s->calls++;
	s->err = a->err;
	s->stale = a->stale;
	s->n = a->n;
	if (a->n)
		s->first = a->records[0].u.addr;
}

static void later(uint64_t ms)
{
	clock_advance_ms(ms);
	timer_wheel_run(wheel, clock_now_ms());
}

static int ask(const char *name, int type)
{
	struct dns_question *q;

	return dns_ask(zone.dns, name, type, &(struct dns_asker){on_answer, &seen, 1000}, &q);
}

static int setup(void **state)
{
	(void)state;
	live = mem_live();
	clock_fake(1000000, 1700000000000);
	memset(&seen, 0, sizeof(seen));
	memset(&options, 0, sizeof(options));
	zone_init(&zone, &options);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &wheel), 0);
	options.wheel = wheel;
	assert_int_equal(dns_new(&options, &zone.dns), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dns_free(zone.dns);
	timer_wheel_free(wheel);
	clock_real();
	assert_int_equal(mem_live(), live);
	return 0;
}

/* B9: the second look-up within the TTL costs no packet; when it is over one is asked again. */
static void an_answer_is_kept_for_its_ttl(void **state)
{
	(void)state;
	zone_add(&zone, "sbe.b.example A 192.0.2.1");
	zone_add(&zone, "sbe.b.example A 192.0.2.2");
	assert_int_equal(ask("SBE.b.example", DNS_A), 0);
	assert_int_equal(seen.calls, 0);
	zone_run(&zone);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.n, 2);
	later(59000);
	assert_int_equal(ask("sbe.B.example", DNS_A), 0);
	assert_int_equal(seen.calls, 2);
	assert_int_equal(zone.nasked, 1);
	later(1000);
	assert_int_equal(ask("sbe.b.example", DNS_A), 0);
	zone_run(&zone);
	assert_int_equal(seen.calls, 3);
	assert_int_equal(zone.nasked, 2);
	assert_int_equal(dns_waiting(zone.dns), 0);
}

static void no_such_name_is_kept_too(void **state)
{
	(void)state;
	assert_int_equal(ask("nobody.example", DNS_SRV), 0);
	zone_run(&zone);
	assert_int_equal(seen.err, -ENOENT);
	assert_int_equal(ask("nobody.example", DNS_SRV), 0);
	assert_int_equal(seen.calls, 2);
	assert_int_equal(zone.nasked, 1);
}

/* A TTL of 0 is for those who wait now; one beyond a day is a day. */
static void extreme_ttls(void **state)
{
	(void)state;
	zone_add(&zone, "x.example A 192.0.2.1");
	zone.ttl_s = 0;
	assert_int_equal(ask("x.example", DNS_A), 0);
	assert_int_equal(ask("x.example", DNS_A), 0);
	zone_run(&zone);
	assert_int_equal(seen.calls, 2);
	assert_int_equal(zone.nasked, 1);
	zone.ttl_s = 0x7fffffff;
	assert_int_equal(ask("x.example", DNS_A), 0);
	zone_run(&zone);
	assert_int_equal(zone.nasked, 2);
	later(DNS_TTL_MAX_S * 1000ULL - 1000);
	assert_int_equal(ask("x.example", DNS_A), 0);
	assert_int_equal(zone.nasked, 2);
	later(1000);
	assert_int_equal(ask("x.example", DNS_A), 0);
	assert_int_equal(zone.nasked, 3);
	zone.ttl_s = 0x80000000U; /* RFC 2181 8: as 0 */
	zone_run(&zone);
	assert_int_equal(ask("x.example", DNS_A), 0);
	assert_int_equal(zone.nasked, 4);
}

/* C9: servers silent: the asker's deadline holds; then what was known before serves, marked as old. */
static void a_dead_server_and_what_is_stale(void **state)
{
	(void)state;
	zone.mute = true;
	assert_int_equal(ask("x.example", DNS_A), 0);
	later(999);
	assert_int_equal(seen.calls, 0);
	later(1);
	assert_int_equal(seen.err, -ETIMEDOUT);
	zone.mute = false;
	zone_add(&zone, "x.example A 192.0.2.1");
	zone_run(&zone); /* late, but good for the next */
	assert_int_equal(seen.calls, 1);
	assert_int_equal(ask("x.example", DNS_A), 0);
	assert_int_equal(seen.n, 1);
	later(61000);
	zone.mute = true;
	assert_int_equal(ask("x.example", DNS_A), 0);
	later(1000);
	assert_int_equal(seen.calls, 3);
	assert_int_equal(seen.err, 0);
	assert_true(seen.stale);
	later(DNS_STALE_S * 1000ULL);
	assert_int_equal(ask("x.example", DNS_A), 0);
	later(1000);
	assert_int_equal(seen.err, -ETIMEDOUT);
}

/* A server that fails: not asked the same at once again; old records are not thrown away for it. */
static void a_failing_server(void **state)
{
	(void)state;
	zone.rcode = 2;
	assert_int_equal(ask("x.example", DNS_A), 0);
	zone_run(&zone);
	assert_int_equal(seen.err, -EREMOTEIO);
	assert_int_equal(ask("x.example", DNS_A), 0);
	assert_int_equal(seen.calls, 2);
	assert_int_equal(zone.nasked, 1);
	later(DNS_ERROR_TTL_S * 1000ULL);
	zone.rcode = 0;
	zone_add(&zone, "x.example A 192.0.2.1");
	assert_int_equal(ask("x.example", DNS_A), 0);
	zone_run(&zone);
	assert_int_equal(seen.n, 1);
	later(61000);
	zone.rcode = 2;
	assert_int_equal(ask("x.example", DNS_A), 0);
	zone_run(&zone);
	assert_int_equal(seen.n, 1);
	assert_true(seen.stale);
}

static void equal_questions_are_asked_once(void **state)
{
	struct dns_question *q;

	(void)state;
	zone_add(&zone, "x.example A 192.0.2.1");
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask("x.example", DNS_A), 0);
	assert_int_equal(dns_ask(zone.dns, "x.example", DNS_A,
				 &(struct dns_asker){on_answer, &seen, 1000}, &q),
			 0);
	dns_cancel(q);
	assert_int_equal(zone.nasked, 1);
	assert_int_equal(dns_waiting(zone.dns), 100);
	zone_run(&zone);
	assert_int_equal(seen.calls, 100);
}

/* C4: stalled questions are bounded, and those that are answered go on. */
static void too_many_questions(void **state)
{
	char name[32];
	unsigned busy = 0;

	(void)state;
	zone_add(&zone, "known.example A 192.0.2.1");
	assert_int_equal(ask("known.example", DNS_A), 0);
	zone_run(&zone);
	zone.mute = true;
	for (unsigned i = 0; i < DNS_QUESTIONS_MAX + 50; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		busy += ask(name, DNS_A) == -EBUSY;
	}
	assert_int_equal(busy, 50);
	assert_int_equal(dns_waiting(zone.dns), DNS_QUESTIONS_MAX);
	assert_int_equal(ask("known.example", DNS_A), 0);
	assert_int_equal(seen.calls, 2);
	later(1000);
	assert_int_equal(dns_waiting(zone.dns), 0);
}

static void the_cache_is_bounded(void **state)
{
	struct dns_options o = options;
	char name[32];

	(void)state;
	dns_free(zone.dns);
	o.entries_max = 10;
	assert_int_equal(dns_new(&o, &zone.dns), 0);
	for (unsigned i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		assert_int_equal(ask(name, DNS_A), 0);
		zone_run(&zone);
		assert_int_equal(ask("n0.example", DNS_A), 0); /* used all the time: stays */
	}
	assert_int_equal(zone_count(&zone, "n0.example", -1), 1);
	assert_int_equal(dns_flush(zone.dns), 10);
}

static void names_that_are_no_names(void **state)
{
	static const char *const bad[] = {
		"",     ".",
		"a..b", "a b",
		"a\\b", "é",
		"x.",   "0123456789012345678901234567890123456789012345678901234567890123.x"};
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ask(bad[i], DNS_A), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 9; i < sizeof(longest); i += 10)
		longest[i] = '.';
	longest[253] = '\0';
	assert_int_equal(ask(longest, DNS_A), 0);
	longest[253] = 'a';
	longest[254] = '\0';
	assert_int_equal(ask(longest, DNS_A), -EINVAL);
	assert_int_equal(seen.calls, 0);
}

static void each_allocation_may_fail(void **state)
{
	(void)state;
	zone_add(&zone, "x.example A 192.0.2.1");
	for (unsigned long nth = 1; nth < 20; nth++) {
		dns_flush(zone.dns);
		memset(&seen, 0, sizeof(seen));
		mem_fail_at(nth);
		if (!ask("x.example", DNS_A))
			zone_run(&zone);
		later(1000);
		mem_fail_at(0);
		assert_int_equal(dns_waiting(zone.dns), 0);
		assert_true(seen.calls <= 1);
	}
	assert_int_equal(ask("x.example", DNS_A), 0);
	zone_run(&zone);
	assert_int_equal(seen.n, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_is_kept_for_its_ttl),
		TEST(no_such_name_is_kept_too),
		TEST(extreme_ttls),
		TEST(a_dead_server_and_what_is_stale),
		TEST(a_failing_server),
		TEST(equal_questions_are_asked_once),
		TEST(too_many_questions),
		TEST(the_cache_is_bounded),
		TEST(names_that_are_no_names),
		TEST(each_allocation_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
