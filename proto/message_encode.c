/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Struct -> wire. The generated structs are laid out in an arena on the stack and packed from there.
 * A caller's mistake (too many streams, a mode that does not exist) is refused here, so that what
 * goes out is always something our own decoder takes.
 */
#include <errno.h>
#include <string.h>

#include "proto/message.h"
#include "proto/message_wire.h"

/* A field that is there: value and presence in one. */
#define SET(msg, field, value)                                                                     \
	do {                                                                                       \
		(msg)->has_##field = 1;                                                            \
		(msg)->field = (value);                                                            \
	} while (0)
/* A field whose absence means 0 */
#define SET_IF(msg, field, value)                                                                  \
	do {                                                                                       \
		if (value)                                                                         \
			SET(msg, field, value);                                                    \
	} while (0)

/* The codec only reads through these pointers while packing. */
static char *text_of(const char *text)
{
	return text[0] ? (char *)(uintptr_t)text : NULL;
}

static int put_addr(struct gate_arena *arena, const struct addr *a, ProtobufCBinaryData *ret_bytes)
{
	size_t n = a->family == ADDR_V4 ? 4 : 16;
	uint8_t *p;

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return -EINVAL;
	p = gate_arena_take(arena, n + 2);
	if (!p)
		return -EMSGSIZE;
	memcpy(p, a->ip, n);
	p[n] = (uint8_t)(a->port >> 8);
	p[n + 1] = (uint8_t)a->port;
	*ret_bytes = (ProtobufCBinaryData){n + 2, p};
	return 0;
}

