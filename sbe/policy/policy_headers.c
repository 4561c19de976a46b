/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_headers - which headers of a message cross, and in which form.
 *
 * Two ways: where neither peer has rules a header is looked up by name, searched and copied. Where one has, the
 * headers become lines: the sender's rules work on them, then what may cross is chosen, then the receiver's rules.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "sbe/policy/policy_private.h"
#include "sbe/sip/txn.h"
#include "sbe/sip/wire_line.h"

#define REASONS_BYTES 1024 /* all values of a Reason together */

/* ---- lines ---- */

char *policy_lines_room(struct policy_lines *l, size_t n)
{
	char *at = l->arena + l->used;

	if (n > sizeof(l->arena) - l->used)
		return NULL;
	l->used += n;
	return at;
}

struct policy_line *policy_lines_add(struct policy_lines *l, const char *canonical,
				     const char *name, struct wire_text value)
{
	struct policy_line *at = &l->line[l->n];
	char *room = l->n < POLICY_LINES_MAX ? policy_lines_room(l, value.n) : NULL;

	if (!room)
		return NULL;
	if (value.n)
		memcpy(room, value.s, value.n);
	*at = (struct policy_line){.canonical = canonical,
				   .name = {name, strlen(name)},
				   .value = {room, value.n},
				   .changed = true};
	l->n++;
	return at;
}

static void lines_clear(struct policy_lines *l)
{
	l->n = 0;
	l->used = 0;
	l->steps = POLICY_STEPS_MAX;
}

static void lines_take(struct policy_lines *l, const struct wire_header *h)
{
	if (l->n == POLICY_LINES_MAX)
		return;
	l->line[l->n++] = (struct policy_line){
		.canonical = h->canonical, .name = h->name, .value = h->value, .raw = h->line};
}

static void write_line(const struct policy_line *at, struct wire_out *o)
{
	char name[80];

	if (!at->changed)
		wire_out_line(o, &(struct wire_header){.line = at->raw});
	else
		wire_out_header_text(o, wire_text_copy(at->name, name, sizeof(name)), at->value);
}

/* ---- may it be seen ---- */

/* Most headers have no room for a host; where there is a dot, or people write what they like, names are looked for too. */
static bool is_clean(struct policy_inner *inner, enum policy_class class, struct wire_text value)
{
	if (class == POLICY_SIGNED)
		return true;
	if (class == POLICY_HARMLESS && !memchr(value.s, '%', value.n) &&
	    !memchr(value.s, '.', value.n)) /* a host of one word is a word there */
		return !policy_names_address(value);
	return !policy_inner_in(inner, value, true);
}

static void hidden(const struct policy_way *way)
{
	(void)way;
	metric_add(&policy_metrics, POLICY_HIDDEN, 1);
}

static bool is_q850(struct wire_text value)
{
	return value.n >= 5 && !strncasecmp(value.s, "q.850", 5);
}

/* A 503 from beyond says nothing of us: its Retry-After would stop the other side altogether (RFC 3261 21.5.4). */
static bool is_beyond(const struct wire_msg *m, const char *canonical)
{
	return wire_status(m) == 503 && !strcmp(canonical, "retry-after");
}

/* ---- Reason ---- */

/* "protocol;..." with nothing in it that may not be seen; folds become one line. */
static bool add_reason(struct policy_inner *inner, struct wire_text value, struct text_out *t)
{
	const char *semicolon = memchr(value.s, ';', value.n);
	struct wire_text protocol = {value.s, semicolon ? (size_t)(semicolon - value.s) : value.n};
	size_t from = t->len_bytes;

	if (!wire_is_token(wire_trim(protocol)) || !is_clean(inner, POLICY_FREE, value) ||
	    t->len_bytes + value.n + 3 >= t->size_bytes)
		return false;
	text_add(t, from ? ", " : "");
	text_add_bytes(t, value.s, value.n);
	for (char *p = t->buf + from; *p; p++)
		*p = (char)(*p == '\r' || *p == '\n' ? ' ' : *p);
	return true;
}

/* RFC 3326 allows one value of each protocol; more than a few protocols nobody has. */
static void collect_reasons(struct policy_inner *inner, const struct wire_msg *m,
			    struct text_out *t)
{
	unsigned left = POLICY_REASONS_MAX;
	struct wire_text rest, value;
	struct wire_header h;

