/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/dns/dns_enum.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"

#define PATTERN_BYTES 128
#define GROUPS 10
#define DIGITS_MIN 2
#define DIGITS_MAX 15

/* ---- the regular expression of a record */

/*
 * What a number can need, and nothing that makes a matcher work: no repeat counts, no reference back inside the
 * pattern, no repeat of a group that repeats itself.
 */
static bool pattern_is_harmless(const char *p)
{
	bool repeats = false;

	for (; *p; p++) {
		if (*p == '\\') {
			if (!*++p || isalnum((unsigned char)*p))
				return false;
		} else if (*p == '{') {
			return false;
		} else if (*p == '*' || *p == '+' || *p == '?') {
			if (p[1] && strchr("*+?", p[1]))
				return false;
			repeats = true;
		} else if (*p == '(') {
			repeats = false;
		} else if (*p == ')' && repeats && p[1] && strchr("*+?", p[1])) {
			return false;
		}
	}
	return true;
}

/* Cut one part off, up to the delimiter. */
static const char *cut_part(const char *at, char delimiter, char *part, size_t size_bytes)
{
	size_t n = 0;

	for (; *at && *at != delimiter; at++) {
		if (*at == '\\' && at[1] == delimiter)
			at++; /* RFC 3402 3.2: an escaped delimiter is the character */
		else if (*at == '\\' && at[1]) {
			if (n + 2 >= size_bytes)
				return NULL;
			part[n++] = *at++;
		}
		if (n + 1 >= size_bytes)
			return NULL;
		part[n++] = *at;
	}
	part[n] = '\0';
	return *at ? at + 1 : NULL;
}

static int substitute(const char *replacement, const char *number, const regmatch_t *groups,
		      char *buf, size_t size_bytes)
{
	size_t n = 0;

	for (const char *p = replacement; *p; p++) {
		const char *from = p;
		size_t len = 1;

		if (*p == '\\' && isdigit((unsigned char)p[1])) {
			const regmatch_t *g = &groups[*++p - '0'];

			from = number + (g->rm_so < 0 ? 0 : g->rm_so);
			len = g->rm_so < 0 ? 0 : (size_t)(g->rm_eo - g->rm_so);
		} else if (*p == '\\' && p[1]) {
			from = ++p;
		}
		if (n + len >= size_bytes)
			return -EMSGSIZE;
		memcpy(buf + n, from, len);
		n += len;
	}
	buf[n] = '\0';
	return 0;
}

int dns_enum_apply(const char *regexp, const char *number, char *buf, size_t size_bytes)
{
	char pattern[PATTERN_BYTES], replacement[DNS_ENUM_URI_BYTES];
	regmatch_t groups[GROUPS];
	const char *at = regexp;
	int flags = REG_EXTENDED;
	regex_t re;
	int err;

	if (!*at || isalnum((unsigned char)*at) || *at == '\\')
		return -EINVAL;
	at = cut_part(regexp + 1, *regexp, pattern, sizeof(pattern));
	if (at)
		at = cut_part(at, *regexp, replacement, sizeof(replacement));
	if (!at || (*at && strcasecmp(at, "i") != 0) || !pattern_is_harmless(pattern))
		return -EINVAL;
	if (*at)
		flags |= REG_ICASE;
	if (regcomp(&re, pattern, flags))
		return -EINVAL;
	err = regexec(&re, number, GROUPS, groups, 0) ? -ENOENT : 0;
	regfree(&re);
	return err ? err : substitute(replacement, number, groups, buf, size_bytes);
}

/* ---- a question */

struct dns_enum {
	struct dns *dns;
	dns_enum_h *fn;
	void *arg;
	void (*told)(void *arg, const char *name, int type, const struct dns_answer *a,
		     uint64_t took_ms);
	char number[DIGITS_MAX + 2], name[DNS_NAME_BYTES];
	uint64_t end_ms, asked_ms;
	unsigned depth;
	struct dns_question *question;
	struct dns_enum_found found;
};

static void enum_destroy(void *obj)
{
	struct dns_enum *e = obj;

	dns_cancel(e->question);
}

void dns_enum_cancel(struct dns_enum *e)
{
	mem_unref(e);
}

static void finish(struct dns_enum *e, int err)
{
	e->found.err = e->found.n ? 0 : err;
	e->fn(e->arg, &e->found);
	mem_unref(e);
}

/* "E2U+sip", also among others: "E2U+pres+sip". */
static bool is_sip_service(const char *services)
{
	const char *at = services;

	if (strncasecmp(at, "E2U", 3) != 0)
		return false;
	while ((at = strchr(at, '+'))) {
		size_t n = strcspn(++at, "+");

		if (n == 3 && !strncasecmp(at, "sip", 3))
			return true;
	}
	return false;
}

