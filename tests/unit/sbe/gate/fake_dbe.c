/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/gate/fake_dbe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "proto/frame.h"
#include "proto/result.h"

#define QUEUE_MAX 8192

struct fake_dbe fakes[FAKE_DBES];
static struct gate_pool *pool;
static struct timer_wheel *wheel;
static struct gate_message reply;
static bool certificate;
static struct {
	uint8_t *bytes;
	size_t len;
	struct fake_dbe *f;
	bool to_dbe;
} queue[QUEUE_MAX];
static size_t first, count;

static void push(struct fake_dbe *f, const uint8_t *bytes, size_t len, bool to_dbe)
{
	size_t i = (first + count) % QUEUE_MAX;

	assert_true(count < QUEUE_MAX);
	queue[i].bytes = malloc(len);
	memcpy(queue[i].bytes, bytes, len);
	queue[i].len = len;
	queue[i].f = f;
	queue[i].to_dbe = to_dbe;
	count++;
}

/* Frames of this dbe that are under way are lost; the order of the others stays. */
static void lose(struct fake_dbe *f)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!f || queue[(first + i) % QUEUE_MAX].f == f)
			queue[(first + i) % QUEUE_MAX].len = 0;
}

/* ---------------------------------------------------------------- the pool's io */
static void io_send(void *conn, const uint8_t *bytes, size_t len_bytes)
{
	push(conn, bytes, len_bytes, true);
}

static void io_close(void *conn, bool flush)
{
	struct fake_dbe *f = conn;

	assert_true(f->connected);
	f->connected = false;
	f->flushed = flush;
	if (!flush)
		lose(f);
}

static bool io_has_name(void *conn, const char *name)
{
	(void)conn;
	(void)name;
	return certificate;
}

void fake_certificate(bool ok)
{
	certificate = ok;
}

/* ---------------------------------------------------------------- a dbe */
static void dbe_send(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	push(arg, bytes, len_bytes, false);
}

static void add(struct fake_dbe *f, const struct gate_action *a)
{
	struct gate_command *c;
	size_t i, k;

	f->adds++;
	if (f->refuse) {
		gate_action_add(&reply.action, GATE_ADD, GATE_REF_CHOOSE)->code = f->refuse;
		return;
	}
	reply.action.context = ++f->next;
	f->context[f->next % FAKE_CONTEXTS] = true;
	for (i = 0; i < a->ncommands; i++) {
		c = gate_action_add(&reply.action, GATE_ADD, GATE_REF_ID);
		if (i == 1 && f->second_add_fails) {
			c->code = GATE_ERR_NONE_AVAILABLE;
			return;
		}
		snprintf(c->termination, sizeof(c->termination), "%s/%u", a->commands[i].realm,
			 f->next);
		c->nstreams = a->commands[i].nstreams;
		for (k = 0; k < c->nstreams; k++) {
			gate_stream_clear(&c->streams[k]);
			c->streams[k].id = a->commands[i].streams[k].id;
			c->streams[k].has = GATE_HAS_LOCAL;
			c->streams[k].local_rtp = (struct addr){
				ADDR_V4, 0, (uint16_t)(16384 + 2 * f->next), {127, 0, 0, 1}};
		}
	}
}

static void subtract(struct fake_dbe *f, const struct gate_action *a)
{
	struct gate_command *c;
	int side;

	f->subtracts++;
	if (!f->context[a->context % FAKE_CONTEXTS]) {
		gate_action_add(&reply.action, GATE_SUBTRACT, GATE_REF_ALL)->code =
			GATE_ERR_CONTEXT;
		return;
	}
	f->context[a->context % FAKE_CONTEXTS] = false;
	/* the sides the other way round: the pool must go by the names */
	for (side = 1; side >= 0; side--) {
		c = gate_action_add(&reply.action, GATE_SUBTRACT, GATE_REF_ID);
		snprintf(c->termination, sizeof(c->termination), "%s/%u", side ? "peering" : "core",
			 a->context);
		c->nstreams = 1;
		gate_stream_clear(&c->streams[0]);
		c->streams[0].id = 1;
		c->streams[0].has = GATE_HAS_STATISTICS;
		c->streams[0].statistics.packets_in = (uint64_t)(100 + side);
	}
}

static void audit(struct fake_dbe *f, const struct gate_action *a)
{
	uint32_t id;

	if (a->context_ref == GATE_REF_ID) {
		subtract(f, a);
		f->subtracts--;
		f->context[a->context % FAKE_CONTEXTS] = true;
		return;
	}
	f->audits++;
	if (f->audit_error) {
		reply.code = f->audit_error;
		return;
	}
	for (id = a->context + 1; id < FAKE_CONTEXTS; id++) {
		if (!f->context[id])
			continue;
		if (reply.action.ncontexts == f->page) {
			reply.action.more = true;
			break;
		}
		reply.action.contexts[reply.action.ncontexts++] = id;
	}
}

