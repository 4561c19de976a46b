/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_timer - how long a call may ring (timer C of RFC 3261 16.6, applied per attempt).
 */
#include <assert.h>

#include "sbe/call/call_bye.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_timer.h"

static void rang_out(void *arg)
{
	struct call *call = arg;

	CALL_CHECK(call);
	if (call->fsm.state == CALL_TRYING || call->fsm.state == CALL_RINGING)
		call_release_us(call, 408, "no_answer", "SIP;cause=408;text=\"no answer\"");
}

void call_timer_ring(struct call *call)
{
	uint32_t ring_s = call->legs[1].peer->conf->ring_s;

	timer_start(call->core->o.wheel, &call->ring, (uint64_t)(ring_s ? ring_s : 180) * 1000,
		    rang_out, call);
}
