/* SPDX-License-Identifier: Apache-2.0 */
/* Warm port pairs: reused as they are, nothing old in them for the next stream (B12), bounded, no leak (U4). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/mem.h"
#include "dbe/path/path_metric.h"
#include "dbe/path/path_pair.h"

static struct path_pairs all;
static struct addr local[PATH_PORTS];
static int sender;
static struct path_end *const someone = (struct path_end *)&sender;

/* Two ports nobody has just now. */
static void free_ports(struct addr ports[PATH_PORTS])
{
	struct path_pair *p = NULL;

	do {
		assert_int_equal(addr_parse("127.0.0.1", &ports[PATH_RTP]), 0);
		ports[PATH_RTP].port = (uint16_t)(20000 + (rand() % 5000) * 2);
		ports[PATH_RTCP] = ports[PATH_RTP];
		ports[PATH_RTCP].port++;
	} while (path_pair_open(&all, ports, someone, &p) < 0);
	all.warm_max = 0;
	path_pair_close(&all, p);
}

static int setup_with(uint32_t warm_max)
{
	const struct path_options o = {.warm_pairs_max = warm_max};

	srand((unsigned)getpid());
	path_pairs_init(&all, epoll_create1(EPOLL_CLOEXEC), &o);
	free_ports(local);
	all.warm_max = warm_max;
	sender = socket(AF_INET, SOCK_DGRAM, 0);
	return sender < 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_with(2);
}

static int teardown(void **state)
{
	(void)state;
	path_pairs_clear(&all);
	path_pairs_bury(&all);
	close(all.epoll_fd);
	close(sender);
	assert_int_equal(metric_get(&path_metrics, PATH_M_WARM), 0);
	assert_int_equal(mem_live(), 0);
	return 0;
}

static void send_to(const struct addr *to, int n)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);

	for (int i = 0; i < n; i++)
		assert_int_equal(sendto(sender, "x", 1, 0, (struct sockaddr *)&sa, len), 1);
}

static struct path_pair *must_open(const struct addr ports[PATH_PORTS])
{
	struct path_pair *p = NULL;

