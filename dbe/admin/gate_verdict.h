/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_verdict - says in words how a stream's two directions are doing, and why one is silent.
 *
 * Pure. Thread: any.
 */
#ifndef DBE_ADMIN_GATE_VERDICT_H
#define DBE_ADMIN_GATE_VERDICT_H

#include "dbe/flow/flow.h"

#define GATE_VERDICT_BYTES 256

enum gate_verdict {
	GATE_FLOWS = 0, /* both open directions carry media, or none is open */
	GATE_ONE_WAY,   /* one open direction carries media, the other does not */
	GATE_NO_MEDIA   /* no open direction carries media */
};

/**
 * One direction: what came in at in, and what of it left at out (NULL: there is no other termination).
 * @param now_us monotonic.  @return true if media flows, or is not meant to.
 */
bool gate_direction_ok(const struct flow_view *in, const struct flow_view *out, uint64_t now_us);
/** The same in words. @return buf. */
const char *gate_direction_text(const struct flow_view *in, const struct flow_view *out,
				uint64_t now_us, char buf[GATE_VERDICT_BYTES]);

/** Both directions together. b may be NULL. */
enum gate_verdict gate_verdict(const struct flow_view *a, const struct flow_view *b,
			       uint64_t now_us);
const char *gate_verdict_text(enum gate_verdict v);

#endif
