/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to an HTTPS service with a real server (B15, B16): both sides prove who they are, nothing goes out in clear,
 * and whatever the server does, the answer is there in time and small.
 */
#include "sbe/web/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "tests/unit/common/net/net_support.h"
#include "tests/unit/sbe/web/web_server.h"

static char *dir;
static struct web_server server;
static uv_loop_t loop;
static struct web *web;
static size_t live;
static char paths[8][300];

static const char *path(unsigned nth, const char *name)
{
	snprintf(paths[nth], sizeof(paths[nth]), "%s/%s", dir, name);
	return paths[nth];
}

/* What came back, copied. */
static struct {
	int told, err, status;
	char body[WEB_BODY_MAX + 1], why[300];
} got;

static void on_response(void *arg, const struct web_response *r)
{
	assert_ptr_equal(arg, &got);
	got.told++;
	got.err = r->err;
	got.status = r->status;
	snprintf(got.body, sizeof(got.body), "%s", r->body);
	snprintf(got.why, sizeof(got.why), "%s", r->why);
}

static struct web_question question(char *url, size_t size_bytes, const char *host)
{
	snprintf(url, size_bytes, "https://%s:%u/luf?v=1", host, server.port);
	return (struct web_question){.url = url,
				     .trust_file = path(0, "ca.pem"),
				     .certificate_file = path(1, "us.pem"),
				     .key_file = path(2, "us.key"),
				     .timeout_ms = 3000,
				     .fn = on_response,
				     .arg = &got};
}

