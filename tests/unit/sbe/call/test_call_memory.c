/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of a call fails once: whatever happens to that call, nothing crashes and nothing is left.
 *
 * The user agents are patient here: they answer all that comes, say again what was not answered, and give up.
 */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"

enum story {
	BASIC,
	EARLY,
	HOLD,
	MORE_STREAMS,
	LATE,
	CANCELLED,
	REFUSED,
	FAILED_OVER,
	RELIABLE,      /* 183 on both legs, then an UPDATE */
	LATE_RELIABLE, /* the offer in it, the answer in the PRACK */
};

#define ALLOW "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\n"

static struct robot {
	enum story story;
	bool answered, acked, bye_here; /* at the callee */
	bool waits_for_prack;
	bool up, over, cancelled, bye_done; /* at the caller */
	char invite[BED_MESSAGE_MAX];       /* what the callee has answered */
} robot;

#define VIDEO_A SDP_A "m=video 4002 RTP/AVP 31\n"
#define VIDEO_B SDP_B "m=video 6002 RTP/AVP 31\n"

static const char *answer(void)
{
	return robot.story == MORE_STREAMS && strstr(robot.invite, "m=video") ? VIDEO_B : SDP_B;
}

static void callee_invited(enum bed_who who, const char *text)
{
	strcpy(robot.invite, text);
	robot.acked = false;
	if (robot.story == REFUSED || (robot.story == FAILED_OVER && who == B)) {
		bed_reply(who, robot.story == REFUSED ? 486 : 503, NULL);
		return;
	}
	if (robot.story >= RELIABLE && !strstr(bed_header(text, "To"), ";tag=")) {
		robot.waits_for_prack = true;
		bed.extra = "Require: 100rel\nRSeq: 1\n" ALLOW;
		bed_reply(who, 183, SDP_B);
		return;
	}
	if (!strstr(bed_header(text, "To"), ";tag="))
		bed_reply(who, 180, robot.story == EARLY ? SDP_B : NULL);
	if (robot.story == CANCELLED)
		return;
	robot.answered = true;
	bed_reply(who, 200, answer());
}

static void callee_acknowledged(enum bed_who who)
{
	bed_reply(who, 200, NULL);
	if (!robot.waits_for_prack)
		return;
	robot.waits_for_prack = false;
	robot.answered = true;
	strcpy(bed.ua[who].request, robot.invite);
	bed.extra = ALLOW;
	bed_reply(who, 200, NULL);
}

static void callee(enum bed_who who)
{
	const char *text;

	while ((text = bed_take_any(who))) {
		if (!strncmp(text, "INVITE ", 7)) {
			callee_invited(who, text);
		} else if (!strncmp(text, "ACK ", 4)) {
			robot.acked = true;
		} else if (!strncmp(text, "CANCEL ", 7) && !robot.answered) {
			robot.waits_for_prack = false;
			strcpy(bed.ua[who].request, robot.invite);
			bed_reply(who, 487, NULL);
		} else if (!strncmp(text, "BYE ", 4)) {
			robot.bye_here = true;
			bed_reply(who, 200, NULL);
		} else if (!strncmp(text, "PRACK ", 6)) {
			callee_acknowledged(who);
		} else if (!strncmp(text, "UPDATE ", 7)) {
			bed_reply(who, 200, VIDEO_B);
		}
	}
}

static void caller_acknowledges(const char *rseq)
{
	char rack[60];

	snprintf(rack, sizeof(rack), "RAck: %.20s 1 INVITE\n", rseq);
	bed.extra = rack;
	bed_request(A, "PRACK", robot.story == LATE_RELIABLE ? SDP_A : NULL);
}

static void caller(void)
{
	const char *text;

	while ((text = bed_take_any(A))) {
		bool invite = strstr(bed_header(text, "CSeq"), "INVITE") != NULL;

		if (!strncmp(text, "BYE ", 4)) {
			robot.bye_done = true;
			bed_reply(A, 200, NULL);
		} else if (!strncmp(text, "SIP/2.0 2", 9) && invite) {
			robot.up = true;
			bed_ack(A, robot.story == LATE ? SDP_A : NULL);
		} else if (strncmp(text, "SIP/2.0 1", 9) && invite) {
			robot.over = !robot.up;
		} else if (invite && bed_header(text, "RSeq")[0]) {
			caller_acknowledges(bed_header(text, "RSeq"));
		} else if (strstr(bed_header(text, "CSeq"), "BYE")) {
			robot.bye_done =
				!strncmp(text, "SIP/2.0 2", 9) || !strncmp(text, "SIP/2.0 481", 11);
		}
	}
}

