/* SPDX-License-Identifier: Apache-2.0 */
/* Server transactions: RFC 3261 17.2, RFC 6026, RFC 4320, RFC 3581, CANCEL, merged requests. */
#include <errno.h>
#include <string.h>

#include "txn_bed.h"

#include "sbe/sip/txn_metric.h"

static struct bed bed;

static int up(void **state)
{
	(void)state;
	bed_start(&bed, NULL);
	return 0;
}

static int down(void **state)
{
	(void)state;
	bed_stop(&bed);
	return 0;
}

static int reply(int status)
{
	struct txn_reply r = {.status = status};

	return txn_server_reply(bed.server, &r);
}

static void an_invite(const struct transport_listener *l)
{
	struct transport_target from = bed_peer(l);

	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	(void)bed_log(&bed);
}

/* 100 leaves before request() has been followed by anything, without a tag, with the Timestamp (8.2.6.1). */
static void invite_is_answered_100_at_once(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 request INVITE");
	assert_int_equal(bed.nsent, 1);
	assert_string_equal(bed_first_line(&bed, 0), "SIP/2.0 100 Trying");
	assert_string_equal(bed_header(&bed, 0, "To"), "<sip:x@192.0.2.1>");
	assert_string_equal(bed_header(&bed, 0, "Timestamp"), "54");
	assert_string_equal(bed_header(&bed, 0, "Record-Route"), "");
	assert_string_equal(bed_header(&bed, 0, "Content-Length"), "0");
	/* RFC 3581: received and rport filled, and the answer goes to the source port. */
	assert_string_equal(
		bed_header(&bed, 0, "Via"),
		"SIP/2.0/UDP 198.51.100.7:5066;branch=z9hG4bK-one;received=198.51.100.7;rport=5070");
	assert_int_equal(bed.sent[0].to.to.port, 5070);
}

static void no_100_when_answered_in_the_handler(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply busy = {.status = 486};

	bed.answer = &busy;
	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	assert_int_equal(bed.nsent, 1);
	assert_string_equal(bed_first_line(&bed, 0), "SIP/2.0 486 Busy Here");
}

/* A11, A13: G from T1 up to T2, H at 64*T1. */
static void refusal_is_sent_again_until_h(void **state)
{
	(void)state;
	an_invite(bed_udp);
	assert_int_equal(reply(486), 0);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "SIP/2.0 486", 0),
			    "0 500 1500 3500 7500 11500 15500 19500 23500 27500 31500");
	assert_string_equal(bed_log(&bed), "32000 terminated");
	assert_int_equal(txn_count_server(bed.layer), 0);
}

static void refusal_on_a_stream_is_sent_once(void **state)
{
	(void)state;
	an_invite(bed_tcp);
	assert_int_equal(reply(486), 0);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "SIP/2.0 486", 0), "0");
	assert_string_equal(bed_log(&bed), "32000 terminated");
	/* The reply names the connection, and sent-by's port for when it is gone (18.2.2). */
	assert_int_equal(bed.sent[1].to.connection, 7);
	assert_int_equal(bed.sent[1].to.to.port, 5066);
}

static void ack_ends_retransmissions_and_i_takes_up_more(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	an_invite(bed_udp);
	assert_int_equal(reply(486), 0);
	bed_run_to(&bed, 600);
	bed_request(&bed, "ACK", "z9hG4bK-one", "x", &from);
	assert_string_equal(bed_log(&bed), "600 acked");
	bed_request(&bed, "ACK", "z9hG4bK-one", "x", &from);
	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "SIP/2.0 486", 0), "0 500");
	assert_string_equal(bed_log(&bed), "5600 terminated"); /* T4 */
}

static void ack_on_a_stream_ends_at_once(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_tcp);

	an_invite(bed_tcp);
	assert_int_equal(reply(404), 0);
	bed_request(&bed, "ACK", "z9hG4bK-one", "x", &from);
	assert_string_equal(bed_log(&bed), "0 acked");
	bed_run_to(&bed, 0);
	assert_string_equal(bed_log(&bed), "0 terminated");
}

