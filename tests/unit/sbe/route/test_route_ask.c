/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_ask: lookup and location with somebody to ask (A6, A7, A11, B9, E1, E2, E4, E5, E6).
 */
#include "tests/unit/sbe/route/route_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "tests/unit/sbe/dns/zone.h"

#define DNS "'location':[{'type':'peers'},{'type':'dns','realm':'peering'}]"
#define DNS_CLEAR                                                                                  \
	"'location':[{'type':'peers'},{'type':'dns','realm':'peering','secure':false,'allow_private':true}]"
#define URI "'lookup':[{'type':'uri'}],"
#define ENUM "'lookup':[{'type':'table'},{'type':'enum','suffix':'e164.arpa'},{'type':'uri'}],"

static struct bed bed;
static struct zone zone;
static struct dns_options options;
static struct timer_wheel *wheel;

static void answer(struct bed *b)
{
	zone_run(&zone);
	if (b->planned)
		return;
	clock_advance_ms(5000);
	timer_wheel_run(wheel, clock_now_ms());
}

/* In small steps, as time passes. */
static void answer_slowly(struct bed *b)
{
	for (int i = 0; i < 1000 && !b->planned; i++) {
		clock_advance_ms(20);
		timer_wheel_run(wheel, clock_now_ms());
	}
}

static void up(const char *members)
{
	if (bed_up(&bed, members))
		fail_msg("%s", bed.error.text);
	bed.dns = zone.dns;
	bed.answer = answer;
}

static int setup(void **state)
{
	(void)state;
	clock_fake(1000000, 1700000000000);
	memset(&options, 0, sizeof(options));
	zone_init(&zone, &options);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &wheel), 0);
	options.wheel = wheel;
	assert_int_equal(dns_new(&options, &zone.dns), 0);
	zone_add(&zone, "mute.example NAPTR 10 10 s SIPS+D2T - _sips._tcp.mute.example");
	zone_add(&zone, "_sips._tcp.mute.example SRV 0 0 5061 sbe.mute.example");
	zone_add(&zone, "_sip._udp.mute.example SRV 0 0 5060 sbe.mute.example");
	zone_add(&zone, "sbe.mute.example A 8.8.8.1");
	zone_add(&zone, "sbe.mute.example A 8.8.8.2");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_down(&bed);
	dns_free(zone.dns);
	timer_wheel_free(wheel);
	clock_real();
	return 0;
}

/* What is configured costs no packet, even when the DNS is configured too. */
static void static_peers_ask_nobody(void **state)
{
	(void)state;
	up("'routes':[{'name':'r','number':'+44','to':[{'peer':'cnet'}]}]," ENUM DNS);
	assert_string_equal(bed_plan(&bed, "pbx", "+441", "a.example", 0), "r: cnet/0");
	assert_string_equal(bed_plan(&bed, "pbx", "bob", "d.example", 0), "lookup uri: dnet/0");
	assert_int_equal(zone.nasked, 0);
}

/* A peer without next hops is found by its domain; the answer is kept. */
static void a_peer_is_found_in_the_dns(void **state)
{
	(void)state;
	up("'routes':[]," URI DNS);
	assert_string_equal(bed_plan(&bed, "pbx", "bob", "mute.example", 0),
			    "lookup uri: mute/sip:8.8.8.1:5061;transport=tls "
			    "mute/sip:8.8.8.2:5061;transport=tls");
	assert_string_equal(bed.plan.found->host, "mute.example");
	assert_string_equal(bed.plan.found->user, "");
	zone.nasked = zone.nanswered = 0;
	bed_plan(&bed, "pbx", "bob", "mute.example", 0);
	assert_int_equal(bed.plan.n, 2);
	assert_int_equal(zone.nasked, 0);
	bed_peer(&bed, "mute")->state->blocked = true;
	assert_string_equal(bed_plan(&bed, "pbx", "bob", "mute.example", 0),
			    "503 all peers of the route are blocked");
}

