/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that must say who they are: each request by itself, each count once, one answer for all faults (G13, A18, H13). */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "sbe/sip/digest_nonce.h"

#define PEERS(auth)                                                                                \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"            \
	"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"        \
	"'next_hops':['sip:198.51.100.20'],'auth':{'realm':'a.example','user':'them',"             \
	"'password_file':'x','challenge':true" auth "}},"                                          \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"           \
	"'next_hops':['sip:198.51.100.30'],'auth':{'realm':'a.example','user':'them',"             \
	"'password_file':'x','challenge':true" auth "}}"
#define INVITE_URI "sip:+442079460000@a.example"

static void up(const char *auth)
{
	struct peer_conf *confs;
	char peers[2048];

	snprintf(peers, sizeof(peers), PEERS("%s"), auth, auth);
	bed_up(peers, NULL);
	confs = bed.peer_confs.items;
	for (size_t i = 0; i < bed.peer_confs.n; i++) {
		if (confs[i].auth.realm)
			assert_int_equal(peer_auth_set(&confs[i].auth, "secret"), 0);
	}
}

static int setup(void **state)
{
	(void)state;
	up(",'clear':true");
	return 0;
}

/* ---- what a peer sends ---- */

static struct {
	const char *user, *realm, *password, *method, *uri, *signed_uri, *nonce;
	unsigned nc;
	enum digest_algorithm algorithm;
	bool half; /* without what qop needs */
} with;

static char nonce[128];

static void right(const char *method, const char *uri)
{
	with.user = "them";
	with.realm = "a.example";
	with.password = "secret";
	with.method = method;
	with.uri = with.signed_uri = uri;
	with.nonce = nonce;
	with.nc = 1;
	with.algorithm = DIGEST_SHA256;
	with.half = false;
}

static const char *line(void)
{
	static char text[2048];
	char ha1[DIGEST_HEX_BYTES], hex[DIGEST_HEX_BYTES], nc[16];
	struct digest_input in = {{with.method, strlen(with.method)},
				  {with.signed_uri, strlen(with.signed_uri)},
				  {with.nonce, strlen(with.nonce)},
				  {nc, 8},
				  WIRE_TEXT("cc")};

	snprintf(nc, sizeof(nc), "%08x", with.nc);
	if (with.half)
		in.nc.s = NULL;
	digest_ha1(with.algorithm, with.user, with.realm, with.password, ha1);
	digest_response(with.algorithm, ha1, &in, hex);
	snprintf(text, sizeof(text),
		 "Authorization: Digest username=\"%s\",realm=\"%s\",nonce=\"%s\",uri=\"%s\","
		 "response=\"%s\",algorithm=%s%s%s%s\n",
		 with.user, with.realm, with.nonce, with.uri, hex,
		 digest_algorithm_name(with.algorithm),
		 with.half ? "" : ",cnonce=\"cc\",qop=auth,nc=", with.half ? "" : nc, "");
	return text;
}

/* The 401 that must come; its nonce is the next one. @return its text. */
static const char *challenged(enum bed_who who, bool stale)
{
	static char text[2048];
	struct digest_fields f;
	const char *m = bed_take(who, "SIP/2.0 401 "), *value = bed_header(m, "WWW-Authenticate");

	assert_int_equal(digest_parse((struct wire_text){value, strlen(value)}, &f), 0);
	assert_true(wire_text_is(f.realm, "a.example"));
	assert_true(wire_text_is(f.qop, "auth"));
	assert_int_equal(f.stale.s != NULL, stale);
	assert_string_not_equal(wire_text_copy(f.nonce, text, sizeof(text)), nonce);
	snprintf(nonce, sizeof(nonce), "%.120s", text);
	snprintf(text, sizeof(text), "%s", m);
	return text;
}

static void ask(enum bed_who who)
{
	bed_invite(who, SDP_B);
	challenged(who, false);
}

static void accepted(void)
{
	const char *m = bed_take(A, "INVITE ");

	bed_lacks(m, "uthorization");
	bed_lacks(m, "nonce");
	bed_reply(A, 486, NULL);
	bed_take(A, "ACK ");
	bed_take(B, "SIP/2.0 486 ");
}

/* ---- a call ---- */

