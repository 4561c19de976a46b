/* SPDX-License-Identifier: Apache-2.0 */
/* A call from its INVITE to its CDR, in both directions (G1, G2, G3), and the core around it. */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

static void basic_call(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	assert_string_equal(bed.gate.realms, "m-core v4 m-peering v4");
	assert_string_equal(bed_modes(), "inactive/inactive"); /* G3: Add+Add before the INVITE */
	m = bed_take(B, "INVITE sip:+442079460000@b.example SIP/2.0\r\n");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_has(m, "\r\nMax-Forwards: 69\r\n"); /* S1, A6 */
	bed_has(m, "\r\nFrom: \"Caller\" <sip:+15550100@a.example>;tag=");
	bed_run_ms(1000);
	bed_skip(B); /* the INVITE again */
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_run_ms(2000);
	bed_reply(B, 200, SDP_B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	bed_has(m, "\r\nContact: <sip:10.0.0.1:5060>\r\n");
	bed_quiet(B); /* the ACK is A's to give */
	bed_ack(A, NULL);
	m = bed_take(B, "ACK sip:user@198.51.100.20:5060 SIP/2.0\r\n");
	assert_string_equal(bed_header(m, "CSeq"), "1 ACK");
	assert_int_equal(call_count(bed.core), 1);
	bed_run_ms(60000);
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	m = bed_take_bye(B);
	assert_string_equal(bed_header(m, "CSeq"), "2 BYE");
	assert_int_equal(bed.gate.now, 0);
	assert_int_equal(call_count(bed.core), 0);
}

static void record_of_a_call(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_run_ms(100);
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_run_ms(2000);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(60000);
	assert_int_equal(bed_cdr_count(), 0);
	bed_hang_up(B, A);
	assert_int_equal(bed_cdr_count(), 1);
	assert_string_equal(bed_cdr("type"), "stop");
	assert_string_equal(bed_cdr("ingress_peer"), "pbx");
	assert_string_equal(bed_cdr("ingress_realm"), "core");
	assert_string_equal(bed_cdr("egress_peer"), "bnet");
	assert_string_equal(bed_cdr("egress_address"), "198.51.100.20:5060");
	assert_string_equal(bed_cdr("a_call_id"), bed.ua[A].call_id);
	assert_string_equal(bed_cdr("b_call_id"), bed.ua[B].call_id);
	assert_string_equal(bed_cdr("route"), "out");
	assert_string_equal(bed_cdr("called"), "sip:+442079460000@a.example");
	assert_string_equal(bed_cdr("called_sent"), "sip:+442079460000@b.example");
	assert_string_equal(bed_cdr("invite_time"), "2026-01-01T00:00:00.000Z");
	assert_string_equal(bed_cdr("ring_time"), "2026-01-01T00:00:00.100Z");
	assert_string_equal(bed_cdr("answer_time"), "2026-01-01T00:00:02.100Z");
	assert_string_equal(bed_cdr("end_time"), "2026-01-01T00:01:02.100Z");
	assert_string_equal(bed_cdr("duration_ms"), "60000");
	assert_string_equal(bed_cdr("setup_ms"), "2100");
	assert_string_equal(bed_cdr("pdd_ms"), "100");
	assert_string_equal(bed_cdr("status"), "200");
	assert_string_equal(bed_cdr("cause"), "normal");
	assert_string_equal(bed_cdr("released_by"), "callee");
	assert_string_equal(bed_cdr("attempts.0.result"), "answered");
	assert_string_equal(bed_cdr("dbe"), "dbe1");
	assert_string_equal(bed_cdr("context"), "1");
	assert_string_equal(bed_cdr("media.0.caller.remote"), "10.0.0.11:4000");
	assert_string_equal(bed_cdr("media.0.caller.packets_in"), "100");
	assert_string_equal(bed_cdr("media.0.callee.packets_in"), "101");
}

/* The same the other way round: what is outer for one call is inner for none. */
static void call_from_the_peer(void **state)
{
	const char *m;

	(void)state;
	bed_invite(B, SDP_B);
	m = bed_take(A, "INVITE sip:+442079460000@10.0.0.10:5060 SIP/2.0\r\n");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	assert_string_equal(bed.gate.realms, "m-peering v4 m-core v4");
	bed_reply(A, 200, SDP_A);
	m = bed_take(B, "SIP/2.0 200 ");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(B, NULL);
	bed_take(A, "ACK ");
	bed_hang_up(A, B);
	assert_string_equal(bed_cdr("released_by"), "callee");
}

static void several_calls_do_not_mix(void **state)
{
	struct bed_ua first_a, first_b;

	(void)state;
	bed_connect();
	first_a = bed.ua[A];
	first_b = bed.ua[B];
	bed_connect();
	assert_int_equal(call_count(bed.core), 2);
	assert_int_equal(peer_find_name(bed.config.peers, "pbx")->state->sessions[PEER_IN], 2);
	bed_hang_up(A, B);
	assert_int_equal(call_count(bed.core), 1);
	bed.ua[A] = first_a;
	bed.ua[B] = first_b;
	bed_hang_up(B, A);
	assert_int_equal(bed_cdr_count(), 2);
}

/* ---- reload ---- */

/* A call keeps the agreement it was placed under; its peer is known by name. */
static void call_over_a_reload(void **state)
{
	struct call_config next = bed.config, before = bed.config;

	(void)state;
	bed_connect();
	assert_int_equal(peer_set_new(&bed.peer_confs, NULL, before.peers, &next.peers), 0);
	assert_int_equal(route_set_new(&bed.routes, NULL, next.peers, &next.routes), 0);
	call_core_configure(bed.core, &next);
	bed.config = next;
	route_set_free(before.routes);
	peer_set_free(before.peers);
	assert_int_equal(peer_find_name(next.peers, "pbx")->state->sessions[PEER_IN], 1);
	bed_request(A, "INVITE", SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(B, A);
	assert_int_equal(peer_find_name(next.peers, "pbx")->state->sessions[PEER_IN], 0);
	bed_connect();
	bed_hang_up(A, B);
	bed_run_ms(40000);
	bed.live_up = mem_live(); /* another snapshot than at the start */
}

/* The core goes while calls are up: no signalling, nothing left. */
static void freed_with_calls(void **state)
{
	(void)state;
	bed_connect();
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	call_core_free(bed.core);
	assert_int_equal(bed.gate.now, 0);
	bed_run_ms(0);
	bed_take(A, "SIP/2.0 500 "); /* nobody can answer the INVITE any more */
	bed_quiet(B);
	{
		struct call_options o = {.wheel = bed.wheel,
					 .transport = &bed.transport,
					 .txns = bed.txns,
					 .gates = (struct gate_pool *)&bed};

		assert_int_equal(call_core_new(&o, &bed.config, &bed.core), 0);
	}
	bed_run_ms(40000);
	bed_skip(B);
}

/* ---- operator ---- */

static const char *token(void)
{
	static char text[32];
	json_t *list = call_list(bed.core);

	snprintf(text, sizeof(text), "%s",
		 json_string_value(
			 json_array_get(json_array_get(json_object_get(list, "rows"), 0), 0)));
	json_decref(list);
	return text;
}

static void kill_releases_both(void **state)
{
	const char *m;
	char prefix[8];

	(void)state;
	bed_connect();
	assert_int_equal(call_kill(bed.core, "zz", ""), -ENOENT);
	assert_int_equal(call_kill(bed.core, "zzzz", ""), -ENOENT);
	snprintf(prefix, sizeof(prefix), "%.5s", token());
	assert_int_equal(call_kill(bed.core, prefix, "out\" of\r\nline"), -EINVAL);
	assert_int_equal(call_kill(bed.core, prefix, "fraud"), 0);
	bed_settle();
	m = bed_take_bye(A);
	bed_has(m, "\r\nReason: SIP;cause=480;text=\"fraud\"\r\n");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "operator");
	assert_string_equal(bed_cdr("released_by"), "sbe");
	assert_int_equal(call_kill(bed.core, prefix, "test"), -ENOENT);
}

static void kill_while_it_rings(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	assert_int_equal(call_kill(bed.core, token(), "test"), 0);
	bed_settle();
	bed_take(A, "SIP/2.0 480 ");
	bed_take(B, "CANCEL ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(call_count(bed.core), 0);
}

static void list_and_show(void **state)
{
	json_t *o, *list;
	const char *row;

	(void)state;
	bed_connect();
	list = call_list(bed.core);
	row = json_string_value(
		json_array_get(json_array_get(json_object_get(list, "rows"), 0), 1));
	assert_string_equal(row, "up");
	json_decref(list);
	assert_int_equal(call_show(bed.core, "zzzz", NULL, NULL), -ENOENT);
	o = bed_show(token());
	assert_string_equal(json_string_value(json_object_get(o, "state")), "up");
	assert_string_equal(json_string_value(json_object_get(o, "dbe")), "dbe1");
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_array_get(json_object_get(o, "streams"), 0), "caller"),
			"address")),
		"10.0.0.11:4000");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(o, "callee_leg"), "call_id")),
		bed.ua[B].call_id);
	json_decref(o);
	bed_hang_up(A, B);
}

