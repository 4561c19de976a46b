/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_verdict - says in words how a call's media is doing, and why one direction is silent.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_VERDICT_H
#define SBE_CALL_CALL_VERDICT_H

#include <stddef.h>

struct call;
struct gate_final;
struct gate_stream;

#define CALL_VERDICT_BYTES 6144 /* two sentences for each of GATE_STREAMS_MAX streams */

/** Sentences, one a line, without the last line end; "" if there is nothing to say. final NULL: the dbe did not tell. */
void call_verdict(const struct call *call, const struct gate_final *final, char *buf,
		  size_t size_bytes);
/** What the dbe says of a stream on one side; NULL = nothing. */
const struct gate_stream *call_verdict_stream(const struct gate_final *final, int side, size_t i);

#endif
