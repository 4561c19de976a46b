/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and commands: J1, J2, J3, J6; nothing leaks when a command fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "proto/result.h"
#include "tests/unit/dbe/context/rig.h"

static void test_j3_add_chooses_context_ids_and_addresses(void **state)
{
	char core[GATE_NAME_BYTES], peering[GATE_NAME_BYTES];
	struct addr local[2];
	uint32_t id = rig_call(core, peering, local);
	const struct gate_stream *s = &rig.reply.commands[1].streams[0];

	(void)state;
	assert_int_not_equal(id, 0);
	assert_int_equal(rig.reply.context_ref, GATE_REF_ID);
	assert_memory_equal(core, "core/", 5);
	assert_memory_equal(peering, "peering/", 8);
	assert_true(gate_termination_valid(core));
	assert_int_equal(s->has & GATE_HAS_LOCAL, GATE_HAS_LOCAL);
	assert_int_equal(s->local_rtcp.port, s->local_rtp.port + 1);
	assert_int_equal(context_count(rig.store, "sbe1"), 1);
	assert_true(rig_send(&local[0], "192.0.2.1:4000"));
	assert_true(addr_equal(&rig_out.from, &local[1]));
	assert_true(rig_send(&local[1], "192.0.2.2:5000"));
	assert_true(addr_equal(&rig_out.from, &local[0]));
}

static void test_j1_default_is_closed(void **state)
{
	struct gate_command *c;
	struct addr local;

	(void)state;
	rig_begin(GATE_REF_CHOOSE, 0);
	c = rig_add("core", "192.0.2.1:4000");
	c->streams[0].has &= ~GATE_HAS_MODE;
	rig_add("peering", "192.0.2.2:5000");
	assert_int_equal(rig_run(), 0);
	local = rig.reply.commands[0].streams[0].local_rtp;
	assert_false(rig_send(&local, "192.0.2.1:4000"));
	local = rig.reply.commands[1].streams[0].local_rtp;
	assert_false(rig_send(&local, "192.0.2.2:5000"));
}

static void test_second_termination_in_a_later_action(void **state)
{
	struct addr local;
	uint32_t id;

	(void)state;
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("core", "192.0.2.1:4000");
	assert_int_equal(rig_run(), 0);
	id = rig.reply.context;
	local = rig.reply.commands[0].streams[0].local_rtp;
	assert_false(rig_send(&local, "192.0.2.1:4000"));
	rig_begin(GATE_REF_ID, id);
	rig_add("peering", "192.0.2.2:5000");
	assert_int_equal(rig_run(), 0);
	assert_true(rig_send(&local, "192.0.2.1:4000"));
	rig_begin(GATE_REF_ID, id);
	rig_add("peering", "192.0.2.3:5000");
	assert_int_equal(rig_run(), GATE_ERR_CONTEXT_FULL);
}

static void test_j2_modify_changes_only_what_it_names(void **state)
{
	char core[GATE_NAME_BYTES];
	struct addr local[2];
	uint32_t id = rig_call(core, NULL, local);
	struct gate_stream *s;

	(void)state;
	rig_begin(GATE_REF_ID, id);
	s = rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core), 1);
	rig_set_remote(s, "192.0.2.1:4444");
	assert_int_equal(rig_run(), 0);
	assert_int_equal(rig.reply.commands[0].nstreams, 0); /* nothing was chosen */
	assert_false(rig_send(&local[0], "192.0.2.1:4000"));
	assert_true(rig_send(&local[0], "192.0.2.1:4444")); /* the mode stayed */
	rig_begin(GATE_REF_ID, id);
	s = rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core), 1);
	rig_set_mode(s, GATE_INACTIVE);
	assert_int_equal(rig_run(), 0);
	assert_false(rig_send(&local[0], "192.0.2.1:4444"));
}

static void test_modify_adds_a_stream(void **state)
{
	char core[GATE_NAME_BYTES], peering[GATE_NAME_BYTES];
	uint32_t id = rig_call(core, peering, NULL);
	struct addr local[2];
	struct gate_stream *s;

	(void)state;
	rig_begin(GATE_REF_ID, id);
	s = rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core), 2);
	rig_set_remote(s, "192.0.2.1:6000");
	rig_set_mode(s, GATE_SENDRECV);
	s = rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, peering), 2);
	rig_set_remote(s, "192.0.2.2:6000");
	assert_int_equal(rig_run(), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rig.reply.commands[i].nstreams, 1);
		assert_int_equal(rig.reply.commands[i].streams[0].id, 2);
		local[i] = rig.reply.commands[i].streams[0].local_rtp;
	}
	assert_false(rig_send(&local[0], "192.0.2.1:6000")); /* far side is still closed */
	rig_begin(GATE_REF_ID, id);
	rig_set_mode(rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, peering), 2), GATE_SENDRECV);
	assert_int_equal(rig_run(), 0);
	assert_true(rig_send(&local[0], "192.0.2.1:6000"));
	assert_int_equal(rig_out.to.port, 6000);
}

