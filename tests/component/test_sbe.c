/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sbe program from outside: exit codes, strangers and peers on UDP, probes, reload, records, stop.
 * Needs SPEER_BIN (set by tests/run.sh).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

#define WAIT_MS 10000
#define POLL_MS 10

static char dir[64], program[512], conf_path[96], log_path[96];
static pid_t running; /* what a failed test leaves behind is ended by the teardown */
static unsigned sip_port, gate_port, peer_port, quiet_port;
static int peer; /* a socket of peer pbx, 127.0.0.10 */

/* ---------------------------------------------------------------- the program */

static pid_t spawn(const char *const *args, const char *output)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(fd, 1);
		dup2(fd, 2);
		execv(program, (char *const *)(uintptr_t)args);
		_exit(99);
	}
	return pid;
}

/* Wait for the end, not for ever. @return exit status, -1 for a signal. */
static int ended(pid_t pid, unsigned limit_ms)
{
	uint64_t end_ms = clock_now_ms() + limit_ms;
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (clock_now_ms() > end_ms) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -2;
		}
		poll(NULL, 0, POLL_MS);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *text_of(const char *path)
{
	static char text[1 << 20];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return text;
}

static int run(const char *arg1, const char *arg2, const char *arg3)
{
	const char *const args[] = {"sbe", arg1, arg2, arg3, NULL};

	(void)unlink(log_path);
	return ended(spawn(args, log_path), WAIT_MS);
}

/* ---------------------------------------------------------------- configuration */

static int udp_socket(const char *ip, unsigned port, unsigned *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, ip, &a.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static unsigned free_port(const char *ip)
{
	unsigned port;

	close(udp_socket(ip, 0, &port));
	return port;
}

/* members: more of peer pbx; ' for " */
static void write_conf(const char *members)
{
	char text[4096];
	FILE *f = fopen(conf_path, "w");

	assert_non_null(f);
	(void)snprintf(
		text, sizeof(text),
		"{'node':'sbe1','domains':['a.example'],\n"
		"'control':{'socket':'%s/sock'},'http':{'listen':'off'},\n"
		"'gate_control':{'listen':['127.0.0.1:%u'],'dbes':['dbe1']},\n"
		"'realms':{'core':{'listen':['udp:127.0.0.1:%u']}},\n"
		"'peers':{'pbx':{'realm':'core','sources':['127.0.0.10'],\n"
		"'next_hops':['sip:127.0.0.10:%u']%s},\n"
		"'quiet':{'realm':'core','sources':['127.0.0.11'],'next_hops':['sip:127.0.0.11:%u'],\n"
		"'probe':{'interval_s':1,'down_after':1}}},\n"
		"'routes':[{'name':'back','from':['pbx'],'to':[{'peer':'pbx'}]}],\n"
		"'cdr':{'directory':'%s/cdr'}}\n",
		dir, gate_port, sip_port, peer_port, members, quiet_port, dir);
	for (const char *p = text; *p; p++)
		fputc(*p == '\'' ? '"' : *p, f);
	fclose(f);
}

/* ---------------------------------------------------------------- the operators' socket */

/* @return the whole reply, or NULL when nobody answers. */
static json_t *ask(const char *command)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char line[65536];
	size_t n = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	json_t *reply = NULL;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", dir);
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		int len =
			snprintf(line, sizeof(line), "{\"v\":1,\"cmd\":%s,\"opts\":{}}\n", command);

		assert_int_equal(write(fd, line, (size_t)len), len);
		while (n < sizeof(line) && (n == 0 || line[n - 1] != '\n')) {
			ssize_t got = read(fd, line + n, sizeof(line) - n);

			if (got <= 0)
				break;
			n += (size_t)got;
		}
		reply = json_loadb(line, n, 0, NULL);
	}
	close(fd);
	return reply;
}

static int code_of(const char *command)
{
	json_t *reply = ask(command);
	int code = (int)json_integer_value(json_object_get(reply, "code"));

	assert_non_null(reply);
	json_decref(reply);
	return code;
}

