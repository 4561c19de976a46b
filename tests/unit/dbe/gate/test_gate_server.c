/* SPDX-License-Identifier: Apache-2.0 */
/* gate_server: a dbe's gate control against a scripted sbe, over a pipe and in virtual time. */
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
#include "tests/unit/dbe/gate/scripted_sbe.h"

/* ---------------------------------------------------------------- tests */
static void registers_cold_and_executes(void **state)
{
	(void)state;
	pass_ms(1);
	assert_string_equal(state_name(), "dialling");
	open_connection();
	assert_string_equal(state_name(), "associated");
	assert_int_equal(script.method, GATE_RESTART);
	assert_int_equal(script.reason, 901);
	ask_add();
	flow();
	assert_int_equal(answers, 1);
	assert_int_equal(answer_copy.action.context, 1);
	assert_string_equal(answer_copy.action.commands[0].termination, "core/0/1");
	assert_string_equal(seen_controller, "sbe1");
	assert_int_equal(gate_server_associated(server), 1);
}

/* J9f: nothing is executed before the reply to ServiceChange */
static void commands_before_the_reply_get_505(void **state)
{
	(void)state;
	script.mute = true;
	wait_dial(10);
	open_connection();
	assert_string_equal(state_name(), "registering");
	gate_exchange_associate(sbe, 1);
	ask_add();
	flow();
	assert_int_equal(executed, 0);
	assert_int_equal(answers, 1);
	assert_int_equal(answer_copy.code, GATE_ERR_BEFORE_CHANGE);
	/* and a silent controller is given up */
	pass_ms(6000);
	assert_true(dials >= 2);
}

/* J9a: the same process comes back: Disconnected 900; the executed request is answered, not repeated */
static void reconnects_and_keeps_its_memory(void **state)
{
	(void)state;
	associate();
	ask_add();
	flow();
	assert_int_equal(answers, 1);
	/* executed, and the answer lost with the connection */
	ask_add();
	while (executed < 2) {
		uint8_t *b = queue[0].bytes;

		assert_int_equal(gate_link_frame(dialled, b + 4, queue[0].len - 4), 0);
		free(b);
		memmove(&queue[0], &queue[1], --nqueue * sizeof(queue[0]));
	}
	cut();
	assert_string_equal(state_name(), "waiting");
	associate();
	assert_int_equal(script.method, GATE_DISCONNECTED);
	assert_int_equal(script.reason, 900);
	flow();
	assert_int_equal(answers, 2);
	assert_int_equal(executed, 2);
	assert_int_equal(contexts, 2);
}

static void first_retry_is_quick_and_backoff_is_capped(void **state)
{
	size_t before;

	(void)state;
	associate();
	cut();
	wait_dial(GATE_LINK_RETRY_MS);
	gate_link_closed(dialled, -ECONNREFUSED);
	dial_error = -ECONNREFUSED;
	pass_ms(30000);
	before = dials;
	pass_ms(50000);
	/* 2.5 to 5 s each */
	assert_in_range(dials - before, 9, 21);
}

static void refusal_is_retried_later(void **state)
{
	(void)state;
	script.refuse = GATE_ERR_VERSION;
	wait_dial(10);
	open_connection();
	assert_string_equal(state_name(), "waiting");
	assert_null(dialled);
	script.refuse = 0;
	associate();
	/* J9g: a version that is not ours in the reply */
	cut();
	script.version = 99;
	wait_dial(200);
	open_connection();
	assert_string_equal(state_name(), "waiting");
}

/* J8, J11: the sender must be in the certificate */
static void a_name_not_in_the_certificate_is_refused(void **state)
{
	(void)state;
	name_ok = false;
	wait_dial(10);
	open_connection();
	assert_string_equal(state_name(), "waiting");
	assert_int_equal(gate_server_associated(server), 0);
}