/* A11: nobody we know: only with an on-demand peer, and under its name and limits. */
static void strangers_need_an_on_demand_peer(void **state)
{
	(void)state;
	zone_add(&zone, "new.example NAPTR 10 10 s SIPS+D2T - _sips._tcp.mute.example");
	up("'routes':[]," URI DNS);
	assert_string_equal(bed_plan(&bed, "pbx", "bob", "new.example", 0), "404 no route");
	assert_int_equal(zone.nasked, 0);
	bed_peer(&bed, "cnet");
	((struct peer_conf *)(uintptr_t)bed_peer(&bed, "cnet")->conf)->mode = PEER_ON_DEMAND;
	assert_string_equal(bed_plan(&bed, "pbx", "bob", "new.example", 0),
			    "lookup uri: cnet/sip:8.8.8.1:5061;transport=tls "
			    "cnet/sip:8.8.8.2:5061;transport=tls");
}

/* E2, E4: a number becomes a URI, the URI a peer; our own numbers go to the routes. */
static void numbers_by_enum(void **state)
{
	(void)state;
	zone_add(&zone, "1.4.4.e164.arpa NAPTR 10 10 u E2U+sip !^.*$!sip:alice@d.example! .");
	zone_add(&zone, "2.4.4.e164.arpa NAPTR 10 10 u E2U+sip !^\\+44(.*)$!sip:8\\1@a.example! .");
	up("'routes':[{'name':'inside','number':'8','to':[{'peer':'pbx'}]}]," ENUM DNS);
	assert_string_equal(bed_plan(&bed, "bnet", "+441", "a.example", 0), "lookup enum: dnet/0");
	assert_string_equal(bed.plan.found->user, "alice");
	assert_string_equal(bed.plan.found->host, "d.example");
	assert_string_equal(bed_plan(&bed, "bnet", "+442", "a.example", 0), "inside: pbx/0");
	assert_string_equal(bed.plan.found->user, "82");
	assert_string_equal(bed_plan(&bed, "bnet", "+443", "a.example", 0), "404 no route");
	zone.nasked = zone.nanswered = 0;
	assert_string_equal(bed_plan(&bed, "bnet", "0119", "a.example", 0), "404 no route");
	assert_int_equal(zone.nasked, 0); /* a dial string never enters ENUM */
}

/* E3: a private root for some, the public one for all; what the private one knows is not asked for elsewhere. */
static void private_and_public_roots(void **state)
{
	(void)state;
	zone_add(&zone, "1.4.4.private.example NAPTR 10 10 u E2U+sip !^.*$!sip:p@c.example! .");
	zone_add(&zone, "1.4.4.e164.arpa NAPTR 10 10 u E2U+sip !^.*$!sip:q@d.example! .");
	zone_add(&zone, "2.4.4.e164.arpa NAPTR 10 10 u E2U+sip !^.*$!sip:q@d.example! .");
	up("'routes':[],'lookup':[{'type':'enum','suffix':'private.example','from':['pbx']},"
	   "{'type':'enum','suffix':'e164.arpa'}]," DNS);
	assert_string_equal(bed_plan(&bed, "pbx", "+441", "a.example", 0), "lookup enum: cnet/0");
	assert_int_equal(zone_count(&zone, "1.4.4.e164.arpa", DNS_NAPTR), 0);
	assert_string_equal(bed_plan(&bed, "bnet", "+441", "a.example", 0), "lookup enum: dnet/0");
	assert_int_equal(zone_count(&zone, "1.4.4.private.example", DNS_NAPTR), 1);
	assert_string_equal(bed_plan(&bed, "pbx", "+442", "a.example", 0), "lookup enum: dnet/0");
	/* both answers are kept: "not there" too (RFC 2308) */
	zone.nasked = 0;
	assert_string_equal(bed_plan(&bed, "pbx", "+442", "a.example", 0), "lookup enum: dnet/0");
	assert_int_equal(zone.nasked, 0);
}

/* A25, A26: however many sources hang, it is over within 5 s. */
static void all_sources_hang(void **state)
{
	uint64_t from_ms = clock_now_ms();

	(void)state;
	up("'routes':[],'lookup':[{'type':'enum','suffix':'e164.arpa'},{'type':'enum','suffix':'b.example'},"
	   "{'type':'enum','suffix':'c.example'},{'type':'enum','suffix':'d.example'}]," DNS);
	zone.mute = true;
	bed.answer = answer_slowly;
	assert_string_equal(bed_plan(&bed, "pbx", "+441", "a.example", 0), "503 lookup failed");
	assert_in_range(clock_now_ms() - from_ms, 2000, 5000);
}

