/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_answer - the answer to our INVITE on its way to the caller, and the ACK on its way to the callee.
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
#include "sbe/call/call_answer.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_invite.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_progress.h"
#include "sbe/call/call_redirect.h"
#include "sbe/call/call_reliable.h"
#include "sbe/call/call_route.h"
#include "sbe/call/call_terms.h"
#include "sbe/sdp/body_codec.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/wire_out.h"

static void write_reliable(uint32_t rseq, struct wire_out *o)
{
	wire_out_header_text(o, "Require", WIRE_TEXT("100rel"));
	wire_out_header(o, "RSeq", "%u", rseq);
}

int call_reply(struct call *call, int side, const struct call_reply *reply)
{
	struct leg *leg = &call->legs[side];
	const struct transport_target *from = txn_server_source(reply->server);
	struct txn_reply r = {.status = wire_status(reply->msg)};
	char phrase[64], *body = NULL;
	struct wire_out o;
	int err;

	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	call_headers_contact(from, &o);
	call_option_allow(leg->peer->conf, &o);
	call_option_supported(leg->peer->conf, NULL, &o);
	if (reply->rseq)
		write_reliable(reply->rseq, &o);
	if (r.status >= 200 && r.status < 300)
		call_session_reply(leg, reply->server, &o);
	call_headers_pass(leg, from->listener, reply->msg, &o);
	err = call_media_body(call, side,
			      &(struct call_media_in){reply->msg, reply->sdp, reply->offer}, &o,
			      &body, &r.body_bytes);
	if (!err)
		err = wire_out_end(&o, &r.headers_bytes);
	if (!err) {
		r.headers = call->core->headers;
		r.body = body;
		r.reason = call_headers_phrase(leg, reply->msg, phrase, sizeof(phrase));
		r.status = call_headers_status(leg, reply->msg, r.status, &r.reason);
		err = txn_server_reply(reply->server, &r);
	}
	mem_free(body);
	return err;
}

/* ---- the answer ---- */

static int send_ack(struct leg *leg, const struct txn_request *r)
{
	const struct dialog *d = &leg->dialog;

	if (leg->invite)
		return txn_client_ack(leg->invite, &d->target, r, d->remote_tag);
	return txn_send_ack(leg->call->core->o.txns, &d->target, r);
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
		err = call_media_body(call, leg->side, &(struct call_media_in){ack, sdp, false}, &o,
				      &body, &r.body_bytes);
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
	if (!err)
		call_media_opened(call);
	answer_gates_done(call, err, answer);
}

/* An offer in a 2xx: its gates are opened now. */
static int take_late_offer(struct call *call, struct body_sdp *sdp, const char **ret_why)
{
	struct body_codec_result codecs;
	int err;

	if (!sdp || call->ex.offer)
		return -EBADMSG; /* none, or another one than the caller was shown in a 18x */
	call->ex.offer = mem_ref(sdp);
	err = call_media_check(call, sdp, ret_why);
	if (!err && call_terms_filter(call, 0, sdp, &codecs) < 0)
		err = -ENOTSUP;
	if (!err && !call_terms_room(call, sdp))
		err = -ENOTSUP;
	if (!err)
		err = call_media_take(call, 1, sdp, true);
	return err ? err : call_media_open(call, late_gates_open);
}

/* The answer stands in the 2xx, or stood in a 18x of the same fork; never in one of another fork. */
static int take_answer(struct call *call, const struct call_fork *fork, struct body_sdp **sdp,
		       const char **ret_why)
{
	bool current = fork && fork->settled && fork == call->legs[1].forks.media;
	int err = 0;

	if (fork && fork->settled)
		*sdp = mem_unref(*sdp); /* complete: what the 2xx says once more does not count */
	if (call->ex.late && !call->ex.answered)
		return take_late_offer(call, *sdp, ret_why);
	if (call->ex.late && !current)
		return -EBADMSG;
	if (*sdp)
		err = call_media_fits(call, call->ex.offer, *sdp, ret_why);
	else if (fork && fork->sdp)
		*sdp = mem_ref(fork->sdp);
	if (!err && !*sdp)
		err = -EBADMSG;
	if (!err && !current) {
		call_media_again(call, call->ex.offer);
		err = call_media_take(call, 1, *sdp, false);
	}
	return err ? err : call_media_follow(call, CALL_CUT_THROUGH, answer_gates_done);
}

/* The early dialog of this fork becomes the leg's; all other forks are over. */
static int confirm(struct leg *b, const struct call_fork *fork, const struct wire_msg *m)
{
	if (fork) {
		b->dialog.remote_cseq = fork->dialog.remote_cseq;
		b->dialog.has_remote_cseq = fork->dialog.has_remote_cseq;
	}
	b->allows_update = call_option_peer_allows(m, "UPDATE") || (fork && fork->allows_update);
	if (b->up) /* its dialog is an old one: it came from another call */
		return dialog_refresh_target(&b->dialog, m, NULL);
	return dialog_establish_uac(&b->dialog, m);
}

