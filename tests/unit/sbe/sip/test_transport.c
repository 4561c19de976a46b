/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners, datagrams, what the guard and the parser answer. Loopback sockets. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "transport_bed.h"

#include "common/mem.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/transport_metric.h"

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

static void datagram_in_and_out(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);
	char sent_by[64];

	(void)snprintf(sent_by, sizeof(sent_by), "127.0.0.1:%u", us.port);
	assert_string_equal(transport_sent_by(l), sent_by);
	assert_string_equal(transport_realm(l), "core");
	tbed_send_to(fd, &us, tbed_options("one"));
	tbed_wait(&bed, &bed.nmessages, 1);
	assert_string_equal(bed.messages[0].first, "OPTIONS");
	assert_true(addr_equal(&bed.messages[0].from.to, &far));
	assert_ptr_equal(bed.messages[0].from.listener, l);
	assert_int_equal(bed.messages[0].from.connection, 0);
	assert_int_equal(transport_send(bed.transport, &bed.messages[0].from, "hello", 5), 0);
	assert_string_equal(tbed_read(&bed, fd, "hello"), "hello");
	close(fd);
}

/* A24: what is no SIP costs nothing and is not answered; leading line ends are no harm. */
static void rubbish_is_dropped(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);
	char text[2048];
	ssize_t n;

	tbed_send_to(fd, &us, "");
	tbed_send_to(fd, &us, "\r\n\r\n");
	tbed_send_to(fd, &us, "x");
	tbed_send_to(fd, &us, "GET / HTTP/1.1\r\n\r\n");
	(void)snprintf(text, sizeof(text), "\r\n\r\n%s", tbed_options("after"));
	tbed_send_to(fd, &us, text);
	tbed_wait(&bed, &bed.nmessages, 1);
	assert_string_equal(bed.messages[0].call_id, "after");
	n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
	assert_int_equal(n, -1);
	close(fd);
}

static const char *replaced(const char *what, const char *by)
{
	static char text[4096];
	const char *whole = tbed_options("one"), *at = strstr(whole, what);

	assert_non_null(at);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, by,
		       at + strlen(what));
	return text;
}

/* A1: badvers 505, a malformed header 400 with a reason; both without state, to the source. */
static void bad_requests_are_answered_without_state(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);

	tbed_send_to(fd, &us, replaced("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"));
	assert_non_null(strstr(tbed_read(&bed, fd, "\r\n\r\n"), "SIP/2.0 505 "));
	tbed_send_to(fd, &us, replaced("Max-Forwards: 70", "Max-Forwards: many"));
	assert_non_null(strstr(tbed_read(&bed, fd, "\r\n\r\n"), "SIP/2.0 400 "));
	assert_int_equal(bed.nmessages, 0);
	close(fd);
}

/* 17.1.1.3: an ACK is never answered, whatever is wrong with it. */
/* RFC 4475 scalar02, quotbal and others: what cannot be read is told so all the same (A1). */
static void unreadable_requests_are_answered(void **state)
{
	static const char *const bad[][2] = {
		{"CSeq: 1 OPTIONS", "CSeq: 36893488147419103232 OPTIONS"},
		{"To: ", "To: \"Mr. J. User "},
		{"From: ", "From: Bell, Alexander "},
	};
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tbed_send_to(fd, &us, replaced(bad[i][0], bad[i][1]));
		tbed_read(&bed, fd, "SIP/2.0 400 ");
	}
	assert_int_equal(bed.nmessages, 0);
	close(fd);
}

static void bad_ack_is_not_answered(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);
	char text[2048];

	(void)snprintf(
		text, sizeof(text),
		"ACK sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bK-%s\r\n"
		"From: <sip:a@example.com>;tag=f\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: one\r\n"
		"CSeq: 1 ACK\r\nMax-Forwards: many\r\nContent-Length: 0\r\n\r\n",
		"bad");
	tbed_send_to(fd, &us, text);
	memcpy(strstr(text, "SIP/2.0\r\n"), "SIP/7.0", 7);
	tbed_send_to(fd, &us, text);
	tbed_send_to(fd, &us, tbed_options("after"));
	tbed_wait(&bed, &bed.nmessages, 1);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
	close(fd);
}

