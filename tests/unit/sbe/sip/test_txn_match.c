/* SPDX-License-Identifier: Apache-2.0 */
/* Matching (17.2.3), CANCEL (9.2), merged requests (8.2.2.2), caps, and running out of memory. */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "txn_bed.h"

#include "common/mem.h"
#include "sbe/sip/txn_metric.h"
#include "sbe/sip/txn_private.h"

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

static void from_text(const char *method, const char *via, const char *call_id, const char *to_tag,
		      const struct transport_target *from)
{
	char text[1024];

	(void)snprintf(
		text, sizeof(text),
		"%s sip:x@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP %s\nFrom: <sip:a@b>;tag=f\nTo: <sip:c@d>%s%s\n"
		"Call-ID: %s\nCSeq: 1 %s\nMax-Forwards: 70\nContent-Length: 0\n\n",
		method, via, to_tag ? ";tag=" : "", to_tag ? to_tag : "", call_id, method);
	assert_int_equal(bed_receive(&bed, text, from), 0);
}

/* A1 badbranch: the bare cookie does not make two requests one. */
static void bare_cookie_is_no_branch(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply ok = {.status = 200};

	bed.answer = &ok;
	from_text("OPTIONS", "198.51.100.7;branch=z9hG4bK", "one", NULL, &from);
	from_text("OPTIONS", "198.51.100.7;branch=z9hG4bK", "two", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 request OPTIONS; 0 request OPTIONS");
	assert_string_equal(bed_header(&bed, 0, "Call-ID"), "one");
	assert_string_equal(bed_header(&bed, 1, "Call-ID"), "two");
	from_text("OPTIONS", "198.51.100.7;branch=z9hG4bK", "two", NULL, &from);
	assert_string_equal(bed_log(&bed), "");
	assert_int_equal(bed.nsent, 3);
}

/* A1 inv2543: no branch at all; its ACK has our To tag, its CANCEL none. */
static void rfc2543_invite_cancel_and_ack(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply gone = {.status = 487};
	const char *via = "198.51.100.7:5066";

	from_text("INVITE", via, "one", NULL, &from);
	from_text("INVITE", via, "one", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 request INVITE");
	/* Without rport the answer goes to sent-by's port (18.2.2). */
	assert_int_equal(bed.sent[0].to.to.port, 5066);
	from_text("CANCEL", via, "one", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 cancel");
	assert_int_equal(txn_server_reply(bed.server, &gone), 0);
	from_text("ACK", via, "one", "not-ours", &from);
	assert_string_equal(bed_log(&bed), "0 ack"); /* not of this refusal */
	from_text("ACK", via, "one", txn_server_to_tag(bed.server), &from);
	assert_string_equal(bed_log(&bed), "0 acked");
}

static void sent_by_and_method_tell_apart(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	from_text("OPTIONS", "198.51.100.7:5060;branch=z9hG4bKa", "one", NULL, &from);
	from_text("OPTIONS", "198.51.100.7:5061;branch=z9hG4bKa", "two", NULL, &from);
	from_text("OPTIONS", "proxy.example;branch=z9hG4bKa", "three", NULL, &from);
	from_text("INFO", "proxy.example;branch=z9hG4bKa", "four", NULL, &from);
	from_text("INFO", "PROXY.example;branch=z9hG4bKa", "four", NULL, &from); /* again */
	assert_string_equal(
		bed_log(&bed),
		"0 request OPTIONS; 0 request OPTIONS; 0 request OPTIONS; 0 request INFO");
}

/* What the sender says of itself is not believed (18.2.1); maddr is not followed, names are not looked up. */
/* The Request-URI may have a parameter of that name: answers come with the branch of the Via. */
static void own_branch_is_that_of_the_via(void **state)
{
	(void)state;
	static const char request[] =
		"INVITE sip:b@h;branch=z9hG4bKtheirs SIP/2.0\r\n"
		"Via: SIP/2.0/UDP h;rport;branch=z9hG4bKours\r\nX: ;branch=0\r\n";
	struct wire_text none = txn_branch(request, strchr(request, '\n') + 1 - request);

	assert_true(wire_text_is(txn_branch(request, sizeof(request) - 1), TXN_COOKIE "ours"));
	assert_int_equal(none.n, 0);
}

static void answer_goes_to_the_source(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	from_text(
		"INVITE",
		"name.example:5999;received=203.0.113.66;maddr=203.0.113.67;branch=z9hG4bKa;rport=9",
		"one", NULL, &from);
	assert_true(addr_equal(&bed.sent[0].to.to, &from.to));
	assert_string_equal(
		bed_header(&bed, 0, "Via"),
		"SIP/2.0/UDP name.example:5999;maddr=203.0.113.67;branch=z9hG4bKa;received=198.51.100.7;rport=5070");
	from_text("INVITE", "name.example;branch=z9hG4bKb", "two", NULL, &from);
	assert_true(addr_ip_equal(&bed.sent[1].to.to, &from.to));
	assert_int_equal(bed.sent[1].to.to.port, 5060);
	assert_string_equal(bed_header(&bed, 1, "Via"),
			    "SIP/2.0/UDP name.example;branch=z9hG4bKb;received=198.51.100.7");
	from_text("INVITE", "198.51.100.7;branch=z9hG4bKc", "three", NULL, &from);
	assert_string_equal(bed_header(&bed, 2, "Via"), "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKc");
}

static void all_vias_are_given_back(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);

	from_text(
		"INVITE",
		"198.51.100.7;branch=z9hG4bKa;x=\"a,b;c\"\n ;rport , SIP/2.0/TCP 203.0.113.1;branch=z9hG4bKb\n"
		"v: SIP/2.0/UDP 203.0.113.2;branch=z9hG4bKc",
		"one", NULL, &from);
	assert_string_equal(
		bed_header(&bed, 0, "Via"),
		"SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa;x=\"a,b;c\";received=198.51.100.7;rport=5070, "
		"SIP/2.0/TCP 203.0.113.1;branch=z9hG4bKb");
	assert_non_null(
		strstr(bed.sent[0].text, "\r\nv: SIP/2.0/UDP 203.0.113.2;branch=z9hG4bKc\r\n"));
}

/* A9: 200 to the CANCEL with the INVITE's tag, the user is told once. */
static void cancel_of_a_pending_invite(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply gone = {.status = 487};
	char to[64];

	bed_request(&bed, "INVITE", "z9hG4bKa", NULL, &from);
	(void)snprintf(to, sizeof(to), "<sip:x@192.0.2.1>;tag=%s", txn_server_to_tag(bed.server));
	bed_request(&bed, "CANCEL", "z9hG4bKa", NULL, &from);
	bed_request(&bed, "CANCEL", "z9hG4bKa", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 request INVITE; 0 cancel");
	assert_string_equal(bed_times(&bed, "SIP/2.0 200 OK", 0), "0 0");
	assert_string_equal(bed_header(&bed, 1, "To"), to);
	assert_string_equal(bed_header(&bed, 1, "CSeq"), "1 CANCEL");
	assert_int_equal(txn_server_reply(bed.server, &gone), 0);
	assert_string_equal(bed_header(&bed, 3, "To"), to);
	assert_string_equal(bed_header(&bed, 3, "CSeq"), "1 INVITE");
}

/* 9.2: answered 200, no effect. */
static void cancel_after_the_final(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply ok = {.status = 200};

	bed.answer = &ok;
	bed_request(&bed, "INVITE", "z9hG4bKa", NULL, &from);
	bed_request(&bed, "CANCEL", "z9hG4bKa", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 request INVITE");
	assert_string_equal(bed_header(&bed, 1, "CSeq"), "1 CANCEL");
	assert_string_equal(bed_first_line(&bed, 1), "SIP/2.0 200 OK");
}

/* A9: a CANCEL that comes again gets the answer it got, also when the INVITE has long been ACKed. */
static void cancel_again(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply gone = {.status = 487};

	bed_request(&bed, "INVITE", "z9hG4bKa", NULL, &from);
	bed_request(&bed, "CANCEL", "z9hG4bKa", NULL, &from);
	assert_int_equal(txn_server_reply(bed.server, &gone), 0);
	bed_request(&bed, "ACK", "z9hG4bKa", NULL, &from);
	bed_run_to(&bed, 6000);
	bed_request(&bed, "CANCEL", "z9hG4bKa", NULL, &from);
	bed_run_to(&bed, 31000);
	bed_request(&bed, "CANCEL", "z9hG4bKa", NULL, &from);
	assert_string_equal(bed_times(&bed, "SIP/2.0 200 OK", 0), "0 6000 31000");
	bed_run_to(&bed, 64100);
	assert_int_equal(txn_count_server(bed.layer), 0);
}

/* A9, A17, C16: no INVITE, another branch, another source. */
static void cancel_without_match(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp), other = from;

	bed_request(&bed, "INVITE", "z9hG4bKa", NULL, &from);
	assert_int_equal(addr_parse("203.0.113.9:5060", &other.to), 0);
	bed_request(&bed, "CANCEL", "z9hG4bKb", NULL, &from);
	bed_request(&bed, "CANCEL", "z9hG4bKa", NULL, &other);
	assert_string_equal(bed_log(&bed), "0 request INVITE");
	assert_string_equal(bed_times(&bed, "SIP/2.0 481 Call/Transaction Does Not Exist", 0),
			    "0 0");
	assert_true(addr_equal(&bed.sent[2].to.to, &other.to));
}

/* A17: somebody else's ACK does not stop our refusal. C16: an ACK of nothing is never answered. */
static void ack_from_elsewhere(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp), other = from;
	struct txn_reply busy = {.status = 486};

	bed.answer = &busy;
	bed_request(&bed, "INVITE", "z9hG4bKa", NULL, &from);
	assert_int_equal(addr_parse("203.0.113.9:5060", &other.to), 0);
	bed_request(&bed, "ACK", "z9hG4bKa", "t", &other);
	bed_request(&bed, "ACK", "z9hG4bKnone", "t", &from);
	assert_string_equal(bed_log(&bed), "0 request INVITE; 0 ack");
	bed_run_to(&bed, 500);
	assert_string_equal(bed_times(&bed, "SIP/2.0 486", 0), "0 500");
	assert_int_equal(bed.nsent, 2);
}

/* 8.2.2.2: the same request over another path. */
static void merged_request_is_482(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	struct txn_reply busy = {.status = 486};

	bed_request(&bed, "INVITE", "z9hG4bKa", NULL, &from);
	bed_request(&bed, "INVITE", "z9hG4bKb", NULL, &from);
	bed_request(&bed, "INVITE", "z9hG4bKb", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 request INVITE");
	assert_string_equal(bed_first_line(&bed, 1), "SIP/2.0 482 Loop Detected");
	assert_string_equal(bed.sent[1].text, bed.sent[2].text); /* 8.2.7: even the tag */
	/* In a dialog the same numbers are not a copy. */
	bed_request(&bed, "INVITE", "z9hG4bKc", "tag", &from);
	assert_string_equal(bed_log(&bed), "0 request INVITE");
	/* After a refusal it is a new try (RFC 3263 4.3). */
	assert_int_equal(txn_server_reply(bed.server, &busy), 0);
	bed.nsent = 0;
	bed_run_to(&bed, 0);
	bed_request(&bed, "OPTIONS", "z9hG4bKd", NULL, &from);
	assert_int_equal(txn_server_reply(bed.server, &busy), 0);
	bed_request(&bed, "OPTIONS", "z9hG4bKe", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 request OPTIONS; 0 request OPTIONS");
}

static void full_table_is_503(void **state)
{
	(void)state;
	struct txn_options o = {.server_max = 2};
	struct transport_target from = bed_peer(bed_udp);

	bed_start(&bed, &o);
	from_text("INVITE", "198.51.100.7;branch=z9hG4bKa", "one", NULL, &from);
	from_text("INVITE", "198.51.100.7;branch=z9hG4bKb", "two", NULL, &from);
	from_text("INVITE", "198.51.100.7;branch=z9hG4bKc", "three", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 request INVITE; 0 request INVITE");
	assert_string_equal(bed_first_line(&bed, 2), "SIP/2.0 503 Service Unavailable");
	assert_string_equal(bed_header(&bed, 2, "Retry-After"), "5");
	assert_int_equal(txn_count_server(bed.layer), 2);
	/* What is known is still served. */
	from_text("CANCEL", "198.51.100.7;branch=z9hG4bKb", "two", NULL, &from);
	assert_string_equal(bed_log(&bed), "0 cancel");
	bed_stop(&bed);
}

/* One exchange of each kind, with the nth allocation failing: nothing leaks, nothing is called twice. */
static bool exchange(unsigned long nth)
{
	struct transport_target peer = bed_peer(bed_udp);
	struct txn_reply ok = {.status = 200};
	bool failed;

	bed_start(&bed, NULL);
	bed.answer = &ok;
	mem_fail_at(nth);
	from_text("INVITE", "198.51.100.7;branch=z9hG4bKa", "one",
		  "a-tag-that-is-longer-than-twenty-bytes", &peer);
	from_text("BYE", "198.51.100.7;branch=z9hG4bKb", "one", NULL, &peer);
	if (bed_client(&bed, "INVITE", 0, &peer) == 0) {
		bed_respond(&bed, "INVITE", 180, "t", &peer);
		txn_client_cancel(bed.client, "SIP;cause=200");
		bed_respond(&bed, "INVITE", 487, "t", &peer);
	}
	failed = mem_fail_left() == 0;
	mem_fail_at(0);
	/* Both requests were answered, well or with 503, and a CANCEL went out if there was an INVITE. */
	assert_true(!strncmp(bed.sent[0].text, "SIP/2.0 200", 11) ||
		    !strncmp(bed.sent[0].text, "SIP/2.0 503", 11));
	assert_true(!strncmp(bed.sent[1].text, "SIP/2.0 200", 11) ||
		    !strncmp(bed.sent[1].text, "SIP/2.0 503", 11));
	if (bed.nsent > 2) {
		assert_string_equal(bed_times(&bed, "CANCEL", 0), "0");
		assert_string_equal(bed_times(&bed, "ACK", 0), "0");
	}
	bed_run_to(&bed, 100000);
	assert_int_equal(txn_count_server(bed.layer), 0);
	assert_int_equal(txn_count_client(bed.layer), 0);
	bed_stop(&bed);
	return failed;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	unsigned long n = 1;

	while (exchange(n))
		n++;
	/* INVITE: object, blob, long tag, response; BYE: three of them; client: object, request, skeleton, reason,
	 * CANCEL's object and text, ACK. */
	assert_true(n > 14);
}

/* A finished call of both legs: INVITE and BYE in, INVITE and BYE out, all over UDP, still lingering. */
static void one_call(unsigned nth)
{
	struct transport_target peer = bed_peer(bed_udp);
	struct txn_reply ok = {.status = 200};
	char branch[64], call_id[64];

	(void)snprintf(branch, sizeof(branch),
		       "198.51.100.7:5066;branch=z9hG4bK-0123456789abcdef-%u;rport", nth);
	(void)snprintf(call_id, sizeof(call_id), "0123456789abcdef0123456789abcdef-%u", nth);
	from_text("INVITE", branch, call_id, NULL, &peer);
	assert_int_equal(txn_server_reply(bed.server, &ok), 0);
	txn_server_stop_2xx(bed.server);
	assert_int_equal(bed_client(&bed, "INVITE", 0, &peer), 0);
	bed_respond(&bed, "INVITE", 180, "t", &peer);
	bed_respond(&bed, "INVITE", 200, "t", &peer);
	from_text("BYE", branch, call_id, "0123456789abcdef", &peer);
	assert_int_equal(txn_server_reply(bed.server, &ok), 0);
	assert_int_equal(bed_client(&bed, "BYE", 0, &peer), 0);
	bed_respond(&bed, "BYE", 200, "t", &peer);
	bed.nsent = 0;
}

/* What lingers is small: at most 1.2 KB for the four transactions of a call, none of it after 32 s. */
static void lingering_call_is_small(void **state)
{
	(void)state;
	enum { CALLS = 2000 };
	size_t before, bytes;

	bed.quiet = true;
	one_call(CALLS); /* what is made once is made now */
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < CALLS; i++)
		one_call(i);
	bytes = (mallinfo2().uordblks - before) / CALLS;
	print_message("a finished call lingers in %zu bytes\n", bytes);
	assert_int_equal(txn_count_server(bed.layer), 2 * (CALLS + 1));
	assert_true(sizeof(struct txn_server) <= 240 && sizeof(struct txn_client) <= 240);
	assert_true(bytes <= 1200);
	bed_run_to(&bed, 32000);
	assert_int_equal(txn_count_server(bed.layer) + txn_count_client(bed.layer), 0);
}

static void map_keeps_what_it_is_given(void **state)
{
	(void)state;
	static struct txn_link links[1000];
	struct txn_map m;
	size_t live = mem_live();

	assert_int_equal(txn_map_init(&m), 0);
	for (size_t i = 0; i < 1000; i++) {
		mem_fail_at(i % 3 == 0 ? 1 : 0); /* growing may fail */
		txn_map_add(&m, &links[i], i * 0x9e3779b97f4a7c15ULL);
	}
	mem_fail_at(0);
	assert_int_equal(m.count, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_ptr_equal(txn_map_find(&m, i * 0x9e3779b97f4a7c15ULL), &links[i]);
	assert_null(txn_map_find(&m, 12345));
	for (size_t i = 0; i < 1000; i += 2)
		txn_map_remove(&m, &links[i]);
	for (size_t i = 0; i < 1000; i++)
		assert_ptr_equal(txn_map_find(&m, i * 0x9e3779b97f4a7c15ULL),
				 i % 2 ? &links[i] : NULL);
	while (txn_map_first(&m))
		txn_map_remove(&m, txn_map_first(&m));
	assert_int_equal(m.count, 0);
	txn_map_clear(&m);
	assert_int_equal(mem_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define BED(f) cmocka_unit_test_setup_teardown(f, up, down)
		BED(bare_cookie_is_no_branch),
		BED(rfc2543_invite_cancel_and_ack),
		BED(sent_by_and_method_tell_apart),
		cmocka_unit_test(own_branch_is_that_of_the_via),
		BED(answer_goes_to_the_source),
		BED(all_vias_are_given_back),
		BED(cancel_of_a_pending_invite),
		BED(cancel_after_the_final),
		BED(cancel_again),
		BED(cancel_without_match),
		BED(ack_from_elsewhere),
		BED(merged_request_is_482),
		cmocka_unit_test(full_table_is_503),
		cmocka_unit_test(every_allocation_may_fail),
		BED(lingering_call_is_small),
		cmocka_unit_test(map_keeps_what_it_is_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
