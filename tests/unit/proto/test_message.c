/* SPDX-License-Identifier: Apache-2.0 */
/* message: what is written is read back, presence is kept, and everything else is refused with its H.248 code. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message.h"
#include "proto/result.h"

static struct gate_message in, out;
static uint8_t wire[65536];
static size_t wire_bytes;
static uint16_t code;
static char text[GATE_TEXT_BYTES];

static void start(int body)
{
	gate_message_clear(&in);
	in.version = 1;
	strcpy(in.sender, "sbe1");
	in.epoch = 77;
	in.transaction = 5;
	in.body = (uint8_t)body;
	in.action.context_ref = GATE_REF_ID;
	in.action.context = 9;
}

static void cross(void)
{
	/* Rubbish in what is read into: nothing of it may shine through. */
	memset(&out, 0xa5, sizeof(out));
	assert_int_equal(gate_message_encode(&in, wire, sizeof(wire), &wire_bytes), 0);
	assert_int_equal(gate_message_decode(wire, wire_bytes, &out, &code, text), 0);
	assert_string_equal(out.sender, "sbe1");
	assert_true(out.epoch == 77);
	assert_int_equal(out.transaction, in.transaction);
	assert_int_equal(out.body, in.body);
}

static uint16_t refused(const uint8_t *bytes, size_t n)
{
	code = 0;
	assert_int_equal(gate_message_decode(bytes, n, &out, &code, text), -EINVAL);
	assert_int_not_equal(code, 0);
	assert_true(text[0] != 0);
	return code;
}

static uint16_t refused_in(void)
{
	assert_int_equal(gate_message_encode(&in, wire, sizeof(wire), &wire_bytes), 0);
	return refused(wire, wire_bytes);
}

static struct gate_command *add(int type, int ref)
{
	struct gate_command *c = gate_action_add(&in.action, type, ref);

	assert_non_null(c);
	if (ref == GATE_REF_ID)
		strcpy(c->termination, "core/0/16384");
	return c;
}

static struct gate_stream *stream(struct gate_command *c, uint32_t id)
{
	struct gate_stream *s = &c->streams[c->nstreams++];

	gate_stream_clear(s);
	s->id = id;
	return s;
}

static void full_stream(struct gate_stream *s)
{
	s->has = GATE_HAS_MODE | GATE_HAS_LOCAL | GATE_HAS_REMOTE | GATE_HAS_RTCP_MUX |
		 GATE_HAS_SOURCE | GATE_HAS_PAYLOADS | GATE_HAS_RATE | GATE_HAS_DSCP |
		 GATE_HAS_SILENCE;
	s->mode = GATE_SENDRECV;
	s->local_rtp = (struct addr){ADDR_V4, 0, 16384, {127, 0, 0, 1}};
	s->local_rtcp = (struct addr){ADDR_V4, 0, 16385, {127, 0, 0, 1}};
	s->remote_rtp = (struct addr){ADDR_V6, 0, 4000, {0x20, 1, 0xd, 0xb8, [15] = 1}};
	s->remote_rtcp = (struct addr){ADDR_V6, 0, 4009, {0x20, 1, 0xd, 0xb8, [15] = 2}};
	s->rtcp_mux = true;
	s->source = GATE_SOURCE_LATCH;
	s->source_prefix = (struct addr_prefix){{ADDR_V4, 0, 0, {10, 32}}, 11};
	s->payloads[0] = 0x101;
	s->payloads[1] = 1ULL << 37;
	s->rtp = true;
	s->rate_bytes_per_s = 12000;
	s->burst_bytes = 3000;
	s->dscp = 46;
	s->silence_ms = 30000;
	s->first_packet_ms = 60000;
}

