/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dbe program and a controller that plays by no rules: commands before registration, the same
 * transaction a thousand times, broken frames, other people's messages, older and newer lives.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "proto/result.h"
#include "tests/component/daemon.h"
#include "tests/component/script.h"

#define CORE "127.0.0.31"
#define PEERING "127.0.0.32"
#define PAIRS 50

static struct daemon dbe;
static struct script sbe;
static int listener;

/* ---------------------------------------------------------------- the controller */

static const struct gate_service_change *accept_dbe(void)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	const struct gate_message *m;

	assert_int_equal(poll(&p, 1, DAEMON_WAIT_MS), 1);
	script_take(&sbe, accept(listener, NULL, NULL));
	m = script_next(&sbe, 5000);
	assert_non_null(m);
	assert_int_equal(m->body, GATE_BODY_REQUEST);
	assert_int_equal(m->action.context_ref, GATE_REF_ROOT);
	assert_int_equal(m->action.commands[0].type, GATE_SERVICE_CHANGE);
	assert_string_equal(m->sender, "dbe1");
	return &m->action.commands[0].change;
}

static void welcome(uint32_t version)
{
	struct gate_message *m = script_compose(&sbe, GATE_BODY_REPLY, sbe.in.transaction);
	struct gate_command *c;

	m->action.context_ref = GATE_REF_ROOT;
	c = gate_action_add(&m->action, GATE_SERVICE_CHANGE, GATE_REF_ROOT);
	gate_change_clear(&c->change);
	c->change.version_max = version;
	script_send(&sbe);
}

static const struct gate_service_change *register_dbe(void)
{
	static struct gate_service_change change;

	change = *accept_dbe();
	welcome(GATE_VERSION_MAX);
	return &change;
}

/* Two terminations with a far end each. */
static void compose_add(const char *realm)
{
	struct gate_message *m = script_compose(&sbe, GATE_BODY_REQUEST, 0);

	m->action.context_ref = GATE_REF_CHOOSE;
	for (int i = 0; i < 2; i++) {
		struct gate_command *c = gate_action_add(&m->action, GATE_ADD, GATE_REF_CHOOSE);

		strcpy(c->realm, i ? realm : "core");
		c->nstreams = 1;
		gate_stream_clear(&c->streams[0]);
		c->streams[0].id = 1;
		c->streams[0].has = GATE_HAS_MODE;
		c->streams[0].mode = GATE_INACTIVE;
	}
}

static struct gate_command *compose(uint32_t context, int type, const char *termination)
{
	struct gate_message *m = script_compose(&sbe, GATE_BODY_REQUEST, 0);
	struct gate_command *c;

	m->action.context_ref = GATE_REF_ID;
	m->action.context = context;
	c = gate_action_add(&m->action, type, termination ? GATE_REF_ID : GATE_REF_ALL);
	snprintf(c->termination, sizeof(c->termination), "%s", termination ? termination : "");
	return c;
}

/* Code of the answer, of the message or of its first command that failed. */
static int code_of(const struct gate_message *m)
{
	if (m->code)
		return m->code;
	for (size_t i = 0; i < m->action.ncommands; i++) {
		if (m->action.commands[i].code)
			return m->action.commands[i].code;
	}
	return 0;
}

static uint32_t add_context(void)
{
	const struct gate_message *m;

	compose_add("peering");
	m = script_ask(&sbe);
	assert_int_equal(code_of(m), 0);
	assert_int_equal(m->action.ncommands, 2);
	assert_string_not_equal(m->action.commands[0].termination,
				m->action.commands[1].termination);
	return m->action.context;
}

static int subtract(uint32_t context)
{
	compose(context, GATE_SUBTRACT, NULL);
	return code_of(script_ask(&sbe));
}

static size_t contexts(void)
{
	return daemon_rows(&dbe, "[\"gate\",\"list\"]");
}

static int64_t pairs_used(void)
{
	return daemon_column(&dbe, "[\"pool\",\"show\"]", "used");
}

static int setup(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof(a);

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &a.sin_addr), 1);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
	script_init(&sbe, "sbe1", 1000);
	daemon_init(&dbe, "dbe");
	daemon_start(&dbe,
		     "{'name':'dbe1','control':{'socket':'%s'},'http':{'listen':'127.0.0.1:%u'},"
		     "'controllers':['127.0.0.1:%u'],'relay':{'quarantine_ms':0},'realms':{"
		     "'core':{'addresses':[{'bind':'" CORE "','ports':'22000-22099'}]},"
		     "'peering':{'addresses':[{'bind':'" PEERING "','ports':'22000-22099'}]}}}",
		     dbe.socket, daemon_free_port("127.0.0.1", false), ntohs(a.sin_port));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	script_close(&sbe);
	close(listener);
	daemon_clean(&dbe);
	return 0;
}

/* ---------------------------------------------------------------- tests */

