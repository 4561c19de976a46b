/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_number - telephone numbers: what is one, how each peer writes it, and whose it is.
 *
 * Inside, between the rules of the sender and those of the receiver, a number is what the sender's rules made of it:
 * with e164 that is +COUNTRY...; routes and ownership see that form.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/policy/policy_private.h"

#define OWNED_DIGITS 18U
#define PLUS 1000000000000000000ULL /* 10^18: numbers with a + lie above all without */

/* ---- what is a number ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* One character, escaped or not: %2B is +. */
static char next_char(struct wire_text t, size_t *at)
{
	int high = t.s[*at] == '%' && *at + 2 < t.n ? hex(t.s[*at + 1]) : -1;
	int low = high >= 0 ? hex(t.s[*at + 2]) : -1;

	if (low < 0)
		return t.s[(*at)++];
	*at += 3;
	return (char)(high * 16 + low);
}

bool policy_number_is(struct wire_text user, char *buf, size_t size_bytes)
{
	const char *end = user.n ? memchr(user.s, ';', user.n) : NULL;
	size_t n = 0, digits = 0;

	if (end)
		user.n = (size_t)(end - user.s);
	for (size_t at = 0; at < user.n;) {
		char c = next_char(user, &at);

		if (c && strchr("-.() ", c))
			continue;
		if (n + 1 >= size_bytes ||
		    !((c >= '0' && c <= '9') || c == '*' || c == '#' || (c == '+' && !n)))
			return false;
		digits += c >= '0' && c <= '9';
		buf[n++] = c;
	}
	buf[n] = '\0';
	return digits > 0;
}

/* ---- compiling ---- */

/* "+44{1}" */
static const char *check_replace(const char *value, unsigned groups)
{
	for (const char *p = value; *p; p++) {
		if (*p == '{' && p[1] >= '1' && p[1] <= '9' && p[2] == '}') {
			if ((unsigned)(p[1] - '0') > groups)
				return "names a group the pattern does not have";
			p += 2;
		} else if (!strchr("+*#0123456789", *p)) {
			return "may hold digits, + * # and {1} to {9}";
		}
	}
	return NULL;
}

static int build_pattern(struct policy_build *b, struct policy_number_rule *r, unsigned *ret_groups)
{
	const char *why = "";
	char sentence[160];
	int err = policy_regex_new(r->conf->pattern, false, &r->pattern, &why);

	if (err == -ENOMEM)
		return err;
	snprintf(sentence, sizeof(sentence), "is no expression we know: %s", why);
	if (err)
		return policy_build_fail(b, r->why, "pattern", sentence);
	*ret_groups = policy_regex_groups(r->pattern);
	return 0;
}

static int build_rules(struct policy_build *b, const char *key, const struct conf_list *list,
		       struct policy_number_rules *ret)
{
	const struct peer_policy_number *c = list->items;
	const char *why;
	int err = 0;

	if (!list->n)
		return 0;
	ret->rules = mem_buffer(list->n * sizeof(*ret->rules));
	if (!ret->rules)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		struct policy_number_rule *r = &ret->rules[ret->n++];
		unsigned groups = 0;

		*r = (struct policy_number_rule){policy_origin(b->p, key, i), &c[i], NULL};
		if (c[i].pattern)
			err = build_pattern(b, r, &groups);
		if (err)
			return err;
		why = c[i].replace ? check_replace(c[i].replace, groups) : NULL;
		if (c[i].replace && (c[i].strip || c[i].prepend))
			why = "stands instead of strip and prepend";
		if (why)
			return policy_build_fail(b, r->why, "replace", why);
		if (c[i].max_digits < c[i].min_digits)
			return policy_build_fail(b, r->why, "max_digits",
						 "is less than min_digits");
	}
	return 0;
}

