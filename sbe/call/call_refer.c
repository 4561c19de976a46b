/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_refer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sbe/call/call_auth.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_replaces.h"
#include "sbe/sip/wire_line.h"
#include "sbe/sip/wire_out.h"

#define LINES_BYTES 3072
#define FRAG_BYTES 64
#define USER_MAX_BYTES 200U
#define NOTIFY_S                                                                                   \
	"60" /* what we promise at first; the transfer is settled or not when the ringing time is over */

/* ---- sipfrag ---- */

/* The status line and nothing else: headers of a fragment tell of the side it comes from. */
static void write_frag(int status, char *buf, size_t size)
{
	struct text_out t;

	text_start(&t, buf, size);
	text_add(&t, "SIP/2.0 ");
	text_add_number(&t, (unsigned)status);
	text_add(&t, status < 180    ? " Trying\r\n"
		     : status == 180 ? " Ringing\r\n"
		     : status < 200  ? " Progress\r\n"
		     : status < 300  ? " OK\r\n"
		     : status == 486 ? " Busy Here\r\n"
		     : status == 487 ? " Request Terminated\r\n"
		     : status < 700  ? " Not Transferred\r\n"
				     : "\r\n");
}

/* @return 0: there is no status line in it */
static int frag_status(struct wire_text body)
{
	uint32_t status;

	if (body.n < 11 || strncasecmp(body.s, "SIP/2.0 ", 8) ||
	    wire_number((struct wire_text){body.s + 8, 3}, 699, &status) || status < 100)
		return 0;
	return (int)status;
}

/* ---- what is asked for ---- */

static void take_embedded(struct wire_text headers, struct call_refer_to *r, int *status)
{
	while (headers.n) {
		const char *end = memchr(headers.s, '&', headers.n);
		struct wire_text one = {headers.s, end ? (size_t)(end - headers.s) : headers.n};
		char value[CALL_REPLACES_BYTES];

		headers.n -= one.n + (end ? 1 : 0);
		headers.s += one.n + (end ? 1 : 0);
		if (one.n < 9 || strncasecmp(one.s, "replaces=", 9))
			continue; /* others could make our INVITE say anything */
		one.s += 9;
		one.n -= 9;
		if (r->has_replaces || call_replaces_unescape(one, value, sizeof(value)) ||
		    call_replaces_parse((struct wire_text){value, strlen(value)}, &r->replaces))
			*status = 400;
		r->has_replaces = true;
	}
}

/* @return 0 or the status to refuse it with */
static int parse(const struct wire_msg *m, struct call_refer_to *ret_refer)
{
	struct call_refer_to r = {.has_replaces = false};
	struct wire_party party;
	struct wire_text method;
	struct wire_header h;
	unsigned n = 0;
	int status = 0;

	for (void *it = NULL; wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, "refer-to"))
			continue;
		if (++n > 1 || wire_party_parse(h.value, &party))
			return 400; /* RFC 3515 2.4.2: exactly one */
	}
	if (!n)
		return 400;
	r.uri = party.uri;
	if ((!r.uri.is_sip && !r.uri.is_tel) || r.uri.sips)
		return 416;
	if (wire_param(r.uri.params, "method", &method) && !wire_text_is(method, "INVITE"))
		return 403; /* only calls are transferred */
	take_embedded(r.uri.headers, &r, &status);
	*ret_refer = r;
	return status;
}

/* ---- relay ---- */

static void add_user(struct wire_text user, struct text_out *t)
{
	size_t n = 0;

	while (n < user.n && n < USER_MAX_BYTES && !strchr("@<>\" \t\r\n,;?", user.s[n]))
		n++;
	text_add_bytes(t, user.s, n);
	text_add(t, n ? "@" : "");
}

/* A host is shown when everybody may know it: ours, or the other side's own. */
static void add_uri(const struct leg *to, const struct wire_uri *u, struct text_out *t)
{
	const struct call_core *core = to->call->core;
	const struct conf_list *domains = &to->peer->conf->domains;
	const struct transport_listener *via = to->dialog.target.listener;
	struct wire_text v;

	text_add(t, "sip:");
	add_user(u->user, t);
	for (size_t i = 0; i < domains->n; i++) {
		const char *domain = ((const char *const *)domains->items)[i];

		if (!wire_text_is_nocase(u->host, domain))
			continue;
		text_add(t, domain);
		goto params;
	}
	text_add(t, core->c.ndomains ? core->c.domains[0] : transport_sent_by(via));
params:
	if (u->is_tel || (wire_param(u->params, "user", &v) && wire_text_is_nocase(v, "phone")))
		text_add(t, ";user=phone");
}

