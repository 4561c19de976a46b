/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing and the typed views. A4 = hostile session descriptions: refused with a reason, or read sanely. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/mem.h"
#include "tests/lib/oom.h"
#include "tests/unit/sbe/sdp/examples.h"

static void test_audio(void **state)
{
	struct body_sdp *s = parsed(example("audio"));
	const struct body_media *m = &s->media[0];

	(void)state;
	assert_int_equal(s->n_media, 1);
	assert_int_equal(s->n_lines, 12);
	assert_int_equal(s->n_session_lines, 5);
	assert_text(s->origin.username, "alice");
	assert_text(s->origin.version_text, "2890844526");
	assert_true(s->origin.numeric);
	assert_int_equal(s->origin.sess_id, 2890844526u);
	assert_int_equal(s->origin.address.state, BODY_ADDRESS_NUMERIC);
	assert_text(m->type, "audio");
	assert_text(m->proto, "RTP/AVP");
	assert_int_equal(m->port, 49170);
	assert_int_equal(m->port_count, 1);
	assert_true(m->is_rtp);
	assert_false(m->is_secure);
	assert_int_equal(m->n_formats, 3);
	assert_text(m->formats[0].name, "PCMA");
	assert_int_equal(m->formats[2].payload, 101);
	assert_text(m->formats[2].fmtp, "0-15");
	assert_int_equal(m->telephone_event, 101);
	assert_true(body_media_has_payload(m, 0));
	assert_true(body_media_has_payload(m, 101));
	assert_false(body_media_has_payload(m, 9));
	assert_false(body_media_has_payload(m, 200));
	assert_int_equal(m->ptime_ms, 20);
	assert_int_equal(m->direction, BODY_SENDRECV);
	assert_false(m->address_is_own);
	assert_int_equal(m->rtp.port, 49170);
	assert_int_equal(m->rtcp.port, 49171);
	assert_true(addr_ip_equal(&m->rtcp, &m->rtp));
	assert_text(body_sdp_line(s, 2), "s=-");
	assert_text(body_sdp_attribute(s, m, "FMTP"), "101 0-15");
	assert_non_null(body_sdp_attribute(s, m, "sendrecv").at);
	assert_null(body_sdp_attribute(s, NULL, "fmtp").at);
	mem_unref(s);
}

static void test_static_payload_table(void **state)
{
	struct body_sdp *s = parsed(AUDIO_HEAD "m=audio 2 RTP/AVP 0 3 8 9 13 18 34 1 96\r\n"
					       "a=rtpmap:8 OTHER/16000/2\r\n");
	static const char *const names[] = {"PCMU", "GSM",  "OTHER", "G722", "CN",
					    "G729", "H263", "",      ""};

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_text(s->media[0].formats[i].name, names[i]);
	assert_int_equal(s->media[0].formats[2].clock_hz, 16000);
	assert_int_equal(s->media[0].formats[2].channels, 2);
	assert_int_equal(s->media[0].formats[6].clock_hz, 90000);
	mem_unref(s);
}

static void test_video_and_bandwidth(void **state)
{
	struct body_sdp *s = parsed(example("audio-video"));

	(void)state;
	assert_text(s->name, "call");
	assert_int_equal(s->as_kbps, 1024);
	assert_int_equal(s->media[1].tias_bps, 64000);
	assert_int_equal(s->media[1].as_kbps, 0);
	assert_int_equal(s->media[1].direction, BODY_SENDONLY);
	assert_int_equal(s->media[0].direction, BODY_SENDRECV);
	mem_unref(s);
}

