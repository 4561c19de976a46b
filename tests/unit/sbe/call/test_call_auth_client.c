/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges of peers: answered, once more, never shown, credentials only where they belong (G13, C11, A18, H13). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#define NEXT "'next_hops':['sip:198.51.100.20','sip:198.51.100.21']"
#define PEERS(auth)                                                                                \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"            \
	"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example']," NEXT   \
	",'auth':{'realm':'b.example','user':'us','password_file':'x'" auth "}},"                  \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"           \
	"'next_hops':['sip:198.51.100.30'],"                                                       \
	"'auth':{'realm':'c.example','user':'we','password_file':'x','clear':true}}"
#define SHA(realm, nonce, more)                                                                    \
	"Digest realm=\"" realm "\",nonce=\"" nonce "\",qop=\"auth\",algorithm=SHA-256" more "\n"
#define WWW(challenge) "WWW-Authenticate: " challenge
#define PROXY(challenge) "Proxy-Authenticate: " challenge

static void up(const char *auth)
{
	struct peer_conf *confs;
	char peers[2048];

	snprintf(peers, sizeof(peers), PEERS("%s"), auth);
	bed_up(peers, NULL);
	confs = bed.peer_confs.items;
	for (size_t i = 0; i < bed.peer_confs.n; i++) {
		if (confs[i].auth.realm)
			assert_int_equal(peer_auth_set(&confs[i].auth, confs[i].name), 0);
	}
}

static int setup(void **state)
{
	(void)state;
	up(",'clear':true");
	return 0;
}

/* ---- the credentials in a request ---- */

static struct digest_fields fields;

static void is(struct wire_text t, const char *s)
{
	char got[256];

	assert_non_null(t.s);
	assert_string_equal(wire_text_copy(t, got, sizeof(got)), s);
}

static void check(const char *m, const char *header, const char *nonce, const char *nc)
{
	char method[32], uri[512], ha1[DIGEST_HEX_BYTES], hex[DIGEST_HEX_BYTES];
	const char *value = bed_header(m, header);
	enum digest_algorithm algorithm;
	struct digest_input in;

	if (!value[0])
		fail_msg("no %s in\n%s", header, m);
	assert_int_equal(sscanf(m, "%31s %511s", method, uri), 2);
	assert_int_equal(digest_parse((struct wire_text){value, strlen(value)}, &fields), 0);
	is(fields.username, "us");
	is(fields.realm, "b.example");
	is(fields.nonce, nonce);
	is(fields.nc, nc);
	is(fields.uri, uri);
	is(fields.qop, "auth");
	assert_int_equal(digest_algorithm_of(fields.algorithm, &algorithm), 0);
	in = (struct digest_input){
		{method, strlen(method)}, fields.uri, fields.nonce, fields.nc, fields.cnonce};
	digest_ha1(algorithm, "us", "b.example", "bnet", ha1);
	digest_response(algorithm, ha1, &in, hex);
	is(fields.response, hex);
}

static void to_b(void)
{
	bed_invite(A, SDP_A);
	bed_lacks(bed_take(B, "INVITE "), "uthorization");
}

static void challenge(int status, const char *line)
{
	bed.extra = line;
	bed_reply(B, status, NULL);
	bed_take(B, "ACK ");
}

static void finish(void)
{
	bed_reply(B, 200, SDP_B);
	bed_lacks(bed_take(A, "SIP/2.0 200 "), "uthenticate");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
}

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
	char from[512], call_id[128];
	const char *m;

	(void)state;
	bed_invite(A, SDP_A);
	m = bed_take(B, "INVITE ");
	snprintf(from, sizeof(from), "%s", bed_header(m, "From"));
	snprintf(call_id, sizeof(call_id), "%s", bed_header(m, "Call-ID"));
	assert_string_equal(bed_header(m, "CSeq"), "1 INVITE");
	challenge(401, WWW(SHA("b.example", "n1", ",opaque=\"o\"")));
	m = bed_take(B, "INVITE sip:+442079460000@b.example ");
	check(m, "Authorization", "n1", "00000001");
	is(fields.algorithm, "SHA-256");
	is(fields.opaque, "o");
	assert_string_equal(bed_header(m, "From"), from);
	assert_string_equal(bed_header(m, "Call-ID"), call_id);
	assert_string_equal(bed_header(m, "CSeq"), "2 INVITE");
	bed_lacks(bed_header(m, "To"), "tag=");
	bed_has(m, "\r\nc=IN IP4 203.0.113.2\r\n");
	bed_quiet(A);
	assert_int_equal(bed.gate.opens, 1);
	finish();
	bed_hang_up(A, B);
	assert_string_equal(bed_cdr("cause"), "normal");
}

