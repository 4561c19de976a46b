/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_leak - see the header.
 *
 * Three scans cut the line into runs of the characters that an IPv4 address, an IPv6 address or a
 * name is made of, and compare whole runs. So "10.0.0.1" is not found in "10.0.0.12", and
 * "2001:DB8:0::1" is found for 2001:db8::1. The time is linear in the line.
 */
#include <string.h>
#include "sbe/sdp/body_leak.h"

static unsigned fold(const struct addr *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < (a->family == ADDR_V4 ? 4 : sizeof(a->ip)); i++)
		n = n * 31 + a->ip[i];
	return n % 256;
}

void body_leak_clear(struct body_leak_set *set)
{
	set->n_addrs = set->n_names = 0;
	memset(set->folded, 0, sizeof(set->folded));
}

void body_leak_add_ip(struct body_leak_set *set, const struct addr *a)
{
	unsigned mark;

	if ((a->family != ADDR_V4 && a->family != ADDR_V6) || addr_is_any(a))
		return;
	for (unsigned i = 0; i < set->n_addrs; i++) {
		if (addr_ip_equal(&set->addrs[i], a))
			return;
	}
	if (set->n_addrs == BODY_LEAK_MAX)
		return;
	set->addrs[set->n_addrs++] = *a;
	mark = fold(a);
	set->folded[mark / 64] |= 1ull << (mark % 64);
}

/* "pbx.inner.example." is the same name: the dot at the end only says that it is complete. */
static struct body_text bare_name(struct body_text name)
{
	while (name.len && name.at[name.len - 1] == '.')
		name.len--;
	return name;
}

void body_leak_add(struct body_leak_set *set, const struct body_address *a)
{
	struct body_text name = bare_name(a->text);

	if (a->state == BODY_ADDRESS_NUMERIC)
		body_leak_add_ip(set, &a->addr);
	if (a->state != BODY_ADDRESS_NAME || !name.len || !memchr(name.at, '.', name.len))
		return;
	for (unsigned i = 0; i < set->n_names; i++) {
		if (body_text_equal(set->names[i], name))
			return;
	}
	if (set->n_names < BODY_LEAK_MAX)
		set->names[set->n_names++] = name;
}

void body_leak_allow_ip(struct body_leak_set *set, const struct addr *a)
{
	for (unsigned i = 0; i < set->n_addrs; i++) {
		if (addr_ip_equal(&set->addrs[i], a)) {
			set->addrs[i] = set->addrs[--set->n_addrs];
			return;
		}
	}
}

void body_leak_allow(struct body_leak_set *set, const struct body_address *a)
{
	if (a->state == BODY_ADDRESS_NUMERIC)
		body_leak_allow_ip(set, &a->addr);
	for (unsigned i = 0; a->state == BODY_ADDRESS_NAME && i < set->n_names; i++) {
		if (body_text_equal(set->names[i], bare_name(a->text))) {
			set->names[i] = set->names[--set->n_names];
			return;
		}
	}
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool v4_char(char c)
{
	return digit(c) || c == '.';
}

static bool v6_char(char c)
{
	return v4_char(c) || c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool name_char(char c)
{
	return v4_char(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '_';
}

static bool in_set(const struct body_leak_set *set, struct body_text run)
{
	struct addr a;

	if (addr_parse_ip(run.at, run.len, &a) != 0)
		return false;
	if (!(set->folded[fold(&a) / 64] >> (fold(&a) % 64) & 1))
		return false;
	for (unsigned i = 0; i < set->n_addrs; i++) {
		if (addr_ip_equal(&set->addrs[i], &a))
			return true;
	}
	return false;
}

/* memchr from hit to hit: the marks are few. */
static unsigned count(struct body_text run, char c)
{
	const char *at = run.at, *end = run.at + run.len;
	unsigned n = 0;

	while (at < end && (at = memchr(at, c, (size_t)(end - at)))) {
		at++;
		n++;
	}
	return n;
}

static bool is_inner_v4(const struct body_leak_set *set, struct body_text run)
{
	/* punctuation around it: "at 10.0.0.1." */
	while (run.len && run.at[run.len - 1] == '.')
		run.len--;
	while (run.len && *run.at == '.') {
		run.at++;
		run.len--;
	}
	/* a cheap look before the parse: numbers are the rule, addresses the exception */
	return run.len >= 7 && run.len <= 15 && count(run, '.') == 3 && in_set(set, run);
}

static bool is_inner_v6(const struct body_leak_set *set, struct body_text run)
{
	/* "at 2001:db8::1." or "x:2001:db8::1"; a double colon belongs to the address */
	while (run.len &&
	       (run.at[run.len - 1] == '.' ||
		(run.at[run.len - 1] == ':' && (run.len < 2 || run.at[run.len - 2] != ':'))))
		run.len--;
	while (run.len &&
	       (*run.at == '.' || (*run.at == ':' && (run.len < 2 || run.at[1] != ':')))) {
		run.at++;
		run.len--;
	}
	return run.len >= 2 && run.len <= 45 && count(run, ':') >= 2 && in_set(set, run);
}

static bool is_inner_name(const struct body_leak_set *set, struct body_text run)
{
	run = bare_name(run);
	if (!run.len || !memchr(run.at, '.', run.len)) /* names without a dot are not in the set */
		return false;
	for (unsigned i = 0; i < set->n_names; i++) {
		if (body_text_equal(set->names[i], run))
			return true;
	}
	return false;
}

typedef bool(run_char_h)(char c);
typedef bool(run_check_h)(const struct body_leak_set *set, struct body_text run);

static bool scan(const struct body_leak_set *set, struct body_text t, run_char_h *is_char,
		 run_check_h *check)
{
	for (uint32_t i = 0; i < t.len;) {
		uint32_t start = i;

		while (i < t.len && is_char(t.at[i]))
			i++;
		if (i > start &&
		    check(set, (struct body_text){.at = t.at + start, .len = i - start}))
			return true;
		if (i == start)
			i++;
	}
	return false;
}

bool body_leak_in(const struct body_leak_set *set, struct body_text line)
{
	struct body_text value = line, first = {0};
	unsigned dots = count(line, '.'), colons = count(line, ':');

	/* Most lines have not even the marks of an address: no scan. */
	if (set->n_addrs && dots >= 3 && scan(set, line, v4_char, is_inner_v4))
		return true;
	if (set->n_addrs && colons >= 2) {
		body_text_until(&value, ':');
		while (first.len < value.len && v6_char(value.at[first.len]))
			first.len++;
		first.at = value.at;
		/* An attribute's name may end in hexadecimal letters ("a=face:2001:db8::1"), which would
		 * melt into the address behind the colon: so the first run of the value is tried alone. */
		if (scan(set, line, v6_char, is_inner_v6) || (first.len && is_inner_v6(set, first)))
			return true;
	}
	return set->n_names && dots && scan(set, line, name_char, is_inner_name);
}
