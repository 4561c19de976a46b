/* SPDX-License-Identifier: Apache-2.0 */
/* Several phones ring behind one INVITE: early dialogs, early media, the one that answers, the ones that lose (S3, A15, C17). */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

static char invite[BED_MESSAGE_MAX];

static void ring(void)
{
	bed_invite(A, SDP_A);
	strcpy(invite, bed_take(B, "INVITE "));
}

/* A response of one fork to the INVITE; media at 198.51.100.(100 + fork):(7000 + fork). */
static void fork_says(unsigned fork, int status, bool sdp)
{
	char body[600], tag[64];

	snprintf(body, sizeof(body),
		 "v=0\no=user %u 7 IN IP4 198.51.100.%u\ns=-\nc=IN IP4 198.51.100.%u\nt=0 0\n"
		 "m=audio %u RTP/AVP %u 101\na=rtpmap:101 telephone-event/8000\n",
		 fork + 1, 100 + fork, 100 + fork, 7000 + fork, fork % 2 ? 0 : 8);
	strcpy(bed.ua[B].request, invite);
	strcpy(tag, bed.ua[B].tag);
	snprintf(bed.ua[B].tag, sizeof(bed.ua[B].tag), "b-tag-f%u", fork);
	bed_reply(B, status, sdp ? body : NULL);
	strcpy(bed.ua[B].tag, tag);
}

static const char *media_of(unsigned fork)
{
	static char text[40];

	snprintf(text, sizeof(text), "198.51.100.%u:%u", 100 + fork, 7000 + fork);
	return text;
}

/* B speaks as this fork from now on. */
static void become(unsigned fork)
{
	snprintf(bed.ua[B].local, sizeof(bed.ua[B].local), "%s;tag=b-tag-f%u",
		 bed_header(invite, "To"), fork);
}

static void finish(unsigned fork)
{
	char mark[40];

	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 1), media_of(fork));
	bed_ack(A, NULL);
	snprintf(mark, sizeof(mark), ";tag=b-tag-f%u\r\n", fork);
	bed_has(bed_take(B, "ACK "), mark);
	become(fork);
	bed_hang_up(A, B);
}

/* A15: eight forks, each with its own description; the third answers, and the fifth a moment later. */
static void eight_of_them(void **state)
{
	char to[512] = "";
	const char *m;

	(void)state;
	ring();
	for (unsigned i = 0; i < 8; i++) {
		fork_says(i, 183, true);
		m = bed_take(A, "SIP/2.0 183 ");
		if (!to[0])
			strcpy(to, bed_header(m, "To"));
		assert_string_equal(bed_header(m, "To"), to); /* one dialog, all the time */
		assert_string_equal(bed_gate_remote(1, 1), media_of(i));
		assert_string_equal(bed_modes(), "sendonly/recvonly");
	}
	assert_int_equal(bed.gate.opens, 1);
	fork_says(3, 200, true);
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "To"), to);
	assert_string_equal(bed_gate_remote(1, 1), media_of(3));
	assert_int_equal(bed_gate_stream(1, 1)->payloads[0] & 0x101, 0x101); /* what either lists */
	fork_says(5, 200, true);
	bed_has(bed_take(B, "ACK "), ";tag=b-tag-f5\r\n");
	m = bed_take_bye(B);
	bed_has(m, ";tag=b-tag-f5\r\n");
	assert_string_equal(bed_header(m, "CSeq"), "2 BYE");
	bed_quiet(A);
	assert_string_equal(bed_gate_remote(1, 1), media_of(3));
	bed_ack(A, NULL);
	bed_has(bed_take(B, "ACK "), ";tag=b-tag-f3\r\n");
	become(3);
	bed_hang_up(B, A);
	assert_int_equal(bed.gate.now, 0);
	assert_int_equal(bed_cdr_count(), 1);
}

/* More than we follow ring on unseen; one of them may still answer. */
static void more_than_we_follow(void **state)
{
	uint64_t dropped;

	(void)state;
	ring();
	for (unsigned i = 0; i < CALL_FORKS_MAX; i++) {
		fork_says(i, 180, false);
		bed_take(A, "SIP/2.0 180 ");
	}
	dropped = (uint64_t)metric_get(&call_metrics, CALL_FORKS_DROPPED);
	fork_says(8, 183, true);
	bed_quiet(A);
	assert_int_equal(metric_get(&call_metrics, CALL_FORKS_DROPPED), dropped + 1);
	fork_says(8, 200, true);
	finish(8);
}

