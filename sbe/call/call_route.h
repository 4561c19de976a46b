/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_route - where a new call goes: the question to the routes, and the plan that comes of it.
 * Owner: the call owns its plan. Thread: loop.
 */
#ifndef SBE_CALL_CALL_ROUTE_H
#define SBE_CALL_CALL_ROUTE_H

#include <stdbool.h>

#include "sbe/route/route.h"

struct call;
struct call_core;
struct peer;
struct peer_hop;
struct route_asking;
struct transport_target;
struct txn_server;
struct wire_msg;

struct call_planning {
	bool done; /* else the answer comes with call_route_planned's way: the call is refused or goes on */
	struct route_plan plan;
	struct txn_server *s; /* gets its 100 before anybody is asked; NULL = none waits for it */
};
/** Ask the routes. Not done: call_route_wait when there is a call. */
void call_route_ask(struct call_core *core, const struct wire_msg *m, struct peer *p,
		    struct call_planning *ret_planning, struct route_asking **ret_asking);
/** The call waits for the plan. */
void call_route_wait(struct call *call, struct route_asking *asking);
/** Give up the plan, and the question for one. */
void call_plan_free(struct call *call);
/** Keep a plan, with references on what it names. @return 0, -ENOMEM. */
int call_route_keep(struct call *call, const struct route_plan *plan);
/** Is there a dbe for the first candidate? @return the CDR word of what is wrong, NULL = there is. */
const char *call_route_no_gate(struct call_core *core, const struct peer *from,
			       const struct route_plan *plan, const char **ret_text);
/** What a lookup has found must prove, over TLS, that it is the domain that was looked up (RFC 5922 4). @return false: no room. */
bool call_route_prove(const struct call *call, struct transport_target *to);
/** The present candidate's next hop; NULL when the plan is gone. */
const struct peer_hop *call_route_hop(const struct call *call);

#endif