	assert_int_equal(path_pair_open(&all, ports, someone, &p), 0);
	assert_ptr_equal(p->end, someone);
	return p;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_a_pair_is_reused_as_it_is(void **state)
{
	struct path_pair *p = must_open(local), *again;
	int fd = p->fd[PATH_RTP];

	(void)state;
	path_pair_set_dscp(p, 46);
	path_pair_close(&all, p);
	assert_int_equal(all.warm, 1);
	assert_int_equal(metric_get(&path_metrics, PATH_M_WARM), 1);
	assert_int_equal(path_pairs_warm_at(&all, &local[PATH_RTP]), 1);
	assert_true(is_open(fd));
	again = must_open(local);
	assert_ptr_equal(again, p);
	assert_int_equal(again->fd[PATH_RTP], fd);
	assert_int_equal(again->dscp, 46); /* as it is on the socket */
	assert_int_equal(all.warm, 0);
	path_pair_close(&all, again);
}

static void test_other_ports_are_other_pairs(void **state)
{
	struct addr other[PATH_PORTS];
	struct path_pair *p = must_open(local), *q;

	(void)state;
	path_pair_close(&all, p);
	assert_int_equal(addr_parse("127.0.0.2", &other[PATH_RTP]), 0);
	other[PATH_RTCP] = other[PATH_RTP];
	other[PATH_RTP].port = local[PATH_RTP].port; /* the same bucket */
	other[PATH_RTCP].port = local[PATH_RTCP].port;
	q = must_open(other);
	assert_ptr_not_equal(q, p);
	assert_int_equal(all.warm, 1);
	assert_int_equal(path_pairs_warm_at(&all, &other[PATH_RTP]), 0);
	path_pair_close(&all, q);
	assert_int_equal(all.warm, 2);
}

static void test_b12_what_came_meanwhile_is_gone(void **state)
{
	int64_t strays = metric_get(&path_metrics, PATH_M_STRAYS);
	struct path_pair *p = must_open(local);
	char byte;

	(void)state;
	send_to(&local[PATH_RTP], 2); /* came for the stream that is closed before it read them */
	path_pair_close(&all, p);
	send_to(&local[PATH_RTP], 3);
	send_to(&local[PATH_RTCP], 1);
	assert_ptr_equal(must_open(local), p);
	assert_int_equal(recv(p->fd[PATH_RTP], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(p->fd[PATH_RTCP], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(metric_get(&path_metrics, PATH_M_STRAYS), strays + 6);
	path_pair_close(&all, p);
}

static void test_strays_are_read_and_many_close_the_pair(void **state)
{
	struct path_pair *p = must_open(local);
	int fd[PATH_PORTS] = {p->fd[PATH_RTP], p->fd[PATH_RTCP]};

	(void)state;
	path_pair_close(&all, p);
	for (int i = 0; i < 63; i++) {
		send_to(&local[PATH_RTP], 1);
		assert_int_equal(path_pair_stray(&all, p, PATH_RTP), 1);
	}
	assert_int_equal(all.warm, 1);
	all.busy = true; /* as in a round: the next event may be the same pair's */
	send_to(&local[PATH_RTCP], 1);
	assert_int_equal(path_pair_stray(&all, p, PATH_RTCP), 1);
	assert_int_equal(all.warm, 0);
	assert_false(is_open(fd[PATH_RTP]) || is_open(fd[PATH_RTCP]));
	assert_int_equal(path_pair_stray(&all, p, PATH_RTP), 0);
	all.busy = false;
	path_pairs_bury(&all);
}

static void test_a_flooded_pair_is_not_reused(void **state)
{
	struct path_pair *p = must_open(local);
	int64_t strays = metric_get(&path_metrics, PATH_M_STRAYS);
	char byte;

	(void)state;
	path_pair_close(&all, p);
	send_to(&local[PATH_RTP], 70);
	p = must_open(local);
	assert_int_equal(metric_get(&path_metrics, PATH_M_STRAYS), strays + 64);
	assert_int_equal(recv(p->fd[PATH_RTP], &byte, 1, MSG_DONTWAIT), -1); /* new sockets */
	path_pair_close(&all, p);
}

static void test_no_more_are_kept_than_said(void **state)
{
	struct addr ports[3][PATH_PORTS];
	struct path_pair *p[3];
	int fd;

	(void)state;
	for (int i = 0; i < 3; i++) {
		free_ports(ports[i]);
		p[i] = must_open(ports[i]);
	}
	all.warm_max = 2;
	fd = p[2]->fd[PATH_RTP];
	for (int i = 0; i < 3; i++)
		path_pair_close(&all, p[i]);
	assert_int_equal(all.warm, 2);
	assert_false(is_open(fd));
}

static void test_without_warm_pairs_all_is_closed(void **state)
{
	struct path_pair *p = must_open(local);
	int fd = p->fd[PATH_RTCP];

	(void)state;
	all.warm_max = 0;
	path_pair_close(&all, p);
	assert_int_equal(all.warm, 0);
	assert_false(is_open(fd));
}

/* A call is worth more than what the next one saves. */
static void test_warm_pairs_give_way_when_descriptors_end(void **state)
{
	struct addr other[PATH_PORTS];
	struct rlimit was, tight;
	struct path_pair *p, *q = NULL;
	int err;

	(void)state;
	free_ports(other);
	all.warm_max = 2;
	p = must_open(local);
	tight.rlim_cur = (rlim_t)p->fd[PATH_RTCP] + 1;
	path_pair_close(&all, p);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	tight.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	err = path_pair_open(&all, other, someone, &q);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(err, 0);
	assert_int_equal(all.warm, 0);
	path_pair_close(&all, q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_pair_is_reused_as_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_ports_are_other_pairs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_b12_what_came_meanwhile_is_gone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_strays_are_read_and_many_close_the_pair, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_flooded_pair_is_not_reused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_more_are_kept_than_said, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_warm_pairs_all_is_closed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_warm_pairs_give_way_when_descriptors_end,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
