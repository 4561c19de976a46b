/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_target: RFC 3263 (E5, D1, D2, B6, H11) and what hostile zones may do (A25, C7).
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
#include "sbe/dns/dns_target.h"
#include "tests/unit/sbe/dns/zone.h"

static struct zone zone;
static struct dns_options options;
static struct timer_wheel *wheel;
static struct dns_wish wish;
static struct dns_located found;
static unsigned calls;
static uint64_t seed = 88172645463325252U;
static size_t live;

static void on_found(void *arg, const struct dns_located *f)
{
	(void)arg;
	calls++;
	found = *f;
}

/* Look for it, let the zone answer. "proto addr:port ..." of all targets in order. */
static const char *find(const char *host)
{
	static const char *const names[] = {"udp", "tcp", "tls"};
	static char text[1024];
	struct dns_locating *l;
	size_t n = 0;

	wish.host = host;
	calls = 0;
	assert_int_equal(dns_target_find(zone.dns, &wish, seed++, on_found, NULL, &l), 0);
	zone_run(&zone);
	if (!calls) {
		clock_advance_ms(wish.deadline_ms);
		timer_wheel_run(wheel, clock_now_ms());
	}
	assert_int_equal(calls, 1);
	text[0] = '\0';
	for (size_t i = 0; i < found.n; i++) {
		char a[64];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s", i ? ", " : "",
				      names[found.targets[i].proto],
				      addr_print(&found.targets[i].addr, a, sizeof(a)));
	}
	assert_int_equal(dns_waiting(zone.dns), 0);
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
	wish = (struct dns_wish){.proto = -1, .protos = 7, .families = 3, .deadline_ms = 2000};
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

/* Numbers are no names: no packet leaves. */
static void a_number_asks_nobody(void **state)
{
	(void)state;
	assert_string_equal(find("192.0.2.1"), "udp 192.0.2.1:5060");
	assert_string_equal(find("2001:db8::1"), "udp [2001:db8::1]:5060");
	wish.port = 5070;
	wish.proto = DNS_TCP;
	assert_string_equal(find("192.0.2.1"), "tcp 192.0.2.1:5070");
	wish.port = 0;
	wish.proto = -1;
	wish.secure = true;
	assert_string_equal(find("192.0.2.1"), "tls 192.0.2.1:5061");
	wish.families = DNS_FAMILY_V6;
	assert_string_equal(find("192.0.2.1"), "");
	assert_int_equal(found.err, -ENOENT);
	assert_int_equal(zone.nasked, 0);
}

static void a_port_means_addresses_only(void **state)
{
	(void)state;
	zone_add(&zone, "b.example A 192.0.2.1");
	zone_add(&zone, "b.example AAAA 2001:db8::1");
	wish.port = 5080;
	assert_string_equal(find("b.example"), "udp [2001:db8::1]:5080, udp 192.0.2.1:5080");
	assert_int_equal(zone_count(&zone, NULL, DNS_SRV) + zone_count(&zone, NULL, DNS_NAPTR), 0);
}

static void a_transport_means_its_service(void **state)
{
	(void)state;
	zone_add(&zone, "_sip._tcp.b.example SRV 1 1 5065 s.b.example");
	zone_add(&zone, "s.b.example A 192.0.2.1");
	zone_add(&zone, "b.example A 192.0.2.9");
	wish.proto = DNS_TCP;
	assert_string_equal(find("b.example"), "tcp 192.0.2.1:5065");
	wish.proto = DNS_UDP; /* no such service: the host itself */
	assert_string_equal(find("b.example"), "udp 192.0.2.9:5060");
	assert_int_equal(zone_count(&zone, NULL, DNS_NAPTR), 0);
}

