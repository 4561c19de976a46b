/* SPDX-License-Identifier: Apache-2.0 */
/* INVITE with Replaces that we do ourselves (RFC 3891); and transfers of both kinds when memory is short. */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

static void up(void)
{
	bed_down();
	bed_up("'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"
	       "'sip':{'refer':'absorb','replaces':'absorb'},'limits':{'sessions_in':3}},"
	       "'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"
	       "'next_hops':['sip:198.51.100.20'],'sip':{'refer':'absorb'}},"
	       "'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"
	       "'next_hops':['sip:198.51.100.30']}",
	       "{'name':'c','from':['pbx'],'number':'+49','to':[{'peer':'cnet'}]},"
	       "{'name':'out','from':['pbx'],'number':'+44','to':[{'peer':'bnet'}]},"
	       "{'name':'in','from':['bnet','cnet'],'to':[{'peer':'pbx'}]}");
}

/* ---- INVITE with Replaces ---- */

static void replace(struct bed_ua *old)
{
	static char line[500];

	bed_connect();
	*old = bed.ua[A];
	snprintf(line, sizeof(line), "Replaces: %s;to-tag=%s;from-tag=%s\nRequire: replaces\n",
		 old->call_id, strstr(old->remote, ";tag=") + 5, old->tag);
	bed.extra = line;
	bed_invite(A, BED_SDP("10.0.0.12", "4100"));
}

static void replaced(void **state)
{
	struct bed_ua old, now;
	const char *m;

	(void)state;
	up();
	replace(&old);
	m = bed_take(B, "INVITE sip:user@198.51.100.20:5060 SIP/2.0\r\n");
	bed_lacks(m, "Replaces"); /* it sees another session, no more */
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	now = bed.ua[A];
	bed.ua[A] = old;
	bed_take_bye(A);
	bed.ua[A] = now;
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(call_count(bed.core), 1);
	assert_string_equal(bed_gate_remote(1, 0), "10.0.0.12:4100");
	bed_hang_up(B, A);
}

static void replacement_refused(void **state)
{
	struct bed_ua old;

	(void)state;
	up();
	replace(&old);
	bed_take(B, "INVITE ");
	bed_reply(B, 488, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 488 ");
	assert_int_equal(call_count(bed.core), 1);
	assert_int_equal(bed.gate.now, 1);
	bed.ua[A] = old;
	bed_hang_up(A, B);
}

/* The new phone gives up while B is being asked: B's answer is taken back. */
static void replacement_given_up(void **state)
{
	struct bed_ua old, b;
	bool restored = false;

	(void)state;
	up();
	replace(&old);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take_any(A);
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	b = bed.ua[B];
	bed_has(bed_take(B, "CANCEL "), "CANCEL");
	bed_skip(B);
	bed.ua[B] = b;
	bed_reply(B, 200, SDP_B); /* it had answered already */
	bed_skip(B);
	bed_run_ms(9000);
	while (bed_take_any(B)) {
		if (!strncmp(bed.ua[B].request, "INVITE ", 7) &&
		    strcmp(bed.ua[B].request, b.request) != 0) {
			bed_reply(B, 200, SDP_B);
			restored = true;
			break;
		}
	}
	bed_skip(B);
	assert_true(restored);
	assert_int_equal(call_count(bed.core), 1);
	bed.ua[A] = old;
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_skip(B);
	bed.idle_unchecked = true;
	bed_run_ms(70000);
	bed_skip(B);
}

/* ---- without memory ---- */

static void stopped(void *arg)
{
	(void)arg;
}

struct pair {
	struct bed_ua a1, b, a2, x;
};

/* All are patient and say yes to everything. */
static void serve(unsigned turns)
{
	static const enum bed_who all[] = {A, B, X};

	while (turns--) {
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			const char *m;

			while ((m = bed_take_any(all[i]))) {
				bool invite = !strncmp(m, "INVITE ", 7);

				if (!strncmp(m, "SIP/2.0 ", 8) || !strncmp(m, "ACK ", 4) ||
				    !strncmp(m, "CANCEL ", 7))
					continue;
				bed_reply(all[i], 200,
					  !invite       ? NULL
					  : all[i] == A ? SDP_A
							: SDP_B);
			}
		}
		bed_run_ms(500);
	}
}

/* Each allocation fails once: whatever comes of it, nothing crashes and nothing is left. */
static void without_memory(void **state)
{
	unsigned long left = 0;
	struct pair p;

	(void)state;
	for (unsigned story = 0; story < 3; story++) {
		for (unsigned n = 1; n < 200; n++) {
			up();
			if (story == 1) {
				bed_connect();
				p.b = bed.ua[B];
				p.a1 = bed.ua[A];
				bed_connect_as(X, A);
				p.a2 = bed.ua[A];
				bed.ua[A] = p.a1;
			} else {
				bed_connect();
			}
			bed.extra = "Refer-To: <sip:+4930@a.example>\n";
			if (story) {
				static char line[500];
				const struct bed_ua *u = story == 1 ? &p.a2 : &bed.ua[A];
				const char *id = u->call_id, *to = strstr(u->remote, ";tag=") + 5;

				if (story == 1)
					snprintf(line, sizeof(line),
						 "Refer-To: <sip:x@a.example?Replaces=%s%%3Bto-tag"
						 "%%3D%s%%3Bfrom-tag%%3D%s>\n",
						 id, to, u->tag);
				else
					snprintf(line, sizeof(line),
						 "Replaces: %s;to-tag=%s;from-tag=%s\n", id, to,
						 u->tag);
				bed.extra = line;
			}
			mem_fail_at(n);
			if (story == 2)
				bed_invite(A, SDP_A);
			else
				bed_request(A, "REFER", NULL);
			serve(20);
			left = mem_fail_left();
			mem_fail_at(0);
			call_shutdown(bed.core, stopped, NULL);
			serve(160);
			if (left)
				break; /* there are no more allocations than that */
		}
		assert_true(left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(replaced),
		BED_TEST(replacement_refused),
		BED_TEST(replacement_given_up),
		BED_TEST(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
