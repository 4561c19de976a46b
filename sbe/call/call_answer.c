/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_answer - responses to our INVITE on their way to the caller, and the ACK on its way to the callee.
 *
 * Order on an answer: gates follow first, then the 2xx is passed (RFC 3261 13, the figures of the
 * SPEERMINT flows). A 2xx that nobody wants (fork, after CANCEL) is ended with ACK and BYE.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_private.h"
#include "sbe/sip/wire_out.h"

#define ACK_EXTRA_BYTES 1024U /* request line, Via and Content-Length, which the transactions add */

/* Answer the INVITE of leg `side` with the status and headers of m, and this SDP (may be NULL). */
static int reply(struct call *call, int side, const struct wire_msg *m, const struct body_sdp *sdp)
{
	struct leg *leg = &call->legs[side];
	const struct transport_target *from = txn_server_source(leg->server);
	struct txn_reply r = {.status = wire_status(m)};
	char phrase[64], *body = NULL;
	struct wire_out o;
	int err;

	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	call_headers_contact(from, &o);
	call_option_allow(leg->peer->conf, &o);
	call_option_supported(leg->peer->conf, &o);
	call_headers_pass(&(struct call_way){call->core, LEG_OTHER(leg)->peer, from->listener}, m,
			  &o);
	err = call_media_body(call, side, &(struct call_media_in){m, sdp}, &o, &body,
			      &r.body_bytes);
	if (!err)
		err = wire_out_end(&o, &r.headers_bytes);
	if (!err) {
		r.headers = call->core->headers;
		r.body = body;
		r.reason = call_headers_phrase(m, phrase, sizeof(phrase));
		err = txn_server_reply(leg->server, &r);
	}
	mem_free(body);
	return err;
}

/* ---- provisional ---- */

static void early_done(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;
	struct wire_msg *m = call->ex.held;
	struct body_sdp *sdp = NULL;

	(void)answer;
	(void)err; /* early media that cannot be opened does not end the call: the answer tries again */
	CALL_CHECK(call);
	if (!m || (call->fsm.state != CALL_RINGING && call->fsm.state != CALL_TRYING) ||
	    !call->legs[0].server || wire_is_request(m))
		return;
	if (!call_media_parse(m, &sdp, NULL))
		reply(call, 0, m, sdp);
	mem_unref(sdp);
}

static void note_ringing(struct call *call)
{
	if (!call->ring_ms) {
		call->ring_ms = clock_now_ms();
		call->ring_wall_ms = clock_wall_ms();
	}
	peer_hop_answered(call->legs[1].peer, call->legs[1].hop);
	if (call->fsm.state == CALL_TRYING)
		fsm_go(&call->fsm, CALL_RINGING);
}

int call_progress(struct call *call, const struct wire_msg *m)
{
	struct body_sdp *sdp = NULL;
	struct wire_party to;
	int err;

	wire_to(m, &to);
	if (!to.tag.n || !call->legs[0].server)
		return 0; /* a 18x without a tag makes no dialog: nothing to pass */
	note_ringing(call);
	/* An offer or nonsense in an unreliable 18x: pass the ringing alone. */
	if (call_media_parse(m, &sdp, NULL) || call->ex.late ||
	    (sdp && call_media_fits(call, sdp, NULL)))
		sdp = mem_unref(sdp);
	if (!sdp)
		return reply(call, 0, m, NULL);
	err = call_media_take(call, 1, sdp, false);
	mem_unref(sdp);
	if (err)
		return err;
	mem_unref(call->ex.held);
	call->ex.held = mem_ref((void *)(uintptr_t)m);
	return call_media_follow(call, CALL_CUT_EARLY, early_done);
}

/* ---- the answer ---- */

/* Send it and remember it for a repeated 2xx; without memory for that it is sent once. */
static int send_ack(struct leg *leg, const struct txn_request *r)
{
	struct txn_layer *txns = leg->call->core->o.txns;
	size_t size = r->headers_bytes + r->body_bytes + strlen(r->uri) + ACK_EXTRA_BYTES,
	       bytes = 0;
	int err;

	mem_free(leg->ack);
	leg->ack_bytes = 0;
	leg->ack = mem_buffer(size);
	err = txn_send_ack(txns, &leg->dialog.target, r, leg->ack, size, &bytes);
	if (bytes) {
		leg->ack_bytes = leg->ack ? bytes : 0;
		return err;
	}
	mem_free(leg->ack);
	leg->ack = NULL;
	return err;
}

