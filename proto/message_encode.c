/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Struct -> wire, field by field in one go.
 * A caller's mistake (too many streams, a mode that does not exist) is refused here, so that what
 * goes out is always something our own decoder takes.
 */
#include <errno.h>
#include <string.h>

#include "proto/message.h"
#include "proto/message_field.h"
#include "proto/pb_out.h"

static void put_addr(struct pb_out *o, unsigned field, const struct addr *a)
{
	size_t n = a->family == ADDR_V4 ? 4 : 16;
	uint8_t bytes[18];

	if (a->family != ADDR_V4 && a->family != ADDR_V6) {
		pb_out_fail(o, -EINVAL);
		return;
	}
	memcpy(bytes, a->ip, n);
	bytes[n] = (uint8_t)(a->port >> 8);
	bytes[n + 1] = (uint8_t)a->port;
	pb_out_bytes(o, field, bytes, n + 2);
}

static void put_addr_if(struct pb_out *o, unsigned field, const struct addr *a)
{
	if (a->family)
		put_addr(o, field, a);
}

static void put_prefix(struct pb_out *o, const struct addr_prefix *p)
{
	size_t n = p->net.family == ADDR_V4 ? 4 : 16;
	uint8_t bytes[17];

	if (!p->net.family)
		return;
	if ((p->net.family != ADDR_V4 && p->net.family != ADDR_V6) || p->bits > n * 8) {
		pb_out_fail(o, -EINVAL);
		return;
	}
	memcpy(bytes, p->net.ip, n);
	bytes[n] = p->bits;
	pb_out_bytes(o, STREAM_SOURCE_PREFIX, bytes, n + 1);
}

static void put_drops(struct pb_out *o, const uint64_t drops[GATE_DROPS])
{
	int i, n;
	size_t at;

	for (n = GATE_DROPS; n > 0 && !drops[n - 1]; n--)
		;
	if (!n)
		return;
	at = pb_out_begin(o, STATISTICS_DROPS);
	for (i = 0; i < n; i++)
		pb_out_element(o, drops[i]);
	pb_out_end(o, at);
}

static void put_statistics(struct pb_out *o, const struct gate_statistics *s)
{
	size_t at = pb_out_begin(o, STREAM_STATISTICS);

	pb_out_number_if(o, STATISTICS_PACKETS_IN, s->packets_in);
	pb_out_number_if(o, STATISTICS_BYTES_IN, s->bytes_in);
	pb_out_number_if(o, STATISTICS_PACKETS_OUT, s->packets_out);
	pb_out_number_if(o, STATISTICS_BYTES_OUT, s->bytes_out);
	pb_out_number_if(o, STATISTICS_RTCP_IN, s->rtcp_in);
	pb_out_number_if(o, STATISTICS_RTCP_OUT, s->rtcp_out);
	pb_out_number_if(o, STATISTICS_LOST, s->lost);
	pb_out_number_if(o, STATISTICS_JITTER_US, s->jitter_us);
	pb_out_number_if(o, STATISTICS_JITTER_MAX_US, s->jitter_max_us);
	pb_out_number_if(o, STATISTICS_FIRST_MS, s->first_ms);
	pb_out_number_if(o, STATISTICS_LAST_MS, s->last_ms);
	put_drops(o, s->drops);
	pb_out_end(o, at);
}

static void put_addresses(struct pb_out *o, const struct gate_stream *s)
{
	if (s->has & GATE_HAS_LOCAL) {
		put_addr_if(o, STREAM_LOCAL_RTP, &s->local_rtp);
		put_addr_if(o, STREAM_LOCAL_RTCP, &s->local_rtcp);
	}
	if (s->has & GATE_HAS_REMOTE) {
		put_addr(o, STREAM_REMOTE_RTP, &s->remote_rtp);
		put_addr_if(o, STREAM_REMOTE_RTCP, &s->remote_rtcp);
	}
}

static void put_limits(struct pb_out *o, const struct gate_stream *s)
{
	if (s->has & GATE_HAS_PAYLOADS) {
		if (s->payloads[0])
			pb_out_fixed64(o, STREAM_PAYLOADS_LOW, s->payloads[0]);
		if (s->payloads[1])
			pb_out_fixed64(o, STREAM_PAYLOADS_HIGH, s->payloads[1]);
		pb_out_number(o, STREAM_RTP, s->rtp);
	}
	if (s->has & GATE_HAS_RATE) {
		pb_out_number(o, STREAM_RATE, s->rate_bytes_per_s);
		pb_out_number(o, STREAM_BURST, s->burst_bytes);
	}
	if (s->has & GATE_HAS_DSCP)
		pb_out_number(o, STREAM_DSCP, s->dscp);
	if (s->has & GATE_HAS_SILENCE) {
		pb_out_number(o, STREAM_SILENCE_MS, s->silence_ms);
		pb_out_number_if(o, STREAM_FIRST_PACKET_MS, s->first_packet_ms);
	}
}

