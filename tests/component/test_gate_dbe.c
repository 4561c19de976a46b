/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sbe's pool (in this process) with dbe programs: contexts on real ports, and what is left of them when
 * either side is killed or stopped. Needs SPEER_BIN (set by tests/run.sh).
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/net/timer_uv.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_pool.h"

#define WAIT_MS 15000
#define PAIRS 700
#define CONTEXTS 600

static char dir[64], program[512];
static pid_t dbes[2];
static uv_loop_t loop;
static struct timer_wheel *wheel;
static struct timer_uv *timers;
static struct gate_pool *pool;
static struct addr address;
static size_t live_before;

static uint64_t now(void)
{
	return clock_now_ms();
}

#define RUN_UNTIL(condition)                                                                       \
	do {                                                                                       \
		uint64_t end_ms_ = clock_now_ms() + WAIT_MS;                                       \
		while (!(condition)) {                                                             \
			uv_run(&loop, UV_RUN_ONCE);                                                \
			if (clock_now_ms() > end_ms_)                                              \
				fail_msg("no %s in %d ms", #condition, WAIT_MS);                   \
		}                                                                                  \
	} while (0)

/* ---------------------------------------------------------------- processes */
static void dbe_start(int i)
{
	char conf[128], log[128], text[ADDR_TEXT_BYTES];
	FILE *f;

	snprintf(conf, sizeof(conf), "%s/dbe%d.json", dir, i);
	snprintf(log, sizeof(log), "%s/dbe%d.log", dir, i);
	f = fopen(conf, "w");
	assert_non_null(f);
	fprintf(f,
		"{\"name\":\"dbe%d\",\"control\":{\"socket\":\"%s/dbe%d.sock\"},"
		"\"http\":{\"listen\":\"127.0.0.1:%d\"},\"controllers\":[\"%s\"],"
		"\"realms\":{\"core\":{\"addresses\":[{\"bind\":\"127.0.0.%d\",\"ports\":\"21000-%d\"}]},"
		"\"peering\":{\"addresses\":[{\"bind\":\"127.0.0.%d\",\"ports\":\"21000-%d\"}]}}}\n",
		i, dir, i, 15000 + 2 * ((int)getpid() % 2500) + i,
		addr_print(&address, text, sizeof(text)), 31 + 2 * i, 20999 + 2 * PAIRS, 32 + 2 * i,
		20999 + 2 * PAIRS);
	fclose(f);
	dbes[i] = fork();
	assert_true(dbes[i] >= 0);
	if (dbes[i] == 0) {
		dup2(open(log, O_CREAT | O_WRONLY | O_APPEND, 0600), 2);
		execl(program, program, "-c", conf, (char *)NULL);
		_exit(127);
	}
}

static void dbe_kill(int i, int signal)
{
	int status;

	if (dbes[i] <= 0)
		return;
	kill(dbes[i], signal);
	kill(dbes[i], SIGCONT);
	waitpid(dbes[i], &status, 0);
	dbes[i] = 0;
}

static void pool_begin(void)
{
	static const char *const names[] = {"dbe0", "dbe1"};
	const struct gate_pool_options o = {.node = "sbe1", .dbes = names, .ndbes = 2};

	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(timer_wheel_new(now(), &wheel), 0);
	timer_wheel_set_clock(wheel, now);
	assert_int_equal(timer_uv_new(&loop, wheel, &timers), 0);
	assert_int_equal(gate_pool_new(&o, wheel, &pool), 0);
	assert_int_equal(gate_pool_listen(pool, &loop, &address, NULL), 0);
}

static void pool_end(void)
{
	gate_pool_free(pool);
	pool = NULL;
	assert_int_equal(timer_wheel_count(wheel), 0);
	timer_uv_close(timers);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	timer_wheel_free(wheel);
}

static void choose_port(void)
{
	struct sockaddr_storage sa;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len;

	assert_int_equal(addr_parse("127.0.0.1", &address), 0);
	len = addr_to_sockaddr(&address, &sa);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &address), 0);
	close(fd);
}

