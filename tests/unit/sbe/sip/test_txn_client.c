/* SPDX-License-Identifier: Apache-2.0 */
/* Client transactions: RFC 3261 17.1 and 9.1, RFC 6026, and answers from the wrong place (C18, C20). */
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

static struct transport_target call(const char *method, const struct transport_listener *l)
{
	struct transport_target to = bed_peer(l);

	assert_int_equal(bed_client(&bed, method, 0, &to), 0);
	return to;
}

static void request_has_our_via(void **state)
{
	(void)state;
	char branch[64];
	struct transport_target to = call("INVITE", bed_udp);

	assert_string_equal(bed_first_line(&bed, 0), "INVITE sip:b@198.51.100.7:5070 SIP/2.0");
	assert_int_equal(sscanf(bed_header(&bed, 0, "Via"),
				"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%24[0-9a-f];rport",
				branch),
			 1);
	assert_int_equal(strlen(branch), 24); /* 96 bits */
	assert_string_equal(bed_header(&bed, 0, "Content-Length"), "5");
	assert_non_null(strstr(bed.sent[0].text, "\r\n\r\nv=0\r\n"));
	assert_true(addr_equal(&bed.sent[0].to.to, &to.to));
	(void)call("INVITE", bed_udp);
	assert_string_not_equal(bed_header(&bed, 0, "Via"), bed_header(&bed, 1, "Via"));
}

/* A13, A14: A doubles without end, B at 64*T1. */
static void invite_a_and_b(void **state)
{
	(void)state;
	(void)call("INVITE", bed_udp);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "INVITE", 0), "0 500 1500 3500 7500 15500 31500");
	assert_string_equal(bed_log(&bed), "32000 failed timeout; 32000 ended");
	assert_int_equal(txn_count_client(bed.layer), 0);
}

static void invite_on_a_stream_has_b_only(void **state)
{
	(void)state;
	(void)call("INVITE", bed_tcp);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "INVITE", 0), "0");
	assert_string_equal(bed_log(&bed), "32000 failed timeout; 32000 ended");
}

/* A14: E doubles up to T2, F at 64*T1. */
static void other_e_and_f(void **state)
{
	(void)state;
	(void)call("OPTIONS", bed_udp);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "OPTIONS", 0),
			    "0 500 1500 3500 7500 11500 15500 19500 23500 27500 31500");
	assert_string_equal(bed_log(&bed), "32000 failed timeout; 32000 ended");
}

static void own_timers_of_the_options(void **state)
{
	(void)state;
	struct txn_options o = {.t1_ms = 100, .t2_ms = 400, .t4_ms = 1000};
	struct transport_target to = bed_peer(bed_udp);

	bed_start(&bed, &o);
	assert_int_equal(bed_client(&bed, "OPTIONS", 0, &to), 0);
	bed_run_to(&bed, 2000);
	bed_respond(&bed, "OPTIONS", 200, "t", &to);
	assert_string_equal(bed_times(&bed, "OPTIONS", 0), "0 100 300 700 1100 1500 1900");
	bed_run_to(&bed, 5000);
	assert_string_equal(bed_log(&bed), "2000 response 200; 3000 ended");
	bed_stop(&bed);
}

/* Own deadline: the first response of any kind to an INVITE, the final one to others. */
static void own_deadline(void **state)
{
	(void)state;
	struct transport_target to = bed_peer(bed_udp);

	assert_int_equal(bed_client(&bed, "INVITE", 3000, &to), 0);
	bed_run_to(&bed, 10000);
	assert_string_equal(bed_log(&bed), "3000 failed timeout; 3000 ended");
	assert_string_equal(bed_times(&bed, "INVITE", 0), "0 500 1500");
	assert_int_equal(bed_client(&bed, "INVITE", 3000, &to), 0);
	bed_respond(&bed, "INVITE", 100, NULL, &to);
	bed_run_to(&bed, 200000);
	assert_string_equal(bed_log(&bed), "10000 response 100");
	assert_int_equal(bed_client(&bed, "OPTIONS", 3000, &to), 0);
	bed_respond(&bed, "OPTIONS", 100, NULL, &to);
	bed_run_to(&bed, 210000);
	assert_string_equal(bed_log(&bed),
			    "200000 response 100; 203000 failed timeout; 203000 ended");
}