/* Digits as a number of OWNED_DIGITS places, filled up behind with `fill`. */
static bool place(const char *text, char fill, uint64_t *ret, uint8_t *ret_digits)
{
	uint64_t v = 0;
	unsigned n = 0;
	bool plus = *text == '+';

	for (text += plus; *text; text++) {
		if (*text < '0' || *text > '9' || n == OWNED_DIGITS)
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
		n++;
	}
	if (!n)
		return false;
	*ret_digits = (uint8_t)n;
	for (; n < OWNED_DIGITS; n++)
		v = v * 10 + (uint64_t)(fill - '0');
	*ret = v + (plus ? PLUS : 0);
	return true;
}

static bool read_owned(const char *text, struct policy_owned *ret)
{
	char low[24], high[24];
	const char *dash = strchr(text, '-');
	uint8_t digits;

	if (!dash)
		return place(text, '0', &ret->low, &ret->digits) &&
		       place(text, '9', &ret->high, &digits);
	if ((size_t)(dash - text) >= sizeof(low) || strlen(dash + 1) >= sizeof(high))
		return false;
	snprintf(low, sizeof(low), "%.*s", (int)(dash - text), text);
	snprintf(high, sizeof(high), "%s", dash + 1);
	return (low[0] == '+') == (high[0] == '+') && place(low, '0', &ret->low, &ret->digits) &&
	       place(high, '9', &ret->high, &digits) && digits == ret->digits &&
	       ret->low < ret->high;
}

static int owned_order(const void *x, const void *y)
{
	const struct policy_owned *a = x, *b = y;

	return (a->low > b->low) - (a->low < b->low);
}

/* Sorted and apart from each other, so that one look finds a number. */
static void tidy_owned(struct policy *p)
{
	size_t n = 0;

	qsort(p->owned, p->nowned, sizeof(*p->owned), owned_order);
	for (size_t i = 0; i < p->nowned; i++) {
		struct policy_owned *last = n ? &p->owned[n - 1] : NULL;

		if (!last || p->owned[i].low > last->high) {
			p->owned[n++] = p->owned[i];
			continue;
		}
		if (p->owned[i].high > last->high)
			last->high = p->owned[i].high;
		if (p->owned[i].digits < last->digits)
			last->digits = p->owned[i].digits;
	}
	p->nowned = n;
}

static int build_owned(struct policy_build *b)
{
	const struct conf_list *list = &b->p->conf.numbers.owned;
	const char *const *texts = list->items;
	char why[160];

	if (!list->n)
		return 0;
	b->p->owned = mem_buffer(list->n * sizeof(*b->p->owned));
	if (!b->p->owned)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		if (read_owned(texts[i], &b->p->owned[i]))
			continue;
		snprintf(
			why, sizeof(why),
			"entry %zu, \"%.40s\", must be a prefix such as +442079 or a range LOW-HIGH "
			"of numbers of one length",
			i, texts[i]);
		return policy_build_fail(b, policy_origin(b->p, "numbers.owned", 0), NULL, why);
	}
	b->p->nowned = list->n;
	tidy_owned(b->p);
	return 0;
}

static bool is_digits(const char *text)
{
	return !text || !text[strspn(text, "0123456789")];
}

static int check_plan(struct policy_build *b)
{
	const struct peer_policy_numbers *n = &b->p->conf.numbers;
	const char *bad = !is_digits(n->country)                ? "numbers.country"
			  : !is_digits(n->national_prefix)      ? "numbers.national_prefix"
			  : !is_digits(n->international_prefix) ? "numbers.international_prefix"
								: NULL;

	if (bad)
		return policy_build_fail(b, policy_origin(b->p, bad, 0), NULL,
					 "must be digits only");
	if (n->country)
		return 0;
	if (n->in.e164)
		return policy_build_fail(b, policy_origin(b->p, "numbers.in.e164", 0), NULL,
					 "needs numbers.country");
	if (n->out.format == PEER_POLICY_NATIONAL)
		return policy_build_fail(b, policy_origin(b->p, "numbers.out.format", 0), NULL,
					 "national needs numbers.country");
	return 0;
}

