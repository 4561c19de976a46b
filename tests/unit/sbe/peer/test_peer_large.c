/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are too large for UDP, by peer, and hops that take no TCP (RFC 3261 18.1.1). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include "common/mem.h"
#include "sbe/peer/peer_large.h"

static uv_loop_t loop;
static struct transport *transport;
static struct peer_set *set;
static struct transport_target to = {.proto = TRANSPORT_UDP};

static int up(void **state)
{
	struct transport_handlers h = {.message = NULL};
	struct transport_listen l = {
		.realm = "r", .proto = TRANSPORT_UDP, .local = bed_addr("127.0.0.1:0")};

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(transport_new(&loop, &h, NULL, &transport), 0);
	assert_int_equal(transport_listen(transport, &l), 0);
	to.listener = transport_find(transport, "r", TRANSPORT_UDP, ADDR_V4);
	set = bed_set(
		"{'peers':{'a':{'realm':'r','next_hops':['sip:192.0.2.1','sip:192.0.2.2']},"
		"'b':{'realm':'r','next_hops':['sip:192.0.2.3'],'sip':{'udp_max_bytes':0}},"
		"'c':{'realm':'r','next_hops':['sip:192.0.2.4'],'sip':{'udp_max_bytes':500}}}}",
		NULL);
	return 0;
}

static int down(void **state)
{
	(void)state;
	peer_set_free(set);
	transport_free(transport);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static bool large(const char *at, size_t bytes, uint64_t now_ms)
{
	to.to = bed_addr(at);
	return peer_large(set, &to, bytes, now_ms);
}

static void limit_is_the_peers(void **state)
{
	(void)state;
	assert_false(large("192.0.2.1:5060", 1300, 0));
	assert_true(large("192.0.2.1:5060", 1301, 0));
	assert_false(large("192.0.2.3:5060", 60000, 0));
	assert_true(large("192.0.2.4:5060", 501, 0));
	/* somewhere else, but known whose: a Contact */
	to.peer = peer_find_name(set, "c")->state->number;
	assert_true(large("198.51.100.1:5060", 501, 0));
	to.peer = 0;
	assert_false(large("198.51.100.1:5060", 501, 0));
	assert_true(large("198.51.100.1:5060", 1301, 0));
}

static void refusal_is_remembered_for_a_minute(void **state)
{
	(void)state;
	to.to = bed_addr("192.0.2.1:5060");
	peer_large_refused(set, &to, 1000);
	assert_false(large("192.0.2.1:5060", 9000, 1000 + PEER_TCP_RETRY_MS - 1));
	assert_true(large("192.0.2.2:5060", 9000, 1000));
	assert_true(large("192.0.2.1:5060", 9000, 1000 + PEER_TCP_RETRY_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_is_the_peers),
		cmocka_unit_test(refusal_is_remembered_for_a_minute),
	};

	return cmocka_run_group_tests(tests, up, down);
}
