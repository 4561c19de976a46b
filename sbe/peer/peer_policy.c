/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_policy - the field tables. What a table cannot say (patterns, header names, clashes) sbe/policy checks.
 */
#include "sbe/peer/peer_policy.h"

#define FIELD(struct_name, member, name) .key = name, .offset = offsetof(struct struct_name, member)

static const char *const direction_words[] = {"in", "out", NULL};
static const char *const on_words[] = {"any", "request", "response", NULL};
static const char *const match_words[] = {"present", "absent", "exact", "prefix",
					  "glob",    "regex",  NULL};
static const char *const action_words[] = {"pass", "strip", "add", "replace", "rewrite", NULL};
static const char *const unknown_words[] = {"drop", "pass", NULL};
static const char *const assert_words[] = {"no", "owned", NULL};
static const char *const keep_words[] = {"keep", "remove", NULL};
static const char *const allow_words[] = {"allow", "reject", NULL};
static const char *const rpid_words[] = {"drop", "read", "write", "both", NULL};
static const char *const redirection_words[] = {"as-is", "drop", "history-info", "diversion", NULL};
static const char *const format_words[] = {"as-is", "e164", "digits", "national", NULL};
static const char *const uri_words[] = {"as-is", "sip", "tel", NULL};
static const char *const prefer_words[] = {"status", "q850", NULL};
static const char *const reason_words[] = {"pass", "strip", "add", NULL};
static const char *const opaque_words[] = {"pass", "reject", NULL};

/* ---- headers */

static const struct conf_field when_fields[] = {
	{FIELD(peer_policy_when, header, "header"), .type = CONF_STRING, .required = true, .min = 1,
	 .max = 64, .text = "Header that is looked at."},
	{FIELD(peer_policy_when, match, "match"), .type = CONF_ENUM, .words = match_words,
	 .def = "present",
	 .text = "How its value is compared; present and absent compare nothing."},
	{FIELD(peer_policy_when, value, "value"), .type = CONF_STRING, .min = 1,
	 .max = PEER_POLICY_PATTERN_MAX, .text = "What it is compared with."},
	{FIELD(peer_policy_when, any_case, "any_case"), .type = CONF_BOOL, .def = "false",
	 .text = "Upper and lower case are the same."},
	CONF_END,
};

static const struct conf_field rule_fields[] = {
	{FIELD(peer_policy_rule, name, "name"), .type = CONF_NAME,
	 .text = "Name of the rule in answers of policy test."},
	{FIELD(peer_policy_rule, direction, "direction"), .type = CONF_ENUM, .required = true,
	 .words = direction_words, .text = "in: messages from the peer; out: messages to it."},
	{FIELD(peer_policy_rule, on, "on"), .type = CONF_ENUM, .words = on_words, .def = "any",
	 .text = "Requests, responses, or any message."},
	{FIELD(peer_policy_rule, methods, "methods"), .type = CONF_STRINGS, .max = 16,
	 .text = "Methods (of a response: of its request) the rule is for; absent = all."},
	{FIELD(peer_policy_rule, status, "status"), .type = CONF_STRING, .min = 3, .max = 7,
	 .text = "Only responses with this status: 486, 4xx or 400-499."},
	{FIELD(peer_policy_rule, when, "when"), .type = CONF_ARRAY, .fields = when_fields,
	 .max = PEER_POLICY_WHEN_MAX, .item_bytes = sizeof(struct peer_policy_when),
	 .text = "Conditions; all must hold."},
	{FIELD(peer_policy_rule, action, "action"), .type = CONF_ENUM, .required = true,
	 .words = action_words,
	 .text = "pass: let it cross; strip: remove it; add: one more; replace: exactly this one; rewrite: "
		 "change the part of its value that fits the pattern."},
	{FIELD(peer_policy_rule, header, "header"), .type = CONF_STRING, .required = true, .min = 1,
	 .max = 64, .text = "Header the action is for; pass and strip take X-* too."},
	{FIELD(peer_policy_rule, pattern, "pattern"), .type = CONF_STRING, .min = 1,
	 .max = PEER_POLICY_PATTERN_MAX,
	 .text = "Regular expression; with strip and pass only headers whose value fits are meant."},
	{FIELD(peer_policy_rule, value, "value"), .type = CONF_STRING, .max = 512,
	 .text = "New value or new part; {caller}, {called}, {peer}, {other}, {domain}, {value} and {1} to "
		 "{9} are filled in."},
	CONF_END,
};

