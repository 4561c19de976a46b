/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dbe program with a scripted controller: registration, a call with real media, loss of the
 * controller, drain, stop. Needs SPEER_BIN (set by tests/run.sh).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/net/stream.h"
#include "common/net/timer_uv.h"
#include "proto/exchange.h"
#include "proto/frame.h"
#include "proto/result.h"

#define WAIT_MS 10000

static char dir[64], program[512], conf_path[128];
static pid_t running; /* what a failed test leaves behind is ended by the teardown */

/* ---------------------------------------------------------------- the controller */

static struct {
	uv_loop_t loop;
	struct timer_wheel *wheel;
	struct timer_uv *timers;
	struct stream_listener *listener;
	struct stream *stream;
	struct gate_exchange *exchange;
	struct gate_frame frame;
	struct addr address;
	bool identified;
	unsigned registered; /* ServiceChange Restart or Disconnected seen */
	int method, reason;  /* of the last ServiceChange */
	struct gate_service_change change;
	unsigned events;
	struct gate_message reply;
	int reply_err;
	bool replied;
} sbe;

static struct gate_message scratch;

static void run_until(const bool *done)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	while (!*done) {
		uv_run(&sbe.loop, UV_RUN_ONCE);
		if (clock_now_ms() > end_ms)
			fail_msg("nothing happened for %d ms", WAIT_MS);
	}
}

static void on_send(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	(void)arg;
	if (sbe.stream)
		stream_send(sbe.stream, bytes, len_bytes);
}

static void on_request(void *arg, const struct gate_message *m)
{
	const struct gate_command *c = &m->action.commands[0];
	struct gate_command *answer;

	(void)arg;
	gate_message_clear(&scratch);
	scratch.action.context_ref = m->action.context_ref;
	scratch.action.context = m->action.context;
	answer = gate_action_add(&scratch.action, c->type, c->ref);
	snprintf(answer->termination, sizeof(answer->termination), "%s", c->termination);
	if (c->type == GATE_SERVICE_CHANGE) {
		sbe.method = c->change.method;
		sbe.reason = c->change.reason;
		answer->change.version_max = GATE_VERSION_MAX;
		if (c->change.method == GATE_RESTART || c->change.method == GATE_DISCONNECTED) {
			sbe.change = c->change;
			gate_exchange_reply(sbe.exchange, m->transaction, &scratch);
			gate_exchange_associate(sbe.exchange, GATE_VERSION_MAX);
			sbe.registered++;
			return;
		}
	} else if (c->type == GATE_NOTIFY) {
		sbe.events |= 1U << c->event.type;
	}
	gate_exchange_reply(sbe.exchange, m->transaction, &scratch);
}

static void hang_up(void)
{
	gate_exchange_detach(sbe.exchange);
	sbe.stream = stream_close(sbe.stream);
	gate_frame_reset(&sbe.frame);
}

static void on_silent(void *arg)
{
	(void)arg;
	hang_up();
}

/* The first frame of a connection says who is there; the exchange wants to know before it takes it. */
static void identify(const uint8_t *frame, size_t len_bytes)
{
	char why[GATE_TEXT_BYTES];
	uint16_t code;

	assert_int_equal(gate_message_decode(frame, len_bytes, &scratch, &code, why), 0);
	gate_exchange_identify(sbe.exchange, scratch.sender, scratch.epoch);
	sbe.identified = true;
}

static void on_data(void *arg, const uint8_t *data, size_t len_bytes)
{
	const uint8_t *frame;
	size_t n;

	(void)arg;
	gate_frame_feed(&sbe.frame, data, len_bytes);
	while (sbe.stream && gate_frame_next(&sbe.frame, &frame, &n) == 1) {
		if (!sbe.identified)
			identify(frame, n);
		assert_int_equal(gate_exchange_frame(sbe.exchange, frame, n), 0);
	}
}

static void on_closed(void *arg, int err)
{
	(void)arg;
	(void)err;
	hang_up();
}

static void on_accept(void *arg, struct stream *s)
{
	static const struct stream_handlers handlers = {.data = on_data, .closed = on_closed};

	(void)arg;
	if (sbe.stream)
		hang_up();
	sbe.stream = s;
	sbe.identified = false;
	stream_set_handlers(s, &handlers, NULL);
	gate_exchange_attach(sbe.exchange);
}

static void controller_listen(void)
{
	const struct stream_listen_options o = {0};

	assert_int_equal(stream_listen(&sbe.loop, &sbe.address, &o, on_accept, NULL, &sbe.listener),
			 0);
	sbe.address = *stream_listener_local(sbe.listener);
}

