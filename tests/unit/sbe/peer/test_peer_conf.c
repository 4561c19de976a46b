/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in the configuration of a peer, and what an operator is told when it may not (H). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <string.h>

#include "common/mem.h"
#include "sbe/peer/peer_conf.h"

static void defaults(void **state)
{
	(void)state;
	struct bed_conf *c = bed_conf("{'peers':{'p':{'realm':'r','sources':['192.0.2.0/24']}}}");
	const struct peer_conf *p;

	assert_non_null(c);
	p = c->peers.items;
	assert_string_equal(p->name, "p");
	assert_int_equal(p->limits.sessions, 0);
	assert_int_equal(p->media.relay, PEER_RELAY_ALWAYS);
	assert_int_equal(p->media.source, GATE_SOURCE_EXACT);
	assert_int_equal(p->media.silence_s, 60);
	assert_int_equal(p->media.dscp, 46);
	assert_int_equal(p->probe.interval_s, 0);
	assert_int_equal(p->probe.down_after, 3);
	assert_int_equal(p->probe.up_after, 1);
	assert_int_equal(p->try_ms, 4000);
	assert_int_equal(p->ring_s, 180);
	assert_int_equal(p->tls.names.n, 0);
	assert_true(p->tls.mutual);
	assert_false(p->tls.required);
	mem_unref(c);
}

static void all_members(void **state)
{
	(void)state;
	struct bed_conf *c = bed_conf(
		"{'peers':{'p':{'#':'x','realm':'r','sources':['192.0.2.0/24'],'domains':['b.example'],"
		"'next_hops':['sip:192.0.2.1:5070;transport=tls'],'limits':{'sessions':500,'cps':50},"
		"'media':{'relay':'always','codecs':['PCMA','PCMU'],'source':'latch','rate_kbps':100},"
		"'probe':{'interval_s':10,'down_after':3,'up_after':1},'sip':{'try_ms':2000,'ring_s':60},"
		"'tls':{'name':'x.b.example'}}}}");
	const struct peer_conf *p;

	if (!c)
		fail_msg("%s", bed_error.text);
	p = c->peers.items;
	assert_int_equal(p->limits.sessions, 500);
	assert_int_equal(p->media.codecs.n, 2);
	assert_int_equal(p->media.source, GATE_SOURCE_LATCH);
	assert_int_equal(p->try_ms, 2000);
	assert_int_equal(p->ring_s, 60);
	assert_string_equal(((const char *const *)p->tls.names.items)[0], "x.b.example");
	mem_unref(c);
}

static void refused(const char *text, const char *error)
{
	assert_null(bed_conf(text));
	if (!strstr(bed_error.text, error))
		fail_msg("\"%s\" is not in \"%s\"", error, bed_error.text);
}

#define HOP(uri) "{'peers':{'p':{'realm':'r','next_hops':['" uri "']}}}"

static void bad_next_hops(void **state)
{
	(void)state;
	refused(HOP("sip:b.example"), "t.json:1: peers.p.next_hops[0]: \"sip:b.example\": must be "
				      "sip:IP[:port] with a numeric address");
	refused(HOP("sips:192.0.2.1"), "instead of sips:");
	refused(HOP("192.0.2.1"), "must be sip:IP");
	refused(HOP("sip:u@192.0.2.1"), "no user part");
	refused(HOP("sip:192.0.2.1;transport=sctp"), "transport=udp, tcp or tls");
	refused(HOP("sip:192.0.2.1;lr"), "transport=udp, tcp or tls");
	refused(HOP("sip:192.0.2.1:0"), "port 0");
	refused(HOP("sip:[::1]:0"), "port 0");
	refused(HOP("sip:192.0.2.1:65536"), "numeric");
	refused(HOP("sip:::1"), "brackets");
	refused(HOP("sip:0.0.0.0"), "one host");
	refused(HOP("sip:224.0.0.1"), "one host");
	refused(HOP("sip:"), "numeric");
	refused(HOP("sip:;transport=udp"), "numeric");
}

