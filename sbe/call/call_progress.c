/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_progress - the callee's provisional responses on their way to the caller: early dialogs, early media, 199.
 *
 * However many forks ring (S3, A15), the caller sees one dialog. Early media is heard from the fork that described
 * itself last.
 */
#include <assert.h>
#include <errno.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_answer.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_prack.h"
#include "sbe/call/call_progress.h"
#include "sbe/call/call_reliable.h"
#include "sbe/call/call_terms.h"
#include "sbe/sdp/body_sdp.h"

void call_note_ringing(struct call *call)
{
	call_quality_rang(&call->legs[0]);
	call_quality_rang(&call->legs[1]);
	if (!call->ring_ms) {
		call->ring_ms = clock_now_ms();
		call->ring_wall_ms = clock_wall_ms();
		if (call->fsm.state == CALL_TRYING)
			call_step(call, CALL_STEP_RINGING, 0, 0, NULL);
	}
	peer_hop_answered(call->legs[1].peer, call->legs[1].hop);
	if (call->fsm.state == CALL_TRYING)
		fsm_go(&call->fsm, CALL_RINGING);
}

static int pass(struct call *call, struct wire_msg *m, struct body_sdp *sdp)
{
	struct leg *a = &call->legs[0];

	if (!a->reliable)
		return call_reply(call, 0,
				  &(struct call_reply){.server = a->server, .msg = m, .sdp = sdp});
	call_reliable_send(a, m, sdp);
	return 0;
}

static void early_done(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;
	struct call_forks *forks = &call->legs[1].forks;

	(void)answer;
	(void)err; /* early media that cannot be opened does not end the call: the answer tries again */
	CALL_CHECK(call);
	if (!forks->waiting ||
	    (call->fsm.state != CALL_RINGING && call->fsm.state != CALL_TRYING) ||
	    !call->legs[0].server)
		return;
	pass(call, forks->waiting, forks->waiting_sdp);
	forks->waiting = mem_unref(forks->waiting);
	forks->waiting_sdp = mem_unref(forks->waiting_sdp);
}

/* The gates follow what this fork has described; what another one refused may be back. */
static int listen_to(struct call *call, struct call_fork *fork)
{
	int err;

	call_media_again(call, call->ex.offer);
	err = call_media_take(call, 1, fork->sdp, false);
	call->legs[1].forks.media = fork;
	if (!err)
		err = call_media_follow(call, CALL_CUT_EARLY, early_done);
	if (err)
		early_done(call, err, NULL);
	return err;
}

/* What of its body counts: an answer that fits the offer, or an offer that can be passed on. */
static struct body_sdp *description(const struct call *call, const struct call_fork *fork,
				    const struct wire_msg *m, bool reliable)
{
	struct body_sdp *sdp = NULL;

	if (fork->settled || call_media_parse(m, &sdp, NULL) || !sdp)
		return NULL;
	if (call->ex.late ? reliable && !call->ex.offer
			  : !call_media_fits(call, call->ex.offer, sdp, NULL))
		return sdp;
	return mem_unref(sdp); /* an offer or nonsense: pass the ringing alone */
}

/* RFC 6228: a fork has come to its end; the others ring on. Of one we do not know: nothing (C17). */
static int fork_ended(struct call *call, const struct wire_msg *m)
{
	struct call_fork *fork;
	struct wire_party to;

	wire_to(m, &to);
	fork = call_fork_find(&call->legs[1], to.tag);
	if (!fork)
		return 0;
	if (call_prack_take(call, fork, m) == CALL_PRACK_DUE)
		call_prack_send(call, fork, NULL);
	return call_fork_gone(call, fork);
}

int call_fork_gone(struct call *call, struct call_fork *fork)
{
	struct leg *b = &call->legs[1];
	struct call_fork *other;
	bool heard = b->forks.media == fork;

	call_fork_end(b, fork);
	if (!heard)
		return 0;
	TAILQ_FOREACH_REVERSE(other, &b->forks.all, call_fork_list, next)
	{
		if (other->sdp && !call->ex.late)
			return listen_to(call, other);
	}
	return call_media_follow(call, CALL_CUT_CLOSED, early_done);
}

int call_progress(struct call *call, const struct wire_msg *m)
{
	struct leg *b = &call->legs[1];
	struct wire_msg *msg = (void *)(uintptr_t)m;
	enum call_prack prack;
	struct body_sdp *sdp;
	struct call_fork *fork;
	struct wire_party to;
	int err;

	wire_to(m, &to);
	if (call_transfer_progress(call, m))
		return 0;
	if (!to.tag.n || !call->legs[0].server)
		return 0; /* a 18x without a tag makes no dialog: nothing to pass */
	if (wire_status(m) == 199)
		return fork_ended(call, m);
	if (call_fork_take(b, m, &fork))
		return 0;
	prack = call_prack_take(call, fork, m);
	if (prack == CALL_PRACK_IGNORE)
		return 0;
	call_note_ringing(call);
	sdp = description(call, fork, m, prack == CALL_PRACK_DUE);
	if (sdp && call->ex.late) {
		err = call_prack_offer(call, fork, msg, sdp);
		mem_unref(sdp);
		return err;
	}
	if (prack == CALL_PRACK_DUE) {
		if (call->ex.late && !fork->settled && wire_body(m).n)
			return 0; /* an offer nobody can answer: not acknowledged, the fork gives up */
		fork->settled = fork->settled || sdp;
		call_prack_send(call, fork, NULL);
	}
	if (!sdp)
		return pass(call, msg, NULL);
	call_fork_says(fork, sdp);
	if (call_terms_early_blocked(call))
		return pass(call, msg,
			    NULL); /* it rings, and nobody is heard: the answer says who */
	mem_unref(b->forks.waiting);
	mem_unref(b->forks.waiting_sdp);
	b->forks.waiting = mem_ref(msg);
	b->forks.waiting_sdp = mem_ref(sdp);
	return listen_to(call, fork);
}
