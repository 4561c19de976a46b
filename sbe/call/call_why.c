/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_why - the steps of a call in words that an operator reads without the source, and its four phases (G11):
 * discovery, security, signalling, media.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "sbe/call/call_object.h"

struct why {
	const struct call_past *p;
	struct call_core *core;
	json_t *steps;
};

__attribute__((format(printf, 4, 5))) static void say(struct why *w, uint32_t at_ms,
						      const char *phase, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	json_array_append_new(w->steps, json_pack("{s:I,s:s,s:s}", "ms", (json_int_t)at_ms, "phase",
						  phase, "text", text));
}

/* ---- who it is, and what is agreed with him */

void call_why_peer(const struct peer *p, const struct addr *from, char *buf, size_t size_bytes)
{
	const struct addr_prefix *sources = p->conf->sources.items, *best = NULL;
	char at[ADDR_TEXT_BYTES], prefix[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < p->conf->sources.n; i++) {
		if (addr_prefix_has(&sources[i], from) && (!best || sources[i].bits > best->bits))
			best = &sources[i];
	}
	if (p->conf->mode == PEER_ON_DEMAND)
		snprintf(buf, size_bytes,
			 "nobody else of realm %s, so it is %s, who stands for all others",
			 p->conf->realm, p->name);
	else if (best)
		snprintf(buf, size_bytes, "%s is peer %s by its source %s in realm %s",
			 addr_print_ip(from, false, at, sizeof(at)), p->name,
			 addr_prefix_print(best, prefix, sizeof(prefix)), p->conf->realm);
	else
		snprintf(buf, size_bytes, "peer %s of realm %s, by the name in its certificate",
			 p->name, p->conf->realm);
}

void call_why_policy(const struct peer *p, char *buf, size_t size_bytes)
{
	const char *const *names = p->conf->use.items;
	size_t n = 0;

	n += (size_t)snprintf(buf, size_bytes, "policy of %s:", p->name);
	for (size_t i = 0; i < p->conf->use.n && n < size_bytes; i++)
		n += (size_t)snprintf(buf + n, size_bytes - n, "%s %s", i ? "," : "", names[i]);
	if (!p->conf->use.n && n < size_bytes)
		snprintf(buf + n, size_bytes - n, " its own rules and the defaults");
	else if (n < size_bytes)
		snprintf(buf + n, size_bytes - n, ", then its own rules and the defaults");
}

static void tell_peer(struct why *w, int side, uint32_t at_ms, const char *phase)
{
	const char *name = w->p->node_peer[side];
	const struct peer *p = name[0] ? peer_find_name(w->core->c.peers, name) : NULL;
	char text[300];

	if (!p) {
		if (name[0])
			say(w, at_ms, phase, "peer %s, which is not configured any more", name);
		return;
	}
	if (side == 0 && w->p->addr[0].family) {
		call_why_peer(p, &w->p->addr[0], text, sizeof(text));
		say(w, at_ms, phase, "the INVITE came over %s: %s", w->p->proto[0], text);
	} else if (side == 0) {
		say(w, at_ms, phase, "the INVITE came from peer %s of realm %s", p->name,
		    p->conf->realm);
	}
	call_why_policy(p, text, sizeof(text));
	say(w, at_ms, phase, "%s", text);
}

/* ---- steps */

static void tell_sources(struct why *w)
{
	const struct route_trace *t = &w->p->trace.route;

	for (uint32_t i = 0; i < t->n && i < ROUTE_TRACE_STEPS; i++)
		say(w, t->steps[i].at_ms, "discovery", "%s by %s: %s", t->steps[i].step,
		    t->steps[i].source, t->steps[i].result);
}

static const char *hop_of(const struct why *w, const struct call_step *s)
{
	return s->n < w->p->nattempts ? w->p->attempts[s->n].hop : "the next hop";
}