static void controller_start(void)
{
	static const struct gate_exchange_handlers handlers = {
		.send = on_send, .request = on_request, .silent = on_silent};
	const struct gate_exchange_options o = {.node = "sbe1", .epoch = 1, .heartbeat_ms = 250};

	memset(&sbe, 0, sizeof(sbe));
	assert_int_equal(uv_loop_init(&sbe.loop), 0);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &sbe.wheel), 0);
	assert_int_equal(timer_uv_new(&sbe.loop, sbe.wheel, &sbe.timers), 0);
	assert_int_equal(gate_exchange_new(&o, &handlers, NULL, sbe.wheel, &sbe.exchange), 0);
	assert_int_equal(addr_parse("127.0.0.1:0", &sbe.address), 0);
	controller_listen();
}

static void controller_stop(void)
{
	hang_up();
	stream_listener_close(sbe.listener);
	gate_exchange_free(sbe.exchange);
	timer_uv_close(sbe.timers);
	uv_run(&sbe.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&sbe.loop), 0);
	timer_wheel_free(sbe.wheel);
}

static void await_registrations(unsigned n)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	while (sbe.registered < n) {
		uv_run(&sbe.loop, UV_RUN_ONCE);
		if (clock_now_ms() > end_ms)
			fail_msg("the dbe did not register");
	}
}

static void on_reply(void *arg, int err, const struct gate_message *reply)
{
	(void)arg;
	sbe.replied = true;
	sbe.reply_err = err;
	if (reply)
		sbe.reply = *reply;
}

static const struct gate_action *request(const struct gate_message *m)
{
	sbe.replied = false;
	assert_int_equal(gate_exchange_request(sbe.exchange, m, 5000, on_reply, NULL, NULL), 0);
	run_until(&sbe.replied);
	assert_int_equal(sbe.reply_err, 0);
	assert_int_equal(sbe.reply.code, 0);
	return &sbe.reply.action;
}

/* ---------------------------------------------------------------- the dbe */

static pid_t dbe_start(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char log[128];
		int fd;

		snprintf(log, sizeof(log), "%s/log", dir);
		fd = open(log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
		dup2(fd, 2);
		execl(program, program, "-c", conf_path, (char *)NULL);
		_exit(127);
	}
	running = pid;
	return pid;
}

