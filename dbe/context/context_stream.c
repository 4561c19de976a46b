/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context_stream - between the wire's streams and flows. The layers below know nothing of gate control, so
 * the numbers that are the same on both sides are compared here, by the compiler.
 */
#include <string.h>

#include "common/clock.h"
#include "dbe/context/context_private.h"

_Static_assert((int)GATE_INACTIVE == (int)FLOW_INACTIVE &&
		       (int)GATE_SENDONLY == (int)FLOW_SENDONLY &&
		       (int)GATE_RECVONLY == (int)FLOW_RECVONLY &&
		       (int)GATE_SENDRECV == (int)FLOW_SENDRECV &&
		       (int)GATE_MODES == (int)FLOW_MODES,
	       "modes");
_Static_assert((int)GATE_SOURCE_EXACT == (int)PATH_SOURCE_EXACT &&
		       (int)GATE_SOURCE_ADDRESS == (int)PATH_SOURCE_ADDRESS &&
		       (int)GATE_SOURCE_LATCH == (int)PATH_SOURCE_LATCH &&
		       (int)GATE_SOURCE_ANY == (int)PATH_SOURCE_ANY,
	       "source filters");
_Static_assert((int)GATE_DROP_MODE == (int)PATH_DROP_MODE &&
		       (int)GATE_DROP_SOURCE == (int)PATH_DROP_SOURCE &&
		       (int)GATE_DROP_PAYLOAD == (int)PATH_DROP_PAYLOAD &&
		       (int)GATE_DROP_MALFORMED == (int)PATH_DROP_MALFORMED &&
		       (int)GATE_DROP_RATE == (int)PATH_DROP_RATE &&
		       (int)GATE_DROP_NO_REMOTE == (int)PATH_DROP_NO_REMOTE &&
		       (int)GATE_DROP_SEND == (int)PATH_DROP_SEND &&
		       (int)GATE_DROPS == (int)PATH_DROPS,
	       "drop reasons");
_Static_assert(POOL_REALMS_MAX <= GATE_REALMS_MAX && POOL_NAME_BYTES <= GATE_NAME_BYTES,
	       "every realm fits into a ServiceChange");

/* Closed, strict: RTP is checked even if the controller did not list payload types. */
void stream_settings_default(struct flow_settings *ret_settings)
{
	memset(ret_settings, 0, sizeof(*ret_settings));
	ret_settings->rtp = true;
}

/* What is absent is left as it is (RFC 3525 7.1: an absent descriptor). */
void stream_settings(const struct gate_stream *wire, const struct flow_settings *base,
		     struct flow_settings *ret_settings)
{
	struct flow_settings *s = ret_settings;
	uint32_t has = wire->has;

	*s = *base;
	if (has & GATE_HAS_MODE)
		s->mode = wire->mode;
	if (has & GATE_HAS_REMOTE) {
		s->remote_rtp = wire->remote_rtp;
		s->remote_rtcp = wire->remote_rtcp;
	}
	if (has & GATE_HAS_RTCP_MUX)
		s->rtcp_mux = wire->rtcp_mux;
	if (has & GATE_HAS_SOURCE) {
		s->source = wire->source;
		s->source_prefix = wire->source_prefix;
	}
	if (has & GATE_HAS_PAYLOADS) {
		s->rtp = wire->rtp;
		s->payloads[0] = wire->payloads[0];
		s->payloads[1] = wire->payloads[1];
	}
	if (has & GATE_HAS_RATE) {
		s->rate_bytes_per_s = wire->rate_bytes_per_s;
		s->burst_bytes = wire->burst_bytes;
	}
	if (has & GATE_HAS_DSCP)
		s->dscp = wire->dscp;
	if (has & GATE_HAS_SILENCE) {
		s->silence_ms = wire->silence_ms;
		s->first_packet_ms = wire->first_packet_ms;
	}
}

void stream_put_local(const struct flow *f, struct gate_stream *wire)
{
	wire->has |= GATE_HAS_LOCAL;
	flow_local(f, PATH_RTP, &wire->local_rtp);
	flow_local(f, PATH_RTCP, &wire->local_rtcp);
}

