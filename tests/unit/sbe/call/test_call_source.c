/* SPDX-License-Identifier: Apache-2.0 */
/* A peer's media are where it said they would be: descriptions and filters of gates (B3, sec.media). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>

static void up(const char *source)
{
	char peers[1200];

	bed_down();
	snprintf(peers, sizeof(peers),
		 "'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"
		 "'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example'],"
		 "'next_hops':['sip:198.51.100.20'],'media':{'source':'%s'},"
		 "'sec':{'media':['198.51.100.0/24','198.51.100.16/28','192.0.2.1']}}",
		 source);
	bed_up(peers, "{'name':'r','from':['pbx'],'to':[{'peer':'bnet'}]},"
		      "{'name':'s','from':['bnet'],'to':[{'peer':'pbx'}]}");
}

static int64_t astray(void)
{
	return metric_get(&call_metrics, CALL_MEDIA_ASTRAY);
}

static void callee_elsewhere(void **state)
{
	int64_t before = astray();

	(void)state;
	up("exact");
	bed_invite(A, SDP_A);
	bed_take(B, "INVITE ");
	bed_reply(B, 200, BED_SDP("203.0.113.77", "6000"));
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 502 ");
	bed_take_bye(B);
	assert_int_equal(astray(), before + 1);
	assert_int_equal(bed.gate.now, 0);
}

static void caller_elsewhere(void **state)
{
	(void)state;
	up("exact");
	bed_invite(B, BED_SDP("203.0.113.77", "6000"));
	bed_take(B, "SIP/2.0 488 ");
	bed_quiet(A);
	/* its RTCP too */
	bed_invite(B, SDP_B "a=rtcp:7001 IN IP4 203.0.113.77\n");
	bed_take(B, "SIP/2.0 488 ");
	bed_quiet(A);
}

/* Hold has no address, and who is not bound to any may be anywhere. */
static void where_it_may_be(void **state)
{
	(void)state;
	up("exact");
	bed_connect_as(B, A);
	bed_request(B, "INVITE", BED_SDP("0.0.0.0", "6000"));
	bed_take(A, "INVITE ");
	bed_reply(A, 200, SDP_A);
	bed_take(B, "SIP/2.0 200 ");
	bed_ack(B, NULL);
	bed_take(A, "ACK ");
	assert_int_equal(bed_gate_stream(1, 1)->source, GATE_SOURCE_EXACT);
	bed_hang_up(A, B);
}

/* The narrowest of the prefixes around its address; "any" is a latch there. */
static void latch_is_narrow(void **state)
{
	static const char *const words[] = {"latch", "any"};
	const struct gate_stream *g;

	(void)state;
	for (int i = 0; i < 2; i++) {
		up(words[i]);
		bed_connect();
		g = bed_gate_stream(1, 1);
		assert_int_equal(g->source, GATE_SOURCE_LATCH);
		assert_int_equal(g->source_prefix.bits, 28);
		assert_int_equal(bed_gate_stream(1, 0)->source, GATE_SOURCE_EXACT);
		bed_hang_up(A, B);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(callee_elsewhere),
		BED_TEST(caller_elsewhere),
		BED_TEST(where_it_may_be),
		BED_TEST(latch_is_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
