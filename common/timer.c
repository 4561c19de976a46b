/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer - hierarchical timing wheel: four levels of 256 slots.
 *
 * A timer stands on the level of the highest byte in which its due time differs from now, in the
 * slot of that byte of its due time. Level 0 slots are therefore exact milliseconds; a slot of a
 * higher level is spread over the levels below (cascade) in the moment now reaches its first
 * millisecond. Nothing ever stands in the slot now is in. What is more than 2^32 ms away waits on
 * the list `far`. Bitmaps of the slots in use let a run jump from one event to the next, so a
 * jump of the clock costs what it fires and no more.
 *
 * Lists grow at their head (newest first) and are turned round when they are taken, so that timers
 * of one millisecond fire in the order they were started.
 */
#include "common/timer.h"

#include <assert.h>
#include <errno.h>

#include "common/mem.h"

#define TIMER_LEVELS 4
#define TIMER_SLOTS 256
#define TIMER_WORDS (TIMER_SLOTS / 64)
#define TIMER_NEVER UINT64_MAX

struct timer_wheel {
	uint64_t now_ms;
	uint64_t promised_ms; /* the owner of the loop wakes at this time, by our last answer */
	size_t count;
	struct timer *slots[TIMER_LEVELS * TIMER_SLOTS];
	uint64_t used[TIMER_LEVELS][TIMER_WORDS];
	struct timer *far;
	struct timer *ready;   /* due already when they were started: for the next run */
	struct timer *expired; /* being fired, oldest first */
	uint64_t (*clock_ms)(void);
	void (*on_earlier)(void *arg);
	void *on_earlier_arg;
	bool running, earlier;
};

static void timer_link(struct timer **head, struct timer *t)
{
	t->next = *head;
	t->prev = head;
	if (t->next)
		t->next->prev = &t->next;
	*head = t;
}

static void timer_unlink(struct timer *t)
{
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->next = NULL;
	t->prev = NULL;
}

/* Empty a list into one that runs the other way, from oldest to newest. */
static struct timer *timer_take_reversed(struct timer **head)
{
	struct timer *oldest = NULL, *t;

	while ((t = *head)) {
		*head = t->next;
		t->next = oldest;
		oldest = t;
	}
	return oldest;
}

static int timer_byte(uint64_t ms, int level)
{
	return (int)(ms >> (8 * level) & 0xff);
}

static void timer_place(struct timer_wheel *w, struct timer *t)
{
	uint64_t differ = t->due_ms ^ w->now_ms;
	int level, slot;

	if (t->due_ms <= w->now_ms) {
		timer_link(&w->ready, t);
		return;
	}
	level = (63 - __builtin_clzll(differ)) / 8;
	if (level >= TIMER_LEVELS) {
		timer_link(&w->far, t);
		return;
	}
	slot = timer_byte(t->due_ms, level);
	w->used[level][slot / 64] |= 1ULL << (slot % 64);
	timer_link(&w->slots[level * TIMER_SLOTS + slot], t);
}

/* A timer that was the only one of its slot leaves: its bit must go as well. */
static void timer_clear_used(struct timer_wheel *w, struct timer **head)
{
	uintptr_t offset = (uintptr_t)head - (uintptr_t)w->slots;

	if (offset < sizeof(w->slots)) {
		size_t i = offset / sizeof(w->slots[0]);

		w->used[i / TIMER_SLOTS][i % TIMER_SLOTS / 64] &= ~(1ULL << (i % 64));
	}
}

static uint64_t timer_present(const struct timer_wheel *w)
{
	uint64_t now_ms = w->clock_ms ? w->clock_ms() : 0;

	return now_ms > w->now_ms ? now_ms : w->now_ms;
}

int timer_wheel_new(uint64_t now_ms, struct timer_wheel **ret_wheel)
{
	struct timer_wheel *w = mem_zalloc(sizeof(*w), NULL);

	if (!w)
		return -ENOMEM;
	w->now_ms = now_ms;
	w->promised_ms = TIMER_NEVER;
	*ret_wheel = w;
	return 0;
}

static void timer_stop_all(struct timer **head)
{
	while (*head)
		timer_stop(*head);
}

void timer_wheel_free(struct timer_wheel *w)
{
	if (!w)
		return;
	assert(!w->running); /* a handler must not free the wheel that calls it */
	/* Their owners may stop them later, and must not find a wheel that is gone. */
	for (int i = 0; i < TIMER_LEVELS * TIMER_SLOTS; i++)
		timer_stop_all(&w->slots[i]);
	timer_stop_all(&w->far);
	timer_stop_all(&w->ready);
	mem_unref(w);
}

void timer_wheel_set_clock(struct timer_wheel *w, uint64_t (*now_ms)(void))
{
	w->clock_ms = now_ms;
}

void timer_wheel_on_earlier(struct timer_wheel *w, void (*fn)(void *arg), void *arg)
{
	w->on_earlier = fn;
	w->on_earlier_arg = arg;
}

static void timer_tell_earlier(struct timer_wheel *w)
{
	w->earlier = false;
	if (w->on_earlier)
		w->on_earlier(w->on_earlier_arg);
}