/* 0 means none yet, so a packet within the first millisecond counts as 1. */
static uint64_t stream_ms(uint64_t at_us, uint64_t opened_us)
{
	uint64_t ms = at_us > opened_us ? (at_us - opened_us) / 1000 : 0;

	return at_us == 0 ? 0 : ms == 0 ? 1 : ms;
}

static void put_statistics(const struct flow_view *v, struct gate_stream *wire)
{
	const struct path_counters *c = &v->counters;
	struct gate_statistics *g = &wire->statistics;

	wire->has |= GATE_HAS_STATISTICS;
	g->packets_in = c->packets_in;
	g->bytes_in = c->bytes_in;
	g->packets_out = c->packets_out;
	g->bytes_out = c->bytes_out;
	g->rtcp_in = c->rtcp_in;
	g->rtcp_out = c->rtcp_out;
	g->lost = c->lost;
	g->jitter_us = c->jitter_us;
	g->jitter_max_us = c->jitter_max_us;
	g->first_ms = stream_ms(c->first_us, v->opened_us);
	g->last_ms = stream_ms(c->last_us, v->opened_us);
	memcpy(g->drops, c->drops, sizeof(g->drops));
}

void stream_put_statistics(const struct flow *f, struct gate_stream *wire)
{
	struct flow_view v;

	flow_read(f, &v);
	put_statistics(&v, wire);
}

void stream_put_all(const struct flow *f, struct gate_stream *wire)
{
	struct flow_view v;
	const struct flow_settings *s;

	flow_read(f, &v);
	s = v.settings;
	stream_put_local(f, wire);
	put_statistics(&v, wire);
	wire->has |= GATE_HAS_MODE | GATE_HAS_RTCP_MUX | GATE_HAS_SOURCE | GATE_HAS_PAYLOADS |
		     GATE_HAS_RATE | GATE_HAS_DSCP | GATE_HAS_SILENCE;
	wire->mode = s->mode;
	wire->rtcp_mux = s->rtcp_mux;
	wire->source = s->source;
	wire->source_prefix = s->source_prefix;
	wire->payloads[0] = s->payloads[0];
	wire->payloads[1] = s->payloads[1];
	wire->rtp = s->rtp;
	wire->rate_bytes_per_s = s->rate_bytes_per_s;
	wire->burst_bytes = s->burst_bytes;
	wire->dscp = s->dscp;
	wire->silence_ms = s->silence_ms;
	wire->first_packet_ms = s->first_packet_ms;
	if (s->remote_rtp.family) {
		wire->has |= GATE_HAS_REMOTE;
		wire->remote_rtp = s->remote_rtp;
		wire->remote_rtcp = s->remote_rtcp;
	}
}

void stream_on_flow_event(void *arg, const struct flow_event *event)
{
	static const uint8_t types[] = {[FLOW_EVENT_SILENCE] = GATE_EVENT_SILENCE,
					[FLOW_EVENT_RESUMED] = GATE_EVENT_RESUMED,
					[FLOW_EVENT_SOURCE] = GATE_EVENT_SOURCE,
					[FLOW_EVENT_LATCHED] = GATE_EVENT_LATCHED,
					[FLOW_EVENT_POLICED] = GATE_EVENT_POLICED};
	struct context_stream *st = arg;
	struct context *c = st->termination->context;
	struct gate_event e = {.type = types[event->type],
			       .stream_id = st->id,
			       .addr = event->addr,
			       .value = event->value,
			       .at_wall_ms = clock_wall_ms()};
	char name[GATE_NAME_BYTES];

	if (event->type == FLOW_EVENT_SILENCE)
		metric_add(&context_metrics, CONTEXT_SILENT, 1);
	else if (event->type == FLOW_EVENT_SOURCE)
		metric_add(&context_metrics, CONTEXT_SOURCE, 1);
	else if (event->type == FLOW_EVENT_POLICED)
		metric_add(&context_metrics, CONTEXT_POLICED, 1);
	if (!c->store->event)
		return;
	/* POLICED names no address: it may be anybody's packet that found the bucket empty. */
	if (event->type == FLOW_EVENT_POLICED)
		e.addr = (struct addr){0};
	termination_name(st->termination, name);
	c->store->event(c->store->event_arg, c->controller->name, c->id, name, &e);
}
