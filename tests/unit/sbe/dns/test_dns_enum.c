/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_enum: RFC 6116 (E2, E3, E4) and hostile zones (A26, C3).
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
#include "sbe/dns/dns_enum.h"
#include "tests/unit/sbe/dns/zone.h"

#define NAME "4.3.2.1.4.4.e164.arpa"

static struct zone zone;
static struct dns_options options;
static struct timer_wheel *wheel;
static struct dns_enum_found found;
static unsigned calls;
static size_t live;

static void on_found(void *arg, const struct dns_enum_found *f)
{
	(void)arg;
	calls++;
	found = *f;
}

/* Look +441234 up. The URIs, in order, with a space between. */
static const char *find(void)
{
	static char text[2048];
	struct dns_enum *e;
	size_t n = 0;
	struct dns_enum_wish w = {.number = "+441234", .suffix = "e164.arpa", .deadline_ms = 2000};

	calls = 0;
	dns_flush(zone.dns);
	zone.nasked = zone.nanswered = 0;
	assert_int_equal(dns_enum_find(zone.dns, &w, on_found, NULL, &e), 0);
	zone_run(&zone);
	if (!calls) {
		clock_advance_ms(2000);
		timer_wheel_run(wheel, clock_now_ms());
	}
	assert_int_equal(calls, 1);
	text[0] = '\0';
	for (size_t i = 0; i < found.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
				      found.uris[i]);
	return text;
}

