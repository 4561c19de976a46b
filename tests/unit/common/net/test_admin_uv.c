/* SPDX-License-Identifier: Apache-2.0 */
/* The operators' socket against clients of all kinds (A30). */
#include "tests/unit/common/net/net_support.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/admin_uv.h"

#define BIG_BYTES (2 * 1024 * 1024)

struct fixture {
	uv_loop_t loop;
	size_t live;
	char *dir, path[100];
	struct admin *admin;
	struct admin_uv *server;
	int calls, calls_of_turn, most_calls_of_turn;
	struct admin_pending *slow[4]; /* commands under way */
	int nslow;
};

static int on_slow(void *app, struct admin_call *call, json_t **ret_data)
{
	struct fixture *f = app;

	(void)ret_data;
	assert_true(f->nslow < 4);
	f->slow[f->nslow] = admin_defer(call);
	return f->slow[f->nslow++] ? ADMIN_LATER : ADMIN_FAILED;
}

static void finish_slow(struct fixture *f, const char *said)
{
	admin_finish(f->slow[--f->nslow], ADMIN_OK, NULL, json_pack("{s:s}", "said", said));
}

static int on_echo(void *app, struct admin_call *call, json_t **ret_data)
{
	struct fixture *f = app;

	f->calls++;
	f->calls_of_turn++;
	*ret_data = json_pack("{s:s}", "said", call->nargs ? call->args[0] : "");
	return ADMIN_OK;
}

static int on_big(void *app, struct admin_call *call, json_t **ret_data)
{
	size_t size = (size_t)atol(call->args[0]);
	char *text = malloc(size + 1);

	(void)app;
	memset(text, 'x', size);
	text[size] = 0;
	*ret_data = json_pack("{s:s}", "big", text);
	free(text);
	return ADMIN_OK;
}

static int on_stop(void *app, struct admin_call *call, json_t **ret_data)
{
	struct fixture *f = app;

	(void)call;
	(void)ret_data;
	f->calls++;
	f->server = admin_uv_close(f->server);
	return ADMIN_OK;
}

static const struct admin_cmd commands[] = {
	{"echo", "say", "TEXT", 0, 1, "Says it.", on_echo},
	{"big", "say", "BYTES", 1, 1, "Much.", on_big},
	{"slow", "say", "", 0, 0, "Later.", on_slow},
	{"stop", "now", "", 0, 0, "Closes the server.", on_stop},
	{0},
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->live = mem_live();
	assert_int_equal(uv_loop_init(&f->loop), 0);
	f->dir = net_temp_dir();
	snprintf(f->path, sizeof(f->path), "%s/run/a.sock", f->dir);
	assert_int_equal(admin_new(&f->admin), 0);
	assert_int_equal(admin_add(f->admin, commands, f), 0);
	assert_int_equal(admin_uv_listen(&f->loop, f->path, f->admin, &f->server), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	admin_uv_close(f->server);
	net_turns(&f->loop, 3); /* clients are closed before the table they use goes */
	admin_free(f->admin);
	net_finish(&f->loop, f->live);
	*strrchr(f->path, '/') = 0;
	rmdir(f->path);
	net_remove_dir(f->dir);
	test_free(f);
	return 0;
}

static int turn(struct fixture *f)
{
	f->calls_of_turn = 0;
	uv_run(&f->loop, UV_RUN_NOWAIT);
	if (f->calls_of_turn > f->most_calls_of_turn)
		f->most_calls_of_turn = f->calls_of_turn;
	return 0;
}

/* Take a line while the loop runs. @return length, 0 at end of file, -1 if nothing came for 5 s. */
static ssize_t take_line(struct fixture *f, int fd, char *buf, size_t size_bytes)
{
	size_t used = 0;

	for (int quiet = 0; quiet < 5000;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		turn(f);
		if (poll(&p, 1, 1) == 0) {
			quiet++;
			continue;
		}
		/* Some of what is there may be of the next line: peek, then take. */
		n = recv(fd, buf + used, size_bytes - 1 - used, MSG_PEEK | MSG_DONTWAIT);
		if (n <= 0)
			return n == 0 || errno == ECONNRESET ? 0 : -1;
		char *end = memchr(buf + used, '\n', (size_t)n);
		size_t take = end ? (size_t)(end + 1 - (buf + used)) : (size_t)n;

		n = recv(fd, buf + used, take, MSG_DONTWAIT);
		used += (size_t)n;
		buf[used] = 0;
		if (end)
			return (ssize_t)used;
	}
	return -1;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

#define ECHO_HI "{\"v\":1,\"cmd\":[\"echo\",\"say\",\"hi\"],\"opts\":{}}\n"

static void test_question_and_answer(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int fd = net_connect_unix(f->path);

	for (int i = 0; i < 3; i++) {
		say(fd, ECHO_HI);
		assert_true(take_line(f, fd, line, sizeof(line)) > 0);
		assert_non_null(strstr(line, "\"said\":\"hi\""));
		assert_non_null(strstr(line, "\"code\":0"));
	}
	close(fd);
}

static void test_directory_and_mode(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	f->server = admin_uv_close(f->server);
	assert_int_equal(stat(f->path, &st), -1);
}

static void test_second_daemon_is_refused(void **state)
{
	struct fixture *f = *state;
	struct admin_uv *second = NULL;

	assert_int_equal(admin_uv_listen(&f->loop, f->path, f->admin, &second), -EADDRINUSE);
	assert_null(second);
}

static void test_line_in_pieces(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int fd = net_connect_unix(f->path);

	for (const char *p = ECHO_HI; *p; p++) {
		assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
		turn(f);
	}
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"said\":\"hi\""));
	close(fd);
}

