/* SPDX-License-Identifier: Apache-2.0 */
/* fsm: only what the table lists happens; the rest is refused and counted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>

#include "common/fsm.h"

enum { DOOR_SHUT, DOOR_OPEN, DOOR_GONE };
enum { EV_PUSH, EV_PULL, EV_BURN, EV_COUNT };

struct door {
	struct fsm fsm;
	int entered_from, acts;
};

static int shut_act(struct fsm *f, int event, void *data)
{
	struct door *d = f->obj;

	d->acts++;
	assert_int_equal(event, EV_PUSH);
	if (data)
		return *(int *)data; /* what an action returns is the caller's */
	fsm_go(f, DOOR_OPEN);
	return 0;
}

static int open_act(struct fsm *f, int event, void *data)
{
	(void)data;
	fsm_go(f, event == EV_BURN ? DOOR_GONE : DOOR_SHUT);
	return 0;
}

static void open_enter(struct fsm *f, int from)
{
	struct door *d = f->obj;

	assert_int_equal(f->state, DOOR_OPEN);
	d->entered_from = from;
}

static const struct fsm_state door_states[] = {
	[DOOR_SHUT] = {"shut", FSM_BIT(EV_PUSH), FSM_BIT(DOOR_OPEN), shut_act, NULL},
	[DOOR_OPEN] = {"open", FSM_BIT(EV_PULL) | FSM_BIT(EV_BURN),
		       FSM_BIT(DOOR_SHUT) | FSM_BIT(DOOR_GONE), open_act, open_enter},
	[DOOR_GONE] = {"gone", FSM_BIT(EV_PUSH), 0, NULL, NULL},
};
static const char *const door_events[] = {"push", "pull", "burn"};
static const struct fsm_table door_table = {"door", door_states, 3, door_events, EV_COUNT};

static void moves_as_the_table_says(void **state)
{
	struct door d = {.entered_from = -1};
	int refusal = -EBUSY;

	(void)state;
	fsm_init(&d.fsm, &door_table, DOOR_SHUT, &d);
	assert_string_equal(fsm_state_name(&d.fsm), "shut");
	assert_int_equal(fsm_event(&d.fsm, EV_PUSH, &refusal), -EBUSY);
	assert_string_equal(fsm_state_name(&d.fsm), "shut");
	assert_int_equal(fsm_event(&d.fsm, EV_PUSH, NULL), 0);
	assert_string_equal(fsm_state_name(&d.fsm), "open");
	assert_int_equal(d.entered_from, DOOR_SHUT);
	assert_int_equal(fsm_event(&d.fsm, EV_PULL, NULL), 0);
	assert_int_equal(d.fsm.state, DOOR_SHUT);
	assert_int_equal(fsm_event(&d.fsm, EV_PUSH, NULL), 0);
	assert_int_equal(fsm_event(&d.fsm, EV_BURN, NULL), 0);
	assert_int_equal(d.fsm.state, DOOR_GONE);
	assert_int_equal(fsm_event(&d.fsm, EV_PUSH, NULL), 0); /* taken, without an action */
	assert_int_equal(d.acts, 3);
}

static void illegal_events_are_refused_and_counted(void **state)
{
	uint64_t before = fsm_illegal_events();
	struct door d = {0};

	(void)state;
	fsm_init(&d.fsm, &door_table, DOOR_SHUT, &d);
	assert_int_equal(fsm_event(&d.fsm, EV_PULL, NULL), -EPROTO);
	assert_int_equal(fsm_event(&d.fsm, -1, NULL), -EPROTO);
	assert_int_equal(fsm_event(&d.fsm, EV_COUNT, NULL), -EPROTO);
	assert_int_equal(fsm_event(&d.fsm, 1000, NULL), -EPROTO);
	assert_int_equal(d.fsm.state, DOOR_SHUT);
	assert_int_equal(d.acts, 0);
	assert_int_equal(fsm_illegal_events(), before + 4);
}

static void events_have_names(void **state)
{
	struct door d = {0};

	(void)state;
	fsm_init(&d.fsm, &door_table, DOOR_OPEN, &d);
	assert_string_equal(fsm_event_name(&d.fsm, EV_BURN), "burn");
	assert_string_equal(fsm_event_name(&d.fsm, 3), "?");
	assert_string_equal(fsm_event_name(&d.fsm, -1), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_as_the_table_says),
		cmocka_unit_test(illegal_events_are_refused_and_counted),
		cmocka_unit_test(events_have_names),
	};

	return cmocka_run_group_tests_name("fsm", tests, NULL, NULL);
}
