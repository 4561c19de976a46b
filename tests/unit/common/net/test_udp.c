/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/net/net_support.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/net_metric.h"
#include "common/net/udp.h"

struct end {
	struct udp *udp;
	int received, errors, last_error;
	size_t last_bytes, sum_bytes;
	struct addr from, error_to;
	uint8_t last[65536];
	int close_at; /* close inside the callback when so many have come */
};

static void on_recv(void *arg, const struct addr *from, const uint8_t *data, size_t len_bytes)
{
	struct end *e = arg;

	e->received++;
	e->from = *from;
	e->last_bytes = len_bytes;
	e->sum_bytes += len_bytes;
	memcpy(e->last, data, len_bytes);
	if (e->received == e->close_at)
		e->udp = udp_close(e->udp);
}

static void on_error(void *arg, const struct addr *to, int err)
{
	struct end *e = arg;

	e->errors++;
	e->last_error = err;
	e->error_to = *to;
}

static const struct udp_handlers handlers = {.recv = on_recv, .error = on_error};

struct fixture {
	uv_loop_t loop;
	size_t live;
	struct end a, b;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->live = mem_live();
	assert_int_equal(uv_loop_init(&f->loop), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	udp_close(f->a.udp);
	udp_close(f->b.udp);
	net_finish(&f->loop, f->live);
	test_free(f);
	return 0;
}

static void open_both(struct fixture *f, const char *where)
{
	struct addr at = net_addr(where);

	assert_int_equal(udp_open(&f->loop, &at, &handlers, &f->a, &f->a.udp), 0);
	assert_int_equal(udp_open(&f->loop, &at, &handlers, &f->b, &f->b.udp), 0);
}

static void both_ways(struct fixture *f, const char *where)
{
	open_both(f, where);
	assert_int_equal(udp_send(f->a.udp, udp_local(f->b.udp), "ping", 4), 0);
	assert_true(net_wait(&f->loop, &f->b.received, 1));
	assert_memory_equal(f->b.last, "ping", 4);
	assert_true(addr_equal(&f->b.from, udp_local(f->a.udp)));
	assert_int_equal(udp_send(f->b.udp, &f->b.from, "pong!", 5), 0);
	assert_true(net_wait(&f->loop, &f->a.received, 1));
	assert_int_equal(f->a.last_bytes, 5);
}

static void test_v4_both_ways(void **state)
{
	both_ways(*state, "127.0.0.1:0");
}

static void test_v6_both_ways(void **state)
{
	both_ways(*state, "[::1]:0");
}

static void test_v6_socket_takes_no_v4(void **state)
{
	struct fixture *f = *state;
	struct addr any = net_addr("[::]:0"), to = net_addr("127.0.0.1:0"), v4;

	assert_int_equal(udp_open(&f->loop, &any, &handlers, &f->a, &f->a.udp), 0);
	/* IPV6_V6ONLY: the same port is still free for IPv4. */
	v4 = to;
	v4.port = udp_local(f->a.udp)->port;
	assert_int_equal(udp_open(&f->loop, &v4, &handlers, &f->b, &f->b.udp), 0);
	assert_int_equal(udp_send(f->a.udp, &v4, "x", 1), -EAFNOSUPPORT);
}

static void test_largest_and_empty_datagrams(void **state)
{
	struct fixture *f = *state;
	static uint8_t big[65507];

	open_both(f, "127.0.0.1:0");
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7);
	assert_int_equal(udp_send(f->a.udp, udp_local(f->b.udp), big, sizeof(big)), 0);
	assert_true(net_wait(&f->loop, &f->b.received, 1));
	assert_int_equal(f->b.last_bytes, sizeof(big));
	assert_memory_equal(f->b.last, big, sizeof(big));
	assert_int_equal(udp_send(f->a.udp, udp_local(f->b.udp), big, 0), 0);
	assert_true(net_wait(&f->loop, &f->b.received, 2));
	assert_int_equal(f->b.last_bytes, 0);
	assert_int_equal(udp_send(f->a.udp, udp_local(f->b.udp), big, 65508), -EMSGSIZE);
}

static void test_burst_over_many_batches(void **state)
{
	struct fixture *f = *state;

	open_both(f, "127.0.0.1:0");
	for (int i = 0; i < 500; i++)
		assert_int_equal(udp_send(f->a.udp, udp_local(f->b.udp), &i, sizeof(i)), 0);
	assert_true(net_wait(&f->loop, &f->b.received, 500));
	assert_int_equal(f->b.sum_bytes, 500 * sizeof(int));
	assert_int_equal(*(int *)f->b.last, 499);
}

static void test_one_wakeup_takes_a_bounded_batch(void **state)
{
	struct fixture *f = *state;

	open_both(f, "127.0.0.1:0");
	for (int i = 0; i < 200; i++)
		udp_send(f->a.udp, udp_local(f->b.udp), "x", 1);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_in_range(f->b.received, 1, 199);
	assert_true(net_wait(&f->loop, &f->b.received, 200));
}

