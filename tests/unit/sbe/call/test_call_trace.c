/* SPDX-License-Identifier: Apache-2.0 */
/* Why a call went as it did: steps and the four phases, of calls that are there, over, or refused (G11; issue 4 point 5). */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

static char said[16384];

/* All of it as text; "phase discovery 0 0" for phases. */
static const char *why(const char *which)
{
	json_t *o = NULL;
	const json_t *row;
	size_t i, n = 0;

	assert_int_equal(call_why(bed.core, which, &o), 0);
	json_array_foreach(json_object_get(o, "phases"), i, row) {
		const json_t *from = json_object_get(row, "from_ms"),
			     *to = json_object_get(row, "to_ms");

		n += (size_t)snprintf(said + n, sizeof(said) - n, "%s %d %d\n",
				      json_string_value(json_object_get(row, "phase")),
				      json_is_integer(from) ? (int)json_integer_value(from) : -1,
				      json_is_integer(to) ? (int)json_integer_value(to) : -1);
	}
	json_array_foreach(json_object_get(o, "steps"), i, row)
		n += (size_t)snprintf(said + n, sizeof(said) - n, "%lld %s: %s\n",
				      (long long)json_integer_value(json_object_get(row, "ms")),
				      json_string_value(json_object_get(row, "phase")),
				      json_string_value(json_object_get(row, "text")));
	json_decref(o);
	return said;
}

/* Of the newest call that is over. */
static const char *ended(const char *column)
{
	static char text[128];
	json_t *t = call_ended(bed.core);
	const json_t *row = json_array_get(json_object_get(t, "rows"), 0), *c;
	size_t i;

	text[0] = '\0';
	json_array_foreach(json_object_get(t, "columns"), i, c) {
		if (!strcmp(json_string_value(c), column) && row)
			snprintf(text, sizeof(text), "%s",
				 json_string_value(json_array_get(row, i)));
	}
	json_decref(t);
	return text;
}

static void phases_in_their_order(void **state)
{
	char call_id[128];

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_run_ms(40);
	/* the connection that B needs is up now; another one is nobody's business */
	call_link_up(bed.core, &bed.ua[C].at);
	call_link_up(bed.core, &(struct transport_target){.to = bed.ua[B].at.to});
	bed_run_ms(10);
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180");
	bed_run_ms(950);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	snprintf(call_id, sizeof(call_id), "%s", bed.ua[A].call_id);
	bed_has(why(call_id), "discovery 0 0\nsecurity 0 40\nsignalling 40 1000\nmedia 1000 -1\n");
	bed_run_ms(3000);
	bed_hang_up(A, B);
	bed_run_ms(100);
	bed_has(why(call_id),
		"discovery 0 0\nsecurity 0 40\nsignalling 40 1000\nmedia 1000 4000\n");
	bed_has(said, "0 discovery: the INVITE came over UDP: 10.0.0.10 is peer pbx by its source "
		      "10.0.0.10/32 in realm core\n");
	bed_has(said, "0 discovery: decided by out: ");
	bed_has(said, "INVITE to bnet sip:198.51.100.20 over UDP\n");
	bed_has(said, "40 security: the connection is up");
	bed_has(said, "50 signalling: it rings\n");
	bed_has(said, "1000 media: gates are open");
	bed_has(said, "4000 end: ended by the caller: normal\n");
	assert_string_equal(ended("state"), "ended");
	bed_has(why(ended("call")), "media 1000 4000\n"); /* by its token too */
}

static void failover_tells_each_attempt(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_take(C, "INVITE ");
	bed_reply(C, 486, NULL);
	bed_take(C, "ACK ");
	bed_take(A, "SIP/2.0 486");
	bed_run_ms(100);
	why(bed.ua[A].call_id);
	bed_has(said, "bnet sip:198.51.100.20: peer_refused (503)\n");
	bed_has(said, "bnet sip:198.51.100.21: peer_refused (486)\n");
	bed_has(said, "media -1 -1\n");
}

static void refused_ones_too(void **state)
{
	json_t *o;

	(void)state;
	bed.extra = "Require: nothing-we-know\n";
	bed_invite(A, SDP_A);
	bed_take(A, "SIP/2.0 420");
	assert_string_equal(ended("state"), "refused");
	assert_string_equal(ended("cause"), "option_required");
	bed_has(why(bed.ua[A].call_id), "refused with 420 before anything was set up");
	assert_int_equal(call_why(bed.core, "nobody@nowhere", &o), -ENOENT);
}

/* However many end: the ring has CALL_PAST_MAX, the oldest are gone; a call has CALL_STEPS_MAX steps, the end among them. */
static void bounded(void **state)
{
	char first[128] = "";
	struct call call = {.core = bed.core};
	json_t *o, *t;

	(void)state;
	for (int i = 0; i <= CALL_PAST_MAX; i++) {
		bed.extra = "Require: nothing-we-know\n";
		bed_invite(A, SDP_A);
		bed_take(A, "SIP/2.0 420");
		bed_run_ms(1000);
		if (!i)
			snprintf(first, sizeof(first), "%s", bed.ua[A].call_id);
	}
	assert_int_equal(call_why(bed.core, first, &o), -ENOENT);
	t = call_ended(bed.core);
	assert_int_equal(json_array_size(json_object_get(t, "rows")), CALL_PAST_MAX);
	json_decref(t);
	for (int i = 0; i < 2 * CALL_STEPS_MAX; i++)
		call_step(&call, CALL_STEP_SKIP, 0, 0, "limit");
	call_step(&call, CALL_STEP_END, 0, 503, "no_next_hop");
	assert_int_equal(call.trace.n, CALL_STEPS_MAX);
	assert_int_equal(call.trace.steps[CALL_STEPS_MAX - 1].id, CALL_STEP_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(phases_in_their_order),
		BED_TEST(failover_tells_each_attempt),
		BED_TEST(refused_ones_too),
		BED_TEST(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
