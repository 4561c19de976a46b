/* SPDX-License-Identifier: Apache-2.0 */
/* Codec lists: who passes, in which order, and when a stream or an offer is left with nothing (488). */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "common/mem.h"
#include "sbe/sdp/body_codec.h"
#include "tests/unit/sbe/sdp/examples.h"

#define MANY                                                                                       \
	"m=audio 2 RTP/AVP 8 0 13 101 102 96 97\r\na=rtpmap:101 telephone-event/8000\r\n"          \
	"a=rtpmap:102 telephone-event/48000\r\na=rtpmap:96 opus/48000/2\r\n"                       \
	"a=rtpmap:97 rtx/48000\r\na=fmtp:97 rtx-time=3000; apt=96\r\n"

static void test_filter(void **state)
{
	static const struct {
		const char *media;
		const char *allowed[4]; /* up to the first NULL */
		bool reorder;
		int result;
		const char *kept;
	} rows[] = {
		{MANY, {"PCMA"}, false, 0, "8 "},
		{MANY, {"pcma", "PCMU", "telephone-event"}, false, 0, "8 0 101 102 "},
		{MANY, {"PCMU", "PCMA", "telephone-event/8000"}, false, 0, "8 0 101 "},
		{MANY, {"telephone-event", "PCMU", "PCMA"}, true, 0, "101 102 0 8 "},
		{MANY, {"opus/48000", "rtx"}, false, 0, "96 97 "},
		{MANY, {"PCMA", "rtx"}, false, 0, "8 "},
		{MANY, {"rtx", "opus"}, true, 0, "96 97 "},
		{"m=audio 2 RTP/AVP 8 97\r\na=rtpmap:97 rtx/8000\r\na=fmtp:97 x=1\r\n",
		 {"PCMA", "rtx"},
		 false,
		 0,
		 "8 "},
		{MANY, {"opus/8000"}, false, -ENOTSUP, ""},
		{MANY, {"G729"}, false, -ENOTSUP, ""},
		{MANY, {"CN", "telephone-event"}, false, -ENOTSUP, ""},
		{MANY, {""}, false, -ENOTSUP, ""},
		{MANY, {0}, false, 0, ""},
		{"m=image 2 udptl t38\r\n", {"PCMA"}, false, 0, ""},
		{"m=audio 2 RTP/AVP 8 8 x\r\n", {"PCMA"}, false, 0, "8 "},
		{"m=audio 2 RTP/AVP 97\r\na=rtpmap:97 rtx/8000\r\na=fmtp:97 apt=97\r\n",
		 {"rtx"},
		 false,
		 -ENOTSUP,
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct body_payloads p = {.n = 77};
		struct body_codec_rule rule = {.allowed = rows[i].allowed,
					       .reorder = rows[i].reorder};
		char text[1024], kept[256] = "";
		struct body_sdp *s;

		snprintf(text, sizeof(text), "%s%s", AUDIO_HEAD, rows[i].media);
		s = parsed(text);
		while (rule.n_allowed < 4 && rows[i].allowed[rule.n_allowed])
			rule.n_allowed++;
		assert_int_equal(body_codec_filter(&s->media[0], &rule, &p), rows[i].result);
		if (rows[i].result)
			assert_int_equal(p.n, 77);
		for (unsigned k = 0; !rows[i].result && k < p.n; k++)
			snprintf(kept + strlen(kept), sizeof(kept) - strlen(kept), "%u ",
				 p.list[k]);
		if (strcmp(kept, rows[i].kept) != 0)
			fail_msg("row %zu: \"%s\"", i, kept);
		mem_unref(s);
	}
}

static void test_all_streams(void **state)
{
	static const char *const allowed[] = {"PCMA"};
	const struct body_codec_rule rule = {.allowed = allowed, .n_allowed = 1};
	struct body_codec_result r;
	struct body_sdp *s = parsed(AUDIO_HEAD "m=audio 2 RTP/AVP 8 0\r\nm=video 2 RTP/AVP 31\r\n"
					       "m=video 0 RTP/AVP 31\r\n");

	(void)state;
	assert_int_equal(body_codec_filter_all(s, &rule, &r), 0);
	assert_int_equal(r.refused, 2);
	assert_int_equal(r.media[0].n, 1);
	mem_unref(s);
	s = parsed(AUDIO_HEAD "m=audio 2 RTP/AVP 0\r\nm=audio 0 RTP/AVP 8\r\n");
	assert_int_equal(body_codec_filter_all(s, &rule, &r), -ENOTSUP);
	assert_int_equal(r.refused, 1);
	mem_unref(s);
	s = parsed(AUDIO_HEAD
		   "m=audio 0 RTP/AVP 0\r\n"); /* switched off by its sender: not our 488 */
	assert_int_equal(body_codec_filter_all(s, &rule, &r), 0);
	mem_unref(s);
	s = parsed(AUDIO_HEAD);
	assert_int_equal(body_codec_filter_all(s, &rule, &r), 0);
	mem_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_all_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
