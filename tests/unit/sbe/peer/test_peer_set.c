/* SPDX-License-Identifier: Apache-2.0 */
/* Who a request comes from, who owns a domain, and what a reload keeps (B7, C15, C22). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <string.h>

#include "common/mem.h"
#include "tests/lib/oom.h"

#define THREE                                                                                        \
	"{'peers':{'pbx':{'realm':'core','sources':['127.0.0.10','2001:db8::/32'],"                  \
	"'next_hops':['sip:127.0.0.10']},"                                                           \
	"'net':{'realm':'peering','sources':['127.0.0.0/16'],'domains':['B.example','b2.example']}," \
	"'host':{'realm':'peering','sources':['127.0.0.20'],'domains':['c.example'],"                \
	"'next_hops':['sip:127.0.0.20:5070','sip:127.0.0.21;transport=tls']}}}"

static void source_by_longest_prefix_of_the_realm(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(THREE, NULL);
	struct addr a = bed_addr("127.0.0.20:4000"), b = bed_addr("127.0.0.10:5060"),
		    six = bed_addr("[2001:db8::7]:5060");

	assert_string_equal(peer_find_source(s, "peering", &a)->name, "host");
	assert_string_equal(peer_find_source(s, "peering", &b)->name, "net");
	assert_string_equal(peer_find_source(s, "core", &b)->name, "pbx");
	assert_string_equal(peer_find_source(s, "core", &six)->name, "pbx");
	assert_null(
		peer_find_source(s, "core", &a)); /* a peer of another realm is a stranger here */
	assert_null(peer_find_source(s, "nowhere", &a));
	peer_set_free(s);
}

static void domain_in_any_spelling(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(THREE, NULL);

	assert_string_equal(peer_find_domain(s, "b.EXAMPLE", 9)->name, "net");
	assert_string_equal(peer_find_domain(s, "b2.example.", 11)->name, "net");
	assert_string_equal(peer_find_domain(s, "c.example;x", 9)->name, "host");
	assert_null(peer_find_domain(s, "x.b.example", 11));
	assert_null(peer_find_domain(s, "", 0));
	assert_null(peer_find_domain(s, ".", 1));
	assert_string_equal(peer_domain(peer_find_name(s, "net")), "B.example");
	assert_null(peer_domain(peer_find_name(s, "pbx")));
	peer_set_free(s);
}

static void hop_by_address_and_port(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(THREE, NULL);
	struct addr tls = bed_addr("127.0.0.21:5061"), other = bed_addr("127.0.0.21:5060");

	assert_string_equal(peer_find_hop(s, "peering", &tls)->name, "host");
	assert_null(peer_find_hop(s, "peering", &other));
	assert_null(peer_find_hop(s, "core", &tls));
	peer_set_free(s);
}

static int next_name(struct peer *p, void *arg)
{
	strcat(arg, p->name);
	return !strcmp(p->name, "net") ? 7 : 0;
}

static void walk_in_file_order_until_stopped(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(THREE, NULL);
	char names[64] = "";

	assert_int_equal(peer_each(s, next_name, names), 7);
	assert_string_equal(names, "pbxnet");
	assert_int_equal(peer_set_count(s), 3);
	peer_set_free(s);
}

#define P(members) "{'peers':{'p':{'realm':'r'," members "}}}"

static void reload_keeps_state_of_the_name(void **state)
{
	(void)state;
	struct peer_set *a =
		bed_set(P("'next_hops':['sip:192.0.2.1','sip:192.0.2.2'],'probe':{'interval_s':5},"
			  "'limits':{'sessions':2,'cps':100}"),
			NULL);
	struct peer *old = mem_ref(peer_find_name(a, "p")), *new;
	struct peer_set *b;

	assert_int_equal(peer_take(old, PEER_IN, 1), PEER_LIMIT_NONE);
	peer_block(old, true);
	peer_hop_set_down(old, 1, "no answer");
	peer_hop_failed(old, 1, 1000);
	b = bed_set(P("'next_hops':['sip:192.0.2.2','sip:192.0.2.3'],'probe':{'interval_s':5},"
		      "'limits':{'sessions':1}"),
		    a);
	new = peer_find_name(b, "p");
	assert_ptr_not_equal(old, new);
	assert_false(peer_usable(new)); /* blocked before, blocked after */
	peer_block(new, false);
	assert_true(new->hops[0].down && !new->hops[1].down);
	assert_true(peer_hop_last(new, 0, 1000));
	assert_int_equal(peer_take(new, PEER_OUT, 1),
			 PEER_LIMIT_SESSIONS); /* the old call counts */
	peer_set_free(a);
	peer_give(old, PEER_IN); /* the call of the old configuration ends */
	mem_unref(old);
	assert_int_equal(peer_take(new, PEER_OUT, 1), PEER_LIMIT_NONE);
	peer_set_free(b);
}