static void test_failed_modify_changes_nothing(void **state)
{
	char core[GATE_NAME_BYTES];
	struct addr local[2];
	uint32_t id = rig_call(core, NULL, local), used = rig_ports(0, POOL_USED);
	struct gate_command *c;

	(void)state;
	rig_begin(GATE_REF_ID, id);
	c = rig_command(GATE_MODIFY, GATE_REF_ID, core);
	rig_set_mode(rig_stream(c, 1), GATE_INACTIVE);
	rig_stream(c, 2);
	rig_set_remote(rig_stream(c, 3), "224.0.0.1:4000"); /* the last one is wrong */
	assert_int_equal(rig_run(), GATE_ERR_VALUE);
	assert_true(strlen(rig.reply.commands[0].text) > 0);
	assert_int_equal(rig_ports(0, POOL_USED), used);
	assert_true(rig_send(&local[0], "192.0.2.1:4000"));
}

static void test_j3_subtract_returns_statistics_and_ends_the_context(void **state)
{
	char core[GATE_NAME_BYTES], peering[GATE_NAME_BYTES];
	const struct gate_statistics *g;
	struct addr local[2];
	uint32_t id = rig_call(core, peering, local);

	(void)state;
	rig_pass_ms(100);
	for (int i = 0; i < 5; i++)
		assert_true(rig_send(&local[0], "192.0.2.1:4000"));
	assert_false(rig_send(&local[0], "192.0.2.9:4000"));
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_SUBTRACT, GATE_REF_ALL, "");
	assert_int_equal(rig_run(), 0);
	assert_int_equal(rig.reply.ncommands, 2);
	g = &rig.reply.commands[0].streams[0].statistics;
	assert_int_equal(g->packets_in, 5);
	assert_int_equal(g->bytes_in, 5 * 172);
	assert_int_equal(g->packets_out, 0);
	assert_int_equal(g->drops[GATE_DROP_SOURCE], 1);
	assert_int_equal(g->first_ms, 100);
	g = &rig.reply.commands[1].streams[0].statistics;
	assert_int_equal(g->packets_out, 5);
	assert_int_equal(g->first_ms, 0);
	assert_int_equal(context_count(rig.store, NULL), 0);
	assert_false(rig_send(&local[0], "192.0.2.1:4000"));
	/* idempotent: a late Modify or second Subtract has no effect */
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_SUBTRACT, GATE_REF_ID, core);
	assert_int_equal(rig_run(), GATE_ERR_CONTEXT);
}

static void test_subtract_one_by_one(void **state)
{
	char core[GATE_NAME_BYTES], peering[GATE_NAME_BYTES];
	struct addr local[2];
	uint32_t id = rig_call(core, peering, local);

	(void)state;
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_SUBTRACT, GATE_REF_ID, core);
	assert_int_equal(rig_run(), 0);
	assert_int_equal(context_count(rig.store, NULL), 1);
	assert_false(rig_send(&local[1], "192.0.2.2:5000"));
	rig_begin(GATE_REF_ID, id);
	rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core), 1);
	assert_int_equal(rig_run(), GATE_ERR_TERMINATION);
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_SUBTRACT, GATE_REF_ID, peering);
	assert_int_equal(rig_run(), 0);
	assert_int_equal(context_count(rig.store, NULL), 0);
}

static void test_a_failed_add_is_rolled_back(void **state)
{
	struct gate_command *c;

	(void)state;
	/* the realm has two pairs, three streams are asked for */
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("core", "192.0.2.1:4000");
	c = rig_add("tiny", "192.0.2.2:5000");
	rig_stream(c, 2);
	rig_stream(c, 3);
	assert_int_equal(rig_run(), GATE_ERR_NONE_AVAILABLE);
	assert_int_equal(rig_ports(2, POOL_USED), 0);
	/* the first command stands (RFC 3525 8.1), and is told of */
	assert_int_equal(rig.reply.ncommands, 2);
	assert_int_equal(rig.reply.commands[0].code, 0);
	assert_int_equal(rig_ports(0, POOL_USED), 1);
	assert_int_equal(context_count(rig.store, NULL), 1);
}

