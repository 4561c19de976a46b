/* SPDX-License-Identifier: Apache-2.0 */
/* 3xx by policy (A27, C19, X8): refused, or followed to configured peers only, within bounds, never shown. */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#define PBX "'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"
#define BNET(more)                                                                                 \
	"'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"           \
	"'next_hops':['sip:198.51.100.20']" more "},"
#define CNET(more)                                                                                 \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example',"            \
	"'c2.example'],'next_hops':['sip:198.51.100.30']" more "},"
#define DNET                                                                                       \
	"'dnet':{'realm':'peering','sources':['198.51.100.21'],'domains':['d.example'],"           \
	"'next_hops':['sip:198.51.100.21']}"
#define FOLLOW ",'redirect':'follow'"
#define OUT "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]}"

static int setup(void **state)
{
	(void)state;
	bed_up(PBX BNET(FOLLOW) CNET(FOLLOW) DNET, OUT);
	return 0;
}

static const char *to_b(void)
{
	bed_invite(A, SDP_A);
	return bed_take(B, "INVITE sip:+442079460000@b.example ");
}

static void redirect(enum bed_who who, const char *contacts)
{
	bed.extra = contacts;
	bed_reply(who, 302, NULL);
	bed_take(who, "ACK ");
}

static void refuse(enum bed_who who, int status)
{
	bed_reply(who, status, NULL);
	bed_take(who, "ACK ");
}

static void gave_up(const char *start)
{
	const char *m = bed_take(A, start);

	bed_lacks(m, "Contact");
	bed_lacks(m, "b.example");
	bed_lacks(m, "c.example");
	bed_lacks(m, "evil");
	bed_quiet(B);
	bed_quiet(C);
	bed_quiet(X);
}

static void attempt(unsigned nth, const char *hop, const char *result)
{
	char path[64];

	snprintf(path, sizeof(path), "attempts.%u.hop", nth);
	assert_string_equal(bed_cdr(path), hop);
	snprintf(path, sizeof(path), "attempts.%u.result", nth);
	assert_string_equal(bed_cdr(path), result);
}

/* ---- followed ---- */

