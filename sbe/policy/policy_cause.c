/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_cause - what a failure is called on the other side: SIP statuses, and Q.850 causes in Reason headers.
 *
 * The tables are those of RFC 3398 7.2.4.1 (cause to status) and 8.2.6.1 (status to cause).
 */
#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/policy/policy_private.h"
#include "sbe/sip/wire_line.h"

struct pair {
	uint16_t status, q850;
};

static const struct pair q850_of[] = {
	{400, 41},  {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63}, {406, 79},
	{407, 21},  {408, 102}, {410, 22},  {413, 127}, {414, 127}, {415, 79}, {416, 127},
	{420, 127}, {421, 127}, {423, 127}, {480, 18},  {481, 41},  {482, 25}, {483, 25},
	{484, 28},  {485, 1},   {486, 17},  {487, 31},  {488, 31},  {500, 41}, {501, 79},
	{502, 38},  {503, 41},  {504, 102}, {505, 127}, {513, 127}, {600, 17}, {603, 21},
	{604, 1},   {606, 31},
};
static const struct pair status_of[] = {
	{404, 1},  {404, 2},  {404, 3},  {486, 17}, {480, 18},  {480, 19},  {480, 20},  {403, 21},
	{410, 22}, {410, 23}, {404, 26}, {502, 27}, {484, 28},  {501, 29},  {480, 31},  {503, 34},
	{503, 38}, {503, 41}, {503, 42}, {503, 47}, {403, 55},  {403, 57},  {503, 58},  {488, 65},
	{488, 70}, {501, 79}, {403, 87}, {503, 88}, {504, 102}, {500, 111}, {500, 127},
};
#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* ---- compiling ---- */

static bool same_kind(const struct policy_range *r, uint32_t to)
{
	if (to < 200)
		return r->low >= 180 && r->high < 200;
	return to >= 400 && r->low >= 400;
}

static int build_way(struct policy_build *b, const char *key, const struct conf_list *list,
		     struct policy_causes *ret)
{
	const struct peer_policy_cause *c = list->items;

	if (!list->n)
		return 0;
	ret->rules = mem_buffer(list->n * sizeof(*ret->rules));
	if (!ret->rules)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		struct policy_cause_rule *r = &ret->rules[ret->n++];

		*r = (struct policy_cause_rule){policy_origin(b->p, key, i), {400, 699}, &c[i]};
		if (c[i].status && policy_range_parse(c[i].status, &r->status))
			return policy_build_fail(b, r->why, "status",
						 "must be like 486, 4xx or 400-499");
		if (!same_kind(&r->status, c[i].to))
			return policy_build_fail(
				b, r->why, "to",
				"must be of the same kind: 180-199 for provisional responses, "
				"400-699 for failures");
	}
	return 0;
}

int policy_causes_build(struct policy_build *b)
{
	int err = build_way(b, "causes.in", &b->p->conf.causes.in, &b->p->causes[PEER_POLICY_IN]);

	return err ? err
		   : build_way(b, "causes.out", &b->p->conf.causes.out,
			       &b->p->causes[PEER_POLICY_OUT]);
}

void policy_causes_free(struct policy *p)
{
	mem_free(p->causes[0].rules);
	mem_free(p->causes[1].rules);
}

/* ---- tables ---- */

static unsigned find_q850(const struct policy *p, int status)
{
	const struct peer_policy_q850 *own = p->conf.causes.q850.items;

	for (size_t i = 0; i < p->conf.causes.q850.n; i++) {
		if (own[i].status == (uint32_t)status)
			return own[i].q850;
	}
	for (size_t i = 0; i < COUNT(q850_of); i++) {
		if (q850_of[i].status == status)
			return q850_of[i].q850;
	}
	return 31; /* normal, unspecified */
}

static int find_status(const struct policy *p, unsigned q850)
{
	const struct peer_policy_q850 *own = p->conf.causes.q850.items;

	for (size_t i = 0; i < p->conf.causes.q850.n; i++) {
		if (own[i].q850 == q850)
			return (int)own[i].status;
	}
	for (size_t i = 0; i < COUNT(status_of); i++) {
		if (status_of[i].q850 == q850)
			return status_of[i].status;
	}
	return 0;
}

/* "Q.850;cause=17;text=..." of any Reason line; 0 = none */
static unsigned read_q850(const struct wire_msg *m)
{
	struct wire_text rest, value, param;
	struct wire_header h;
	void *it = NULL;
	uint32_t n;

	while (m && wire_header_next(m, &it, &h)) {
		if (!wire_header_is(&h, "reason"))
			continue;
		rest = h.value;
		while (wire_list_next(&rest, &value)) {
			const char *semicolon = memchr(value.s, ';', value.n);

			if (!semicolon || value.n < 5 || strncasecmp(value.s, "q.850", 5))
				continue;
			if (wire_param(
				    (struct wire_text){semicolon + 1,
						       (size_t)(value.s + value.n - semicolon - 1)},
				    "cause", &param) &&
			    !wire_number(param, 127, &n))
				return n;
		}
	}
	return 0;
}

/* ---- statuses ---- */

static bool map(const struct policy_causes *c, unsigned q850, struct policy_outcome *out)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct policy_cause_rule *r = &c->rules[i];

		if (out->status < r->status.low || out->status > r->status.high ||
		    (r->conf->q850 && r->conf->q850 != q850))
			continue;
		*out = (struct policy_outcome){(int)r->conf->to, r->conf->phrase, r->why};
		return true;
	}
	return false;
}

void policy_outcome(const struct policy_way *way, const struct wire_msg *m, int status,
		    struct policy_outcome *ret_outcome)
{
	const struct policy *from = policy_of(way->from), *to = policy_of(way->to);
	unsigned q850 = 0;
	int by_cause;

	*ret_outcome = (struct policy_outcome){status, NULL, NULL};
	if (from->causes[PEER_POLICY_IN].n || to->causes[PEER_POLICY_OUT].n ||
	    from->conf.causes.prefer == PEER_POLICY_Q850)
		q850 = read_q850(m);
	if (m && q850 && status >= 400 && from->conf.causes.prefer == PEER_POLICY_Q850) {
		by_cause = find_status(from, q850);
		if (by_cause && by_cause != status)
			*ret_outcome = (struct policy_outcome){by_cause, NULL, "causes.prefer"};
	}
	if (m)
		map(&from->causes[PEER_POLICY_IN], q850, ret_outcome);
	map(&to->causes[PEER_POLICY_OUT], q850, ret_outcome);
}

/* ---- Reason ---- */

bool policy_reason_wanted(const struct policy_way *way)
{
	return policy_of(way->to)->conf.causes.reason != PEER_POLICY_REASON_STRIP;
}

void policy_reason_add(const struct policy_way *way, const struct wire_msg *m, bool has_q850,
		       struct wire_out *o)
{
	const struct policy *to = policy_of(way->to);
	int status = wire_status(m);
	unsigned q850;

	if (to->conf.causes.reason != PEER_POLICY_REASON_ADD || has_q850)
		return;
	if (status >= 400)
		q850 = find_q850(to, status);
	else if (!status && wire_method(m) == WIRE_BYE)
		q850 = 16; /* normal clearing */
	else
		return;
	wire_out_header(o, "Reason", "Q.850;cause=%u", q850);
}