static void redirection_is_followed_and_forgotten_when_it_fails(void **state)
{
	(void)state;
	script.redirect = "127.0.0.9:3000";
	wait_dial(10);
	open_connection();
	pass_ms(1);
	assert_non_null(dialled);
	assert_int_equal(dialled_to.port, 3000);
	gate_link_closed(dialled, -ECONNREFUSED);
	wait_dial(300);
	assert_int_equal(dialled_to.port, 2944);
	/* a circle of redirections ends in the backoff */
	script.redirect = "127.0.0.1:2944";
	for (int i = 0; i < GATE_LINK_REDIRECTS_MAX + 1; i++) {
		assert_non_null(dialled);
		open_connection();
		if (i < GATE_LINK_REDIRECTS_MAX)
			pass_ms(1);
	}
	assert_null(dialled);
	script.redirect = NULL;
	associate();
}

/* Hold time: contexts outlive the association, not for ever (J9a, C9) */
static void contexts_are_held_and_then_cleared(void **state)
{
	(void)state;
	associate();
	ask_add();
	flow();
	dial_error = -ECONNREFUSED;
	cut();
	pass_ms(299000);
	assert_int_equal(cleared, 0);
	assert_int_equal(contexts, 1);
	pass_ms(2000);
	assert_int_equal(cleared, 1);
	assert_int_equal(contexts, 0);
	dial_error = 0;
	associate();
	/* nothing is left of the old association: registered as new */
	assert_int_equal(script.reason, 901);
}

/* C9, C14: a new life of the controller takes the contexts over; the old one is refused afterwards */
static void a_new_epoch_keeps_contexts_and_an_old_one_is_refused(void **state)
{
	(void)state;
	associate();
	ask_add();
	flow();
	cut();
	new_sbe(8);
	associate();
	assert_int_equal(contexts, 1);
	assert_int_equal(cleared, 0);
	ask_add();
	flow();
	assert_int_equal(contexts, 2);
	cut();
	new_sbe(7);
	wait_dial(500);
	open_connection();
	assert_string_equal(state_name(), "waiting");
}

static void a_silent_controller_is_lost(void **state)
{
	(void)state;
	associate();
	pass_ms(10000);
	assert_string_equal(state_name(), "associated");
	gate_exchange_detach(sbe); /* it reads nothing and says nothing */
	pass_ms(1001);
	assert_true(dials >= 2 || !strcmp(state_name(), "waiting"));
}

static void events_are_told_after_the_reply_and_load_each_second(void **state)
{
	(void)state;
	associate();
	script.norder = 0;
	event_while_executing = true;
	ask_add();
	flow();
	pass_ms(5);
	assert_int_equal(script.notifies, 1);
	assert_int_equal(script.last_value, 3);
	assert_int_equal(script.norder, 2);
	assert_int_equal(script.order[0], 100);
	assert_int_equal(script.order[1], GATE_NOTIFY);
	pass_ms(3000);
	assert_int_equal(script.loads, 3);
	assert_int_equal(script.last_value, 75);
}

/* H.248 error 518: a storm is limited and bounded, and counted */
static void an_event_storm_is_limited(void **state)
{
	struct gate_event e = {.type = GATE_EVENT_POLICED, .stream_id = 1};
	int64_t dropped = metric_get(&gate_server_metrics, GATE_M_NOTIFIES_DROPPED);
	size_t i;

	(void)state;
	associate();
	for (i = 0; i < 10000; i++) {
		e.value = i;
		gate_server_event(server, "sbe1", 1, "core/0/1", &e);
	}
	gate_server_event(server, "somebody", 1, "core/0/1", &e);
	pass_ms(10);
	assert_true(script.notifies <= GATE_NOTIFY_PER_S);
	pass_ms(3000);
	assert_int_equal(script.notifies, GATE_NOTIFY_BUFFER);
	assert_int_equal(metric_get(&gate_server_metrics, GATE_M_NOTIFIES_DROPPED) - dropped,
			 10000 - GATE_NOTIFY_BUFFER);
}

static void events_wait_for_the_controller(void **state)
{
	struct gate_event e = {.type = GATE_EVENT_SILENCE, .stream_id = 1};

	(void)state;
	associate();
	cut();
	gate_server_event(server, "sbe1", 1, "core/0/1", &e);
	pass_ms(1);
	assert_int_equal(script.notifies, 0);
	associate();
	pass_ms(30);
	assert_int_equal(script.notifies, 1);
}