static void repeated_invite_gets_the_last_provisional(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	an_invite(bed_udp);
	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	assert_string_equal(bed_first_line(&bed, 1), "SIP/2.0 100 Trying");
	assert_int_equal(reply(180), 0);
	assert_string_equal(bed_header(&bed, 2, "Record-Route"), "<sip:rr.example;lr>");
	assert_string_equal(bed_header(&bed, 2, "Timestamp"), "");
	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	assert_string_equal(bed_first_line(&bed, 3), "SIP/2.0 180 Ringing");
	assert_int_equal(bed.nlog, 0); /* the user hears of none of it */
}

/* A11: 2xx from T1 up to T2 over any transport; never an ACK: no_ack at 64*T1. RFC 6026: INVITE absorbed. */
static void success_is_sent_again_until_64_t1(void **state)
{
	(void)state;
	const struct transport_listener *l = *state;
	struct transport_target from = bed_peer(l);

	bed_start(&bed, NULL);
	an_invite(l);
	assert_int_equal(reply(200), 0);
	bed_run_to(&bed, 700);
	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "SIP/2.0 200", 0),
			    "0 500 1500 3500 7500 11500 15500 19500 23500 27500 31500");
	assert_string_equal(bed_log(&bed), "32000 no_ack; 32000 terminated");
	bed_stop(&bed);
}

static void success_stops_when_told_and_l_absorbs(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	an_invite(bed_udp);
	assert_int_equal(reply(200), 0);
	bed_run_to(&bed, 600);
	bed_request(&bed, "ACK", "z9hG4bK-ack", "x", &from);
	assert_string_equal(bed_log(&bed), "600 ack");
	txn_server_stop_2xx(bed.server);
	txn_server_stop_2xx(bed.server);
	bed_run_to(&bed, 31999);
	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	assert_int_equal(bed.nlog, 0);
	assert_string_equal(bed_times(&bed, "SIP/2.0 200", 0), "0 500");
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_log(&bed), "32000 terminated");
}

/* RFC 6026 7.1: an ACK with the INVITE's own branch is passed up too. */
static void ack_of_2xx_with_the_invites_branch(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	an_invite(bed_udp);
	assert_int_equal(reply(200), 0);
	bed_request(&bed, "ACK", "z9hG4bK-one", "x", &from);
	assert_string_equal(bed_log(&bed), "0 ack");
}

static void one_final_only(void **state)
{
	(void)state;
	an_invite(bed_udp);
	assert_int_equal(reply(200), 0);
	assert_true(txn_server_done(bed.server));
	assert_int_equal(reply(200), -EALREADY);
	assert_int_equal(reply(486), -EALREADY);
	assert_int_equal(reply(180), -EALREADY);
	assert_int_equal(bed.nsent, 2);
}

static void tag_is_the_same_in_all_responses(void **state)
{
	(void)state;
	struct txn_reply r = {.status = 183, .to_tag = "mytag"};
	char to[64];

	an_invite(bed_udp);
	(void)snprintf(to, sizeof(to), "<sip:x@192.0.2.1>;tag=%s", txn_server_to_tag(bed.server));
	assert_int_equal(strlen(txn_server_to_tag(bed.server)), 18);
	assert_int_equal(reply(180), 0);
	assert_string_equal(bed_header(&bed, 1, "To"), to);
	assert_int_equal(txn_server_reply(bed.server, &r), 0);
	assert_string_equal(bed_header(&bed, 2, "To"), "<sip:x@192.0.2.1>;tag=mytag");
	assert_int_equal(reply(200), 0);
	assert_string_equal(bed_header(&bed, 3, "To"), "<sip:x@192.0.2.1>;tag=mytag");
}

static void tag_of_the_request_stays(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply r = {.status = 200, .to_tag = "other"};
	const char *tag = "a-long-tag-that-does-not-fit-into-twenty-bytes";

	bed_request(&bed, "BYE", "z9hG4bK-bye", tag, &from);
	assert_int_equal(txn_server_reply(bed.server, &r), 0);
	assert_string_equal(txn_server_to_tag(bed.server), tag);
	assert_string_equal(bed_header(&bed, 0, "To"),
			    "<sip:x@192.0.2.1>;tag=a-long-tag-that-does-not-fit-into-twenty-bytes");
}

