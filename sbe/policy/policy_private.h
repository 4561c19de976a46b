/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_private - a compiled policy, as the files of this folder see it. Included only here.
 */
#ifndef SBE_POLICY_POLICY_PRIVATE_H
#define SBE_POLICY_POLICY_PRIVATE_H

#include "sbe/policy/policy.h"
#include "sbe/policy/policy_known.h"
#include "sbe/policy/policy_leak.h"
#include "sbe/policy/policy_regex.h"

#define POLICY_RULES_MAX (4 * PEER_POLICY_RULES_MAX) /* all that a peer uses together */
#define POLICY_VALUE_MAX_BYTES 2048U                 /* of a value a rule makes */
#define POLICY_STEPS_MAX 2000000U /* of all expressions for one message: some milliseconds */

struct policy_range {
	uint16_t low, high;
};

struct policy_condition {
	char *header; /* canonical */
	int match;    /* enum peer_policy_match */
	const char *value;
	bool any_case;
	struct policy_regex *regex;
};

struct policy_rule {
	const char *why; /* path in the configuration */
	char *named;     /* the same with the rule's name behind it, NULL = it has none */
	int action, on, direction;
	uint32_t methods;           /* bits by enum wire_method; 0 = all */
	struct policy_range status; /* low 0 = any message */
	const char *name;           /* as the header is written */
	char *header;               /* canonical; of "X-*" without the star */
	bool wild;
	struct policy_regex *pattern;
	const char *value;
	bool quotes; /* the value takes over text of the message */
	size_t nwhen;
	struct policy_condition when[PEER_POLICY_WHEN_MAX];
};

struct policy_number_rule {
	const char *why;
	const struct peer_policy_number *conf;
	struct policy_regex *pattern;
};
struct policy_number_rules {
	struct policy_number_rule *rules;
	size_t n;
};
struct policy_owned {
	uint64_t low, high; /* see policy_number.c */
	uint8_t digits;     /* at least */
};
struct policy_cause_rule {
	const char *why;
	struct policy_range status;
	const struct peer_policy_cause *conf;
};
struct policy_causes {
	struct policy_cause_rule *rules;
	size_t n;
};

enum policy_party { POLICY_CALLER, POLICY_CALLED };

struct policy {
	struct conf_doc *doc; /* what was mixed */
	json_t *values, *origins;
	struct peer_policy conf; /* read from it */
	struct policy_rule *rules;
	size_t nrules;
	bool has_rules[2];                        /* by enum peer_policy_direction */
	struct policy_number_rules numbers[2][2]; /* by direction and party */
	bool has_numbers[2];
	struct policy_owned *owned;
	size_t nowned;
	struct policy_causes causes[2];
	uint32_t forbidden; /* methods: bits by enum wire_method */
};

/** Never NULL: without one, what holds for everybody. */
const struct policy *policy_of(const struct peer *p);
static inline const struct policy *policy_of_conf(const struct peer_conf *c)
{
	return c->compiled;
}

/* Where an error is reported. */
struct policy_build {
	const struct conf_doc *doc;
	const char *path; /* of the peer or the named policy */
	struct policy *p;
	struct conf_error *err;
};
/** Path of the nth entry of a list, or of a value ("headers.rules", "body.types"): in which policy it stands. */
const char *policy_origin(const struct policy *p, const char *key, size_t nth);
/** Report at origin + "." + member (NULL = the origin itself). @return -EINVAL */
int policy_build_fail(struct policy_build *b, const char *origin, const char *member,
		      const char *why);

/* policy_mix.c */
int policy_mix(struct policy_build *b, const json_t *own, const struct conf_list *use);

/* policy_rule.c */
int policy_rules_build(struct policy_build *b);
void policy_rules_free(struct policy *p);
int policy_range_parse(const char *text, struct policy_range *ret_range);
/* policy_number.c, policy_cause.c, policy_admit.c */
int policy_numbers_build(struct policy_build *b);
void policy_numbers_free(struct policy *p);
int policy_causes_build(struct policy_build *b);
void policy_causes_free(struct policy *p);
int policy_words_build(struct policy_build *b);