int policy_numbers_build(struct policy_build *b)
{
	struct policy *p = b->p;
	const struct peer_policy_numbers *n = &p->conf.numbers;
	int err = check_plan(b);

	if (!err)
		err = build_rules(b, "numbers.in.caller", &n->in.caller,
				  &p->numbers[PEER_POLICY_IN][POLICY_CALLER]);
	if (!err)
		err = build_rules(b, "numbers.in.called", &n->in.called,
				  &p->numbers[PEER_POLICY_IN][POLICY_CALLED]);
	if (!err)
		err = build_rules(b, "numbers.out.caller", &n->out.caller,
				  &p->numbers[PEER_POLICY_OUT][POLICY_CALLER]);
	if (!err)
		err = build_rules(b, "numbers.out.called", &n->out.called,
				  &p->numbers[PEER_POLICY_OUT][POLICY_CALLED]);
	p->has_numbers[PEER_POLICY_IN] = n->in.caller.n || n->in.called.n || n->in.e164;
	p->has_numbers[PEER_POLICY_OUT] =
		n->out.caller.n || n->out.called.n || n->out.format != PEER_POLICY_AS_IS;
	return err ? err : build_owned(b);
}

void policy_numbers_free(struct policy *p)
{
	for (int i = 0; i < 4; i++) {
		struct policy_number_rules *list = &p->numbers[i / 2][i % 2];

		for (size_t k = 0; k < list->n; k++)
			mem_unref(list->rules[k].pattern);
		mem_free(list->rules);
	}
	mem_free(p->owned);
}

/* ---- rules ---- */

static size_t digits_of(const char *number)
{
	size_t n = 0;

	for (; *number; number++)
		n += *number >= '0' && *number <= '9';
	return n;
}

/* "+44{1}" */
static bool fill(const char *replace, const struct wire_text *groups, char *buf, size_t size)
{
	size_t n = 0;

	for (const char *p = replace; *p; p++) {
		struct wire_text t = {p, 1};

		if (*p == '{') {
			t = groups[p[1] - '0'];
			p += 2;
		}
		if (n + t.n >= size)
			return false;
		if (t.n)
			memcpy(buf + n, t.s, t.n);
		n += t.n;
	}
	buf[n] = '\0';
	return n > 0;
}

static bool rule_fits(const struct policy_number_rule *r, const char *number,
		      struct wire_text *groups)
{
	const struct peer_policy_number *c = r->conf;
	size_t digits = digits_of(number);

	if ((c->prefix && strncmp(number, c->prefix, strlen(c->prefix))) ||
	    digits < c->min_digits || digits > c->max_digits || strlen(number) < c->strip)
		return false;
	return !r->pattern ||
	       policy_regex_match(r->pattern, (struct wire_text){number, strlen(number)}, groups,
				  NULL) == 1;
}

/* @return the rule that did it, NULL = none. What would not fit, or leave nothing, is not done. */
static const char *run_rules(const struct policy_number_rules *list, char *number, size_t size)
{
	struct wire_text groups[POLICY_REGEX_GROUPS] = {{NULL, 0}};
	char made[POLICY_NUMBER_BYTES];

	for (size_t i = 0; i < list->n; i++) {
		const struct peer_policy_number *c = list->rules[i].conf;
		const char *rest = number + c->strip;
		size_t head = c->prepend ? strlen(c->prepend) : 0, n;

		if (!rule_fits(&list->rules[i], number, groups))
			continue;
		if (c->replace) {
			if (!fill(c->replace, groups, made, sizeof(made)))
				return NULL;
		} else {
			n = strlen(rest);
			if (head + n >= sizeof(made) || head + n == 0)
				return NULL;
			memcpy(made, c->prepend ? c->prepend : "", head);
			memcpy(made + head, rest, n + 1);
		}
		snprintf(number, size, "%s", made);
		return list->rules[i].why;
	}
	return NULL;
}