/* The dbe speaks first, with ServiceChange; nothing is executed before the reply to it (505). */
static void service_change_comes_first(void **state)
{
	const struct gate_service_change *c = accept_dbe();
	uint32_t transaction = sbe.in.transaction;

	(void)state;
	assert_int_equal(c->method, GATE_RESTART);
	assert_int_equal(c->reason, GATE_REASON_COLD);
	assert_int_equal(c->version_min, GATE_VERSION_MIN);
	assert_int_equal(c->version_max, GATE_VERSION_MAX);
	assert_int_equal(c->nrealms, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(c->realms[i].up && c->realms[i].ipv4 && !c->realms[i].ipv6);
		assert_int_equal(c->realms[i].ports_total, PAIRS);
		assert_int_equal(c->realms[i].ports_free, PAIRS);
	}
	compose_add("peering");
	assert_int_equal(script_ask(&sbe)->code, GATE_ERR_BEFORE_CHANGE);
	assert_int_equal(contexts(), 0);
	sbe.in.transaction = transaction;
	welcome(GATE_VERSION_MAX);
	assert_int_equal(subtract(add_context()), 0);
	daemon_stop(&dbe);
}

/* C4: the same transaction a thousand times is one execution and a thousand equal answers; also when the connection
 * is cut between execution and reply and it is sent again over the next one. */
static void duplicates_are_executed_once(void **state)
{
	static uint8_t first[GATE_FRAME_MAX_BYTES];
	size_t first_bytes;
	uint32_t transaction, contexts_made[2];
	const struct gate_message *m;

	(void)state;
	(void)register_dbe();
	compose_add("peering");
	transaction = sbe.out.transaction;
	m = script_ask(&sbe);
	contexts_made[0] = m->action.context;
	memcpy(first, sbe.raw, sbe.raw_bytes);
	first_bytes = sbe.raw_bytes;
	for (int i = 0; i < 1000; i++) {
		compose_add("peering");
		sbe.out.transaction = transaction;
		(void)script_ask(&sbe);
		assert_int_equal(sbe.raw_bytes, first_bytes);
		assert_memory_equal(sbe.raw, first, first_bytes);
	}
	assert_int_equal(contexts(), 1);
	assert_int_equal(pairs_used(), 2);

	compose_add("peering");
	transaction = sbe.out.transaction;
	script_send(&sbe);
	script_close(&sbe);
	assert_int_equal(register_dbe()->method, GATE_DISCONNECTED);
	compose_add("peering");
	sbe.out.transaction = transaction;
	m = script_ask(&sbe);
	assert_int_equal(code_of(m), 0);
	contexts_made[1] = m->action.context;
	assert_int_equal(contexts(), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(subtract(contexts_made[i]), 0);
	assert_int_equal(pairs_used(), 0);
	daemon_await_counter(&dbe, "dbe_gate_duplicates_total", 1000);
	daemon_stop(&dbe);
}

/* C5, C12: what cannot be done has one answer, always the same, and leaves nothing; a full pool refuses whole. */
static void errors_are_deterministic_and_leave_nothing(void **state)
{
	uint32_t context, all[PAIRS], n = 0;

	(void)state;
	(void)register_dbe();
	for (int i = 0; i < 200; i++) {
		compose(4000000000U, GATE_MODIFY, "core/1");
		assert_int_equal(code_of(script_ask(&sbe)), GATE_ERR_CONTEXT);
		assert_int_equal(subtract(4000000000U), GATE_ERR_CONTEXT);
		compose_add("nowhere");
		assert_int_equal(code_of(script_ask(&sbe)), GATE_ERR_REALM);
		/* RFC 3525 8: the first Add stays done */
		if (sbe.in.action.context && sbe.in.action.ncommands &&
		    !sbe.in.action.commands[0].code)
			assert_int_equal(subtract(sbe.in.action.context), 0);
		context = add_context();
		compose(context, GATE_MODIFY, "core/99999");
		assert_int_equal(code_of(script_ask(&sbe)), GATE_ERR_TERMINATION);
		assert_int_equal(subtract(context), 0);
		assert_int_equal(subtract(context), GATE_ERR_CONTEXT);
	}
	assert_int_equal(contexts(), 0);
	assert_int_equal(pairs_used(), 0);
	for (n = 0; n < PAIRS; n++)
		all[n] = add_context();
	for (int i = 0; i < 20; i++) {
		compose_add("peering");
		assert_int_equal(code_of(script_ask(&sbe)), GATE_ERR_NONE_AVAILABLE);
	}
	assert_int_equal(contexts(), PAIRS);
	while (n > 0)
		assert_int_equal(subtract(all[--n]), 0);
	assert_int_equal(contexts(), 0);
	assert_int_equal(pairs_used(), 0);
	assert_int_equal(subtract(add_context()), 0);
	daemon_stop(&dbe);
}

/* C2: a broken frame ends the connection and nothing else: contexts stay, memory stays, the dbe dials again. */
static void broken_frames_end_the_connection_only(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
		{"\0\0\0\0", 4},
		{"\xff\xff\xff\xff"
		 "abcd",
		 8},
		{"\x80\0\0\0", 4},
		{"\0\1\0\1", 4},
		{"\0\0\0\x08 garbage", 12},
		{"GET / HTTP/1.1\r\n\r\n", 18},
		{"\x16\x03\x01\x02\0\1", 6},
	};
	static uint8_t tiny[50000];
	uint32_t context;
	long rss_kib;

	(void)state;
	(void)register_dbe();
	context = add_context();
	rss_kib = daemon_rss_kib(&dbe);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		script_send_bytes(&sbe, bad[i].bytes, bad[i].n);
		script_until_closed(&sbe, 3000);
		assert_int_equal(register_dbe()->method, GATE_DISCONNECTED);
	}
	for (size_t i = 0; i < sizeof(tiny); i += 5) {
		gate_frame_head(tiny + i, 1);
		tiny[i + 4] = 'x';
	}
	script_send_bytes(&sbe, tiny, sizeof(tiny));
	script_until_closed(&sbe, 3000);
	(void)register_dbe();
	/* half a frame, then silence: nothing can be said before its end, so no sign of life comes either */
	sbe.mute = true;
	script_send_bytes(&sbe, "\0\0\0\x40half", 8);
	script_until_closed(&sbe, 3000);
	sbe.mute = false;
	(void)register_dbe();
	assert_int_equal(contexts(), 1);
	assert_int_equal(subtract(context), 0);
	daemon_await_counter(&dbe, "dbe_gate_protocol_errors_total", 1);
