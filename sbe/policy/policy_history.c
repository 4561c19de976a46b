/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_history - by whom a call was diverted: History-Info (RFC 7044), Diversion (RFC 5806), and each as the other
 * (RFC 7544).
 *
 * History-Info lists targets oldest first, as a tree by index; Diversion lists who diverted, newest first. The entry
 * that has a cause was reached because the entry above it diverted.
 */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "sbe/policy/policy_private.h"
#include "sbe/sip/wire_line.h"

#define ENTRIES_MAX 24
#define INDEX_MAX_BYTES 48U
#define WORD_MAX_BYTES 32U
#define VALUE_BYTES (POLICY_PARTY_BYTES + 512)

static const char anonymous[] = "<sip:anonymous@anonymous.invalid>";

struct entry {
	struct wire_party party;
	struct wire_text index;  /* History-Info */
	struct wire_text reason; /* Diversion: "user-busy" */
	unsigned cause;          /* 0 = none */
	bool hidden;             /* it asks for privacy itself */
	const char *why;
};

struct history {
	const struct policy_scene *s;
	struct policy_lines *l;
	unsigned received, n;
	unsigned privacy;
	bool shown; /* the receiver is trusted */
	struct entry list[ENTRIES_MAX];
};

/* RFC 7544 7.1 and 7.2; the first of a cause or a reason is the one that is written. */
static const struct {
	const char *reason;
	unsigned cause;
} reasons[] = {
	{"unknown", 404},     {"unconditional", 302},  {"user-busy", 486},
	{"no-answer", 408},   {"deflection", 480},     {"deflection", 487},
	{"unavailable", 503}, {"time-of-day", 404},    {"do-not-disturb", 404},
	{"follow-me", 404},   {"out-of-service", 404}, {"away", 404},
};
#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

static unsigned cause_of(struct wire_text reason)
{
	for (size_t i = 0; i < REASONS; i++) {
		if (wire_text_is_nocase(reason, reasons[i].reason))
			return reasons[i].cause;
	}
	return 404;
}

static const char *reason_of(unsigned cause)
{
	for (size_t i = 0; i < REASONS; i++) {
		if (reasons[i].cause == cause)
			return reasons[i].reason;
	}
	return "unknown";
}

/* ---- in ---- */

/* A member of the headers of a URI: ?Privacy=history&Reason=... */
static bool uri_header(const struct wire_uri *u, const char *name, struct wire_text *ret)
{
	struct wire_text rest = u->headers;
	size_t length = strlen(name);

	while (rest.n) {
		const char *end = memchr(rest.s, '&', rest.n);
		size_t n = end ? (size_t)(end - rest.s) : rest.n;

		if (n > length && rest.s[length] == '=' && !strncasecmp(rest.s, name, length)) {
			*ret = (struct wire_text){rest.s + length + 1, n - length - 1};
			return true;
		}
		n += end != NULL;
		rest.s += n;
		rest.n -= n;
	}
	return false;
}

/* Numbers and dots; one that is an address of the inside was put there for it. */
static bool index_ok(const struct history *h, struct wire_text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if ((t.s[i] < '0' || t.s[i] > '9') && t.s[i] != '.')
			return false;
	}
	return t.n && t.n <= INDEX_MAX_BYTES && !policy_inner_in(h->s->inner, t, false);
}

static bool word_ok(struct wire_text t)
{
	return t.n <= WORD_MAX_BYTES && wire_is_token(t) && !policy_names_address(t);
}

static void read_target(struct history *h, struct entry *e)
{
	struct wire_text v;
	uint32_t cause;

	if (wire_param(e->party.uri.params, "cause", &v) && !wire_number(v, 699, &cause))
		e->cause = cause;
	if (uri_header(&e->party.uri, "Privacy", &v))
		e->hidden = wire_text_is_nocase(v, "history");
	if (!wire_param(e->party.params, "index", &e->index) || !index_ok(h, e->index))
		return; /* without a place in the tree it says nothing */
	h->n++;
}

