/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dbe/gate/scripted_sbe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/gate/gate_metric.h"
#include "dbe/gate/gate_server_private.h"
#include "proto/exchange.h"
#include "proto/frame.h"
#include "proto/result.h"

/* ---------------------------------------------------------------- the executor */
size_t executed, cleared, contexts;
bool draining;
char seen_controller[GATE_NAME_BYTES];
struct gate_server *server;
bool event_while_executing;

static int fake_execute(void *arg, const char *controller, const struct gate_action *request,
			struct gate_action *reply)
{
	struct gate_event e = {.type = GATE_EVENT_POOL_LOW, .realm = "core", .value = 3};

	(void)arg;
	executed++;
	strcpy(seen_controller, controller);
	reply->context =
		request->context_ref == GATE_REF_CHOOSE ? (uint32_t)++contexts : request->context;
	gate_action_add(reply, request->commands[0].type, GATE_REF_ID);
	strcpy(reply->commands[0].termination, "core/0/1");
	if (event_while_executing)
		gate_server_event(server, "", 0, "", &e);
	return 0;
}

static size_t fake_clear(void *arg, const char *controller)
{
	size_t n = contexts;

	(void)arg;
	assert_string_equal(controller, "sbe1");
	cleared++;
	contexts = 0;
	return n;
}

static size_t fake_count(void *arg, const char *controller)
{
	(void)arg;
	(void)controller;
	return contexts;
}

static void fake_describe(void *arg, struct gate_service_change *c)
{
	(void)arg;
	c->nrealms = 1;
	c->realms[0] = (struct gate_realm_info){"core", 100, 25, true, false, true};
	c->contexts_now = (uint32_t)contexts;
}

static void fake_drain(void *arg, bool on)
{
	(void)arg;
	draining = on;
}

/* ---------------------------------------------------------------- the sbe and the wire */
struct timer_wheel *wheel;
struct gate_link *dialled; /* link whose connection is being made or is up */
struct addr dialled_to;
size_t dials;
int dial_error;
bool name_ok;
struct gate_exchange *sbe;
struct wire queue[QUEUE_MAX];
size_t nqueue;
struct sbe_script script;
static struct gate_message reply;
int answer_err;
struct gate_message answer_copy;
size_t answers;

static void push(const uint8_t *bytes, size_t len, bool to_sbe)
{
	assert_true(nqueue < QUEUE_MAX);
	queue[nqueue].bytes = malloc(len);
	memcpy(queue[nqueue].bytes, bytes, len);
	queue[nqueue].to_sbe = to_sbe;
	queue[nqueue++].len = len;
}

static void lose(void)
{
	while (nqueue)
		free(queue[--nqueue].bytes);
}

static int io_dial(void *arg, struct gate_link *l, const struct addr *to, void **ret_conn)
{
	(void)arg;
	dials++;
	if (dial_error)
		return dial_error;
	assert_null(dialled);
	dialled = l;
	dialled_to = *to;
	*ret_conn = l;
	return 0;
}

static void io_send(void *conn, const uint8_t *bytes, size_t len_bytes)
{
	assert_ptr_equal(conn, dialled);
	push(bytes, len_bytes, true);
}

static void io_close(void *conn, bool flush)
{
	assert_ptr_equal(conn, dialled);
	dialled = NULL;
	if (!flush) {
		lose();
		gate_exchange_detach(sbe);
	}
}

static bool io_has_name(void *conn, const char *name)
{
	(void)conn;
	assert_string_equal(name, "sbe1");
	return name_ok;
}

static void sbe_send(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	(void)arg;
	push(bytes, len_bytes, false);
}

static void sbe_change(const struct gate_message *m)
{
	const struct gate_service_change *c = &m->action.commands[0].change;
	struct gate_command *r;

	script.changes++;
	script.method = c->method;
	script.reason = c->reason;
	if (script.mute)
		return;
	if (script.refuse) {
		gate_exchange_refuse(sbe, m->transaction, script.refuse, NULL);
		return;
	}
	gate_message_clear(&reply);
	reply.action.context_ref = GATE_REF_ROOT;
	r = gate_action_add(&reply.action, GATE_SERVICE_CHANGE, GATE_REF_ROOT);
	r->change.version_max = script.version;
	if (script.redirect)
		strcpy(r->change.redirect, script.redirect);
	gate_exchange_reply(sbe, m->transaction, &reply);
	if (!script.redirect && !gate_exchange_associated(sbe))
		gate_exchange_associate(sbe, 1);
}

