/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_gate - the call's streams as gate requests: open them closed, let them follow the SDP, hear of
 * trouble.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_route.h"
#include "sbe/call/call_source.h"
#include "sbe/call/call_terms.h"
#include "sbe/sdp/body_sdp.h"

#define RATE_BURST_MIN_BYTES 6000U /* a few packets back to back are no flood */
#define RATE_KBPS_MIN 128U         /* what any voice needs */
#define RATE_KBPS_MAX 1000000U

/* Twice what was asked for: descriptions are not exact, floods are not twice as much. */
static uint32_t rate_kbps(const struct peer_media_conf *c, const struct call_stream *s)
{
	uint32_t said = s->kbps[0] > s->kbps[1] ? s->kbps[0] : s->kbps[1];

	if (c->rate_kbps)
		return c->rate_kbps;
	if (!said)
		return c->stream_kbps;
	return said < RATE_KBPS_MIN / 2   ? RATE_KBPS_MIN
	       : said > RATE_KBPS_MAX / 2 ? RATE_KBPS_MAX
					  : said * 2;
}

/* What a peer's policy says about its termination. */
static void policy(const struct call *call, int side, struct call_stream *s, struct gate_stream *g)
{
	const struct peer_media_conf *c = &call->legs[side].peer->conf->media;
	uint32_t kbps = rate_kbps(c, s);

	g->has |= GATE_HAS_SOURCE | GATE_HAS_DSCP | GATE_HAS_SILENCE;
	g->source = (uint8_t)c->source;
	g->dscp = peer_media_dscp(c, (enum peer_media_kind)s->kind);
	g->silence_ms = c->silence_s * 1000;
	if (kbps || (s->policed >> side & 1)) { /* what was policed and is no more is told so */
		s->policed |= (uint8_t)(1U << side);
		g->has |= GATE_HAS_RATE;
		g->rate_bytes_per_s = kbps * 125;
		g->burst_bytes = g->rate_bytes_per_s / 5 > RATE_BURST_MIN_BYTES
					 ? g->rate_bytes_per_s / 5
					 : RATE_BURST_MIN_BYTES;
	}
}

static void describe(const struct call *call, int side, size_t i, struct gate_stream *g)
{
	struct call_stream *s = &call->streams[i];

	memset(g, 0, sizeof(*g));
	g->id = (uint32_t)i + 1;
	g->has = GATE_HAS_MODE | GATE_HAS_PAYLOADS | GATE_HAS_RTCP_MUX;
	g->rtp = s->rtp;
	/* A side may send what either description lists: numbers can differ between offer and answer. */
	g->payloads[0] = s->payloads[0][0] | s->payloads[1][0];
	g->payloads[1] = s->payloads[0][1] | s->payloads[1][1];
	g->rtcp_mux = s->mux;
	if (s->remote_rtp[side].family) {
		g->has |= GATE_HAS_REMOTE;
		g->remote_rtp = s->remote_rtp[side];
		g->remote_rtcp = s->remote_rtcp[side];
	}
	policy(call, side, s, g);
	call_source_filter(call, side, g);
}

/* Does media flow from one side to the other? */
static bool flows(const struct call_stream *s, int from, enum call_cut cut)
{
	if (!s->active || cut == CALL_CUT_CLOSED)
		return false;
	if (cut == CALL_CUT_EARLY && from == 0)
		return false; /* before the answer only the callee is heard: no free calls over early media */
	return (s->direction[from] & BODY_SENDONLY) && (s->direction[1 - from] & BODY_RECVONLY);
}

static uint8_t mode(const struct call_stream *s, int side, enum call_cut cut)
{
	bool in = flows(s, side, cut), out = flows(s, 1 - side, cut);

	return in ? (out ? GATE_SENDRECV : GATE_RECVONLY) : (out ? GATE_SENDONLY : GATE_INACTIVE);
}

