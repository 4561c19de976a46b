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
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_record.h"

static void put_time(struct cdr_text *t, const char *key, uint64_t wall_ms)
{
	char text[32];

	if (!wall_ms)
		return;
	clock_print(wall_ms, text, sizeof(text));
	cdr_text_string(t, key, text);
}

static void put_addr(struct cdr_text *t, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_BYTES];

	if (a->family)
		cdr_text_string(t, key, addr_print(a, text, sizeof(text)));
}

/* What came in from one side of one stream. */
static void put_media_side(struct cdr_text *t, const char *key, const struct gate_stream *g)
{
	const struct gate_statistics *s = &g->statistics;
	uint64_t dropped = 0;

	for (int i = 0; i < GATE_DROPS; i++)
		dropped += s->drops[i];
	cdr_text_open(t, key, '{');
	put_addr(t, "local", &g->local_rtp);
	put_addr(t, "remote", &g->remote_rtp);
	cdr_text_number(t, "packets_in", s->packets_in);
	cdr_text_number(t, "bytes_in", s->bytes_in);
	cdr_text_number(t, "packets_out", s->packets_out);
	cdr_text_number(t, "bytes_out", s->bytes_out);
	cdr_text_number(t, "lost", s->lost);
	cdr_text_number(t, "jitter_us", s->jitter_us);
	cdr_text_number(t, "jitter_max_us", s->jitter_max_us);
	cdr_text_number(t, "dropped", dropped);
	if (s->drops[GATE_DROP_SOURCE])
		cdr_text_number(t, "dropped_source", s->drops[GATE_DROP_SOURCE]);
	cdr_text_close(t, '}');
}

static void put_media(struct cdr_text *t, const struct gate_final *final)
{
	cdr_text_open(t, "media", '[');
	for (size_t i = 0; final->nterminations == 2 && i < final->terminations[0].nstreams; i++) {
		cdr_text_open(t, NULL, '{');
		cdr_text_number(t, "stream", final->terminations[0].streams[i].id);
		put_media_side(t, "caller", &final->terminations[0].streams[i]);
		if (i < final->terminations[1].nstreams)
			put_media_side(t, "callee", &final->terminations[1].streams[i]);
		cdr_text_close(t, '}');
	}
	cdr_text_close(t, ']');
}

static void put_leg(const struct call *call, struct cdr_text *t, const struct leg *leg)
{
	static const char *const keys[2][4] = {
		{"ingress_peer", "ingress_realm", "ingress_address", "ingress_transport"},
		{"egress_peer", "egress_realm", "egress_address", "egress_transport"}};
	const char *const *key = keys[leg->side];

	if (!leg->peer)
		return;
	cdr_text_string(t, key[0], leg->peer->name);
	cdr_text_string(t, key[1], leg->peer->conf->realm);
	put_addr(t, key[2], &call->sip_addr[leg->side]);
	cdr_text_string(t, key[3], transport_proto_name(leg->dialog.target.proto));
}

static void put_attempts(const struct call *call, struct cdr_text *t)
{
	cdr_text_open(t, "attempts", '[');
	for (size_t i = 0; i < call->nattempts; i++) {
		cdr_text_open(t, NULL, '{');
		cdr_text_string(t, "hop", call->attempts[i].hop);
		cdr_text_string(t, "result", call->attempts[i].result);
		if (call->attempts[i].status)
			cdr_text_number(t, "status", (uint64_t)call->attempts[i].status);
		cdr_text_close(t, '}');
	}
	cdr_text_close(t, ']');
}

static const char *by_name(enum call_by by)
{
	return by == CALL_BY_CALLER ? "caller" : by == CALL_BY_CALLEE ? "callee" : "sbe";
}

static void put_times(const struct call *call, struct cdr_text *t)
{
	put_time(t, "invite_time", call->invite_wall_ms);
	put_time(t, "ring_time", call->ring_wall_ms);
	put_time(t, "answer_time", call->answer_wall_ms);
	put_time(t, "end_time", call->end_wall_ms);
	cdr_text_number(t, "duration_ms", call->answer_ms ? call->end_ms - call->answer_ms : 0);
	cdr_text_number(t, "setup_ms",
			(call->answer_ms ? call->answer_ms : call->end_ms) - call->invite_ms);
	if (call->ring_ms)
		cdr_text_number(t, "pdd_ms", call->ring_ms - call->invite_ms);
}

static void put_call(const struct call *call, const struct gate_final *final, struct cdr_text *t)
{
	cdr_text_string(t, "type", call->answer_ms ? "stop" : "fail");
	cdr_text_string(t, "call", call->token);
	put_leg(call, t, &call->legs[0]);
	put_leg(call, t, &call->legs[1]);
	cdr_text_string(t, "a_call_id", call->a_call_id);
	cdr_text_string(t, "b_call_id", call->legs[1].dialog.call_id);
	cdr_text_string(t, "route", call->route);
	cdr_text_string(t, "calling", call->caller);
	cdr_text_string(t, "called", call->callee);
	cdr_text_string(t, "called_sent", call->called_sent);
	put_times(call, t);
	cdr_text_number(t, "status", (uint64_t)call->status);
	cdr_text_string(t, "cause", call->cause);
	cdr_text_string(t, "released_by", by_name(call->released_by));
	put_attempts(call, t);
	if (call->direct.why)
		cdr_text_string(t, "media_path", call->direct.on ? "direct" : "relay");
	cdr_text_string(t, "dbe", call->dbe);
	if (call->context_id)
		cdr_text_number(t, "context", call->context_id);
	if (final)
		put_media(t, final);
}

void call_record(struct call *call, const struct gate_final *final)
{
	char buf[CDR_TEXT_BYTES];
	struct cdr_text t;

	if (call->recorded)
		return;
	call->recorded = true;
	call_past_keep(call);
	if (!call->core->o.cdr)
		return;
	cdr_text_init(&t, buf, sizeof(buf));
	put_call(call, final, &t);
	cdr_write(call->core->o.cdr, &t);
}

void call_record_refused(struct call_core *core, const struct wire_msg *m, const struct peer *p,
			 int status, const char *cause)
{
	struct wire_party from;
	struct wire_uri to;
	char text[256], buf[4096];
	struct cdr_text record, *t = &record;

	call_quality_refused((struct peer *)(uintptr_t)p, status);
	call_past_refused(core, m, p, status, cause);
	if (!core->o.cdr)
		return;
	cdr_text_init(t, buf, sizeof(buf));
	wire_from(m, &from);
	wire_request_uri(m, &to);
	cdr_text_string(t, "type", "refused");
	cdr_text_string(t, "ingress_peer", p->name);
	cdr_text_string(t, "ingress_realm", p->conf->realm);
	cdr_text_string(t, "a_call_id", wire_text_copy(wire_call_id(m), text, sizeof(text)));
	cdr_text_string(t, "calling", wire_text_copy(from.uri.text, text, sizeof(text)));
	cdr_text_string(t, "called", wire_text_copy(to.text, text, sizeof(text)));
	put_time(t, "invite_time", clock_wall_ms());
	put_time(t, "end_time", clock_wall_ms());
	cdr_text_number(t, "duration_ms", 0);
	cdr_text_number(t, "status", (uint64_t)status);
	cdr_text_string(t, "cause", cause);
	cdr_text_string(t, "released_by", "sbe");
	cdr_write(core->o.cdr, t);
}
