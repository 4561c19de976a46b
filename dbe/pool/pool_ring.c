/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool_ring - a circular queue of free pairs, and two queues of resting ones.
 *
 * Taking from the head of a queue would reuse pairs as late as possible but in an order that can be
 * watched and foretold; drawing from all would reuse some early. So we draw from the first POOL_WINDOW
 * entries of a queue that was shuffled at the start. Where used pairs are preferred they come back at its head.
 */
#include "dbe/pool/pool_ring.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/random.h>

#include "common/mem.h"

#define POOL_WINDOW 64
#define POOL_NIL UINT16_MAX

struct pool_entry {
	uint64_t due_ms; /* resting: free again then */
	uint16_t next;   /* resting: behind this one */
	uint8_t state;   /* enum pool_state */
};

struct pool_queue {
	uint16_t head, tail;
};

struct pool_ring {
	uint16_t base; /* even */
	uint32_t total;
	uint32_t count[POOL_STATES];
	uint32_t head;   /* of order[] */
	uint16_t *order; /* free pairs, circular from head, count[POOL_FREE] long */
	struct pool_entry *entries;
	struct pool_queue resting, refused;
	bool prefer_used;
	uint32_t random[32];
	size_t random_left;
};

/* Uniform enough for small n; the kernel is asked once in 32 draws. */
static uint32_t ring_random(struct pool_ring *r, uint32_t n)
{
	if (r->random_left == 0) {
		ssize_t got = getrandom(r->random, sizeof(r->random), 0);

		r->random_left =
			got < (ssize_t)sizeof(uint32_t) ? 0 : (size_t)got / sizeof(uint32_t);
		if (r->random_left == 0)
			return 0; /* cannot happen once the kernel's generator is up; order alone still rotates */
	}
	return (uint32_t)((uint64_t)r->random[--r->random_left] * n >> 32);
}

static uint16_t *ring_slot(struct pool_ring *r, uint32_t n)
{
	uint32_t at = r->head + n;

	return &r->order[at >= r->total ? at - r->total : at];
}

static void ring_swap(struct pool_ring *r, uint32_t a, uint32_t b)
{
	uint16_t *x = ring_slot(r, a), *y = ring_slot(r, b), t = *x;

	*x = *y;
	*y = t;
}

int pool_ring_new(uint16_t low, uint16_t high, struct pool_ring **ret_ring)
{
	uint32_t base = (uint32_t)low + (low & 1);
	struct pool_ring *r;

	if (base == 0 || base + 1 > high)
		return -EINVAL;
	r = mem_zalloc(sizeof(*r), NULL);
	if (!r)
		return -ENOMEM;
	r->base = (uint16_t)base;
	r->total = (high - base + 1) / 2;
	r->order = mem_buffer(r->total * sizeof(*r->order));
	r->entries = mem_buffer(r->total * sizeof(*r->entries));
	if (!r->order || !r->entries) {
		pool_ring_free(r);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < r->total; i++) {
		r->order[i] = (uint16_t)i;
		r->entries[i] = (struct pool_entry){.state = POOL_FREE};
	}
	for (uint32_t i = r->total; i > 1; i--)
		ring_swap(r, i - 1, ring_random(r, i));
	r->count[POOL_FREE] = r->total;
	r->resting = r->refused = (struct pool_queue){POOL_NIL, POOL_NIL};
	*ret_ring = r;
	return 0;
}

void pool_ring_prefer_used(struct pool_ring *r)
{
	r->prefer_used = true;
}

void pool_ring_free(struct pool_ring *r)
{
	if (!r)
		return;
	mem_free(r->order);
	mem_free(r->entries);
	mem_unref(r);
}

static void ring_set_state(struct pool_ring *r, uint16_t i, enum pool_state state)
{
	r->count[r->entries[i].state]--;
	r->entries[i].state = (uint8_t)state;
	r->count[state]++;
}

static void ring_add_free(struct pool_ring *r, uint16_t i)
{
	*ring_slot(r, r->count[POOL_FREE]) = i;
	ring_set_state(r, i, POOL_FREE);
}

static void ring_add_rested(struct pool_ring *r, uint16_t i)
{
	if (!r->prefer_used) {
		ring_add_free(r, i);
		return;
	}
	r->head = r->head == 0 ? r->total - 1 : r->head - 1;
	r->order[r->head] = i;
	ring_set_state(r, i, POOL_FREE);
}

static void ring_age_queue(struct pool_ring *r, struct pool_queue *q, uint64_t now_ms)
{
	while (q->head != POOL_NIL && r->entries[q->head].due_ms <= now_ms) {
		uint16_t i = q->head;

		q->head = r->entries[i].next;
		if (q->head == POOL_NIL)
			q->tail = POOL_NIL;
		if (q == &r->resting)
			ring_add_rested(r, i);
		else
			ring_add_free(r, i);
	}
}

void pool_ring_age(struct pool_ring *r, uint64_t now_ms)
{
	ring_age_queue(r, &r->resting, now_ms);
	ring_age_queue(r, &r->refused, now_ms);
}

/* Take the nth free entry. */
static uint16_t ring_take_slot(struct pool_ring *r, uint32_t n)
{
	uint16_t i;

	ring_swap(r, 0, n);
	i = *ring_slot(r, 0);
	r->head = r->head + 1 == r->total ? 0 : r->head + 1;
	ring_set_state(r, i, POOL_USED);
	return i;
}

int pool_ring_take(struct pool_ring *r, uint64_t now_ms, uint16_t *ret_port)
{
	uint32_t window;

	pool_ring_age(r, now_ms);
	window = r->count[POOL_FREE];
	if (window == 0)
		return -ENOSPC;
	if (window > POOL_WINDOW)
		window = POOL_WINDOW;
	*ret_port = (uint16_t)(r->base + 2 * ring_take_slot(r, ring_random(r, window)));
	return 0;
}

int pool_ring_take_port(struct pool_ring *r, uint64_t now_ms, uint16_t port)
{
	uint32_t i = ((uint32_t)port - r->base) / 2;

	if (port < r->base || (port - r->base) & 1 || i >= r->total)
		return -EINVAL;
	pool_ring_age(r, now_ms);
	for (uint32_t n = 0; n < r->count[POOL_FREE]; n++) {
		if (*ring_slot(r, n) == i) {
			ring_take_slot(r, n);
			return 0;
		}
	}
	return -EBUSY;
}

void pool_ring_give(struct pool_ring *r, uint16_t port, enum pool_state state, uint64_t now_ms,
		    uint32_t rest_ms)
{
	uint16_t i = (uint16_t)((port - r->base) / 2);
	struct pool_queue *q = state == POOL_REFUSED ? &r->refused : &r->resting;

	assert(port >= r->base && i < r->total && r->entries[i].state == POOL_USED);
	if (state == POOL_FREE) {
		ring_add_free(r, i);
		return;
	}
	ring_set_state(r, i, state);
	r->entries[i].due_ms = now_ms + rest_ms;
	r->entries[i].next = POOL_NIL;
	if (q->tail == POOL_NIL)
		q->head = i;
	else
		r->entries[q->tail].next = i;
	q->tail = i;
}

uint32_t pool_ring_count(const struct pool_ring *r, enum pool_state state)
{
	return r->count[state];
}

uint32_t pool_ring_total(const struct pool_ring *r)
{
	return r->total;
}
