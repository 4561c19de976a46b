/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_ring - array of cells, each with a turn number that says whose move it is.
 *
 * Cell i is free for the line number n (n % size == i) when its turn is n, and holds that line when
 * its turn is n + 1. A writer claims n by moving `tail` from n to n + 1 and then owns the cell; the
 * turn is stored last, with release, so whoever sees it also sees the bytes. No lock is ever held,
 * so a thread that is stopped in the middle of a put delays only the lines after its own.
 */
#include "common/log_ring.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

struct log_cell {
	atomic_size_t
		turn; /* kept relative to the cell's index, so that all zero is a fresh ring */
	uint32_t len_bytes;
	char text[LOG_LINE_MAX_BYTES];
};

static struct log_cell log_cells[LOG_RING_LINES];
static atomic_size_t log_tail;
static atomic_size_t log_head;

static size_t log_cell_turn(struct log_cell *c)
{
	return atomic_load_explicit(&c->turn, memory_order_acquire) + (size_t)(c - log_cells);
}

static void log_cell_set_turn(struct log_cell *c, size_t turn)
{
	atomic_store_explicit(&c->turn, turn - (size_t)(c - log_cells), memory_order_release);
}

bool log_ring_put(const char *line, size_t len_bytes)
{
	size_t n = atomic_load_explicit(&log_tail, memory_order_relaxed);
	struct log_cell *c;

	if (len_bytes == 0 || len_bytes > LOG_LINE_MAX_BYTES)
		return false;
	for (;;) {
		c = &log_cells[n % LOG_RING_LINES];
		ptrdiff_t ahead = (ptrdiff_t)(log_cell_turn(c) - n);

		if (ahead < 0) /* still holds the line of one round ago */
			return false;
		if (ahead > 0) { /* another thread has taken n */
			n = atomic_load_explicit(&log_tail, memory_order_relaxed);
			continue;
		}
		if (atomic_compare_exchange_weak_explicit(
			    &log_tail, &n, n + 1, memory_order_relaxed, memory_order_relaxed))
			break;
	}
	memcpy(c->text, line, len_bytes);
	c->len_bytes = (uint32_t)len_bytes;
	log_cell_set_turn(c, n + 1);
	return true;
}

size_t log_ring_take(char *buf, size_t size_bytes)
{
	size_t n = atomic_load_explicit(&log_head, memory_order_relaxed);
	struct log_cell *c = &log_cells[n % LOG_RING_LINES];
	size_t len;

	if (log_cell_turn(c) != n + 1)
		return 0;
	len = c->len_bytes;
	if (len > size_bytes)
		return 0;
	memcpy(buf, c->text, len);
	atomic_store_explicit(&log_head, n + 1, memory_order_relaxed);
	log_cell_set_turn(c, n + LOG_RING_LINES);
	return len;
}
