/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_trace - which sources of lookup and location were asked for a call, what they said and when; kept with the plan.
 *
 * Plain struct, bounded: of more steps than it holds the last ones are missing. Thread: loop.
 */
#ifndef SBE_ROUTE_ROUTE_TRACE_H
#define SBE_ROUTE_ROUTE_TRACE_H

#include <stdint.h>

#define ROUTE_TRACE_STEPS 8

struct route_trace_step {
	uint32_t at_ms; /* since the route was asked for */
	char step[10];  /* "lookup", "location" */
	char source[14];
	char result[12];
};
struct route_trace {
	uint32_t n;
	struct route_trace_step steps[ROUTE_TRACE_STEPS];
};

#endif
