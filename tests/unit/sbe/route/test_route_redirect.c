/* SPDX-License-Identifier: Apache-2.0 */
/* What a 3xx adds to a plan, and what it does not (A27, C19); the calls around it: test_call_redirect. */
#include "tests/unit/sbe/route/route_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/route/route_redirect.h"

static struct bed bed;
static struct route_plan plan;
static struct route_redirect_said said;
static unsigned long without_memory; /* which allocation of the redirect fails */

static bool never_ours(void *arg, struct wire_text host, uint16_t port)
{
	(void)arg;
	(void)host;
	(void)port;
	return false;
}

static void forget(void)
{
	for (size_t i = 0; i < plan.n; i++)
		mem_unref(plan.candidates[i].peer);
	mem_unref(plan.targets);
	memset(&plan, 0, sizeof(plan));
}

static int down(void **state)
{
	(void)state;
	forget();
	bed_down(&bed);
	return 0;
}

/* A plan of cnet alone, as the call keeps it. */
static void up(void)
{
	wire_setup();
	forget();
	bed_down(&bed);
	if (bed_up(&bed, ""))
		fail_msg("%s", bed.error.text);
	plan.n = 1;
	plan.candidates[0] = (struct route_candidate){.peer = mem_ref(bed_peer(&bed, "cnet"))};
}

static size_t redirect_at(size_t at, unsigned invites, const char *contacts)
{
	struct route_redirect r = {.peers = bed.peers,
				   .from = bed_peer(&bed, "pbx"),
				   .ours = never_ours,
				   .user = "+44",
				   .at = at,
				   .invites = invites,
				   .now_ms = 1000};
	struct wire_msg *m = NULL;
	const char *why = "";
	static char text[16384];
	int len = snprintf(text, sizeof(text),
			   "SIP/2.0 302 Moved\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			   "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n"
			   "CSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
			   contacts);
	size_t n;

	if (wire_parse((const uint8_t *)text, (size_t)len, &m, &why))
		fail_msg("%s", why);
	mem_fail_at(without_memory);
	n = route_redirect(&r, m, &plan, &said);
	mem_fail_at(0);
	mem_unref(m);
	return n;
}

/* "cnet/0 bnet/0=+1 ..." */
static const char *candidates(void)
{
	static char text[2048];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < plan.n; i++) {
		const struct route_target *t = route_target(&plan, i);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s/%zu%s%s", i ? " " : "",
				      plan.candidates[i].peer->name, plan.candidates[i].hop,
				      t ? "=" : "", t ? t->user : "");
	}
	return text;
}

/* A domain is all next hops of its peer, those that failed lately last. */
static void hops_of_a_domain(void **state)
{
	struct peer *b;

	(void)state;
	up();
	b = bed_peer(&bed, "bnet");
	assert_int_equal(redirect_at(0, 1, "Contact: <sip:+1@B.EXAMPLE>\r\n"), 2);
	assert_string_equal(candidates(), "cnet/0 bnet/0=+1 bnet/1=+1");
	assert_string_equal(route_target(&plan, 1)->host, "B.EXAMPLE");
	assert_null(route_target(&plan, 0));
	assert_int_equal(plan.candidates[1].depth, 1);
	up();
	b = bed_peer(&bed, "bnet");
	peer_hop_failed(b, 0, 900);
	assert_int_equal(redirect_at(0, 1, "Contact: <sip:+1@b.example>\r\n"), 2);
	assert_string_equal(candidates(), "cnet/0 bnet/1=+1 bnet/0=+1");
}

