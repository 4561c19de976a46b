/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_show - calls as an operator sees them: the list, and one call with its legs, gates and media.
 *
 * The counters are the dbe's, and it may take its time: what it is asked for a call lives in that call's list and
 * ends with the call's gate, so nobody is answered for a call that is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/admin.h"
#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_show.h"
#include "sbe/call/call_verdict.h"

#define LIST_MAX 10000U

static uint64_t age_s(uint64_t since_ms)
{
	return (clock_now_ms() - since_ms) / 1000;
}

static int list_one(void *obj, void *arg)
{
	struct call *call = obj;
	json_t *table = arg;

	admin_row(table,
		  json_pack("[s,s,s,s,s,s,I,s]", call->token, fsm_state_name(&call->fsm),
			    call->legs[0].peer ? call->legs[0].peer->name : "",
			    call->legs[1].peer ? call->legs[1].peer->name : "",
			    call->caller ? call->caller : "", call->callee ? call->callee : "",
			    (json_int_t)age_s(call->answer_ms ? call->answer_ms : call->invite_ms),
			    call->dbe));
	return json_array_size(json_object_get(table, "rows")) >= LIST_MAX;
}

json_t *call_list(struct call_core *core)
{
	static const char *const columns[] = {"call",   "state",   "from", "to", "calling",
					      "called", "seconds", "dbe",  NULL};
	json_t *table = admin_table(columns);

	table_each(core->calls, list_one, table);
	return table;
}

static json_t *show_leg(const struct call *call, const struct leg *leg)
{
	char text[ADDR_TEXT_BYTES];

	if (!leg->peer)
		return json_null();
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "peer", leg->peer->name, "realm",
			 leg->peer->conf->realm, "address",
			 addr_print(&call->sip_addr[leg->side], text, sizeof(text)), "transport",
			 transport_proto_name(leg->dialog.target.proto), "call_id",
			 leg->dialog.call_id ? leg->dialog.call_id : "", "local_tag",
			 leg->dialog.local_tag ? leg->dialog.local_tag : "", "remote_tag",
			 leg->dialog.remote_tag ? leg->dialog.remote_tag : "", "remote_target",
			 leg->dialog.remote_target ? leg->dialog.remote_target : "");
}

static const char *direction_name(uint8_t d)
{
	static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	return names[d & 3];
}

static json_t *show_addr(const struct addr *a)
{
	char text[ADDR_TEXT_BYTES];

	return a->family ? json_string(addr_print(a, text, sizeof(text))) : json_null();
}

static json_t *show_payloads(const uint64_t payloads[2])
{
	json_t *list = json_array();

	for (int n = 0; n < 128; n++) {
		if (payloads[n / 64] >> (n % 64) & 1)
			json_array_append_new(list, json_integer(n));
	}
	return list;
}

/* ---- what the dbe counts ---- */

static void show_counters(json_t *o, const struct gate_stream *g)
{
	const struct gate_statistics *s = &g->statistics;
	json_t *drops = json_object();

	for (int i = 0; i < GATE_DROPS; i++) {
		if (s->drops[i])
			json_object_set_new(drops, gate_drop_name(i),
					    json_integer((json_int_t)s->drops[i]));
	}
	json_object_set_new(o, "gate", json_string(gate_mode_name(g->mode)));
	json_object_set_new(o, "packets_in", json_integer((json_int_t)s->packets_in));
	json_object_set_new(o, "packets_out", json_integer((json_int_t)s->packets_out));
	json_object_set_new(o, "bytes_in", json_integer((json_int_t)s->bytes_in));
	json_object_set_new(o, "bytes_out", json_integer((json_int_t)s->bytes_out));
	json_object_set_new(o, "lost", json_integer((json_int_t)s->lost));
	json_object_set_new(o, "jitter_ms", json_real(s->jitter_us / 1000.0));
	if (json_object_size(drops))
		json_object_set(o, "drops", drops);
	json_decref(drops);
}

/* What that side said, where we are towards it, and what the dbe has seen of it; g may be NULL. */
static json_t *show_side(const struct call_stream *s, int side, const struct gate_stream *g)
{
	json_t *o = json_pack("{s:o,s:s,s:o,s:o}", "address", show_addr(&s->remote_rtp[side]),
			      "says", direction_name(s->direction[side]), "payloads",
			      show_payloads(s->payloads[side]), "relay",
			      show_addr(&s->local_rtp[side]));

	if (s->latched[side].family)
		json_object_set_new(o, "latched", show_addr(&s->latched[side]));
	if (s->stray[side].family)
		json_object_set_new(o, "unexpected_source", show_addr(&s->stray[side]));
	if (g)
		show_counters(o, g);
	return o;
}

