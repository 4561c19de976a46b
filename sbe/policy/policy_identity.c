/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_identity - P-Asserted-Identity, P-Preferred-Identity, Privacy and Remote-Party-ID between two peers, each of
 * which is in our trust domain or is not (RFC 3323, 3325).
 *
 * What a peer outside asserts is not believed, unless the number is its own. What a caller wants kept private is taken
 * out where the message leaves the trust domain; between trusted peers all passes, so that the last of them can do it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "sbe/policy/policy_private.h"
#include "sbe/sip/wire_line.h"

/* ---- Privacy ---- */

static const struct {
	const char *word;
	unsigned bit;
} privacy_words[] = {
	{"none", PRIVACY_NONE},         {"id", PRIVACY_ID},           {"user", PRIVACY_USER},
	{"header", PRIVACY_HEADER},     {"session", PRIVACY_SESSION}, {"history", PRIVACY_HISTORY},
	{"critical", PRIVACY_CRITICAL},
};
#define PRIVACY_WORDS (sizeof(privacy_words) / sizeof(privacy_words[0]))

static unsigned privacy_bit(struct wire_text word)
{
	for (size_t i = 0; i < PRIVACY_WORDS; i++) {
		if (wire_text_is_nocase(word, privacy_words[i].word))
			return privacy_words[i].bit;
	}
	return PRIVACY_OTHER;
}

/* Values are apart by ";"; a "," is not in the grammar and is taken for one all the same. */
static bool next_word(struct wire_text *rest, struct wire_text *ret)
{
	while (rest->n) {
		size_t n = 0;

		while (n < rest->n && rest->s[n] != ';' && rest->s[n] != ',')
			n++;
		*ret = wire_trim((struct wire_text){rest->s, n});
		n += n < rest->n;
		rest->s += n;
		rest->n -= n;
		if (ret->n)
			return true;
	}
	return false;
}

static unsigned privacy_of_value(struct wire_text value)
{
	struct wire_text word;
	unsigned bits = 0;

	while (next_word(&value, &word))
		bits |= privacy_bit(word);
	return bits;
}

unsigned policy_privacy(const struct wire_msg *m)
{
	struct wire_header h;
	unsigned bits = 0;

	if (!wire_header_find(m, "privacy", &h)) /* as good as always */
		return 0;
	for (void *it = NULL; wire_header_next(m, &it, &h);) {
		if (wire_header_is(&h, "privacy"))
			bits |= privacy_of_value(h.value);
	}
	return bits & PRIVACY_NONE ? PRIVACY_NONE : bits; /* none is said alone (RFC 3323 4.2) */
}

bool policy_hides_user(const struct policy_way *way, const struct wire_msg *m)
{
	return !policy_of(way->to)->conf.identity.trust && (policy_privacy(m) & PRIVACY_USER);
}

bool policy_is_anonymous(const struct wire_msg *m)
{
	struct wire_party from;

	wire_from(m, &from);
	return wire_text_is_nocase(from.uri.host, "anonymous.invalid") ||
	       wire_text_is_nocase(from.uri.user, "anonymous") ||
	       (policy_privacy(m) & (PRIVACY_ID | PRIVACY_USER));
}

/* ---- what is asserted ---- */

struct identity {
	const struct policy_scene *s;
	struct policy_lines *l;
	unsigned privacy, received; /* received: lines that came */
	bool trusted, shown;        /* is the sender; is the receiver */
	struct wire_text sip, tel;  /* asserted: at most one of each */
	const char *why;            /* they are asserted */
	bool by_rule;
};

static void done(struct policy_line *at, const char *why)
{
	if (at->gone)
		return;
	at->gone = true;
	at->why = why;
}

static void assert_value(struct identity *d, struct wire_text value, const char *why)
{
	struct wire_party p;

	if (wire_party_parse(value, &p) || memchr(value.s, '\n', value.n))
		return;
	if (p.uri.is_sip && !d->sip.n)
		d->sip = value;
	else if (p.uri.is_tel && !d->tel.n)
		d->tel = value;
	else
		return;
	d->why = why;
}

static bool is_owned(struct identity *d, struct wire_text value)
{
	const struct policy *p = policy_of(d->s->way->from);
	char number[POLICY_NUMBER_BYTES];
	struct wire_party party;

	return !wire_party_parse(value, &party) &&
	       policy_number_in(p, POLICY_CALLER, party.uri.user, number, sizeof(number), NULL) &&
	       policy_number_owned(p, number);
}

/* The lines of one header; of a sender that is not trusted only numbers of its own. */
static void assert_lines(struct identity *d, const char *canonical, const char *why)
{
	struct wire_text rest, value;

	for (unsigned i = 0; i < d->received; i++) {
		struct policy_line *at = &d->l->line[i];

		if (at->gone || strcmp(at->canonical, canonical))
			continue;
		rest = at->value;
		while (wire_list_next(&rest, &value)) {
			if (d->trusted || at->trusted || is_owned(d, value))
				assert_value(d, value, at->why ? at->why : why);
		}
	}
}

