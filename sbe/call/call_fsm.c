/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_fsm - which events a call takes in which state, and where it may go. Only the table; the work
 * is done by the file of each verb.
 */
#include <errno.h>

#include "sbe/call/call_answer.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_fsm.h"
#include "sbe/call/call_invite.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_progress.h"

static int opening(struct fsm *f, int event, void *data)
{
	struct call *call = f->obj;

	switch (event) {
	case CALL_EV_GATE:
		return call_invite_send(call);
	case CALL_EV_FAILURE:
		call_invite_next(call, data);
		return 0;
	case CALL_EV_RELEASE:
		return call_release(call, data);
	default:
		return -EPROTO;
	}
}

static int trying(struct fsm *f, int event, void *data)
{
	struct call *call = f->obj;

	switch (event) {
	case CALL_EV_PROGRESS:
		return call_progress(call, data);
	case CALL_EV_ANSWER:
		return call_answer(call, data);
	case CALL_EV_FAILURE:
		call_invite_next(call, data);
		return 0;
	case CALL_EV_RELEASE:
		return call_release(call, data);
	default:
		return -EPROTO;
	}
}

static int answering(struct fsm *f, int event, void *data)
{
	struct call *call = f->obj;

	if (event == CALL_EV_ANSWERED)
		return call_answer_done(call);
	return event == CALL_EV_RELEASE ? call_release(call, data) : -EPROTO;
}

static int up(struct fsm *f, int event, void *data)
{
	return event == CALL_EV_RELEASE ? call_release(f->obj, data) : -EPROTO;
}

/* A call that ends takes no events: legs finish by themselves and call_end_check sees it. */
static int ended(struct fsm *f, int event, void *data)
{
	(void)f;
	(void)event;
	(void)data;
	return -EPROTO;
}

#define EV(name) FSM_BIT(CALL_EV_##name)
#define ST(name) FSM_BIT(CALL_##name)

static const struct fsm_state states[CALL_STATES] = {
	[CALL_OPENING] = {"opening", EV(GATE) | EV(FAILURE) | EV(RELEASE),
			  ST(OPENING) | ST(TRYING) | ST(ENDING), opening, NULL},
	[CALL_TRYING] = {"trying", EV(PROGRESS) | EV(ANSWER) | EV(FAILURE) | EV(RELEASE),
			 ST(OPENING) | ST(TRYING) | ST(RINGING) | ST(ANSWERING) | ST(ENDING),
			 trying, NULL},
	[CALL_RINGING] = {"ringing", EV(PROGRESS) | EV(ANSWER) | EV(FAILURE) | EV(RELEASE),
			  ST(OPENING) | ST(TRYING) | ST(RINGING) | ST(ANSWERING) | ST(ENDING),
			  trying, NULL},
	[CALL_ANSWERING] = {"answering", EV(ANSWERED) | EV(RELEASE), ST(UP) | ST(ENDING), answering,
			    NULL},
	[CALL_UP] = {"up", EV(RELEASE), ST(ENDING), up, NULL},
	[CALL_ENDING] = {"ending", 0, ST(DEAD), ended, NULL},
	[CALL_DEAD] = {"dead", 0, 0, ended, NULL},
};

static const char *const events[CALL_EVENTS] = {
	[CALL_EV_GATE] = "gate",       [CALL_EV_PROGRESS] = "progress",
	[CALL_EV_ANSWER] = "answer",   [CALL_EV_FAILURE] = "failure",
	[CALL_EV_RELEASE] = "release", [CALL_EV_ANSWERED] = "answered",
};

const struct fsm_table call_fsm_table = {"call", states, CALL_STATES, events, CALL_EVENTS};
