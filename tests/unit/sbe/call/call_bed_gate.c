/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_bed_gate - the dbes and the CDR file of the bed: the functions of gate.h and cdr.h, played.
 *
 * Answers wait in a queue and are given from bed_settle, so never from inside a call of the sbe.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "proto/result.h"
#include "tests/unit/sbe/call/call_bed.h"

#define QUEUE_MAX 72

struct gate_context {
	uint32_t id;
	char realm[2][64];
	size_t nstreams;
	struct gate_stream streams[2][GATE_STREAMS_MAX];
	gate_trouble_h *trouble;
	void *trouble_arg;
	struct gate_context *before;
	uint64_t opened_ms;
};

enum waiting_kind { WAIT_OPEN, WAIT_MODIFY, WAIT_AUDIT, WAIT_FINAL };
struct waiting {
	enum waiting_kind kind;
	struct gate_context *context; /* NULL for FINAL */
	int err;
	gate_reply_h *reply;
	gate_final_h *final;
	void *arg;
	size_t n[2];
	struct gate_stream streams[2][GATE_STREAMS_MAX];
	size_t nstreams;
};
static struct waiting queue[QUEUE_MAX];
static size_t nqueue;
static uint32_t last_id;
static uint16_t last_port;

/* ---- rules every request keeps ---- */

static void check_stream(const struct gate_stream *g)
{
	assert_true(g->id >= 1 && g->id <= GATE_STREAMS_MAX);
	assert_true(g->mode < GATE_MODES);
	assert_false(g->has & (GATE_HAS_LOCAL | GATE_HAS_STATISTICS));
	if (g->has & GATE_HAS_REMOTE) {
		assert_int_equal(g->remote_rtp.family, ADDR_V4);
		assert_int_not_equal(g->remote_rtp.port, 0);
		assert_false(addr_is_any(&g->remote_rtp));
	}
}

static struct waiting *wait_for(enum waiting_kind kind, struct gate_context *c, void *arg)
{
	assert_true(nqueue < QUEUE_MAX);
	memset(&queue[nqueue], 0, sizeof(queue[0]));
	queue[nqueue] = (struct waiting){.kind = kind, .context = c, .arg = arg};
	return &queue[nqueue++];
}

static void drop_waiting(const struct gate_context *c)
{
	size_t left = 0;

	for (size_t i = 0; i < nqueue; i++) {
		if (queue[i].context != c)
			queue[left++] = queue[i];
	}
	nqueue = left;
}

/* ---- gate.h ---- */

static const char *family(uint8_t f)
{
	return f == ADDR_V4 ? "v4" : f == ADDR_V6 ? "v6" : "-";
}

int gate_open(struct gate_pool *p, const struct gate_open_params *params, gate_reply_h *fn,
	      void *arg, struct gate_context **ret_context)
{
	struct gate_context *c = mem_zalloc(sizeof(*c), NULL);

	assert_ptr_equal(p, &bed);
	if (!c)
		return -ENOMEM;
	assert_true(params->nstreams >= 1 && params->nstreams <= GATE_STREAMS_MAX);
	c->id = ++last_id;
	c->nstreams = params->nstreams;
	c->opened_ms = clock_now_ms();
	for (int side = 0; side < 2; side++) {
		snprintf(c->realm[side], sizeof(c->realm[side]), "%s", params->realm[side]);
		for (size_t i = 0; i < c->nstreams; i++) {
			check_stream(&params->streams[side][i]);
			assert_int_equal(params->streams[side][i].id, params->streams[0][i].id);
			c->streams[side][i] = params->streams[side][i];
		}
	}
	snprintf(bed.gate.realms, sizeof(bed.gate.realms), "%s %s %s %s", params->realm[0],
		 family(params->family[0]), params->realm[1], family(params->family[1]));
	c->before = bed.gate.context;
	bed.gate.context = c;
	bed.gate.opens++;
	bed.gate.now++;
	wait_for(WAIT_OPEN, c, arg)->reply = fn;
	*ret_context = c;
	return 0;
}

int gate_modify(struct gate_context *c, const struct gate_change *change, gate_reply_h *fn,
		void *arg)
{
	struct waiting *w = wait_for(WAIT_MODIFY, c, arg);

	w->reply = fn;
	for (int side = 0; side < 2; side++) {
		assert_true(change->n[side] <= GATE_STREAMS_MAX);
		w->n[side] = change->n[side];
		for (size_t i = 0; i < change->n[side]; i++) {
			check_stream(&change->streams[side][i]);
			w->streams[side][i] = change->streams[side][i];
		}
	}
	assert_true(w->n[0] + w->n[1] > 0);
	bed.gate.modifies++;
	return 0;
}

void gate_on_trouble(struct gate_context *c, gate_trouble_h *fn, void *arg)
{
	c->trouble = fn;
	c->trouble_arg = arg;
}

