/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context - runs the commands of one action (RFC 3525 8): which context, which termination, what stops the rest.
 */
#include "dbe/context/context.h"

#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "dbe/context/context_private.h"
#include "proto/result.h"

/* One action on its way. */
struct execution {
	struct context_store *store;
	const char *controller;
	const struct gate_action *request;
	struct gate_action *reply;
	struct context *context; /* NULL: the null context, or all */
	bool failed;             /* a command that was not optional */
};

/* The reply's next command; NULL when it is full (more terminations than an action can list). */
static struct gate_command *reply_add(struct execution *x, const struct gate_command *request)
{
	struct gate_command *c = gate_action_add(x->reply, request->type, GATE_REF_ID);

	if (!c)
		return NULL;
	text_copy(c->termination, sizeof(c->termination), request->termination);
	return c;
}

/* A failure before any command ran, or of an action without commands. */
static void action_result(struct execution *x, uint16_t code, const char *text)
{
	static const struct gate_command none = {.type = GATE_AUDIT_VALUE};
	const struct gate_command *first = x->request->ncommands ? &x->request->commands[0] : &none;
	struct gate_command *c = reply_add(x, first);

	x->failed = true;
	if (c)
		command_result(c, code, text);
}

typedef void(command_h)(struct execution *x, const struct gate_command *request,
			struct gate_command *reply);

/* The termination a command names. A name that another context of ours has is told apart from an unknown one. */
struct search {
	const char *controller, *name;
	bool found;
};

static int search_one(void *obj, void *arg)
{
	struct context *c = obj;
	struct search *s = arg;

	s->found = strcmp(c->controller->name, s->controller) == 0 && termination_find(c, s->name);
	return s->found;
}

static struct termination *command_termination(struct execution *x,
					       const struct gate_command *request,
					       struct gate_command *reply)
{
	struct termination *t = termination_find(x->context, request->termination);
	struct search s = {.controller = x->controller, .name = request->termination};

	if (t)
		return t;
	table_each(x->store->contexts, search_one, &s);
	command_result(reply, s.found ? GATE_ERR_NOT_IN_CONTEXT : GATE_ERR_TERMINATION, NULL);
	return NULL;
}

static void run_add(struct execution *x, const struct gate_command *request,
		    struct gate_command *reply)
{
	termination_add(x->context, request, reply);
}

static void run_modify(struct execution *x, const struct gate_command *request,
		       struct gate_command *reply)
{
	struct termination *t = command_termination(x, request, reply);

	if (t)
		termination_modify(t, request, reply);
}

static void run_subtract(struct execution *x, const struct gate_command *request,
			 struct gate_command *reply)
{
	struct termination *t = command_termination(x, request, reply);

	if (t)
		termination_subtract(t, reply);
}

static void run_audit(struct execution *x, const struct gate_command *request,
		      struct gate_command *reply)
{
	struct termination *t = command_termination(x, request, reply);

	if (t)
		termination_audit(t, reply);
}

static void run_capabilities(struct execution *x, const struct gate_command *request,
			     struct gate_command *reply)
{
	(void)request;
	gate_change_clear(&reply->change);
	context_describe(x->store, &reply->change);
}

static void run_move(struct execution *x, const struct gate_command *request,
		     struct gate_command *reply)
{
	(void)x;
	(void)request;
	command_result(reply, GATE_ERR_NOT_IMPLEMENTED, NULL);
}

static command_h *const command_table[GATE_COMMAND_TYPES] = {
	[GATE_ADD] = run_add,           [GATE_MODIFY] = run_modify,
	[GATE_SUBTRACT] = run_subtract, [GATE_MOVE] = run_move,
	[GATE_AUDIT_VALUE] = run_audit, [GATE_AUDIT_CAPABILITIES] = run_capabilities,
};

/* Run one command on one termination and note how it went. @return false if the action has to stop. */
static bool run_one(struct execution *x, const struct gate_command *request)
{
	struct gate_command *reply = reply_add(x, request);

	if (!reply) {
		x->failed = true;
		return false;
	}
	if (request->type >= GATE_COMMAND_TYPES || !command_table[request->type])
		command_result(reply, GATE_ERR_COMMAND, NULL);
	else
		command_table[request->type](x, request, reply);
	if (!reply->code || request->optional)
		return true;
	x->failed = true;
	return false;
}

/* A command on all terminations of the context: each gets its own result (RFC 3525 6.2.2). */
static bool run_all(struct execution *x, const struct gate_command *request)
{
	static struct gate_command one; /* large, and this is the loop's thread only */
	char names[CONTEXT_TERMINATIONS_MAX][GATE_NAME_BYTES];
	size_t n = x->context->nterminations;

	for (size_t i = 0; i < n; i++)
		termination_name(x->context->terminations[i], names[i]);
	one = *request;
	one.ref = GATE_REF_ID;
	for (size_t i = 0; i < n; i++) {
		text_copy(one.termination, sizeof(one.termination), names[i]);
		if (!run_one(x, &one))
			return false;
	}
	return true;
}