/* D1: NAPTR order 50 SIP+D2T before 90 SIP+D2U, then SRV, then A. */
static void naptr_srv_a(void **state)
{
	(void)state;
	zone_add(&zone, "b.example NAPTR 90 50 s SIP+D2U - _sip._udp.b.example");
	zone_add(&zone, "b.example NAPTR 50 50 S sip+d2t - _sip._tcp.b.example");
	zone_add(&zone, "b.example NAPTR 10 50 u E2U+sip !.*!x! .");
	zone_add(&zone, "b.example NAPTR 10 50 s SIP+D2S - _sip._sctp.b.example");
	zone_add(&zone, "_sip._tcp.b.example SRV 0 0 5062 t.b.example");
	zone_add(&zone, "_sip._udp.b.example SRV 0 0 5061 u.b.example");
	zone_add(&zone, "t.b.example A 192.0.2.1");
	zone_add(&zone, "u.b.example A 192.0.2.2");
	assert_string_equal(find("b.example"), "tcp 192.0.2.1:5062, udp 192.0.2.2:5061");
	assert_int_equal(zone_count(&zone, "_sip._sctp.b.example", -1), 0);
	wish.protos = DNS_PROTO_BIT(DNS_UDP);
	assert_string_equal(find("b.example"), "udp 192.0.2.2:5061");
}

/* B6, H11: TLS is asked for: nothing else comes back, whatever the zone offers. */
static void secure_finds_only_tls(void **state)
{
	(void)state;
	zone_add(&zone, "b.example NAPTR 10 10 s SIP+D2U - _sip._udp.b.example");
	zone_add(&zone, "b.example NAPTR 90 10 s SIPS+D2T - _sips._tcp.b.example");
	zone_add(&zone, "_sips._tcp.b.example SRV 0 0 5061 t.b.example");
	zone_add(&zone, "t.b.example A 192.0.2.1");
	zone_add(&zone, "c.example NAPTR 10 10 s SIP+D2U - _sip._udp.c.example");
	zone_add(&zone, "_sip._udp.c.example SRV 0 0 5060 t.b.example");
	wish.secure = true;
	assert_string_equal(find("b.example"), "tls 192.0.2.1:5061");
	assert_string_equal(find("c.example"), "");
	assert_int_equal(found.err, -ENOENT);
	assert_int_equal(zone_count(&zone, "_sip._udp.c.example", -1), 0);
	/* within one order TLS comes first */
	wish.secure = false;
	zone_add(&zone, "d.example NAPTR 10 10 s SIP+D2T - _sip._tcp.b.example");
	zone_add(&zone, "d.example NAPTR 10 20 s SIPS+D2T - _sips._tcp.b.example");
	zone_add(&zone, "_sip._tcp.b.example SRV 0 0 5060 t.b.example");
	assert_string_equal(find("d.example"), "tls 192.0.2.1:5061, tcp 192.0.2.1:5060");
}

static void without_naptr_services_are_guessed(void **state)
{
	(void)state;
	zone_add(&zone, "_sip._udp.b.example SRV 0 0 5062 t.b.example");
	zone_add(&zone, "t.b.example A 192.0.2.1");
	zone_add(&zone, "c.example A 192.0.2.3");
	assert_string_equal(find("b.example"), "udp 192.0.2.1:5062");
	assert_string_equal(find("c.example"), "udp 192.0.2.3:5060");
	assert_string_equal(find("nothing.example"), "");
	assert_int_equal(found.err, -ENOENT);
	/* E5: asked once, known after that */
	zone.nasked = zone.nanswered = 0;
	assert_string_equal(find("b.example"), "udp 192.0.2.1:5062");
	assert_int_equal(zone.nasked, 0);
}

/* D2, X3: weights are chances, priorities are order; the other ones follow for fail-over. */
static void weights_are_chances(void **state)
{
	unsigned first[3] = {0};

	(void)state;
	zone_add(&zone, "_sip._udp.b.example SRV 1 2 5060 a.b.example");
	zone_add(&zone, "_sip._udp.b.example SRV 1 1 5060 b.b.example");
	zone_add(&zone, "_sip._udp.b.example SRV 2 9 5060 c.b.example");
	zone_add(&zone, "a.b.example A 192.0.2.1");
	zone_add(&zone, "b.b.example A 192.0.2.2");
	zone_add(&zone, "c.b.example A 192.0.2.3");
	wish.proto = DNS_UDP;
	for (int i = 0; i < 3000; i++) {
		find("b.example");
		assert_int_equal(found.n, 3);
		assert_int_equal(found.targets[2].addr.ip[3], 3);
		first[found.targets[0].addr.ip[3] - 1]++;
	}
	/* 2 of 3, and the small share RFC 2782 gives to the first on the line */
	assert_in_range(first[0], 1350, 2400);
	assert_in_range(first[1], 600, 1650);
}

