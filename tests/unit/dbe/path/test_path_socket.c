/* SPDX-License-Identifier: Apache-2.0 */
/* What only a data plane on sockets can show: fairness under flood, recovery, descriptors, errors of bind. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/path/path_metric.h"
#include "dbe/path/path_socket.h"
#include "tests/unit/dbe/path/conformance.h"

static size_t open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int receive(struct bed *b, enum bed_phone who)
{
	static uint8_t buf[65536];
	struct addr from;
	int dscp;

	return b->driver->receive(b, who, buf, &from, &dscp);
}

static size_t send_rtp(struct bed *b, enum bed_phone from, const struct addr *to)
{
	uint8_t packet[BED_BYTES];
	size_t n = bed_packet(SEND_RTP, packet);

	b->driver->send(b, from, to, packet, n);
	return n;
}

/* A second call beside the bed's: phone B_RTCP's socket plays both far ends of it. */
static void open_second(struct bed *b, struct path_end *end[2], struct addr local[2])
{
	for (int side = 0; side < 2; side++) {
		struct path_open o = {.rules = b->rules[side]};
		int err = -EADDRINUSE;

		o.rules.remote[PATH_RTP] = b->phone[PHONE_B_RTCP];
		for (int i = 0; i < 1000 && err == -EADDRINUSE; i++) {
			uint16_t port = (uint16_t)(20000 + (rand() % 5000) * 2);

			assert_int_equal(addr_parse("127.0.0.1", &o.local[PATH_RTP]), 0);
			o.local[PATH_RTCP] = o.local[PATH_RTP];
			o.local[PATH_RTP].port = port;
			o.local[PATH_RTCP].port = (uint16_t)(port + 1);
			err = path_socket.open(b->path, &o, &end[side]);
		}
		assert_int_equal(err, 0);
		local[side] = o.local[PATH_RTP];
	}
	path_socket.join(end[0], end[1]);
}

/* C30, B5: whatever waits at a flooded port, another call's packet goes out with the next turn; and the
 * flooded gate works again as soon as the flood is over. */
static void test_c30_a_flood_starves_nobody_and_leaves_no_trace(void **state)
{
	struct path_counters flooded, quiet;
	struct path_end *second[2];
	struct addr local[2];
	uint64_t before;
	struct bed b;

	(void)state;
	bed_open(&b, &driver_socket_busy, NULL);
	open_second(&b, second, local);
	for (int turn = 1; turn <= 50; turn++) {
		for (int i = 0; i < 100; i++) {
			send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]);
			send_rtp(&b, PHONE_STRANGER, &b.local[0][PATH_RTP]);
		}
		send_rtp(&b, PHONE_B_RTCP, &local[0]);
		b.driver->work(&b);
		path_socket.read(second[1], &quiet);
		assert_int_equal(quiet.packets_out, turn);
		assert_true(receive(&b, PHONE_B_RTCP) > 0);
		path_socket.read(b.end[0], &flooded);
		assert_in_range(flooded.received, 1, 64ULL * (uint64_t)turn); /* bounded share */
		while (receive(&b, PHONE_B) > 0)
			;
	}
	/* let the backlog run dry, then count exactly */
	do {
		before = flooded.received;
		b.driver->work(&b);
		path_socket.read(b.end[0], &flooded);
		while (receive(&b, PHONE_B) > 0)
			;
	} while (flooded.received > before);
	for (int i = 0; i < 100; i++) {
		clock_advance_ms(20);
		send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]);
		bed_await(&b, 0, before + (uint64_t)i + 1);
		assert_true(receive(&b, PHONE_B) > 0);
	}
	path_socket.close(second[0]);
	path_socket.close(second[1]);
	bed_close(&b);
}

/* What waits in the socket when the gate is taken away is never relayed (B12, J3 Subtract). */
static void test_close_stops_at_once(void **state)
{
	struct bed b;

	(void)state;
	bed_open(&b, &driver_socket_busy, NULL);
	for (int i = 0; i < 50; i++)
		send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]);
	path_socket.close(b.end[1]);
	b.end[1] = NULL;
	for (int i = 0; i < 10; i++)
		b.driver->work(&b);
	assert_int_equal(receive(&b, PHONE_B), -1);
	path_socket.close(b.end[0]);
	b.end[0] = NULL;
	b.driver->work(&b);
	bed_close(&b);
}