static void by_a_proxy(void **state)
{
	const char *m;

	(void)state;
	to_b();
	challenge(407, PROXY(SHA("b.example", "p1", "")));
	m = bed_take(B, "INVITE ");
	check(m, "Proxy-Authorization", "p1", "00000001");
	bed_lacks(m, "\r\nAuthorization");
	challenge(401, WWW(SHA("b.example", "w1", ""))); /* and by who stands behind it */
	m = bed_take(B, "INVITE ");
	check(m, "Proxy-Authorization", "p1", "00000002");
	check(m, "Authorization", "w1", "00000001");
	assert_string_equal(bed_header(m, "CSeq"), "3 INVITE");
	finish();
	bed_hang_up(A, B);
}

static void stale_once(void **state)
{
	(void)state;
	to_b();
	challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	challenge(401, WWW(SHA("b.example", "n2", ",stale=TRUE")));
	check(bed_take(B, "INVITE "), "Authorization", "n2", "00000001");
	finish();
	bed_hang_up(A, B);
	/* for ever stale */
	to_b();
	challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	challenge(401, WWW(SHA("b.example", "n2", ",stale=true")));
	bed_take(B, "INVITE ");
	challenge(401, WWW(SHA("b.example", "n3", ",stale=true")));
	gave_up();
}

static void refused_again(void **state)
{
	(void)state;
	to_b();
	challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	challenge(401, WWW(SHA("b.example", "n2", "")));
	gave_up();
	assert_string_equal(bed_cdr("attempts.0.result"), "auth_failed");
	assert_string_equal(bed_cdr("attempts.0.status"), "403");
}

static void strongest(void **state)
{
	(void)state;
	bed_down();
	up(",'clear':true,'algorithms':['MD5','SHA-256']");
	to_b();
	challenge(401, WWW("Digest realm=\"b.example\",nonce=\"m\",qop=\"auth\"\n") WWW(
			       SHA("b.example", "s", ""))
			       WWW("Digest realm=\"b.example\",nonce=\"m\",qop=\"auth\",algorithm="
				   "MD5\n"));
	check(bed_take(B, "INVITE "), "Authorization", "s", "00000001");
	is(fields.algorithm, "SHA-256");
	finish();
	bed_hang_up(A, B);
	to_b();
	challenge(401, WWW("Digest realm=\"b.example\",nonce=\"m\",qop=\"auth-int,auth\"\n"));
	check(bed_take(B, "INVITE "), "Authorization", "m", "00000001");
	is(fields.algorithm, "MD5");
	finish();
	bed_hang_up(A, B);
	to_b(); /* as old as RFC 2069 */
	challenge(401, WWW("Digest realm=\"b.example\",nonce=\"m\"\n"));
	bed_lacks(bed_header(bed_take(B, "INVITE "), "Authorization"), "qop");
	finish();
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
		to_b();
		challenge(401, list[i]);
		gave_up();
	}
	/* the other peer asks for the first one's */
	bed_down();
	bed_up(PEERS(",'clear':true"), "{'name':'x','to':[{'peer':'cnet'}]}");
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
	up("");
	to_b();
	challenge(401, WWW(SHA("b.example", "n", "")));
	gave_up();
}

/* A caller that challenges us is told nothing either; it is one of ours without credentials. */
static void without_credentials(void **state)
{
	(void)state;
	bed_down();
	bed_up(NULL, NULL);
	to_b();
	challenge(401, WWW(SHA("b.example", "n", "")));
	gave_up();
}

