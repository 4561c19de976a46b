/* SPDX-License-Identifier: Apache-2.0 */
/* message: envelopes our own encoder would never write. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/gate.pb-c.h"
#include "proto/message.h"
#include "proto/result.h"

static struct gate_message out;
static uint8_t wire[65536];
static size_t wire_bytes;
static uint16_t code;
static char text[GATE_TEXT_BYTES];

/* A raw envelope, to say what our own encoder cannot */
struct raw {
	Gate__Envelope envelope;
	Gate__Request request;
	Gate__Action action;
	Gate__Command command;
	Gate__Command *commands[1];
};

static void raw_start(struct raw *r, int type)
{
	gate__envelope__init(&r->envelope);
	gate__request__init(&r->request);
	gate__action__init(&r->action);
	gate__command__init(&r->command);
	r->envelope.has_version = 1;
	r->envelope.version = 1;
	r->envelope.sender = (char *)(uintptr_t) "sbe1";
	r->envelope.has_epoch = 1;
	r->envelope.epoch = 77;
	r->envelope.has_transaction = 1;
	r->envelope.transaction = 8;
	r->envelope.body_case = GATE__ENVELOPE__BODY_REQUEST;
	r->envelope.request = &r->request;
	r->request.action = &r->action;
	r->action.has_context = 1;
	r->action.context = 1;
	r->action.n_commands = 1;
	r->action.commands = r->commands;
	r->commands[0] = &r->command;
	r->command.has_type = 1;
	r->command.type = (Gate__CommandType)type;
	r->command.termination = (char *)(uintptr_t) "t1";
}

static uint16_t raw_refused(struct raw *r)
{
	wire_bytes = gate__envelope__pack(&r->envelope, wire);
	code = 0;
	assert_int_equal(gate_message_decode(wire, wire_bytes, &out, &code, text), -EINVAL);
	assert_true(text[0] != 0);
	return code;
}

/* C6: unknown enum, missing field, unknown field; the transaction is still known for the answer */
static void unknown_and_missing_parts_have_their_codes(void **state)
{
	struct raw r;
	uint8_t value[] = {0x2a};
	ProtobufCMessageUnknownField unknown = {1000, PROTOBUF_C_WIRE_TYPE_VARINT, 1, value};

	(void)state;
	raw_start(&r, 99);
	assert_int_equal(raw_refused(&r), GATE_ERR_COMMAND);
	assert_int_equal(out.transaction, 8);
	raw_start(&r, 0);
	assert_int_equal(raw_refused(&r), GATE_ERR_MISSING);
	raw_start(&r, GATE_MODIFY);
	r.envelope.sender = NULL;
	assert_int_equal(raw_refused(&r), GATE_ERR_MISSING);
	raw_start(&r, GATE_MODIFY);
	r.envelope.has_version = 0;
	assert_int_equal(raw_refused(&r), GATE_ERR_MISSING);
	raw_start(&r, GATE_MODIFY);
	r.request.action = NULL;
	assert_int_equal(raw_refused(&r), GATE_ERR_MISSING);
	raw_start(&r, GATE_MODIFY);
	r.command.base.n_unknown_fields = 1;
	r.command.base.unknown_fields = &unknown;
	assert_int_equal(raw_refused(&r), GATE_ERR_DESCRIPTOR);
	raw_start(&r, GATE_MODIFY);
	r.action.base.n_unknown_fields = 1;
	r.action.base.unknown_fields = &unknown;
	assert_int_equal(raw_refused(&r), GATE_ERR_DESCRIPTOR);
	raw_start(&r, GATE_MODIFY);
	r.envelope.body_case = GATE__ENVELOPE__BODY__NOT_SET;
	assert_int_equal(raw_refused(&r), GATE_ERR_COMMAND);
	raw_start(&r, GATE_MODIFY);
	r.envelope.sender = (char *)(uintptr_t) "-x";
	assert_int_equal(raw_refused(&r), GATE_ERR_IDENTIFIER);
	raw_start(&r, GATE_MODIFY);
	r.command.has_ref = 1;
	r.command.ref = (Gate__Ref)7;
	assert_int_equal(raw_refused(&r), GATE_ERR_VALUE);

	/* the same unknown field from a later version, or in a ServiceChange, is let through (C6: +-1 works) */
	raw_start(&r, GATE_MODIFY);
	r.envelope.version = GATE_VERSION_MAX + 1;
	r.command.base.n_unknown_fields = 1;
	r.command.base.unknown_fields = &unknown;
	wire_bytes = gate__envelope__pack(&r.envelope, wire);
	assert_int_equal(gate_message_decode(wire, wire_bytes, &out, &code, text), 0);
	assert_int_equal(out.version, GATE_VERSION_MAX + 1);
}

static void too_many_of_anything_is_refused(void **state)
{
	struct raw r;
	Gate__Stream s;
	Gate__Stream *streams[GATE_STREAMS_MAX + 1];
	Gate__Command *commands[GATE_COMMANDS_MAX + 1];
	uint8_t record[GATE_RECORD_MAX_BYTES + 1] = {0};
	size_t i;

	(void)state;
	raw_start(&r, GATE_MODIFY);
	gate__stream__init(&s);
	s.has_id = 1;
	s.id = 1;
	for (i = 0; i <= GATE_STREAMS_MAX; i++)
		streams[i] = &s;
	r.command.streams = streams;
	r.command.n_streams = GATE_STREAMS_MAX + 1;
	assert_int_equal(raw_refused(&r), GATE_ERR_VALUE);
	raw_start(&r, GATE_MODIFY);
	for (i = 0; i <= GATE_COMMANDS_MAX; i++)
		commands[i] = &r.command;
	r.action.commands = commands;
	r.action.n_commands = GATE_COMMANDS_MAX + 1;
	assert_int_equal(raw_refused(&r), GATE_ERR_VALUE);
	raw_start(&r, GATE_MODIFY);
	r.action.has_record = 1;
	r.action.record = (ProtobufCBinaryData){sizeof(record), record};
	assert_int_equal(raw_refused(&r), GATE_ERR_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_and_missing_parts_have_their_codes),
		cmocka_unit_test(too_many_of_anything_is_refused),
	};

	return cmocka_run_group_tests_name("message_refused", tests, NULL, NULL);
}
