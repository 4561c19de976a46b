/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_fsm - states of a call, the events that move it and what comes with them. Which event is taken in which state
 * is the table of call_fsm.c; the work is done by the file of each verb.
 */
#ifndef SBE_CALL_CALL_FSM_H
#define SBE_CALL_CALL_FSM_H

#include <stdbool.h>

#include "common/fsm.h"

struct wire_msg;

enum call_state {
	CALL_OPENING,   /* gate_open is asked */
	CALL_TRYING,    /* INVITE is out, nothing but 100 back */
	CALL_RINGING,   /* a 18x went back */
	CALL_ANSWERING, /* 2xx is in, waiting for gates */
	CALL_UP,        /* 2xx is out */
	CALL_ENDING,    /* both legs are being released */
	CALL_DEAD,      /* waiting for the reaper */
	CALL_STATES
};
enum call_event {
	CALL_EV_GATE,     /* gates are open; data NULL */
	CALL_EV_PROGRESS, /* 18x; data: struct wire_msg */
	CALL_EV_ANSWER,   /* 2xx; data: struct wire_msg */
	CALL_EV_FAILURE,  /* this attempt failed; data: struct call_failure */
	CALL_EV_RELEASE,  /* end it; data: struct call_release */
	CALL_EV_ANSWERED, /* gates follow the answer; data NULL */
	CALL_EVENTS
};
extern const struct fsm_table call_fsm_table;

/* Why an attempt failed. */
struct call_failure {
	int status;         /* SIP status to give upstream if it was the last attempt */
	const char *phrase; /* NULL = standard */
	const char *cause;  /* CDR word, static */
	const char *text;   /* for a Reason header; NULL = the cause */
	bool next_hop;      /* another hop may be tried */
	bool other_target;  /* it is somebody else's: this hop is well, and it may have rung */
	const struct wire_msg *response; /* headers to pass, or NULL */
};
/* Why a call ends. */
enum call_by { CALL_BY_CALLER, CALL_BY_CALLEE, CALL_BY_US };
struct call_release {
	enum call_by by;
	int status; /* answer to a caller that has none yet */
	const char *phrase;
	const char *cause;  /* CDR word, static */
	const char *reason; /* value of a Reason header towards legs we release, or NULL */
	const struct wire_msg
		*request; /* the BYE or CANCEL that did it (its Reason passes), or NULL */
};

#endif
