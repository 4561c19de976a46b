/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookup by a real HTTPS service from question to plan (A6, A8, B5, B9, B15, B16, D3): target and Route set, permission
 * denied, a server that is not who it should be, one that is gone, one that hangs.
 */
#include "tests/unit/sbe/route/route_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/net/timer_uv.h"
#include "sbe/route/route_luf.h"
#include "tests/unit/common/net/net_support.h"
#include "tests/unit/sbe/web/web_server.h"

static char *dir;
static struct bed bed;
static struct web_server server;
static uv_loop_t loop;
static struct timer_wheel *wheel;
static struct timer_uv *driver;
static struct web *web;
static struct route_luf *luf;
static size_t live;
static char paths[4][300];

static void answer(struct bed *b)
{
	int done = 0;

	for (uint64_t end = clock_now_ms() + 8000; !done && clock_now_ms() < end;) {
		if (!b->planned)
			uv_run(&loop, UV_RUN_ONCE);
		done = b->planned;
	}
}

static const char *path(unsigned nth, const char *name)
{
	snprintf(paths[nth], sizeof(paths[nth]), "%s/%s", dir, name);
	return paths[nth];
}

/* A service at this host, then the URI itself. */
static void up(const char *host, const char *more)
{
	char members[600];
	struct route_step_conf *step;

	snprintf(
		members, sizeof(members),
		"'lookup':[{'type':'https','url':'https://%s:%u/v1','tls':'us','timeout_ms':1000}%s],"
		"'location':[{'type':'peers'}]",
		host, server.port, more);
	bed_down(&bed);
	if (bed_up(&bed, members))
		fail_msg("%s", bed.error.text);
	step = bed.lists.lookup.items; /* as the configuration does with the section tls */
	step->trust_file = paths[0];
	step->certificate_file = paths[1];
	step->key_file = paths[2];
	bed.env.luf = luf;
	bed.answer = answer;
}

static int setup(void **state)
{
	struct route_luf_options o = {.stale_s = 3600};

	(void)state;
	live = mem_live();
	memset(&server, 0, sizeof(server));
	memset(&bed, 0, sizeof(bed));
	path(0, "ca.pem");
	path(1, "us.pem");
	path(2, "us.key");
	server.client_trust_file = paths[0];
	server.certificate_file = path(3, "luf.pem");
	{
		static char key[300];

		snprintf(key, sizeof(key), "%s/luf.key", dir);
		server.key_file = key;
	}
	server.status = "200 OK";
	web_server_start(&server);
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &wheel), 0);
	assert_int_equal(timer_uv_new(&loop, wheel, &driver), 0);
	assert_int_equal(web_new(&loop, &web), 0);
	o.wheel = wheel;
	o.web = web;
	assert_int_equal(route_luf_new(&o, &luf), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_down(&bed);
	route_luf_free(luf);
	web_free(web);
	timer_uv_close(driver);
	net_finish(&loop, live + 1); /* the wheel goes behind its driver */
	timer_wheel_free(wheel);
	if (!server.stop)
		web_server_stop(&server);
	return 0;
}

#define PLAN(user, host, expected)                                                                 \
	assert_string_equal(bed_plan(&bed, "pbx", user, host, 0), expected)

static void target_and_route_set(void **state)
{
	(void)state;
	up("localhost", "");
	server.body = "{\"target\":\"sip:bob@t.example\",\"route\":[\"sip:sbe.d.example;lr\"],"
		      "\"next_hop\":\"d.example\",\"ttl_s\":60}";
	PLAN("+44 20", "a.example", "lookup https: dnet/0");
	assert_string_equal(bed.plan.found->user, "bob");
	assert_string_equal(bed.plan.found->host, "t.example");
	assert_string_equal(bed.plan.candidates[0].sed->routes, "<sip:sbe.d.example;lr>");
	assert_non_null(strstr(server.last, "GET /v1?user=%2B4420&host= HTTP/1.1\r\n"));
	/* B9: a second time costs nothing */
	PLAN("+4420", "a.example", "lookup https: dnet/0");
	assert_int_equal(server.requests, 1);
	assert_true(bed.plan.looked_up);
	/* the target alone: its own domain is looked for */
	server.body = "{\"target\":\"sip:bob@c.example\"}";
	PLAN("bob", "x.example", "lookup https: cnet/0");
	assert_non_null(strstr(server.last, "GET /v1?user=bob&host=x.example HTTP/1.1\r\n"));
	assert_null(bed.plan.candidates[0].sed);
}

static void permission_denied(void **state)
{
	char *why;

	(void)state;
	up("localhost", ",{'type':'uri'}");
	server.status = "403 Forbidden";
	server.body = "";
	PLAN("bob", "d.example", "404 no route");
	assert_string_equal(bed.plan.cause, "lookup_denied");
	server.status = "404 Not Found";
	PLAN("ann", "d.example", "lookup uri: dnet/0");
	why = bed_why(&bed, "pbx", "bob", "d.example");
	assert_non_null(strstr(why, "denied: we have no permission to know (known from before)"));
	free(why);
	assert_int_equal(server.requests, 2);
}

/* B15: closed, and the question stays unasked. */
static void not_who_it_should_be(void **state)
{
	char *why;

	(void)state;
	server.body = "{\"target\":\"sip:bob@c.example\"}";
	up("127.0.0.1", ""); /* its certificate says localhost */
	PLAN("+44", "a.example", "503 lookup failed");
	why = bed_why(&bed, "pbx", "+45", "a.example");
	assert_non_null(strstr(why, "lookup lookup https: failed: "));
	free(why);
	assert_int_equal(server.requests, 0);
	assert_true(server.connections > 0);
}

/* D3: the provider is gone: what it said serves on, then the next source, in time. */
static void gone_or_hanging(void **state)
{
	uint64_t from_ms;

	(void)state;
	up("localhost", ",{'type':'uri'}");
	server.body = "{\"target\":\"sip:bob@c.example\",\"ttl_s\":0}";
	PLAN("bob", "d.example", "lookup https: cnet/0");
	assert_false(bed.plan.stale);
	server.mute = true;
	from_ms = clock_now_ms();
	PLAN("bob", "d.example", "lookup https: cnet/0");
	assert_true(bed.plan.stale);
	PLAN("ann", "d.example", "lookup uri: dnet/0");
	assert_in_range(clock_now_ms() - from_ms, 1500, 4500);
	web_server_stop(&server);
	PLAN("bob", "d.example", "lookup https: cnet/0");
	assert_true(bed.plan.stale);
	PLAN("eve", "d.example", "lookup uri: dnet/0");
}

static int certificates(void **state)
{
	static const struct net_cert certs[] = {
		{.name = "ca", .common_name = "ca", .ca = true},
		{.name = "luf", .common_name = "luf", .dns = {"localhost"}, .issuer = "ca"},
		{.name = "us", .common_name = "us", .dns = {"a.example"}, .issuer = "ca"}};

	(void)state;
	dir = net_temp_dir();
	for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++)
		net_cert_make(dir, &certs[i]);
	return 0;
}

static int no_certificates(void **state)
{
	(void)state;
	net_remove_dir(dir);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(target_and_route_set),
		TEST(permission_denied),
		TEST(not_who_it_should_be),
		TEST(gone_or_hanging),
	};

	return cmocka_run_group_tests(tests, certificates, no_certificates);
}
