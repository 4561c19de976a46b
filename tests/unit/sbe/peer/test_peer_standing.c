/* SPDX-License-Identifier: Apache-2.0 */
/* Connections kept up to next hops, in simulated time (G5): asked for again and again, backed off with jitter, hops down and up. */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <errno.h>
#include <string.h>
#include <uv.h>

#include "common/mem.h"
#include "common/timer.h"
#include "sbe/peer/peer_standing.h"

#define START_MS 100000U
#define PEERS                                                                                      \
	"{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1;transport=tcp','sip:192.0.2.2'],"  \
	"'sip':{'standing':true}},'q':{'realm':'r','next_hops':['sip:192.0.2.3;transport=tcp']}}}"

static struct {
	uv_loop_t loop;
	struct transport *transport;
	struct timer_wheel *wheel;
	struct peer_standing *standing;
	struct peer_set *set;
	uint64_t now_ms;
	int asked, says;
	struct transport_target to;
} bed;

static const struct transport_listener *on_listener(void *arg, const struct peer *p, size_t hop)
{
	(void)arg;
	return transport_find(bed.transport, p->conf->realm, p->hops[hop].proto, ADDR_V4);
}

static int on_stand(void *arg, const struct transport_target *to)
{
	(void)arg;
	bed.asked++;
	bed.to = *to;
	return bed.says;
}

static void run_ms(uint64_t ms)
{
	for (uint64_t end = bed.now_ms + ms; bed.now_ms < end;)
		timer_wheel_run(bed.wheel, ++bed.now_ms);
}

static int up(void **state)
{
	static const struct transport_handlers h = {0};
	struct transport_listen l = {
		.realm = "r", .proto = TRANSPORT_TCP, .local = bed_addr("127.0.0.1:0")};
	struct peer_standing_options o = {.listener = on_listener, .stand = on_stand};

	(void)state;
	memset(&bed, 0, sizeof(bed));
	bed.now_ms = START_MS;
	assert_int_equal(uv_loop_init(&bed.loop), 0);
	assert_int_equal(transport_new(&bed.loop, &h, NULL, &bed.transport), 0);
	assert_int_equal(transport_listen(bed.transport, &l), 0);
	assert_int_equal(timer_wheel_new(START_MS, &bed.wheel), 0);
	o.wheel = bed.wheel;
	bed.set = bed_set(PEERS, NULL);
	assert_int_equal(peer_standing_new(&o, &bed.standing), 0);
	assert_int_equal(peer_standing_watch(bed.standing, bed.set), 0);
	return 0;
}

static int down(void **state)
{
	(void)state;
	peer_standing_free(bed.standing);
	peer_set_free(bed.set);
	timer_wheel_free(bed.wheel);
	transport_free(bed.transport);
	assert_int_equal(uv_run(&bed.loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&bed.loop), 0);
	return 0;
}

static const struct peer_hop *hop(void)
{
	return &peer_find_name(bed.set, "p")->hops[0];
}

/* At the start, without a call; then often enough that the transport does not forget. UDP has none. */
static void is_asked_for_at_once_and_again(void **state)
{
	(void)state;
	run_ms(2);
	assert_int_equal(bed.asked, 1);
	assert_true(addr_equal(&bed.to.to, &(struct addr){0}) == false);
	assert_int_equal(bed.to.peer, peer_find_name(bed.set, "p")->state->number);
	bed.says = 1;
	run_ms(TRANSPORT_STAND_MS);
	assert_true(bed.asked >= 3 && bed.asked <= 5);
	assert_false(hop()->down);
}

static void lost_one_is_down_until_it_is_back(void **state)
{
	(void)state;
	int before;

	bed.says = 1;
	run_ms(2);
	bed.says = -ECONNREFUSED;
	peer_standing_link(bed.standing, &bed.to, false, -ECONNRESET);
	assert_true(hop()->down);
	assert_false(peer_find_name(bed.set, "p")->down); /* the other hop is UDP */
	before = bed.asked;
	run_ms(500);
	assert_int_equal(bed.asked, before + 1); /* 250 to 500 ms */
	run_ms(1000);
	assert_in_range(bed.asked, before + 2, before + 3);
	run_ms(120000); /* then up to 30 s: 15 to 30 each */
	before = bed.asked;
	run_ms(120000);
	assert_in_range(bed.asked, before + 4, before + 8);
	bed.says = 0;
	run_ms(30000);
	assert_true(hop()->down);
	peer_standing_link(bed.standing, &bed.to, true, 0);
	assert_false(hop()->down);
}

static void others_links_do_not_matter(void **state)
{
	(void)state;
	struct transport_target other;

	bed.says = 1;
	run_ms(2);
	other = bed.to;
	other.to.port++;
	peer_standing_link(bed.standing, &other, false, -ECONNRESET);
	other = bed.to;
	other.proto = TRANSPORT_TLS;
	peer_standing_link(bed.standing, &other, false, -ECONNRESET);
	other = bed.to;
	other.peer++;
	peer_standing_link(bed.standing, &other, false, -ECONNRESET);
	assert_false(hop()->down);
}

/* A hop that is down keeps that through a reload, and is found up again; one no longer wanted is left alone. */
static void reload(void **state)
{
	(void)state;
	struct peer_set *next = bed_set(PEERS, NULL), *none;

	bed.says = -ECONNREFUSED;
	run_ms(2);
	assert_true(hop()->down);
	peer_set_free(next);
	next = bed_set(PEERS, bed.set);
	assert_true(peer_find_name(next, "p")->hops[0].down);
	assert_int_equal(peer_standing_watch(bed.standing, next), 0);
	bed.says = 1;
	run_ms(2);
	assert_false(peer_find_name(next, "p")->hops[0].down);
	none = bed_set("{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1;transport=tcp']}}}",
		       next);
	assert_int_equal(peer_standing_watch(bed.standing, none), 0);
	bed.asked = 0;
	run_ms(60000);
	assert_int_equal(bed.asked, 0);
	peer_set_free(bed.set);
	peer_set_free(next);
	bed.set = none;
}

int main(void)
{
#define BED(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		BED(is_asked_for_at_once_and_again),
		BED(lost_one_is_down_until_it_is_back),
		BED(others_links_do_not_matter),
		BED(reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
