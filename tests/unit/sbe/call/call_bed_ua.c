/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_bed_ua - the user agents of the bed: enough of RFC 3261 to place, answer and end calls, with every
 * message under the test's control.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/guard.h"
#include "tests/unit/sbe/call/call_bed.h"

/* snprintf whose arguments may lie in the same object. */
__attribute__((format(printf, 3, 4))) static void put(char *to, size_t size, const char *format,
						      ...)
{
	char text[BED_MESSAGE_MAX];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < size);
	memcpy(to, text, (size_t)n + 1);
}

/* ---- out ---- */

/* \n becomes CRLF; the body's length is added as the last header. */
static size_t to_wire(const char *text, char *wire, size_t size)
{
	const char *body = strstr(text, "\n\n");
	size_t n = 0, body_bytes = 0;

	assert_non_null(body);
	for (const char *p = body + 2; *p; p++)
		body_bytes += *p == '\n' ? 2 : 1;
	for (const char *p = text; *p; p++) {
		assert_true(n + 64 < size);
		if (p == body + 1)
			n += (size_t)snprintf(wire + n, size - n, "Content-Length: %zu\r\n",
					      body_bytes);
		if (*p == '\n')
			wire[n++] = '\r';
		wire[n++] = *p;
	}
	return n;
}

void bed_send(enum bed_who from, const char *format, ...)
{
	static char text[BED_MESSAGE_MAX], wire[BED_MESSAGE_MAX];
	unsigned long fail_at = mem_fail_left();
	struct wire_msg *m = NULL;
	const char *why = "";
	va_list ap;
	size_t n;

	va_start(ap, format);
	n = (size_t)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	assert_true(n < sizeof(text));
	n = to_wire(text, wire, sizeof(wire));
	/* Allocations that are made to fail are the call's, not the parser's. */
	mem_fail_at(0);
	if (wire_parse((const uint8_t *)wire, n, &m, &why))
		fail_msg("the test's own message: %s\n%s", why, text);
	mem_fail_at(fail_at);
	txn_receive(bed.txns, m, &bed.ua[from].at);
	mem_unref(m);
	bed_settle();
}

int bed_raw(enum bed_who from, const void *data, size_t len_bytes)
{
	struct guard_result g;
	struct wire_msg *m = NULL;
	const char *why = NULL;

	guard_check(data, len_bytes, false, &g);
	if (g.verdict != GUARD_PASS)
		return g.verdict == GUARD_ANSWER ? g.status : -1;
	if (wire_parse((const uint8_t *)data + g.skip_bytes, g.len_bytes, &m, &why)) {
		mem_unref(m);
		return g.is_request ? 400 : -1;
	}
	txn_receive(bed.txns, m, &bed.ua[from].at);
	mem_unref(m);
	bed_settle();
	return 0;
}

static const char *extra(void)
{
	const char *lines = bed.extra ? bed.extra : "";

	bed.extra = NULL;
	return lines;
}

static void new_branch(char *branch, size_t size)
{
	snprintf(branch, size, "z9hG4bK-%u", ++bed.branches);
}

static const char *via(const struct bed_ua *u, const char *branch)
{
	static char text[256];

	snprintf(text, sizeof(text), "SIP/2.0/%s %s:5060;branch=%s",
		 transport_proto_name(u->at.proto), u->ip, branch);
	return text;
}

static const char *type_line(const char *body)
{
	static char line[128];

	if (bed.content_type) {
		snprintf(line, sizeof(line), "Content-Type: %s\n", bed.content_type);
		bed.content_type = NULL;
		return line;
	}
	return !body            ? ""
	       : body[0] == '-' ? "Content-Type: multipart/mixed;boundary=x\n"
				: "Content-Type: application/sdp\n";
}