/* A source that is dead, slow or lies is passed over (A25). */
static void sources_that_fail_are_passed_over(void **state)
{
	(void)state;
	zone_add(&zone, "_sip._udp.inner.example SRV 0 0 5060 h.inner.example");
	zone_add(&zone, "h.inner.example A 10.0.0.1");
	up("'routes':[]," ENUM DNS);
	zone.mute = true;
	assert_string_equal(bed_plan(&bed, "pbx", "+441", "d.example", 0), "lookup uri: dnet/0");
	assert_string_equal(bed_plan(&bed, "pbx", "bob", "mute.example", 0),
			    "503 all peers of the route are down");
	zone.mute = false;
	zone_add(&zone, "_sips._tcp.e.example SRV 0 0 5061 h.inner.example");
	((struct peer_conf *)(uintptr_t)bed_peer(&bed, "cnet")->conf)->mode = PEER_ON_DEMAND;
	/* private addresses are believed only where that is said */
	assert_string_equal(bed_plan(&bed, "pbx", "bob", "e.example", 0),
			    "503 all peers of the route are down");
	bed_down(&bed);
	up("'routes':[]," ENUM DNS_CLEAR);
	((struct peer_conf *)(uintptr_t)bed_peer(&bed, "cnet")->conf)->mode = PEER_ON_DEMAND;
	assert_string_equal(bed_plan(&bed, "pbx", "bob", "inner.example", 0),
			    "lookup uri: cnet/sip:10.0.0.1:5060;transport=udp");
}

static void the_why_names_every_answer(void **state)
{
	char *why;

	(void)state;
	up("'routes':[]," ENUM DNS);
	why = bed_why(&bed, "pbx", "+441", "mute.example");
	assert_non_null(strstr(
		why, "dns NAPTR 1.4.4.e164.arpa: nothing: there is nothing of that name (0 ms)"));
	assert_non_null(strstr(why, "lookup enum: nothing: +441: there is nothing of that name"));
	assert_non_null(strstr(why, "lookup uri: found: target domain mute.example"));
	assert_non_null(strstr(
		why,
		"location peers: nothing: mute.example belongs to peer mute, which has no next hop"));
	assert_non_null(strstr(
		why, "dns NAPTR mute.example: found: 10 10 s SIPS+D2T  _sips._tcp.mute.example"));
	assert_non_null(
		strstr(why, "dns SRV _sips._tcp.mute.example: found: 0 0 5061 sbe.mute.example"));
	assert_non_null(strstr(why, "dns A sbe.mute.example: found: 8.8.8.1; 8.8.8.2"));
	assert_non_null(strstr(
		why,
		"candidate mute sip:8.8.8.1:5061;transport=tls: 1: sbe.mute.example of mute.example"));
	free(why);
}

static void without_memory_or_without_patience(void **state)
{
	const struct route_asker asker = {.fn = NULL};
	const struct route_env env = {.dns = zone.dns};
	struct route_asking *asking;

	(void)state;
	up("'routes':[],'lookup':[{'type':'enum','suffix':'e164.arpa'}]," DNS);
	zone.mute = true;
	route_ask(bed.routes, &env,
		  &(struct route_query){.user = "+441", .host = "x.example", .ours = true}, &asker,
		  &asking);
	assert_non_null(asking);
	route_cancel(asking);
	zone.mute = false;
	zone_run(&zone);
	bed_down(&bed);
	up("'routes':[]," URI DNS);
	for (unsigned long nth = 1; nth < 40; nth++) {
		dns_flush(zone.dns);
		mem_fail_at(nth);
		bed_plan(&bed, "pbx", "bob", "mute.example", 0);
		mem_fail_at(0);
		assert_true(bed.plan.n || bed.plan.status);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(static_peers_ask_nobody),
		TEST(a_peer_is_found_in_the_dns),
		TEST(strangers_need_an_on_demand_peer),
		TEST(numbers_by_enum),
		TEST(private_and_public_roots),
		TEST(all_sources_hang),
		TEST(sources_that_fail_are_passed_over),
		TEST(the_why_names_every_answer),
		TEST(without_memory_or_without_patience),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
