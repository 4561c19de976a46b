/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/net/net_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/net_metric.h"

static const struct stream_options plain = {0};
static const struct stream_listen_options plain_listen = {0};

static void open_pair(struct net_scene *n)
{
	net_scene_listen(n, &plain_listen);
	assert_int_equal(net_scene_connect(n, &n->client, &plain), 0);
	assert_true(net_wait(&n->loop, &n->client.opened, 1));
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
}

static void test_open_send_and_addresses(void **state)
{
	struct net_scene *n = *state;

	open_pair(n);
	assert_true(addr_equal(stream_remote(n->client.s), stream_listener_local(n->listener)));
	assert_true(addr_equal(stream_remote(n->accepted[0].s), stream_local(n->client.s)));
	assert_false(stream_authenticated(n->client.s));
	assert_false(stream_peer_has_name(n->client.s, "x"));
	assert_int_equal(stream_send(n->client.s, "hello", 5), 0);
	assert_true(net_wait(&n->loop, &n->accepted[0].bytes, 5));
	assert_int_equal(stream_send(n->accepted[0].s, "you", 3), 0);
	assert_true(net_wait(&n->loop, &n->client.bytes, 3));
	assert_int_equal(n->accepted[0].opened, 0); /* open is for who connects */
}

static void test_a_megabyte_both_ways_is_intact(void **state)
{
	struct net_scene *n = *state;
	struct stream_options o = {.send_queue_bytes = 2 * 1024 * 1024};
	struct stream_listen_options lo = {.send_queue_bytes = 2 * 1024 * 1024};
	size_t size = 1024 * 1024;
	uint8_t *data = malloc(size);

	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i ^ (i >> 9));
	n->echo = true;
	net_scene_listen(n, &lo);
	assert_int_equal(net_scene_connect(n, &n->client, &o), 0);
	assert_true(net_wait(&n->loop, &n->client.opened, 1));
	assert_int_equal(stream_send(n->client.s, data, size), 0);
	assert_true(net_wait(&n->loop, &n->client.bytes, (int)size));
	assert_int_equal(n->client.sum, net_sum(0, data, size));
	assert_int_equal(n->accepted[0].sum, net_sum(0, data, size));
	free(data);
}

static void test_peer_close_is_told_once(void **state)
{
	struct net_scene *n = *state;

	open_pair(n);
	n->client.s = stream_close(n->client.s);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_int_equal(n->accepted[0].err, 0);
	net_turns(&n->loop, 5);
	assert_int_equal(n->accepted[0].closed, 1);
	assert_int_equal(n->client.closed, 0);
}

static void test_refused_connection_is_told(void **state)
{
	struct net_scene *n = *state;
	struct addr to = net_addr("127.0.0.1:9");

	assert_int_equal(
		stream_connect(&n->loop, &to, &plain, &net_end_handlers, &n->client, &n->client.s),
		0);
	assert_int_equal(stream_send(n->client.s, "x", 1), -ENOTCONN);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(n->client.err, -ECONNREFUSED);
	assert_int_equal(n->client.opened, 0);
}

/* A listener whose backlog is full lets the SYN wait: only the deadline ends it. */
static void test_connect_deadline(void **state)
{
	struct net_scene *n = *state;
	struct stream_options o = {.connect_ms = 60};
	struct addr to = net_addr("127.0.0.1:0");
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&to, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0), fill[4];

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 0), 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	addr_from_sockaddr((struct sockaddr *)&sa, &to);
	for (int i = 0; i < 4; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fill[i], (struct sockaddr *)&sa, len);
	}
	assert_int_equal(
		stream_connect(&n->loop, &to, &o, &net_end_handlers, &n->client, &n->client.s), 0);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(n->client.err, -ETIMEDOUT);
	for (int i = 0; i < 4; i++)
		close(fill[i]);
	close(fd);
}

static void test_connect_from_a_chosen_address(void **state)
{
	struct net_scene *n = *state;
	struct addr from = net_addr("127.0.0.7:0");
	struct stream_options o = {.bind = &from};

	net_scene_listen(n, &plain_listen);
	assert_int_equal(net_scene_connect(n, &n->client, &o), 0);
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	assert_true(addr_ip_equal(stream_remote(n->accepted[0].s), &from));
}