/* G10: three forms of hold. */
static void test_hold_forms_G10(void **state)
{
	static const struct {
		const char *name;
		enum body_direction direction, written;
		bool zero;
	} rows[] = {
		{"hold-direction", BODY_SENDONLY, BODY_SENDONLY, false},
		{"hold-session", BODY_INACTIVE, BODY_INACTIVE, false},
		{"hold-zero", BODY_SENDONLY, BODY_SENDRECV, true},
	};
	struct body_sdp *s;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		s = parsed(example(rows[i].name));
		assert_int_equal(s->media[0].direction, rows[i].direction);
		assert_int_equal(s->media[0].written, rows[i].written);
		assert_int_equal(s->media[0].hold_zero, rows[i].zero);
		mem_unref(s);
	}
	s = parsed(AUDIO_HEAD "a=inactive\r\nm=audio 2 RTP/AVP 0\r\na=recvonly\r\n"
			      "c=IN IP6 ::\r\nm=audio 4 RTP/AVP 0\r\n");
	assert_int_equal(s->media[0].written, BODY_RECVONLY);
	assert_int_equal(s->media[0].direction, BODY_INACTIVE);
	assert_int_equal(s->media[1].direction, BODY_INACTIVE);
	assert_int_equal(s->media[1].address.state, BODY_ADDRESS_ABSENT);
	mem_unref(s);
}

static void test_secure_profiles(void **state)
{
	struct body_sdp *s = parsed(example("webrtc"));
	const struct body_media *m = &s->media[0];

	(void)state;
	assert_true(m->is_rtp && m->is_secure && m->has_fingerprint && m->has_ice && m->rtcp_mux);
	assert_false(m->has_crypto);
	assert_int_equal(m->rtcp.port, 51000); /* mux wins over a=rtcp */
	assert_true(m->rtcp_given);
	assert_text(m->formats[0].name, "opus");
	assert_int_equal(m->formats[0].clock_hz, 48000);
	assert_text(m->mid, "a1");
	mem_unref(s);
	s = parsed(example("sdes"));
	assert_true(s->media[0].has_crypto && s->media[0].is_secure);
	mem_unref(s);
	s = parsed(example("t38"));
	assert_false(s->media[1].is_rtp);
	assert_text(s->media[1].formats[0].token, "t38");
	assert_int_equal(s->media[1].formats[0].payload, -1);
	mem_unref(s);
}

