/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls tell of their peers: RFC 6076 in both directions, each attempt of a fail-over for itself (S17). */
#include "tests/unit/sbe/call/call_bed.h"

#include "common/clock.h"

static struct peer_quality_sums *of(const char *peer, enum peer_direction d)
{
	return &peer_find_name(bed.config.peers, peer)->state->quality.ways[d].all;
}

static void count_is(const char *peer, enum peer_direction d, enum peer_quality_count c,
		     uint64_t expected)
{
	assert_int_equal(of(peer, d)->counts[c], expected);
}

static void mean_is(const char *peer, enum peer_direction d, enum peer_quality_mean_id m,
		    uint64_t n, uint64_t sum_ms)
{
	assert_int_equal(of(peer, d)->means[m].n, n);
	assert_int_equal(of(peer, d)->means[m].sum_ms, sum_ms);
}

/* Rings after 300 ms, answered after 2 s more, 10 s of talk, the caller hangs up, the callee's 200 takes 70 ms. */
static void good_call(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_run_ms(300);
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180");
	bed_run_ms(2000);
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	bed_run_ms(10000);
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200");
	bed_take(B, "BYE ");
	count_is("bnet", PEER_OUT, QUALITY_COMPLETED, 0);
	bed_run_ms(70);
	bed_reply(B, 200, NULL);
	for (int d = 0; d < 2; d++) {
		const char *peer = d == PEER_IN ? "pbx" : "bnet";

		count_is(peer, d, QUALITY_REQUESTS, 1);
		count_is(peer, d, QUALITY_ANSWERED, 1);
		count_is(peer, d, QUALITY_COMPLETED, 1);
		count_is(peer, d, QUALITY_BROKEN, 0);
		mean_is(peer, d, QUALITY_SRD, 1, 300);
		mean_is(peer, d, QUALITY_PDD, 1, 300);
		mean_is(peer, d, QUALITY_SDT, 1, 10000);
		mean_is(peer, d, QUALITY_TALK, 1, 10000);
		mean_is(peer, d, QUALITY_SDT_FAILED, 0, 0);
		count_is(peer, 1 - d, QUALITY_REQUESTS, 0);
	}
	mean_is("bnet", PEER_OUT, QUALITY_SDD, 1, 70);
	mean_is("pbx", PEER_IN, QUALITY_SDD, 0, 0); /* it hung up itself */
}

static void no_answer_to_bye(void **state)
{
	(void)state;
	bed_connect();
	bed_run_ms(5000);
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200");
	bed_take(B, "BYE ");
	bed.lossy[B] = true;
	bed_run_ms(40000);
	bed.lossy[B] = false;
	bed_skip(B);
	count_is("pbx", PEER_IN, QUALITY_COMPLETED, 1);
	count_is("bnet", PEER_OUT, QUALITY_COMPLETED, 0);
	count_is("bnet", PEER_OUT, QUALITY_BROKEN, 1);
	mean_is("bnet", PEER_OUT, QUALITY_SDT_FAILED, 1, 37000); /* 5 s and timer F */
	mean_is("bnet", PEER_OUT, QUALITY_SDD, 1, 32000);
	mean_is("bnet", PEER_OUT, QUALITY_TALK, 1, 5000);
}

/* The first next hop refuses with 503, the second answers: two attempts of the peer, one call of the caller. */
static void failover(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_run_ms(50);
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_take(C, "INVITE ");
	bed_reply(C, 200, SDP_B);
	bed_take(A, "SIP/2.0 200");
	bed_ack(A, NULL);
	bed_take(C, "ACK ");
	count_is("pbx", PEER_IN, QUALITY_REQUESTS, 1);
	count_is("pbx", PEER_IN, QUALITY_INEFFECTIVE, 0);
	count_is("bnet", PEER_OUT, QUALITY_REQUESTS, 2);
	count_is("bnet", PEER_OUT, QUALITY_INEFFECTIVE, 1);
	count_is("bnet", PEER_OUT, QUALITY_ANSWERED, 1);
	mean_is("bnet", PEER_OUT, QUALITY_SRD_FAILED, 1, 50);
	bed_hang_up(A, C);
}

/* A next hop that says nothing is an attempt lost (408), with no delay to measure. */
static void silent_hop(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_skip(B);
	bed_run_ms(4100);
	bed_skip(B);
	bed_take(C, "INVITE ");
	bed_reply(C, 486, NULL);
	bed_take(C, "ACK ");
	bed_take(A, "SIP/2.0 486");
	count_is("bnet", PEER_OUT, QUALITY_REQUESTS, 2);
	count_is("bnet", PEER_OUT, QUALITY_INEFFECTIVE, 1);
	count_is("bnet", PEER_OUT, QUALITY_EFFECTIVE, 1);
	mean_is("bnet", PEER_OUT, QUALITY_SRD_FAILED, 1, 100); /* of the second alone */
	count_is("pbx", PEER_IN, QUALITY_EFFECTIVE, 1);
	count_is("pbx", PEER_IN, QUALITY_DELIVERED, 1);
}

static void cancelled_while_ringing(void **state)
{
	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_run_ms(200);
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487");
	bed_take(B, "CANCEL ");
	for (int d = 0; d < 2; d++) {
		const char *peer = d == PEER_IN ? "pbx" : "bnet";

		count_is(peer, d, QUALITY_REQUESTS, 1);
		count_is(peer, d, QUALITY_ANSWERED, 0);
		count_is(peer, d, QUALITY_DELIVERED, 1); /* it rang: that is all a network can do */
		mean_is(peer, d, QUALITY_PDD, 1, 200);
		mean_is(peer, d, QUALITY_SRD_FAILED, 1, 200);
	}
	bed_reply(B, 200, NULL);
	bed_run_ms(35000);
	bed_skip(B);
}

/* A 3xx nobody follows: no denominator of SER at the peer, but a refusal (480) to the caller's. */
static void redirected(void **state)
{
	double value;
	uint64_t n;

	(void)state;
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 302, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 480");
	count_is("bnet", PEER_OUT, QUALITY_REDIRECTED, 1);
	assert_false(peer_quality_figure(of("bnet", PEER_OUT), FIGURE_SER, &value, &n));
	count_is("pbx", PEER_IN, QUALITY_EFFECTIVE, 1);
}

static void refused_before_a_call(void **state)
{
	(void)state;
	bed.extra = "Require: nothing-we-know\n";
	bed_invite(A, SDP_A);
	bed_take(A, "SIP/2.0 420");
	count_is("pbx", PEER_IN, QUALITY_REQUESTS, 1);
	count_is("pbx", PEER_IN, QUALITY_ANSWERED, 0);
	mean_is("pbx", PEER_IN, QUALITY_SRD_FAILED, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(good_call),
		BED_TEST(no_answer_to_bye),
		BED_TEST(failover),
		BED_TEST(silent_hop),
		BED_TEST(cancelled_while_ringing),
		BED_TEST(redirected),
		BED_TEST(refused_before_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
