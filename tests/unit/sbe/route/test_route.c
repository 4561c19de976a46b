/* SPDX-License-Identifier: Apache-2.0 */
/* Which route a call takes, and why (E6, E11; the steps are what `route test` prints). */
#include "tests/unit/sbe/route/route_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "tests/lib/oom.h"

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

#define PLAN(from, user, host, expected)                                                           \
	assert_string_equal(bed_plan(&bed, from, user, host, 1000), expected)

static void absent_matches_all_of_ours(void **state)
{
	(void)state;
	up("'routes':[{'name':'any','to':[{'peer':'bnet'}]}]");
	PLAN("pbx", "+4420", "a.example", "any: bnet/0 bnet/1");
	PLAN("cnet", "alice", "A.Example", "any: bnet/0 bnet/1");
	PLAN("pbx", "", "a.example", "any: bnet/0 bnet/1");
	/* E11: a domain that is not ours is not relayed */
	PLAN("pbx", "+4420", "b.example", "404 no route");
}

static void from_number_and_domain_must_all_match(void **state)
{
	(void)state;
	up("'routes':[{'name':'x','from':['pbx','dnet'],'number':'+44','domain':'B.example',"
	   "'to':[{'peer':'cnet'}]}]");
	PLAN("pbx", "+4420", "b.example", "x: cnet/0");
	PLAN("dnet", "+4420", "b.example", "x: cnet/0");
	PLAN("bnet", "+4420", "b.example", "404 no route");
	PLAN("pbx", "+4320", "b.example", "404 no route");
	PLAN("pbx", "+4420", "a.example", "404 no route");
	PLAN("pbx", "+4", "b.example", "404 no route");
}

static void separators_do_not_count(void **state)
{
	(void)state;
	up("'routes':[{'name':'x','number':'+44 (20)','to':[{'peer':'cnet'}]},"
	   "{'name':'who','number':'12','to':[{'peer':'dnet'}]}]");
	PLAN("pbx", "+44-20.7946;phone-context=x", "a.example", "x: cnet/0");
	PLAN("pbx", "+4.4(2)0", "a.example", "x: cnet/0");
	PLAN("pbx", "4420", "a.example", "404 no route"); /* + is part of a number */
	PLAN("pbx", "1-2", "a.example", "who: dnet/0");
	PLAN("pbx", "1.x", "a.example",
	     "404 no route"); /* no number: a user's name keeps its dots */
}

static void longest_number_of_a_rank_wins(void **state)
{
	(void)state;
	up("'routes':[{'name':'short','number':'+4','to':[{'peer':'bnet'}]},"
	   "{'name':'all','to':[{'peer':'pbx'}]},"
	   "{'name':'long','number':'+442','to':[{'peer':'cnet'}]},"
	   "{'name':'long2','number':'+442','to':[{'peer':'dnet'}]}]");
	PLAN("pbx", "+4420", "a.example", "long: cnet/0");
	PLAN("pbx", "+4320", "a.example", "short: bnet/0 bnet/1");
	PLAN("pbx", "+1", "a.example", "all: pbx/0");
	peer_block(bed_peer(&bed, "cnet"), true);
	PLAN("bnet", "+4420", "a.example", "long2: dnet/0"); /* equals: order of the file */
	peer_block(bed_peer(&bed, "dnet"), true);
	PLAN("bnet", "+4420", "a.example", "short: bnet/0 bnet/1");
}

static void ranks_keep_the_order_of_the_file(void **state)
{
	(void)state;
	up("'routes':[{'name':'mine','from':['pbx'],'number':'+4','to':[{'peer':'bnet'}]},"
	   "{'name':'long','number':'+442','to':[{'peer':'cnet'}]},"
	   "{'name':'mine2','from':['pbx'],'number':'+44','to':[{'peer':'dnet'}]}]");
	PLAN("pbx", "+4420", "a.example",
	     "mine2: dnet/0"); /* its rank stands first, it is the longest of it */
	PLAN("cnet", "+4420", "a.example", "long: cnet/0");
	up("'routes':[{'name':'long','number':'+442','to':[{'peer':'cnet'}]},"
	   "{'name':'mine','from':['pbx'],'number':'+4421','to':[{'peer':'bnet'}]}]");
	PLAN("pbx", "+44210", "a.example", "long: cnet/0");
}

static void first_match_with_usable_peers(void **state)
{
	(void)state;
	up("'routes':[{'name':'one','to':[{'peer':'cnet'}]},{'name':'two','to':[{'peer':'dnet'},{'peer':'bnet',"
	   "'priority':2}]}]");
	peer_block(bed_peer(&bed, "cnet"), true);
	PLAN("pbx", "1", "a.example", "two: dnet/0 bnet/0 bnet/1");
	peer_hop_set_down(bed_peer(&bed, "dnet"), 0, "no answer");
	PLAN("pbx", "1", "a.example", "two: bnet/0 bnet/1");
	peer_block(bed_peer(&bed, "bnet"), true);
	PLAN("pbx", "1", "a.example", "503 all peers of the route are blocked or down");
	peer_block(bed_peer(&bed, "cnet"), false);
	PLAN("pbx", "1", "a.example", "one: cnet/0");
}