static void describe(const struct fake_dbe *f, struct gate_service_change *c)
{
	c->nrealms = f->no_peering ? 1 : 2;
	c->realms[0] =
		(struct gate_realm_info){"core", f->ports_total, f->ports_free, true, true, true};
	c->realms[1] = (struct gate_realm_info){"peering", f->ports_total, f->ports_free,
						true,      false,          true};
}

static void dbe_request(void *arg, const struct gate_message *m)
{
	struct fake_dbe *f = arg;
	const struct gate_action *a = &m->action;
	size_t i;

	f->last = *m;
	gate_message_clear(&reply);
	reply.action.context_ref = a->context_ref;
	reply.action.context = a->context;
	switch (a->commands[0].type) {
	case GATE_ADD:
		add(f, a);
		break;
	case GATE_SUBTRACT:
		subtract(f, a);
		break;
	case GATE_MODIFY:
		f->modifies++;
		for (i = 0; i < a->ncommands; i++)
			gate_action_add(&reply.action, GATE_MODIFY, GATE_REF_ID)->code =
				f->context[a->context % FAKE_CONTEXTS] ? 0 : GATE_ERR_CONTEXT;
		break;
	case GATE_AUDIT_VALUE:
		audit(f, a);
		break;
	default:
		gate_action_add(&reply.action, GATE_AUDIT_CAPABILITIES, GATE_REF_ROOT);
		gate_change_clear(&reply.action.commands[0].change);
		describe(f, &reply.action.commands[0].change);
		break;
	}
	if (f->mute && a->commands[0].type == GATE_ADD) {
		/* only the last one's reply is kept by this simple fake */
		f->held[f->nheld++ % 64] = m->transaction;
		return;
	}
	gate_exchange_reply(f->exchange, m->transaction, &reply);
}

void fake_release(struct fake_dbe *f)
{
	size_t i;
	uint32_t id = f->next - (uint32_t)f->nheld;

	for (i = 0; i < f->nheld; i++) {
		gate_message_clear(&reply);
		reply.action.context = ++id;
		snprintf(gate_action_add(&reply.action, GATE_ADD, GATE_REF_ID)->termination,
			 GATE_NAME_BYTES, "core/%u", id);
		snprintf(gate_action_add(&reply.action, GATE_ADD, GATE_REF_ID)->termination,
			 GATE_NAME_BYTES, "peering/%u", id);
		gate_exchange_reply(f->exchange, f->held[i], &reply);
	}
	f->nheld = 0;
}

static void dbe_silent(void *arg)
{
	(void)arg; /* a fake never hangs up by itself */
}

void fake_restart(struct fake_dbe *f, uint64_t epoch, bool keep_contexts)
{
	const struct gate_exchange_handlers h = {
		.send = dbe_send, .request = dbe_request, .silent = dbe_silent};
	const struct gate_exchange_options o = {f->name, epoch, 250};

	gate_exchange_free(f->exchange);
	f->exchange = NULL;
	assert_int_equal(gate_exchange_new(&o, &h, f, wheel, &f->exchange), 0);
	f->epoch = epoch;
	f->nheld = 0;
	if (!keep_contexts)
		memset(f->context, 0, sizeof(f->context));
}

static void changed(void *arg, int err, const struct gate_message *m)
{
	struct fake_dbe *f = arg;

	if (err)
		return;
	f->change_code = m->code;
	if (m->code || gate_exchange_associated(f->exchange))
		return;
	gate_exchange_identify(f->exchange, m->sender, m->epoch);
	gate_exchange_associate(f->exchange, 1);
}

void fake_change(struct fake_dbe *f, int method, int reason)
{
	struct gate_message *m = gate_exchange_compose(f->exchange, GATE_REF_ROOT, 0);
	struct gate_command *c = gate_action_add(&m->action, GATE_SERVICE_CHANGE, GATE_REF_ROOT);

	c->change.method = (uint8_t)method;
	c->change.reason = (uint16_t)reason;
	c->change.version_min = 1;
	c->change.version_max = 1;
	describe(f, &c->change);
	assert_int_equal(gate_exchange_request(f->exchange, m, 5000, changed, f, NULL), 0);
}

void fake_join(struct fake_dbe *f, int method, int reason)
{
	gate_exchange_attach(f->exchange);
	f->connected = true;
	f->joined = false;
	fake_change(f, method, reason);
	flow();
}

