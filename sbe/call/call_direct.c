/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_direct.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_route.h"
#include "sbe/call/call_terms.h"
#include "sbe/sdp/body_sdp.h"

/* ---- what the two agreed to */

static int relay_of(const struct peer *p)
{
	return p->conf->media.relay;
}

/* enum peer_relay: the stricter one of the two */
static int agreed(const struct peer *a, const struct peer *b)
{
	return relay_of(a) < relay_of(b) ? relay_of(a) : relay_of(b);
}

static bool realms_differ(const struct call_core *core, const struct peer *a, const struct peer *b)
{
	return strcmp(call_media_realm(core, a->conf->realm),
		      call_media_realm(core, b->conf->realm)) != 0;
}

bool call_direct_possible(const struct call_core *core, const struct peer *from,
			  const struct peer *to)
{
	int relay = agreed(from, to);

	return relay == PEER_RELAY_NEVER ||
	       (relay == PEER_RELAY_IF_NEEDED && !realms_differ(core, from, to));
}

/* ---- what descriptions need */

/* Loopback is a laboratory, where all hosts are one. */
static bool is_private(const struct addr *a)
{
	return !addr_is_loopback(a) && !addr_is_public(a);
}

/* @return why media of this side at this address need a dbe, or NULL. */
static const char *address_needs(const struct call *call, int side, const struct addr *a)
{
	const struct peer *near = call->legs[side].peer, *far = call->legs[1 - side].peer;
	bool cross = realms_differ(call->core, near, far);
	const struct addr *signals = &call->sip_addr[side], *other = &call->sip_addr[1 - side];

	if (!a->family || addr_is_any(a))
		return NULL;
	if (side == 0 && call_route_hop(call))
		other = &call_route_hop(call)->addr;
	if (cross && is_private(a))
		return "a private address would leave its realm";
	if (agreed(near, far) == PEER_RELAY_NEVER)
		return NULL;
	if (cross)
		return "the two sides are of different realms";
	if (other->family && a->family != other->family)
		return "the two sides are of different address families";
	if (is_private(a) && signals->family && !is_private(signals))
		return "media come from behind a NAT";
	return NULL;
}

static const char *streams_need(const struct call *call)
{
	const char *why = NULL;

	for (size_t i = 0; !why && i < call->nstreams; i++) {
		for (int side = 0; !why && side < 2; side++) {
			why = address_needs(call, side, &call->streams[i].remote_rtp[side]);
			if (!why)
				why = address_needs(call, side,
						    &call->streams[i].remote_rtcp[side]);
		}
	}
	return why;
}

bool call_direct_wanted(const struct call *call, const char **ret_why)
{
	const struct peer *a = call->legs[0].peer, *b = call->legs[1].peer;

	*ret_why = NULL;
	if (!a || !b || agreed(a, b) == PEER_RELAY_ALWAYS)
		*ret_why = "a peer is agreed to be relayed always";
	else if (call->transfer.made || call->transfer.home)
		*ret_why = "the call comes of a transfer";
	else if (call_terms_early_blocked(call))
		*ret_why = "early media are blocked";
	else if (!call_direct_possible(call->core, a, b))
		*ret_why = "the two sides are of different realms";
	else
		*ret_why = streams_need(call);
	if (*ret_why)
		return false;
	*ret_why = "both peers are agreed to do without a dbe";
	return true;
}

bool call_direct_decide(struct call *call)
{
	struct call_direct *d = &call->direct;

	if (d->leaving)
		return false;
	d->on = call_direct_wanted(call, &d->why);
	return d->on;
}

/* ---- in place of a gate's answers */

static void tell(void *arg)
{
	struct call *call = arg;
	struct call_direct *d = &call->direct;
	gate_reply_h *fns[CALL_DIRECT_WAITING];
	unsigned n = d->nwaiting;

	CALL_CHECK(call);
	memcpy(fns, d->waiting, sizeof(fns));
	d->nwaiting = 0;
	mem_ref(call); /* one of them may end it */
	for (unsigned i = 0; i < n; i++)
		fns[i](call, 0, NULL);
	mem_unref(call);
}

