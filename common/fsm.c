/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsm - what an event may do is read from the table; nothing here knows a particular machine.
 */
#include "common/fsm.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

static _Atomic uint64_t fsm_illegal;

static bool fsm_state_ok(const struct fsm *f, int state)
{
	return state >= 0 && state < f->table->nstates && state < 32;
}

void fsm_init(struct fsm *f, const struct fsm_table *t, int first_state, void *obj)
{
	*f = (struct fsm){.table = t, .state = first_state, .obj = obj};
	assert(t->nevents <= 32 && fsm_state_ok(f, first_state));
}

int fsm_event(struct fsm *f, int event, void *data)
{
	const struct fsm_state *s = &f->table->states[f->state];

	if (event < 0 || event >= f->table->nevents || !(s->in_events & FSM_BIT(event))) {
		atomic_fetch_add_explicit(&fsm_illegal, 1, memory_order_relaxed);
		return -EPROTO;
	}
	return s->act ? s->act(f, event, data) : 0;
}

void fsm_go(struct fsm *f, int state)
{
	const struct fsm_table *t = f->table;
	int from = f->state;

	assert(fsm_state_ok(f, state));
	assert(t->states[from].out_states & FSM_BIT(state));
	f->state = state;
	if (t->states[state].enter)
		t->states[state].enter(f, from);
}

const char *fsm_state_name(const struct fsm *f)
{
	return f->table->states[f->state].name;
}

const char *fsm_event_name(const struct fsm *f, int event)
{
	if (event < 0 || event >= f->table->nevents)
		return "?";
	return f->table->event_names[event];
}

uint64_t fsm_illegal_events(void)
{
	return atomic_load_explicit(&fsm_illegal, memory_order_relaxed);
}
