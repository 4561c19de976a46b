/* SPDX-License-Identifier: Apache-2.0 */
/* What the callee answers, on its way to the caller: ringing, early media, 2xx, forks; and the ACK back. */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <string.h>

#define SDP_B_NO_CODEC                                                                             \
	"v=0\no=user 7 7 IN IP4 198.51.100.22\ns=-\nc=IN IP4 198.51.100.22\nt=0 0\n"               \
	"m=audio 6000 RTP/AVP 97 101\na=rtpmap:97 iLBC/8000\na=rtpmap:101 x-other/8000\n"
#define SDP_TWO                                                                                    \
	"v=0\no=user 7 7 IN IP4 198.51.100.22\ns=-\nc=IN IP4 198.51.100.22\nt=0 0\n"               \
	"m=audio 6000 RTP/AVP 8\nm=video 6002 RTP/AVP 31\n"

static void ringing_without_sdp(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	m = bed_take(A, "SIP/2.0 180 ");
	assert_string_equal(bed_body(m), "");
	assert_string_equal(bed_modes(), "inactive/inactive");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* Before the answer only the callee is heard (toll fraud over early media, S11). */
static void early_media_one_way(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.gate.hold = true;
	bed_reply(B, 183, SDP_B);
	bed_quiet(A); /* not before the gates are open */
	bed.gate.hold = false;
	bed_settle();
	m = bed_take(A, "SIP/2.0 183 ");
	bed_has(m, "\r\nc=IN IP4 10.0.0.2\r\n");
	assert_string_equal(bed_modes(), "sendonly/recvonly");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* The answer came in the 183; the 200 has none (RFC 3261 13.2.1). */
static void answer_only_in_183(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 183, SDP_B);
	bed_take(A, "SIP/2.0 183 ");
	bed_reply(B, 200, NULL);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void early_media_that_nobody_may_send_to(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 183, BED_SDP("224.0.0.5", "6000"));
	assert_string_equal(bed_body(bed_take(A, "SIP/2.0 183 ")), ""); /* rings, no more */
	assert_string_equal(bed_modes(), "inactive/inactive");
	assert_string_equal(bed_gate_remote(1, 1), "");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void early_gate_failure_is_not_fatal(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.gate.modify_err = -ETIMEDOUT;
	bed_reply(B, 183, SDP_B);
	bed_take(A, "SIP/2.0 183 ");
	bed.gate.modify_err = 0;
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* G3: the gates follow before the 2xx is passed. */
static void answer_waits_for_gates(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.gate.hold = true;
	bed_reply(B, 200, SDP_B);
	bed_quiet(A);
	bed_reply(B, 200, SDP_B); /* again, since nobody ACKs */
	bed_quiet(A);
	bed_quiet(B);
	bed.gate.hold = false;
	bed_settle();
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void gates_fail_at_the_answer(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.gate.modify_err = -ETIMEDOUT;
	bed_reply(B, 200, SDP_B);
	m = bed_take(A, "SIP/2.0 503 ");
	bed_has(m, "\r\nReason: SIP;cause=503;text=\"media relay failed\"\r\n");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("type"), "fail");
	assert_string_equal(bed_cdr("cause"), "gate_failed");
	assert_string_equal(bed_cdr("status"), "503");
}

/* It answers and hangs up at once, before the gates are there. */
static void hangs_up_while_gates_follow(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.gate.hold = true;
	bed_reply(B, 200, SDP_B);
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 487 ");
	bed.gate.hold = false;
	bed_settle();
	assert_string_equal(bed_cdr("released_by"), "callee");
}

static void refused(const char *sdp)
{
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, sdp);
	bed_take(A, "SIP/2.0 502 ");
	bed_take(B, "ACK ");
	bed_has(bed_take_bye(B), "\r\nReason: SIP;cause=488;");
	assert_string_equal(bed_cdr("cause"), "bad_answer");
	assert_int_equal(bed.gate.now, 0);
}

/* C21: an answer with codecs that were not offered is refused, never relayed. */
static void answers_that_are_none(void **state)
{
	(void)state;
	refused(SDP_B_NO_CODEC);
	refused(SDP_TWO);
	refused(NULL);
	refused("v=0\nnonsense\n");
	refused(BED_SDP("127.0.0.1", "6000"));
	refused(BED_SDP("224.0.0.1", "6000"));
	refused(BED_SDP("host.inside.example", "6000"));
	refused(SDP_B "a=rtcp:6001 IN IP4 127.0.0.1\n");
}

/* ---- ACK and repeated 2xx (A11) ---- */

static void lost_ack_of_the_caller(void **state)
{
	unsigned n;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_run_ms(3400); /* 500, 1500; 3500 would be the next */
	n = bed_skip(A);
	assert_int_equal(n, 2);
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_ack(A, NULL); /* a second ACK is nothing new */
	bed_quiet(B);
	bed_run_ms(32000);
	bed_quiet(A);
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
}

static void lost_ack_to_the_callee(void **state)
{
	char ack[BED_MESSAGE_MAX];

	(void)state;
	bed_connect();
	strcpy(ack, bed.sent[bed.nsent - 1].text);
	bed_reply(B, 200, SDP_B); /* it did not get the ACK */
	assert_string_equal(bed_take(B, "ACK "), ack);
	bed_reply(B, 200, SDP_B);
	assert_string_equal(bed_take(B, "ACK "), ack);
	bed_quiet(A);
	bed_hang_up(A, B);
}

/* The 2xx comes again although another INVITE has taken its transaction's place. */
static void repeated_2xx_behind_a_reinvite(void **state)
{
	char invite[BED_MESSAGE_MAX];

	(void)state;
	bed_connect();
	strcpy(invite, bed.ua[B].request);
	bed_request(A, "INVITE", BED_SDP("10.0.0.11", "4010"));
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	strcpy(bed.ua[B].request, invite);
	bed_reply(B, 200, SDP_B);
	assert_string_equal(bed_header(bed_take(B, "ACK "), "CSeq"), "1 ACK");
	bed_quiet(B); /* above all no BYE: the call is up */
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
}

static void no_ack_at_all(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_run_ms(31900);
	assert_int_equal(bed_skip(A), 10); /* 0.5 1.5 3.5 7.5 11.5 ... 31.5 */
	bed_quiet(B);
	bed_run_ms(200);
	m = bed_take_bye(A);
	bed_has(m, "\r\nReason: SIP;cause=408;text=\"no ACK\"\r\n");
	bed_take(B, "ACK ");
	bed_take_bye(B);
	assert_string_equal(bed_cdr("cause"), "no_ack");
	assert_string_equal(bed_cdr("type"), "stop");
	assert_int_equal(call_count(bed.core), 0);
}

/* A11: an ACK with another CSeq or tag is none; the right one still counts at 31 s. */
static void wrong_and_late_acks(void **state)
{
	char remote[512];

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed.ua[A].invite_cseq = 7;
	bed_ack(A, NULL);
	bed.ua[A].invite_cseq = 1;
	strcpy(remote, bed.ua[A].remote);
	strcat(bed.ua[A].remote, "x");
	bed_ack(A, NULL);
	strcpy(bed.ua[A].remote, remote);
	bed_quiet(B);
	bed_run_ms(600);
	assert_int_equal(bed_skip(A), 1);
	bed_run_ms(30400);
	bed_skip(A);
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(5000);
	bed_quiet(A);
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
}

/* ---- forks (S3, A15) ---- */

static void second_fork_is_hung_up(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	strcpy(bed.ua[B].tag, "b-tag-fork");
	bed_reply(B, 200, BED_SDP("198.51.100.23", "7000"));
	m = bed_take(B, "ACK ");
	bed_has(m, ";tag=b-tag-fork\r\n");
	assert_string_equal(bed_header(m, "CSeq"), "1 ACK");
	m = bed_take(B, "BYE ");
	bed_has(m, ";tag=b-tag-fork\r\n");
	assert_string_equal(bed_header(m, "CSeq"), "2 BYE");
	bed_reply(B, 200, NULL);
	bed_quiet(A);
	assert_string_equal(bed_gate_remote(1, 1),
			    "198.51.100.22:6000"); /* media stay with the winner */
	assert_int_equal(call_count(bed.core), 1);
	bed_hang_up(A, B);
}

static void second_fork_while_gates_follow(void **state)
{
	char tag[64];

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.gate.hold = true;
	bed_reply(B, 200, SDP_B);
	strcpy(tag, bed.ua[B].tag);
	strcpy(bed.ua[B].tag, "b-tag-fork");
	bed_reply(B, 200, SDP_B);
	bed_has(bed_take(B, "ACK "), ";tag=b-tag-fork\r\n");
	bed_has(bed_take_bye(B), ";tag=b-tag-fork\r\n");
	bed.gate.hold = false;
	bed_settle();
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_lacks(bed_take(B, "ACK "), "b-tag-fork");
	bed_hang_up(A, B);
}

/* Early dialogs of two forks look like one to the caller; the gate follows the one that answers. */
static void early_forks(void **state)
{
	char tag[64];
	const char *m;
	char first[512];

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 183, SDP_B);
	m = bed_take(A, "SIP/2.0 183 ");
	strcpy(first, bed_header(m, "To"));
	strcpy(tag, bed.ua[B].tag);
	strcpy(bed.ua[B].tag, "b-tag-fork");
	bed_reply(B, 183, BED_SDP("198.51.100.23", "7000"));
	m = bed_take(A, "SIP/2.0 183 ");
	assert_string_equal(bed_header(m, "To"), first);
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.23:7000");
	strcpy(bed.ua[B].tag, tag);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_gate_remote(1, 1), "198.51.100.22:6000");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void ringing_without_a_tag(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 100, NULL);
	bed_quiet(A);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* In-dialog requests take the recorded route. */
static void recorded_route(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.extra = "Record-Route: <sip:198.51.100.21;lr>\nRecord-Route: <sip:198.51.100.30;lr>\n";
	bed_reply(B, 200, SDP_B);
	bed_lacks(bed_take(A, "SIP/2.0 200 "), "Record-Route");
	bed_ack(A, NULL);
	m = bed_take(X, "ACK sip:user@198.51.100.20:5060 SIP/2.0\r\n");
	assert_string_equal(bed_header(m, "Route"),
			    "<sip:198.51.100.30;lr>, <sip:198.51.100.21;lr>");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(X, "BYE ");
	bed_reply(X, 200, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(ringing_without_sdp),
		BED_TEST(early_media_one_way),
		BED_TEST(answer_only_in_183),
		BED_TEST(early_media_that_nobody_may_send_to),
		BED_TEST(early_gate_failure_is_not_fatal),
		BED_TEST(answer_waits_for_gates),
		BED_TEST(gates_fail_at_the_answer),
		BED_TEST(hangs_up_while_gates_follow),
		BED_TEST(answers_that_are_none),
		BED_TEST(lost_ack_of_the_caller),
		BED_TEST(lost_ack_to_the_callee),
		BED_TEST(repeated_2xx_behind_a_reinvite),
		BED_TEST(no_ack_at_all),
		BED_TEST(wrong_and_late_acks),
		BED_TEST(second_fork_is_hung_up),
		BED_TEST(second_fork_while_gates_follow),
		BED_TEST(early_forks),
		BED_TEST(ringing_without_a_tag),
		BED_TEST(recorded_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
