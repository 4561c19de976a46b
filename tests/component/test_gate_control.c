/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of gate control over real sockets, TCP and mutual TLS: the sbe's pool and the dbe's server in one
 * process on one loop, with an executor that only counts. The daemons' own tests have the media.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/net/stream.h"
#include "common/net/timer_uv.h"
#include "common/net/tls.h"
#include "dbe/gate/gate_server.h"
#include "proto/frame.h"
#include "sbe/gate/gate_pool.h"

#define WAIT_MS 10000

static uv_loop_t loop;
static struct timer_wheel *wheel;
static struct timer_uv *timers;
static struct gate_pool *pool;
static struct gate_server *server;
static struct addr address;
static char dir[] = "/tmp/gate-control-XXXXXX";
static size_t made, live_before;
static uint32_t next_context;

/* ---------------------------------------------------------------- an executor that only counts */
static int execute(void *arg, const char *controller, const struct gate_action *request,
		   struct gate_action *reply)
{
	struct gate_command *c;
	size_t i;

	(void)arg;
	assert_string_equal(controller, "sbe1");
	for (i = 0; i < request->ncommands; i++) {
		const struct gate_command *q = &request->commands[i];

		if (q->type == GATE_AUDIT_VALUE && request->context_ref == GATE_REF_ALL)
			continue;
		c = gate_action_add(reply, q->type, GATE_REF_ID);
		if (q->type != GATE_ADD) {
			made -= q->type == GATE_SUBTRACT;
			strcpy(c->termination, q->termination);
			continue;
		}
		if (!i) {
			made++;
			reply->context = ++next_context;
		}
		snprintf(c->termination, sizeof(c->termination), "%s/%u", q->realm, reply->context);
		c->nstreams = 1;
		gate_stream_clear(&c->streams[0]);
		c->streams[0].id = 1;
		c->streams[0].has = GATE_HAS_LOCAL;
		c->streams[0].local_rtp = address;
	}
	return 0;
}

static size_t clear(void *arg, const char *controller)
{
	(void)arg;
	(void)controller;
	return 0;
}

static size_t count(void *arg, const char *controller)
{
	(void)arg;
	(void)controller;
	return made;
}

static void describe(void *arg, struct gate_service_change *c)
{
	(void)arg;
	c->nrealms = 2;
	c->realms[0] = (struct gate_realm_info){"core", 60000, 60000, true, true, true};
	c->realms[1] = (struct gate_realm_info){"peering", 60000, 60000, true, true, true};
}

static void set_draining(void *arg, bool on)
{
	(void)arg;
	(void)on;
}

/* ---------------------------------------------------------------- both ends */
static struct tls_context *identity(const char *name)
{
	char command[1024], certificate[128], key[128], trust[128], why[256];
	const char *trusted[] = {trust};
	const struct tls_options o = {.certificate_file = certificate,
				      .private_key_file = key,
				      .trust_files = trusted,
				      .ntrust = 1,
				      .min_version = TLS_MIN_1_3,
				      .require_peer = true};
	struct tls_context *t = NULL;

	snprintf(certificate, sizeof(certificate), "%s/%s.pem", dir, name);
	snprintf(key, sizeof(key), "%s/%s.key", dir, name);
	snprintf(trust, sizeof(trust), "%s/trust.pem", dir);
	if (access(certificate, R_OK)) {
		snprintf(
			command, sizeof(command),
			"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=%s "
			"-addext subjectAltName=DNS:%s -keyout %s -out %s 2>/dev/null && cat %s >>%s",
			name, name, key, certificate, certificate, trust);
		assert_int_equal(system(command), 0);
	}
	if (tlsid_new(&o, &t, why))
		fail_msg("%s", why);
	return t;
}

static void begin(const char *sbe_identity, const char *dbe_identity)
{
	static const char *const dbes[] = {"dbe1"};
	static const struct gate_executor executor = {NULL,     execute,      clear, count,
						      describe, set_draining, NULL};
	const struct gate_pool_options po = {.node = "sbe1", .dbes = dbes, .ndbes = 1};
	struct gate_server_options so = {
		.name = "dbe1", .controllers = &address, .ncontrollers = 1};
	struct tls_context *sbe_tls = NULL, *dbe_tls = NULL;

	if (sbe_identity) {
		/* both must be in the trust file before either context is made for good */
		mem_unref(identity(sbe_identity));
		mem_unref(identity(dbe_identity));
		sbe_tls = identity(sbe_identity);
		dbe_tls = identity(dbe_identity);
	}
	so.tls = dbe_tls;
	assert_int_equal(gate_pool_new(&po, wheel, &pool), 0);
	assert_int_equal(gate_pool_listen(pool, &loop, &address, sbe_tls), 0);
	assert_int_equal(gate_server_new(&so, &executor, wheel, &server), 0);
	assert_int_equal(gate_server_start(server, &loop), 0);
	mem_unref(sbe_tls);
	mem_unref(dbe_tls);
}

