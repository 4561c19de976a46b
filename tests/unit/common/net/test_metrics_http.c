/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/net/net_support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/metrics_http.h"
#include "common/net/net_metric.h"

static struct metrics_http *server;
static struct addr at;
static size_t live;

static int setup(void **state)
{
	(void)state;
	live = mem_live();
	at = net_addr("127.0.0.1:0");
	assert_int_equal(metrics_http_start(&at, &server), 0);
	at.port = metrics_http_port(server);
	assert_int_not_equal(at.port, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	server = metrics_http_stop(server);
	assert_int_equal(mem_live(), live);
	return 0;
}

/* @return the whole answer of one request */
static const char *ask(const char *request)
{
	static char answer[256 * 1024];
	size_t used = 0;
	ssize_t n;
	int fd = net_connect_tcp(&at);

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL),
			 (ssize_t)strlen(request));
	while ((n = recv(fd, answer + used, sizeof(answer) - 1 - used, 0)) > 0)
		used += (size_t)n;
	answer[used] = 0;
	close(fd);
	return answer;
}

static const char *get(const char *path)
{
	char request[256];

	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	return ask(request);
}

static void assert_code(const char *answer, int code)
{
	int got = 0;

	if (sscanf(answer, "HTTP/1.1 %d", &got) != 1 || got != code)
		fail_msg("wanted %d, got: %.200s", code, answer);
}

static void test_metrics_page(void **state)
{
	const char *page;

	(void)state;
	metric_register(&net_metrics);
	metric_set(&net_metrics, NET_UDP_ICMP, 4711);
	page = get("/metrics");
	assert_code(page, 200);
	assert_non_null(strstr(page, "text/plain; version=0.0.4"));
	assert_non_null(strstr(page, "\nnet_udp_icmp_errors_total 4711\n"));
	assert_non_null(strstr(page, "\n# TYPE net_udp_icmp_errors_total counter\n"));
	metric_set(&net_metrics, NET_UDP_ICMP, 0);
}

static void test_health_and_ready(void **state)
{
	(void)state;
	assert_code(get("/healthz"), 200);
	assert_code(get("/ready"), 503);
	metrics_http_set_ready(server, true);
	assert_code(get("/ready"), 200);
	metrics_http_set_ready(server, false);
	assert_code(get("/ready"), 503);
	assert_code(get("/healthz"), 200);
}

static void test_everything_else_is_refused(void **state)
{
	(void)state;
	assert_code(get("/"), 404);
	assert_code(get("/metrics/x"), 404);
	assert_code(get("/../etc/passwd"), 404);
	assert_code(ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
			"Connection: close\r\n\r\n"),
		    405);
	assert_code(ask("DELETE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 405);
}

static void test_oversized_header_is_refused(void **state)
{
	static char request[64 * 1024];
	const char *answer;
	int n = snprintf(request, sizeof(request), "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ");

	(void)state;
	memset(request + n, 'a', sizeof(request) - (size_t)n - 5);
	memcpy(request + sizeof(request) - 5, "\r\n\r\n", 5);
	answer = ask(request);
	assert_null(strstr(answer, "HTTP/1.1 200"));
	assert_code(get("/healthz"), 200); /* and it lives */
}

static void test_start_errors(void **state)
{
	struct metrics_http *second = NULL;
	struct addr other = net_addr("192.0.2.1:0"), none = {0};

	(void)state;
	assert_int_equal(metrics_http_start(&at, &second), -EADDRINUSE);
	assert_int_equal(metrics_http_start(&other, &second), -EADDRNOTAVAIL);
	assert_int_equal(metrics_http_start(&none, &second), -EAFNOSUPPORT);
	assert_null(second);
}

static void test_v6(void **state)
{
	struct addr v6 = net_addr("[::1]:0"), v4 = at;
	struct metrics_http *s = NULL;

	(void)state;
	assert_int_equal(metrics_http_start(&v6, &s), 0);
	at = v6;
	at.port = metrics_http_port(s);
	assert_code(get("/healthz"), 200);
	at = v4;
	metrics_http_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_metrics_page),
		T(test_health_and_ready),
		T(test_everything_else_is_refused),
		T(test_oversized_header_is_refused),
		T(test_start_errors),
		T(test_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
