/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer may ask of us: relationship, domains, kinds of URI, Date (E10, E11, A9, A14, B7, C14, D4). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

#define CORE(more)                                                                                 \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'domains':['home.example']," more           \
	"'next_hops':['sip:10.0.0.10']},"                                                          \
	"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"        \
	"'next_hops':['sip:198.51.100.20']}"
#define ROUTE(more) "{'name':'out','from':['pbx']," more "'to':[{'peer':'bnet'}]}"

static void invite_from(const char *from, const char *uri, const char *headers)
{
	static unsigned n;
	struct bed_ua *u = &bed.ua[A];

	n++;
	u->invite_cseq = u->cseq = 1;
	snprintf(u->branch, sizeof(u->branch), "z9hG4bK-i%u", n);
	snprintf(u->call_id, sizeof(u->call_id), "a-call-i%u", n);
	snprintf(u->local, sizeof(u->local), "<%s>;tag=a-tag-i%u", from, n);
	snprintf(u->remote, sizeof(u->remote), "<sip:x@a.example>");
	snprintf(u->invite_uri, sizeof(u->invite_uri), "%s", uri);
	bed_send(A,
		 "INVITE %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=%s\nMax-Forwards: 70\n"
		 "From: %s\nTo: <sip:x@a.example>\nCall-ID: %s\nCSeq: 1 INVITE\n"
		 "Contact: <sip:u@10.0.0.10>\n%sContent-Type: application/sdp\n\n%s",
		 uri, u->branch, u->local, u->call_id, headers, SDP_A);
}

static void invite(const char *uri)
{
	invite_from("sip:u@10.0.0.10", uri, "");
}

static void again(const char *more, const char *route)
{
	char peers[2000];

	bed_down();
	snprintf(peers, sizeof(peers), CORE("%s"), more);
	bed_up(peers, route ? route : ROUTE(""));
}

static const char *passed(void)
{
	static char text[BED_MESSAGE_MAX];

	strcpy(text, bed_take(B, "INVITE "));
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	return text;
}

static void refused(const char *start, const char *cause)
{
	bed_take(A, start);
	assert_string_equal(bed_cdr("type"), "refused");
	assert_string_equal(bed_cdr("cause"), cause);
	bed_quiet(B);
	assert_int_equal(call_count(bed.core), 0);
}

/* D4: exactly the phrase of RFC 6406, whatever else is wrong with the request. */
static void relationship(void **state)
{
	(void)state;
	again("'ingress':{'calls':'none'},", NULL);
	invite("sip:+44207@a.example");
	refused("SIP/2.0 403 Unsupported Peer\r\n", "unsupported_peer");
	invite_from("sip:u@home.example", "mailto:x@y", "Require: foo\n");
	refused("SIP/2.0 403 Unsupported Peer\r\n", "unsupported_peer");

	again("'ingress':{'calls':'transit'},", NULL); /* a direct call where transit is agreed */
	invite_from("sip:u@HOME.example", "sip:+44207@a.example", "");
	refused("SIP/2.0 403 Unsupported Peer\r\n", "unsupported_peer");
	invite_from("sip:u@other.example", "sip:+44207@a.example", "");
	passed();

	again("'ingress':{'calls':'own'},", NULL); /* and the other way round */
	invite_from("sip:u@other.example", "sip:+44207@a.example", "");
	refused("SIP/2.0 403 Unsupported Peer\r\n", "unsupported_peer");
	invite_from("sips:u@home.example", "sip:+44207@a.example", "");
	passed();
}

static void foreign_domains(void **state)
{
	(void)state;
	again("", ROUTE("'domain':'far.example',"));
	invite("sip:x@far.example"); /* a route says so */
	passed();
	again("'ingress':{'foreign':'listed'},", ROUTE("'domain':'far.example',"));
	invite("sip:x@far.example");
	refused("SIP/2.0 404 ", "not_ours");
	again("'ingress':{'foreign':'listed','domains':['Far.example']},",
	      ROUTE("'domain':'far.example',"));
	invite("sip:x@FAR.example");
	passed();
	invite("sip:x@farther.example");
	refused("SIP/2.0 404 ", "not_ours");
	again("'ingress':{'foreign':'any'},", ROUTE("'domain':'far.example',"));
	invite("sip:x@farther.example");
	refused("SIP/2.0 404 ", "no_route");
}

