/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_invite - the way out: gates for a candidate, the INVITE to it, and the next one when it fails.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "proto/result.h"
#include "sbe/call/call_answer.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_invite.h"
#include "sbe/call/call_loop.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_overload.h"
#include "sbe/call/call_prack.h"
#include "sbe/call/call_redirect.h"
#include "sbe/call/call_route.h"
#include "sbe/call/call_sips.h"
#include "sbe/call/call_terms.h"
#include "sbe/call/call_timer.h"
#include "sbe/policy/policy.h"
#include "sbe/sdp/body_codec.h"
#include "sbe/sip/wire_out.h"

/* Undo an attempt: the leg is as new, the next candidate may use it. */
static void leave_attempt(struct call *call)
{
	struct leg *b = &call->legs[1];

	timer_stop(&call->ring);
	call_sed_unwatch(call);
	call_sed_give(call);
	if (b->invite)
		txn_client_detach(b->invite);
	b->invite = NULL;
	call_session_clear(b);
	call_auth_clear(b);
	if (b->counted)
		peer_give(b->peer, PEER_OUT);
	b->counted = false;
	(void)call_terms_take(b, 0);
	b->peer = mem_unref(b->peer);
	call_fork_clear(b);
	dialog_unregister(&b->dialog);
	dialog_clear(&b->dialog);
}

/* Take the next candidate whose limits have room. @return -ENOENT when there is none; -EBUSY: some do not want it now. */
static int take_candidate(struct call *call)
{
	struct leg *b = &call->legs[1];
	int err = -ENOENT;

	for (; call->candidate < call->plan->n && !call_redirect_spent(call); call->candidate++) {
		const struct route_candidate *c = &call->plan->candidates[call->candidate];
		const char *why = call_hop_declines(call, c->peer, c->hop);
		enum peer_limit limit = PEER_LIMIT_NONE;

		b->peer = mem_ref(c->peer);
		b->hop = c->hop;
		if (why)
			err = -EBUSY;
		else if ((why = call_sips_declines(call, call_route_hop(call))))
			err = -EACCES;
		else if (!call_listener(call->core, c->peer, call_route_hop(call)))
			why = "no_listener";
		else if ((why = call_sed_take(call)))
			;
		else if ((limit = call_take(c->peer, PEER_OUT, call->urgent)) != PEER_LIMIT_NONE)
			why = peer_limit_name(limit);
		if (!why) {
			b->counted = true;
			b->counted_as = PEER_OUT;
			return 0;
		}
		call_sed_give(call);
		call_attempt_note(call, 0, why);
		b->peer = mem_unref(b->peer);
	}
	return err;
}

static void explain_gate(int err, struct call_failure *f)
{
	static const struct {
		int err;
		const char *cause, *text;
	} table[] = {
		{-ENOSPC, "gate_ports", "no media port is free"},
		{-ETIMEDOUT, "gate_timeout", "media relay did not answer in time"},
		{-EPROTO, "gate_refused", "media relay refused"},
		{-ENOMEM, "memory", "out of memory"},
		{-ENODEV, "no_dbe", "no media relay (dbe) serves both realms"},
		{0, "no_dbe", "no media relay (dbe) is connected"}, /* anything else */
	};
	size_t i = 0;

	while (table[i].err && table[i].err != err)
		i++;
	f->cause = table[i].cause;
	f->text = table[i].text;
}

static void gate_opened(void *arg, int err, const struct gate_action *reply)
{
	struct call *call = arg;
	struct call_failure f = {.status = 503, .cause = "gate"};

	CALL_CHECK(call);
	if (!err)
		err = call_media_locals(call, reply);
	if (!err) {
		call_media_opened(call);
		call_step(call, CALL_STEP_GATES, 0, 0, NULL);
		fsm_event(&call->fsm, CALL_EV_GATE, NULL);
		return;
	}
	metric_add(&call_metrics, CALL_GATE_FAILED, 1);
	explain_gate(err, &f);
	/* it is the description that is wrong, not the relay: one of its own addresses, say */
	if (err == -EPROTO && reply && reply->ncommands &&
	    reply->commands[0].code == GATE_ERR_VALUE)
		f = (struct call_failure){
			.status = 488, .cause = "media", .text = "media relay cannot send there"};
	fsm_event(&call->fsm, CALL_EV_FAILURE, &f);
}

/* The gates opened for an earlier candidate fit when both candidates share the media realm. */
static bool gates_fit(const struct call *call, const char *realm_before)
{
	const char *why;

	return call->gate_open && realm_before && !call_direct_wanted(call, &why) &&
	       !strcmp(realm_before, call_media_realm(call->core, call->legs[1].peer->conf->realm));
}

