/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speerctl as an operator meets it: the program against a real admin socket served by this test.
 * Needs SPEER_BIN (set by tests/run.sh).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "common/admin.h"
#include "common/net/admin_uv.h"

#define OUTPUT_BYTES (256 * 1024)

static char dir[64], path[100], program[512];
static char out[OUTPUT_BYTES], err[OUTPUT_BYTES];

/* ---------------------------------------------------------------- the daemon's part */

static struct {
	uv_loop_t loop;
	uv_async_t stop;
	uv_thread_t thread;
	struct admin *admin;
	struct admin_uv *server;
	int served;
} d;

static int on_list(void *app, struct admin_call *call, json_t **ret_data)
{
	static const char *const columns[] = {"name", "calls", NULL};
	const char *peer = admin_opt(call, "peer");

	(void)app;
	*ret_data = admin_table(columns);
	admin_row(*ret_data, json_pack("[s,i]", peer ? peer : "pbx", ++d.served));
	return ADMIN_OK;
}

static int on_show(void *app, struct admin_call *call, json_t **ret_data)
{
	(void)app;
	(void)ret_data;
	return admin_error(call, ADMIN_NOT_FOUND, "no call \"%s\"", call->args[0]);
}

static int on_version(void *app, struct admin_call *call, json_t **ret_data)
{
	(void)app;
	(void)call;
	*ret_data = json_pack("{s:s}", "version", "9.9.9");
	return ADMIN_OK;
}

static const struct admin_cmd commands[] = {
	{"call", "list", "[--peer PEER]", 0, 0, "Lists calls.", on_list},
	{"call", "show", "CALL", 1, 1, "Shows a call.", on_show},
	{"version", "", "", 0, 0, "Version of the daemon.", on_version},
	{0},
};

static void on_stop(uv_async_t *a)
{
	d.server = admin_uv_close(d.server);
	uv_close((uv_handle_t *)a, NULL);
}

static void run_loop(void *arg)
{
	(void)arg;
	uv_run(&d.loop, UV_RUN_DEFAULT);
}

static void daemon_start(void)
{
	uv_loop_init(&d.loop);
	uv_async_init(&d.loop, &d.stop, on_stop);
	assert_int_equal(admin_new(&d.admin), 0);
	assert_int_equal(admin_add(d.admin, commands, NULL), 0);
	assert_int_equal(admin_uv_listen(&d.loop, path, d.admin, &d.server), 0);
	assert_int_equal(uv_thread_create(&d.thread, run_loop, NULL), 0);
}

static void daemon_stop(void)
{
	uv_async_send(&d.stop);
	uv_thread_join(&d.thread);
	uv_loop_close(&d.loop);
	admin_free(d.admin);
}

static int setup(void **state)
{
	const char *bin = getenv("SPEER_BIN");

	(void)state;
	if (!bin) {
		print_message("skip: SPEER_BIN is not set\n");
		skip();
	}
	memset(&d, 0, sizeof(d));
	snprintf(program, sizeof(program), "%s/speerctl", bin);
	snprintf(dir, sizeof(dir), "/tmp/speermint-ctl-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.sock", dir);
	setenv("HOME", dir, 1);
	daemon_start();
	return 0;
}

static int teardown(void **state)
{
	char history[128];

	(void)state;
	if (d.admin)
		daemon_stop();
	snprintf(history, sizeof(history), "%s/.speerctl_history", dir);
	unlink(history);
	rmdir(dir);
	return 0;
}

/* ---------------------------------------------------------------- the program */

static void read_all(int fd, char *buf)
{
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, buf + used, OUTPUT_BYTES - 1 - used)) > 0)
		used += (size_t)n;
	buf[used] = 0;
	close(fd);
}

