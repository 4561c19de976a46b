/* SPDX-License-Identifier: Apache-2.0 */
/* Why audio is one-way, in words, for each place where a packet can stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dbe/admin/gate_verdict.h"

#define NOW_US 100000000ULL

static struct flow_settings settings[2];
static struct flow_view a, b;

static int setup(void **state)
{
	(void)state;
	memset(settings, 0, sizeof(settings));
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	settings[0].mode = settings[1].mode = FLOW_SENDRECV;
	a.settings = &settings[0];
	b.settings = &settings[1];
	a.opened_us = b.opened_us = NOW_US - 20000000;
	a.counters.received = a.counters.packets_in = a.counters.packets_out = 50;
	b.counters = a.counters;
	a.counters.last_us = b.counters.last_us = NOW_US - 10000;
	return 0;
}

static void says(const struct flow_view *in, const struct flow_view *out, const char *words)
{
	char text[GATE_VERDICT_BYTES];

	gate_direction_text(in, out, NOW_US, text);
	if (!strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

static void test_flows(void **state)
{
	(void)state;
	says(&a, &b, "media flows");
	assert_int_equal(gate_verdict(&a, &b, NOW_US), GATE_FLOWS);
}

static void test_nothing_ever_came(void **state)
{
	(void)state;
	memset(&a.counters, 0, sizeof(a.counters));
	b.counters.packets_out = 0;
	a.counters.packets_out = 50;
	says(&a, &b, "silent for 20.0 s: nothing ever came");
	says(&b, &a, "media flows");
	assert_int_equal(gate_verdict(&a, &b, NOW_US), GATE_ONE_WAY);
	assert_int_equal(gate_verdict(&b, &a, NOW_US), GATE_ONE_WAY);
}

static void test_each_drop_reason_has_its_words(void **state)
{
	static const struct {
		int drop;
		const char *words;
	} cases[] = {{PATH_DROP_SOURCE, "another address"},
		     {PATH_DROP_PAYLOAD, "not negotiated"},
		     {PATH_DROP_MALFORMED, "not well-formed RTP"},
		     {PATH_DROP_RATE, "policed"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		a.counters.packets_in = 0;
		a.counters.last_us = 0;
		a.counters.drops[PATH_DROP_MODE] = 1;
		a.counters.drops[cases[i].drop] = 40;
		says(&a, &b, "refused");
		says(&a, &b, cases[i].words);
	}
}

static void test_comes_in_but_does_not_leave(void **state)
{
	(void)state;
	b.counters.packets_out = 0;
	a.counters.drops[PATH_DROP_NO_REMOTE] = 50;
	says(&a, &b, "does not go out");
	says(&a, &b, "latched");
	a.counters.drops[PATH_DROP_SEND] = 60;
	says(&a, &b, "no route");
}

static void test_came_and_stopped(void **state)
{
	(void)state;
	a.counters.last_us = NOW_US - 7500000;
	says(&a, &b, "silent for 7.5 s: media came and stopped");
	b.counters.last_us = NOW_US - 7500000;
	assert_int_equal(gate_verdict(&a, &b, NOW_US), GATE_NO_MEDIA);
}

static void test_hold_is_not_a_fault(void **state)
{
	(void)state;
	settings[0].mode = FLOW_SENDONLY;
	a.counters.last_us = 1;
	says(&a, &b, "closed by mode");
	assert_int_equal(gate_verdict(&a, &b, NOW_US), GATE_FLOWS);
	b.counters.last_us = 1; /* now the only open direction is silent */
	assert_int_equal(gate_verdict(&a, &b, NOW_US), GATE_NO_MEDIA);
	settings[1].mode = FLOW_INACTIVE;
	assert_int_equal(gate_verdict(&a, &b, NOW_US), GATE_FLOWS);
}

static void test_half_a_context(void **state)
{
	(void)state;
	says(&a, NULL, "no other termination");
	assert_int_equal(gate_verdict(&a, NULL, NOW_US), GATE_FLOWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_flows, setup),
		cmocka_unit_test_setup(test_nothing_ever_came, setup),
		cmocka_unit_test_setup(test_each_drop_reason_has_its_words, setup),
		cmocka_unit_test_setup(test_comes_in_but_does_not_leave, setup),
		cmocka_unit_test_setup(test_came_and_stopped, setup),
		cmocka_unit_test_setup(test_hold_is_not_a_fault, setup),
		cmocka_unit_test_setup(test_half_a_context, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