int fake_join_raw(struct fake_dbe *f, const struct gate_message *m, const char *address)
{
	uint8_t wire[4096];
	struct gate_dbe *d;
	size_t n;

	f->connected = true;
	assert_int_equal(gate_message_encode(m, wire, sizeof(wire), &n), 0);
	return gate_pool_join(pool, wire, n, f, address, &d);
}

void fake_notify(struct fake_dbe *f, uint32_t context, const char *termination,
		 const struct gate_event *e)
{
	struct gate_message *m =
		gate_exchange_compose(f->exchange, context ? GATE_REF_ID : GATE_REF_ROOT, context);
	struct gate_command *c =
		gate_action_add(&m->action, GATE_NOTIFY, context ? GATE_REF_ID : GATE_REF_ROOT);

	c->event = *e;
	strcpy(c->termination, termination);
	assert_int_equal(gate_exchange_request(f->exchange, m, 1000, changed, f, NULL), 0);
	flow();
}

void fake_cut(struct fake_dbe *f)
{
	struct gate_dbe *d = gate_pool_find(pool, f->name);

	lose(f);
	gate_exchange_detach(f->exchange);
	gate_dbe_lost(d, -104);
	assert_false(f->connected);
}

size_t fake_contexts(const struct fake_dbe *f)
{
	size_t i, n = 0;

	for (i = 0; i < FAKE_CONTEXTS; i++)
		n += f->context[i];
	return n;
}

/* ---------------------------------------------------------------- wire and time */
static void to_pool(struct fake_dbe *f, const uint8_t *frame, size_t len)
{
	struct gate_dbe *d = NULL;
	int err;

	if (f->joined) {
		gate_exchange_frame(gate_pool_find(pool, f->name)->exchange, frame, len);
		return;
	}
	err = gate_pool_join(pool, frame, len, f, "127.0.0.1:9", &d);
	f->joined = !err;
	if (err && f->connected)
		f->connected = false;
}

void flow(void)
{
	while (count) {
		uint8_t *bytes = queue[first].bytes;
		size_t len = queue[first].len;
		struct fake_dbe *f = queue[first].f;
		bool to_dbe = queue[first].to_dbe;

		first = (first + 1) % QUEUE_MAX;
		count--;
		if (len && to_dbe && !f->deaf && gate_exchange_attached(f->exchange))
			gate_exchange_frame(f->exchange, bytes + GATE_FRAME_HEAD_BYTES,
					    len - GATE_FRAME_HEAD_BYTES);
		else if (len && !to_dbe && f->connected && !f->deaf)
			to_pool(f, bytes + GATE_FRAME_HEAD_BYTES, len - GATE_FRAME_HEAD_BYTES);
		free(bytes);
	}
}

void pass_ms(uint64_t ms)
{
	while (ms--) {
		clock_advance_ms(1);
		timer_wheel_run(wheel, clock_now_ms());
		flow();
	}
}

int fake_setup(struct gate_pool **ret_pool, struct timer_wheel **ret_wheel)
{
	static const char *const names[FAKE_DBES] = {"dbe0", "dbe1", "dbe2"};
	const struct gate_pool_options o = {.node = "sbe1", .dbes = names, .ndbes = FAKE_DBES};
	int i;

	clock_fake(5000000, 1700000000000);
	first = count = 0;
	certificate = true;
	if (timer_wheel_new(clock_now_ms(), &wheel) || gate_pool_new(&o, wheel, &pool))
		return -1;
	pool->io =
		(struct gate_dbe_io){.send = io_send, .close = io_close, .has_name = io_has_name};
	for (i = 0; i < FAKE_DBES; i++) {
		memset(&fakes[i], 0, sizeof(fakes[i]));
		fakes[i].index = i;
		strcpy(fakes[i].name, names[i]);
		fakes[i].page = GATE_CONTEXTS_PER_AUDIT;
		fakes[i].ports_total = 1000;
		fakes[i].ports_free = 1000;
		fake_restart(&fakes[i], 10, false);
	}
	*ret_pool = pool;
	*ret_wheel = wheel;
	return 0;
}

int fake_teardown(void)
{
	int i;

	lose(NULL);
	while (count) {
		free(queue[first].bytes);
		first = (first + 1) % QUEUE_MAX;
		count--;
	}
	gate_pool_free(pool);
	for (i = 0; i < FAKE_DBES; i++) {
		gate_exchange_free(fakes[i].exchange);
		fakes[i].exchange = NULL;
	}
	assert_int_equal(timer_wheel_count(wheel), 0);
	timer_wheel_free(wheel);
	clock_real();
	return mem_live() ? -1 : 0;
}
