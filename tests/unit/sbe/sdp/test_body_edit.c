/* SPDX-License-Identifier: Apache-2.0 */
/* The outgoing SDP, compared as a whole. B17: unknown lines untouched; C6, X1: no inner address. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "common/mem.h"
#include "tests/lib/oom.h"
#include "tests/unit/sbe/sdp/examples.h"

static const struct body_origin leg = {.sess_id = 77, .version = 5};

#define OURS "o=- 77 5 IN IP4 203.0.113.1\r\n"

/* Relay every stream at 203.0.113.1:40000, 40002, ... */
static struct body_rewrite relay_all(struct body_stream_out *media, unsigned n)
{
	memset(media, 0, n * sizeof(*media));
	for (unsigned i = 0; i < n; i++) {
		media[i].relay = true;
		media[i].rtp = ip_port("203.0.113.1", (uint16_t)(40000 + 2 * i));
	}
	return (struct body_rewrite){.origin = &leg,
				     .address = ip("203.0.113.1"),
				     .media = media,
				     .n_media = n,
				     .hide = true,
				     .strip_leaks = true};
}

static struct body_written written(const char *text, const struct body_rewrite *rw)
{
	struct body_sdp *in = parsed(text);
	struct body_written out = {0};

	assert_int_equal(body_sdp_write(in, rw, &out), 0);
	assert_int_equal(strlen(out.text), out.len_bytes);
	mem_unref(in);
	return out;
}

static void expect(const char *text, const struct body_rewrite *rw, const char *golden)
{
	struct body_written out = written(text, rw);

	assert_string_equal(out.text, golden);
	mem_free(out.text);
}

static void test_no_change_is_byte_exact_B17(void **state)
{
	struct body_stream_out keep[BODY_MAX_MEDIA] = {0};
	struct body_rewrite rw = {0};

	(void)state;
	for (size_t i = 0; i < n_examples; i++) {
		struct body_sdp *in = parsed(examples[i].text);

		expect(examples[i].text, &rw, examples[i].text);
		rw = (struct body_rewrite){.media = keep, .n_media = in->n_media};
		expect(examples[i].text, &rw, examples[i].text);
		rw = (struct body_rewrite){0};
		mem_unref(in);
	}
	expect(AUDIO_HEAD "m=audio 2/2  RTP/AVP\t0 \r\na=x \r\n\r\n", &rw,
	       AUDIO_HEAD "m=audio 2/2  RTP/AVP\t0 \r\na=x \r\n\r\n");
	expect("v=0\no=- 1 1 IN IP4 10.1.1.1\na=x", &rw,
	       "v=0\r\no=- 1 1 IN IP4 10.1.1.1\r\na=x\r\n");
}

/* Found by fuzz_body_sdp: the carriage returns of a blank line at the end were lost. */
static void test_blank_lines_at_the_end(void **state)
{
	const struct body_rewrite nothing = {0};

	(void)state;
	expect("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n\n\r\r", &nothing,
	       "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n\r\n\r\r\n");
}

static void test_relay_audio(void **state)
{
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 1);

	(void)state;
	expect(example("audio"), &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
	       "m=audio 40000 RTP/AVP 8 0 101\r\n"
	       "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
	       "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
	       "a=ptime:20\r\na=sendrecv\r\n");
	expect("v=0\no=a 1 1 IN IP4 10.1.1.1\ns=-\nc=IN IP4 10.1.1.1\nt=0 0\nm=audio 9/2 RTP/AVP 0\n"
	       "c=IN IP4 224.1.1.1/3\nc=IN IP4 224.1.1.2/3\n\n",
	       &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
	       "c=IN IP4 203.0.113.1\r\n");
}