static void test_an_empty_context_is_not_left_behind(void **state)
{
	(void)state;
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("nowhere", NULL);
	assert_int_equal(rig_run(), GATE_ERR_REALM);
	assert_int_equal(rig.reply.context, 0);
	assert_int_equal(context_count(rig.store, NULL), 0);
}

static void test_first_failure_stops_unless_optional(void **state)
{
	struct gate_command *c;

	(void)state;
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("nowhere", NULL);
	rig_add("core", "192.0.2.1:4000");
	assert_int_equal(rig_run(), GATE_ERR_REALM);
	assert_int_equal(rig.reply.ncommands, 1);
	assert_int_equal(rig_ports(0, POOL_USED), 0);
	rig_begin(GATE_REF_CHOOSE, 0);
	c = rig_add("nowhere", NULL);
	c->optional = true;
	rig_add("core", "192.0.2.1:4000");
	assert_int_equal(rig_run(), 0);
	assert_int_equal(rig.reply.ncommands, 2);
	assert_int_equal(rig.reply.commands[0].code, GATE_ERR_REALM);
}

static void test_j6_errors_of_add(void **state)
{
	struct gate_command *c;
	char core[GATE_NAME_BYTES];
	uint32_t id;

	(void)state;
	rig_begin(GATE_REF_CHOOSE, 0);
	c = rig_add("core", "[2001:db8::1]:4000"); /* core has no IPv6 */
	assert_int_equal(rig_run(), GATE_ERR_REALM);
	rig_begin(GATE_REF_CHOOSE, 0);
	c = rig_add("core", "[2001:db8::1]:4000");
	c->family = ADDR_V4;
	assert_int_equal(rig_run(), GATE_ERR_VALUE);
	assert_int_equal(rig_ports(0, POOL_RESTING), 0); /* no port was spent on it */
	rig_begin(GATE_REF_CHOOSE, 0);
	c = rig_add("core", NULL);
	c->nstreams = 0;
	assert_int_equal(rig_run(), GATE_ERR_MISSING);
	path_fake_fail_open(rig.host.path, -EADDRINUSE, 100);
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("core", NULL);
	assert_int_equal(rig_run(), GATE_ERR_BIND);
	path_fake_fail_open(rig.host.path, -EMFILE, 1);
	assert_int_equal(rig_run(), GATE_ERR_RESOURCES);
	path_fake_fail_open(rig.host.path, -EADDRNOTAVAIL, 1);
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("tiny", NULL);
	assert_int_equal(rig_run(), GATE_ERR_REALM);
	path_fake_fail_open(rig.host.path, 0, 0);
	id = rig_call(core, NULL, NULL);
	rig_begin(GATE_REF_ID, id);
	c = rig_add("core", NULL);
	c->ref = GATE_REF_ID;
	strcpy(c->termination, core);
	assert_int_equal(rig_run(), GATE_ERR_IN_CONTEXT);
	strcpy(c->termination, "core/999");
	assert_int_equal(rig_run(), GATE_ERR_TERMINATION);
	rig_pass_ms(7000); /* tiny comes back before the end */
}

static void test_ipv6_far_end_gets_an_ipv6_address(void **state)
{
	(void)state;
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("peering", "[2001:db8::1]:4000");
	assert_int_equal(rig_run(), 0);
	assert_int_equal(rig.reply.commands[0].streams[0].local_rtp.family, ADDR_V6);
}

/* RFC 5118 4.8: one session, a stream on IPv4 and one on IPv6. */
static void test_streams_of_both_families(void **state)
{
	struct gate_command *c;

	(void)state;
	rig_begin(GATE_REF_CHOOSE, 0);
	c = rig_add("peering", "192.0.2.1:22334");
	rig_set_remote(rig_stream(c, 2), "[2001:db8::1]:6024");
	rig_set_remote(rig_stream(c, 3), "192.0.2.1:22336");
	rig_stream(c, 4); /* nothing known of it: as the first */
	assert_int_equal(rig_run(), 0);
	assert_int_equal(rig.reply.commands[0].nstreams, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(rig.reply.commands[0].streams[i].local_rtp.family,
				 i == 1 ? ADDR_V6 : ADDR_V4);
}

static void test_b15_own_address_as_far_end_is_refused(void **state)
{
	char core[GATE_NAME_BYTES], text[ADDR_TEXT_BYTES];
	struct addr local[2];
	uint32_t id = rig_call(core, NULL, local);

	(void)state;
	rig_begin(GATE_REF_ID, id);
	rig_set_remote(rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core), 1),
		       addr_print(&local[1], text, sizeof(text)));
	assert_int_equal(rig_run(), GATE_ERR_VALUE);
}