static void other_proceeding_goes_on_at_t2(void **state)
{
	(void)state;
	struct transport_target to = call("BYE", bed_udp);

	bed_run_to(&bed, 600);
	bed_respond(&bed, "BYE", 100, NULL, &to);
	bed_run_to(&bed, 40000);
	assert_string_equal(bed_times(&bed, "BYE", 0),
			    "0 500 4600 8600 12600 16600 20600 24600 28600");
	assert_string_equal(bed_log(&bed), "600 response 100; 32000 failed timeout; 32000 ended");
}

/* K takes up repeated answers, silently. */
static void other_k(void **state)
{
	(void)state;
	const struct transport_listener *l = *state;

	bed_start(&bed, NULL);
	struct transport_target to = call("BYE", l);

	bed_respond(&bed, "BYE", 200, "t", &to);
	bed_respond(&bed, "BYE", 200, "t", &to);
	assert_string_equal(bed_log(&bed), "0 response 200");
	bed_run_to(&bed, 10000);
	assert_string_equal(bed_log(&bed), l == bed_udp ? "5000 ended" : "0 ended");
	bed_stop(&bed);
}

/* S4, 17.1.1.3: the ACK of a refusal is made here: same branch and Route, To of the answer. */
static void refusal_is_acked_here(void **state)
{
	(void)state;
	char via[256];
	struct transport_target to = call("INVITE", bed_udp);

	(void)snprintf(via, sizeof(via), "%s", bed_header(&bed, 0, "Via"));
	bed_respond(&bed, "INVITE", 180, "t", &to);
	bed_respond(&bed, "INVITE", 486, "t", &to);
	assert_int_equal(bed.nsent, 2);
	assert_string_equal(bed_first_line(&bed, 1), "ACK sip:b@198.51.100.7:5070 SIP/2.0");
	assert_string_equal(bed_header(&bed, 1, "Via"), via);
	assert_string_equal(bed_header(&bed, 1, "To"), "<sip:b@example.com>;tag=t");
	assert_string_equal(bed_header(&bed, 1, "From"), "<sip:us@192.0.2.1>;tag=ours");
	assert_string_equal(bed_header(&bed, 1, "CSeq"), "17 ACK");
	assert_string_equal(bed_header(&bed, 1, "Call-ID"), "our-call");
	assert_string_equal(bed_header(&bed, 1, "Max-Forwards"), "69");
	assert_string_equal(bed_header(&bed, 1, "Route"), "<sip:r1.example;lr>");
	assert_non_null(strstr(bed.sent[1].text, "Route: <sip:r2.example;lr>\r\n"));
	assert_string_equal(bed_header(&bed, 1, "Contact"), "");
	assert_string_equal(bed_header(&bed, 1, "Content-Type"), "");
	assert_string_equal(bed_header(&bed, 1, "Content-Length"), "0");
	/* Each time it comes again; the user hears of it once. D: 32 s. */
	bed_run_to(&bed, 31999);
	bed_respond(&bed, "INVITE", 486, "t", &to);
	assert_string_equal(bed_times(&bed, "ACK", 0), "0 31999");
	assert_string_equal(bed_log(&bed), "0 response 180; 0 response 486");
	bed_run_to(&bed, 32000);
	assert_string_equal(bed_log(&bed), "32000 ended");
}

static void refusal_on_a_stream_ends_at_once(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_tcp);

	bed_respond(&bed, "INVITE", 503, "t", &to);
	assert_string_equal(bed_times(&bed, "ACK", 0), "0");
	bed_run_to(&bed, 0);
	assert_string_equal(bed_log(&bed), "0 response 503; 0 ended");
}