static void stopped(void *arg)
{
	++*(int *)arg;
}

static void shutdown_without_calls(void **state)
{
	int n = 0;

	(void)state;
	call_shutdown(bed.core, stopped, &n);
	assert_int_equal(n, 1);
	bed_invite(A, SDP_A);
	bed_has(bed_take(A, "SIP/2.0 503 "), "border element is stopping");
}

static void shutdown_releases_all(void **state)
{
	struct bed_ua first_a, first_b;
	int n = 0;

	(void)state;
	bed_connect();
	first_a = bed.ua[A];
	first_b = bed.ua[B];
	bed_invite(A, SDP_A); /* this one only rings */
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	call_shutdown(bed.core, stopped, &n);
	bed_settle();
	assert_int_equal(n, 0);
	bed_invite(X, SDP_B);
	bed_take(X, "SIP/2.0 503 ");
	/* first the older call, then the other */
	bed_take_bye(B);
	bed_take_bye(A);
	bed.ua[A].call_id[0] = '\0';
	bed.ua[A] = first_a;
	bed.ua[B] = first_b;
	assert_int_equal(n, 0);
	bed_skip(A); /* 503 to the one that rang */
	bed_take(B, "CANCEL ");
	bed_run_ms(33000); /* its answer never comes */
	bed_skip(A);
	bed_skip(B);
	assert_int_equal(n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(basic_call),
		BED_TEST(record_of_a_call),
		BED_TEST(call_from_the_peer),
		BED_TEST(several_calls_do_not_mix),
		BED_TEST(call_over_a_reload),
		BED_TEST(freed_with_calls),
		BED_TEST(kill_releases_both),
		BED_TEST(kill_while_it_rings),
		BED_TEST(list_and_show),
		BED_TEST(shutdown_without_calls),
		BED_TEST(shutdown_releases_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