/* Features complaint: sockets leak. Four descriptors a call, none after it. */
static void test_descriptors_are_four_a_call(void **state)
{
	size_t base, live = mem_live();
	struct path_end *second[2];
	struct addr local[2];
	struct bed b;

	(void)state;
	bed_open(&b, &driver_socket, NULL);
	base = open_descriptors();
	for (int i = 0; i < 100; i++) {
		open_second(&b, second, local);
		assert_int_equal(open_descriptors(), base + 4);
		path_socket.close(second[0]);
		path_socket.close(second[1]);
	}
	assert_int_equal(open_descriptors(), base);
	bed_close(&b);
	assert_int_equal(mem_live(), live);
}

/* B12: the next stream on the same ports, whatever its rules, gets nothing that was sent before it. */
static void test_b12_a_warm_pair_brings_nothing_along(void **state)
{
	struct path_open o = {0};
	struct path_counters c;
	struct bed b;
	size_t base;

	(void)state;
	bed_open(&b, &driver_socket_warm, NULL);
	base = open_descriptors();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 10; i++)
			send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]); /* for the old stream */
		path_socket.close(b.end[0]);
		assert_int_equal(path_socket.warm(b.path, &b.local[0][PATH_RTP]), 1);
		for (int i = 0; i < 10; i++)
			send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]); /* for nobody */
		if (round == 1)
			b.driver->work(&b);
		memcpy(o.local, b.local[0], sizeof(o.local));
		o.rules = b.rules[0];
		o.rules.source = PATH_SOURCE_ANY;
		assert_int_equal(path_socket.open(b.path, &o, &b.end[0]), 0);
		assert_int_equal(open_descriptors(), base); /* the same sockets */
		path_socket.join(b.end[0], b.end[1]);
		b.driver->work(&b);
		assert_int_equal(receive(&b, PHONE_B), -1);
		path_socket.read(b.end[0], &c);
		assert_int_equal(c.received, 0);
		send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]);
		bed_await(&b, 0, 1);
		assert_true(receive(&b, PHONE_B) > 0);
	}
	bed_close(&b);
}

static void test_bind_errors_are_told_apart_and_leave_nothing(void **state)
{
	struct path_end *end = NULL;
	struct path_open o = {0};
	struct bed b;
	size_t base;

	(void)state;
	bed_open(&b, &driver_socket, NULL);
	base = open_descriptors();
	memcpy(o.local, b.local[0], sizeof(o.local));
	assert_int_equal(path_socket.open(b.path, &o, &end), -EADDRINUSE);
	/* RTP port free, RTCP port taken: the first must be let go */
	o.local[PATH_RTP].port--;
	assert_int_equal(path_socket.open(b.path, &o, &end), -EADDRINUSE);
	assert_int_equal(addr_parse("192.0.2.77:20000", &o.local[PATH_RTP]), 0);
	assert_int_equal(path_socket.open(b.path, &o, &end), -EADDRNOTAVAIL);
	assert_null(end);
	assert_int_equal(open_descriptors(), base);
	bed_close(&b);
}

/* Media and reports that wait together at one port leave by two, when only this side has rtcp-mux. */
static void test_a_mixed_batch_is_sorted(void **state)
{
	uint8_t packet[BED_BYTES];
	struct bed b;
	size_t n;

	(void)state;
	bed_open(&b, &driver_socket_busy, NULL);
	b.rules[0].rtcp_mux = true;
	bed_change(&b, 0, false);
	for (int i = 0; i < 8; i++) {
		n = bed_packet(i % 2 ? SEND_RR : SEND_RTP, packet);
		b.driver->send(&b, PHONE_A, &b.local[0][PATH_RTP], packet, n);
	}
	bed_await(&b, 0, 8);
	for (int i = 0; i < 8; i++) {
		static uint8_t got[65536];
		struct addr from;
		int dscp;

		assert_int_equal(
			b.driver->receive(&b, i % 2 ? PHONE_B_RTCP : PHONE_B, got, &from, &dscp),
			i % 2 ? 20 : 172);
		assert_true(addr_equal(&from, &b.local[1][i % 2 ? PATH_RTCP : PATH_RTP]));
	}
	bed_close(&b);
}

/* B10: the largest datagram there is. */
static void test_b10_largest_datagram(void **state)
{
	static uint8_t packet[65507], got[65536];
	struct addr from;
	struct bed b;
	int dscp;

	(void)state;
	bed_open(&b, &driver_socket, NULL);
	memset(packet, 0x5a, sizeof(packet));
	packet[0] = 0x80;
	packet[1] = 8;
	b.driver->send(&b, PHONE_A, &b.local[0][PATH_RTP], packet, sizeof(packet));
	bed_await(&b, 0, 1);
	assert_int_equal(b.driver->receive(&b, PHONE_B, got, &from, &dscp), sizeof(packet));
	assert_memory_equal(got, packet, sizeof(packet));
	bed_close(&b);
}

