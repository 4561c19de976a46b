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

#include "sbe/call/call_private.h"

void call_refuse(struct txn_server *s, int status, const char *phrase, const char *headers)
{
	struct txn_reply r = {.status = status, .reason = phrase, .headers = headers};

	r.headers_bytes = headers ? strlen(headers) : 0;
	txn_server_reply(s, &r);
	txn_server_detach(s);
}

bool call_unsupported(const struct wire_msg *m, char *line, size_t size_bytes)
{
	struct wire_header h;

	line[0] = '\0';
	if (!wire_header_find(m, "require", &h) || !h.value.n)
		return false;
	if (h.value.n < 100 && !memchr(h.value.s, '\n', h.value.n))
		snprintf(line, size_bytes, "Unsupported: %.*s\r\n", (int)h.value.n, h.value.s);
	return true;
}

void call_answer_options(struct call_core *core, struct txn_server *s)
{
	if (core->stopping)
		call_refuse(s, 503, NULL, NULL);
	else
		call_refuse(s, 200, NULL,
			    "Allow: " CALL_ALLOW "\r\nAccept: application/sdp, multipart/mixed\r\n"
			    "Accept-Language: en\r\n");
}

void call_none_request(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		       struct peer *p)
{
	(void)p;
	switch (wire_method(m)) {
	case WIRE_OPTIONS:
		call_answer_options(core, s);
		break;
	case WIRE_BYE:
	case WIRE_PRACK:
	case WIRE_UPDATE:
	case WIRE_INFO: /* these live in dialogs only */
		call_refuse(s, 481, NULL, NULL);
		break;
	case WIRE_OTHER:
		call_refuse(s, 501, NULL, "Allow: " CALL_ALLOW "\r\n");
		break;
	default:
		call_refuse(s, 405, NULL, "Allow: " CALL_ALLOW "\r\n");
		break;
	}
}

static bool same_peer(const struct peer *a, const struct peer *b)
{
	return a && b && !strcmp(a->name, b->name); /* by name: a reload makes new objects */
}

/* Sent once and forgotten: a stranger's flood must not fill the transaction table. */
static void refuse_stranger(struct txn_server *s, int status, const char *phrase)
{
	struct txn_reply r = {.status = status, .reason = phrase, .once = true};

	txn_server_reply(s, &r);
	txn_server_detach(s);
}

static void in_dialog(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		      struct peer *p)
{
	struct leg *leg = dialog_find(core->dialogs, m);

	if (leg && !same_peer(leg->peer, p)) {
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
	if (dialog_check_cseq(&leg->dialog, m)) {
		call_refuse(s, 500, "CSeq Out Of Order", NULL);
		return;
	}
	switch (wire_method(m)) {
	case WIRE_BYE:
		call_bye_request(leg, s, m);
		break;
	case WIRE_INVITE:
		call_reinvite_request(leg, s, m);
		break;
	case WIRE_OPTIONS:
		call_answer_options(core, s);
		break;
	case WIRE_OTHER:
		call_refuse(s, 501, NULL, "Allow: " CALL_ALLOW "\r\n");
		break;
	default:
		call_refuse(s, 405, NULL, "Allow: " CALL_ALLOW "\r\n");
		break;
	}
}

void call_on_request(struct call_core *core, struct txn_server *s, const struct wire_msg *m)
{
	const struct transport_target *from = txn_server_source(s);
	struct peer *p =
		peer_find_source(core->c.peers, transport_realm(from->listener), &from->to);
	struct wire_party to;

	wire_to(m, &to);
	if (to.tag.n) {
		in_dialog(core, s, m, p);
	} else if (!p) {
		metric_add(&call_metrics, CALL_STRANGER, 1);
		refuse_stranger(s, 403, "Unsupported Peer");
	} else if (wire_method(m) == WIRE_INVITE) {
		call_admit(core, s, m, p);
	} else if (wire_max_forwards(m) == 0) {
		call_refuse(s, 483, NULL, NULL);
	} else {
		call_none_request(core, s, m, p);
	}
}