#define PUT_ADDR(arena, msg, field, addr)                                                          \
	((msg)->has_##field = 1, put_addr(arena, addr, &(msg)->field))

static int put_prefix(struct gate_arena *arena, const struct addr_prefix *p, Gate__Stream *w)
{
	size_t n = p->net.family == ADDR_V4 ? 4 : 16;
	uint8_t *b;

	if ((p->net.family != ADDR_V4 && p->net.family != ADDR_V6) || p->bits > n * 8)
		return -EINVAL;
	b = gate_arena_take(arena, n + 1);
	if (!b)
		return -EMSGSIZE;
	memcpy(b, p->net.ip, n);
	b[n] = p->bits;
	w->has_source_prefix = 1;
	w->source_prefix = (ProtobufCBinaryData){n + 1, b};
	return 0;
}

static int put_statistics(struct gate_arena *arena, const struct gate_statistics *s,
			  Gate__Stream *w)
{
	Gate__Statistics *t = gate_arena_take(arena, sizeof(*t));
	int i;

	if (!t)
		return -EMSGSIZE;
	gate__statistics__init(t);
	SET_IF(t, packets_in, s->packets_in);
	SET_IF(t, bytes_in, s->bytes_in);
	SET_IF(t, packets_out, s->packets_out);
	SET_IF(t, bytes_out, s->bytes_out);
	SET_IF(t, rtcp_in, s->rtcp_in);
	SET_IF(t, rtcp_out, s->rtcp_out);
	SET_IF(t, lost, s->lost);
	SET_IF(t, jitter_us, s->jitter_us);
	SET_IF(t, jitter_max_us, s->jitter_max_us);
	SET_IF(t, first_ms, s->first_ms);
	SET_IF(t, last_ms, s->last_ms);
	for (i = GATE_DROPS; i > 0 && !s->drops[i - 1]; i--)
		;
	t->n_drops = (size_t)i;
	t->drops = (uint64_t *)(uintptr_t)s->drops;
	w->statistics = t;
	return 0;
}

static int put_addresses(struct gate_arena *arena, const struct gate_stream *s, Gate__Stream *w)
{
	int err = 0;

	if (s->has & GATE_HAS_LOCAL) {
		if (s->local_rtp.family)
			err = PUT_ADDR(arena, w, local_rtp, &s->local_rtp);
		if (!err && s->local_rtcp.family)
			err = PUT_ADDR(arena, w, local_rtcp, &s->local_rtcp);
	}
	if (!err && (s->has & GATE_HAS_REMOTE)) {
		err = PUT_ADDR(arena, w, remote_rtp, &s->remote_rtp);
		if (!err && s->remote_rtcp.family)
			err = PUT_ADDR(arena, w, remote_rtcp, &s->remote_rtcp);
	}
	return err;
}

static int put_stream(struct gate_arena *arena, const struct gate_stream *s, Gate__Stream *w)
{
	int err;

	if (!s->id || s->mode >= GATE_MODES || s->source >= GATE_SOURCES || s->dscp > 63)
		return -EINVAL;
	gate__stream__init(w);
	SET(w, id, s->id);
	if (s->has & GATE_HAS_MODE)
		SET(w, mode, (Gate__Mode)s->mode);
	err = put_addresses(arena, s, w);
	if (err)
		return err;
	if (s->has & GATE_HAS_RTCP_MUX)
		SET(w, rtcp_mux, s->rtcp_mux);
	if (s->has & GATE_HAS_SOURCE) {
		SET(w, source, (Gate__SourceFilter)s->source);
		if (s->source_prefix.net.family) {
			err = put_prefix(arena, &s->source_prefix, w);
			if (err)
				return err;
		}
	}
	if (s->has & GATE_HAS_PAYLOADS) {
		SET_IF(w, payloads_low, s->payloads[0]);
		SET_IF(w, payloads_high, s->payloads[1]);
		SET(w, rtp, s->rtp);
	}
	if (s->has & GATE_HAS_RATE) {
		SET(w, rate, s->rate_bytes_per_s);
		SET(w, burst, s->burst_bytes);
	}
	if (s->has & GATE_HAS_DSCP)
		SET(w, dscp, s->dscp);
	if (s->has & GATE_HAS_SILENCE) {
		SET(w, silence_ms, s->silence_ms);
		SET_IF(w, first_packet_ms, s->first_packet_ms);
	}
	if (s->has & GATE_HAS_STATISTICS)
		err = put_statistics(arena, &s->statistics, w);
	return err;
}

/* n structs and the array of pointers to them that protobuf-c wants for a repeated field */
static void *put_many(struct gate_arena *arena, size_t n, size_t size_bytes, void *ret_pointers)
{
	uint8_t *items = gate_arena_take(arena, n * size_bytes);
	void **pointers = gate_arena_take(arena, n * sizeof(void *));
	size_t i;

	if (!items || !pointers)
		return NULL;
	for (i = 0; i < n; i++)
		pointers[i] = items + i * size_bytes;
	*(void ***)ret_pointers = pointers;
	return items;
}

static int put_ranges(struct gate_arena *arena, const struct gate_service_change *c,
		      Gate__ServiceChange *t)
{
	Gate__MediaRange *w;
	int err = 0;

	if (!c->nranges)
		return 0;
	w = put_many(arena, c->nranges, sizeof(*w), &t->ranges);
	if (!w)
		return -EMSGSIZE;
	t->n_ranges = c->nranges;
	for (size_t i = 0; !err && i < c->nranges; i++) {
		gate__media_range__init(&w[i]);
		SET_IF(&w[i], realm, c->ranges[i].realm);
		SET_IF(&w[i], last, c->ranges[i].last);
		err = PUT_ADDR(arena, &w[i], first, &c->ranges[i].first);
	}
	return err;
}

static int put_change(struct gate_arena *arena, const struct gate_service_change *c,
		      Gate__Command *w)
{
	Gate__ServiceChange *t = gate_arena_take(arena, sizeof(*t));
	Gate__Realm *realm;
	size_t i;

	if (c->nrealms > GATE_REALMS_MAX || c->nranges > GATE_RANGES_MAX)
		return -EINVAL;
	if (!t)
		return -EMSGSIZE;
	gate__service_change__init(t);
	SET_IF(t, method, c->method);
	SET_IF(t, reason, c->reason);
	SET_IF(t, delay_s, c->delay_s);
	SET_IF(t, version_min, c->version_min);
	SET_IF(t, version_max, c->version_max);
	t->redirect = text_of(c->redirect);
	SET_IF(t, contexts_max, c->contexts_max);
	SET_IF(t, contexts_now, c->contexts_now);
	if (c->nrealms) {
		realm = put_many(arena, c->nrealms, sizeof(*realm), &t->realms);
		if (!realm)
			return -EMSGSIZE;
		t->n_realms = c->nrealms;
		for (i = 0; i < c->nrealms; i++) {
			gate__realm__init(&realm[i]);
			realm[i].name = text_of(c->realms[i].name);
			SET_IF(&realm[i], ports_total, c->realms[i].ports_total);
			SET_IF(&realm[i], ports_free, c->realms[i].ports_free);
			SET_IF(&realm[i], ipv4, c->realms[i].ipv4);
			SET_IF(&realm[i], ipv6, c->realms[i].ipv6);
			SET_IF(&realm[i], up, c->realms[i].up);
		}
	}
	w->change = t;
	return put_ranges(arena, c, t);
}

static int put_event(struct gate_arena *arena, const struct gate_event *e, Gate__Command *w)
{
	Gate__Event *t = gate_arena_take(arena, sizeof(*t));

	if (!t)
		return -EMSGSIZE;
	gate__event__init(t);
	SET(t, type, e->type);
	SET_IF(t, stream, e->stream_id);
	t->realm = text_of(e->realm);
	SET_IF(t, value, e->value);
	SET_IF(t, at_wall_ms, e->at_wall_ms);
	w->event = t;
	return e->addr.family ? PUT_ADDR(arena, t, address, &e->addr) : 0;
}

static int put_command(struct gate_arena *arena, const struct gate_command *c, Gate__Command *w)
{
	Gate__Stream *stream;
	size_t i;
	int err;

	if (!c->type || c->type >= GATE_COMMAND_TYPES || c->nstreams > GATE_STREAMS_MAX)
		return -EINVAL;
	gate__command__init(w);
	SET(w, type, (Gate__CommandType)c->type);
	SET(w, ref, (Gate__Ref)c->ref);
	w->termination = text_of(c->termination);
	w->realm = text_of(c->realm);
	SET_IF(w, family, c->family);
	SET_IF(w, optional, c->optional);
	SET_IF(w, code, c->code);
	w->text = text_of(c->text);
	if (c->nstreams) {
		stream = put_many(arena, c->nstreams, sizeof(*stream), &w->streams);
		if (!stream)
			return -EMSGSIZE;
		w->n_streams = c->nstreams;
		for (i = 0; i < c->nstreams; i++) {
			err = put_stream(arena, &c->streams[i], &stream[i]);
			if (err)
				return err;
		}
	}
	return 0;
}

static bool has_change(const struct gate_command *c, bool reply)
{
	return c->type == GATE_SERVICE_CHANGE ||
	       (reply && c->type == GATE_AUDIT_CAPABILITIES && c->ref == GATE_REF_ROOT && !c->code);
}

static int put_action(struct gate_arena *arena, const struct gate_action *a, bool reply,
		      Gate__Action **ret_action)
{
	Gate__Action *w = gate_arena_take(arena, sizeof(*w));
	Gate__Command *command = NULL;
	size_t i;
	int err = 0;

	if (a->ncommands > GATE_COMMANDS_MAX || a->ncontexts > GATE_CONTEXTS_PER_AUDIT ||
	    (a->has_record && a->record_bytes > GATE_RECORD_MAX_BYTES))
		return -EINVAL;
	if (!w)
		return -EMSGSIZE;
	gate__action__init(w);
	SET(w, context_ref, (Gate__Ref)a->context_ref);
	SET_IF(w, context, a->context);
	if (a->has_record)
		SET(w, record,
		    ((ProtobufCBinaryData){a->record_bytes, (uint8_t *)(uintptr_t)a->record}));
	if (a->has_emergency)
		SET(w, emergency, a->emergency);
	SET_IF(w, more, a->more);
	w->n_contexts = a->ncontexts;
	w->contexts = (uint32_t *)(uintptr_t)a->contexts;
	if (a->ncommands) {
		command = put_many(arena, a->ncommands, sizeof(*command), &w->commands);
		if (!command)
			return -EMSGSIZE;
	}
	w->n_commands = a->ncommands;
	for (i = 0; !err && i < a->ncommands; i++) {
		err = put_command(arena, &a->commands[i], &command[i]);
		if (!err && has_change(&a->commands[i], reply))
			err = put_change(arena, &a->commands[i].change, &command[i]);
		if (!err && !reply && a->commands[i].type == GATE_NOTIFY)
			err = put_event(arena, &a->commands[i].event, &command[i]);
	}
	*ret_action = w;
	return err;
}

/* The bodies, so that one init on the stack does for whichever is used */
union body_space {
	Gate__Request request;
	Gate__Reply reply;
	Gate__Pending pending;
	Gate__Acknowledge acknowledge;
	Gate__Error error;
	Gate__Heartbeat heartbeat;
};

static int put_body(struct gate_arena *arena, const struct gate_message *m, union body_space *b,
		    Gate__Envelope *w)
{
	switch (m->body) {
	case GATE_BODY_REQUEST:
		gate__request__init(&b->request);
		w->body_case = GATE__ENVELOPE__BODY_REQUEST;
		w->request = &b->request;
		return put_action(arena, &m->action, false, &b->request.action);
	case GATE_BODY_REPLY:
		gate__reply__init(&b->reply);
		w->body_case = GATE__ENVELOPE__BODY_REPLY;
		w->reply = &b->reply;
		SET_IF(&b->reply, code, m->code);
		b->reply.text = text_of(m->text);
		return m->code ? 0 : put_action(arena, &m->action, true, &b->reply.action);
	case GATE_BODY_PENDING:
		gate__pending__init(&b->pending);
		w->body_case = GATE__ENVELOPE__BODY_PENDING;
		w->pending = &b->pending;
		return 0;
	case GATE_BODY_ACK:
		gate__acknowledge__init(&b->acknowledge);
		w->body_case = GATE__ENVELOPE__BODY_ACKNOWLEDGE;
		w->acknowledge = &b->acknowledge;
		SET(&b->acknowledge, first, m->transaction);
		SET(&b->acknowledge, last, m->transaction_last);
		return 0;
	case GATE_BODY_ERROR:
		gate__error__init(&b->error);
		w->body_case = GATE__ENVELOPE__BODY_ERROR;
		w->error = &b->error;
		SET(&b->error, code, m->code);
		b->error.text = text_of(m->text);
		return 0;
	case GATE_BODY_HEARTBEAT:
		gate__heartbeat__init(&b->heartbeat);
		w->body_case = GATE__ENVELOPE__BODY_HEARTBEAT;
		w->heartbeat = &b->heartbeat;
		SET(&b->heartbeat, number, m->transaction);
		SET_IF(&b->heartbeat, answer, m->transaction_last != 0);
		return 0;
	default:
		return -EINVAL;
	}
}

int gate_message_encode(const struct gate_message *m, uint8_t *buf, size_t size_bytes,
			size_t *ret_bytes)
{
	struct gate_arena arena;
	Gate__Envelope w;
	union body_space body;
	size_t need;
	int err;

	gate_arena_init(&arena);
	gate__envelope__init(&w);
	SET(&w, version, m->version);
	w.sender = text_of(m->sender);
	SET(&w, epoch, m->epoch);
	if (m->body != GATE_BODY_ACK && m->body != GATE_BODY_HEARTBEAT)
		SET_IF(&w, transaction, m->transaction);
	err = put_body(&arena, m, &body, &w);
	if (err)
		return err;
	need = gate__envelope__get_packed_size(&w);
	if (need > size_bytes)
		return -EMSGSIZE;
	*ret_bytes = gate__envelope__pack(&w, buf);
	return 0;
}
