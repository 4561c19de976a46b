/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: refused by default, or passed on with nothing of the inner side in them (REFER; C6, A16). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#define PEERS(transfer)                                                                            \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"             \
	"'sip':{'refer':'" transfer "'}},"                                                         \
	"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"        \
	"'next_hops':['sip:198.51.100.20']},"                                                      \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"           \
	"'next_hops':['sip:198.51.100.30']}"
#define ROUTES                                                                                     \
	"{'name':'c','from':['pbx'],'number':'+49','to':[{'peer':'cnet'}]},"                       \
	"{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]},"                                    \
	"{'name':'in','from':['bnet','cnet'],'to':[{'peer':'pbx'}]}"

static void up(const char *transfer)
{
	bed_down();
	bed_up(!strcmp(transfer, "relay") ? PEERS("relay") : PEERS("refuse"), ROUTES);
}

static void refer(const char *lines)
{
	bed.extra = lines;
	bed_request(A, "REFER", NULL);
}

/* What the other side tells of it. */
static void notify(const char *event, const char *state, const char *frag)
{
	static char lines[256];

	snprintf(lines, sizeof(lines), "Event: %s\nSubscription-State: %s\n", event, state);
	bed.extra = lines;
	bed.content_type = "message/sipfrag;version=2.0";
	bed_request(B, "NOTIFY", frag);
}

static void refused_by_default(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	refer("Refer-To: <sip:+4420@a.example>\n");
	m = bed_take(A, "SIP/2.0 403 ");
	assert_string_equal(bed_header(m, "Reason"),
			    "SIP;cause=403;text=\"transfer is not agreed\"");
	bed_quiet(B);
	assert_string_equal(bed_modes(), "sendrecv/sendrecv");
	bed_hang_up(A, B);
}

