/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator sees of a call: what both sides said, what the dbe counts, and why media is one-way (design 9). */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char shown_token[CALL_TOKEN_BYTES];

static const char *token(void)
{
	json_t *list = call_list(bed.core);

	snprintf(shown_token, sizeof(shown_token), "%s",
		 json_string_value(
			 json_array_get(json_array_get(json_object_get(list, "rows"), 0), 0)));
	json_decref(list);
	return shown_token;
}

/* Member as text, by path; numbers too, the rest as JSON. "" if absent. */
static const char *at(const json_t *o, const char *path)
{
	static char values[4][1024];
	static unsigned turn;
	char *buf = values[turn++ % 4], key[64];
	char *text;

	for (; o && *path; path += strcspn(path, "."), path += *path == '.') {
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(path, "."), path);
		o = json_is_array(o) ? json_array_get(o, (size_t)atoi(key))
				     : json_object_get(o, key);
	}
	buf[0] = '\0';
	text = json_is_string(o) ? NULL : json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY);
	snprintf(buf, sizeof(values[0]), "%s",
		 json_is_string(o) ? json_string_value(o)
		 : text            ? text
				   : "");
	free(text);
	return buf;
}

static void is(const json_t *o, const char *path, const char *expected)
{
	assert_string_equal(at(o, path), expected);
}

/* The whole text for these counters of the caller's and the callee's side, 10 s after the answer. */
static void text_is(const struct gate_statistics *caller, const struct gate_statistics *callee,
		    const char *expected)
{
	json_t *o;

	bed.gate.audit_set = true;
	bed.gate.audit[0] = *caller;
	bed.gate.audit[1] = *callee;
	o = bed_show(token());
	is(o, "text", expected);
	json_decref(o);
}

static const struct gate_statistics well = {
	.packets_in = 812, .packets_out = 812, .first_ms = 1, .last_ms = 10000};
static const struct gate_statistics nothing;

static void connect_and_talk(void)
{
	bed_connect();
	bed_run_ms(10000);
}

static void all_of_a_call(void **state)
{
	json_t *o;

	(void)state;
	bed_connect();
	bed.gate.audit_set = true;
	bed.gate.audit[0] = (struct gate_statistics){.packets_in = 50,
						     .bytes_in = 8600,
						     .packets_out = 40,
						     .bytes_out = 6880,
						     .lost = 2,
						     .jitter_us = 1500,
						     .drops[GATE_DROP_SOURCE] = 7};
	bed.gate.audit[1] = (struct gate_statistics){.packets_in = 40, .packets_out = 50};
	bed_gate_event(0, GATE_EVENT_SOURCE);
	bed_gate_event(1, GATE_EVENT_LATCHED);
	o = bed_show(token());
	is(o, "state", "up");
	is(o, "route", "out");
	is(o, "attempts.0.hop", "bnet sip:198.51.100.20");
	is(o, "attempts.0.result", "answered");
	is(o, "attempts.0.status", "200");
	is(o, "caller_leg.peer", "pbx");
	is(o, "callee_leg.address", "198.51.100.20:5060");
	is(o, "counters", "as the dbe counts now");
	is(o, "streams.0.caller.address", "10.0.0.11:4000");
	is(o, "streams.0.caller.says", "sendrecv");
	is(o, "streams.0.caller.payloads", "[0,8,101]");
	is(o, "streams.0.caller.gate", "sendrecv");
	is(o, "streams.0.caller.packets_in", "50");
	is(o, "streams.0.caller.packets_out", "40");
	is(o, "streams.0.caller.bytes_in", "8600");
	is(o, "streams.0.caller.bytes_out", "6880");
	is(o, "streams.0.caller.lost", "2");
	is(o, "streams.0.caller.jitter_ms", "1.5");
	is(o, "streams.0.caller.drops", "{\"source\":7}");
	is(o, "streams.0.caller.unexpected_source", "192.0.2.66:4444");
	is(o, "streams.0.caller.latched", "");
	is(o, "streams.0.callee.latched", "192.0.2.66:4444");
	is(o, "streams.0.callee.address", "198.51.100.22:6000");
	is(o, "streams.0.callee.drops", "");
	json_decref(o);
	bed_hang_up(A, B);
}