static void request_round_trip(void **state)
{
	static const uint8_t record[] = {1, 0, 2, 255};
	struct gate_command *c;
	int k, i;

	(void)state;
	start(GATE_BODY_REQUEST);
	in.action.context_ref = GATE_REF_CHOOSE;
	in.action.context = 0;
	in.action.has_record = true;
	in.action.record = record;
	in.action.record_bytes = sizeof(record);
	in.action.has_emergency = true;
	in.action.emergency = true;
	for (k = 0; k < 2; k++) {
		c = add(GATE_ADD, GATE_REF_CHOOSE);
		strcpy(c->realm, k ? "peering" : "core");
		c->family = k ? ADDR_V6 : ADDR_V4;
		c->optional = k;
		for (i = 1; i <= GATE_STREAMS_MAX; i++)
			full_stream(stream(c, (uint32_t)i));
	}
	cross();
	assert_int_equal(out.action.context_ref, GATE_REF_CHOOSE);
	assert_true(out.action.has_record);
	assert_int_equal(out.action.record_bytes, sizeof(record));
	assert_memory_equal(out.action.record, record, sizeof(record));
	assert_true(out.action.has_emergency && out.action.emergency);
	assert_int_equal(out.action.ncommands, 2);
	for (k = 0; k < 2; k++) {
		c = &out.action.commands[k];
		assert_int_equal(c->type, GATE_ADD);
		assert_int_equal(c->ref, GATE_REF_CHOOSE);
		assert_string_equal(c->realm, k ? "peering" : "core");
		assert_string_equal(c->termination, "");
		assert_int_equal(c->family, k ? ADDR_V6 : ADDR_V4);
		assert_int_equal(c->optional, k);
		assert_int_equal(c->nstreams, GATE_STREAMS_MAX);
		for (i = 0; i < GATE_STREAMS_MAX; i++)
			assert_memory_equal(&c->streams[i], &in.action.commands[k].streams[i],
					    sizeof(struct gate_stream));
	}
}

/* X6, J2: what is absent stays absent, what is zero is there */
static void presence_is_explicit(void **state)
{
	struct gate_stream *s;

	(void)state;
	start(GATE_BODY_REQUEST);
	s = stream(add(GATE_MODIFY, GATE_REF_ID), 1);
	s->has = GATE_HAS_DSCP;
	cross();
	s = &out.action.commands[0].streams[0];
	assert_int_equal(s->has, GATE_HAS_DSCP);
	assert_int_equal(s->dscp, 0);

	start(GATE_BODY_REQUEST);
	s = stream(add(GATE_MODIFY, GATE_REF_ID), 1);
	s->has = GATE_HAS_MODE | GATE_HAS_PAYLOADS | GATE_HAS_RATE | GATE_HAS_SILENCE |
		 GATE_HAS_RTCP_MUX | GATE_HAS_SOURCE;
	cross();
	s = &out.action.commands[0].streams[0];
	assert_int_equal(s->has, in.action.commands[0].streams[0].has);
	assert_int_equal(s->mode, GATE_INACTIVE);
	assert_false(out.action.has_record);
	assert_false(out.action.has_emergency);
}

static void reply_round_trip(void **state)
{
	struct gate_command *c;
	struct gate_stream *s;
	int i;

	(void)state;
	start(GATE_BODY_REPLY);
	c = add(GATE_SUBTRACT, GATE_REF_ID);
	s = stream(c, 3);
	s->has = GATE_HAS_STATISTICS;
	for (i = 0; i < GATE_DROPS; i++)
		s->statistics.drops[i] = (uint64_t)i * 1000000007;
	s->statistics.packets_in = 1ULL << 40;
	s->statistics.packets_out = 2;
	s->statistics.bytes_in = 3;
	s->statistics.bytes_out = 4;
	s->statistics.rtcp_in = 5;
	s->statistics.rtcp_out = 6;
	s->statistics.lost = 7;
	s->statistics.jitter_us = 8;
	s->statistics.jitter_max_us = 9;
	s->statistics.first_ms = 10;
	s->statistics.last_ms = 11;
	c = add(GATE_SUBTRACT, GATE_REF_ID);
	c->code = GATE_ERR_TERMINATION;
	strcpy(c->text, "no such termination");
	cross();
	assert_int_equal(out.code, 0);
	assert_memory_equal(&out.action.commands[0].streams[0], s, sizeof(*s));
	assert_int_equal(out.action.commands[1].code, 430);
	assert_string_equal(out.action.commands[1].text, "no such termination");

	start(GATE_BODY_REPLY);
	in.code = GATE_ERR_CONTEXT;
	strcpy(in.text, gate_result_text(in.code));
	cross();
	assert_int_equal(out.code, 411);
	assert_string_equal(out.text, "unknown context");
	assert_int_equal(out.action.ncommands, 0);
}

