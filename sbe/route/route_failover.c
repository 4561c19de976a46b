/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/route/route_failover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_MS 12000U
#define TOTAL_MS                                                                                   \
	30000U /* less than the 32 s after which a caller gives up by itself (RFC 3261, timer B) */

#define FIELD(member, name) .key = name, .offset = offsetof(struct route_failover_conf, member)

const struct conf_field route_failover_fields[] = {
	{FIELD(try_ms, "try_ms"), .type = CONF_UINT, .max = 31000, .def = "0",
	 .text = "How long a next hop may take for its first response; 0 = sip.try_ms of its peer."},
	{FIELD(progress_ms, "progress_ms"), .type = CONF_UINT, .min = 500, .max = 31000,
	 .def = "12000",
	 .text = "How long a next hop may say nothing but 100 Trying before another one is tried."},
	{FIELD(total_ms, "total_ms"), .type = CONF_UINT, .min = 500, .max = 31000, .def = "30000",
	 .text = "How long all next hops together may take until one of them rings or answers."},
	{FIELD(next_on, "next_on"), .type = CONF_STRINGS, .max = 16, .def = "[\"502\",\"504\"]",
	 .text = "5xx after which the next one is tried too; a timeout and 503 always lead on, 4xx and 6xx never."},
	CONF_END,
};

/* "502" -> 2; -1 = no 5xx */
static int read_5xx(const char *t)
{
	if (strlen(t) != 3 || t[0] != '5' || t[1 + strspn(t + 1, "0123456789")])
		return -1;
	return (t[1] - '0') * 10 + t[2] - '0';
}

int route_failover_check(struct conf_reader *r, void *object)
{
	const struct route_failover_conf *c = object;
	const char *const *on = c->next_on.items;
	char at[32];

	for (size_t i = 0; i < c->next_on.n; i++) {
		if (read_5xx(on[i]) >= 0)
			continue;
		snprintf(at, sizeof(at), "next_on[%zu]", i);
		return conf_fail(r, at, "\"%.20s\" is no status of the class 5xx", on[i]);
	}
	if (c->try_ms > c->total_ms)
		return conf_fail(r, "try_ms", "must not be more than total_ms");
	return 0;
}

static void add(struct route_failover *f, int bit)
{
	if (bit >= 0)
		f->next_on[bit / 64] |= 1ULL << (bit % 64);
}

void route_failover_compile(const struct route_failover_conf *c, struct route_failover *ret_f)
{
	struct route_failover f = {.progress_ms = PROGRESS_MS, .total_ms = TOTAL_MS};
	const char *const *on = c ? c->next_on.items : NULL;

	add(&f, 3);
	if (!c || !c->total_ms) { /* the group is absent where nothing filled it in */
		add(&f, 2);
		add(&f, 4);
	} else {
		f.try_ms = c->try_ms;
		f.progress_ms = c->progress_ms;
		f.total_ms = c->total_ms;
		for (size_t i = 0; i < c->next_on.n; i++)
			add(&f, read_5xx(on[i]));
	}
	*ret_f = f;
}

bool route_failover_next(const struct route_failover *f, int status)
{
	if (status == 408)
		return true;
	return status >= 500 && status < 600 &&
	       f->next_on[(status - 500) / 64] >> ((status - 500) % 64) & 1;
}