static void after_the_second_invite(void **state)
{
	const struct peer *b = peer_find_name(bed.config.peers, "bnet");

	(void)state;
	ask(B);
	assert_int_equal(call_count(bed.core), 0);
	assert_int_equal(bed_cdr_count(), 0);
	assert_int_equal(bed.gate.opens, 0);
	assert_int_equal(b->state->attempts[PEER_IN], 0); /* of its rate nothing is taken */
	bed_quiet(A);
	right("INVITE", INVITE_URI);
	bed.extra = line();
	bed_invite(B, SDP_B);
	bed_lacks(bed_take(A, "INVITE "), "uthorization");
	bed_reply(A, 200, SDP_A);
	bed_take(B, "SIP/2.0 200 ");
	bed_ack(B, NULL); /* an ACK is never challenged */
	bed_take(A, "ACK ");
	assert_int_equal(call_count(bed.core), 1);
	/* H13: the dialog authenticates nothing */
	bed_request(B, "BYE", NULL);
	challenged(B, false);
	bed_quiet(A);
	right("BYE", bed.ua[B].target);
	bed.extra = line();
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take_bye(A);
	assert_string_equal(bed_cdr("cause"), "normal");
}

static void each_count_once(void **state)
{
	(void)state;
	ask(B);
	for (unsigned i = 1; i <= 3; i++) {
		right("INVITE", INVITE_URI);
		with.nc = i;
		bed.extra = line();
		bed_invite(B, SDP_B);
		accepted();
	}
	for (unsigned i = 1; i <= 3; i++) { /* each recorded request once more */
		char used[128];

		snprintf(used, sizeof(used), "%s", nonce);
		right("INVITE", INVITE_URI);
		with.nc = i;
		bed.extra = line();
		bed_invite(B, SDP_B);
		challenged(B, true);
		bed_quiet(A);
		snprintf(nonce, sizeof(nonce), "%s", used);
	}
	right("INVITE", INVITE_URI);
	with.nc = 4;
	bed.extra = line();
	bed_invite(B, SDP_B);
	accepted();
}

static void old_nonce(void **state)
{
	(void)state;
	ask(B);
	bed_run_ms(DIGEST_NONCE_LIFETIME_MS + 1);
	right("INVITE", INVITE_URI);
	bed.extra = line();
	bed_invite(B, SDP_B);
	challenged(B, true);
	right("INVITE", INVITE_URI); /* with the new one it goes */
	bed.extra = line();
	bed_invite(B, SDP_B);
	accepted();
	snprintf(nonce, sizeof(nonce), "%064d", 7); /* from before a restart, or made up */
	right("INVITE", INVITE_URI);
	bed.extra = line();
	bed_invite(B, SDP_B);
	challenged(B, true);
}

/* The nonce of another peer, which has the same user and password even. */
static void nonce_of_another(void **state)
{
	(void)state;
	ask(X);
	right("INVITE", INVITE_URI);
	bed.extra = line();
	bed_invite(B, SDP_B);
	challenged(B, true);
	bed_quiet(A);
}

/* ---- wrong ---- */

static void wrong_way(int i)
{
	static const char other_uri[] = "sip:+442079460001@a.example";

	right("INVITE", INVITE_URI);
	switch (i) {
	case 0:
		with.user = "others";
		break;
	case 1:
		with.password = "Secret";
		break;
	case 2: /* signed for another request */
		with.method = "BYE";
		break;
	case 3:
		with.uri = with.signed_uri = other_uri;
		break;
	case 4:
		with.signed_uri = other_uri;
		break;
	case 5: /* not offered: C11 */
		with.algorithm = DIGEST_MD5;
		break;
	case 6:
		with.half = true;
		break;
	case 7:
		with.nc = 0;
		break;
	default:
		with.user = "";
	}
}

/* Without what it gives back of the request. */
static size_t own_bytes(const char *m)
{
	static const char *const back[] = {"Via", "From", "To", "Call-ID", "CSeq"};
	size_t n = strlen(m);

	for (size_t i = 0; i < sizeof(back) / sizeof(back[0]); i++)
		n -= strlen(bed_header(m, back[i]));
	return n;
}

