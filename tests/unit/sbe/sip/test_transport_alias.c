/* SPDX-License-Identifier: Apache-2.0 */
/* Reuse of connections by RFC 5923 (S15, H8, H9), connections that are kept up (G5, RFC 5626), and the silent ones (A20). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "transport_bed.h"

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/sip/transport_private.h"

static struct tbed bed;
static struct tls_context *tls;
static const struct transport_listener *a, *b; /* a asks, b is asked */

static int up(void **state)
{
	(void)state;
	tbed_start(&bed);
	tls = tbed_tls("peer.example", false);
	a = tbed_listen(&bed, TRANSPORT_TLS, "127.0.0.3:0", tls);
	b = tbed_listen(&bed, TRANSPORT_TLS, "127.0.0.4:0", tls);
	bed.tls_name = "peer.example";
	return 0;
}

static int down(void **state)
{
	(void)state;
	clock_real();
	tls = mem_unref(tls);
	tbed_stop(&bed);
	return 0;
}

static void send_text(const struct transport_target *to, const char *text, int want)
{
	assert_int_equal(transport_send(bed.transport, to, text, strlen(text)), want);
}

/* a's request to b; with its own port in Via, and alias or not. */
static void ask(const char *call_id, bool alias)
{
	struct transport_target to = {.proto = TRANSPORT_TLS, .listener = a, .to = tbed_local(b)};
	int before = bed.nmessages;
	char text[1024];

	snprintf(
		text, sizeof(text),
		"OPTIONS sip:x@127.0.0.4 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.3:%u;branch=z9hG4bK-%s%s\r\n"
		"From: <sip:a@example.com>;tag=f\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: %s\r\n"
		"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		a->local.port, call_id, alias ? ";alias" : "", call_id);
	send_text(&to, text, 0);
	tbed_wait(&bed, &bed.nmessages, before + 1);
}

static struct transport_connection *accepted(void)
{
	return transport_connection_find(bed.transport, bed.messages[0].from.connection);
}

/* b sends to where a listens, as peer. */
static struct transport_target back(uint32_t peer)
{
	return (struct transport_target){
		.proto = TRANSPORT_TLS, .listener = b, .to = tbed_local(a), .peer = peer};
}

static void reverse_requests_need_the_alias(void **state)
{
	(void)state;
	struct transport_target to = back(TBED_PEER);

	ask("one", false);
	/* by id: a response may, a request may not and opens its own */
	send_text(&bed.messages[0].from, "SIP/2.0 200 x", 0);
	assert_int_equal(accepted()->messages_out, 1);
	to.connection = bed.messages[0].from.connection;
	send_text(&to, tbed_options("two"), 0);
	tbed_wait(&bed, &bed.nmessages, 2);
	assert_int_equal(accepted()->messages_out, 1);
	assert_int_not_equal(bed.messages[1].from.connection, bed.messages[0].from.connection);
}

static void alias_is_used_for_its_address_and_identity(void **state)
{
	(void)state;
	struct transport_target to = back(TBED_PEER), other = back(TBED_PEER + 1);
	int64_t aliases = metric_get(&transport_metrics, TRANSPORT_ALIASES);

	ask("one", true);
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_ALIASES), aliases + 1);
	send_text(&to, tbed_options("two"), 0);
	tbed_wait(&bed, &bed.nmessages, 2);
	assert_int_equal(accepted()->messages_out, 1);
	/* H8: somebody else behind the same address has a connection of his own */
	send_text(&other, tbed_options("three"), 0);
	tbed_wait(&bed, &bed.nmessages, 3);
	assert_int_equal(accepted()->messages_out, 1);
	/* another port is another row */
	to.to.port++;
	(void)transport_send(bed.transport, &to, "x", 1);
	assert_int_equal(accepted()->messages_out, 1);
}

