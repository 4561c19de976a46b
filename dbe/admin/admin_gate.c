/* SPDX-License-Identifier: Apache-2.0 */
/* gate list, gate show: the calls a dbe carries, stream by stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "dbe/admin/dbe_admin.h"
#include "dbe/admin/gate_verdict.h"

#define GATE_LIST_LIMIT 1000

/* A context's streams, paired by id: at most two terminations. */
struct pairing {
	struct {
		uint32_t id;
		bool has[2];
		char name[2][GATE_NAME_BYTES];
		struct flow_view view[2];
	} rows[GATE_STREAMS_MAX * 2];
	size_t n;
};

static void pairing_add(const char *termination, uint32_t stream_id, const struct flow_view *view,
			void *arg)
{
	struct pairing *p = arg;
	size_t i = 0;
	int side;

	while (i < p->n && p->rows[i].id != stream_id)
		i++;
	if (i == sizeof(p->rows) / sizeof(p->rows[0]))
		return;
	if (i == p->n) {
		memset(&p->rows[p->n++], 0, sizeof(p->rows[0]));
		p->rows[i].id = stream_id;
	}
	side = p->rows[i].has[0] ? 1 : 0;
	p->rows[i].has[side] = true;
	strncpy(p->rows[i].name[side], termination, GATE_NAME_BYTES - 1);
	p->rows[i].view[side] = *view;
}

static json_t *json_addr(const struct addr *a)
{
	char text[ADDR_TEXT_BYTES];

	return a->family ? json_string(addr_print(a, text, sizeof(text))) : json_null();
}

static json_t *json_drops(const struct path_counters *c)
{
	json_t *drops = json_object();

	for (int i = 0; i < GATE_DROPS; i++) {
		if (c->drops[i])
			json_object_set_new(drops, gate_drop_name(i),
					    json_integer((json_int_t)c->drops[i]));
	}
	return drops;
}

static const char *source_name(uint8_t source)
{
	static const char *const names[] = {"exact", "address", "latch", "any"};

	return source < GATE_SOURCES ? names[source] : "?";
}

static json_t *json_stream(const char *termination, uint32_t id, const struct flow_view *v,
			   uint64_t now_us)
{
	const struct path_counters *c = &v->counters;
	json_t *o = json_pack("{s:s,s:I,s:o,s:o,s:o,s:s,s:s}", "termination", termination, "stream",
			      (json_int_t)id, "local", json_addr(&v->local[PATH_RTP]), "remote",
			      json_addr(&v->settings->remote_rtp), "latched",
			      json_addr(&c->latched[PATH_RTP]), "mode",
			      gate_mode_name(v->settings->mode), "source",
			      source_name(v->settings->source));

	if (!o)
		return NULL;
	json_object_set_new(o, "packets_in", json_integer((json_int_t)c->packets_in));
	json_object_set_new(o, "packets_out", json_integer((json_int_t)c->packets_out));
	json_object_set_new(o, "bytes_in", json_integer((json_int_t)c->bytes_in));
	json_object_set_new(o, "bytes_out", json_integer((json_int_t)c->bytes_out));
	json_object_set_new(o, "rtcp_in", json_integer((json_int_t)c->rtcp_in));
	json_object_set_new(o, "rtcp_out", json_integer((json_int_t)c->rtcp_out));
	json_object_set_new(o, "lost", json_integer((json_int_t)c->lost));
	json_object_set_new(o, "jitter_ms", json_real(c->jitter_us / 1000.0));
	json_object_set_new(o, "jitter_max_ms", json_real(c->jitter_max_us / 1000.0));
	json_object_set_new(o, "last_packet_ms_ago",
			    c->last_us ? json_integer((json_int_t)((now_us - c->last_us) / 1000))
				       : json_null());
	json_object_set_new(o, "drops", json_drops(c));
	json_object_set_new(o, "path", json_string(v->path));
	return o;
}

static enum gate_verdict pairing_verdict(const struct pairing *p, uint64_t now_us)
{
	enum gate_verdict worst = GATE_FLOWS;

	for (size_t i = 0; i < p->n; i++) {
		enum gate_verdict v =
			gate_verdict(&p->rows[i].view[0],
				     p->rows[i].has[1] ? &p->rows[i].view[1] : NULL, now_us);

		/* One-way is the more telling one: half of it works. */
		if (v == GATE_ONE_WAY || worst == GATE_FLOWS)
			worst = v;
	}
	return worst;
}

struct listing {
	struct dbe_admin *admin;
	json_t *table;
	size_t n, limit;
};

