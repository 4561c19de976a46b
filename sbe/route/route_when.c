/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/route/route_when.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "sbe/route/route.h"

#define DAY_MIN 1440U
#define WEEK 7U

static const char *const day_names[WEEK] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/* ---- reading ---- */

/* Two digits behind each other. @return the number, -1 if they are none. */
static int two_digits(const char *t)
{
	return isdigit((unsigned char)t[0]) && isdigit((unsigned char)t[1])
		       ? (t[0] - '0') * 10 + t[1] - '0'
		       : -1;
}

/* HH:MM, 24:00 among them. @return minutes, -1. */
static int clock_time(const char *t)
{
	int h = two_digits(t), m = h >= 0 && t[2] == ':' ? two_digits(t + 3) : -1;

	if (h < 0 || m < 0 || m > 59 || h > 24 || (h == 24 && m))
		return -1;
	return h * 60 + m;
}

static int day_of(const char *t)
{
	for (unsigned i = 0; i < WEEK; i++) {
		if (!strncasecmp(t, day_names[i], 3))
			return (int)i;
	}
	return -1;
}

/* "Mon-Fri,Sun" up to a blank; Fri-Mon goes over the weekend. @return what stands behind it, NULL. */
static const char *read_days(const char *t, uint8_t *ret_days)
{
	uint8_t days = 0;

	for (;;) {
		int first = day_of(t), last = first;

		if (first < 0)
			return NULL;
		t += 3;
		if (*t == '-') {
			last = day_of(++t);
			if (last < 0)
				return NULL;
			t += 3;
		}
		for (unsigned d = (unsigned)first;; d = (d + 1) % WEEK) {
			days |= (uint8_t)(1U << d);
			if (d == (unsigned)last)
				break;
		}
		if (*t != ',')
			break;
		t++;
	}
	*ret_days = days;
	return *t == ' ' ? t + 1 : NULL;
}

int route_time_parse(const char *text, struct route_time *ret_time)
{
	struct route_time t = {.days = 0x7f};
	int from, to;

	if (isalpha((unsigned char)text[0]))
		text = read_days(text, &t.days);
	if (!text || strlen(text) != 11 || text[5] != '-')
		return -EINVAL;
	from = clock_time(text);
	to = clock_time(text + 6);
	if (from < 0 || to < 0 || from == to || from == (int)DAY_MIN)
		return -EINVAL;
	t.from_min = (uint16_t)from;
	t.to_min = (uint16_t)to;
	*ret_time = t;
	return 0;
}

int route_zone_parse(const char *text, int *ret_min)
{
	int min;

	if (!strcasecmp(text, "UTC") || !strcmp(text, "Z")) {
		*ret_min = 0;
		return 0;
	}
	if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6)
		return -EINVAL;
	min = clock_time(text + 1);
	if (min < 0 || min > 14 * 60)
		return -EINVAL;
	*ret_min = text[0] == '-' ? -min : min;
	return 0;
}

#define FIELD(member, name) .key = name, .offset = offsetof(struct route_when_conf, member)

const struct conf_field route_when_fields[] = {
	{FIELD(methods, "methods"), .type = CONF_STRINGS, .max = ROUTE_METHODS_MAX,
	 .text = "Methods of the requests it is for, e.g. INVITE or MESSAGE; absent = all."},
	{FIELD(times, "times"), .type = CONF_STRINGS, .max = ROUTE_TIMES_MAX,
	 .text = "When it holds, e.g. \"Mon-Fri 08:00-18:00\" or \"22:00-06:00\"; absent = always."},
	{FIELD(zone, "zone"), .type = CONF_STRING, .min = 1, .max = 6, .def = "UTC",
	 .text = "Zone of the times: UTC or a distance such as +01:00; there is no daylight saving."},
	{FIELD(realms, "realms"), .type = CONF_STRINGS, .max = ROUTE_REALMS_MAX,
	 .text = "Realms the calls come from; absent = all."},
	{FIELD(calling, "calling"), .type = CONF_STRING, .min = 1, .max = ROUTE_CALLING_BYTES - 1,
	 .text = "Prefix of the calling number without visual separators; absent = all."},
	CONF_END,
};

