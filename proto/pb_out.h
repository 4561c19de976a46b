/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pb_out - writes protobuf fields straight into a buffer: no structs of a generator in between, no sizes in advance.
 *
 * Fields go out in the order they are put: by rising number, as other writers do it. The first error is remembered and
 * ends the writing: check err once at the end. What stands in the buffer then is of no use.
 * Owner: the caller's buffer. Thread: any.
 */
#ifndef PROTO_PB_OUT_H
#define PROTO_PB_OUT_H

#include <stddef.h>
#include <stdint.h>

struct pb_out {
	uint8_t *buf;
	size_t size_bytes, used_bytes;
	int err; /* 0, -EMSGSIZE (the buffer is full), or what pb_out_fail was given */
};

void pb_out_init(struct pb_out *o, uint8_t *buf, size_t size_bytes);
/** What is to be written is wrong. An earlier error stays. */
void pb_out_fail(struct pb_out *o, int err);

/** A number as a varint: uint32, uint64, bool, and enums that are not negative. */
void pb_out_number(struct pb_out *o, unsigned field, uint64_t value);
/** The same, and nothing at all for 0. */
void pb_out_number_if(struct pb_out *o, unsigned field, uint64_t value);
void pb_out_fixed64(struct pb_out *o, unsigned field, uint64_t value);
void pb_out_bytes(struct pb_out *o, unsigned field, const uint8_t *bytes, size_t len_bytes);
/** A string, nothing at all for an empty one. */
void pb_out_text(struct pb_out *o, unsigned field, const char *text);

/** Begin a field that holds others: a message. @return where it begins, for pb_out_end. */
size_t pb_out_begin(struct pb_out *o, unsigned field);
void pb_out_end(struct pb_out *o, size_t begin);
/** One element of a packed field, between pb_out_begin and pb_out_end. */
void pb_out_element(struct pb_out *o, uint64_t value);

#endif
