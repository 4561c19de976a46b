/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox - frames of one connection that leave with one write: each write wakes the far end up.
 *
 * What is written while frames are being read waits for the end of that; what can wait longer (a Subtract, an
 * acknowledgement) waits for company, at most GATE_OUTBOX_WAIT_MS. Order is kept.
 * Owner: the connection, embedded; all zero is a valid, empty state. Thread: the loop's.
 */
#ifndef PROTO_OUTBOX_H
#define PROTO_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#define GATE_OUTBOX_WAIT_MS 10U
#define GATE_OUTBOX_FULL_BYTES (16U * 1024) /* enough company */

struct gate_outbox {
	uint8_t *bytes; /* mem_buffer */
	size_t used_bytes, size_bytes;
};

/** Copy bytes behind what is in it. @return 0, -ENOMEM. */
int gate_outbox_add(struct gate_outbox *o, const uint8_t *bytes, size_t len_bytes);

/** Enough is in it: write it now. */
static inline int gate_outbox_full(const struct gate_outbox *o)
{
	return o->used_bytes >= GATE_OUTBOX_FULL_BYTES;
}

/** Write what is in it and empty it. write must not call back into the outbox, nor free its owner. */
void gate_outbox_flush(struct gate_outbox *o,
		       void (*write)(void *arg, const uint8_t *bytes, size_t len_bytes), void *arg);

/** Forget what is in it, and free its memory. */
void gate_outbox_reset(struct gate_outbox *o);

#endif
