/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_refer - transfers that a side of a call asks for (REFER: RFC 3515, 3892, 4488, 5589, 7647), by the peer's policy.
 *
 * refuse: 403. relay: the other side is asked, with a target it can reach through us and nothing of the inner side in
 * it; its NOTIFYs come back with a clean status line. absorb: we call the target (call_transfer.h).
 * Owner: embedded in the leg the REFER came from. Thread: loop.
 */
#ifndef SBE_CALL_CALL_REFER_H
#define SBE_CALL_CALL_REFER_H

#include "sbe/call/call_replaces.h"
#include "sbe/sip/wire.h"

struct call;
struct leg;
struct txn_client;

struct call_refer {
	uint32_t cseq;     /* of the REFER from here; 0 = none has been taken */
	bool relayed;      /* the other side does it and tells */
	bool silent;       /* no NOTIFY is wanted (RFC 4488) */
	struct call *made; /* we do it: the call to the target, as long as that is not settled */
	struct txn_client *notify; /* our last NOTIFY, not answered yet */
	int told;                  /* what that says */
};

/* What a REFER asks for. */
struct call_refer_to {
	struct wire_uri uri;
	bool has_replaces;
	struct call_replaces replaces;
};

void call_refer_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
/** NOTIFY: about a transfer, or of another kind and passed by policy (call_relay.h). */
void call_refer_notified(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
/** Tell the referring side how far its transfer is. The last one ends the implicit subscription. */
void call_refer_notify(struct leg *leg, int status);
/** The leg ends or moves: what is answered to a NOTIFY is of no interest. */
void call_refer_forget(struct leg *leg);

#endif