/* @return its exit code; -1 = killed. The controller keeps working meanwhile. */
static int dbe_wait(pid_t pid)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		uv_run(&sbe.loop, UV_RUN_NOWAIT);
		usleep(1000);
		if (clock_now_ms() > end_ms) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			fail_msg("the dbe did not end");
		}
	}
	running = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_program(const char *a, const char *b, const char *c)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open("/dev/null", O_WRONLY);

		dup2(fd, 1);
		dup2(fd, 2);
		execl(program, program, a, b, c, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t dbe_descriptors(pid_t pid)
{
	char path[64];
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void write_conf(const char *extra)
{
	char text[ADDR_TEXT_BYTES];
	FILE *f = fopen(conf_path, "w");

	assert_non_null(f);
	fprintf(f,
		"{\"name\":\"dbe1\",\"control\":{\"socket\":\"%s/dbe.sock\"},\n"
		"\"http\":{\"listen\":\"127.0.0.1:%d\"},\"controllers\":[\"%s\"],%s\n"
		"\"realms\":{\"core\":{\"addresses\":[{\"bind\":\"127.0.0.21\",\"ports\":\"21000-21399\"}]},\n"
		"\"peering\":{\"addresses\":[{\"bind\":\"127.0.0.22\",\"ports\":\"21000-21399\"}]}}}\n",
		dir, 10000 + (int)getpid() % 5000, addr_print(&sbe.address, text, sizeof(text)),
		extra);
	fclose(f);
}

static int setup(void **state)
{
	const char *bin = getenv("SPEER_BIN");

	(void)state;
	snprintf(program, sizeof(program), "%s/dbe", bin ? bin : "build/bin");
	strcpy(dir, "/tmp/test-dbe-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(conf_path, sizeof(conf_path), "%s/dbe.json", dir);
	controller_start();
	write_conf("");
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	if (running) {
		kill(running, SIGKILL);
		waitpid(running, NULL, 0);
		running = 0;
		snprintf(command, sizeof(command), "cat %s/log", dir);
		(void)!system(command);
	}
	controller_stop();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* ---------------------------------------------------------------- media */

static int phone(struct addr *ret_addr, const char *ip)
{
	struct sockaddr_storage sa;
	struct timeval patience = {.tv_sec = WAIT_MS / 1000};
	socklen_t len;
	int fd;

	assert_int_equal(addr_parse(ip, ret_addr), 0);
	len = addr_to_sockaddr(ret_addr, &sa);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	len = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, ret_addr), 0);
	return fd;
}

/* Send one marked packet and wait for it on the other side. */
static void talk(int from, const struct addr *relay, int to, uint8_t mark)
{
	uint8_t packet[172] = {0x80, 8, 0, mark}, got[2048];
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(relay, &sa);

	packet[100] = mark;
	assert_int_equal(sendto(from, packet, sizeof(packet), 0, (struct sockaddr *)&sa, len),
			 sizeof(packet));
	assert_int_equal(recv(to, got, sizeof(got), 0), sizeof(packet));
	assert_memory_equal(got, packet, sizeof(packet));
}

/* A context with both far ends; the relay's addresses come back. */
static uint32_t make_call(const struct addr *far_core, const struct addr *far_peering,
			  struct addr local[2])
{
	struct gate_message *m = gate_exchange_compose(sbe.exchange, GATE_REF_CHOOSE, 0);
	const struct gate_action *reply;

	m->action.has_record = true;
	m->action.record = (const uint8_t *)"call-1";
	m->action.record_bytes = 6;
	for (int i = 0; i < 2; i++) {
		struct gate_command *c = gate_action_add(&m->action, GATE_ADD, GATE_REF_CHOOSE);

		strcpy(c->realm, i ? "peering" : "core");
		c->nstreams = 1;
		gate_stream_clear(&c->streams[0]);
		c->streams[0].id = 1;
		c->streams[0].has = GATE_HAS_MODE | GATE_HAS_REMOTE;
		c->streams[0].mode = GATE_SENDRECV;
		c->streams[0].remote_rtp = i ? *far_peering : *far_core;
	}
	reply = request(m);
	assert_int_equal(reply->ncommands, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(reply->commands[i].code, 0);
		local[i] = reply->commands[i].streams[0].local_rtp;
	}
	return reply->context;
}

static const struct gate_action *subtract(uint32_t context)
{
	struct gate_message *m = gate_exchange_compose(sbe.exchange, GATE_REF_ID, context);

	gate_action_add(&m->action, GATE_SUBTRACT, GATE_REF_ALL);
	return request(m);
}

/* ---------------------------------------------------------------- tests */

static void test_a_call_from_registration_to_statistics(void **state)
{
	struct addr far[2], local[2];
	const struct gate_action *reply;
	int fd[2] = {phone(&far[0], "127.0.0.1"), phone(&far[1], "127.0.0.2")};
	pid_t pid = dbe_start();
	uint32_t context;

	(void)state;
	await_registrations(1);
	assert_int_equal(sbe.method, GATE_RESTART);
	assert_int_equal(sbe.change.nrealms, 2);
	assert_int_equal(sbe.change.realms[0].ports_free, 200);
	context = make_call(&far[0], &far[1], local);
	for (uint8_t i = 0; i < 20; i++) {
		talk(fd[0], &local[0], fd[1], i);
		talk(fd[1], &local[1], fd[0], i);
	}
	reply = subtract(context);
	assert_int_equal(reply->ncommands, 2);
	for (int i = 0; i < 2; i++) {
		const struct gate_statistics *g = &reply->commands[i].streams[0].statistics;

		assert_int_equal(g->packets_in, 20);
		assert_int_equal(g->packets_out, 20);
		assert_int_equal(g->lost, 0);
	}
	kill(pid, SIGTERM);
	assert_int_equal(dbe_wait(pid), 0);
	assert_int_equal(sbe.method, GATE_FORCED); /* it said good-bye */
	close(fd[0]);
	close(fd[1]);
}

/* J9a: the controller's connection goes; media does not notice, and after it is back the context is there. */
static void test_j9_media_outlives_the_association(void **state)
{
	struct addr far[2], local[2];
	const struct gate_action *reply;
	struct gate_message *m;
	int fd[2] = {phone(&far[0], "127.0.0.1"), phone(&far[1], "127.0.0.2")};
	pid_t pid = dbe_start();
	uint32_t context;

	(void)state;
	await_registrations(1);
	context = make_call(&far[0], &far[1], local);
	sbe.listener = stream_listener_close(sbe.listener);
	hang_up();
	for (uint8_t i = 0; i < 20; i++) {
		talk(fd[0], &local[0], fd[1], i);
		talk(fd[1], &local[1], fd[0], i);
	}
	controller_listen();
	await_registrations(2);
	m = gate_exchange_compose(sbe.exchange, GATE_REF_ID, context);
	gate_action_add(&m->action, GATE_AUDIT_VALUE, GATE_REF_ALL);
	reply = request(m);
	assert_int_equal(reply->commands[0].streams[0].statistics.packets_in, 20);
	assert_int_equal(reply->record_bytes, 6);
	assert_memory_equal(reply->record, "call-1", 6);
	subtract(context);
	kill(pid, SIGTERM);
	assert_int_equal(dbe_wait(pid), 0);
	close(fd[0]);
	close(fd[1]);
}

/* Four sockets a call, all given back; no port pair comes again while it rests (B12). */
static void test_b12_many_calls_leak_nothing_and_reuse_nothing_early(void **state)
{
	static bool used[65536];
	struct addr far[2], local[2];
	int fd[2] = {phone(&far[0], "127.0.0.1"), phone(&far[1], "127.0.0.2")};
	uint32_t contexts[50];
	size_t base;
	pid_t pid;

	(void)state;
	write_conf("\"relay\":{\"warm_pairs_max\":0},");
	pid = dbe_start();

	await_registrations(1);
	base = dbe_descriptors(pid);
	memset(used, 0, sizeof(used));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 50; i++) {
			contexts[i] = make_call(&far[0], &far[1], local);
			assert_false(used[local[0].port]);
			used[local[0].port] = true;
		}
		assert_int_equal(dbe_descriptors(pid), base + 200);
		for (int i = 0; i < 50; i++)
			subtract(contexts[i]);
		assert_int_equal(dbe_descriptors(pid), base);
	}
	kill(pid, SIGTERM);
	assert_int_equal(dbe_wait(pid), 0);
	close(fd[0]);
	close(fd[1]);
}

