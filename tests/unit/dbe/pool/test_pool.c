/* SPDX-License-Identifier: Apache-2.0 */
/* Realms: distinct errors for empty, unbindable and absent (operators' commonest confusion), watermarks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/pool/pool.h"

static struct timer_wheel *wheel;
static struct pool *pool;
static int probe_result;
static char events[512];
static char why[256];

static int fake_probe(const struct addr *bind)
{
	(void)bind;
	return probe_result;
}

static void on_event(void *arg, enum pool_event_type type, const char *realm, uint32_t value)
{
	static const char *const names[] = {"low", "ok", "down", "up"};
	size_t at = strlen(events);

	(void)arg;
	snprintf(events + at, sizeof(events) - at, "%s %s %u;", realm, names[type], value);
}

static int setup(void **state)
{
	struct pool_options o = {.quarantine_ms = 5000,
				 .ephemeral_file = "/dev/null",
				 .probe = fake_probe,
				 .event = on_event};

	(void)state;
	clock_fake(1000000000, 0);
	events[0] = 0;
	probe_result = 0;
	assert_int_equal(timer_wheel_new(clock_now_ms(), &wheel), 0);
	o.wheel = wheel;
	assert_int_equal(pool_new(&o, &pool), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(pool);
	assert_int_equal(timer_wheel_count(wheel), 0);
	timer_wheel_free(wheel);
	clock_real();
	return 0;
}

static void pass_ms(uint64_t ms)
{
	clock_advance_ms(ms);
	timer_wheel_run(wheel, clock_now_ms());
}

static struct pool_address address(const char *bind, const char *advertise, uint16_t low,
				   uint16_t high)
{
	struct pool_address a = {.low = low, .high = high};

	assert_int_equal(addr_parse(bind, &a.bind), 0);
	if (advertise)
		assert_int_equal(addr_parse(advertise, &a.advertise), 0);
	return a;
}

static int add(const char *realm, const char *bind, uint16_t low, uint16_t high)
{
	struct pool_address a = address(bind, NULL, low, high);

	why[0] = 0;
	return pool_add_realm(pool, realm, &a, 1, why);
}

static void test_pair_has_bind_and_advertised_address(void **state)
{
	struct pool_address a = address("127.0.0.1", "192.0.2.1", 20000, 20001);
	struct pool_pair pair;
	struct addr got;
	char text[ADDR_TEXT_BYTES];

	(void)state;
	assert_int_equal(pool_add_realm(pool, "core", &a, 1, why), 0);
	assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &pair), 0);
	pool_pair_bind(pool, &pair, false, &got);
	assert_string_equal(addr_print(&got, text, sizeof(text)), "127.0.0.1:20000");
	pool_pair_bind(pool, &pair, true, &got);
	assert_string_equal(addr_print(&got, text, sizeof(text)), "127.0.0.1:20001");
	pool_pair_advertise(pool, &pair, false, &got);
	assert_string_equal(addr_print(&got, text, sizeof(text)), "192.0.2.1:20000");
	pool_give(pool, &pair);
}

static void test_each_failure_has_its_own_error(void **state)
{
	struct pool_pair pair, sentinel = {9, 9, 9};

	(void)state;
	assert_int_equal(add("core", "127.0.0.1", 20000, 20001), 0);
	pair = sentinel;
	assert_int_equal(pool_take(pool, "nowhere", ADDR_V4, NULL, &pair), -ENOENT);
	assert_int_equal(pool_take(pool, "core", ADDR_V6, NULL, &pair), -EAFNOSUPPORT);
	assert_memory_equal(&pair, &sentinel, sizeof(pair)); /* untouched on failure */
	assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &pair), 0);
	assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &sentinel), -ENOSPC);
	pool_refuse(pool, &pair, -EADDRNOTAVAIL);
	assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &pair), -ENETDOWN);
}

static void test_an_unbindable_pair_is_set_aside(void **state)
{
	struct pool_address_view v;
	struct pool_pair pair;

	(void)state;
	assert_int_equal(add("core", "127.0.0.1", 20000, 20003), 0);
	assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &pair), 0);
	pool_refuse(pool, &pair, -EADDRINUSE);
	assert_int_equal(pool_address_view(pool, 0, 0, &v), 0);
	assert_int_equal(v.count[POOL_REFUSED], 1);
	assert_int_equal(v.count[POOL_FREE], 1);
	pass_ms(61000);
	assert_int_equal(pool_address_view(pool, 0, 0, &v), 0);
	assert_int_equal(v.count[POOL_FREE], 2);
}

