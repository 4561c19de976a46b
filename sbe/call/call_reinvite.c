/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_reinvite - an INVITE inside a call: hold, resume, address or codec change, more streams.
 *
 * One exchange at a time (RFC 3261 14): a second one gets 491, or 500 from the same side. Nothing of the
 * session changes before the answer is there, so a refused offer leaves SDP and gates as they were (S2).
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
#include "sbe/call/call_cancel.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_own.h"
#include "sbe/call/call_reinvite.h"
#include "sbe/call/call_screen.h"
#include "sbe/call/call_sync.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/wire_out.h"

void call_exchange_end(struct call *call)
{
	call->ex.offer = mem_unref(call->ex.offer);
	call->ex.held = mem_unref(call->ex.held);
	call->ex.sdp = mem_unref(call->ex.sdp);
	call->ex.own_body = mem_unref(call->ex.own_body);
	if (call->ex.update)
		call_refuse(call->ex.update, 487, NULL, NULL);
	call->ex.update = NULL;
	timer_stop(&call->ex_timer);
	call->ex.running = false;
}

void call_exchange_hold(struct call *call, const struct wire_msg *m, struct body_sdp *sdp)
{
	mem_unref(call->ex.held);
	mem_unref(call->ex.sdp);
	call->ex.held = mem_ref((void *)(uintptr_t)m);
	call->ex.sdp = sdp;
}

/* Refuse the offer; the session goes on as it was. */
static void refuse_offer(struct call *call, int status, const char *phrase)
{
	struct leg *from = &call->legs[call->ex.from];

	call_direct_stay(call);
	if (call->ex.update) {
		call_refuse(call->ex.update, status, phrase, NULL);
		call->ex.update = NULL;
	} else if (!call->ex.by_update && from->server) {
		call_refuse(from->server, status, phrase, NULL);
		from->server = NULL;
	}
	call_exchange_end(call);
}

static void send_on(struct call *call)
{
	struct leg *to = &call->legs[1 - call->ex.from];
	int max_forwards = wire_max_forwards(call->ex.held);
	struct txn_request r = {.method = "INVITE", .uri = to->dialog.remote_target};
	struct wire_out o;
	char *body = NULL;
	int err;

	if (to->invite)
		txn_client_detach(to->invite); /* an earlier one in its Accepted state */
	to->invite = NULL;
	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	to->invite_cseq = dialog_write(&to->dialog, "INVITE", 0,
				       max_forwards < 0 ? 69 : max_forwards - 1, &o);
	call_headers_contact(&to->dialog.target, &o);
	call_option_allow(to->peer->conf, &o);
	call_option_supported(to->peer->conf, "100rel", &o);
	call_session_ask(to, &o);
	call_auth_write(to, &r, &to->dialog.target, &o);
	call_headers_pass(to, to->dialog.target.listener, call->ex.held, &o);
	err = call_media_body(call, to->side,
			      &(struct call_media_in){call->ex.held, call->ex.offer, true}, &o,
			      &body, &r.body_bytes);
	if (!err)
		err = wire_out_end(&o, &r.headers_bytes);
	if (!err) {
		r.headers = call->core->headers;
		r.body = body;
		err = txn_client_new(call->core->o.txns, &to->dialog.target, &r,
				     &call_invite_handlers, to, &to->invite);
	}
	mem_free(body);
	if (err)
		refuse_offer(call, err == -ENOTSUP ? 488 : 500, NULL);
}

/* Our addresses for streams the call did not have are there. */
static void extended(void *arg, int err, const struct gate_action *reply)
{
	struct call *call = arg;

	CALL_CHECK(call);
	if (!call->ex.running)
		return;
	if (!err)
		err = call_media_locals(call, reply);
	if (err)
		refuse_offer(call, 488, NULL);
	else
		send_on(call);
}

static bool refused(const struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	char line[160];
	int status;

	if (wire_max_forwards(m) == 0)
		call_refuse(s, 483, NULL, NULL);
	else if (call_option_refused(m, leg->peer->conf, line, sizeof(line)))
		call_refuse(s, 420, NULL, line);
	else if ((status = call_session_check(m, leg->peer->conf, line, sizeof(line))))
		call_refuse(s, status, NULL, line);
	else
		return false;
	return true;
}

/* Streams the call does not have get their gates first. */
static void begin(struct call *call)
{
	if (!call->ex.offer || !call_media_new_streams(call, call->ex.from, call->ex.offer))
		send_on(call);
	else if (call_media_extend(call, call->ex.from, call->ex.offer, extended))
		refuse_offer(call, 488, NULL);
}

