/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/net/net_support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/mem.h"

#define NET_WAIT_MS 10000

static void net_on_late(uv_timer_t *t)
{
	*(bool *)t->data = true;
}

static void net_run(uv_loop_t *loop, const int *value, int want, bool *ret_late)
{
	uv_timer_t *t = calloc(1, sizeof(*t));

	*ret_late = false;
	uv_timer_init(loop, t);
	t->data = ret_late;
	uv_update_time(loop);
	uv_timer_start(t, net_on_late, NET_WAIT_MS, 0);
	if (!value)
		uv_unref((uv_handle_t *)t);
	while (!*ret_late && (value ? *value < want : uv_loop_alive(loop)))
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)t, (uv_close_cb)(void (*)(void))free);
}

bool net_wait(uv_loop_t *loop, const int *value, int want)
{
	bool late;

	net_run(loop, value, want, &late);
	return !late;
}

void net_turns(uv_loop_t *loop, int turns)
{
	while (turns-- > 0)
		uv_run(loop, UV_RUN_NOWAIT);
}

void net_finish(uv_loop_t *loop, size_t live_before)
{
	bool late;

	net_run(loop, NULL, 0, &late);
	assert_false(late);
	net_turns(loop, 2);
	assert_int_equal(uv_loop_close(loop), 0);
	assert_int_equal(mem_live(), live_before);
}

struct addr net_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static int net_connect(int family, const struct sockaddr *sa, socklen_t len)
{
	struct timeval tv = {.tv_sec = 5};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	assert_int_equal(connect(fd, sa, len), 0);
	return fd;
}

int net_connect_tcp(const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);

	return net_connect(sa.ss_family, (struct sockaddr *)&sa, len);
}

int net_connect_unix(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	return net_connect(AF_UNIX, (struct sockaddr *)&sa, sizeof(sa));
}

char *net_temp_dir(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = NULL;

	assert_true(asprintf(&dir, "%s/speermint-net-XXXXXX", base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(dir));
	return dir;
}

void net_remove_dir(char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
	free(dir);
}