static void test_out_of_descriptors_is_not_the_pairs_fault(void **state)
{
	struct pool_address_view v;
	struct pool_pair pair;

	(void)state;
	assert_int_equal(add("core", "127.0.0.1", 20000, 20003), 0);
	assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &pair), 0);
	pool_refuse(pool, &pair, -EMFILE);
	assert_int_equal(pool_address_view(pool, 0, 0, &v), 0);
	assert_int_equal(v.count[POOL_FREE], 2);
	assert_true(v.up);
}

/* Sockets that stay open do not notice it: the address is asked for. */
static void test_an_address_that_leaves_is_noticed(void **state)
{
	struct pool_realm_view v;

	(void)state;
	assert_int_equal(add("core", "127.0.0.1", 20000, 20003), 0);
	probe_result = -EMFILE; /* says nothing about the address */
	pass_ms(6000);
	assert_int_equal(pool_realm_view(pool, 0, &v), 0);
	assert_true(v.up);
	probe_result = -EADDRNOTAVAIL;
	pass_ms(6000);
	assert_int_equal(pool_realm_view(pool, 0, &v), 0);
	assert_false(v.up);
	probe_result = 0;
	pass_ms(6000);
	assert_int_equal(pool_realm_view(pool, 0, &v), 0);
	assert_true(v.up);
	assert_string_equal(events, "core down 2;core up 2;");
}

static void test_realm_down_and_up_again(void **state)
{
	struct pool_realm_view v;
	struct pool_pair pair;

	(void)state;
	assert_int_equal(add("core", "127.0.0.1", 20000, 20199), 0);
	assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &pair), 0);
	probe_result = -EADDRNOTAVAIL;
	pool_refuse(pool, &pair, -EADDRNOTAVAIL);
	assert_string_equal(events, "core down 100;");
	assert_int_equal(pool_realm_view(pool, 0, &v), 0);
	assert_false(v.up);
	for (int i = 0; i < 12; i++)
		pass_ms(1000);
	assert_string_equal(events, "core down 100;");
	probe_result = 0;
	for (int i = 0; i < 7; i++)
		pass_ms(1000);
	assert_string_equal(events, "core down 100;core up 100;");
	assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &pair), 0);
}

static void test_an_absent_address_at_start_is_down_not_fatal(void **state)
{
	struct pool_realm_view v;

	(void)state;
	probe_result = -EADDRNOTAVAIL;
	assert_int_equal(add("core", "192.0.2.77", 20000, 20199), 0);
	assert_int_equal(pool_realm_view(pool, 0, &v), 0);
	assert_false(v.up);
}

static void test_real_probe_knows_this_host(void **state)
{
	struct pool_options o = {.ephemeral_file = "/dev/null"};
	struct pool_address here = address("127.0.0.1", NULL, 20000, 20001);
	struct pool_address gone = address("192.0.2.77", NULL, 20000, 20001);
	struct pool_realm_view v;
	struct pool *p;

	(void)state;
	assert_int_equal(pool_new(&o, &p), 0);
	assert_int_equal(pool_add_realm(p, "a", &here, 1, why), 0);
	assert_int_equal(pool_add_realm(p, "b", &gone, 1, why), 0);
	assert_int_equal(pool_realm_view(p, 0, &v), 0);
	assert_true(v.up);
	assert_int_equal(pool_realm_view(p, 1, &v), 0);
	assert_false(v.up);
	pool_free(p);
}

