/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_refresh - refreshes of a session (RFC 4028 7.4, 8): ours by UPDATE or INVITE, and an INVITE of a peer that
 * changes nothing.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
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
#include "sbe/call/call_refresh.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_negotiate.h"
#include "sbe/sdp/body_sdp.h"

#define RETRY_MS 5000U /* after a refusal that may pass */
#define RESTORES 5U
#define BUSY_MS 1000U /* another exchange is going on */

/* ---- what is in force ---- */

static struct call_said said(const struct body_sdp *sdp)
{
	const struct body_origin_line *o = &sdp->origin;

	if (!o->numeric)
		return (struct call_said){0, 0, 0};
	return (struct call_said){body_origin_hash(sdp->text, sdp->len_bytes), o->sess_id,
				  o->version};
}

void call_session_wrote(struct leg *leg, const char *sdp, bool offer)
{
	struct call_session *s = &leg->session;
	char **to = offer ? &s->written : &s->agreed;

	s->written = mem_unref(s->written);
	if (!offer)
		s->agreed = mem_unref(s->agreed);
	mem_strdup(sdp, BODY_MAX_BYTES, to); /* without memory there is none to repeat */
}

void call_session_as_before(struct leg *leg, char *agreed)
{
	struct call_session *s = &leg->session;

	mem_unref(s->agreed);
	s->agreed = agreed;
	s->written = mem_unref(s->written);
	s->said = (struct call_said){0, 0, 0}; /* its next answer counts, changed or not */
}

void call_session_said(struct leg *leg, const struct body_sdp *sdp, bool offer)
{
	struct call_session *s = &leg->session;

	s->said = said(sdp);
	if (offer || !s->written)
		return;
	mem_unref(s->agreed);
	s->agreed = s->written;
	s->written = NULL;
}

/* Our own words once more: the same version as long as they are the last ones we wrote. */
static int write_again(const struct leg *leg, struct body_written *ret_out)
{
	struct body_rewrite rw = {.origin = &leg->origin};
	const char *text = leg->session.agreed;
	struct body_sdp *sdp = NULL;
	int err = text ? body_sdp_parse(text, strlen(text), &sdp, NULL) : -ENODATA;

	if (err)
		return err;
	rw.address = sdp->origin.address.addr;
	err = body_sdp_write(sdp, &rw, ret_out);
	mem_unref(sdp);
	return err;
}

/* ---- ours ---- */

static void answered(struct leg *leg, int status, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct call_session *s = &leg->session;

	if (status == 408 || status == 481) { /* RFC 3261 12.2.1.2: the dialog is gone */
		call_release_us(call, status, "dialog_gone",
				"SIP;cause=481;text=\"dialog is gone\"");
	} else if (m && (call_session_again(leg, m) || call_auth_again(leg, m))) {
		call_refresh_send(leg);
	} else if (status == 405 || status == 501) {
		leg->allows_update = false;
		if (!s->by_invite)
			call_refresh_send(leg);
	} else {
		call_session_refresh_in(leg, status == 491 ? call_own_glare_ms(leg) : RETRY_MS);
	}
}

static void update_response(void *arg, const struct wire_msg *m)
{
	struct leg *leg = arg;

	LEG_CHECK(leg);
	if (wire_status(m) < 200)
		return;
	txn_client_detach(leg->session.update);
	leg->session.update = NULL;
	if (wire_status(m) < 300) {
		dialog_refresh_target(&leg->dialog, m, NULL);
		call_session_granted(leg, m);
	} else {
		answered(leg, wire_status(m), m);
	}
}

static void update_failed(void *arg, int err)
{
	struct leg *leg = arg;

	LEG_CHECK(leg);
	txn_client_detach(leg->session.update);
	leg->session.update = NULL;
	answered(leg, err == -ETIMEDOUT ? 408 : 503, NULL);
}

static const struct txn_client_handlers update_handlers = {update_response, update_failed, NULL};

static int send_update(struct leg *leg)
{
	struct call *call = leg->call;
	struct txn_request r = {.method = "UPDATE", .uri = leg->dialog.remote_target};
	struct wire_out o;
	int err;

	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	dialog_write(&leg->dialog, "UPDATE", 0, 70, &o);
	call_headers_contact(&leg->dialog.target, &o);
	call_option_supported(leg->peer->conf, NULL, &o);
	call_session_ask(leg, &o);
	call_auth_write(leg, &r, &leg->dialog.target, &o);
	err = wire_out_end(&o, &r.headers_bytes);
	if (err)
		return err;
	r.headers = call->core->headers;
	return txn_client_new(call->core->o.txns, &leg->dialog.target, &r, &update_handlers, leg,
			      &leg->session.update);
}

