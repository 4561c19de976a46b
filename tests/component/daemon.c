/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/component/daemon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"

#define POLL_MS 10
#define REPLY_BYTES (1 << 20)

void daemon_init(struct daemon *d, const char *program)
{
	memset(d, 0, sizeof(*d));
	d->program = program;
	strcpy(d->dir, "/tmp/speer-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->conf, sizeof(d->conf), "%s/%s.json", d->dir, program);
	snprintf(d->log, sizeof(d->log), "%s/log", d->dir);
	snprintf(d->socket, sizeof(d->socket), "%s/sock", d->dir);
}

static void show_log(const struct daemon *d)
{
	char line[1024];
	FILE *f = fopen(d->log, "r");

	while (f && fgets(line, sizeof(line), f))
		print_message("%s: %s", d->program, line);
	if (f)
		fclose(f);
}

static void write_conf(const struct daemon *d, const char *format, va_list ap)
{
	char text[8192];
	FILE *f = fopen(d->conf, "w");

	assert_non_null(f);
	assert_true(vsnprintf(text, sizeof(text), format, ap) < (int)sizeof(text));
	for (const char *p = text; *p; p++)
		fputc(*p == '\'' ? '"' : *p, f);
	fclose(f);
}

/* @return the reply's data, or NULL when nobody answers. */
static json_t *ask(const struct daemon *d, const char *command)
{
	static char line[REPLY_BYTES];
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	json_t *reply = NULL, *data = NULL;
	size_t n = 0;
	ssize_t got;
	int len;

	memcpy(a.sun_path, d->socket, sizeof(d->socket));
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		len = snprintf(line, sizeof(line), "{\"v\":1,\"cmd\":%s,\"opts\":{}}\n", command);
		assert_int_equal(write(fd, line, (size_t)len), len);
		while (n < sizeof(line) && (!n || line[n - 1] != '\n') &&
		       (got = read(fd, line + n, sizeof(line) - n)) > 0)
			n += (size_t)got;
		reply = json_loadb(line, n, 0, NULL);
	}
	close(fd);
	data = json_incref(json_object_get(reply, "data"));
	json_decref(reply);
	return data;
}

void daemon_start(struct daemon *d, const char *conf, ...)
{
	uint64_t end_ms = clock_now_ms() + DAEMON_WAIT_MS;
	const char *bin = getenv("SPEER_BIN");
	char path[512];
	json_t *reply;
	va_list ap;
	int fd;

	va_start(ap, conf);
	write_conf(d, conf, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", bin ? bin : "build/bin", d->program);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (!d->pid) {
		fd = open(d->log, O_CREAT | O_WRONLY | O_APPEND, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execl(path, d->program, "-c", d->conf, (char *)NULL);
		_exit(127);
	}
	while (!(reply = ask(d, "[\"status\"]"))) {
		if (clock_now_ms() > end_ms || waitpid(d->pid, NULL, WNOHANG) == d->pid)
			fail_msg("%s does not start", d->program);
		poll(NULL, 0, POLL_MS);
	}
	json_decref(reply);
}

void daemon_stop(struct daemon *d)
{
	uint64_t end_ms = clock_now_ms() + DAEMON_WAIT_MS;
	int status;

	assert_int_equal(kill(d->pid, SIGTERM), 0);
	while (waitpid(d->pid, &status, WNOHANG) != d->pid) {
		if (clock_now_ms() > end_ms)
			fail_msg("%s does not stop", d->program);
		poll(NULL, 0, POLL_MS);
	}
	d->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		show_log(d);
		fail_msg("%s ended with status 0x%x", d->program, (unsigned)status);
	}
}

void daemon_clean(struct daemon *d)
{
	char command[128];

	if (d->pid > 0) {
		kill(d->pid, SIGKILL);
		waitpid(d->pid, NULL, 0);
		show_log(d);
	}
	d->pid = 0;
	snprintf(command, sizeof(command), "rm -rf '%s'", d->dir);
	if (system(command))
		print_error("%s is left\n", d->dir);
}

int64_t daemon_number(const struct daemon *d, const char *command, const char *key)
{
	json_t *data = ask(d, command), *value = json_object_get(data, key);
	int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;

	json_decref(data);
	return n;
}

size_t daemon_rows(const struct daemon *d, const char *command)
{
	json_t *data = ask(d, command);
	size_t n = json_array_size(json_object_get(data, "rows"));

	assert_non_null(data);
	json_decref(data);
	return n;
}

int64_t daemon_column(const struct daemon *d, const char *command, const char *column)
{
	json_t *data = ask(d, command), *row;
	const json_t *columns = json_object_get(data, "columns");
	size_t i, at = 0;
	int64_t sum = 0;

	while (at < json_array_size(columns) &&
	       strcmp(json_string_value(json_array_get(columns, at)), column) != 0)
		at++;
	assert_true(at < json_array_size(columns));
	json_array_foreach(json_object_get(data, "rows"), i, row)
		sum += json_integer_value(json_array_get(row, at));
	json_decref(data);
	return sum;
}

int64_t daemon_counter(const struct daemon *d, const char *part)
{
	json_t *data = ask(d, "[\"stats\",\"show\"]"), *row;
	int64_t sum = 0;
	size_t i;

	assert_non_null(data);
	json_array_foreach(json_object_get(data, "rows"), i, row) {
		if (strstr(json_string_value(json_array_get(row, 0)), part))
			sum += json_integer_value(json_array_get(row, 1));
	}
	json_decref(data);
	return sum;
}

void daemon_await_counter(const struct daemon *d, const char *part, int64_t n)
{
	uint64_t end_ms = clock_now_ms() + DAEMON_WAIT_MS;
	int64_t value;

	while ((value = daemon_counter(d, part)) < n) {
		if (clock_now_ms() > end_ms)
			fail_msg("%s is %ld, not %ld", part, (long)value, (long)n);
		poll(NULL, 0, POLL_MS);
	}
}

long daemon_rss_kib(const struct daemon *d)
{
	char path[64];
	long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)d->pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

unsigned daemon_free_port(const char *ip, bool udp)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);

	assert_int_equal(inet_pton(AF_INET, ip, &a.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}