static void test_relay_two_streams_on_two_addresses(void **state)
{
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);

	(void)state;
	media[1].rtp = ip_port("2001:db8:f::1", 40002);
	media[1].rtcp_port = 40007;
	expect(example("audio-video"), &rw,
	       "v=0\r\n" OURS "s=call\r\ni=two streams\r\nc=IN IP4 203.0.113.1\r\nb=AS:1024\r\n"
	       "t=0 0\r\n"
	       "m=audio 40000 RTP/AVP 0\r\n"
	       "m=video 40002 RTP/AVP 96 97\r\nc=IN IP6 2001:db8:f::1\r\nb=TIAS:64000\r\n"
	       "a=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42e01f\r\n"
	       "a=rtpmap:97 H263-1998/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:* ccm fir\r\n"
	       "a=sendonly\r\na=rtcp:40007\r\n");
}

static void test_relay_mixed_families_and_ipv6(void **state)
{
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);

	(void)state;
	expect(example("mixed-families"), &rw,
	       "v=0\r\n" OURS "s=-\r\nt=0 0\r\n"
	       "m=audio 40000 RTP/AVP 0\r\nc=IN IP4 203.0.113.1\r\n"
	       "m=video 40002 RTP/AVP 31\r\ni=camera\r\nc=IN IP4 203.0.113.1\r\nb=AS:500\r\n");
	rw = relay_all(media, 1);
	rw.address = ip("2001:db8:f::1");
	media[0].rtp = ip_port("2001:db8:f::1", 40000);
	expect(example("ipv6"), &rw,
	       "v=0\r\no=- 77 5 IN IP6 2001:db8:f::1\r\ns= \r\nc=IN IP6 2001:db8:f::1\r\n"
	       "t=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtcp:40001\r\n");
}

static void test_refused_streams_stay_in_place_S2(void **state)
{
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);

	(void)state;
	/* a port 0 that came in stays 0 although we asked for a relay */
	expect(example("refused"), &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
	       "m=audio 40000 RTP/AVP 8\r\n"
	       "m=video 0 RTP/AVP 31\r\nc=IN IP4 203.0.113.1\r\n");
	media[0] = (struct body_stream_out){.refused = true};
	media[1] = media[0];
	expect(example("t38"), &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
	       "m=audio 0 RTP/AVP 8\r\n"
	       "m=image 0 udptl t38\r\na=T38FaxVersion:0\r\n"
	       "a=T38MaxBitRate:14400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n");
	/* nothing of ours is known: still no inner address */
	rw = (struct body_rewrite){.media = media, .n_media = 2};
	expect(AUDIO_HEAD "m=audio 9 RTP/AVP 8\r\nc=IN IP4 10.1.1.1\r\nm=x 9 y z\r\n", &rw,
	       AUDIO_HEAD "m=audio 0 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\nm=x 0 y z\r\n"
			  "c=IN IP4 0.0.0.0\r\n");
}

static void test_t38_S2(void **state)
{
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);

	(void)state;
	expect(example("t38"), &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
	       "m=audio 0 RTP/AVP 8\r\n"
	       "m=image 40002 udptl t38\r\na=T38FaxVersion:0\r\n"
	       "a=T38MaxBitRate:14400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n");
}

static void test_hold_G10(void **state)
{
	struct body_stream_out media[1];
	struct body_rewrite rw = relay_all(media, 1);
	const char *const head = "v=0\r\n" OURS "s=-\r\n";
	char golden[512];

	(void)state;
	snprintf(golden, sizeof(golden),
		 "%sc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=sendonly\r\n",
		 head);
	expect(example("hold-direction"), &rw, golden);
	snprintf(golden, sizeof(golden),
		 "%sc=IN IP4 203.0.113.1\r\nt=0 0\r\na=inactive\r\nm=audio 40000 RTP/AVP 8\r\n",
		 head);
	expect(example("hold-session"), &rw, golden);
	snprintf(golden, sizeof(golden),
		 "%sc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n", head);
	expect(example("hold-zero"), &rw, golden);
	media[0].hold_modern = true;
	snprintf(golden, sizeof(golden),
		 "%sc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=sendonly\r\n",
		 head);
	expect(example("hold-zero"), &rw, golden);
	media[0].set_direction = true;
	media[0].direction = BODY_INACTIVE;
	snprintf(golden, sizeof(golden),
		 "%sc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=inactive\r\n",
		 head);
	expect(example("hold-direction"), &rw, golden);
}

