/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte cuts the rest into pieces: whatever the pieces, the same frames come out, and memory follows data. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "proto/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 32768U

struct seen {
	size_t at, bytes; /* place in the whole input, by counting */
};

static int run(const uint8_t *data, size_t size, size_t step, struct seen *frames, size_t *ret_n)
{
	struct gate_frame f = {0};
	const uint8_t *frame;
	size_t n = 0, used = 0, bytes, at, part;
	int r = 0;

	for (at = 0; at < size && r >= 0; at += part) {
		part = step == 0 || size - at < step ? size - at : step;
		gate_frame_feed(&f, data + at, part);
		while ((r = gate_frame_next(&f, &frame, &bytes)) == 1) {
			assert(n < FRAMES_MAX && bytes > 0 && bytes <= GATE_FRAME_MAX_BYTES);
			assert(used + GATE_FRAME_HEAD_BYTES + bytes <= size);
			assert(!memcmp(frame, data + used + GATE_FRAME_HEAD_BYTES, bytes));
			frames[n++] = (struct seen){used, bytes};
			used += GATE_FRAME_HEAD_BYTES + bytes;
		}
		assert(f.rest_size <= 2 * (at + part) + 256);
	}
	assert(r == 0 || r == -EPROTO);
	gate_frame_reset(&f);
	*ret_n = n;
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen whole[FRAMES_MAX], cut[FRAMES_MAX];
	size_t n, m;

	if (size < 2 || size > 4 * FRAMES_MAX)
		return 0;
	int r = run(data + 1, size - 1, 0, whole, &n);
	assert(run(data + 1, size - 1, data[0] % 64U + 1, cut, &m) == r);
	assert(n == m && !memcmp(whole, cut, n * sizeof(whole[0])));
	assert(mem_live() == 0);
	return 0;
}
