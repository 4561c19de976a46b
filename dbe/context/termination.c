/* SPDX-License-Identifier: Apache-2.0 */
/*
 * termination - Add, Modify, Subtract and AuditValue of one termination. Each either takes effect as a whole or
 * not at all: everything that can fail comes first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "dbe/context/context_private.h"
#include "proto/result.h"

void command_result(struct gate_command *reply, uint16_t code, const char *text)
{
	reply->code = code;
	text_copy(reply->text, sizeof(reply->text), text ? text : gate_result_text(code));
	metric_add(&context_metrics, CONTEXT_FAILED, 1);
}

void termination_name(const struct termination *t, char ret_name[GATE_NAME_BYTES])
{
	struct text_out name;

	text_start(&name, ret_name, GATE_NAME_BYTES);
	text_add_bytes(&name, t->realm, strnlen(t->realm, 50));
	text_add(&name, "/");
	text_add_number(&name, t->number);
}

struct termination *termination_find(const struct context *c, const char *name)
{
	char own[GATE_NAME_BYTES];

	for (size_t i = 0; i < c->nterminations; i++) {
		termination_name(c->terminations[i], own);
		if (strcmp(own, name) == 0)
			return c->terminations[i];
	}
	return NULL;
}

static struct context_stream *termination_stream(struct termination *t, uint32_t id)
{
	for (size_t i = 0; i < t->nstreams; i++) {
		if (t->streams[i].id == id)
			return &t->streams[i];
	}
	return NULL;
}

/* Why a stream could not be opened: the pool, the port, the address and the process each have their own code. */
static void result_of_open(struct gate_command *reply, int err)
{
	char text[GATE_TEXT_BYTES];

	switch (err) {
	case -ENOSPC:
		command_result(reply, GATE_ERR_NONE_AVAILABLE, NULL);
		return;
	case -ENOENT:
		command_result(reply, GATE_ERR_REALM, "no such realm");
		return;
	case -EAFNOSUPPORT:
		command_result(reply, GATE_ERR_REALM, "realm has no address of this family");
		return;
	case -ENETDOWN:
	case -EADDRNOTAVAIL:
		command_result(reply, GATE_ERR_REALM,
			       "realm is down: its address is not on this host");
		return;
	case -EINVAL:
		command_result(reply, GATE_ERR_VALUE,
			       "local address is not one of the realm's pairs");
		return;
	case -EBUSY:
		command_result(reply, GATE_ERR_BIND, "local address is in use or rests");
		return;
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
		snprintf(text, sizeof(text), "insufficient resources: %s", strerror(-err));
		command_result(reply, GATE_ERR_RESOURCES, text);
		return;
	default:
		snprintf(text, sizeof(text), "a media address could not be bound: %s",
			 strerror(-err));
		command_result(reply, GATE_ERR_BIND, text);
	}
}

/* @return true if the settings can work, else the reply says why not. */
static bool settings_ok(const struct context *c, const struct flow_settings *s, uint8_t family,
			struct gate_command *reply)
{
	const char *wrong = flow_settings_wrong(s, family);

	if (!wrong)
		wrong = context_own_wrong(c, &s->remote_rtp);
	if (!wrong)
		wrong = context_own_wrong(c, &s->remote_rtcp);
	if (wrong)
		command_result(reply, GATE_ERR_VALUE, wrong);
	return !wrong;
}

/* The family to open in: as asked; else that of the far end, each stream its own (RFC 5118 4.8); else that of the
 * streams before it. */
static uint8_t stream_family(const struct termination *t, const struct gate_command *request,
			     const struct flow_settings *s)
{
	if (request->family)
		return request->family;
	if (s->remote_rtp.family)
		return s->remote_rtp.family;
	return t->nstreams ? flow_family(t->streams[0].flow) : ADDR_NONE;
}

/* Open one stream at the end of t's list; it is not joined yet. */
static bool stream_open(struct termination *t, const struct gate_command *request,
			const struct gate_stream *wire, struct gate_command *reply)
{
	struct context_stream *st = &t->streams[t->nstreams];
	struct flow_settings base, settings;
	struct flow_place place = {.realm = t->realm};
	int err;

	if (t->nstreams == GATE_STREAMS_MAX) {
		command_result(reply, GATE_ERR_RESOURCES, "too many streams in a termination");
		return false;
	}
	stream_settings_default(&base);
	stream_settings(wire, &base, &settings);
	place.family = stream_family(t, request, &settings);
	/* What can be refused is refused before a port is taken. */
	if (place.family && !settings_ok(t->context, &settings, place.family, reply))
		return false;
	if (t->nstreams)
		place.near = t->streams[0].flow;
	if (wire->has & GATE_HAS_LOCAL)
		place.local = &wire->local_rtp;
	err = flow_open(t->context->store->o.host, &place, &settings, &st->flow);
	if (err) {
		result_of_open(reply, err);
		return false;
	}
	st->id = wire->id;
	st->termination = t;
	t->nstreams++;
	if (!settings_ok(t->context, &settings, flow_family(st->flow), reply))
		return false;
	flow_on_event(st->flow, stream_on_flow_event, st);
	return true;
}

/* Close the streams from the nth on. */
static void streams_close_from(struct termination *t, size_t n)
{
	while (t->nstreams > n) {
		struct context_stream *st = &t->streams[--t->nstreams];

		st->flow = flow_close(st->flow);
	}
}

/* Streams of the same id on both terminations relay to each other. */
static void streams_join_from(struct termination *t, size_t n)
{
	struct context *c = t->context;

	for (size_t i = 0; i < c->nterminations; i++) {
		struct termination *other = c->terminations[i];

		for (size_t k = n; other != t && k < t->nstreams; k++) {
			struct context_stream *st = termination_stream(other, t->streams[k].id);

			if (st)
				flow_join(t->streams[k].flow, st->flow);
		}
	}
}

