/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a route says of the request (A8, B5, X7): Request-URI kept or of a gateway, Route set in front of it, limits; and
 * fail-over by class of failure, with deadlines (E5, A14, C23).
 */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"

#define PEERS                                                                                      \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"            \
	"'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"           \
	"'next_hops':['sip:198.51.100.20'],'sip':{'try_ms':2000}},"                                \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"           \
	"'next_hops':['sip:198.51.100.30'],'sip':{'try_ms':2000}}"
#define ROUTE(more, to) "{'name':'out','from':['pbx']" more ",'to':[" to "]}"
#define BOTH "{'peer':'bnet','priority':1},{'peer':'cnet','priority':2}"

static void up(const char *routes)
{
	bed_up(PEERS, routes);
}

static void busy(enum bed_who who)
{
	bed_reply(who, 486, NULL);
	bed_take(who, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

/* ---- the request ---- */

/* B5: the Request-URI is the target's, the Route is the next hop's; CANCEL and ACK go the same way. */
static void route_in_front_of_a_kept_uri(void **state)
{
	const char *m;

	(void)state;
	up(ROUTE(
		"",
		"{'peer':'bnet','sed':{'keep_ruri':true,"
		"'route':['sip:o-sbe.a.example','sip:i-sbe.example.org:5070;transport=tcp;lr']}}"));
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE sip:+442079460000@a.example ");
	assert_string_equal(
		bed_header(m, "Route"),
		"<sip:o-sbe.a.example;lr>, <sip:i-sbe.example.org:5070;transport=tcp;lr>");
	bed_reply(B, 486, NULL);
	m = bed_take(B, "ACK sip:+442079460000@a.example ");
	assert_string_equal(
		bed_header(m, "Route"),
		"<sip:o-sbe.a.example;lr>, <sip:i-sbe.example.org:5070;transport=tcp;lr>");
	bed_take(A, "SIP/2.0 486 ");
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_cancel(A);
	m = bed_take(B, "CANCEL sip:+442079460000@a.example ");
	bed_has(m, "\r\nRoute: <sip:o-sbe.a.example;lr>");
	bed_take(A, "SIP/2.0 487 ");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
}

/* In the dialog the recorded route counts, not ours. */
static void the_dialog_has_its_own_route(void **state)
{
	const char *m;

	(void)state;
	up(ROUTE("", "{'peer':'bnet','sed':{'route':['sip:i-sbe.example.org;lr']}}"));
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE sip:+442079460000@b.example "); /* rewritten, as ever (X7) */
	assert_string_equal(bed_header(m, "Route"), "<sip:i-sbe.example.org;lr>");
	bed.extra = "Record-Route: <sip:198.51.100.20;lr;x=1>\n";
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	m = bed_take(B, "ACK ");
	assert_string_equal(bed_header(m, "Route"), "<sip:198.51.100.20;lr;x=1>");
	bed_hang_up(A, B);
}

/* E6: the gateway gets its own name in the Request-URI, the number stays. */
static void a_gateway_is_named(void **state)
{
	(void)state;
	up(ROUTE(
		"",
		"{'peer':'bnet','priority':1},{'peer':'cnet','priority':2,'sed':{'host':'gw.c.example'}}"));
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE sip:+442079460000@b.example ");
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_lacks(bed_take(X, "INVITE sip:+442079460000@gw.c.example "), "\r\nRoute:");
	busy(X);
}

static void limits_of_a_way(void **state)
{
	(void)state;
	up(ROUTE(
		"",
		"{'peer':'bnet','priority':1,'sed':{'calls':1}},{'peer':'cnet','priority':2,'sed':{'per_s':1}}"));
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_connect_as(A, X); /* the first way is full */
	bed_quiet(B);
	bed_hang_up(X, A);
	bed_invite(A, SDP_A); /* and the second has had its call of this second */
	bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_cdr("attempts.0.result"), "sed_calls");
	assert_string_equal(bed_cdr("attempts.1.result"), "sed_rate");
	bed_hang_up(B, A);
}

/* The first call has ended: there is room again. */
static void the_limit_is_given_back(void **state)
{
	(void)state;
	up(ROUTE("", "{'peer':'bnet','sed':{'calls':1}}"));
	for (int i = 0; i < 3; i++) {
		bed_connect();
		bed_hang_up(i & 1 ? A : B, i & 1 ? B : A);
		bed_invite(A, SDP_A);
		bed_take(B, "INVITE ");
		busy(B);
		bed_invite(A, SDP_A);
		bed_take(B, "INVITE ");
		bed_cancel(A);
		bed_take(A, "SIP/2.0 487 ");
		bed_reply(B, 100, NULL);
		bed_take(B, "CANCEL ");
		bed_reply(B, 487, NULL);
		bed_take(B, "ACK ");
	}
}

/* ---- fail-over ---- */

static void classes(void **state)
{
	static const struct {
		int status;
		bool next;
	} table[] = {{503, true},  {500, true},  {408, true},  {502, false}, {404, false},
		     {486, false}, {480, false}, {603, false}, {600, false}, {504, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char start[32];

		up(ROUTE(",'failover':{'next_on':['500']}", BOTH));
		bed_invite(A, SDP_A);
		bed_take(B, "INVITE ");
		bed_reply(B, table[i].status, NULL);
		bed_take(B, "ACK ");
		if (table[i].next) {
			bed_take(X, "INVITE ");
			busy(X);
		} else {
			snprintf(start, sizeof(start), "SIP/2.0 %d ", table[i].status);
			bed_take(A, start);
			bed_quiet(X);
		}
		bed_down();
	}
	up(ROUTE("", BOTH));
}

/* C23: the route's own deadline for a silent next hop. */
static void silent_hops(void **state)
{
	(void)state;
	up(ROUTE(",'failover':{'try_ms':300}", BOTH));
	bed.lossy[B] = true;
	bed_invite(A, SDP_A);
	bed_run_ms(299);
	bed_quiet(X);
	bed_run_ms(2);
	bed_take(X, "INVITE ");
	busy(X);
	assert_string_equal(bed_cdr("attempts.0.result"), "timeout");
}

/* One that says 100 and nothing more: cancelled, and the next one is asked. */
static void a_hop_that_only_says_trying(void **state)
{
	(void)state;
	up(ROUTE(",'failover':{'progress_ms':3000,'total_ms':10000}", BOTH));
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 100, NULL);
	bed_run_ms(2999);
	bed_quiet(X);
	bed_run_ms(2);
	bed_take(X, "INVITE ");
	bed_has(bed_take(B, "CANCEL "), "\r\nReason: SIP;cause=408;text=\"no progress\"\r\n");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	bed_reply(X, 100, NULL);
	bed_run_ms(6900); /* nobody is left: it has the rest of the time */
	bed_quiet(A);
	bed_run_ms(200);
	bed_take(A, "SIP/2.0 408 ");
	bed_skip(B); /* its CANCEL, which nobody answers */
	bed_take(X, "CANCEL ");
	bed_reply(X, 487, NULL);
	bed_take(X, "ACK ");
	assert_string_equal(bed_cdr("attempts.0.result"), "no_progress");
	assert_string_equal(bed_cdr("attempts.1.result"), "no_progress");
	assert_string_equal(bed_cdr("cause"), "no_progress");
}

/* It answers after all, when somebody else has the call: ended at once. */
static void an_answer_that_is_too_late(void **state)
{
	(void)state;
	up(ROUTE(",'failover':{'progress_ms':3000}", BOTH));
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 100, NULL);
	bed_run_ms(3001);
	bed_take(X, "INVITE ");
	bed_take(B, "CANCEL ");
	bed_reply(B, 200, SDP_B);
	bed_take(B, "ACK ");
	bed_take_bye(B);
	busy(X);
}

