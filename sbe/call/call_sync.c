/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_sync - the caller has been given one fork's description in a reliable 18x, and another fork answered: the
 * 2xx may not carry a second answer (RFC 3262 5), so an offer of our own tells the caller what counts now (S3).
 *
 * Only when it would read differently: usually all forks take the same codec, and our address is the same anyway.
 */
#include <assert.h>
#include <errno.h>

#include "common/mem.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_own.h"
#include "sbe/call/call_reliable.h"
#include "sbe/call/call_sync.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_sdp.h"

#define BUSY_MS 500U
#define TRIES 20U

static void offer(void *arg);

static void done(struct call_reliable *r)
{
	timer_stop(&r->timer);
	r->owed = mem_unref(r->owed);
}

static void again(struct call_reliable *r, uint64_t delay_ms)
{
	if (++r->tries == TRIES)
		done(r); /* the session stays as it is: it has worked so far */
	else
		timer_start(r->leg->call->core->o.wheel, &r->timer, delay_ms, offer, r);
}

static void followed(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;

	(void)answer;
	CALL_CHECK(call);
	if (err && call->fsm.state == CALL_UP)
		call_release_us(call, 503, "gate_failed",
				"SIP;cause=503;text=\"media relay failed\"");
}

static int take_answer(struct call_reliable *r, const struct wire_msg *m)
{
	struct call *call = r->leg->call;
	struct body_sdp *sdp = NULL;
	int err = call_media_parse(m, &sdp, NULL);

	if (!err && !sdp)
		err = -EBADMSG;
	if (!err)
		err = call_media_fits(call, r->owed, sdp, NULL);
	if (!err)
		err = call_media_take(call, r->leg->side, sdp, false);
	mem_unref(sdp);
	return err ? err : call_media_follow(call, CALL_CUT_THROUGH, followed);
}

static void answered(struct leg *leg, int status, const struct wire_msg *m)
{
	struct call_reliable *r = leg->reliable;

	if (status == 491) { /* A10 */
		again(r, call_own_glare_ms(leg));
		return;
	}
	if (status == 408 || status == 481)
		call_release_us(leg->call, status, "dialog_gone",
				"SIP;cause=481;text=\"dialog is gone\"");
	else if (status < 300 && take_answer(r, m))
		call_release_us(leg->call, 488, "bad_answer",
				"SIP;cause=488;text=\"answer does not fit the offer\"");
	done(r);
}

static void offer(void *arg)
{
	struct call_reliable *r = arg;
	struct leg *leg = r->leg;
	struct body_written w = {0};
	int err;

	LEG_CHECK(leg);
	err = call_media_write(leg->call, leg->side, r->owed, true, &w);
	if (!err && !r->offered && w.origin.version == leg->origin.version)
		err = -EALREADY; /* it reads the same */
	if (!err)
		err = call_own_invite(leg, &w, answered);
	mem_free(w.text);
	r->offered = r->offered || !err;
	if (err == -EBUSY)
		again(r, BUSY_MS);
	else if (err)
		done(r);
}

void call_sync(struct call *call)
{
	struct call_reliable *r = call->legs[0].reliable;

	if (r && r->owed && call->fsm.state == CALL_UP)
		offer(r);
}
