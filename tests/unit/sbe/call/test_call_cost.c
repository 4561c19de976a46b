/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an INVITE at a limit costs, one over it, and one ten times too large: from the bytes to the answer, measured
 * against a plain INVITE in the same minute (A5; a plain one takes some 50 us, so that 30 of them are within 2 ms).
 */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/guard.h"

#define TIMES_A_PLAIN_ONE 30
#define TRIES 7

static char text[900000], body[900000];
static unsigned number;

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void let_go(void)
{
	bed.lossy[A] = bed.lossy[B] = true;
	bed_run_ms(70000);
	bed.lossy[A] = bed.lossy[B] = false;
	bed_skip(A);
	bed_skip(B);
	bed_skip(C);
}

/* `count` times `unit` between before and after, in the headers or in the body. */
struct shape {
	const char *before, *unit, *after;
	bool in_body;
	size_t limit; /* the largest count that is taken; 0 = there is no such limit, sizes decide */
};

static size_t repeat(char *to, size_t at, const struct shape *s, size_t count)
{
	at += (size_t)sprintf(to + at, "%s", s->before);
	for (size_t i = 0; i < count; i++)
		at += (size_t)sprintf(to + at, "%s", s->unit);
	return at + (size_t)sprintf(to + at, "%s", s->after);
}

static size_t build(const struct shape *s, size_t count)
{
	size_t n = 0, nbody;

	number++;
	nbody = (size_t)sprintf(body,
				"v=0\r\no=- 1 1 IN IP4 10.0.0.11\r\ns=-\r\nc=IN IP4 10.0.0.11\r\n"
				"t=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n");
	if (s && s->in_body)
		nbody = repeat(body, nbody, s, count);
	n = (size_t)sprintf(text,
			    "INVITE sip:+44207@a.example SIP/2.0\r\n"
			    "Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKc%u\r\nMax-Forwards: 70\r\n"
			    "From: <sip:u@10.0.0.10>;tag=a-tag%u\r\nTo: <sip:x@a.example>\r\n"
			    "Call-ID: a-call%u\r\nCSeq: 1 INVITE\r\nContact: <sip:u@10.0.0.10>\r\n"
			    "Content-Type: application/sdp\r\nContent-Length: %zu\r\n",
			    number, number, number, nbody);
	if (s && !s->in_body)
		n = repeat(text, n, s, count);
	n += (size_t)sprintf(text + n, "\r\n");
	memcpy(text + n, body, nbody);
	return n + nbody;
}

/* The best of some tries, in microseconds of CPU; *ret_taken: it became a call. */
static double cost_us(const struct shape *s, size_t count, bool *ret_taken)
{
	double best = 1e12, began, took;

	for (int i = 0; i < TRIES; i++) {
		size_t n = build(s, count);

		began = cpu_us();
		(void)bed_raw(A, text, n);
		took = cpu_us() - began;
		best = took < best ? took : best;
		*ret_taken = bed_next(B) != NULL;
		let_go();
	}
	return best;
}

#define LINES_MORE (GUARD_HEADER_LINES_MAX - 9) /* nine are there already */

static void limits_cost_little(void **state)
{
	static const struct shape shapes[] = {
		{"", "a: b\r\n", "", false, LINES_MORE},
		{"", "Supported: a, b\r\n", "", false, LINES_MORE},
		{"", "P-Asserted-Identity: <sip:u@a.example>\r\n", "", false, LINES_MORE},
		{"", "Via: SIP/2.0/UDP h;branch=z9hG4bKv\r\n", "", false, GUARD_VIAS_MAX - 1},
		{"Via: SIP/2.0/UDP h", ", SIP/2.0/UDP h", "\r\n", false, GUARD_VIAS_MAX - 2},
		{"", "Route: <sip:10.0.0.1;lr>\r\n", "", false, LINES_MORE},
		{"Route: <sip:10.0.0.1;lr>", ", <sip:10.0.0.1;lr>", "\r\n", false, 0},
		{"", "Record-Route: <sip:10.0.0.9;lr>\r\n", "", false, 0},
		{"Supported: a", ",b", "\r\n", false, GUARD_VALUES_MAX},
		{"Require: a", ",b", "\r\n", false, 0},
		{"Contact: <sip:u@10.0.0.10>", ", <sip:u@10.0.0.10>", "\r\n", false, 0},
		{"Subject: ", "s", "\r\n", false, GUARD_LINE_MAX_BYTES - 9},
		{"X-Y: ", ";a=b", "\r\n", false, (GUARD_LINE_MAX_BYTES - 5) / 4},
		{"Authorization: Digest a=b", ",c=\"d\"", "\r\n", false, 0},
		{"X-Y: a", "\r\n b", "\r\n", false, LINES_MORE - 1},
		{"", "a=b:c\r\n", "", true, 0},
		{"", "m=audio 4002 RTP/AVP 0\r\n", "", true, GATE_STREAMS_MAX - 1},
		{"", "a=rtpmap:101 telephone-event/8000\r\n", "", true, 0},
		{"", "a=fmtp:101 0-15\r\n", "", true, 0},
		{"", "a=candidate:1 1 UDP 2130706431 10.0.0.11 4000 typ host\r\n", "", true, 0},
		{"", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", "", true, 0},
		{"m=audio 4002 RTP/AVP 0", " 1", "\r\n", true, 0},
		{"a=", "x", "\r\n", true, 0},
	};
	double plain, took;
	bool taken;

	(void)state;
	bed.leaks_ok = bed.large_ok = true;
	plain = cost_us(NULL, 0, &taken);
	assert_true(taken);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];
		size_t limit = s->limit ? s->limit : 500;
		size_t counts[] = {limit - 1, limit, limit + 1, 10 * limit};

		for (size_t k = 0; k < 4; k++) {
			took = cost_us(s, counts[k], &taken);
			if (getenv("SPEER_SHOW_COST"))
				print_message("%-30.30s x %6zu: %5.1f plain, %s\n", s->unit,
					      counts[k], took / plain, taken ? "taken" : "refused");
			if (s->limit && taken != (k < 2))
				fail_msg("%s%zu times is %s", s->unit, counts[k],
					 taken ? "taken" : "refused");
			if (took > TIMES_A_PLAIN_ONE * plain)
				fail_msg("%s%zu times costs %.0f us, a plain one %.0f", s->unit,
					 counts[k], took, plain);
		}
	}
	bed.leaks_ok = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {BED_TEST(limits_cost_little)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