/* One of our ports, in a context whose one side is set so and whose other is at 192.0.2.9. @return the result's code. */
static int call_to(const char *far_core, const char *far_peering, struct addr local[2])
{
	int code;

	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("core", far_core);
	rig_add("peering", far_peering);
	code = rig_run();
	for (size_t i = 0; !code && i < 2; i++)
		local[i] = rig.reply.commands[i].streams[0].local_rtp;
	return code;
}

/* A4: a far end at this relay is a port of another call, or nothing. */
static void test_a4_own_address_is_another_call_or_refused(void **state)
{
	char text[ADDR_TEXT_BYTES];
	struct addr first[2], second[2], a;

	(void)state;
	assert_int_equal(call_to("192.0.2.1:4000", "192.0.2.2:5000", first), 0);
	/* a call that came back to us */
	assert_int_equal(
		call_to(addr_print(&first[1], text, sizeof(text)), "192.0.2.3:4000", second), 0);
	a = first[0];
	a.port = 20198; /* in the pool's range, nobody's: ports are chosen at random */
	while (a.port == first[0].port || a.port == second[0].port)
		a.port -= 2;
	assert_int_equal(call_to(addr_print(&a, text, sizeof(text)), "192.0.2.3:4000", second),
			 GATE_ERR_VALUE);
	a.port = 9; /* laboratories have peers on our loopback address */
	assert_int_equal(call_to(addr_print(&a, text, sizeof(text)), "192.0.2.3:4000", second), 0);
}

/* B15: two contexts that lead to each other on both sides would pass one packet round for ever. */
static void test_b15_contexts_in_a_circle(void **state)
{
	char core[2][GATE_NAME_BYTES], peering[2][GATE_NAME_BYTES], text[ADDR_TEXT_BYTES];
	struct addr first[2], second[2];
	uint32_t ids[2];

	(void)state;
	ids[0] = rig_call(core[0], peering[0], first);
	ids[1] = rig_call(core[1], peering[1], second);
	/* the first call's outer side leads into the second: a call that came back */
	rig_begin(GATE_REF_ID, ids[0]);
	rig_set_remote(rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, peering[0]), 1),
		       addr_print(&second[1], text, sizeof(text)));
	assert_int_equal(rig_run(), 0);
	rig_begin(GATE_REF_ID, ids[1]);
	rig_set_remote(rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, peering[1]), 1),
		       addr_print(&first[1], text, sizeof(text)));
	assert_int_equal(rig_run(), 0);
	/* and now the inner sides too */
	rig_begin(GATE_REF_ID, ids[1]);
	rig_set_remote(rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core[1]), 1),
		       addr_print(&first[0], text, sizeof(text)));
	assert_int_equal(rig_run(), GATE_ERR_VALUE);
	/* what was refused changed nothing */
	rig_begin(GATE_REF_ID, ids[1]);
	rig_set_remote(rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core[1]), 1),
		       "192.0.2.1:4000");
	assert_int_equal(rig_run(), 0);
}

static void test_a_controller_sees_only_its_own(void **state)
{
	char core[GATE_NAME_BYTES];
	uint32_t id = rig_call(core, NULL, NULL), other;

	(void)state;
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_SUBTRACT, GATE_REF_ALL, "");
	assert_int_equal(rig_run_as("sbe2"), GATE_ERR_CONTEXT);
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("core", NULL);
	assert_int_equal(rig_run_as("sbe2"), 0);
	other = rig.reply.context;
	assert_int_not_equal(other, id);
	/* a termination of another context of ours is 435, one of a stranger's 430 */
	rig_begin(GATE_REF_ID, other);
	rig_command(GATE_SUBTRACT, GATE_REF_ID, core);
	assert_int_equal(rig_run_as("sbe2"), GATE_ERR_TERMINATION);
	other = rig_call(NULL, NULL, NULL);
	rig_begin(GATE_REF_ID, other);
	rig_command(GATE_SUBTRACT, GATE_REF_ID, core);
	assert_int_equal(rig_run(), GATE_ERR_NOT_IN_CONTEXT);
	/* ALL/ALL clears one controller's */
	rig_begin(GATE_REF_ALL, 0);
	rig_command(GATE_SUBTRACT, GATE_REF_ALL, "");
	assert_int_equal(rig_run(), 0);
	assert_int_equal(context_count(rig.store, "sbe1"), 0);
	assert_int_equal(context_count(rig.store, "sbe2"), 1);
	assert_int_equal(context_clear(rig.store, "sbe2"), 1);
	assert_int_equal(context_clear(rig.store, "sbe2"), 0);
}

