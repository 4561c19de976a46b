/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame - gate control frames in a byte stream: uint32 big-endian length, then so many bytes.
 *
 * Bytes come in any chunking. A frame that lies whole in a chunk is handed out in place; only a frame
 * cut by the chunk's end is copied, into a buffer that grows with the data that really came, never
 * with what a length promises. Sans-I/O; the deadline for the rest of a frame is the caller's.
 * Owner: caller, embedded. Thread: any one.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_FRAME_HEAD_BYTES 4
#define GATE_FRAME_MAX_BYTES (64U * 1024) /* without the head */

/* All zero is a valid, empty state. Fields are private to frame.c. */
struct gate_frame {
	uint8_t *rest; /* start of a frame whose end has not come; mem_buffer */
	size_t rest_bytes, rest_size;
	bool rest_done;    /* rest has been handed out whole, drop it at the next call */
	bool broken;       /* a length was out of range: there is no way back into step */
	const uint8_t *in; /* the chunk being read: the caller's */
	size_t in_bytes;
};

/** Give a chunk; it must stay until gate_frame_next has returned something else than 1, and all of the last must be read. */
void gate_frame_feed(struct gate_frame *f, const uint8_t *chunk, size_t len_bytes);

/**
 * The next whole frame, valid until the next call.
 * @return 1 = a frame, 0 = no more in this chunk, -EPROTO (length 0 or over the cap; for good), -ENOMEM.
 */
int gate_frame_next(struct gate_frame *f, const uint8_t **ret_frame, size_t *ret_bytes);

/** A frame has begun and not ended: its deadline should run. */
bool gate_frame_partial(const struct gate_frame *f);

/** Forget everything (new connection), and free the buffer. */
void gate_frame_reset(struct gate_frame *f);

/** Write a head for len_bytes in front of a frame. */
void gate_frame_head(uint8_t head[GATE_FRAME_HEAD_BYTES], size_t len_bytes);

#endif