/* Put another beginning in the place of the first `cut` characters. */
static void change_head(char *number, size_t size, size_t cut, const char *head1, const char *head2)
{
	char made[POLICY_NUMBER_BYTES + 24];

	snprintf(made, sizeof(made), "%s%s%s", head1, head2, number + cut);
	if (strlen(made) < size)
		memcpy(number, made, strlen(made) + 1);
}

static bool begins(const char *number, const char *prefix)
{
	return prefix[0] && !strncmp(number, prefix, strlen(prefix));
}

static void to_e164(const struct peer_policy_numbers *c, char *number, size_t size)
{
	if (number[0] == '+')
		return;
	if (begins(number, c->international_prefix))
		change_head(number, size, strlen(c->international_prefix), "+", "");
	else if (begins(number, c->national_prefix))
		change_head(number, size, strlen(c->national_prefix), "+", c->country);
}

static void from_e164(const struct peer_policy_numbers *c, char *number, size_t size)
{
	size_t country = c->country ? strlen(c->country) : 0;

	if (number[0] != '+' || c->out.format == PEER_POLICY_E164)
		return;
	if (c->out.format == PEER_POLICY_DIGITS)
		change_head(number, size, 1, "", "");
	else if (c->out.format == PEER_POLICY_NATIONAL && begins(number + 1, c->country))
		change_head(number, size, 1 + country, c->national_prefix, "");
	else if (c->out.format == PEER_POLICY_NATIONAL)
		change_head(number, size, 1, c->international_prefix, "");
}

size_t policy_number_in(const struct policy *p, enum policy_party party, struct wire_text user,
			char *buf, size_t size_bytes, const char **ret_why)
{
	const char *why;

	if (!policy_number_is(user, buf, size_bytes))
		return 0;
	if (!p->has_numbers[PEER_POLICY_IN])
		return strlen(buf);
	why = run_rules(&p->numbers[PEER_POLICY_IN][party], buf, size_bytes);
	if (ret_why && why)
		*ret_why = why;
	if (p->conf.numbers.in.e164)
		to_e164(&p->conf.numbers, buf, size_bytes);
	return strlen(buf);
}

size_t policy_number_cross(const struct policy_way *way, enum policy_party party,
			   struct wire_text user, char *buf, size_t size_bytes)
{
	const struct policy *from = policy_of(way->from), *to = policy_of(way->to);
	const char *why = NULL, *out_why = NULL;
	char after[POLICY_NUMBER_BYTES + 8];

	if (!from->has_numbers[PEER_POLICY_IN] && !to->has_numbers[PEER_POLICY_OUT])
		return 0;
	if (!policy_number_in(from, party, user, buf, size_bytes, &why))
		return 0;
	if (to->has_numbers[PEER_POLICY_OUT]) {
		from_e164(&to->conf.numbers, buf, size_bytes);
		out_why = run_rules(&to->numbers[PEER_POLICY_OUT][party], buf, size_bytes);
	}
	if (way->trace) {
		snprintf(after, sizeof(after), "%s", buf);
		policy_note(way, user, (struct wire_text){after, strlen(after)},
			    out_why ? out_why
			    : why   ? why
				    : "numbers: form of the number");
	}
	return strlen(buf);
}

/* ---- ownership ---- */

bool policy_number_owned(const struct policy *p, const char *number)
{
	uint64_t v;
	uint8_t digits;

	if (!place(number, '0', &v, &digits))
		return false;
	for (size_t low = 0, high = p->nowned; low < high;) {
		size_t mid = low + (high - low) / 2;
		const struct policy_owned *o = &p->owned[mid];

		if (v > o->high)
			low = mid + 1;
		else if (v < o->low)
			high = mid;
		else
			return digits >= o->digits;
	}
	return false;
}
