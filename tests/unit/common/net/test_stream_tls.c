/* SPDX-License-Identifier: Apache-2.0 */
/* TLS streams on loopback: who is let in (A19, C1, H1, H6), bytes intact, half-open ones reaped (A20). */
#include "tests/unit/common/net/net_peers.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/net_metric.h"
#include "common/net/tls.h"

static char *dir;

static int group_setup(void **state)
{
	static const struct net_cert certs[] = {
		{.name = "ca", .common_name = "ca", .ca = true},
		{.name = "sub", .common_name = "sub", .ca = true, .issuer = "ca"},
		{.name = "evil-ca", .common_name = "ca", .ca = true},
		{.name = "sbe1", .issuer = "ca", .dns = {"sbe1"}},
		{.name = "chained", .issuer = "sub", .dns = {"sbe1"}},
		{.name = "dbe1", .issuer = "ca", .dns = {"dbe1"}},
		{.name = "wild", .issuer = "ca", .dns = {"*.a.example"}},
		{.name = "cn-only", .issuer = "ca", .common_name = "sbe1"},
		{.name = "evil", .issuer = "evil-ca", .dns = {"sbe1"}},
		{.name = "self", .dns = {"sbe1"}},
		{.name = "client-only",
		 .issuer = "ca",
		 .dns = {"sbe1"},
		 .ext_key_usage = "clientAuth"},
	};

	(void)state;
	dir = net_temp_dir();
	for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++)
		net_cert_make(dir, &certs[i]);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	net_remove_dir(dir);
	return 0;
}

static struct tls_context *load(const char *name, const char *trust, const char *trust2,
				struct tls_options o)
{
	char cert[512], key[512], ca[512], ca2[512], why[256];
	const char *trusts[2] = {ca, ca2};
	struct tls_context *c = NULL;

	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name ? name : "");
	snprintf(key, sizeof(key), "%s/%s.key", dir, name ? name : "");
	snprintf(ca, sizeof(ca), "%s/%s.pem", dir, trust);
	snprintf(ca2, sizeof(ca2), "%s/%s.pem", dir, trust2 ? trust2 : "");
	o.certificate_file = name ? cert : NULL;
	o.private_key_file = name ? key : NULL;
	o.trust_files = trusts;
	o.ntrust = trust2 ? 2 : 1;
	if (tlsid_new(&o, &c, why) != 0)
		fail_msg("%s", why);
	return c;
}

/* Both ends; mutual unless told otherwise. */
static void meet(struct net_scene *n, struct tls_context *server, struct tls_context *client,
		 const char *name)
{
	struct stream_listen_options lo = {.tls = server, .send_queue_bytes = 4 * 1024 * 1024};
	struct stream_options o = {
		.tls = client, .server_name = name, .send_queue_bytes = 4 * 1024 * 1024};

	net_scene_listen(n, &lo);
	assert_int_equal(net_scene_connect(n, &n->client, &o), 0);
	mem_unref(server);
	mem_unref(client);
}

static struct tls_context *server_context(const char *name)
{
	return load(name, "ca", NULL, (struct tls_options){.require_peer = true});
}

static struct tls_context *client_context(const char *name)
{
	return load(name, "ca", NULL, (struct tls_options){0});
}

static void assert_met(struct net_scene *n)
{
	assert_true(net_wait(&n->loop, &n->client.opened, 1));
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	assert_int_equal(n->client.closed, 0);
}

/* The client was refused, or refuses; the acceptor never hears of it. */
static void assert_not_met(struct net_scene *n, const char *why)
{
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	net_turns(&n->loop, 10);
	assert_int_equal(n->naccepted, 0);
	assert_int_not_equal(n->client.err, 0);
	if (!strstr(n->client.why, why))
		fail_msg("reason is: %s", n->client.why);
}

static void test_mutual_names_and_bytes(void **state)
{
	struct net_scene *n = *state;

	meet(n, server_context("sbe1"), client_context("dbe1"), "sbe1");
	assert_met(n);
	assert_true(stream_authenticated(n->client.s));
	assert_true(stream_peer_has_name(n->client.s, "SBE1"));
	assert_false(stream_peer_has_name(n->client.s, "dbe1"));
	assert_true(stream_authenticated(n->accepted[0].s));
	assert_true(stream_peer_has_name(n->accepted[0].s, "dbe1"));
	assert_int_equal(stream_send(n->client.s, "hello", 5), 0);
	assert_true(net_wait(&n->loop, &n->accepted[0].bytes, 5));
	assert_int_equal(stream_send(n->accepted[0].s, "you", 3), 0);
	assert_true(net_wait(&n->loop, &n->client.bytes, 3));
}

