/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/net/net_peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/net_metric.h"
#include "common/net/tls.h"
#include "tests/lib/oom.h"

static const struct stream_options plain = {0};
static const struct stream_listen_options plain_listen = {0};

/* Is the far end gone? Runs the loop until the blocking socket sees the end. */
static void assert_closed_by_peer(struct net_scene *n, int fd)
{
	char c;
	ssize_t got = -1;

	for (int i = 0; i < 2000; i++) {
		uv_run(&n->loop, UV_RUN_NOWAIT);
		got = recv(fd, &c, 1, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		usleep(1000);
	}
	assert_true(got == 0 || errno == ECONNRESET);
}

static int connect_from(struct net_scene *n, const char *from)
{
	struct addr a = net_addr(from);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = addr_to_sockaddr(stream_listener_local(n->listener), &sa);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static void test_cap_of_the_listener(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options o = {.max_streams = 2};
	int fd[3];

	net_scene_listen(n, &o);
	for (int i = 0; i < 3; i++)
		fd[i] = net_connect_tcp(stream_listener_local(n->listener));
	assert_closed_by_peer(n, fd[2]);
	assert_int_equal(n->naccepted, 2);
	/* One goes, one may come. */
	close(fd[0]);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	net_turns(&n->loop, 3);
	close(fd[2]);
	fd[2] = net_connect_tcp(stream_listener_local(n->listener));
	assert_true(net_wait(&n->loop, &n->naccepted, 3));
	close(fd[1]);
	close(fd[2]);
}

/* A20: one address cannot take all the places. */
static void test_cap_per_address(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options o = {.max_streams = 100, .max_per_address = 2};
	int64_t refused = metric_get(&net_metrics, NET_STREAM_REFUSED_ADDRESS);
	int fd[3], other, again;

	net_scene_listen(n, &o);
	for (int i = 0; i < 3; i++)
		fd[i] = connect_from(n, "127.0.0.2:0");
	assert_closed_by_peer(n, fd[2]);
	assert_int_equal(n->naccepted, 2);
	assert_int_equal(metric_get(&net_metrics, NET_STREAM_REFUSED_ADDRESS), refused + 1);
	other = connect_from(n, "127.0.0.3:0");
	assert_true(net_wait(&n->loop, &n->naccepted, 3));
	close(fd[0]);
	assert_true(net_wait(&n->loop, &n->accepted[0].closed, 1));
	net_turns(&n->loop, 3);
	again = connect_from(n, "127.0.0.2:0");
	assert_true(net_wait(&n->loop, &n->naccepted, 4));
	close(fd[1]);
	close(fd[2]);
	close(other);
	close(again);
}

/* A21: a storm waits in the kernel and is taken in at the rate; nobody is turned away. */
static void test_accepts_are_paced(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options o = {.accepts_per_s = 2};
	int64_t waits = metric_get(&net_metrics, NET_STREAM_PACED);
	int fd[3];

	net_scene_listen(n, &o);
	for (int i = 0; i < 3; i++)
		fd[i] = net_connect_tcp(stream_listener_local(n->listener));
	assert_true(net_wait(&n->loop, &n->naccepted, 2));
	net_turns(&n->loop, 5);
	assert_int_equal(n->naccepted, 2);
	assert_true(metric_get(&net_metrics, NET_STREAM_PACED) > waits);
	assert_true(net_wait(&n->loop, &n->naccepted, 3));
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}

static bool vet_none(void *arg, const struct addr *from, struct stream_vet *vet)
{
	(void)arg;
	assert_int_equal(from->family, ADDR_V4);
	assert_false(vet->need_certificate);
	return false;
}

static void test_who_is_not_wanted_is_closed(void **state)
{
	struct net_scene *n = *state;
	struct stream_listen_options o = {.vet = vet_none};
	int64_t refused = metric_get(&net_metrics, NET_STREAM_REFUSED_VET);
	int fd;

	net_scene_listen(n, &o);
	fd = net_connect_tcp(stream_listener_local(n->listener));
	assert_closed_by_peer(n, fd);
	assert_int_equal(n->naccepted, 0);
	assert_int_equal(metric_get(&net_metrics, NET_STREAM_REFUSED_VET), refused + 1);
	close(fd);
}

static void test_acceptor_may_refuse(void **state)
{
	struct net_scene *n = *state;

	n->refuse = true;
	net_scene_listen(n, &plain_listen);
	assert_int_equal(net_scene_connect(n, &n->client, &plain), 0);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
	assert_int_equal(n->naccepted, 1);
}

static void test_stream_nobody_takes_is_closed(void **state)
{
	struct net_scene *n = *state;

	n->ignore = true;
	net_scene_listen(n, &plain_listen);
	assert_int_equal(net_scene_connect(n, &n->client, &plain), 0);
	assert_true(net_wait(&n->loop, &n->client.closed, 1));
}

static void test_accepted_streams_outlive_their_listener(void **state)
{
	struct net_scene *n = *state;

	net_scene_listen(n, &plain_listen);
	assert_int_equal(net_scene_connect(n, &n->client, &plain), 0);
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	n->listener = stream_listener_close(n->listener);
	net_turns(&n->loop, 3);
	assert_int_equal(stream_send(n->client.s, "still", 5), 0);
	assert_true(net_wait(&n->loop, &n->accepted[0].bytes, 5));
}

static void test_listen_errors(void **state)
{
	struct net_scene *n = *state;
	struct addr other = net_addr("192.0.2.1:0"), none = {0};
	struct stream_listener *l = NULL;

	net_scene_listen(n, &plain_listen);
	assert_int_equal(stream_listen(&n->loop, stream_listener_local(n->listener), &plain_listen,
				       NULL, NULL, &l),
			 -EADDRINUSE);
	assert_int_equal(stream_listen(&n->loop, &other, &plain_listen, NULL, NULL, &l),
			 -EADDRNOTAVAIL);
	assert_int_equal(stream_listen(&n->loop, &none, &plain_listen, NULL, NULL, &l),
			 -EAFNOSUPPORT);
	assert_null(l);
}

static void test_v6_listener(void **state)
{
	struct net_scene *n = *state;
	struct addr at = net_addr("[::1]:0");
	struct stream_listener *l = NULL;
	struct net_end e = {0};

	assert_int_equal(stream_listen(&n->loop, &at, &plain_listen, NULL, NULL, &l), 0);
	assert_int_equal(stream_connect(&n->loop, stream_listener_local(l), &plain,
					&net_end_handlers, &e, &e.s),
			 0);
	stream_close(e.s); /* closed before anything happened */
	stream_listener_close(l);
}

/* ---------------------------------------------------------------- unix sockets */

static struct tls_context *identity(const struct net_scene *n, const char *name)
{
	char certificate[256], key[256], ca[256], why[256] = "";
	const char *trust = ca;
	struct tls_options o = {.trust_files = &trust, .ntrust = 1};
	struct tls_context *c = NULL;

	snprintf(certificate, sizeof(certificate), "%s/%s.pem", n->dir, name ? name : "");
	snprintf(key, sizeof(key), "%s/%s.key", n->dir, name ? name : "");
	snprintf(ca, sizeof(ca), "%s/ca.pem", n->dir);
	o.certificate_file = name ? certificate : NULL;
	o.private_key_file = name ? key : NULL;
	if (tlsid_new(&o, &c, why))
		fail_msg("%s", why);
	return c;
}

/* H12: a new certificate is shown to who comes next, and whoever is connected notices nothing. */
static void test_certificate_swapped_while_listening(void **state)
{
	struct net_scene *n = *state;
	struct net_end second = {0}, third = {0};
	struct tls_context *before, *after, *client;
	struct stream_options o = {.server_name = "old.example"};

	net_cert_make(n->dir, &(struct net_cert){.name = "ca", .common_name = "ca", .ca = true});
	net_cert_make(n->dir,
		      &(struct net_cert){.name = "old", .issuer = "ca", .dns = {"old.example"}});
	net_cert_make(n->dir,
		      &(struct net_cert){.name = "new", .issuer = "ca", .dns = {"new.example"}});
	before = identity(n, "old");
	after = identity(n, "new");
	client = identity(n, NULL);
	o.tls = client;
	n->echo = true;
	net_scene_listen(n, &(struct stream_listen_options){.tls = before});
	mem_unref(before);
	assert_int_equal(net_scene_connect(n, &n->client, &o), 0);
	assert_true(net_wait(&n->loop, &n->client.opened, 1));

	stream_listener_set_tls(n->listener, after);
	mem_unref(after);
	o.server_name = "new.example";
	assert_int_equal(net_scene_connect(n, &second, &o), 0);
	assert_true(net_wait(&n->loop, &second.opened, 1));
	o.server_name = "old.example";
	assert_int_equal(net_scene_connect(n, &third, &o), 0);
	assert_true(net_wait(&n->loop, &third.closed, 1));
	assert_int_equal(third.opened, 0);
	assert_int_equal(stream_send(n->client.s, "hello", 5), 0);
	assert_true(net_wait(&n->loop, &n->client.bytes, 5));
	assert_int_equal(n->client.closed, 0);
	stream_close(second.s);
	mem_unref(client);
}

static void on_unix_accept(void *arg, struct stream *s)
{
	struct net_scene *n = arg;
	struct net_end *e = &n->accepted[n->naccepted++];

	e->s = s;
	e->echo = true;
	stream_set_handlers(s, &net_end_handlers, e);
}

static const char *socket_path(struct net_scene *n)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/s.sock", n->dir);
	return path;
}

static int listen_unix(struct net_scene *n, struct stream_listener **ret_listener)
{
	return stream_listen_unix(&n->loop, socket_path(n), &plain_listen, on_unix_accept, n,
				  ret_listener);
}

static void test_unix_socket_echo_and_mode(void **state)
{
	struct net_scene *n = *state;
	mode_t old = umask(0);
	struct stat st;
	char buf[4];
	int fd;

	assert_int_equal(listen_unix(n, &n->listener), 0);
	umask(old);
	assert_int_equal(stat(socket_path(n), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	fd = net_connect_unix(socket_path(n));
	assert_int_equal(send(fd, "echo", 4, 0), 4);
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	assert_true(net_wait(&n->loop, &n->accepted[0].bytes, 4));
	assert_int_equal(recv(fd, buf, 4, MSG_WAITALL), 4);
	close(fd);
	n->listener = stream_listener_close(n->listener);
	assert_int_equal(stat(socket_path(n), &st), -1);
}

static void test_unix_socket_in_use_is_left_alone(void **state)
{
	struct net_scene *n = *state;
	struct stream_listener *second = NULL;
	int fd;

	assert_int_equal(listen_unix(n, &n->listener), 0);
	assert_int_equal(listen_unix(n, &second), -EADDRINUSE);
	assert_null(second);
	fd = net_connect_unix(socket_path(n));
	assert_true(net_wait(&n->loop, &n->naccepted, 2)); /* the probe, too, was a connection */
	close(fd);
}

static void test_stale_unix_socket_is_replaced(void **state)
{
	struct net_scene *n = *state;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int dead = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", socket_path(n));
	assert_int_equal(bind(dead, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(dead); /* the file stays, as after a kill */
	assert_int_equal(listen_unix(n, &n->listener), 0);
	fd = net_connect_unix(socket_path(n));
	assert_true(net_wait(&n->loop, &n->naccepted, 1));
	close(fd);
}

static void test_file_that_is_no_socket_is_left_alone(void **state)
{
	struct net_scene *n = *state;
	struct stat st;
	FILE *f = fopen(socket_path(n), "w");

	fputs("precious", f);
	fclose(f);
	assert_int_equal(listen_unix(n, &n->listener), -EEXIST);
	assert_int_equal(stat(socket_path(n), &st), 0);
	assert_int_equal(st.st_size, 8);
}

/* A restarted daemon may have put its own socket there while we were draining. */
static void test_close_does_not_remove_a_successors_socket(void **state)
{
	struct net_scene *n = *state;
	struct stream_listener *successor = NULL;
	struct stat st;

	assert_int_equal(listen_unix(n, &n->listener), 0);
	assert_int_equal(unlink(socket_path(n)), 0);
	assert_int_equal(listen_unix(n, &successor), 0);
	n->listener = stream_listener_close(n->listener);
	assert_int_equal(stat(socket_path(n), &st), 0);
	stream_listener_close(successor);
	assert_int_equal(stat(socket_path(n), &st), -1);
}

static void test_unix_path_too_long(void **state)
{
	struct net_scene *n = *state;
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	assert_int_equal(
		stream_listen_unix(&n->loop, path, &plain_listen, on_unix_accept, n, &n->listener),
		-ENAMETOOLONG);
	assert_null(n->listener);
}

static int run_listen_tcp(void *arg)
{
	struct net_scene *n = arg;
	struct stream_listen_options o = {.max_per_address = 2};
	struct addr at = net_addr("127.0.0.1:0");
	struct stream_listener *l = NULL;
	int err = stream_listen(&n->loop, &at, &o, on_unix_accept, n, &l);

	stream_listener_close(l);
	net_turns(&n->loop, 2);
	return err;
}

static int run_listen_unix(void *arg)
{
	struct net_scene *n = arg;
	struct stream_listener *l = NULL;
	int err = listen_unix(n, &l);

	stream_listener_close(l);
	net_turns(&n->loop, 2);
	/* A listener that failed half-way leaves no file behind. */
	assert_int_equal(access(socket_path(n), F_OK), -1);
	return err;
}

static void test_no_memory(void **state)
{
	assert_in_range(oom_each(run_listen_tcp, *state), 2, 20);
	assert_in_range(oom_each(run_listen_unix, *state), 2, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, net_scene_setup, net_scene_teardown)
		T(test_cap_of_the_listener),
		T(test_cap_per_address),
		T(test_accepts_are_paced),
		T(test_who_is_not_wanted_is_closed),
		T(test_acceptor_may_refuse),
		T(test_stream_nobody_takes_is_closed),
		T(test_accepted_streams_outlive_their_listener),
		T(test_listen_errors),
		T(test_v6_listener),
		T(test_certificate_swapped_while_listening),
		T(test_unix_socket_echo_and_mode),
		T(test_unix_socket_in_use_is_left_alone),
		T(test_stale_unix_socket_is_replaced),
		T(test_file_that_is_no_socket_is_left_alone),
		T(test_close_does_not_remove_a_successors_socket),
		T(test_unix_path_too_long),
		T(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
