/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_trace.h"

#include <errno.h>
#include <string.h>

#include "common/admin.h"
#include "common/clock.h"
#include "common/text.h"
#include "sbe/call/call_object.h"

/* ---- steps */

void call_step(struct call *call, enum call_step_id id, unsigned n, int status, const char *word)
{
	struct call_trace *t = &call->trace;

	/* the last place is for the end */
	if (t->n >= CALL_STEPS_MAX - (id != CALL_STEP_END))
		return;
	t->steps[t->n++] = (struct call_step){.at_ms = (uint32_t)(clock_now_ms() - call->invite_ms),
					      .id = (uint8_t)id,
					      .n = (uint8_t)n,
					      .status = (uint16_t)status,
					      .word = word};
	if (id == CALL_STEP_SENT)
		t->heard = false;
}

void call_step_heard(struct call *call)
{
	if (call->trace.heard || call->answer_ms)
		return;
	call->trace.heard = true;
	call_step(call, CALL_STEP_HEARD, 0, 0, NULL);
}

static int link_one(void *obj, void *arg)
{
	struct call *call = obj;
	const struct transport_target *to = arg;

	if (call->fsm.state == CALL_TRYING && !call->trace.heard &&
	    call->legs[1].dialog.target.proto == to->proto &&
	    addr_equal(&call->sip_addr[1], &to->to))
		call_step(call, CALL_STEP_LINK, 0, 0, NULL);
	return 0;
}

/* Connections are few beside calls: looking through all calls costs less than a list of those that wait. */
void call_link_up(struct call_core *core, const struct transport_target *to)
{
	if (table_count(core->calls) <= CALL_PAST_MAX)
		table_each(core->calls, link_one, (void *)(uintptr_t)to);
}

/* ---- what is kept of a call */

static void take_leg(const struct call *call, int side, struct call_past *p)
{
	const struct leg *leg = &call->legs[side];

	if (!leg->peer)
		return;
	text_copy(p->node_peer[side], sizeof(p->node_peer[side]), leg->peer->name);
	p->proto[side] = transport_proto_name(leg->dialog.target.proto);
	p->addr[side] = call->sip_addr[side];
}

static void take_attempts(const struct call *call, struct call_past *p)
{
	p->nattempts = 0;
	for (size_t i = 0; i < call->nattempts && i < CALL_PAST_ATTEMPTS; i++) {
		const struct call_attempt *a = &call->attempts[i];

		text_copy(p->attempts[i].hop, sizeof(p->attempts[i].hop), a->hop);
		p->attempts[i].result = a->result;
		p->attempts[i].status = a->status;
		p->nattempts++;
	}
}

static void copy(char *to, size_t size_bytes, const char *from)
{
	text_copy(to, size_bytes, from ? from : "");
}

void call_past_take(const struct call *call, struct call_past *p)
{
	p->proto[0] = p->proto[1] = NULL;
	p->node_peer[0][0] = p->node_peer[1][0] = p->text[0] = '\0';
	copy(p->token, sizeof(p->token), call->token);
	copy(p->call_id, sizeof(p->call_id), call->a_call_id);
	copy(p->caller, sizeof(p->caller), call->caller);
	copy(p->callee, sizeof(p->callee), call->callee);
	copy(p->sent, sizeof(p->sent), call->called_sent);
	copy(p->route, sizeof(p->route), call->route);
	copy(p->dbe, sizeof(p->dbe), call->dbe);
	copy(p->state, sizeof(p->state), fsm_state_name(&call->fsm));
	p->cause = call->cause;
	p->by = call->released_by == CALL_BY_CALLER   ? "caller"
		: call->released_by == CALL_BY_CALLEE ? "callee"
						      : "sbe";
	p->status = call->status;
	p->wall_ms = call->invite_wall_ms;
	for (int side = 0; side < 2; side++)
		take_leg(call, side, p);
	take_attempts(call, p);
	p->trace = call->trace;
}

static struct call_past *next_past(struct call_core *core)
{
	return &core->past[core->npast++ % CALL_PAST_MAX];
}

void call_past_keep(const struct call *call)
{
	struct call_past *p = next_past(call->core);

	call_past_take(call, p);
	text_copy(p->state, sizeof(p->state), "ended");
}

void call_past_refused(struct call_core *core, const struct wire_msg *m, const struct peer *peer,
		       int status, const char *cause)
{
	struct call_past *p = next_past(core);
	struct wire_party from;
	struct wire_uri to;

	*p = (struct call_past){
		.cause = cause, .by = "sbe", .status = status, .wall_ms = clock_wall_ms()};
	wire_from(m, &from);
	wire_request_uri(m, &to);
	copy(p->token, sizeof(p->token), "-");
	copy(p->state, sizeof(p->state), "refused");
	copy(p->node_peer[0], sizeof(p->node_peer[0]), peer->name);
	wire_text_copy(wire_call_id(m), p->call_id, sizeof(p->call_id));
	wire_text_copy(from.uri.text, p->caller, sizeof(p->caller));
	wire_text_copy(to.text, p->callee, sizeof(p->callee));
}

/* ---- for operators */

static struct call_past *nth(const struct call_core *core, size_t back)
{
	return &core->past[(core->npast - 1 - back) % CALL_PAST_MAX];
}

static size_t kept(const struct call_core *core)
{
	return core->npast < CALL_PAST_MAX ? core->npast : CALL_PAST_MAX;
}

json_t *call_ended(struct call_core *core)
{
	static const char *const columns[] = {"call",  "time",    "state",  "from",
					      "to",    "calling", "called", "status",
					      "cause", "call_id", NULL};
	json_t *table = admin_table(columns);
	char when[32];

	for (size_t i = 0; i < kept(core); i++) {
		const struct call_past *p = nth(core, i);

		clock_print(p->wall_ms, when, sizeof(when));
		admin_row(table, json_pack("[s,s,s,s,s,s,s,i,s,s]", p->token, when, p->state,
					   p->node_peer[0], p->node_peer[1], p->caller, p->callee,
					   p->status, p->cause ? p->cause : "", p->call_id));
	}
	return table;
}

static const struct call_past *find_past(const struct call_core *core, const char *which)
{
	size_t n = strlen(which);

	for (size_t i = 0; i < kept(core); i++) {
		const struct call_past *p = nth(core, i);

		if ((n >= 3 && !strncmp(p->token, which, n)) || !strcmp(p->call_id, which))
			return p;
	}
	return NULL;
}

static int same_call_id(void *obj, void *arg)
{
	const struct call *call = obj;
	struct call_past *p = arg;

	if (strcmp(call->a_call_id, p->call_id) != 0)
		return 0;
	call_past_take(call, p);
	return 1;
}

int call_why(struct call_core *core, const char *which, json_t **ret_object)
{
	int err;
	const struct call *call = call_find(core, which, &err);
	struct call_past now = {.status = 0};
	const struct call_past *p = NULL;

	if (!call && err == -EEXIST)
		return err;
	if (call) {
		call_past_take(call, &now);
		p = &now;
	}
	copy(now.call_id, sizeof(now.call_id), call ? now.call_id : which);
	if (!p && table_each(core->calls, same_call_id, &now))
		p = &now;
	if (!p)
		p = find_past(core, which);
	if (!p)
		return -ENOENT;
	*ret_object = call_why_object(core, p);
	return *ret_object ? 0 : -ENOMEM;
}
