/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte cuts the rest into pieces, of one size or of many: whatever the pieces, the same messages come out. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/mem.h"
#include "sbe/sip/frame.h"
#include "sbe/sip/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 70000U

struct event {
	int r;
	uint32_t bytes;
	uint64_t sum;
};

static uint64_t sum_of(const uint8_t *data, size_t n)
{
	uint64_t h = 1469598103934665603U;
	for (size_t i = 0; i < n; i++)
		h = (h ^ data[i]) * 1099511628211U;
	return h;
}

/* Sizes of pieces: 0 = all at once, up to 64 = all the same, above = each another one. */
static size_t next_piece(size_t step, uint32_t *seed)
{
	if (step <= 64)
		return step;
	*seed = *seed * 1664525U + 1013904223U;
	return (*seed >> 16) % (step % 3 ? 20U : 2000U) + 1;
}

static size_t run(const uint8_t *data, size_t size, size_t step, struct event *events)
{
	struct frame *f = NULL;
	size_t n = 0, used = 0;
	uint32_t seed = (uint32_t)step;
	int r = 0;
	assert(frame_new(&f) == 0);
	for (size_t at = 0, part; at < size && r >= 0; at += part) {
		part = next_piece(step, &seed);
		if (part == 0 || part > size - at)
			part = size - at;
		assert(frame_feed(f, data + at, part) == 0);
		do {
			const uint8_t *message;
			size_t bytes;
			r = frame_next(f, &message, &bytes);
			if (r == 0)
				break;
			assert(n < EVENTS_MAX);
			events[n++] = (struct event){r, (uint32_t)bytes,
						     message ? sum_of(message, bytes) : 0};
			used += bytes;
			assert(bytes <= GUARD_MESSAGE_MAX_BYTES && used <= size);
		} while (r > 0);
		assert(r != 0 || frame_pending(f) <= GUARD_MESSAGE_MAX_BYTES);
	}
	frame_free(f);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event whole[EVENTS_MAX], cut[EVENTS_MAX];
	if (size < 2 || size > 2 * GUARD_MESSAGE_MAX_BYTES)
		return 0;
	size_t step = data[0] + 1U;
	size_t n = run(data + 1, size - 1, 0, whole);
	assert(run(data + 1, size - 1, step, cut) == n);
	for (size_t i = 0; i < n; i++)
		assert(whole[i].r == cut[i].r && whole[i].bytes == cut[i].bytes &&
		       whole[i].sum == cut[i].sum);
	assert(mem_live() == 0);
	return 0;
}