int call_invite_open(struct call *call)
{
	const struct peer *before =
		call->nattempts && call->legs[1].peer ? call->legs[1].peer : NULL;
	const char *realm_before =
		before ? call_media_realm(call->core, before->conf->realm) : NULL;
	struct call_failure f = {.status = 503, .cause = "no_next_hop"};
	struct body_codec_result codecs;
	int err;

	err = 0;
	if (!call->transfer.home) {
		leave_attempt(call);
		err = take_candidate(call);
	}
	if (err) {
		if (err == -EBUSY) {
			f.cause = "peer_overload";
			f.text = "next hop is overloaded";
		} else if (err == -EACCES) {
			f = (struct call_failure){.status = 480,
						  .cause = "sips_needs_tls",
						  .text = "no next hop takes sips over TLS"};
		}
		call_reject(call, &f);
		return err;
	}
	if (call->ex.offer && call_terms_filter(call, 1, call->ex.offer, &codecs) < 0) {
		f = (struct call_failure){.status = 488, .next_hop = true};
		f.cause = call_terms_cause(call, call->ex.offer, &f.text);
		call_invite_next(call, &f);
		return 0;
	}
	if (call->ex.offer && !call_terms_take(&call->legs[1], call_terms_kbps(call->ex.offer))) {
		f = (struct call_failure){.status = 503,
					  .cause = peer_limit_name(PEER_LIMIT_BANDWIDTH),
					  .text = peer_limit_text(PEER_LIMIT_BANDWIDTH),
					  .next_hop = true,
					  .other_target = true}; /* the hop is well */
		call_invite_next(call, &f);
		return 0;
	}
	if (call->ex.late || gates_fit(call, realm_before))
		return call_invite_send(call);
	call_show_settle(call);
	gate_close(call->gate, NULL, NULL);
	call->gate = NULL;
	call->gate_open = false;
	err = call_media_take(call, 0, call->ex.offer, true);
	call_transfer_media(call);
	if (!err)
		err = call_media_open(call, gate_opened);
	if (err) {
		f = (struct call_failure){.status = 488, .cause = "media"};
		if (err == -ENOMEM)
			f = (struct call_failure){.status = 500, .cause = "memory"};
		call_reject(call, &f);
	}
	return err;
}

/* Headers and body of the INVITE into the core's scratch buffer. */
static int write_invite(struct call *call, const struct transport_target *to, struct wire_out *o,
			struct txn_request *r, char **ret_body)
{
	struct leg *b = &call->legs[1];
	int err;

	*r = (struct txn_request){.method = "INVITE",
				  .uri = b->dialog.remote_target,
				  .headers = call->core->headers,
				  .timeout_ms = call_sed_try_ms(call)};
	wire_out_init(o, call->core->headers, sizeof(call->core->headers));
	b->invite_cseq = dialog_write(&b->dialog, "INVITE", 0, call->max_forwards, o);
	call_headers_contact(to, o);
	call_option_allow(b->peer->conf, o);
	call_option_supported(b->peer->conf, call_prack_offered(call) ? NULL : "100rel", o);
	if (b->peer->conf->prack == PEER_PRACK_REQUIRED && call_prack_offered(call))
		wire_out_header_text(o, "Require", WIRE_TEXT("100rel"));
	call_breadth_write(call->ex.held, o);
	call_session_ask(b, o);
	call_auth_write(b, r, to, o);
	call_headers_pass(b, to->listener, call->ex.held, o);
	err = call_media_body(call, 1, &(struct call_media_in){call->ex.held, call->ex.offer, true},
			      o, ret_body, &r->body_bytes);
	r->body = *ret_body;
	if (call->replaces) {
		wire_out_header(o, "Replaces", "%s", call->replaces);
		wire_out_header_text(o, "Require", WIRE_TEXT("replaces"));
	}
	return err ? err : wire_out_end(o, &r->headers_bytes);
}

/* With a Via by which it is known should it come back. */
static int post(struct call *call, const struct transport_target *to, struct txn_request *r)
{
	struct leg *b = &call->legs[1];
	char branch[CALL_LOOP_BRANCH_BYTES];

	call_loop_branch(call->core->loop_secret, call->loop_key, r->uri, branch);
	r->branch = branch;
	call->invites++;
	return txn_client_new(call->core->o.txns, to, r, &call_invite_handlers, b, &b->invite);
}