/* J9e */
static void drain_is_told_and_taken_back(void **state)
{
	(void)state;
	associate();
	gate_server_drain(server, true);
	flow();
	assert_true(draining);
	assert_int_equal(script.method, GATE_GRACEFUL);
	assert_int_equal(script.reason, 905);
	/* told again after a reconnect */
	cut();
	associate();
	assert_int_equal(script.method, GATE_GRACEFUL);
	gate_server_drain(server, false);
	flow();
	assert_false(draining);
	assert_int_equal(script.method, GATE_RESTART);
	assert_int_equal(script.reason, 918);
	gate_server_stop(server);
	assert_int_equal(nqueue, 1);
	flow();
	assert_int_equal(script.method, GATE_FORCED);
	assert_string_equal(state_name(), "stopped");
}

static void handoff_moves_the_link(void **state)
{
	struct gate_message *m;
	struct gate_command *c;

	(void)state;
	associate();
	m = gate_exchange_compose(sbe, GATE_REF_ROOT, 0);
	c = gate_action_add(&m->action, GATE_SERVICE_CHANGE, GATE_REF_ROOT);
	c->change.method = GATE_HANDOFF;
	c->change.reason = GATE_REASON_DIRECTED;
	strcpy(c->change.redirect, "127.0.0.2:2944");
	assert_int_equal(gate_exchange_request(sbe, m, 500, on_answer, NULL, NULL), 0);
	flow();
	pass_ms(2);
	assert_non_null(dialled);
	assert_int_equal(dialled_to.ip[3], 2);
}

static void capabilities_are_answered_here(void **state)
{
	struct gate_message *m;

	(void)state;
	associate();
	m = gate_exchange_compose(sbe, GATE_REF_ROOT, 0);
	gate_action_add(&m->action, GATE_AUDIT_CAPABILITIES, GATE_REF_ROOT);
	assert_int_equal(gate_exchange_request(sbe, m, 500, on_answer, NULL, NULL), 0);
	flow();
	assert_int_equal(executed, 0);
	assert_int_equal(answer_copy.action.commands[0].change.nrealms, 1);
	assert_int_equal(answer_copy.action.commands[0].change.realms[0].ports_free, 25);
}

static void the_list_tells_the_association(void **state)
{
	json_t *list, *row;

	(void)state;
	associate();
	ask_add();
	flow();
	list = gate_server_list(server);
	row = json_array_get(json_object_get(list, "rows"), 0);
	assert_string_equal(json_string_value(json_array_get(row, 0)), "sbe1");
	assert_string_equal(json_string_value(json_array_get(row, 1)), "127.0.0.1:2944");
	assert_string_equal(json_string_value(json_array_get(row, 2)), "associated");
	assert_int_equal(json_integer_value(json_array_get(row, 4)), 1);
	assert_int_equal(json_array_size(row), json_array_size(json_object_get(list, "columns")));
	json_decref(list);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registers_cold_and_executes),
		TEST(commands_before_the_reply_get_505),
		TEST(reconnects_and_keeps_its_memory),
		TEST(first_retry_is_quick_and_backoff_is_capped),
		TEST(refusal_is_retried_later),
		TEST(a_name_not_in_the_certificate_is_refused),
		TEST(redirection_is_followed_and_forgotten_when_it_fails),
		TEST(contexts_are_held_and_then_cleared),
		TEST(a_new_epoch_keeps_contexts_and_an_old_one_is_refused),
		TEST(a_silent_controller_is_lost),
		TEST(events_are_told_after_the_reply_and_load_each_second),
		TEST(an_event_storm_is_limited),
		TEST(events_wait_for_the_controller),
		TEST(drain_is_told_and_taken_back),
		TEST(handoff_moves_the_link),
		TEST(capabilities_are_answered_here),
		TEST(the_list_tells_the_association),
	};

	return cmocka_run_group_tests_name("gate_server", tests, NULL, NULL);
}
