/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wire -> struct. protobuf-c unfolds the frame into an arena on the stack (no allocation, a cap on
 * what a frame may unfold to), then every field is checked on its way into the plain struct.
 */
#include <errno.h>
#include <string.h>

#include "proto/message.h"
#include "proto/message_read.h"
#include "proto/message_wire.h"

/* RFC 3525 6.2.2, 7.2: which command may name which termination, and in which context. Bits of enum gate_ref. */
#define REF(x) (1U << GATE_REF_##x)
struct command_rule {
	uint8_t contexts, terminations;
};
static const struct command_rule command_rules[GATE_COMMAND_TYPES] = {
	[GATE_ADD] = {REF(ID) | REF(CHOOSE), REF(ID) | REF(CHOOSE)},
	[GATE_MODIFY] = {REF(ID) | REF(ROOT), REF(ID) | REF(ALL) | REF(ROOT)},
	[GATE_SUBTRACT] = {REF(ID) | REF(ALL), REF(ID) | REF(ALL)},
	[GATE_MOVE] = {REF(ID) | REF(CHOOSE), REF(ID)},
	[GATE_AUDIT_VALUE] = {REF(ID) | REF(ALL) | REF(ROOT), REF(ID) | REF(ALL) | REF(ROOT)},
	[GATE_AUDIT_CAPABILITIES] = {REF(ID) | REF(ALL) | REF(ROOT),
				     REF(ID) | REF(ALL) | REF(ROOT)},
	[GATE_NOTIFY] = {REF(ID) | REF(ROOT), REF(ID) | REF(ROOT)},
	[GATE_SERVICE_CHANGE] = {REF(ROOT), REF(ROOT) | REF(ID)},
};

static int check_refs(struct gate_reading *r, const struct gate_action *a,
		      const struct gate_command *c)
{
	const struct command_rule *rule = &command_rules[c->type];

	if (!(rule->contexts & (1U << a->context_ref)))
		return gate_reading_fail(r, GATE_ERR_ACTION,
					 "%s does not go with this kind of context",
					 gate_command_name(c->type));
	if (!(rule->terminations & (1U << c->ref)))
		return gate_reading_fail(r, GATE_ERR_IDENTIFIER,
					 "%s does not go with this kind of termination",
					 gate_command_name(c->type));
	if (c->ref == GATE_REF_ID && !c->termination[0])
		return gate_reading_fail(r, GATE_ERR_MISSING, "%s without a termination",
					 gate_command_name(c->type));
	if (c->ref == GATE_REF_CHOOSE && !c->realm[0])
		return gate_reading_fail(r, GATE_ERR_MISSING, "%s without a realm",
					 gate_command_name(c->type));
	return 0;
}

static int read_streams(struct gate_reading *r, const Gate__Command *w, struct gate_command *c)
{
	size_t i, k;

	if (w->n_streams > GATE_STREAMS_MAX)
		return gate_reading_fail(r, GATE_ERR_VALUE, "%zu streams, at most %d", w->n_streams,
					 GATE_STREAMS_MAX);
	for (i = 0; i < w->n_streams; i++) {
		if (gate_reading_stream(r, w->streams[i], &c->streams[i]))
			return -EINVAL;
		for (k = 0; k < i; k++)
			if (c->streams[k].id == c->streams[i].id)
				return gate_reading_fail(r, GATE_ERR_VALUE, "stream %u twice",
							 c->streams[i].id);
	}
	c->nstreams = w->n_streams;
	return 0;
}

static int read_descriptors(struct gate_reading *r, const Gate__Command *w, struct gate_command *c)
{
	bool audit_root = !r->request && c->type == GATE_AUDIT_CAPABILITIES;

	if (c->type == GATE_SERVICE_CHANGE || audit_root) {
		gate_change_clear(&c->change);
		if (w->change)
			return gate_reading_change(r, w->change, &c->change);
		if (r->request)
			return gate_reading_fail(r, GATE_ERR_MISSING,
						 "service_change without parameters");
		return 0;
	}
	if (w->change)
		return gate_reading_fail(r, GATE_ERR_DESCRIPTOR, "change in another command");
	if (c->type == GATE_NOTIFY) {
		gate_event_clear(&c->event);
		if (w->event)
			return gate_reading_event(r, w->event, &c->event);
		if (r->request)
			return gate_reading_fail(r, GATE_ERR_MISSING, "notify without an event");
		return 0;
	}
	if (w->event)
		return gate_reading_fail(r, GATE_ERR_DESCRIPTOR, "event in another command");
	return 0;
}