static void test_watermarks_fire_once_each_way(void **state)
{
	struct pool_pair pairs[100];

	(void)state;
	assert_int_equal(add("core", "127.0.0.1", 20000, 20199), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(pool_take(pool, "core", ADDR_V4, NULL, &pairs[i]), 0);
	assert_string_equal(events, "core low 9;");
	for (int i = 0; i < 15; i++)
		pool_give(pool, &pairs[i]);
	pass_ms(6000); /* 15 free: between the marks */
	assert_string_equal(events, "core low 9;");
	for (int i = 15; i < 25; i++)
		pool_give(pool, &pairs[i]);
	pass_ms(6000);
	assert_string_equal(events, "core low 9;core ok 25;");
}

static void test_overlaps_are_refused_and_named(void **state)
{
	struct pool_address twice[2] = {address("127.0.0.3", NULL, 20000, 20099),
					address("127.0.0.3", NULL, 20098, 20199)};

	(void)state;
	assert_int_equal(add("core", "127.0.0.1", 20000, 20099), 0);
	assert_int_equal(add("peering", "127.0.0.1", 20099, 20199), -EEXIST);
	assert_non_null(strstr(why, "20099-20199"));
	assert_non_null(strstr(why, "20000-20099"));
	assert_non_null(strstr(why, "core"));
	assert_int_equal(add("peering", "127.0.0.1", 20100, 20199), 0);
	assert_int_equal(add("other", "127.0.0.2", 20000, 20099), 0);
	assert_int_equal(pool_add_realm(pool, "self", twice, 2, why), -EEXIST);
	assert_int_equal(add("core", "127.0.0.9", 20000, 20099), -EEXIST);
	assert_int_equal(pool_realms(pool), 3);
}

static void test_unfit_addresses_are_refused(void **state)
{
	struct pool_address a = address("127.0.0.1", "2001:db8::1", 20000, 20099);

	(void)state;
	assert_int_equal(add("a", "0.0.0.0", 20000, 20099), -EINVAL);
	assert_int_equal(add("a", "::", 20000, 20099), -EINVAL);
	assert_int_equal(add("a", "239.0.0.1", 20000, 20099), -EINVAL);
	assert_int_equal(add("a", "127.0.0.1", 20000, 20000), -EINVAL);
	assert_int_equal(pool_add_realm(pool, "a", &a, 1, why), -EINVAL);
	assert_int_equal(pool_add_realm(pool, "a", &a, 0, why), -ENOSPC);
}

static void test_ephemeral_overlap_names_both_ranges(void **state)
{
	char path[64];
	struct pool_options o = {
		.ephemeral_file = path, .reserved_file = "/dev/null", .probe = fake_probe};
	struct pool_address a = address("127.0.0.1", NULL, 30000, 40000);
	struct pool *p;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/pool-test-%d", (int)getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("32768 60999\n", f);
	fclose(f);
	assert_int_equal(pool_new(&o, &p), 0);
	assert_int_equal(pool_add_realm(p, "core", &a, 1, why), -EINVAL);
	assert_non_null(strstr(why, "30000-40000"));
	assert_non_null(strstr(why, "32768-60999"));
	pool_free(p);
	unlink(path);
}

static void test_families_and_near(void **state)
{
	struct pool_address a[3] = {address("::1", NULL, 20000, 20099),
				    address("127.0.0.1", NULL, 20000, 20099),
				    address("127.0.0.2", NULL, 20000, 20019)};
	struct pool_pair first, next;
	struct addr got;

	(void)state;
	assert_int_equal(pool_add_realm(pool, "core", a, 3, why), 0);
	assert_int_equal(pool_take(pool, "core", ADDR_V6, NULL, &first), 0);
	pool_pair_bind(pool, &first, false, &got);
	assert_int_equal(got.family, ADDR_V6);
	assert_int_equal(pool_take(pool, "core", ADDR_NONE, NULL, &first), 0);
	pool_pair_bind(pool, &first, false, &got);
	assert_int_equal(got.family, ADDR_V4);
	/* 127.0.0.2 has fewer free pairs, but the first stream is there */
	first = (struct pool_pair){.realm = 0, .address = 2, .port = 20000};
	for (int i = 0; i < 10; i++) {
		assert_int_equal(pool_take(pool, "core", ADDR_V4, &first, &next), 0);
		assert_int_equal(next.address, 2);
	}
	assert_int_equal(pool_take(pool, "core", ADDR_V4, &first, &next), 0);
	assert_int_equal(next.address, 1); /* full: then elsewhere */
}

static void test_take_at_an_advertised_address(void **state)
{
	struct pool_address a = address("127.0.0.1", "192.0.2.1", 20000, 20003);
	struct pool_pair pair;
	struct addr want;

	(void)state;
	assert_int_equal(pool_add_realm(pool, "core", &a, 1, why), 0);
	assert_int_equal(addr_parse("192.0.2.1:20002", &want), 0);
	assert_int_equal(pool_take_at(pool, "core", &want, &pair), 0);
	assert_int_equal(pair.port, 20002);
	assert_int_equal(pool_take_at(pool, "core", &want, &pair), -EBUSY);
	want.port = 20003;
	assert_int_equal(pool_take_at(pool, "core", &want, &pair), -EINVAL);
	assert_int_equal(pool_take_at(pool, "nowhere", &want, &pair), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pair_has_bind_and_advertised_address, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_each_failure_has_its_own_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_an_unbindable_pair_is_set_aside, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_out_of_descriptors_is_not_the_pairs_fault,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_address_that_leaves_is_noticed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_realm_down_and_up_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_absent_address_at_start_is_down_not_fatal,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_real_probe_knows_this_host, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watermarks_fire_once_each_way, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_overlaps_are_refused_and_named, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unfit_addresses_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ephemeral_overlap_names_both_ranges, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_families_and_near, setup, teardown),
		cmocka_unit_test_setup_teardown(test_take_at_an_advertised_address, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