static void sbe_request(void *arg, const struct gate_message *m)
{
	const struct gate_command *c = &m->action.commands[0];

	(void)arg;
	if (script.norder < 64)
		script.order[script.norder++] = c->type;
	if (c->type == GATE_SERVICE_CHANGE) {
		sbe_change(m);
		return;
	}
	assert_int_equal(c->type, GATE_NOTIFY);
	if (c->event.type == GATE_EVENT_LOAD)
		script.loads++;
	else
		script.notifies++;
	script.last_value = c->event.value;
	gate_message_clear(&reply);
	gate_action_add(&reply.action, GATE_NOTIFY, GATE_REF_ROOT);
	gate_exchange_reply(sbe, m->transaction, &reply);
}

static void sbe_silent(void *arg)
{
	(void)arg;
	gate_exchange_detach(sbe);
}

void new_sbe(uint64_t epoch)
{
	const struct gate_exchange_handlers h = {
		.send = sbe_send, .request = sbe_request, .silent = sbe_silent};
	const struct gate_exchange_options o = {"sbe1", epoch, 300};

	gate_exchange_free(sbe);
	sbe = NULL;
	assert_int_equal(gate_exchange_new(&o, &h, NULL, wheel, &sbe), 0);
}

void on_answer(void *arg, int err, const struct gate_message *m)
{
	(void)arg;
	answers++;
	answer_err = err;
	if (script.norder < 64)
		script.order[script.norder++] = 100;
	if (m)
		answer_copy = *m;
}

/* Deliver all that is under way. */
void flow(void)
{
	uint8_t *bytes;
	size_t len;
	bool to_sbe;

	while (nqueue) {
		bytes = queue[0].bytes;
		len = queue[0].len - GATE_FRAME_HEAD_BYTES;
		to_sbe = queue[0].to_sbe;
		memmove(&queue[0], &queue[1], --nqueue * sizeof(queue[0]));
		if (to_sbe && gate_exchange_attached(sbe))
			assert_int_equal(
				gate_exchange_frame(sbe, bytes + GATE_FRAME_HEAD_BYTES, len), 0);
		else if (!to_sbe && dialled)
			assert_int_equal(
				gate_link_frame(dialled, bytes + GATE_FRAME_HEAD_BYTES, len), 0);
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

void open_connection(void)
{
	assert_non_null(dialled);
	gate_exchange_attach(sbe);
	gate_exchange_identify(sbe, "dbe1", 50);
	gate_link_opened(dialled);
	flow();
}

/* The connection breaks. */
void cut(void)
{
	lose();
	gate_exchange_detach(sbe);
	gate_link_closed(dialled, -ECONNRESET);
	assert_null(dialled);
}

const char *state_name(void)
{
	return fsm_state_name(&server->links[0].fsm);
}

void wait_dial(uint64_t limit_ms)
{
	while (!dialled && limit_ms--)
		pass_ms(1);
	assert_non_null(dialled);
}

void associate(void)
{
	wait_dial(5001);
	open_connection();
	assert_string_equal(state_name(), "associated");
}

int setup(void **state)
{
	static const struct gate_executor executor = {
		NULL, fake_execute, fake_clear, fake_count, fake_describe, fake_drain, NULL};
	static const struct gate_link_io io = {NULL, io_dial, io_send, io_close, io_has_name};
	struct addr a;
	struct gate_server_options o = {
		.name = "dbe1", .controllers = &a, .ncontrollers = 1, .epoch = 50};

	(void)state;
	clock_fake(5000000, 1700000000000);
	memset(&script, 0, sizeof(script));
	executed = cleared = contexts = answers = dials = 0;
	draining = false;
	event_while_executing = false;
	name_ok = true;
	dial_error = 0;
	dialled = NULL;
	script.version = 1;
	assert_int_equal(addr_parse("127.0.0.1:2944", &a), 0);
	if (timer_wheel_new(clock_now_ms(), &wheel) ||
	    gate_server_new(&o, &executor, wheel, &server))
		return -1;
	server->io = io;
	sbe = NULL;
	new_sbe(7);
	gate_server_run(server);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	gate_server_stop(server);
	lose();
	gate_server_free(server);
	gate_exchange_free(sbe);
	assert_int_equal(timer_wheel_count(wheel), 0);
	assert_int_equal(metric_get(&gate_server_metrics, GATE_M_ASSOCIATIONS), 0);
	timer_wheel_free(wheel);
	clock_real();
	return mem_live() ? -1 : 0;
}

void ask_add(void)
{
	struct gate_message *m = gate_exchange_compose(sbe, GATE_REF_CHOOSE, 0);
	struct gate_command *c = gate_action_add(&m->action, GATE_ADD, GATE_REF_CHOOSE);

	strcpy(c->realm, "core");
	assert_int_equal(gate_exchange_request(sbe, m, 500, on_answer, NULL, NULL), 0);
}