static void reasons_of_503(void **state)
{
	(void)state;
	up("'routes':[{'name':'one','to':[{'peer':'cnet'}]}]");
	peer_block(bed_peer(&bed, "cnet"), true);
	PLAN("pbx", "1", "a.example", "503 all peers of the route are blocked");
	peer_block(bed_peer(&bed, "cnet"), false);
	peer_hop_set_down(bed_peer(&bed, "cnet"), 0, "no answer");
	PLAN("pbx", "1", "a.example", "503 all peers of the route are down");
}

static void a_route_may_send_back(void **state)
{
	(void)state;
	up("'routes':[{'name':'hairpin','from':['cnet'],'to':[{'peer':'cnet'}]}]");
	PLAN("cnet", "1", "a.example", "hairpin: cnet/0");
}

/* ---- lookup and location */

static void strict_without_lookup(void **state)
{
	(void)state;
	up("");
	PLAN("pbx", "x", "b.example", "404 no route");
	up("'lookup':[{'type':'table'}],'location':[{'type':'peers'}]");
	PLAN("pbx", "x", "b.example", "404 no route");
	up("'lookup':[{'type':'uri'}]");
	PLAN("pbx", "x", "b.example", "404 no route");
}

static void uri_and_peers(void **state)
{
	(void)state;
	up("'routes':[{'name':'r','domain':'c.example','to':[{'peer':'dnet'}]}],"
	   "'lookup':[{'type':'table'},{'type':'uri'}],'location':[{'type':'peers'}]");
	PLAN("pbx", "x", "B.example", "lookup uri: bnet/0 bnet/1");
	PLAN("pbx", "x", "c.example", "r: dnet/0"); /* a route comes first */
	PLAN("pbx", "x", "e.example", "404 no route");
	PLAN("pbx", "x", "a.example", "404 no route");  /* ours is nobody else's */
	PLAN("bnet", "x", "b.example", "404 no route"); /* never back by lookup */
	PLAN("pbx", "x", "mute.example", "503 all peers of the route are down");
	peer_block(bed_peer(&bed, "bnet"), true);
	PLAN("pbx", "x", "b.example", "503 all peers of the route are blocked");
	/* the route named the target: that it cannot be reached is no reason to ask elsewhere */
	peer_block(bed_peer(&bed, "dnet"), true);
	PLAN("pbx", "x", "c.example", "503 all peers of the route are blocked");
}

static void nobody_asks(void **state)
{
	(void)state;
	up("'routes':[{'name':'b','from':['pbx'],'number':'+44','to':[{'peer':'bnet'}]}],"
	   "'lookup':[{'type':'uri'}],'location':[{'type':'peers'}]");
	PLAN(NULL, "+4420", "a.example", "b: bnet/0 bnet/1");
	PLAN(NULL, "x", "c.example", "lookup uri: cnet/0");
}

/* ---- why */

static void why_is(const char *from, const char *user, const char *host, const char *expected)
{
	char *why = bed_why(&bed, from, user, host);

	assert_string_equal(why, expected);
	free(why);
}

static void why_of_a_route(void **state)
{
	(void)state;
	up("'routes':[{'name':'emergency','number':'112','to':[{'peer':'pbx'}]},"
	   "{'name':'other','from':['cnet'],'to':[{'peer':'pbx'}]},"
	   "{'name':'far','domain':'c.example','to':[{'peer':'cnet'}]},"
	   "{'name':'uk','number':'+44','to':[{'peer':'cnet','priority':2},{'peer':'bnet'},{'peer':'dnet','priority':3}]},"
	   "{'name':'rest','to':[{'peer':'dnet'}]}]");
	peer_block(bed_peer(&bed, "dnet"), true);
	peer_hop_failed(bed_peer(&bed, "bnet"), 0, clock_now_ms());
	peer_hop_set_down(bed_peer(&bed, "bnet"), 1, "no answer");
	why_is("pbx", "+44 20", "a.example",
	       "from pbx: matched: the call comes from peer pbx in realm core\n"
	       "target +44 20@a.example: ours: number or user +4420, domain a.example is one of ours\n"
	       "route emergency: skipped: +4420 does not begin with 112\n"
	       "route other: skipped: it is not for calls from pbx\n"
	       "route far: skipped: it is for domain c.example, not a.example\n"
	       "route uk: matched: number +44\n"
	       "candidate bnet sip:127.0.0.20: 1: priority 1, weight 1; tried last since it failed lately\n"
	       "candidate bnet sip:127.0.0.21;transport=tcp: 2: priority 1, weight 1; tried last since probes find it "
	       "down\n"
	       "candidate cnet sip:127.0.0.30: 3: priority 2, weight 1\n"
	       "peer dnet: left out: the operator has blocked it\n"
	       "result uk: 3: next hops are tried in this order\n");
}

