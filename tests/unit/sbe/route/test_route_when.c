/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table's inputs select differently (E7, A7): method, time of day in a stated zone, least cost, source (peer,
 * realm, calling number), measured quality, code prefix; a PSTN gateway as an entry (E6).
 */
#include "tests/unit/sbe/route/route_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define THU_NOON_MS (1767268800000ULL) /* 2026-01-01 12:00 UTC, a Thursday */
#define HOUR_MS 3600000ULL

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

#define PLAN(user, expected)                                                                       \
	assert_string_equal(bed_plan(&bed, "pbx", user, "a.example", 1000), expected)

static void refused(const char *members, const char *why)
{
	bed_down(&bed);
	assert_int_not_equal(bed_up(&bed, members), 0);
	if (!strstr(bed.error.text, why))
		fail_msg("\"%s\" is not in \"%s\"", why, bed.error.text);
}

static void by_code_prefix(void **state)
{
	(void)state;
	up("'routes':[{'name':'uk','number':'+44','to':[{'peer':'cnet'}]},"
	   "{'name':'london','number':'+4420','to':[{'peer':'dnet'}]}]");
	PLAN("+44161", "uk: cnet/0");
	PLAN("+44207", "london: dnet/0");
}

static void by_method(void **state)
{
	(void)state;
	up("'routes':[{'name':'im','when':{'methods':['MESSAGE','SUBSCRIBE']},'to':[{'peer':'cnet'}]},"
	   "{'name':'voice','to':[{'peer':'dnet'}]}]");
	bed.method = "MESSAGE";
	PLAN("+44", "im: cnet/0");
	bed.method = "INVITE";
	PLAN("+44", "voice: dnet/0");
	bed.method = NULL; /* nobody in particular asks */
	PLAN("+44", "im: cnet/0");
}

static void by_time_of_day(void **state)
{
	(void)state;
	up("'routes':[{'name':'office','when':{'times':['Mon-Fri 08:00-18:00'],'zone':'+01:00'},"
	   "'to':[{'peer':'cnet'}]},{'name':'night','to':[{'peer':'dnet'}]}]");
	bed.at_wall_ms = THU_NOON_MS;
	PLAN("+44", "office: cnet/0");
	bed.at_wall_ms = THU_NOON_MS - 5 * HOUR_MS; /* 07:00 UTC is 08:00 there */
	PLAN("+44", "office: cnet/0");
	bed.at_wall_ms = THU_NOON_MS - 5 * HOUR_MS - 1;
	PLAN("+44", "night: dnet/0");
	bed.at_wall_ms = THU_NOON_MS + 5 * HOUR_MS; /* 18:00 there: over */
	PLAN("+44", "night: dnet/0");
	bed.at_wall_ms = THU_NOON_MS + 48 * HOUR_MS; /* Saturday */
	PLAN("+44", "night: dnet/0");
	bed.at_wall_ms = 0; /* the clock of the machine */
	clock_fake(1000, THU_NOON_MS);
	assert_string_equal(bed_plan(&bed, "pbx", "+44", "a.example", 0), "office: cnet/0");
	clock_fake(1000, THU_NOON_MS + 12 * HOUR_MS);
	assert_string_equal(bed_plan(&bed, "pbx", "+44", "a.example", 0), "night: dnet/0");
	clock_real();
}

/* Over midnight the night belongs to the day it began on. */
static void over_midnight(void **state)
{
	(void)state;
	up("'routes':[{'name':'n','when':{'times':['Thu 22:00-06:00','Sat,Sun 00:00-24:00']},"
	   "'to':[{'peer':'cnet'}]}]");
	bed.at_wall_ms = THU_NOON_MS + 10 * HOUR_MS;
	PLAN("+44", "n: cnet/0");
	bed.at_wall_ms = THU_NOON_MS + 17 * HOUR_MS; /* Friday 05:00 */
	PLAN("+44", "n: cnet/0");
	bed.at_wall_ms = THU_NOON_MS + 18 * HOUR_MS;
	PLAN("+44", "404 no route");
	bed.at_wall_ms = THU_NOON_MS - 7 * HOUR_MS; /* Thursday 05:00 belongs to Wednesday */
	PLAN("+44", "404 no route");
	bed.at_wall_ms = THU_NOON_MS + 60 * HOUR_MS; /* Sunday 00:00 */
	PLAN("+44", "n: cnet/0");
	bed.at_wall_ms = THU_NOON_MS + 84 * HOUR_MS; /* Monday 00:00 */
	PLAN("+44", "404 no route");
}