static int setup(void **state)
{
	const char *bin = getenv("SPEER_BIN");

	(void)state;
	live_before = mem_live();
	snprintf(program, sizeof(program), "%s/dbe", bin ? bin : "build/bin");
	strcpy(dir, "/tmp/gate-dbe-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	choose_port();
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	dbe_kill(0, SIGKILL);
	dbe_kill(1, SIGKILL);
	if (pool)
		pool_end();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(mem_live(), live_before);
	return 0;
}

/* ---------------------------------------------------------------- calls */
static struct user {
	struct gate_context *c;
	int err, final_err;
	size_t replies, finals, lost, back, gone;
	struct gate_stream local[2]; /* as the last reply or audit says */
	uint16_t code;
} users[CONTEXTS];

static void on_reply(void *arg, int err, const struct gate_action *reply)
{
	struct user *u = arg;
	int side;

	u->replies++;
	u->err = err;
	u->code = err == -EPROTO && reply ? reply->commands[0].code : 0;
	for (side = 0; !err && side < 2; side++)
		if (reply->commands[side].nstreams &&
		    (reply->commands[side].streams[0].has & GATE_HAS_LOCAL))
			u->local[side] = reply->commands[side].streams[0];
}

static void on_final(void *arg, int err, const struct gate_final *final)
{
	struct user *u = arg;
	int side;

	u->finals++;
	u->final_err = err;
	for (side = 0; !err && side < 2; side++)
		if (final->terminations[side].nstreams)
			u->local[side] = final->terminations[side].streams[0];
}

static void on_trouble(void *arg, enum gate_trouble what, int side, const struct gate_event *event)
{
	struct user *u = arg;

	(void)side;
	(void)event;
	u->lost += what == GATE_TROUBLE_LOST;
	u->back += what == GATE_TROUBLE_BACK;
	u->gone += what == GATE_TROUBLE_GONE;
}

static void ask(struct user *u)
{
	static struct gate_open_params p;
	int side;

	memset(u, 0, sizeof(*u));
	memset(&p, 0, sizeof(p));
	p.realm[0] = "core";
	p.realm[1] = "peering";
	p.nstreams = 1;
	p.label = "test";
	for (side = 0; side < 2; side++) {
		struct gate_stream *s = &p.streams[side][0];

		s->id = 1;
		s->has = GATE_HAS_MODE | GATE_HAS_REMOTE | GATE_HAS_PAYLOADS;
		s->rtp = true;
		s->payloads[0] = 1;
		s->remote_rtp = (struct addr){ADDR_V4, 0, (uint16_t)(30000 + side), {127, 0, 0, 1}};
	}
	assert_int_equal(gate_open(pool, &p, on_reply, u, &u->c), 0);
	gate_on_trouble(u->c, on_trouble, u);
}

static void open_one(struct user *u)
{
	ask(u);
	RUN_UNTIL(u->replies == 1);
	assert_int_equal(u->err, 0);
}

/* Some at a time: each has its deadline, and a busy machine takes a while for hundreds. */
static void open_all(void)
{
	for (size_t done = 0; done < CONTEXTS; done += CONTEXTS / 10) {
		for (size_t i = done; i < done + CONTEXTS / 10; i++)
			ask(&users[i]);
		for (size_t i = done; i < done + CONTEXTS / 10; i++) {
			RUN_UNTIL(users[i].replies == 1);
			assert_int_equal(users[i].err, 0);
		}
	}
}

static void close_one(struct user *u)
{
	gate_close(u->c, on_final, u);
	RUN_UNTIL(u->finals == 1);
}

/* Free pairs in both realms of a dbe, as it told last (every 5 s). */
static json_int_t free_pairs(const char *name)
{
	json_t *show = gate_pool_show(pool, name), *realm;
	json_int_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(show, "realms"), i, realm)
		n += json_integer_value(json_object_get(realm, "ports_free"));
	json_decref(show);
	return n;
}

/* ---------------------------------------------------------------- tests */
static void a_context_on_real_ports(void **state)
{
	struct user *u = &users[0];
	struct gate_stream s;
	struct gate_change change = {{NULL, &s}, {0, 1}};

	(void)state;
	pool_begin();
	dbe_start(0);
	RUN_UNTIL(gate_pool_in_service(pool) == 1);
	open_one(u);
	assert_int_equal(u->local[0].local_rtp.ip[3], 31);
	assert_int_equal(u->local[1].local_rtp.ip[3], 32);
	assert_true(u->local[1].local_rtp.port >= 21000);
	/* one side only: the other is left alone (J2, X6) */
	gate_stream_clear(&s);
	s.id = 1;
	s.has = GATE_HAS_MODE;
	s.mode = GATE_SENDRECV;
	assert_int_equal(gate_modify(u->c, &change, on_reply, u), 0);
	RUN_UNTIL(u->replies == 2);
	assert_int_equal(u->err, 0);
	assert_int_equal(gate_audit(u->c, on_final, u), 0);
	RUN_UNTIL(u->finals == 1);
	assert_int_equal(u->final_err, 0);
	assert_int_equal(u->local[0].mode, GATE_INACTIVE);
	assert_int_equal(u->local[1].mode, GATE_SENDRECV);
	assert_true(u->local[0].has & GATE_HAS_STATISTICS);
	u->finals = 0;
	close_one(u);
	assert_int_equal(u->final_err, 0);
}