static int read_command(struct gate_reading *r, const Gate__Command *w, const struct gate_action *a,
			struct gate_command *c)
{
	bool strict = r->strict;
	int err;

	gate_command_clear(c);
	if (!w->has_type || w->type == GATE__COMMAND_TYPE__COMMAND_NONE)
		return gate_reading_fail(r, GATE_ERR_MISSING, "command without a type");
	if ((unsigned)w->type >= GATE_COMMAND_TYPES)
		return gate_reading_fail(r, GATE_ERR_COMMAND, "command %d", (int)w->type);
	c->type = (uint8_t)w->type;
	/* A node must be able to introduce itself to an older one. */
	if (c->type == GATE_SERVICE_CHANGE)
		r->strict = false;
	err = gate_reading_known(r, &w->base, gate_command_name(c->type));
	if ((unsigned)w->ref > GATE_REF_ROOT)
		err = gate_reading_fail(r, GATE_ERR_VALUE, "termination reference %d", (int)w->ref);
	c->ref = (uint8_t)w->ref;
	if (w->family != ADDR_NONE && w->family != ADDR_V4 && w->family != ADDR_V6)
		err = gate_reading_fail(r, GATE_ERR_VALUE, "address family %u", w->family);
	c->family = (uint8_t)w->family;
	c->optional = w->optional;
	if (err || gate_reading_name(r, w->termination, true, c->termination) ||
	    gate_reading_name(r, w->realm, false, c->realm))
		return -EINVAL;
	if (r->request) {
		if (w->code || w->text)
			return gate_reading_fail(r, GATE_ERR_DESCRIPTOR, "code in a request");
		if (check_refs(r, a, c))
			return -EINVAL;
	} else {
		if (w->code > 999)
			return gate_reading_fail(r, GATE_ERR_VALUE, "code %u", w->code);
		c->code = (uint16_t)w->code;
		gate_reading_text(w->text, c->text, sizeof(c->text));
	}
	err = read_streams(r, w, c);
	if (!err)
		err = read_descriptors(r, w, c);
	r->strict = strict;
	return err;
}

static int read_record(struct gate_reading *r, const Gate__Action *w, struct gate_message *m)
{
	struct gate_action *a = &m->action;

	if (!w->has_record)
		return 0;
	if (w->record.len > GATE_RECORD_MAX_BYTES)
		return gate_reading_fail(r, GATE_ERR_VALUE, "a record of %zu bytes", w->record.len);
	a->has_record = true;
	a->record = m->record_storage;
	a->record_bytes = w->record.len;
	if (w->record.len)
		memcpy(m->record_storage, w->record.data, w->record.len);
	return 0;
}

static int read_contexts(struct gate_reading *r, const Gate__Action *w, struct gate_action *a)
{
	size_t i;

	if (!w->n_contexts)
		return 0;
	if (r->request)
		return gate_reading_fail(r, GATE_ERR_DESCRIPTOR, "contexts in a request");
	if (w->n_contexts > GATE_CONTEXTS_PER_AUDIT)
		return gate_reading_fail(r, GATE_ERR_VALUE, "%zu contexts", w->n_contexts);
	for (i = 0; i < w->n_contexts; i++) {
		if (!w->contexts[i] || (i && w->contexts[i] <= w->contexts[i - 1]))
			return gate_reading_fail(r, GATE_ERR_VALUE, "contexts are not rising");
		a->contexts[i] = w->contexts[i];
	}
	a->ncontexts = w->n_contexts;
	return 0;
}

static int read_action(struct gate_reading *r, const Gate__Action *w, struct gate_message *m)
{
	struct gate_action *a = &m->action;
	size_t i;

	if (!w)
		return gate_reading_fail(r, GATE_ERR_MISSING, "no action");
	if (gate_reading_known(r, &w->base, "action"))
		return -EINVAL;
	if ((unsigned)w->context_ref > GATE_REF_ROOT)
		return gate_reading_fail(r, GATE_ERR_VALUE, "context reference %d",
					 (int)w->context_ref);
	a->context_ref = (uint8_t)w->context_ref;
	a->context = w->context;
	if (r->request && a->context_ref == GATE_REF_ID && !a->context)
		return gate_reading_fail(r, GATE_ERR_MISSING, "no context id");
	a->has_emergency = w->has_emergency;
	a->emergency = w->has_emergency && w->emergency;
	a->more = w->more;
	if (read_record(r, w, m) || read_contexts(r, w, a))
		return -EINVAL;
	if (w->n_commands > GATE_COMMANDS_MAX)
		return gate_reading_fail(r, GATE_ERR_VALUE, "%zu commands, at most %d",
					 w->n_commands, GATE_COMMANDS_MAX);
	/* A record may be written without touching a termination. */
	if (r->request && !w->n_commands && !a->has_record)
		return gate_reading_fail(r, GATE_ERR_MISSING, "no command");
	for (i = 0; i < w->n_commands; i++)
		if (read_command(r, w->commands[i], a, &a->commands[i]))
			return -EINVAL;
	a->ncommands = w->n_commands;
	return 0;
}