/* H9: the alias is gone with its connection; what follows opens a new one. */
static void alias_ends_with_its_connection(void **state)
{
	(void)state;
	struct transport_target to = back(TBED_PEER);

	ask("one", true);
	to.connection = bed.messages[0].from.connection;
	transport_connection_end(accepted(), false);
	assert_null(transport_alias_find(bed.transport, &to));
	send_text(&to, tbed_options("two"), 0);
	tbed_wait(&bed, &bed.nmessages, 2);
	assert_ptr_equal(bed.messages[1].from.listener, a);
}

/* H5: a stranger's alias counts for nothing, and neither does that of somebody without a certificate. */
static void alias_of_a_stranger_is_ignored(void **state)
{
	(void)state;
	int64_t aliases = metric_get(&transport_metrics, TRANSPORT_ALIASES);

	bed.strangers = true;
	ask("one", true);
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_ALIASES), aliases);
}

/* Over TLS nothing goes to somebody with whom nothing is agreed (H11). */
static void nobody_is_told_nothing(void **state)
{
	(void)state;
	struct transport_target to = back(0);

	bed.tls_nobody = true;
	send_text(&to, tbed_options("one"), -EACCES);
}

static void standing_connection_is_opened_and_pinged(void **state)
{
	(void)state;
	struct transport_target to = back(TBED_PEER);
	int64_t pongs = metric_get(&transport_metrics, TRANSPORT_PONGS);
	int64_t pings = metric_get(&transport_metrics, TRANSPORT_PINGS);

	clock_fake(1000000000, 0);
	assert_int_equal(transport_stand(bed.transport, &to), 0);
	assert_int_equal(transport_stand(bed.transport, &to), 0);
	tbed_wait(&bed, &bed.nlinks[1], 1);
	assert_int_equal(transport_stand(bed.transport, &to), 1);
	clock_advance_ms(29999);
	assert_int_equal(transport_stand(bed.transport, &to), 1);
	transport_stream_sweep(bed.transport);
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_PINGS), pings);
	clock_advance_ms(1);
	for (int i = 0; i < 2; i++) { /* two pongs in a row are no ping */
		assert_int_equal(transport_stand(bed.transport, &to), 1);
		transport_stream_sweep(bed.transport);
		while (metric_get(&transport_metrics, TRANSPORT_PONGS) < pongs + i + 1)
			uv_run(&bed.loop, UV_RUN_ONCE);
		clock_advance_ms(30000);
	}
	assert_int_equal(bed.nlinks[0], 0);
}

static struct transport_connection *one_opened(void)
{
	struct transport_target to = back(TBED_PEER);
	struct transport_route r;

	transport_route_set(&r, &to);
	return table_find(bed.transport->by_route, &r, sizeof(r));
}

static void missing_pong_ends_it(void **state)
{
	(void)state;
	struct transport_target to = back(TBED_PEER);

	clock_fake(1000000000, 0);
	assert_int_equal(transport_stand(bed.transport, &to), 0);
	tbed_wait(&bed, &bed.nlinks[1], 1);
	one_opened()->ping_ms = clock_now_ms();
	clock_advance_ms(10000);
	assert_int_equal(transport_stand(bed.transport, &to), 1);
	transport_stream_sweep(bed.transport);
	assert_non_null(one_opened()); /* it has never answered one */
	one_opened()->ponged = true;
	transport_stream_sweep(bed.transport);
	assert_null(one_opened());
	assert_int_equal(bed.nlinks[0], 1);
	tbed_wait(&bed, &bed.nfailures, 1);
}

static void refused_standing_connection_is_told(void **state)
{
	(void)state;
	struct transport_target to = back(TBED_PEER);
	int server = tbed_server("127.0.0.2:0", &to.to);

	close(server);
	assert_int_equal(transport_stand(bed.transport, &to), 0);
	tbed_wait(&bed, &bed.nlinks[0], 1);
	assert_int_equal(bed.nlinks[1], 0);
}

