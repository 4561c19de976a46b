/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_cancel - what the transaction layer says about an INVITE we received: CANCEL, no ACK, the end;
 * and the 2xx that comes although nobody waits for it any more.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/call/call_private.h"
#include "sbe/sip/wire_out.h"

static void on_cancel(void *arg, const struct wire_msg *cancel)
{
	struct leg *leg = arg;
	struct call *call = leg->call;
	struct call_release r = {
		.by = CALL_BY_CALLER, .status = 487, .cause = "cancelled", .request = cancel};

	LEG_CHECK(leg);
	if (call->fsm.state == CALL_UP) {
		/* Of a re-INVITE: pass it on and let the other leg's final response decide (9.2 allows it),
		 * so that both sides agree on what the session is. */
		struct leg *other = LEG_OTHER(leg);

		if (call->ex.running && call->ex.from == leg->side && other->invite)
			txn_client_cancel(other->invite, NULL);
		return;
	}
	fsm_event(&call->fsm, CALL_EV_RELEASE, &r);
}

static void on_no_ack(void *arg)
{
	struct leg *leg = arg;
	struct call *call = leg->call;

	LEG_CHECK(leg);
	if (leg->bye_due) {
		call_leg_bye(leg, NULL, NULL);
		call_end_check(call); /* without memory there is no BYE to wait for */
	} else if (call->fsm.state != CALL_ENDING)
		call_release_us(call, 408, "no_ack", "SIP;cause=408;text=\"no ACK\"");
}

static void on_terminated(void *arg)
{
	struct leg *leg = arg;

	LEG_CHECK(leg);
	leg->server = NULL;
	call_end_check(leg->call);
}

const struct txn_server_handlers call_server_handlers = {on_cancel, NULL, on_no_ack, on_terminated};

/* Nobody remembers what we have sent in a stray's early dialog (PRACK, UPDATE): room for it. */
#define STRAY_CSEQ_GAP 64U

/* A dialog made of nothing but a 2xx of our INVITE. */
static int dialog_of_2xx(struct dialog *d, const struct wire_msg *m,
			 const struct transport_target *to)
{
	struct wire_party from, far;
	char call_id[256], tag[DIALOG_TAG_BYTES], local[512], remote[512], uri[512];
	int err;

	wire_from(m, &from);
	wire_to(m, &far);
	wire_text_copy(wire_call_id(m), call_id, sizeof(call_id));
	wire_text_copy(from.tag, tag, sizeof(tag));
	wire_text_copy(from.uri.text, uri, sizeof(uri));
	snprintf(local, sizeof(local), "<%.500s>", uri);
	wire_text_copy(far.uri.text, uri, sizeof(uri));
	snprintf(remote, sizeof(remote), "<%.500s>", uri);
	err = dialog_init_uac(d, local, remote, uri, to);
	if (err)
		return err;
	d->call_id = call_id; /* establishing copies them into the dialog's own block */
	d->local_tag = tag;
	d->local_cseq = wire_cseq(m);
	err = dialog_establish_uac(d, m);
	if (err)
		dialog_clear(d);
	return err;
}

static void send_2xx_request(struct call_core *core, struct dialog *d, const char *method,
			     uint32_t cseq)
{
	struct txn_request r = {.method = method, .uri = d->remote_target};
	struct txn_client *bye = NULL;
	struct wire_out o;

	wire_out_init(&o, core->headers, sizeof(core->headers));
	dialog_write(d, method, cseq, 70, &o);
	if (wire_out_end(&o, &r.headers_bytes))
		return;
	r.headers = core->headers;
	if (cseq)
		txn_send_ack(core->o.txns, &d->target, &r, NULL, 0, NULL);
	else if (!txn_client_new(core->o.txns, &d->target, &r, NULL, NULL, &bye))
		txn_client_detach(bye);
}

void call_ack_2xx(struct call_core *core, const struct wire_msg *m,
		  const struct transport_target *to)
{
	struct dialog d = {0};

	if (dialog_of_2xx(&d, m, to))
		return;
	send_2xx_request(core, &d, "ACK", wire_cseq(m));
	dialog_clear(&d);
}

/*
 * RFC 3261 13.2.2.4: a 2xx we cannot use is ACKed and its dialog ended with BYE. The dialog lives only
 * here: identifiers come from the response, nobody waits for the answer to the BYE.
 */
void call_hang_up_2xx(struct call_core *core, const struct wire_msg *m,
		      const struct transport_target *to, uint32_t cseq)
{
	struct dialog d = {0};

	if (dialog_of_2xx(&d, m, to))
		return;
	metric_add(&call_metrics, CALL_LATE_2XX, 1);
	send_2xx_request(core, &d, "ACK", wire_cseq(m));
	if (cseq > d.local_cseq)
		d.local_cseq = cseq;
	send_2xx_request(core, &d, "BYE", 0);
	dialog_clear(&d);
}

void call_on_stray_2xx(struct call_core *core, const struct wire_msg *m,
		       const struct transport_target *from)
{
	/* Only what one of our peers sends can be the late answer to an INVITE of ours. */
	if (!peer_identify(core->c.peers, from))
		return;
	/* Of a dialog that lives: an old 2xx again, whose ACK got lost. A BYE would end the call. */
	if (dialog_find_response(core->dialogs, m))
		call_ack_2xx(core, m, from);
	else
		call_hang_up_2xx(core, m, from, wire_cseq(m) + STRAY_CSEQ_GAP);
}