/* A port that is free now. */
static uint16_t free_port(void)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&address, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct addr a;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &a), 0);
	close(fd);
	return a.port;
}

static uint64_t now(void)
{
	return clock_now_ms();
}

static int setup(void **state)
{
	(void)state;
	live_before = mem_live();
	made = 0;
	next_context = 0;
	assert_int_equal(addr_parse("127.0.0.1", &address), 0);
	address.port = free_port();
	if (uv_loop_init(&loop) || timer_wheel_new(now(), &wheel))
		return -1;
	timer_wheel_set_clock(wheel, now);
	return timer_uv_new(&loop, wheel, &timers);
}

static int teardown(void **state)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	(void)state;
	gate_server_stop(server);
	gate_server_free(server);
	gate_pool_free(pool);
	server = NULL;
	pool = NULL;
	assert_int_equal(timer_wheel_count(wheel), 0);
	timer_uv_close(timers);
	while (uv_run(&loop, UV_RUN_NOWAIT) && clock_now_ms() < end_ms)
		;
	assert_int_equal(uv_loop_close(&loop), 0);
	timer_wheel_free(wheel);
	assert_int_equal(mem_live(), live_before);
	return 0;
}

#define RUN_UNTIL(condition)                                                                       \
	do {                                                                                       \
		uint64_t end_ms_ = clock_now_ms() + WAIT_MS;                                       \
		while (!(condition)) {                                                             \
			uv_run(&loop, UV_RUN_ONCE);                                                \
			if (clock_now_ms() > end_ms_)                                              \
				fail_msg("no %s in %d ms", #condition, WAIT_MS);                   \
		}                                                                                  \
	} while (0)

static void run_ms(uint64_t ms)
{
	uint64_t end_ms = clock_now_ms() + ms;

	while (clock_now_ms() < end_ms)
		uv_run(&loop, UV_RUN_ONCE);
}

/* ---------------------------------------------------------------- calls */
#define CALLS 2000
static struct call {
	struct gate_context *c;
	uint64_t asked_us;
} calls[CALLS];
static size_t opened, modified, closed, failed;
static uint64_t open_us_sum, open_us_max;

static void on_final(void *arg, int err, const struct gate_final *final)
{
	(void)arg;
	(void) final;
	failed += err != 0;
	closed++;
}

static void on_modified(void *arg, int err, const struct gate_action *reply)
{
	struct call *call = arg;

	failed += err != 0 || reply->ncommands != 2;
	modified++;
	gate_close(call->c, on_final, call);
}

static void on_opened(void *arg, int err, const struct gate_action *reply)
{
	struct call *call = arg;
	struct gate_stream s;
	const struct gate_change change = {{&s, &s}, {1, 1}};
	uint64_t took_us = clock_now_us() - call->asked_us;

	opened++;
	open_us_sum += took_us;
	open_us_max = took_us > open_us_max ? took_us : open_us_max;
	if (err) {
		failed++;
		gate_close(call->c, on_final, call);
		return;
	}
	assert_int_equal(reply->commands[0].streams[0].local_rtp.port, address.port);
	gate_stream_clear(&s);
	s.id = 1;
	s.has = GATE_HAS_MODE;
	s.mode = GATE_SENDRECV;
	assert_int_equal(gate_modify(call->c, &change, on_modified, call), 0);
}

static void start_call(struct call *call)
{
	static struct gate_open_params p;
	int side;

	memset(&p, 0, sizeof(p));
	p.realm[0] = "core";
	p.realm[1] = "peering";
	p.nstreams = 1;
	p.label = "c";
	for (side = 0; side < 2; side++) {
		struct gate_stream *s = &p.streams[side][0];

		s->id = 1;
		s->has = GATE_HAS_MODE | GATE_HAS_REMOTE | GATE_HAS_PAYLOADS | GATE_HAS_RATE |
			 GATE_HAS_SILENCE;
		s->remote_rtp = address;
		s->rtp = true;
		s->payloads[0] = 0x101;
		s->rate_bytes_per_s = 12000;
	}
	call->asked_us = clock_now_us();
	assert_int_equal(gate_open(pool, &p, on_opened, call, &call->c), 0);
}

static void run_calls(size_t at_once)
{
	uint64_t start_us = clock_now_us();
	size_t started = 0;

	opened = modified = closed = failed = 0;
	open_us_sum = open_us_max = 0;
	RUN_UNTIL(gate_pool_in_service(pool) == 1);
	RUN_UNTIL({
		while (started < CALLS && started - closed < at_once)
			start_call(&calls[started++]);
		closed == CALLS;
	});
	assert_int_equal(failed, 0);
	assert_int_equal(opened, CALLS);
	assert_int_equal(modified, CALLS);
	assert_int_equal(made, 0);
	assert_int_equal(gate_pool_contexts(pool), 0);
	print_message(
		"%d calls, %zu at once: %.0f calls/s, open %.0f us on average, %.0f at most\n",
		CALLS, at_once, CALLS * 1e6 / (double)(clock_now_us() - start_us),
		(double)open_us_sum / CALLS, (double)open_us_max);
}

/* ---------------------------------------------------------------- tests */
static void calls_over_tcp(void **state)
{
	(void)state;
	begin(NULL, NULL);
	run_calls(1);
	run_calls(50);
	assert_int_equal(gate_server_associated(server), 1);
}

static void calls_over_mutual_tls(void **state)
{
	(void)state;
	begin("sbe1", "dbe1");
	run_calls(50);
}

/* C1, J11: the right authority, another name */
static void a_dbe_with_anothers_certificate_does_not_join(void **state)
{
	(void)state;
	begin("sbe1", "dbe2");
	run_ms(500);
	assert_int_equal(gate_pool_in_service(pool), 0);
	assert_int_equal(gate_server_associated(server), 0);
}

/* C1: an sbe's certificate that belongs to another node */
static void an_sbe_with_anothers_certificate_is_not_served(void **state)
{
	(void)state;
	begin("sbe2", "dbe1");
	run_ms(500);
	assert_int_equal(gate_server_associated(server), 0);
}

static void plain_is_for_loopback_only(void **state)
{
	struct gate_server_options so = {
		.name = "dbe1", .controllers = &address, .ncontrollers = 1};
	static const struct gate_executor executor = {NULL,     execute,      clear, count,
						      describe, set_draining, NULL};
	const struct gate_pool_options po = {.node = "sbe1"};

	(void)state;
	address.ip[0] = 10;
	assert_int_equal(gate_pool_new(&po, wheel, &pool), 0);
	assert_int_equal(gate_pool_listen(pool, &loop, &address, NULL), -EPERM);
	assert_int_equal(gate_server_new(&so, &executor, wheel, &server), 0);
	assert_int_equal(gate_server_start(server, &loop), -EPERM);
}

/* An orderly stop of the dbe is told, not found out. */
static void a_stop_is_told(void **state)
{
	(void)state;
	begin(NULL, NULL);
	RUN_UNTIL(gate_server_associated(server) == 1);
	gate_server_stop(server);
	RUN_UNTIL(gate_pool_in_service(pool) == 0);
	assert_int_equal(gate_available(pool, "core", "peering"), -ENODEV);
}

/* ---------------------------------------------------------------- bad clients (C2) */
static struct {
	struct stream *stream;
	const uint8_t *bytes;
	size_t len;
	bool over;
	size_t got;
} client;

static void client_open(void *arg)
{
	(void)arg;
	if (client.len)
		stream_send(client.stream, client.bytes, client.len);
}

static void client_data(void *arg, const uint8_t *data, size_t len_bytes)
{
	(void)arg;
	(void)data;
	client.got += len_bytes;
}

static void client_closed(void *arg, int err)
{
	(void)arg;
	(void)err;
	client.over = true;
}

static void bad_client(const void *bytes, size_t len)
{
	static const struct stream_handlers handlers = {client_open, client_data, client_closed};
	const struct stream_options o = {.connect_ms = 1000};

	memset(&client, 0, sizeof(client));
	client.bytes = bytes;
	client.len = len;
	assert_int_equal(stream_connect(&loop, &address, &o, &handlers, NULL, &client.stream), 0);
	RUN_UNTIL(client.over);
	client.stream = stream_close(client.stream);
}

static void bad_clients_are_hung_up(void **state)
{
	uint8_t tiny[50000];
	uint64_t start_ms;
	size_t i;

	(void)state;
	begin(NULL, NULL);
	RUN_UNTIL(gate_pool_in_service(pool) == 1);
	bad_client("\0\0\0\0", 4);
	bad_client("\xff\xff\xff\xff", 4);
	bad_client("\x80\0\0\0x", 5);
	bad_client("\0\1\0\1", 4);
	bad_client("GET / HTTP/1.1\r\n\r\n", 18);
	for (i = 0; i < sizeof(tiny); i += 5) {
		gate_frame_head(tiny + i, 1);
		tiny[i + 4] = 'x';
	}
	bad_client(tiny, sizeof(tiny));
	/* answered once, not ten thousand times */
	assert_true(client.got > 0 && client.got < 500);
	/* one that says nothing, and one that stops in the middle */
	start_ms = clock_now_ms();
	bad_client("", 0);
	assert_in_range(clock_now_ms() - start_ms, 4500, 6000);
	bad_client("\0\0\0\x40gate", 8);
	assert_int_equal(gate_pool_in_service(pool), 1);
	run_calls(10);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	char command[64];
	int failures;
	const struct CMUnitTest tests[] = {
		TEST(calls_over_tcp),
		TEST(calls_over_mutual_tls),
		TEST(a_dbe_with_anothers_certificate_does_not_join),
		TEST(an_sbe_with_anothers_certificate_is_not_served),
		TEST(plain_is_for_loopback_only),
		TEST(a_stop_is_told),
		TEST(bad_clients_are_hung_up),
	};

	if (!mkdtemp(dir))
		return 1;
	failures = cmocka_run_group_tests_name("gate control", tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		return 1;
	return failures;
}
