/* SPDX-License-Identifier: Apache-2.0 */
/* SIP over TCP and TLS: framing on real sockets, connections in and out, slow and broken far ends. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport_bed.h"

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/sip/transport_private.h"

#define PER_ADDRESS 64

static struct tbed bed;

static int up(void **state)
{
	(void)state;
	tbed_start(&bed);
	return 0;
}

static int down(void **state)
{
	(void)state;
	tbed_stop(&bed);
	return 0;
}

static void send_text(const struct transport_target *to, const char *text, int want)
{
	assert_int_equal(transport_send(bed.transport, to, text, strlen(text)), want);
}

/* One byte at a time or all at once: the same messages. */
static void messages_are_cut_out_of_the_stream(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_connect(&us, &far);
	char two[4096];

	for (const char *s = tbed_options("one"); *s; s++) {
		char byte[2] = {*s, '\0'};

		tbed_write(fd, byte);
		uv_run(&bed.loop, UV_RUN_NOWAIT);
	}
	tbed_wait(&bed, &bed.nmessages, 1);
	(void)snprintf(two, sizeof(two), "%s%s", tbed_options("two"), tbed_options("three"));
	tbed_write(fd, two);
	tbed_wait(&bed, &bed.nmessages, 3);
	assert_string_equal(bed.messages[0].call_id, "one");
	assert_string_equal(bed.messages[1].call_id, "two");
	assert_string_equal(bed.messages[2].call_id, "three");
	assert_true(addr_equal(&bed.messages[0].from.to, &far));
	assert_int_not_equal(bed.messages[0].from.connection, 0);
	assert_int_equal(bed.messages[0].from.connection, bed.messages[2].from.connection);
	/* The answer goes back over it, whatever address the target names (18.2.2). */
	bed.messages[0].from.to.port = 1;
	send_text(&bed.messages[0].from, "answer", 0);
	assert_string_equal(tbed_read(&bed, fd, "answer"), "answer");
	close(fd);
}

static void ping_is_answered_with_pong(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l);
	int fd = tbed_connect(&us, NULL);

	tbed_write(fd, "\r\n\r\n");
	assert_string_equal(tbed_read(&bed, fd, "\r\n"), "\r\n");
	tbed_write(fd, tbed_options("one"));
	tbed_wait(&bed, &bed.nmessages, 1);
	close(fd);
}

/* RFC 3261 18.3, A1 ncl, mcl01: nobody knows where the next message begins. */
static void bad_content_length_is_answered_and_closed(void **state)
{
	(void)state;
	static const char *const lengths[] = {"Content-Length: -1\r\n", "",
					      "Content-Length: 0\r\nContent-Length: 5\r\n"};
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int fd = tbed_connect(&us, NULL);
		char text[2048];
		const char *whole = tbed_options("one");
		const char *at = strstr(whole, "Content-Length");

		(void)snprintf(text, sizeof(text), "%.*s%sUser-Agent: somebody\r\n\r\n",
			       (int)(at - whole), whole, lengths[i]);
		tbed_write(fd, text);
		assert_non_null(strstr(tbed_read(&bed, fd, ""), "SIP/2.0 400 "));
		close(fd);
	}
	assert_int_equal(bed.nmessages, 0);
}

/* A bad message inside good framing costs an answer, not the connection. */
static void bad_message_keeps_the_connection(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l);
	int fd = tbed_connect(&us, NULL);
	char text[2048];

	(void)snprintf(text, sizeof(text), "%s", tbed_options("one"));
	memcpy(strstr(text, "Max-Forwards: 70"), "Max-Forwards: xy", 16);
	tbed_write(fd, text);
	assert_non_null(strstr(tbed_read(&bed, fd, "\r\n\r\n"), "SIP/2.0 400 "));
	tbed_write(fd, tbed_options("two"));
	tbed_wait(&bed, &bed.nmessages, 1);
	close(fd);
}

