/* SPDX-License-Identifier: Apache-2.0 */
/* Order of candidates: priority, weighted chance (RFC 2782), next hops that failed last. */
#include "tests/unit/sbe/route/route_bed.h"

#include <stdio.h>
#include <string.h>

static struct bed bed;

static void up(const char *members)
{
	bed_down(&bed);
	if (bed_up(&bed, members))
		fail_msg("%s", bed.error.text);
}

static int down(void **state)
{
	(void)state;
	bed_down(&bed);
	return 0;
}

static void priority_before_weight(void **state)
{
	(void)state;
	up("'routes':[{'name':'r','to':[{'peer':'cnet','priority':10,'weight':60000},"
	   "{'peer':'dnet','priority':2,'weight':1},{'peer':'pbx','priority':300,'weight':0}]}]");
	for (int i = 0; i < 100; i++)
		assert_string_equal(bed_plan(&bed, "bnet", "1", "a.example", 0),
				    "r: dnet/0 cnet/0 pbx/0");
}

/* Of 10000 draws each share may be off by 5 standard deviations at most (one failure in a million seeds). */
static void shares_follow_weights(void **state)
{
	(void)state;
	int c = 0, d = 0, p = 0;

	up("'routes':[{'name':'r','to':[{'peer':'cnet','weight':70},{'peer':'dnet','weight':20},"
	   "{'peer':'pbx','weight':10}]}]");
	for (int i = 0; i < 10000; i++) {
		const char *plan = bed_plan(&bed, "bnet", "1", "a.example", 0);

		c += !strncmp(plan, "r: cnet", 7);
		d += !strncmp(plan, "r: dnet", 7);
		p += !strncmp(plan, "r: pbx", 6);
		/* all are there, whatever the order */
		assert_true(strstr(plan, "cnet/0") && strstr(plan, "dnet/0") &&
			    strstr(plan, "pbx/0"));
	}
	assert_int_equal(c + d + p, 10000);
	assert_in_range(c, 6770 - 60, 7230 + 60);
	assert_in_range(d, 1800, 2200);
	assert_in_range(p, 850, 1150);
}

static void weight_zero_now_and_then(void **state)
{
	(void)state;
	int zero = 0;

	up("'routes':[{'name':'r','to':[{'peer':'cnet','weight':9},{'peer':'dnet','weight':0}]}]");
	for (int i = 0; i < 10000; i++)
		zero += !strncmp(bed_plan(&bed, "bnet", "1", "a.example", 0), "r: dnet", 7);
	assert_in_range(zero, 850, 1150); /* the one point 0 of 0..9 */
}

static void without_the_blocked_one_the_rest_shares(void **state)
{
	(void)state;
	int d = 0;

	up("'routes':[{'name':'r','to':[{'peer':'cnet','weight':1000},{'peer':'dnet','weight':1},"
	   "{'peer':'pbx','weight':1}]}]");
	peer_block(bed_peer(&bed, "cnet"), true);
	for (int i = 0; i < 1000; i++) {
		const char *plan = bed_plan(&bed, "bnet", "1", "a.example", 0);

		assert_null(strstr(plan, "cnet"));
		d += !strncmp(plan, "r: dnet", 7);
	}
	assert_in_range(d, 250, 750);
}

static void failed_hop_is_last_until_it_may_retry(void **state)
{
	(void)state;
	up("'routes':[{'name':'r','to':[{'peer':'bnet'}]}]");
	peer_hop_failed(bed_peer(&bed, "bnet"), 0, 1000);
	assert_string_equal(bed_plan(&bed, "pbx", "1", "a.example", 1000), "r: bnet/1 bnet/0");
	assert_string_equal(bed_plan(&bed, "pbx", "1", "a.example", 1000 + PEER_RETRY_MS),
			    "r: bnet/0 bnet/1");
	peer_hop_set_down(bed_peer(&bed, "bnet"), 0, "no answer");
	assert_string_equal(bed_plan(&bed, "pbx", "1", "a.example", 99999), "r: bnet/1 bnet/0");
}

/* A plan is a plain struct: more hops than fit are left out, not written behind it. */
static void bounded(void **state)
{
	(void)state;
	char members[4096];
	size_t n = 0;

	n += (size_t)snprintf(members + n, sizeof(members) - n, "'routes':[{'name':'r','to':[");
	n += (size_t)snprintf(members + n, sizeof(members) - n,
			      "{'peer':'bnet'},{'peer':'cnet'},{'peer':'dnet'},{'peer':'pbx'}]}]");
	up(members);
	/* the bed's peers have one or two hops: more are added by hand */
	for (int k = 0; k < 3; k++) {
		struct peer *p = bed_peer(&bed, k == 0 ? "bnet" : k == 1 ? "cnet" : "dnet");

		for (size_t i = 1; i < PEER_HOPS_MAX; i++)
			p->hops[i] = p->hops[0];
		p->nhops = PEER_HOPS_MAX;
	}
	bed_plan(&bed, NULL, "1", "a.example", 0);
	assert_int_equal(bed.plan.n, ROUTE_CANDIDATES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(priority_before_weight),
		cmocka_unit_test(shares_follow_weights),
		cmocka_unit_test(weight_zero_now_and_then),
		cmocka_unit_test(without_the_blocked_one_the_rest_shares),
		cmocka_unit_test(failed_hop_is_last_until_it_may_retry),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests_name("sbe/route_pick", tests, NULL, down);
}
