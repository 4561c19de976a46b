/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/call/call_bed_auth.h"

#include <stdio.h>
#include <string.h>

#define NEXT "'next_hops':['sip:198.51.100.20','sip:198.51.100.21']"
#define PEERS(auth)                                                                                \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],"             \
	"'sip':{'prack':'supported'}},"                                                            \
	"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example']," NEXT   \
	",'auth':{'realm':'b.example','user':'us','password_file':'x'" auth "}},"                  \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"           \
	"'next_hops':['sip:198.51.100.30'],"                                                       \
	"'auth':{'realm':'c.example','user':'we','password_file':'x','clear':true}}"

void bed_auth_up(const char *auth, const char *routes)
{
	struct peer_conf *confs;
	char peers[2048];

	snprintf(peers, sizeof(peers), PEERS("%s"), auth);
	bed_up(peers, routes);
	confs = bed.peer_confs.items;
	for (size_t i = 0; i < bed.peer_confs.n; i++) {
		if (confs[i].auth.realm)
			assert_int_equal(peer_auth_set(&confs[i].auth, confs[i].name), 0);
	}
}

int bed_auth_setup(void **state)
{
	(void)state;
	bed_auth_up(",'clear':true", NULL);
	return 0;
}

static struct digest_fields fields;

void bed_auth_is(struct wire_text t, const char *s)
{
	char got[256];

	assert_non_null(t.s);
	assert_string_equal(wire_text_copy(t, got, sizeof(got)), s);
}

const struct digest_fields *bed_auth_check(const char *m, const char *header, const char *nonce,
					   const char *nc)
{
	char method[32], uri[512], ha1[DIGEST_HEX_BYTES], hex[DIGEST_HEX_BYTES];
	const char *value = bed_header(m, header);
	enum digest_algorithm algorithm;
	struct digest_input in;

	if (!value[0])
		fail_msg("no %s in\n%s", header, m);
	assert_int_equal(sscanf(m, "%31s %511s", method, uri), 2);
	assert_int_equal(digest_parse((struct wire_text){value, strlen(value)}, &fields), 0);
	bed_auth_is(fields.username, "us");
	bed_auth_is(fields.realm, "b.example");
	bed_auth_is(fields.nonce, nonce);
	bed_auth_is(fields.nc, nc);
	bed_auth_is(fields.uri, uri);
	bed_auth_is(fields.qop, "auth");
	assert_int_equal(digest_algorithm_of(fields.algorithm, &algorithm), 0);
	in = (struct digest_input){
		{method, strlen(method)}, fields.uri, fields.nonce, fields.nc, fields.cnonce};
	digest_ha1(algorithm, "us", "b.example", "bnet", ha1);
	digest_response(algorithm, ha1, &in, hex);
	bed_auth_is(fields.response, hex);
	return &fields;
}

void bed_auth_to_b(void)
{
	bed_invite(A, SDP_A);
	bed_lacks(bed_take(B, "INVITE "), "uthorization");
}

void bed_auth_challenge(int status, const char *line)
{
	bed.extra = line;
	bed_reply(B, status, NULL);
	bed_take(B, "ACK ");
}

void bed_auth_finish(void)
{
	bed_reply(B, 200, SDP_B);
	bed_lacks(bed_take(A, "SIP/2.0 200 "), "uthenticate");
	bed_ack(A, NULL);
	bed_take(B, "ACK ");
}
