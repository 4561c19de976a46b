/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard_head - what a guarded request is, read from its bytes: enough to refuse it before it is parsed.
 *
 * Slices point into the caller's bytes. Thread: any (pure).
 */
#ifndef SBE_SIP_GUARD_HEAD_H
#define SBE_SIP_GUARD_HEAD_H

#include "common/conf.h"
#include "sbe/sip/wire.h"

struct guard_head {
	enum wire_method method;
	struct wire_text uri;           /* Request-URI */
	struct wire_text via;           /* top value, as found */
	struct wire_text from, to;      /* values */
	struct wire_text call_id, cseq; /* values */
	struct wire_text to_tag;        /* n = 0: none, so it belongs to no dialog */
	bool priority;                  /* a Resource-Priority is there (RFC 4412) */
};

/** Method of a request by its first bytes; WIRE_OTHER also for what is none. */
enum wire_method guard_method(const uint8_t *data, size_t len_bytes);
/** @param data a request guard_check has passed. @return 0, -EBADMSG. */
int guard_head_read(const uint8_t *data, size_t len_bytes, struct guard_head *ret_head);
/** Does the Request-URI name an emergency service (RFC 5031), or a user that is one of these numbers? */
bool guard_head_is_emergency(const struct guard_head *h, const struct conf_list *numbers);
/** Where the top Via wants the answer: its port, or 0 = where the request came from (rport, or not to be understood). */
uint16_t guard_head_reply_port(const struct guard_head *h);
/** An ACK of an answer of guard_answer: there is nothing to match it with. */
bool guard_head_is_our_ack(const struct guard_head *h);

#endif
