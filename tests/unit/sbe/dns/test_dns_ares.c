/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_ares: real packets to name servers of the test on 127.0.0.x: UDP, TCP when cut, a dead server, garbage (C9, A25).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/net/timer_uv.h"
#include "sbe/dns/dns_ares.h"
#include "tests/unit/sbe/dns/zone.h"

enum manner { ANSWER, CUT, SILENT, FAIL, GARBAGE, FOREIGN };

static struct server {
	uv_poll_t udp, tcp, conn;
	int fds[3]; /* UDP, TCP listener, TCP connection */
	enum manner manner;
	unsigned asked, asked_tcp;
	struct addr addr;
} servers[2];

static uv_loop_t loop;
static struct timer_wheel *wheel;
static struct timer_uv *driver;
static struct dns_ares *ares;
static struct zone zone;
static struct timer limit;
static struct dns_options options;
static struct got {
	unsigned calls;
	int err;
	size_t n;
} got;

/* ---- the name servers */

/* The question in a packet becomes the response. @return its size, 0 = say nothing. */
static size_t respond(struct server *s, uint8_t *packet, size_t n, bool tcp)
{
	static uint8_t made[ZONE_PACKET_BYTES];
	uint16_t id = (uint16_t)(packet[0] << 8 | packet[1]);
	char name[DNS_NAME_BYTES] = "";
	size_t at = 12, made_bytes;

	assert_true(n > 16);
	while (packet[at]) {
		strncat(name, (char *)&packet[at + 1], packet[at]);
		at += 1U + packet[at];
		if (packet[at])
			strcat(name, ".");
	}
	made_bytes = zone_packet(&zone, name, DNS_A, made);
	made[0] = (uint8_t)(id >> 8);
	made[1] = (uint8_t)id;
	memcpy(made + 12, packet + 12,
	       at + 5 - 12); /* the question as it was asked, letter by letter */
	switch (s->manner) {
	case SILENT:
		return 0;
	case FAIL:
		made[3] = (uint8_t)((made[3] & 0xf0) | 2);
		break;
	case GARBAGE:
		made_bytes = 20;
		break;
	case FOREIGN:
		made[1] ^= 0x55;
		break;
	case CUT:
		if (!tcp) {
			made[2] |= 0x02;
			made[6] = made[7] = made[8] = made[9] = 0;
			made_bytes = at + 5;
		}
		break;
	case ANSWER:
		break;
	}
	memcpy(packet, made, made_bytes);
	return made_bytes;
}

static void on_udp(uv_poll_t *h, int status, int events)
{
	static uint8_t packet[ZONE_PACKET_BYTES];
	struct server *s = h->data;
	struct sockaddr_storage from;
	socklen_t from_bytes = sizeof(from);
	ssize_t n = recvfrom(s->fds[0], packet, sizeof(packet), 0, (struct sockaddr *)&from,
			     &from_bytes);
	size_t out;

	(void)status;
	(void)events;
	assert_true(n > 0);
	s->asked++;
	out = respond(s, packet, (size_t)n, false);
	if (out)
		sendto(s->fds[0], packet, out, 0, (struct sockaddr *)&from, from_bytes);
}

static void on_conn(uv_poll_t *h, int status, int events)
{
	static uint8_t packet[ZONE_PACKET_BYTES + 2];
	struct server *s = h->data;
	ssize_t n = recv(s->fds[2], packet, sizeof(packet), 0);
	size_t out;

	(void)status;
	(void)events;
	if (n <= 2) {
		uv_poll_stop(h);
		return;
	}
	s->asked_tcp++;
	out = respond(s, packet + 2, (size_t)n - 2, true);
	packet[0] = (uint8_t)(out >> 8);
	packet[1] = (uint8_t)out;
	assert_int_equal(send(s->fds[2], packet, out + 2, 0), (ssize_t)out + 2);
}

static void on_accept(uv_poll_t *h, int status, int events)
{
	struct server *s = h->data;

	(void)status;
	(void)events;
	assert_int_equal(s->fds[2], -1);
	s->fds[2] = accept(s->fds[1], NULL, NULL);
	assert_int_equal(uv_poll_init(&loop, &s->conn, s->fds[2]), 0);
	s->conn.data = s;
	uv_poll_start(&s->conn, UV_READABLE, on_conn);
}

static void server_start(struct server *s, const char *ip)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	memset(s, 0, sizeof(*s));
	s->fds[2] = -1;
	assert_int_equal(addr_parse(ip, &s->addr), 0);
	for (int i = 0; i < 2; i++) {
		socklen_t bytes = addr_to_sockaddr(&s->addr, &sa);

		s->fds[i] = socket(AF_INET, i ? SOCK_STREAM : SOCK_DGRAM, 0);
		assert_int_equal(bind(s->fds[i], (struct sockaddr *)&sa, bytes), 0);
		assert_int_equal(getsockname(s->fds[i], (struct sockaddr *)&sa, &n), 0);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &s->addr), 0);
	}
	assert_int_equal(listen(s->fds[1], 5), 0);
	uv_poll_init(&loop, &s->udp, s->fds[0]);
	uv_poll_init(&loop, &s->tcp, s->fds[1]);
	s->udp.data = s->tcp.data = s;
	uv_poll_start(&s->udp, UV_READABLE, on_udp);
	uv_poll_start(&s->tcp, UV_READABLE, on_accept);
}