static void transfer(struct net_scene *n)
{
	size_t size = 1024 * 1024;
	uint8_t *data = malloc(size);

	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i ^ (i >> 9));
	assert_int_equal(stream_send(n->client.s, data, size), 0);
	assert_true(net_wait(&n->loop, &n->client.bytes, (int)size));
	assert_int_equal(n->accepted[0].bytes, (int)size);
	assert_int_equal(n->accepted[0].sum, net_sum(0, data, size));
	assert_int_equal(n->client.sum, net_sum(0, data, size));
	free(data);
}

static void test_a_megabyte_both_ways_is_intact(void **state)
{
	struct net_scene *n = *state;

	n->echo = true;
	meet(n, server_context("sbe1"), client_context("dbe1"), "sbe1");
	assert_met(n);
	transfer(n);
}

static void test_tls13_only_and_the_whole_chain_is_sent(void **state)
{
	struct net_scene *n = *state;
	struct tls_options o = {.min_version = TLS_MIN_1_3, .require_peer = true};

	n->echo = true;
	meet(n, load("chained", "ca", NULL, o), client_context("chained"), "sbe1");
	assert_met(n);
	transfer(n);
}

static void test_goodbye_is_an_orderly_close(void **state)
{
	struct net_scene *n = *state;

	meet(n, server_context("sbe1"), client_context("dbe1"), "sbe1");
	assert_met(n);
	n->client.s = stream_close(n->client.s);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_int_equal(n->accepted[0].err, 0);
}

static void test_close_flushed_over_tls(void **state)
{
	struct net_scene *n = *state;
	size_t size = 3 * 1024 * 1024;
	uint8_t *data = calloc(1, size);

	meet(n, server_context("sbe1"), client_context("dbe1"), "sbe1");
	assert_met(n);
	assert_int_equal(stream_send(n->client.s, data, size), 0);
	n->client.s = stream_close_flushed(n->client.s);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_int_equal(n->accepted[0].err, 0);
	assert_int_equal(n->accepted[0].bytes, (int)size);
	free(data);
}

static void test_close_inside_the_data_callback(void **state)
{
	struct net_scene *n = *state;
	static uint8_t data[100 * 1024]; /* several records: the rest must not be delivered */

	meet(n, server_context("sbe1"), client_context("dbe1"), "sbe1");
	assert_met(n);
	n->accepted[0].close_at = 1;
	assert_int_equal(stream_send(n->client.s, data, sizeof(data)), 0);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(n->accepted[0].chunks, 1);
}

/* ---------------------------------------------------------------- who is refused */

static void test_wrong_name(void **state)
{
	meet(*state, server_context("dbe1"), client_context("dbe1"), "sbe1");
	assert_not_met(*state, "does not carry the name sbe1");
}

static void test_wildcard_matches_nothing(void **state)
{
	meet(*state, server_context("wild"), client_context("dbe1"), "b.a.example");
	assert_not_met(*state, "does not carry the name");
}

static void test_common_name_counts_without_san(void **state)
{
	meet(*state, server_context("cn-only"), client_context("dbe1"), "sbe1");
	assert_met(*state);
}

static void test_unknown_ca(void **state)
{
	meet(*state, server_context("evil"), client_context("dbe1"), "sbe1");
	assert_not_met(*state, "certificate refused");
}

static void test_self_signed(void **state)
{
	meet(*state, server_context("self"), client_context("dbe1"), "sbe1");
	assert_not_met(*state, "certificate refused");
}

static void test_wrong_extended_key_usage(void **state)
{
	meet(*state, server_context("client-only"), client_context("dbe1"), "sbe1");
	assert_not_met(*state, "certificate refused");
}

static void test_revoked(void **state)
{
	net_crl_make(dir, "crl", "ca", "sbe1");
	meet(*state, server_context("sbe1"), load("dbe1", "ca", "crl", (struct tls_options){0}),
	     "sbe1");
	assert_not_met(*state, "revoked");
}

static void test_list_that_revokes_another(void **state)
{
	net_crl_make(dir, "crl", "ca", "wild");
	meet(*state, server_context("sbe1"), load("dbe1", "ca", "crl", (struct tls_options){0}),
	     "sbe1");
	assert_met(*state);
}

