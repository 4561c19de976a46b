/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/outbox.h"

#include <errno.h>
#include <string.h>

#include "common/mem.h"

#define FIRST_BYTES 2048U

int gate_outbox_add(struct gate_outbox *o, const uint8_t *bytes, size_t len_bytes)
{
	size_t need = o->used_bytes + len_bytes;

	if (need > o->size_bytes) {
		size_t size = need < FIRST_BYTES ? FIRST_BYTES : need * 2;
		uint8_t *more = mem_resize(o->bytes, size);

		if (!more)
			return -ENOMEM;
		o->bytes = more;
		o->size_bytes = size;
	}
	memcpy(o->bytes + o->used_bytes, bytes, len_bytes);
	o->used_bytes = need;
	return 0;
}

void gate_outbox_flush(struct gate_outbox *o,
		       void (*write)(void *arg, const uint8_t *bytes, size_t len_bytes), void *arg)
{
	if (!o->used_bytes)
		return;
	write(arg, o->bytes, o->used_bytes);
	o->used_bytes = 0;
	if (o->size_bytes > GATE_OUTBOX_FULL_BYTES)
		gate_outbox_reset(o);
}

void gate_outbox_reset(struct gate_outbox *o)
{
	mem_free(o->bytes);
	*o = (struct gate_outbox){0};
}
