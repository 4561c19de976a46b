/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_bye - the end of a call: who asked for it, both legs released, gates closed, record written.
 *
 * Each leg is released by what its state needs: a final answer, CANCEL, or (after ACK) BYE.
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
#include "sbe/call/call_headers.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_progress.h"
#include "sbe/call/call_record.h"
#include "sbe/call/call_reliable.h"
#include "sbe/call/call_route.h"
#include "sbe/sip/wire_out.h"

#define REASON_MAX_BYTES 1024U

/* ---- BYE to one leg ---- */

static void send_bye(struct leg *leg, const struct wire_msg *bye, struct wire_text reason);

static void bye_response(void *arg, const struct wire_msg *m)
{
	struct leg *leg = arg;

	LEG_CHECK(leg);
	if (wire_status(m) < 200)
		return;
	/* Any final answer ends the dialog (RFC 3261 15.1.1) but a challenge; the transaction lingers alone. */
	txn_client_detach(leg->bye);
	leg->bye = NULL;
	if (call_auth_again(leg, m))
		send_bye(leg, NULL, call_auth_kept(leg));
	else
		call_quality_ended(leg, wire_status(m) < 300);
	call_end_check(leg->call);
}

static void bye_failed(void *arg, int err)
{
	struct leg *leg = arg;

	(void)err;
	LEG_CHECK(leg);
	txn_client_detach(leg->bye);
	leg->bye = NULL;
	call_quality_ended(leg, false);
	call_end_check(leg->call);
}

static const struct txn_client_handlers bye_handlers = {bye_response, bye_failed, NULL};

/* Of the other side's BYE all that crosses; of anything else that ended the call only why. */
static void send_bye(struct leg *leg, const struct wire_msg *bye, struct wire_text reason)
{
	struct call_core *core = leg->call->core;
	struct txn_request r = {.method = "BYE", .uri = leg->dialog.remote_target};
	struct wire_out o;

	wire_out_init(&o, core->headers, sizeof(core->headers));
	dialog_write(&leg->dialog, "BYE", 0, 70, &o);
	call_auth_write(leg, &r, &leg->dialog.target, &o);
	if (bye)
		call_headers_pass(leg, leg->dialog.target.listener, bye, &o);
	else if (reason.n)
		wire_out_header_text(&o, "Reason", reason);
	if (wire_out_end(&o, &r.headers_bytes))
		return;
	r.headers = core->headers;
	call_quality_bye(leg);
	txn_client_new(core->o.txns, &leg->dialog.target, &r, &bye_handlers, leg, &leg->bye);
}

void call_leg_bye(struct leg *leg, const struct wire_msg *request, const char *reason)
{
	char buf[REASON_MAX_BYTES];
	const char *text = call_headers_reason(leg, request, reason, buf, sizeof(buf));
	struct wire_text why = {text, text ? strlen(text) : 0};
	bool bye = request && wire_is_request(request) && wire_method(request) == WIRE_BYE;

	if (leg->server && !txn_server_done(leg->server))
		call_refuse(leg->server, 487, NULL, NULL); /* a re-INVITE that was going on */
	else if (leg->server)
		txn_server_detach(leg->server);
	leg->server = NULL;
	leg->up = leg->bye_due = false;
	call_auth_keep(leg, why);
	send_bye(leg, bye ? request : NULL, why);
}

/* ---- the whole call ---- */

static void gate_final(void *arg, int err, const struct gate_final *final)
{
	struct call *call = arg;

	CALL_CHECK(call);
	call->gate_closing = false;
	call_record(call, err ? NULL : final);
	call_end_check(call);
}

static void release_caller(struct call *call, struct leg *a, const struct call_release *r)
{
	struct txn_reply reply = {.status = r->status, .reason = r->phrase};
	char text[256];
	const char *reason;
	struct wire_out o;

	if (!a->server || txn_server_done(a->server))
		return;
	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	if (r->request && !wire_is_request(r->request))
		call_headers_pass(a, txn_server_source(a->server)->listener, r->request, &o);
	else if ((reason = call_headers_reason(a, NULL, r->reason, text, sizeof(text))))
		wire_out_header(&o, "Reason", "%s", reason);
	if (!wire_out_end(&o, &reply.headers_bytes))
		reply.headers = call->core->headers;
	else
		reply.headers_bytes = 0;
	txn_server_reply(a->server, &reply);
	txn_server_detach(a->server);
	a->server = NULL;
}

/* Its own BYE ended the dialog: a 2xx of ours that is not ACKed is not sent again. */
static void leave_leg(struct leg *leg)
{
	leg->up = false;
	call_quality_ended(leg, true);
	if (!leg->server)
		return;
	txn_server_stop_2xx(leg->server);
	txn_server_detach(leg->server);
	leg->server = NULL;
}

/* Our INVITE has no final answer: CANCEL, with the Reason of what ended the call (RFC 3326). */
static void cancel_leg(struct leg *leg, const struct call_release *r)
{
	char reason[256];

	leg->cancelled = true;
	txn_client_cancel(leg->invite,
			  call_headers_reason(leg, r->request, r->reason, reason, sizeof(reason)));
}

