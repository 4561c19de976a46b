/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1,000 calls whose messages are full of what one side must not know of the other, in every shape it can be hidden in: 0
 * leaks in a byte search of all that is sent (A28, C6, C12).
 *
 * The bed searches each message for addresses, names, tags and Call-IDs of the other side; here are the calls. A failing
 * one is run alone with LEAK_SEED=n.
 */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS 1000U

static unsigned state;

static unsigned pick(unsigned n)
{
	state = state * 1103515245U + 12345U;
	return (state >> 16) % n;
}

/* $ is the secret. Vital headers stand here in forms that a parser takes. */
static const char *const shapes[] = {
	"Subject: $\n",
	"sUBJECT : ask $ now\n",
	"Subject\t: $\n",
	"s: see $.\n",
	"Subject: one\nSubject: $\n",
	"Subject: folded\n to $\n",
	"Reason: SIP;cause=200;text=\"at $:5060.\"\n",
	"Reason: Q.850;cause=16, SIP;cause=480;text=\"$\"\n",
	"Warning: 399 $ \"said $\"\n",
	"User-Agent: x/$\n",
	"Server: $\n",
	"Organization: $\n",
	"Call-Info: <http://$/pic>;purpose=icon\n",
	"Alert-Info: <http://$/ring>\n",
	"Error-Info: <sip:x@$>\n",
	"In-Reply-To: 1@$\n",
	"Reply-To: <sip:u@$>\n",
	"Remote-Party-ID: <sip:u@$>;party=calling\n",
	"P-Asserted-Identity: \"at $\" <sip:+1@$>\n",
	"P-Asserted-Identity: <tel:5;phone-context=$>\n",
	"P-Asserted-Identity: <sip:+1@a.example;x=$?Subject=$>\n",
	"P-Preferred-Identity: <sip:u@$>\n",
	"Diversion: \"$\" <sip:u@$>;reason=unknown;x=$\n",
	"History-Info: <sip:u@$?Reason=SIP%3Btext%3D$>;index=1\n",
	"P-Charging-Vector: icid-value=1;icid-generated-at=$\n",
	"P-Access-Network-Info: $\n",
	"P-Visited-Network-ID: $\n",
	"X-Core-Secret: $\n",
	"X-CORE\t: $\n",
	"x-$: 1\n",
	"User-To-User: $;encoding=hex\n",
	"Accept-Contact: *;x=\"$\"\n",
	"Resource-Priority: dsn.$\n",
	"Content-Language: $\n",
	"Priority: $\n",
	"Date: $\n",
	"Retry-After: 5 ($)\n",
	"Geolocation: <sip:$>\n",
	"Session-ID: ab;remote=$\n",
	"Privacy: $\n",
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static const char *const inner[] = {"10.0.0.10", "10.0.0.77", "pbx9.core.internal",
				    "PBX9.core.INTERNAL", "[::ffff:10.0.0.9]"};
static const char *const outer[] = {"198.51.100.20", "198.51.100.77", "203.0.113.1",
				    "[::ffff:198.51.100.9]", "198.51.100.22"};

/* A few lines of one side, and the hosts they speak of where hosts stand. */
static const char *lines(enum bed_who who)
{
	static char buf[4096];
	size_t n = 0;

	memset(buf, 0, sizeof(buf));
	if (who == A)
		n = (size_t)snprintf(buf, sizeof(buf),
				     "Record-Route: <sip:pbx9.core.internal;lr>\n");
	for (unsigned i = 0; i < 8; i++) {
		const char *secret = who == A ? inner[pick(5)] : outer[pick(5)];
		const char *shape = shapes[pick(SHAPES)];

		if (secret[0] == '[' && (shape[0] == 'x' || !strncmp(shape, "Privacy", 7)))
			continue; /* no token */
		if (!strncmp(shape, "Privacy", 7) && strstr(buf, "Privacy:"))
			continue; /* once */
		for (const char *p = shape; *p; p++) {
			if (*p == '$')
				n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s", secret);
			else
				buf[n++] = *p;
		}
	}
	buf[n] = '\0';
	return buf;
}

static const char *body(enum bed_who who)
{
	static const char *const a[] = {
		SDP_A,
		SDP_A "a=x-secret:10.0.0.11\na=candidate:1 1 UDP 1 10.0.0.11 4000 typ host\n",
		"--x\nContent-Type: application/sdp\nContent-ID: <1@pbx9.core.internal>\n\n" SDP_A
		"--x\nContent-Type: application/isup\nContent-Description: of 10.0.0.10\n\nopaque\n--x--\n",
		"--x\nContent-Type: application/sdp\n\n" SDP_A
		"--x\nContent-Type: message/sipfrag\nContent-Disposition: signal;handling=optional\n"
		"\nSIP/2.0 200 OK\nContact: <sip:10.0.0.10>\n--x--\n",
		"- about 10.0.0.10\n--x\nContent-Type: application/sdp\n\n" SDP_A
		"--x--\nof 10.0.0.10\n",
	};
	static const char *const b[] = {
		SDP_B,
		SDP_B "a=x-secret:198.51.100.22\n",
		"--x\nContent-Type: application/sdp\n\n" SDP_B
		"--x\nContent-Type: text/plain\n\nvia 198.51.100.20\n--x--\n",
	};

	return who == A ? a[pick(5)] : b[pick(3)];
}

static void say(enum bed_who who)
{
	bed.extra = lines(who);
}

static void hang_up(enum bed_who from, enum bed_who other)
{
	say(from);
	bed_request(from, "BYE", NULL);
	bed_take(from, "SIP/2.0 200 ");
	bed_take(other, "BYE ");
	say(other);
	bed_reply(other, 200, NULL);
}

static void change(enum bed_who from, enum bed_who to)
{
	say(from);
	bed_request(from, "INVITE", from == A ? SDP_A "a=sendonly\n" : SDP_B "a=sendonly\n");
	bed_take(to, "INVITE ");
	say(to);
	bed_reply(to, 488, NULL);
	bed_take(to, "ACK ");
	bed_take(from, "SIP/2.0 488 ");
}

static void fail_call(enum bed_who from, enum bed_who to)
{
	static const int statuses[] = {302, 401, 404, 486, 480, 500, 603};

	say(to);
	bed_reply(to, statuses[pick(7)], NULL);
	bed_take(to, "ACK ");
	bed_take(from, "SIP/2.0 ");
}

static void cancel_call(enum bed_who from, enum bed_who to)
{
	bed_reply(to, 180, NULL);
	bed_skip(from);
	say(from);
	bed_cancel(from);
	bed_take(from, "SIP/2.0 487 ");
	bed_take(to, "CANCEL ");
	say(to);
	bed_reply(to, 200, NULL);
	bed_skip(to);
}

static void answer(enum bed_who from, enum bed_who to)
{
	say(to);
	bed_reply(to, 200, body(to));
	bed_take(from, "SIP/2.0 200 ");
	say(from);
	bed_ack(from, NULL);
	bed_take(to, "ACK ");
	if (!pick(3))
		change(from, to);
	if (!pick(3))
		change(to, from);
	if (pick(2))
		hang_up(from, to);
	else
		hang_up(to, from);
}

static void one_call(void)
{
	enum bed_who from = pick(2) ? A : B, to = from == A ? B : A;
	static const int early[] = {180, 183, 183};

	say(from);
	bed_invite(from, body(from));
	if (!bed_take_any(to)) { /* a part that must be read and may not be shown */
		bed_take(from, "SIP/2.0 488 ");
		return;
	}
	if (pick(2)) {
		say(to);
		bed_reply(to, early[pick(3)], pick(2) ? body(to) : NULL);
		bed_take_any(from);
	}
	switch (pick(5)) {
	case 0:
		fail_call(from, to);
		break;
	case 1:
		cancel_call(from, to);
		break;
	default:
		answer(from, to);
	}
	bed_run_ms(40000);
	bed_skip(A);
	bed_skip(B);
}

/* The same with nobody believed, with everybody believed, and with peers that pass what they do not know. */
static const char *const policies[] = {
	"{}",
	"{'identity':{'trust':true}}",
	"{'identity':{'trust':true,'remote_party_id':'both','redirection':'diversion'},"
	"'headers':{'unknown':'pass'},'body':{'opaque':'pass'}}",
	"{'headers':{'unknown':'pass','rules':[{'direction':'in','action':'pass','header':'X-*'},"
	"{'direction':'in','action':'pass','header':'Warning'},"
	"{'direction':'in','action':'pass','header':'P-*'},"
	"{'direction':'out','action':'pass','header':'Call-Info'},"
	"{'direction':'in','action':'replace','header':'User-Agent','value':'{value}'}]},"
	"'identity':{'redirection':'history-info'},'causes':{'reason':'add','prefer':'q850'}}",
};

static void thousand_calls(void **unused)
{
	const char *only = getenv("LEAK_SEED");
	unsigned per = CALLS / 4;

	(void)unused;
	for (unsigned i = 0; i < 4; i++) {
		char peers[4096];

		snprintf(peers, sizeof(peers),
			 "'pbx':{'realm':'core','sources':['10.0.0.0/24'],'policy':%s,"
			 "'next_hops':['sip:10.0.0.10']},"
			 "'bnet':{'realm':'peering','sources':['198.51.100.0/24'],'policy':%s,"
			 "'domains':['b.example'],'next_hops':['sip:198.51.100.20']}",
			 policies[i], policies[i]);
		bed_down();
		bed_up(peers, "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]},"
			      "{'name':'in','from':['bnet'],'to':[{'peer':'pbx'}]}");
		for (unsigned k = 0; k < per; k++) {
			unsigned seed = i * per + k;

			if (only && (unsigned)atoi(only) != seed)
				continue;
			state = seed * 2654435761U + 1;
			print_message(seed % 100 ? "" : "call %u\n", seed);
			one_call();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {BED_TEST(thousand_calls)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
