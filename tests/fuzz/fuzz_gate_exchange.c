/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that sends anything at any time: frames, losses of the connection, passing time. At most one execution per id. */
#include <assert.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "proto/exchange.h"
#include "proto/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gate_exchange *x;
static struct gate_message reply;
static uint32_t executed[4096];
static size_t nexecuted, open_requests;

static void on_send(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	static struct gate_message sent;
	uint16_t code;
	char text[GATE_TEXT_BYTES];

	(void)arg;
	assert(len_bytes > GATE_FRAME_HEAD_BYTES);
	/* Whatever came in, what goes out is well-formed. */
	assert(!gate_message_decode(bytes + GATE_FRAME_HEAD_BYTES,
				    len_bytes - GATE_FRAME_HEAD_BYTES, &sent, &code, text));
}

static void on_request(void *arg, const struct gate_message *m)
{
	size_t i;

	(void)arg;
	for (i = 0; i < nexecuted; i++)
		assert(executed[i] != m->transaction);
	if (nexecuted < sizeof(executed) / sizeof(executed[0]))
		executed[nexecuted++] = m->transaction;
	if (m->transaction % 5 == 0)
		return; /* never answered */
	gate_message_clear(&reply);
	reply.action = m->action;
	reply.action.has_record = false;
	reply.action.ncommands = 0;
	gate_exchange_reply(x, m->transaction, &reply);
}

static void on_late(void *arg, const struct gate_message *m)
{
	(void)arg;
	assert(m->body == GATE_BODY_REPLY);
}

static void on_silent(void *arg)
{
	(void)arg;
	gate_exchange_detach(x);
}

static void on_answer(void *arg, int err, const struct gate_message *m)
{
	(void)arg;
	assert(err ? !m : m && (m->body == GATE_BODY_REPLY || m->body == GATE_BODY_ERROR));
	assert(open_requests-- > 0);
}

static void ask(void)
{
	struct gate_message *m = gate_exchange_compose(x, GATE_REF_ID, 1);

	assert(gate_action_add(&m->action, GATE_SUBTRACT, GATE_REF_ALL));
	if (!gate_exchange_request(x, m, 500, on_answer, NULL, NULL))
		open_requests++;
}

static void associate(void)
{
	gate_exchange_attach(x);
	gate_exchange_identify(x, "sbe1", 77);
	gate_exchange_associate(x, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct gate_exchange_handlers h = {
		.send = on_send, .request = on_request, .late = on_late, .silent = on_silent};
	const struct gate_exchange_options o = {"dbe1", 5, 250};
	struct timer_wheel *wheel;
	size_t at = 0, n;

	clock_fake(1000000, 1700000000000);
	nexecuted = open_requests = 0;
	assert(!timer_wheel_new(clock_now_ms(), &wheel) &&
	       !gate_exchange_new(&o, &h, NULL, wheel, &x));
	associate();
	while (size - at >= 2) {
		uint8_t op = data[at++];

		if (op & 0x80) {
			clock_advance_ms((op & 0x7f) * 10U);
			timer_wheel_run(wheel, clock_now_ms());
		} else if (op == 0) {
			gate_exchange_detach(x);
		} else if (op == 1) {
			associate();
		} else if (op == 2) {
			ask();
		} else {
			n = data[at++];
			n = n < size - at ? n : size - at;
			gate_exchange_frame(x, data + at, n);
			at += n;
		}
	}
	gate_exchange_free(x);
	assert(timer_wheel_count(wheel) == 0);
	timer_wheel_free(wheel);
	assert(mem_live() == 0);
	return 0;
}