/* A20: a reader that never reads is closed at the cap, and the sender hears of it from the loop only. */
static void test_reader_that_never_reads_is_closed_at_the_cap(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {.send_queue_bytes = 64 * 1024};
	static uint8_t chunk[16 * 1024];
	int64_t full = metric_get(&net_metrics, NET_STREAM_QUEUE_FULL);
	int fd, err = 0;
	long sent = 0;

	net_scene_listen(n, &lo);
	fd = net_connect_tcp(stream_listener_local(n->listener));
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	for (int i = 0; i < 4000 && !err; i++) {
		err = stream_send(n->accepted[0].s, chunk, sizeof(chunk));
		sent += err ? 0 : (long)sizeof(chunk);
	}
	assert_int_equal(err, -ENOBUFS);
	assert_int_equal(n->accepted[0].closed, 0); /* never from inside the call */
	assert_int_equal(stream_send(n->accepted[0].s, chunk, 1), -ENOTCONN);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_int_equal(n->accepted[0].err, -ENOBUFS);
	assert_string_not_equal(n->accepted[0].why, "");
	assert_int_equal(metric_get(&net_metrics, NET_STREAM_QUEUE_FULL), full + 1);
	close(fd);
}

static void test_silent_stream_is_closed_when_idle(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {.idle_ms = 80};

	net_scene_listen(n, &lo);
	assert_int_equal(net_scene_connect(n, &n->client, &plain), 0);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_int_equal(n->accepted[0].err, -ETIMEDOUT);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
}

static void on_tick(uv_timer_t *t)
{
	struct net_scene *n = t->data;

	if (n->client.s)
		stream_send(n->client.s, ".", 1);
}

static void test_bytes_in_put_the_idle_deadline_off(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {.idle_ms = 400};
	uv_timer_t tick;
	uint64_t before_ms;

	net_scene_listen(n, &lo);
	assert_int_equal(net_scene_connect(n, &n->client, &plain), 0);
	uv_timer_init(&n->loop, &tick);
	tick.data = n;
	before_ms = uv_now(&n->loop);
	uv_timer_start(&tick, on_tick, 50, 50);
	assert_true(net_wait(&n->loop, &n->accepted[0].bytes, 16)); /* 800 ms */
	assert_int_equal(n->accepted[0].closed, 0);
	uv_close((uv_handle_t *)&tick, NULL);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_true(uv_now(&n->loop) - before_ms >= 1100);
}

static void test_set_idle_changes_the_deadline(void **state)
{
	struct net_scene *n = *state;

	open_pair(n);
	stream_set_idle_ms(n->client.s, 50);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(n->client.err, -ETIMEDOUT);
}

static void test_close_inside_the_data_callback(void **state)
{
	struct net_scene *n = *state;

	open_pair(n);
	n->accepted[0].close_at = 1;
	stream_send(n->client.s, "x", 1);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(n->accepted[0].closed, 0);
	assert_int_equal(n->accepted[0].chunks, 1);
}

/* The descriptor goes when the connection broke, not when the owner gets round to closing. */
static void test_owner_may_close_later(void **state)
{
	struct net_scene *n = *state;

	open_pair(n);
	n->accepted[0].keep = true;
	stream_set_idle_ms(n->accepted[0].s, 30);
	assert_true(net_wait(&n->loop, &n->client.closed, 1)); /* sees the end of file */
	assert_int_equal(n->accepted[0].closed, 1);
	assert_int_equal(stream_send(n->accepted[0].s, "x", 1), -ENOTCONN);
	n->accepted[0].s = stream_close(n->accepted[0].s);
}

static void test_answer_after_the_peer_shut_down_its_side(void **state)
{
	struct net_scene *n = *state;
	char buf[16];
	int fd;

	net_scene_listen(n, &plain_listen);
	fd = net_connect_tcp(stream_listener_local(n->listener));
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	n->accepted[0].keep = true;
	shutdown(fd, SHUT_WR);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_int_equal(stream_send(n->accepted[0].s, "late", 4), 0);
	n->accepted[0].s = stream_close_flushed(n->accepted[0].s);
	net_turns(&n->loop, 3);
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_WAITALL), 4);
	assert_memory_equal(buf, "late", 4);
	close(fd);
}

