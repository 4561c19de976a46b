/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters are cut at semicolons outside of quotes, as everywhere in a Via; the values are checked hard: what
 * is said here decides how many calls go to a peer, so a value that is half understood counts as none.
 */
#include "sbe/sip/wire_oc.h"

#include <errno.h>

#include "common/text.h"
#include "sbe/sip/wire_line.h"

#define SEQ_INTEGER_DIGITS 12U
#define SEQ_FRACTION_DIGITS 5U

enum param { PARAM_OC, PARAM_ALGO, PARAM_VALIDITY, PARAM_SEQ, PARAM_OTHER };

/* Cut the next parameter off the front; the first cut of a Via is what stands before its parameters. */
static bool next_param(struct wire_text *rest, struct wire_text *ret_param)
{
	size_t i;

	if (!rest->s || !rest->n)
		return false;
	i = wire_semicolon(*rest);
	*ret_param = (struct wire_text){rest->s, i};
	i += i < rest->n;
	rest->s += i;
	rest->n -= i;
	return true;
}

static enum param param_of(struct wire_text t, struct wire_text *ret_value)
{
	static const char *const names[] = {"oc", "oc-algo", "oc-validity", "oc-seq"};
	const char *eq = t.n ? memchr(t.s, '=', t.n) : NULL;
	struct wire_text name = {t.s, eq ? (size_t)(eq - t.s) : t.n};

	*ret_value = (struct wire_text){NULL, 0};
	if (eq)
		*ret_value = wire_trim((struct wire_text){eq + 1, (size_t)(t.s + t.n - eq - 1)});
	name = wire_trim(name);
	if (name.n < 2 || (name.s[0] | 0x20) != 'o')
		return PARAM_OTHER;
	for (int i = 0; i < PARAM_OTHER; i++)
		if (wire_text_is_nocase(name, names[i]))
			return (enum param)i;
	return PARAM_OTHER;
}

bool wire_oc_is_param(struct wire_text param)
{
	struct wire_text value;

	return param_of(param, &value) != PARAM_OTHER;
}

/* "loss" or "loss,rate" in quotes; some leave the quotes out. */
static bool names_loss(struct wire_text t)
{
	struct wire_text one;

	if (t.n >= 2 && t.s[0] == '"' && t.s[t.n - 1] == '"') {
		t.s++;
		t.n -= 2;
	}
	while (wire_list_next(&t, &one))
		if (wire_text_is_nocase(one, "loss"))
			return true;
	return false;
}

/* 1*12DIGIT "." 1*5DIGIT, as a decimal number; without the fraction it is one too. */
static int parse_seq(struct wire_text t, uint64_t *ret_seq)
{
	uint64_t seq = 0;
	size_t i = 0, fraction = 0;

	for (; i < t.n && t.s[i] >= '0' && t.s[i] <= '9'; i++)
		seq = seq * 10 + (uint64_t)(t.s[i] - '0');
	if (i == 0 || i > SEQ_INTEGER_DIGITS)
		return -EINVAL;
	if (i < t.n && t.s[i++] != '.')
		return -EINVAL;
	for (; i < t.n && fraction < SEQ_FRACTION_DIGITS; i++, fraction++) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return -EINVAL;
		seq = seq * 10 + (uint64_t)(t.s[i] - '0');
	}
	if (i < t.n)
		return -EINVAL;
	for (; fraction < SEQ_FRACTION_DIGITS; fraction++)
		seq *= 10;
	*ret_seq = seq;
	return 0;
}

static int take(struct wire_oc *oc, enum param p, struct wire_text value)
{
	switch (p) {
	case PARAM_OC:
		oc->offered = true;
		oc->has_value = value.s != NULL;
		return value.s ? wire_number(value, 100, &oc->percent) : 0;
	case PARAM_ALGO:
		oc->loss = names_loss(value);
		return value.n ? 0 : -EINVAL;
	case PARAM_VALIDITY:
		return wire_number(value, WIRE_OC_VALIDITY_MAX_MS, &oc->validity_ms);
	case PARAM_SEQ:
		oc->has_seq = true;
		return parse_seq(value, &oc->seq);
	default:
		return 0;
	}
}

int wire_oc_parse(struct wire_text via, struct wire_oc *ret_oc)
{
	struct wire_oc oc = {.loss = true, .validity_ms = WIRE_OC_VALIDITY_MS};
	struct wire_text rest = via, param, value;
	unsigned seen = 0;

	if (!next_param(&rest, &param))
		return -EINVAL;
	while (next_param(&rest, &param)) {
		enum param p = param_of(param, &value);

		if (p == PARAM_OTHER)
			continue;
		if (seen & 1U << p || take(&oc, p, value))
			return -EINVAL;
		seen |= 1U << p;
	}
	*ret_oc = oc;
	return 0;
}

int wire_oc_read(const struct wire_msg *m, struct wire_oc *ret_oc)
{
	struct wire_header h;
	struct wire_text rest, via;

	if (!wire_header_find(m, "via", &h))
		return -ENOENT;
	rest = h.value;
	return wire_list_next(&rest, &via) ? wire_oc_parse(via, ret_oc) : -ENOENT;
}

int wire_oc_strip(struct wire_text via, char *buf, size_t size_bytes, size_t *ret_bytes)
{
	struct wire_text rest = via, param, value;
	size_t n = 0;

	for (bool first = true; next_param(&rest, &param); first = false) {
		if (!first && param_of(param, &value) != PARAM_OTHER)
			continue;
		if (param.n + 1 > size_bytes - n)
			return -EMSGSIZE;
		if (!first)
			buf[n++] = ';';
		memcpy(buf + n, param.s, param.n);
		n += param.n;
	}
	*ret_bytes = n;
	return 0;
}

const char *wire_oc_print(uint32_t percent, uint32_t validity_ms, uint64_t seq_ms, char *buf,
			  size_t size_bytes)
{
	char fraction[5] = {'.', 0, 0, 0, 0};
	struct text_out t;

	for (unsigned i = 3, v = (unsigned)(seq_ms % 1000); i > 0; i--, v /= 10)
		fraction[i] = (char)('0' + v % 10);
	text_start(&t, buf, size_bytes);
	text_add(&t, ";oc=");
	text_add_number(&t, percent);
	text_add(&t, ";oc-algo=\"loss\";oc-validity=");
	text_add_number(&t, validity_ms);
	text_add(&t, ";oc-seq=");
	text_add_number(&t, seq_ms / 1000 % 1000000000000U);
	text_add(&t, fraction);
	return buf;
}