static int list_one(const struct context_view *view, void *arg)
{
	struct listing *l = arg;
	struct pairing *p = calloc(1, sizeof(*p));
	uint64_t in = 0, drops = 0;

	if (!p)
		return -ENOMEM;
	context_each_stream(l->admin->store, view->id, pairing_add, p);
	for (size_t i = 0; i < p->n; i++) {
		for (int side = 0; side < 2; side++) {
			in += p->rows[i].view[side].counters.packets_in;
			for (int k = 0; k < PATH_DROPS; k++)
				drops += p->rows[i].view[side].counters.drops[k];
		}
	}
	admin_row(l->table,
		  json_pack("[I,s,I,I,I,I,I,s]", (json_int_t)view->id, view->controller,
			    (json_int_t)(view->age_ms / 1000), (json_int_t)view->nterminations,
			    (json_int_t)p->n, (json_int_t)in, (json_int_t)drops,
			    gate_verdict_text(pairing_verdict(p, clock_now_us()))));
	free(p);
	return ++l->n >= l->limit;
}

int dbe_admin_gate_list(void *app, struct admin_call *call, json_t **ret_data)
{
	static const char *const columns[] = {"context",      "controller", "age_s",
					      "terminations", "streams",    "packets",
					      "drops",        "media",      NULL};
	struct listing l = {.admin = app, .limit = GATE_LIST_LIMIT};
	const char *limit = admin_opt(call, "limit");

	if (limit) {
		l.limit = strtoul(limit, NULL, 10);
		if (l.limit == 0)
			return admin_error(call, ADMIN_USAGE, "--limit must be a number above 0");
	}
	l.table = admin_table(columns);
	if (!l.table || context_each(l.admin->store, list_one, &l) < 0) {
		json_decref(l.table);
		return admin_error(call, ADMIN_FAILED, "out of memory");
	}
	*ret_data = l.table;
	return ADMIN_OK;
}

static void show_verdicts(json_t *verdicts, const struct pairing *p, size_t i, uint64_t now_us)
{
	const struct flow_view *a = &p->rows[i].view[0];
	const struct flow_view *b = p->rows[i].has[1] ? &p->rows[i].view[1] : NULL;
	char text[GATE_VERDICT_BYTES];

	json_array_append_new(
		verdicts, json_pack("{s:I,s:s,s:s,s:s}", "stream", (json_int_t)p->rows[i].id,
				    "from", p->rows[i].name[0], "to", b ? p->rows[i].name[1] : "",
				    "media", gate_direction_text(a, b, now_us, text)));
	if (b)
		json_array_append_new(verdicts,
				      json_pack("{s:I,s:s,s:s,s:s}", "stream",
						(json_int_t)p->rows[i].id, "from",
						p->rows[i].name[1], "to", p->rows[i].name[0],
						"media", gate_direction_text(b, a, now_us, text)));
}

int dbe_admin_gate_show(void *app, struct admin_call *call, json_t **ret_data)
{
	struct dbe_admin *d = app;
	uint64_t now_us = clock_now_us();
	struct context_view view;
	struct pairing *p;
	json_t *streams, *verdicts;
	char *end;
	unsigned long id = strtoul(call->args[0], &end, 10);

	if (*end || end == call->args[0] || id > UINT32_MAX)
		return admin_error(call, ADMIN_USAGE, "%s is not a context number", call->args[0]);
	if (context_view_of(d->store, (uint32_t)id, &view) < 0)
		return admin_error(call, ADMIN_NOT_FOUND, "no context %lu; see: gate list", id);
	p = calloc(1, sizeof(*p));
	if (!p)
		return admin_error(call, ADMIN_FAILED, "out of memory");
	context_each_stream(d->store, view.id, pairing_add, p);
	streams = json_array();
	verdicts = json_array();
	for (size_t i = 0; i < p->n; i++) {
		for (int side = 0; side < 2; side++) {
			if (p->rows[i].has[side])
				json_array_append_new(
					streams, json_stream(p->rows[i].name[side], p->rows[i].id,
							     &p->rows[i].view[side], now_us));
		}
		show_verdicts(verdicts, p, i, now_us);
	}
	*ret_data = json_pack("{s:I,s:s,s:f,s:b,s:I,s:s,s:o,s:o}", "context", (json_int_t)view.id,
			      "controller", view.controller, "age_s", (double)view.age_ms / 1000,
			      "emergency", view.emergency, "record_bytes",
			      (json_int_t)view.record_bytes, "verdict",
			      gate_verdict_text(pairing_verdict(p, now_us)), "directions", verdicts,
			      "streams", streams);
	free(p);
	return *ret_data ? ADMIN_OK : admin_error(call, ADMIN_FAILED, "out of memory");
}
