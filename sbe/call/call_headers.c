/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_headers - what crosses from one leg to the other: asks sbe/policy, with all it has to know of the two.
 */
#include <errno.h>
#include <string.h>

#include "common/text.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_route.h"
#include "sbe/policy/policy.h"
#include "sbe/policy/policy_leak.h"
#include "sbe/route/route_redirect.h"
#include "sbe/sip/wire_out.h"

bool call_text_names_host(struct wire_text t)
{
	return policy_names_address(t);
}

void call_headers_contact(const struct transport_target *t, struct wire_out *o)
{
	dialog_write_contact(t, o);
}

void call_headers_way(const struct call_core *core, const struct peer *from, const struct peer *to,
		      const struct transport_listener *via, struct policy_way *ret_way)
{
	*ret_way = (struct policy_way){
		.from = from,
		.to = to,
		.transport = core->o.transport,
		.domains = core->c.domains,
		.ndomains = core->c.ndomains,
		.our_host = core->c.ndomains ? core->c.domains[0]
			    : via            ? transport_sent_by(via)
					     : "anonymous.invalid",
	};
}

static struct policy_way way_to(const struct leg *to, const struct transport_listener *via)
{
	struct policy_way way;

	call_headers_way(to->call->core, LEG_OTHER(to)->peer, to->peer, via, &way);
	return way;
}

void call_headers_pass(const struct leg *to, const struct transport_listener *via,
		       const struct wire_msg *m, struct wire_out *o)
{
	const struct policy_way way = way_to(to, via);

	policy_pass(&way, m, o);
}

const char *call_headers_phrase(const struct leg *to, const struct wire_msg *m, char *buf,
				size_t size_bytes)
{
	const struct policy_way way = way_to(to, NULL);

	return policy_phrase(&way, m, buf, size_bytes);
}

const char *call_headers_reason(const struct leg *to, const struct wire_msg *m, const char *ours,
				char *buf, size_t size_bytes)
{
	const struct policy_way way = way_to(to, NULL);

	return policy_reason(&way, m, ours, buf, size_bytes);
}

int call_headers_status(const struct leg *to, const struct wire_msg *m, int status,
			const char **phrase)
{
	const struct policy_way way = way_to(to, NULL);
	struct policy_outcome out;

	policy_outcome(&way, m, status, &out);
	if (out.why)
		*phrase = out.phrase;
	return out.status;
}

int call_headers_parties(const struct call *call, const struct wire_msg *invite,
			 const struct transport_listener *via, struct policy_parties *ret_parties)
{
	const struct leg *b = &call->legs[1];
	const struct route_target *redirected = route_target(call->plan, call->candidate);
	const struct route_found *found = redirected ? NULL : call->plan->found;
	const struct policy_way way = way_to(b, via);
	struct policy_target target = {.user = {NULL, 0}};
	const char *domain = peer_domain(b->peer);
	char host[280];

	/* what a lookup has found is the target (B5), else the peer's first domain, else the next hop itself */
	if (!redirected && call_sed_host(call, invite, host, sizeof(host)))
		; /* the route says what it shall be */
	else if (redirected && redirected->host[0])
		text_copy(host, sizeof(host), redirected->host);
	else if (found && found->host[0])
		text_copy(host, sizeof(host), found->host);
	else if (domain)
		text_copy(host, sizeof(host), domain);
	else
		addr_print(&call_route_hop(call)->addr, host, sizeof(host));
	if (found && found->user[0])
		target.user = (struct wire_text){found->user, strlen(found->user)};
	if (redirected)
		target.user = (struct wire_text){redirected->user, strlen(redirected->user)};
	target.host = host;
	return policy_parties(&way, invite, &target, ret_parties);
}

bool call_headers_leave(const struct call *call, const struct wire_msg *invite,
			struct policy_refusal *ret_refusal)
{
	const struct policy_way way = way_to(&call->legs[1], NULL);

	return policy_leave(&way, invite, ret_refusal);
}

int call_headers_body(const struct leg *to, const struct wire_msg *m, struct wire_text body,
		      struct policy_body *ret_body)
{
	const struct policy_way way = way_to(to, NULL);

	return policy_body(&way, m, wire_content_type(m), body, ret_body);
}

bool call_headers_body_passes(const struct leg *to, const struct wire_msg *m)
{
	const struct policy_way way = way_to(to, NULL);

	return policy_body_passes(&way, m);
}
