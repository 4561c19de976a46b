/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_gate - the call's streams as gate requests: open them closed, let them follow the descriptions, hear of trouble.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_GATE_H
#define SBE_CALL_CALL_GATE_H

#include <stdbool.h>

#include "sbe/gate/gate.h"

struct body_sdp;
struct call;

enum call_cut { CALL_CUT_CLOSED, CALL_CUT_EARLY, CALL_CUT_THROUGH };

/** Gates for the offer of ex.from, closed; fn(call, ...) is called once. @return 0, -errno. */
int call_media_open(struct call *call, gate_reply_h *fn);
/** The gates are there: note when, and where they are. */
void call_media_opened(struct call *call);
/** Our addresses, from the dbe's reply. @return 0, -EPROTO: a stream has none. */
int call_media_locals(struct call *call, const struct gate_action *reply);
/** Has this offer of that side streams that have no gate yet? */
bool call_media_new_streams(const struct call *call, int side, const struct body_sdp *offer);
/** Gates for those. @return as call_media_open. */
int call_media_extend(struct call *call, int side, const struct body_sdp *offer, gate_reply_h *fn);
/** Let gates follow what both sides said, as far open as cut says. @return as call_media_open. */
int call_media_follow(struct call *call, enum call_cut cut, gate_reply_h *fn);
/** What the dbe reports of a context; arg: struct call. */
void call_media_trouble(void *arg, enum gate_trouble what, int side,
			const struct gate_event *event);

#endif