/* A cell of `peer list`: 2 admin state, 3 health. */
static bool peer_is(const char *name, size_t column, const char *expected)
{
	json_t *reply = ask("[\"peer\",\"list\"]"), *row;
	bool is = false;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(reply, "data"), "rows"), i, row) {
		if (!strcmp(json_string_value(json_array_get(row, 0)), name))
			is = !strcmp(json_string_value(json_array_get(row, column)), expected);
	}
	json_decref(reply);
	return is;
}

static void await_peer(const char *name, size_t column, const char *expected)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	while (!peer_is(name, column, expected)) {
		if (clock_now_ms() > end_ms)
			fail_msg("peer %s is not \"%s\"", name, expected);
		poll(NULL, 0, POLL_MS);
	}
}

/* ---------------------------------------------------------------- SIP */

static void send_sip(int fd, const char *method, const char *uri, const char *id)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)sip_port)};
	char text[2048];
	int n = snprintf(
		text, sizeof(text),
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.10:5060;branch=z9hG4bK%s;rport\r\n"
		"From: <sip:x@127.0.0.10>;tag=f%s\r\nTo: <%s>\r\nCall-ID: %s@test\r\nCSeq: 1 %s\r\n"
		"Contact: <sip:x@127.0.0.10>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		method, uri, id, id, uri, id, method);

	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
	assert_int_equal(sendto(fd, text, (size_t)n, 0, (struct sockaddr *)&to, sizeof(to)), n);
}

/* The next message that begins so; others are dropped. */
static const char *await_sip(int fd, const char *begin, struct sockaddr_in *ret_from)
{
	static char text[8192];
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n;

		if (clock_now_ms() > end_ms)
			fail_msg("no message \"%s\"", begin);
		if (poll(&p, 1, POLL_MS) <= 0)
			continue;
		n = recvfrom(fd, text, sizeof(text) - 1, 0, (struct sockaddr *)&from, &len);
		assert_true(n >= 0);
		text[n] = '\0';
		if (ret_from)
			*ret_from = from;
		if (!strncmp(text, begin, strlen(begin)))
			return text;
	}
}

/* 200 to a probe: its Via, From, To, Call-ID and CSeq come back. */
static void answer_200(int fd, const char *request, const struct sockaddr_in *to)
{
	static const char *const names[] = {"Via:", "From:", "To:", "Call-ID:", "CSeq:"};
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *line = strstr(request, names[i]);

		assert_non_null(line);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s\r\n",
				      (int)strcspn(line, "\r"), line, i == 2 ? ";tag=q" : "");
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "Content-Length: 0\r\n\r\n");
	assert_int_equal(sendto(fd, text, n, 0, (const struct sockaddr *)to, sizeof(*to)), n);
}

/* ---------------------------------------------------------------- set-up */

static int group_setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/sbe-XXXXXX");
	if (!getenv("SPEER_BIN") || !mkdtemp(dir))
		return -1;
	(void)snprintf(program, sizeof(program), "%s/sbe", getenv("SPEER_BIN"));
	(void)snprintf(conf_path, sizeof(conf_path), "%s/sbe.json", dir);
	(void)snprintf(log_path, sizeof(log_path), "%s/log", dir);
	return 0;
}