static void cancelled_meanwhile(void **state)
{
	(void)state;
	to_b();
	challenge(401, WWW(SHA("b.example", "n", "")));
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
	to_b();
	challenge(401, WWW(SHA("b.example", "n", "")));
	bed_take(B, "INVITE ");
	bed_reply(B, 503, NULL);
	bed_take(B, "ACK ");
	bed_lacks(bed_take(C, "INVITE "), "uthorization");
	bed_reply(C, 486, NULL);
	bed_take(C, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

/* ---- in the dialog ---- */

static void connect_challenged(void)
{
	to_b();
	challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	finish();
}

static void later_requests(void **state)
{
	(void)state;
	connect_challenged();
	bed_request(A, "INVITE", SDP_A);
	check(bed_take(B, "INVITE "), "Authorization", "n1", "00000002");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_lacks(bed_take(B, "ACK "), "uthorization");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	check(bed_take(B, "BYE "), "Authorization", "n1", "00000003");
	bed_reply(B, 200, NULL);
}

static void reinvite_challenged(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed_request(A, "INVITE", SDP_A);
	bed_lacks(bed_take(B, "INVITE "), "uthorization");
	challenge(401, WWW(SHA("b.example", "r1", "")));
	m = bed_take(B, "INVITE ");
	check(m, "Authorization", "r1", "00000001");
	bed_has(bed_header(m, "To"), "tag=b-tag");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
	/* and not, the second time: the call stays up */
	bed_request(A, "INVITE", SDP_A);
	bed_take(B, "INVITE ");
	challenge(401, WWW(SHA("b.example", "r2", "")));
	bed_take(B, "INVITE ");
	challenge(401, WWW(SHA("b.example", "r3", "")));
	bed_take(A, "SIP/2.0 488 ");
	bed_quiet(B);
	bed_hang_up(A, B);
}

/* B said nothing of UPDATE: by INVITE */
static void update_challenged(void **state)
{
	(void)state;
	bed_connect();
	bed_request(A, "UPDATE", SDP_A);
	bed_take(B, "INVITE ");
	challenge(401, WWW(SHA("b.example", "u1", "")));
	check(bed_take(B, "INVITE "), "Authorization", "u1", "00000001");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(B, "ACK ");
	bed_hang_up(A, B);
}

static void update_challenged_as_itself(void **state)
{
	(void)state;
	to_b();
	bed.extra = "Allow: INVITE, ACK, BYE, UPDATE\n";
	finish();
	bed_request(A, "UPDATE", SDP_A);
	bed_take(B, "UPDATE ");
	bed.extra = WWW(SHA("b.example", "u1", ""));
	bed_reply(B, 401, NULL);
	check(bed_take(B, "UPDATE "), "Authorization", "u1", "00000001");
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_hang_up(A, B);
}

static void info_challenged(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	for (int i = 0; i < 2; i++) {
		bed.extra = "Info-Package: x\n";
		bed_request(A, "INFO", NULL);
		bed_take(B, "INFO ");
		bed.extra = i ? WWW(SHA("b.example", "i3", ",stale=true"))
			      : WWW(SHA("b.example", "i1", ""));
		bed_reply(B, 401, NULL);
		m = bed_take(B, "INFO ");
		check(m, "Authorization", i ? "i3" : "i1", "00000001");
		assert_string_equal(bed_header(m, "Info-Package"), "x");
		bed_reply(B, i ? 403 : 200, NULL);
		bed_take(A, i ? "SIP/2.0 403 " : "SIP/2.0 200 ");
	}
	bed_request(A, "INFO", NULL);
	bed_take(B, "INFO ");
	bed.extra = WWW(SHA("z.example", "i1", ""));
	bed_reply(B, 401, NULL);
	bed_lacks(bed_take(A, "SIP/2.0 403 "), "z.example");
	bed_hang_up(A, B);
}

static void bye_challenged(void **state)
{
	const char *m;

	(void)state;
	bed_connect();
	bed.extra = "Reason: Q.850;cause=16;\n\ttext=\"x\"\n";
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_has(bed_take(B, "BYE "), "Q.850");
	bed.extra = WWW(SHA("b.example", "b1", ""));
	bed_reply(B, 401, NULL);
	m = bed_take(B, "BYE ");
	check(m, "Authorization", "b1", "00000001");
	bed_has(bed_header(m, "Reason"), "Q.850;cause=16;");
	bed.extra = WWW(SHA("b.example", "b2", ""));
	bed_reply(B, 401, NULL); /* that was all: a dialog needs no more than our word to end */
	bed_quiet(B);
}

/* The caller challenges our BYE. */
static void caller_challenges(void **state)
{
	(void)state;
	bed_connect_as(B, A);
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_take(B, "BYE ");
	bed.extra = WWW(SHA("b.example", "b1", ""));
	bed_reply(B, 401, NULL);
	check(bed_take(B, "BYE "), "Authorization", "b1", "00000001");
	bed_reply(B, 200, NULL);
}

/* Its answer moves the dialog to another host: nothing of the password goes there. */
static void dialog_moved(void **state)
{
	(void)state;
	to_b();
	challenge(401, WWW(SHA("b.example", "n1", "")));
	bed_take(B, "INVITE ");
	bed.extra = "Record-Route: <sip:198.51.100.99;lr>\n";
	bed_reply(B, 200, SDP_B);
	bed_take(A, "SIP/2.0 200 ");
	bed_ack(A, NULL);
	bed_take(S, "ACK ");
	bed_request(A, "BYE", NULL);
	bed_take(A, "SIP/2.0 200 ");
	bed_lacks(bed_take(S, "BYE "), "uthorization");
	snprintf(bed.ua[S].tag, sizeof(bed.ua[S].tag), "%s", bed.ua[B].tag);
	bed.extra = WWW(SHA("b.example", "n2", ""));
	bed_reply(S, 401, NULL);
	bed_quiet(S);
}

static int teardown(void **state)
{
	return bed_teardown(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(answered),
		T(by_a_proxy),
		T(stale_once),
		T(refused_again),
		T(strongest),
		T(not_answered),
		T(not_over_clear),
		T(without_credentials),
		T(cancelled_meanwhile),
		T(next_hop),
		T(later_requests),
		T(reinvite_challenged),
		T(update_challenged),
		T(update_challenged_as_itself),
		T(info_challenged),
		T(bye_challenged),
		T(caller_challenges),
		T(dialog_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
