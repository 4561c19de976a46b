/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: types that are agreed, what nobody can read (B18), parts that are optional, and nothing inner in any (C6). */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define MIXED "Content-Type: multipart/mixed;boundary=B\n"
#define SDP "--B\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nc=IN IP4 10.7.7.7\r\n\r\n"
#define ISUP "--B\r\nContent-Type: application/isup;version=itu\r\n\r\n\001\002x\r\n"
#define OPT "Content-Disposition: signal;handling=optional\r\n"

static void is(const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("got  %s\nwant %s", got, want);
}

static const char *admitted(const char *headers, const char *body)
{
	static char text[64];
	struct wire_msg *m = bed_invite(NULL, NULL, headers, body);
	struct policy_refusal r;

	text[0] = '\0';
	if (!policy_body_admit(&bed.way, m, &r))
		snprintf(text, sizeof(text), "%d", r.status);
	mem_unref(m);
	return text;
}

/* "TYPE\nBODY", "=" when it is unchanged, or the error */
static const char *sifted(const char *headers, const char *body)
{
	static char text[8192];
	struct wire_msg *m = bed_invite(NULL, NULL, headers, body);
	struct policy_body b = {.text = NULL};
	int err = policy_body(&bed.way, m, wire_content_type(m), wire_body(m), &b);

	if (err)
		snprintf(text, sizeof(text), "%d", err);
	else if (!b.text)
		strcpy(text, "=");
	else
		snprintf(text, sizeof(text), "%s\n%.*s", b.type, (int)b.len_bytes, b.text);
	mem_free(b.text);
	mem_unref(m);
	return text;
}

static void untouched(void **state)
{
	(void)state;
	bed_peers(NULL, NULL);
	is(admitted(MIXED, SDP ISUP "--B--\r\n"), "");
	is(sifted(MIXED, SDP ISUP "--B--\r\n"), "=");
	is(admitted("", ""), "");
	is(admitted("Content-Type: application/sdp\n", "v=0\r\n"), "");
}

static void types(void **state)
{
	(void)state;
	bed_peers("{'body':{'types':['text/*','application/ISUP']}}", NULL);
	is(admitted(MIXED, SDP ISUP "--B--\r\n"), "");
	is(admitted(MIXED, SDP "--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--\r\n"), "");
	is(admitted(MIXED, SDP "--B\r\n\r\nno type is text\r\n--B--\r\n"), "");
	is(admitted(MIXED, SDP "--B\r\nContent-Type: image/png\r\n\r\nx\r\n--B--\r\n"), "415");
	is(admitted(MIXED, SDP "--B\r\nContent-Type: image/png\r\n" OPT "\r\nx\r\n--B--\r\n"), "");
	/* the optional part is taken out; what is left needs no wrapping */
	is(sifted(MIXED, SDP "--B\r\nContent-Type: image/png\r\n" OPT "\r\nx\r\n--B--\r\n"),
	   "application/sdp\nv=0\r\nc=IN IP4 10.7.7.7\r\n");
	is(sifted(MIXED, SDP ISUP "--B\r\nContent-Type: image/png\r\n\r\nx\r\n--B--\r\n"),
	   "multipart/mixed;boundary=B\n" SDP ISUP "--B--\r\n");
	is(sifted(MIXED, "--B\r\nContent-Type: image/png\r\n\r\nx\r\n--B--\r\n"), "-95");
}

static void opaque(void **state)
{
	static const char part[] =
		SDP "--B\r\nContent-Type: application/pkcs7-mime\r\n\r\nx\r\n--B--\r\n";

	(void)state;
	bed_peers(NULL, NULL);
	is(admitted(MIXED, part), "488");
	is(admitted("Content-Type: application/pkcs7-mime;smime-type=enveloped-data\n", "x"),
	   "488");
	is(admitted("Content-Type: multipart/encrypted;boundary=B\n", "--B--\r\n"), "488");
	is(admitted(MIXED,
		    SDP "--B\r\nContent-Type: application/pkcs7-mime\r\n" OPT "\r\nx\r\n--B--\r\n"),
	   "");
	bed_peers("{'body':{'opaque':'pass'}}", NULL);
	is(admitted(MIXED, part), "");
	is(sifted(MIXED, part), "=");
}

static void nothing_inner(void **state)
{
	const char *out;

	(void)state;
	bed_peers(NULL, NULL);
	is(admitted(MIXED,
		    SDP "--B\r\nContent-Type: message/sipfrag\r\n\r\nVia: pbx.inside\r\n--B--\r\n"),
	   "488");
	is(sifted(MIXED,
		  SDP "--B\r\nContent-Type: message/sipfrag\r\n\r\nVia: 10.0.0.10\r\n--B--\r\n"),
	   "application/sdp\nv=0\r\nc=IN IP4 10.7.7.7\r\n");
	is(sifted(MIXED, SDP
		  "--B\r\nContent-Type: application/isup\r\n\r\n\001c=10.7.7.7\002\r\n--B--\r\n"),
	   "application/sdp\nv=0\r\nc=IN IP4 10.7.7.7\r\n");
	/* headers of parts, what stands around them, and the boundary itself */
	is(sifted(MIXED, "for 10.0.0.10\r\n" SDP "--B\r\nContent-ID: <1@pbx.inside>\r\n"
			 "Content-Type: application/isup\r\n\r\n1\r\n--B--\r\nbye 10.0.0.10\r\n"),
	   "multipart/mixed;boundary=B\n" SDP
	   "--B\r\nContent-Type: application/isup\r\n\r\n1\r\n--B--\r\n");
	out = sifted(
		"Content-Type: multipart/related;start=\"<1@pbx.inside>\";boundary=10.0.0.10\n",
		"--10.0.0.10\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--10.0.0.10\r\n"
		"Content-Type: application/isup\r\n\r\n1\r\n--10.0.0.10--\r\n");
	assert_memory_equal(out, "multipart/mixed;boundary=", 25);
	assert_null(strstr(out, "10.0.0.10"));
	assert_null(strstr(out, "inside"));
	is(sifted(MIXED, "no delimiter"), "-74");
}

static void whole_bodies(void **state)
{
	struct wire_msg *m;

	(void)state;
	bed_peers("{'body':{'types':['application/dtmf-relay']}}", NULL);
	m = bed_invite(NULL, NULL, "Content-Type: application/dtmf-relay\n", "Signal=1");
	assert_true(policy_body_passes(&bed.way, m));
	mem_unref(m);
	m = bed_invite(NULL, NULL, "Content-Type: application/dtmf-relay\n", "Signal=10.0.0.10");
	assert_false(policy_body_passes(&bed.way, m));
	mem_unref(m);
	m = bed_invite(NULL, NULL, "Content-Type: text/plain\n", "x");
	assert_false(policy_body_passes(&bed.way, m));
	mem_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(untouched),     BED_TEST(types),        BED_TEST(opaque),
		BED_TEST(nothing_inner), BED_TEST(whole_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