static void relayed(void **state)
{
	const char *m;

	(void)state;
	up("relay");
	bed_connect();
	refer("Refer-To: \"Bob 10.0.0.12\" <sip:+442079460001@10.0.0.12:5070;transport=tcp;user=phone>\n"
	      "Referred-By: \"Alice\" <sip:+15550100@10.0.0.10>;cid=\"x@10.0.0.10\"\n");
	m = bed_take(B, "REFER sip:user@198.51.100.20:5060 SIP/2.0\r\n");
	assert_string_equal(bed_header(m, "Refer-To"), "<sip:+442079460001@a.example;user=phone>");
	assert_string_equal(bed_header(m, "Referred-By"), "<sip:+15550100@a.example>");
	assert_string_equal(bed_header(m, "Max-Forwards"), "69");
	notify("refer", "active;expires=60", "SIP/2.0 100 Trying\n"); /* before the 202 */
	m = bed_take(A, "NOTIFY ");
	assert_string_equal(bed_header(m, "Event"), "refer");
	bed_reply(A, 200, NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_send(B,
		 "SIP/2.0 202 Accepted\nVia: %s\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: 2 REFER\n"
		 "Contact: <sip:user@198.51.100.20>\n\n",
		 bed_header(bed.ua[B].request, "Via"), bed.ua[B].remote, bed.ua[B].local,
		 bed.ua[B].call_id);
	bed_take(A, "SIP/2.0 202 ");
	/* A fragment tells more than a status: only that passes */
	notify("refer;id=2", "active;expires=60",
	       "SIP/2.0 180 Ringing at 198.51.100.25\nTo: <sip:x@198.51.100.25>;tag=1\n");
	m = bed_take(A, "NOTIFY ");
	assert_string_equal(bed_body(m), "SIP/2.0 180 Ringing\r\n");
	assert_string_equal(bed_header(m, "Content-Type"), "message/sipfrag;version=2.0");
	assert_string_equal(bed_header(m, "Subscription-State"), "active;expires=60");
	assert_string_equal(bed_header(m, "Event"), "refer;id=2"); /* A's own CSeq */
	bed_reply(A, 200, NULL);
	bed_take(B, "SIP/2.0 200 ");
	refer("Refer-To: <sip:+4420@a.example>\n");
	bed_take(A, "SIP/2.0 491 "); /* one at a time */
	notify("refer", "terminated;reason=noresource", "SIP/2.0 200 OK\n");
	m = bed_take(A, "NOTIFY ");
	assert_string_equal(bed_body(m), "SIP/2.0 200 OK\r\n");
	bed_reply(A, 200, NULL);
	bed_take(B, "SIP/2.0 200 ");
	notify("refer", "active", "SIP/2.0 200 OK\n"); /* the subscription is over */
	bed_take(B, "SIP/2.0 405 ");
	bed_quiet(A);
	bed_hang_up(A, B);
}

static void target_of_the_other_side(void **state)
{
	(void)state;
	up("relay");
	bed_connect();
	refer("Refer-To: <sip:info@B.example;x=1?Subject=10.0.0.10&Body=x>\n");
	assert_string_equal(bed_header(bed_take(B, "REFER "), "Refer-To"), "<sip:info@b.example>");
	bed_reply(B, 603, NULL);
	bed_take(A, "SIP/2.0 603 ");
	refer("Refer-To: tel:+4420\n"); /* again, since that one failed */
	assert_string_equal(bed_header(bed_take(B, "REFER "), "Refer-To"),
			    "<sip:+4420@a.example;user=phone>");
	bed_reply(B, 202, NULL);
	bed_take(A, "SIP/2.0 202 ");
	bed_hang_up(A, B);
}

static void what_is_no_transfer(void **state)
{
	static const struct {
		const char *lines, *answer;
	} cases[] = {
		{"Subject: x\n", "SIP/2.0 400 "},
		{"Refer-To: <sips:a@b>\n", "SIP/2.0 416 "},
		{"Refer-To: <http://b.example/>\n", "SIP/2.0 416 "},
		{"Refer-To: <sip:a@b;method=SUBSCRIBE>\n", "SIP/2.0 403 "},
		{"Refer-To: <sip:a@b?Replaces=1%3Bto-tag%3D1>\n", "SIP/2.0 400 "},
		{"Refer-To: <sip:a@b?Replaces=1%3Bto-tag%3D1%3Bfrom-tag%3D2>\n", "SIP/2.0 481 "},
		{"Require: x\nRefer-To: <sip:a@b>\n", "SIP/2.0 420 "},
	};

	(void)state;
	up("relay");
	bed_connect();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refer(cases[i].lines);
		bed_take(A, cases[i].answer);
		bed_quiet(B);
	}
	bed_request(B, "REFER", NULL); /* bnet may not */
	bed_take(B, "SIP/2.0 403 ");
	bed_hang_up(A, B);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	refer("Refer-To: <sip:a@b>\n");
	bed_take(A, "SIP/2.0 403 Not Before The Answer\r\n");
	bed.ua[A].cseq = bed.ua[A].invite_cseq = 1;
	bed_send(
		B,
		"SIP/2.0 486 Busy\nVia: %s\nFrom: %s\nTo: %s;tag=%s\nCall-ID: %s\nCSeq: 1 INVITE\n\n",
		bed_header(bed.ua[B].request, "Via"), bed_header(bed.ua[B].request, "From"),
		bed_header(bed.ua[B].request, "To"), bed.ua[B].tag, bed.ua[B].call_id);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

/* Two calls of A to bnet; A joins them: bnet gets the identifiers that bnet knows. */
static void attended(void **state)
{
	static struct bed_ua first[BED_UAS];
	char lines[700], want[400], tag[64], id[128], from[64];
	const char *m;

	(void)state;
	up("relay");
	bed_connect();
	memcpy(first, bed.ua, sizeof(first));
	bed_connect(); /* the second one */
	snprintf(tag, sizeof(tag), "%s", bed.ua[B].tag);
	snprintf(id, sizeof(id), "%s", bed.ua[B].call_id);
	snprintf(from, sizeof(from), "%s", strstr(bed.ua[B].remote, ";tag=") + 5);
	snprintf(lines, sizeof(lines),
		 "Refer-To: <sip:x@a.example?Replaces=%.*s%%4010.0.0.10%%3Bto-tag%%3D%s%%3Bfrom-"
		 "tag%%3D%s>\n",
		 (int)strcspn(bed.ua[A].call_id, "@"), bed.ua[A].call_id,
		 strstr(bed.ua[A].remote, ";tag=") + 5, bed.ua[A].tag);
	memcpy(bed.ua, first, sizeof(first));
	refer(lines);
	m = bed_take(B, "REFER ");
	snprintf(want, sizeof(want),
		 "<sip:user@198.51.100.20:5060?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>", id,
		 tag, from);
	assert_string_equal(bed_header(m, "Refer-To"), want);
	bed_reply(B, 202, NULL);
	bed_take(A, "SIP/2.0 202 ");
	assert_int_equal(call_count(bed.core), 2);
	call_shutdown(bed.core, NULL, NULL);
	bed.idle_unchecked = true;
	bed_skip(A);
	bed_skip(B);
	bed_run_ms(40000);
}

/* The target is with another carrier: what cnet knows means nothing to bnet. */
static void attended_elsewhere(void **state)
{
	static struct bed_ua first[BED_UAS];
	char lines[700];

	(void)state;
	up("relay");
	bed_connect();
	memcpy(first, bed.ua, sizeof(first));
	bed_connect_as(X, A); /* X calls A */
	snprintf(lines, sizeof(lines),
		 "Refer-To: <sip:x@a.example?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>\n",
		 bed.ua[A].call_id, strstr(bed.ua[A].remote, ";tag=") + 5, bed.ua[A].tag);
	struct bed_ua second = bed.ua[A];
	bed.ua[A] = first[A];
	refer(lines);
	bed_take(A, "SIP/2.0 403 ");
	bed_quiet(B);
	bed_hang_up(A, B);
	bed.ua[A] = second;
	bed_hang_up(A, X);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(refused_by_default),
		BED_TEST(relayed),
		BED_TEST(target_of_the_other_side),
		BED_TEST(what_is_no_transfer),
		BED_TEST(attended),
		BED_TEST(attended_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