static void body_and_headers_are_written(void **state)
{
	(void)state;
	struct txn_reply r = {.status = 200,
			      .reason = "Fine",
			      .headers =
				      "Contact: <sip:us@192.0.2.1>\r\nAllow: INVITE,\r\n ACK\r\n",
			      .headers_bytes = 51,
			      .content_type = "application/sdp",
			      .body = "v=0\r\n",
			      .body_bytes = 5};

	r.headers_bytes = strlen(r.headers);
	an_invite(bed_udp);
	assert_int_equal(txn_server_reply(bed.server, &r), 0);
	assert_string_equal(bed_first_line(&bed, 1), "SIP/2.0 200 Fine");
	assert_string_equal(bed_header(&bed, 1, "Contact"), "<sip:us@192.0.2.1>");
	assert_string_equal(bed_header(&bed, 1, "Content-Type"), "application/sdp");
	assert_string_equal(bed_header(&bed, 1, "Content-Length"), "5");
	assert_non_null(strstr(bed.sent[1].text, "\r\n\r\nv=0\r\n"));
}

static void smuggled_line_ends_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"A: b", "A: b\n", "A: b\r\n\r\nC: d\r\n",
					  "A: b\r\nnothing\r\n", "A: b\rC: d\r\n"};
	struct txn_reply r = {.status = 200};

	an_invite(bed_udp);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r.headers = bad[i];
		r.headers_bytes = strlen(bad[i]);
		assert_int_equal(txn_server_reply(bed.server, &r), -EINVAL);
	}
	r = (struct txn_reply){.status = 200, .reason = "OK\r\nX: y"};
	assert_int_equal(txn_server_reply(bed.server, &r), -EINVAL);
	r = (struct txn_reply){.status = 200, .to_tag = "a;b"};
	assert_int_equal(txn_server_reply(bed.server, &r), -EINVAL);
	r = (struct txn_reply){.status = 99};
	assert_int_equal(txn_server_reply(bed.server, &r), -EINVAL);
	r = (struct txn_reply){
		.status = 200, .content_type = "a/b\r\nX: y", .body = "x", .body_bytes = 1};
	assert_int_equal(txn_server_reply(bed.server, &r), -EINVAL);
	assert_int_equal(bed.nsent, 1);
	assert_int_equal(reply(200), 0); /* still open */
}

/* J: the answer is given again for 64*T1, then all is gone. */
static void other_request_is_answered_again_until_j(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	bed_request(&bed, "BYE", "z9hG4bK-bye", "x", &from);
	bed_request(&bed, "BYE", "z9hG4bK-bye", "x", &from);
	assert_int_equal(bed.nsent, 0);
	assert_int_equal(reply(200), 0);
	bed_run_to(&bed, 31999);
	bed_request(&bed, "BYE", "z9hG4bK-bye", "x", &from);
	assert_string_equal(bed_times(&bed, "SIP/2.0 200", 0), "0 31999");
	bed_run_to(&bed, 32000);
	assert_string_equal(bed_log(&bed), "0 request BYE; 32000 terminated");
}

static void other_request_on_a_stream_ends_at_once(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_tcp);

	bed_request(&bed, "BYE", "z9hG4bK-bye", "x", &from);
	assert_int_equal(reply(200), 0);
	assert_string_equal(bed_log(&bed), "0 request BYE"); /* not from inside the reply */
	bed_run_to(&bed, 0);
	assert_string_equal(bed_log(&bed), "0 terminated");
}

/* RFC 4320 4.1: 100 only when the client's E has reached T2 (500+1000+2000), on streams too. */
static void other_request_gets_a_late_100(void **state)
{
	(void)state;
	const struct transport_listener *l = *state;
	struct transport_target from = bed_peer(l);

	bed_start(&bed, NULL);
	bed_request(&bed, "OPTIONS", "z9hG4bK-opt", NULL, &from);
	assert_int_equal(reply(100), 0); /* ours to decide when */
	assert_int_equal(reply(183), -EINVAL);
	assert_int_equal(bed.nsent, 0);
	bed_run_to(&bed, 5000);
	assert_string_equal(bed_times(&bed, "SIP/2.0 100", 0), "3500");
	bed_request(&bed, "OPTIONS", "z9hG4bK-opt", NULL, &from);
	assert_string_equal(bed_times(&bed, "SIP/2.0 100", 0), "3500 5000");
	assert_int_equal(reply(200), 0);
	assert_string_equal(bed_times(&bed, "SIP/2.0 200", 0), "5000");
	bed_stop(&bed);
}