static void put_streams(const struct termination *t, size_t from, struct gate_command *reply,
			void (*put)(const struct flow *f, struct gate_stream *wire))
{
	reply->nstreams = 0;
	for (size_t i = from; i < t->nstreams; i++) {
		struct gate_stream *wire = &reply->streams[reply->nstreams++];

		gate_stream_clear(wire);
		wire->id = t->streams[i].id;
		put(t->streams[i].flow, wire);
	}
}

/* The pool's own copy of a realm's name lives as long as we need it. */
static const char *realm_name(const struct context_store *s, const char *name)
{
	struct pool_realm_view v;

	for (size_t i = 0; pool_realm_view(s->o.host->pool, i, &v) == 0; i++) {
		if (strcmp(v.name, name) == 0)
			return v.name;
	}
	return NULL;
}

static bool add_allowed(const struct context *c, const struct gate_command *request,
			struct gate_command *reply)
{
	uint16_t code = 0;

	if (c->store->draining && !c->emergency)
		code = GATE_ERR_UNAVAILABLE;
	else if (request->ref != GATE_REF_CHOOSE) /* ours are all ephemeral: the dbe names them */
		code = termination_find(c, request->termination) ? GATE_ERR_IN_CONTEXT
								 : GATE_ERR_TERMINATION;
	else if (c->nterminations == CONTEXT_TERMINATIONS_MAX)
		code = GATE_ERR_CONTEXT_FULL;
	else if (!request->nstreams)
		code = GATE_ERR_MISSING;
	else if (!realm_name(c->store, request->realm))
		code = GATE_ERR_REALM;
	if (code)
		command_result(reply, code, NULL);
	return code == 0;
}

void termination_add(struct context *c, const struct gate_command *request,
		     struct gate_command *reply)
{
	struct termination *t;

	if (!add_allowed(c, request, reply))
		return;
	t = mem_zalloc(sizeof(*t), NULL);
	if (!t) {
		command_result(reply, GATE_ERR_RESOURCES, NULL);
		return;
	}
	t->context = c;
	t->realm = realm_name(c->store, request->realm);
	t->number = c->store->next_termination++;
	for (size_t i = 0; i < request->nstreams; i++) {
		if (!stream_open(t, request, &request->streams[i], reply)) {
			streams_close_from(t, 0);
			mem_unref(t);
			return;
		}
	}
	c->terminations[c->nterminations++] = t;
	streams_join_from(t, 0);
	termination_name(t, reply->termination);
	text_copy(reply->realm, sizeof(reply->realm), t->realm);
	put_streams(t, 0, reply, stream_put_local);
	metric_add(&context_metrics, CONTEXT_ADDED, 1);
}

/* Check the change of a stream that exists. */
static bool modify_ok(const struct context_stream *st, const struct gate_stream *wire,
		      struct gate_command *reply)
{
	struct flow_settings settings;
	struct addr local;

	if (wire->has & GATE_HAS_LOCAL) {
		flow_local(st->flow, PATH_RTP, &local);
		if (!addr_equal(&local, &wire->local_rtp)) {
			command_result(reply, GATE_ERR_VALUE, "a local address cannot be changed");
			return false;
		}
	}
	stream_settings(wire, flow_settings_of(st->flow), &settings);
	return settings_ok(st->termination->context, &settings, flow_family(st->flow), reply);
}

void termination_modify(struct termination *t, const struct gate_command *request,
			struct gate_command *reply)
{
	struct flow_settings settings;
	size_t had = t->nstreams;

	termination_name(t, reply->termination);
	for (size_t i = 0; i < request->nstreams; i++) {
		const struct gate_stream *wire = &request->streams[i];
		struct context_stream *st = termination_stream(t, wire->id);

		if (st ? !modify_ok(st, wire, reply) : !stream_open(t, request, wire, reply)) {
			streams_close_from(t, had);
			return;
		}
	}
	/* From here nothing fails. */
	for (size_t i = 0; i < request->nstreams; i++) {
		const struct gate_stream *wire = &request->streams[i];
		struct context_stream *st = termination_stream(t, wire->id);

		if (st < &t->streams[had]) {
			stream_settings(wire, flow_settings_of(st->flow), &settings);
			flow_change(st->flow, &settings);
		}
	}
	streams_join_from(t, had);
	put_streams(t, had, reply, stream_put_local);
}

void termination_audit(const struct termination *t, struct gate_command *reply)
{
	termination_name(t, reply->termination);
	text_copy(reply->realm, sizeof(reply->realm), t->realm);
	put_streams(t, 0, reply, stream_put_all);
}

void termination_close(struct termination *t)
{
	struct context *c = t->context;
	struct flow_view v;

	for (size_t i = 0; i < t->nstreams; i++) {
		flow_read(t->streams[i].flow, &v);
		metric_add(&context_metrics, CONTEXT_LOST, (int64_t)v.counters.lost);
	}
	streams_close_from(t, 0);
	for (size_t i = 0; i < c->nterminations; i++) {
		if (c->terminations[i] == t) {
			c->terminations[i] = c->terminations[--c->nterminations];
			break;
		}
	}
	metric_add(&context_metrics, CONTEXT_SUBTRACTED, 1);
	mem_unref(t);
}

void termination_subtract(struct termination *t, struct gate_command *reply)
{
	termination_name(t, reply->termination);
	put_streams(t, 0, reply, stream_put_statistics);
	termination_close(t);
}
