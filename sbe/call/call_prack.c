/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_prack - reliable provisional responses of the callee (RFC 3262 4, S5): their order, and our PRACK.
 *
 * We acknowledge them ourselves, at once, so that the callee never waits for the caller. Only the offer in the first
 * one to an INVITE without SDP has to wait: its PRACK carries the caller's answer.
 */
#include <assert.h>
#include <errno.h>

#include "common/mem.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_prack.h"
#include "sbe/call/call_reliable.h"
#include "sbe/call/call_terms.h"
#include "sbe/sdp/body_codec.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/wire_line.h"
#include "sbe/sip/wire_out.h"

bool call_prack_offered(const struct call *call)
{
	const struct leg *a = &call->legs[0], *b = &call->legs[1];

	/* An offer in a 18x can be passed on only to a caller who takes reliable ones. */
	if (call->transfer.made || call->transfer.home)
		return false; /* nobody listens to them */
	return b->peer->conf->prack != PEER_PRACK_OFF && (!call->ex.late || a->reliable);
}

enum call_prack call_prack_take(struct call *call, struct call_fork *fork, const struct wire_msg *m)
{
	struct wire_header h;
	uint32_t rseq;

	if (!wire_has_token(m, "require", "100rel") || !call_prack_offered(call))
		return CALL_PRACK_NONE;
	if (!wire_header_find(m, "rseq", &h) || wire_number(h.value, UINT32_MAX, &rseq) || !rseq)
		return CALL_PRACK_IGNORE;
	/* Once more, or one before it got lost: it will come again, in order. */
	if (fork->rseq && rseq != fork->rseq + 1)
		return CALL_PRACK_IGNORE;
	fork->rseq = rseq;
	return CALL_PRACK_DUE;
}

/* ---- the PRACK ---- */

void call_prack_forget(struct call_fork *fork)
{
	if (fork->prack.client)
		txn_client_detach(fork->prack.client);
	mem_unref(fork->prack.msg);
	mem_unref(fork->prack.sdp);
	fork->prack = (struct call_prack_sent){.client = NULL};
}

static int send_prack(struct call_fork *fork);

/* Nobody waits for its response but who is asked for credentials: without one the callee gives the INVITE up. */
static void on_response(void *arg, const struct wire_msg *m)
{
	struct call_fork *fork = arg;

	LEG_CHECK(fork->prack.leg);
	if (wire_status(m) < 200)
		return;
	txn_client_detach(fork->prack.client);
	fork->prack.client = NULL;
	if (!call_auth_again(fork->prack.leg, m) || send_prack(fork))
		call_prack_forget(fork);
}

static void on_terminated(void *arg)
{
	((struct call_fork *)arg)->prack.client = NULL;
}
static const struct txn_client_handlers prack_handlers = {.response = on_response,
							  .terminated = on_terminated};

static int send_prack(struct call_fork *fork)
{
	struct call_prack_sent *p = &fork->prack;
	struct call_core *core = p->leg->call->core;
	struct dialog *d = &fork->dialog;
	struct txn_request r = {.method = "PRACK", .uri = d->remote_target};
	struct call_media_in answer = {.msg = p->msg, .sdp = p->sdp};
	struct wire_out o;
	char *body = NULL;
	int err = 0;

	wire_out_init(&o, core->headers, sizeof(core->headers));
	dialog_write(d, "PRACK", ++p->leg->dialog.local_cseq, 70, &o);
	wire_out_header(&o, "RAck", "%u %u INVITE", p->rseq, p->leg->invite_cseq);
	call_auth_write(p->leg, &r, &d->target, &o);
	if (p->sdp)
		err = call_media_body(p->leg->call, 1, &answer, &o, &body, &r.body_bytes);
	if (!err)
		err = wire_out_end(&o, &r.headers_bytes);
	if (!err) {
		r.headers = core->headers;
		r.body = body;
		err = txn_client_new(core->o.txns, &d->target, &r, &prack_handlers, fork,
				     &p->client);
	}
	mem_free(body);
	return err;
}

int call_prack_send(struct call *call, struct call_fork *fork, const struct call_media_in *answer)
{
	int err;

	call_prack_forget(fork); /* one before it, that has not been answered yet */
	fork->prack = (struct call_prack_sent){.leg = &call->legs[1], .rseq = fork->rseq};
	if (answer) {
		fork->prack.msg = mem_ref((void *)(uintptr_t)answer->msg);
		fork->prack.sdp = mem_ref((void *)(uintptr_t)answer->sdp);
	}
	err = send_prack(fork);
	if (err)
		call_prack_forget(fork);
	return err;
}

/* ---- the offer in a reliable 18x ---- */

static void offer_open(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;
	struct call_forks *forks = &call->legs[1].forks;

	CALL_CHECK(call);
	if (!err)
		err = call_media_locals(call, answer);
	if (err) {
		metric_add(&call_metrics, CALL_GATE_FAILED, 1);
		call_release_us(call, 503, err == -ENOSPC ? "gate_ports" : "gate_failed",
				"SIP;cause=503;text=\"media relay failed\"");
		return;
	}
	call_media_opened(call);
	if (!forks->waiting || !call->legs[0].server)
		return;
	call_reliable_send(&call->legs[0], forks->waiting, forks->waiting_sdp);
	forks->waiting = mem_unref(forks->waiting);
	forks->waiting_sdp = mem_unref(forks->waiting_sdp);
}

int call_prack_offer(struct call *call, struct call_fork *fork, struct wire_msg *m,
		     struct body_sdp *offer)
{
	struct call_forks *forks = &call->legs[1].forks;
	struct body_codec_result codecs;
	int err = call_media_check(call, offer, NULL);

	if (!err && call_terms_filter(call, 0, offer, &codecs) < 0)
		err = -ENOTSUP;
	if (!err)
		err = call_media_take(call, 1, offer, true);
	if (!err)
		err = call_media_open(call, offer_open);
	if (err) {
		call_release_us(call, 488, "bad_offer",
				"SIP;cause=488;text=\"the offer cannot be relayed\"");
		return err;
	}
	call->ex.offer = mem_ref(offer);
	call_fork_says(fork, mem_ref(offer));
	forks->media = fork;
	forks->waiting = mem_ref(m);
	forks->waiting_sdp = mem_ref(offer);
	return 0;
}

static void answer_followed(void *arg, int err, const struct gate_action *answer)
{
	(void)arg; /* as with all early media: the 2xx tries again */
	(void)err;
	(void)answer;
}

void call_prack_answer(struct call *call, struct txn_server *s, const struct wire_msg *m,
		       struct body_sdp *answer)
{
	struct call_fork *fork = call->legs[1].forks.media;
	struct call_media_in in = {.msg = m, .sdp = answer};
	int err = answer && fork ? call_media_fits(call, call->ex.offer, answer, NULL) : -EBADMSG;

	if (!err)
		err = call_media_take(call, 0, answer, false);
	call_refuse(s, err ? 488 : 200, NULL, NULL);
	if (!err)
		err = call_prack_send(call, fork, &in);
	if (err) {
		call_release_us(call, 488, "bad_answer",
				"SIP;cause=488;text=\"no fitting answer in the PRACK\"");
		return;
	}
	call->ex.answered = fork->settled = true;
	call_media_follow(call, CALL_CUT_EARLY, answer_followed);
}