/* The answer stood in the 183 of the fork that answers, not in that of another one. */
static void each_has_its_own_answer(void **state)
{
	const char *m;

	(void)state;
	ring();
	fork_says(1, 183, true);
	bed_take(A, "SIP/2.0 183 ");
	fork_says(2, 183, true);
	bed_take(A, "SIP/2.0 183 ");
	fork_says(1, 200, false);
	m = bed_take(A, "SIP/2.0 200 ");
	bed_has(m, "\r\nm=audio "); /* so that it is there in a message that arrives */
	bed_has(m, " RTP/AVP 0 101\r\n");
	assert_string_equal(bed_gate_remote(1, 1), media_of(1));
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	become(1);
	bed_hang_up(A, B);
}

static void no_answer_of_its_own(void **state)
{
	(void)state;
	ring();
	fork_says(1, 183, true);
	bed_take(A, "SIP/2.0 183 ");
	fork_says(2, 200, false); /* borrowed media would be somebody else's */
	bed_take(A, "SIP/2.0 502 ");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_int_equal(bed.gate.now, 0);
}

/* What the first fork refuses is open again for the next one. */
static void another_one_wants_more(void **state)
{
	(void)state;
	bed_invite(A, SDP_A "m=video 4002 RTP/AVP 31\n");
	strcpy(invite, bed_take(B, "INVITE "));
	bed_reply(B, 183, SDP_B "m=video 0 RTP/AVP 31\n");
	bed_take(A, "SIP/2.0 183 ");
	assert_string_equal(bed_modes(), "sendonly/recvonly inactive/inactive");
	strcpy(bed.ua[B].tag, "b-tag-f9");
	bed_reply(B, 200, SDP_B "m=video 6002 RTP/AVP 31\n");
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv sendrecv/sendrecv");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	become(9);
	bed_hang_up(A, B);
}

/* RFC 6228 */
static void one_ends(void **state)
{
	(void)state;
	ring();
	fork_says(1, 183, true);
	bed_take(A, "SIP/2.0 183 ");
	fork_says(2, 183, true);
	bed_take(A, "SIP/2.0 183 ");
	fork_says(7, 199, false); /* of nobody we know (C17) */
	bed_quiet(A);
	assert_string_equal(bed_gate_remote(1, 1), media_of(2));
	fork_says(2, 199, false);
	bed_quiet(A); /* its dialog goes on */
	assert_string_equal(bed_gate_remote(1, 1), media_of(1));
	assert_string_equal(bed_modes(), "sendonly/recvonly");
	fork_says(1, 199, false);
	assert_string_equal(bed_modes(), "inactive/inactive");
	fork_says(3, 200, true);
	finish(3);
}

static void all_end(void **state)
{
	(void)state;
	ring();
	fork_says(1, 183, true);
	bed_take(A, "SIP/2.0 183 ");
	fork_says(1, 199, false);
	fork_says(1, 486, false);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
	assert_int_equal(bed.gate.now, 0);
}

static void cancelled(void **state)
{
	(void)state;
	ring();
	for (unsigned i = 0; i < 3; i++) {
		fork_says(i, 183, true);
		bed_take(A, "SIP/2.0 183 ");
	}
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_take(B, "CANCEL ");
	fork_says(1, 200, true); /* too late */
	bed_has(bed_take(B, "ACK "), ";tag=b-tag-f1\r\n");
	bed_has(bed_take_bye(B), ";tag=b-tag-f1\r\n");
	fork_says(2, 200, true); /* after the first one nobody is there any more */
	bed_has(bed_take(B, "ACK "), ";tag=b-tag-f2\r\n");
	bed_has(bed_take_bye(B), ";tag=b-tag-f2\r\n");
	assert_int_equal(bed.gate.now, 0);
	assert_int_equal(bed_cdr_count(), 1);
}

/* RFC 3261 15 forbids it; one fork leaves, the others ring on. */
static void bye_of_one(void **state)
{
	(void)state;
	ring();
	fork_says(1, 183, true);
	bed_take(A, "SIP/2.0 183 ");
	fork_says(2, 183, true);
	bed_take(A, "SIP/2.0 183 ");
	become(2);
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_quiet(A);
	assert_string_equal(bed_gate_remote(1, 1), media_of(1));
	become(6); /* none of them */
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 481 ");
	fork_says(1, 200, true);
	finish(1);
}

/* Two descriptions while the gates are slow: what is passed in the end is the newest. */
static void slow_gates(void **state)
{
	(void)state;
	ring();
	bed.gate.hold = true;
	fork_says(1, 183, true);
	fork_says(2, 183, true);
	bed_quiet(A);
	bed.gate.hold = false;
	bed_settle();
	bed_take(A, "SIP/2.0 183 ");
	bed_quiet(A);
	assert_string_equal(bed_gate_remote(1, 1), media_of(2));
	bed.gate.hold = true;
	fork_says(1, 183, true);
	fork_says(2, 200, true);
	bed.gate.hold = false;
	bed_settle();
	finish(2);
}