/* B11: a far end that answers with ICMP port unreachable closes nothing. */
static void test_b11_port_unreachable_changes_nothing(void **state)
{
	struct path_counters c;
	struct bed b;

	(void)state;
	bed_open(&b, &driver_socket, NULL);
	close(b.fd[PHONE_B]);
	b.fd[PHONE_B] = -1;
	for (int i = 0; i < 20; i++) {
		clock_advance_ms(20);
		send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]);
		bed_await(&b, 0, (uint64_t)i + 1);
	}
	path_socket.read(b.end[1], &c);
	assert_int_equal(c.packets_out, 20);
	path_socket.read(b.end[0], &c);
	assert_int_equal(c.drops[PATH_DROP_SEND], 0);
	bed_close(&b);
}

/* A packet the kernel will not send is counted and forgotten. */
static void test_refused_send_is_counted(void **state)
{
	struct path_counters c;
	struct bed b;

	(void)state;
	for (int busy = 0; busy < 2; busy++) {
		bed_open(&b, busy ? &driver_socket_busy : &driver_socket, NULL);
		/* from a loopback address there is no way to this one */
		assert_int_equal(addr_parse("192.0.2.77:9", &b.rules[1].remote[PATH_RTP]), 0);
		bed_change(&b, 1, false);
		for (int i = 0; i < 5; i++)
			send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]);
		bed_await(&b, 0, 5);
		path_socket.read(b.end[0], &c);
		assert_int_equal(c.drops[PATH_DROP_SEND], 5);
		b.rules[1].remote[PATH_RTP] = b.phone[PHONE_B];
		bed_change(&b, 1, false);
		send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]);
		bed_await(&b, 0, 6);
		assert_true(receive(&b, PHONE_B) > 0);
		bed_close(&b);
	}
}

static void test_metrics_follow(void **state)
{
	int64_t packets = metric_get(&path_metrics, PATH_M_PACKETS);
	int64_t drops = metric_get(&path_metrics, PATH_M_DROP_SOURCE);
	int64_t ends = metric_get(&path_metrics, PATH_M_ENDS);
	struct bed b;

	(void)state;
	bed_open(&b, &driver_socket, NULL);
	assert_int_equal(metric_get(&path_metrics, PATH_M_ENDS), ends + 2);
	send_rtp(&b, PHONE_A, &b.local[0][PATH_RTP]);
	send_rtp(&b, PHONE_STRANGER, &b.local[0][PATH_RTP]);
	bed_await(&b, 0, 2);
	assert_int_equal(metric_get(&path_metrics, PATH_M_PACKETS), packets + 1);
	assert_int_equal(metric_get(&path_metrics, PATH_M_DROP_SOURCE), drops + 1);
	bed_close(&b);
	assert_int_equal(metric_get(&path_metrics, PATH_M_ENDS), ends);
}

static void test_statistics_of_loss_and_time(void **state)
{
	struct path_counters c;
	uint8_t packet[BED_BYTES];
	struct bed b;
	size_t n;

	(void)state;
	bed_open(&b, &driver_socket, NULL);
	n = bed_packet(SEND_RTP, packet);
	for (int i = 0; i < 10; i++) {
		clock_advance_ms(20);
		packet[2] = 0;
		packet[3] = (uint8_t)(i < 5 ? i : i + 3);
		packet[4] = packet[5] = 0;
		packet[6] = (uint8_t)(i * 160 >> 8);
		packet[7] = (uint8_t)(i * 160);
		b.driver->send(&b, PHONE_A, &b.local[0][PATH_RTP], packet, n);
		bed_await(&b, 0, (uint64_t)i + 1);
	}
	path_socket.read(b.end[0], &c);
	assert_int_equal(c.lost, 3);
	assert_int_equal(c.jitter_us, 0);
	assert_int_equal(c.last_us - c.first_us, 180000);
	bed_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_c30_a_flood_starves_nobody_and_leaves_no_trace),
		cmocka_unit_test(test_close_stops_at_once),
		cmocka_unit_test(test_descriptors_are_four_a_call),
		cmocka_unit_test(test_b12_a_warm_pair_brings_nothing_along),
		cmocka_unit_test(test_bind_errors_are_told_apart_and_leave_nothing),
		cmocka_unit_test(test_a_mixed_batch_is_sorted),
		cmocka_unit_test(test_b10_largest_datagram),
		cmocka_unit_test(test_b11_port_unreachable_changes_nothing),
		cmocka_unit_test(test_refused_send_is_counted),
		cmocka_unit_test(test_metrics_follow),
		cmocka_unit_test(test_statistics_of_loss_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