static void followed(void **state)
{
	char call_id[128];
	const char *m;

	(void)state;
	m = to_b();
	snprintf(call_id, sizeof(call_id), "%s", bed_header(m, "Call-ID"));
	redirect(B, "Contact: \"x\" <sip:+15550199@c.example;user=phone>;q=0.7\n");
	m = bed_take(X, "INVITE sip:+15550199@c.example");
	bed_lacks(m, call_id); /* a dialog of its own */
	bed_lacks(m, "b.example");
	bed_quiet(A);
	assert_int_equal(bed.gate.opens, 1);
	bed_reply(X, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_reply(X, 200, SDP_B);
	bed_lacks(bed_take(A, "SIP/2.0 200 "), "c.example");
	bed_ack(A, NULL);
	bed_take(X, "ACK ");
	bed_hang_up(A, X);
	attempt(0, "bnet sip:198.51.100.20", "redirected");
	assert_string_equal(bed_cdr("attempts.0.status"), "302");
	attempt(1, "cnet sip:198.51.100.30", "answered");
	assert_string_equal(bed_cdr("egress_peer"), "cnet");
	assert_string_equal(bed_cdr("called_sent"), "sip:+15550199@c.example");
	assert_string_equal(bed_cdr("called"), "sip:+442079460000@a.example");
	assert_int_equal(peer_find_name(bed.config.peers, "bnet")->hops[0].retry_ms, 0);
}

static void by_address_and_other_domain(void **state)
{
	(void)state;
	to_b();
	redirect(B, "Contact: <sip:+1@198.51.100.30:5060>\n");
	bed_take(X, "INVITE sip:+1@c.example "); /* as it is agreed with the peer */
	refuse(X, 486);
	bed_take(A, "SIP/2.0 486 ");
	to_b();
	redirect(B, "Contact: <sip:+1@C2.example>\n");
	bed_take(X, "INVITE sip:+1@C2.example ");
	refuse(X, 486);
	bed_take(A, "SIP/2.0 486 ");
}

/* After it rang there: call forwarding when nobody answers. */
static void after_ringing(void **state)
{
	(void)state;
	to_b();
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	redirect(B, "Contact: <sip:+1@c.example>\n");
	bed_take(X, "INVITE ");
	bed_reply(X, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(X, "ACK ");
	bed_hang_up(A, X);
	/* but not when the caller has heard something */
	to_b();
	bed_reply(B, 183, SDP_B);
	bed_take(A, "SIP/2.0 183 ");
	redirect(B, "Contact: <sip:+1@c.example>\n");
	gave_up("SIP/2.0 480 ");
}

/* To where the call would have gone next anyway: it does, and once (A27). */
static void to_the_next_one(void **state)
{
	(void)state;
	bed_down();
	bed_up(PBX BNET(FOLLOW) CNET("") DNET,
	       "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'},{'peer':'cnet','priority':2}]}");
	to_b();
	redirect(B, "Contact: <sip:+442079460000@198.51.100.30>\n");
	bed_take(X, "INVITE sip:+442079460000@c.example ");
	refuse(X, 503);
	gave_up("SIP/2.0 503 ");
	attempt(0, "bnet sip:198.51.100.20", "redirected");
	attempt(1, "cnet sip:198.51.100.30", "peer_refused");
}

static void by_q(void **state)
{
	(void)state;
	to_b();
	redirect(B, "Contact: <sip:+1@c.example>;q=0.1, <sip:+2@c.example>;q=0.125\n"
		    "Contact: <sip:+3@d.example>\n"
		    "Contact: <sip:+4@c.example>;q=0.9;expires=0, <sip:+5@c.example>;q=x\n");
	bed_take(C, "INVITE sip:+3@d.example ");
	refuse(C, 486); /* RFC 3261 8.1.3.4: then the next one */
	bed_take(X, "INVITE sip:+2@c.example ");
	bed_reply(X, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	refuse(X, 404);
	bed_take(X, "INVITE sip:+1@c.example ");
	refuse(X, 503);
	bed_take(X, "INVITE sip:+5@c.example ");
	refuse(X, 603); /* that was for the whole call */
	gave_up("SIP/2.0 603 ");
	attempt(0, "bnet sip:198.51.100.20", "redirected");
	attempt(1, "contact sip:+4@c.example", "redirect_expired");
	attempt(2, "dnet sip:198.51.100.21", "peer_refused");
	attempt(3, "cnet sip:198.51.100.30", "peer_refused");
	attempt(5, "cnet sip:198.51.100.30", "peer_refused");
}

/* ---- not followed ---- */

static void refused_by_default(void **state)
{
	(void)state;
	bed_down();
	bed_up(PBX BNET("") CNET(FOLLOW) DNET, OUT);
	to_b();
	redirect(B, "Contact: <sip:+1@c.example>\n");
	gave_up("SIP/2.0 480 ");
	attempt(0, "bnet sip:198.51.100.20", "peer_refused");
	assert_string_equal(bed_cdr("attempts.1.hop"), "");
}

static void never_there(void **state)
{
	static const struct {
		const char *contact, *shown, *result;
	} list[] = {
		{"<sip:+1@a.example>", "contact sip:+1@a.example", "redirect_self"},
		{"<sip:+1@203.0.113.1>", "contact sip:+1@203.0.113.1", "redirect_self"},
		{"<sip:+1@evil.example>", "contact sip:+1@evil.example", "redirect_foreign"},
		{"<sip:+1@192.0.2.77>", "contact sip:+1@192.0.2.77", "redirect_foreign"},
		{"<sip:+1@127.0.0.1>", "contact sip:+1@127.0.0.1", "redirect_foreign"},
		{"<sip:+1@198.51.100.30:5070>", "contact sip:+1@198.51.100.30:5070",
		 "redirect_foreign"},
		/* an address of another realm is none of theirs */
		{"<sip:+1@192.168.0.10>", "contact sip:+1@192.168.0.10", "redirect_foreign"},
		{"<tel:+1900>", "contact tel:+1900", "redirect_scheme"},
		{"<sips:+1@c.example>", "contact sips:+1@c.example", "redirect_scheme"},
		{"<http://c.example>", "contact http://c.example", "redirect_scheme"},
		{"<sip:+1@c.example?Route=%3Csip:evil%3E>",
		 "contact sip:+1@c.example?Route=%3Csip:evil%3E", "redirect_headers"},
		{"<sip:+1@c.example;maddr=192.0.2.1>", "contact sip:+1@c.example;maddr=192.0.2.1",
		 "redirect_parameter"},
		{"<sip:+1@c.example;method=BYE>", "contact sip:+1@c.example;method=BYE",
		 "redirect_parameter"},
		{"<sip:c.example>", "contact sip:c.example", "redirect_form"},
		{"<sip:+1@c.example>;expires=0", "contact sip:+1@c.example", "redirect_expired"},
		/* as it was asked for already, written in another way too */
		{"<sip:+442079460000@b.example>", "contact sip:+442079460000@b.example",
		 "redirect_loop"},
		{"<sip:%2B44-20-7946-0000@198.51.100.20>",
		 "contact sip:%2B44-20-7946-0000@198.51.100.20", "redirect_loop"},
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		to_b();
		snprintf(line, sizeof(line), "Contact: %s\n", list[i].contact);
		redirect(B, line);
		gave_up("SIP/2.0 480 ");
		attempt(0, list[i].shown, list[i].result);
		attempt(1, "bnet sip:198.51.100.20", "peer_refused");
	}
	to_b(); /* and none at all */
	redirect(B, NULL);
	gave_up("SIP/2.0 480 ");
}

/* Not back to where it came from; not to a peer that is blocked. */
static void back_or_blocked(void **state)
{
	(void)state;
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'domains':['p.example'],"
	       "'next_hops':['sip:10.0.0.10']}," BNET(FOLLOW) CNET("") DNET,
	       OUT);
	to_b();
	redirect(B, "Contact: <sip:+1@p.example>\n");
	gave_up("SIP/2.0 480 ");
	attempt(0, "contact sip:+1@p.example", "redirect_back");
	peer_block(peer_find_name(bed.config.peers, "cnet"), true);
	to_b();
	redirect(B, "Contact: <sip:+1@c.example>\n");
	gave_up("SIP/2.0 480 ");
	attempt(0, "contact sip:+1@c.example", "redirect_unusable");
}

/* ---- bounds (A27) ---- */

static void to_and_fro(void **state)
{
	(void)state;
	to_b();
	redirect(B, "Contact: <sip:+442079460000@c.example>\n");
	bed_take(X, "INVITE ");
	redirect(X, "Contact: <sip:+442079460000@b.example>\n");
	gave_up("SIP/2.0 480 ");
	attempt(1, "contact sip:+442079460000@b.example", "redirect_loop");
}

/* Each time another user: five times, then no more. */
static void depth(void **state)
{
	unsigned n = 1;
	char line[128];

	(void)state;
	to_b();
	for (; n < 20; n++) {
		enum bed_who who = n % 2 ? B : X;

		snprintf(line, sizeof(line), "Contact: <sip:+%u@%s.example>\n", n,
			 n % 2 ? "c" : "b");
		redirect(who, line);
		if (!bed_take_any(n % 2 ? X : B))
			break;
	}
	assert_int_equal(n, 6);
	gave_up("SIP/2.0 480 ");
	attempt(5, "contact sip:+6@b.example", "redirect_depth");
}

/* Fifty Contacts: ten INVITEs in all. */
static void many(void **state)
{
	static char lines[50 * 40];
	unsigned invites = 1;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 50; i++)
		n += (size_t)snprintf(lines + n, sizeof(lines) - n,
				      "Contact: <sip:+%d@c.example>\n", i + 100);
	to_b();
	redirect(B, lines);
	while (bed_take_any(X)) {
		invites++;
		refuse(X, 486);
	}
	assert_int_equal(invites, 10);
	bed_take(A, "SIP/2.0 486 ");
	attempt(1, "contact sip:+109@c.example", "redirect_many");
}

/* A tree of them: each one offers more. */
static void tree(void **state)
{
	unsigned invites = 1, next = 100;
	char line[512];

	(void)state;
	to_b();
	redirect(B, "Contact: <sip:+1@c.example>, <sip:+2@c.example>, <sip:+3@c.example>\n");
	while (bed_take_any(X)) {
		invites++;
		next += 3;
		snprintf(line, sizeof(line),
			 "Contact: <sip:+%u@c.example>,<sip:+%u@c.example>,<sip:+%u@c.example>\n",
			 next, next + 1, next + 2);
		redirect(X, line);
		assert_true(invites <= 10);
	}
	assert_true(invites > 5);
	bed_take(A, "SIP/2.0 480 ");
}

static void cancelled(void **state)
{
	(void)state;
	to_b();
	redirect(B, "Contact: <sip:+1@c.example>, <sip:+2@c.example>\n");
	bed_take(X, "INVITE ");
	bed_reply(X, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_take(X, "CANCEL ");
	refuse(X, 487);
	bed_skip(X);
}

/* In a dialog there is nowhere to go. */
static void in_dialog(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	bed_take(B, "INVITE ");
	redirect(B, "Contact: <sip:+1@c.example>\n");
	bed_lacks(bed_take(A, "SIP/2.0 488 "), "c.example");
	bed_quiet(X);
	bed_hang_up(A, B);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(followed),      T(by_address_and_other_domain),
		T(after_ringing), T(to_the_next_one),
		T(by_q),          T(refused_by_default),
		T(never_there),   T(back_or_blocked),
		T(to_and_fro),    T(depth),
		T(many),          T(tree),
		T(cancelled),     T(in_dialog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