void gate_close(struct gate_context *c, gate_final_h *fn, void *arg)
{
	struct gate_context **at = &bed.gate.context;
	struct waiting *w;

	if (!c)
		return;
	drop_waiting(c);
	if (fn) {
		w = wait_for(WAIT_FINAL, NULL, arg);
		w->final = fn;
		w->nstreams = c->nstreams;
		memcpy(w->streams, c->streams, sizeof(w->streams));
	}
	while (*at != c)
		at = &(*at)->before;
	*at = c->before;
	bed.gate.closes++;
	bed.gate.now--;
	mem_unref(c);
}

int gate_audit(struct gate_context *c, gate_final_h *fn, void *arg)
{
	if (bed.gate.audit_err == -EBUSY)
		return -EBUSY;
	wait_for(WAIT_AUDIT, c, arg)->final = fn;
	return 0;
}

const char *gate_context_dbe(const struct gate_context *c)
{
	(void)c;
	return "dbe1";
}

uint32_t gate_context_id(const struct gate_context *c)
{
	return c->id;
}

int gate_available(const struct gate_pool *p, const char *realm0, const char *realm1)
{
	assert_ptr_equal(p, &bed);
	assert_true(realm0 && realm1);
	return bed.gate.available;
}

/* ---- answers ---- */

static struct gate_stream *stream_of(struct gate_context *c, int side, uint32_t id)
{
	for (size_t i = 0; i < c->nstreams; i++) {
		if (c->streams[side][i].id == id)
			return &c->streams[side][i];
	}
	return NULL;
}

static void give_address(const struct gate_context *c, int side, struct gate_stream *g)
{
	char text[64];

	snprintf(text, sizeof(text), "%s:%u",
		 !strcmp(c->realm[side], "m-core") ? "10.0.0.2" : "203.0.113.2",
		 20000U + 2U * (last_port++ % 20000U));
	assert_int_equal(addr_parse(text, &g->local_rtp), 0);
	g->local_rtcp = g->local_rtp;
	g->local_rtcp.port++;
	g->has |= GATE_HAS_LOCAL;
}

/* What a stream's Modify brings; what is absent stays. */
static void change_stream(struct gate_stream *g, const struct gate_stream *to)
{
	if (to->has & GATE_HAS_MODE)
		g->mode = to->mode;
	if (to->has & GATE_HAS_SOURCE) {
		g->source = to->source;
		g->source_prefix = to->source_prefix;
	}
	if (to->has & GATE_HAS_RATE) {
		g->rate_bytes_per_s = to->rate_bytes_per_s;
		g->burst_bytes = to->burst_bytes;
	}
	if (to->has & GATE_HAS_REMOTE) {
		g->remote_rtp = to->remote_rtp;
		g->remote_rtcp = to->remote_rtcp;
	}
	if (to->has & GATE_HAS_PAYLOADS) {
		memcpy(g->payloads, to->payloads, sizeof(g->payloads));
		g->rtp = to->rtp;
	}
	g->has |= to->has;
}

static void carry_out(struct waiting *w, struct gate_action *reply)
{
	struct gate_context *c = w->context;

	memset(reply, 0, sizeof(*reply));
	reply->ncommands = 2;
	reply->context = c->id;
	for (int side = 0; side < 2; side++) {
		struct gate_command *cmd = &reply->commands[side];

		for (size_t i = 0; w->kind == WAIT_OPEN && i < c->nstreams; i++) {
			give_address(c, side, &c->streams[side][i]);
			cmd->streams[cmd->nstreams++] = c->streams[side][i];
		}
		for (size_t i = 0; w->kind == WAIT_MODIFY && i < w->n[side]; i++) {
			struct gate_stream *g = stream_of(c, side, w->streams[side][i].id);

			if (g) {
				change_stream(g, &w->streams[side][i]);
			} else { /* a stream the context does not have yet */
				g = &c->streams[side][side ? c->nstreams - 1 : c->nstreams];
				c->nstreams += side == 0;
				*g = w->streams[side][i];
				give_address(c, side, g);
			}
			cmd->streams[cmd->nstreams++] = *g;
		}
	}
}

static void give_final(const struct waiting *w)
{
	static struct gate_final final;

	memset(&final, 0, sizeof(final));
	final.nterminations = 2;
	for (int side = 0; side < 2; side++) {
		final.terminations[side].nstreams = w->nstreams;
		memcpy(final.terminations[side].streams, w->streams[side],
		       sizeof(w->streams[side]));
		for (size_t i = 0; i < w->nstreams; i++)
			final.terminations[side].streams[i].statistics.packets_in =
				100 + (uint64_t)side;
	}
	w->final(w->arg, 0, &final);
}

static void give_audit(const struct waiting *w)
{
	static struct gate_final final;
	const struct gate_context *c = w->context;
	const struct gate_statistics well = {
		.packets_in = 100, .packets_out = 100, .last_ms = clock_now_ms() - c->opened_ms};

	memset(&final, 0, sizeof(final));
	final.nterminations = bed.gate.audit_err ? 0 : 2;
	for (int side = 0; side < 2 && !bed.gate.audit_err; side++) {
		final.terminations[side].nstreams = c->nstreams;
		memcpy(final.terminations[side].streams, c->streams[side],
		       sizeof(c->streams[side]));
		for (size_t i = 0; i < c->nstreams; i++)
			final.terminations[side].streams[i].statistics =
				bed.gate.audit_set ? bed.gate.audit[side] : well;
	}
	w->final(w->arg, bed.gate.audit_err, &final);
}