/* A20: line ends keep no stranger's connection alive. */
static void silent_stranger_is_closed(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l);
	int64_t silent = metric_get(&transport_metrics, TRANSPORT_SILENT);
	int fd, peer;

	clock_fake(1000000000, 0);
	peer = tbed_connect(&us, NULL);
	tbed_write(peer, tbed_options("one"));
	tbed_wait(&bed, &bed.nmessages, 1);
	bed.strangers = true;
	fd = tbed_connect(&us, NULL);
	tbed_write(fd, tbed_options("two"));
	tbed_wait(&bed, &bed.nmessages, 2);
	clock_advance_ms(9999);
	tbed_write(fd, "\r\n\r\n");
	assert_string_equal(tbed_read(&bed, fd, "\r\n"), "\r\n");
	transport_stream_sweep(bed.transport);
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_SILENT), silent);
	clock_advance_ms(1);
	transport_stream_sweep(bed.transport);
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_SILENT), silent + 1);
	(void)tbed_read(&bed, fd, "");
	close(fd);
	close(peer);
}

/* A20: a far end that never reads is gone, a peer too, long before anybody's buffers are full of it. */
static void deaf_far_end_is_closed(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_TCP, "127.0.0.1:0", NULL);
	int64_t stuck = metric_get(&transport_metrics, TRANSPORT_STUCK);
	static char text[60000];
	struct addr us = tbed_local(l);
	int fd, other;

	memset(text, 'x', sizeof(text) - 1);
	clock_fake(1000000000, 0);
	fd = tbed_connect(&us, NULL);
	other = tbed_connect(&us, NULL);
	tbed_write(fd, tbed_options("one"));
	tbed_wait(&bed, &bed.nmessages, 1);
	tbed_write(other, tbed_options("two"));
	tbed_wait(&bed, &bed.nmessages, 2);
	send_text(&bed.messages[1].from, "SIP/2.0 200 x", 0);
	assert_string_equal(tbed_read(&bed, other, "x"), "SIP/2.0 200 x");
	while (!transport_connection_find(bed.transport, bed.messages[0].from.connection)
			->read_ms) {
		(void)transport_send(bed.transport, &bed.messages[0].from, text, sizeof(text) - 1);
		tbed_turns(&bed);
		transport_stream_sweep(bed.transport);
	}
	clock_advance_ms(9999);
	transport_stream_sweep(bed.transport);
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_STUCK), stuck);
	clock_advance_ms(1);
	transport_stream_sweep(bed.transport);
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_STUCK), stuck + 1);
	send_text(&bed.messages[1].from, "SIP/2.0 200 y", 0);
	close(fd);
	close(other);
}

/* H5, H6: a certificate that is nobody's is not even heard, if the identity says so. */
static void unknown_certificate_is_closed(void **state)
{
	(void)state;
	struct tls_context *strict = tbed_tls("peer.example", true);
	const struct transport_listener *l =
		tbed_listen(&bed, TRANSPORT_TLS, "127.0.0.5:0", strict);
	const struct transport_listener *c =
		tbed_listen(&bed, TRANSPORT_TLS, "127.0.0.6:0", strict);
	struct transport_target to = {.proto = TRANSPORT_TLS, .listener = c, .to = tbed_local(l)};
	int64_t unknown = metric_get(&transport_metrics, TRANSPORT_UNKNOWN);

	bed.strangers = true;
	send_text(&to, tbed_options("one"), 0);
	tbed_wait(&bed, &bed.nlinks[0], 1);
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_UNKNOWN), unknown + 1);
	assert_int_equal(bed.nmessages, 0);
	bed.strangers = false;
	send_text(&to, tbed_options("two"), 0);
	tbed_wait(&bed, &bed.nmessages, 1);
	mem_unref(strict);
}

int main(void)
{
#define BED(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		BED(reverse_requests_need_the_alias),
		BED(alias_is_used_for_its_address_and_identity),
		BED(alias_ends_with_its_connection),
		BED(alias_of_a_stranger_is_ignored),
		BED(nobody_is_told_nothing),
		BED(standing_connection_is_opened_and_pinged),
		BED(missing_pong_ends_it),
		BED(refused_standing_connection_is_told),
		BED(silent_stranger_is_closed),
		BED(deaf_far_end_is_closed),
		BED(unknown_certificate_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
