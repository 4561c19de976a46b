/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_policy - what the configuration says about headers, identities, numbers, causes and bodies of a peer.
 *
 * The same group stands inline in a peer ("policy") and under a name in "policies"; sbe/policy mixes what a peer
 * uses into one, checks and compiles it. Here are only the values and their table.
 * Owner: the configuration document. Thread: any.
 */
#ifndef SBE_PEER_PEER_POLICY_H
#define SBE_PEER_PEER_POLICY_H

#include <stdbool.h>

#include "common/conf.h"

#define PEER_POLICY_RULES_MAX                                                                      \
	64 /* header rules of one list; what a peer uses may add up to twice that */
#define PEER_POLICY_WHEN_MAX 4      /* conditions of one rule */
#define PEER_POLICY_NUMBERS_MAX 256 /* rules of one list of numbers */
#define PEER_POLICY_PATTERN_MAX 200 /* bytes of a pattern */

enum peer_policy_direction { PEER_POLICY_IN, PEER_POLICY_OUT }; /* from the peer, to the peer */
enum peer_policy_on { PEER_POLICY_ANY, PEER_POLICY_REQUEST, PEER_POLICY_RESPONSE };
enum peer_policy_match {
	PEER_POLICY_PRESENT,
	PEER_POLICY_ABSENT,
	PEER_POLICY_EXACT,
	PEER_POLICY_PREFIX,
	PEER_POLICY_GLOB,
	PEER_POLICY_REGEX
};
enum peer_policy_action {
	PEER_POLICY_PASS,
	PEER_POLICY_STRIP,
	PEER_POLICY_ADD,
	PEER_POLICY_REPLACE,
	PEER_POLICY_REWRITE
};

struct peer_policy_when {
	const char *header;
	int match; /* enum peer_policy_match */
	const char *value;
	bool any_case;
};
struct peer_policy_rule {
	const char *name;
	int direction, on, action;
	struct conf_list methods; /* const char * */
	const char *status;       /* "486", "4xx", "400-499" */
	struct conf_list when;    /* struct peer_policy_when */
	const char *header, *pattern, *value;
};
struct peer_policy_headers {
	int unknown; /* 0 drop, 1 pass */
	struct conf_list rules;
};

enum { PEER_POLICY_NO, PEER_POLICY_OWNED };     /* assert */
enum { PEER_POLICY_KEEP, PEER_POLICY_REMOVE };  /* asserted */
enum { PEER_POLICY_ALLOW, PEER_POLICY_REJECT }; /* anonymous_in, anonymous_out, foreign */
enum {
	PEER_POLICY_RPID_DROP,
	PEER_POLICY_RPID_READ,
	PEER_POLICY_RPID_WRITE,
	PEER_POLICY_RPID_BOTH
};
enum { /* redirection */
       PEER_POLICY_DIVERTED_AS_IS,
       PEER_POLICY_DIVERTED_DROP,
       PEER_POLICY_DIVERTED_HISTORY,
       PEER_POLICY_DIVERTED_DIVERSION
};
struct peer_policy_identity {
	bool trust;
	int assert_id, asserted, remote_party_id, redirection;
	int anonymous_in, anonymous_out, foreign;
};

struct peer_policy_number {
	const char *prefix, *pattern; /* NULL = any */
	uint32_t min_digits, max_digits;
	uint32_t strip;
	const char *prepend, *replace;
};
enum { PEER_POLICY_AS_IS, PEER_POLICY_E164, PEER_POLICY_DIGITS, PEER_POLICY_NATIONAL }; /* format */
enum { PEER_POLICY_URI_AS_IS, PEER_POLICY_URI_SIP, PEER_POLICY_URI_TEL };               /* uri */
struct peer_policy_numbers_way {
	struct conf_list caller, called; /* struct peer_policy_number */
	bool e164;                       /* in */
	int format, uri;                 /* out */
	int params;                      /* PEER_POLICY_KEEP, PEER_POLICY_REMOVE */
};
struct peer_policy_numbers {
	struct conf_list owned; /* const char * */
	const char *country, *national_prefix, *international_prefix;
	struct peer_policy_numbers_way in, out;
};

struct peer_policy_cause {
	const char *status; /* NULL = any */
	uint32_t q850;      /* 0 = any */
	uint32_t to;
	const char *phrase;
};
struct peer_policy_q850 {
	uint32_t status, q850;
};
enum { PEER_POLICY_STATUS, PEER_POLICY_Q850 };                                      /* prefer */
enum { PEER_POLICY_REASON_PASS, PEER_POLICY_REASON_STRIP, PEER_POLICY_REASON_ADD }; /* reason */
struct peer_policy_causes {
	struct conf_list in, out; /* struct peer_policy_cause */
	int prefer, reason;
	struct conf_list q850; /* struct peer_policy_q850 */
};

struct peer_policy_words {              /* names allowed (empty = all) and names forbidden */
	struct conf_list allow, forbid; /* const char * */
};
struct peer_policy_body {
	struct conf_list types; /* const char *; empty = all */
	int opaque;             /* PEER_POLICY_ALLOW, PEER_POLICY_REJECT */
};

struct peer_policy {
	struct peer_policy_headers headers;
	struct peer_policy_identity identity;
	struct peer_policy_numbers numbers;
	struct peer_policy_causes causes;
	struct peer_policy_words methods, options;
	struct peer_policy_body body;
};
extern const struct conf_field peer_policy_fields[];

/* One entry of "policies". */
struct peer_policy_named {
	const char *name;
	struct peer_policy policy;
};
extern const struct conf_field peer_policy_named_fields[];

#endif
