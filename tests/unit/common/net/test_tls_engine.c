/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS engine without a network: pieces of any size, damaged bytes, allocation failures. */
#include "tests/unit/common/net/net_support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/net/stream_tls.h"
#include "common/net/tls.h"
#include "tests/lib/oom.h"

static char *dir;
static struct tls_context *context[2]; /* client, server */
static const struct stream_tls_far to_b = {.server_name = "b"},
				   as_b = {.server = true, .need_certificate = true};

static struct tls_context *load(const char *name, bool require_peer)
{
	char cert[512], key[512], ca[512], why[256];
	const char *trust[1] = {ca};
	struct tls_options o = {.certificate_file = cert,
				.private_key_file = key,
				.trust_files = trust,
				.ntrust = 1,
				.require_peer = require_peer};
	struct tls_context *c = NULL;

	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name);
	snprintf(key, sizeof(key), "%s/%s.key", dir, name);
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	if (tlsid_new(&o, &c, why) != 0)
		fail_msg("%s", why);
	return c;
}

static int group_setup(void **state)
{
	(void)state;
	dir = net_temp_dir();
	net_cert_make(dir, &(struct net_cert){.name = "ca", .common_name = "ca", .ca = true});
	net_cert_make(dir, &(struct net_cert){.name = "a", .issuer = "ca", .dns = {"a"}});
	net_cert_make(dir, &(struct net_cert){.name = "b", .issuer = "ca", .dns = {"b"}});
	context[0] = load("a", false);
	context[1] = load("b", true);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	mem_unref(context[0]);
	mem_unref(context[1]);
	net_remove_dir(dir);
	assert_int_equal(mem_live(), 0);
	return 0;
}

struct pair {
	struct stream_tls *end[2];
	bool done[2];
	int err;
	size_t piece_bytes;
	/* the byte with this number, counted over both directions, is damaged; -1 = none */
	long damage_at, carried;
};

static void pair_open(struct pair *p, size_t piece_bytes, long damage_at)
{
	memset(p, 0, sizeof(*p));
	p->piece_bytes = piece_bytes;
	p->damage_at = damage_at;
	assert_int_equal(stream_tls_new(context[0], &to_b, &p->end[0]), 0);
	assert_int_equal(stream_tls_new(context[1], &as_b, &p->end[1]), 0);
}

static void pair_close(struct pair *p)
{
	mem_unref(p->end[0]);
	mem_unref(p->end[1]);
}

static void pair_step(struct pair *p, int to)
{
	uint8_t plain[64];
	int n;

	if (!p->done[to]) {
		n = stream_tls_handshake(p->end[to]);
		if (n < 0)
			p->err = n;
		p->done[to] = n == 1;
	}
	if (p->done[to]) {
		n = stream_tls_read(p->end[to], plain, sizeof(plain));
		if (n < 0)
			p->err = n;
	}
}

/* Carry what one end has to say to the other, piece by piece. @return bytes */
static size_t pair_carry(struct pair *p, int from)
{
	const uint8_t *data;
	uint8_t copy[65536];
	size_t n = stream_tls_output(p->end[from], &data);

	assert_true(n <= sizeof(copy));
	if (n)
		memcpy(copy, data, n);
	stream_tls_output_done(p->end[from]);
	if (p->damage_at >= p->carried && p->damage_at < p->carried + (long)n)
		copy[p->damage_at - p->carried] ^= 0x55;
	p->carried += (long)n;
	for (size_t at = 0; at < n && !p->err; at += p->piece_bytes) {
		size_t piece = n - at < p->piece_bytes ? n - at : p->piece_bytes;

		assert_int_equal(stream_tls_feed(p->end[!from], copy + at, piece), 0);
		pair_step(p, !from);
	}
	return n;
}

static void pair_run(struct pair *p)
{
	pair_step(p, 0);
	while (!p->err && pair_carry(p, 0) + pair_carry(p, 1) > 0)
		;
}

static void test_pieces_of_any_size(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 7, 64, 1000, 65536};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pair p;

		pair_open(&p, sizes[i], -1);
		pair_run(&p);
		assert_int_equal(p.err, 0);
		assert_true(p.done[0] && p.done[1]);
		assert_true(stream_tls_peer_has_name(p.end[0], "b"));
		assert_true(stream_tls_peer_has_name(p.end[1], "a"));
		pair_close(&p);
	}
}

/* Not one damaged byte of a handshake goes unseen, wherever it is. */
static void test_damaged_bytes_end_the_handshake(void **state)
{
	struct pair whole;
	long total;

	(void)state;
	pair_open(&whole, 65536, -1);
	pair_run(&whole);
	total = whole.carried;
	pair_close(&whole);
	assert_true(total > 1000);
	for (long at = 0; at < total; at += 13) {
		struct pair p;

		pair_open(&p, 65536, at);
		pair_run(&p);
		/* A longer length field only makes the other side wait: then it never gets done. Signatures
		 * differ in length, so a handshake may have been too short to be damaged here. */
		if (p.done[0] && p.done[1] && !p.err && p.carried > at)
			fail_msg("byte %ld", at);
		if (p.err)
			assert_true(*stream_tls_error(p.end[0]) || *stream_tls_error(p.end[1]));
		pair_close(&p);
	}
}

static void test_goodbye(void **state)
{
	struct pair p;
	uint8_t buf[16];
	const uint8_t *data;
	size_t n;

	(void)state;
	pair_open(&p, 65536, -1);
	pair_run(&p);
	assert_int_equal(stream_tls_write(p.end[0], "bye", 3), 0);
	stream_tls_goodbye(p.end[0]);
	n = stream_tls_output(p.end[0], &data);
	assert_int_equal(stream_tls_feed(p.end[1], data, n), 0);
	stream_tls_output_done(p.end[0]);
	assert_int_equal(stream_tls_output(p.end[0], &data), 0);
	assert_int_equal(stream_tls_read(p.end[1], buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "bye", 3);
	assert_int_equal(stream_tls_read(p.end[1], buf, sizeof(buf)), -EPIPE);
	pair_close(&p);
}

static void test_nothing_is_believed_before_the_end(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, 65536, -1);
	assert_false(stream_tls_authenticated(p.end[0]));
	assert_false(stream_tls_peer_has_name(p.end[0], "b"));
	assert_string_equal(stream_tls_error(p.end[0]), "");
	stream_tls_goodbye(p.end[0]); /* too early: says nothing, breaks nothing */
	pair_run(&p);
	assert_true(stream_tls_authenticated(p.end[0]));
	pair_close(&p);
}

static int run_new(void *arg)
{
	struct stream_tls *t = NULL;
	int err = stream_tls_new(context[0], &(struct stream_tls_far){.server_name = arg}, &t);

	mem_unref(t);
	return err;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(oom_each(run_new, "b.example"), 2);
	assert_int_equal(oom_each(run_new, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_of_any_size),
		cmocka_unit_test(test_damaged_bytes_end_the_handshake),
		cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_nothing_is_believed_before_the_end),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
