/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides change the session at nearly the same moment, by INVITE or UPDATE, each millisecond apart (A10, RFC 3261
 * 14.1, RFC 3311 5.2): two user agents that refuse with 491 and come again in their windows settle within 10 s, and
 * what they agreed on is what the gates do.
 */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define ALLOW "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\n"
#define NEVER UINT64_MAX

static uint64_t random_state;

static unsigned pick(unsigned n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(random_state >> 33) % n;
}

static struct agent {
	const char *method; /* it offers by */
	uint64_t offer_at_ms, ack_at_ms;
	bool waits; /* for the answer to its offer */
	bool done;
	unsigned version, refused;
	uint64_t answer_at_ms; /* the request taken is answered then */
	char request[BED_MESSAGE_MAX];
} agents[2];
static unsigned delay_ms;

/* The port tells whose and which offer or answer it was. */
static const char *body(enum bed_who who)
{
	static char text[2][400];
	const char *ip = who == A ? "10.0.0.11" : "198.51.100.22";

	snprintf(text[who], sizeof(text[who]),
		 "v=0\no=user 7 %u IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=audio %u RTP/AVP 8\n",
		 8 + agents[who].version, ip, ip, 5000 + 2 * agents[who].version);
	return text[who];
}

static void offer(enum bed_who who)
{
	struct agent *a = &agents[who];

	a->offer_at_ms = NEVER;
	a->waits = true;
	a->version++;
	bed_request(who, a->method, body(who));
}

/* RFC 3261 14.1: A made the Call-ID it knows, B did not. */
static uint64_t window_ms(enum bed_who who)
{
	return who == A ? 2100 + 10 * pick(190) : 10 * pick(200);
}

static void hear_response(enum bed_who who, const char *text)
{
	struct agent *a = &agents[who];
	int status = atoi(text + 8);

	if (status < 200 || !a->waits)
		return;
	a->waits = false;
	if (status < 300) {
		a->done = true;
		if (!strcmp(a->method, "INVITE"))
			a->ack_at_ms = clock_now_ms() + delay_ms;
		return;
	}
	a->refused++;
	assert_true(status == 491 || status == 500);
	a->offer_at_ms = clock_now_ms() +
			 (status == 491 ? window_ms(who)
					: 1000 * (uint64_t)atoi(bed_header(text, "Retry-After")));
}

static void hear(enum bed_who who, const char *text)
{
	struct agent *a = &agents[who];

	if (!strncmp(text, "SIP/2.0 ", 8)) {
		hear_response(who, text);
	} else if (strncmp(text, "ACK ", 4)) {
		strcpy(a->request, text);
		a->answer_at_ms = clock_now_ms() + delay_ms;
	}
}

static void answer(enum bed_who who)
{
	struct agent *a = &agents[who];

	a->answer_at_ms = NEVER;
	strcpy(bed.ua[who].request, a->request);
	if (a->waits) {
		bed_reply(who, 491, NULL);
	} else {
		a->version++;
		bed_reply(who, 200, body(who));
	}
}

/* What was sent to it long enough ago. */
static void deliver(enum bed_who who)
{
	for (unsigned i = 0; i < bed.nsent; i++) {
		const struct bed_sent *s = &bed.sent[i];
		const char *text;

		if (s->taken || s->to != who)
			continue;
		if (s->at_ms + delay_ms > clock_now_ms())
			return;
		text = bed_take_any(who);
		if (text)
			hear(who, text);
		i = (unsigned)-1;
	}
}

static void step(void)
{
	bed_run_ms(1);
	for (int i = A; i <= B; i++) {
		struct agent *a = &agents[i];

		deliver((enum bed_who)i);
		if (a->ack_at_ms <= clock_now_ms()) {
			a->ack_at_ms = NEVER;
			bed_ack((enum bed_who)i, NULL);
		}
		if (a->answer_at_ms <= clock_now_ms())
			answer((enum bed_who)i);
		if (a->offer_at_ms <= clock_now_ms())
			offer((enum bed_who)i);
	}
}

static unsigned glares; /* races in which somebody was refused */

static void one(const char *by_a, const char *by_b, unsigned apart_ms)
{
	uint64_t start_ms;
	char want[40];

	bed.extra = ALLOW;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.extra = ALLOW;
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	start_ms = clock_now_ms();
	for (int i = A; i <= B; i++)
		agents[i] = (struct agent){.method = i == A ? by_a : by_b,
					   .offer_at_ms = start_ms + (i == A ? 30 : apart_ms),
					   .ack_at_ms = NEVER,
					   .answer_at_ms = NEVER};
	while (!agents[A].done || !agents[B].done || agents[A].ack_at_ms != NEVER ||
	       agents[B].ack_at_ms != NEVER) {
		step();
		if (clock_now_ms() - start_ms > 10000)
			fail_msg("%s/%s %u ms apart, delay %u: not settled", by_a, by_b, apart_ms,
				 delay_ms);
	}
	for (unsigned i = 0; i < 2 * delay_ms + 5; i++)
		step();
	glares += agents[A].refused || agents[B].refused;
	snprintf(want, sizeof(want), "10.0.0.11:%u", 5000 + 2 * agents[A].version);
	assert_string_equal(bed_gate_remote(1, 0), want);
	snprintf(want, sizeof(want), "198.51.100.22:%u", 5000 + 2 * agents[B].version);
	assert_string_equal(bed_gate_remote(1, 1), want);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
}

static void every_millisecond(void **state)
{
	static const char *const methods[] = {"INVITE", "UPDATE"};
	static const unsigned delays[] = {0, 5, 20};

	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < 4; i++) {
		for (size_t d = 0; d < sizeof(delays) / sizeof(delays[0]); d++) {
			glares = 0;
			delay_ms = delays[d];
			for (unsigned ms = 0; ms <= 60; ms++)
				one(methods[i / 2], methods[i % 2], ms);
			assert_true(!delay_ms || glares >= delay_ms); /* they do meet */
			bed_run_ms(40000);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {BED_TEST(every_millisecond)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