/* S3, A15, RFC 6026 7.2: every 2xx of every fork goes up for 64*T1, then as a stray. */
static void forks_are_given_to_the_user(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp);

	bed_respond(&bed, "INVITE", 183, "f1", &to);
	bed_respond(&bed, "INVITE", 183, "f2", &to);
	bed_respond(&bed, "INVITE", 200, "f2", &to);
	bed_respond(&bed, "INVITE", 200, "f2", &to);
	bed_run_to(&bed, 31000);
	bed_respond(&bed, "INVITE", 200, "f1", &to);
	bed_respond(&bed, "INVITE", 486, "f3", &to);
	assert_string_equal(bed_log(&bed),
			    "0 response 183; 0 response 183; 0 response 200; 0 response 200; "
			    "31000 response 200");
	bed_run_to(&bed, 32000);
	assert_string_equal(bed_log(&bed), "32000 ended");
	bed_respond(&bed, "INVITE", 200, "f1", &to);
	assert_string_equal(bed_log(&bed), "32000 stray 200");
	assert_string_equal(bed_times(&bed, "ACK", 0), ""); /* those are the user's */
}

static void detached_2xx_is_a_stray(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp);

	bed.detach_in_response = true;
	bed_respond(&bed, "INVITE", 180, "t", &to);
	bed_respond(&bed, "INVITE", 200, "t", &to);
	bed_respond(&bed, "INVITE", 200, "t", &to);
	assert_string_equal(bed_log(&bed), "0 response 180; 0 stray 200; 0 stray again 200");
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_log(&bed), "");
	assert_int_equal(txn_count_client(bed.layer), 0);
}

static void detached_and_ringing_does_not_live_for_ever(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp);

	txn_client_detach(bed.client);
	bed_respond(&bed, "INVITE", 180, "t", &to);
	bed_run_to(&bed, 31999);
	assert_int_equal(txn_count_client(bed.layer), 1);
	bed_run_to(&bed, 32000);
	assert_int_equal(txn_count_client(bed.layer), 0);
	assert_string_equal(bed_log(&bed), "");
}

/* A9, 9.1: not before a provisional; same branch and Request-URI, To without tag. */
static void cancel_waits_for_a_provisional(void **state)
{
	(void)state;
	char via[256];
	struct transport_target to = call("INVITE", bed_udp);

	(void)snprintf(via, sizeof(via), "%s", bed_header(&bed, 0, "Via"));
	txn_client_cancel(bed.client, "SIP;cause=200");
	txn_client_cancel(bed.client, NULL);
	bed_run_to(&bed, 600);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "");
	assert_string_equal(bed_times(&bed, "INVITE", 0), "0 500");
	bed_respond(&bed, "INVITE", 180, "t", &to);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "600");
	assert_string_equal(bed_first_line(&bed, 2), "CANCEL sip:b@198.51.100.7:5070 SIP/2.0");
	assert_string_equal(bed_header(&bed, 2, "Via"), via);
	assert_string_equal(bed_header(&bed, 2, "To"), "<sip:b@example.com>");
	assert_string_equal(bed_header(&bed, 2, "CSeq"), "17 CANCEL");
	assert_string_equal(bed_header(&bed, 2, "Route"), "<sip:r1.example;lr>");
	assert_string_equal(bed_header(&bed, 2, "Reason"), "SIP;cause=200");
	assert_string_equal(bed_header(&bed, 2, "Contact"), "");
	/* The CANCEL is a transaction of its own, sent again until it is answered. */
	bed_run_to(&bed, 1200);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "600 1100");
	bed_respond(&bed, "CANCEL", 200, "t", &to);
	bed_respond(&bed, "INVITE", 487, "t", &to);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "600 1100");
	assert_string_equal(bed_log(&bed), "600 response 180; 1200 response 487; 33200 ended");
}

static void cancel_after_a_provisional_goes_at_once(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp);

	bed_respond(&bed, "INVITE", 100, NULL, &to);
	bed_run_to(&bed, 1000);
	txn_client_cancel(bed.client, NULL);
	txn_client_cancel(bed.client, NULL);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "1000");
	bed_respond(&bed, "CANCEL", 200, "t", &to);
	/* 9.1: no final in 64*T1: it is over. */
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_log(&bed), "0 response 100; 33000 failed timeout; 33000 ended");
}

