/* SPDX-License-Identifier: Apache-2.0 */
/* Flows on the fake data plane: ports, retries, events, silence (J7 adid, B13), no leaks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/flow/flow.h"
#include "dbe/path/path_fake.h"

static struct flow_host host;
static struct addr far_end, stranger;
static char events[256];
static size_t live;

static int probe(const struct addr *bind)
{
	(void)bind;
	return 0;
}

static int setup(void **state)
{
	struct pool_options o = {
		.quarantine_ms = 5000, .ephemeral_file = "/dev/null", .probe = probe};
	struct path_options po = {0};
	struct pool_address a = {.low = 20000, .high = 20039};
	char why[256];

	(void)state;
	live = mem_live();
	clock_fake(1000000000, 0);
	events[0] = 0;
	assert_int_equal(timer_wheel_new(clock_now_ms(), &host.wheel), 0);
	o.wheel = host.wheel;
	assert_int_equal(pool_new(&o, &host.pool), 0);
	assert_int_equal(addr_parse("127.0.0.1", &a.bind), 0);
	assert_int_equal(pool_add_realm(host.pool, "core", &a, 1, why), 0);
	assert_int_equal(path_fake.create(NULL, &po, &host.path), 0);
	assert_int_equal(addr_parse("192.0.2.1:4000", &far_end), 0);
	assert_int_equal(addr_parse("192.0.2.9:4000", &stranger), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(path_fake_ends(host.path), 0);
	path_fake.destroy(host.path);
	pool_free(host.pool);
	assert_int_equal(timer_wheel_count(host.wheel), 0);
	timer_wheel_free(host.wheel);
	clock_real();
	assert_int_equal(mem_live(), live);
	return 0;
}

static void pass_ms(uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 10) {
		clock_advance_ms(10);
		timer_wheel_run(host.wheel, clock_now_ms());
	}
}

static void on_event(void *arg, const struct flow_event *event)
{
	static const char *const names[] = {"silence", "resumed", "source", "latched", "policed"};

	(void)arg;
	strncat(events, names[event->type], sizeof(events) - strlen(events) - 2);
	strcat(events, ";");
}

static struct flow *open_flow(const struct flow_settings *s)
{
	struct flow_place place = {.realm = "core", .family = ADDR_V4};
	struct flow *f = NULL;

	assert_int_equal(flow_open(&host, &place, s, &f), 0);
	flow_on_event(f, on_event, NULL);
	return f;
}

static struct flow_settings sendrecv(void)
{
	return (struct flow_settings){.mode = FLOW_SENDRECV, .rtp = true, .remote_rtp = far_end};
}

static void deliver(struct flow *f, const struct addr *from)
{
	uint8_t packet[172] = {0x80, 8};
	struct addr local;

	flow_local(f, PATH_RTP, &local);
	assert_int_equal(path_fake_deliver(host.path, &local, from, packet, sizeof(packet)), 0);
}

static uint32_t ports(enum pool_state s)
{
	struct pool_realm_view v;

	assert_int_equal(pool_realm_view(host.pool, 0, &v), 0);
	return v.count[s];
}

static void test_open_and_close_return_the_ports(void **state)
{
	struct flow_settings s = sendrecv();
	struct flow *f = open_flow(&s);
	struct flow_view v;

	(void)state;
	flow_read(f, &v);
	assert_int_equal(v.local[PATH_RTP].port % 2, 0);
	assert_int_equal(v.local[PATH_RTCP].port, v.local[PATH_RTP].port + 1);
	assert_string_equal(v.path, "fake");
	assert_int_equal(ports(POOL_USED), 1);
	flow_close(f);
	assert_int_equal(ports(POOL_USED), 0);
	assert_int_equal(ports(POOL_RESTING), 1);
}

static void test_joined_flows_relay(void **state)
{
	struct flow_settings s = sendrecv();
	struct flow *a = open_flow(&s), *b;
	struct path_fake_packet p;

	(void)state;
	s.remote_rtp.port = 6000;
	b = open_flow(&s);
	flow_join(a, b);
	deliver(a, &far_end);
	assert_int_equal(path_fake_take(host.path, &p), 0);
	assert_true(addr_equal(&p.to, &s.remote_rtp));
	flow_close(b);
	deliver(a, &far_end);
	assert_int_equal(path_fake_take(host.path, &p), -EAGAIN);
	flow_close(a);
}

static void test_an_unbindable_pair_is_skipped(void **state)
{
	struct flow_settings s = sendrecv();
	struct flow *f;

	(void)state;
	path_fake_fail_open(host.path, -EADDRINUSE, 3);
	f = open_flow(&s);
	assert_int_equal(ports(POOL_REFUSED), 3);
	assert_int_equal(ports(POOL_USED), 1);
	flow_close(f);
}

static void test_each_failure_keeps_its_name(void **state)
{
	struct flow_place place = {.realm = "core", .family = ADDR_V4};
	struct flow_settings s = sendrecv();
	struct flow *f = NULL, *all[20];

	(void)state;
	path_fake_fail_open(host.path, -EADDRINUSE, 100);
	assert_int_equal(flow_open(&host, &place, &s, &f), -EADDRINUSE); /* bounded */
	assert_int_equal(ports(POOL_REFUSED), 8);
	path_fake_fail_open(host.path, -EMFILE, 1);
	assert_int_equal(flow_open(&host, &place, &s, &f), -EMFILE);
	assert_int_equal(ports(POOL_REFUSED), 8);
	path_fake_fail_open(host.path, 0, 0);
	for (int i = 0; i < 12; i++)
		all[i] = open_flow(&s);
	assert_int_equal(flow_open(&host, &place, &s, &f), -ENOSPC);
	for (int i = 0; i < 12; i++)
		flow_close(all[i]);
	place.realm = "nowhere";
	assert_int_equal(flow_open(&host, &place, &s, &f), -ENOENT);
	place.realm = "core";
	place.family = ADDR_V6;
	assert_int_equal(flow_open(&host, &place, &s, &f), -EAFNOSUPPORT);
	pass_ms(6000);
	place.family = ADDR_V4;
	path_fake_fail_open(host.path, -EADDRNOTAVAIL, 1);
	assert_int_equal(flow_open(&host, &place, &s, &f), -EADDRNOTAVAIL);
	assert_int_equal(flow_open(&host, &place, &s, &f), -ENETDOWN);
	assert_null(f);
	pass_ms(6000);
}

