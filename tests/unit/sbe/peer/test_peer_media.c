/* SPDX-License-Identifier: Apache-2.0 */
/* Types, marks and bandwidth of a peer (H: media.*); the words of the configuration: test_peer_conf.c. */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <string.h>

static bool takes(const struct peer *p, const char *type)
{
	return peer_media_takes(&p->conf->media, type, strlen(type));
}

static void types_and_marks(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(
		"{'peers':{'a':{'realm':'r','sources':['10.0.0.1'],'media':{'types':['audio','IMAGE'],"
		"'dscp':10,'dscp_by_type':{'video':34,'image':0}}},"
		"'b':{'realm':'r','sources':['10.0.0.2']}}}",
		NULL);
	const struct peer *a = peer_find_name(s, "a"), *b = peer_find_name(s, "b");

	assert_true(takes(a, "Audio") && takes(a, "image"));
	assert_false(takes(a, "video") || takes(a, "aud") || takes(a, "message"));
	assert_true(takes(b, "message"));
	assert_int_equal(peer_media_kind("AUDIO", 5), PEER_KIND_AUDIO);
	assert_int_equal(peer_media_kind("audiox", 6), PEER_KIND_OTHER);
	assert_int_equal(peer_media_dscp(&a->conf->media, PEER_KIND_AUDIO), 10);
	assert_int_equal(peer_media_dscp(&a->conf->media, PEER_KIND_VIDEO), 34);
	assert_int_equal(peer_media_dscp(&a->conf->media, PEER_KIND_IMAGE), 0);
	assert_int_equal(peer_media_dscp(&a->conf->media, PEER_KIND_OTHER), 10);
	assert_int_equal(peer_media_dscp(&b->conf->media, PEER_KIND_VIDEO), 46);
	peer_set_free(s);
}

static void bandwidth(void **state)
{
	(void)state;
	struct peer_set *s = bed_set("{'peers':{'a':{'realm':'r','sources':['10.0.0.1'],"
				     "'media':{'bandwidth':{'all_kbps':100}}}}}",
				     NULL);
	struct peer *p = peer_find_name(s, "a");

	assert_true(peer_media_take(p, 0, 60));
	assert_false(peer_media_room(p, 0, 41));
	assert_false(peer_media_take(p, 0, 41));
	assert_int_equal(p->state->kbps, 60);
	assert_int_equal(p->state->limited_by[PEER_LIMIT_BANDWIDTH], 1);
	assert_true(peer_media_take(p, 0, 40));
	assert_false(peer_media_take(p, 40, 41));
	assert_true(peer_media_take(p, 60, 20)); /* less always */
	assert_true(peer_media_take(p, 40, 80));
	assert_true(peer_media_take(p, 80, 0));
	assert_true(peer_media_take(p, 20, 0));
	assert_true(peer_media_take(p, 20, 0)); /* never below nothing */
	assert_int_equal(p->state->kbps, 0);
	peer_set_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_and_marks),
		cmocka_unit_test(bandwidth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
