/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/frame.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/mem.h"

/* Between messages a busy connection's buffer is kept up to this size. */
#define KEEP_BYTES 2048U

void gate_frame_head(uint8_t head[GATE_FRAME_HEAD_BYTES], size_t len_bytes)
{
	head[0] = (uint8_t)(len_bytes >> 24);
	head[1] = (uint8_t)(len_bytes >> 16);
	head[2] = (uint8_t)(len_bytes >> 8);
	head[3] = (uint8_t)len_bytes;
}

static size_t promised(const uint8_t *head)
{
	return (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
}

void gate_frame_feed(struct gate_frame *f, const uint8_t *chunk, size_t len_bytes)
{
	assert(f->in_bytes == 0 || f->broken); /* the last chunk was read to its end */
	f->in = chunk;
	f->in_bytes = len_bytes;
}

static int grow(struct gate_frame *f, size_t need)
{
	size_t size = f->rest_size ? f->rest_size : 256;
	uint8_t *p;

	if (need <= f->rest_size)
		return 0;
	while (size < need)
		size *= 2;
	p = mem_resize(f->rest, size);
	if (!p)
		return -ENOMEM;
	f->rest = p;
	f->rest_size = size;
	return 0;
}

/* Move bytes from the chunk to the buffer until it holds want bytes or the chunk is empty. */
static int take(struct gate_frame *f, size_t want)
{
	size_t n = want > f->rest_bytes ? want - f->rest_bytes : 0;
	int err;

	if (n > f->in_bytes)
		n = f->in_bytes;
	if (!n)
		return 0;
	err = grow(f, f->rest_bytes + n);
	if (err)
		return err;
	memcpy(f->rest + f->rest_bytes, f->in, n);
	f->rest_bytes += n;
	f->in += n;
	f->in_bytes -= n;
	return 0;
}

static void drop_rest(struct gate_frame *f)
{
	f->rest_done = false;
	f->rest_bytes = 0;
	if (f->rest_size > KEEP_BYTES) {
		mem_free(f->rest);
		f->rest = NULL;
		f->rest_size = 0;
	}
}

static bool in_range(struct gate_frame *f, size_t len_bytes)
{
	if (len_bytes && len_bytes <= GATE_FRAME_MAX_BYTES)
		return true;
	f->broken = true;
	f->in_bytes = 0;
	return false;
}

static int from_rest(struct gate_frame *f, const uint8_t **ret_frame, size_t *ret_bytes)
{
	size_t len;
	int err;

	err = take(f, GATE_FRAME_HEAD_BYTES);
	if (err || f->rest_bytes < GATE_FRAME_HEAD_BYTES)
		return err;
	len = promised(f->rest);
	if (!in_range(f, len))
		return -EPROTO;
	err = take(f, GATE_FRAME_HEAD_BYTES + len);
	if (err || f->rest_bytes < GATE_FRAME_HEAD_BYTES + len)
		return err;
	f->rest_done = true;
	*ret_frame = f->rest + GATE_FRAME_HEAD_BYTES;
	*ret_bytes = len;
	return 1;
}

int gate_frame_next(struct gate_frame *f, const uint8_t **ret_frame, size_t *ret_bytes)
{
	size_t len;

	if (f->broken)
		return -EPROTO;
	if (f->rest_done)
		drop_rest(f);
	if (f->rest_bytes || f->in_bytes < GATE_FRAME_HEAD_BYTES)
		return from_rest(f, ret_frame, ret_bytes);
	len = promised(f->in);
	if (!in_range(f, len))
		return -EPROTO;
	if (f->in_bytes < GATE_FRAME_HEAD_BYTES + len)
		return from_rest(f, ret_frame, ret_bytes);
	*ret_frame = f->in + GATE_FRAME_HEAD_BYTES;
	*ret_bytes = len;
	f->in += GATE_FRAME_HEAD_BYTES + len;
	f->in_bytes -= GATE_FRAME_HEAD_BYTES + len;
	return 1;
}

bool gate_frame_partial(const struct gate_frame *f)
{
	return f->rest_bytes && !f->rest_done;
}

void gate_frame_reset(struct gate_frame *f)
{
	mem_free(f->rest);
	memset(f, 0, sizeof(*f));
}