static void nothing(void *arg, int err, const struct gate_action *answer)
{
	(void)arg;
	(void)err;
	(void)answer;
}

/* It should have said the same as before. If media go elsewhere now, the gates follow. */
static void invite_answered(struct leg *leg, int status, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct body_sdp *sdp = NULL;
	struct call_said now;

	if (status >= 300) {
		answered(leg, status, m);
		return;
	}
	if (call_media_parse(m, &sdp, NULL) || !sdp)
		return;
	now = said(sdp);
	if (memcmp(&now, &leg->session.said, sizeof(now)) && !call_media_check(call, sdp, NULL) &&
	    sdp->n_media == call->nlines && !call_media_take(call, leg->side, sdp, false))
		call_media_follow(call, CALL_CUT_THROUGH, nothing);
	mem_unref(sdp);
}

static int send_invite(struct leg *leg)
{
	struct body_written w = {0};
	int err = write_again(leg, &w);

	if (!err)
		err = call_own_invite(leg, &w, invite_answered);
	mem_free(w.text);
	return err;
}

static void restore(void *arg);

static void restored(struct leg *leg, int status, const struct wire_msg *m)
{
	struct call_session *s = &leg->session;

	if (status < 300) {
		invite_answered(leg, status, m);
		return;
	}
	if (s->restores--)
		timer_start(leg->call->core->o.wheel, &s->restore, call_own_glare_ms(leg) + BUSY_MS,
			    restore, leg);
	else /* it holds on to a session that is not there */
		call_release_us(leg->call, 488, "transfer_failed",
				"SIP;cause=488;text=\"transfer failed\"");
}

static void restore(void *arg)
{
	struct leg *leg = arg;
	struct body_written w = {0};

	LEG_CHECK(leg);
	if (write_again(leg, &w) || call_own_invite(leg, &w, restored))
		restored(leg, 491, NULL);
	mem_free(w.text);
}

void call_refresh_restore(struct leg *leg)
{
	leg->session.restores = RESTORES;
	timer_start(leg->call->core->o.wheel, &leg->session.restore, 0, restore, leg);
}

void call_refresh_send(struct leg *leg)
{
	struct call_session *s = &leg->session;

	if (s->update)
		return;
	s->by_invite = !leg->allows_update;
	if (s->by_invite ? send_invite(leg) : send_update(leg))
		call_session_refresh_in(leg, BUSY_MS);
}

/* ---- theirs ---- */

/* What we said last, is it an answer to this offer? */
static bool fits(const struct body_sdp *offer, const struct body_written *w)
{
	struct body_sdp *ours = NULL;
	struct body_negotiation n;
	bool ok = !body_sdp_parse(w->text, w->len_bytes, &ours, NULL) &&
		  !body_negotiate(offer, ours, &n, NULL) &&
		  !(n.warnings & ~(unsigned)BODY_WARN_CODEC_NOT_OFFERED);

	mem_unref(ours);
	return ok;
}

static int answer(struct leg *leg, struct txn_server *s, const struct body_written *w)
{
	struct call *call = leg->call;
	struct txn_reply r = {.status = 200, .body = w->text, .body_bytes = w->len_bytes};
	struct wire_out o;
	int err;

	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	call_headers_contact(&leg->dialog.target, &o);
	call_option_allow(leg->peer->conf, &o);
	call_option_supported(leg->peer->conf, NULL, &o);
	call_session_grant(leg, &o);
	wire_out_header_text(&o, "Content-Type", WIRE_TEXT("application/sdp"));
	err = wire_out_end(&o, &r.headers_bytes);
	if (err)
		return err;
	r.headers = call->core->headers;
	txn_server_reply(s, &r); /* an error of sending is repaired by the retransmission */
	return 0;
}

bool call_session_refreshed(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
			    const struct body_sdp *offer)
{
	struct body_written w = {0};
	struct call_said now;

	/* Without a timer there is nothing to refresh: then it means something for the other side too. */
	if (!offer || !leg->session.said.hash || !leg->session.interval_s || !leg->session.asked_s)
		return false;
	now = said(offer);
	if (memcmp(&now, &leg->session.said, sizeof(now)) || write_again(leg, &w))
		return false;
	if (!fits(offer, &w)) {
		mem_free(w.text);
		return false;
	}
	if (leg->server)
		txn_server_detach(leg->server);
	leg->server = s;
	leg->their_cseq = wire_cseq(m);
	txn_server_bind(s, &call_server_handlers, leg);
	dialog_refresh_target(&leg->dialog, m, txn_server_source(s));
	leg->origin = w.origin;
	if (answer(leg, s, &w)) {
		call_refuse(s, 500, NULL, NULL);
		leg->server = NULL;
	}
	mem_free(w.text);
	return true;
}
