/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_source - a peer's media are where it told us they would be (B3, sec.media): addresses in its session
 * descriptions, and the filters of its gates.
 *
 * Owner: nothing. Thread: loop.
 */
#ifndef SBE_CALL_CALL_SOURCE_H
#define SBE_CALL_CALL_SOURCE_H

#include "proto/message.h"
#include "sbe/sdp/body_sdp.h"

struct call;

/** Does a side want media where its peer has none? Counted. @return 0, -EACCES. */
int call_source_check(const struct call *call, int side, const struct body_sdp *sdp);
/** Narrow the filter of a gate to where the peer's media are: a latch takes nobody else, and "any" becomes a latch. */
void call_source_filter(const struct call *call, int side, struct gate_stream *g);

#endif