static void put_stream(struct pb_out *o, const struct gate_stream *s)
{
	size_t at;

	if (!s->id || s->mode >= GATE_MODES || s->source >= GATE_SOURCES || s->dscp > 63) {
		pb_out_fail(o, -EINVAL);
		return;
	}
	at = pb_out_begin(o, COMMAND_STREAMS);
	pb_out_number(o, STREAM_ID, s->id);
	if (s->has & GATE_HAS_MODE)
		pb_out_number(o, STREAM_MODE, s->mode);
	put_addresses(o, s);
	if (s->has & GATE_HAS_RTCP_MUX)
		pb_out_number(o, STREAM_RTCP_MUX, s->rtcp_mux);
	if (s->has & GATE_HAS_SOURCE) {
		pb_out_number(o, STREAM_SOURCE, s->source);
		put_prefix(o, &s->source_prefix);
	}
	put_limits(o, s);
	if (s->has & GATE_HAS_STATISTICS)
		put_statistics(o, &s->statistics);
	pb_out_end(o, at);
}

static void put_realm(struct pb_out *o, const struct gate_realm_info *r)
{
	size_t at = pb_out_begin(o, CHANGE_REALMS);

	pb_out_text(o, REALM_NAME, r->name);
	pb_out_number_if(o, REALM_PORTS_TOTAL, r->ports_total);
	pb_out_number_if(o, REALM_PORTS_FREE, r->ports_free);
	pb_out_number_if(o, REALM_IPV4, r->ipv4);
	pb_out_number_if(o, REALM_IPV6, r->ipv6);
	pb_out_number_if(o, REALM_UP, r->up);
	pb_out_end(o, at);
}

static void put_range(struct pb_out *o, const struct gate_media_range *r)
{
	size_t at = pb_out_begin(o, CHANGE_RANGES);

	pb_out_number_if(o, RANGE_REALM, r->realm);
	put_addr(o, RANGE_FIRST, &r->first);
	pb_out_number_if(o, RANGE_LAST, r->last);
	pb_out_end(o, at);
}

static void put_change(struct pb_out *o, const struct gate_service_change *c)
{
	size_t at, i;

	if (c->nrealms > GATE_REALMS_MAX || c->nranges > GATE_RANGES_MAX) {
		pb_out_fail(o, -EINVAL);
		return;
	}
	at = pb_out_begin(o, COMMAND_CHANGE);
	pb_out_number_if(o, CHANGE_METHOD, c->method);
	pb_out_number_if(o, CHANGE_REASON, c->reason);
	pb_out_number_if(o, CHANGE_DELAY_S, c->delay_s);
	pb_out_number_if(o, CHANGE_VERSION_MIN, c->version_min);
	pb_out_number_if(o, CHANGE_VERSION_MAX, c->version_max);
	pb_out_text(o, CHANGE_REDIRECT, c->redirect);
	for (i = 0; i < c->nrealms; i++)
		put_realm(o, &c->realms[i]);
	pb_out_number_if(o, CHANGE_CONTEXTS_MAX, c->contexts_max);
	pb_out_number_if(o, CHANGE_CONTEXTS_NOW, c->contexts_now);
	for (i = 0; i < c->nranges; i++)
		put_range(o, &c->ranges[i]);
	pb_out_end(o, at);
}

static void put_event(struct pb_out *o, const struct gate_event *e)
{
	size_t at = pb_out_begin(o, COMMAND_EVENT);

	pb_out_number(o, EVENT_TYPE, e->type);
	pb_out_number_if(o, EVENT_STREAM, e->stream_id);
	pb_out_text(o, EVENT_REALM, e->realm);
	put_addr_if(o, EVENT_ADDRESS, &e->addr);
	pb_out_number_if(o, EVENT_VALUE, e->value);
	if (e->at_wall_ms)
		pb_out_fixed64(o, EVENT_AT_WALL_MS, e->at_wall_ms);
	pb_out_end(o, at);
}

static bool has_change(const struct gate_command *c, bool reply)
{
	return c->type == GATE_SERVICE_CHANGE ||
	       (reply && c->type == GATE_AUDIT_CAPABILITIES && c->ref == GATE_REF_ROOT && !c->code);
}