static void read_diverter(struct history *h, struct entry *e)
{
	struct wire_text v;

	e->reason = WIRE_TEXT("unknown");
	if (wire_param(e->party.params, "reason", &v)) {
		if (v.n > 2 && v.s[0] == '"' && v.s[v.n - 1] == '"')
			v = (struct wire_text){v.s + 1, v.n - 2};
		if (word_ok(v))
			e->reason = v;
	}
	e->cause = cause_of(e->reason);
	if (wire_param(e->party.params, "privacy", &v))
		e->hidden = !wire_text_is_nocase(v, "off") && !wire_text_is_nocase(v, "\"off\"");
	h->n++;
}

static void read_all(struct history *h, const char *canonical, bool history)
{
	struct wire_text rest, value;

	h->n = 0;
	for (unsigned i = 0; i < h->received; i++) {
		const struct policy_line *at = &h->l->line[i];

		if (at->gone || strcmp(at->canonical, canonical))
			continue;
		rest = at->value;
		while (h->n < ENTRIES_MAX && wire_list_next(&rest, &value)) {
			struct entry *e = &h->list[h->n];

			*e = (struct entry){.why = at->why};
			if (memchr(value.s, '\n', value.n) || wire_party_parse(value, &e->party) ||
			    (!e->party.uri.is_sip && !e->party.uri.is_tel))
				continue;
			if (history)
				read_target(h, e);
			else
				read_diverter(h, e);
		}
	}
}

/* ---- out ---- */

static bool is_hidden(const struct history *h, const struct entry *e)
{
	return !h->shown &&
	       (e->hidden || (h->privacy & (PRIVACY_HISTORY | PRIVACY_HEADER | PRIVACY_SESSION)));
}

/* name-addr without its ">", so that more can be put into the URI */
static void print_open(const struct history *h, const struct wire_party *p, struct text_out *t,
		       char *buf, size_t size)
{
	struct policy_name_addr a = {.party = POLICY_CALLED, .keep_tel = true};

	a.display = p->display;
	a.uri = p->uri;
	policy_party_print(h->s, &a, buf, size);
	*t = (struct text_out){buf, size, strlen(buf) - 1};
	buf[t->len_bytes] = '\0';
}

static void show(struct history *h, bool history, const struct text_out *t, const char *why)
{
	struct policy_line *at = policy_lines_add(h->l, history ? "history-info" : "diversion",
						  history ? "History-Info" : "Diversion",
						  (struct wire_text){t->buf, t->len_bytes});

	if (!at) {
		metric_add(&policy_metrics, POLICY_SKIPPED, 1);
		return;
	}
	at->trusted = true;
	at->why = why;
}

static void add_param(struct history *h, struct text_out *t, const struct wire_party *p,
		      const char *name, bool is_index)
{
	struct wire_text v;

	if (!wire_param(p->params, name, &v) || !(is_index ? index_ok(h, v) : word_ok(v)))
		return;
	text_add(t, ";");
	text_add(t, name);
	text_add(t, "=");
	text_add_bytes(t, v.s, v.n);
}

static void add_index(struct text_out *t, struct wire_text index)
{
	text_add(t, ";index=");
	text_add_bytes(t, index.s, index.n);
}

/* What of the headers in its URI may stay: why this target failed. */
static void add_reason(struct history *h, struct text_out *t, const struct entry *e)
{
	struct wire_text v;

	if (!uri_header(&e->party.uri, "Reason", &v) || v.n > 200 ||
	    policy_inner_in(h->s->inner, v, true))
		return;
	text_add(t, "?Reason=");
	text_add_bytes(t, v.s, v.n);
}

static void show_target(struct history *h, const struct entry *e)
{
	char buf[VALUE_BYTES];
	struct text_out t;

	if (is_hidden(h, e)) {
		text_start(&t, buf, sizeof(buf));
		text_add(&t, anonymous);
	} else {
		print_open(h, &e->party, &t, buf, sizeof(buf));
		if (e->cause) {
			text_add(&t, ";cause=");
			text_add_number(&t, e->cause);
		}
		add_reason(h, &t, e);
		text_add(&t, ">");
	}
	add_index(&t, e->index);
	add_param(h, &t, &e->party, "rc", true);
	add_param(h, &t, &e->party, "mp", true);
	add_param(h, &t, &e->party, "np", true);
	show(h, true, &t, e->why);
}

