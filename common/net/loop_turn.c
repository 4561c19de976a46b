/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/loop_turn.h"

#include <poll.h>
#include <time.h>

#define WINDOW_WORK 32U /* whether the loop is busy is asked once in so many */
#define WINDOW_BUSY_NS (WINDOW_WORK * 1000000000ULL / LOOP_TURN_BUSY_PER_S)

static struct {
	uv_prepare_t before; /* runs before the loop waits */
	uv_check_t after;    /* and after all events of the turn */
	bool started, waiting;
	uint64_t since_ns, total_ns;

	TAILQ_HEAD(, loop_task) tasks;
	bool unread;

	bool busy;
	unsigned worked;    /* in this window */
	uint64_t window_ns; /* when it began */
	uint64_t gather_ns, next_ns;
	struct pollfd urgent[LOOP_TURN_URGENT_MAX];
	unsigned nurgent;
} turn;

static void run_tasks(void)
{
	struct loop_task *t;

	/* What a task puts off again runs now too: nothing is left for after the wait. */
	while ((t = TAILQ_FIRST(&turn.tasks))) {
		loop_turn_forget(t);
		t->run(t->arg);
	}
}

static void note_rate(uint64_t now_ns)
{
	uint64_t took_ns = now_ns - turn.window_ns;

	if (turn.worked < WINDOW_WORK && took_ns < 2 * WINDOW_BUSY_NS)
		return;
	/* Once busy, half of it is enough. */
	turn.busy = took_ns <= (turn.busy ? 2 : 1) * WINDOW_BUSY_NS;
	turn.worked = 0;
	turn.window_ns = now_ns;
}

static void gather(uint64_t now_ns)
{
	struct timespec t = {0};

	/* A timer that is due, a handle that is closing, a socket that has more: no time to wait. */
	if (!turn.busy || turn.unread || now_ns >= turn.next_ns ||
	    uv_backend_timeout(turn.before.loop) == 0) {
		turn.next_ns = now_ns + turn.gather_ns;
		return;
	}
	t.tv_nsec = (long)(turn.next_ns - now_ns);
	/* Something urgent makes a turn between two others, a signal one too many: both are fine. */
	if (ppoll(turn.urgent, turn.nurgent, &t, NULL) == 0)
		turn.next_ns += turn.gather_ns;
	uv_update_time(turn.before.loop); /* or its timers would be late by as much */
}

static void on_before(uv_prepare_t *p)
{
	(void)p;
	run_tasks();
	turn.since_ns = uv_hrtime();
	turn.waiting = true;
	if (turn.gather_ns) {
		note_rate(turn.since_ns);
		gather(turn.since_ns);
	}
	turn.unread = false;
}

static void on_after(uv_check_t *c)
{
	(void)c;
	loop_turn_woke();
}

int loop_turn_start(uv_loop_t *loop)
{
	int err = uv_prepare_init(loop, &turn.before);

	if (!err)
		err = uv_check_init(loop, &turn.after);
	if (!err)
		err = uv_prepare_start(&turn.before, on_before);
	if (!err)
		err = uv_check_start(&turn.after, on_after);
	if (err)
		return err;
	uv_unref((uv_handle_t *)&turn.before); /* they keep no loop alive */
	uv_unref((uv_handle_t *)&turn.after);
	TAILQ_INIT(&turn.tasks);
	turn.waiting = turn.busy = turn.unread = false;
	turn.total_ns = 0;
	turn.nurgent = 0;
	turn.worked = 0;
	turn.window_ns = uv_hrtime();
	turn.gather_ns = turn.next_ns = 0;
	turn.started = true;
	return 0;
}

void loop_turn_stop(void)
{
	if (!turn.started)
		return;
	run_tasks();
	turn.started = false;
	uv_close((uv_handle_t *)&turn.before, NULL);
	uv_close((uv_handle_t *)&turn.after, NULL);
}

void loop_turn_gather(uint32_t least_us)
{
	turn.gather_ns = (uint64_t)least_us * 1000;
	turn.next_ns = 0;
}

bool loop_turn_at_end(struct loop_task *task, void (*run)(void *arg), void *arg)
{
	if (!turn.started)
		return false;
	if (task->waiting)
		return true;
	task->run = run;
	task->arg = arg;
	task->waiting = true;
	TAILQ_INSERT_TAIL(&turn.tasks, task, link);
	return true;
}

void loop_turn_forget(struct loop_task *task)
{
	if (!task->waiting)
		return;
	task->waiting = false;
	TAILQ_REMOVE(&turn.tasks, task, link);
}

void loop_turn_urgent(int fd)
{
	if (turn.nurgent < LOOP_TURN_URGENT_MAX)
		turn.urgent[turn.nurgent++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

void loop_turn_not_urgent(int fd)
{
	for (unsigned i = 0; i < turn.nurgent; i++)
		if (turn.urgent[i].fd == fd) {
			turn.urgent[i] = turn.urgent[--turn.nurgent];
			return;
		}
}

void loop_turn_woke(void)
{
	if (!turn.waiting)
		return;
	turn.waiting = false;
	turn.total_ns += uv_hrtime() - turn.since_ns;
}

void loop_turn_worked(void)
{
	turn.worked++;
}

void loop_turn_unread(void)
{
	turn.unread = true;
}

uint64_t loop_turn_idle_us(void)
{
	return turn.total_ns / 1000;
}
