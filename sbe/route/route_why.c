/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_why - the steps of a decision as JSON, in words an operator reads without the source.
 */
#include <stdarg.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/text.h"

#include "sbe/route/route_private.h"

/* Parts of a Request-URI get in here; JSON takes nothing but UTF-8, and a terminal should not get all of that. */
static void make_safe(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

/* "lookup" and "location": asked for calls too, where nobody reads texts. */
static void note(const struct route_work *w, const char *step, const char *source,
		 const char *result)
{
	struct route_trace *t = &w->plan->trace;
	struct route_trace_step *s;

	if (t->n >= ROUTE_TRACE_STEPS)
		return;
	s = &t->steps[t->n++];
	s->at_ms = (uint32_t)(clock_now_ms() - w->now_ms);
	text_copy(s->step, sizeof(s->step), step);
	text_copy(s->source, sizeof(s->source), source);
	text_copy(s->result, sizeof(s->result), result);
}

void route_why(const struct route_work *w, const char *step, const char *subject,
	       const char *result, const char *fmt, ...)
{
	char text[512], about[192];
	va_list ap;

	if (w->plan && step[0] == 'l')
		note(w, step, subject, result);
	if (!w->why)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(about, sizeof(about), "%s", subject);
	make_safe(text);
	make_safe(about);
	/* without memory a step is missing: the decision itself does not depend on it */
	json_array_append_new(w->why, json_pack("{s:s,s:s,s:s,s:s}", "step", step, "subject", about,
						"result", result, "text", text));
}