/* RFC 3325 5: the proxy that knows its user asserts who it is; P-Preferred-Identity is only a hint. */
static void assert_owned(struct identity *d)
{
	static const char why[] = "identity.assert: the number is the peer's own";
	const struct policy *p = policy_of(d->s->way->from);
	struct wire_party from;

	if (!p->nowned || p->conf.identity.assert_id != PEER_POLICY_OWNED)
		return;
	assert_lines(d, "p-asserted-identity", why);
	if (!d->sip.n && !d->tel.n)
		assert_lines(d, "p-preferred-identity", why);
	if (d->sip.n || d->tel.n || !wire_is_request(d->s->m))
		return;
	wire_from(d->s->m, &from);
	if (is_owned(d, from.uri.text)) {
		if (from.uri.is_tel)
			d->tel = from.uri.text;
		else
			d->sip = from.uri.text;
		d->why = why;
	}
}

/* "<sip:+44@x>;party=calling;privacy=full": its parameters say what Privacy says elsewhere. */
static void read_remote_party(struct identity *d)
{
	const struct peer_policy_identity *c = &d->s->p->conf.identity;
	struct wire_text value, rest, v;
	struct wire_party p;

	if (!d->trusted || d->sip.n || d->tel.n ||
	    (c->remote_party_id != PEER_POLICY_RPID_READ &&
	     c->remote_party_id != PEER_POLICY_RPID_BOTH))
		return;
	for (unsigned i = 0; i < d->received; i++) {
		if (d->l->line[i].gone || strcmp(d->l->line[i].canonical, "remote-party-id"))
			continue;
		rest = d->l->line[i].value;
		if (!wire_list_next(&rest, &value) || wire_party_parse(value, &p))
			continue;
		assert_value(d, value, "identity.remote_party_id: read");
		if (p.params.n && wire_param(p.params, "privacy", &v) &&
		    !wire_text_is_nocase(v, "off") && !(d->privacy & PRIVACY_NONE))
			d->privacy |= PRIVACY_ID;
		return;
	}
}

/* ---- what is shown ---- */

static void show(struct identity *d, const char *canonical, const char *name, const char *value,
		 const char *why)
{
	struct policy_line *at =
		policy_lines_add(d->l, canonical, name, (struct wire_text){value, strlen(value)});

	if (!at) {
		metric_add(&policy_metrics, POLICY_SKIPPED, 1);
		return;
	}
	at->trusted = true;
	at->why = why;
}

static bool print(struct identity *d, struct wire_text value, char *buf, size_t size)
{
	struct policy_name_addr a = {.party = POLICY_CALLER, .keep_tel = true};
	struct wire_party p;

	if (!value.n || wire_party_parse(value, &p))
		return false;
	a.display = p.display;
	a.uri = p.uri;
	return policy_party_print(d->s, &a, buf, size) == 0;
}

static void show_remote_party(struct identity *d, const char *value)
{
	const struct peer_policy_identity *c = &policy_of(d->s->way->to)->conf.identity;
	char text[POLICY_PARTY_BYTES + 64];
	struct text_out t;

	if (c->remote_party_id != PEER_POLICY_RPID_WRITE &&
	    c->remote_party_id != PEER_POLICY_RPID_BOTH)
		return;
	text_start(&t, text, sizeof(text));
	text_add(&t, value);
	text_add(&t, wire_is_request(d->s->m) ? ";party=calling" : ";party=called");
	text_add(&t, ";screen=yes;privacy=");
	text_add(&t, d->privacy & PRIVACY_ID ? "full" : "off");
	show(d, "remote-party-id", "Remote-Party-ID", text, "identity.remote_party_id: write");
}

/* @return why they may not be seen, NULL = they may */
static const char *kept_back(const struct identity *d)
{
	if (d->shown || d->by_rule)
		return NULL;
	if (d->privacy & PRIVACY_ID)
		return "Privacy: id, and the receiver is not trusted (RFC 3325 7)";
	if (d->privacy & PRIVACY_NONE)
		return NULL;
	return policy_of(d->s->way->to)->conf.identity.asserted == PEER_POLICY_REMOVE
		       ? "identity.asserted: remove"
		       : NULL;
}

static void show_asserted(struct identity *d)
{
	char value[POLICY_PARTY_BYTES];
	bool sip = print(d, d->sip, value, sizeof(value));

	if (sip)
		show(d, "p-asserted-identity", "P-Asserted-Identity", value, d->why);
	if (sip)
		show_remote_party(d, value);
	if (!print(d, d->tel, value, sizeof(value)) || (sip && strstr(value, "<sip:")))
		return; /* a number of somewhere became a second sip URI */
	show(d, "p-asserted-identity", "P-Asserted-Identity", value, d->why);
	if (!sip)
		show_remote_party(d, value);
}