/* B17, S12: keying and unknown lines survive in order. X1, S13: ICE ends at the relay. */
static void test_webrtc_B17_X1_S12_S13(void **state)
{
	struct body_stream_out media[1];
	struct body_rewrite rw = relay_all(media, 1);

	(void)state;
	expect(example("webrtc"), &rw,
	       "v=0\r\n" OURS "s=-\r\nt=0 0\r\na=group:BUNDLE a1\r\na=msid-semantic: WMS\r\n"
	       "m=audio 40000 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 203.0.113.1\r\n"
	       "a=fingerprint:sha-256 "
	       "19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:"
	       "33:E8:70:88:A2\r\n"
	       "a=setup:actpass\r\na=mid:a1\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
	       "a=fmtp:111 minptime=10;useinbandfec=1\r\na=tls-id:abc3de65cddef001be82\r\n"
	       "a=ssrc:1001 cname:x@y\r\na=x-foo\r\na=x-bar: two  spaces \r\n");
}

static void test_sdes_survives_B17(void **state)
{
	struct body_stream_out media[1];
	struct body_rewrite rw = relay_all(media, 1);
	struct body_written out = written(example("sdes"), &rw);

	(void)state;
	assert_non_null(strstr(out.text, "\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
					 "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4"
					 "\r\n"));
	mem_free(out.text);
}

static void test_msrp_path_X1(void **state)
{
	struct body_stream_out media[1];
	struct body_rewrite rw = relay_all(media, 1);

	(void)state;
	expect(example("msrp"), &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
	       "m=message 40000 TCP/MSRP *\r\na=accept-types:text/plain\r\n"
	       "a=path:msrp://203.0.113.1:40000/jshA7weztas;tcp\r\n");
	expect(AUDIO_HEAD "m=message 9 TCP/MSRP *\r\na=path:msrp://r@10.9.9.9:1/a;tcp "
			  "msrps://u@10.1.1.1:2/b;tcp\r\na=path:junk\r\na=path:\r\na=path:a:b\r\n",
	       &rw,
	       "v=0\r\n" OURS "s=-\r\nm=message 40000 TCP/MSRP *\r\nc=IN IP4 203.0.113.1\r\n"
	       "a=path:msrps://203.0.113.1:40000/b;tcp\r\n");
	media[0].refused = true;
	expect(example("msrp"), &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
	       "m=message 0 TCP/MSRP *\r\na=accept-types:text/plain\r\n");
}

/* X1: an unknown line with an inner address is counted, and goes only if policy says so. */
static void test_leaks_X1_C6(void **state)
{
	static const char text[] =
		"v=0\r\no=- 1 1 IN IP6 2001:db8:1::1\r\ns=at 10.1.1.1\r\nc=IN IP4 10.1.1.1\r\n"
		"t=0 0\r\na=x-sess:10.1.1.12\r\na=x-pbx:[2001:DB8:1:0::1]:5060\r\n"
		"m=audio 9 RTP/AVP 0\r\nc=IN IP4 pbx.inner.example\r\n"
		"a=x-one:via 10.1.1.1, ok\r\na=ssrc:1 cname:u@PBX.inner.example\r\na=x-ok:10.1.1\r\n"
		"m=x 9 y 10.1.1.1 z\r\n";
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);
	struct body_written out = written(text, &rw);

	(void)state;
	assert_int_equal(out.leaks, 5);
	assert_string_equal(out.first_leak, "s=at 10.1.1.1");
	assert_string_equal(out.text,
			    "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
			    "a=x-sess:10.1.1.12\r\n"
			    "m=audio 40000 RTP/AVP 0\r\nc=IN IP4 203.0.113.1\r\na=x-ok:10.1.1\r\n"
			    "m=x 40002 y z\r\n");
	mem_free(out.text);
	rw.strip_leaks = false;
	out = written(text, &rw);
	assert_int_equal(out.leaks, 5);
	assert_non_null(strstr(out.text, "\r\ns=at 10.1.1.1\r\n"));
	assert_non_null(strstr(out.text, "a=x-one:via 10.1.1.1, ok\r\na=ssrc:1 cname:u@PBX"));
	assert_non_null(strstr(out.text, "m=x 40002 y 10.1.1.1 z\r\n"));
	mem_free(out.text);
}

