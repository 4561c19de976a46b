/* SPDX-License-Identifier: Apache-2.0 */
/* What servers of a peer ask for, and whether we do it (RFC 7339, S10); its keys. */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <string.h>

#include "common/mem.h"

static struct peer_controls controls;
static struct addr one, two;

static int up(void **state)
{
	(void)state;
	memset(&controls, 0, sizeof(controls));
	one = bed_addr("192.0.2.1:5060");
	two = bed_addr("192.0.2.2:5060");
	return 0;
}

static bool take(const struct addr *server, uint32_t percent, uint32_t validity_ms, uint64_t seq,
		 uint64_t now_ms)
{
	struct wire_oc oc = {.offered = true, .has_value = true, .loss = true, .has_seq = true};

	oc.percent = percent;
	oc.validity_ms = validity_ms;
	oc.seq = seq;
	return peer_control_take(&controls, server, &oc, now_ms);
}

static unsigned left_out(const struct addr *server, uint64_t now_ms)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < 100; i++)
		n += peer_control_leave_out(&controls, server, i, now_ms);
	return n;
}

static void what_is_asked_is_done_while_it_holds(void **state)
{
	(void)state;
	assert_int_equal(left_out(&one, 1000), 0);
	assert_true(take(&one, 20, 500, 1, 1000));
	assert_int_equal(left_out(&one, 1000), 20);
	assert_int_equal(left_out(&one, 1499), 20);
	assert_int_equal(left_out(&two, 1499), 0); /* each server for itself */
	assert_int_equal(left_out(&one, 1500), 0);
	assert_true(take(&one, 100, 500, 2, 1600));
	assert_int_equal(left_out(&one, 1600), 100);
	assert_int_equal(peer_control_percent(&controls, &one, 1600), 100);
}

static void only_a_rising_number_is_believed(void **state)
{
	(void)state;
	assert_true(take(&one, 50, 5000, 100, 1000));
	assert_false(take(&one, 0, 5000, 100, 1000));
	assert_false(take(&one, 0, 0, 99, 1000));
	assert_int_equal(left_out(&one, 1000), 50);
	assert_true(take(&one, 10, 5000, 101, 1000));
	assert_int_equal(left_out(&one, 1000), 10);
	assert_true(take(&two, 7, 5000, 1, 1000));
}

static void validity_zero_ends_it(void **state)
{
	(void)state;
	assert_true(take(&one, 50, 5000, 1, 1000));
	assert_true(take(&one, 50, 0, 2, 1001));
	assert_int_equal(left_out(&one, 1001), 0);
	/* what was on its way does not bring it back */
	assert_false(take(&one, 50, 5000, 1, 1002));
	assert_int_equal(left_out(&one, 1002), 0);
}

static void a_restarted_server_is_believed_again(void **state)
{
	(void)state;
	assert_true(take(&one, 50, 500, UINT64_MAX, 1000)); /* nothing rises above this */
	assert_false(take(&one, 20, 500, 5, 2000));
	assert_true(take(&one, 20, 500, 5, 1000 + 500 + 61000));
}

static void what_is_no_feedback_changes_nothing(void **state)
{
	struct wire_oc oc = {.offered = true, .loss = true};

	(void)state;
	assert_false(peer_control_take(&controls, &one, &oc, 0)); /* our own offer came back */
	oc.has_value = true;
	oc.percent = 90;
	oc.validity_ms = 500;
	assert_false(peer_control_take(&controls, &one, &oc, 0)); /* no oc-seq */
	oc.has_seq = true;
	oc.seq = 1;
	oc.loss = false;
	assert_false(
		peer_control_take(&controls, &one, &oc, 0)); /* an algorithm we did not offer */
	assert_int_equal(left_out(&one, 0), 0);
}

/* S10: repeated timeouts stop it, one call now and then tries. */
static void a_silent_server_is_left_in_peace(void **state)
{
	(void)state;
	peer_control_timed_out(&controls, &one, 1000);
	peer_control_timed_out(&controls, &one, 1000);
	assert_int_equal(left_out(&one, 1000), 0);
	peer_control_timed_out(&controls, &one, 1000);
	assert_int_equal(left_out(&one, 2999), 100);
	assert_int_equal(left_out(&one, 3000), 99); /* one tries */
	assert_int_equal(left_out(&one, 4999), 100);
	assert_int_equal(left_out(&one, 5000), 99);
	peer_control_answered(&controls, &one);
	assert_int_equal(left_out(&one, 5000), 0);
	/* an answer between timeouts: they were not in a row */
	peer_control_timed_out(&controls, &one, 1000);
	peer_control_timed_out(&controls, &one, 1000);
	peer_control_answered(&controls, &one);
	peer_control_timed_out(&controls, &one, 1000);
	assert_int_equal(left_out(&one, 1000), 0);
}

static void the_table_is_bounded(void **state)
{
	(void)state;
	for (int i = 1; i < 200; i++) {
		char text[32];
		struct addr a;

		(void)snprintf(text, sizeof(text), "192.0.2.%d:5060", i);
		a = bed_addr(text);
		assert_true(take(&a, 30, 5000, 1, 1000 + (uint64_t)i));
		assert_int_equal(peer_control_percent(&controls, &a, 1000 + (uint64_t)i), 30);
	}
	assert_int_equal(peer_control_percent(&controls, &one, 1200), 0); /* the oldest gave way */
}

static void refused(const char *overload, const char *why)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1'],'overload':%s}}}",
		       overload);
	assert_null(bed_conf(text));
	assert_non_null(strstr(bed_error.text, why));
}

static void keys_have_safe_defaults(void **state)
{
	struct peer_set *s =
		bed_set("{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1']}}}", NULL);
	const struct peer_conf *c = peer_find_name(s, "p")->conf;

	(void)state;
	assert_false(c->overload.consent);
	assert_true(c->overload.priority);
	assert_int_equal(c->overload.retry_after_s, 0);
	assert_int_equal(c->overload.retry_after_max_s, 60);
	assert_int_equal(c->overload.algorithms.n, 1);
	peer_set_free(s);
	refused("{'algorithms':['rate']}", "\"rate\" is not part of this version");
	refused("{'consent':true,'algorithms':[]}", "needs an algorithm");
	refused("{'consents':true}", "consents");
	refused("{'retry_after_s':3601}", "retry_after_s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_asked_is_done_while_it_holds, up),
		cmocka_unit_test_setup(only_a_rising_number_is_believed, up),
		cmocka_unit_test_setup(validity_zero_ends_it, up),
		cmocka_unit_test_setup(a_restarted_server_is_believed_again, up),
		cmocka_unit_test_setup(what_is_no_feedback_changes_nothing, up),
		cmocka_unit_test_setup(a_silent_server_is_left_in_peace, up),
		cmocka_unit_test_setup(the_table_is_bounded, up),
		cmocka_unit_test(keys_have_safe_defaults),
	};

	return cmocka_run_group_tests_name("sbe/peer/peer_overload", tests, NULL, NULL);
}