/* The next hop is another INVITE with forks of its own. */
static void after_a_failover(void **state)
{
	(void)state;
	ring();
	bed_run_ms(4100); /* try_ms: nothing came */
	bed_skip(B);
	strcpy(invite, bed_take(C, "INVITE "));
	strcpy(bed.ua[B].tag, "b-tag-late");
	bed_reply(B, 180, NULL); /* of the one we left */
	bed_quiet(A);
	bed_reply(C, 183, BED_SDP("198.51.100.23", "7000"));
	bed_take(A, "SIP/2.0 183 ");
	bed_reply(C, 200, BED_SDP("198.51.100.23", "7000"));
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(C, "ACK ");
	bed_hang_up(A, C);
	bed_run_ms(40000);
	bed_skip(B); /* CANCELs of an INVITE nobody answers */
}

/* What A was given in a reliable 183 of one fork, the other one's answer may not replace in the 2xx (RFC 3262 5). */
static void wrong_one_was_shown(unsigned winner)
{
	char rack[60];
	const char *m;

	bed.extra = "Supported: 100rel\n";
	ring();
	fork_says(1, 183, true); /* PCMU */
	m = bed_take(A, "SIP/2.0 183 ");
	bed_has(m, " RTP/AVP 0 101\r\n");
	snprintf(rack, sizeof(rack), "RAck: %s 1 INVITE\n", bed_header(m, "RSeq"));
	bed.extra = rack;
	bed_request(A, "PRACK", NULL);
	bed_take(A, "SIP/2.0 200 ");
	fork_says(winner, 200, true);
	assert_string_equal(bed_body(bed_take(A, "SIP/2.0 200 ")), "");
	assert_string_equal(bed_gate_remote(1, 1), media_of(winner));
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	become(winner);
}

static void the_caller_is_told_afterwards(void **state)
{
	unsigned long long id[2], version[2];
	uint64_t at_ms;
	const char *m;

	(void)state;
	wrong_one_was_shown(4); /* PCMA */
	m = bed_take(A, "INVITE sip:user@10.0.0.10:5060 ");
	bed_has(m, " RTP/AVP 8 101\r\n");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	bed_origin(m, &id[0], &version[0]);
	bed_reply(A, 491, NULL); /* A10: the owner of the Call-ID waits longer than we */
	bed_take(A, "ACK ");
	at_ms = clock_now_ms();
	m = bed_take_any(A);
	for (unsigned i = 0; i < 300 && !m; i++) {
		bed_run_ms(10);
		m = bed_take_any(A);
	}
	assert_non_null(m);
	assert_true(clock_now_ms() - at_ms <= 2010);
	bed_has(m, "INVITE ");
	bed_origin(m, &id[1], &version[1]);
	assert_true(id[0] == id[1] && version[1] == version[0]);
	bed_reply(A, 200, BED_SDP("10.0.0.12", "4444"));
	bed_take(A, "ACK ");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_quiet(B); /* nothing new for it */
	bed_hang_up(A, B);
}

/* The same codec, and our own address: there is nothing to tell. */
static void the_caller_need_not_be_told(void **state)
{
	(void)state;
	wrong_one_was_shown(3);
	bed_quiet(A);
	bed_hang_up(B, A);
}

static void the_caller_does_not_want_to_be_told(void **state)
{
	(void)state;
	wrong_one_was_shown(4);
	bed_take(A, "INVITE ");
	bed_reply(A, 488, NULL);
	bed_take(A, "ACK ");
	bed_run_ms(20000);
	bed_quiet(A);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

static void the_caller_always_says_491(void **state)
{
	unsigned n = 0;

	(void)state;
	wrong_one_was_shown(4);
	for (int i = 0; i < 6000; i++) {
		if (bed_take_any(A) && ++n % 2)
			bed_reply(A, 491, NULL);
		bed_run_ms(10);
	}
	assert_int_equal(n, 2 * 20); /* an INVITE and its ACK each time, then it stays as it is */
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(eight_of_them),
		BED_TEST(more_than_we_follow),
		BED_TEST(each_has_its_own_answer),
		BED_TEST(no_answer_of_its_own),
		BED_TEST(another_one_wants_more),
		BED_TEST(one_ends),
		BED_TEST(all_end),
		BED_TEST(cancelled),
		BED_TEST(bye_of_one),
		BED_TEST(slow_gates),
		BED_TEST(after_a_failover),
		BED_TEST(the_caller_is_told_afterwards),
		BED_TEST(the_caller_need_not_be_told),
		BED_TEST(the_caller_does_not_want_to_be_told),
		BED_TEST(the_caller_always_says_491),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
