/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_update.h"

#include <assert.h>
#include <errno.h>

#include "common/mem.h"
#include "sbe/call/call_answer.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_reliable.h"
#include "sbe/call/call_screen.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/wire_out.h"

/* ---- may it begin? ---- */

static bool is_up(const struct call *call)
{
	return call->fsm.state == CALL_UP;
}

/* The early dialog of the callee that offers and answers now. */
static struct call_fork *early_fork(const struct call *call)
{
	const struct call_forks *forks = &call->legs[1].forks;

	return forks->media ? forks->media : TAILQ_LAST(&forks->all, call_fork_list);
}

/* Before the 2xx: the INVITE's own offer and answer must be complete on both legs (RFC 3311 5.1). */
static int early_glare(const struct leg *leg)
{
	const struct call *call = leg->call;
	const struct call_fork *fork = early_fork(call);
	bool near = call_reliable_settled(&call->legs[0]), far = fork && fork->settled;
	/* who has made the offer that is open: the caller, unless its INVITE had none */
	bool own = (leg->side == 0) != call->ex.late;

	if (near && far)
		return 0;
	return own && !(leg->side == 0 ? near : far) ? 500 : 491;
}

int call_update_glare(const struct leg *leg, bool invite)
{
	const struct call *call = leg->call;
	bool open = call->ex.running && (invite || !call->ex.answered);

	if (call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		return 481;
	if (call->upd.running)
		return call->upd.from == leg->side ? 500 : 491;
	if (open && call->ex.own)
		return 491; /* no side has begun it */
	if (!is_up(call))
		return !invite ? early_glare(leg) : leg->side == 0 ? 500 : 491;
	if (open)
		return call->ex.from == leg->side ? 500 : 491;
	return 0;
}

void call_update_refuse(struct txn_server *s, int status)
{
	/* RFC 3311 5.2, RFC 3261 14.2: 0 to 10 s, so that both do not come again together */
	char line[] = "Retry-After: 0\r\n", hex[3];

	wire_random_token(hex, sizeof(hex), 8);
	line[sizeof(line) - 4] = (char)('0' + (unsigned char)hex[1] % 10);
	call_refuse(s, status, NULL, status == 500 ? line : NULL);
}

/* ---- the end of an exchange ---- */

static void clear(struct call *call)
{
	struct call_update *u = &call->upd;

	if (u->client)
		txn_client_detach(u->client);
	mem_unref(u->offer);
	mem_unref(u->answer);
	mem_unref(u->held);
	*u = (struct call_update){.running = false};
}

static void refuse(struct call *call, int status, const char *phrase)
{
	call_direct_stay(call);
	if (call->upd.server)
		call_refuse(call->upd.server, status, phrase, NULL);
	clear(call);
}

void call_update_end(struct call *call)
{
	refuse(call, 487, NULL);
}

void call_update_forget(struct call *call, const struct call_fork *fork)
{
	if (!call->upd.running || call->upd.fork != fork)
		return;
	if (call->upd.from == 0)
		refuse(call, 500, NULL);
	else
		refuse(call, 481, NULL);
}

void call_update_confirm(struct call *call, const struct call_fork *fork)
{
	if (call->upd.running && call->upd.fork == fork)
		call->upd.fork = NULL;
}

/* ---- to the other side ---- */

static void on_response(void *arg, const struct wire_msg *m);
static void on_failed(void *arg, int err);
static void on_client_end(void *arg)
{
	((struct call *)arg)->upd.client = NULL;
}
static const struct txn_client_handlers client_handlers = {on_response, on_failed, on_client_end};

/* 64*T1 have gone by: nobody waits for an answer any more. */
static void on_server_end(void *arg)
{
	struct call *call = arg;

	CALL_CHECK(call);
	call->upd.server = NULL;
}
static const struct txn_server_handlers server_handlers = {.terminated = on_server_end};

static int write_and_send(struct call *call)
{
	struct call_update *u = &call->upd;
	struct leg *to = &call->legs[1 - u->from];
	struct dialog *d = u->fork && to->side == 1 ? &u->fork->dialog : &to->dialog;
	struct txn_request r = {.method = "UPDATE", .uri = d->remote_target};
	int hops = wire_max_forwards(u->held);
	struct wire_out o;
	char *body = NULL;
	int err;

	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	dialog_write(d, "UPDATE", ++to->dialog.local_cseq, hops < 0 ? 69 : hops - 1, &o);
	call_headers_contact(&d->target, &o);
	call_option_allow(to->peer->conf, &o);
	call_option_supported(to->peer->conf, NULL, &o);
	if (to->up)
		call_session_ask(to, &o);
	call_auth_write(to, &r, &d->target, &o);
	call_headers_pass(to, d->target.listener, u->held, &o);
	err = call_media_body(call, to->side, &(struct call_media_in){u->held, u->offer, true}, &o,
			      &body, &r.body_bytes);
	if (!err)
		err = wire_out_end(&o, &r.headers_bytes);
	if (!err) {
		r.headers = call->core->headers;
		r.body = body;
		/* before the sender of the request we serve gives up */
		r.timeout_ms = 60 * txn_t1_ms(call->core->o.txns);
		err = txn_client_new(call->core->o.txns, &d->target, &r, &client_handlers, call,
				     &u->client);
	}
	mem_free(body);
	return err;
}

static void send_on(struct call *call)
{
	int err = write_and_send(call);

	if (err)
		refuse(call, err == -ENOTSUP ? 488 : 500, NULL);
}

static void extended(void *arg, int err, const struct gate_action *reply)
{
	struct call *call = arg;

	CALL_CHECK(call);
	if (!call->upd.running)
		return;
	if (!err)
		err = call_media_locals(call, reply);
	if (err)
		refuse(call, 488, NULL);
	else
		send_on(call);
}

static bool other_allows(const struct leg *leg, const struct call_fork *fork)
{
	const struct leg *other = LEG_OTHER(leg);

	return other->side == 1 && fork ? fork->allows_update : other->allows_update;
}

void call_update_offer(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
		       struct body_sdp *offer)
{
	struct call *call = leg->call;
	struct call_fork *fork = is_up(call) ? NULL : early_fork(call);
	int status = call_update_glare(leg, false);

	if (status) {
		mem_unref(offer);
		call_update_refuse(s, status);
		return;
	}
	if (call_media_may_change(call, offer, NULL)) {
		mem_unref(offer);
		call_refuse(s, 488, NULL, NULL);
		return;
	}
	if (!other_allows(leg, fork)) {
		if (is_up(call) && !call->ex.running) {
			call_reinvite_for(leg, s, m, offer);
			return;
		}
		mem_unref(offer);
		call_refuse(s, is_up(call) ? 491 : 488, NULL, NULL);
		return;
	}
	call->upd = (struct call_update){.running = true,
					 .from = leg->side,
					 .server = s,
					 .fork = fork,
					 .held = mem_ref((void *)(uintptr_t)m),
					 .offer = offer};
	txn_server_bind(s, &server_handlers, call);
	if (!call_media_new_streams(call, leg->side, offer))
		send_on(call);
	else if (call_media_extend(call, leg->side, offer, extended))
		refuse(call, 488, NULL);
}

/* ---- the answer ---- */

static enum call_cut cut(const struct call *call)
{
	return is_up(call) || call->fsm.state == CALL_ANSWERING ? CALL_CUT_THROUGH : CALL_CUT_EARLY;
}

static void followed(void *arg, int err, const struct gate_action *answer)
{
	struct call *call = arg;
	struct call_update *u = &call->upd;

	(void)answer;
	CALL_CHECK(call);
	if (!u->running || !u->answer)
		return;
	if (err) {
		metric_add(&call_metrics, CALL_GATE_FAILED, 1);
		call_release_us(call, 503, "gate_failed",
				"SIP;cause=503;text=\"media relay failed\"");
		return;
	}
	if (u->server) {
		struct call_reply r = {.server = u->server, .msg = u->held, .sdp = u->answer};

		call_reply(call, u->from, &r);
		txn_server_detach(u->server); /* what could not be written becomes a 500 */
		u->server = NULL;
	}
	clear(call);
}

static int take_answer(struct call *call, const struct wire_msg *m)
{
	struct call_update *u = &call->upd;
	struct body_sdp *sdp = NULL;
	int err = call_media_parse(m, &sdp, NULL);

	if (!err && !sdp)
		err = -EBADMSG;
	if (!err)
		err = call_media_fits(call, u->offer, sdp, NULL);
	if (!err)
		err = call_media_take(call, u->from, u->offer, true);
	if (!err)
		err = call_media_take(call, 1 - u->from, sdp, false);
	if (err) {
		mem_unref(sdp);
		return err;
	}
	if (u->fork)
		call_fork_says(u->fork, mem_ref(u->from == 0 ? sdp : u->offer));
	u->answer = sdp;
	mem_unref(u->held);
	u->held = mem_ref((void *)(uintptr_t)m);
	return call_media_follow(call, cut(call), followed);
}

/* The other side is gone: so is the call, if it was up; an early one still has its INVITE (RFC 3261 12.2.1.2). */
static void gone(struct call *call, int status)
{
	refuse(call, status == 481 ? 500 : 504, NULL);
	if (is_up(call))
		call_release_us(call, status, "dialog_gone",
				"SIP;cause=481;text=\"dialog is gone\"");
}

static void on_response(void *arg, const struct wire_msg *m)
{
	struct call *call = arg;
	struct leg *to = &call->legs[1 - call->upd.from];
	int status = wire_status(m);
	char phrase[64];

	CALL_CHECK(call);
	if (!call->upd.running || call->upd.answer || status < 200)
		return;
	txn_client_detach(call->upd.client);
	call->upd.client = NULL;
	if (status == 481 || status == 408) {
		gone(call, status);
	} else if (call_auth_again(to, m)) {
		send_on(call);
	} else if (status < 300) {
		dialog_refresh_target(call->upd.fork && to->side == 1 ? &call->upd.fork->dialog
								      : &to->dialog,
				      m, NULL);
		if (to->up)
			call_session_granted(to, m);
		if (take_answer(call, m))
			call_release_us(call, 488, "bad_answer",
					"SIP;cause=488;text=\"answer does not fit the offer\"");
	} else if (call_session_again(to, m) || call_auth_again(to, m)) {
		send_on(call);
	} else if (status < 400 || status == 401 || status == 407 || status == 422) {
		refuse(call, 488, NULL);
	} else {
		refuse(call, status,
		       call_headers_phrase(&call->legs[call->upd.from], m, phrase, sizeof(phrase)));
	}
}

static void on_failed(void *arg, int err)
{
	struct call *call = arg;

	(void)err;
	CALL_CHECK(call);
	if (!call->upd.running)
		return;
	call->upd.client = NULL;
	gone(call, 408);
}

/* ---- the request ---- */

static void answer_refresh(struct leg *leg, struct txn_server *s)
{
	struct call_core *core = leg->call->core;
	struct txn_reply r = {.status = 200};
	struct wire_out o;

	wire_out_init(&o, core->headers, sizeof(core->headers));
	call_headers_contact(txn_server_source(s), &o);
	call_option_allow(leg->peer->conf, &o);
	call_option_supported(leg->peer->conf, NULL, &o);
	call_session_reply(leg, s, &o);
	if (!wire_out_end(&o, &r.headers_bytes))
		r.headers = core->headers;
	txn_server_reply(s, &r);
	txn_server_detach(s);
}

void call_update_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct body_sdp *offer = NULL;
	char line[160];
	int err;

	if (call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		call_refuse(s, 481, NULL, NULL);
	else if (wire_max_forwards(m) == 0)
		call_refuse(s, 483, NULL, NULL);
	else if (call_option_refused(m, leg->peer->conf, line, sizeof(line)))
		call_refuse(s, 420, NULL, line);
	else if ((err = call_session_check(m, leg->peer->conf, line, sizeof(line))))
		call_refuse(s, err, NULL, line);
	else if ((err = call_media_parse(m, &offer, NULL)))
		call_refuse(s, err == -ENOTSUP ? 415 : 488, NULL,
			    err == -ENOTSUP ? call_screen_taken(m) : NULL);
	else {
		dialog_refresh_target(call_fork_dialog(leg, m), m, txn_server_source(s));
		call_session_heard(leg, m);
		if (offer)
			call_update_offer(leg, s, m, offer);
		else
			answer_refresh(leg, s);
	}
}
