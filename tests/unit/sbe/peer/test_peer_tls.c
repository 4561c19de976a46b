/* SPDX-License-Identifier: Apache-2.0 */
/* What is agreed with a peer about TLS: names, trust, and that clear text stays out (H1, H6, H11). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <string.h>

#include "common/mem.h"
#include "sbe/peer/peer_conf.h"

static void refused(const char *members, const char *error)
{
	char text[2048];

	snprintf(text, sizeof(text), "{'peers':{'p':{'realm':'r',%s}}}", members);
	assert_null(bed_conf(text));
	if (!strstr(bed_error.text, error))
		fail_msg("%s", bed_error.text);
}

static struct bed_conf *good(const char *members)
{
	struct bed_conf *c;
	char text[2048];

	snprintf(text, sizeof(text), "{'peers':{'p':{'realm':'r',%s}}}", members);
	c = bed_conf(text);
	if (!c)
		fail_msg("%s", bed_error.text);
	return c;
}

static void names_are_one_or_several(void **state)
{
	(void)state;
	struct bed_conf *c =
		good("'sources':['192.0.2.1'],'tls':{'name':['a.example','b.example']}");
	const char *const *names = NULL;

	assert_int_equal(peer_tls_names(c->peers.items, &names), 2);
	assert_string_equal(names[1], "b.example");
	assert_true(peer_tls_only(c->peers.items));
	mem_unref(c);
	c = good("'sources':['192.0.2.1'],'domains':['d.example','e.example']");
	assert_int_equal(peer_tls_names(c->peers.items, &names), 1);
	assert_string_equal(names[0], "d.example");
	assert_false(peer_tls_only(c->peers.items));
	mem_unref(c);
	c = good("'sources':['192.0.2.1']");
	assert_int_equal(peer_tls_names(c->peers.items, &names), 0);
	mem_unref(c);
	refused("'tls':{'name':'*.example'}", "wildcards match nothing");
	refused("'tls':{'name':[]}", "1 to 16 names");
	refused("'tls':{'name':['a.example','b c']}", "name[1]");
	refused("'tls':{'name':5}", "1 to 16 names");
	refused("'tls':{'nam':'x'}", "nam");
}

/* H11: nothing in the configuration can send a TLS-only peer a byte in clear. */
static void tls_only_peers_have_tls_hops(void **state)
{
	(void)state;
	mem_unref(good("'next_hops':['sip:192.0.2.1;transport=tls'],'tls':{'required':true}"));
	refused("'next_hops':['sip:192.0.2.1;transport=tls','sip:192.0.2.1'],'tls':{'required':true}",
		"next_hops[1]");
	refused("'next_hops':['sip:192.0.2.1;transport=tcp'],'tls':{'name':'b.example'}",
		"reached by TLS only");
}

/* H1: whose authorities count must be known before a certificate is believed. */
static void trust_needs_an_address(void **state)
{
	(void)state;
	refused("'tls':{'name':'b.example','trust':['ca.pem']}", "need its sources or next_hops");
	refused("'tls':{'name':'b.example','eku':'required'}", "need its sources or next_hops");
	refused("'tls':{}", "needs sources");
	mem_unref(good("'tls':{'name':'b.example'}"));
	mem_unref(good("'sources':['192.0.2.1'],'tls':{'name':'b.example','trust':['ca.pem']}"));
}

/* D7: who stands for everybody has no name and no address, and may still demand TLS. */
static void on_demand_needs_no_name(void **state)
{
	(void)state;
	mem_unref(good(
		"'mode':'on-demand','limits':{'sessions':1,'cps':1},'sec':{'admission':'tls'}"));
	mem_unref(
		good("'mode':'on-demand','limits':{'sessions':1,'cps':1},'tls':{'required':true}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_one_or_several),
		cmocka_unit_test(tls_only_peers_have_tls_hops),
		cmocka_unit_test(trust_needs_an_address),
		cmocka_unit_test(on_demand_needs_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
