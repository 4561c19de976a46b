/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/sbe/sdp/examples.h"

const struct example examples[] = {
	{"audio", AUDIO_HEAD "c=IN IP4 10.1.1.1\r\n" AUDIO_TIME "m=audio 49170 RTP/AVP 8 0 101\r\n"
			     "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
			     "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
			     "a=ptime:20\r\na=sendrecv\r\n"},
	{"audio-video",
	 "v=0\r\no=- 1 2 IN IP4 10.1.1.2\r\ns=call\r\ni=two streams\r\n"
	 "u=http://pbx.inner.example/\r\ne=bob@inner.example\r\np=+1 555 0100\r\n"
	 "c=IN IP4 10.1.1.2\r\nb=AS:1024\r\nt=0 0\r\n"
	 "m=audio 5000 RTP/AVP 0\r\n"
	 "m=video 5002 RTP/AVP 96 97\r\nb=TIAS:64000\r\n"
	 "a=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42e01f\r\n"
	 "a=rtpmap:97 H263-1998/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:* ccm fir\r\n"
	 "a=sendonly\r\n"},
	{"t38", AUDIO_HEAD "c=IN IP4 10.1.1.1\r\n" AUDIO_TIME "m=audio 0 RTP/AVP 8\r\n"
			   "m=image 49172 udptl t38\r\na=T38FaxVersion:0\r\n"
			   "a=T38MaxBitRate:14400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"},
	{"refused", AUDIO_HEAD "c=IN IP4 10.1.1.1\r\n" AUDIO_TIME "m=audio 49170 RTP/AVP 8\r\n"
			       "m=video 0 RTP/AVP 31\r\nc=IN IP4 10.1.1.9\r\n"},
	{"hold-direction",
	 AUDIO_HEAD "c=IN IP4 10.1.1.1\r\n" AUDIO_TIME "m=audio 49170 RTP/AVP 8\r\na=sendonly\r\n"},
	{"hold-session",
	 AUDIO_HEAD "c=IN IP4 10.1.1.1\r\n" AUDIO_TIME "a=inactive\r\nm=audio 49170 RTP/AVP 8\r\n"},
	{"hold-zero", AUDIO_HEAD "c=IN IP4 0.0.0.0\r\n" AUDIO_TIME "m=audio 49170 RTP/AVP 8\r\n"},
	{"ipv6", "v=0\r\no=- 7 7 IN IP6 2001:db8:1::1\r\ns= \r\nc=IN IP6 2001:db8:1::1\r\n"
		 "t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtcp:6011\r\n"},
	{"mixed-families", "v=0\r\no=- 7 7 IN IP6 2001:db8:1::1\r\ns=-\r\nt=0 0\r\n"
			   "m=audio 6000 RTP/AVP 0\r\nc=IN IP4 10.1.1.1\r\n"
			   "m=video 6002 RTP/AVP 31\r\ni=camera\r\nc=IN IP6 2001:db8:1::1\r\n"
			   "b=AS:500\r\n"},
	{"webrtc",
	 "v=0\r\no=- 4962303333179871722 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	 "a=group:BUNDLE a1\r\na=msid-semantic: WMS\r\na=ice-lite\r\n"
	 "m=audio 51000 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 10.3.3.3\r\n"
	 "a=rtcp:9 IN IP4 0.0.0.0\r\n"
	 "a=candidate:1 1 udp 2130706431 10.3.3.3 51000 typ host generation 0\r\n"
	 "a=candidate:2 1 udp 1694498815 198.51.100.7 40000 typ srflx raddr 10.3.3.3 rport 51000\r\n"
	 "a=end-of-candidates\r\na=ice-ufrag:someufrag\r\na=ice-pwd:somelongicepassword1234\r\n"
	 "a=fingerprint:sha-256 "
	 "19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:"
	 "E8:70:88:A2\r\n"
	 "a=setup:actpass\r\na=mid:a1\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
	 "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
	 "a=tls-id:abc3de65cddef001be82\r\n"
	 "a=ssrc:1001 cname:x@y\r\na=x-foo\r\na=x-bar: two  spaces \r\n"},
	{"sdes", AUDIO_HEAD "c=IN IP4 10.1.1.1\r\n" AUDIO_TIME "m=audio 49170 RTP/SAVP 8 18\r\n"
			    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
			    "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\n"},
	{"msrp", "v=0\r\no=alice 2890844526 2890844527 IN IP4 alicepc.inner.example\r\ns=-\r\n"
		 "c=IN IP4 alicepc.inner.example\r\nt=0 0\r\n"
		 "m=message 7654 TCP/MSRP *\r\na=accept-types:text/plain\r\n"
		 "a=path:msrp://alicepc.inner.example:7654/jshA7weztas;tcp\r\n"},
	{"odd-lines", "v=0\r\no=- 1 1 IN IP4 10.1.1.1\r\ns=x\r\ns=y\r\nc=IN IP4 10.1.1.1\r\n"
		      "b=X-YZ:128\r\nt=0 0\r\nr=7d 1h 0 25h\r\nz=0 0\r\nk=clear:secret\r\n"
		      "y=unknown type\r\na=\r\na=tool:x\r\nm=audio 1 RTP/AVP 0\r\na=:\r\nf=\r\n"},
	{"no-media", "v=0\r\no=- 1 1 IN IP4 10.1.1.1\r\ns=-\r\nc=IN IP4 10.1.1.1\r\nt=0 0\r\n"},
};

const size_t n_examples = sizeof(examples) / sizeof(examples[0]);

const char *example(const char *name)
{
	for (size_t i = 0; i < n_examples; i++) {
		if (strcmp(examples[i].name, name) == 0)
			return examples[i].text;
	}
	fail_msg("no example %s", name);
	return NULL;
}

struct body_sdp *parsed(const char *text)
{
	struct body_sdp *sdp = NULL;
	const char *why = "?";

	if (body_sdp_parse(text, strlen(text), &sdp, &why) != 0)
		fail_msg("refused: %s\n%s", why, text);
	return sdp;
}

const char *refused(const char *text, int error)
{
	struct body_sdp *sdp = NULL;
	const char *why = NULL;
	int err = body_sdp_parse(text, strlen(text), &sdp, &why);

	assert_int_equal(err, error);
	assert_null(sdp);
	assert_non_null(why);
	return why;
}

void assert_text(struct body_text t, const char *expected)
{
	if (t.len != strlen(expected) || (t.len && memcmp(t.at, expected, t.len) != 0))
		fail_msg("\"%.*s\" is not \"%s\"", (int)t.len, t.at ? t.at : "", expected);
}

struct addr ip(const char *text)
{
	return ip_port(text, 0);
}

struct addr ip_port(const char *text, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(text, strlen(text), &a), 0);
	a.port = port;
	return a;
}