static const struct conf_field headers_fields[] = {
	{FIELD(peer_policy_headers, unknown, "unknown"), .type = CONF_ENUM, .words = unknown_words,
	 .def = "drop",
	 .text = "What becomes of headers from this peer that nothing is known of and no rule names."},
	{FIELD(peer_policy_headers, rules, "rules"), .type = CONF_ARRAY, .fields = rule_fields,
	 .max = PEER_POLICY_RULES_MAX, .item_bytes = sizeof(struct peer_policy_rule),
	 .text = "Rules, carried out one after another."},
	CONF_END,
};

/* ---- identity */

static const struct conf_field identity_fields[] = {
	{FIELD(peer_policy_identity, trust, "trust"), .type = CONF_BOOL, .def = "false",
	 .text = "The peer belongs to our trust domain (RFC 3325): what it asserts is believed, and it may "
		 "see what is private."},
	{FIELD(peer_policy_identity, assert_id, "assert"), .type = CONF_ENUM, .words = assert_words,
	 .def = "owned",
	 .text = "For a peer that is not trusted: assert its caller if the number is one of numbers.owned."},
	{FIELD(peer_policy_identity, asserted, "asserted"), .type = CONF_ENUM, .words = keep_words,
	 .def = "keep",
	 .text = "What a peer that is not trusted sees of P-Asserted-Identity when the caller asked for no "
		 "privacy."},
	{FIELD(peer_policy_identity, remote_party_id, "remote_party_id"), .type = CONF_ENUM,
	 .words = rpid_words, .def = "drop",
	 .text = "The old Remote-Party-ID: read it as an asserted identity, write it, both or neither."},
	{FIELD(peer_policy_identity, redirection, "redirection"), .type = CONF_ENUM,
	 .words = redirection_words, .def = "as-is",
	 .text = "In which form the peer is told of earlier diversions of a call (RFC 7544)."},
	{FIELD(peer_policy_identity, anonymous_in, "anonymous_in"), .type = CONF_ENUM,
	 .words = allow_words, .def = "allow",
	 .text = "Anonymous calls from the peer; rejected ones are answered 433 (RFC 5079)."},
	{FIELD(peer_policy_identity, anonymous_out, "anonymous_out"), .type = CONF_ENUM,
	 .words = allow_words, .def = "allow", .text = "Anonymous calls to the peer, likewise."},
	{FIELD(peer_policy_identity, foreign, "foreign"), .type = CONF_ENUM, .words = allow_words,
	 .def = "reject",
	 .text = "Calls from a number outside numbers.owned, if that is given; rejected ones are answered 403."},
	CONF_END,
};

/* ---- numbers */

static const struct conf_field number_fields[] = {
	{FIELD(peer_policy_number, prefix, "prefix"), .type = CONF_STRING, .min = 1, .max = 32,
	 .text = "The number begins with this; absent = any."},
	{FIELD(peer_policy_number, pattern, "pattern"), .type = CONF_STRING, .min = 1,
	 .max = PEER_POLICY_PATTERN_MAX, .text = "Regular expression the number fits."},
	{FIELD(peer_policy_number, min_digits, "min_digits"), .type = CONF_UINT, .max = 32,
	 .def = "0", .text = "It has at least so many digits."},
	{FIELD(peer_policy_number, max_digits, "max_digits"), .type = CONF_UINT, .max = 63,
	 .def = "63", .text = "It has at most so many digits."},
	{FIELD(peer_policy_number, strip, "strip"), .type = CONF_UINT, .max = 32, .def = "0",
	 .text = "Take so many characters off its beginning."},
	{FIELD(peer_policy_number, prepend, "prepend"), .type = CONF_STRING, .min = 1, .max = 32,
	 .text = "Then put this in front."},
	{FIELD(peer_policy_number, replace, "replace"), .type = CONF_STRING, .min = 1, .max = 63,
	 .text = "Instead of both: the new number; {1} to {9} are the groups of the pattern."},
	CONF_END,
};

#define WAY_RULES                                                                                  \
	{FIELD(peer_policy_numbers_way, caller, "caller"),                                         \
	 .type = CONF_ARRAY,                                                                       \
	 .fields = number_fields,                                                                  \
	 .max = PEER_POLICY_NUMBERS_MAX,                                                           \
	 .item_bytes = sizeof(struct peer_policy_number),                                          \
	 .text = "Rules for the calling number; the first that fits is used."},                    \
		{FIELD(peer_policy_numbers_way, called, "called"),                                 \
		 .type = CONF_ARRAY,                                                               \
		 .fields = number_fields,                                                          \
		 .max = PEER_POLICY_NUMBERS_MAX,                                                   \
		 .item_bytes = sizeof(struct peer_policy_number),                                  \
		 .text = "Rules for the called number; the first that fits is used."},             \
	{                                                                                          \
		FIELD(peer_policy_numbers_way, params, "params"),                                  \
			.type = CONF_ENUM, .words = keep_words, .def = "keep",                     \
			.text = "Parameters of a number: rn, npdi, phone-context and the like."    \
	}