int call_answer(struct call *call, const struct wire_msg *m)
{
	struct leg *b = &call->legs[1];
	struct body_sdp *sdp = NULL;
	const char *why = NULL;
	struct call_fork *fork;
	struct wire_party to;
	int err;

	wire_to(m, &to);
	fork = call_fork_find(b, to.tag);
	timer_stop(&call->ring);
	call_sed_unwatch(call);
	call_quality_final(b, 200, true);
	call_step(call, CALL_STEP_ANSWERED, 0, 0, NULL);
	call_note_ringing(call);
	fsm_go(&call->fsm, CALL_ANSWERING);
	err = confirm(b, fork, m);
	if (err) { /* without a dialog only the response itself tells where ACK and BYE go */
		call_hang_up_2xx(call->core, m, txn_client_target(b->invite), b->dialog.local_cseq);
		call_release_us(call, 502, "bad_answer", NULL);
		return err;
	}
	b->up = b->ack_due = true;
	call_session_granted(b, m);
	err = call_media_parse(m, &sdp, &why);
	if (!err)
		err = take_answer(call, fork, &sdp, &why);
	if (err) {
		mem_unref(sdp);
		call_release_us(call, err == -ENOTSUP ? 488 : 502, "bad_answer",
				"SIP;cause=488;text=\"answer does not fit the offer\"");
		return err;
	}
	call_update_confirm(call, fork);
	call_fork_clear(b);
	call_exchange_hold(call, m, sdp);
	return 0;
}

void call_reply_held(struct call *call)
{
	struct leg *to = &call->legs[call->ex.from];
	struct call_reply r = {.server = call->ex.update ? call->ex.update : to->server,
			       .msg = call->ex.held,
			       .sdp = call->ex.sdp,
			       .offer = call->ex.late && !call->ex.answered};

	if (call->ex.initial && call_reliable_given(to)) {
		/* it has its description, and no other may follow in a response */
		to->reliable->owed = call->ex.sdp;
		r.sdp = call->ex.sdp = NULL;
	}
	call_reply(call, call->ex.from, &r);
	call->ex.held = mem_unref(call->ex.held);
	call->ex.sdp = mem_unref(call->ex.sdp);
}

void call_answer_up(struct call *call)
{
	call->ex.answered = call->ex.answered || !call->ex.late;
	call->status = 200;
	call->answer_ms = clock_now_ms();
	call->answer_wall_ms = clock_wall_ms();
	call_quality_final(&call->legs[0], 200, true);
	peer_count_answered(call->legs[0].peer, PEER_IN);
	peer_count_answered(call->legs[1].peer, PEER_OUT);
	call_attempt_note(call, 200, "answered");
	call_plan_free(call);
	metric_add(&call_metrics, CALL_ANSWERED, 1);
	call_step(call, CALL_STEP_UP, 0, 0, NULL);
	fsm_go(&call->fsm, CALL_UP);
}

int call_answer_done(struct call *call)
{
	struct leg *a = &call->legs[0];

	if (call_transfer_answered(call))
		return 0;
	if (call_reliable_holds(a))
		return 0; /* we are called again at its PRACK */
	call_reliable_stop(a);
	if (a->server)
		call_reply_held(call);
	/* An error of sending is repaired by the retransmission; if nothing could be written, by nothing. */
	if (!a->server || !txn_server_done(a->server)) {
		call_release_us(call, 500, "internal", NULL);
		return -EPROTO;
	}
	a->up = true;
	call_answer_up(call);
	call_transfer_settled(call);
	return 0;
}

/* ---- what the transaction layer says about our INVITE ---- */

static int failure_status(int status)
{
	if (status < 400)
		return 480; /* a redirect is never shown (C19); who may send one: call_redirect.c */
	if (status == 422 || status == 421)
		return 500; /* session timers are between the peer and us (S6) */
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

	if ((call_session_again(&call->legs[1], m) || call_auth_again(&call->legs[1], m)) &&
	    !call_invite_again(call)) {
		call_step(call, CALL_STEP_ASKED, 0, status, NULL);
		return;
	}
	call_quality_final(&call->legs[1], status, true);
	if (call_redirect(call, m))
		return;
	if (call_auth_is_challenge(status))
		f.cause = "auth_failed";
	if (f.status == status)
		f.phrase = call_headers_phrase(&call->legs[0], m, phrase, sizeof(phrase));
	f.next_hop = call->plan && route_failover_next(&call->plan->failover, status);
	if (!f.next_hop)
		peer_hop_answered(call->legs[1].peer, call->legs[1].hop);
	if (!f.next_hop && call_redirect_goes_on(call, status))
		f.next_hop = f.other_target = true;
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
		call_hang_up_2xx(call->core, m, to, leg->dialog.local_cseq);
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
	call_step_heard(call);
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
	if (call->answer_ms &&
	    !leg->cancelled) /* in a dialog: its 2xx may come when that is over */
		call_stray_expect(call->core, &leg->dialog);
	if (leg->cancelled || call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		return;
	call_quality_final(leg, f.status, false);
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
	call_end_check(leg->call);
}

const struct txn_client_handlers call_invite_handlers = {on_response, on_failed, on_terminated};