/* Nobody can tell by code or size what was wrong. */
static void uniform(void **state)
{
	size_t bytes = 0;

	(void)state;
	for (int i = 0; i < 9; i++) {
		const char *m;

		ask(B);
		wrong_way(i);
		bed.extra = line();
		bed_invite(B, SDP_B);
		m = challenged(B, false);
		if (!bytes)
			bytes = own_bytes(m);
		assert_int_equal(own_bytes(m), bytes);
		bed_quiet(A);
		assert_string_equal(bed_cdr("cause"), "auth_failed");
		assert_string_equal(bed_cdr("status"), "401");
		assert_int_equal(call_count(bed.core), 0);
	}
}

/* Credentials for somebody else's realm, or none that can be read, are none. */
static void not_for_us(void **state)
{
	static const char *const list[] = {
		"Authorization: Digest username=\"them\",realm=\"z.example\",nonce=\"x\",uri=\"" INVITE_URI
		"\",response=\"00\"\n",
		"Authorization: Basic dGhlbTpzZWNyZXQ=\n",
		"Authorization: Digest username=\"them\",username=\"them\",realm=\"a.example\",nonce=\"x\","
		"uri=\"x\",response=\"00\"\n",
		"Proxy-Authorization: Digest username=\"them\",realm=\"a.example\",nonce=\"x\",uri=\"x\","
		"response=\"00\"\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bed.extra = list[i];
		bed_invite(B, SDP_B);
		challenged(B, false);
		assert_int_equal(bed_cdr_count(), 0);
	}
	/* but beside one that is for us it does not matter */
	right("INVITE", INVITE_URI);
	{
		char both[4096];

		snprintf(both, sizeof(both), "%s%s", list[0], line());
		bed.extra = both;
		bed_invite(B, SDP_B);
		accepted();
	}
}

static void same_uri(void **state)
{
	(void)state;
	ask(B);
	right("INVITE", "sip:+442079460000@A.EXAMPLE");
	bed.extra = line();
	bed_invite(B, SDP_B);
	accepted();
}

/* ---- where ---- */

static void clear_is_refused(void **state)
{
	(void)state;
	bed_down();
	up("");
	bed_invite(B, SDP_B);
	bed_lacks(bed_take(B, "SIP/2.0 403 "), "Authenticate");
	assert_string_equal(bed_cdr("cause"), "auth_clear");
	bed_quiet(A);
}

static void both_algorithms(void **state)
{
	const char *m, *second;

	(void)state;
	bed_down();
	up(",'clear':true,'algorithms':['MD5','SHA-256']");
	bed_invite(B, SDP_B);
	m = challenged(B, false);
	bed_has(bed_header(m, "WWW-Authenticate"), "SHA-256"); /* the better one first */
	second = strstr(m, "algorithm=MD5");
	assert_non_null(second);
	assert_true(second > strstr(m, "algorithm=SHA-256"));
	right("INVITE", INVITE_URI);
	with.algorithm = DIGEST_MD5;
	bed.extra = line();
	bed_invite(B, SDP_B);
	accepted();
}

/* Requests outside of dialogs, and those we send to such a peer. */
static void other_requests(void **state)
{
	struct bed_ua *b = &bed.ua[B];

	(void)state;
	bed_send(B,
		 "OPTIONS sip:a.example SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.20;branch=z9hG4bKo1\n"
		 "Max-Forwards: 70\nFrom: <sip:b.example>;tag=1\nTo: <sip:a.example>\nCall-ID: o1\n"
		 "CSeq: 1 OPTIONS\n\n");
	challenged(B, false);
	right("OPTIONS", "sip:a.example");
	bed_send(B,
		 "OPTIONS sip:a.example SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.20;branch=z9hG4bKo2\n"
		 "Max-Forwards: 70\nFrom: <sip:b.example>;tag=1\nTo: <sip:a.example>\nCall-ID: o1\n"
		 "CSeq: 2 OPTIONS\n%s\n",
		 line());
	bed_take(B, "SIP/2.0 200 ");
	/* a call to it: no request of its own says who it is but those */
	bed_connect();
	bed_request(B, "BYE", NULL);
	challenged(B, false);
	right("BYE", b->target);
	bed.extra = line();
	bed_request(B, "BYE", NULL);
	bed_take(B, "SIP/2.0 200 ");
	bed_take_bye(A);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(after_the_second_invite),
		T(each_count_once),
		T(old_nonce),
		T(nonce_of_another),
		T(uniform),
		T(not_for_us),
		T(same_uri),
		T(clear_is_refused),
		T(both_algorithms),
		T(other_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