static void run_commands(struct execution *x)
{
	for (size_t i = 0; i < x->request->ncommands; i++) {
		const struct gate_command *c = &x->request->commands[i];
		bool all = c->ref == GATE_REF_ALL && c->type != GATE_AUDIT_CAPABILITIES;

		if (c->ref == GATE_REF_ROOT) {
			struct gate_command *reply = reply_add(x, c);

			/* J2: the root lives in the null context. */
			if (reply)
				command_result(reply, GATE_ERR_IDENTIFIER, NULL);
			x->failed = !c->optional;
			if (x->failed)
				return;
		} else if (!(all ? run_all(x, c) : run_one(x, c))) {
			return;
		}
	}
}

/* The record is taken before the commands run, so that running out of memory changes nothing. */
static int take_record(const struct gate_action *request, char **ret_record)
{
	if (!request->has_record || request->record_bytes == 0)
		return 0;
	return mem_dup(request->record, request->record_bytes, ret_record);
}

static void run_on_context(struct execution *x)
{
	const struct gate_action *request = x->request;
	struct gate_action *reply = x->reply;
	struct context *c = x->context;
	char *record = NULL;

	if (take_record(request, &record) < 0) {
		action_result(x, GATE_ERR_RESOURCES, NULL);
	} else {
		if (request->has_emergency)
			c->emergency = request->emergency;
		run_commands(x);
	}
	if (!x->failed && request->has_record) {
		mem_unref(c->record);
		c->record = record;
		c->record_bytes = request->record_bytes;
	} else {
		mem_unref(record);
	}
	reply->context_ref = GATE_REF_ID;
	reply->context = c->id;
	for (size_t i = 0; i < request->ncommands && !x->failed; i++) {
		if (request->commands[i].type == GATE_AUDIT_VALUE) {
			reply->has_record = c->record != NULL;
			reply->record = (const uint8_t *)c->record;
			reply->record_bytes = c->record_bytes;
			reply->has_emergency = true;
			reply->emergency = c->emergency;
		}
	}
	if (c->nterminations)
		return;
	/* J1: a context ends with its last termination. One that was never filled is not told of. */
	if (request->context_ref == GATE_REF_CHOOSE) {
		reply->context_ref = GATE_REF_CHOOSE;
		reply->context = 0;
	}
	reply->has_record = false;
	reply->record = NULL;
	context_close(c);
}

static void run_on_new(struct execution *x)
{
	const struct gate_action *request = x->request;
	int err;

	if (x->store->draining && !(request->has_emergency && request->emergency)) {
		action_result(x, GATE_ERR_UNAVAILABLE, NULL);
		return;
	}
	err = context_new(x->store, x->controller, &x->context);
	if (err)
		action_result(x, err == -ENOSPC ? GATE_ERR_NO_CONTEXTS : GATE_ERR_RESOURCES, NULL);
	else
		run_on_context(x);
}

/* ALL contexts: list their ids, or clear them. */
static void run_on_all(struct execution *x)
{
	const struct gate_command *request = &x->request->commands[0];
	struct gate_command *reply;

	if (x->request->ncommands != 1) {
		action_result(x, GATE_ERR_ACTION, NULL);
		return;
	}
	reply = reply_add(x, request);
	switch (request->type) {
	case GATE_AUDIT_VALUE:
		if (context_ids(x->store, x->controller, x->request->context, x->reply) < 0)
			command_result(reply, GATE_ERR_RESOURCES, NULL);
		break;
	case GATE_AUDIT_CAPABILITIES:
		run_capabilities(x, request, reply);
		break;
	case GATE_SUBTRACT:
		if (request->ref == GATE_REF_ALL)
			context_clear(x->store, x->controller);
		else
			command_result(reply, GATE_ERR_IDENTIFIER, NULL);
		break;
	default:
		command_result(reply, GATE_ERR_ACTION, NULL);
	}
}

/* The null context holds nothing but the root: it can be audited. */
static void run_on_root(struct execution *x)
{
	for (size_t i = 0; i < x->request->ncommands; i++) {
		const struct gate_command *request = &x->request->commands[i];
		struct gate_command *reply = reply_add(x, request);

		if (!reply)
			return;
		reply->ref = request->ref;
		if (request->ref == GATE_REF_ROOT && request->type == GATE_AUDIT_CAPABILITIES)
			run_capabilities(x, request, reply);
		else if (request->ref == GATE_REF_ROOT && request->type == GATE_AUDIT_VALUE)
			continue;
		else if (request->type == GATE_SUBTRACT || request->type == GATE_ADD ||
			 request->type == GATE_MOVE)
			command_result(reply, GATE_ERR_ACTION, NULL);
		else
			command_result(reply, GATE_ERR_IDENTIFIER, NULL);
		if (reply->code && !request->optional)
			return;
	}
}

int context_execute(struct context_store *s, const char *controller,
		    const struct gate_action *request, struct gate_action *ret_reply)
{
	struct execution x = {
		.store = s, .controller = controller, .request = request, .reply = ret_reply};

	gate_action_clear(ret_reply);
	ret_reply->context_ref = request->context_ref;
	ret_reply->context = request->context;
	switch ((enum gate_ref)request->context_ref) {
	case GATE_REF_ID:
		x.context = context_find(s, controller, request->context);
		if (x.context)
			run_on_context(&x);
		else
			action_result(&x, GATE_ERR_CONTEXT, NULL);
		break;
	case GATE_REF_CHOOSE:
		run_on_new(&x);
		break;
	case GATE_REF_ALL:
		run_on_all(&x);
		break;
	case GATE_REF_ROOT:
		run_on_root(&x);
		break;
	}
	return 0;
}
