/* SPDX-License-Identifier: Apache-2.0 */
/* One question to a daemon: a real admin_uv on a loop of its own thread, and daemons that misbehave. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "common/admin.h"
#include "common/cli/cli_connect.h"
#include "common/mem.h"
#include "common/net/admin_uv.h"

#define QUESTION "{\"v\":1,\"cmd\":[\"echo\",\"say\",\"hi\"],\"opts\":{}}\n"

static char dir[64], path[100];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/speermint-ask-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.sock", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(dir);
	return 0;
}

static int ask(uint32_t timeout_ms, json_t **ret_reply, char *why)
{
	return cli_connect_ask(path, QUESTION, strlen(QUESTION), timeout_ms, ret_reply, why);
}

/* ---------------------------------------------------------------- a real server */

struct daemon {
	uv_loop_t loop;
	uv_async_t stop;
	uv_thread_t thread;
	struct admin *admin;
	struct admin_uv *server;
};

static int on_echo(void *app, struct admin_call *call, json_t **ret_data)
{
	(void)app;
	if (call->nargs == 0)
		return admin_error(call, ADMIN_NOT_FOUND, "no words");
	*ret_data = json_pack("{s:s}", "said", call->args[0]);
	return ADMIN_OK;
}

static int on_big(void *app, struct admin_call *call, json_t **ret_data)
{
	static const char *const columns[] = {"number", "text", NULL};

	(void)app;
	(void)call;
	*ret_data = admin_table(columns);
	for (int i = 0; i < 20000; i++)
		admin_row(*ret_data, json_pack("[i,s]", i, "some words to fill the line"));
	return ADMIN_OK;
}

static const struct admin_cmd commands[] = {
	{"echo", "say", "TEXT", 0, 1, "Says it.", on_echo},
	{"big", "list", "", 0, 0, "Much.", on_big},
	{0},
};

static void daemon_on_stop(uv_async_t *a)
{
	struct daemon *d = a->data;

	d->server = admin_uv_close(d->server);
	uv_close((uv_handle_t *)a, NULL);
}

static void daemon_run(void *arg)
{
	struct daemon *d = arg;

	uv_run(&d->loop, UV_RUN_DEFAULT);
}

static void daemon_start(struct daemon *d)
{
	uv_loop_init(&d->loop);
	uv_async_init(&d->loop, &d->stop, daemon_on_stop);
	d->stop.data = d;
	assert_int_equal(admin_new(&d->admin), 0);
	assert_int_equal(admin_add(d->admin, commands, d), 0);
	assert_int_equal(admin_uv_listen(&d->loop, path, d->admin, &d->server), 0);
	assert_int_equal(uv_thread_create(&d->thread, daemon_run, d), 0);
}

static void daemon_stop(struct daemon *d)
{
	uv_async_send(&d->stop);
	uv_thread_join(&d->thread);
	assert_int_equal(uv_loop_close(&d->loop), 0);
	admin_free(d->admin);
}

static void test_real_server(void **state)
{
	struct daemon d;
	json_t *reply = NULL;
	char why[CLI_WHY_BYTES];
	const char *big = "{\"v\":1,\"cmd\":[\"big\",\"list\"],\"opts\":{}}\n";
	size_t live = mem_live();

	(void)state;
	daemon_start(&d);
	assert_int_equal(ask(5000, &reply, why), 0);
	assert_string_equal(why, "");
	assert_int_equal(json_integer_value(json_object_get(reply, "code")), 0);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(reply, "data"), "said")), "hi");
	json_decref(reply);
	assert_int_equal(cli_connect_ask(path, big, strlen(big), 5000, &reply, why), 0);
	assert_int_equal(json_array_size(json_object_get(json_object_get(reply, "data"), "rows")),
			 20000);
	json_decref(reply);
	daemon_stop(&d);
	assert_int_equal(mem_live(), live);
}

/* ---------------------------------------------------------------- nobody, and bad ones */

static void assert_fails(int want, uint32_t timeout_ms, const char *part)
{
	json_t *reply = NULL;
	char why[CLI_WHY_BYTES];
	size_t live = mem_live();
	int err = ask(timeout_ms, &reply, why);

	if (err != want || !strstr(why, part))
		fail_msg("%d: %s", err, why);
	assert_non_null(strstr(why, path));
	assert_null(reply);
	assert_int_equal(mem_live(), live);
}

static void test_nobody(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_fails(-ENOENT, 1000, "is the daemon running");
	memcpy(sa.sun_path, path, sizeof(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	assert_fails(-ECONNREFUSED, 1000, "not running");
}

static void test_path_too_long(void **state)
{
	char longer[200], why[CLI_WHY_BYTES];
	json_t *reply = NULL;

	(void)state;
	memset(longer, 'p', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(cli_connect_ask(longer, "\n", 1, 1000, &reply, why), -ENAMETOOLONG);
}

struct fake {
	uv_thread_t thread;
	int fd;
	const char *answer; /* NULL = hold the connection without a word until the client goes */
	bool half;          /* do not read the question */
};

static void fake_run(void *arg)
{
	struct fake *k = arg;
	int fd = accept(k->fd, NULL, NULL);
	char buf[4096];

	if (!k->half)
		(void)!recv(fd, buf, sizeof(buf), 0);
	if (k->answer)
		(void)!send(fd, k->answer, strlen(k->answer), MSG_NOSIGNAL);
	else
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			;
	close(fd);
}

static void fake_start(struct fake *k)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	memcpy(sa.sun_path, path, sizeof(path));
	k->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(k->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(k->fd, 1), 0);
	assert_int_equal(uv_thread_create(&k->thread, fake_run, k), 0);
}

static void fake_stop(struct fake *k)
{
	uv_thread_join(&k->thread);
	close(k->fd);
	unlink(path);
}

static void test_no_answer_in_time(void **state)
{
	struct fake k = {.answer = NULL};

	(void)state;
	fake_start(&k);
	assert_fails(-ETIMEDOUT, 100, "in time");
	fake_stop(&k);
}

static void test_bad_answers(void **state)
{
	static const struct {
		const char *answer;
		int err;
		const char *part;
	} rows[] = {
		{"", -ECONNRESET, "without an answer"},
		{"{\"v\":1,\"code\":0}", -ECONNRESET, "without an answer"}, /* no end of line */
		{"rubbish\n", -EPROTO, "not understood"},
		{"[]\n", -EPROTO, "not understood"},
		{"{\"v\":1}\n", -EPROTO, "not understood"},
		{"{\"code\":\"0\"}\n", -EPROTO, "not understood"},
		{"\n", -EPROTO, "not understood"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake k = {.answer = rows[i].answer};

		fake_start(&k);
		assert_fails(rows[i].err, 5000, rows[i].part);
		fake_stop(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_real_server),       T(test_nobody),      T(test_path_too_long),
		T(test_no_answer_in_time), T(test_bad_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