/* What was sent ahead is done one command per turn of the loop: calls come between. */
static void test_lines_sent_ahead_take_turns(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int fd = net_connect_unix(f->path);

	for (int i = 0; i < 50; i++)
		say(fd, ECHO_HI);
	shutdown(fd, SHUT_WR); /* and a client that closes its side still gets all answers */
	for (int i = 0; i < 50; i++)
		assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_int_equal(take_line(f, fd, line, sizeof(line)), 0);
	assert_int_equal(f->calls, 50);
	assert_in_range(f->most_calls_of_turn, 1, 2);
	close(fd);
}

static void test_oversized_line(void **state)
{
	struct fixture *f = *state;
	static char big[ADMIN_LINE_MAX_BYTES + 100], line[1024];
	int fd = net_connect_unix(f->path);

	memset(big, 'x', sizeof(big));
	assert_int_equal(send(fd, big, sizeof(big), MSG_NOSIGNAL), sizeof(big));
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"code\":1"));
	assert_non_null(strstr(line, "64 KiB"));
	assert_int_equal(take_line(f, fd, line, sizeof(line)), 0);
	assert_int_equal(f->calls, 0);
	close(fd);
}

static void test_rubbish_is_answered_and_the_client_stays(void **state)
{
	static const char *const rubbish[] = {"\n",
					      "{\n",
					      "[]\n",
					      "; rm -rf $(pwd)\n",
					      "{\"v\":1,\"cmd\":\"x\"}\n",
					      "\x01\xff\xfe\n"};
	struct fixture *f = *state;
	char line[1024];
	int fd = net_connect_unix(f->path);

	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		say(fd, rubbish[i]);
		assert_true(take_line(f, fd, line, sizeof(line)) > 0);
		assert_null(strstr(line, "\"code\":0"));
	}
	assert_int_equal(send(fd, "a\0b\n", 4, MSG_NOSIGNAL), 4);
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_null(strstr(line, "\"code\":0"));
	say(fd, ECHO_HI);
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"code\":0"));
	close(fd);
}

static void test_silent_client_is_closed(void **state)
{
	struct fixture *f = *state;
	char line[64];
	int fd;

	admin_uv_set_idle_ms(f->server, 50);
	fd = net_connect_unix(f->path);
	assert_int_equal(take_line(f, fd, line, sizeof(line)), 0);
	close(fd);
}

static void test_cap_on_clients(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int fd[33];

	for (int i = 0; i < 33; i++)
		fd[i] = net_connect_unix(f->path);
	say(fd[31], ECHO_HI);
	assert_true(take_line(f, fd[31], line, sizeof(line)) > 0);
	assert_int_equal(take_line(f, fd[32], line, sizeof(line)), 0);
	for (int i = 0; i < 33; i++)
		close(fd[i]);
}

static void test_big_answer_arrives_whole(void **state)
{
	struct fixture *f = *state;
	char *line = malloc(BIG_BYTES + 1024), ask[128];
	int fd = net_connect_unix(f->path);

	snprintf(ask, sizeof(ask), "{\"v\":1,\"cmd\":[\"big\",\"say\",\"%d\"]}\n", BIG_BYTES);
	say(fd, ask);
	assert_true(take_line(f, fd, line, BIG_BYTES + 1024) > BIG_BYTES);
	free(line);
	close(fd);
}

static void test_answer_over_the_cap_is_replaced(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int fd = net_connect_unix(f->path);

	say(fd, "{\"v\":1,\"cmd\":[\"big\",\"say\",\"9000000\"]}\n");
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "too long"));
	say(fd, ECHO_HI);
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"said\":\"hi\""));
	close(fd);
}