/* A22, A24: a stranger has a rate, somebody we know has none. */
static void strangers_are_limited(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far), got;
	int64_t limited = metric_get(&transport_guard_metrics, GUARD_RATE);

	for (int i = 0; i < 400; i++) {
		tbed_send_to(fd, &us, tbed_options("known"));
		tbed_wait(&bed, &bed.nmessages, i + 1);
	}
	assert_int_equal(metric_get(&transport_guard_metrics, GUARD_RATE), limited);
	bed.nmessages = 0;
	bed.strangers = true;
	for (int i = 0; i < 400; i++) {
		tbed_send_to(fd, &us, tbed_options("stranger"));
		tbed_turns(&bed);
	}
	got = bed.nmessages;
	assert_true(got >= 200 && got < 400);
	assert_true(metric_get(&transport_guard_metrics, GUARD_RATE) - limited >= 400 - got);
	close(fd);
}

/* S4: a port nobody listens on is told by ICMP. */
static void icmp_error_fails_the_target(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct transport_target to = {.proto = TRANSPORT_UDP, .listener = l};

	close(tbed_udp("127.0.0.2:0", &to.to));
	assert_int_equal(transport_send(bed.transport, &to, "x", 1), 0);
	tbed_wait(&bed, &bed.nfailures, 1);
	assert_true(addr_equal(&bed.failures[0].to.to, &to.to));
	assert_ptr_equal(bed.failures[0].to.listener, l);
	assert_int_equal(bed.failures[0].err, -ECONNREFUSED);
}

static void bad_targets_are_refused(void **state)
{
	(void)state;
	static char large[70000];
	const struct transport_listener *udp =
		tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	const struct transport_listener *tcp =
		tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	struct transport_target to = {.proto = TRANSPORT_UDP};

	assert_int_equal(addr_parse("127.0.0.2:5060", &to.to), 0);
	assert_int_equal(transport_send(bed.transport, &to, "x", 1), -EINVAL);
	to.listener = tcp;
	assert_int_equal(transport_send(bed.transport, &to, "x", 1), -EINVAL);
	to.listener = udp;
	assert_int_equal(transport_send(bed.transport, &to, large, sizeof(large)), -EMSGSIZE);
	to.listener = tcp;
	to.proto = TRANSPORT_TCP;
	assert_int_equal(addr_parse("0.0.0.0:5060", &to.to), 0);
	assert_int_equal(transport_send(bed.transport, &to, "x", 1), -EINVAL);
	assert_int_equal(addr_parse("224.0.0.1:5060", &to.to), 0);
	assert_int_equal(transport_send(bed.transport, &to, "x", 1), -EINVAL);
	assert_int_equal(addr_parse("127.0.0.2", &to.to), 0);
	assert_int_equal(transport_send(bed.transport, &to, "x", 1), -EINVAL);
}

static bool ours(const char *host, uint16_t port)
{
	return transport_is_ours(bed.transport, (struct wire_text){host, strlen(host)}, port);
}