static void test_close_inside_the_callback_ends_the_batch(void **state)
{
	struct fixture *f = *state;
	struct addr to;

	open_both(f, "127.0.0.1:0");
	to = *udp_local(f->b.udp);
	f->b.close_at = 3;
	for (int i = 0; i < 10; i++)
		udp_send(f->a.udp, &to, "x", 1);
	assert_true(net_wait(&f->loop, &f->b.received, 3));
	net_turns(&f->loop, 5);
	assert_int_equal(f->b.received, 3);
	assert_null(f->b.udp);
}

/* An ICMP port unreachable names the destination, and does not stop the socket. */
static void test_icmp_error_is_reported_and_the_socket_lives(void **state)
{
	struct fixture *f = *state;
	struct addr dead;

	open_both(f, "127.0.0.1:0");
	dead = *udp_local(f->b.udp);
	f->b.udp = udp_close(f->b.udp);
	for (int round = 1; round <= 3; round++) {
		assert_int_equal(udp_send(f->a.udp, &dead, "x", 1), 0);
		assert_true(net_wait(&f->loop, &f->a.errors, round));
		assert_int_equal(f->a.last_error, -ECONNREFUSED);
		assert_true(addr_equal(&f->a.error_to, &dead));
	}
	assert_int_equal(udp_send(f->a.udp, udp_local(f->a.udp), "self", 4), 0);
	assert_true(net_wait(&f->loop, &f->a.received, 1));
}

/* The left-over error of one destination must not eat a datagram to another. */
static void test_icmp_error_does_not_cost_the_next_send(void **state)
{
	struct fixture *f = *state;
	struct addr dead = net_addr("127.0.0.1:9");

	open_both(f, "127.0.0.1:0");
	for (int i = 0; i < 20; i++) {
		udp_send(f->a.udp, &dead, "x", 1); /* loopback: the ICMP is there when it returns */
		assert_int_equal(udp_send(f->a.udp, udp_local(f->b.udp), "y", 1), 0);
	}
	assert_true(net_wait(&f->loop, &f->b.received, 20));
	assert_true(net_wait(&f->loop, &f->a.errors, 1));
}

static void test_v6_icmp_error(void **state)
{
	struct fixture *f = *state;
	struct addr dead = net_addr("[::1]:9");

	open_both(f, "[::1]:0");
	assert_int_equal(udp_send(f->a.udp, &dead, "x", 1), 0);
	assert_true(net_wait(&f->loop, &f->a.errors, 1));
	assert_int_equal(f->a.last_error, -ECONNREFUSED);
	assert_true(addr_equal(&f->a.error_to, &dead));
}

static void test_open_errors(void **state)
{
	struct fixture *f = *state;
	struct addr other = net_addr("192.0.2.1:0"), none = {0};
	struct udp *u = NULL;

	open_both(f, "127.0.0.1:0");
	assert_int_equal(udp_open(&f->loop, udp_local(f->a.udp), &handlers, NULL, &u), -EADDRINUSE);
	assert_int_equal(udp_open(&f->loop, &other, &handlers, NULL, &u), -EADDRNOTAVAIL);
	assert_int_equal(udp_open(&f->loop, &none, &handlers, NULL, &u), -EAFNOSUPPORT);
	assert_null(u);
}

/* After udp_close the address is free at once, even before the loop has run (reload, restart). */
static void test_address_is_free_after_close(void **state)
{
	struct fixture *f = *state;
	struct addr at;

	open_both(f, "127.0.0.1:0");
	at = *udp_local(f->a.udp);
	f->a.udp = udp_close(f->a.udp);
	assert_int_equal(udp_open(&f->loop, &at, &handlers, &f->a, &f->a.udp), 0);
}

static void test_no_memory_leaks_nothing(void **state)
{
	struct fixture *f = *state;
	struct addr at = net_addr("127.0.0.1:0");
	struct udp *u = NULL;

	for (unsigned long n = 1; n <= 2; n++) {
		mem_fail_at(n);
		assert_int_equal(udp_open(&f->loop, &at, &handlers, NULL, &u), -ENOMEM);
		mem_fail_at(0);
		assert_null(u);
	}
	assert_int_equal(mem_live(), f->live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_v4_both_ways),
		T(test_v6_both_ways),
		T(test_v6_socket_takes_no_v4),
		T(test_largest_and_empty_datagrams),
		T(test_burst_over_many_batches),
		T(test_one_wakeup_takes_a_bounded_batch),
		T(test_close_inside_the_callback_ends_the_batch),
		T(test_icmp_error_is_reported_and_the_socket_lives),
		T(test_icmp_error_does_not_cost_the_next_send),
		T(test_v6_icmp_error),
		T(test_open_errors),
		T(test_address_is_free_after_close),
		T(test_no_memory_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
