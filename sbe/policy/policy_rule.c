/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_rule - header rules: compiled from the configuration, then carried out on the lines of a message.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/policy/policy_private.h"
#include "sbe/policy/policy_rule.h"
#include "sbe/sip/wire_line.h"

/* ---- compiling ---- */

int policy_range_parse(const char *text, struct policy_range *ret_range)
{
	unsigned low, high;
	char end;

	if (text[0] >= '1' && text[0] <= '6' && !strcmp(text + 1, "xx")) {
		low = (unsigned)(text[0] - '0') * 100;
		high = low + 99;
	} else if (strlen(text) == 3 && sscanf(text, "%3u%c", &low, &end) == 1) {
		high = low;
	} else if (strlen(text) != 7 || sscanf(text, "%3u-%3u%c", &low, &high, &end) != 2) {
		return -EINVAL;
	}
	if (low < 100 || high > 699 || high < low)
		return -EINVAL;
	*ret_range = (struct policy_range){(uint16_t)low, (uint16_t)high};
	return 0;
}

/* Long name in lower case. */
static int canonical(const char *name, size_t n, char **ret_name)
{
	enum wire_name id = wire_name_find((struct wire_text){name, n});
	const char *known = wire_name_text(id);

	if (known)
		return mem_dup(known, strlen(known), ret_name);
	if (mem_dup(name, n, ret_name))
		return -ENOMEM;
	for (char *p = *ret_name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

static int build_regex(struct policy_build *b, const char *origin, const char *member,
		       const char *text, bool any_case, struct policy_regex **ret)
{
	const char *why = "";
	char sentence[160];
	int err = policy_regex_new(text, any_case, ret, &why);

	if (!err || err == -ENOMEM)
		return err;
	snprintf(sentence, sizeof(sentence), "is no expression we know: %s", why);
	return policy_build_fail(b, origin, member, sentence);
}

static int build_when(struct policy_build *b, const struct peer_policy_rule *c,
		      struct policy_rule *r)
{
	const struct peer_policy_when *w = c->when.items;
	char at[48];
	int err = 0;

	for (size_t i = 0; !err && i < c->when.n; i++) {
		struct policy_condition *to = &r->when[r->nwhen++];
		bool compares = w[i].match > PEER_POLICY_ABSENT;

		to->match = w[i].match;
		to->value = w[i].value;
		to->any_case = w[i].any_case;
		snprintf(at, sizeof(at), "when[%zu].header", i);
		if (!wire_is_token((struct wire_text){w[i].header, strlen(w[i].header)}))
			return policy_build_fail(b, r->why, at, "is no header name");
		err = canonical(w[i].header, strlen(w[i].header), &to->header);
		snprintf(at, sizeof(at), "when[%zu].value", i);
		if (!err && compares != (w[i].value != NULL))
			err = policy_build_fail(
				b, r->why, at,
				compares
					? "is missing: what the header is compared with"
					: "needs a match that compares: exact, prefix, glob or regex");
		if (!err && w[i].match == PEER_POLICY_REGEX)
			err = build_regex(b, r->why, at, w[i].value, w[i].any_case, &to->regex);
	}
	return err;
}

static int build_methods(struct policy_build *b, const struct peer_policy_rule *c,
			 struct policy_rule *r)
{
	const char *const *names = c->methods.items;
	char at[48];

	for (size_t i = 0; i < c->methods.n; i++) {
		enum wire_method m = wire_method_of((struct wire_text){names[i], strlen(names[i])});

		snprintf(at, sizeof(at), "methods[%zu]", i);
		if (m == WIRE_OTHER)
			return policy_build_fail(
				b, r->why, at,
				"is no method we know (they are in capital letters)");
		r->methods |= 1U << m;
	}
	return 0;
}

static int check_header(struct policy_build *b, const struct peer_policy_rule *c,
			struct policy_rule *r, size_t n)
{
	if (r->wild && c->action != PEER_POLICY_PASS && c->action != PEER_POLICY_STRIP)
		return policy_build_fail(b, r->why, "header", "a * is for pass and strip only");
	if (!n || !wire_is_token((struct wire_text){c->header, n}) || memchr(c->header, '*', n))
		return policy_build_fail(b, r->why, "header",
					 "is no header name (a * may stand at its end)");
	if (!r->wild && policy_known(r->header) == POLICY_OURS)
		return policy_build_fail(
			b, r->why, "header",
			"belongs to one leg and is always written anew (numbers, methods, options "
			"and body have their own rules)");
	return 0;
}

static int check_value(struct policy_build *b, const struct peer_policy_rule *c,
		       struct policy_rule *r)
{
	bool makes = c->action >= PEER_POLICY_ADD;
	const char *why = NULL;
	unsigned groups = 0;

	if (makes != (c->value != NULL))
		return policy_build_fail(b, r->why, "value",
					 makes ? "is missing" : "does not belong to this action");
	if (c->action == PEER_POLICY_REWRITE && !c->pattern)
		return policy_build_fail(b, r->why, "pattern", "is missing: what is rewritten");
	if (c->pattern && (c->action == PEER_POLICY_ADD || c->action == PEER_POLICY_REPLACE))
		return policy_build_fail(b, r->why, "pattern", "does not belong to this action");
	if (!makes)
		return 0;
	if (r->pattern)
		groups = policy_regex_groups(r->pattern);
	if (policy_template_check(c->value, groups, &why, &r->quotes))
		return policy_build_fail(b, r->why, "value", why);
	return 0;
}

static int build_rule(struct policy_build *b, const struct peer_policy_rule *c,
		      struct policy_rule *r)
{
	size_t n = strlen(c->header);
	int err;

	char named[384];

	snprintf(named, sizeof(named), "%.300s %s", r->why, c->name ? c->name : "");
	if (c->name && mem_strdup(named, sizeof(named), &r->named))
		return -ENOMEM;
	r->action = c->action;
	r->on = c->on;
	r->name = c->header;
	r->value = c->value;
	r->wild = n > 1 && c->header[n - 1] == '*';
	n -= r->wild;
	err = canonical(c->header, n, &r->header);
	if (!err)
		err = check_header(b, c, r, n);
	if (!err)
		err = build_methods(b, c, r);
	if (!err && c->status && policy_range_parse(c->status, &r->status))
		err = policy_build_fail(b, r->why, "status", "must be like 486, 4xx or 400-499");
	if (!err && c->status && c->on == PEER_POLICY_REQUEST)
		err = policy_build_fail(b, r->why, "status", "a request has none");
	if (!err && c->pattern)
		err = build_regex(b, r->why, "pattern", c->pattern, false, &r->pattern);
	if (!err)
		err = check_value(b, c, r);
	return err ? err : build_when(b, c, r);
}

/* In one table, those of direction in first. */
int policy_rules_build(struct policy_build *b)
{
	struct policy *p = b->p;
	const struct conf_list *list = &p->conf.headers.rules;
	const struct peer_policy_rule *c = list->items;
	size_t bytes = list->n * sizeof(*p->rules);
	int err = 0;

	if (!list->n)
		return 0;
	p->rules = mem_buffer(bytes);
	if (!p->rules)
		return -ENOMEM;
	memset(p->rules, 0, bytes);
	for (size_t i = 0; !err && i < list->n; i++) {
		struct policy_rule *r = &p->rules[p->nrules++];

		r->why = policy_origin(p, "headers.rules", i);
		err = build_rule(b, &c[i], r);
		p->has_rules[c[i].direction] = true;
		r->direction = c[i].direction;
	}
	return err;
}

void policy_rules_free(struct policy *p)
{
	for (size_t i = 0; i < p->nrules; i++) {
		struct policy_rule *r = &p->rules[i];

		mem_unref(r->header);
		mem_unref(r->named);
		mem_unref(r->pattern);
		for (size_t k = 0; k < r->nwhen; k++) {
			mem_unref(r->when[k].header);
			mem_unref(r->when[k].regex);
		}
	}
	mem_free(p->rules);
}

/* ---- does it fit ---- */

static bool same(char a, char b, bool any_case)
{
	return a == b || (any_case && tolower((unsigned char)a) == tolower((unsigned char)b));
}

static bool begins(struct wire_text t, const char *with, bool any_case)
{
	size_t i = 0;

	while (i < t.n && with[i] && same(t.s[i], with[i], any_case))
		i++;
	return !with[i];
}

/* One place to come back to is enough: an earlier star never needs to take more. */
bool policy_glob(const char *pattern, struct wire_text t, bool any_case)
{
	const char *star = NULL;
	size_t i = 0, back = 0;

	while (i < t.n) {
		if (*pattern == '*') {
			star = pattern++;
			back = i;
		} else if (*pattern == '?' || (*pattern && same(t.s[i], *pattern, any_case))) {
			pattern++;
			i++;
		} else if (star) {
			pattern = star + 1;
			i = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* An expression that ran out of steps fits nothing, and that is counted. */
static bool regex_fits(struct policy_lines *l, const struct policy_regex *r, struct wire_text t,
		       struct wire_text *groups)
{
	int rc = policy_regex_match(r, t, groups, &l->steps);

	if (rc < 0)
		metric_add(&policy_metrics, POLICY_SKIPPED, 1);
	return rc > 0;
}

static bool value_fits(struct policy_lines *l, const struct policy_condition *c, struct wire_text t)
{
	if (t.n > POLICY_REGEX_TEXT_MAX_BYTES)
		t.n = POLICY_REGEX_TEXT_MAX_BYTES;
	switch (c->match) {
	case PEER_POLICY_EXACT:
		return strlen(c->value) == t.n && begins(t, c->value, c->any_case);
	case PEER_POLICY_PREFIX:
		return begins(t, c->value, c->any_case);
	case PEER_POLICY_GLOB:
		return policy_glob(c->value, t, c->any_case);
	case PEER_POLICY_REGEX:
		return regex_fits(l, c->regex, t, NULL);
	default:
		return true;
	}
}

static bool holds(const struct policy_scene *s, struct policy_lines *l,
		  const struct policy_condition *c)
{
	bool found = false;
	struct wire_header h;

	if (policy_known(c->header) ==
	    POLICY_OURS) { /* not among the lines: of the leg it came by */
		found = wire_header_find(s->m, c->header, &h) && value_fits(l, c, h.value);
		return found != (c->match == PEER_POLICY_ABSENT);
	}
	for (unsigned i = 0; i < l->n && !found; i++)
		found = !l->line[i].gone && !strcmp(l->line[i].canonical, c->header) &&
			value_fits(l, c, l->line[i].value);
	return found != (c->match == PEER_POLICY_ABSENT);
}

static bool applies(const struct policy_scene *s, struct policy_lines *l,
		    const struct policy_rule *r)
{
	int status = wire_status(s->m);

	if (r->direction != (int)s->direction ||
	    (r->on == PEER_POLICY_REQUEST    ? status != 0
	     : r->on == PEER_POLICY_RESPONSE ? !status
					     : false) ||
	    (r->methods && !(r->methods >> wire_method(s->m) & 1)) ||
	    (r->status.low && (status < r->status.low || status > r->status.high)))
		return false;
	for (size_t i = 0; i < r->nwhen; i++) {
		if (!holds(s, l, &r->when[i]))
			return false;
	}
	return true;
}

static bool means(struct policy_lines *l, const struct policy_rule *r, const struct policy_line *at)
{
	if (at->gone)
		return false;
	if (r->wild ? strncmp(at->canonical, r->header, strlen(r->header)) != 0
		    : strcmp(at->canonical, r->header) != 0)
		return false;
	return !r->pattern || r->action == PEER_POLICY_REWRITE ||
	       regex_fits(l, r->pattern, at->value, NULL);
}

/* ---- carrying it out ---- */

static const char *label(const struct policy_rule *r)
{
	return r->named ? r->named : r->why;
}

static void skipped(const struct policy_scene *s, const struct policy_rule *r)
{
	metric_add(&policy_metrics, POLICY_SKIPPED, 1);
	policy_note(s->way, (struct wire_text){NULL, 0},
		    WIRE_TEXT("rule not carried out: the result does not fit"), label(r));
}

/* Give a line another value. */
static void set_value(const struct policy_scene *s, struct policy_lines *l, struct policy_line *at,
		      const struct policy_rule *r, struct wire_text value)
{
	char *room = policy_lines_room(l, value.n);

	if (!room) {
		skipped(s, r);
		return;
	}
	for (size_t i = 0; i < value.n; i++) /* folds become one line */
		room[i] = (char)(value.s[i] == '\r' || value.s[i] == '\n' ? ' ' : value.s[i]);
	at->value = (struct wire_text){room, value.n};
	at->changed = true;
	at->why = label(r);
}

static void add(const struct policy_scene *s, struct policy_lines *l, const struct policy_rule *r)
{
	char buf[POLICY_VALUE_MAX_BYTES];
	struct wire_text value = {buf, 0};
	struct policy_line *at;

	if (policy_template_fill(s, r->value, NULL, buf, &value.n)) {
		skipped(s, r);
		return;
	}
	at = policy_lines_add(l, r->header, r->name, value);
	if (!at) {
		skipped(s, r);
		return;
	}
	at->why = label(r);
	at->pass = true;
	at->trusted = !r->quotes;
}

static void replace(const struct policy_scene *s, struct policy_lines *l,
		    const struct policy_rule *r)
{
	struct wire_text groups[POLICY_REGEX_GROUPS] = {{NULL, 0}}, value;
	char buf[POLICY_VALUE_MAX_BYTES];
	bool done = false;

	for (unsigned i = 0; i < l->n; i++) {
		struct policy_line *at = &l->line[i];

		if (!means(l, r, at))
			continue;
		if (done) {
			at->gone = true;
			at->why = label(r);
			continue;
		}
		done = true;
		groups[0] = at->value;
		value.s = buf;
		if (policy_template_fill(s, r->value, groups, buf, &value.n)) {
			skipped(s, r);
			return;
		}
		set_value(s, l, at, r, value);
		at->pass = true;
		at->trusted = !r->quotes;
	}
	if (!done)
		add(s, l, r);
}

static void rewrite(const struct policy_scene *s, struct policy_lines *l,
		    const struct policy_rule *r, struct policy_line *at)
{
	struct wire_text g[POLICY_REGEX_GROUPS], value;
	char part[POLICY_VALUE_MAX_BYTES], buf[POLICY_VALUE_MAX_BYTES];
	size_t head, tail, n;

	if (!regex_fits(l, r->pattern, at->value, g))
		return;
	head = (size_t)(g[0].s - at->value.s);
	tail = at->value.n - head - g[0].n;
	if (policy_template_fill(s, r->value, g, part, &n) || head + n + tail > sizeof(buf)) {
		skipped(s, r);
		return;
	}
	memcpy(buf, at->value.s, head);
	memcpy(buf + head, part, n);
	memcpy(buf + head + n, g[0].s + g[0].n, tail);
	value = (struct wire_text){buf, head + n + tail};
	at->trusted = false;
	set_value(s, l, at, r, value);
}

static void run(const struct policy_scene *s, struct policy_lines *l, const struct policy_rule *r)
{
	unsigned n = l->n;

	if (r->action == PEER_POLICY_ADD) {
		add(s, l, r);
		return;
	}
	if (r->action == PEER_POLICY_REPLACE) {
		replace(s, l, r);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct policy_line *at = &l->line[i];

		if (!means(l, r, at))
			continue;
		if (r->action == PEER_POLICY_REWRITE) {
			rewrite(s, l, r, at);
		} else if (r->action == PEER_POLICY_STRIP) {
			at->gone = true;
			at->why = label(r);
		} else if (!at->pass) {
			at->pass = true;
			at->why = label(r);
		}
	}
}

void policy_rules_run(const struct policy_scene *s, struct policy_lines *l)
{
	for (size_t i = 0; i < s->p->nrules; i++) {
		if (applies(s, l, &s->p->rules[i]))
			run(s, l, &s->p->rules[i]);
	}
}

void policy_rules_pass(const struct policy_scene *s, struct policy_lines *l)
{
	for (size_t i = 0; i < s->p->nrules; i++) {
		if (s->p->rules[i].action == PEER_POLICY_PASS && applies(s, l, &s->p->rules[i]))
			run(s, l, &s->p->rules[i]);
	}
}
