/* SPDX-License-Identifier: Apache-2.0 */
/* Settings to rules: J1 modes (default closed), J7 gm and ipnapt, G10 hold by 0.0.0.0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dbe/flow/flow_rules.h"

static struct addr parse(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void assert_addr(const struct addr *a, const char *text)
{
	char got[ADDR_TEXT_BYTES];

	assert_true(a->family != 0);
	assert_string_equal(addr_print(a, got, sizeof(got)), text);
}

static void test_j1_zero_is_closed(void **state)
{
	struct flow_settings s = {0};
	struct path_rules r;

	(void)state;
	flow_rules(&s, &r);
	assert_false(r.rtp_in || r.rtp_out || r.rtcp);
	assert_int_equal(r.source, PATH_SOURCE_EXACT);
	assert_int_equal(r.remote[PATH_RTP].family, 0);
}

static void test_modes_open_one_way_or_both(void **state)
{
	static const struct {
		uint8_t mode;
		bool in, out, rtcp;
	} cases[] = {{FLOW_INACTIVE, false, false, false},
		     {FLOW_SENDONLY, false, true, true},
		     {FLOW_RECVONLY, true, false, true},
		     {FLOW_SENDRECV, true, true, true}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct flow_settings s = {.mode = cases[i].mode};
		struct path_rules r;

		flow_rules(&s, &r);
		assert_int_equal(r.rtp_in, cases[i].in);
		assert_int_equal(r.rtp_out, cases[i].out);
		assert_int_equal(r.rtcp, cases[i].rtcp);
	}
}

static void test_where_rtcp_goes(void **state)
{
	struct flow_settings s = {.remote_rtp = parse("192.0.2.1:4000")};
	struct path_rules r;

	(void)state;
	flow_rules(&s, &r);
	assert_addr(&r.remote[PATH_RTP], "192.0.2.1:4000");
	assert_addr(&r.remote[PATH_RTCP], "192.0.2.1:4001");
	s.remote_rtcp = parse("192.0.2.2:5000"); /* a=rtcp */
	flow_rules(&s, &r);
	assert_addr(&r.remote[PATH_RTCP], "192.0.2.2:5000");
	s.rtcp_mux = true;
	flow_rules(&s, &r);
	assert_addr(&r.remote[PATH_RTCP], "192.0.2.1:4000");
	s = (struct flow_settings){.remote_rtp = parse("192.0.2.1:65535")};
	flow_rules(&s, &r);
	assert_int_equal(r.remote[PATH_RTCP].family, 0);
}

static void test_g10_hold_addresses_are_no_place_to_send_to(void **state)
{
	struct flow_settings s = {.remote_rtp = parse("0.0.0.0:4000")};
	struct path_rules r;

	(void)state;
	flow_rules(&s, &r);
	assert_int_equal(r.remote[PATH_RTP].family, 0);
	assert_int_equal(r.remote[PATH_RTCP].family, 0);
	assert_int_equal(r.latch_from.net.family, 0);
	s.remote_rtp = parse("192.0.2.1:0");
	flow_rules(&s, &r);
	assert_int_equal(r.remote[PATH_RTP].family, 0);
	assert_null(flow_settings_wrong(&s, ADDR_V4));
}

static void test_s11_latching_is_restricted_to_the_signalled_host(void **state)
{
	struct flow_settings s = {.source = PATH_SOURCE_LATCH,
				  .remote_rtp = parse("192.0.2.1:4000")};
	struct path_rules r;
	char text[64];

	(void)state;
	flow_rules(&s, &r);
	assert_string_equal(addr_prefix_print(&r.latch_from, text, sizeof(text)), "192.0.2.1/32");
	s.remote_rtp = parse("[2001:db8::1]:4000");
	flow_rules(&s, &r);
	assert_string_equal(addr_prefix_print(&r.latch_from, text, sizeof(text)),
			    "2001:db8::1/128");
	assert_int_equal(addr_prefix_parse("2001:db8::/64", &s.source_prefix), 0);
	flow_rules(&s, &r);
	assert_string_equal(addr_prefix_print(&r.latch_from, text, sizeof(text)), "2001:db8::/64");
}

static void test_wrong_settings_are_named(void **state)
{
	struct flow_settings s = {.remote_rtp = parse("192.0.2.1:4000")};

	(void)state;
	assert_null(flow_settings_wrong(&s, ADDR_V4));
	assert_non_null(flow_settings_wrong(&s, ADDR_V6));
	s.remote_rtcp = parse("[::1]:4");
	assert_non_null(flow_settings_wrong(&s, ADDR_V4));
	s.remote_rtcp = (struct addr){0};
	s.remote_rtp = parse("224.0.0.1:4000");
	assert_non_null(flow_settings_wrong(&s, ADDR_V4));
	s.remote_rtp = parse("255.255.255.255:4000");
	assert_non_null(flow_settings_wrong(&s, ADDR_V4));
	s = (struct flow_settings){.dscp = 64};
	assert_non_null(flow_settings_wrong(&s, ADDR_V4));
	s = (struct flow_settings){.mode = FLOW_MODES};
	assert_non_null(flow_settings_wrong(&s, ADDR_V4));
	s = (struct flow_settings){.source = PATH_SOURCE_ANY + 1};
	assert_non_null(flow_settings_wrong(&s, ADDR_V4));
	s = (struct flow_settings){.rate_bytes_per_s = 8000, .burst_bytes = 100};
	assert_non_null(flow_settings_wrong(&s, ADDR_V4));
}

static void test_c31_only_a_new_far_end_rearms_the_latch(void **state)
{
	struct flow_settings a = {.source = PATH_SOURCE_LATCH,
				  .remote_rtp = parse("192.0.2.1:4000")};
	struct flow_settings b = a;

	(void)state;
	b.mode = FLOW_SENDRECV;
	b.dscp = 46;
	b.payloads[0] = 1;
	b.rate_bytes_per_s = 5;
	assert_false(flow_settings_rearm(&a, &b));
	b.remote_rtp.port++;
	assert_true(flow_settings_rearm(&a, &b));
	b = a;
	b.remote_rtcp = parse("192.0.2.1:4001");
	assert_true(flow_settings_rearm(&a, &b));
	b = a;
	b.source = PATH_SOURCE_EXACT;
	assert_true(flow_settings_rearm(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_j1_zero_is_closed),
		cmocka_unit_test(test_modes_open_one_way_or_both),
		cmocka_unit_test(test_where_rtcp_goes),
		cmocka_unit_test(test_g10_hold_addresses_are_no_place_to_send_to),
		cmocka_unit_test(test_s11_latching_is_restricted_to_the_signalled_host),
		cmocka_unit_test(test_wrong_settings_are_named),
		cmocka_unit_test(test_c31_only_a_new_far_end_rearms_the_latch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
