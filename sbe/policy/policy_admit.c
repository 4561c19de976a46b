/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_admit - whether a call may come in or go out at all, as far as identity goes; methods and option tags.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sbe/policy/policy_private.h"
#include "sbe/sip/wire_line.h"

/* ---- words ---- */

static bool has_word(const struct conf_list *list, const char *word, size_t n)
{
	const char *const *words = list->items;

	for (size_t i = 0; i < list->n; i++) {
		if (strlen(words[i]) == n && !strncasecmp(words[i], word, n))
			return true;
	}
	return false;
}

/* A dialog that could not be ended would be worse than any method. */
static bool is_vital(enum wire_method m)
{
	return m == WIRE_ACK || m == WIRE_BYE || m == WIRE_CANCEL;
}

static int check_methods(struct policy_build *b, const char *key, const struct conf_list *list,
			 bool forbid)
{
	const char *const *names = list->items;
	char why[128];

	for (size_t i = 0; i < list->n; i++) {
		enum wire_method m = wire_method_of((struct wire_text){names[i], strlen(names[i])});

		if (m != WIRE_OTHER && !(forbid && is_vital(m)))
			continue;
		snprintf(why, sizeof(why),
			 m == WIRE_OTHER
				 ? "%.40s is no method we know (they are in capital letters)"
				 : "%.40s cannot be forbidden: a call could not be ended",
			 names[i]);
		return policy_build_fail(b, policy_origin(b->p, key, 0), NULL, why);
	}
	return 0;
}

static int check_tags(struct policy_build *b, const char *key, const struct conf_list *list)
{
	const char *const *tags = list->items;
	char why[128];

	for (size_t i = 0; i < list->n; i++) {
		if (wire_is_token((struct wire_text){tags[i], strlen(tags[i])}))
			continue;
		snprintf(why, sizeof(why), "\"%.40s\" is no option tag", tags[i]);
		return policy_build_fail(b, policy_origin(b->p, key, 0), NULL, why);
	}
	return 0;
}

static int check_types(struct policy_build *b)
{
	const struct conf_list *list = &b->p->conf.body.types;
	const char *const *types = list->items;
	char why[128];

	for (size_t i = 0; i < list->n; i++) {
		const char *slash = strchr(types[i], '/');

		if (slash &&
		    wire_is_token((struct wire_text){types[i], (size_t)(slash - types[i])}) &&
		    wire_is_token((struct wire_text){slash + 1, strlen(slash + 1)}))
			continue;
		snprintf(why, sizeof(why), "\"%.40s\" must be like application/isup or text/*",
			 types[i]);
		return policy_build_fail(b, policy_origin(b->p, "body.types", 0), NULL, why);
	}
	return 0;
}

int policy_words_build(struct policy_build *b)
{
	struct policy *p = b->p;
	const struct peer_policy_words *w = &p->conf.methods;
	int err = check_methods(b, "methods.allow", &w->allow, false);

	if (!err)
		err = check_methods(b, "methods.forbid", &w->forbid, true);
	if (!err)
		err = check_tags(b, "options.allow", &p->conf.options.allow);
	if (!err)
		err = check_tags(b, "options.forbid", &p->conf.options.forbid);
	if (!err)
		err = check_types(b);
	for (int m = WIRE_OTHER + 1; m < WIRE_METHODS; m++) {
		const char *name = wire_method_name((enum wire_method)m);
		size_t n = strlen(name);

		if (!is_vital((enum wire_method)m) &&
		    ((w->allow.n && !has_word(&w->allow, name, n)) ||
		     has_word(&w->forbid, name, n)))
			p->forbidden |= 1U << m;
	}
	return err;
}

bool policy_method_allowed(const struct peer_conf *c, enum wire_method method)
{
	return !c->compiled || !(c->compiled->forbidden >> method & 1);
}

bool policy_option_allowed(const struct peer_conf *c, const char *tag, size_t len_bytes)
{
	const struct peer_policy_words *w = c->compiled ? &c->compiled->conf.options : NULL;

	return !w || ((!w->allow.n || has_word(&w->allow, tag, len_bytes)) &&
		      !has_word(&w->forbid, tag, len_bytes));
}

/* ---- calls ---- */

static bool refuse(struct policy_refusal *r, int status, const char *phrase, const char *cause,
		   const char *text)
{
	*r = (struct policy_refusal){
		.status = status, .phrase = phrase, .cause = cause, .text = text};
	metric_add(&policy_metrics, POLICY_REFUSED, 1);
	return false;
}

/* A number that is not the peer's; a name is nobody's number. */
static bool is_foreign(const struct policy *p, struct wire_text user)
{
	char number[POLICY_NUMBER_BYTES];

	return policy_number_in(p, POLICY_CALLER, user, number, sizeof(number), NULL) &&
	       !policy_number_owned(p, number);
}

/* Of a peer we trust what it asserts counts too: it would be shown as the caller. */
static bool asserts_foreign(const struct policy *p, const struct wire_msg *m)
{
	struct wire_text rest, value;
	struct wire_party party;
	struct wire_header h;
	void *it = NULL;

	while (wire_header_next(m, &it, &h)) {
		if (!wire_header_is(&h, "p-asserted-identity"))
			continue;
		rest = h.value;
		while (wire_list_next(&rest, &value)) {
			if (!wire_party_parse(value, &party) && is_foreign(p, party.uri.user))
				return true;
		}
	}
	return false;
}

bool policy_admit(const struct policy_way *way, const struct wire_msg *invite,
		  struct policy_refusal *ret_refusal)
{
	const struct policy *p = policy_of(way->from);
	const struct peer_policy_identity *id = &p->conf.identity;
	struct wire_party from;

	*ret_refusal = (struct policy_refusal){.status = 0};
	if (id->anonymous_in == PEER_POLICY_REJECT && policy_is_anonymous(invite))
		return refuse(ret_refusal, 433, "Anonymity Disallowed", "anonymous",
			      "anonymous calls are not taken");
	if (!p->nowned || id->foreign == PEER_POLICY_ALLOW)
		return true;
	wire_from(invite, &from);
	if (is_foreign(p, from.uri.user) || (id->trust && asserts_foreign(p, invite)))
		return refuse(ret_refusal, 403, "Caller Number Not Allowed", "caller_foreign",
			      "the calling number does not belong to this peer");
	return true;
}

bool policy_leave(const struct policy_way *way, const struct wire_msg *invite,
		  struct policy_refusal *ret_refusal)
{
	const struct peer_policy_identity *id = &policy_of(way->to)->conf.identity;
	unsigned privacy = policy_privacy(invite);

	*ret_refusal = (struct policy_refusal){.status = 0};
	if (id->anonymous_out == PEER_POLICY_REJECT && policy_is_anonymous(invite))
		return refuse(ret_refusal, 433, "Anonymity Disallowed", "anonymous",
			      "the called side takes no anonymous calls");
	if (!id->trust && (privacy & PRIVACY_CRITICAL) && (privacy & PRIVACY_OTHER))
		return refuse(ret_refusal, 500, "Privacy Not Available", "privacy",
			      "critical privacy that was asked for cannot be given");
	return true;
}