	for (void *it = NULL; left && wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, "reason"))
			continue;
		rest = h.value;
		while (left && wire_list_next(&rest, &value)) {
			if (add_reason(inner, value, t))
				left--;
			else
				metric_add(&policy_metrics, POLICY_HIDDEN, 1);
		}
	}
}

/* @return true: a Q.850 cause is among them */
static bool pass_reasons(const struct policy_scene *s, struct wire_out *o)
{
	char text[REASONS_BYTES];
	struct text_out t;

	if (!policy_reason_wanted(s->way))
		return false;
	text_start(&t, text, sizeof(text));
	collect_reasons(s->inner, s->m, &t);
	if (t.len_bytes)
		wire_out_header_text(o, "Reason", (struct wire_text){text, t.len_bytes});
	return strcasestr(text, "q.850;") != NULL;
}

/* ---- the short way ---- */

static void pass_plain(const struct policy_scene *s, struct policy_lines *l, struct wire_out *o)
{
	const struct policy_way *way = s->way;
	bool q850 = false, reasons = false;
	struct wire_header h;
	void *it = NULL;

	while (wire_header_next(s->m, &it, &h)) {
		enum policy_class class = policy_known(h.canonical);

		if (class == POLICY_IDENTITY)
			lines_take(l, &h);
		if (class != POLICY_HARMLESS && class != POLICY_FREE && class != POLICY_SIGNED)
			continue;
		if (class == POLICY_FREE && wire_header_is(&h, "reason")) {
			reasons = true;
			continue;
		}
		if (class == POLICY_FREE && is_beyond(s->m, h.canonical))
			continue;
		if (!is_clean(s->inner, class, h.value)) {
			hidden(way);
			continue;
		}
		wire_out_line(o, &h);
	}
	if (reasons)
		q850 = pass_reasons(s, o);
	policy_reason_add(way, s->m, q850, o);
	if (l->n || policy_of(way->from)->nowned)
		policy_identity_cross(s, l);
	for (unsigned i = 0; i < l->n; i++) {
		if (!l->line[i].gone)
			write_line(&l->line[i], o);
	}
}

/* ---- the long way ---- */

static void drop(struct policy_line *at, const char *why)
{
	at->gone = true;
	at->why = why;
}

/* What becomes of one line between the two peers' rules. */
static void choose(const struct policy_scene *s, struct policy_line *at, bool unknown_pass)
{
	enum policy_class class = policy_known(at->canonical);

	if (at->gone || class == POLICY_IDENTITY || at->trusted)
		return;
	if (!wire_is_token(at->name) ||
	    (class == POLICY_UNKNOWN && at->raw.s && policy_inner_in(s->inner, at->name, true)))
		drop(at, "its name is no header name, or names something of the inside");
	else if (class == POLICY_TELLING && !at->pass)
		drop(at, "tells of the inside by its nature: needs a pass rule");
	else if (class == POLICY_UNKNOWN && !at->pass && !unknown_pass)
		drop(at, "headers.unknown: nothing is known of it");
	else if (is_beyond(s->m, at->canonical) && !at->pass)
		drop(at, "503: its Retry-After is about somebody else (RFC 3261 21.5.4)");
	else if (!strcmp(at->canonical, "reason") && !policy_reason_wanted(s->way))
		drop(at, "causes.reason");
	else if (at->pass ? policy_inner_in(s->inner, at->value, false)
			  : !is_clean(s->inner, class, at->value))
		drop(at, "names something of the inside");
	else
		return;
	if (class != POLICY_UNKNOWN && class != POLICY_TELLING)
		hidden(s->way);
}

static void take_all(const struct policy_scene *s, struct policy_lines *l)
{
	struct wire_header h;
	void *it = NULL;

	while (wire_header_next(s->m, &it, &h)) {
		if (policy_known(h.canonical) != POLICY_OURS)
			lines_take(l, &h);
		else
			policy_note(s->way, h.line, (struct wire_text){NULL, 0},
				    "belongs to one leg: written anew");
	}
}

