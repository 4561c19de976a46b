/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_turn - one turn of the loop: what is put off to its end, how soon the next begins, how long was waited between.
 *
 * To be woken costs a process more than most messages it is woken for: the processor has gone to sleep, and its caches
 * have forgotten us. A busy loop therefore gathers: its turns begin no closer together than loop_turn_gather() says, and
 * each handles what has come meanwhile. A loop that is not busy never waits, nor does one that left something unread,
 * and an urgent descriptor ends the wait: what it brings was asked for by us, and a call waits for it.
 * libuv can tell the time waited too (UV_METRICS_IDLE_TIME), but asks the kernel twice per turn for it. Here the wait
 * ends with the first callback of a socket that reports it, or with the end of the turn's events.
 * Owner: static storage, one loop per process. Thread: that of the loop.
 */
#ifndef COMMON_NET_LOOP_TURN_H
#define COMMON_NET_LOOP_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

/** Something to do once at the end of a turn. All zero is valid and not waiting. */
struct loop_task {
	TAILQ_ENTRY(loop_task) link;
	void (*run)(void *arg);
	void *arg;
	bool waiting;
};

/** Begin with this loop; nothing is gathered yet. @return 0 or -errno of libuv. */
int loop_turn_start(uv_loop_t *loop);
/** Close what start opened; the loop must run once more. */
void loop_turn_stop(void);

/**
 * Least time from one turn to the next while the loop is busy: loop_turn_worked() LOOP_TURN_BUSY_PER_S times a second or more.
 * 0 = never wait.
 */
void loop_turn_gather(uint32_t least_us);
#define LOOP_TURN_BUSY_PER_S 400U

/**
 * Run this before the loop waits again, once, however often it is asked for. Put into task: owner's, and forgotten
 * before its memory goes.
 * @return false when no loop was started here (a test, a tool): do it now.
 */
bool loop_turn_at_end(struct loop_task *task, void (*run)(void *arg), void *arg);
void loop_turn_forget(struct loop_task *task);

/** What this descriptor brings does not wait; of more than LOOP_TURN_URGENT_MAX the last ones do. Forget it before it is closed. */
void loop_turn_urgent(int fd);
void loop_turn_not_urgent(int fd);
#define LOOP_TURN_URGENT_MAX 64U

/** Work that we are here for: only this makes a loop busy, not what strangers throw at it. */
void loop_turn_worked(void);
/** A callback of a socket begins: cheap when it is not the turn's first. */
void loop_turn_woke(void);
/** A socket has more than was taken from it: the next turn is at once. */
void loop_turn_unread(void);

/** Time waited since the start. */
uint64_t loop_turn_idle_us(void);

#endif
