/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_cancel - what the transaction layer says about an INVITE we received: CANCEL, no ACK, the end.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_cancel.h"
#include "sbe/call/call_object.h"
#include "sbe/sip/wire_out.h"

static void on_cancel(void *arg, const struct wire_msg *cancel)
{
	struct leg *leg = arg;
	struct call *call = leg->call;
	struct call_release r = {
		.by = CALL_BY_CALLER, .status = 487, .cause = "cancelled", .request = cancel};

	LEG_CHECK(leg);
	if (call->fsm.state == CALL_UP) {
		/* Of a re-INVITE: pass it on and let the other leg's final response decide (9.2 allows it),
		 * so that both sides agree on what the session is. */
		struct leg *other = LEG_OTHER(leg);

		if (call->ex.running && call->ex.from == leg->side && other->invite)
			txn_client_cancel(other->invite, NULL);
		return;
	}
	fsm_event(&call->fsm, CALL_EV_RELEASE, &r);
}

static void on_no_ack(void *arg)
{
	struct leg *leg = arg;
	struct call *call = leg->call;

	LEG_CHECK(leg);
	if (leg->bye_due) {
		call_leg_bye(leg, NULL, NULL);
		call_end_check(call); /* without memory there is no BYE to wait for */
	} else if (call->fsm.state != CALL_ENDING)
		call_release_us(call, 408, "no_ack", "SIP;cause=408;text=\"no ACK\"");
}

static void on_terminated(void *arg)
{
	struct leg *leg = arg;

	LEG_CHECK(leg);
	leg->server = NULL;
	call_end_check(leg->call);
}

const struct txn_server_handlers call_server_handlers = {on_cancel, NULL, on_no_ack, on_terminated};
