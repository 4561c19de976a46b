/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_option.h"

#include <string.h>

#include "common/text.h"
#include "sbe/call/call_admit.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_reliable.h"
#include "sbe/policy/policy.h"
#include "sbe/sip/wire_line.h"

#define TAG_MAX_BYTES 64U
#define LIST_BYTES 400

static bool always(const struct peer_conf *c)
{
	(void)c;
	return true;
}

static bool prack_on(const struct peer_conf *c)
{
	return c->prack != PEER_PRACK_OFF;
}

static bool session_timer(const struct peer_conf *c)
{
	return c->session.mode != PEER_TIMER_OFF;
}

static bool refer_on(const struct peer_conf *c)
{
	return c->refer != PEER_TRANSFER_REFUSE;
}

static bool replaces_on(const struct peer_conf *c)
{
	return c->replaces != PEER_TRANSFER_REFUSE;
}

static bool info_on(const struct peer_conf *c)
{
	return call_relay_allowed(c, WIRE_INFO);
}

static bool message_on(const struct peer_conf *c)
{
	return call_relay_allowed(c, WIRE_MESSAGE) || c->im.page;
}

static bool subscribe_on(const struct peer_conf *c)
{
	return call_relay_allowed(c, WIRE_SUBSCRIBE) || c->presence.events.n;
}

static bool notify_on(const struct peer_conf *c)
{
	return call_relay_allowed(c, WIRE_NOTIFY) || c->presence.events.n;
}

static void options_in_dialog(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	if (call_relay_allowed(leg->peer->conf, WIRE_OPTIONS) &&
	    call_relay_allowed(LEG_OTHER(leg)->peer->conf, WIRE_OPTIONS))
		call_relay_request(leg, s, m);
	else
		call_answer_options(leg->call->core, s, leg->peer);
}

static void options_outside(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
			    struct peer *p)
{
	(void)m;
	call_answer_options(core, s, p);
}

/* A feature adds its row when it is built; NULL = known and refused. */
static const struct call_option options[] = {
	{"100rel", prack_on, false},      /* RFC 3262 */
	{"timer", session_timer, false},  /* RFC 4028 */
	{"replaces", replaces_on, false}, /* RFC 3891 */
	{"norefersub", refer_on, false},  /* RFC 4488 */
};

/* In the order of our Allow. */
static const struct call_method methods[] = {
	{WIRE_INVITE, always, call_reinvite_request, call_admit},
	{WIRE_ACK, always, NULL, NULL},
	{WIRE_BYE, always, call_bye_request, NULL},
	{WIRE_CANCEL, always, NULL, NULL},
	{WIRE_OPTIONS, always, options_in_dialog, options_outside},
	{WIRE_PRACK, prack_on, call_reliable_prack, NULL},
	{WIRE_UPDATE, always, call_update_request, NULL},
	{WIRE_INFO, info_on, call_relay_request, NULL},
	{WIRE_MESSAGE, message_on, call_relay_request, NULL},
	{WIRE_SUBSCRIBE, subscribe_on, call_relay_request, NULL},
	{WIRE_NOTIFY, notify_on, call_refer_notified, NULL},
	{WIRE_REFER, refer_on, call_refer_request, NULL},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- option tags ---- */

static bool row_agreed(const struct call_option *row, const struct peer_conf *c,
		       struct wire_text tag)
{
	return row->on && row->on(c) && policy_option_allowed(c, tag.s, tag.n);
}

static bool agreed(const struct peer_conf *c, struct wire_text tag)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		if (wire_text_is_nocase(tag, options[i].tag))
			return row_agreed(&options[i], c, tag);
	}
	return false;
}

bool call_option_agreed(const struct peer_conf *c, const char *tag)
{
	return agreed(c, (struct wire_text){tag, strlen(tag)});
}

static void name_tag(struct text_out *t, struct wire_text tag, bool first)
{
	if (!wire_is_token(tag) || tag.n > TAG_MAX_BYTES ||
	    t->len_bytes + tag.n + sizeof(", \r\n") > t->size_bytes)
		return;
	text_add(t, first ? "Unsupported: " : ", ");
	text_add_bytes(t, tag.s, tag.n);
}

bool call_option_refused(const struct wire_msg *m, const struct peer_conf *c, char *line,
			 size_t size_bytes)
{
	struct wire_text rest, tag;
	struct wire_header h;
	struct text_out t;
	bool refused = false;

	text_start(&t, line, size_bytes);
	if (!wire_header_find(m, "require", &h)) /* as good as always */
		return false;
	for (void *it = NULL; wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, "require"))
			continue;
		rest = h.value;
		while (wire_list_next(&rest, &tag)) {
			if (agreed(c, tag))
				continue;
			name_tag(&t, tag, !t.len_bytes);
			refused = true;
		}
	}
	if (t.len_bytes)
		text_add(&t, "\r\n");
	return refused;
}

