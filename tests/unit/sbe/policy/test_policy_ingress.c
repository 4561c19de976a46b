/* SPDX-License-Identifier: Apache-2.0 */
/* Whom we relay for when only a lookup says where it goes (E11); how a call gets there: test_call_ingress.c. */
#include "tests/unit/sbe/policy/policy_bed.h"

#include "common/mem.h"
#include "sbe/policy/policy_ingress.h"

#define PEERS(more)                                                                                \
	"{'peers':{'pbx':{'realm':'core','sources':['10.0.0.10']},"                                \
	"'bnet':{'realm':'peering','sources':['198.51.100.20'],'domains':['b.example']" more "},"  \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example']}}}"

static bool onward(const char *to, bool routed, const char *uri)
{
	struct wire_msg *m = bed_invite("sip:x@b.example", uri, "", NULL);
	struct policy_refusal no = {.status = 0};
	bool ok = policy_ingress_onward(&bed.way, m, peer_find_name(bed.peers, to), routed, &no);

	if (!ok) {
		assert_int_equal(no.status, 404);
		assert_string_equal(no.cause, "not_ours");
	}
	mem_unref(m);
	return ok;
}

static void relay_in_one_realm(void **state)
{
	(void)state;
	bed_up(PEERS(""), "bnet", "cnet");
	assert_false(onward("cnet", false, "sip:x@c.example"));
	assert_false(onward("cnet", false, "im:x@c.example"));
	assert_true(onward("cnet", true, "sip:x@c.example"));  /* a route says so */
	assert_true(onward("pbx", false, "sip:x@d.example"));  /* into another realm */
	assert_true(onward("cnet", false, "sip:x@a.example")); /* ours, forwarded */
	assert_true(onward("cnet", false, "tel:+44207"));
}

static void relay_as_agreed(void **state)
{
	(void)state;
	bed_up(PEERS(",'ingress':{'domains':['c.example']}"), "bnet", "cnet");
	assert_true(onward("cnet", false, "sip:x@C.example"));
	assert_false(onward("cnet", false, "sip:x@d.example"));
	bed_down();
	bed_up(PEERS(",'ingress':{'foreign':'any'}"), "bnet", "cnet");
	assert_true(onward("cnet", false, "sip:x@d.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(relay_in_one_realm),
		BED_TEST(relay_as_agreed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