static void by_cost(void **state)
{
	(void)state;
	up("'routes':[{'name':'x','to':[{'peer':'bnet','cost':7},{'peer':'cnet','cost':3},"
	   "{'peer':'dnet','cost':9,'priority':0}]}]");
	for (int i = 0; i < 20; i++) /* nothing is drawn: costs differ */
		PLAN("+44", "x: dnet/0 cnet/0 bnet/0 bnet/1");
}

static void by_source(void **state)
{
	(void)state;
	up("'routes':[{'name':'peer','from':['cnet'],'to':[{'peer':'pbx'}]},"
	   "{'name':'realm','when':{'realms':['peering']},'to':[{'peer':'dnet'}]},"
	   "{'name':'caller','when':{'calling':'+44 20'},'to':[{'peer':'cnet'}]},"
	   "{'name':'rest','to':[{'peer':'bnet'}]}]");
	bed.calling = "+33";
	assert_string_equal(bed_plan(&bed, "cnet", "1", "a.example", 1000), "peer: pbx/0");
	assert_string_equal(bed_plan(&bed, "bnet", "1", "a.example", 1000), "realm: dnet/0");
	PLAN("1", "rest: bnet/0 bnet/1");
	bed.calling = "%2B44-20-79";
	PLAN("1", "caller: cnet/0");
	bed.calling = ""; /* nobody says who calls */
	PLAN("1", "rest: bnet/0 bnet/1");
}

/* Figures decide who comes last; too few calls decide nothing. */
static void by_quality(void **state)
{
	struct route_quality q = {.calls = 100, .asr_percent = 60, .pdd_ms = 900};

	(void)state;
	up("'routes':[{'name':'x','to':[{'peer':'bnet','priority':1,"
	   "'quality':{'asr_percent':50,'pdd_ms':2000,'calls':20}},"
	   "{'peer':'cnet','priority':2}]}]");
	PLAN("1", "x: bnet/0 bnet/1 cnet/0"); /* nothing is known */
	bed.quality = &q;
	PLAN("1", "x: bnet/0 bnet/1 cnet/0");
	q.asr_percent = 49;
	PLAN("1", "x: cnet/0 bnet/0 bnet/1");
	q.calls = 19;
	PLAN("1", "x: bnet/0 bnet/1 cnet/0");
	q = (struct route_quality){.calls = 20, .asr_percent = 90, .pdd_ms = 2001};
	PLAN("1", "x: cnet/0 bnet/0 bnet/1");
}

/* B5: many egress elements: which one a request leaves by follows from where it goes. */
static void egress_by_destination(void **state)
{
	(void)state;
	up("'routes':[{'name':'uk','number':'+44','to':[{'peer':'dnet','sed':{'keep_ruri':true,"
	   "'route':['sip:o-sbe1.a.example']}}]},"
	   "{'name':'fr','number':'+33','to':[{'peer':'dnet','sed':{'keep_ruri':true,"
	   "'route':['sip:o-sbe2.a.example']}}]},"
	   "{'name':'in','number':'+1','to':[{'peer':'pbx'}]}]");
	PLAN("+44", "uk: dnet/0");
	assert_string_equal(bed.plan.candidates[0].sed->routes, "<sip:o-sbe1.a.example;lr>");
	PLAN("+33", "fr: dnet/0");
	assert_string_equal(bed.plan.candidates[0].sed->routes, "<sip:o-sbe2.a.example;lr>");
	/* or by the realm of the peer: its listener is the egress */
	assert_string_equal(bed_plan(&bed, "dnet", "+1", "a.example", 1000), "in: pbx/0");
	assert_string_equal(bed.plan.candidates[0].peer->conf->realm, "core");
}