static int read_code(struct gate_reading *r, uint32_t code, const char *text,
		     struct gate_message *m)
{
	if (code > 999)
		return gate_reading_fail(r, GATE_ERR_VALUE, "code %u", code);
	m->code = (uint16_t)code;
	gate_reading_text(text, m->text, sizeof(m->text));
	return 0;
}

static int read_body(struct gate_reading *r, const Gate__Envelope *w, struct gate_message *m)
{
	switch (w->body_case) {
	case GATE__ENVELOPE__BODY_REQUEST:
		m->body = GATE_BODY_REQUEST;
		r->request = true;
		r->strict = m->version <= GATE_VERSION_MAX;
		if (!m->transaction)
			return gate_reading_fail(r, GATE_ERR_MISSING, "no transaction id");
		if (gate_reading_known(r, &w->request->base, "request"))
			return -EINVAL;
		return read_action(r, w->request->action, m);
	case GATE__ENVELOPE__BODY_REPLY:
		m->body = GATE_BODY_REPLY;
		if (read_code(r, w->reply->code, w->reply->text, m))
			return -EINVAL;
		return m->code && !w->reply->action ? 0 : read_action(r, w->reply->action, m);
	case GATE__ENVELOPE__BODY_PENDING:
		m->body = GATE_BODY_PENDING;
		return 0;
	case GATE__ENVELOPE__BODY_ACKNOWLEDGE:
		m->body = GATE_BODY_ACK;
		m->transaction = w->acknowledge->first;
		m->transaction_last = w->acknowledge->last;
		return 0;
	case GATE__ENVELOPE__BODY_ERROR:
		m->body = GATE_BODY_ERROR;
		if (!w->error->code)
			return gate_reading_fail(r, GATE_ERR_MISSING, "error without a code");
		return read_code(r, w->error->code, w->error->text, m);
	case GATE__ENVELOPE__BODY_HEARTBEAT:
		m->body = GATE_BODY_HEARTBEAT;
		m->transaction = w->heartbeat->number;
		m->transaction_last = w->heartbeat->answer;
		return 0;
	default:
		return gate_reading_fail(r, GATE_ERR_COMMAND, "no body, or one of a later version");
	}
}

static int read_envelope(struct gate_reading *r, const Gate__Envelope *w, struct gate_message *m)
{
	m->transaction = w->transaction;
	if (!w->version)
		return gate_reading_fail(r, GATE_ERR_MISSING, "no version");
	m->version = w->version;
	m->epoch = w->epoch;
	if (gate_reading_name(r, w->sender, false, m->sender))
		return -EINVAL;
	if (!m->sender[0] || !m->epoch)
		return gate_reading_fail(r, GATE_ERR_MISSING, "no sender or no epoch");
	r->strict = w->body_case == GATE__ENVELOPE__BODY_REQUEST && m->version <= GATE_VERSION_MAX;
	/* The envelope of a ServiceChange is the same as any other's, so its own fields are checked with the rest. */
	if (gate_reading_known(r, &w->base, "envelope"))
		return -EINVAL;
	return read_body(r, w, m);
}

int gate_message_decode(const uint8_t *buf, size_t len_bytes, struct gate_message *ret_message,
			uint16_t *ret_code, char ret_text[GATE_TEXT_BYTES])
{
	struct gate_arena arena;
	struct gate_reading r = {.text = ret_text};
	Gate__Envelope *w;
	int err;

	gate_message_clear(ret_message);
	ret_text[0] = 0;
	gate_arena_init(&arena);
	w = gate__envelope__unpack(&arena.allocator, len_bytes, buf);
	if (!w)
		err = gate_reading_fail(&r, GATE_ERR_SYNTAX,
					arena.exceeded ? "more elements than any message needs"
						       : "not a gate control message");
	else
		err = read_envelope(&r, w, ret_message);
	if (err)
		*ret_code = r.code;
	return err;
}
