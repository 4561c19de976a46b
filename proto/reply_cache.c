/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/reply_cache.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#include "common/mem.h"
#include "common/table.h"

#define WINDOW 65536U

struct reply {
	struct table_entry entry;
	TAILQ_ENTRY(reply) link; /* oldest first */
	uint64_t until_tick;
	uint32_t id;
	uint32_t len_bytes;
	uint8_t bytes[];
};
TAILQ_HEAD(reply_list, reply);

struct reply_cache {
	struct timer_wheel *wheel;
	struct table *by_id;
	struct reply_list replies;
	size_t bytes;
	struct timer expiry;
	uint64_t
		tick; /* of the expiry timer: a quarter of LONG-TIMER each, so one timer does for all replies */
	bool any;
	uint32_t newest; /* id */
	uint64_t seen[WINDOW / 64];
	uint32_t executing[REPLY_CACHE_EXECUTING_MAX];
	size_t nexecuting;
};

#define TICKS 4U
#define TICK_MS (REPLY_CACHE_LONG_TIMER_MS / TICKS)

int reply_cache_new(struct timer_wheel *wheel, struct reply_cache **ret_cache)
{
	struct reply_cache *c = mem_zalloc(sizeof(*c), NULL);
	int err;

	if (!c)
		return -ENOMEM;
	err = table_new(REPLY_CACHE_MAX, &c->by_id);
	if (err) {
		mem_unref(c);
		return err;
	}
	c->wheel = wheel;
	TAILQ_INIT(&c->replies);
	*ret_cache = c;
	return 0;
}

static void drop(struct reply_cache *c, struct reply *r)
{
	table_remove(&r->entry);
	TAILQ_REMOVE(&c->replies, r, link);
	c->bytes -= r->len_bytes;
	mem_free(r);
}

void reply_cache_reset(struct reply_cache *c)
{
	struct reply *r;

	while ((r = TAILQ_FIRST(&c->replies)))
		drop(c, r);
	timer_stop(&c->expiry);
	c->any = false;
	c->nexecuting = 0;
}

void reply_cache_free(struct reply_cache *c)
{
	if (!c)
		return;
	reply_cache_reset(c);
	table_free(c->by_id);
	mem_unref(c);
}

static bool seen_bit(const struct reply_cache *c, uint32_t id)
{
	return c->seen[id % WINDOW / 64] & 1ULL << (id % 64);
}

static void set_bit(struct reply_cache *c, uint32_t id)
{
	c->seen[id % WINDOW / 64] |= 1ULL << (id % 64);
}

/* Move the window so that id is its newest: bits of ids that were skipped are cleared. */
static void advance(struct reply_cache *c, uint32_t id)
{
	uint32_t step;

	if (!c->any || id - c->newest >= WINDOW) {
		memset(c->seen, 0, sizeof(c->seen));
	} else {
		for (step = c->newest + 1; step != id; step++)
			c->seen[step % WINDOW / 64] &= ~(1ULL << (step % 64));
	}
	c->any = true;
	c->newest = id;
	set_bit(c, id);
}

static bool note(struct reply_cache *c, uint32_t id)
{
	if (!c->any || (int32_t)(id - c->newest) > 0) {
		advance(c, id);
		return true;
	}
	if (c->newest - id >= WINDOW || seen_bit(c, id))
		return false;
	set_bit(c, id);
	return true;
}

bool reply_cache_executing(const struct reply_cache *c, uint32_t id)
{
	size_t i;

	for (i = 0; i < c->nexecuting; i++)
		if (c->executing[i] == id)
			return true;
	return false;
}

enum reply_state reply_cache_begin(struct reply_cache *c, uint32_t id, const uint8_t **ret_bytes,
				   size_t *ret_len_bytes)
{
	struct reply *r = table_find(c->by_id, &id, sizeof(id));

	if (r) {
		*ret_bytes = r->bytes;
		*ret_len_bytes = r->len_bytes;
		return REPLY_DONE;
	}
	if (reply_cache_executing(c, id))
		return REPLY_EXECUTING;
	if (c->nexecuting >= REPLY_CACHE_EXECUTING_MAX)
		return REPLY_BUSY;
	if (!note(c, id))
		return REPLY_FORGOTTEN;
	c->executing[c->nexecuting++] = id;
	return REPLY_NEW;
}

static void expire(void *arg)
{
	struct reply_cache *c = arg;
	struct reply *r;

	c->tick++;
	while ((r = TAILQ_FIRST(&c->replies)) && r->until_tick <= c->tick)
		drop(c, r);
	if (r)
		timer_start(c->wheel, &c->expiry, TICK_MS, expire, c);
}

static bool stop_executing(struct reply_cache *c, uint32_t id)
{
	size_t i;

	for (i = 0; i < c->nexecuting; i++) {
		if (c->executing[i] == id) {
			c->executing[i] = c->executing[--c->nexecuting];
			return true;
		}
	}
	return false;
}

void reply_cache_done(struct reply_cache *c, uint32_t id, const uint8_t *bytes, size_t len_bytes)
{
	struct reply *r;

	if (!stop_executing(c, id))
		return;
	while ((r = TAILQ_FIRST(&c->replies)) && (table_count(c->by_id) >= REPLY_CACHE_MAX ||
						  c->bytes + len_bytes > REPLY_CACHE_MAX_BYTES))
		drop(c, r);
	r = mem_buffer(sizeof(*r) + len_bytes);
	if (!r)
		return;
	memset(r, 0, sizeof(*r));
	r->id = id;
	r->len_bytes = (uint32_t)len_bytes;
	memcpy(r->bytes, bytes, len_bytes);
	if (table_add(c->by_id, &r->entry, &r->id, sizeof(r->id), r)) {
		mem_free(r);
		return;
	}
	/* One tick more than LONG-TIMER has: the running one has begun already. */
	r->until_tick = c->tick + TICKS + 1;
	TAILQ_INSERT_TAIL(&c->replies, r, link);
	c->bytes += len_bytes;
	if (!timer_running(&c->expiry))
		timer_start(c->wheel, &c->expiry, TICK_MS, expire, c);
}

void reply_cache_ack(struct reply_cache *c, uint32_t first, uint32_t last)
{
	struct reply *r, *next;
	uint32_t id;

	/* The peer chose the range: the work is bounded by what is kept, not by what it says. */
	if (last - first < table_count(c->by_id)) {
		for (id = first; id != last + 1; id++) {
			r = table_find(c->by_id, &id, sizeof(id));
			if (r)
				drop(c, r);
		}
		return;
	}
	for (r = TAILQ_FIRST(&c->replies); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->id - first <= last - first)
			drop(c, r);
	}
}

size_t reply_cache_count(const struct reply_cache *c)
{
	return table_count(c->by_id);
}

size_t reply_cache_bytes(const struct reply_cache *c)
{
	return c->bytes;
}
