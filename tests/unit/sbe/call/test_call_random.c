/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides, the dbe and the network do anything at any time, legal or not, in simulated time (F19).
 *
 * What must hold: nothing crashes; what we send can be read and shows nothing of the other side (the bed looks);
 * each call leaves exactly one record; when the call has been ended by hand nothing at all is left.
 * A failing seed is printed; run it alone with CALL_SEED=n.
 */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#ifndef SEEDS
#define SEEDS 3000U
#endif
#define STEPS 40U
#define VIDEO_A SDP_A "m=video 4002 RTP/AVP 31\n"
#define VIDEO_B SDP_B "m=video 6002 RTP/AVP 31\n"

static uint64_t random_state;
static unsigned seed_now;

static unsigned pick(unsigned n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(random_state >> 33) % n;
}

static struct side {
	char invite[BED_MESSAGE_MAX], other[BED_MESSAGE_MAX]; /* requests it may answer */
	char rack[80];                                        /* what its PRACK would say */
	unsigned rseq;                                        /* of what it sent last */
	bool reached;                                         /* it has a dialog to speak in */
} sides[BED_UAS];

static const char *body_of(enum bed_who who)
{
	static const char *const a[] = {SDP_A,
					VIDEO_A,
					SDP_A "a=sendonly\n",
					SDP_A "a=inactive\n",
					BED_SDP("10.0.0.12", "4444"),
					BED_SDP("0.0.0.0", "4000"),
					BED_SDP("127.0.0.1", "4000"),
					"v=0\nnonsense\n",
					NULL,
					NULL};
	static const char *const b[] = {SDP_B,
					VIDEO_B,
					SDP_B "a=recvonly\n",
					SDP_B "a=inactive\n",
					BED_SDP("198.51.100.23", "7777"),
					BED_SDP("0.0.0.0", "6000"),
					BED_SDP("224.0.0.1", "6000"),
					"v=0\nnonsense\n",
					NULL,
					NULL};
	/* mostly something that fits */
	unsigned i = pick(3) ? 0 : pick(sizeof(a) / sizeof(a[0]));

	return who == A ? a[i] : b[i];
}

static void take_all(enum bed_who who)
{
	struct side *s = &sides[who];
	const char *text;

	while ((text = bed_take_any(who))) {
		if (!strncmp(text, "INVITE ", 7))
			strcpy(s->invite, text);
		else if (strncmp(text, "SIP/2.0 ", 8) && strncmp(text, "ACK ", 4) &&
			 strncmp(text, "CANCEL ", 7))
			strcpy(s->other, text);
		if (bed_header(text, "RSeq")[0])
			snprintf(s->rack, sizeof(s->rack), "RAck: %.20s 1 INVITE\n",
				 bed_header(text, "RSeq"));
		if (bed.ua[who].target[0] && strstr(bed.ua[who].remote, ";tag="))
			s->reached = true;
	}
}

#define ALLOWED "Allow: INVITE, ACK, BYE, PRACK, UPDATE\n"

/* Header lines of a response: reliable now and then, in order most of the time. */
static const char *lines(struct side *s, int status)
{
	static char text[160];

	if (status <= 100 || status >= 200 || pick(2))
		return pick(2) ? ALLOWED : NULL;
	s->rseq += pick(6) ? 1 : pick(3);
	snprintf(text, sizeof(text), "Require: 100rel\nRSeq: %u\n%s", s->rseq,
		 pick(2) ? ALLOWED : "");
	return text;
}

static void answer(enum bed_who who)
{
	static const int statuses[] = {100, 180, 183, 183, 199, 200, 200, 200, 200, 302,
				       401, 481, 486, 487, 488, 491, 500, 503, 603, 408};
	struct side *s = &sides[who];
	const char *text = s->other[0] && pick(2) ? s->other : s->invite;
	int status = statuses[pick(sizeof(statuses) / sizeof(statuses[0]))];
	char tag[64];

	if (!text[0])
		return;
	if (text == s->other && pick(4))
		status = 200;
	strcpy(bed.ua[who].request, text);
	strcpy(tag, bed.ua[who].tag);
	if (!pick(8))
		snprintf(bed.ua[who].tag, sizeof(bed.ua[who].tag), "%s-tag-fork%u",
			 bed.ua[who].name, pick(12));
	bed.extra = lines(s, status);
	bed_reply(who, status, status < 300 && status > 100 ? body_of(who) : NULL);
	strcpy(bed.ua[who].tag, tag);
}

