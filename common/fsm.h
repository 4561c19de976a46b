/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsm - state-table engine: which events a state takes, which states it may go to, what is done.
 *
 * An event that the state does not list is counted and refused, never silently taken.
 * Owner: tables are const; the instance is embedded in the caller's object. Thread: any one.
 */
#ifndef COMMON_FSM_H
#define COMMON_FSM_H

#include <stdbool.h>
#include <stdint.h>

#define FSM_BIT(n) (1U << (n))

struct fsm;

/** Action of a state. data belongs to the event and may be NULL. @return 0 or -errno, given to the caller. */
typedef int(fsm_act_h)(struct fsm *f, int event, void *data);
typedef void(fsm_enter_h)(struct fsm *f, int from_state);

struct fsm_state {
	const char *name;
	uint32_t in_events;  /* FSM_BIT of each event this state takes */
	uint32_t out_states; /* FSM_BIT of each state it may go to */
	fsm_act_h *act;
	fsm_enter_h *enter; /* may be NULL */
};

struct fsm_table {
	const char *name;
	const struct fsm_state *states;
	int nstates;
	const char *const *event_names;
	int nevents;
};

struct fsm {
	const struct fsm_table *table;
	int state;
	void *obj; /* the object this instance belongs to */
};

void fsm_init(struct fsm *f, const struct fsm_table *t, int first_state, void *obj);

/** Feed an event. @return what the action returned, -EPROTO for an event the state does not take. */
int fsm_event(struct fsm *f, int event, void *data);

/** Change state (from an action). A move the table does not allow is our bug: assert. */
void fsm_go(struct fsm *f, int state);

const char *fsm_state_name(const struct fsm *f);
const char *fsm_event_name(const struct fsm *f, int event);

/** Illegal events seen by all machines of this process since its start (metric). */
uint64_t fsm_illegal_events(void);

#endif