static int group_teardown(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void start(const char *members)
{
	const char *const args[] = {"sbe", "-c", conf_path, NULL};
	uint64_t end_ms = clock_now_ms() + WAIT_MS;
	json_t *reply = NULL;

	sip_port = free_port("127.0.0.1");
	gate_port = free_port("127.0.0.1");
	quiet_port = free_port("127.0.0.11");
	peer = udp_socket("127.0.0.10", 0, &peer_port);
	write_conf(members);
	(void)unlink(log_path);
	running = spawn(args, log_path);
	while (!(reply = ask("[\"status\"]"))) {
		if (clock_now_ms() > end_ms)
			fail_msg("the sbe does not start: %s", text_of(log_path));
		poll(NULL, 0, POLL_MS);
	}
	json_decref(reply);
}

static void stop(void)
{
	pid_t pid = running;
	int status;

	running = 0;
	close(peer);
	peer = -1;
	kill(pid, SIGTERM);
	status = ended(pid, 5000);
	if (status)
		fail_msg("ended with %d: %s", status, text_of(log_path));
}

static int teardown(void **state)
{
	(void)state;
	if (running) {
		kill(running, SIGKILL);
		waitpid(running, NULL, 0);
		close(peer);
	}
	running = 0;
	return 0;
}

/* ---------------------------------------------------------------- tests */

static void exit_codes(void **state)
{
	(void)state;
	json_t *schema;

	sip_port = 5999;
	peer_port = quiet_port = 5998;
	gate_port = 5997;
	assert_int_equal(run("--version", NULL, NULL), 0);
	assert_int_equal(strncmp(text_of(log_path), "sbe ", 4), 0);
	assert_int_equal(run("--schema", NULL, NULL), 0);
	schema = json_loads(text_of(log_path), 0, NULL);
	assert_non_null(json_object_get(json_object_get(schema, "properties"), "realms"));
	json_decref(schema);
	assert_int_equal(run("--nonsense", NULL, NULL), 2);
	assert_int_equal(run("-t", "-c", "/nowhere/sbe.json"), 2);
	write_conf("");
	assert_int_equal(run("-t", "-c", conf_path), 0);
	write_conf(",'limits':{\n'sesions':1}");
	assert_int_equal(run("-t", "-c", conf_path), 2);
	assert_non_null(strstr(text_of(log_path),
			       "sbe.json:7: peers.pbx.limits.sesions: unknown key, allowed: "));
	assert_int_equal(run("-c", conf_path, NULL), 2);
}

/* The smallest useful pair that ships: both daemons take it as it is. */
static void shipped_pair(void **state)
{
	(void)state;
	char sbe[512];

	assert_int_equal(run("-t", "-c", "deploy/conf/sbe.json"), 0);
	(void)snprintf(sbe, sizeof(sbe), "%s", program);
	(void)snprintf(program, sizeof(program), "%s/dbe", getenv("SPEER_BIN"));
	if (run("-t", "-c", "deploy/conf/dbe.json"))
		fail_msg("%s", text_of(log_path));
	(void)snprintf(program, sizeof(program), "%s", sbe);
}

/* E11: exactly 403 Unsupported Peer to who is none; a peer is answered. */
static void strangers_and_peers(void **state)
{
	(void)state;
	unsigned port;
	int stranger;

	start("");
	stranger = udp_socket("127.0.0.99", 0, &port);
	send_sip(stranger, "INVITE", "sip:+4420@a.example", "s1");
	assert_int_equal(strncmp(await_sip(stranger, "SIP/2.0 4", NULL),
				 "SIP/2.0 403 Unsupported Peer\r\n", 30),
			 0);
	close(stranger);
	send_sip(peer, "OPTIONS", "sip:127.0.0.1", "p1");
	(void)await_sip(peer, "SIP/2.0 200 ", NULL);
	/* nobody to carry media: refused at once, with a record */
	send_sip(peer, "INVITE", "sip:+4420@a.example", "p2");
	(void)await_sip(peer, "SIP/2.0 503 ", NULL);
	send_sip(peer, "INVITE", "sip:+4420@other.example", "p3");
	(void)await_sip(peer, "SIP/2.0 404 ", NULL);
	stop();
}

/* One complete file of records after a stop, one line for each attempt (U5). */
static void records(void **state)
{
	(void)state;
	char path[384] = "", line[8192];
	struct dirent *e;
	DIR *d;
	FILE *f;
	int n = 0;

	start("");
	for (int i = 0; i < 3; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "r%d", i);
		send_sip(peer, "INVITE", "sip:+4420@a.example", id);
		(void)await_sip(peer, "SIP/2.0 503 ", NULL);
	}
	stop();
	(void)snprintf(line, sizeof(line), "%s/cdr", dir);
	d = opendir(line);
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (strstr(e->d_name, ".tmp"))
			fail_msg("%s is left", e->d_name);
		if (strstr(e->d_name, ".jsonl"))
			if (strcmp(e->d_name, path) > 0)
				(void)snprintf(path, sizeof(path), "%s",
					       e->d_name); /* the newest */
	}
	closedir(d);
	(void)snprintf(line, sizeof(line), "%s/cdr/%s", dir, path);
	f = fopen(line, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		json_t *o = json_loads(line, 0, NULL);

		assert_non_null(o);
		assert_int_equal(json_integer_value(json_object_get(o, "sequence")), ++n);
		assert_string_equal(json_string_value(json_object_get(o, "node")), "sbe1");
		json_decref(o);
	}
	fclose(f);
	assert_int_equal(n, 3);
}