static void we_connect_once_and_share(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.3:0", NULL);
	struct transport_target to = {.proto = TRANSPORT_TCP, .listener = l};
	int server = tbed_server("127.0.0.2:0", &to.to), fd;
	struct addr from;
	json_t *list;

	send_text(&to, "first.", 0);
	send_text(&to, "second.", 0);
	fd = tbed_accept(&bed, server, &from);
	assert_string_equal(tbed_read(&bed, fd, "second."), "first.second.");
	send_text(&to, "third.", 0);
	assert_string_equal(tbed_read(&bed, fd, "third."), "third.");
	assert_int_equal(accept4(server, NULL, NULL, SOCK_NONBLOCK), -1);
	/* From the address of our listener: the far end knows us by it. */
	assert_true(addr_ip_equal(&from, &l->local));
	list = transport_list(bed.transport);
	assert_int_equal(json_array_size(json_object_get(list, "rows")), 1);
	assert_string_equal(json_string_value(json_array_get(
				    json_array_get(json_object_get(list, "rows"), 0), 5)),
			    "out");
	json_decref(list);
	/* The answer, and requests of theirs, come over it too. */
	tbed_write(fd, tbed_options("one"));
	tbed_wait(&bed, &bed.nmessages, 1);
	assert_true(addr_equal(&bed.messages[0].from.to, &to.to));
	assert_int_not_equal(bed.messages[0].from.connection, 0);
	close(fd);
	close(server);
}

static void refused_connection_fails_each_message(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.3:0", NULL);
	struct transport_target to = {.proto = TRANSPORT_TCP, .listener = l};

	close(tbed_server("127.0.0.2:0", &to.to));
	send_text(&to, "first.", 0);
	send_text(&to, "second.", 0);
	assert_int_equal(bed.nfailures, 0); /* never from inside the call */
	tbed_wait(&bed, &bed.nfailures, 2);
	assert_int_equal(bed.failures[0].err, -ECONNREFUSED);
	assert_true(addr_equal(&bed.failures[1].to.to, &to.to));
	assert_ptr_equal(bed.failures[1].to.listener, l);
}

static void queue_before_open_is_bounded(void **state)
{
	(void)state;
	static char large[60000];
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.3:0", NULL);
	struct transport_target to = {.proto = TRANSPORT_TCP, .listener = l};
	int server = tbed_server("127.0.0.2:0", &to.to), fd;

	memset(large, 'x', sizeof(large));
	for (int i = 0; i < 4; i++)
		assert_int_equal(transport_send(bed.transport, &to, large, sizeof(large)), 0);
	assert_int_equal(transport_send(bed.transport, &to, large, sizeof(large)), -ENOBUFS);
	fd = tbed_accept(&bed, server, NULL);
	close(fd);
	close(server);
}

/* The far end closes: who waits is told, and the next message to that id goes to the address instead. */
static void closed_connection_is_replaced(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.3:0", NULL);
	struct addr us = tbed_local(l);
	int fd = tbed_connect(&us, NULL), server;
	struct transport_target to;

	tbed_write(fd, tbed_options("one"));
	tbed_wait(&bed, &bed.nmessages, 1);
	to = bed.messages[0].from;
	close(fd);
	tbed_wait(&bed, &bed.nfailures, 1);
	assert_int_equal(bed.failures[0].to.connection, to.connection);
	assert_int_equal(bed.failures[0].err, -ECONNRESET);
	server = tbed_server("127.0.0.2:0", &to.to);
	send_text(&to, "elsewhere", 0);
	fd = tbed_accept(&bed, server, NULL);
	assert_string_equal(tbed_read(&bed, fd, "elsewhere"), "elsewhere");
	close(fd);
	close(server);
}

/* A connection of one realm carries nothing of another. */
static void connection_belongs_to_its_listener(void **state)
{
	(void)state;
	const struct transport_listener *a = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.3:0", NULL);
	const struct transport_listener *b = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.4:0", NULL);
	struct addr us = tbed_local(a), from;
	int fd = tbed_connect(&us, NULL), server, other;
	struct transport_target to;

	tbed_write(fd, tbed_options("one"));
	tbed_wait(&bed, &bed.nmessages, 1);
	to = bed.messages[0].from;
	to.listener = b;
	server = tbed_server("127.0.0.2:0", &to.to);
	send_text(&to, "b", 0);
	other = tbed_accept(&bed, server, &from);
	assert_true(addr_ip_equal(&from, &b->local));
	close(fd);
	close(other);
	close(server);
}

/* A20: a message must be whole within 10 s of its first byte, whatever trickles in. */
static void slow_sender_is_closed(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l);
	int slow = tbed_connect(&us, NULL), good = tbed_connect(&us, NULL);

	clock_fake(1000000000, 0);
	tbed_write(slow, "OPTIONS sip:x@");
	tbed_write(good, tbed_options("one"));
	tbed_wait(&bed, &bed.nmessages, 1);
	tbed_turns(&bed);
	clock_advance_ms(9999);
	tbed_write(slow, "1");
	tbed_turns(&bed);
	transport_stream_sweep(bed.transport);
	tbed_write(slow, "2"); /* still there */
	tbed_turns(&bed);
	clock_advance_ms(1);
	transport_stream_sweep(bed.transport);
	clock_real();
	(void)tbed_read(&bed, slow, "");
	tbed_write(good, tbed_options("two"));
	tbed_wait(&bed, &bed.nmessages, 2);
	close(slow);
	close(good);
}

