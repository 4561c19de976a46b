/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_bed_auth - the bed with peers that may challenge us: bnet in realm b.example, where we are "us", and cnet.
 *
 * Owner: static, as the bed. Thread: one.
 */
#ifndef TESTS_UNIT_SBE_CALL_CALL_BED_AUTH_H
#define TESTS_UNIT_SBE_CALL_CALL_BED_AUTH_H

#include "sbe/sip/digest.h"
#include "tests/unit/sbe/call/call_bed.h"

#define SHA(realm, nonce, more)                                                                    \
	"Digest realm=\"" realm "\",nonce=\"" nonce "\",qop=\"auth\",algorithm=SHA-256" more "\n"
#define WWW(challenge) "WWW-Authenticate: " challenge
#define PROXY(challenge) "Proxy-Authenticate: " challenge

/** bed_up() with these peers; auth: more members of bnet's `auth`. */
void bed_auth_up(const char *auth, const char *routes);
/** Credentials may be sent in clear. */
int bed_auth_setup(void **state);
#define BED_AUTH_TEST(f) cmocka_unit_test_setup_teardown(f, bed_auth_setup, bed_teardown)

/** The text is this. */
void bed_auth_is(struct wire_text t, const char *s);
/** The credentials of a request are right, for that nonce and count. @return what they say. */
const struct digest_fields *bed_auth_check(const char *m, const char *header, const char *nonce,
					   const char *nc);
/** B's INVITE from A, without credentials. */
void bed_auth_to_b(void);
/** B refuses its last INVITE with that header, and gets its ACK. */
void bed_auth_challenge(int status, const char *line);
/** B answers, and A has its answer. */
void bed_auth_finish(void);

#endif
