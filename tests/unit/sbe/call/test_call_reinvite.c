/* SPDX-License-Identifier: Apache-2.0 */
/* A call that changes: hold, addresses, streams; and changes that are refused (S2, G10, A10). */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALAW(ip, port, more)                                                                       \
	"v=0\no=user 7 8 IN IP4 " ip "\ns=-\nc=IN IP4 " ip "\nt=0 0\nm=audio " port                \
	" RTP/AVP 8\n" more

/* One side asks, the other answers; the ACK included. @return what the asked side got. */
static const char *change(enum bed_who from, const char *offer, const char *answer)
{
	static char invite[BED_MESSAGE_MAX];
	enum bed_who to = from == A ? B : A;

	bed_request(from, "INVITE", offer);
	strcpy(invite, bed_take(to, "INVITE "));
	bed_reply(to, 200, answer);
	bed_take(from, "SIP/2.0 200 ");
	bed_quiet(to);
	bed_ack(from, NULL);
	bed_take(to, "ACK ");
	return invite;
}

static void hold_and_resume(void **state)
{
	(void)state;
	bed_connect();
	bed_has(change(A, ALAW("10.0.0.11", "4000", "a=sendonly\n"),
		       ALAW("198.51.100.22", "6000", "a=recvonly\n")),
		"\r\na=sendonly\r\n");
	assert_string_equal(bed_modes(), "recvonly/sendonly");
	change(A, ALAW("10.0.0.11", "4000", "a=inactive\n"),
	       ALAW("198.51.100.22", "6000", "a=inactive\n"));
	assert_string_equal(bed_modes(), "inactive/inactive");
	change(A, SDP_A, SDP_B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	/* the callee can do it too */
	change(B, ALAW("198.51.100.22", "6000", "a=sendonly\n"),
	       ALAW("10.0.0.11", "4000", "a=recvonly\n"));
	assert_string_equal(bed_modes(), "sendonly/recvonly");
	bed_hang_up(B, A);
}

/* RFC 2543: hold by c=0.0.0.0 stays that, and our address does not appear instead. */
static void old_hold(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	m = change(A, ALAW("0.0.0.0", "4000", ""), SDP_B);
	bed_has(m, "\r\nc=IN IP4 0.0.0.0\r\n");
	assert_string_equal(bed_modes(), "recvonly/sendonly");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000"); /* where media went before */
	change(A, SDP_A, SDP_B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

static void address_change(void **state)
{
	const char *m;
	unsigned modifies;

	(void)state;
	bed_connect();
	modifies = bed.gate.modifies;
	m = change(A, ALAW("10.0.0.12", "4444", ""), ALAW("198.51.100.23", "6666", ""));
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_lacks(m, "4444");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:6666");
	assert_int_equal(bed.gate.modifies, modifies + 1);
	assert_int_equal(bed.gate.opens, 1);
	bed_hang_up(A, B);
}

/* Gates change when the answer is there, not before, and the answer passes when they have. */
static void order_of_things(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", ALAW("10.0.0.12", "4444", ""));
	bed_take(B, "INVITE ");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	bed.gate.hold = true;
	bed_reply(B, 200, SDP_B);
	bed_quiet(A);
	bed_reply(B, 200, SDP_B); /* again */
	bed.gate.hold = false;
	bed_settle();
	bed_take(A, "SIP/2.0 200 ");
	bed_quiet(A);
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_reply(B, 200, SDP_B); /* it did not get the ACK */
	assert_string_equal(bed_header(bed_take(B, "ACK "), "CSeq"), "2 ACK");
	bed_hang_up(A, B);
}

#define VIDEO_A ALAW("10.0.0.11", "4000", "m=video 4002 RTP/AVP 31\n")
#define VIDEO_B ALAW("198.51.100.22", "6000", "m=video 6002 RTP/AVP 31\n")

static void added_stream(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	m = change(A, VIDEO_A, VIDEO_B);
	bed_has(m, "\r\nm=video 2");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(2, 1), "198.51.100.22:6002");
	assert_true(bed_gate_stream(2, 0)->rtp);
	/* and taken away again: port 0, the line stays (S2) */
	m = change(B, ALAW("198.51.100.22", "6000", "m=video 0 RTP/AVP 31\n"),
		   ALAW("10.0.0.11", "4000", "m=video 0 RTP/AVP 31\n"));
	bed_has(m, "\r\nm=video 0 RTP/AVP 31\r\n");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv inactive/inactive");
	/* and back */
	change(A, VIDEO_A, VIDEO_B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv sendrecv/sendrecv");
	bed_hang_up(A, B);
}

static void added_stream_is_declined(void **state)
{
	(void)state;
	bed_connect();
	change(A, VIDEO_A, ALAW("198.51.100.22", "6000", "m=video 0 RTP/AVP 31\n"));
	assert_string_equal(bed_modes(), "sendrecv/sendrecv inactive/inactive");
	bed_hang_up(A, B);
}

static void no_port_for_an_added_stream(void **state)
{
	(void)state;
	bed_connect();
	bed.gate.modify_err = -ENOSPC;
	bed_request(A, "INVITE", VIDEO_A);
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
	bed.gate.modify_err = 0;
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	change(A, SDP_A, SDP_B); /* as before, with fewer lines than the refused offer */
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

/* What we do not carry gets no gate. */
static void stream_that_is_not_relayed(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	m = change(A, ALAW("10.0.0.11", "4000", "m=message 4002 TCP/MSRP *\n"),
		   ALAW("198.51.100.22", "6000", "m=message 0 TCP/MSRP *\n"));
	bed_has(m, "\r\nm=message 0 TCP/MSRP *\r\n");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

#define FAX_A                                                                                      \
	"v=0\no=user 7 9 IN IP4 10.0.0.11\ns=-\nc=IN IP4 10.0.0.11\nt=0 0\n"                       \
	"m=audio 0 RTP/AVP 8\nm=image 4010 udptl t38\na=T38FaxVersion:0\n"
#define FAX_B                                                                                      \
	"v=0\no=user 7 9 IN IP4 198.51.100.22\ns=-\nc=IN IP4 198.51.100.22\nt=0 0\n"               \
	"m=audio 0 RTP/AVP 8\nm=image 6010 udptl t38\na=T38FaxVersion:0\n"

static void fax_as_another_stream(void **state)
{
	(void)state;
	bed_connect();
	bed_has(change(B, FAX_B, FAX_A), "\r\na=T38FaxVersion:0\r\n");
	assert_string_equal(bed_modes(), "inactive/inactive sendrecv/sendrecv");
	assert_false(bed_gate_stream(2, 0)->rtp);
	assert_int_equal(bed_gate_stream(2, 0)->payloads[0], 0);
	assert_string_equal(bed_gate_remote(2, 0), "10.0.0.11:4010");
	bed_hang_up(A, B);
}

static void fax_in_the_place_of_audio(void **state)
{
	(void)state;
	bed_connect();
	assert_true(bed_gate_stream(1, 0)->rtp);
	change(B,
	       "v=0\no=user 7 9 IN IP4 198.51.100.22\ns=-\nc=IN IP4 198.51.100.22\nt=0 0\n"
	       "m=image 6010 udptl t38\n",
	       "v=0\no=user 7 9 IN IP4 10.0.0.11\ns=-\nc=IN IP4 10.0.0.11\nt=0 0\n"
	       "m=image 4010 udptl t38\n");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_false(bed_gate_stream(1, 0)->rtp);
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6010");
	change(A, SDP_A, SDP_B); /* and back to speech */
	assert_true(bed_gate_stream(1, 0)->rtp);
	assert_int_equal(bed_gate_stream(1, 0)->payloads[0], 1U << 8 | 1U << 0);
	bed_hang_up(A, B);
}

/* ---- refused: all as it was (S2) ---- */

static void refused(int status, const char *line)
{
	bed_request(A, "INVITE", ALAW("10.0.0.12", "4444", "a=sendonly\n"));
	bed_take(B, "INVITE ");
	bed_reply(B, status, NULL);
	bed_take(B, "ACK ");
	bed_take(A, line);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	assert_int_equal(call_count(bed.core), 1);
}

static void refused_offers(void **state)
{
	(void)state;
	bed_connect();
	refused(488, "SIP/2.0 488 No\r\n");
	refused(491, "SIP/2.0 491 No\r\n"); /* glare: A's own timers bring it again */
	refused(603, "SIP/2.0 603 No\r\n");
	refused(500, "SIP/2.0 500 No\r\n");
	refused(401, "SIP/2.0 488 ");
	refused(302, "SIP/2.0 488 ");
	change(A, SDP_A, SDP_B);
	bed_hang_up(A, B);
}

static void offers_that_we_refuse(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", ALAW("127.0.0.1", "4000", ""));
	bed_take(A, "SIP/2.0 488 ");
	bed_request(A, "INVITE", ALAW("10.0.0.11", "4000", "a=rtcp:4001 IN IP4 224.0.0.1\n"));
	bed_take(A, "SIP/2.0 488 ");
	bed_request(A, "INVITE", "v=0\nnonsense\n");
	bed_take(A, "SIP/2.0 488 ");
	bed_request(A, "INVITE", "--x\nContent-Type: text/plain\n\nhello\n--x--\n");
	bed_take(A, "SIP/2.0 415 ");
	bed.extra = "Require: gruu\n";
	bed_request(A, "INVITE", SDP_A);
	m = bed_take(A, "SIP/2.0 420 ");
	assert_string_equal(bed_header(m, "Unsupported"), "gruu");
	bed_quiet(B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	change(A, SDP_A, SDP_B);
	bed_hang_up(A, B);
}

/* 12.2.1.2: the other side does not know the dialog any more. */
static void the_dialog_is_gone(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 481, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 481 ");
	m = bed_take_bye(A);
	bed_has(m, "\r\nReason: SIP;cause=481;");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "dialog_gone");
	assert_int_equal(call_count(bed.core), 0);
}

static void the_other_side_is_mute(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	bed_run_ms(31999);
	bed_quiet(A);
	bed_run_ms(1);
	bed_take(A, "SIP/2.0 408 ");
	bed_take_bye(A);
	bed_skip(B);
	assert_string_equal(bed_cdr("cause"), "dialog_gone");
}

/* Its 2xx comes when the call has been given up, and BYE sent: an ACK, and no second BYE (A11). */
static void the_other_side_is_late(void **state)
{
	char invite[BED_MESSAGE_MAX];

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	strcpy(invite, bed_take(B, "INVITE "));
	bed_run_ms(31999);
	bed_skip(B);
	bed_run_ms(1);
	bed_take(A, "SIP/2.0 408 ");
	bed_take_bye(A);
	bed_take_bye(B);
	assert_int_equal(call_count(bed.core), 0);
	strcpy(bed.ua[B].request, invite);
	for (int i = 0; i < 2; i++) {
		bed_reply(B, 200, SDP_B);
		assert_string_equal(bed_header(bed_take(B, "ACK "), "CSeq"), "2 ACK");
		bed_quiet(B);
	}
}

static void answers_that_are_none(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		bed_connect();
		bed_request(A, "INVITE", SDP_A);
		bed_take(B, "INVITE ");
		bed_reply(B, 200, i == 0 ? NULL : ALAW("224.0.0.1", "6000", ""));
		bed_take(B, "ACK ");
		bed_take_bye(B);
		bed_take(A, "SIP/2.0 488 ");
		bed_take_bye(A);
		assert_string_equal(bed_cdr("cause"), "bad_answer");
		assert_int_equal(call_count(bed.core), 0);
	}
}

static void gates_do_not_follow(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	bed_take(B, "INVITE ");
	bed.gate.modify_err = -ETIMEDOUT;
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	bed_take_bye(B);
	bed_take(A, "SIP/2.0 503 ");
	bed_take_bye(A);
	assert_string_equal(bed_cdr("cause"), "gate_failed");
}

/* ---- one at a time (RFC 3261 14) ---- */

static void glare(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	bed_request(B, "INVITE", SDP_B); /* sent before ours came */
	bed_take(B, "INVITE ");
	bed_take(B, "SIP/2.0 491 ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(B, "INVITE", SDP_B); /* A has not ACKed yet */
	bed_take(B, "SIP/2.0 491 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	change(B, SDP_B, SDP_A);
	bed_hang_up(A, B);
}

static void before_the_first_ack(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_request(B, "INVITE", SDP_B);
	bed_take(B, "SIP/2.0 491 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void twice_from_the_same_side(void **state)
{
	struct bed_ua first;
	const char *m;

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	bed_take(B, "INVITE ");
	first = bed.ua[A];
	bed_request(A, "INVITE", SDP_A);
	m = bed_take(A, "SIP/2.0 500 ");
	assert_true(atoi(bed_header(m, "Retry-After")) <= 10); /* 14.2: chosen at random */
	assert_true(bed_header(m, "Retry-After")[0] != '\0');
	bed_reply(B, 200, SDP_B);
	bed.ua[A].invite_cseq = first.invite_cseq;
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void in_an_early_dialog(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	{
		struct bed_ua a = bed.ua[A];

		bed_request(A, "INVITE", SDP_A);
		bed_take(A, "SIP/2.0 500 ");
		bed.ua[A].invite_cseq = a.invite_cseq;
		strcpy(bed.ua[A].branch, a.branch);
	}
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* ---- CANCEL of a re-INVITE ---- */

static void cancelled(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", ALAW("10.0.0.12", "4444", ""));
	bed_take(B, "INVITE ");
	bed_reply(B, 100, NULL);
	bed_cancel(A);
	bed_take(B, "CANCEL ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 487 ");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.11:4000");
	change(A, SDP_A, SDP_B);
	bed_hang_up(A, B);
}

/* B's 2xx wins: then both sides have the new session. */
static void cancelled_too_late(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", ALAW("10.0.0.12", "4444", ""));
	bed_take(B, "INVITE ");
	bed_reply(B, 100, NULL);
	bed_cancel(A);
	bed_reply(B, 200, SDP_B);
	bed_take(B, "CANCEL ");
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4444");
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(hold_and_resume),
		BED_TEST(old_hold),
		BED_TEST(address_change),
		BED_TEST(order_of_things),
		BED_TEST(added_stream),
		BED_TEST(added_stream_is_declined),
		BED_TEST(no_port_for_an_added_stream),
		BED_TEST(stream_that_is_not_relayed),
		BED_TEST(fax_as_another_stream),
		BED_TEST(fax_in_the_place_of_audio),
		BED_TEST(refused_offers),
		BED_TEST(offers_that_we_refuse),
		BED_TEST(the_dialog_is_gone),
		BED_TEST(the_other_side_is_mute),
		BED_TEST(the_other_side_is_late),
		BED_TEST(answers_that_are_none),
		BED_TEST(gates_do_not_follow),
		BED_TEST(glare),
		BED_TEST(before_the_first_ack),
		BED_TEST(twice_from_the_same_side),
		BED_TEST(in_an_early_dialog),
		BED_TEST(cancelled),
		BED_TEST(cancelled_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
