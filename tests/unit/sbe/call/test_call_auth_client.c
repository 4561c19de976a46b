/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges of peers to an INVITE: answered, once more, never shown, credentials only where they belong (G13, C11, A18, H13). */
#include "tests/unit/sbe/call/call_bed_auth.h"

#include <stdio.h>
#include <string.h>

static void gave_up(void)
{
	const char *m = bed_take(A, "SIP/2.0 403 ");

	bed_lacks(m, "uthenticate");
	bed_lacks(m, "nonce");
	bed_lacks(m, "b.example");
	assert_string_equal(bed_cdr("cause"), "auth_failed");
	assert_string_equal(bed_cdr("status"), "403");
	bed_quiet(B);
	bed_quiet(C);
}

/* ---- the INVITE of a call ---- */

static void answered(void **state)
{
	const struct digest_fields *fields;
	char from[512], call_id[128];
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE ");
	snprintf(from, sizeof(from), "%s", bed_header(m, "From"));
	snprintf(call_id, sizeof(call_id), "%s", bed_header(m, "Call-ID"));
	assert_string_equal(bed_header(m, "CSeq"), "1 INVITE");
	bed_auth_challenge(401, WWW(SHA("b.example", "n1", ",opaque=\"o\"")));
	m = bed_take(B, "INVITE sip:+442079460000@b.example ");
	fields = bed_auth_check(m, "Authorization", "n1", "00000001");
	bed_auth_is(fields->algorithm, "SHA-256");
	bed_auth_is(fields->opaque, "o");
	assert_string_equal(bed_header(m, "From"), from);
	assert_string_equal(bed_header(m, "Call-ID"), call_id);
	assert_string_equal(bed_header(m, "CSeq"), "2 INVITE");
	bed_lacks(bed_header(m, "To"), "tag=");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_quiet(A);
	assert_int_equal(bed.gate.opens, 1);
	bed_auth_finish();
	bed_hang_up(A, B);
	assert_string_equal(bed_cdr("cause"), "normal");
}

static void by_a_proxy(void **state)
{
	const char *m;

	(void)state;
	bed_auth_to_b();
	bed_auth_challenge(407, PROXY(SHA("b.example", "p1", "")));
	m = bed_take(B, "INVITE ");
	bed_auth_check(m, "Proxy-Authorization", "p1", "00000001");
	bed_lacks(m, "\r\nAuthorization");
	bed_auth_challenge(401, WWW(SHA("b.example", "w1", ""))); /* and by who stands behind it */
	m = bed_take(B, "INVITE ");
	bed_auth_check(m, "Proxy-Authorization", "p1", "00000002");
	bed_auth_check(m, "Authorization", "w1", "00000001");
	assert_string_equal(bed_header(m, "CSeq"), "3 INVITE");
	bed_auth_finish();
	bed_hang_up(A, B);
}

static void stale_once(void **state)
{
	(void)state;
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	bed_auth_challenge(401, WWW(SHA("b.example", "n2", ",stale=TRUE")));
	bed_auth_check(bed_take(B, "INVITE "), "Authorization", "n2", "00000001");
	bed_auth_finish();
	bed_hang_up(A, B);
	/* for ever stale */
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	bed_auth_challenge(401, WWW(SHA("b.example", "n2", ",stale=true")));
	bed_take(B, "INVITE ");
	bed_auth_challenge(401, WWW(SHA("b.example", "n3", ",stale=true")));
	gave_up();
}

static void refused_again(void **state)
{
	(void)state;
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	bed_auth_challenge(401, WWW(SHA("b.example", "n2", "")));
	gave_up();
	assert_string_equal(bed_cdr("attempts.0.result"), "auth_failed");
	assert_string_equal(bed_cdr("attempts.0.status"), "403");
}

static void strongest(void **state)
{
	const struct digest_fields *fields;
	(void)state;
	bed_down();
	bed_auth_up(",'clear':true,'algorithms':['MD5','SHA-256']", NULL);
	bed_auth_to_b();
	bed_auth_challenge(
		401,
		WWW("Digest realm=\"b.example\",nonce=\"m\",qop=\"auth\"\n")
			WWW(SHA("b.example", "s", ""))
				WWW("Digest realm=\"b.example\",nonce=\"m\",qop=\"auth\",algorithm="
				    "MD5\n"));
	fields = bed_auth_check(bed_take(B, "INVITE "), "Authorization", "s", "00000001");
	bed_auth_is(fields->algorithm, "SHA-256");
	bed_auth_finish();
	bed_hang_up(A, B);
	bed_auth_to_b();
	bed_auth_challenge(401,
			   WWW("Digest realm=\"b.example\",nonce=\"m\",qop=\"auth-int,auth\"\n"));
	fields = bed_auth_check(bed_take(B, "INVITE "), "Authorization", "m", "00000001");
	bed_auth_is(fields->algorithm, "MD5");
	bed_auth_finish();
	bed_hang_up(A, B);
	bed_auth_to_b(); /* as old as RFC 2069 */
	bed_auth_challenge(401, WWW("Digest realm=\"b.example\",nonce=\"m\"\n"));
	bed_lacks(bed_header(bed_take(B, "INVITE "), "Authorization"), "qop");
	bed_auth_finish();
	bed_hang_up(A, B);
}

