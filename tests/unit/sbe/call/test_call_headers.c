/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one side may know of the other (C6, C12, A28). The bed looks for inner and outer addresses, names, Call-IDs
 * and tags in every message of every test; here the messages are full of them.
 */
#include "sbe/call/call_headers.h"
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#define INNER                                                                                      \
	"Record-Route: <sip:10.0.0.10;lr>\n"                                                       \
	"User-Agent: pbx 10.0.0.10\n"                                                              \
	"Server: pbx 10.0.0.10\n"                                                                  \
	"Organization: pbx\n"                                                                      \
	"Warning: 399 pbx.inside \"10.0.0.10\"\n"                                                  \
	"History-Info: <sip:1@10.0.0.10>;index=1\n"                                                \
	"Diversion: <sip:1@10.0.0.10>;reason=unconditional\n"                                      \
	"Call-Info: <http://10.0.0.10/pic>\n"                                                      \
	"Alert-Info: <http://10.0.0.10/ring>\n"                                                    \
	"Error-Info: <sip:pbx@10.0.0.10>\n"                                                        \
	"In-Reply-To: a-call@10.0.0.10\n"                                                          \
	"Reply-To: <sip:u@10.0.0.10>\n"                                                            \
	"Referred-By: <sip:u@10.0.0.10>\n"                                                         \
	"Remote-Party-ID: <sip:u@10.0.0.10>\n"                                                     \
	"P-Preferred-Identity: <sip:u@10.0.0.10>\n"                                                \
	"P-Charging-Vector: icid-value=1;icid-generated-at=10.0.0.10\n"                            \
	"P-Access-Network-Info: 10.0.0.10\n"                                                       \
	"X-Core-Secret: pbx\n"                                                                     \
	"X-Asterisk-HangupCause: pbx\n"
#define INNER_VIA "Via: SIP/2.0/UDP 10.0.0.44:5060;branch=z9hG4bK-inner\n"

/* Identities pass between peers that trust each other only (S8). */
#define TRUSTED "'policy':{'identity':{'trust':true}},"
static void up_trusted(void)
{
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10']," TRUSTED
	       "'next_hops':['sip:10.0.0.10']},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example']," TRUSTED
	       "'next_hops':['sip:198.51.100.20','sip:198.51.100.21']}",
	       "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]},"
	       "{'name':'in','from':['bnet'],'to':[{'peer':'pbx'}]}");
}

static void call_full_of_secrets(void **state)
{
	const char *m;

	(void)state;
	bed.extra = INNER INNER_VIA
		"Subject: lunch\nPriority: normal\nReason: SIP;cause=200;text=\"ask 10.0.0.10\"\n"
		"User-to-User: 3132;encoding=hex\nIdentity: signed;info=<https://c.example/1>\n"
		"Max-Breadth: 60\n";
	bed_invite(A,
		   SDP_A "a=x-secret:10.0.0.11\na=candidate:1 1 UDP 1 10.0.0.11 4000 typ host\n");
	m = bed_take(B, "INVITE ");
	assert_string_equal(bed_header(m, "Subject"), "lunch");
	assert_string_equal(bed_header(m, "Priority"), "normal");
	assert_string_equal(bed_header(m, "User-to-User"), "3132;encoding=hex");
	assert_string_equal(bed_header(m, "Identity"), "signed;info=<https://c.example/1>");
	assert_string_equal(bed_header(m, "Max-Breadth"), "60"); /* S1 */
	assert_string_equal(bed_header(m, "Reason"), "");        /* it names a host */
	bed_lacks(m, "candidate");
	bed_lacks(m, "X-");
	assert_string_equal(bed_header(m, "User-Agent"), "");
	bed.extra =
		"Server: b 198.51.100.20\nWarning: 399 198.51.100.20 \"x\"\nX-Peer: 198.51.100.20\n"
		"P-Charging-Vector: icid-value=1;term-ioi=b;icid-generated-at=198.51.100.20\n"
		"Call-Info: <http://198.51.100.20/>\n";
	bed_reply(B, 180, NULL);
	m = bed_take(A, "SIP/2.0 180 ");
	bed_lacks(m, "X-Peer");
	bed_lacks(m, "Server");
	bed.extra = "Record-Route: <sip:198.51.100.20;lr>\nServer: b 198.51.100.20\n"
		    "Allow: INVITE, REFER\nSupported: 100rel, gruu\nRequire: gruu\n"
		    "Session-Expires: 90;refresher=uas\n";
	bed_reply(B, 200, SDP_B "a=x-secret:198.51.100.22\n");
	m = bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(m, "Allow"),
			    "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO");
	bed_lacks(m, "gruu"); /* S5: no option leaks that we do not do */
	bed_lacks(m, "Session-Expires");
	bed.extra = "X-Core-Secret: pbx 10.0.0.10\n";
	bed_ack(A, NULL);
	bed_lacks(bed_take(B, "ACK "), "X-");
	bed.extra = INNER;
	bed_request(A, "INVITE", SDP_A);
	bed_take(B, "INVITE ");
	bed.extra =
		"Warning: 399 198.51.100.20 \"no\"\nReason: SIP;cause=488;text=\"198.51.100.20 says no\"\n";
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 488 ");
	bed.extra = "Reason: SIP;cause=200;text=\"pbx 10.0.0.10 said bye\"\nX-Core: pbx\n";
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	assert_string_equal(bed_header(bed_take_bye(B), "Reason"), "");
}