static void good_next_hops(void **state)
{
	(void)state;
	static const struct {
		const char *text, *addr;
		enum transport_proto proto;
	} good[] = {
		{"sip:192.0.2.1", "192.0.2.1:5060", TRANSPORT_UDP},
		{"SIP:192.0.2.1:5080", "192.0.2.1:5080", TRANSPORT_UDP},
		{"sip:192.0.2.1;transport=TCP", "192.0.2.1:5060", TRANSPORT_TCP},
		{"sip:[2001:db8::1];transport=tls", "[2001:db8::1]:5061", TRANSPORT_TLS},
		{"sip:[2001:db8::1]:5070;transport=udp", "[2001:db8::1]:5070", TRANSPORT_UDP},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct peer_hop hop;
		const char *why = "";
		struct addr a = bed_addr(good[i].addr);

		if (peer_hop_parse(good[i].text, &hop, &why))
			fail_msg("%s: %s", good[i].text, why);
		assert_true(addr_equal(&hop.addr, &a));
		assert_int_equal(hop.proto, good[i].proto);
		assert_string_equal(hop.uri, good[i].text);
	}
}

/* A source must say who it is: C15 is decided by it. */
static void one_source_one_peer(void **state)
{
	(void)state;
	refused("{'peers':{\n'a':{'realm':'r','sources':['192.0.2.0/24','192.0.2.1']},\n"
		"'b':{'realm':'r','sources':['198.51.100.1',\n'192.0.2.1/32']}}}",
		"t.json:4: peers.b.sources[1]: source 192.0.2.1/32 belongs to peer a of the same realm r "
		"already, so it cannot be one of b");
	refused("{'peers':{'a':{'realm':'r','sources':['192.0.2.1','192.0.2.1']}}}",
		"listed twice");
}

static void same_source_in_another_realm_or_longer_is_fine(void **state)
{
	(void)state;
	struct bed_conf *c = bed_conf("{'peers':{'a':{'realm':'r','sources':['192.0.2.0/24']},"
				      "'b':{'realm':'s','sources':['192.0.2.0/24']},"
				      "'c':{'realm':'r','sources':['192.0.2.0/25']}}}");

	if (!c)
		fail_msg("%s", bed_error.text);
	mem_unref(c);
}

static void one_domain_one_peer(void **state)
{
	(void)state;
	refused("{'peers':{'a':{'realm':'r','sources':['192.0.2.1'],'domains':['x.example','b.example']},"
		"'b':{'realm':'s','sources':['192.0.2.1'],'domains':['B.Example']}}}",
		"peers.b.domains[0]: domain B.Example belongs to peer a already, so it cannot be one of b");
}

static void others(void **state)
{
	(void)state;
	refused("{'peers':{'a':{'sources':['192.0.2.1']}}}", "peers.a.realm: is required");
	refused("{'peers':{'a':{'realm':'r'}}}", "peers.a: needs sources");
	refused("{'peers':{'a':{'realm':'r','sources':['192.0.2.1'],'media':{'relay':'never','early_media':'block-until-answer'}}}}",
		"peers.a.media.early_media: \"block-until-answer\" needs a dbe");
	refused("{'peers':{'a':{'realm':'r','sources':['192.0.2.1'],'media':{'types':['audio','sound']}}}}",
		"peers.a.media.types: \"sound\" is not one of \"audio\"");
	refused("{'peers':{'a':{'realm':'r','sources':['192.0.2.1'],'media':{'ptime_min_ms':30,'ptime_max_ms':20}}}}",
		"peers.a.media.ptime_max_ms: 20 is less than ptime_min_ms, 30");
	refused("{'peers':{'a':{'realm':'r','sources':['192.0.2.1'],'limits':{'session':1}}}}",
		"peers.a.limits.session: unknown key, allowed: sessions");
	refused("{'peers':{'a':{'realm':'r','sources':['192.0.2.1'],'media':{'dscp':64}}}}",
		"number from 0 to 63");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(all_members),
		cmocka_unit_test(bad_next_hops),
		cmocka_unit_test(good_next_hops),
		cmocka_unit_test(one_source_one_peer),
		cmocka_unit_test(same_source_in_another_realm_or_longer_is_fine),
		cmocka_unit_test(one_domain_one_peer),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests_name("sbe/peer_conf", tests, NULL, NULL);
}