static void show_diverter(struct history *h, const struct wire_party *p, const char *reason,
			  size_t reason_bytes, const struct entry *e)
{
	char buf[VALUE_BYTES];
	struct text_out t;

	if (is_hidden(h, e)) {
		text_start(&t, buf, sizeof(buf));
		text_add(&t, anonymous);
	} else {
		print_open(h, p, &t, buf, sizeof(buf));
		text_add(&t, ">");
	}
	text_add(&t, ";reason=");
	text_add_bytes(&t, reason, reason_bytes);
	add_param(h, &t, p, "counter", false);
	text_add(&t, e->hidden ? ";privacy=full" : ";privacy=off");
	add_param(h, &t, p, "screen", false);
	show(h, false, &t, e->why);
}

/* ---- one as the other ---- */

/* Oldest first: who was called first, then each target with the cause it was reached by, at last the present one. */
static void diversion_to_history(struct history *h)
{
	static const char why[] = "identity.redirection: history-info (RFC 7544 7.2)";
	char index[INDEX_MAX_BYTES * 2] = "1";
	struct wire_party target = {.display = {NULL, 0}};
	unsigned n = h->n;

	if (!wire_is_request(h->s->m))
		return;
	wire_request_uri(h->s->m, &target.uri);
	for (unsigned i = 0; i <= n; i++) {
		struct entry e = {.why = why, .index = {index, strlen(index)}};

		if (i < n) {
			e.party = h->list[n - 1 - i].party;
			e.hidden = h->list[n - 1 - i].hidden;
		} else {
			e.party = target;
		}
		e.party.params = (struct wire_text){NULL, 0};
		e.cause = i ? h->list[n - i].cause : 0;
		show_target(h, &e);
		strcat(index, ".1");
	}
}

/* The entry above in the tree, or just the one before. */
static const struct entry *parent_of(const struct history *h, unsigned nth)
{
	struct wire_text up = h->list[nth].index;
	const char *dot = memrchr(up.s, '.', up.n);

	up.n = dot ? (size_t)(dot - up.s) : 0;
	for (unsigned i = nth; up.n && i-- > 0;) {
		if (h->list[i].index.n == up.n && !memcmp(h->list[i].index.s, up.s, up.n))
			return &h->list[i];
	}
	return &h->list[nth - 1];
}

static void history_to_diversion(struct history *h)
{
	static const char why[] = "identity.redirection: diversion (RFC 7544 7.1)";

	for (unsigned i = h->n; i-- > 1;) {
		struct entry e;
		struct wire_party who;
		const char *reason = reason_of(h->list[i].cause);

		if (!h->list[i].cause)
			continue;
		e = *parent_of(h, i);
		e.why = why;
		who = e.party;
		who.params = (struct wire_text){NULL, 0};
		show_diverter(h, &who, reason, strlen(reason), &e);
	}
}

void policy_history_cross(const struct policy_scene *s, struct policy_lines *l, unsigned privacy)
{
	const struct peer_policy_identity *to = &policy_of(s->way->to)->conf.identity;
	struct history h = {
		.s = s, .l = l, .received = l->n, .privacy = privacy, .shown = to->trust};
	bool any = false;

	for (unsigned i = 0; i < l->n; i++)
		any |= !strcmp(l->line[i].canonical, "history-info") ||
		       !strcmp(l->line[i].canonical, "diversion");
	if (!any || to->redirection == PEER_POLICY_DIVERTED_DROP)
		return;
	read_all(&h, "history-info", true);
	any = h.n > 0;
	if (to->redirection == PEER_POLICY_DIVERTED_DIVERSION)
		history_to_diversion(&h);
	for (unsigned i = 0; to->redirection != PEER_POLICY_DIVERTED_DIVERSION && i < h.n; i++)
		show_target(&h, &h.list[i]);
	if (any && to->redirection != PEER_POLICY_DIVERTED_AS_IS)
		return;
	read_all(&h, "diversion", false);
	if (to->redirection == PEER_POLICY_DIVERTED_HISTORY && h.n)
		diversion_to_history(&h);
	for (unsigned i = 0; to->redirection != PEER_POLICY_DIVERTED_HISTORY && i < h.n; i++)
		show_diverter(&h, &h.list[i].party, h.list[i].reason.s, h.list[i].reason.n,
			      &h.list[i]);
}