/** A number as one side of it writes it: by the rules of from's "in" and to's "out". @return its length in buf. */
#define POLICY_NUMBER_BYTES 64
size_t policy_number_cross(const struct policy_way *way, enum policy_party party,
			   struct wire_text user, char *buf, size_t size_bytes);
size_t policy_number_in(const struct policy *p, enum policy_party party, struct wire_text user,
			char *buf, size_t size_bytes, const char **ret_why);
/** Does the text look like a telephone number? Then its digits (and +) in buf. */
bool policy_number_is(struct wire_text user, char *buf, size_t size_bytes);
bool policy_number_owned(const struct policy *p, const char *number);

/* ---- a message while rules work on it (policy_headers.c) ---- */

#define POLICY_LINES_MAX 192 /* a message has at most 128 */
#define POLICY_ARENA_BYTES 16384

struct policy_line {
	const char *canonical;
	struct wire_text name, value;
	struct wire_text raw; /* as received; s NULL: it was not */
	const char *why;      /* what was done to it last, NULL = nothing */
	bool changed;         /* name and value count, not raw */
	bool gone, pass;      /* removed; a rule lets it cross */
	bool trusted;         /* our or the operator's own words: not searched */
};
struct policy_lines {
	unsigned n;
	size_t used;
	unsigned steps; /* still allowed to expressions */
	struct policy_line line[POLICY_LINES_MAX];
	char arena[POLICY_ARENA_BYTES];
};
/** Room for n bytes that live as long as the lines, NULL when there is none. */
char *policy_lines_room(struct policy_lines *l, size_t n);
/** A line of our own at the end. @return it, or NULL: no room. */
struct policy_line *policy_lines_add(struct policy_lines *l, const char *canonical,
				     const char *name, struct wire_text value);

/* What a rule may ask about the message. */
struct policy_scene {
	const struct policy_way *way;
	const struct wire_msg *m;
	struct policy_inner *inner;
	enum peer_policy_direction direction;
	const struct policy *p;
};
void policy_rules_run(const struct policy_scene *s, struct policy_lines *l);
/** Only the pass rules: they are asked before anything is dropped. */
void policy_rules_pass(const struct policy_scene *s, struct policy_lines *l);

void policy_note(const struct policy_way *way, struct wire_text before, struct wire_text after,
		 const char *why);

/* policy_cause.c: the Reason header where a peer wants or does not want one */
bool policy_reason_wanted(const struct policy_way *way);
void policy_reason_add(const struct policy_way *way, const struct wire_msg *m, bool has_q850,
		       struct wire_out *o);

/* policy_identity.c: P-Asserted-Identity, Privacy and their kin: what may cross, as lines at the end */
void policy_identity_cross(const struct policy_scene *s, struct policy_lines *l);
/* What a Privacy header asks for. */
enum {
	PRIVACY_NONE = 1,
	PRIVACY_ID = 2,
	PRIVACY_USER = 4,
	PRIVACY_HEADER = 8,
	PRIVACY_SESSION = 16,
	PRIVACY_HISTORY = 32,
	PRIVACY_CRITICAL = 64,
	PRIVACY_OTHER = 128
};
unsigned policy_privacy(const struct wire_msg *m);
bool policy_is_anonymous(const struct wire_msg *m);
/* policy_history.c */
void policy_history_cross(const struct policy_scene *s, struct policy_lines *l, unsigned privacy);

/** The caller asked to stay unknown, and way->to is one of those it must stay unknown to (RFC 3323 4.2). */
bool policy_hides_user(const struct policy_way *way, const struct wire_msg *m);

/* policy_party.c: name-addrs as they may be shown */
struct policy_name_addr {
	struct wire_text display; /* n 0 = none */
	struct wire_uri uri;
	enum policy_party party; /* whose rules its number follows */
	const char *host;        /* that is shown; NULL = its own if that is public, else ours */
	bool keep_tel;           /* a tel URI may stay one */
};
/** "\"A\" <sip:+44@b.example>", number normalised. @return 0, -EPROTO: its user names something of the inside (buf
 *  is then without). */
int policy_party_print(const struct policy_scene *s, const struct policy_name_addr *a, char *buf,
		       size_t size_bytes);

#endif
