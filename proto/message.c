/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message.h"

#include <string.h>

#include "proto/message_wire.h"

static void *arena_alloc(void *data, size_t size_bytes)
{
	return gate_arena_take(data, size_bytes);
}

static void arena_free(void *data, void *pointer)
{
	/* The arena goes as a whole. */
	(void)data;
	(void)pointer;
}

void gate_arena_init(struct gate_arena *a)
{
	a->used_bytes = 0;
	a->exceeded = false;
	a->allocator = (ProtobufCAllocator){arena_alloc, arena_free, a};
}

void *gate_arena_take(struct gate_arena *a, size_t size_bytes)
{
	size_t need = (size_bytes + 15) & ~(size_t)15;
	void *p;

	if (size_bytes > sizeof(a->space) || need > sizeof(a->space) - a->used_bytes) {
		a->exceeded = true;
		return NULL;
	}
	p = a->space + a->used_bytes;
	a->used_bytes += need;
	return p;
}

void gate_stream_clear(struct gate_stream *s)
{
	memset(s, 0, sizeof(*s));
}

void gate_change_clear(struct gate_service_change *c)
{
	memset(c, 0, offsetof(struct gate_service_change, realms));
	c->nrealms = 0;
	c->nranges = 0;
	c->contexts_max = 0;
	c->contexts_now = 0;
}

void gate_event_clear(struct gate_event *e)
{
	memset(e, 0, sizeof(*e));
}

void gate_command_clear(struct gate_command *c)
{
	c->type = 0;
	c->ref = GATE_REF_ID;
	c->termination[0] = 0;
	c->realm[0] = 0;
	c->family = ADDR_NONE;
	c->optional = false;
	c->nstreams = 0;
	c->code = 0;
	c->text[0] = 0;
}

void gate_action_clear(struct gate_action *a)
{
	memset(a, 0, offsetof(struct gate_action, commands));
	a->ncontexts = 0;
	a->more = false;
}

void gate_message_clear(struct gate_message *m)
{
	m->version = 0;
	m->sender[0] = 0;
	m->epoch = 0;
	m->body = 0;
	m->transaction = 0;
	m->transaction_last = 0;
	m->code = 0;
	m->text[0] = 0;
	m->may_wait = false;
	gate_action_clear(&m->action);
}

struct gate_command *gate_action_add(struct gate_action *a, int type, int ref)
{
	struct gate_command *c;

	if (a->ncommands >= GATE_COMMANDS_MAX)
		return NULL;
	c = &a->commands[a->ncommands++];
	gate_command_clear(c);
	c->type = (uint8_t)type;
	c->ref = (uint8_t)ref;
	if (type == GATE_SERVICE_CHANGE)
		gate_change_clear(&c->change);
	if (type == GATE_NOTIFY)
		gate_event_clear(&c->event);
	return c;
}

static bool alnum(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
}

static bool valid(const char *text, const char *marks)
{
	size_t n;

	if (!alnum(text[0]))
		return false;
	for (n = 1; text[n]; n++) {
		if (n >= GATE_NAME_BYTES - 1)
			return false;
		if (!alnum(text[n]) && !strchr(marks, text[n]))
			return false;
	}
	return true;
}

bool gate_name_valid(const char *name)
{
	return valid(name, "_.-");
}

bool gate_termination_valid(const char *id)
{
	return valid(id, "_.-/:");
}

const char *gate_mode_name(int mode)
{
	static const char *const names[GATE_MODES] = {"inactive", "sendonly", "recvonly",
						      "sendrecv"};

	return mode >= 0 && mode < GATE_MODES ? names[mode] : "?";
}

#define DROP_NAME_(id, number, name, text) [number] = name,
const char *gate_drop_name(int drop)
{
	static const char *const names[GATE_DROPS] = {GATE_DROP_REASONS(DROP_NAME_)};

	return drop >= 0 && drop < GATE_DROPS ? names[drop] : "?";
}

const char *gate_event_name(int type)
{
	static const char *const names[GATE_EVENT_TYPES] = {
		[GATE_EVENT_SILENCE] = "silence",   [GATE_EVENT_RESUMED] = "resumed",
		[GATE_EVENT_SOURCE] = "source",     [GATE_EVENT_LATCHED] = "latched",
		[GATE_EVENT_POLICED] = "policed",   [GATE_EVENT_POOL_LOW] = "pool_low",
		[GATE_EVENT_POOL_OK] = "pool_ok",   [GATE_EVENT_REALM_DOWN] = "realm_down",
		[GATE_EVENT_REALM_UP] = "realm_up", [GATE_EVENT_LOAD] = "load",
	};

	return type > 0 && type < GATE_EVENT_TYPES ? names[type] : "?";
}

const char *gate_command_name(int type)
{
	static const char *const names[GATE_COMMAND_TYPES] = {
		[GATE_ADD] = "add",
		[GATE_MODIFY] = "modify",
		[GATE_SUBTRACT] = "subtract",
		[GATE_MOVE] = "move",
		[GATE_AUDIT_VALUE] = "audit_value",
		[GATE_AUDIT_CAPABILITIES] = "audit_capabilities",
		[GATE_NOTIFY] = "notify",
		[GATE_SERVICE_CHANGE] = "service_change",
	};

	return type > 0 && type < GATE_COMMAND_TYPES ? names[type] : "?";
}