void call_reinvite_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct body_sdp *offer = NULL;
	const char *why = NULL;
	int err, status = call_update_glare(leg, true);

	if (status) {
		call_update_refuse(s, status);
		return;
	}
	if (refused(leg, s, m))
		return;
	err = call_media_parse(m, &offer, &why);
	if (!err && offer)
		err = call_media_may_change(call, offer, &why);
	if (err) {
		mem_unref(offer);
		call_refuse(s, err == -ENOTSUP ? 415 : 488, NULL,
			    err == -ENOTSUP ? call_screen_taken(m) : NULL);
		return;
	}
	call_session_heard(leg, m);
	if (call_session_refreshed(leg, s, m, offer)) {
		mem_unref(offer);
		return;
	}
	if (leg->server)
		txn_server_detach(leg->server);
	leg->server = s;
	leg->their_cseq = wire_cseq(m);
	txn_server_bind(s, &call_server_handlers, leg);
	dialog_refresh_target(&leg->dialog, m, txn_server_source(s));
	call->ex = (struct call_exchange){
		.running = true, .late = !offer, .from = leg->side, .offer = offer};
	call->ex.held = mem_ref((void *)(uintptr_t)m);
	begin(call);
}

/* ---- an UPDATE to a side that knows no UPDATE ---- */

/* Its sender may wait 64*T1 at most; RFC 3311 5.2: 504 when it takes too long. */
#define UPDATE_WAIT_MS 20000U

static void update_is_late(void *arg)
{
	struct call *call = arg;
	struct leg *to = &call->legs[1 - call->ex.from];

	CALL_CHECK(call);
	if (!call->ex.update)
		return;
	call_refuse(call->ex.update, 504, NULL, NULL);
	call->ex.update = NULL;
	if (to->invite)
		txn_client_cancel(to->invite, NULL);
}

static void on_update_end(void *arg)
{
	struct call *call = arg;

	CALL_CHECK(call);
	call->ex.update = NULL;
}
static const struct txn_server_handlers update_handlers = {.terminated = on_update_end};

void call_reinvite_for(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
		       struct body_sdp *offer)
{
	struct call *call = leg->call;

	call->ex = (struct call_exchange){
		.running = true, .from = leg->side, .offer = offer, .update = s, .by_update = true};
	call->ex.held = mem_ref((void *)(uintptr_t)m);
	txn_server_bind(s, &update_handlers, call);
	timer_start(call->core->o.wheel, &call->ex_timer, UPDATE_WAIT_MS, update_is_late, call);
	begin(call);
}

/* The answer is here and the gates follow it: tell the UPDATE's sender, and acknowledge. */
static void update_answered(struct call *call)
{
	struct leg *to = &call->legs[1 - call->ex.from];

	if (!call->ex.update) { /* it has been told 504: the sides disagree now */
		call_release_us(call, 504, "late_answer",
				"SIP;cause=504;text=\"answer came too late\"");
		return;
	}
	call_reply_held(call);
	txn_server_detach(call->ex.update);
	call->ex.update = NULL;
	call_ack_leg(to, NULL);
	if (to->ack_due)
		call_release_us(call, 500, "internal", NULL);
	else
		call_exchange_end(call);
}

/* ---- the other side's response ---- */

static void followed(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;
	struct leg *from = &call->legs[call->ex.from];

	(void)answer;
	CALL_CHECK(call);
	if (!call->ex.running || !(from->server || call->ex.by_update) || !call->ex.held)
		return;
	if (err) {
		call_release_us(call, 503, "gate_failed",
				"SIP;cause=503;text=\"media relay failed\"");
		return;
	}
	if (call->ex.by_update) {
		update_answered(call);
		return;
	}
	call->ex.answered = !call->ex.late;
	call_reply_held(call);
	if (!txn_server_done(from->server)) /* nothing could be written: the sides disagree now */
		call_release_us(call, 500, "internal", NULL);
}

/* A late offer may bring streams the gates do not have. */
static void late_extended(void *arg, int err, const struct gate_action *reply)
{
	struct call *call = arg;

	CALL_CHECK(call);
	if (!err)
		err = call_media_locals(call, reply);
	followed(arg, err, reply);
}

/* A late offer: nothing changes until the ACK brings its answer. */
static int take_late_offer(struct call *call, struct body_sdp *sdp)
{
	int err = call_media_may_change(call, sdp, NULL);

	if (err)
		return err;
	call->ex.offer = mem_ref(sdp);
	if (call_media_new_streams(call, 1 - call->ex.from, sdp))
		return call_media_extend(call, 1 - call->ex.from, sdp, late_extended);
	return call_media_follow(call, CALL_CUT_THROUGH, followed);
}