static void tell_step(struct why *w, const struct call_step *s)
{
	const char *word = s->word ? s->word : "", *hop = hop_of(w, s);

	switch (s->id) {
	case CALL_STEP_PLAN:
		say(w, s->at_ms, "discovery", "decided by %s: %u candidate%s", w->p->route, s->n,
		    s->n == 1 ? "" : "s");
		break;
	case CALL_STEP_SKIP:
		say(w, s->at_ms, "signalling", "%s passed over: %s", hop, word);
		break;
	case CALL_STEP_GATES:
		say(w, s->at_ms, "signalling", "media ports reserved on dbe %s, closed", w->p->dbe);
		break;
	case CALL_STEP_SENT:
		tell_peer(w, 1, s->at_ms, "signalling");
		say(w, s->at_ms, "signalling", "INVITE to %s over %s", hop,
		    transport_proto_name((enum transport_proto)s->status));
		break;
	case CALL_STEP_LINK:
		say(w, s->at_ms, "security", "the connection is up and proved, the INVITE leaves");
		break;
	case CALL_STEP_HEARD:
		say(w, s->at_ms, "signalling", "first response");
		break;
	case CALL_STEP_ASKED:
		say(w, s->at_ms, "security", "%u: credentials asked for, and given", s->status);
		break;
	case CALL_STEP_RINGING:
		say(w, s->at_ms, "signalling", "it rings");
		break;
	case CALL_STEP_RESULT:
		if (s->status)
			say(w, s->at_ms, "signalling", "%s: %s (%u)", hop, word, s->status);
		else
			say(w, s->at_ms, "signalling", "%s: %s", hop, word);
		break;
	case CALL_STEP_ANSWERED:
		say(w, s->at_ms, "signalling", "answered; the gates shall follow");
		break;
	case CALL_STEP_UP:
		say(w, s->at_ms, "media", "gates are open, the answer has gone on");
		break;
	default:
		say(w, s->at_ms, "end", "ended by the %s: %s%s", w->p->by, word,
		    w->p->text[0] ? w->p->text : "");
		break;
	}
}

/* ---- the four phases of the flows draft, section 9 */

struct spans {
	long plan, sent, secured, up, end;
};

static void find_spans(const struct call_trace *t, struct spans *s)
{
	*s = (struct spans){-1, -1, -1, -1, -1};
	for (size_t i = 0; i < t->n; i++) {
		long at = (long)t->steps[i].at_ms;

		switch (t->steps[i].id) {
		case CALL_STEP_PLAN:
			s->plan = at;
			break;
		case CALL_STEP_SENT: /* the last attempt counts */
			s->sent = at;
			s->secured = -1;
			break;
		case CALL_STEP_LINK:
		case CALL_STEP_ASKED:
			s->secured = at;
			break;
		case CALL_STEP_UP:
			s->up = at;
			break;
		case CALL_STEP_END:
			s->end = at;
			break;
		default:
			break;
		}
	}
}

static json_t *ms(long at_ms)
{
	return at_ms >= 0 ? json_integer(at_ms) : json_string("-");
}

static void add_phase(json_t *list, const char *name, long from_ms, long to_ms, const char *text)
{
	json_array_append_new(
		list, json_pack("{s:s,s:o,s:o,s:s}", "phase", name, "from_ms", ms(from_ms), "to_ms",
				ms(from_ms >= 0 && to_ms >= from_ms ? to_ms : -1), "what", text));
}

static json_t *phases(const struct call_past *p)
{
	json_t *list = json_array();
	struct spans s;
	long begun;

	find_spans(&p->trace, &s);
	begun = s.secured >= 0 ? s.secured : s.sent;
	add_phase(list, "discovery", 0, s.plan >= 0 ? s.plan : s.end,
		  p->trace.route.n ? "sources of lookup and location were asked"
				   : "the configuration knew it");
	add_phase(list, "security", s.secured >= 0 ? s.sent : -1, s.secured,
		  s.secured >= 0 ? "a connection was made, or credentials were asked for"
		  : p->proto[1] && !strcmp(p->proto[1], "TLS")
			  ? "nothing to do: the connection was there"
			  : "nothing to do: no TLS, no challenge");
	add_phase(list, "signalling", begun, s.up >= 0 ? s.up : s.end,
		  begun < 0   ? "no INVITE was sent"
		  : s.up >= 0 ? "INVITE to answer"
		  : s.end < 0 ? "not answered yet"
			      : "INVITE to its end, without an answer");
	add_phase(list, "media", s.up, s.end,
		  s.up < 0    ? "none: not answered"
		  : s.end < 0 ? "goes on"
			      : "answer to release");
	return list;
}

/* ---- the whole */

json_t *call_why_object(struct call_core *core, const struct call_past *p)
{
	struct why w = {.p = p, .core = core, .steps = json_array()};
	char when[32];

	tell_peer(&w, 0, 0, "discovery");
	tell_sources(&w);
	for (size_t i = 0; i < p->trace.n; i++)
		tell_step(&w, &p->trace.steps[i]);
	if (!p->trace.n)
		say(&w, 0, "end", "refused with %d before anything was set up: %s", p->status,
		    p->cause ? p->cause : "");
	clock_print(p->wall_ms, when, sizeof(when));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:s,s:o,s:o}", "call", p->token,
			 "state", p->state, "time", when, "call_id", p->call_id, "calling",
			 p->caller, "called", p->callee, "called_sent", p->sent, "route", p->route,
			 "status", p->status, "cause", p->cause ? p->cause : "", "phases",
			 phases(p), "steps", w.steps);
}
