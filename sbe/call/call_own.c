/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_own - an INVITE of our own in a dialog that is up: no side has asked for it, its answer goes nowhere.
 *
 * It is an exchange like any other, so that an INVITE of the peers that crosses it is seen as glare.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/mem.h"
#include "sbe/call/call_answer.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_own.h"
#include "sbe/sdp/body_edit.h"

static int send_own(struct leg *leg, const char *body, size_t body_bytes)
{
	struct call *call = leg->call;
	struct txn_request r = {.method = "INVITE",
				.uri = leg->dialog.remote_target,
				.body = body,
				.body_bytes = body_bytes};
	struct wire_out o;
	int err;

	if (leg->invite)
		txn_client_detach(leg->invite); /* an earlier one in its Accepted state */
	leg->invite = NULL;
	wire_out_init(&o, call->core->headers, sizeof(call->core->headers));
	leg->invite_cseq = dialog_write(&leg->dialog, "INVITE", 0, 70, &o);
	call_headers_contact(&leg->dialog.target, &o);
	call_option_allow(leg->peer->conf, &o);
	call_option_supported(leg->peer->conf, "100rel", &o);
	call_session_ask(leg, &o);
	call_auth_write(leg, &r, &leg->dialog.target, &o);
	wire_out_header_text(&o, "Content-Type", WIRE_TEXT("application/sdp"));
	err = wire_out_end(&o, &r.headers_bytes);
	if (err)
		return err;
	r.headers = call->core->headers;
	return txn_client_new(call->core->o.txns, &leg->dialog.target, &r, &call_invite_handlers,
			      leg, &leg->invite);
}

int call_own_invite(struct leg *leg, struct body_written *w, call_own_h *fn)
{
	struct call *call = leg->call;
	char *body;
	int err;

	if (call->fsm.state != CALL_UP || call_update_glare(leg, true) || !leg->up)
		return -EBUSY;
	err = mem_dup(w->text, w->len_bytes, &body);
	if (err)
		return err;
	err = send_own(leg, body, w->len_bytes);
	if (err) {
		mem_unref(body);
		return err;
	}
	leg->origin = w->origin;
	call_session_wrote(leg, w->text, true);
	call->ex = (struct call_exchange){.running = true,
					  .own = fn,
					  .own_body = body,
					  .own_body_bytes = w->len_bytes,
					  .from = (uint8_t)(1 - leg->side)};
	return 0;
}

bool call_own_response(struct leg *leg, const struct wire_msg *m, int err)
{
	struct call *call = leg->call;
	call_own_h *fn = call->ex.own;
	int status = m ? wire_status(m) : err == -ETIMEDOUT ? 408 : 503;

	if (!call->ex.running || !fn || call->ex.from == leg->side)
		return false;
	if (status < 200)
		return true;
	if (m && (call_session_again(leg, m) || call_auth_again(leg, m)) &&
	    !send_own(leg, call->ex.own_body, call->ex.own_body_bytes))
		return true;
	if (status < 300) {
		leg->ack_due = true;
		dialog_refresh_target(&leg->dialog, m, NULL);
		call_session_granted(leg, m);
		call_ack_leg(leg, NULL);
	}
	call->ex.own = NULL;
	call_exchange_end(call);
	fn(leg, status, m);
	return true;
}

uint64_t call_own_glare_ms(const struct leg *leg)
{
	char hex[9];
	unsigned long random;

	wire_random_token(hex, sizeof(hex), 32);
	random = strtoul(hex, NULL, 16);
	/* RFC 3261 14.1: who made the Call-ID waits longer */
	return leg->side ? 2100 + random % 190 * 10 : random % 200 * 10;
}