static void probes(void **state)
{
	(void)state;
	struct sockaddr_in from;

	start(",'probe':{'interval_s':1,'down_after':1}");
	answer_200(peer, await_sip(peer, "OPTIONS sip:127.0.0.10:", &from), &from);
	await_peer("quiet", 3, "down");
	assert_true(peer_is("pbx", 3, "up"));
	stop();
}

static void reload(void **state)
{
	(void)state;
	json_t *reply;

	start("");
	assert_int_equal(code_of("[\"peer\",\"block\",\"pbx\"]"), 0);
	assert_int_equal(code_of("[\"peer\",\"block\",\"nobody\"]"), 3);
	/* bad: refused with its error, nothing changes */
	write_conf(",'limits':{'cps':'many'}");
	reply = ask("[\"config\",\"reload\"]");
	assert_int_equal(json_integer_value(json_object_get(reply, "code")), 1);
	assert_non_null(strstr(json_string_value(json_object_get(reply, "error")),
			       "peers.pbx.limits.cps: must be"));
	json_decref(reply);
	kill(running, SIGHUP);
	assert_true(peer_is("pbx", 2, "blocked"));
	/* good: what was blocked stays so */
	write_conf(",'limits':{'cps':1}");
	reply = ask("[\"config\",\"reload\"]");
	assert_int_equal(json_integer_value(json_object_get(reply, "code")), 0);
	assert_string_equal(json_string_value(json_object_get(json_object_get(reply, "data"),
							      "waits_for_restart")),
			    "");
	json_decref(reply);
	assert_true(peer_is("pbx", 2, "blocked"));
	assert_int_equal(code_of("[\"peer\",\"unblock\",\"pbx\"]"), 0);
	reply = ask("[\"peer\",\"show\",\"pbx\"]");
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json_object_get(reply, "data"), "limits"), "cps")),
			 1);
	json_decref(reply);
	/* what cannot follow is named */
	gate_port = gate_port == 2 ? 3 : 2;
	write_conf("");
	reply = ask("[\"config\",\"reload\"]");
	assert_string_equal(json_string_value(json_object_get(json_object_get(reply, "data"),
							      "waits_for_restart")),
			    "gate_control");
	json_decref(reply);
	stop();
	assert_non_null(strstr(text_of(log_path), "reload refused, the old configuration stays"));
}

/* An address that is taken is a failure, not a configuration error. */
static void address_taken(void **state)
{
	(void)state;
	const char *const args[] = {"sbe", "-c", conf_path, NULL};
	char other[96];
	unsigned port;
	int taken;

	start("");
	stop();
	taken = udp_socket("127.0.0.1", sip_port, &port);
	(void)snprintf(other, sizeof(other), "%s/other.log", dir);
	assert_int_equal(ended(spawn(args, other), WAIT_MS), 1);
	assert_non_null(strstr(text_of(other), "realm core: cannot listen on UDP 127.0.0.1:"));
	close(taken);
}

static void second_instance(void **state)
{
	(void)state;
	const char *const args[] = {"sbe", "-c", conf_path, NULL};
	char other[96];

	start("");
	(void)snprintf(other, sizeof(other), "%s/second.log", dir);
	assert_int_equal(ended(spawn(args, other), WAIT_MS), 1);
	assert_int_equal(code_of("[\"status\"]"), 0); /* the first one is not disturbed */
	stop();
}

static void socket_is_gone_after_stop(void **state)
{
	(void)state;
	char path[96];

	start("");
	stop();
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(exit_codes, teardown),
		cmocka_unit_test_teardown(shipped_pair, teardown),
		cmocka_unit_test_teardown(strangers_and_peers, teardown),
		cmocka_unit_test_teardown(records, teardown),
		cmocka_unit_test_teardown(probes, teardown),
		cmocka_unit_test_teardown(reload, teardown),
		cmocka_unit_test_teardown(address_taken, teardown),
		cmocka_unit_test_teardown(second_instance, teardown),
		cmocka_unit_test_teardown(socket_is_gone_after_stop, teardown),
	};

	return cmocka_run_group_tests_name("sbe program", tests, group_setup, group_teardown);
}