/* A reader that never reads ends at the output cap; others are served meanwhile. */
static void test_client_that_never_reads(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int lazy = net_connect_unix(f->path), fd = net_connect_unix(f->path), closed = 0;

	for (int i = 0; i < 8; i++)
		say(lazy, "{\"v\":1,\"cmd\":[\"big\",\"say\",\"2000000\"]}\n");
	for (int i = 0; i < 200 && !closed; i++) {
		struct pollfd p = {.fd = lazy, .events = 0};

		say(fd, ECHO_HI);
		assert_true(take_line(f, fd, line, sizeof(line)) > 0);
		closed = poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
	}
	assert_true(closed);
	close(lazy);
	close(fd);
}

static void test_command_may_close_the_server(void **state)
{
	struct fixture *f = *state;
	char line[64];
	int fd = net_connect_unix(f->path);

	say(fd, "{\"v\":1,\"cmd\":[\"stop\",\"now\"]}\n" ECHO_HI);
	assert_int_equal(take_line(f, fd, line, sizeof(line)), 0);
	assert_int_equal(f->calls, 1);
	close(fd);
}

#define ASK_SLOW "{\"v\":1,\"cmd\":[\"slow\",\"say\"]}\n"

static void wait_for_slow(struct fixture *f, int n)
{
	for (int i = 0; i < 5000 && f->nslow < n; i++) {
		turn(f);
		poll(NULL, 0, 1);
	}
	assert_int_equal(f->nslow, n);
}

/* One command per client is under way; what it sent behind waits, others are served. */
static void test_answer_comes_later(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int fd = net_connect_unix(f->path), other = net_connect_unix(f->path);

	say(fd, ASK_SLOW ECHO_HI);
	wait_for_slow(f, 1);
	say(fd, ASK_SLOW);
	say(other, ECHO_HI);
	assert_true(take_line(f, other, line, sizeof(line)) > 0);
	net_turns(&f->loop, 5);
	assert_int_equal(f->nslow, 1);
	assert_int_equal(f->calls, 1);
	assert_int_equal(recv(fd, line, sizeof(line), MSG_DONTWAIT), -1);
	finish_slow(f, "late");
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"said\":\"late\""));
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"said\":\"hi\""));
	wait_for_slow(f, 1);
	shutdown(fd, SHUT_WR); /* it has said all, but still listens */
	net_turns(&f->loop, 5);
	finish_slow(f, "last");
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"said\":\"last\""));
	assert_int_equal(take_line(f, fd, line, sizeof(line)), 0);
	close(fd);
	close(other);
}

static void test_answer_takes_too_long(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int fd;

	admin_uv_set_answer_ms(f->server, 30);
	fd = net_connect_unix(f->path);
	say(fd, ASK_SLOW ECHO_HI);
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"code\":1,\"error\":\"the answer took too long\""));
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"said\":\"hi\""));
	finish_slow(f, "nobody wants it");
	say(fd, ECHO_HI);
	assert_true(take_line(f, fd, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "\"said\":\"hi\""));
	close(fd);
}

/* The client breaks off, or says too much, or the server closes, while a command is under way. */
static void test_answer_nobody_waits_for(void **state)
{
	static char big[ADMIN_LINE_MAX_BYTES + 100];
	struct linger hard = {.l_onoff = 1, .l_linger = 0};
	struct fixture *f = *state;
	char line[1024];
	int gone = net_connect_unix(f->path), loud = net_connect_unix(f->path),
	    fd = net_connect_unix(f->path);

	say(gone, ASK_SLOW);
	wait_for_slow(f, 1);
	setsockopt(gone, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(gone);
	say(loud, ASK_SLOW);
	wait_for_slow(f, 2);
	memset(big, 'x', sizeof(big));
	assert_int_equal(send(loud, big, sizeof(big), MSG_NOSIGNAL), sizeof(big));
	assert_true(take_line(f, loud, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "64 KiB"));
	assert_int_equal(take_line(f, loud, line, sizeof(line)), 0);
	say(fd, ASK_SLOW);
	wait_for_slow(f, 3);
	f->server = admin_uv_close(f->server);
	assert_int_equal(take_line(f, fd, line, sizeof(line)), 0);
	while (f->nslow)
		finish_slow(f, "nobody");
	close(loud);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_question_and_answer),
		T(test_directory_and_mode),
		T(test_second_daemon_is_refused),
		T(test_line_in_pieces),
		T(test_lines_sent_ahead_take_turns),
		T(test_oversized_line),
		T(test_rubbish_is_answered_and_the_client_stays),
		T(test_silent_client_is_closed),
		T(test_cap_on_clients),
		T(test_big_answer_arrives_whole),
		T(test_answer_over_the_cap_is_replaced),
		T(test_client_that_never_reads),
		T(test_command_may_close_the_server),
		T(test_answer_comes_later),
		T(test_answer_takes_too_long),
		T(test_answer_nobody_waits_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