static void media_is_well(void **state)
{
	struct gate_statistics strays = well;

	(void)state;
	connect_and_talk();
	text_is(&well, &well,
		"Caller to callee: 812 packets, ok.\nCallee to caller: 812 packets, ok.");
	strays.drops[GATE_DROP_SOURCE] = 3;
	text_is(&well, &strays,
		"Caller to callee: 812 packets, ok.\nCallee to caller: 812 packets, ok; 3 packets came "
		"from another address (dropped as source).");
	bed_hang_up(A, B);
}

static void nothing_comes(void **state)
{
	struct gate_statistics deaf = {.packets_out = 812};

	(void)state;
	connect_and_talk();
	text_is(&well, &deaf,
		"One-way audio: no media arrives from the callee.\nCaller to callee: 812 packets, ok.\n"
		"Callee to caller: nothing arrives from 198.51.100.22:6000 since the call began (10.0 s): "
		"it does not send, sends elsewhere, or a firewall is between.");
	text_is(&nothing, &nothing,
		"No media arrives from either side.\n"
		"Caller to callee: nothing arrives from 10.0.0.11:4000 since the call began (10.0 s): "
		"it does not send, sends elsewhere, or a firewall is between.\n"
		"Callee to caller: nothing arrives from 198.51.100.22:6000 since the call began (10.0 s): "
		"it does not send, sends elsewhere, or a firewall is between.");
	bed_hang_up(A, B);
}

/* Right after the answer nobody is blamed. */
static void nothing_comes_yet(void **state)
{
	(void)state;
	bed_connect();
	text_is(&nothing, &nothing,
		"Caller to callee: nothing has arrived yet.\nCallee to caller: nothing has arrived yet.");
	bed_hang_up(A, B);
}

static void another_address(void **state)
{
	struct gate_statistics s = {.packets_out = 812, .drops[GATE_DROP_SOURCE] = 40};

	(void)state;
	connect_and_talk();
	text_is(&well, &s,
		"One-way audio: no media arrives from the callee.\nCaller to callee: 812 packets, ok.\n"
		"Callee to caller: nothing arrives from 198.51.100.22:6000 since the call began (10.0 s); "
		"40 packets came from another address (dropped as source): the peer sends from an address "
		"it did not signal: NAT without latching, or a stranger.");
	bed_gate_event(1, GATE_EVENT_SOURCE);
	bed.gate.audit[1] = s;
	json_t *o = bed_show(token());
	assert_non_null(strstr(at(o, "text"),
			       "40 packets came from another address, 192.0.2.66:4444, "
			       "(dropped as source)"));
	json_decref(o);
	bed_hang_up(A, B);
}

static void refused_and_lost(void **state)
{
	struct gate_statistics s = {.packets_out = 812, .drops[GATE_DROP_PAYLOAD] = 40};

	(void)state;
	connect_and_talk();
	text_is(&s, &well,
		"One-way audio: no media arrives from the caller.\n"
		"Caller to callee: nothing acceptable arrives from 10.0.0.11:4000 since the call began "
		"(10.0 s); 40 packets were dropped as payload_type: its payload types were not negotiated.\n"
		"Callee to caller: 812 packets, ok.");
	s = well;
	s.drops[GATE_DROP_PAYLOAD] = 400;
	text_is(&s, &well,
		"Caller to callee: 812 packets, but 400 more were dropped as payload_type: its payload "
		"types were not negotiated.\nCallee to caller: 812 packets, ok.");
	s = well;
	s.lost = 42; /* 4.9 % */
	text_is(&s, &well,
		"Caller to callee: 812 packets, ok.\nCallee to caller: 812 packets, ok.");
	s.lost = 188;
	text_is(&s, &well,
		"Caller to callee: 812 packets, but 18.8 % were lost on the way to the dbe.\n"
		"Callee to caller: 812 packets, ok.");
	bed_hang_up(A, B);
}

static void stopped_and_stuck(void **state)
{
	struct gate_statistics s = well;

	(void)state;
	connect_and_talk();
	s.last_ms = 4000;
	text_is(&s, &well,
		"One-way audio: no media arrives from the caller.\n"
		"Caller to callee: silent for 6.0 s: media came (812 packets) and stopped; the far end "
		"holds, moved, or is gone.\nCallee to caller: 812 packets, ok.");
	s = well;
	s.drops[GATE_DROP_NO_REMOTE] = 812;
	struct gate_statistics deaf = {.packets_in = 812, .last_ms = 10000};
	text_is(&s, &deaf,
		"One-way audio: the media of the caller does not go on to the callee.\n"
		"Caller to callee: 812 packets come in but do not go out; they are dropped as no_remote: "
		"the other side's address is not known, or has not latched yet.\n"
		"Callee to caller: 812 packets, ok.");
	bed_hang_up(A, B);
}