static bool is_sip_uri(const char *uri)
{
	const char *at = strchr(uri, ':');

	if (!at || (strncasecmp(uri, "sip:", 4) != 0 && strncasecmp(uri, "sips:", 5) != 0) ||
	    !at[1])
		return false;
	for (const char *p = uri; *p; p++) {
		if (*p <= ' ' || *p > '~' || strchr("<>\"\\^`{|}", *p))
			return false;
	}
	return true;
}

/* Indexes of the records in the order of RFC 3402: ORDER, then PREFERENCE, then as they came. */
static size_t sorted(const struct dns_answer *a, size_t *order)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct dns_naptr *n = &a->records[i].u.naptr;
		size_t k = i;

		for (; k > 0; k--) {
			const struct dns_naptr *b = &a->records[order[k - 1]].u.naptr;

			if (b->order < n->order ||
			    (b->order == n->order && b->preference <= n->preference))
				break;
			order[k] = order[k - 1];
		}
		order[k] = i;
	}
	return a->n;
}

static void ask(struct dns_enum *e, const char *name);

/* @return true: a non-terminal record, its zone is to be asked next; name is set. */
static bool take_record(struct dns_enum *e, const struct dns_naptr *n, char *next)
{
	struct dns_enum_found *f = &e->found;

	if (!is_sip_service(n->services) && n->services[0])
		return false;
	if (!n->flags[0] && !n->regexp[0] && strcmp(n->replacement, ".") != 0) {
		if (!f->n && !next[0])
			snprintf(next, DNS_NAME_BYTES, "%s", n->replacement);
		return true;
	}
	if (strcasecmp(n->flags, "u") != 0 || !is_sip_service(n->services) ||
	    f->n == DNS_ENUM_URIS_MAX)
		return false;
	if (!dns_enum_apply(n->regexp, e->number, f->uris[f->n], DNS_ENUM_URI_BYTES) &&
	    is_sip_uri(f->uris[f->n]))
		f->n++;
	return false;
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct dns_enum *e = arg;
	char next[DNS_NAME_BYTES] = "";
	size_t order[DNS_RECORDS_MAX];
	size_t n;

	e->question = NULL;
	if (e->told)
		e->told(e->arg, e->name, DNS_NAPTR, a, clock_now_ms() - e->asked_ms);
	if (a->err) {
		finish(e, a->err);
		return;
	}
	if (a->ttl_s < e->found.ttl_s)
		e->found.ttl_s = a->ttl_s;
	e->found.stale |= a->stale;
	n = sorted(a, order);
	for (size_t i = 0; i < n; i++)
		(void)take_record(e, &a->records[order[i]].u.naptr, next);
	if (e->found.n || !next[0])
		finish(e, -ENOENT);
	else
		ask(e, next);
}

static void ask(struct dns_enum *e, const char *name)
{
	struct dns_asker asker = {on_answer, e, 0};
	uint64_t now_ms = clock_now_ms();
	int err;

	if (e->depth++ == DNS_ENUM_DEPTH_MAX) {
		finish(e, -ELOOP);
		return;
	}
	if (name != e->name)
		snprintf(e->name, sizeof(e->name), "%s", name);
	e->asked_ms = now_ms;
	asker.deadline_ms = (uint32_t)(e->end_ms - now_ms);
	err = now_ms >= e->end_ms ? -ETIMEDOUT
				  : dns_ask(e->dns, e->name, DNS_NAPTR, &asker, &e->question);
	if (err)
		finish(e, err == -EINVAL ? -ENOENT : err);
}

bool dns_enum_is_number(const char *number)
{
	size_t n = number[0] == '+' ? strspn(number + 1, "0123456789") : 0;

	return n >= DIGITS_MIN && n <= DIGITS_MAX && !number[1 + n];
}

int dns_enum_find(struct dns *dns, const struct dns_enum_wish *wish, dns_enum_h *fn, void *arg,
		  struct dns_enum **ret_enum)
{
	size_t digits = strlen(wish->number) - 1, n = 0;
	struct dns_enum *e;

	*ret_enum = NULL;
	if (!dns_enum_is_number(wish->number) || !dns_name_valid(wish->suffix) ||
	    strlen(wish->suffix) + 2 * digits >= DNS_NAME_BYTES)
		return -EINVAL;
	e = mem_zalloc(sizeof(*e), enum_destroy);
	if (!e)
		return -ENOMEM;
	e->dns = dns;
	e->fn = fn;
	e->arg = arg;
	e->told = wish->told;
	e->end_ms = clock_now_ms() + wish->deadline_ms;
	e->found.ttl_s = DNS_TTL_MAX_S;
	strcpy(e->number, wish->number);
	for (size_t i = digits; i > 0; i--) {
		e->name[n++] = wish->number[i];
		e->name[n++] = '.';
	}
	snprintf(e->name + n, sizeof(e->name) - n, "%s", wish->suffix);
	mem_ref(e);
	ask(e, e->name);
	*ret_enum = mem_refs(e) > 1 ? e : NULL;
	mem_unref(e);
	return 0;
}
