/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_record - one CDR per call attempt of a known peer, whether it was answered, failed or refused.
 *
 * Field names are for operators' tools and do not change their meaning; absent = not known. Times are
 * UTC with milliseconds, durations milliseconds from the monotonic clock (a clock step cannot falsify them).
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_private.h"

static void put_text(json_t *o, const char *key, const char *text)
{
	char safe[512];
	json_t *value;
	size_t n = 0;

	if (!text || !text[0])
		return;
	value = json_string(text);
	if (!value) { /* not UTF-8: one '?' per byte that is not ASCII */
		for (; text[n] && n + 1 < sizeof(safe); n++)
			safe[n] = (unsigned char)text[n] < 0x80 ? text[n] : '?';
		safe[n] = 0;
		value = json_string(safe);
	}
	json_object_set_new(o, key, value);
}

static void put_int(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void put_time(json_t *o, const char *key, uint64_t wall_ms)
{
	char text[32];

	if (!wall_ms)
		return;
	clock_print(wall_ms, text, sizeof(text));
	put_text(o, key, text);
}

static void put_addr(json_t *o, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_BYTES];

	if (a->family)
		put_text(o, key, addr_print(a, text, sizeof(text)));
}

/* What came in from one side of one stream. */
static json_t *media_side(const struct gate_stream *g)
{
	const struct gate_statistics *s = &g->statistics;
	json_t *o = json_object();
	uint64_t dropped = 0;

	put_addr(o, "local", &g->local_rtp);
	put_addr(o, "remote", &g->remote_rtp);
	put_int(o, "packets_in", s->packets_in);
	put_int(o, "bytes_in", s->bytes_in);
	put_int(o, "packets_out", s->packets_out);
	put_int(o, "bytes_out", s->bytes_out);
	put_int(o, "lost", s->lost);
	put_int(o, "jitter_us", s->jitter_us);
	put_int(o, "jitter_max_us", s->jitter_max_us);
	for (int i = 0; i < GATE_DROPS; i++)
		dropped += s->drops[i];
	put_int(o, "dropped", dropped);
	if (s->drops[GATE_DROP_SOURCE])
		put_int(o, "dropped_source", s->drops[GATE_DROP_SOURCE]);
	return o;
}

static json_t *media(const struct gate_final *final)
{
	json_t *list = json_array();
	size_t n = final->terminations[0].nstreams;

	for (size_t i = 0; i < n && final->nterminations == 2; i++) {
		json_t *o = json_object();

		put_int(o, "stream", final->terminations[0].streams[i].id);
		json_object_set_new(o, "caller", media_side(&final->terminations[0].streams[i]));
		if (i < final->terminations[1].nstreams)
			json_object_set_new(o, "callee",
					    media_side(&final->terminations[1].streams[i]));
		json_array_append_new(list, o);
	}
	return list;
}

static void put_leg(const struct call *call, json_t *o, const struct leg *leg, const char *side)
{
	char key[32];

	if (!leg->peer)
		return;
	snprintf(key, sizeof(key), "%s_peer", side);
	put_text(o, key, leg->peer->name);
	snprintf(key, sizeof(key), "%s_realm", side);
	put_text(o, key, leg->peer->conf->realm);
	snprintf(key, sizeof(key), "%s_address", side);
	put_addr(o, key, &call->sip_addr[leg->side]);
	snprintf(key, sizeof(key), "%s_transport", side);
	put_text(o, key, transport_proto_name(leg->dialog.target.proto));
}

static json_t *attempts(const struct call *call)
{
	json_t *list = json_array();

	for (size_t i = 0; i < call->nattempts; i++) {
		json_t *o = json_object();

		put_text(o, "hop", call->attempts[i].hop);
		put_text(o, "result", call->attempts[i].result);
		if (call->attempts[i].status)
			put_int(o, "status", (uint64_t)call->attempts[i].status);
		json_array_append_new(list, o);
	}
	return list;
}

static const char *by_name(enum call_by by)
{
	return by == CALL_BY_CALLER ? "caller" : by == CALL_BY_CALLEE ? "callee" : "sbe";
}

static void put_times(const struct call *call, json_t *o)
{
	put_time(o, "invite_time", call->invite_wall_ms);
	put_time(o, "ring_time", call->ring_wall_ms);
	put_time(o, "answer_time", call->answer_wall_ms);
	put_time(o, "end_time", call->end_wall_ms);
	put_int(o, "duration_ms", call->answer_ms ? call->end_ms - call->answer_ms : 0);
	put_int(o, "setup_ms",
		(call->answer_ms ? call->answer_ms : call->end_ms) - call->invite_ms);
	if (call->ring_ms)
		put_int(o, "pdd_ms", call->ring_ms - call->invite_ms);
}

json_t *call_record_json(const struct call *call, const struct gate_final *final)
{
	json_t *o = json_object();

	put_text(o, "type", call->answer_ms ? "stop" : "fail");
	put_text(o, "call", call->token);
	put_leg(call, o, &call->legs[0], "ingress");
	put_leg(call, o, &call->legs[1], "egress");
	put_text(o, "a_call_id", call->a_call_id);
	put_text(o, "b_call_id", call->legs[1].dialog.call_id);
	put_text(o, "route", call->route);
	put_text(o, "calling", call->caller);
	put_text(o, "called", call->callee);
	put_text(o, "called_sent", call->called_sent);
	put_times(call, o);
	put_int(o, "status", (uint64_t)call->status);
	put_text(o, "cause", call->cause);
	put_text(o, "released_by", by_name(call->released_by));
	json_object_set_new(o, "attempts", attempts(call));
	put_text(o, "dbe", call->dbe);
	if (call->context_id)
		put_int(o, "context", call->context_id);
	if (final)
		json_object_set_new(o, "media", media(final));
	return o;
}

void call_record(struct call *call, const struct gate_final *final)
{
	if (call->recorded)
		return;
	call->recorded = true;
	if (call->core->o.cdr)
		cdr_write(call->core->o.cdr, call_record_json(call, final));
}

void call_record_refused(struct call_core *core, const struct wire_msg *m, const struct peer *p,
			 int status, const char *cause)
{
	struct wire_party from;
	struct wire_uri to;
	char text[256];
	json_t *o;

	if (!core->o.cdr)
		return;
	o = json_object();
	wire_from(m, &from);
	wire_request_uri(m, &to);
	put_text(o, "type", "refused");
	put_text(o, "ingress_peer", p->name);
	put_text(o, "ingress_realm", p->conf->realm);
	put_text(o, "a_call_id", wire_text_copy(wire_call_id(m), text, sizeof(text)));
	put_text(o, "calling", wire_text_copy(from.uri.text, text, sizeof(text)));
	put_text(o, "called", wire_text_copy(to.text, text, sizeof(text)));
	put_time(o, "invite_time", clock_wall_ms());
	put_time(o, "end_time", clock_wall_ms());
	put_int(o, "duration_ms", 0);
	put_int(o, "status", (uint64_t)status);
	put_text(o, "cause", cause);
	put_text(o, "released_by", "sbe");
	cdr_write(core->o.cdr, o);
}