void bed_invite(enum bed_who from, const char *body)
{
	struct bed_ua *u = &bed.ua[from];

	u->cseq = u->invite_cseq = 1;
	put(u->tag, sizeof(u->tag), "%s-tag-%u", u->name, bed.branches);
	put(u->call_id, sizeof(u->call_id), "%s-call-%u@%s", u->name, bed.branches, u->ip);
	put(u->invite_uri, sizeof(u->invite_uri), "sip:+442079460000@a.example");
	put(u->local, sizeof(u->local), "\"Caller\" <sip:+15550100@%s>;tag=%s", u->ip, u->tag);
	put(u->remote, sizeof(u->remote), "<%s>", u->invite_uri);
	u->target[0] = u->route[0] = '\0';
	new_branch(u->branch, sizeof(u->branch));
	bed_send(from,
		 "INVITE %s SIP/2.0\nVia: %s\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\n"
		 "CSeq: 1 INVITE\nContact: <sip:user@%s:5060>\nUser-Agent: %s-phone %s\n%s%s\n%s",
		 u->invite_uri, via(u, u->branch), u->local, u->remote, u->call_id, u->ip, u->name,
		 u->ip, extra(), type_line(body), body ? body : "");
}

void bed_request(enum bed_who from, const char *method, const char *body)
{
	struct bed_ua *u = &bed.ua[from];
	char branch[64];

	new_branch(branch, sizeof(branch));
	u->cseq++;
	if (!strcmp(method, "INVITE")) {
		u->invite_cseq = u->cseq;
		put(u->branch, sizeof(u->branch), "%s", branch);
		put(u->invite_uri, sizeof(u->invite_uri), "%s", u->target);
	}
	bed_send(from,
		 "%s %s SIP/2.0\nVia: %s\nMax-Forwards: %s\nFrom: %s\nTo: %s\nCall-ID: %s\n"
		 "CSeq: %u %s\nContact: <sip:user@%s:5060>\n%s%s\n%s",
		 method, u->target, via(u, branch), bed.max_forwards ? bed.max_forwards : "70",
		 u->local, u->remote, u->call_id, u->cseq, method, u->ip, extra(), type_line(body),
		 body ? body : "");
}

void bed_ack(enum bed_who from, const char *body)
{
	struct bed_ua *u = &bed.ua[from];
	char branch[64];

	new_branch(branch, sizeof(branch));
	bed_send(from,
		 "ACK %s SIP/2.0\nVia: %s\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\n"
		 "CSeq: %u ACK\n%s%s\n%s",
		 u->target, via(u, branch), u->local, u->remote, u->call_id, u->invite_cseq,
		 extra(), type_line(body), body ? body : "");
}

void bed_send_cancel(enum bed_who from)
{
	struct bed_ua *u = &bed.ua[from];
	char to[512];

	/* 9.1: To as in the INVITE; only a re-INVITE's has a tag */
	snprintf(to, sizeof(to), "%s", u->remote);
	if (u->invite_cseq == 1 && strstr(to, ";tag="))
		*strstr(to, ";tag=") = '\0';
	bed_send(from,
		 "CANCEL %s SIP/2.0\nVia: %s\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\n"
		 "CSeq: %u CANCEL\n%s\n",
		 u->invite_uri, via(u, u->branch), u->local, to, u->call_id, u->invite_cseq,
		 extra());
}

void bed_cancel(enum bed_who from)
{
	bed_send_cancel(from);
	bed_has(bed_take(from, "SIP/2.0 200 "), " CANCEL");
}

void bed_reply(enum bed_who from, int status, const char *body)
{
	struct bed_ua *u = &bed.ua[from];
	char vias[2048] = "", to[600], contact[128] = "";
	size_t n = 0;
	const char *at = u->request;

	assert_true(u->request[0] != '\0');
	while ((at = strstr(at, "\r\nVia: "))) {
		at += 2;
		n += (size_t)snprintf(vias + n, sizeof(vias) - n, "%.*s\n", (int)strcspn(at, "\r"),
				      at);
	}
	snprintf(to, sizeof(to), "%s", bed_header(u->request, "To"));
	if (!strstr(to, ";tag=") && status > 100)
		snprintf(to + strlen(to), sizeof(to) - strlen(to), ";tag=%s", u->tag);
	if (status > 100 && status < 300 && !strncmp(u->request, "INVITE ", 7))
		snprintf(contact, sizeof(contact), "Contact: <sip:user@%s:5060>\n", u->ip);
	bed_send(
		from,
		"SIP/2.0 %d %s\n%sFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %s\n%sServer: %s %s\n%s%s\n%s",
		status,
		status < 200   ? "Wait"
		: status < 300 ? "Yes"
			       : "No",
		vias, bed_header(u->request, "From"), to, bed_header(u->request, "Call-ID"),
		bed_header(u->request, "CSeq"), contact, u->name, u->ip, extra(), type_line(body),
		body ? body : "");
}

