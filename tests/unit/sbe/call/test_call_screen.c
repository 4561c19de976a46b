/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which a request is refused (call_screen.h, RFC 3261 8.2): with everything wrong, then one thing less. */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

static unsigned number;

struct faults {
	const char *uri, *route, *hops, *breadth, *require, *accept, *type, *encoding, *more;
};

static void request(const char *method, const struct faults *f)
{
	struct bed_ua *u = &bed.ua[A];

	snprintf(u->call_id, sizeof(u->call_id), "a-call-s%u@10.0.0.10", ++number);
	snprintf(u->branch, sizeof(u->branch), "z9hG4bK-s%u", number);
	snprintf(u->local, sizeof(u->local), "<sip:+1@10.0.0.10>;tag=a-tag");
	snprintf(u->invite_uri, sizeof(u->invite_uri), "%s", f->uri);
	u->cseq = u->invite_cseq = 1;
	bed_send(A,
		 "%s %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=%s\n%s%s%s%s%s%s%s%s"
		 "From: %s\nTo: <sip:+44@a.example>\nCall-ID: %s\nCSeq: 1 %s\n"
		 "Contact: <sip:a@10.0.0.10>\n\nnonsense",
		 method, f->uri, u->branch, f->hops, f->breadth, f->route, f->require, f->accept,
		 f->type, f->encoding, f->more ? f->more : "", u->local, u->call_id, method);
}

static void order(void **state)
{
	struct faults f = {
		.uri = "http://a.example",
		.route = "Route: <sip:203.0.113.77;lr>\n",
		.hops = "Max-Forwards: 0\n",
		.breadth = "Max-Breadth: x\n",
		.require = "Require: magic\n",
		.accept = "Accept: text/plain\n",
		.type = "Content-Type: text/plain\n",
		.encoding = "Content-Encoding: gzip\n",
	};
	const char *m;

	(void)state;
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 400 Bad Max-Breadth");
	f.breadth = "Max-Breadth: 0\n";
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 416 ");
	f.uri = "sips:+44@a.example";
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 416 ");
	f.uri = "sip:+44@a.example";
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 403 ");
	f.route = "";
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 483 ");
	f.hops = "";
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 440 ");
	f.breadth = "";
	request("INVITE", &f);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 420 "), "Unsupported"), "magic");
	f.require = "";
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 406 ");
	assert_string_equal(bed_cdr("cause"), "accept");
	f.accept = "Accept: text/plain;q=0.3, application/*;q=0.1\n";
	request("INVITE", &f);
	m = bed_take(A, "SIP/2.0 415 ");
	assert_string_equal(bed_header(m, "Accept-Encoding"), "identity");
	bed_lacks(m, "\r\nAccept: ");
	assert_string_equal(bed_cdr("cause"), "body_encoding");
	f.encoding = "Content-Encoding: identity\n";
	request("INVITE", &f);
	m = bed_take(A, "SIP/2.0 415 ");
	assert_string_equal(bed_header(m, "Accept"), "application/sdp, multipart/mixed");
	bed_lacks(m, "Accept-Encoding");
	assert_string_equal(bed_cdr("cause"), "body_type");
	f.type = "Content-Type: application/sdp\n";
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 400 Bad Session Description");
	assert_int_equal(bed.gate.opens, 0);
	bed_quiet(B);
}

/* A body that is nothing to us, and the sender says so (RFC 3261 20.11): as if there were none. */
static void optional_body(void **state)
{
	struct faults f = {"sip:+44@a.example",
			   "",
			   "",
			   "",
			   "",
			   "",
			   "Content-Type: application/x-y\n",
			   "",
			   "Content-Disposition: x;handling=optional\n"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		bed_lacks(bed_take(B, (request("INVITE", &f), "INVITE ")), "application/x-y");
		bed_reply(B, 486, NULL);
		bed_take(B, "ACK ");
		bed_take(A, "SIP/2.0 486 ");
		f.type = "Content-Type: application/sdp\n";
		f.encoding = "Content-Encoding: gzip\n";
	}
	f.more = "Content-Disposition: x;handling=required\n";
	request("INVITE", &f);
	bed_take(A, "SIP/2.0 415 ");
}

/* The method is looked at before all that. */
static void methods(void **state)
{
	struct faults f = {"http://a.example",
			   "",
			   "Max-Forwards: 0\n",
			   "",
			   "Require: magic\n",
			   "",
			   "",
			   "",
			   NULL};
	const char *m;

	(void)state;
	request("MAKEITSO", &f);
	bed_take(A, "SIP/2.0 501 ");
	request("SUBSCRIBE", &f);
	m = bed_take(A, "SIP/2.0 405 ");
	bed_has(bed_header(m, "Allow"), "INVITE, ");
	request("OPTIONS", &f);
	bed_take(A, "SIP/2.0 416 ");
	f.uri = "sip:a.example";
	request("OPTIONS", &f);
	bed_take(A, "SIP/2.0 483 ");
	f.breadth = "Max-Breadth: x\n";
	request("OPTIONS", &f);
	bed_take(A, "SIP/2.0 400 Bad Max-Breadth");
	f.breadth = "";
	f.hops = "";
	request("OPTIONS", &f);
	bed_take(A, "SIP/2.0 420 ");
	f.require = "";
	request("OPTIONS", &f);
	bed_take(A, "SIP/2.0 200 ");
}

/* In a dialog: what would have been taken is said. */
static void in_dialog(void **state)
{
	(void)state;
	bed_connect();
	bed.extra = "Content-Encoding: gzip\n";
	bed_request(A, "INVITE", SDP_A);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 415 "), "Accept-Encoding"), "identity");
	bed_quiet(B);
	bed_hang_up(A, B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(order),
		BED_TEST(optional_body),
		BED_TEST(methods),
		BED_TEST(in_dialog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
