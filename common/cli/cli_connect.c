/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cli/cli_connect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

#define CLI_BUFFER_MIN_BYTES (16U * 1024)

struct cli_buffer {
	char *bytes;
	size_t used, size_bytes;
};

/* Wait for the socket. @return 0, -ETIMEDOUT, -errno. */
static int cli_wait(int fd, short events, uint64_t until_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	uint64_t now_ms;
	int n;

	do {
		now_ms = clock_now_ms();
		if (now_ms >= until_ms)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)(until_ms - now_ms));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int cli_open(const char *path, uint64_t until_ms, int *ret_fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd, err;

	if (len >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* A unix socket whose backlog is full says EAGAIN: try until there is room. */
	for (;;) {
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
			*ret_fd = fd;
			return 0;
		}
		err = -errno;
		if (err != -EAGAIN && err != -EINTR)
			break;
		if (clock_now_ms() >= until_ms) {
			err = -ETIMEDOUT;
			break;
		}
		poll(NULL, 0, 50);
	}
	close(fd);
	return err;
}

static int cli_send(int fd, const char *line, size_t len_bytes, uint64_t until_ms)
{
	while (len_bytes) {
		ssize_t n = send(fd, line, len_bytes, MSG_NOSIGNAL);
		int err;

		if (n >= 0) {
			line += n;
			len_bytes -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = cli_wait(fd, POLLOUT, until_ms);
		if (err)
			return err;
	}
	return 0;
}

static int cli_make_room(struct cli_buffer *b)
{
	size_t size_bytes = b->size_bytes ? b->size_bytes * 2 : CLI_BUFFER_MIN_BYTES;
	char *bigger;

	if (b->used < b->size_bytes)
		return 0;
	if (size_bytes > CLI_REPLY_MAX_BYTES)
		return -EPROTO;
	bigger = mem_resize(b->bytes, size_bytes);
	if (!bigger)
		return -ENOMEM;
	b->bytes = bigger;
	b->size_bytes = size_bytes;
	return 0;
}

/* Read up to the end of the line; *ret_len_bytes is without it. */
static int cli_receive(int fd, struct cli_buffer *b, uint64_t until_ms, size_t *ret_len_bytes)
{
	for (;;) {
		int err = cli_make_room(b);
		const char *end;
		ssize_t n;

		if (err)
			return err;
		n = recv(fd, b->bytes + b->used, b->size_bytes - b->used, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n < 0) {
			err = cli_wait(fd, POLLIN, until_ms);
			if (err)
				return err;
			continue;
		}
		end = memchr(b->bytes + b->used, '\n', (size_t)n);
		b->used += (size_t)n;
		if (end) {
			*ret_len_bytes = (size_t)(end - b->bytes);
			return 0;
		}
	}
}

static int cli_parse(const char *text, size_t len_bytes, json_t **ret_reply)
{
	json_t *reply = json_loadb(text, len_bytes, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(reply) || !json_is_integer(json_object_get(reply, "code"))) {
		json_decref(reply);
		return -EPROTO;
	}
	*ret_reply = reply;
	return 0;
}

static const char *cli_reason(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such socket: is the daemon running?";
	case -ECONNREFUSED:
		return "nobody listens: the daemon is not running";
	case -EACCES:
		return "permission denied: are you in the daemon's group?";
	case -ETIMEDOUT:
		return "no answer in time";
	case -ECONNRESET:
	case -EPIPE:
		return "the daemon closed the connection without an answer";
	case -EPROTO:
		return "the answer is not understood";
	default:
		return strerror(-err);
	}
}

int cli_connect_ask(const char *path, const char *line, size_t len_bytes, uint32_t timeout_ms,
		    json_t **ret_reply, char ret_why[CLI_WHY_BYTES])
{
	uint64_t until_ms = clock_now_ms() + timeout_ms;
	struct cli_buffer b = {0};
	size_t reply_bytes = 0;
	int fd = -1, err;

	ret_why[0] = 0;
	err = cli_open(path, until_ms, &fd);
	if (!err) {
		err = cli_send(fd, line, len_bytes, until_ms);
		/* A daemon that refuses us may have said why before it closed. */
		if (!err || err == -EPIPE)
			err = cli_receive(fd, &b, until_ms, &reply_bytes);
		close(fd);
	}
	if (!err)
		err = cli_parse(b.bytes, reply_bytes, ret_reply);
	if (err)
		snprintf(ret_why, CLI_WHY_BYTES, "%.150s: %s", path, cli_reason(err));
	mem_free(b.bytes);
	return err;
}