/* Without probes nobody would find the hop alive again. */
static void reload_without_probes_forgets_down(void **state)
{
	(void)state;
	struct peer_set *a = bed_set(P("'next_hops':['sip:192.0.2.1'],'probe':{'interval_s':5}"),
				     NULL),
			*b;

	peer_hop_set_down(peer_find_name(a, "p"), 0, "no answer");
	assert_false(peer_usable(peer_find_name(a, "p")));
	b = bed_set(P("'next_hops':['sip:192.0.2.1']"), a);
	assert_true(peer_usable(peer_find_name(b, "p")));
	peer_set_free(a);
	peer_set_free(b);
}

/* A new bucket does not start full, or a reload per second would lift the limit. */
static void reload_keeps_the_rate(void **state)
{
	(void)state;
	struct peer_set *a = bed_set(P("'sources':['192.0.2.1'],'limits':{'cps':2}"), NULL), *b;
	struct peer *p = peer_find_name(a, "p");
	uint64_t now = p->rates[0].last_us;

	assert_int_equal(peer_take(p, PEER_IN, now), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(p, PEER_IN, now), PEER_LIMIT_NONE);
	b = bed_set(P("'sources':['192.0.2.1'],'limits':{'cps':2}"), a);
	assert_int_equal(peer_take(peer_find_name(b, "p"), PEER_IN, now), PEER_LIMIT_CPS);
	peer_set_free(a);
	peer_set_free(b);
}

/* A call holds its peer, and so the configuration it was made from, after both are gone. */
static void peer_outlives_set_and_configuration(void **state)
{
	(void)state;
	size_t before = mem_live();
	struct peer_set *a = bed_set(THREE, NULL);
	struct peer *p = mem_ref(peer_find_name(a, "host"));

	peer_set_free(a);
	assert_string_equal(p->conf->realm, "peering");
	assert_string_equal(peer_domain(p), "c.example");
	mem_unref(p);
	assert_int_equal(mem_live(), before);
}

static int build(void *arg)
{
	struct bed_conf *c = arg;
	struct peer_set *s;
	int err = peer_set_new(&c->peers, c, NULL, &s);

	if (!err)
		peer_set_free(s);
	return err;
}

static void out_of_memory_leaves_nothing(void **state)
{
	(void)state;
	struct bed_conf *c = bed_conf(THREE);

	assert_non_null(c);
	assert_true(oom_each(build, c) > 10);
	mem_unref(c);
}

static void empty_set(void **state)
{
	(void)state;
	struct peer_set *s = bed_set("{}", NULL);
	struct addr a = bed_addr("127.0.0.1");

	assert_null(peer_find_source(s, "core", &a));
	assert_null(peer_find_name(s, ""));
	peer_set_free(s);
	peer_set_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_by_longest_prefix_of_the_realm),
		cmocka_unit_test(domain_in_any_spelling),
		cmocka_unit_test(hop_by_address_and_port),
		cmocka_unit_test(walk_in_file_order_until_stopped),
		cmocka_unit_test(reload_keeps_state_of_the_name),
		cmocka_unit_test(reload_without_probes_forgets_down),
		cmocka_unit_test(reload_keeps_the_rate),
		cmocka_unit_test(peer_outlives_set_and_configuration),
		cmocka_unit_test(out_of_memory_leaves_nothing),
		cmocka_unit_test(empty_set),
	};

	return cmocka_run_group_tests_name("sbe/peer_set", tests, NULL, NULL);
}