int call_direct_done(struct call *call, gate_reply_h *fn)
{
	struct call_direct *d = &call->direct;

	if (d->nwaiting == CALL_DIRECT_WAITING)
		return -EBUSY;
	d->waiting[d->nwaiting++] = fn;
	timer_start(call->core->o.wheel, &d->timer, 0, tell, call);
	return 0;
}

void call_direct_end(struct call *call)
{
	timer_stop(&call->direct.timer);
	call->direct.nwaiting = 0;
}

/* ---- from direct to relayed */

bool call_direct_breaks(const struct call *call, int side, const struct body_sdp *offer)
{
	if (!call->direct.on)
		return false;
	for (unsigned i = 0; i < offer->n_media; i++) {
		if (call_media_relayed(&offer->media[i]) &&
		    (address_needs(call, side, &offer->media[i].rtp) ||
		     address_needs(call, side, &offer->media[i].rtcp)))
			return true;
	}
	return false;
}

/* ---- what must not be told */

static bool crosses(const struct call *call)
{
	return call->direct.on && realms_differ(call->core, call->legs[0].peer, call->legs[1].peer);
}

static bool must_stay(const struct addr *a)
{
	return a->family && !addr_is_any(a) && is_private(a);
}

bool call_direct_leaks(const struct call *call, const struct body_sdp *answer)
{
	if (!crosses(call))
		return false;
	for (unsigned i = 0; i < answer->n_media; i++) {
		const struct body_media *m = &answer->media[i];

		if (call_media_relayed(m) && (must_stay(&m->rtp) || must_stay(&m->rtcp)))
			return true;
	}
	return false;
}

static bool names_private(struct body_text line)
{
	struct addr a;

	for (struct body_text word; (word = body_text_word(&line)).len;) {
		if (!addr_parse_ip(word.at, word.len, &a) && must_stay(&a))
			return true;
	}
	return false;
}

bool call_direct_ends_ice(const struct call *call, const struct body_sdp *sdp)
{
	static const char candidate[] = "a=candidate:";

	if (!crosses(call))
		return false;
	for (unsigned i = 0; i < sdp->n_lines; i++) {
		struct body_text line = body_sdp_line(sdp, i);

		if (line.len > sizeof(candidate) &&
		    !strncasecmp(line.at, candidate, sizeof(candidate) - 1) && names_private(line))
			return true;
	}
	return false;
}

void call_direct_stay(struct call *call)
{
	struct call_direct *d = &call->direct;

	if (!d->leaving)
		return;
	d->leaving = false;
	d->on = true;
	gate_close(call->gate, NULL, NULL);
	call->gate = NULL;
	call->gate_open = false;
	call->dbe[0] = '\0';
	call->context_id = 0;
}

static void left(void *arg, int err, const struct gate_action *reply)
{
	struct call *call = arg;

	CALL_CHECK(call);
	if (!err)
		err = call_media_locals(call, reply);
	if (err)
		call_direct_stay(call);
	else
		call_media_opened(call);
	call->direct.left(call, err, reply);
}

/* The gates are opened for the offer as if it held already; until it is answered the streams are as they were. */
int call_direct_leave(struct call *call, int side, const struct body_sdp *offer, gate_reply_h *fn)
{
	struct call_stream before[GATE_STREAMS_MAX];
	size_t n;
	int err = call_media_grow(call, offer);

	if (err)
		return err;
	n = call->nstreams;
	memcpy(before, call->streams, n * sizeof(before[0]));
	for (size_t i = 0; i < n && i < offer->n_media; i++) {
		const struct body_media *m = &offer->media[i];

		call->streams[i].active = call_media_relayed(m);
		if (addr_is_any(&m->rtp))
			continue;
		call->streams[i].remote_rtp[side] = m->rtp;
		call->streams[i].remote_rtcp[side] = m->rtcp;
	}
	call->direct.on = false;
	call->direct.leaving = true;
	call->direct.left = fn;
	err = call_media_open(call, left);
	memcpy(call->streams, before, n * sizeof(before[0]));
	if (err)
		call_direct_stay(call);
	else
		call->direct.why = "an offer inside the call needs a dbe";
	return err;
}