static void why_of_a_lookup(void **state)
{
	(void)state;
	up("'routes':[{'name':'uk','number':'+44','to':[{'peer':'cnet'}]}],"
	   "'lookup':[{'type':'table'},{'type':'uri'}],'location':[{'type':'peers'}]");
	why_is(NULL, "bob", "b.example",
	       "from : any: no peer is asked for: every route counts\n"
	       "target bob@b.example: foreign: number or user bob, domain b.example is not one of ours\n"
	       "route uk: skipped: it has no domain, so it is for our own, and b.example is not one\n"
	       "lookup table: nothing: the routes name no target\n"
	       "lookup uri: found: target domain b.example\n"
	       "location peers: found: b.example belongs to peer bnet\n"
	       "candidate bnet sip:127.0.0.20: 1: priority 1, weight 1\n"
	       "candidate bnet sip:127.0.0.21;transport=tcp: 2: priority 1, weight 1\n"
	       "result lookup uri: 2: next hops are tried in this order\n");
	why_is("bnet", "bob", "b.example",
	       "from bnet: matched: the call comes from peer bnet in realm peering\n"
	       "target bob@b.example: foreign: number or user bob, domain b.example is not one of ours\n"
	       "route uk: skipped: it has no domain, so it is for our own, and b.example is not one\n"
	       "lookup table: nothing: the routes name no target\n"
	       "lookup uri: found: target domain b.example\n"
	       "location peers: nothing: b.example belongs to bnet, where the call comes from: only a route may "
	       "send it back\n"
	       "result : 404: the call is refused: no route\n");
}

/* C3: what a caller writes must neither break the answer nor the terminal. */
static void why_of_odd_bytes(void **state)
{
	(void)state;
	up("'routes':[{'name':'uk','number':'+44','to':[{'peer':'cnet'}]}]");
	why_is("pbx", "\xff\x1b[2J%s", "a.example",
	       "from pbx: matched: the call comes from peer pbx in realm core\n"
	       "target ??[2J%s@a.example: ours: number or user ??[2J%s, domain a.example is one of ours\n"
	       "route uk: skipped: ??[2J%s does not begin with +44\n"
	       "result : 404: the call is refused: no route\n");
}

static void listed(void **state)
{
	(void)state;
	json_t *list;
	char *text;

	up("'routes':[{'name':'uk','from':['pbx','cnet'],'number':'+44','domain':'x.example',"
	   "'to':[{'peer':'bnet','priority':2,'weight':3},{'peer':'dnet'}]},{'name':'rest','to':[{'peer':'pbx'}]}]");
	peer_block(bed_peer(&bed, "dnet"), true);
	list = route_list(bed.routes);
	text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(
		text,
		"{\"columns\":[\"name\",\"from\",\"number\",\"domain\",\"to\"],\"rows\":["
		"[\"uk\",\"pbx cnet\",\"+44\",\"x.example\",\"dnet (1/1, blocked) bnet (2/3)\"],"
		"[\"rest\",\"all\",\"all\",\"ours\",\"pbx (1/1)\"]]}");
	free(text);
	json_decref(list);
}

static int build(void *arg)
{
	struct route_set *s;
	int err = route_set_new(&((struct bed *)arg)->lists, NULL, bed.peers, &s);

	if (!err)
		route_set_free(s);
	return err;
}

static void out_of_memory_leaves_nothing(void **state)
{
	(void)state;
	up("'routes':[{'name':'uk','number':'+44','to':[{'peer':'bnet'}]},{'name':'r','to':[{'peer':'pbx'}]}]");
	assert_true(oom_each(build, &bed) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_matches_all_of_ours),
		cmocka_unit_test(from_number_and_domain_must_all_match),
		cmocka_unit_test(separators_do_not_count),
		cmocka_unit_test(longest_number_of_a_rank_wins),
		cmocka_unit_test(ranks_keep_the_order_of_the_file),
		cmocka_unit_test(first_match_with_usable_peers),
		cmocka_unit_test(reasons_of_503),
		cmocka_unit_test(a_route_may_send_back),
		cmocka_unit_test(strict_without_lookup),
		cmocka_unit_test(uri_and_peers),
		cmocka_unit_test(nobody_asks),
		cmocka_unit_test(why_of_a_route),
		cmocka_unit_test(why_of_a_lookup),
		cmocka_unit_test(why_of_odd_bytes),
		cmocka_unit_test(listed),
		cmocka_unit_test(out_of_memory_leaves_nothing),
	};

	return cmocka_run_group_tests_name("sbe/route", tests, NULL, down);
}