static void test_rtcp_attribute(void **state)
{
	static const struct {
		const char *line;
		uint16_t port;
		const char *address;
		bool given;
	} rows[] = {
		{"a=rtcp:53020", 53020, "10.1.1.1", true},
		{"a=rtcp:53020 IN IP4 126.16.64.4", 53020, "126.16.64.4", true},
		{"a=rtcp:53020 IN IP6 2001:db8::4", 53020, "2001:db8::4", true},
		{"a=rtcp:70000", 11, "10.1.1.1", false},
		{"a=rtcp:", 11, "10.1.1.1", false},
		{"a=rtcp:9 IN IP4 name.example", 11, "10.1.1.1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		struct body_sdp *s;
		struct addr expected = ip_port(rows[i].address, rows[i].port);

		snprintf(text, sizeof(text),
			 "%sc=IN IP4 10.1.1.1\r\nm=audio 10 RTP/AVP 0\r\n%s\r\n", AUDIO_HEAD,
			 rows[i].line);
		s = parsed(text);
		assert_int_equal(s->media[0].rtcp_given, rows[i].given);
		assert_true(addr_equal(&s->media[0].rtcp, &expected));
		mem_unref(s);
	}
}

static void test_line_ends(void **state)
{
	struct body_sdp *s =
		parsed("v=0\no=- 1 1 IN IP4 10.1.1.1\ns=-\nt=0 0\nm=audio 2 RTP/AVP 0\na=x y");

	(void)state;
	assert_int_equal(s->n_lines, 6);
	assert_text(body_sdp_line(s, 5), "a=x y");
	mem_unref(s);
	s = parsed(AUDIO_HEAD "m=audio 2 RTP/AVP 0\r\n\r\n\n");
	assert_int_equal(s->n_lines, 6);
	assert_int_equal(s->lines[5].type, 0);
	assert_int_equal(s->media[0].n_lines, 1);
	mem_unref(s);
	s = parsed(AUDIO_HEAD "m=audio 2 RTP/AVP 0\r");
	assert_text(body_sdp_line(s, 3), "m=audio 2 RTP/AVP 0");
	mem_unref(s);
}

static void test_refused_texts_A4(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "empty"},
		{"hello", "x=value"},
		{"s=-\r\n", "first line"},
		{"v=1\r\n", "first line"},
		{"v=0\r\ns=-\r\n", "no o="},
		{AUDIO_HEAD "v=0\r\n", "more than one v="},
		{AUDIO_HEAD "o=- 1 1 IN IP4 10.0.0.1\r\n", "more than one o="},
		{"v=0\r\no=- 1 1 IN IP4\r\n", "too few"},
		{AUDIO_HEAD "m=audio 2 RTP/AVP 0\r\no=- 1 1 IN IP4 10.0.0.1\r\n", "inside a media"},
		{AUDIO_HEAD "m=audio -1 RTP/AVP 0\r\n", "0 to 65535"},
		{AUDIO_HEAD "m=audio 65536 RTP/AVP 0\r\n", "0 to 65535"},
		{AUDIO_HEAD "m=audio 4294967296 RTP/AVP 0\r\n", "0 to 65535"},
		{AUDIO_HEAD "m=audio 18446744073709551617 RTP/AVP 0\r\n", "0 to 65535"},
		{AUDIO_HEAD "m=audio 1x RTP/AVP 0\r\n", "0 to 65535"},
		{AUDIO_HEAD "m=audio\r\n", "0 to 65535"},
		{AUDIO_HEAD "m=audio 2/0 RTP/AVP 0\r\n", "count"},
		{AUDIO_HEAD "m=audio 2/ RTP/AVP 0\r\n", "count"},
		{AUDIO_HEAD "m=audio 65534/2 RTP/AVP 0\r\n", "run over"},
		{AUDIO_HEAD "m=audio 2 RTP/AVP\r\n", "without a format"},
		{AUDIO_HEAD "m=audio 2 RTP/AVP \r\n", "without a format"},
		{AUDIO_HEAD "m=audio 2\r\n", "not a name"},
		{AUDIO_HEAD "m=10.0.0.1 2 RTP/AVP 0\r\n", "not a name"},
		{AUDIO_HEAD "m=audio 2 10.0.0.1 0\r\n", "not a name"},
		{AUDIO_HEAD "\r\nt=0 0\r\n", "x=value"},
		{AUDIO_HEAD "a =x\r\n", "x=value"},
		{AUDIO_HEAD " a=x\r\n", "x=value"},
		{AUDIO_HEAD "a\r\n", "x=value"},
		{AUDIO_HEAD "1=x\r\n", "x=value"},
		{AUDIO_HEAD "a=x\rc=IN IP4 10.0.0.1\r\n", "CR stands"},
		{AUDIO_HEAD "a=x\r\r\n", "CR stands"},
	};
	struct body_sdp *s = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = refused(rows[i].text, -EBADMSG);

		if (!strstr(why, rows[i].why))
			fail_msg("row %zu: %s", i, why);
	}
	assert_int_equal(body_sdp_parse("v=0\0\n", 5, &s, NULL), -EBADMSG);
	assert_null(s);
}

static char *text_of(const char *head, const char *line, unsigned times)
{
	size_t len = strlen(head), step = strlen(line);
	char *text = malloc(len + step * times + 1);

	memcpy(text, head, len + 1);
	for (unsigned i = 0; i < times; i++, len += step)
		memcpy(text + len, line, step + 1);
	return text;
}

static void over_limit(const char *line, unsigned fits, unsigned too_many, const char *why)
{
	char *text = text_of(AUDIO_HEAD, line, fits);

	mem_unref(parsed(text));
	free(text);
	text = text_of(AUDIO_HEAD, line, too_many);
	assert_non_null(strstr(refused(text, -E2BIG), why));
	free(text);
}

