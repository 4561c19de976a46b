/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard_head - what a guarded request is, from its bytes: enough to refuse it before it is parsed.
 *
 * The guard sees every header line anyway and notes those that matter. Slices point into the caller's bytes.
 * Thread: any (pure).
 */
#ifndef SBE_SIP_GUARD_HEAD_H
#define SBE_SIP_GUARD_HEAD_H

#include "common/conf.h"
#include "sbe/sip/wire.h"

struct guard_field {
	struct wire_text line, value;
};

struct guard_head {
	enum wire_method method;
	struct wire_text uri; /* Request-URI */
	struct wire_text via; /* top value, as found */
	struct guard_field via_line, from, to, call_id, cseq;
	unsigned via_lines;
	bool folded;   /* one of these lines is */
	bool priority; /* a Resource-Priority is there (RFC 4412) */
};

/** Method of a request by its first bytes; WIRE_OTHER also for what is none. */
enum wire_method guard_method(const uint8_t *data, size_t len_bytes);
/** For who has no result of guard_check. @return 0, -EBADMSG (no request, or the guard would not let it pass). */
int guard_head_read(const uint8_t *data, size_t len_bytes, struct guard_head *ret_head);
/** Tag of To; n = 0: none, so it belongs to no dialog. A To that cannot be read is all tag: the parser says what is wrong. */
struct wire_text guard_head_to_tag(const struct guard_head *h);
/** Does the Request-URI name an emergency service (RFC 5031), or a user that is one of these numbers? */
bool guard_head_is_emergency(const struct guard_head *h, const struct conf_list *numbers);
/** Where the top Via wants the answer: its port, or 0 = where the request came from (rport, or not to be understood). */
uint16_t guard_head_reply_port(const struct guard_head *h);
/** An ACK of an answer of guard_answer: there is nothing to match it with. */
bool guard_is_our_ack(const uint8_t *data, size_t len_bytes);

#endif