static void add_to_list(struct text_out *t, struct wire_text word)
{
	if (t->len_bytes)
		text_add_bytes(t, ", ", 2);
	text_add_bytes(t, word.s, word.n);
}

void call_option_supported(const struct peer_conf *c, const char *without, struct wire_out *o)
{
	char list[LIST_BYTES];
	struct text_out t;

	text_start(&t, list, sizeof(list));
	for (size_t i = 0; i < COUNT(options); i++) {
		const struct wire_text tag = {options[i].tag, strlen(options[i].tag)};

		if (without && !strcmp(without, tag.s))
			continue;
		if (!options[i].quiet && row_agreed(&options[i], c, tag))
			add_to_list(&t, tag);
	}
	if (t.len_bytes)
		wire_out_header_text(o, "Supported", (struct wire_text){list, t.len_bytes});
}

/* ---- methods ---- */

static bool taken(const struct call_method *row, const struct peer_conf *c)
{
	return row->on && row->on(c) && policy_method_allowed(c, row->method);
}

void call_option_allow(const struct peer_conf *c, struct wire_out *o)
{
	bool first = true;

	wire_out_raw(o, "Allow: ", 7);
	for (size_t i = 0; i < COUNT(methods); i++) {
		const char *name = wire_method_name(methods[i].method);

		if (!taken(&methods[i], c))
			continue;
		if (!first)
			wire_out_raw(o, ", ", 2);
		wire_out_raw(o, name, strlen(name));
		first = false;
	}
	wire_out_raw(o, "\r\n", 2);
}

const struct call_method *call_option_method(enum wire_method method)
{
	for (size_t i = 0; i < COUNT(methods); i++) {
		if (methods[i].method == method)
			return &methods[i];
	}
	return NULL;
}

/* 405: a method we know and do not take; 501: one that nobody told us of (RFC 3261 8.2.1). */
void call_option_refuse(const struct peer_conf *c, struct txn_server *s, const struct wire_msg *m)
{
	char line[LIST_BYTES + 16] = "";
	struct wire_out o;

	wire_out_init(&o, line, sizeof(line) - 1);
	call_option_allow(c, &o);
	line[o.len_bytes] = '\0';
	call_refuse(s, wire_method(m) == WIRE_OTHER ? 501 : 405, NULL, line);
}

/* Its row knows more than the peer's policy: a NOTIFY may be the answer to something. */
static bool decides(enum wire_method method)
{
	return method == WIRE_REFER || method == WIRE_NOTIFY;
}

/* The other side is away for a transfer, or who stays has not come to the call that was made for one. */
static bool nobody_there(const struct leg *leg)
{
	const struct leg *other = LEG_OTHER(leg);

	return other->lent || (other->side == 0 && !other->dialog.call_id);
}

void call_option_in_dialog(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	const struct call_method *row = call_option_method(wire_method(m));

	if (nobody_there(leg) && wire_method(m) != WIRE_BYE) {
		call_refuse(s, 500, NULL, "Retry-After: 1\r\n"); /* nobody is there for a moment */
		return;
	}
	if (row && row->in_dialog &&
	    (taken(row, leg->peer->conf) ||
	     (decides(row->method) && policy_method_allowed(leg->peer->conf, row->method))))
		row->in_dialog(leg, s, m);
	else
		call_option_refuse(leg->peer->conf, s, m);
}

/* They have a meaning outside of a dialog too, but not with us. */
static bool could_stand_alone(enum wire_method method)
{
	return method == WIRE_MESSAGE || method == WIRE_SUBSCRIBE || method == WIRE_REFER;
}

void call_option_outside(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
			 struct peer *p)
{
	const struct call_method *row = call_option_method(wire_method(m));

	if (row && !row->outside && !could_stand_alone(row->method))
		call_refuse(s, 481, NULL, NULL); /* these live in dialogs only */
	else if (row && row->outside && taken(row, p->conf))
		row->outside(core, s, m, p);
	else
		call_option_refuse(p->conf, s, m);
}

bool call_option_peer_allows(const struct wire_msg *m, const char *method)
{
	struct wire_text rest, word;
	struct wire_header h;

	if (!wire_header_find(m, "allow", &h)) /* what everybody takes (RFC 3261) */
		return !strcmp(method, "INVITE") || !strcmp(method, "ACK") ||
		       !strcmp(method, "BYE") || !strcmp(method, "CANCEL") ||
		       !strcmp(method, "OPTIONS");
	for (void *it = NULL; wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, "allow"))
			continue;
		rest = h.value;
		while (wire_list_next(&rest, &word)) {
			if (wire_text_is(word, method)) /* methods are case-sensitive */
				return true;
		}
	}
	return false;
}