/* One that expired after it was loaded: valid for a second only, and used after that second. */
static void test_expired(void **state)
{
	struct net_scene *n = *state;
	struct tls_context *server;
	uint64_t until_ms;

	net_cert_make(dir, &(struct net_cert){
				   .name = "brief", .issuer = "ca", .dns = {"sbe1"}, .to_s = 1});
	server = server_context("brief");
	until_ms = uv_hrtime() / 1000000 + 2100;
	while (uv_hrtime() / 1000000 < until_ms)
		usleep(20000); /* the certificate's clock has no event to wait for */
	meet(n, server, client_context("dbe1"), "sbe1");
	assert_not_met(n, "expired");
}

/* In TLS 1.3 a client is done before the server has looked at its certificate: open, then closed. */
static void test_client_without_certificate(void **state)
{
	meet(*state, server_context("sbe1"), client_context(NULL), "sbe1");
	assert_not_met(*state, "certificate required");
}

static void test_client_of_unknown_ca(void **state)
{
	meet(*state, server_context("sbe1"), client_context("evil"), "sbe1");
	assert_not_met(*state, "unknown ca");
}

static void test_client_certificate_is_optional_unless_required(void **state)
{
	struct net_scene *n = *state;

	meet(n, load("sbe1", "ca", NULL, (struct tls_options){0}), client_context(NULL), "sbe1");
	assert_met(n);
	assert_false(stream_authenticated(n->accepted[0].s));
	assert_false(stream_peer_has_name(n->accepted[0].s, "dbe1"));
	assert_true(stream_authenticated(n->client.s));
}

static void test_plain_text_on_the_tls_port(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {.tls = server_context("sbe1")};
	struct stream_options o = {0};

	net_scene_listen(n, &lo);
	mem_unref(lo.tls);
	assert_int_equal(net_scene_connect(n, &n->client, &o), 0);
	assert_true(net_wait(&n->loop, &n->client.opened, 1));
	stream_send(n->client.s, "OPTIONS sip:a SIP/2.0\r\n\r\n", 25);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(n->naccepted, 0);
}

/* A20: connect and hush. The deadline reaps it, and its place is free again. */
static void test_half_open_handshake_is_reaped(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {
		.tls = server_context("sbe1"), .handshake_ms = 100, .max_streams = 1};
	struct stream_options plain = {0}, o = {.tls = client_context("dbe1")};
	int64_t failed = metric_get(&net_metrics, NET_TLS_FAILED);
	struct net_end second = {0};

	net_scene_listen(n, &lo);
	mem_unref(lo.tls);
	assert_int_equal(net_scene_connect(n, &n->client, &plain), 0);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(metric_get(&net_metrics, NET_TLS_FAILED), failed + 1);
	assert_int_equal(n->naccepted, 0);
	net_turns(&n->loop, 3);
	assert_int_equal(net_scene_connect(n, &second, &o), 0);
	mem_unref(o.tls);
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	stream_close(second.s);
}

static void test_client_handshake_deadline(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {0};
	struct stream_options o = {.tls = client_context("dbe1"), .connect_ms = 100};

	net_scene_listen(n, &lo); /* plain: it will never answer a hello */
	assert_int_equal(net_scene_connect(n, &n->client, &o), 0);
	mem_unref(o.tls);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(n->client.err, -ETIMEDOUT);
	assert_int_equal(n->client.opened, 0);
}

static void test_listener_close_ends_half_open_handshakes(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {.tls = server_context("sbe1")};
	int64_t streams = metric_get(&net_metrics, NET_STREAMS);
	int fd;

	net_scene_listen(n, &lo);
	mem_unref(lo.tls);
	fd = net_connect_tcp(stream_listener_local(n->listener));
	while (metric_get(&net_metrics, NET_STREAMS) == streams)
		uv_run(&n->loop, UV_RUN_ONCE);
	n->listener = stream_listener_close(n->listener);
	net_turns(&n->loop, 3);
	assert_int_equal(metric_get(&net_metrics, NET_STREAMS), streams);
	close(fd);
}

static void test_cut_without_goodbye_is_an_error(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options lo = {.tls = server_context("sbe1"), .handshake_ms = 5000};
	struct stream_options o = {.tls = client_context("dbe1"), .idle_ms = 60};

	/* The idle deadline closes the client's descriptor without a goodbye. */
	net_scene_listen(n, &lo);
	mem_unref(lo.tls);
	n->client.keep = true;
	assert_int_equal(net_scene_connect(n, &n->client, &o), 0);
	mem_unref(o.tls);
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	assert_int_equal(n->accepted[0].err, -ECONNRESET);
}