/* Build the ACK of our INVITE on a leg. ack NULL: without a body. */
int call_ack_leg(struct leg *leg, const struct wire_msg *ack)
{
	struct call *call = leg->call;
	struct txn_request r = {.method = "ACK", .uri = leg->dialog.remote_target};
	struct body_sdp *sdp = NULL;
	char *body = NULL;
	struct wire_out o;
	int err = 0;

	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	dialog_write(&leg->dialog, "ACK", leg->invite_cseq, 70, &o);
	call_headers_contact(&leg->dialog.target, &o);
	if (ack && !call_media_parse(ack, &sdp, NULL) && sdp)
		err = call_media_body(call, leg->side, &(struct call_media_in){ack, sdp}, &o, &body,
				      &r.body_bytes);
	if (!err)
		err = wire_out_end(&o, &r.headers_bytes);
	if (!err) {
		r.headers = call->core->headers;
		r.body = body;
		err = send_ack(leg, &r);
		leg->ack_due = false;
	}
	mem_free(body);
	mem_unref(sdp);
	return err;
}

static void answer_gates_done(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;

	(void)answer;
	CALL_CHECK(call);
	if (!err) {
		fsm_event(&call->fsm, CALL_EV_ANSWERED, NULL);
		return;
	}
	metric_add(&call_metrics, CALL_GATE_FAILED, 1);
	call_release_us(call, 503, err == -ENOSPC ? "gate_ports" : "gate_failed",
			"SIP;cause=503;text=\"media relay failed\"");
}

/* A late offer: the gates could not be opened before the callee said what it wants. */
static void late_gates_open(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;

	CALL_CHECK(call);
	if (!err)
		err = call_media_locals(call, answer);
	if (!err) {
		call->gate_open = true;
		snprintf(call->dbe, sizeof(call->dbe), "%s", gate_context_dbe(call->gate));
		call->context_id = gate_context_id(call->gate);
	}
	answer_gates_done(call, err, answer);
}

static int take_answer(struct call *call, const struct wire_msg *m, const char **ret_why)
{
	struct body_codec_result codecs;
	struct body_sdp *sdp = NULL;
	int err = call_media_parse(m, &sdp, ret_why);

	if (err)
		return err;
	if (call->ex.late) {
		if (!sdp)
			return -EBADMSG;
		call->ex.offer = sdp;
		err = call_media_check(call, sdp, ret_why);
		if (!err && call_media_filter(call, sdp, &codecs) < 0)
			err = -ENOTSUP;
		if (!err)
			err = call_media_take(call, 1, sdp, true);
		return err ? err : call_media_open(call, late_gates_open);
	}
	if (sdp) {
		err = call_media_fits(call, sdp, ret_why);
		if (!err)
			err = call_media_take(call, 1, sdp, false);
		mem_unref(sdp);
	}
	if (!err && !sdp && !call_media_answered(call))
		err = -EBADMSG; /* no answer now and none in a 18x before */
	return err ? err : call_media_follow(call, CALL_CUT_THROUGH, answer_gates_done);
}

int call_answer(struct call *call, const struct wire_msg *m)
{
	struct leg *b = &call->legs[1];
	const char *why = NULL;
	int err = dialog_establish_uac(&b->dialog, m);

	timer_stop(&call->ring);
	note_ringing(call);
	fsm_go(&call->fsm, CALL_ANSWERING);
	if (!err)
		err = dialog_register(call->core->dialogs, &b->dialog, b);
	if (err) { /* without a dialog only the response itself tells where ACK and BYE go */
		call_hang_up_2xx(call->core, m, txn_client_target(b->invite));
		call_release_us(call, 502, "bad_answer", NULL);
		return err;
	}
	b->up = b->ack_due = true;
	if (!err)
		err = take_answer(call, m, &why);
	if (err) {
		call_release_us(call, err == -ENOTSUP ? 488 : 502, "bad_answer",
				"SIP;cause=488;text=\"answer does not fit the offer\"");
		return err;
	}
	mem_unref(call->ex.held);
	call->ex.held = mem_ref((void *)(uintptr_t)m);
	return 0;
}

void call_reply_held(struct call *call)
{
	struct body_sdp *sdp = NULL;

	if (call->ex.late) /* the offer itself: codecs are filtered */
		sdp = mem_ref(call->ex.offer);
	else if (call_media_parse(call->ex.held, &sdp, NULL))
		return;
	reply(call, call->ex.from, call->ex.held, sdp);
	mem_unref(sdp);
	call->ex.held = mem_unref(call->ex.held);
}

