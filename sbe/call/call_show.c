/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_show - calls as an operator sees them: the list, and one call with its legs, gates and media.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/admin.h"
#include "common/clock.h"
#include "sbe/call/call_private.h"

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

static json_t *show_stream(const struct call *call, size_t i)
{
	const struct call_stream *s = &call->streams[i];
	char text[4][ADDR_TEXT_BYTES];

	return json_pack(
		"{s:i,s:b,s:s,s:s,s:s,s:s,s:s,s:s}", "stream", (int)i + 1, "active", s->active,
		"caller", addr_print(&s->remote_rtp[0], text[0], sizeof(text[0])),
		"caller_side_relay", addr_print(&s->local_rtp[0], text[1], sizeof(text[1])),
		"caller_says", direction_name(s->direction[0]), "callee_side_relay",
		addr_print(&s->local_rtp[1], text[2], sizeof(text[2])), "callee",
		addr_print(&s->remote_rtp[1], text[3], sizeof(text[3])), "callee_says",
		direction_name(s->direction[1]));
}

int call_show(struct call_core *core, const char *token, json_t **ret_object)
{
	int err;
	struct call *call = call_find(core, token, &err);
	json_t *o, *streams;

	if (!call)
		return err;
	streams = json_array();
	for (size_t i = 0; i < call->nstreams; i++)
		json_array_append_new(streams, show_stream(call, i));
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:s,s:I,s:o}", "call", call->token,
		      "state", fsm_state_name(&call->fsm), "calling",
		      call->caller ? call->caller : "", "called", call->callee ? call->callee : "",
		      "called_sent", call->called_sent ? call->called_sent : "", "route",
		      call->route, "seconds",
		      (json_int_t)age_s(call->answer_ms ? call->answer_ms : call->invite_ms),
		      "caller_leg", show_leg(call, &call->legs[0]), "callee_leg",
		      show_leg(call, &call->legs[1]), "dbe", call->dbe, "context",
		      (json_int_t)call->context_id, "streams", streams);
	if (!o)
		return -ENOMEM;
	if (call->silent)
		json_object_set_new(
			o, "text",
			json_string(call->silent == 3 ? "No media arrives from either side."
				    : call->silent == 1
					    ? "One-way audio: no media arrives from the caller."
					    : "One-way audio: no media arrives from the callee."));
	*ret_object = o;
	return 0;
}