/* A14: who was too slow for its turn shall not ring for nobody: CANCEL when it says something at last. */
static void slow_hop_is_cancelled(void **state)
{
	(void)state;
	struct transport_target to = bed_peer(bed_udp);

	assert_int_equal(bed_client(&bed, "INVITE", 1000, &to), 0);
	bed_run_to(&bed, 3000);
	assert_string_equal(bed_log(&bed), "1000 failed timeout; 1000 ended");
	assert_string_equal(bed_times(&bed, "INVITE", 0), "0 500");
	bed_respond(&bed, "INVITE", 180, "t", &to);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "3000");
	bed_respond(&bed, "CANCEL", 200, "t", &to);
	bed_respond(&bed, "INVITE", 487, "t", &to);
	assert_string_equal(bed_times(&bed, "ACK", 0), "3000");
	bed_run_to(&bed, 60000);
	assert_int_equal(txn_count_client(bed.layer), 0);
	assert_string_equal(bed_log(&bed), "");
}

/* U1: the network refuses a later copy of an INVITE: the first one may have come through, and nobody shall ring for nothing. */
static void refused_copy_is_cancelled(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp);

	bed_run_to(&bed, 600);
	assert_string_equal(bed_times(&bed, "INVITE", 0), "0 500");
	txn_transport_failed(bed.layer, &to, -ECONNREFUSED);
	bed_run_to(&bed, 700);
	bed_respond(&bed, "INVITE", 180, "t", &to);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "700");
	bed_respond(&bed, "CANCEL", 200, "t", &to);
	bed_respond(&bed, "INVITE", 487, "t", &to);
	assert_string_equal(bed_times(&bed, "ACK", 0), "700");
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_log(&bed), "600 failed refused; 600 ended");
	assert_int_equal(txn_count_client(bed.layer), 0);
}

/* The same, and it answers: that is for whoever ends strays, and the second time only for an ACK. */
static void slow_hop_answers(void **state)
{
	(void)state;
	struct transport_target to = bed_peer(bed_udp);

	assert_int_equal(bed_client(&bed, "INVITE", 1000, &to), 0);
	bed_run_to(&bed, 3000);
	bed_respond(&bed, "INVITE", 200, "t", &to);
	bed_run_to(&bed, 3500);
	bed_respond(&bed, "INVITE", 200, "t", &to);
	bed_respond(&bed, "INVITE", 200, "u", &to);
	assert_string_equal(bed_log(&bed), "1000 failed timeout; 1000 ended; 3000 stray 200; "
					   "3500 stray again 200; 3500 stray 200");
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "");
}

/* A9: a 2xx that crosses the CANCEL is delivered: the user answers it with ACK and BYE. */
static void cancel_crossing_2xx(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp);

	txn_client_cancel(bed.client, NULL);
	bed_respond(&bed, "INVITE", 200, "t", &to);
	txn_client_cancel(bed.client, NULL);
	assert_string_equal(bed_log(&bed), "0 response 200");
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "");
}

static void cancel_is_for_invite_only(void **state)
{
	(void)state;
	struct transport_target to = call("BYE", bed_udp);

	bed_respond(&bed, "BYE", 100, NULL, &to);
	txn_client_cancel(bed.client, NULL);
	assert_string_equal(bed_times(&bed, "CANCEL", 0), "");
}

/* C18, C20: right branch, wrong source. */
static void off_path_answers_are_dropped(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp), other = to, tcp = bed_peer(bed_tcp);
	int64_t before = metric_get(&txn_metrics, TXN_OFF_PATH);

	assert_int_equal(addr_parse("198.51.100.8:5070", &other.to), 0);
	bed_respond(&bed, "INVITE", 200, "evil", &other);
	bed_respond(&bed, "INVITE", 404, "evil", &other);
	assert_string_equal(bed_log(&bed), "");
	assert_int_equal(metric_get(&txn_metrics, TXN_OFF_PATH) - before, 2);
	assert_int_equal(bed.nsent, 1);
	/* The same address over another transport has another Via. */
	bed_respond(&bed, "INVITE", 200, "evil", &tcp);
	assert_string_equal(bed_log(&bed), "");
	/* Another port of the same host is how some answer. */
	to.to.port = 40000;
	bed_respond(&bed, "INVITE", 200, "t", &to);
	assert_string_equal(bed_log(&bed), "0 response 200");
}