/* A format list of nothing but leaks still leaves an m= line; personal lines go from sections, too. */
static void test_leaking_formats_and_people_C6(void **state)
{
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);
	struct body_written out;

	(void)state;
	rw.origin = NULL;
	rw.address.family = ADDR_NONE; /* the refused stream borrows the address of the other */
	media[0] = (struct body_stream_out){.refused = true};
	out = written("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\nc=IN IP4 10.1.1.1\r\n"
		      "m=x 2 y 10.1.1.1\r\ne=me@inner.example\r\nm=x 4 y z\r\n",
		      &rw);
	assert_string_equal(out.text, "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\nc=IN IP4 203.0.113.1\r\n"
				      "m=x 0 y *\r\nm=x 40002 y z\r\n");
	assert_int_equal(out.leaks, 1);
	mem_free(out.text);
}

static void test_laboratory_on_one_address(void **state)
{
	struct body_stream_out media[1];
	struct body_rewrite rw = relay_all(media, 1);
	struct body_written out;

	(void)state;
	rw.address = ip("10.1.1.1");
	media[0].rtp = ip_port("10.1.1.1", 40000);
	out = written(AUDIO_HEAD "c=IN IP4 10.1.1.1\r\nm=audio 2 RTP/AVP 0\r\na=x:10.1.1.1\r\n",
		      &rw);
	assert_int_equal(out.leaks, 0);
	assert_non_null(strstr(out.text, "a=x:10.1.1.1\r\n"));
	mem_free(out.text);
}

/* Media past us: c= and candidates stay (S13), only the origin is ours. */
static void test_out_of_the_media_path_S13(void **state)
{
	struct body_stream_out media[2] = {0};
	struct body_rewrite rw = {.origin = &leg,
				  .address = ip("203.0.113.1"),
				  .media = media,
				  .n_media = 1,
				  .strip_leaks = true};

	(void)state;
	expect(AUDIO_HEAD
	       "c=IN IP4 10.1.1.1\r\nm=audio 2 RTP/AVP 0\r\n"
	       "a=candidate:1 1 udp 1 10.1.1.1 2 typ host\r\na=rtcp:9 IN IP4 10.1.1.1\r\n",
	       &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 10.1.1.1\r\nm=audio 2 RTP/AVP 0\r\n"
	       "a=candidate:1 1 udp 1 10.1.1.1 2 typ host\r\na=rtcp:9 IN IP4 10.1.1.1\r\n");
	/* one relayed, one not: the latter keeps the session's address as its own */
	rw.n_media = 2;
	media[0].relay = true;
	media[0].rtp = ip_port("203.0.113.1", 40000);
	expect(AUDIO_HEAD "c=IN IP4 10.1.1.1\r\nm=audio 2 RTP/AVP 0\r\nm=x 4 y z\r\ni=t\r\na=b\r\n",
	       &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nm=audio 40000 RTP/AVP 0\r\n"
	       "m=x 4 y z\r\ni=t\r\nc=IN IP4 10.1.1.1\r\na=b\r\n");
}

static void test_no_media_lines(void **state)
{
	struct body_rewrite rw = {.origin = &leg, .address = ip("203.0.113.1")};

	(void)state;
	expect(example("no-media"), &rw, "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n");
}