/* Behind the one that redirected, before what was planned behind it. */
static void before_the_rest(void **state)
{
	(void)state;
	up();
	plan.candidates[plan.n++] =
		(struct route_candidate){.peer = mem_ref(bed_peer(&bed, "dnet"))};
	assert_int_equal(redirect_at(0, 1,
				     "Contact: <sip:+1@b.example>;q=0.2\r\n"
				     "Contact: <sip:+2@d.example>;q=0.4\r\n"),
			 3);
	assert_string_equal(candidates(), "cnet/0 dnet/0=+2 bnet/0=+1 bnet/1=+1 dnet/0");
	assert_int_equal(said.n, 2);
	assert_string_equal(said.contacts[0].result, "redirect_taken");
	/* the next one redirects too; what is there already is not taken twice */
	assert_int_equal(redirect_at(1, 2,
				     "Contact: <sip:+1@b.example>, <sip:+44@d.example>,"
				     "<sip:+3@d.example>\r\n"),
			 2);
	/* who was planned for later comes at once, and only once */
	assert_string_equal(candidates(),
			    "cnet/0 dnet/0=+2 dnet/0=+44 dnet/0=+3 bnet/0=+1 bnet/1=+1");
	assert_int_equal(plan.candidates[2].depth, 2);
	assert_string_equal(said.contacts[0].result, "redirect_loop");
	assert_string_equal(said.contacts[1].result, "redirect_taken");
}

static void bounds(void **state)
{
	static char lines[60 * 40];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(lines + n, sizeof(lines) - n,
				      "Contact: <sip:+%d@d.example>\r\n", i + 100);
	up();
	assert_int_equal(redirect_at(0, 1, lines), 9); /* ten INVITEs with the first */
	assert_int_equal(said.n, ROUTE_CONTACTS_MAX);
	assert_string_equal(said.contacts[9].result, "redirect_many");
	assert_int_equal(plan.n, 10);
	assert_int_equal(redirect_at(1, 2, "Contact: <sip:+1@d.example>\r\n"), 1);
	assert_int_equal(redirect_at(2, 3, "Contact: <sip:+2@d.example>\r\n"), 0); /* ten of them */
	up();
	assert_int_equal(redirect_at(0, 9, lines), 1);
	up();
	assert_int_equal(redirect_at(0, 10, lines), 0);
	assert_int_equal(plan.n, 1);
	up();
	plan.candidates[0].depth = ROUTE_REDIRECT_DEPTH_MAX;
	assert_int_equal(redirect_at(0, 1, lines), 0);
	assert_string_equal(said.contacts[0].result, "redirect_depth");
}

/* Without memory for the targets nothing is taken, and nothing is changed. */
static void no_memory(void **state)
{
	bool failed = false;

	(void)state;
	for (unsigned long i = 1; i < 40 && !failed; i++) {
		struct route_plan before;

		up();
		before = plan;
		without_memory = i;
		failed = redirect_at(0, 1, "Contact: <sip:+1@b.example>\r\n") == 0;
		if (failed)
			assert_memory_equal(&plan, &before, sizeof(plan));
	}
	assert_true(failed);
	without_memory = 0;
	assert_int_equal(redirect_at(0, 1, "Contact: <sip:+1@b.example>\r\n"), 2);
}

static void qualities(void **state)
{
	(void)state;
	up();
	assert_int_equal(redirect_at(0, 1,
				     "Contact: <sip:+1@d.example>;q=0.001\r\n"
				     "Contact: <sip:+2@d.example>;q=1.000\r\n"
				     "Contact: <sip:+3@d.example>;q=0.5\r\n"
				     "Contact: <sip:+4@d.example>\r\n"
				     "Contact: <sip:+5@d.example>;q=2\r\n"
				     "Contact: <sip:+6@d.example>;q=0.51\r\n"
				     "Contact: <sip:+7@d.example>;q=0.1234\r\n"),
			 7);
	assert_string_equal(candidates(), "cnet/0 dnet/0=+2 dnet/0=+4 dnet/0=+6 dnet/0=+3 "
					  "dnet/0=+1 dnet/0=+5 dnet/0=+7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(hops_of_a_domain, down),
		cmocka_unit_test_teardown(before_the_rest, down),
		cmocka_unit_test_teardown(bounds, down),
		cmocka_unit_test_teardown(qualities, down),
		cmocka_unit_test_teardown(no_memory, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
