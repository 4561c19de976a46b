/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_sed - what the present candidate's route says of the request to it, and how long candidates may take.
 *
 * Owner: embedded in the call. Thread: loop.
 */
#ifndef SBE_CALL_CALL_SED_H
#define SBE_CALL_CALL_SED_H

#include "common/timer.h"
#include "sbe/route/route.h"

struct call;
struct wire_msg;

struct call_sed {
	struct route_sed *taken; /* whose limits this call counts in; a reference */
	struct timer deadline;   /* nobody rings yet */
	uint64_t first_ms;       /* when the first INVITE went out; 0 = none yet */
	uint64_t sent_ms;        /* ... the present one */
};

/** Count the call in for its present candidate. @return NULL, or the word of the limit that has no room. */
const char *call_sed_take(struct call *call);
/** The attempt or the call is over. */
void call_sed_give(struct call *call);

/** The present candidate's; NULL = it has none. */
const struct route_sed *call_sed_of(const struct call *call);
/** Host of the Request-URI by it. @return false: it says nothing. */
bool call_sed_host(const struct call *call, const struct wire_msg *invite, char *buf,
		   size_t size_bytes);

/** An INVITE goes out: how long it may be without any response. */
uint32_t call_sed_try_ms(struct call *call);
/** It is out: watch that something comes of it. */
void call_sed_watch(struct call *call);
void call_sed_unwatch(struct call *call);
/** Is there time for another candidate? */
bool call_sed_has_time(const struct call *call);

#endif