static void ask(const struct web_question *q)
{
	struct web_get *g;

	memset(&got, 0, sizeof(got));
	assert_int_equal(web_get(web, q, &g), 0);
	assert_int_equal(got.told, 0); /* never from inside */
	assert_true(net_wait(&loop, &got.told, 1));
	assert_int_equal(web_under_way(web), 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&server, 0, sizeof(server));
	server.certificate_file = path(4, "luf.pem");
	server.key_file = path(5, "luf.key");
	server.client_trust_file = path(6, "ca.pem");
	server.status = "200 OK";
	server.body = "{}";
	live = mem_live();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(web_new(&loop, &web), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	web_free(web);
	net_finish(&loop, live);
	if (server.port)
		web_server_stop(&server);
	return 0;
}

static void both_sides_are_known(void **state)
{
	char url[100];
	struct web_question q;

	(void)state;
	web_server_start(&server);
	server.body = "{\"target\":\"sip:x@b.example\"}";
	q = question(url, sizeof(url), "localhost");
	for (int i = 1; i <= 3; i++) {
		ask(&q);
		assert_int_equal(got.err, 0);
		assert_int_equal(got.status, 200);
		assert_string_equal(got.body, server.body);
		assert_int_equal(server.requests, i);
	}
	assert_non_null(strstr(server.last, "GET /luf?v=1 HTTP/1.1\r\n"));
	/* a redirection is an answer like any other: nobody goes there */
	server.status = "302 Found";
	server.more = "Location: https://evil.example/\r\n";
	ask(&q);
	assert_int_equal(got.status, 302);
}

/* B15: who is not who its name says gets not one byte of the question. */
static void the_wrong_server(void **state)
{
	char url[100];
	struct web_question q;

	(void)state;
	web_server_start(&server);
	q = question(url, sizeof(url), "127.0.0.1"); /* not a name of its certificate */
	ask(&q);
	assert_int_equal(got.err, -EACCES);
	q = question(url, sizeof(url), "localhost");
	q.trust_file = path(7, "other.pem"); /* nobody we trust vouches for it */
	ask(&q);
	assert_int_equal(got.err, -EACCES);
	assert_true(got.why[0]);
	assert_int_equal(server.requests, 0);
}

static void we_must_show_who_we_are(void **state)
{
	char url[100];
	struct web_question q;

	(void)state;
	web_server_start(&server);
	q = question(url, sizeof(url), "localhost");
	q.certificate_file = q.key_file = NULL;
	ask(&q);
	assert_int_not_equal(got.err, 0);
	assert_int_equal(server.requests, 0);
	q.certificate_file = path(1, "stranger.pem");
	q.key_file = path(2, "stranger.key");
	ask(&q);
	assert_int_not_equal(got.err, 0);
	assert_int_equal(server.requests, 0);
}

/* B16: clear text only if that is said. */
static void no_clear_text(void **state)
{
	char url[100];
	struct web_question q;
	struct web_get *g;

	(void)state;
	server.certificate_file = NULL;
	web_server_start(&server);
	q = question(url, sizeof(url), "127.0.0.1");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", server.port);
	assert_int_equal(web_get(web, &q, &g), -EINVAL);
	q.clear = true;
	ask(&q);
	assert_int_equal(got.err, 0);
	q.url = "ftp://127.0.0.1/";
	assert_int_equal(web_get(web, &q, &g), -EINVAL);
	q.url = "https://127.0.0.1/";
	q.trust_file = NULL;
	assert_int_equal(web_get(web, &q, &g), -EINVAL);
}

static void answers_are_bounded(void **state)
{
	char url[100], *large = malloc(WEB_BODY_MAX + 2);
	struct web_question q;

	(void)state;
	assert_non_null(large);
	memset(large, 'x', WEB_BODY_MAX + 1);
	large[WEB_BODY_MAX] = '\0';
	web_server_start(&server);
	q = question(url, sizeof(url), "localhost");
	server.body = large;
	ask(&q);
	assert_int_equal(got.err, 0);
	assert_int_equal(strlen(got.body), WEB_BODY_MAX);
	large[WEB_BODY_MAX] = 'x';
	large[WEB_BODY_MAX + 1] = '\0';
	ask(&q);
	assert_int_equal(got.err, -EMSGSIZE);
	server.body = "";
	free(large);
}

static void nobody_waits_for_ever(void **state)
{
	char url[100];
	struct web_question q;
	struct web_get *g;
	uint64_t from_ms;

	(void)state;
	web_server_start(&server);
	server.mute = true;
	q = question(url, sizeof(url), "localhost");
	q.timeout_ms = 300;
	from_ms = clock_now_ms();
	ask(&q);
	assert_int_equal(got.err, -ETIMEDOUT);
	assert_in_range(clock_now_ms() - from_ms, 290, 2000);
	server.mute = false;
	/* whoever asked is gone */
	memset(&got, 0, sizeof(got));
	assert_int_equal(web_get(web, &q, &g), 0);
	web_cancel(g);
	net_turns(&loop, 20);
	assert_int_equal(got.told, 0);
	/* the port nobody listens on */
	snprintf(url, sizeof(url), "https://127.0.0.1:1/");
	ask(&q);
	assert_int_equal(got.err, -ECONNREFUSED);
	/* one that is under way at the end */
	q = question(url, sizeof(url), "localhost");
	assert_int_equal(web_get(web, &q, &g), 0);
	net_turns(&loop, 3);
}

static void what_must_be_escaped(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(web_escape("+44 20", buf, sizeof(buf)), "%2B44%2020");
	assert_string_equal(web_escape("';--&x=#\r\n", buf, sizeof(buf)),
			    "%27%3B--%26x%3D%23%0D%0A");
	assert_string_equal(web_escape("a.b-c_d~1", buf, sizeof(buf)), "a.b-c_d~1");
	assert_string_equal(web_escape("aaaaaaaaaa", buf, 8), "");
}

static int certificates(void **state)
{
	static const struct net_cert certs[] = {
		{.name = "ca", .common_name = "ca", .ca = true},
		{.name = "other", .common_name = "other", .ca = true},
		{.name = "luf", .common_name = "luf", .dns = {"localhost"}, .issuer = "ca"},
		{.name = "us", .common_name = "us", .dns = {"a.example"}, .issuer = "ca"},
		{.name = "stranger", .common_name = "x", .dns = {"x.example"}, .issuer = "other"}};

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
		TEST(both_sides_are_known),
		TEST(the_wrong_server),
		TEST(we_must_show_who_we_are),
		TEST(no_clear_text),
		TEST(answers_are_bounded),
		TEST(nobody_waits_for_ever),
		cmocka_unit_test(what_must_be_escaped),
	};

	return cmocka_run_group_tests(tests, certificates, no_certificates);
}