static void audit_reply_carries_context_ids(void **state)
{
	uint32_t i;

	(void)state;
	start(GATE_BODY_REPLY);
	in.action.context_ref = GATE_REF_ALL;
	for (i = 0; i < GATE_CONTEXTS_PER_AUDIT; i++)
		in.action.contexts[i] = 1 + i * 16000000;
	in.action.ncontexts = GATE_CONTEXTS_PER_AUDIT;
	in.action.more = true;
	cross();
	assert_int_equal(out.action.ncontexts, GATE_CONTEXTS_PER_AUDIT);
	assert_memory_equal(out.action.contexts, in.action.contexts, sizeof(in.action.contexts));
	assert_true(out.action.more);

	in.action.contexts[7] = in.action.contexts[6];
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
}

static void service_change_round_trip(void **state)
{
	struct gate_service_change *c;
	size_t i;

	(void)state;
	start(GATE_BODY_REQUEST);
	in.action.context_ref = GATE_REF_ROOT;
	c = &add(GATE_SERVICE_CHANGE, GATE_REF_ROOT)->change;
	c->method = GATE_RESTART;
	c->reason = GATE_REASON_COLD;
	c->version_min = 1;
	c->version_max = 3;
	c->contexts_max = 10000;
	c->contexts_now = 3;
	c->nrealms = GATE_REALMS_MAX;
	for (i = 0; i < c->nrealms; i++)
		c->realms[i] = (struct gate_realm_info){"core", 2048, 2000, true, i & 1, true};
	strcpy(c->redirect, "192.0.2.1:2944");
	cross();
	c = &out.action.commands[0].change;
	assert_int_equal(c->method, GATE_RESTART);
	assert_int_equal(c->reason, 901);
	assert_int_equal(c->version_max, 3);
	assert_int_equal(c->contexts_max, 10000);
	assert_int_equal(c->contexts_now, 3);
	assert_int_equal(c->nrealms, GATE_REALMS_MAX);
	assert_string_equal(c->realms[31].name, "core");
	assert_int_equal(c->realms[31].ports_free, 2000);
	assert_true(c->realms[31].ipv4 && c->realms[31].ipv6 && c->realms[31].up);
	assert_false(c->realms[30].ipv6);
	assert_string_equal(c->redirect, "192.0.2.1:2944");
}

static void event_round_trip(void **state)
{
	struct gate_event *e;

	(void)state;
	start(GATE_BODY_REQUEST);
	e = &add(GATE_NOTIFY, GATE_REF_ID)->event;
	e->type = GATE_EVENT_LATCHED;
	e->stream_id = 2;
	strcpy(e->realm, "core");
	e->addr = (struct addr){ADDR_V4, 0, 5, {192, 0, 2, 9}};
	e->value = 1ULL << 50;
	e->at_wall_ms = 1700000000123;
	cross();
	assert_memory_equal(&out.action.commands[0].event, e, sizeof(*e));
}

static void small_bodies_round_trip(void **state)
{
	(void)state;
	start(GATE_BODY_ACK);
	in.transaction = 7;
	in.transaction_last = 4000000000U;
	cross();
	assert_int_equal(out.transaction_last, 4000000000U);

	start(GATE_BODY_HEARTBEAT);
	in.transaction_last = 1;
	cross();
	assert_int_equal(out.transaction_last, 1);

	start(GATE_BODY_PENDING);
	cross();

	start(GATE_BODY_ERROR);
	in.code = 406;
	strcpy(in.text, "a\nb");
	cross();
	assert_int_equal(out.code, 406);
	/* What goes into a log later has no control characters. */
	assert_string_equal(out.text, "a?b");
}

