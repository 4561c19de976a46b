/* SPDX-License-Identifier: Apache-2.0 */
/* sip.session_timer of a peer: defaults, limits, and what cannot go together (S6). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/peer/peer_session.h"

static struct bed_conf *read_conf(const char *members)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{'peers':{'p':{'realm':'r','sources':['192.0.2.0/24'],"
		 "'sip':{'session_timer':{%s}}}}}",
		 members);
	return bed_conf(text);
}

static void defaults(void **state)
{
	struct bed_conf *c = bed_conf("{'peers':{'p':{'realm':'r','sources':['192.0.2.0/24']}}}");
	const struct peer_session_conf *s;

	(void)state;
	assert_non_null(c);
	s = &((const struct peer_conf *)c->peers.items)->session;
	assert_int_equal(s->mode, PEER_TIMER_ACCEPT);
	assert_int_equal(s->se_s, 1800);
	assert_int_equal(s->min_se_s, 90);
	assert_int_equal(s->refresher, PEER_REFRESHER_AUTO);
	mem_unref(c);
}

static void members(void **state)
{
	struct bed_conf *c =
		read_conf("'mode':'require','se_s':600,'min_se_s':300,'refresher':'them'");
	const struct peer_session_conf *s;

	(void)state;
	if (!c)
		fail_msg("%s", bed_error.text);
	s = &((const struct peer_conf *)c->peers.items)->session;
	assert_int_equal(s->mode, PEER_TIMER_REQUIRE);
	assert_int_equal(s->se_s, 600);
	assert_int_equal(s->min_se_s, 300);
	assert_int_equal(s->refresher, PEER_REFRESHER_THEM);
	mem_unref(c);
}

static void refused(const char *text, const char *error)
{
	assert_null(read_conf(text));
	if (!strstr(bed_error.text, error))
		fail_msg("\"%s\" is not in \"%s\"", error, bed_error.text);
}

static void what_cannot_be(void **state)
{
	(void)state;
	refused("'min_se_s':89", "90"); /* RFC 4028 4 */
	refused("'se_s':80", "90");
	refused("'se_s':100,'min_se_s':200", "100 is less than min_se_s, 200");
	refused("'mode':'on'", "accept, require");
	refused("'refresh':'us'", "refresh");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(members),
		cmocka_unit_test(what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