/* Ringing is a sign of life: from then on only ring_s counts. */
static void ringing_ends_the_deadline(void **state)
{
	(void)state;
	up(ROUTE(",'failover':{'progress_ms':1000,'total_ms':2000}", BOTH));
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_run_ms(60000);
	bed_quiet(X);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

/* Whatever the hops do: the caller hears of it within total_ms. */
static void never_32_seconds_of_silence(void **state)
{
	(void)state;
	up(ROUTE(",'failover':{'try_ms':20000,'progress_ms':31000}", BOTH));
	bed.lossy[B] = bed.lossy[X] = true;
	bed_invite(A, SDP_A);
	bed_run_ms(29900);
	bed_quiet(A);
	bed_run_ms(200);
	bed_take(A, "SIP/2.0 408 ");
}

/* ---- figures ---- */

static void what_came_of_it_is_measured(void **state)
{
	struct route_quality q;
	struct route_env env;

	(void)state;
	up(ROUTE("", BOTH));
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_run_ms(700);
	bed_skip(B); /* once more, over UDP */
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_take(X, "INVITE ");
	busy(X);
	call_route_env(bed.core, &env);
	env.quality(env.arg, peer_find_name(bed.config.peers, "bnet"), &q);
	assert_int_equal(q.calls, 2);
	assert_int_equal(q.asr_percent, 50);
	assert_in_range(q.pdd_ms, 700, 702);
}

static int teardown(void **state)
{
	(void)state;
	bed_down();
	return 0;
}
#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(route_in_front_of_a_kept_uri),
		TEST(the_dialog_has_its_own_route),
		TEST(a_gateway_is_named),
		TEST(limits_of_a_way),
		TEST(the_limit_is_given_back),
		TEST(classes),
		TEST(silent_hops),
		TEST(a_hop_that_only_says_trying),
		TEST(an_answer_that_is_too_late),
		TEST(ringing_ends_the_deadline),
		TEST(never_32_seconds_of_silence),
		TEST(what_came_of_it_is_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