static void test_cap_on_contexts(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		rig_begin(GATE_REF_CHOOSE, 0);
		rig_add("core", NULL);
		assert_int_equal(rig_run(), 0);
	}
	assert_int_equal(rig_run(), GATE_ERR_NO_CONTEXTS);
}

static void test_draining_takes_emergencies_only(void **state)
{
	char core[GATE_NAME_BYTES];
	struct addr local[2];
	uint32_t id = rig_call(core, NULL, local);

	(void)state;
	context_set_draining(rig.store, true);
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("core", NULL);
	assert_int_equal(rig_run(), GATE_ERR_UNAVAILABLE);
	rig.request.has_emergency = rig.request.emergency = true;
	assert_int_equal(rig_run(), 0);
	assert_true(rig_send(&local[0], "192.0.2.1:4000"));
	rig_begin(GATE_REF_ID, id);
	rig_set_mode(rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core), 1), GATE_RECVONLY);
	assert_int_equal(rig_run(), 0);
	context_set_draining(rig.store, false);
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("core", NULL);
	assert_int_equal(rig_run(), 0);
}

static void test_not_ours_to_execute(void **state)
{
	char core[GATE_NAME_BYTES];
	uint32_t id = rig_call(core, NULL, NULL);

	(void)state;
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_MOVE, GATE_REF_ID, core);
	assert_int_equal(rig_run(), GATE_ERR_NOT_IMPLEMENTED);
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_NOTIFY, GATE_REF_ID, core);
	assert_int_equal(rig_run(), GATE_ERR_COMMAND);
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_MODIFY, GATE_REF_ROOT, "");
	assert_int_equal(rig_run(), GATE_ERR_IDENTIFIER);
	rig_begin(GATE_REF_ROOT, 0);
	rig_command(GATE_SUBTRACT, GATE_REF_ALL, "");
	assert_int_equal(rig_run(), GATE_ERR_ACTION);
}

/* Fail each allocation in turn: an error code, nothing kept, and the call before it still relays. */
static void test_allocation_failures_leak_nothing(void **state)
{
	struct addr local[2];
	int code = GATE_ERR_RESOURCES;
	size_t before;

	(void)state;
	rig_call(NULL, NULL, local);
	before = mem_live();
	for (unsigned long n = 1; code; n++) {
		rig_begin(GATE_REF_CHOOSE, 0);
		rig.request.has_record = true;
		rig.request.record = (const uint8_t *)"record";
		rig.request.record_bytes = 6;
		rig_add("core", "192.0.2.1:4000");
		mem_fail_at(n);
		code = rig_run();
		mem_fail_at(0);
		if (code) {
			assert_int_equal(code, GATE_ERR_RESOURCES);
			assert_int_equal(mem_live(), before);
			assert_int_equal(rig_ports(0, POOL_USED), 1);
		}
		assert_true(n < 50);
	}
	assert_true(rig_send(&local[0], "192.0.2.1:4000"));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_j3_add_chooses_context_ids_and_addresses),
		TEST(test_j1_default_is_closed),
		TEST(test_second_termination_in_a_later_action),
		TEST(test_j2_modify_changes_only_what_it_names),
		TEST(test_modify_adds_a_stream),
		TEST(test_failed_modify_changes_nothing),
		TEST(test_j3_subtract_returns_statistics_and_ends_the_context),
		TEST(test_subtract_one_by_one),
		TEST(test_a_failed_add_is_rolled_back),
		TEST(test_an_empty_context_is_not_left_behind),
		TEST(test_first_failure_stops_unless_optional),
		TEST(test_j6_errors_of_add),
		TEST(test_ipv6_far_end_gets_an_ipv6_address),
		TEST(test_streams_of_both_families),
		TEST(test_b15_own_address_as_far_end_is_refused),
		TEST(test_a4_own_address_is_another_call_or_refused),
		TEST(test_b15_contexts_in_a_circle),
		TEST(test_a_controller_sees_only_its_own),
		TEST(test_cap_on_contexts),
		TEST(test_draining_takes_emergencies_only),
		TEST(test_not_ours_to_execute),
		TEST(test_allocation_failures_leak_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