/* E6: the gateway is one more entry, behind those who reach the number by SIP. */
static void a_gateway_is_an_entry(void **state)
{
	(void)state;
	up("'routes':[{'name':'x','number':'+44','to':[{'peer':'bnet','priority':1},{'peer':'dnet','priority':2,"
	   "'sed':{'host':'gw.d.example','calls':1}}]}]");
	PLAN("+44", "x: bnet/0 bnet/1 dnet/0");
	assert_null(bed.plan.candidates[0].sed);
	assert_string_equal(bed.plan.candidates[2].sed->host, "gw.d.example");
	peer_block(bed_peer(&bed, "bnet"), true);
	PLAN("+44", "x: dnet/0");
	peer_block(bed_peer(&bed, "dnet"), true);
	PLAN("+44", "503 all peers of the route are blocked");
	PLAN("+43", "404 no route");
	peer_block(bed_peer(&bed, "bnet"), false);
	peer_block(bed_peer(&bed, "dnet"), false);
}

static void the_why_says_it(void **state)
{
	struct route_quality q = {.calls = 100, .asr_percent = 10};
	char *why;

	(void)state;
	up("'routes':[{'name':'t','when':{'times':['Sun 00:00-24:00']},'to':[{'peer':'cnet'}]},"
	   "{'name':'m','when':{'methods':['MESSAGE']},'to':[{'peer':'cnet'}]},"
	   "{'name':'r','when':{'realms':['peering']},'to':[{'peer':'cnet'}]},"
	   "{'name':'c','when':{'calling':'+1'},'to':[{'peer':'cnet'}]},"
	   "{'name':'x','to':[{'peer':'bnet','cost':4,'quality':{'asr_percent':50}},"
	   "{'peer':'cnet','sed':{'keep_ruri':true,'route':['sip:i.b.example'],'expect':'b.example','calls':3}}]}]");
	bed.at_wall_ms = THU_NOON_MS;
	bed.method = "INVITE";
	bed.calling = "+44";
	bed.quality = &q;
	why = bed_why(&bed, "pbx", "1", "a.example");
	assert_non_null(strstr(why, "route t: skipped: it is not for Thu 12:00 UTC\n"));
	assert_non_null(strstr(why, "route m: skipped: it is not for method INVITE\n"));
	assert_non_null(strstr(why, "route r: skipped: it is not for calls from realm core\n"));
	assert_non_null(strstr(why, "route c: skipped: the calling +44 does not begin with +1\n"));
	assert_non_null(strstr(why, "quality bnet: last: 10 percent of its last 100 calls were "
				    "answered, 50 are wanted\n"));
	assert_non_null(strstr(why, "priority 1, cost 4, weight 1"));
	assert_non_null(strstr(why, "kept: the Request-URI stays as it is\n"));
	assert_non_null(strstr(why, "route: Route: <sip:i.b.example;lr>\n"));
	assert_non_null(strstr(why, "tls: over TLS its certificate must carry b.example\n"));
	assert_non_null(strstr(why, "limits: 0 calls of at most 3 now, 0 a second\n"));
	free(why);
}

