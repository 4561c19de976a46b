/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_when - for which requests a route is, beyond called number and domain: method, time of day, who calls (E7).
 *
 * Times are of one zone that the route states, UTC or a fixed distance from it: daylight saving is the operator's to
 * write. Owner: compiled into the route. Thread: loop.
 */
#ifndef SBE_ROUTE_ROUTE_WHEN_H
#define SBE_ROUTE_ROUTE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

#define ROUTE_TIMES_MAX 16
#define ROUTE_METHODS_MAX 16
#define ROUTE_REALMS_MAX 16
#define ROUTE_CALLING_BYTES 64

struct route_when_conf {
	struct conf_list methods; /* const char * */
	struct conf_list times;   /* const char *: "Mon-Fri 08:00-18:00" */
	const char *zone;         /* "UTC", "+01:00" */
	struct conf_list realms;  /* const char *: the call comes from one of them */
	const char *calling;      /* prefix of the normalised calling number */
};
extern const struct conf_field route_when_fields[];
conf_check_h route_when_check;

/* Some days, from one minute of the day to another; over midnight if from is not before to. */
struct route_time {
	uint8_t days; /* bit 0 = Monday */
	uint16_t from_min, to_min;
};
struct route_when {
	const struct route_when_conf *conf;
	struct route_time times[ROUTE_TIMES_MAX];
	size_t ntimes;
	int zone_min; /* added to UTC */
	char calling[ROUTE_CALLING_BYTES];
	bool any; /* nothing is asked: matches everything */
};
struct route_when_query {
	const char *method;  /* NULL = any */
	const char *realm;   /* NULL = any */
	const char *calling; /* normalised; NULL = any */
	uint64_t wall_ms;
};

/** @return 0, -EINVAL (the check would have said why). */
int route_when_compile(const struct route_when_conf *c, struct route_when *ret_when);
/** @return true, or false with why (static size 160 at least) if it is not NULL. */
bool route_when_matches(const struct route_when *w, const struct route_when_query *q, char *why,
			size_t size_bytes);
/** One entry of times. @return 0, -EINVAL. */
int route_time_parse(const char *text, struct route_time *ret_time);
/** "UTC", "Z", "+HH:MM", "-HH:MM". @return 0, -EINVAL. */
int route_zone_parse(const char *text, int *ret_min);

#endif