/* A target with Replaces is a phone of the other side's network: only there the identifiers mean anything. */
static int add_replaced(struct leg *leg, const struct call_refer_to *r, struct text_out *t)
{
	struct leg *other = LEG_OTHER(leg), *far;
	char value[CALL_REPLACES_BYTES];
	struct text_out name;
	bool theirs;
	struct leg *named = call_replaces_find(leg->call->core, &r->replaces, &theirs);

	if (!named || strcmp(named->peer->name, leg->peer->name) != 0 ||
	    named->call->fsm.state != CALL_UP)
		return 481;
	far = theirs ? named : LEG_OTHER(named);
	if (strcmp(far->peer->name, other->peer->name) != 0 ||
	    strpbrk(far->dialog.remote_target, "?<>\""))
		return 403;
	text_start(&name, value, sizeof(value));
	call_replaces_name(far, &name);
	text_add(t, far->dialog.remote_target);
	text_add(t, "?Replaces=");
	call_replaces_escape(value, t);
	return 0;
}

static void add_referred_by(const struct leg *to, const struct wire_msg *m, struct text_out *t)
{
	struct wire_party by;
	struct wire_header h;

	if (!wire_header_find(m, "referred-by", &h) || wire_party_parse(h.value, &by) ||
	    !by.uri.is_sip || call_text_names_host(by.uri.user))
		return;
	text_add(t, "Referred-By: <");
	add_uri(to, &by.uri, t);
	text_add(t, ">\r\n");
}

static void relay_done(struct leg *leg, int status)
{
	if (status >= 300)
		leg->refer.relayed = false;
}

static void relay(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
		  const struct call_refer_to *r)
{
	struct leg *to = LEG_OTHER(leg);
	char lines[LINES_BYTES];
	struct text_out t;
	int status = 0;

	text_start(&t, lines, sizeof(lines));
	text_add(&t, "Refer-To: <");
	if (r->has_replaces)
		status = add_replaced(leg, r, &t);
	else
		add_uri(to, &r->uri, &t);
	text_add(&t, ">\r\n");
	add_referred_by(to, m, &t);
	if (status || t.len_bytes + 1 >= sizeof(lines)) {
		call_refuse(s, status ? status : 400, NULL, NULL);
		return;
	}
	/* A NOTIFY may come before the answer to the REFER. */
	call_refer_forget(leg);
	leg->refer = (struct call_refer){.cseq = wire_cseq(m), .relayed = true};
	call_relay_send(leg, s,
			&(struct call_relay_what){
				.msg = m, .headers = lines, .body = "", .done = relay_done});
}

/* ---- REFER ---- */

void call_refer_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct call_refer_to r;
	char line[160];
	int status;

	if (leg->peer->conf->refer == PEER_TRANSFER_REFUSE)
		call_refuse(s, 403, NULL,
			    "Reason: SIP;cause=403;text=\"transfer is not agreed\"\r\n");
	else if (call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		call_refuse(s, 481, NULL, NULL);
	else if (call->fsm.state != CALL_UP)
		call_refuse(s, 403, "Not Before The Answer", NULL);
	else if (wire_max_forwards(m) == 0)
		call_refuse(s, 483, NULL, NULL);
	else if (call_option_refused(m, leg->peer->conf, line, sizeof(line)))
		call_refuse(s, 420, NULL, line);
	else if (leg->refer.relayed || leg->refer.made)
		call_refuse(s, 491, NULL, NULL); /* one at a time */
	else if ((status = parse(m, &r)))
		call_refuse(s, status, NULL, NULL);
	else if (leg->peer->conf->refer == PEER_TRANSFER_RELAY)
		relay(leg, s, m, &r);
	else
		call_transfer_request(leg, s, m, &r);
}

/* ---- NOTIFY ---- */

