/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_gate - the checks, cheapest and most likely to fail first under attack: mode, source, shape,
 * payload type, rate. Only a packet that passes all of them may latch: a scanner's 12-byte probe
 * must not capture a stream.
 */
#include "dbe/path/path_gate.h"

#include <string.h>

#include "dbe/media/rtcp.h"
#include "dbe/media/rtp.h"

#define PATH_EVENT_GAP_US 5000000U
/* Reports of a policed gate: 5 % of its rate (RFC 3550 6.2), but enough for one report of a usual size a second. */
#define PATH_RTCP_PERCENT 5
#define PATH_RTCP_FLOOR_BYTES 1000U
#define PATH_RTCP_BURST_BYTES 4000U

static void gate_set_rate(struct path_gate *g, uint64_t now_us)
{
	const struct path_rules *r = &g->rules;
	uint64_t per_s = (uint64_t)r->rate_bytes_per_s * PATH_RTCP_PERCENT / 100;
	uint64_t burst = (uint64_t)r->burst_bytes * PATH_RTCP_PERCENT / 100;

	rate_init(&g->rate[PATH_RTP], r->rate_bytes_per_s, r->burst_bytes, now_us);
	if (!r->rate_bytes_per_s)
		per_s = 0;
	else if (per_s < PATH_RTCP_FLOOR_BYTES)
		per_s = PATH_RTCP_FLOOR_BYTES;
	if (burst < PATH_RTCP_BURST_BYTES)
		burst = PATH_RTCP_BURST_BYTES;
	rate_init(&g->rate[PATH_RTCP], per_s, burst, now_us);
}

void path_gate_init(struct path_gate *g, const struct path_open *o, uint64_t now_us)
{
	memset(g, 0, sizeof(*g));
	g->rules = o->rules;
	g->event = o->event;
	g->event_arg = o->event_arg;
	gate_set_rate(g, now_us);
}

void path_gate_change(struct path_gate *g, const struct path_rules *rules, bool rearm,
		      uint64_t now_us)
{
	/* An unchanged rate keeps its bucket: a stream of Modifies must not be a way to refill it. */
	bool rate = rules->rate_bytes_per_s != g->rules.rate_bytes_per_s ||
		    rules->burst_bytes != g->rules.burst_bytes;

	g->rules = *rules;
	if (rate)
		gate_set_rate(g, now_us);
	if (rearm)
		memset(g->latched, 0, sizeof(g->latched));
}

void path_gate_join(struct path_gate *a, struct path_gate *b)
{
	if (a->peer)
		a->peer->peer = NULL;
	a->peer = b;
	if (!b)
		return;
	if (b->peer)
		b->peer->peer = NULL;
	b->peer = a;
}

static void gate_tell(struct path_gate *g, const struct path_packet *packet,
		      enum path_event_type type, uint64_t value)
{
	struct path_event e = {
		.type = type, .port = packet->port, .addr = packet->from, .value = value};

	if (!g->event)
		return;
	if (type != PATH_EVENT_LATCHED) {
		if (packet->now_us < g->next_event_us[type])
			return;
		g->next_event_us[type] = packet->now_us + PATH_EVENT_GAP_US;
	}
	g->event(g->event_arg, &e);
}

static int gate_drop(struct path_gate *g, enum path_drop why)
{
	g->counters.drops[why]++;
	return why;
}

/* @param port  whose remote address counts: the RTP one's with rtcp-mux. */
static bool gate_source_ok(const struct path_gate *g, const struct addr *from, enum path_port port)
{
	const struct addr *remote = &g->rules.remote[port];

	switch ((enum path_source)g->rules.source) {
	case PATH_SOURCE_EXACT:
		return remote->family && addr_equal(from, remote);
	case PATH_SOURCE_ADDRESS:
		return remote->family && addr_ip_equal(from, remote);
	case PATH_SOURCE_LATCH:
		if (g->latched[port].family)
			return addr_equal(from, &g->latched[port]);
		return g->rules.latch_from.net.family &&
		       addr_prefix_has(&g->rules.latch_from, from);
	case PATH_SOURCE_ANY:
		return true;
	}
	return false;
}

static bool gate_payload_ok(const struct path_rules *r, uint8_t type)
{
	if (!(r->payloads[0] | r->payloads[1]))
		return true;
	return r->payloads[type >> 6] >> (type & 63) & 1;
}

/* Shape and payload type. @return PATH_PASS or a reason, not counted yet. */
static int gate_content(const struct path_gate *g, const struct path_packet *packet, bool rtcp,
			struct rtp_view *ret_view)
{
	if (packet->len_bytes == 0)
		return PATH_DROP_MALFORMED;
	if (!g->rules.rtp)
		return PATH_PASS;
	if (rtcp)
		return rtcp_check(packet->data, packet->len_bytes) ? PATH_DROP_MALFORMED
								   : PATH_PASS;
	if (rtp_view(packet->data, packet->len_bytes, ret_view))
		return PATH_DROP_MALFORMED;
	return gate_payload_ok(&g->rules, ret_view->payload_type) ? PATH_PASS : PATH_DROP_PAYLOAD;
}