static void test_limits_A4(void **state)
{
	char *text, *line;

	(void)state;
	over_limit("m=audio 2 RTP/AVP 0\r\n", 32, 33, "m= lines");
	over_limit("m=audio 2 RTP/AVP 0\r\n", 1, 1000, "m= lines");
	over_limit("a=x\r\n", 1021, 1022, "many lines");
	over_limit("\r\n", 1021, 1022, "many lines");
	over_limit("a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n", 1000, 1022, "many lines");
	over_limit("a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n", 0, 10000, "too large");

	line = text_of("a=", "x", 1022);
	text = text_of(AUDIO_HEAD, line, 1);
	mem_unref(parsed(text));
	free(line);
	free(text);
	line = text_of("a=", "x", 1023);
	text = text_of(AUDIO_HEAD, line, 1);
	assert_non_null(strstr(refused(text, -E2BIG), "line is too long"));
	free(line);
	free(text);

	text = text_of(AUDIO_HEAD "m=audio 2 RTP/AVP", " 0", 128);
	mem_unref(parsed(text));
	free(text);
	text = text_of(AUDIO_HEAD "m=audio 2 RTP/AVP", " 0", 129);
	assert_non_null(strstr(refused(text, -EBADMSG), "too many formats"));
	free(text);
}

/* Broken attributes mean "not given". */
static void test_broken_attributes_A4(void **state)
{
	struct body_sdp *s = parsed(
		"v=0\r\no=user with spaces 1 99999999999999999999 IN IP4 host.example\r\n"
		"s=-\r\nc=IN IP4 10.1.1.1\r\nb=AS:-1\r\nb=TIAS:99999999999999999999999\r\n"
		"m=audio 65535 RTP/AVP 0 96 x 128\r\nc=IN IP6 fe80::1%eth0\r\na=\r\na=:\r\na=rtpmap:\r\n"
		"a=rtpmap:96\r\na=rtpmap:96 \r\na=rtpmap:97 X/8000\r\na=rtpmap:0/8000\r\n"
		"a=rtpmap:300 X/1\r\na=fmtp:\r\na=fmtp:96\r\na=fmtp:x y\r\na=ptime:0\r\n"
		"a=maxptime:4000000000\r\na=sendonly \r\na=mid:\r\nb=AS:5000000000\r\n"
		"m=audio 0 RTP/AVP *\r\na=rtpmap:96 A\r\n");
	const struct body_media *m = &s->media[0];

	(void)state;
	assert_text(s->origin.username, "user with spaces");
	assert_false(s->origin.numeric);
	assert_int_equal(s->origin.address.state, BODY_ADDRESS_NAME);
	assert_int_equal(s->as_kbps, 0);
	assert_int_equal(m->address.state, BODY_ADDRESS_BAD);
	assert_int_equal(m->rtp.family, ADDR_NONE);
	assert_int_equal(m->rtcp.port, 0); /* 65536 is no port */
	assert_int_equal(m->formats[1].name.len, 0);
	assert_int_equal(m->formats[2].payload, -1);
	assert_int_equal(m->formats[3].payload, -1);
	assert_int_equal(m->ptime_ms, 0);
	assert_int_equal(m->maxptime_ms, 0);
	assert_int_equal(m->direction, BODY_SENDONLY); /* the space behind it is forgiven */
	assert_int_equal(m->as_kbps, UINT32_MAX);
	assert_int_equal(s->media[1].formats[0].payload, -1);
	assert_int_equal(s->media[1].rtcp.port, 0);
	mem_unref(s);
}

static int parse_once(void *arg)
{
	struct body_sdp *s = NULL;
	int err = body_sdp_parse(arg, strlen(arg), &s, NULL);

	mem_unref(s);
	return err;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	/* one block per parse: a call parses two bodies */
	assert_int_equal(oom_each(parse_once, (void *)(uintptr_t)example("webrtc")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_audio),
		cmocka_unit_test(test_static_payload_table),
		cmocka_unit_test(test_video_and_bandwidth),
		cmocka_unit_test(test_hold_forms_G10),
		cmocka_unit_test(test_secure_profiles),
		cmocka_unit_test(test_rtcp_attribute),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_refused_texts_A4),
		cmocka_unit_test(test_limits_A4),
		cmocka_unit_test(test_broken_attributes_A4),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