/* A21: one address has a share of the connections. */
static void connections_of_one_address_are_capped(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l);
	int fds[PER_ADDRESS], more;

	for (size_t i = 0; i < PER_ADDRESS; i++) {
		fds[i] = tbed_connect(&us, NULL);
		tbed_write(fds[i], tbed_options("one"));
	}
	tbed_wait(&bed, &bed.nmessages, PER_ADDRESS);
	more = tbed_connect(&us, NULL);
	assert_string_equal(tbed_read(&bed, more, ""), "");
	close(more);
	for (size_t i = 0; i < PER_ADDRESS; i++)
		close(fds[i]);
}

/* The nth allocation fails anywhere between connecting and being answered: closed or failed, never leaked. */
static void connecting_without_memory(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.3:0", NULL);
	struct transport_target to = {.proto = TRANSPORT_TCP, .listener = l};
	int server = tbed_server("127.0.0.2:0", &to.to), err;
	unsigned long n = 0;

	do {
		mem_fail_at(++n);
		err = transport_send(bed.transport, &to, "x", 1);
		mem_fail_at(0);
		assert_true(err == 0 || err == -ENOMEM);
	} while (err);
	assert_true(n > 3);
	close(tbed_accept(&bed, server, NULL));
	close(server);
}

static void tls_names_are_checked_both_ways(void **state)
{
	static const char answer[] =
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 127.0.0.9;branch=z9hG4bK-one\r\n"
		"From: <sip:a@example.com>;tag=f\r\nTo: <sip:x@127.0.0.1>;tag=t\r\n"
		"Call-ID: one\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	(void)state;
	struct tls_context *tls = tbed_tls("peer.example", false);
	const struct transport_listener *a = tbed_listen(&bed, TRANSPORT_TLS, "127.0.0.3:0", tls);
	const struct transport_listener *b = tbed_listen(&bed, TRANSPORT_TLS, "127.0.0.4:0", tls);
	struct transport_target to = {.proto = TRANSPORT_TLS, .listener = a, .to = tbed_local(b)};

	bed.tls_name = "peer.example";
	send_text(&to, tbed_options("one"), 0);
	tbed_wait(&bed, &bed.nmessages, 1);
	assert_ptr_equal(bed.messages[0].from.listener, b);
	assert_int_equal(bed.messages[0].from.proto, TRANSPORT_TLS);
	assert_true(transport_has_name(&bed.messages[0].from, "peer.example"));
	assert_false(transport_has_name(&bed.messages[0].from, "other.example"));
	/* And the answer back over the same connection. */
	send_text(&bed.messages[0].from, answer, 0);
	tbed_wait(&bed, &bed.nmessages, 2);
	assert_ptr_equal(bed.messages[1].from.listener, a);
	assert_true(transport_has_name(&bed.messages[1].from, "PEER.example"));
	mem_unref(tls);
}

/* A19: a certificate with another name is no peer of ours; nothing is sent. */
static void tls_wrong_name_fails(void **state)
{
	(void)state;
	struct tls_context *tls = tbed_tls("peer.example", false);
	const struct transport_listener *a = tbed_listen(&bed, TRANSPORT_TLS, "127.0.0.3:0", tls);
	const struct transport_listener *b = tbed_listen(&bed, TRANSPORT_TLS, "127.0.0.4:0", tls);
	struct transport_target to = {.proto = TRANSPORT_TLS, .listener = a, .to = tbed_local(b)};

	bed.tls_name = "bank.example";
	send_text(&to, tbed_options("one"), 0);
	tbed_wait(&bed, &bed.nfailures, 1);
	assert_true(addr_equal(&bed.failures[0].to.to, &to.to));
	assert_int_equal(bed.nmessages, 0);
	mem_unref(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define BED(f) cmocka_unit_test_setup_teardown(f, up, down)
		BED(messages_are_cut_out_of_the_stream),
		BED(ping_is_answered_with_pong),
		BED(bad_content_length_is_answered_and_closed),
		BED(bad_message_keeps_the_connection),
		BED(we_connect_once_and_share),
		BED(refused_connection_fails_each_message),
		BED(queue_before_open_is_bounded),
		BED(closed_connection_is_replaced),
		BED(connection_belongs_to_its_listener),
		BED(slow_sender_is_closed),
		BED(connections_of_one_address_are_capped),
		BED(connecting_without_memory),
		BED(tls_names_are_checked_both_ways),
		BED(tls_wrong_name_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