static void answer_on_our_connection_may_name_any_address(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_tcp), from = to;

	assert_int_equal(addr_parse("203.0.113.5:40000", &from.to), 0);
	bed_respond(&bed, "INVITE", 180, "t", &from);
	assert_string_equal(bed_log(&bed), "0 response 180");
	from.connection = 8;
	bed_respond(&bed, "INVITE", 200, "t", &from);
	assert_string_equal(bed_log(&bed), "");
}

static void answer_with_a_via_not_ours_is_dropped(void **state)
{
	(void)state;
	struct transport_target to = bed_peer(bed_udp);
	static const char *const vias[] = {
		"192.0.2.1:5060;branch=z9hG4bKx\nVia: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKy",
		"203.0.113.1:5060;branch=z9hG4bKx", "192.0.2.1:5061;branch=z9hG4bKx"};
	char text[512];

	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++) {
		(void)snprintf(
			text, sizeof(text),
			"SIP/2.0 200 OK\nVia: SIP/2.0/UDP %s\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>;tag=2\n"
			"Call-ID: z\nCSeq: 1 INVITE\nContent-Length: 0\n\n",
			vias[i]);
		assert_int_equal(bed_receive(&bed, text, &to), 0);
	}
	assert_string_equal(bed_log(&bed), "");
}

static void errors_of_sending_come_from_the_timer(void **state)
{
	(void)state;
	bed.send_err = -ECONNREFUSED;
	(void)call("INVITE", bed_udp);
	assert_string_equal(bed_log(&bed), "");
	bed_run_to(&bed, 0);
	assert_string_equal(bed_log(&bed), "0 failed refused; 0 ended");
	/* A datagram dropped for want of buffer is sent again like any lost one. */
	bed.send_err = -EAGAIN;
	(void)call("INVITE", bed_udp);
	bed_run_to(&bed, 600);
	assert_string_equal(bed_log(&bed), "");
	/* An error of a later one counts too. */
	bed.send_err = -ECONNREFUSED;
	bed_run_to(&bed, 2000);
	assert_string_equal(bed_log(&bed), "1500 failed refused; 1500 ended");
}

/* S4: what waits on a dead target fails at once; what rings or goes elsewhere does not. */
static void transport_failure_fails_who_waits(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp), other = to;

	other.to.port = 9;
	txn_transport_failed(bed.layer, &other, -ECONNREFUSED);
	bed_run_to(&bed, 0);
	assert_string_equal(bed_log(&bed), "");
	txn_transport_failed(bed.layer, &to, -ECONNREFUSED);
	assert_string_equal(bed_log(&bed), "");
	bed_respond(&bed, "INVITE", 200, "late", &to);
	bed_run_to(&bed, 0);
	assert_string_equal(bed_log(&bed), "0 stray 200; 0 failed refused; 0 ended");
	(void)call("INVITE", bed_udp);
	bed_respond(&bed, "INVITE", 180, "t", &to);
	txn_transport_failed(bed.layer, &to, -ECONNREFUSED);
	bed_run_to(&bed, 100);
	assert_string_equal(bed_log(&bed), "0 response 180");
}

static void bad_requests_are_refused(void **state)
{
	(void)state;
	struct transport_target to = bed_peer(bed_udp), nowhere = to;
	struct txn_client *c = NULL;
	static const struct txn_client_handlers none;
	struct txn_request good = {.method = "INVITE", .uri = "sip:b@h"}, r;

	r = good;
	r.method = "ACK";
	assert_int_equal(txn_client_new(bed.layer, &to, &r, &none, NULL, &c), -EINVAL);
	r.method = "CANCEL";
	assert_int_equal(txn_client_new(bed.layer, &to, &r, &none, NULL, &c), -EINVAL);
	r.method = "IN VITE";
	assert_int_equal(txn_client_new(bed.layer, &to, &r, &none, NULL, &c), -EINVAL);
	r = good;
	r.uri = "sip:b@h SIP/2.0\r\nX: y";
	assert_int_equal(txn_client_new(bed.layer, &to, &r, &none, NULL, &c), -EINVAL);
	r = good;
	r.headers = "From: x\r\n\r\nevil";
	r.headers_bytes = strlen(r.headers);
	assert_int_equal(txn_client_new(bed.layer, &to, &r, &none, NULL, &c), -EINVAL);
	nowhere.listener = NULL;
	assert_int_equal(txn_client_new(bed.layer, &nowhere, &good, &none, NULL, &c), -EINVAL);
	r = good;
	r.body = test_malloc(70000);
	memset((char *)(uintptr_t)r.body, 'x', 70000);
	r.body_bytes = 70000;
	assert_int_equal(txn_client_new(bed.layer, &to, &r, &none, NULL, &c), -EMSGSIZE);
	test_free((void *)(uintptr_t)r.body);
	assert_int_equal(bed.nsent, 0);
	assert_null(c);
}