static void server_stop(struct server *s)
{
	uv_close((uv_handle_t *)&s->udp, NULL);
	uv_close((uv_handle_t *)&s->tcp, NULL);
	if (s->fds[2] >= 0)
		uv_close((uv_handle_t *)&s->conn, NULL);
	for (int i = 0; i < 3; i++) {
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	}
}

/* ---- the asker */

static void on_packet(void *arg, uint64_t ticket, int err, const uint8_t *packet, size_t len_bytes)
{
	(void)arg;
	dns_take(zone.dns, ticket, err, packet, len_bytes);
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	(void)arg;
	got.calls++;
	got.err = a->err;
	got.n = a->n;
	uv_stop(&loop);
}

static void too_long(void *arg)
{
	(void)arg;
	uv_stop(&loop);
}

static void ask(const char *name)
{
	struct dns_question *q;

	memset(&got, 0, sizeof(got));
	assert_int_equal(
		dns_ask(zone.dns, name, DNS_A, &(struct dns_asker){on_answer, NULL, 5000}, &q), 0);
	timer_start(wheel, &limit, 8000, too_long, NULL);
	if (!got.calls)
		uv_run(&loop, UV_RUN_DEFAULT);
	timer_stop(&limit);
	assert_int_equal(got.calls, 1);
}

static int setup(void **state)
{
	struct addr addrs[2];
	struct dns_ares_options o = {.loop = &loop,
				     .servers = addrs,
				     .nservers = 2,
				     .try_ms = 200,
				     .tries = 2,
				     .fn = on_packet};

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &wheel), 0);
	assert_int_equal(timer_uv_new(&loop, wheel, &driver), 0);
	server_start(&servers[0], "127.0.0.51");
	server_start(&servers[1], "127.0.0.52");
	addrs[0] = servers[0].addr;
	addrs[1] = servers[1].addr;
	o.wheel = wheel;
	assert_int_equal(dns_ares_new(&o, &ares), 0);
	memset(&options, 0, sizeof(options));
	zone_init(&zone, &options);
	zone_add(&zone, "x.example A 192.0.2.1");
	zone_add(&zone, "x.example A 192.0.2.2");
	options.wheel = wheel;
	options.io = (struct dns_io){dns_ares_ask, ares};
	assert_int_equal(dns_new(&options, &zone.dns), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dns_ares_free(ares);
	dns_free(zone.dns);
	server_stop(&servers[0]);
	server_stop(&servers[1]);
	timer_uv_close(driver);
	uv_run(&loop, UV_RUN_DEFAULT);
	timer_wheel_free(wheel);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void udp_and_tcp(void **state)
{
	(void)state;
	ask("x.example");
	assert_int_equal(got.n, 2);
	assert_int_equal(servers[0].asked, 1);
	assert_int_equal(servers[0].asked_tcp, 0);
	dns_flush(zone.dns);
	servers[0].manner = CUT;
	ask("x.example");
	assert_int_equal(got.n, 2);
	assert_int_equal(servers[0].asked_tcp, 1);
	servers[0].manner = ANSWER;
	ask("none.example");
	assert_int_equal(got.err, -ENOENT);
}

/* C9: the first of two is dead, fails, or lies: the second one answers. */
static void the_second_server_answers(void **state)
{
	(void)state;
	for (int manner = SILENT; manner <= FOREIGN; manner++) {
		dns_flush(zone.dns);
		servers[0].manner = (enum manner)manner;
		servers[1].asked = 0;
		ask("x.example");
		assert_int_equal(got.n, 2);
		assert_true(servers[1].asked >= 1);
	}
}

/* C9: who is dead is waited for once, not by each question. */
static void a_dead_server_costs_one_try(void **state)
{
	uint64_t start_ms;

	(void)state;
	servers[0].manner = SILENT;
	ask("x.example");
	assert_int_equal(got.n, 2);
	assert_int_equal(servers[0].asked, 1);
	start_ms = clock_now_ms();
	for (int i = 0; i < 20; i++) {
		dns_flush(zone.dns);
		ask("x.example");
		assert_int_equal(got.n, 2);
	}
	assert_int_equal(servers[0].asked, 1);
	assert_true(clock_now_ms() - start_ms < 1000);
	/* now the other one dies and the first is back */
	servers[0].manner = ANSWER;
	servers[1].manner = SILENT;
	servers[1].asked = 0;
	for (int i = 0; i < 5; i++) {
		dns_flush(zone.dns);
		ask("x.example");
		assert_int_equal(got.n, 2);
	}
	assert_int_equal(servers[1].asked, 1);
}

static void all_are_dead(void **state)
{
	uint64_t start_ms = clock_now_ms();

	(void)state;
	servers[0].manner = servers[1].manner = SILENT;
	ask("x.example");
	assert_int_equal(got.err, -ETIMEDOUT);
	assert_true(clock_now_ms() - start_ms < 4000);
	servers[0].manner = servers[1].manner = FAIL;
	ask("y.example");
	assert_int_equal(got.err, -EREMOTEIO);
}

static void stopped_while_asking(void **state)
{
	struct dns_question *q;

	(void)state;
	servers[0].manner = servers[1].manner = SILENT;
	assert_int_equal(dns_ask(zone.dns, "x.example", DNS_A,
				 &(struct dns_asker){on_answer, NULL, 5000}, &q),
			 0);
	uv_run(&loop, UV_RUN_NOWAIT);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(udp_and_tcp),
		TEST(the_second_server_answers),
		TEST(a_dead_server_costs_one_try),
		TEST(all_are_dead),
		TEST(stopped_while_asking),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