/* C11 no downgrade; A18 credentials only for the configured realm; and what cannot be read is no challenge. */
static void not_answered(void **state)
{
	static const char *const list[] = {
		WWW(SHA("c.example", "n", "")), /* another trunk's realm */
		WWW(SHA("B.example", "n", "")),
		WWW(SHA("b.example ", "n", "")),
		WWW(SHA("", "n", "")),
		WWW("Digest realm=\"b.example\",nonce=\"n\",qop=\"auth\",algorithm=MD5\n"),
		WWW("Digest realm=\"b.example\",nonce=\"n\",qop=\"auth\"\n"),
		WWW("Digest realm=\"b.example\",nonce=\"n\",algorithm=SHA-256\n"),
		WWW("Digest realm=\"b.example\",nonce=\"n\",qop=\"auth-int\",algorithm=SHA-256\n"),
		WWW("Digest realm=\"b.example\",nonce=\"n\",qop=\"auth\",algorithm=SHA-256-sess\n"),
		WWW("Digest realm=\"b.example\",qop=\"auth\",algorithm=SHA-256\n"),
		WWW("Digest realm=\"b.example\",nonce=\"\",qop=\"auth\",algorithm=SHA-256\n"),
		WWW("Basic realm=\"b.example\"\n"),
		PROXY(SHA("b.example", "n", "")), /* not what a 401 asks with */
		NULL,
	};

	(void)state;
	for (size_t i = 0; i == 0 || list[i - 1]; i++) {
		bed_auth_to_b();
		bed_auth_challenge(401, list[i]);
		gave_up();
	}
	/* the other peer asks for the first one's */
	bed_down();
	bed_auth_up(",'clear':true", "{'name':'x','to':[{'peer':'cnet'}]}");
	bed_invite(A, SDP_A);
	bed_take(X, "INVITE ");
	bed.extra = WWW(SHA("b.example", "n", ""));
	bed_reply(X, 401, NULL);
	bed_take(X, "ACK ");
	bed_take(A, "SIP/2.0 403 ");
	bed_quiet(X);
}

static void not_over_clear(void **state)
{
	(void)state;
	bed_down();
	bed_auth_up("", NULL);
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n", "")));
	gave_up();
}

/* A caller that challenges us is told nothing either; it is one of ours without credentials. */
static void without_credentials(void **state)
{
	(void)state;
	bed_down();
	bed_up(NULL, NULL);
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n", "")));
	gave_up();
}

static void cancelled_meanwhile(void **state)
{
	(void)state;
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n", "")));
	bed_take(B, "INVITE ");
	bed_reply(B, 180, NULL);
	bed_take(A, "SIP/2.0 180 ");
	bed_cancel(A);
	bed_take(A, "SIP/2.0 487 ");
	bed_has(bed_take(B, "CANCEL "), "CSeq: 2 CANCEL");
	bed_reply(B, 487, NULL);
	bed_take(B, "ACK ");
	bed_skip(B);
}

/* The next hop knows nothing of the first one's nonce. */
static void next_hop(void **state)
{
	(void)state;
	bed_auth_to_b();
	bed_auth_challenge(401, WWW(SHA("b.example", "n", "")));
	bed_take(B, "INVITE ");
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_lacks(bed_take(C, "INVITE "), "uthorization");
	bed_reply(C, 486, NULL);
	bed_take(C, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_AUTH_TEST(answered),
		BED_AUTH_TEST(by_a_proxy),
		BED_AUTH_TEST(stale_once),
		BED_AUTH_TEST(refused_again),
		BED_AUTH_TEST(strongest),
		BED_AUTH_TEST(not_answered),
		BED_AUTH_TEST(not_over_clear),
		BED_AUTH_TEST(without_credentials),
		BED_AUTH_TEST(cancelled_meanwhile),
		BED_AUTH_TEST(next_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