static void listeners_are_found_and_ours(void **state)
{
	(void)state;
	struct transport_listen o = {
		.realm = "peering", .proto = TRANSPORT_UDP, .advertise = "Sbc.Example"};
	const struct transport_listener *a = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	const struct transport_listener *b = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	const struct transport_listener *c;
	struct addr us = tbed_local(a);
	char text[64];

	assert_int_equal(addr_parse("0.0.0.0:0", &o.local), 0);
	assert_int_equal(transport_listen(bed.transport, &o), 0);
	assert_ptr_equal(transport_find(bed.transport, "core", TRANSPORT_UDP, ADDR_NONE), a);
	assert_ptr_equal(transport_find(bed.transport, "core", TRANSPORT_TCP, ADDR_V4), b);
	assert_null(transport_find(bed.transport, "core", TRANSPORT_TCP, ADDR_V6));
	assert_null(transport_find(bed.transport, "core", TRANSPORT_TLS, ADDR_NONE));
	c = transport_find(bed.transport, "peering", TRANSPORT_UDP, ADDR_NONE);
	assert_non_null(c);
	(void)snprintf(text, sizeof(text), "Sbc.Example:%u", tbed_local(c).port);
	assert_string_equal(transport_sent_by(c), text);
	assert_true(ours("127.0.0.1", 0));
	assert_true(ours("127.0.0.1", us.port));
	assert_false(ours("127.0.0.1", 1));
	assert_false(ours("127.0.0.2", 0));
	assert_true(ours("sbc.example", 0));
	assert_false(ours("sbc.example", us.port));
	assert_false(ours("other.example", 0));
	assert_false(ours("", 0));
}

static void bad_listeners_are_refused(void **state)
{
	(void)state;
	struct transport_listen o = {.realm = "core", .proto = TRANSPORT_UDP};

	/* Nothing to put into a Via. */
	assert_int_equal(addr_parse("0.0.0.0:0", &o.local), 0);
	assert_int_equal(transport_listen(bed.transport, &o), -EINVAL);
	assert_int_equal(addr_parse("127.0.0.1:0", &o.local), 0);
	o.proto = TRANSPORT_TLS; /* without an identity */
	assert_int_equal(transport_listen(bed.transport, &o), -EINVAL);
	o.proto = TRANSPORT_TCP;
	o.realm = NULL;
	assert_int_equal(transport_listen(bed.transport, &o), -EINVAL);
	o.realm = "core";
	o.local = tbed_local(tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL));
	assert_int_equal(transport_listen(bed.transport, &o), -EADDRINUSE);
	o.proto = TRANSPORT_UDP;
	o.local = tbed_local(tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL));
	assert_int_equal(transport_listen(bed.transport, &o), -EADDRINUSE);
}

static void sent_by_of_ipv6(void **state)
{
	(void)state;
	struct transport_listen o = {.realm = "core", .proto = TRANSPORT_UDP};
	const struct transport_listener *l;
	char text[64];

	assert_int_equal(addr_parse("[::1]:0", &o.local), 0);
	if (transport_listen(bed.transport, &o) == -EADDRNOTAVAIL)
		skip();
	l = transport_find(bed.transport, "core", TRANSPORT_UDP, ADDR_V6);
	assert_non_null(l);
	(void)snprintf(text, sizeof(text), "[::1]:%u", tbed_local(l).port);
	assert_string_equal(transport_sent_by(l), text);
	assert_true(ours("::1", 0));
}

/* Every allocation of a listener may fail; what was opened before it is closed again. */
static void listen_without_memory(void **state)
{
	(void)state;
	struct transport_listen o = {
		.realm = "core", .proto = TRANSPORT_UDP, .advertise = "a.example"};
	unsigned long n = 0;
	int err;

	assert_int_equal(addr_parse("127.0.0.1:0", &o.local), 0);
	do {
		mem_fail_at(++n);
		err = transport_listen(bed.transport, &o);
		mem_fail_at(0);
		assert_true(err == 0 || err == -ENOMEM);
		tbed_turns(&bed);
	} while (err);
	assert_true(n > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define BED(f) cmocka_unit_test_setup_teardown(f, up, down)
		BED(datagram_in_and_out),
		BED(rubbish_is_dropped),
		BED(bad_requests_are_answered_without_state),
		BED(unreadable_requests_are_answered),
		BED(bad_ack_is_not_answered),
		BED(strangers_are_limited),
		BED(icmp_error_fails_the_target),
		BED(bad_targets_are_refused),
		BED(listeners_are_found_and_ours),
		BED(bad_listeners_are_refused),
		BED(sent_by_of_ipv6),
		BED(listen_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