/* What is queued goes out whole although the owner has let go, also while the far end still sends. */
static void test_close_flushed_sends_everything(void **state)
{
	struct net_scene *n = *state;
	struct stream_options o = {.send_queue_bytes = 16 * 1024 * 1024};
	size_t size = 8 * 1024 * 1024;
	uint8_t *data = calloc(1, size);

	net_scene_listen(n, &plain_listen);
	assert_int_equal(net_scene_connect(n, &n->client, &o), 0);
	assert_true(net_wait(&n->loop, &n->client.opened, 1));
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	assert_int_equal(stream_send(n->accepted[0].s, "unread", 6), 0);
	assert_int_equal(stream_send(n->client.s, data, size), 0);
	n->client.s = stream_close_flushed(n->client.s);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_int_equal(n->accepted[0].err, 0);
	assert_int_equal(n->accepted[0].bytes, (int)size);
	assert_int_equal(n->client.bytes, 0); /* nobody listens any more */
	free(data);
}

/* A flush is bounded: a far end that does not read is dropped after a second. */
static void test_close_flushed_gives_up(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {.send_queue_bytes = 16 * 1024 * 1024};
	size_t size = 12 * 1024 * 1024;
	uint8_t *data = calloc(1, size);
	int64_t streams = metric_get(&net_metrics, NET_STREAMS);
	uint64_t before_ms;
	int fd;

	net_scene_listen(n, &lo);
	fd = net_connect_tcp(stream_listener_local(n->listener));
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	assert_int_equal(stream_send(n->accepted[0].s, data, size), 0);
	before_ms = uv_now(&n->loop);
	n->accepted[0].s = stream_close_flushed(n->accepted[0].s);
	while (metric_get(&net_metrics, NET_STREAMS) > streams)
		uv_run(&n->loop, UV_RUN_ONCE);
	assert_in_range(uv_now(&n->loop) - before_ms, 900, 3000);
	close(fd);
	free(data);
}

static void test_no_memory_is_an_error_not_a_crash(void **state)
{
	struct net_scene *n = *state;
	unsigned long at = 0;
	int err;

	net_scene_listen(n, &plain_listen);
	do {
		mem_fail_at(++at);
		err = net_scene_connect(n, &n->client, &plain);
		mem_fail_at(0);
	} while (err == -ENOMEM && at < 10);
	assert_int_equal(err, 0);
	assert_true(at > 1);
	assert_true(net_wait(&n->loop, &n->client.opened, 1));
}

/* D4: an accept without memory is tried again; the listener does not go deaf. */
static void test_accept_without_memory_is_tried_again(void **state)
{
	struct net_scene *n = *state;
	int fd;

	net_scene_listen(n, &plain_listen);
	fd = net_connect_tcp(stream_listener_local(n->listener));
	mem_fail_at(1);
	uv_run(&n->loop, UV_RUN_NOWAIT);
	mem_fail_at(0);
	assert_int_equal(n->naccepted, 0);
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	assert_int_equal(net_scene_connect(n, &n->client, &plain), 0);
	assert_true(net_wait(&n->loop, &n->naccepted, 2));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, net_scene_setup, net_scene_teardown)
		T(test_open_send_and_addresses),
		T(test_a_megabyte_both_ways_is_intact),
		T(test_peer_close_is_told_once),
		T(test_refused_connection_is_told),
		T(test_connect_deadline),
		T(test_connect_from_a_chosen_address),
		T(test_reader_that_never_reads_is_closed_at_the_cap),
		T(test_silent_stream_is_closed_when_idle),
		T(test_bytes_in_put_the_idle_deadline_off),
		T(test_set_idle_changes_the_deadline),
		T(test_close_inside_the_data_callback),
		T(test_owner_may_close_later),
		T(test_answer_after_the_peer_shut_down_its_side),
		T(test_close_flushed_sends_everything),
		T(test_close_flushed_gives_up),
		T(test_no_memory_is_an_error_not_a_crash),
		T(test_accept_without_memory_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