static bool about_refer(const struct wire_msg *m, bool *ret_id)
{
	struct wire_text event, id;
	struct wire_header h;
	const char *semicolon;

	*ret_id = false;
	if (!wire_header_find(m, "event", &h))
		return false;
	semicolon = h.value.n ? memchr(h.value.s, ';', h.value.n) : NULL;
	event = h.value;
	if (semicolon) {
		event.n = (size_t)(semicolon - h.value.s);
		*ret_id = wire_param((struct wire_text){semicolon + 1, h.value.n - event.n - 1},
				     "id", &id);
	}
	return wire_text_is_nocase(wire_trim(event), "refer");
}

static bool terminated(const struct wire_msg *m)
{
	struct wire_header h;

	return wire_header_find(m, "subscription-state", &h) && h.value.n >= 10 &&
	       !strncasecmp(h.value.s, "terminated", 10);
}

static void add_event(uint32_t cseq, struct text_out *t)
{
	text_add(t, "Event: refer");
	if (cseq) {
		text_add(t, ";id=");
		text_add_number(t, cseq);
	}
	text_add(t, "\r\n");
}

void call_refer_notified(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct leg *to = LEG_OTHER(leg);
	int status = frag_status(wire_body(m));
	char lines[160], frag[FRAG_BYTES] = "";
	struct text_out t;
	bool id;

	if (!about_refer(m, &id) || !to->refer.relayed) {
		if (call_relay_allowed(leg->peer->conf, WIRE_NOTIFY))
			call_relay_request(leg, s, m);
		else
			call_option_refuse(leg->peer->conf, s, m);
		return;
	}
	text_start(&t, lines, sizeof(lines));
	add_event(id ? to->refer.cseq : 0, &t);
	if (status) {
		write_frag(status, frag, sizeof(frag));
		text_add(&t, "Content-Type: message/sipfrag;version=2.0\r\n");
	}
	if (terminated(m))
		to->refer.relayed = false;
	call_relay_send(leg, s,
			&(struct call_relay_what){.msg = m, .headers = lines, .body = frag});
}

/* Its answer changes nothing, the transfer goes on whether it is watched or not: but who watches may want credentials. */
static void on_notify_response(void *arg, const struct wire_msg *m)
{
	struct leg *leg = arg;

	LEG_CHECK(leg);
	if (wire_status(m) < 200)
		return;
	call_refer_forget(leg);
	if (leg->up && call_auth_again(leg, m))
		call_refer_notify(leg, leg->refer.told);
}

static void on_notify_end(void *arg)
{
	((struct leg *)arg)->refer.notify = NULL;
}
static const struct txn_client_handlers notify_handlers = {.response = on_notify_response,
							   .terminated = on_notify_end};

void call_refer_forget(struct leg *leg)
{
	if (leg->refer.notify)
		txn_client_detach(leg->refer.notify);
	leg->refer.notify = NULL;
}

void call_refer_notify(struct leg *leg, int status)
{
	struct call_core *core = leg->call->core;
	struct txn_request r = {.method = "NOTIFY", .uri = leg->dialog.remote_target};
	char frag[FRAG_BYTES], line[48];
	struct text_out t;
	struct wire_out o;

	if (!leg->up || leg->refer.silent)
		return;
	write_frag(status, frag, sizeof(frag));
	text_start(&t, line, sizeof(line));
	text_add(&t, "refer;id=");
	text_add_number(&t, leg->refer.cseq);
	wire_out_init(&o, core->headers, sizeof(core->headers));
	dialog_write(&leg->dialog, "NOTIFY", 0, 70, &o);
	call_headers_contact(&leg->dialog.target, &o);
	wire_out_header_text(&o, "Event", (struct wire_text){line, t.len_bytes});
	wire_out_header_text(&o, "Subscription-State",
			     status < 200 ? WIRE_TEXT("active;expires=" NOTIFY_S)
					  : WIRE_TEXT("terminated;reason=noresource"));
	wire_out_header_text(&o, "Content-Type", WIRE_TEXT("message/sipfrag;version=2.0"));
	call_auth_write(leg, &r, &leg->dialog.target, &o);
	if (wire_out_end(&o, &r.headers_bytes))
		return;
	r.headers = core->headers;
	r.body = frag;
	r.body_bytes = strlen(frag);
	call_refer_forget(leg); /* an older one is of no interest any more */
	leg->refer.told = status;
	txn_client_new(core->o.txns, &leg->dialog.target, &r, &notify_handlers, leg,
		       &leg->refer.notify);
}
