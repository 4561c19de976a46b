/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_bed - peers with policies from a piece of configuration, and messages between them.
 *
 * The usual peers: pbx (realm core, 10.0.0.10) and bnet (realm peering, 198.51.100.20, b.example); ours is a.example.
 * Owner: one bed per process, static. Thread: one.
 */
#ifndef TESTS_UNIT_SBE_POLICY_POLICY_BED_H
#define TESTS_UNIT_SBE_POLICY_POLICY_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sbe/policy/policy.h"
#include "sbe/policy/policy_preview.h"

struct bed {
	struct conf_doc *doc;
	struct conf_list peer_confs, policies;
	struct peer_set *peers;
	struct policy_way way;
	size_t live;
};
extern struct bed bed;

/** json: the whole configuration, "peers" and "policies"; quotes may be '. @return 0, or the error with text in err. */
int bed_load(const char *json, struct conf_error *err);
/** The same, and it must do; way is from -> to. */
void bed_up(const char *json, const char *from, const char *to);
/** The usual peers with these policies (JSON objects, NULL = none); way is pbx -> bnet. */
void bed_peers(const char *pbx, const char *bnet);
void bed_turn(void); /* the way back */
void bed_down(void);
int bed_teardown(void **state);
#define BED_TEST(f) cmocka_unit_test_teardown(f, bed_teardown)

/** An INVITE of pbx with these header lines ("X: y\n", \n for line ends) and body (NULL = none). */
struct wire_msg *bed_invite(const char *from, const char *uri, const char *headers,
			    const char *body);
/** A response of bnet to it. */
struct wire_msg *bed_response(int status, const char *headers);
struct wire_msg *bed_parse(const char *text);
/** What policy_pass writes; frees m. One of four static buffers. */
const char *bed_pass(struct wire_msg *m);
/** All lines of a header, "a|b"; "" = none. */
const char *bed_lines(const char *headers, const char *name);
/** policy_pass of an INVITE with these lines: the lines of one header. */
const char *bed_cross(const char *headers, const char *name);
/** From / Request-URI of the INVITE that goes out. */
const char *bed_from(const char *from, const char *headers);
const char *bed_uri(const char *uri);
/** "403 caller_foreign" of policy_admit, or of policy_leave if that says no, or "". */
const char *bed_refusal(const char *from, const char *headers);

#endif
