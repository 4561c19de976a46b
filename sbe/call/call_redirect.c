/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_redirect - a 3xx of a peer whose redirects we follow: what it offers becomes the next attempts of the call.
 *
 * The caller sees nothing of it but who answers in the end. Where it leads at most: sbe/route/route_redirect.h.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/call/call_invite.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_redirect.h"
#include "sbe/call/call_route.h"
#include "sbe/route/route_redirect.h"

/* ---- attempts, for CDR and call show ---- */

/* Room for one more; a call with many has them in a block of their own. @return NULL: there is none. */
static struct call_attempt *new_attempt(struct call *call)
{
	struct call_attempt *many;

	if (call->nattempts == CALL_ATTEMPTS_FEW && call->attempts == call->few_attempts) {
		many = mem_buffer(CALL_ATTEMPTS_MAX * sizeof(*many));
		if (!many)
			return NULL;
		memcpy(many, call->few_attempts, sizeof(call->few_attempts));
		call->attempts = many;
	}
	return call->nattempts < CALL_ATTEMPTS_MAX ? &call->attempts[call->nattempts++] : NULL;
}

void call_attempt_note(struct call *call, int status, const char *result)
{
	const struct peer_hop *hop = call_route_hop(call);
	struct call_attempt *a = call->legs[1].peer ? new_attempt(call) : NULL;
	struct text_out t;
	const char *name;

	if (status)
		call_quality_final(&call->legs[1], status, false);
	if (!a)
		return;
	call_step(call, status ? CALL_STEP_RESULT : CALL_STEP_SKIP, (unsigned)(call->nattempts - 1),
		  status, result);
	name = call->legs[1].peer->name;
	text_start(&t, a->hop, sizeof(a->hop));
	text_add_bytes(&t, name, strnlen(name, 30));
	text_add_bytes(&t, " ", 1);
	if (hop)
		text_add_bytes(&t, hop->uri, strnlen(hop->uri, 32));
	a->status = status;
	a->result = result;
}

void call_attempts_free(struct call *call)
{
	if (call->attempts != call->few_attempts)
		mem_free(call->attempts);
	call->attempts = call->few_attempts;
	call->nattempts = 0;
}

static void note_contacts(struct call *call, const struct route_redirect_said *said)
{
	for (size_t i = 0; i < said->n; i++) {
		struct call_attempt *a;

		if (!strcmp(said->contacts[i].result, "redirect_taken"))
			continue; /* comes as an attempt of its own */
		a = new_attempt(call);
		if (!a)
			return;
		snprintf(a->hop, sizeof(a->hop), "contact %s", said->contacts[i].contact);
		a->status = 0;
		a->result = said->contacts[i].result;
	}
}

/* ---- following ---- */

static bool ours(void *arg, struct wire_text host, uint16_t port)
{
	const struct call_core *core = arg;

	return call_domain_is_ours(core, host) ||
	       transport_is_ours(core->o.transport, host, port ? port : 5060);
}

static void called_user(const struct call *call, char *buf, size_t size_bytes)
{
	const struct route_found *found = call->plan->found;
	struct wire_uri uri;

	wire_request_uri(call->ex.held, &uri);
	if (found && found->user[0])
		text_copy(buf, size_bytes, found->user);
	else
		wire_text_copy(uri.user, buf, size_bytes);
}

/* The caller hears somebody: the answer of another one might not fit what it was told. */
static bool heard(const struct call *call)
{
	for (size_t i = 0; i < call->nstreams; i++) {
		if (call->streams[i].remote_rtp[1].family)
			return true;
	}
	return false;
}

bool call_redirect(struct call *call, const struct wire_msg *m)
{
	struct leg *b = &call->legs[1];
	char user[ROUTE_USER_BYTES];
	struct route_redirect_said said;
	struct route_redirect r = {.peers = call->core->c.peers,
				   .from = call->legs[0].peer,
				   .ours = ours,
				   .arg = call->core,
				   .user = user,
				   .at = call->candidate,
				   .invites = call->invites,
				   .now_ms = clock_now_ms()};

	if (wire_status(m) < 300 || wire_status(m) > 399 ||
	    b->peer->conf->redirect != PEER_REDIRECT_FOLLOW || !call->plan)
		return false;
	if (heard(call) || !call->ex.held || !wire_is_request(call->ex.held))
		return false;
	called_user(call, user, sizeof(user));
	if (!route_redirect(&r, m, call->plan, &said)) {
		note_contacts(call, &said);
		return false;
	}
	call_attempt_note(call, wire_status(m), "redirected");
	note_contacts(call, &said);
	peer_hop_answered(b->peer, b->hop);
	metric_add(&call_metrics, CALL_REDIRECTS, 1);
	call->candidate++;
	fsm_go(&call->fsm, CALL_OPENING);
	call_invite_open(call);
	return true;
}

bool call_redirect_goes_on(const struct call *call, int status)
{
	const struct route_plan *plan = call->plan;

	return plan && status < 600 && !heard(call) && call->candidate + 1 < plan->n &&
	       plan->candidates[call->candidate].target &&
	       plan->candidates[call->candidate + 1].target;
}

bool call_redirect_spent(const struct call *call)
{
	return call->plan && call->plan->targets && call->invites >= ROUTE_INVITES_MAX;
}