bool bed_gate_answer(void)
{
	static struct gate_action reply;
	struct waiting w;
	int err;

	if (!nqueue || bed.gate.hold || (queue[0].kind == WAIT_AUDIT && bed.gate.audit_deaf))
		return false;
	w = queue[0];
	memmove(&queue[0], &queue[1], --nqueue * sizeof(queue[0]));
	if (w.kind == WAIT_FINAL) {
		give_final(&w);
		return true;
	}
	if (w.kind == WAIT_AUDIT) {
		give_audit(&w);
		return true;
	}
	err = w.kind == WAIT_OPEN ? bed.gate.open_err : bed.gate.modify_err;
	if (!err && w.kind == WAIT_OPEN && bed.gate.refuse_code) {
		gate_action_clear(&reply);
		gate_action_add(&reply, GATE_ADD, GATE_REF_ALL)->code = bed.gate.refuse_code;
		w.reply(w.arg, -EPROTO, &reply);
		return true;
	}
	if (!err)
		carry_out(&w, &reply);
	w.reply(w.arg, err, err ? NULL : &reply);
	return true;
}

void bed_gate_reset(void)
{
	nqueue = 0;
	last_id = 0;
	last_port = 0;
}

/* ---- what tests ask ---- */

const struct gate_stream *bed_gate_stream(unsigned stream, int side)
{
	struct gate_stream *g;

	assert_non_null(bed.gate.context);
	g = stream_of(bed.gate.context, side, stream);
	assert_non_null(g);
	return g;
}

const char *bed_modes(void)
{
	static char text[512];
	struct gate_context *c = bed.gate.context;
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; c && i < c->nstreams; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s/%s", i ? " " : "",
				      gate_mode_name(c->streams[0][i].mode),
				      gate_mode_name(c->streams[1][i].mode));
	return text;
}

const char *bed_gate_remote(unsigned stream, int side)
{
	static char text[4][ADDR_TEXT_BYTES];
	static unsigned turn;
	char *buf = text[turn++ % 4];
	const struct gate_stream *g = bed_gate_stream(stream, side);

	return g->has & GATE_HAS_REMOTE ? addr_print(&g->remote_rtp, buf, sizeof(text[0])) : "";
}

void bed_gate_trouble(enum gate_trouble what)
{
	struct gate_context *c = bed.gate.context;

	assert_non_null(c);
	c->trouble(c->trouble_arg, what, 0, NULL);
	bed_settle();
}

static void take_object(void *arg, json_t *object)
{
	json_t **at = arg;

	assert_null(*at);
	assert_non_null(object);
	*at = object;
}

json_t *bed_show(const char *token)
{
	json_t *o = NULL;

	assert_int_equal(call_show(bed.core, token, take_object, &o), 0);
	bed_settle();
	assert_non_null(o);
	return o;
}

void bed_gate_event(int side, int type)
{
	struct gate_context *c = bed.gate.context;
	struct gate_event e = {.type = (uint8_t)type, .stream_id = 1};

	assert_int_equal(addr_parse("192.0.2.66:4444", &e.addr), 0);
	assert_non_null(c);
	c->trouble(c->trouble_arg, GATE_TROUBLE_EVENT, side, &e);
	bed_settle();
}

/* ---- CDR ---- */

int cdr_write(struct cdr_writer *w, struct cdr_text *record)
{
	json_error_t err;
	json_t *o;

	assert_ptr_equal(w, &bed);
	cdr_text_close(record, '}');
	assert_int_equal(record->err, 0);
	o = json_loadb(record->buf, record->len_bytes, JSON_REJECT_DUPLICATES, &err);
	if (!o)
		fail_msg("no JSON: %s\n%.*s", err.text, (int)record->len_bytes, record->buf);
	return json_array_append_new(bed.cdrs, o);
}

unsigned bed_cdr_count(void)
{
	return (unsigned)json_array_size(bed.cdrs);
}

const char *bed_cdr(const char *path)
{
	static char values[4][1024];
	static unsigned turn;
	char *buf = values[turn++ % 4], key[64];
	json_t *v = json_array_get(bed.cdrs, json_array_size(bed.cdrs) - 1);

	assert_non_null(v);
	while (v && *path) {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		v = json_is_array(v) ? json_array_get(v, (size_t)atoi(key))
				     : json_object_get(v, key);
		path += n + (path[n] == '.');
	}
	buf[0] = '\0';
	if (json_is_integer(v))
		snprintf(buf, sizeof(values[0]), "%lld", (long long)json_integer_value(v));
	else if (json_is_string(v))
		snprintf(buf, sizeof(values[0]), "%s", json_string_value(v));
	return buf;
}