static void say(enum bed_who who)
{
	static const char *const methods[] = {"INVITE",  "INVITE", "INVITE", "BYE",
					      "OPTIONS", "UPDATE", "UPDATE", "UPDATE",
					      "PRACK",   "PRACK",  "PRACK",  "FOO"};
	const char *method = methods[pick(sizeof(methods) / sizeof(methods[0]))];

	if (!sides[who].reached)
		return;
	if (!strcmp(method, "BYE") && pick(3))
		return;
	if (!pick(12) && bed.ua[who].cseq > 3)
		bed.ua[who].cseq -= 2;
	if (!strcmp(method, "PRACK") && pick(8))
		bed.extra = sides[who].rack;
	bed_request(who, method,
		    !strcmp(method, "INVITE") || !strcmp(method, "UPDATE") || !pick(3)
			    ? body_of(who)
			    : NULL);
}

static void dbe(void)
{
	static const int errors[] = {0, 0, 0, -ENOSPC, -ETIMEDOUT, -EHOSTDOWN};

	switch (pick(5)) {
	case 0:
		bed.gate.hold = !bed.gate.hold;
		break;
	case 1:
		bed.gate.modify_err = errors[pick(6)];
		break;
	case 2:
		bed.gate.open_err = errors[pick(6)];
		break;
	case 3:
		if (bed.gate.context)
			bed_gate_event((int)pick(2),
				       pick(2) ? GATE_EVENT_SILENCE : GATE_EVENT_RESUMED);
		break;
	default:
		if (bed.gate.context && !pick(6))
			bed_gate_trouble((enum gate_trouble)(1 + pick(3)));
		break;
	}
	bed_settle();
}

static void pass_time(void)
{
	static const unsigned ms[] = {1, 10, 400, 500, 1000, 4000, 32000, 180000};

	bed_run_ms(ms[pick(pick(4) ? 5 : 8)]);
}

static void step(void)
{
	enum bed_who who = (enum bed_who)pick(3);

	switch (pick(12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		answer(who);
		break;
	case 4:
	case 5:
		say(who);
		break;
	case 6:
	case 7:
		if (sides[who].reached)
			bed_ack(who, pick(3) ? NULL : body_of(who));
		break;
	case 8:
		if (!pick(4))
			bed_send_cancel(A);
		break;
	case 9:
		dbe();
		break;
	case 10:
		bed.lossy[who] = !pick(3);
		bed.send_err[who] = pick(10) ? 0 : -ECONNREFUSED;
		break;
	default:
		pass_time();
		break;
	}
	for (int i = A; i <= C; i++) {
		if (pick(8))
			take_all((enum bed_who)i);
	}
}

static void done(void *arg)
{
	*(bool *)arg = true;
}

static void one(unsigned seed)
{
	bool stopped = false;

	random_state = seed * 2654435761ULL + 1;
	memset(sides, 0, sizeof(sides));
	bed_up(NULL, NULL);
	if (seed % 2) { /* begin in the middle of a call */
		bed_connect();
		sides[A].reached = sides[B].reached = true;
		strcpy(sides[B].invite, bed.ua[B].request);
	} else {
		bed.extra = pick(2) ? "Supported: 100rel\n" ALLOWED : NULL;
		bed_invite(A, pick(4) ? SDP_A : NULL);
	}
	for (unsigned i = 0; i < STEPS; i++)
		step();
	/* the end: the network and the dbe are well again, the call is released, nobody answers any more */
	bed.gate = (struct bed_gate){.now = bed.gate.now, .context = bed.gate.context};
	memset(bed.lossy, 0, sizeof(bed.lossy));
	memset(bed.send_err, 0, sizeof(bed.send_err));
	bed_settle();
	call_shutdown(bed.core, done, &stopped);
	for (int i = 0; i < 80;
	     i++) { /* our 2xx may have to wait for its ACK before the BYE goes */
		bed_run_ms(1000);
		for (int k = A; k <= C; k++)
			bed_skip((enum bed_who)k);
	}
	assert_true(stopped);
	assert_int_equal(bed_cdr_count(), 1);
	bed.idle_unchecked = true;
	bed_down();
}

static void anything_at_any_time(void **state)
{
	const char *only = getenv("CALL_SEED");

	(void)state;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		if (only && seed != (unsigned)atoi(only))
			continue;
		seed_now = seed;
		one(seed);
	}
}

/* A failed assertion leaves by a long jump. */
static int tell_seed(void **state)
{
	(void)state;
	if (seed_now + 1 != SEEDS)
		print_message("last seed: %u\n", seed_now);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(anything_at_any_time, tell_seed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