/* ---- what is left of Privacy ---- */

/* Outside: what has been done is not asked of anybody again. id stays, as in the flows of RFC 3325 10: who shows the
 * call to a person has to know that the caller is withheld, not unknown. */
static void show_privacy(struct identity *d)
{
	const unsigned met = PRIVACY_USER | PRIVACY_HEADER | PRIVACY_SESSION | PRIVACY_HISTORY;
	struct wire_text rest, word;
	char text[128];
	struct text_out t;
	unsigned bits = 0;

	text_start(&t, text, sizeof(text));
	for (unsigned i = 0; i < d->received; i++) {
		struct policy_line *at = &d->l->line[i];

		if (at->gone || strcmp(at->canonical, "privacy"))
			continue;
		rest = at->value;
		while (next_word(&rest, &word)) {
			unsigned bit = privacy_bit(word);

			if ((!d->shown && (bit & met)) || (bits & bit & ~PRIVACY_OTHER) ||
			    !wire_is_token(word) ||
			    (bit == PRIVACY_OTHER && policy_inner_in(d->s->inner, word, true)) ||
			    t.len_bytes + word.n + sizeof(";critical") >= sizeof(text))
				continue;
			bits |= bit;
			if (bit == PRIVACY_CRITICAL)
				continue;
			text_add(&t, t.len_bytes ? ";" : "");
			text_add_bytes(&t, word.s, word.n);
		}
		done(at, d->shown ? NULL : "Privacy: what has been done is taken out (RFC 3323 5)");
	}
	if ((d->privacy & PRIVACY_ID) && !(bits & PRIVACY_ID)) {
		text_add(&t, t.len_bytes ? ";" : "");
		text_add(&t, "id");
	}
	if (t.len_bytes && (bits & PRIVACY_CRITICAL))
		text_add(&t, ";critical");
	if (t.len_bytes)
		show(d, "privacy", "Privacy", text, NULL);
}

static void finish_lines(struct identity *d, const char *hidden)
{
	for (unsigned i = 0; i < d->received; i++) {
		struct policy_line *at = &d->l->line[i];

		if (policy_known(at->canonical) != POLICY_IDENTITY)
			continue;
		if (!strcmp(at->canonical, "p-preferred-identity"))
			done(at, "P-Preferred-Identity is never passed on (RFC 3325 9.2)");
		else if (!strcmp(at->canonical, "remote-party-id"))
			done(at, "identity.remote_party_id");
		else if (!strcmp(at->canonical, "p-asserted-identity"))
			done(at, hidden ? hidden
				 : !d->trusted && !at->trusted
					 ? "identity.trust: the sender is not trusted (RFC 3325 5)"
					 : "written anew with a public host");
		else
			done(at, d->trusted ? "written anew as identity.redirection says"
					    : "identity.trust: the sender is not trusted");
	}
}

/* Headers that only serve to tell who is calling (RFC 3323 5.3). */
static void hide_user_headers(struct identity *d)
{
	static const char *const personal[] = {"subject",    "call-info", "organization",
					       "user-agent", "reply-to",  "in-reply-to"};

	if (d->shown || !(d->privacy & PRIVACY_USER))
		return;
	for (unsigned i = 0; i < d->received; i++) {
		for (size_t k = 0; k < sizeof(personal) / sizeof(personal[0]); k++) {
			if (!strcmp(d->l->line[i].canonical, personal[k]))
				done(&d->l->line[i], "Privacy: user (RFC 3323 5.3)");
		}
	}
}

void policy_identity_cross(const struct policy_scene *s, struct policy_lines *l)
{
	struct identity d = {.s = s,
			     .l = l,
			     .received = l->n,
			     .trusted = policy_of(s->way->from)->conf.identity.trust,
			     .shown = policy_of(s->way->to)->conf.identity.trust};
	const char *hidden;

	for (unsigned i = 0; i < l->n; i++) {
		if (l->line[i].gone)
			continue;
		if (!strcmp(l->line[i].canonical, "privacy"))
			d.privacy |= privacy_of_value(l->line[i].value);
		if (l->line[i].trusted && !strcmp(l->line[i].canonical, "p-asserted-identity"))
			d.by_rule = true;
	}
	if (d.privacy & PRIVACY_NONE)
		d.privacy = PRIVACY_NONE;
	if (d.trusted || d.by_rule)
		assert_lines(&d, "p-asserted-identity", NULL);
	read_remote_party(&d);
	if (!d.trusted && !d.by_rule)
		assert_owned(&d);
	hidden = kept_back(&d);
	if (!hidden)
		show_asserted(&d);
	if (d.trusted)
		policy_history_cross(s, l, d.privacy);
	show_privacy(&d);
	hide_user_headers(&d);
	finish_lines(&d, hidden);
}