static const struct conf_field numbers_in_fields[] = {
	WAY_RULES,
	{FIELD(peer_policy_numbers_way, e164, "e164"), .type = CONF_BOOL, .def = "false",
	 .text = "After the rules: make +COUNTRY... of what has a national or international prefix."},
	CONF_END,
};

static const struct conf_field numbers_out_fields[] = {
	WAY_RULES,
	{FIELD(peer_policy_numbers_way, format, "format"), .type = CONF_ENUM, .words = format_words,
	 .def = "as-is",
	 .text = "Before the rules: how a +number is written. digits: without +; national: with the prefixes "
		 "of numbers."},
	{FIELD(peer_policy_numbers_way, uri, "uri"), .type = CONF_ENUM, .words = uri_words,
	 .def = "as-is", .text = "Which URI a number stands in: sip with user=phone, or tel."},
	CONF_END,
};

static const struct conf_field numbers_fields[] = {
	{FIELD(peer_policy_numbers, owned, "owned"), .type = CONF_STRINGS, .max = 4096,
	 .text = "Numbers that are the peer's: prefixes such as +442079, or ranges LOW-HIGH."},
	{FIELD(peer_policy_numbers, country, "country"), .type = CONF_STRING, .min = 1, .max = 4,
	 .text = "Country code without +, such as 44."},
	{FIELD(peer_policy_numbers, national_prefix, "national_prefix"), .type = CONF_STRING,
	 .max = 8, .def = "0", .text = "What stands before a national number."},
	{FIELD(peer_policy_numbers, international_prefix, "international_prefix"),
	 .type = CONF_STRING, .min = 1, .max = 8, .def = "00",
	 .text = "What stands before an international number."},
	{FIELD(peer_policy_numbers, in, "in"), .type = CONF_OBJECT, .fields = numbers_in_fields,
	 .item_bytes = sizeof(struct peer_policy_numbers_way),
	 .text = "Numbers in messages from the peer; routes see the result."},
	{FIELD(peer_policy_numbers, out, "out"), .type = CONF_OBJECT, .fields = numbers_out_fields,
	 .item_bytes = sizeof(struct peer_policy_numbers_way),
	 .text = "Numbers in messages to the peer."},
	CONF_END,
};

/* ---- causes */

static const struct conf_field cause_fields[] = {
	{FIELD(peer_policy_cause, status, "status"), .type = CONF_STRING, .min = 3, .max = 7,
	 .text = "SIP status: 486, 4xx or 400-499; absent = any failure."},
	{FIELD(peer_policy_cause, q850, "q850"), .type = CONF_UINT, .max = 127, .def = "0",
	 .text = "Only with this Q.850 cause in a Reason; 0 = any."},
	{FIELD(peer_policy_cause, to, "to"), .type = CONF_UINT, .required = true, .min = 180,
	 .max = 699, .text = "SIP status that is passed on instead, of the same kind."},
	{FIELD(peer_policy_cause, phrase, "phrase"), .type = CONF_STRING, .min = 1, .max = 60,
	 .text = "Its phrase; absent = the usual one."},
	CONF_END,
};

static const struct conf_field q850_fields[] = {
	{FIELD(peer_policy_q850, status, "status"), .type = CONF_UINT, .required = true, .min = 400,
	 .max = 699, .text = "SIP status."},
	{FIELD(peer_policy_q850, q850, "q850"), .type = CONF_UINT, .required = true, .min = 1,
	 .max = 127, .text = "Q.850 cause."},
	CONF_END,
};

static const struct conf_field causes_fields[] = {
	{FIELD(peer_policy_causes, in, "in"), .type = CONF_ARRAY, .fields = cause_fields, .max = 64,
	 .item_bytes = sizeof(struct peer_policy_cause),
	 .text = "Responses from the peer: what they become for the other side; the first that fits is used."},
	{FIELD(peer_policy_causes, out, "out"), .type = CONF_ARRAY, .fields = cause_fields,
	 .max = 64, .item_bytes = sizeof(struct peer_policy_cause),
	 .text = "Responses to the peer, likewise."},
	{FIELD(peer_policy_causes, prefer, "prefer"), .type = CONF_ENUM, .words = prefer_words,
	 .def = "status",
	 .text = "q850: a Q.850 cause in the peer's Reason decides the status (RFC 3398), before the rules."},
	{FIELD(peer_policy_causes, reason, "reason"), .type = CONF_ENUM, .words = reason_words,
	 .def = "pass",
	 .text = "Reason headers to the peer; add: put the Q.850 cause of the status there if none is."},
	{FIELD(peer_policy_causes, q850, "q850"), .type = CONF_ARRAY, .fields = q850_fields,
	 .max = 64, .item_bytes = sizeof(struct peer_policy_q850),
	 .text = "Pairs that differ from the table of RFC 3398."},
	CONF_END,
};