/* J9b, C13, D1: the sbe dies with contexts open; its next life finds them as strays and subtracts them, in pages */
static void contexts_of_a_killed_sbe_are_subtracted(void **state)
{
	int64_t strays;
	int status;
	pid_t sbe;

	(void)state;
	dbe_start(0);
	sbe = fork();
	assert_true(sbe >= 0);
	if (sbe == 0) {
		pool_begin();
		RUN_UNTIL(gate_pool_in_service(pool) == 1);
		open_all();
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(sbe, &status, 0), sbe);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	pool_begin();
	strays = metric_get(&gate_metrics, GATE_M_STRAYS);
	RUN_UNTIL(metric_get(&gate_metrics, GATE_M_STRAYS) - strays == CONTEXTS);
	RUN_UNTIL(free_pairs("dbe0") == 2 * PAIRS);
}

/* J9d, C8: a dbe dies; new contexts go to the other one at once, and when it is back its old ones are gone */
static void a_killed_dbe(void **state)
{
	struct user *u = &users[0], *v = &users[1];
	uint64_t start_ms;

	(void)state;
	pool_begin();
	dbe_start(0);
	RUN_UNTIL(gate_pool_in_service(pool) == 1);
	open_one(u);
	dbe_start(1);
	RUN_UNTIL(gate_pool_in_service(pool) == 2);
	dbe_kill(0, SIGKILL);
	start_ms = clock_now_ms();
	open_one(v);
	assert_true(clock_now_ms() - start_ms < 1500);
	assert_string_equal(gate_context_dbe(v->c), "dbe1");
	RUN_UNTIL(u->lost == 1);
	dbe_start(0);
	RUN_UNTIL(u->gone == 1);
	assert_int_equal(u->back, 0);
	close_one(u);
	assert_int_equal(u->final_err, -EHOSTDOWN);
	close_one(v);
	assert_int_equal(v->final_err, 0);
}

/* C11: a dbe stands still for a while: no caller waits for it longer than a second, and no gate is left over */
static void a_stopped_dbe(void **state)
{
	uint64_t start_ms;
	size_t i;

	(void)state;
	pool_begin();
	dbe_start(0);
	dbe_start(1);
	RUN_UNTIL(gate_pool_in_service(pool) == 2);
	kill(dbes[0], SIGSTOP);
	start_ms = clock_now_ms();
	for (i = 0; i < 20; i++)
		ask(&users[i]);
	for (i = 0; i < 20; i++) {
		RUN_UNTIL(users[i].replies == 1);
		assert_int_equal(users[i].err, 0);
		assert_string_equal(gate_context_dbe(users[i].c), "dbe1");
	}
	assert_true(clock_now_ms() - start_ms < 1500);
	/* tripped or lost by now: nobody waits any more */
	start_ms = clock_now_ms();
	open_one(&users[20]);
	assert_true(clock_now_ms() - start_ms < 400); /* not request_ms */
	RUN_UNTIL(gate_pool_in_service(pool) == 1);
	kill(dbes[0], SIGCONT);
	RUN_UNTIL(gate_pool_in_service(pool) == 2);
	for (i = 0; i < 21; i++)
		close_one(&users[i]);
	RUN_UNTIL(free_pairs("dbe0") == 2 * PAIRS && free_pairs("dbe1") == 2 * PAIRS);
}

/* C12: the last pair; what comes then is refused with a reason, and room is used again */
static void a_full_dbe(void **state)
{
	static struct user more[PAIRS - CONTEXTS + 1];
	size_t i;

	(void)state;
	pool_begin();
	dbe_start(0);
	RUN_UNTIL(gate_pool_in_service(pool) == 1);
	open_all();
	for (i = 0; i < PAIRS - CONTEXTS; i++)
		open_one(&more[i]);
	ask(&more[i]);
	RUN_UNTIL(more[i].replies == 1);
	assert_int_equal(more[i].err, -ENOSPC);
	gate_close(more[i].c, NULL, NULL);
	for (i = 0; i < PAIRS - CONTEXTS; i++)
		close_one(&more[i]);
	for (i = 0; i < CONTEXTS; i++)
		close_one(&users[i]);
	assert_int_equal(gate_pool_contexts(pool), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_context_on_real_ports),
		TEST(contexts_of_a_killed_sbe_are_subtracted),
		TEST(a_killed_dbe),
		TEST(a_stopped_dbe),
		TEST(a_full_dbe),
	};

	return cmocka_run_group_tests_name("gate dbe", tests, NULL, NULL);
}