/* J3, J6: commands where they do not belong */
static void references_are_checked(void **state)
{
	struct gate_command *c;

	(void)state;
	start(GATE_BODY_REQUEST);
	add(GATE_ADD, GATE_REF_ROOT);
	assert_int_equal(refused_in(), GATE_ERR_IDENTIFIER);
	start(GATE_BODY_REQUEST);
	add(GATE_MODIFY, GATE_REF_CHOOSE);
	assert_int_equal(refused_in(), GATE_ERR_IDENTIFIER);
	start(GATE_BODY_REQUEST);
	in.action.context_ref = GATE_REF_ROOT;
	add(GATE_SUBTRACT, GATE_REF_ID);
	assert_int_equal(refused_in(), GATE_ERR_ACTION);
	start(GATE_BODY_REQUEST);
	add(GATE_SERVICE_CHANGE, GATE_REF_ROOT);
	assert_int_equal(refused_in(), GATE_ERR_ACTION);
	start(GATE_BODY_REQUEST);
	add(GATE_ADD, GATE_REF_CHOOSE);
	assert_int_equal(refused_in(), GATE_ERR_MISSING);
	start(GATE_BODY_REQUEST);
	add(GATE_MODIFY, GATE_REF_ID)->termination[0] = 0;
	assert_int_equal(refused_in(), GATE_ERR_MISSING);
	start(GATE_BODY_REQUEST);
	in.action.context = 0;
	add(GATE_MODIFY, GATE_REF_ID);
	assert_int_equal(refused_in(), GATE_ERR_MISSING);
	start(GATE_BODY_REQUEST);
	assert_int_equal(refused_in(), GATE_ERR_MISSING);
	start(GATE_BODY_REQUEST);
	c = add(GATE_MODIFY, GATE_REF_ID);
	strcpy(c->termination, "a b");
	assert_int_equal(refused_in(), GATE_ERR_IDENTIFIER);
	assert_int_equal(out.transaction, 5);
}

static void streams_are_checked(void **state)
{
	struct gate_stream *s;

	(void)state;
	start(GATE_BODY_REQUEST);
	s = stream(add(GATE_MODIFY, GATE_REF_ID), 70000);
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
	s->id = 1;
	full_stream(s);
	s->remote_rtp.port = 0;
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
	full_stream(s);
	memset(s->remote_rtp.ip, 0, 16);
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
	full_stream(s);
	s->remote_rtcp.ip[0] = 0xff;
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
	full_stream(s);
	s->remote_rtp = (struct addr){ADDR_V4, 0, 9, {239, 1, 1, 1}};
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
	full_stream(s);
	s->source_prefix.net.ip[1] = 33;
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
	full_stream(s);
	s->silence_ms = 86400001;
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
	full_stream(s);
	s->has |= GATE_HAS_STATISTICS;
	assert_int_equal(refused_in(), GATE_ERR_DESCRIPTOR);
	full_stream(s);
	stream(&in.action.commands[0], 1);
	assert_int_equal(refused_in(), GATE_ERR_VALUE);
}

static void encoder_refuses_what_the_decoder_would(void **state)
{
	struct gate_stream *s;

	(void)state;
	start(GATE_BODY_REQUEST);
	s = stream(add(GATE_MODIFY, GATE_REF_ID), 1);
	s->mode = GATE_MODES;
	assert_int_equal(gate_message_encode(&in, wire, sizeof(wire), &wire_bytes), -EINVAL);
	s->mode = 0;
	s->has = GATE_HAS_REMOTE;
	assert_int_equal(gate_message_encode(&in, wire, sizeof(wire), &wire_bytes), -EINVAL);
	s->has = 0;
	assert_int_equal(gate_message_encode(&in, wire, 20, &wire_bytes), -EMSGSIZE);
	in.action.ncommands = GATE_COMMANDS_MAX + 1;
	assert_int_equal(gate_message_encode(&in, wire, sizeof(wire), &wire_bytes), -EINVAL);
	in.body = 0;
	assert_int_equal(gate_message_encode(&in, wire, sizeof(wire), &wire_bytes), -EINVAL);
}