int call_media_open(struct call *call, gate_reply_h *fn)
{
	struct gate_open_params p;
	const struct call_core *core = call->core;
	uint8_t seen[2] = {ADDR_NONE, ADDR_NONE};
	bool mixed[2] = {false, false};
	int err;

	if (call_direct_decide(call))
		return call_direct_done(call, fn);
	memset(&p, 0, offsetof(struct gate_open_params, streams));
	for (size_t i = 0; i < call->nstreams; i++)
		call->streams[i].opened_ms = 0; /* of a context before this one */
	p.emergency = false;
	p.label = call->token;
	p.nstreams = 0;
	for (int side = 0; side < 2; side++) {
		p.realm[side] = call_media_realm(core, call->legs[side].peer->conf->realm);
		p.family[side] = side == 1 && call_route_hop(call)
					 ? call_route_hop(call)->addr.family
					 : call->sip_addr[side].family;
	}
	for (size_t i = 0; i < call->nstreams; i++) {
		const struct call_stream *s = &call->streams[i];

		if (!s->active)
			continue;
		for (int side = 0; side < 2; side++) {
			describe(call, side, i, &p.streams[side][p.nstreams]);
			p.streams[side][p.nstreams].mode = GATE_INACTIVE;
			if (seen[side] && s->remote_rtp[side].family &&
			    s->remote_rtp[side].family != seen[side])
				mixed[side] = true;
			if (s->remote_rtp[side].family)
				seen[side] = s->remote_rtp[side].family;
		}
		p.nstreams++;
	}
	if (!p.nstreams)
		return -ENOTSUP;
	for (int side = 0; side < 2; side++) {
		if (seen[side]) /* streams of both families: each is opened in its own */
			p.family[side] = mixed[side] ? ADDR_NONE : seen[side];
	}
	err = gate_open(core->o.gates, &p, fn, call, &call->gate);
	if (!err)
		gate_on_trouble(call->gate, call_media_trouble, call);
	return err;
}

int call_media_locals(struct call *call, const struct gate_action *reply)
{
	if (call->direct.on)
		return 0; /* there are none */
	for (size_t c = 0; c < reply->ncommands && c < 2; c++) {
		const struct gate_command *cmd = &reply->commands[c];

		for (size_t k = 0; k < cmd->nstreams; k++) {
			const struct gate_stream *g = &cmd->streams[k];

			if (!g->id || g->id > call->nstreams || !(g->has & GATE_HAS_LOCAL))
				continue;
			call->streams[g->id - 1].local_rtp[c] = g->local_rtp;
			call->streams[g->id - 1].local_rtcp[c] = g->local_rtcp;
			if (!call->streams[g->id - 1].opened_ms)
				call->streams[g->id - 1].opened_ms = clock_now_ms();
		}
	}
	for (size_t i = 0; i < call->nstreams; i++) {
		const struct call_stream *s = &call->streams[i];

		if (s->active && (!s->local_rtp[0].port || !s->local_rtp[1].port))
			return -EPROTO; /* a dbe that says yes and gives no address */
	}
	return 0;
}

void call_media_opened(struct call *call)
{
	if (call->direct.on)
		return;
	text_copy(call->dbe, sizeof(call->dbe), gate_context_dbe(call->gate));
	call->context_id = gate_context_id(call->gate);
	call->gate_open = true;
}

int call_media_follow(struct call *call, enum call_cut cut, gate_reply_h *fn)
{
	struct gate_stream streams[2][GATE_STREAMS_MAX];
	struct gate_change change = {{streams[0], streams[1]}, {0, 0}};

	if (call->direct.on)
		return call_direct_done(call, fn);
	call->direct.leaving = false; /* agreed */
	if (cut == CALL_CUT_EARLY && call_terms_early_blocked(call))
		cut = CALL_CUT_CLOSED;
	for (size_t i = 0; i < call->nstreams; i++) {
		const struct call_stream *s = &call->streams[i];

		if (!s->local_rtp[0].port)
			continue; /* never had a gate */
		for (int side = 0; side < 2; side++) {
			struct gate_stream *g = &streams[side][change.n[side]++];

			describe(call, side, i, g);
			g->mode = mode(s, side, cut);
		}
	}
	if (!call->gate)
		return -EPIPE;
	return gate_modify(call->gate, &change, fn, call);
}

bool call_media_new_streams(const struct call *call, int side, const struct body_sdp *offer)
{
	if (call->direct.on)
		return call_direct_breaks(call, side, offer);
	for (unsigned i = 0; i < offer->n_media; i++) {
		if (call_media_relayed(&offer->media[i]) &&
		    (i >= call->nstreams || !call->streams[i].local_rtp[0].port))
			return true;
	}
	return false;
}