/* B7: one domain, one policy, whatever the URI looks like. */
static void kinds_of_uri(void **state)
{
	static const char *const uris[] = {"sip:+44207@far.example", "sip:+44207@FAR.example:5060",
					   "sip:+44207@far.example;user=phone",
					   "im:+44207@far.example", "pres:+44207@far.example"};

	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		again("'ingress':{'foreign':'listed'},", ROUTE("'domain':'far.example',"));
		invite(uris[i]);
		refused("SIP/2.0 404 ", "not_ours");
		again("'ingress':{'foreign':'listed','domains':['far.example']},",
		      ROUTE("'domain':'far.example',"));
		invite(uris[i]);
		bed_has(passed(), "INVITE sip:+44207@b.example");
	}
	again("'ingress':{'foreign':'listed'},", NULL);
	invite("tel:+44207"); /* a number is nobody's domain */
	bed_has(passed(), "INVITE sip:+44207@b.example;user=phone ");
	invite("sips:+44207@far.example"); /* in clear: refused for that */
	refused("SIP/2.0 416 ", "uri_scheme");
}

static void numeric_hosts(void **state)
{
	(void)state;
	again("", NULL);
	invite("sip:x@10.0.0.1");
	passed();
	invite("sip:x@192.0.2.77");
	refused("SIP/2.0 404 ", "numeric_host");
	invite("sip:x@[2001:db8::1]");
	refused("SIP/2.0 404 ", "numeric_host");
	again("'ingress':{'numeric':'none'},", NULL);
	invite("sip:x@10.0.0.1");
	refused("SIP/2.0 404 ", "numeric_host");
	again("'ingress':{'numeric':'any'},", ROUTE("'domain':'192.0.2.77',"));
	invite("sip:x@192.0.2.77");
	passed();
}

/* Without domains of ours nobody has said what is foreign. */
static void nothing_is_ours(void **state)
{
	struct call_config c;

	(void)state;
	again("'ingress':{'foreign':'listed','numeric':'none'},", ROUTE("'domain':'far.example',"));
	c = bed.config;
	c.ndomains = 0;
	call_core_configure(bed.core, &c);
	invite("sip:x@far.example");
	passed();
}

static const char *date(int64_t shift_s)
{
	static char line[60];
	time_t t = (time_t)(clock_wall_ms() / 1000) + shift_s;
	struct tm tm;

	strftime(line, sizeof(line), "Date: %a, %d %b %Y %H:%M:%S GMT\n", gmtime_r(&t, &tm));
	return line;
}

#define OURS "sip:+44207@a.example"
#define FROM "sip:u@10.0.0.10"

/* C14: an INVITE that was heard on the wire and comes again later, as another call. */
static void stale_date(void **state)
{
	(void)state;
	again("", NULL);
	invite_from(FROM, OURS, date(-86400));
	passed(); /* nobody asked to look at it */
	again("'ingress':{'date':'check'},", NULL);
	invite_from(FROM, OURS, date(-58));
	passed();
	invite_from(FROM, OURS, date(58));
	passed();
	invite(OURS);
	passed();
	invite_from(FROM, OURS, date(-62));
	refused("SIP/2.0 403 Stale Date\r\n", "stale_date");
	invite_from(FROM, OURS, date(62));
	refused("SIP/2.0 403 Stale Date\r\n", "stale_date");
	invite_from(FROM, OURS, "Date: yesterday\n");
	bed_skip(A); /* 400 by the parser, or 403: no call */
	bed_quiet(B);
	again("'ingress':{'date':'require','date_max_s':3600},", NULL);
	invite(OURS);
	refused("SIP/2.0 403 Stale Date\r\n", "stale_date");
	invite_from(FROM, OURS, date(-3500));
	passed();
}

/* E11, A14: what says it belongs to a dialog and does not is refused, whoever sends it. */
static void in_no_dialog(void **state)
{
	struct bed_ua *u = &bed.ua[A];

	(void)state;
	bed_connect();
	snprintf(u->tag, sizeof(u->tag), "other");
	snprintf(u->local, sizeof(u->local), "<sip:u@10.0.0.10>;tag=other");
	bed_request(A, "INFO", NULL);
	bed_take(A, "SIP/2.0 481 ");
	bed_quiet(B);
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take_bye(A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(relationship),  BED_TEST(foreign_domains), BED_TEST(kinds_of_uri),
		BED_TEST(numeric_hosts), BED_TEST(nothing_is_ours), BED_TEST(stale_date),
		BED_TEST(in_no_dialog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