static int setup(void **state)
{
	(void)state;
	live = mem_live();
	clock_fake(1000000, 1700000000000);
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

static void order_then_preference(void **state)
{
	(void)state;
	zone_add(&zone, NAME " NAPTR 20 10 u E2U+sip !^.*$!sip:third@b.example! .");
	zone_add(&zone, NAME " NAPTR 10 90 U e2u+SIP !^.*$!sip:second@b.example! .");
	zone_add(&zone,
		 NAME " NAPTR 10 10 u E2U+pres+sip !^\\+44(.*)$!sip:\\1@b.example;user=phone!i .");
	zone_add(&zone, NAME " NAPTR 5 10 u E2U+email:mailto !^.*$!mailto:x@b.example! .");
	zone_add(&zone, NAME " NAPTR 5 10 u E2U+sipx !^.*$!sip:x@b.example! .");
	assert_string_equal(
		find(), "sip:1234@b.example;user=phone sip:second@b.example sip:third@b.example");
	assert_int_equal(zone.nasked, 1);
}

/* E3: one bad record must not end the query; unknown flags are ignored. */
static void bad_records_are_passed_over(void **state)
{
	static const char *const bad[] = {
		NAME " NAPTR 1 1 u E2U+sip - .",
		NAME " NAPTR 1 2 u E2U+sip !^.*$!sip:x@b.example .",
		NAME " NAPTR 1 3 u E2U+sip 1^.*$1sip:x@b.example1 .",
		NAME " NAPTR 1 4 u E2U+sip !^(.*!sip:x@b.example! .",
		NAME " NAPTR 1 5 u E2U+sip !^((.+)+)+$!sip:x@b.example! .",
		NAME " NAPTR 1 6 u E2U+sip !^.{1,30000}$!sip:x@b.example! .",
		NAME " NAPTR 1 7 u E2U+sip !(.)\\1!sip:x@b.example! .",
		NAME " NAPTR 1 8 u E2U+sip !^.*$!http://b.example/! .",
		NAME " NAPTR 1 9 u E2U+sip !^.*$!sip:x<y@b.example! .",
		NAME " NAPTR 1 10 z E2U+sip !^.*$!sip:x@b.example! .",
		NAME " NAPTR 1 11 u E2U+sip !^\\+33.*$!sip:x@b.example! .",
		NAME " NAPTR 1 12 u E2U+sip !^.*$!sip:x@b.example!x .",
		NAME " NAPTR 1 13 u E2U+sip !^.*$!sip:! .",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		zone_add(&zone, bad[i]);
	zone_add(&zone, NAME " NAPTR 9 9 u E2U+sip !^.*$!sip:good@b.example! .");
	assert_string_equal(find(), "sip:good@b.example");
}

static void chains_are_followed_and_bounded(void **state)
{
	static char lines[100][80];

	(void)state;
	zone_add(&zone, NAME " NAPTR 1 1 - - - a.example");
	zone_add(&zone, "a.example NAPTR 1 1 - E2U+sip - b.example");
	zone_add(&zone, "b.example NAPTR 1 1 u E2U+sip !^.*$!sip:end@b.example! .");
	assert_string_equal(find(), "sip:end@b.example");
	assert_int_equal(zone.nasked, 3);
	zone.nlines = 0;
	zone_add(&zone, NAME " NAPTR 1 1 - - - " NAME); /* to itself */
	assert_string_equal(find(), "");
	assert_int_equal(found.err, -ELOOP);
	zone.nlines = 0;
	zone_add(&zone, NAME " NAPTR 1 1 - - - z0.example");
	for (int i = 0; i < 100; i++) {
		snprintf(lines[i], sizeof(lines[i]), "z%d.example NAPTR 1 1 - - - z%d.example", i,
			 i + 1);
		zone_add(&zone, lines[i]);
	}
	assert_string_equal(find(), "");
	assert_int_equal(found.err, -ELOOP);
	assert_true(zone.nasked <= DNS_ENUM_QUESTIONS_MAX);
}

/* E2: a dial string is never asked for. */
static void only_numbers_are_asked_for(void **state)
{
	static const char *const no[] = {
		"", "+", "+1", "441234", "+4412a4", "+1234567890123456", "alice"};
	struct dns_enum_wish w = {.suffix = "e164.arpa", .deadline_ms = 1000};
	struct dns_enum *e;

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		w.number = no[i];
		assert_false(dns_enum_is_number(no[i]));
		assert_int_equal(dns_enum_find(zone.dns, &w, on_found, NULL, &e), -EINVAL);
	}
	assert_true(dns_enum_is_number("+123456789012345"));
	assert_int_equal(zone.nasked, 0);
}

static void dead_servers_and_cancelling(void **state)
{
	struct dns_enum_wish w = {.number = "+441234", .suffix = "e164.arpa", .deadline_ms = 2000};
	struct dns_enum *e;

	(void)state;
	assert_string_equal(find(), "");
	assert_int_equal(found.err, -ENOENT);
	zone.mute = true;
	assert_string_equal(find(), "");
	assert_int_equal(found.err, -ETIMEDOUT);
	calls = 0;
	assert_int_equal(dns_enum_find(zone.dns, &w, on_found, NULL, &e), 0);
	dns_enum_cancel(e);
	zone.mute = false;
	zone_run(&zone);
	assert_int_equal(calls, 0);
}

static void expressions(void **state)
{
	char buf[32];

	(void)state;
	assert_int_equal(
		dns_enum_apply("!^\\+44(12)(.*)$!sip:\\2\\1@x!", "+441234", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "sip:3412@x");
	assert_int_equal(dns_enum_apply("/^.*$/sip:a\\/b@x/", "+441234", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "sip:a/b@x");
	assert_int_equal(
		dns_enum_apply("!^(.*)$!sip:\\1\\1\\1\\1\\1@x!", "+441234", buf, sizeof(buf)),
		-EMSGSIZE);
	assert_int_equal(dns_enum_apply("!^(x)?.*$!sip:\\1a@x!", "+441234", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "sip:a@x");
	assert_int_equal(dns_enum_apply("!!!", "+441234", buf, sizeof(buf)), 0);
	assert_int_equal(dns_enum_apply("!^.*$!sip:\\", "+441234", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(dns_enum_apply("!", "+441234", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(dns_enum_apply("!a\\", "+441234", buf, sizeof(buf)), -EINVAL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(order_then_preference),           TEST(bad_records_are_passed_over),
		TEST(chains_are_followed_and_bounded), TEST(only_numbers_are_asked_for),
		TEST(dead_servers_and_cancelling),     cmocka_unit_test(expressions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