/* RFC 3261 13.2.2.4: the same ACK for each copy of the 2xx, also when the user has let go of the transaction. */
static void ack_answers_copies(void **state)
{
	(void)state;
	struct transport_target to = call("INVITE", bed_udp), there = to;
	struct txn_request r = {.method = "ACK",
				.uri = "sip:b@h",
				.headers = "CSeq: 1 ACK\r\n",
				.headers_bytes = 13,
				.body = "x",
				.body_bytes = 1};

	there.to.port = 5090;
	bed_respond(&bed, "INVITE", 200, "t", &to);
	assert_int_equal(txn_client_ack(bed.client, &there, &r, "t"), 0);
	assert_string_equal(bed_first_line(&bed, 1), "ACK sip:b@h SIP/2.0");
	bed_respond(&bed, "INVITE", 200, "t", &to);
	assert_string_equal(bed.sent[1].text, bed.sent[2].text);
	assert_true(addr_equal(&bed.sent[2].to.to, &there.to));
	txn_client_detach(bed.client);
	bed_run_to(&bed, 5000);
	bed_respond(&bed, "INVITE", 200, "t", &to);
	assert_string_equal(bed.sent[1].text, bed.sent[3].text);
	bed_respond(&bed, "INVITE", 200, "fork", &to);
	assert_string_equal(bed_log(&bed), "0 response 200; 5000 stray 200");
	bed_run_to(&bed, 32000);
	assert_int_equal(txn_count_client(bed.layer), 0);
}

static void ack_without_transaction(void **state)
{
	(void)state;
	struct transport_target to = bed_peer(bed_udp), nowhere = {.proto = TRANSPORT_UDP};
	struct txn_request r = {.method = "ACK",
				.uri = "sip:b@h",
				.headers = "CSeq: 1 ACK\r\n",
				.headers_bytes = 13};

	assert_int_equal(txn_send_ack(bed.layer, &nowhere, &r), -EINVAL);
	assert_int_equal(txn_send_ack(bed.layer, &to, &r), 0);
	assert_int_equal(bed.nsent, 1);
	assert_int_equal(txn_count_client(bed.layer), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define BED(f) cmocka_unit_test_setup_teardown(f, up, down)
		BED(request_has_our_via),
		BED(invite_a_and_b),
		BED(invite_on_a_stream_has_b_only),
		BED(other_e_and_f),
		cmocka_unit_test(own_timers_of_the_options),
		BED(own_deadline),
		BED(other_proceeding_goes_on_at_t2),
		{"other_k (udp)", other_k, NULL, NULL, (void *)(uintptr_t)bed_udp},
		{"other_k (tcp)", other_k, NULL, NULL, (void *)(uintptr_t)bed_tcp},
		BED(refusal_is_acked_here),
		BED(refusal_on_a_stream_ends_at_once),
		BED(forks_are_given_to_the_user),
		BED(detached_2xx_is_a_stray),
		BED(detached_and_ringing_does_not_live_for_ever),
		BED(cancel_waits_for_a_provisional),
		BED(cancel_after_a_provisional_goes_at_once),
		BED(cancel_crossing_2xx),
		BED(slow_hop_is_cancelled),
		BED(refused_copy_is_cancelled),
		BED(slow_hop_answers),
		BED(cancel_is_for_invite_only),
		BED(off_path_answers_are_dropped),
		BED(answer_on_our_connection_may_name_any_address),
		BED(answer_with_a_via_not_ours_is_dropped),
		BED(errors_of_sending_come_from_the_timer),
		BED(transport_failure_fails_who_waits),
		BED(bad_requests_are_refused),
		BED(ack_answers_copies),
		BED(ack_without_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