/* ---- in ---- */

static void take_target(struct bed_ua *u, const char *text)
{
	const char *contact = bed_header(text, "Contact");
	const char *open = strchr(contact, '<'), *close = strchr(contact, '>');

	if (open && close)
		put(u->target, sizeof(u->target), "%.*s", (int)(close - open - 1), open + 1);
}

static void take_response(enum bed_who who, const char *text)
{
	struct bed_ua *u = &bed.ua[who];
	int status = atoi(text + 8);

	if (!strstr(bed_header(text, "CSeq"), "INVITE"))
		return;
	assert_string_equal(bed_header(text, "Call-ID"), u->call_id);
	assert_string_equal(bed_header(text, "From"), u->local);
	if (status < 300 && strstr(bed_header(text, "To"), ";tag=")) {
		put(u->remote, sizeof(u->remote), "%s", bed_header(text, "To"));
		take_target(u, text);
	}
	if (status < 300)
		return;
	bed_send(who,
		 "ACK %s SIP/2.0\nVia: %s\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\n"
		 "CSeq: %u ACK\n\n",
		 u->invite_uri, via(u, u->branch), u->local, bed_header(text, "To"), u->call_id,
		 (unsigned)atoi(bed_header(text, "CSeq")));
}

static void take_request(enum bed_who who, const char *text)
{
	struct bed_ua *u = &bed.ua[who];
	bool invite = !strncmp(text, "INVITE ", 7);

	if (strncmp(text, "ACK ", 4) && strncmp(text, "CANCEL ", 7))
		put(u->request, sizeof(u->request), "%s", text);
	if (invite)
		take_target(u, text);
	if (!invite || strstr(bed_header(text, "To"), ";tag=") ||
	    !strcmp(bed_header(text, "Call-ID"), u->call_id))
		return; /* in the dialog, or the same once more */
	u->cseq = 100;
	put(u->tag, sizeof(u->tag), "%s-tag-%u", u->name, ++bed.branches);
	put(u->call_id, sizeof(u->call_id), "%s", bed_header(text, "Call-ID"));
	put(u->local, sizeof(u->local), "%s;tag=%s", bed_header(text, "To"), u->tag);
	put(u->remote, sizeof(u->remote), "%s", bed_header(text, "From"));
}

const char *bed_take_any(enum bed_who to)
{
	const char *text = bed_next(to);

	if (!text)
		return NULL;
	if (!strncmp(text, "SIP/2.0 ", 8))
		take_response(to, text);
	else
		take_request(to, text);
	return text;
}

const char *bed_take(enum bed_who to, const char *start)
{
	const char *text = bed_take_any(to);

	if (!text)
		fail_msg("%s got nothing instead of %s", bed.ua[to].name, start);
	if (strncmp(text, start, strlen(start)))
		fail_msg("%s wanted %s and got\n%s", bed.ua[to].name, start, text);
	return text;
}

const char *bed_take_bye(enum bed_who at)
{
	const char *text = bed_take(at, "BYE ");

	bed_reply(at, 200, NULL);
	return text;
}

void bed_connect_as(enum bed_who from, enum bed_who to)
{
	bed_invite(from, from == A ? SDP_A : SDP_B);
	bed_take(to, "INVITE ");
	bed_reply(to, 200, to == A ? SDP_A : SDP_B);
	bed_take(from, "SIP/2.0 200 ");
	bed_ack(from, NULL);
	bed_take(to, "ACK ");
}

void bed_connect(void)
{
	bed_connect_as(A, B);
}

void bed_hang_up(enum bed_who from, enum bed_who other)
{
	bed_request(from, "BYE", NULL);
	bed_take(from, "SIP/2.0 200 ");
	bed_take_bye(other);
}