static json_t *show_streams(const struct call *call, const struct gate_final *final)
{
	json_t *streams = json_array();

	for (size_t i = 0; i < call->nstreams; i++) {
		const struct call_stream *s = &call->streams[i];

		json_array_append_new(
			streams,
			json_pack("{s:i,s:b,s:o,s:o}", "stream", (int)i + 1, "active", s->active,
				  "caller", show_side(s, 0, call_verdict_stream(final, 0, i)),
				  "callee", show_side(s, 1, call_verdict_stream(final, 1, i))));
	}
	return streams;
}

/* ---- one call ---- */

static json_t *show_attempts(const struct call *call)
{
	json_t *list = json_array();

	for (size_t i = 0; i < call->nattempts; i++) {
		const struct call_attempt *a = &call->attempts[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:i}", "hop", a->hop, "result",
						a->result ? a->result : "", "status", a->status));
	}
	return list;
}

/* @param final what the dbe says, or NULL; counters says which. @return NULL: out of memory. */
static json_t *show(const struct call *call, const struct gate_final *final, const char *counters)
{
	char text[CALL_VERDICT_BYTES];
	json_t *o = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:I,s:o,s:o,s:s,s:I,s:o,s:s}", "call", call->token,
		"state", fsm_state_name(&call->fsm), "calling", call->caller ? call->caller : "",
		"called", call->callee ? call->callee : "", "called_sent",
		call->called_sent ? call->called_sent : "", "route", call->route, "attempts",
		show_attempts(call), "seconds",
		(json_int_t)age_s(call->answer_ms ? call->answer_ms : call->invite_ms),
		"caller_leg", show_leg(call, &call->legs[0]), "callee_leg",
		show_leg(call, &call->legs[1]), "dbe", call->dbe, "context",
		(json_int_t)call->context_id, "streams", show_streams(call, final), "counters",
		counters);

	if (!o)
		return NULL;
	if (call->direct.why) {
		json_object_set_new(o, "media_path",
				    json_string(call->direct.on ? "direct" : "relay"));
		json_object_set_new(o, "media_why", json_string(call->direct.why));
	}
	call_verdict(call, final, text, sizeof(text));
	if (text[0])
		json_object_set_new(o, "text", json_string(text));
	return o;
}

/* ---- asking the dbe ---- */

#define ASKING_MS 1500U /* an operator waits no longer than that; requests of the dbe may */
#define ASKING_MAX 64U  /* of all calls */

/* In its call's list from the question until the dbe's answer, or until the gate is closed and none will come. */
struct call_asking {
	LIST_ENTRY(call_asking) link;
	struct call *call;
	call_show_h *done; /* NULL: has been called */
	void *arg;
	struct timer deadline;
};

static void asking_free(struct call_asking *q)
{
	timer_stop(&q->deadline);
	LIST_REMOVE(q, link);
	q->call->core->asking--;
	mem_unref(q);
}

static void deadline(void *arg)
{
	struct call_asking *q = arg;
	call_show_h *done = q->done;

	q->done = NULL;
	done(q->arg, show(q->call, NULL, "the dbe does not answer"));
}

static const char *reason(int err)
{
	if (err == -EBUSY)
		return "no gate is open yet";
	if (err == -EHOSTDOWN)
		return "the dbe is not connected";
	if (err == -EPROTO)
		return "the dbe refuses to tell";
	if (err == -ENOMEM)
		return "out of memory";
	return "the dbe does not answer";
}

static void audited(void *arg, int err, const struct gate_final *final)
{
	struct call_asking *q = arg;
	struct call *call = q->call;
	call_show_h *done = q->done;
	void *done_arg = q->arg;

	asking_free(q);
	if (done)
		done(done_arg, err ? show(call, NULL, reason(err))
				   : show(call, final, "as the dbe counts now"));
}

void call_show_settle(struct call *call)
{
	struct call_asking *q;

	while ((q = LIST_FIRST(&call->asking))) {
		call_show_h *done = q->done;
		void *arg = q->arg;

		asking_free(q);
		if (done)
			done(arg, show(call, NULL, "the gates are being closed"));
	}
}

int call_show(struct call_core *core, const char *token, call_show_h *done, void *arg)
{
	int err;
	struct call *call = call_find(core, token, &err);
	struct call_asking *q;

	if (!call)
		return err;
	if (!call->gate || core->asking >= ASKING_MAX) {
		done(arg, show(call, NULL,
			       call->gate        ? "too many ask at once"
			       : call->direct.on ? "media go from end to end, no dbe counts them"
						 : "there are no gates"));
		return 0;
	}
	q = mem_zalloc(sizeof(*q), NULL);
	if (!q)
		return -ENOMEM;
	q->call = call;
	q->done = done;
	q->arg = arg;
	LIST_INSERT_HEAD(&call->asking, q, link);
	core->asking++;
	err = gate_audit(call->gate, audited, q);
	if (err) {
		asking_free(q);
		done(arg, show(call, NULL, reason(err)));
		return 0;
	}
	timer_start(core->o.wheel, &q->deadline, ASKING_MS, deadline, q);
	return 0;
}
