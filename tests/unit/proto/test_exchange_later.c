/* SPDX-License-Identifier: Apache-2.0 */
/* Only what nobody waits for may wait for company: a Subtract that says so, and no request after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "proto/exchange.h"

static unsigned now, later;

static void on_send(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	(void)arg;
	(void)bytes;
	(void)len_bytes;
	now++;
}

static void on_send_later(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	(void)arg;
	(void)bytes;
	(void)len_bytes;
	later++;
}

static void ask(struct gate_exchange *x, bool may_wait)
{
	struct gate_message *m = gate_exchange_compose(x, GATE_REF_ID, 7);

	gate_action_add(&m->action, GATE_SUBTRACT, GATE_REF_ALL);
	if (may_wait)
		m->may_wait = true;
	assert_int_equal(gate_exchange_request(x, m, 500, NULL, NULL, NULL), 0);
}

static void only_what_nobody_waits_for_may_wait(void **state)
{
	static const struct gate_exchange_options o = {"sbe", 1, 300};
	struct gate_exchange_handlers h = {.send = on_send, .send_later = on_send_later};

	(void)state;
	for (int has_later = 1; has_later >= 0; has_later--) {
		struct timer_wheel *wheel = NULL;
		struct gate_exchange *x = NULL;

		assert_int_equal(timer_wheel_new(clock_now_ms(), &wheel), 0);
		h.send_later = has_later ? on_send_later : NULL;
		assert_int_equal(gate_exchange_new(&o, &h, NULL, wheel, &x), 0);
		gate_exchange_attach(x);
		gate_exchange_identify(x, "dbe", 1);
		gate_exchange_associate(x, 1);
		now = later = 0;
		ask(x, false);
		ask(x, true);
		ask(x, false);
		assert_int_equal(later, has_later ? 1 : 0);
		assert_int_equal(now, has_later ? 2 : 3);
		gate_exchange_free(x);
		timer_wheel_free(wheel);
	}
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_nobody_waits_for_may_wait)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