static void release_leg(struct leg *leg, const struct call_release *r)
{
	bool bye_from_here = r->request && wire_is_request(r->request) &&
			     wire_method(r->request) == WIRE_BYE &&
			     r->by == (leg->side == 0 ? CALL_BY_CALLER : CALL_BY_CALLEE);

	if (leg->side == 1 && leg->invite && !leg->up) {
		if (r->request &&
		    !wire_is_request(r->request)) { /* its own final answer ended it */
			txn_client_detach(leg->invite);
			leg->invite = NULL;
		} else {
			cancel_leg(leg, r);
		}
		return;
	}
	if (!leg->up)
		return;
	if (leg->ack_due) {
		call_ack_leg(leg, NULL); /* nobody on the other side will give it any more */
		call_stray_expect(leg->call->core, &leg->dialog);
	}
	if (bye_from_here)
		leave_leg(leg);
	else if (leg->server && txn_server_done(leg->server) && strcmp(r->cause, "no_ack"))
		leg->bye_due = true; /* our 2xx is not ACKed yet */
	else
		call_leg_bye(leg, r->request, r->reason);
}

/* A caller that has no answer yet gets the status its peer wants to hear; one that hung up knows itself why. */
static void map_status(const struct call *call, struct call_release *r)
{
	const struct wire_msg *m = r->request && !wire_is_request(r->request) ? r->request : NULL;

	if (!call->answer_ms && r->by != CALL_BY_CALLER)
		r->status = call_headers_status(&call->legs[0], m, r->status, &r->phrase);
}

int call_release(struct call *call, const struct call_release *release)
{
	struct call_release mapped = *release, *r = &mapped;

	CALL_CHECK(call);
	call_transfer_ending(call, r);
	map_status(call, r);
	timer_stop(&call->ring);
	call_sed_unwatch(call);
	call_sed_give(call);
	timer_stop(&call->guard);
	call_direct_end(call);
	call->end_ms = clock_now_ms();
	call->end_wall_ms = clock_wall_ms();
	call->released_by = r->by;
	call->cause = r->cause;
	if (!call->answer_ms)
		call->status = r->status;
	call_step(call, CALL_STEP_END, 0, call->status, r->cause);
	fsm_go(&call->fsm, CALL_ENDING);
	call_quality_final(&call->legs[1], 487, false);
	call_quality_final(&call->legs[0], r->status, true);
	call_reliable_stop(&call->legs[0]);
	call_update_end(call);
	call_exchange_end(call);
	call_fork_clear(&call->legs[1]);
	release_caller(call, &call->legs[0], r);
	release_leg(&call->legs[1], r);
	release_leg(&call->legs[0], r);
	call_relay_end(&call->legs[0]);
	call_relay_end(&call->legs[1]);
	call_session_stop(&call->legs[0]);
	call_session_stop(&call->legs[1]);
	call_plan_free(call);
	if (call->gate) {
		struct gate_context *gate = call->gate;

		call->gate = NULL;
		call->gate_closing = true;
		call_show_settle(call);
		gate_close(gate, gate_final, call);
	} else {
		call_record(call, NULL);
	}
	call_end_check(call);
	return 0;
}

void call_release_us(struct call *call, int status, const char *cause, const char *reason)
{
	struct call_release r = {
		.by = CALL_BY_US, .status = status, .cause = cause, .reason = reason};

	fsm_event(&call->fsm, CALL_EV_RELEASE, &r);
}

/* RFC 3261 15 forbids it to the callee; taken all the same as the end of that fork, or of the call if it is the only one. */
static void early_bye(struct leg *leg, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct call_release r = {
		.by = CALL_BY_CALLEE, .status = 480, .cause = "cancelled", .request = m};
	struct call_fork *fork;
	struct wire_party from;

	wire_from(m, &from);
	fork = call_fork_find(leg, from.tag);
	if (fork && leg->forks.n > 1)
		call_fork_gone(call, fork);
	else
		fsm_event(&call->fsm, CALL_EV_RELEASE, &r);
}

void call_bye_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct call_release r = {.by = leg->side == 0 ? CALL_BY_CALLER : CALL_BY_CALLEE,
				 .status = 487,
				 .cause = call->answer_ms ? "normal" : "cancelled",
				 .request = m};

	call_refuse(s, 200, NULL, NULL);
	if (call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD) {
		/* Both hung up at once: ours to this leg will be answered too, or not; either way it is over. */
		leave_leg(leg);
		if (leg->bye_due) {
			leg->bye_due = false;
			call_end_check(call);
		}
		return;
	}
	if (leg->side == 1 && !leg->up) {
		early_bye(leg, m);
		return;
	}
	if (leg->server && !txn_server_done(leg->server) && call->fsm.state == CALL_UP) {
		call_refuse(leg->server, 487, NULL,
			    NULL); /* BYE overtakes its own re-INVITE (15.1.2) */
		leg->server = NULL;
	}
	fsm_event(&call->fsm, CALL_EV_RELEASE, &r);
}