static void test_stray_packets_become_an_event(void **state)
{
	struct addr far[2], local[2], other;
	int fd[2] = {phone(&far[0], "127.0.0.1"), phone(&far[1], "127.0.0.2")};
	int stranger = phone(&other, "127.0.0.9");
	uint8_t packet[172] = {0x80, 8};
	struct sockaddr_storage sa;
	uint64_t end_ms = clock_now_ms() + WAIT_MS;
	pid_t pid = dbe_start();
	socklen_t len;

	(void)state;
	await_registrations(1);
	make_call(&far[0], &far[1], local);
	len = addr_to_sockaddr(&local[0], &sa);
	assert_int_equal(sendto(stranger, packet, sizeof(packet), 0, (struct sockaddr *)&sa, len),
			 sizeof(packet));
	while (!(sbe.events & 1U << GATE_EVENT_SOURCE) && clock_now_ms() < end_ms)
		uv_run(&sbe.loop, UV_RUN_ONCE);
	assert_true(sbe.events & 1U << GATE_EVENT_SOURCE);
	assert_int_equal(recv(fd[1], packet, sizeof(packet), MSG_DONTWAIT), -1);
	kill(pid, SIGTERM);
	assert_int_equal(dbe_wait(pid), 0);
	close(fd[0]);
	close(fd[1]);
	close(stranger);
}

static void test_exit_codes(void **state)
{
	(void)state;
	assert_int_equal(run_program("--version", NULL, NULL), 0);
	assert_int_equal(run_program("--schema", NULL, NULL), 0);
	assert_int_equal(run_program("--nonsense", NULL, NULL), 2);
	assert_int_equal(run_program("-t", "-c", conf_path), 0);
	write_conf("\"relay\":{\"path\":\"ebpf\"},");
	assert_int_equal(run_program("-t", "-c", conf_path), 2);
	assert_int_equal(run_program("-c", conf_path, NULL), 2);
	assert_int_equal(run_program("-c", "/nonexistent/dbe.json", NULL), 2);
	/* a socket that cannot be made is a failure, not a mistake in the file */
	write_conf("");
	snprintf(conf_path, sizeof(conf_path), "%s/other.json", dir);
	{
		FILE *f = fopen(conf_path, "w");

		assert_non_null(f);
		fprintf(f,
			"{\"name\":\"d\",\"control\":{\"socket\":\"/proc/none/dbe.sock\"},\"controllers\":"
			"[\"127.0.0.1:1\"],\"realms\":{\"core\":{\"addresses\":[{\"bind\":\"127.0.0.21\"}]}}}");
		fclose(f);
	}
	assert_int_equal(run_program("-c", conf_path, NULL), 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_call_from_registration_to_statistics),
		TEST(test_j9_media_outlives_the_association),
		TEST(test_b12_many_calls_leak_nothing_and_reuse_nothing_early),
		TEST(test_stray_packets_become_an_event),
		TEST(test_exit_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