static void nonsense_is_refused(void **state)
{
	static const char *const times[] = {
		"Mon 8:00-18:00",  "Mon 08:00-08:00",  "Foo 08:00-09:00",
		"08:00",           "Mon,08:00-09:00",  "24:00-01:00",
		"08:00-24:01",     "Mon- 08:00-09:00", "",
		"Mon 08:00-09:00 "};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		snprintf(text, sizeof(text),
			 "'routes':[{'name':'x','when':{'times':['%s']},'to':[{'peer':'bnet'}]}]",
			 times[i]);
		refused(text, "routes[0].when.times[0]: ");
	}
	refused("'routes':[{'name':'x','when':{'zone':'CET'},'to':[{'peer':'bnet'}]}]",
		"when.zone: must be UTC");
	refused("'routes':[{'name':'x','when':{'methods':['invite']},'to':[{'peer':'bnet'}]}]",
		"is no method");
	refused("'routes':[{'name':'x','to':[{'peer':'bnet','sed':{'route':['b.example']}}]}]",
		"is no sip URI");
	refused("'routes':[{'name':'x','to':[{'peer':'bnet','sed':{'route':['sip:b>,<sip:evil']}}]}]",
		"is no sip URI");
	refused("'routes':[{'name':'x','to':[{'peer':'bnet','sed':{'keep_ruri':true,'host':'x.example'}}]}]",
		"keep_ruri leaves it");
	refused("'routes':[{'name':'x','failover':{'next_on':['404']},'to':[{'peer':'bnet'}]}]",
		"is no status of the class 5xx");
	refused("'routes':[{'name':'x','failover':{'try_ms':9000,'total_ms':5000},'to':[{'peer':'bnet'}]}]",
		"must not be more than total_ms");
}

static void classes_of_failure(void **state)
{
	struct route_failover f;

	(void)state;
	route_failover_compile(NULL, &f);
	assert_true(f.total_ms < 32000);
	for (int status = 300; status < 700; status++)
		assert_int_equal(route_failover_next(&f, status),
				 status == 408 || (status >= 502 && status <= 504));
	up("'routes':[{'name':'x','failover':{'next_on':['500','599'],'try_ms':700},'to':[{'peer':'bnet'}]}]");
	PLAN("1", "x: bnet/0 bnet/1");
	for (int status = 300; status < 700; status++)
		assert_int_equal(route_failover_next(&bed.plan.failover, status),
				 status == 408 || status == 503 || status == 500 || status == 599);
	assert_int_equal(bed.plan.failover.try_ms, 700);
}

/* A reload does not forget who uses what. */
static void limits_survive_a_reload(void **state)
{
	static struct bed next;
	const char *conf =
		"'routes':[{'name':'x','to':[{'peer':'dnet','sed':{'calls':2,'per_s':2}}]}]";
	const char *why = "";
	struct route_sed *s;

	(void)state;
	clock_fake(1000000, THU_NOON_MS);
	up(conf);
	PLAN("1", "x: dnet/0");
	s = bed.plan.candidates[0].sed;
	clock_fake(1000000, THU_NOON_MS);
	assert_true(route_sed_take(s, 1000000, &why));
	assert_int_equal(bed_up(&next, conf), 0);
	route_set_adopt(next.routes, bed.routes);
	bed_plan(&next, "pbx", "1", "a.example", 1);
	assert_true(route_sed_take(next.plan.candidates[0].sed, 1000000, &why));
	assert_false(route_sed_take(next.plan.candidates[0].sed, 9000000, &why));
	assert_string_equal(why, "sed_calls");
	route_sed_give(s);
	assert_false(route_sed_take(next.plan.candidates[0].sed, 1000000, &why));
	assert_string_equal(why, "sed_rate");
	assert_true(route_sed_take(next.plan.candidates[0].sed, 9000000, &why));
	bed_down(&next);
	clock_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(by_code_prefix, down),
		cmocka_unit_test_teardown(by_method, down),
		cmocka_unit_test_teardown(by_time_of_day, down),
		cmocka_unit_test_teardown(over_midnight, down),
		cmocka_unit_test_teardown(by_cost, down),
		cmocka_unit_test_teardown(by_source, down),
		cmocka_unit_test_teardown(by_quality, down),
		cmocka_unit_test_teardown(egress_by_destination, down),
		cmocka_unit_test_teardown(a_gateway_is_an_entry, down),
		cmocka_unit_test_teardown(the_why_says_it, down),
		cmocka_unit_test_teardown(nonsense_is_refused, down),
		cmocka_unit_test_teardown(classes_of_failure, down),
		cmocka_unit_test_teardown(limits_survive_a_reload, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
