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
#include "sbe/call/call_private.h"
#include "sbe/sip/wire_out.h"

void call_exchange_end(struct call *call)
{
	call->ex.offer = mem_unref(call->ex.offer);
	call->ex.held = mem_unref(call->ex.held);
	call->ex.running = false;
}

/* Refuse the offer; the session goes on as it was. */
static void refuse_offer(struct call *call, int status, const char *phrase)
{
	struct leg *from = &call->legs[call->ex.from];

	if (from->server) {
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
	mem_free(to->ack);
	to->ack = NULL;
	to->ack_bytes = 0;
	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	to->invite_cseq = dialog_write(&to->dialog, "INVITE", 0,
				       max_forwards < 0 ? 69 : max_forwards - 1, &o);
	call_headers_contact(&to->dialog.target, &o);
	call_option_allow(to->peer->conf, &o);
	call_option_supported(to->peer->conf, &o);
	call_headers_pass(
		&(struct call_way){call->core, LEG_OTHER(to)->peer, to->dialog.target.listener},
		call->ex.held, &o);
	err = call_media_body(call, to->side,
			      &(struct call_media_in){call->ex.held, call->ex.offer}, &o, &body,
			      &r.body_bytes);
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

static bool busy(struct leg *leg, struct txn_server *s)
{
	struct call *call = leg->call;

	if (call->fsm.state == CALL_UP && !call->ex.running)
		return false;
	if (call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		call_refuse(s, 481, NULL, NULL);
	else if (call->ex.running && call->ex.from == leg->side)
		call_refuse(s, 500, NULL,
			    "Retry-After: 2\r\n"); /* 14.2: the first one is not final yet */
	else
		call_refuse(s, 491, NULL, NULL);
	return true;
}

static bool refused(const struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	char line[160];

	if (wire_max_forwards(m) == 0)
		call_refuse(s, 483, NULL, NULL);
	else if (call_option_refused(m, leg->peer->conf, line, sizeof(line)))
		call_refuse(s, 420, NULL, line);
	else
		return false;
	return true;
}

void call_reinvite_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct body_sdp *offer = NULL;
	const char *why = NULL;
	int err;

	if (busy(leg, s) || refused(leg, s, m))
		return;
	err = call_media_parse(m, &offer, &why);
	if (!err && offer)
		err = call_media_check(call, offer, &why);
	if (err) {
		mem_unref(offer);
		call_refuse(s, err == -ENOTSUP ? 415 : 488, NULL, NULL);
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
	if (offer && call_media_new_streams(call, offer)) {
		if (call_media_extend(call, offer, extended))
			refuse_offer(call, 488, NULL);
		return;
	}
	send_on(call);
}

/* ---- the other side's response ---- */

static void followed(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;
	struct leg *from = &call->legs[call->ex.from];

	(void)answer;
	CALL_CHECK(call);
	if (!call->ex.running || !from->server || !call->ex.held)
		return;
	if (err) {
		call_release_us(call, 503, "gate_failed",
				"SIP;cause=503;text=\"media relay failed\"");
		return;
	}
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

static int take_response(struct call *call, int side, const struct wire_msg *m)
{
	struct body_sdp *sdp = NULL;
	int err = call_media_parse(m, &sdp, NULL);

	if (!err && !sdp)
		err = -EBADMSG;
	if (!err && call->ex.late) {
		err = call_media_check(call, sdp, NULL);
		if (err)
			goto out;
		call->ex.offer = sdp;
		if (call_media_new_streams(call, sdp))
			return call_media_extend(call, sdp, late_extended);
		return call_media_follow(call, CALL_CUT_THROUGH,
					 followed); /* unchanged until the ACK */
	}
	if (!err)
		err = call_media_fits(call, sdp, NULL);
	if (!err)
		err = call_media_take(call, call->ex.from, call->ex.offer, true);
	if (!err)
		err = call_media_take(call, side, sdp, false);
out:
	mem_unref(sdp);
	return err ? err : call_media_follow(call, CALL_CUT_THROUGH, followed);
}

void call_reinvite_response(struct leg *leg, const struct wire_msg *m)
{
	struct call *call = leg->call;
	int status = wire_status(m);
	char phrase[64];

	if (!call->ex.running || call->ex.from == leg->side || status < 200)
		return;
	if (status >= 300) {
		if (status < 400 || status == 401 || status == 407)
			refuse_offer(call, 488, NULL);
		else
			refuse_offer(call, status, call_headers_phrase(m, phrase, sizeof(phrase)));
		if (status == 481 || status == 408) /* 12.2.1.2: the dialog is gone */
			call_release_us(call, status, "dialog_gone",
					"SIP;cause=481;text=\"dialog is gone\"");
		return;
	}
	if (!call->ex.held || !wire_is_request(call->ex.held))
		return; /* the same 2xx again while gates follow */
	leg->ack_due = true;
	dialog_refresh_target(&leg->dialog, m, NULL);
	if (take_response(call, leg->side, m)) {
		call_release_us(call, 488, "bad_answer",
				"SIP;cause=488;text=\"answer does not fit the offer\"");
		return;
	}
	mem_unref(call->ex.held);
	call->ex.held = mem_ref((void *)(uintptr_t)m);
}

void call_reinvite_failed(struct leg *leg, int err)
{
	struct call *call = leg->call;

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
		err = call_media_fits(call, sdp, NULL);
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
	struct peer *p =
		peer_find_source(core->c.peers, transport_realm(from->listener), &from->to);
	struct call *call;
	bool late;

	if (!leg || !p || strcmp(p->name, leg->peer->name) || !leg->server ||
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
	if (!call->ex.running || call->ex.from != leg->side || call->fsm.state != CALL_UP)
		return;
	late = call->ex.late;
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
	call_exchange_end(call);
}