static int take_response(struct call *call, int side, struct body_sdp *sdp)
{
	int err;

	if (!sdp)
		return -EBADMSG;
	if (call->ex.late)
		return take_late_offer(call, sdp);
	err = call_media_fits(call, call->ex.offer, sdp, NULL);
	if (!err)
		err = call_media_take(call, call->ex.from, call->ex.offer, true);
	if (!err)
		err = call_media_take(call, side, sdp, false);
	return err ? err : call_media_follow(call, CALL_CUT_THROUGH, followed);
}

void call_reinvite_response(struct leg *leg, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct body_sdp *sdp = NULL;
	int err, status = wire_status(m);
	char phrase[64];

	if (call_own_response(leg, m, 0) || !call->ex.running || call->ex.from == leg->side ||
	    status < 200)
		return;
	if (status >= 300) {
		if (call_session_again(leg, m) || call_auth_again(leg, m)) {
			send_on(call);
			return;
		}
		if (status < 400 || status == 401 || status == 407 || status == 422)
			refuse_offer(call, 488, NULL);
		else
			refuse_offer(
				call, status,
				call_headers_phrase(LEG_OTHER(leg), m, phrase, sizeof(phrase)));
		if (status == 481 || status == 408) /* 12.2.1.2: the dialog is gone */
			call_release_us(call, status, "dialog_gone",
					"SIP;cause=481;text=\"dialog is gone\"");
		return;
	}
	if (!call->ex.held || !wire_is_request(call->ex.held))
		return; /* the same 2xx again while gates follow */
	leg->ack_due = true;
	dialog_refresh_target(&leg->dialog, m, NULL);
	call_session_granted(leg, m);
	err = call_media_parse(m, &sdp, NULL);
	if (!err)
		err = take_response(call, leg->side, sdp);
	if (err) {
		mem_unref(sdp);
		call_release_us(call, 488, "bad_answer",
				"SIP;cause=488;text=\"answer does not fit the offer\"");
		return;
	}
	call_exchange_hold(call, m, sdp);
}

void call_reinvite_failed(struct leg *leg, int err)
{
	struct call *call = leg->call;

	if (call_own_response(leg, NULL, err))
		return;
	if (call->ex.running && call->ex.from != leg->side)
		refuse_offer(call, err == -ETIMEDOUT ? 408 : 503, NULL);
	call_release_us(call, 408, "dialog_gone", "SIP;cause=408;text=\"no answer in the dialog\"");
}

/* ---- ACK: the end of every exchange ---- */

static void late_answered(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;

	(void)answer;
	CALL_CHECK(call);
	if (err && call->fsm.state == CALL_UP)
		call_release_us(call, 503, "gate_failed",
				"SIP;cause=503;text=\"media relay failed\"");
}

/* The ACK brings the answer to a late offer. */
static int late_answer(struct call *call, int side, const struct wire_msg *ack)
{
	struct body_sdp *sdp = NULL;
	int err = call_media_parse(ack, &sdp, NULL);

	if (!err && !sdp)
		err = -EBADMSG;
	if (!err)
		err = call_media_fits(call, call->ex.offer, sdp, NULL);
	if (!err)
		err = call_media_take(call, 1 - side, call->ex.offer, true);
	if (!err)
		err = call_media_take(call, side, sdp, false);
	mem_unref(sdp);
	return err ? err : call_media_follow(call, CALL_CUT_THROUGH, late_answered);
}

void call_on_ack(struct call_core *core, const struct wire_msg *m,
		 const struct transport_target *from)
{
	struct leg *leg = dialog_find(core->dialogs, m);
	struct peer *p = peer_identify(core->c.peers, from);
	struct call *call;
	bool late, initial;

	if (!leg || !call_from_leg(leg, p, from) || !leg->server ||
	    wire_cseq(m) != leg->their_cseq || !txn_server_done(leg->server))
		return; /* also one that comes before there is anything to acknowledge */
	call = leg->call;
	txn_server_stop_2xx(leg->server);
	txn_server_detach(leg->server);
	leg->server = NULL;
	if (leg->bye_due) {
		call_leg_bye(leg, NULL, NULL);
		call_end_check(call);
		return;
	}
	if (!call->ex.running || call->ex.from != leg->side || call->fsm.state != CALL_UP ||
	    call->ex.own || call->ex.by_update)
		return; /* of a refresh that ended here: it is no answer to another INVITE of ours */
	late = call->ex.late && !call->ex.answered;
	if (late && late_answer(call, leg->side, m)) {
		call_release_us(call, 488, "bad_answer",
				"SIP;cause=488;text=\"no fitting answer in the ACK\"");
		return;
	}
	call_ack_leg(LEG_OTHER(leg), late ? m : NULL);
	if (LEG_OTHER(leg)->ack_due) { /* it could not be written: that side would wait for ever */
		call_release_us(call, 500, "internal", NULL);
		return;
	}
	initial = call->ex.initial;
	call_exchange_end(call);
	if (initial)
		call_sync(call);
}