void timer_start(struct timer_wheel *w, struct timer *t, uint64_t delay_ms, timer_h *fn, void *arg)
{
	uint64_t present_ms = timer_present(w);

	timer_stop(t);
	t->due_ms = delay_ms < TIMER_NEVER - present_ms ? present_ms + delay_ms : TIMER_NEVER;
	t->wheel = w;
	t->fn = fn;
	t->arg = arg;
	timer_place(w, t);
	w->count++;
	if (t->due_ms >= w->promised_ms)
		return;
	w->promised_ms = t->due_ms;
	/* In a run the owner is told once, at the end: more timers may follow. */
	if (w->running)
		w->earlier = true;
	else
		timer_tell_earlier(w);
}

void timer_stop(struct timer *t)
{
	struct timer_wheel *w;
	struct timer **prev;

	if (!t || !t->wheel)
		return;
	w = t->wheel;
	prev = t->prev;
	timer_unlink(t);
	if (!*prev)
		timer_clear_used(w, prev);
	t->wheel = NULL;
	w->count--;
}

bool timer_running(const struct timer *t)
{
	return t && t->wheel;
}

uint64_t timer_left_ms(const struct timer *t)
{
	uint64_t present_ms;

	if (!timer_running(t))
		return 0;
	present_ms = timer_present(t->wheel);
	return t->due_ms > present_ms ? t->due_ms - present_ms : 0;
}

/* The first slot in use after slot `after` on a level. @return TIMER_SLOTS: none. */
static int timer_next_slot(const struct timer_wheel *w, int level, int after)
{
	for (int word = (after + 1) / 64; word < TIMER_WORDS; word++) {
		uint64_t bits = w->used[level][word];

		if (word == (after + 1) / 64)
			bits &= ~0ULL << ((after + 1) % 64);
		if (bits)
			return word * 64 + __builtin_ctzll(bits);
	}
	return TIMER_SLOTS;
}

/*
 * The next moment at which something is to be done, and on which level: TIMER_LEVELS stands for
 * the far list. @return TIMER_NEVER: nothing waits.
 */
static uint64_t timer_next_event(const struct timer_wheel *w, int *ret_level)
{
	uint64_t first_ms = TIMER_NEVER;

	/* A lower level is always nearer: it differs from now in lower bytes only. */
	for (int level = 0; level < TIMER_LEVELS; level++) {
		int slot = timer_next_slot(w, level, timer_byte(w->now_ms, level));

		if (slot < TIMER_SLOTS) {
			uint64_t above = w->now_ms >> (8 * level + 8) << (8 * level + 8);

			*ret_level = level;
			return above | (uint64_t)slot << (8 * level);
		}
	}
	for (const struct timer *t = w->far; t; t = t->next) {
		uint64_t start_ms = t->due_ms >> (8 * TIMER_LEVELS) << (8 * TIMER_LEVELS);

		if (start_ms < first_ms)
			first_ms = start_ms;
	}
	*ret_level = TIMER_LEVELS;
	return first_ms;
}

/* Append a reversed list to the expired ones. @return the new end. */
static struct timer **timer_expire(struct timer **end, struct timer *t)
{
	while (t) {
		struct timer *next = t->next;

		*end = t;
		t->prev = end;
		t->next = NULL;
		end = &t->next;
		t = next;
	}
	return end;
}

/* Go to the next event, which has come. @return the new end of the expired list. */
static struct timer **timer_advance(struct timer_wheel *w, struct timer **end, uint64_t event_ms,
				    int level)
{
	struct timer **head = &w->far;
	struct timer *t;

	w->now_ms = event_ms;
	if (level < TIMER_LEVELS) {
		head = &w->slots[level * TIMER_SLOTS + timer_byte(event_ms, level)];
		timer_clear_used(w, head);
	}
	t = timer_take_reversed(head);
	if (level == 0)
		return timer_expire(end, t);
	while (t) {
		struct timer *next = t->next;

		timer_place(w, t); /* lower down; what is due this very ms goes to ready */
		t = next;
	}
	return timer_expire(end, timer_take_reversed(&w->ready));
}

void timer_wheel_run(struct timer_wheel *w, uint64_t now_ms)
{
	struct timer **end, *t;
	uint64_t event_ms;
	int level;

	assert(!w->running); /* from inside a handler it would fire out of order */
	w->running = true;
	/* First collect, then fire: handlers see one present, and cannot make this run endless. */
	end = timer_expire(&w->expired, timer_take_reversed(&w->ready));
	while ((event_ms = timer_next_event(w, &level)) <= now_ms && event_ms != TIMER_NEVER)
		end = timer_advance(w, end, event_ms, level);
	if (now_ms > w->now_ms)
		w->now_ms = now_ms;

	while ((t = w->expired)) {
		timer_unlink(t);
		t->wheel = NULL;
		w->count--;
		t->fn(t->arg); /* t may be restarted or freed in there */
	}
	w->running = false;
	if (w->earlier)
		timer_tell_earlier(w);
}

int64_t timer_wheel_next_ms(const struct timer_wheel *w, uint64_t now_ms)
{
	int level;
	uint64_t due_ms = w->ready || w->expired ? w->now_ms : timer_next_event(w, &level);

	/* Asking changes nothing in the timers; what was answered is only noted for on_earlier. */
	((struct timer_wheel *)(uintptr_t)w)->promised_ms = due_ms;
	if (due_ms == TIMER_NEVER)
		return -1;
	if (due_ms <= now_ms)
		return 0;
	return due_ms - now_ms < INT64_MAX ? (int64_t)(due_ms - now_ms) : INT64_MAX;
}

size_t timer_wheel_count(const struct timer_wheel *w)
{
	return w ? w->count : 0;
}