/* Run with arguments up to NULL. @return exit code */
static int run(const char *first, ...)
{
	const char *argv[16] = {program, first};
	int o[2], e[2], status, n = 2;
	va_list ap;
	pid_t pid;

	va_start(ap, first);
	while (first && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	assert_int_equal(pipe(o), 0);
	assert_int_equal(pipe(e), 0);
	pid = fork();
	if (pid == 0) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(o[1], 1);
		dup2(e[1], 2);
		close(o[0]);
		close(e[0]);
		execv(program, (char *const *)argv);
		_exit(99);
	}
	close(o[1]);
	close(e[1]);
	read_all(o[0], out);
	read_all(e[0], err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_table_and_options(void **state)
{
	(void)state;
	assert_int_equal(run("-s", path, "call", "list", NULL), 0);
	assert_string_equal(out, "NAME  CALLS\npbx       1\n");
	assert_string_equal(err, "");
	assert_int_equal(run("call", "list", "--peer", "bnet", "-s", path, NULL), 0);
	assert_string_equal(out, "NAME  CALLS\nbnet      2\n");
}

static void test_json(void **state)
{
	json_t *reply;

	(void)state;
	assert_int_equal(run("-s", path, "-o", "json", "call", "list", NULL), 0);
	reply = json_loads(out, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(reply, "v")), 1);
	assert_int_equal(json_array_size(json_object_get(json_object_get(reply, "data"), "rows")),
			 1);
	json_decref(reply);
}

static void test_exit_codes(void **state)
{
	(void)state;
	assert_int_equal(run("-s", path, "call", "show", "abc", NULL), 3);
	assert_string_equal(out, "");
	assert_string_equal(err, "speerctl: no call \"abc\"\n");
	assert_int_equal(run("-s", path, "call", "show", NULL), 2);
	assert_int_equal(run("-s", path, "no", "such", NULL), 2);
	assert_int_equal(run("-o", "xml", NULL), 2);
	assert_int_equal(run(NULL), 2); /* no command, and no terminal */
	assert_non_null(strstr(err, "usage: speerctl"));
	assert_int_equal(run("-s", "/nonexistent/x.sock", "call", "list", NULL), 4);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "/nonexistent/x.sock"));
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(run("-h", NULL), 0);
	assert_non_null(strstr(out, "usage: speerctl"));
	assert_int_equal(run("-s", path, "help", NULL), 0);
	assert_non_null(strstr(out, "Lists calls."));
}

static void test_version_with_and_without_a_daemon(void **state)
{
	(void)state;
	assert_int_equal(run("-s", path, "version", NULL), 0);
	assert_non_null(strstr(out, "speerctl: "));
	assert_non_null(strstr(out, "9.9.9"));
	assert_int_equal(run("-s", "/nonexistent/x.sock", "version", NULL), 0);
	assert_non_null(strstr(out, "speerctl: "));
	assert_string_equal(err, "");
	assert_int_equal(run("-s", "/nonexistent/x.sock", "-o", "json", "--version", NULL), 0);
	assert_non_null(strstr(out, "\"v\": 1"));
}

/* Reads from fd until the text has come. */
static bool read_until(int fd, const char *text)
{
	size_t used = 0;

	out[0] = 0;
	while (!strstr(out, text) && used < OUTPUT_BYTES - 1) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, 10000) <= 0)
			return false;
		n = read(fd, out + used, OUTPUT_BYTES - 1 - used);
		if (n <= 0)
			return false;
		used += (size_t)n;
		out[used] = 0;
	}
	return true;
}

static void test_watch_repeats(void **state)
{
	int o[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(o), 0);
	pid = fork();
	if (pid == 0) {
		dup2(o[1], 1);
		close(o[0]);
		execl(program, program, "-s", path, "--watch=1", "call", "list", (char *)NULL);
		_exit(99);
	}
	close(o[1]);
	assert_true(read_until(o[0], "pbx       2\n"));
	assert_non_null(strstr(out, "pbx       1\n"));
	assert_null(strchr(out, '\033')); /* no screen control into a pipe */
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	close(o[0]);
}

/* On a terminal: prompt, completion of noun and verb, a command, exit. */
static void test_prompt_on_a_terminal(void **state)
{
	int fd, status;
	pid_t pid;

	(void)state;
	pid = forkpty(&fd, NULL, NULL, NULL);
	if (pid == 0) {
		setenv("TERM", "dumb", 1);
		execl(program, program, "-s", path, (char *)NULL);
		_exit(99);
	}
	assert_true(read_until(fd, "speerctl> "));
	assert_int_equal(write(fd, "ca\tl\t\n", 6), 6); /* call list */
	assert_true(read_until(fd, "pbx       1"));
	assert_int_equal(write(fd, "call show 'x y'\n", 16), 16);
	assert_true(read_until(fd, "no call \"x y\""));
	assert_int_equal(write(fd, "exit\n", 5), 5);
	while (read(fd, err, sizeof(err)) > 0)
		;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_table_and_options),
		T(test_json),
		T(test_exit_codes),
		T(test_help),
		T(test_version_with_and_without_a_daemon),
		T(test_watch_repeats),
		T(test_prompt_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