static void put_command(struct pb_out *o, const struct gate_command *c, bool reply)
{
	size_t at, i;

	if (!c->type || c->type >= GATE_COMMAND_TYPES || c->nstreams > GATE_STREAMS_MAX) {
		pb_out_fail(o, -EINVAL);
		return;
	}
	at = pb_out_begin(o, ACTION_COMMANDS);
	pb_out_number(o, COMMAND_TYPE, c->type);
	pb_out_number(o, COMMAND_REF, c->ref);
	pb_out_text(o, COMMAND_TERMINATION, c->termination);
	pb_out_text(o, COMMAND_REALM, c->realm);
	pb_out_number_if(o, COMMAND_FAMILY, c->family);
	pb_out_number_if(o, COMMAND_OPTIONAL, c->optional);
	for (i = 0; i < c->nstreams; i++)
		put_stream(o, &c->streams[i]);
	if (has_change(c, reply))
		put_change(o, &c->change);
	if (!reply && c->type == GATE_NOTIFY)
		put_event(o, &c->event);
	pb_out_number_if(o, COMMAND_CODE, c->code);
	pb_out_text(o, COMMAND_TEXT, c->text);
	pb_out_end(o, at);
}

static void put_contexts(struct pb_out *o, const struct gate_action *a)
{
	size_t at, i;

	if (!a->ncontexts)
		return;
	at = pb_out_begin(o, ACTION_CONTEXTS);
	for (i = 0; i < a->ncontexts; i++)
		pb_out_element(o, a->contexts[i]);
	pb_out_end(o, at);
}

static void put_action(struct pb_out *o, unsigned field, const struct gate_action *a, bool reply)
{
	size_t at, i;

	if (a->ncommands > GATE_COMMANDS_MAX || a->ncontexts > GATE_CONTEXTS_PER_AUDIT ||
	    (a->has_record && a->record_bytes > GATE_RECORD_MAX_BYTES)) {
		pb_out_fail(o, -EINVAL);
		return;
	}
	at = pb_out_begin(o, field);
	pb_out_number(o, ACTION_CONTEXT_REF, a->context_ref);
	pb_out_number_if(o, ACTION_CONTEXT, a->context);
	if (a->has_record)
		pb_out_bytes(o, ACTION_RECORD, a->record, a->record_bytes);
	if (a->has_emergency)
		pb_out_number(o, ACTION_EMERGENCY, a->emergency);
	for (i = 0; i < a->ncommands; i++)
		put_command(o, &a->commands[i], reply);
	put_contexts(o, a);
	pb_out_number_if(o, ACTION_MORE, a->more);
	pb_out_end(o, at);
}

/* The body of a kind that has fields of its own; its number in the envelope is the caller's. */
static void put_body_fields(struct pb_out *o, const struct gate_message *m)
{
	switch (m->body) {
	case GATE_BODY_REQUEST:
		put_action(o, REQUEST_ACTION, &m->action, false);
		break;
	case GATE_BODY_REPLY:
		pb_out_number_if(o, REPLY_CODE, m->code);
		pb_out_text(o, REPLY_TEXT, m->text);
		if (!m->code)
			put_action(o, REPLY_ACTION, &m->action, true);
		break;
	case GATE_BODY_ACK:
		pb_out_number(o, ACKNOWLEDGE_FIRST, m->transaction);
		pb_out_number(o, ACKNOWLEDGE_LAST, m->transaction_last);
		break;
	case GATE_BODY_ERROR:
		pb_out_number(o, ERROR_CODE, m->code);
		pb_out_text(o, ERROR_TEXT, m->text);
		break;
	case GATE_BODY_HEARTBEAT:
		pb_out_number(o, HEARTBEAT_NUMBER, m->transaction);
		pb_out_number_if(o, HEARTBEAT_ANSWER, m->transaction_last != 0);
		break;
	default: /* GATE_BODY_PENDING says it all by being there */
		break;
	}
}

int gate_message_encode(const struct gate_message *m, uint8_t *buf, size_t size_bytes,
			size_t *ret_bytes)
{
	static const uint8_t body_field[] = {
		[GATE_BODY_REQUEST] = ENVELOPE_REQUEST, [GATE_BODY_REPLY] = ENVELOPE_REPLY,
		[GATE_BODY_PENDING] = ENVELOPE_PENDING, [GATE_BODY_ACK] = ENVELOPE_ACKNOWLEDGE,
		[GATE_BODY_ERROR] = ENVELOPE_ERROR,     [GATE_BODY_HEARTBEAT] = ENVELOPE_HEARTBEAT,
	};
	struct pb_out o;
	size_t at;

	if (m->body >= sizeof(body_field) || !body_field[m->body])
		return -EINVAL;
	pb_out_init(&o, buf, size_bytes);
	pb_out_number(&o, ENVELOPE_VERSION, m->version);
	pb_out_text(&o, ENVELOPE_SENDER, m->sender);
	pb_out_fixed64(&o, ENVELOPE_EPOCH, m->epoch);
	if (m->body != GATE_BODY_ACK && m->body != GATE_BODY_HEARTBEAT)
		pb_out_number_if(&o, ENVELOPE_TRANSACTION, m->transaction);
	at = pb_out_begin(&o, body_field[m->body]);
	put_body_fields(&o, m);
	pb_out_end(&o, at);
	if (o.err)
		return o.err;
	*ret_bytes = o.used_bytes;
	return 0;
}