/* ---------------------------------------------------------------- against a plain OpenSSL client */

/* Blocking handshake of a bare OpenSSL client while our loop serves. @return 1 done, 0 refused. */
struct bare {
	int fd, min, max, result;
	char sni[64];
	bool ticket;
	const char *ciphers;
};

static void bare_run(void *arg)
{
	struct bare *b = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	char c;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, b->min);
	SSL_CTX_set_max_proto_version(ctx, b->max);
	if (b->ciphers)
		SSL_CTX_set_cipher_list(ctx, b->ciphers);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, b->fd);
	b->result = SSL_connect(ssl) == 1;
	if (b->result) {
		SSL_write(ssl, "x", 1);
		SSL_read(ssl, &c, 1); /* also takes tickets, if any come */
		b->ticket = SSL_SESSION_has_ticket(SSL_get_session(ssl)) == 1;
	}
	SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	shutdown(b->fd, SHUT_RDWR);
}

static void bare_client(struct net_scene *n, struct bare *b)
{
	uv_thread_t thread;
	char c;

	b->fd = net_connect_tcp(stream_listener_local(n->listener));
	assert_int_equal(uv_thread_create(&thread, bare_run, b), 0);
	/* Until the client has shut its socket down. */
	for (int i = 0; i < 5000 && recv(b->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) != 0; i++) {
		uv_run(&n->loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	uv_thread_join(&thread);
	close(b->fd);
}

static void listen_optional(struct net_scene *n, bool tls13_only)
{
	struct stream_listen_options lo = {
		.tls = load("sbe1", "ca", NULL,
			    (struct tls_options){.min_version =
							 tls13_only ? TLS_MIN_1_3 : TLS_MIN_1_2})};

	n->echo = true;
	net_scene_listen(n, &lo);
	mem_unref(lo.tls);
}

static void test_versions_ciphers_tickets(void **state)
{
	struct net_scene *n = *state;
	struct bare v11 = {.min = TLS1_1_VERSION, .max = TLS1_1_VERSION};
	struct bare cbc = {
		.min = TLS1_2_VERSION, .max = TLS1_2_VERSION, .ciphers = "AES128-SHA:NULL"};
	struct bare v12 = {.min = TLS1_2_VERSION, .max = TLS1_2_VERSION};
	struct bare v13 = {.min = TLS1_3_VERSION, .max = TLS1_3_VERSION};

	listen_optional(n, false);
	bare_client(n, &v11);
	assert_int_equal(v11.result, 0);
	bare_client(n, &cbc);
	assert_int_equal(cbc.result, 0);
	bare_client(n, &v12);
	assert_int_equal(v12.result, 1);
	assert_false(v12.ticket);
	bare_client(n, &v13);
	assert_int_equal(v13.result, 1);
	assert_false(v13.ticket);
}

static void test_tls12_is_refused_when_only_13_is_allowed(void **state)
{
	struct net_scene *n = *state;
	struct bare v12 = {.min = TLS1_2_VERSION, .max = TLS1_2_VERSION};
	struct bare v13 = {.min = TLS1_3_VERSION, .max = TLS1_3_VERSION};

	listen_optional(n, true);
	bare_client(n, &v12);
	assert_int_equal(v12.result, 0);
	bare_client(n, &v13);
	assert_int_equal(v13.result, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, net_scene_setup, net_scene_teardown)
		T(test_mutual_names_and_bytes),
		T(test_a_megabyte_both_ways_is_intact),
		T(test_tls13_only_and_the_whole_chain_is_sent),
		T(test_goodbye_is_an_orderly_close),
		T(test_close_flushed_over_tls),
		T(test_close_inside_the_data_callback),
		T(test_wrong_name),
		T(test_wildcard_matches_nothing),
		T(test_common_name_counts_without_san),
		T(test_unknown_ca),
		T(test_self_signed),
		T(test_wrong_extended_key_usage),
		T(test_revoked),
		T(test_list_that_revokes_another),
		T(test_expired),
		T(test_client_without_certificate),
		T(test_client_of_unknown_ca),
		T(test_client_certificate_is_optional_unless_required),
		T(test_plain_text_on_the_tls_port),
		T(test_half_open_handshake_is_reaped),
		T(test_client_handshake_deadline),
		T(test_listener_close_ends_half_open_handshakes),
		T(test_cut_without_goodbye_is_an_error),
		T(test_versions_ciphers_tickets),
		T(test_tls12_is_refused_when_only_13_is_allowed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