/* ---- words and bodies */

static const struct conf_field methods_fields[] = {
	{FIELD(peer_policy_words, allow, "allow"), .type = CONF_STRINGS, .max = 32,
	 .text = "Methods the peer may use; absent = all that are built."},
	{FIELD(peer_policy_words, forbid, "forbid"), .type = CONF_STRINGS, .max = 32,
	 .text = "Methods it may not use; they are answered 405."},
	CONF_END,
};
static const struct conf_field options_fields[] = {
	{FIELD(peer_policy_words, allow, "allow"), .type = CONF_STRINGS, .max = 32,
	 .text = "Option tags agreed with the peer; absent = all that are built."},
	{FIELD(peer_policy_words, forbid, "forbid"), .type = CONF_STRINGS, .max = 32,
	 .text = "Option tags that are not; required ones are answered 420."},
	CONF_END,
};
static const struct conf_field body_fields[] = {
	{FIELD(peer_policy_body, types, "types"), .type = CONF_STRINGS, .max = 64,
	 .text = "Content types of bodies and body parts the peer may send, such as application/isup or "
		 "text/*; absent = all."},
	{FIELD(peer_policy_body, opaque, "opaque"), .type = CONF_ENUM, .words = opaque_words,
	 .def = "reject",
	 .text = "Encrypted bodies and parts, which nobody can look into; rejected ones are answered 488."},
	CONF_END,
};

#define GROUPS(base)                                                                               \
	{.key = "headers",                                                                         \
	 .offset = (base) + offsetof(struct peer_policy, headers),                                 \
	 .type = CONF_OBJECT,                                                                      \
	 .fields = headers_fields,                                                                 \
	 .item_bytes = sizeof(struct peer_policy_headers),                                         \
	 .text = "Which headers cross, and how."},                                                 \
		{.key = "identity",                                                                \
		 .offset = (base) + offsetof(struct peer_policy, identity),                        \
		 .type = CONF_OBJECT,                                                              \
		 .fields = identity_fields,                                                        \
		 .item_bytes = sizeof(struct peer_policy_identity),                                \
		 .text = "Who is believed, and who sees what."},                                   \
		{.key = "numbers",                                                                 \
		 .offset = (base) + offsetof(struct peer_policy, numbers),                         \
		 .type = CONF_OBJECT,                                                              \
		 .fields = numbers_fields,                                                         \
		 .item_bytes = sizeof(struct peer_policy_numbers),                                 \
		 .text = "How numbers are written."},                                              \
		{.key = "causes",                                                                  \
		 .offset = (base) + offsetof(struct peer_policy, causes),                          \
		 .type = CONF_OBJECT,                                                              \
		 .fields = causes_fields,                                                          \
		 .item_bytes = sizeof(struct peer_policy_causes),                                  \
		 .text = "What a failure is called."},                                             \
		{.key = "methods",                                                                 \
		 .offset = (base) + offsetof(struct peer_policy, methods),                         \
		 .type = CONF_OBJECT,                                                              \
		 .fields = methods_fields,                                                         \
		 .item_bytes = sizeof(struct peer_policy_words),                                   \
		 .text = "Methods the peer may use."},                                             \
		{.key = "options",                                                                 \
		 .offset = (base) + offsetof(struct peer_policy, options),                         \
		 .type = CONF_OBJECT,                                                              \
		 .fields = options_fields,                                                         \
		 .item_bytes = sizeof(struct peer_policy_words),                                   \
		 .text = "SIP extensions agreed with the peer."},                                  \
	{                                                                                          \
		.key = "body", .offset = (base) + offsetof(struct peer_policy, body),              \
		.type = CONF_OBJECT, .fields = body_fields,                                        \
		.item_bytes = sizeof(struct peer_policy_body), .text = "Bodies of its messages."   \
	}

const struct conf_field peer_policy_fields[] = {GROUPS(0), CONF_END};
const struct conf_field peer_policy_named_fields[] = {
	GROUPS(offsetof(struct peer_policy_named, policy)), CONF_END};
