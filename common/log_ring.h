/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_ring - the bounded queue of finished lines between log_write and the writer thread.
 *
 * One ring for the process, in static storage: logging must not fail for want of memory.
 * Thread: put from any thread, without a lock; take from one thread at a time.
 */
#ifndef COMMON_LOG_RING_H
#define COMMON_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_RING_LINES 4096
#define LOG_LINE_MAX_BYTES 512

/** Queue a line. @return false: the ring is full, or the line too long, and it was not taken. */
bool log_ring_put(const char *line, size_t len_bytes);

/** Take the oldest line if it fits into what is there. @return its length, 0: none (yet), or no room. */
size_t log_ring_take(char *buf, size_t size_bytes);

#endif