static void gate_count_in(struct path_gate *g, const struct path_packet *packet, bool rtcp,
			  const struct rtp_view *view)
{
	struct path_counters *c = &g->counters;

	if (rtcp) {
		c->rtcp_in++;
		return;
	}
	c->packets_in++;
	c->bytes_in += packet->len_bytes;
	c->last_us = packet->now_us;
	if (!c->first_us)
		c->first_us = packet->now_us;
	if (g->rules.rtp) {
		struct rtp_sample sample = {.ssrc = view->ssrc,
					    .timestamp = view->timestamp,
					    .sequence = view->sequence,
					    .clock_hz = rtp_clock_hz(view->payload_type),
					    .arrival_us = packet->now_us};

		rtp_stats_feed(&g->stats, &sample);
	}
}

/* The way out at the joined end. @return PATH_PASS or a reason, not counted yet. */
static int gate_out(const struct path_gate *g, bool rtcp, struct path_hop *ret_hop)
{
	struct path_gate *out = g->peer;
	enum path_port port;
	const struct addr *to;

	if (!out)
		return PATH_DROP_NO_REMOTE;
	if (rtcp ? !out->rules.rtcp : !out->rules.rtp_out)
		return PATH_DROP_MODE;
	port = rtcp && !out->rules.rtcp_mux ? PATH_RTCP : PATH_RTP;
	/* RFC 7362 4: where a latching far end is, only its own packets tell. */
	to = out->rules.source == PATH_SOURCE_LATCH ? &out->latched[port]
						    : &out->rules.remote[port];
	if (!to->family)
		return PATH_DROP_NO_REMOTE;
	*ret_hop = (struct path_hop){.out = out, .port = port, .to = to, .rtcp = rtcp};
	return PATH_PASS;
}

int path_gate_in(struct path_gate *g, const struct path_packet *packet, struct path_hop *ret_hop)
{
	const struct path_rules *r = &g->rules;
	bool rtcp = packet->port == PATH_RTCP ||
		    (r->rtcp_mux && r->rtp && rtp_is_rtcp(packet->data, packet->len_bytes));
	struct rtp_view view;
	int why;

	g->counters.received++;
	/* With rtcp-mux the odd port is not part of the session any more. */
	if ((rtcp ? !r->rtcp : !r->rtp_in) || (r->rtcp_mux && packet->port == PATH_RTCP))
		return gate_drop(g, PATH_DROP_MODE);
	if (!gate_source_ok(g, &packet->from, packet->port)) {
		gate_drop(g, PATH_DROP_SOURCE);
		/* Before the far side's address is known there is nothing it could differ from. */
		if (r->remote[packet->port].family || g->latched[packet->port].family)
			gate_tell(g, packet, PATH_EVENT_SOURCE,
				  g->counters.drops[PATH_DROP_SOURCE]);
		return PATH_DROP_SOURCE;
	}
	why = gate_content(g, packet, rtcp, &view);
	if (why != PATH_PASS)
		return gate_drop(g, (enum path_drop)why);
	if (!rate_take(&g->rate[rtcp ? PATH_RTCP : PATH_RTP], packet->len_bytes, packet->now_us)) {
		gate_drop(g, PATH_DROP_RATE);
		gate_tell(g, packet, PATH_EVENT_POLICED, g->counters.drops[PATH_DROP_RATE]);
		return PATH_DROP_RATE;
	}
	if (r->source == PATH_SOURCE_LATCH && !g->latched[packet->port].family) {
		g->latched[packet->port] = packet->from;
		gate_tell(g, packet, PATH_EVENT_LATCHED, 0);
	}
	gate_count_in(g, packet, rtcp, &view);
	why = gate_out(g, rtcp, ret_hop);
	return why == PATH_PASS ? PATH_PASS : gate_drop(g, (enum path_drop)why);
}

void path_gate_sent(struct path_gate *in, const struct path_hop *hop, size_t len_bytes, int err)
{
	struct path_counters *c = &hop->out->counters;

	if (err) {
		gate_drop(in, PATH_DROP_SEND);
	} else if (hop->rtcp) {
		c->rtcp_out++;
	} else {
		c->packets_out++;
		c->bytes_out += len_bytes;
	}
}

void path_gate_read(const struct path_gate *g, struct path_counters *ret_counters)
{
	*ret_counters = g->counters;
	ret_counters->lost = rtp_stats_lost(&g->stats);
	ret_counters->jitter_us = rtp_stats_jitter_us(&g->stats);
	ret_counters->jitter_max_us = g->stats.jitter_max_us;
	memcpy(ret_counters->latched, g->latched, sizeof(g->latched));
}
