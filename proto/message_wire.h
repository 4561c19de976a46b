/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_wire - what the encoder and the decoder of gate messages share: the generated structs and
 * an arena for them. Private to proto/message*.c.
 *
 * The arena is a fixed buffer on the codec's stack: no allocation per message, and a frame that
 * unfolds into more than any valid message needs is refused when the buffer is used up.
 */
#ifndef PROTO_MESSAGE_WIRE_H
#define PROTO_MESSAGE_WIRE_H

#include <stdalign.h>

#include "proto/gate.pb-c.h"
#include "proto/message.h"

/* The largest valid message takes about 40 KiB of generated structs: 4 commands of 8 streams with statistics. */
#define GATE_ARENA_BYTES (64U * 1024)

struct gate_arena {
	size_t used_bytes;
	bool exceeded;
	ProtobufCAllocator allocator; /* for protobuf-c; its data is this arena */
	alignas(16) uint8_t space[GATE_ARENA_BYTES];
};

/** space is not cleared. */
void gate_arena_init(struct gate_arena *a);
/** @return memory (not cleared), NULL when the arena is used up. */
void *gate_arena_take(struct gate_arena *a, size_t size_bytes);

#endif