static void test_b13_silence_and_back(void **state)
{
	struct flow_settings s = sendrecv();
	struct flow_view v;
	struct flow *f;

	(void)state;
	s.silence_ms = 2000;
	s.first_packet_ms = 5000;
	f = open_flow(&s);
	pass_ms(4000);
	deliver(f, &far_end);
	pass_ms(1900);
	deliver(f, &far_end);
	pass_ms(1900);
	assert_string_equal(events, "");
	pass_ms(200);
	assert_string_equal(events, "silence;");
	pass_ms(10000);
	assert_string_equal(events, "silence;");
	flow_read(f, &v);
	assert_in_range(v.silent_ms, 11000, 13000);
	deliver(f, &far_end);
	pass_ms(1000);
	assert_string_equal(events, "silence;resumed;");
	pass_ms(1500);
	assert_string_equal(events, "silence;resumed;silence;");
	flow_close(f);
}

static void test_j7_no_silence_on_hold(void **state)
{
	struct flow_settings s = sendrecv();
	struct flow *f;

	(void)state;
	s.silence_ms = 1000;
	f = open_flow(&s);
	s.mode = FLOW_SENDONLY;
	flow_change(f, &s);
	pass_ms(5000);
	assert_string_equal(events, "");
	s.mode = FLOW_SENDRECV;
	flow_change(f, &s);
	pass_ms(900);
	assert_string_equal(events, "");
	pass_ms(300);
	assert_string_equal(events, "silence;");
	flow_close(f);
}

static void test_events_of_the_path_come_through(void **state)
{
	struct flow_settings s = sendrecv();
	struct flow *f;

	(void)state;
	s.source = PATH_SOURCE_LATCH;
	s.rate_bytes_per_s = 1;
	s.burst_bytes = 200;
	f = open_flow(&s);
	deliver(f, &stranger);
	deliver(f, &far_end);
	deliver(f, &far_end);
	deliver(f, &far_end);
	assert_string_equal(events, "source;latched;policed;");
	flow_close(f);
}

static void test_take_a_named_port(void **state)
{
	struct flow_settings s = sendrecv();
	struct addr local;
	struct flow_place place = {.realm = "core", .local = &local};
	struct flow *f = NULL, *g = NULL;

	(void)state;
	assert_int_equal(addr_parse("127.0.0.1:20010", &local), 0);
	assert_int_equal(flow_open(&host, &place, &s, &f), 0);
	assert_int_equal(flow_open(&host, &place, &s, &g), -EBUSY);
	flow_close(f);
}

static void test_allocation_failure_leaks_no_port(void **state)
{
	struct flow_place place = {.realm = "core", .family = ADDR_V4};
	struct flow_settings s = sendrecv();
	struct flow *f = NULL;

	(void)state;
	for (unsigned long n = 1; n <= 2; n++) {
		mem_fail_at(n);
		assert_int_equal(flow_open(&host, &place, &s, &f), -ENOMEM);
		assert_int_equal(ports(POOL_FREE), 20);
	}
	mem_fail_at(0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_open_and_close_return_the_ports),
		TEST(test_joined_flows_relay),
		TEST(test_an_unbindable_pair_is_skipped),
		TEST(test_each_failure_keeps_its_name),
		TEST(test_b13_silence_and_back),
		TEST(test_j7_no_silence_on_hold),
		TEST(test_events_of_the_path_come_through),
		TEST(test_take_a_named_port),
		TEST(test_allocation_failure_leaks_no_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