static void on_hold(void **state)
{
	struct gate_statistics s = {.drops[GATE_DROP_MODE] = 9, .packets_out = 812};

	(void)state;
	connect_and_talk();
	bed_request(A, "INVITE", SDP_A "a=sendonly\n");
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B "a=recvonly\n");
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	text_is(&well, &s,
		"Caller to callee: 812 packets, ok.\n"
		"Callee to caller: closed, not meant to carry media now: the callee said recvonly (hold); "
		"9 packets that came all the same were dropped (mode).");
	bed_hang_up(A, B);
}

/* ---- the dbe does not tell ---- */

struct asked {
	int n;
	json_t *object;
};

static void take(void *arg, json_t *object)
{
	struct asked *a = arg;

	a->n++;
	a->object = object;
}

static void ends_with(struct asked *a, const char *counters)
{
	assert_int_equal(a->n, 1);
	is(a->object, "counters", counters);
	is(a->object, "streams.0.caller.address", "10.0.0.11:4000");
	is(a->object, "streams.0.caller.packets_in", "");
	json_decref(a->object);
}

static void dbe_does_not_answer(void **state)
{
	struct asked a = {0, NULL};

	(void)state;
	bed_connect();
	bed.gate.audit_err = -ETIMEDOUT;
	assert_int_equal(call_show(bed.core, token(), take, &a), 0);
	bed_settle();
	ends_with(&a, "the dbe does not answer");
	a.n = 0;
	bed.gate.audit_err = -EBUSY;
	assert_int_equal(call_show(bed.core, token(), take, &a), 0);
	ends_with(&a, "no gate is open yet");
	bed_hang_up(A, B);
}

static void dbe_answers_too_late(void **state)
{
	struct asked a = {0, NULL};

	(void)state;
	bed_connect();
	bed.gate.audit_deaf = true;
	assert_int_equal(call_show(bed.core, token(), take, &a), 0);
	bed_run_ms(1400);
	assert_int_equal(a.n, 0);
	bed_run_ms(200);
	ends_with(&a, "the dbe does not answer");
	bed.gate.audit_deaf = false;
	bed_settle();
	assert_int_equal(a.n, 1);
	bed_hang_up(A, B);
}

/* The call ends while the dbe is asked, before and after the operator gave up. */
static void call_ends_meanwhile(void **state)
{
	struct asked a = {0, NULL}, b = {0, NULL};

	(void)state;
	bed_connect();
	bed.gate.audit_deaf = true;
	assert_int_equal(call_show(bed.core, token(), take, &a), 0);
	bed_run_ms(2000);
	assert_int_equal(a.n, 1);
	assert_int_equal(call_show(bed.core, token(), take, &b), 0);
	bed_hang_up(A, B);
	ends_with(&a, "the dbe does not answer");
	ends_with(&b, "the gates are being closed");
	assert_int_equal(bed.core->asking, 0);
}

static void too_many_ask(void **state)
{
	struct asked a[65] = {{0, NULL}};

	(void)state;
	bed_connect();
	bed.gate.hold = true;
	for (int i = 0; i < 60; i++)
		assert_int_equal(call_show(bed.core, token(), take, &a[i]), 0);
	bed.core->asking += 4; /* of other calls */
	assert_int_equal(call_show(bed.core, token(), take, &a[60]), 0);
	ends_with(&a[60], "too many ask at once");
	bed.core->asking -= 4;
	bed.gate.hold = false;
	bed_settle();
	for (int i = 0; i < 60; i++) {
		assert_int_equal(a[i].n, 1);
		json_decref(a[i].object);
	}
	bed_hang_up(A, B);
}

static void before_the_answer(void **state)
{
	json_t *o;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	o = bed_show(token());
	is(o, "state", "ringing");
	is(o, "streams.0.callee.address", "null");
	assert_non_null(strstr(at(o, "text"), "closed"));
	json_decref(o);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_take(B, "CANCEL ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(all_of_a_call),       BED_TEST(media_is_well),
		BED_TEST(nothing_comes),       BED_TEST(nothing_comes_yet),
		BED_TEST(another_address),     BED_TEST(refused_and_lost),
		BED_TEST(stopped_and_stuck),   BED_TEST(on_hold),
		BED_TEST(dbe_does_not_answer), BED_TEST(dbe_answers_too_late),
		BED_TEST(call_ends_meanwhile), BED_TEST(too_many_ask),
		BED_TEST(before_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