/* C2: garbage, and a frame that unfolds into very much */
static void garbage_and_bombs_are_refused_cheaply(void **state)
{
	uint32_t seed = 1;
	size_t i, n;

	(void)state;
	assert_int_equal(refused((const uint8_t *)"", 0), GATE_ERR_MISSING);
	for (n = 0; n < 2000; n++) {
		for (i = 0; i < 64; i++) {
			seed = seed * 1664525 + 1013904223;
			wire[i] = (uint8_t)(seed >> 24);
		}
		refused(wire, 64);
	}
	/* 32768 unknown fields of two bytes */
	for (i = 0; i < sizeof(wire); i += 2) {
		wire[i] = 15 << 3;
		wire[i + 1] = 1;
	}
	assert_int_equal(refused(wire, sizeof(wire)), GATE_ERR_SYNTAX);
	assert_string_equal(text, "more elements than any message needs");
	/* an envelope's request, cut at every place */
	start(GATE_BODY_REQUEST);
	full_stream(stream(add(GATE_MODIFY, GATE_REF_ID), 1));
	cross();
	n = wire_bytes;
	for (i = 0; i < n; i++)
		assert_int_equal(gate_message_decode(wire, i, &out, &code, text), -EINVAL);
}

/* The largest message there can be fits into a frame and into the arena. */
static void largest_reply_fits(void **state)
{
	static uint8_t record[GATE_RECORD_MAX_BYTES];
	struct gate_command *c;
	struct gate_stream *s;
	int k, i;

	(void)state;
	start(GATE_BODY_REPLY);
	in.action.has_record = true;
	in.action.record = record;
	in.action.record_bytes = sizeof(record);
	for (k = 0; k < GATE_COMMANDS_MAX; k++) {
		c = add(GATE_AUDIT_VALUE, GATE_REF_ID);
		for (i = 1; i <= GATE_STREAMS_MAX; i++) {
			s = stream(c, (uint32_t)i);
			full_stream(s);
			s->has |= GATE_HAS_STATISTICS;
			memset(&s->statistics, 0xff, sizeof(s->statistics));
		}
	}
	cross();
	assert_int_equal(out.action.ncommands, GATE_COMMANDS_MAX);
	assert_memory_equal(&out.action.commands[3].streams[7], &in.action.commands[3].streams[7],
			    sizeof(struct gate_stream));
}

static void names_have_a_charset_and_a_length(void **state)
{
	(void)state;
	assert_true(gate_name_valid("dbe-1.example_x"));
	assert_false(gate_name_valid(""));
	assert_false(gate_name_valid(".x"));
	assert_false(gate_name_valid("a/b"));
	assert_true(gate_termination_valid("a/b:1"));
	assert_true(
		gate_name_valid("a23456789012345678901234567890123456789012345678901234567890123"));
	assert_false(gate_name_valid(
		"a234567890123456789012345678901234567890123456789012345678901234"));
	assert_string_equal(gate_mode_name(GATE_SENDRECV), "sendrecv");
	assert_string_equal(gate_mode_name(17), "?");
	assert_string_equal(gate_drop_name(GATE_DROP_PAYLOAD), "payload_type");
	assert_string_equal(gate_event_name(GATE_EVENT_LOAD), "load");
	assert_string_equal(gate_command_name(GATE_MOVE), "move");
	assert_string_equal(gate_result_text(505), "command before the ServiceChange reply");
	assert_string_equal(gate_result_text(918), "cancel graceful");
	assert_string_equal(gate_result_text(1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_round_trip),
		cmocka_unit_test(presence_is_explicit),
		cmocka_unit_test(reply_round_trip),
		cmocka_unit_test(audit_reply_carries_context_ids),
		cmocka_unit_test(service_change_round_trip),
		cmocka_unit_test(event_round_trip),
		cmocka_unit_test(small_bodies_round_trip),
		cmocka_unit_test(references_are_checked),
		cmocka_unit_test(streams_are_checked),
		cmocka_unit_test(encoder_refuses_what_the_decoder_would),
		cmocka_unit_test(garbage_and_bombs_are_refused_cheaply),
		cmocka_unit_test(largest_reply_fits),
		cmocka_unit_test(names_have_a_charset_and_a_length),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