static void test_rtcp_lines_G10(void **state)
{
	static const struct {
		const char *received;
		uint16_t rtp, rtcp;
		const char *sent;
	} rows[] = {
		{"a=x\r\n", 40000, 0, "a=x\r\n"},
		{"a=x\r\n", 40000, 40001, "a=x\r\n"},
		{"a=x\r\n", 40000, 40009, "a=x\r\na=rtcp:40009\r\n"},
		{"a=rtcp:9 IN IP4 10.1.1.1\r\na=x\r\n", 40000, 0, "a=rtcp:40001\r\na=x\r\n"},
		{"a=rtcp:9\r\na=rtcp:10\r\n", 40000, 40009, "a=rtcp:40009\r\n"},
		{"a=rtcp:junk 10.1.1.1\r\n", 40000, 0, "a=rtcp:40001\r\n"},
		{"a=rtcp:9\r\na=rtcp-mux\r\n", 40000, 0, "a=rtcp-mux\r\n"},
		{"a=rtcp:9\r\na=rtcp-mux\r\n", 40000, 40000, "a=rtcp-mux\r\n"},
		{"a=rtcp-mux\r\n", 40000, 40009, "a=rtcp-mux\r\na=rtcp:40009\r\n"},
		{"a=rtcp:9\r\n", 65535, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct body_stream_out media[1];
		struct body_rewrite rw = relay_all(media, 1);
		char text[512], golden[512];

		media[0].rtp.port = rows[i].rtp;
		media[0].rtcp_port = rows[i].rtcp;
		snprintf(text, sizeof(text), "%sc=IN IP4 10.1.1.1\r\nm=audio 2 RTP/AVP 0\r\n%s",
			 AUDIO_HEAD, rows[i].received);
		snprintf(golden, sizeof(golden),
			 "v=0\r\n%ss=-\r\nc=IN IP4 203.0.113.1\r\nm=audio %u RTP/AVP 0\r\n%s", OURS,
			 rows[i].rtp, rows[i].sent);
		expect(text, &rw, golden);
	}
}

static void test_payload_filter(void **state)
{
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);
	const struct body_payloads audio = {.n = 3, .list = {101, 8, 77}};
	const struct body_payloads video = {.n = 1, .list = {97}};

	(void)state;
	media[0].payloads = &audio;
	media[1].payloads = &video;
	expect(AUDIO_HEAD
	       "c=IN IP4 10.1.1.1\r\n"
	       "m=audio 2 RTP/AVP 8 0 101 x\r\na=rtpmap:8 PCMA/8000\r\na=fmtp:0 x\r\n"
	       "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:99 a\r\n"
	       "m=video 4 RTP/AVPF 96 97\r\na=rtcp-fb:* nack\r\na=rtcp-fb:96 nack\r\n"
	       "a=rtcp-fb:97 nack\r\na=rtpmap:96 H264/90000\r\na=rtpmap:97 VP8/90000\r\n",
	       &rw,
	       "v=0\r\n" OURS "s=-\r\nc=IN IP4 203.0.113.1\r\n"
	       "m=audio 40000 RTP/AVP 101 8\r\na=rtpmap:8 PCMA/8000\r\n"
	       "a=rtpmap:101 telephone-event/8000\r\na=fmtp:99 a\r\n"
	       "m=video 40002 RTP/AVPF 97\r\na=rtcp-fb:* nack\r\n"
	       "a=rtcp-fb:97 nack\r\na=rtpmap:97 VP8/90000\r\n");
}

static void test_strip_lists_B17(void **state)
{
	static const char *const everywhere[] = {"x-*", "group"};
	static const char *const audio[] = {"crypto"};
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);
	struct body_written out;

	(void)state;
	rw.strip = everywhere;
	rw.n_strip = 2;
	media[0].strip = audio;
	media[0].n_strip = 1;
	out = written(AUDIO_HEAD
		      "a=group:BUNDLE 1\r\na=x-a\r\na=xa\r\n"
		      "m=audio 2 RTP/SAVP 0\r\nc=IN IP4 10.1.1.1\r\na=Crypto:1\r\na=X-b:1\r\n"
		      "m=audio 4 RTP/SAVP 0\r\nc=IN IP4 10.1.1.1\r\na=crypto:2\r\n",
		      &rw);
	assert_string_equal(out.text, "v=0\r\n" OURS "s=-\r\na=xa\r\n"
				      "m=audio 40000 RTP/SAVP 0\r\nc=IN IP4 203.0.113.1\r\n"
				      "m=audio 40002 RTP/SAVP 0\r\nc=IN IP4 203.0.113.1\r\n"
				      "a=crypto:2\r\n");
	assert_int_equal(out.stripped, 4);
	mem_free(out.text);
}