static int send_to_hop(struct call *call)
{
	struct leg *b = &call->legs[1];
	const struct peer_hop *hop = call_route_hop(call);
	struct transport_target to = {.proto = (uint8_t)hop->proto,
				      .overload = b->peer->conf->overload.consent,
				      .peer = b->peer->state->number,
				      .to = hop->addr};
	struct call_failure f = {.status = 500, .cause = "internal"};
	struct policy_parties who;
	struct policy_refusal no;
	char *body = NULL;
	struct txn_request r;
	struct wire_out o;
	int err;

	to.listener = call_listener(call->core, b->peer, hop);
	if (!call_route_prove(call, &to)) {
		call_reject(call, &f);
		return -ENOSPC;
	}
	if (!call_headers_leave(call, call->ex.held, &no)) {
		f = (struct call_failure){.status = no.status,
					  .phrase = no.phrase,
					  .cause = no.cause,
					  .text = no.text};
		call_reject(call, &f);
		return 0;
	}
	err = call_headers_parties(call, call->ex.held, to.listener, &who);
	if (err == -EPROTO)
		f = (struct call_failure){.status = 404,
					  .cause = "called_inner",
					  .text = "the called user names a host of the inside"};
	to.sips = call_is_sips(call);
	call_sips_parties(call, &who);
	if (!err)
		err = dialog_init_uac(&b->dialog, who.local, who.remote, who.uri, &to);
	if (!err && call_sed_of(call))
		err = dialog_preload(&b->dialog, call_sed_of(call)->routes);
	if (!err)
		err = write_invite(call, &to, &o, &r, &body);
	if (!err)
		err = dialog_register(call->core->dialogs, &b->dialog, b);
	if (!err)
		err = post(call, &to, &r);
	mem_free(body);
	if (err) {
		call_reject(call, &f);
		return err;
	}
	call_quality_start(b);
	call_step(call, CALL_STEP_SENT, (unsigned)call->nattempts, to.proto, NULL);
	call->sip_addr[1] = to.to;
	mem_unref(call->called_sent);
	call->called_sent = NULL;
	mem_strdup(who.uri, sizeof(who.uri), &call->called_sent);
	if (call->fsm.state != CALL_TRYING)
		fsm_go(&call->fsm, CALL_TRYING);
	call_timer_ring(call);
	call_sed_watch(call);
	return 0;
}

int call_invite_send(struct call *call)
{
	return call->transfer.home ? call_transfer_invite(call) : send_to_hop(call);
}

int call_invite_again(struct call *call)
{
	struct leg *b = &call->legs[1];
	const struct transport_target to =
		b->invite ? *txn_client_target(b->invite) : b->dialog.target;
	char *body = NULL;
	struct txn_request r;
	struct wire_out o;
	int err;

	if (call_redirect_spent(call))
		return -E2BIG;
	if (!call->ex.held || !wire_is_request(call->ex.held))
		return -ENODATA; /* a fork has answered with a description before */
	err = write_invite(call, &to, &o, &r, &body);
	if (!err) {
		if (b->invite)
			txn_client_detach(b->invite);
		b->invite = NULL;
		err = post(call, &to, &r);
	}
	mem_free(body);
	return err;
}

void call_invite_next(struct call *call, const struct call_failure *f)
{
	struct leg *b = &call->legs[1];
	bool failed_over = call->fsm.state != CALL_OPENING;

	call_attempt_note(call, f->status, f->cause);
	if (f->next_hop && !f->other_target && f->status != 488)
		call_hop_failed(call, f);
	/* Once the caller heard it ring, another attempt would be a surprise; a gate failure is not the hop's. */
	if (!f->next_hop || (call->fsm.state == CALL_RINGING && !f->other_target) || !call->plan ||
	    call->candidate + 1 >= call->plan->n || call_redirect_spent(call) ||
	    (failed_over && !call_sed_has_time(call))) {
		call_reject(call, f);
		return;
	}
	if (failed_over) {
		metric_add(&call_metrics, CALL_FAILOVERS, 1);
		peer_count_failover(b->peer);
	}
	call->candidate++;
	if (call->fsm.state != CALL_OPENING)
		fsm_go(&call->fsm, CALL_OPENING);
	call_invite_open(call);
}

void call_reject(struct call *call, const struct call_failure *f)
{
	struct call_release rel = {.by = f->response ? CALL_BY_CALLEE : CALL_BY_US,
				   .status = f->status,
				   .phrase = f->phrase,
				   .cause = f->cause,
				   .request = f->response};
	char reason[128];

	if (!f->response && f->cause) {
		snprintf(reason, sizeof(reason), "SIP;cause=%d;text=\"%s\"", f->status,
			 f->text ? f->text : f->cause);
		rel.reason = reason;
	}
	call_release(call, &rel);
}