static void refusal_full_of_secrets(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed.extra =
		"Warning: 399 198.51.100.20 \"x\"\nReason: Q.850;cause=17;text=\"at 198.51.100.22:5060.\"\n"
		"Error-Info: <sip:x@198.51.100.20>\nContact: <sip:+1@198.51.100.20>\n";
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

static void the_other_direction(void **state)
{
	const char *m;

	(void)state;
	up_trusted();
	bed.extra =
		"User-Agent: b 198.51.100.20\nVia: SIP/2.0/UDP 198.51.100.77;branch=z9hG4bK-77\n"
		"Record-Route: <sip:198.51.100.20;lr>\nX-Peer: 198.51.100.20\n"
		"P-Asserted-Identity: \"Bob\" <sip:bob@b.example>\n";
	bed_invite(B, SDP_B);
	m = bed_take(A, "INVITE ");
	assert_null(strstr(strstr(m, "\r\nVia: ") + 1, "\r\nVia: ")); /* only ours */
	assert_string_equal(bed_header(m, "P-Asserted-Identity"), "\"Bob\" <sip:bob@b.example>");
	bed.extra = INNER;
	bed_reply(A, 183, SDP_A);
	bed_take(B, "SIP/2.0 183 ");
	bed.extra = INNER;
	bed_reply(A, 404, NULL);
	bed_take(A, "ACK ");
	bed_take(B, "SIP/2.0 404 ");
}

/* ---- who is calling ---- */

static const char *from_of(const char *from_uri, const char *identity)
{
	static char text[BED_MESSAGE_MAX];
	static unsigned n;
	struct bed_ua *u = &bed.ua[A];

	n++;
	u->invite_cseq = u->cseq = 1;
	snprintf(u->branch, sizeof(u->branch), "z9hG4bK-h%u", n);
	snprintf(u->call_id, sizeof(u->call_id), "a-call-h%u", n);
	snprintf(u->local, sizeof(u->local), "%s;tag=a-tag-h%u", from_uri, n);
	snprintf(u->remote, sizeof(u->remote), "<sip:x@a.example>");
	snprintf(u->invite_uri, sizeof(u->invite_uri), "sip:+4420@a.example");
	bed_send(A,
		 "INVITE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=%s\nFrom: %s\n"
		 "To: <sip:x@a.example>\nCall-ID: %s\nCSeq: 1 INVITE\nContact: <sip:u@10.0.0.10>\n"
		 "%sContent-Type: application/sdp\n\n%s",
		 u->invite_uri, u->branch, u->local, u->call_id, identity, SDP_A);
	strcpy(text, bed_take(B, "INVITE "));
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	return text;
}

static void check_from(const char *in, const char *out)
{
	char got[512];

	snprintf(got, sizeof(got), "%s", bed_header(from_of(in, ""), "From"));
	assert_non_null(strstr(got, ";tag="));
	*strstr(got, ";tag=") = '\0';
	assert_string_equal(got, out);
}

static void from_header(void **state)
{
	(void)state;
	check_from("\"A B\" <sip:+1555@10.0.0.10>", "\"A B\" <sip:+1555@a.example>");
	check_from("<sip:u@A.example>", "<sip:u@A.example>");
	check_from("<sip:u@server7.inside>", "<sip:u@a.example>");
	check_from("\"Anonymous\" <sip:anonymous@anonymous.invalid>",
		   "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	check_from("<sip:10.0.0.10>", "<sip:a.example>");
	check_from("\"at 10.0.0.10\" <sip:u@10.0.0.10>", "<sip:u@a.example>");
	check_from("<sip:+1555;phone-context=10.0.0.10@10.0.0.10>", "<sip:+1555@a.example>");
	check_from("<sip:+1555;npdi@10.0.0.10;user=phone>",
		   "<sip:+1555;npdi@a.example;user=phone>");
	check_from("<tel:+1-555>", "<sip:+1-555@a.example;user=phone>");
	check_from("\"quote \\\" in it\" <sip:u@10.0.0.10>", "<sip:u@a.example>");
}

static void long_names(void **state)
{
	char uri[600], user[300];
	const char *m;

	(void)state;
	memset(user, 'u', sizeof(user));
	user[sizeof(user) - 1] = '\0';
	snprintf(uri, sizeof(uri), "\"%.*s\" <sip:%s@10.0.0.10>", 100, user, user);
	m = from_of(uri, "");
	bed_has(bed_header(m, "From"), "@a.example>;tag=");
}

static void asserted_identities(void **state)
{
	const char *m;

	(void)state;
	m = from_of("<sip:u@10.0.0.10>", "P-Asserted-Identity: <tel:+1555>\n");
	bed_lacks(m, "P-Asserted-Identity"); /* nobody has said that the pbx is to be believed */
	up_trusted();
	m = from_of("<sip:u@10.0.0.10>", "P-Asserted-Identity: \"U\" <sip:+1555@10.0.0.10>\n");
	assert_string_equal(bed_header(m, "P-Asserted-Identity"), "\"U\" <sip:+1555@a.example>");
	m = from_of("<sip:u@10.0.0.10>", "P-Asserted-Identity: <tel:+1555>\n");
	assert_string_equal(bed_header(m, "P-Asserted-Identity"), "<tel:+1555>");
	m = from_of("<sip:u@10.0.0.10>",
		    "P-Asserted-Identity: \"a, b\" <sip:+1555@server.inside>, <tel:+1555>\n");
	bed_has(m, "\r\nP-Asserted-Identity: \"a, b\" <sip:+1555@a.example>\r\n"
		   "P-Asserted-Identity: <tel:+1555>\r\n");
	m = from_of("<sip:u@10.0.0.10>", "P-Asserted-Identity: <tel:5;phone-context=10.0.0.10>\n"
					 "P-Asserted-Identity: <http://10.0.0.10/>\n");
	assert_string_equal(bed_header(m, "P-Asserted-Identity"), "");
	/* S8: what a caller only would like to be is never passed */
	m = from_of("<sip:u@10.0.0.10>", "P-Preferred-Identity: <sip:boss@a.example>\n"
					 "Privacy: id\n");
	bed_lacks(m, "boss");
	assert_string_equal(bed_header(m, "Privacy"), "id");
}

/* ---- other parts of a multipart body pass, the SDP in it is ours ---- */

static void multipart(void **state)
{
	const char *m;

	(void)state;
	bed_invite(A, "--x\nContent-Type: application/sdp\n\n" SDP_A
		      "--x\nContent-Type: application/isup\n\nopaque\n--x--\n");
	m = bed_take(B, "INVITE ");
	bed_has(m, "\r\nContent-Type: multipart/mixed;boundary=x\r\n");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_has(m, "\r\nContent-Type: application/isup\r\n\r\nopaque\r\n--x--");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void text_that_names_hosts(void **state)
{
	static const char *const yes[] = {"10.0.0.1",       "at 10.0.0.1.",  "10.0.0.1:5060",
					  "<sip:10.0.0.1>", "[2001:db8::1]", "x=2001:db8::1;",
					  "a10.0.0.1",      "fe80::1",       "face:10.0.0.1:1"};
	static const char *const no[] = {"",    "busy", "1.2.3", "10.5", "at 10:30:15",
					 "...", "12:30"};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(call_text_names_host((struct wire_text){yes[i], strlen(yes[i])}));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(call_text_names_host((struct wire_text){no[i], strlen(no[i])}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(call_full_of_secrets),
		BED_TEST(refusal_full_of_secrets),
		BED_TEST(the_other_direction),
		BED_TEST(from_header),
		BED_TEST(long_names),
		BED_TEST(asserted_identities),
		BED_TEST(multipart),
		cmocka_unit_test(text_that_names_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
