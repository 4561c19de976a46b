/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_ingress - whether a peer may ask for this call: sbe/policy/policy_ingress.h, for who admits calls.
 *
 * Owner: nothing. Thread: loop.
 */
#ifndef SBE_CALL_CALL_INGRESS_H
#define SBE_CALL_CALL_INGRESS_H

#include "sbe/policy/policy_ingress.h"

struct call_core;
struct route_plan;

/** Points 4, 7 and 10 of call_screen.h. Each @return true: go on. */
bool call_ingress_peer(const struct call_core *core, const struct wire_msg *m, const struct peer *p,
		       struct policy_refusal *no);
bool call_ingress_target(const struct call_core *core, const struct wire_msg *m,
			 const struct peer *p, struct policy_refusal *no);
bool call_ingress_caller(const struct call_core *core, const struct transport_target *source,
			 const struct wire_msg *m, const struct peer *p, struct policy_refusal *no);
/** Candidates that p may not reach through us are taken from the plan. @return false: none is left. */
bool call_ingress_plan(const struct call_core *core, const struct wire_msg *m, const struct peer *p,
		       struct route_plan *plan, struct policy_refusal *no);

#endif