static void turns(unsigned seconds)
{
	for (unsigned i = 0; i <= seconds; i++) {
		callee(B);
		callee(C);
		caller();
		if (i == seconds)
			break;
		bed_run_ms(1000);
		if (robot.waits_for_prack) { /* the 183 again */
			strcpy(bed.ua[B].request, robot.invite);
			bed.extra = "Require: 100rel\nRSeq: 1\n" ALLOW;
			bed_reply(B, 183, SDP_B);
		}
		if (robot.answered && !robot.acked && !robot.bye_here) { /* 2xx again */
			enum bed_who who = robot.story == FAILED_OVER ? C : B;
			char keep[BED_MESSAGE_MAX];

			strcpy(keep, bed.ua[who].request);
			strcpy(bed.ua[who].request, robot.invite);
			bed_reply(who, 200, robot.story >= RELIABLE ? NULL : answer());
			strcpy(bed.ua[who].request, keep);
		}
	}
}

static void tell(enum story story)
{
	robot = (struct robot){.story = story};
	bed.extra = story >= RELIABLE ? "Supported: 100rel\n" ALLOW : NULL;
	bed_invite(A, story == LATE || story == LATE_RELIABLE ? NULL : SDP_A);
	if (story == CANCELLED) {
		callee(B);
		bed_send_cancel(A);
	}
	turns(3);
	if (robot.up && (story == HOLD || story == MORE_STREAMS)) {
		bed_request(A, "INVITE", story == HOLD ? SDP_A "a=sendonly\n" : VIDEO_A);
		turns(3);
	}
	if (robot.up && story >= RELIABLE) {
		bed_request(A, "UPDATE", VIDEO_A);
		turns(3);
	}
	if (!robot.up && !robot.over)
		bed_send_cancel(A);
	for (int i = 0; i < 3 && robot.up && !robot.bye_done; i++) {
		bed_request(A, "BYE", NULL);
		turns(1);
	}
	turns(40);
}

/* @return false: there were fewer allocations than that. */
static bool with_failure(enum story story, unsigned long nth)
{
	unsigned long left;

	bed_up(NULL, NULL);
	mem_fail_at(nth);
	tell(story);
	left = mem_fail_left();
	mem_fail_at(0);
	if (left) { /* nothing failed: the story has its proper end */
		assert_int_equal(robot.up, story != CANCELLED && story != REFUSED);
		assert_string_equal(bed_cdr("type"), robot.up ? "stop" : "fail");
	}
	bed.idle_unchecked = true;
	bed_down();
	return left == 0;
}

static void sweep(enum story story)
{
	unsigned long n = 1;

	while (with_failure(story, n))
		n++;
	print_message("%lu allocations\n", n - 1);
	assert_true(n > 20);
}

#define SWEEP(name, story)                                                                         \
	static void name(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		sweep(story);                                                                      \
	}
SWEEP(basic_call, BASIC)
SWEEP(early_media, EARLY)
SWEEP(hold, HOLD)
SWEEP(added_stream, MORE_STREAMS)
SWEEP(late_offer, LATE)
SWEEP(cancelled, CANCELLED)
SWEEP(refused, REFUSED)
SWEEP(failed_over, FAILED_OVER)
SWEEP(reliable_and_update, RELIABLE)
SWEEP(late_and_reliable, LATE_RELIABLE)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(basic_call),
		cmocka_unit_test(early_media),
		cmocka_unit_test(hold),
		cmocka_unit_test(added_stream),
		cmocka_unit_test(late_offer),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(refused),
		cmocka_unit_test(failed_over),
		cmocka_unit_test(reliable_and_update),
		cmocka_unit_test(late_and_reliable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
