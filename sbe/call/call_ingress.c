/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_ingress.h"

#include <string.h>

#include "sbe/call/call_headers.h"
#include "sbe/call/call_object.h"
#include "sbe/policy/policy.h"

bool call_ingress_peer(const struct call_core *core, const struct wire_msg *m, const struct peer *p,
		       struct policy_refusal *no)
{
	struct policy_way way;

	call_headers_way(core, p, NULL, NULL, &way);
	return policy_ingress_peer(&way, m, no);
}

bool call_ingress_target(const struct call_core *core, const struct wire_msg *m,
			 const struct peer *p, struct policy_refusal *no)
{
	struct policy_way way;

	call_headers_way(core, p, NULL, NULL, &way);
	return policy_ingress_target(&way, m, no);
}

bool call_ingress_caller(const struct call_core *core, const struct transport_target *source,
			 const struct wire_msg *m, const struct peer *p, struct policy_refusal *no)
{
	struct policy_way way;

	call_headers_way(core, p, NULL, NULL, &way);
	return policy_ingress_caller(&way, source, m, no);
}

bool call_ingress_plan(const struct call_core *core, const struct wire_msg *m, const struct peer *p,
		       struct route_plan *plan, struct policy_refusal *no)
{
	struct policy_way way;
	size_t n = 0;

	call_headers_way(core, p, NULL, NULL, &way);
	for (size_t i = 0; i < plan->n; i++) {
		if (policy_ingress_onward(&way, m, plan->candidates[i].peer, plan->by_route, no))
			plan->candidates[n++] = plan->candidates[i];
	}
	plan->n = n;
	return n > 0;
}
