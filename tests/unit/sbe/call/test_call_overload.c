/* SPDX-License-Identifier: Apache-2.0 */
/* Calls when a next hop or a limit wants fewer (S10, C22, E7, A22), and what strangers learn (A23). */
#include <string.h>

#include "tests/unit/sbe/call/call_bed.h"

#include "common/clock.h"

#define PEERS(bnet, pbx)                                                                           \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']" pbx          \
	"},'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"      \
	"'next_hops':['sip:198.51.100.20','sip:198.51.100.21']" bnet "}"
#define ROUTES "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]}"

static int down(void **state)
{
	(void)state;
	bed_down();
	return 0;
}

static struct peer *bnet(void)
{
	return peer_find_name(bed.config.peers, "bnet");
}

static void finish_at(enum bed_who who)
{
	bed_reply(who, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(who, "ACK ");
	bed_hang_up(A, who);
}

static void refuse_503(enum bed_who who, const char *extra)
{
	bed.extra = extra;
	bed_reply(who, 503, NULL);
	bed_take(who, "ACK ");
}

/* ---- Retry-After */

static void a_hop_rests_as_long_as_it_asked(void **state)
{
	(void)state;
	bed_up(PEERS("", ""), ROUTES);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	refuse_503(B, "Retry-After: 10 (maintenance);duration=3600\n");
	bed_take(C, "INVITE ");
	finish_at(C);
	assert_true(peer_hop_resting(bnet(), 0, clock_now_ms()));
	/* with the other hop gone too there is nobody, and that is no reason to stop the caller */
	bed_invite(A, SDP_A);
	bed_take(C, "INVITE ");
	refuse_503(C, "Retry-After: 10\n");
	bed_lacks(bed_take(A, "SIP/2.0 503 "), "Retry-After");
	bed_invite(A, SDP_A);
	bed_quiet(B);
	bed_quiet(C);
	bed_lacks(bed_take(A, "SIP/2.0 503 "), "Retry-After");
	assert_string_equal(bed_cdr("cause"), "peer_overload");
	assert_string_equal(bed_cdr("attempts.0.result"), "retry_after");
	bed_run_ms(10000);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	finish_at(B);
}

static void their_time_is_bounded_by_the_agreement(void **state)
{
	(void)state;
	bed_up(PEERS(",'overload':{'retry_after_max_s':5}", ""), ROUTES);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	refuse_503(B, "Retry-After: 99999999999999\n");
	bed_take(C, "INVITE ");
	finish_at(C);
	assert_true(peer_hop_resting(bnet(), 0, clock_now_ms()));
	bed_run_ms(5000);
	assert_false(peer_hop_resting(bnet(), 0, clock_now_ms()));
	/* what is no number is none */
	bed_run_ms(30000);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	refuse_503(B, "Retry-After: soon\n");
	bed_take(C, "INVITE ");
	finish_at(C);
	assert_false(peer_hop_resting(bnet(), 0, clock_now_ms()));
}

static void emergencies_try_all_the_same(void **state)
{
	(void)state;
	bed_up(PEERS("", ""), ROUTES);
	peer_hop_rest(bnet(), 0, 60, clock_now_ms());
	peer_hop_rest(bnet(), 1, 60, clock_now_ms());
	bed.extra = "Resource-Priority: esnet.0\n";
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	finish_at(B);
}

/* ---- RFC 7339 */

static void ask_for(const char *ip, uint32_t percent)
{
	struct wire_oc oc = {.offered = true, .has_value = true, .has_seq = true, .loss = true};
	struct addr server;
	static uint64_t seq;

	oc.percent = percent;
	oc.validity_ms = percent ? 60000 : 0;
	oc.seq = ++seq;
	assert_int_equal(addr_parse(ip, &server), 0);
	server.port = 5060;
	assert_true(peer_control_take(&bnet()->state->controls, &server, &oc, clock_now_ms()));
}

static void a_hop_gets_only_what_it_wants(void **state)
{
	unsigned at_b = 0, at_c = 0;

	(void)state;
	bed_up(PEERS(",'overload':{'consent':true}", ""), ROUTES);
	ask_for("198.51.100.20", 100);
	bed_invite(A, SDP_A);
	bed_has(bed_take(C, "INVITE "), ";oc;oc-algo=\"loss\"");
	finish_at(C);
	ask_for("198.51.100.20", 50);
	for (int i = 0; i < 60; i++) {
		bool to_b;

		bed_invite(A, SDP_A);
		to_b = bed_take_any(B) != NULL;
		at_b += to_b;
		at_c += !to_b;
		if (!to_b)
			bed_take(C, "INVITE ");
		finish_at(to_b ? B : C);
	}
	assert_true(at_b > 12 && at_c > 12); /* 60 throws of a coin: less once in 1e6 */
	/* S10: nobody left, so 503, without Retry-After */
	ask_for("198.51.100.20", 100);
	ask_for("198.51.100.21", 100);
	bed_invite(A, SDP_A);
	bed_lacks(bed_take(A, "SIP/2.0 503 "), "Retry-After");
	assert_string_equal(bed_cdr("attempts.0.result"), "peer_overload");
	assert_string_equal(bed_cdr("cause"), "peer_overload");
	/* calls that are up, and those that come first, are not asked about */
	bed.extra = "Resource-Priority: esnet.0\n";
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	finish_at(B);
	ask_for("198.51.100.20", 0);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	finish_at(B);
}

/* Its 503 without Retry-After is about this one call: the next goes there first again. */
static void a_participants_503_is_about_one_call(void **state)
{
	(void)state;
	bed_up(PEERS(",'overload':{'consent':true}", ""), ROUTES);
	for (int i = 0; i < 3; i++) {
		bed_invite(A, SDP_A);
		bed_take(B, "INVITE ");
		refuse_503(B, NULL);
		bed_take(C, "INVITE ");
		finish_at(C);
	}
}

/* ---- limits */

static void a_limit_says_which_it_is(void **state)
{
	const char *m;

	(void)state;
	bed_up(PEERS("", ",'limits':{'transactions':2},'overload':{'retry_after_s':4}"), ROUTES);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	finish_at(B);
	/* its INVITE and BYE linger */
	bed_invite(A, SDP_A);
	m = bed_take(A, "SIP/2.0 503 ");
	assert_string_equal(bed_header(m, "Retry-After"), "4");
	bed_has(m, "transaction limit of the peer");
	assert_string_equal(bed_cdr("cause"), "limit_transactions");
	bed_run_ms(40000);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	finish_at(B);
}

static void urgent_calls_pass_limits_of_calls(void **state)
{
	(void)state;
	bed_up(PEERS(",'limits':{'sessions':1}", ",'limits':{'sessions':1}"), ROUTES);
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	assert_int_equal(bnet()->state->sessions[PEER_OUT], 1);
	{
		struct bed_ua a = bed.ua[A], b = bed.ua[B];

		bed_invite(A, SDP_A);
		bed_has(bed_take(A, "SIP/2.0 503 "), "session limit of the peer");
		bed.extra = "Resource-Priority: esnet.0\n";
		bed_invite(A, SDP_A);
		bed_take(B, "INVITE ");
		finish_at(B);
		bed.ua[A] = a;
		bed.ua[B] = b;
	}
	bed_hang_up(A, B);
}

/* A23: whoever asks, known user or not, whatever it asks: same code, same size. */
static void strangers_learn_nothing(void **state)
{
	static const char *const users[] = {"442079460000", "112112112112", "000000000000",
					    "adminandroot"};
	static const char *const methods[] = {"INVITE", "OPTIONS", "REGISTER"};
	size_t size = 0;

	(void)state;
	bed_up(PEERS("", ""), ROUTES);
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < 4; i++) {
			const char *m;

			bed_send(
				S,
				"%s sip:%s@a.example SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.99:5060;"
				"branch=z9hG4bKscan%zu%zu\nMax-Forwards: 70\nFrom: <sip:x@y.example>;tag=t\n"
				"To: <sip:z@a.example>\nCall-ID: scan-%zu-%zu\nCSeq: 1 %s\n"
				"Contact: <sip:x@198.51.100.99>\nSubject: %s\n\n",
				methods[k], users[i], k, i, k, i, methods[k],
				"nothing in particular");
			m = bed_next(S);
			assert_non_null(m);
			bed_has(m, "SIP/2.0 403 Unsupported Peer\r\n");
			if (!i)
				size = strlen(m);
			assert_int_equal(strlen(m), size);
		}
	}
	assert_int_equal(bed_cdr_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_hop_rests_as_long_as_it_asked, down),
		cmocka_unit_test_teardown(their_time_is_bounded_by_the_agreement, down),
		cmocka_unit_test_teardown(emergencies_try_all_the_same, down),
		cmocka_unit_test_teardown(a_hop_gets_only_what_it_wants, down),
		cmocka_unit_test_teardown(a_participants_503_is_about_one_call, down),
		cmocka_unit_test_teardown(a_limit_says_which_it_is, down),
		cmocka_unit_test_teardown(urgent_calls_pass_limits_of_calls, down),
		cmocka_unit_test_teardown(strangers_learn_nothing, down),
	};

	return cmocka_run_group_tests_name("sbe/call/call_overload", tests, NULL, NULL);
}
