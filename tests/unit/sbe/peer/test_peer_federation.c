/* SPDX-License-Identifier: Apache-2.0 */
/* Caps that all members of a federation share, over reloads too, and what a federation may not say (A12). */
#include <string.h>

#include "common/mem.h"
#include "tests/unit/sbe/peer/peer_bed.h"

#define S 1000000ULL
#define TWO(cap)                                                                                   \
	"{'federations':{'eu':{'cap':{" cap "}},'us':{}},'peers':{"                                \
	"'a':{'realm':'r','sources':['10.0.0.1'],'federations':['eu','us']},"                      \
	"'b':{'realm':'r','sources':['10.0.0.2'],'federations':['eu']},"                           \
	"'c':{'realm':'r','sources':['10.0.0.3']}}}"

static void sessions_are_counted_over_all_members(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(TWO("'sessions':3"), NULL);
	struct peer *a = peer_find_name(s, "a"), *b = peer_find_name(s, "b"),
		    *c = peer_find_name(s, "c");

	assert_ptr_equal(a->member.of[0], b->member.of[0]);
	assert_int_equal(peer_take(a, PEER_IN, S), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(a, PEER_OUT, S), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(b, PEER_IN, S), PEER_LIMIT_NONE);
	assert_int_equal(peer_would_refuse(b, PEER_OUT, S), PEER_LIMIT_FEDERATION_SESSIONS);
	assert_int_equal(peer_take(a, PEER_IN, S), PEER_LIMIT_FEDERATION_SESSIONS);
	assert_int_equal(a->member.of[0]->limited, 1);
	assert_int_equal(a->member.of[1]->limited, 0);
	assert_int_equal(a->state->limited_by[PEER_LIMIT_FEDERATION_SESSIONS], 1);
	assert_int_equal(peer_take(c, PEER_IN, S), PEER_LIMIT_NONE); /* is in none */
	assert_int_equal(peer_take_urgent(b, PEER_IN), PEER_LIMIT_NONE);
	peer_give(b, PEER_IN);
	peer_give(a, PEER_OUT);
	assert_int_equal(peer_take(b, PEER_OUT, S), PEER_LIMIT_NONE);
	assert_int_equal(a->member.of[0]->sessions, 3);
	assert_int_equal(a->member.of[1]->sessions, 1);
	peer_set_free(s);
}

static void calls_a_second_are_one_bucket(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(TWO("'cps':2"), NULL);
	struct peer *a = peer_find_name(s, "a"), *b = peer_find_name(s, "b");

	assert_int_equal(peer_take(a, PEER_IN, S), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(b, PEER_IN, S), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(a, PEER_IN, S), PEER_LIMIT_FEDERATION_CPS);
	assert_int_equal(peer_take(b, PEER_OUT, S), PEER_LIMIT_FEDERATION_CPS);
	assert_int_equal(peer_take(b, PEER_OUT, 3 * S / 2), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(a, PEER_IN, 3 * S / 2), PEER_LIMIT_FEDERATION_CPS);
	peer_set_free(s);
}

static void a_reload_counts_on(void **state)
{
	(void)state;
	struct peer_set *old = bed_set(TWO("'sessions':2"), NULL), *new;
	struct peer *a = mem_ref(peer_find_name(old, "a"));

	assert_int_equal(peer_take(a, PEER_IN, S), PEER_LIMIT_NONE);
	new = bed_set(TWO("'sessions':1"), old);
	assert_int_equal(peer_take(peer_find_name(new, "b"), PEER_IN, S),
			 PEER_LIMIT_FEDERATION_SESSIONS);
	assert_int_equal(peer_would_refuse(peer_find_name(old, "b"), PEER_IN, S),
			 PEER_LIMIT_NONE); /* the old cap is as it was */
	peer_set_free(old);
	peer_give(a, PEER_IN); /* the call of the old configuration ends */
	mem_unref(a);
	assert_int_equal(peer_take(peer_find_name(new, "b"), PEER_IN, S), PEER_LIMIT_NONE);
	peer_set_free(new);
}

static void refused(const char *conf, const char *why)
{
	assert_null(bed_conf(conf));
	if (!strstr(bed_error.text, why))
		fail_msg("not \"%s\" but \"%s\"", why, bed_error.text);
}

#define FED(rules, names)                                                                          \
	"{'federations':{'eu':{'rules':{" rules "}}},"                                             \
	"'peers':{'a':{'realm':'r','sources':['10.0.0.1'],'federations':[" names "]}}}"

static void what_cannot_be_said(void **state)
{
	(void)state;
	refused(FED("", "'us'"), "peers.a.federations[0]: there is no \"us\" in federations");
	refused(FED("", "'eu','eu'"), "peers.a.federations[1]: is listed twice");
	refused(FED("'sources':['10.0.0.0/8']", "'eu'"),
		"federations.eu.rules.sources: belongs to one peer");
	refused(FED("'domains':['a.example']", ""), "federations.eu.rules.domains: belongs to one");
	refused(FED("'next_hops':['sip:10.0.0.1']", ""), "rules.next_hops: belongs to one");
	refused(FED("'federations':['eu']", ""), "rules.federations: belongs to one");
	refused(FED("'mode':'on-demand'", ""), "rules.mode: belongs to one");
	refused(FED("'limits':{'sesions':1}", ""), "federations.eu.rules.limits.sesions: unknown");
	refused(FED("", "'a','b','c','d','e'"), "peers.a.federations: must have 0 to 4 items");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_counted_over_all_members),
		cmocka_unit_test(calls_a_second_are_one_bucket),
		cmocka_unit_test(a_reload_counts_on),
		cmocka_unit_test(what_cannot_be_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