#if !defined(__SANITIZE_ADDRESS__)
	assert_true(daemon_rss_kib(&dbe) - rss_kib < 4096);
#else
	(void)rss_kib;
#endif
	daemon_stop(&dbe);
}

/* C7, C14: on an association only its own controller in its own life is heard. */
static void other_senders_and_epochs_are_refused(void **state)
{
	uint32_t context;

	(void)state;
	(void)register_dbe();
	context = add_context();
	sbe.node = "sbe2";
	assert_int_equal(subtract(context), GATE_ERR_FOREIGN);
	sbe.node = "sbe1";
	sbe.epoch--;
	assert_int_equal(subtract(context), GATE_ERR_FOREIGN);
	sbe.epoch += 2;
	assert_int_equal(subtract(context), GATE_ERR_FOREIGN);
	assert_int_equal(contexts(), 1);
	sbe.epoch--;
	assert_int_equal(subtract(context), 0);
	daemon_stop(&dbe);
}

/* J9, C9, C14: contexts outlive the association and the controller's life; the next life finds and subtracts them, an
 * older one is turned away and touches nothing. */
static void contexts_outlive_the_controller(void **state)
{
	const struct gate_message *m;
	struct gate_command *c;
	uint32_t made[3];

	(void)state;
	(void)register_dbe();
	for (int i = 0; i < 3; i++)
		made[i] = add_context();
	script_close(&sbe);
	sbe.epoch++;
	sbe.last = 0; /* a new life counts from the start */
	(void)register_dbe();
	c = compose(0, GATE_AUDIT_VALUE, NULL);
	(void)c;
	sbe.out.action.context_ref = GATE_REF_ALL;
	m = script_ask(&sbe);
	assert_int_equal(code_of(m), 0);
	assert_int_equal(m->action.ncontexts, 3);
	assert_false(m->action.more);
	script_close(&sbe);

	sbe.epoch -= 2;
	(void)register_dbe();
	script_until_closed(&sbe, 3000);
	assert_int_equal(contexts(), 3);

	sbe.epoch += 2;
	(void)register_dbe();
	for (int i = 0; i < 3; i++) {
		compose(made[i], GATE_SUBTRACT, NULL);
		m = script_ask(&sbe);
		assert_int_equal(code_of(m), 0);
		assert_int_equal(m->action.ncommands, 2);
		assert_true(m->action.commands[0].streams[0].has & GATE_HAS_STATISTICS);
	}
	assert_int_equal(pairs_used(), 0);
	daemon_stop(&dbe);
}

/* C6: a controller that chose a version we do not speak is left; one that fits is taken right afterwards. */
static void an_unknown_version_is_not_spoken(void **state)
{
	(void)state;
	(void)accept_dbe();
	welcome(GATE_VERSION_MAX + 7);
	script_until_closed(&sbe, 3000);
	(void)register_dbe();
	assert_int_equal(subtract(add_context()), 0);
	daemon_stop(&dbe);
}

/* C3: a controller that answers nothing is dead to the dbe within 3 s; what it had stays. */
static void a_silent_controller_is_left(void **state)
{
	uint64_t start_ms;

	(void)state;
	(void)register_dbe();
	(void)add_context();
	sbe.mute = true;
	start_ms = clock_now_ms();
	script_until_closed(&sbe, 3000);
	assert_in_range(clock_now_ms() - start_ms, 400, 3000);
	sbe.mute = false;
	assert_int_equal(register_dbe()->method, GATE_DISCONNECTED);
	assert_int_equal(contexts(), 1);
	daemon_stop(&dbe);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(service_change_comes_first),
		TEST(duplicates_are_executed_once),
		TEST(errors_are_deterministic_and_leave_nothing),
		TEST(broken_frames_end_the_connection_only),
		TEST(other_senders_and_epochs_are_refused),
		TEST(contexts_outlive_the_controller),
		TEST(an_unknown_version_is_not_spoken),
		TEST(a_silent_controller_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