int route_when_check(struct conf_reader *r, void *object)
{
	const struct route_when_conf *c = object;
	const char *const *times = c->times.items, *const *methods = c->methods.items;
	struct route_time t;
	char at[32];
	int zone;

	for (size_t i = 0; i < c->times.n; i++) {
		if (!route_time_parse(times[i], &t))
			continue;
		snprintf(at, sizeof(at), "times[%zu]", i);
		return conf_fail(r, at,
				 "\"%.40s\": must be [DAYS ]HH:MM-HH:MM, such as Mon-Fri,Sun "
				 "08:00-18:00",
				 times[i]);
	}
	for (size_t i = 0; i < c->methods.n; i++) {
		if (methods[i][0] && !methods[i][strspn(methods[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
			continue;
		snprintf(at, sizeof(at), "methods[%zu]", i);
		return conf_fail(r, at, "\"%.40s\" is no method", methods[i]);
	}
	if (c->zone && route_zone_parse(c->zone, &zone))
		return conf_fail(r, "zone", "must be UTC or a distance such as +01:00");
	return 0;
}

int route_when_compile(const struct route_when_conf *c, struct route_when *ret_when)
{
	const char *const *times = c->times.items;

	*ret_when = (struct route_when){.conf = c};
	for (size_t i = 0; i < c->times.n && i < ROUTE_TIMES_MAX; i++) {
		if (route_time_parse(times[i], &ret_when->times[ret_when->ntimes++]))
			return -EINVAL;
	}
	if (c->zone && route_zone_parse(c->zone, &ret_when->zone_min))
		return -EINVAL;
	if (c->calling)
		route_number(c->calling, ret_when->calling, sizeof(ret_when->calling));
	ret_when->any = !c->methods.n && !c->times.n && !c->realms.n && !c->calling;
	return 0;
}

/* ---- asking ---- */

static bool in_list(const struct conf_list *list, const char *word)
{
	const char *const *words = list->items;

	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(words[i], word))
			return true;
	}
	return false;
}

static bool in_time(const struct route_time *t, unsigned day, unsigned minute)
{
	bool today = t->days >> day & 1, yesterday = t->days >> (day + WEEK - 1) % WEEK & 1;

	if (t->from_min < t->to_min)
		return today && minute >= t->from_min && minute < t->to_min;
	return (today && minute >= t->from_min) || (yesterday && minute < t->to_min);
}

static bool time_matches(const struct route_when *w, uint64_t wall_ms, char *why, size_t size_bytes)
{
	/* 1970-01-01 was a Thursday; the zone is at most 14 hours, so a week more keeps it positive */
	uint64_t min = wall_ms / 60000 + (uint64_t)((int)(WEEK * DAY_MIN) + w->zone_min);
	unsigned day = (unsigned)((min / DAY_MIN + 3) % WEEK), minute = (unsigned)(min % DAY_MIN);

	for (size_t i = 0; i < w->ntimes; i++) {
		if (in_time(&w->times[i], day, minute))
			return true;
	}
	if (why)
		snprintf(why, size_bytes, "it is not for %s %02u:%02u %s", day_names[day],
			 minute / 60, minute % 60, w->conf->zone ? w->conf->zone : "UTC");
	return !w->ntimes;
}

bool route_when_matches(const struct route_when *w, const struct route_when_query *q, char *why,
			size_t size_bytes)
{
	const struct route_when_conf *c = w->conf;

	if (w->any)
		return true;
	if (c->methods.n && q->method && !in_list(&c->methods, q->method)) {
		if (why)
			snprintf(why, size_bytes, "it is not for method %.30s", q->method);
		return false;
	}
	if (c->realms.n && q->realm && !in_list(&c->realms, q->realm)) {
		if (why)
			snprintf(why, size_bytes, "it is not for calls from realm %.60s", q->realm);
		return false;
	}
	if (w->calling[0] && q->calling && strncmp(q->calling, w->calling, strlen(w->calling))) {
		if (why)
			snprintf(why, size_bytes, "the calling %.60s does not begin with %s",
				 q->calling[0] ? q->calling : "party", w->calling);
		return false;
	}
	return time_matches(w, q->wall_ms, why, size_bytes);
}