/* S2: same text, same version; another text, version + 1; the caller decides when it counts. */
static void test_version_S2(void **state)
{
	struct body_stream_out media[1];
	struct body_rewrite rw = relay_all(media, 1);
	struct body_origin now = leg;
	struct body_written a, b;

	(void)state;
	rw.origin = &now;
	a = written(example("audio"), &rw);
	assert_int_equal(a.origin.version, 5);
	now = a.origin;
	b = written(example("audio"), &rw);
	assert_string_equal(a.text, b.text);
	assert_int_equal(b.origin.version, 5);
	mem_free(b.text);
	media[0].rtp.port = 40004;
	for (int i = 0; i < 2; i++) { /* not stored: the number is not used up */
		b = written(example("audio"), &rw);
		assert_int_equal(b.origin.version, 6);
		assert_non_null(strstr(b.text, "o=- 77 6 IN IP4"));
		mem_free(b.text);
	}
	mem_free(a.text);
}

static void test_bad_arguments(void **state)
{
	struct body_sdp *in = parsed(example("audio"));
	struct body_stream_out media[2];
	struct body_rewrite rw = relay_all(media, 2);
	struct body_written out = {.leaks = 99};

	(void)state;
	assert_int_equal(body_sdp_write(in, &rw, &out), -EINVAL);
	rw = relay_all(media, 1);
	media[0].rtp.port = 0;
	assert_int_equal(body_sdp_write(in, &rw, &out), -EINVAL);
	rw = relay_all(media, 1);
	media[0].rtp.family = ADDR_NONE;
	assert_int_equal(body_sdp_write(in, &rw, &out), -EINVAL);
	rw = relay_all(media, 1);
	rw.address.family = ADDR_NONE;
	assert_int_equal(body_sdp_write(in, &rw, &out), -EINVAL);
	assert_int_equal(out.leaks, 99);
	mem_unref(in);
}

static int write_once(void *arg)
{
	struct body_stream_out media[BODY_MAX_MEDIA];
	struct body_sdp *in = arg;
	struct body_rewrite rw = relay_all(media, in->n_media);
	struct body_written out = {0};
	int err = body_sdp_write(in, &rw, &out);

	mem_free(out.text);
	return err;
}

static void test_out_of_memory(void **state)
{
	char text[8192] = AUDIO_HEAD;
	struct body_sdp *in;

	(void)state;
	/* a= lines that grow: the buffer has to be made bigger */
	strcat(text, "m=message 1 TCP/MSRP *\r\n");
	for (int i = 0; i < 200; i++)
		strcat(text, "a=path:msrp://a/b\r\n");
	in = parsed(text);
	assert_in_range(oom_each(write_once, in), 2, 5);
	mem_unref(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_change_is_byte_exact_B17),
		cmocka_unit_test(test_blank_lines_at_the_end),
		cmocka_unit_test(test_relay_audio),
		cmocka_unit_test(test_relay_two_streams_on_two_addresses),
		cmocka_unit_test(test_relay_mixed_families_and_ipv6),
		cmocka_unit_test(test_refused_streams_stay_in_place_S2),
		cmocka_unit_test(test_t38_S2),
		cmocka_unit_test(test_hold_G10),
		cmocka_unit_test(test_webrtc_B17_X1_S12_S13),
		cmocka_unit_test(test_sdes_survives_B17),
		cmocka_unit_test(test_msrp_path_X1),
		cmocka_unit_test(test_leaks_X1_C6),
		cmocka_unit_test(test_leaking_formats_and_people_C6),
		cmocka_unit_test(test_laboratory_on_one_address),
		cmocka_unit_test(test_out_of_the_media_path_S13),
		cmocka_unit_test(test_no_media_lines),
		cmocka_unit_test(test_rtcp_lines_G10),
		cmocka_unit_test(test_payload_filter),
		cmocka_unit_test(test_strip_lists_B17),
		cmocka_unit_test(test_version_S2),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