/* A25: what is refused, ignored or bounded. */
static void hostile_zones(void **state)
{
	static char lines[1200][64];

	(void)state;
	wish.proto = DNS_UDP;
	zone_add(&zone, "_sip._udp.off.example SRV 0 0 0 .");
	zone_add(&zone, "off.example A 192.0.2.1");
	assert_string_equal(find("off.example"), ""); /* "." = decidedly not here */
	zone_add(&zone, "_sip._udp.port.example SRV 0 0 0 t.example");
	zone_add(&zone, "_sip._udp.port.example SRV 1 0 5060 t.example");
	zone_add(&zone, "t.example A 192.0.2.1");
	zone_add(&zone, "t.example A 0.0.0.0");
	zone_add(&zone, "t.example A 224.0.0.1");
	assert_string_equal(find("port.example"), "udp 192.0.2.1:5060");
	for (int i = 0; i < 1000; i++) {
		snprintf(lines[i], sizeof(lines[i]),
			 "_sip._udp.many.example SRV 1 1 %d h%d.example", 5000 + i, i);
		zone_add(&zone, lines[i]);
	}
	zone.nasked = zone.nanswered = 0;
	assert_string_equal(find("many.example"), "");
	assert_true(zone.nasked <= 1 + 2 * DNS_HOSTS_MAX);
	zone_add(&zone, "loop.example CNAME pool.example");
	zone_add(&zone, "pool.example CNAME loop.example");
	wish.port = 5060;
	assert_string_equal(find("loop.example"), "");
	zone_add(&zone, "alias.example CNAME t.example");
	assert_string_equal(find("alias.example"), "udp 192.0.2.1:5060");
	zone_add(&zone, "inner.example A 127.0.0.1");
	zone_add(&zone, "inner.example A 10.0.0.1");
	wish.public_only = true;
	assert_string_equal(find("inner.example"), "");
	assert_int_equal(found.err, -EACCES);
	wish.public_only = false;
	assert_string_equal(find("inner.example"), "udp 127.0.0.1:5060, udp 10.0.0.1:5060");
}

/* C9: silence ends at the deadline; failing servers at once. */
static void dead_servers(void **state)
{
	(void)state;
	zone.mute = true;
	assert_string_equal(find("b.example"), "");
	assert_int_equal(found.err, -ETIMEDOUT);
	assert_int_equal(zone.nasked, 1);
	zone.mute = false;
	zone.rcode = 2;
	assert_string_equal(find("c.example"), "");
	assert_int_equal(found.err, -EREMOTEIO);
}

static void cancelled_or_without_memory(void **state)
{
	struct dns_locating *l;

	(void)state;
	zone_add(&zone, "t.example A 192.0.2.1");
	wish.host = "t.example";
	calls = 0;
	assert_int_equal(dns_target_find(zone.dns, &wish, 1, on_found, NULL, &l), 0);
	dns_target_cancel(l);
	zone_run(&zone);
	assert_int_equal(calls, 0);
	for (unsigned long nth = 1; nth < 60; nth++) {
		dns_flush(zone.dns);
		calls = 0;
		mem_fail_at(nth);
		if (dns_target_find(zone.dns, &wish, 1, on_found, NULL, &l))
			calls = 1;
		zone_run(&zone);
		clock_advance_ms(2000);
		timer_wheel_run(wheel, clock_now_ms());
		mem_fail_at(0);
		assert_int_equal(calls, 1);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_number_asks_nobody),
		TEST(a_port_means_addresses_only),
		TEST(a_transport_means_its_service),
		TEST(naptr_srv_a),
		TEST(secure_finds_only_tls),
		TEST(without_naptr_services_are_guessed),
		TEST(weights_are_chances),
		TEST(hostile_zones),
		TEST(dead_servers),
		TEST(cancelled_or_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
