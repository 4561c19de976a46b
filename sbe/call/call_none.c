/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_none - the entry of requests, those that belong to no call, and refusals.
 *
 * Order of the checks: who sends (strangers get exactly "403 Unsupported Peer", RFC 6406), then whether
 * the request belongs to a dialog of ours and comes from that leg's peer, then the method.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sbe/call/call_admit.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_screen.h"
#include "sbe/policy/policy.h"
#include "sbe/sip/wire_out.h"

void call_refuse(struct txn_server *s, int status, const char *phrase, const char *headers)
{
	struct txn_reply r = {.status = status, .reason = phrase, .headers = headers};

	r.headers_bytes = headers ? strlen(headers) : 0;
	txn_server_reply(s, &r);
	txn_server_detach(s);
}

void call_answer_options(struct call_core *core, struct txn_server *s, const struct peer *p)
{
	struct txn_reply r = {.status = 200};
	struct wire_out o;

	if (core->stopping) {
		call_refuse(s, 503, NULL, NULL);
		return;
	}
	wire_out_init(&o, core->headers, sizeof(core->headers));
	call_option_allow(p->conf, &o);
	call_option_supported(p->conf, NULL, &o);
	wire_out_header_text(&o, "Accept", WIRE_TEXT("application/sdp, multipart/mixed"));
	wire_out_header_text(&o, "Accept-Language", WIRE_TEXT("en"));
	if (!wire_out_end(&o, &r.headers_bytes))
		r.headers = core->headers;
	txn_server_reply(s, &r);
	txn_server_detach(s);
}

bool call_from_leg(const struct leg *leg, const struct peer *p, const struct transport_target *from)
{
	if (!p || strcmp(leg->peer->name, p->name) != 0) /* by name: a reload makes new objects */
		return false;
	/* the on-demand peer is many: each of them is known by its address only */
	return p->conf->mode == PEER_STATIC ||
	       addr_ip_equal(&leg->call->sip_addr[leg->side], &from->to);
}

/* Sent once and forgotten: a stranger's flood must not fill the transaction table. */
static void refuse_stranger(struct txn_server *s, int status, const char *phrase)
{
	struct txn_reply r = {.status = status, .reason = phrase, .once = true};

	txn_server_reply(s, &r);
	txn_server_detach(s);
}

/* RFC 6406: exactly this phrase. A peer that came the wrong way is told so (E9, G6). */
static void refuse_unsupported(struct call_core *core, struct txn_server *s)
{
	enum peer_sec_reason why = peer_sec_refused(core->c.peers, txn_server_source(s));
	struct txn_reply r = {.status = 403, .reason = "Unsupported Peer", .once = true};
	char header[160];

	metric_add(&call_metrics, CALL_STRANGER, 1);
	if (why != PEER_SEC_OK) {
		snprintf(header, sizeof(header), "Reason: SIP;cause=403;text=\"%s\"\r\n",
			 peer_sec_text(why));
		r.headers = header;
		r.headers_bytes = strlen(header);
	}
	txn_server_reply(s, &r);
	txn_server_detach(s);
}

static bool refused_for_numbers(struct txn_server *s, const struct wire_msg *m)
{
	const struct call_screened *no = call_screen_numbers(m);

	if (no)
		call_refuse(s, no->status, no->phrase, no->header);
	return no != NULL;
}

static void in_dialog(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		      struct peer *p)
{
	struct leg *leg = dialog_find(core->dialogs, m);
	struct dialog *d;

	if (leg && !call_from_leg(leg, p, txn_server_source(s))) {
		/* Right identifiers, wrong sender: tell it nothing, leave the call alone (RFC 6404, C13) */
		metric_add(&call_metrics, CALL_FOREIGN, 1);
		leg = NULL;
	}
	if (!leg) {
		if (p)
			call_refuse(s, 481, NULL, NULL);
		else
			refuse_stranger(s, 481, NULL);
		return;
	}
	d = call_fork_dialog(leg, m);
	if (!d) {
		call_refuse(s, 481, NULL, NULL);
		return;
	}
	if (!call_auth_admits(core, s, m, p))
		return; /* what says nothing of who sent it changes nothing, not even the CSeq */
	if (dialog_check_cseq(d, m)) {
		call_refuse(s, 500, "CSeq Out Of Order", NULL);
		return;
	}
	if (refused_for_numbers(s, m))
		return;
	call_option_in_dialog(leg, s, m);
}

static bool outside_known(const struct wire_msg *m, const struct peer *p)
{
	const struct call_method *row = call_option_method(wire_method(m));

	return row && row->outside && row->on && row->on(p->conf);
}

/* RFC 3261 8.2.2: what a request outside a dialog names and requires; the method is looked at before. */
static bool outside_ok(struct txn_server *s, const struct wire_msg *m, const struct peer *p)
{
	char unsupported[200] = "";
	struct wire_uri uri;

	if (refused_for_numbers(s, m))
		return false;
	wire_request_uri(m, &uri);
	if (!uri.is_sip && !uri.is_tel && !uri.is_page) {
		call_refuse(s, 416, NULL, NULL);
		return false;
	}
	if (wire_max_forwards(m) == 0) {
		call_refuse(s, 483, NULL, NULL);
		return false;
	}
	if (call_option_refused(m, p->conf, unsupported, sizeof(unsupported))) {
		call_refuse(s, 420, NULL, unsupported);
		return false;
	}
	return true;
}

void call_on_request(struct call_core *core, struct txn_server *s, const struct wire_msg *m)
{
	const struct transport_target *from = txn_server_source(s);
	struct peer *p = peer_identify(core->c.peers, from);
	struct wire_party to;

	if (p)
		txn_server_charge(s, &p->state->transactions);
	wire_to(m, &to);
	if (to.tag.n) {
		in_dialog(core, s, m, p);
	} else if (!p) {
		refuse_unsupported(core, s);
	} else if (!call_auth_admits(core, s, m, p)) {
		return;
	} else if (wire_method(m) == WIRE_INVITE && policy_method_allowed(p->conf, WIRE_INVITE)) {
		call_admit(core, s, m, p);
	} else if (!outside_known(m, p)) {
		call_option_outside(core, s, m, p); /* refuses it for its method */
	} else if (outside_ok(s, m, p)) {
		call_option_outside(core, s, m, p);
	}
}