int call_media_extend(struct call *call, int side, const struct body_sdp *offer, gate_reply_h *fn)
{
	struct gate_stream streams[2][GATE_STREAMS_MAX];
	struct gate_change change = {{streams[0], streams[1]}, {0, 0}};
	int err;

	if (call->direct.on)
		return call_direct_leave(call, side, offer, fn);
	err = call_media_grow(call, offer);
	if (err)
		return err;
	for (size_t i = 0; i < call->nstreams; i++) {
		struct call_stream *s = &call->streams[i];

		if (s->local_rtp[0].port || i >= offer->n_media ||
		    !call_media_relayed(&offer->media[i]))
			continue;
		for (int k = 0; k < 2; k++) {
			struct gate_stream *g = &streams[k][change.n[k]++];

			describe(call, k, i, g);
			g->mode = GATE_INACTIVE;
		}
	}
	if (!call->gate)
		return -EPIPE;
	return gate_modify(call->gate, &change, fn, call);
}

/* ---- what the dbe tells ---- */

/* What a side has been told to send, and how much of it is silent. */
struct listening {
	unsigned expected, silent;
};

static struct listening listen_to(const struct call *call, int side)
{
	struct listening l = {0, 0};

	for (size_t i = 0; i < call->nstreams; i++) {
		if (!flows(&call->streams[i], side, CALL_CUT_THROUGH))
			continue;
		l.expected++;
		l.silent += (call->streams[i].silent >> side) & 1U;
	}
	return l;
}

static void note_silence(struct call *call, int side, const struct gate_event *event)
{
	uint8_t bit = (uint8_t)(1U << side);

	for (size_t i = 0; i < call->nstreams; i++) {
		struct call_stream *s = &call->streams[i];

		if (event->stream_id && event->stream_id != i + 1)
			continue;
		s->silent = (uint8_t)(event->type == GATE_EVENT_SILENCE ? s->silent | bit
									: s->silent & ~bit);
	}
}

/* For whoever asks later where media comes from. */
static void note_address(struct call *call, int side, const struct gate_event *event)
{
	struct call_stream *s;

	if (!event->stream_id || event->stream_id > call->nstreams)
		return;
	s = &call->streams[event->stream_id - 1];
	if (event->type == GATE_EVENT_LATCHED)
		s->latched[side] = event->addr;
	else if (event->type == GATE_EVENT_SOURCE)
		s->stray[side] = event->addr;
}

/* One silent side may be a muted phone. When nobody who should send does, the call is dead. */
static bool is_dead(struct call *call)
{
	unsigned expected = 0, silent = 0;

	call->silent = 0;
	for (int side = 0; side < 2; side++) {
		struct listening l = listen_to(call, side);

		if (l.expected && l.silent == l.expected)
			call->silent |= (uint8_t)(1U << side);
		expected += l.expected;
		silent += l.silent;
	}
	return expected && silent == expected;
}

void call_media_trouble(void *arg, enum gate_trouble what, int side, const struct gate_event *event)
{
	struct call *call = arg;

	CALL_CHECK(call);
	if (call->fsm.state == CALL_ENDING || call->fsm.state == CALL_DEAD)
		return;
	if (what == GATE_TROUBLE_GONE) {
		metric_add(&call_metrics, CALL_GATE_FAILED, 1);
		call_release_us(call, 503, "media_lost", "SIP;cause=503;text=\"media relay lost\"");
		return;
	}
	if (what != GATE_TROUBLE_EVENT || !event || side < 0 || side > 1)
		return;
	note_address(call, side, event);
	if (event->type != GATE_EVENT_RESUMED && event->type != GATE_EVENT_SILENCE)
		return;
	note_silence(call, side, event);
	if (!is_dead(call) || call->fsm.state != CALL_UP || event->type != GATE_EVENT_SILENCE)
		return;
	metric_add(&call_metrics, CALL_MEDIA_SILENT, 1);
	call_release_us(call, 480, "media_silent", "SIP;cause=480;text=\"media stopped\"");
}
