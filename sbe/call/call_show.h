/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_show - calls as an operator sees them; the questions to the dbe that are under way for one.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_SHOW_H
#define SBE_CALL_CALL_SHOW_H

#include <sys/queue.h>

struct call;
struct call_asking;

LIST_HEAD(call_asking_list,
	  call_asking); /* an operator's questions to the dbe that are under way */

/** To be called before the gate is closed: who asked for its counters is answered without them. */
void call_show_settle(struct call *call);

#endif