int call_answer_done(struct call *call)
{
	struct leg *a = &call->legs[0];

	if (a->server)
		call_reply_held(call);
	/* An error of sending is repaired by the retransmission; if nothing could be written, by nothing. */
	if (!a->server || !txn_server_done(a->server)) {
		call_release_us(call, 500, "internal", NULL);
		return -EPROTO;
	}
	call_plan_free(call);
	a->up = true;
	call->status = 200;
	call->answer_ms = clock_now_ms();
	call->answer_wall_ms = clock_wall_ms();
	peer_count_answered(call->legs[0].peer, PEER_IN);
	peer_count_answered(call->legs[1].peer, PEER_OUT);
	call_attempt_note(call, 200, "answered");
	metric_add(&call_metrics, CALL_ANSWERED, 1);
	fsm_go(&call->fsm, CALL_UP);
	return 0;
}

/* ---- what the transaction layer says about our INVITE ---- */

static int failure_status(int status)
{
	if (status < 400)
		return 480; /* a redirect is neither followed nor shown (C19): only a redirect server may send one */
	if (status == 401 || status == 407)
		return 403; /* a challenge is between the peer and us (G13) */
	return status;
}

static void on_failure(struct call *call, const struct wire_msg *m)
{
	int status = wire_status(m);
	char phrase[64];
	struct call_failure f = {
		.status = failure_status(status), .cause = "peer_refused", .response = m};

	if (f.status == status)
		f.phrase = call_headers_phrase(m, phrase, sizeof(phrase));
	f.next_hop = status == 503 || status == 408 || status == 502 || status == 504;
	if (!f.next_hop)
		peer_hop_answered(call->legs[1].peer, call->legs[1].hop);
	fsm_event(&call->fsm, CALL_EV_FAILURE, &f);
}

static bool same_fork(const struct leg *leg, const struct wire_msg *m)
{
	struct wire_party to;

	wire_to(m, &to);
	return wire_text_is(to.tag, leg->dialog.remote_tag);
}

/* A 2xx that is no news: of a fork we do not want, behind a CANCEL, or once more. @return true: done. */
static bool extra_2xx(struct leg *leg, const struct wire_msg *m)
{
	struct call *call = leg->call;
	const struct transport_target *to = txn_client_target(leg->invite);

	if (leg->cancelled || (leg->dialog.remote_tag[0] && !same_fork(leg, m))) {
		call_hang_up_2xx(call->core, m, to);
		return true;
	}
	if (leg->ack && wire_cseq(m) == leg->invite_cseq) {
		txn_resend(call->core->o.txns, &leg->dialog.target, leg->ack, leg->ack_bytes);
		return true;
	}
	if (call->fsm.state != CALL_ENDING && call->fsm.state != CALL_DEAD)
		return false;
	call_ack_2xx(call->core, m, to); /* a re-INVITE that the BYE has overtaken */
	return true;
}

static void on_response(void *arg, const struct wire_msg *m)
{
	struct leg *leg = arg;
	struct call *call = leg->call;
	int status = wire_status(m);
	bool done;

	LEG_CHECK(leg);
	if (status == 100)
		return;
	done = status >= 200 && status < 300 && extra_2xx(leg, m);
	if (leg->cancelled && status >= 200) { /* final: what may still come is a stray */
		txn_client_detach(leg->invite);
		leg->invite = NULL;
		call_end_check(call);
		return;
	}
	if (done || leg->cancelled || call->fsm.state == CALL_ENDING ||
	    call->fsm.state == CALL_DEAD)
		return;
	if (call->fsm.state == CALL_UP)
		call_reinvite_response(leg, m);
	else if (status < 200)
		fsm_event(&call->fsm, CALL_EV_PROGRESS, (void *)(uintptr_t)m);
	else if (status >= 300)
		on_failure(call, m);
	else if (call->fsm.state != CALL_ANSWERING)
		fsm_event(&call->fsm, CALL_EV_ANSWER, (void *)(uintptr_t)m);
}

static void on_failed(void *arg, int err)
{
	struct leg *leg = arg;
	struct call *call = leg->call;
	struct call_failure f = {.status = err == -ETIMEDOUT ? 408 : 503,
				 .cause = err == -ETIMEDOUT ? "timeout" : "unreachable",
				 .next_hop = true};

	LEG_CHECK(leg);
	if (leg->cancelled || call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		return;
	if (call->fsm.state == CALL_UP)
		call_reinvite_failed(leg, err);
	else
		fsm_event(&call->fsm, CALL_EV_FAILURE, &f);
}

static void on_terminated(void *arg)
{
	struct leg *leg = arg;

	LEG_CHECK(leg);
	leg->invite = NULL;
	mem_free(leg->ack); /* no repeated 2xx can come any more */
	leg->ack = NULL;
	leg->ack_bytes = 0;
	call_end_check(leg->call);
}

const struct txn_client_handlers call_invite_handlers = {on_response, on_failed, on_terminated};