/* RFC 4320 4.2: never 408, and nothing after the sender's F. */
static void other_request_never_gets_408(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	bed_request(&bed, "OPTIONS", "z9hG4bK-a", NULL, &from);
	assert_int_equal(reply(408), 0);
	bed_run_to(&bed, 0);
	assert_string_equal(bed_log(&bed), "0 request OPTIONS; 0 terminated");
	assert_int_equal(bed.nsent, 0);
	bed_request(&bed, "OPTIONS", "z9hG4bK-b", NULL, &from);
	bed_run_to(&bed, 40000);
	assert_string_equal(bed_log(&bed), "0 request OPTIONS; 32000 terminated");
	assert_string_equal(bed_times(&bed, "SIP/2.0 4", 0), "");
}

static void detached_and_unanswered_answers_500(void **state)
{
	(void)state;
	an_invite(bed_udp);
	txn_server_detach(bed.server);
	assert_string_equal(bed_first_line(&bed, 1), "SIP/2.0 500 Server Internal Error");
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_log(&bed), "");
	assert_int_equal(txn_count_server(bed.layer), 0);
}

static void detached_goes_on_sending_its_2xx(void **state)
{
	(void)state;
	an_invite(bed_udp);
	assert_int_equal(reply(200), 0);
	txn_server_detach(bed.server);
	bed_run_to(&bed, 3500);
	assert_string_equal(bed_times(&bed, "SIP/2.0 200", 0), "0 500 1500 3500");
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_log(&bed), "");
}

/* A24: a forged source gets one packet, not eleven. */
static void once_is_not_repeated(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply no = {.status = 403, .once = true};

	bed.answer = &no;
	bed_request(&bed, "INVITE", "z9hG4bK-one", NULL, &from);
	assert_int_equal(bed.nsent, 1);
	bed_run_to(&bed, 60000);
	assert_int_equal(bed.nsent, 1);
	assert_int_equal(txn_count_server(bed.layer), 0);
	assert_string_equal(bed_log(&bed), "0 request INVITE; 0 terminated");
}

static void send_error_is_told_and_retransmission_goes_on(void **state)
{
	(void)state;
	an_invite(bed_udp);
	bed.send_err = -ENETUNREACH;
	assert_int_equal(reply(486), -ENETUNREACH);
	bed.send_err = 0;
	bed_run_to(&bed, 1500);
	assert_string_equal(bed_times(&bed, "SIP/2.0 486", 0), "0 500 1500");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define BED(f) cmocka_unit_test_setup_teardown(f, up, down)
		BED(invite_is_answered_100_at_once),
		BED(no_100_when_answered_in_the_handler),
		BED(refusal_is_sent_again_until_h),
		BED(refusal_on_a_stream_is_sent_once),
		BED(ack_ends_retransmissions_and_i_takes_up_more),
		BED(ack_on_a_stream_ends_at_once),
		BED(repeated_invite_gets_the_last_provisional),
		{"success_is_sent_again_until_64_t1 (udp)", success_is_sent_again_until_64_t1, NULL,
		 NULL, (void *)(uintptr_t)bed_udp},
		{"success_is_sent_again_until_64_t1 (tcp)", success_is_sent_again_until_64_t1, NULL,
		 NULL, (void *)(uintptr_t)bed_tcp},
		BED(success_stops_when_told_and_l_absorbs),
		BED(ack_of_2xx_with_the_invites_branch),
		BED(one_final_only),
		BED(tag_is_the_same_in_all_responses),
		BED(tag_of_the_request_stays),
		BED(body_and_headers_are_written),
		BED(smuggled_line_ends_are_refused),
		BED(other_request_is_answered_again_until_j),
		BED(other_request_on_a_stream_ends_at_once),
		{"other_request_gets_a_late_100 (udp)", other_request_gets_a_late_100, NULL, NULL,
		 (void *)(uintptr_t)bed_udp},
		{"other_request_gets_a_late_100 (tcp)", other_request_gets_a_late_100, NULL, NULL,
		 (void *)(uintptr_t)bed_tcp},
		BED(other_request_never_gets_408),
		BED(detached_and_unanswered_answers_500),
		BED(detached_goes_on_sending_its_2xx),
		BED(once_is_not_repeated),
		BED(send_error_is_told_and_retransmission_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