static void note_line(const struct policy_way *way, const struct policy_line *at)
{
	char buf[POLICY_VALUE_MAX_BYTES + 96];
	struct wire_text after = at->raw;

	if (!way->trace)
		return;
	if (at->changed && !at->gone) {
		after.s = buf;
		after.n = (size_t)snprintf(buf, sizeof(buf), "%.*s: %.*s", (int)at->name.n,
					   at->name.s, (int)at->value.n, at->value.s);
		if (after.n >= sizeof(buf))
			after.n = sizeof(buf) - 1;
	}
	if (at->gone)
		after = (struct wire_text){NULL, 0};
	if (at->raw.s || after.s)
		policy_note(way, at->raw, after, at->why);
}

static void write_all(const struct policy_scene *s, struct policy_lines *l, struct wire_out *o)
{
	size_t before = o->len_bytes;
	bool q850 = false;

	for (unsigned i = 0; i < l->n; i++) {
		struct policy_line *at = &l->line[i];

		/* The last look: a rule's value can carry what it was made of. */
		if (!at->gone && !at->trusted && policy_known(at->canonical) != POLICY_SIGNED &&
		    policy_known(at->canonical) != POLICY_IDENTITY && at->changed &&
		    policy_inner_in(s->inner, at->value, false)) {
			drop(at, "names something of the inside");
			hidden(s->way);
		}
		note_line(s->way, at);
		if (at->gone)
			continue;
		q850 |= !strcmp(at->canonical, "reason") && is_q850(at->value);
		write_line(at, o);
	}
	before = o->len_bytes;
	policy_reason_add(s->way, s->m, q850, o);
	if (o->len_bytes > before + 2)
		policy_note(s->way, (struct wire_text){NULL, 0},
			    (struct wire_text){o->buf + before, o->len_bytes - before - 2},
			    "causes.reason: add");
}

static void pass_by_rules(const struct policy_scene *in, struct policy_lines *l, struct wire_out *o)
{
	struct policy_scene out = *in;
	bool unknown = in->p->conf.headers.unknown;

	out.direction = PEER_POLICY_OUT;
	out.p = policy_of(in->way->to);
	take_all(in, l);
	policy_rules_run(in, l);
	policy_rules_pass(&out, l);
	for (unsigned i = 0; i < l->n; i++)
		choose(in, &l->line[i], unknown);
	policy_identity_cross(in, l);
	policy_rules_run(&out, l);
	write_all(in, l, o);
}

void policy_pass(const struct policy_way *way, const struct wire_msg *m, struct wire_out *o)
{
	static struct policy_lines lines; /* too large for a stack; nothing of it is kept */
	const struct policy *from = policy_of(way->from), *to = policy_of(way->to);
	struct policy_inner inner;
	struct policy_scene s = {
		.way = way, .m = m, .inner = &inner, .direction = PEER_POLICY_IN, .p = from};

	policy_inner_init(&inner, way, m);
	lines_clear(&lines);
	if (from->has_rules[PEER_POLICY_IN] || to->has_rules[PEER_POLICY_OUT] ||
	    from->conf.headers.unknown || way->trace || policy_hides_user(way, m))
		pass_by_rules(&s, &lines, o);
	else
		pass_plain(&s, &lines, o);
}

/* ---- single texts ---- */

const char *policy_phrase(const struct policy_way *way, const struct wire_msg *m, char *buf,
			  size_t size_bytes)
{
	struct wire_text t = wire_reason(m);
	struct policy_inner inner;

	if (!t.n || wire_text_is(t, txn_standard_phrase(wire_status(m))))
		return NULL; /* the usual one is nobody's secret */
	policy_inner_init(&inner, way, m);
	if (policy_inner_in(&inner, t, true))
		return NULL;
	return wire_text_copy(t, buf, size_bytes);
}

const char *policy_reason(const struct policy_way *way, const struct wire_msg *m, const char *ours,
			  char *buf, size_t size_bytes)
{
	struct policy_inner inner;
	struct wire_header h;
	struct text_out t;

	if (!policy_reason_wanted(way))
		return NULL;
	if (!m || !wire_header_find(m, "reason", &h))
		return ours;
	policy_inner_init(&inner, way, m);
	text_start(&t, buf, size_bytes);
	collect_reasons(&inner, m, &t);
	return t.len_bytes ? buf : ours;
}
