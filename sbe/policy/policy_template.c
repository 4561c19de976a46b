/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_template - values with places to fill in: {caller}, {peer}, {1}.
 *
 * What a peer has written gets in by {value} and the groups as it is (line ends excepted), by {caller} and {called}
 * only as far as it is made of letters of a user part: nobody can end a URI or begin a parameter there.
 */
#include <errno.h>
#include <string.h>

#include "sbe/policy/policy_rule.h"

enum place {
	PLACE_CALLER,
	PLACE_CALLED,
	PLACE_PEER,
	PLACE_OTHER,
	PLACE_DOMAIN,
	PLACE_VALUE,
	PLACE_GROUP
};
static const char *const place_names[] = {"caller", "called", "peer", "other", "domain", "value"};

struct piece {
	struct wire_text text; /* before the place */
	int place;             /* -1: the end */
	unsigned group;
};

static int find_place(struct wire_text name, struct piece *ret)
{
	for (size_t i = 0; i < sizeof(place_names) / sizeof(place_names[0]); i++) {
		if (wire_text_is(name, place_names[i])) {
			ret->place = (int)i;
			return 0;
		}
	}
	if (name.n != 1 || name.s[0] < '1' || name.s[0] > '9')
		return -EINVAL;
	ret->place = PLACE_GROUP;
	ret->group = (unsigned)(name.s[0] - '0');
	return 0;
}

/* Cut text and place off. "{{" is a {. @return -EINVAL: a { without a known name and }. */
static int next_piece(const char **at, struct piece *ret)
{
	const char *open = strchr(*at, '{'), *close;

	*ret = (struct piece){.text = {*at, open ? (size_t)(open - *at) : strlen(*at)},
			      .place = -1};
	if (!open) {
		*at += ret->text.n;
		return 0;
	}
	if (open[1] == '{') {
		ret->text.n++;
		*at = open + 2;
		ret->place = -2; /* only text, there is more */
		return 0;
	}
	close = strchr(open, '}');
	if (!close || find_place((struct wire_text){open + 1, (size_t)(close - open - 1)}, ret))
		return -EINVAL;
	*at = close + 1;
	return 0;
}

int policy_template_check(const char *value, unsigned groups, const char **ret_why,
			  bool *ret_quotes)
{
	struct piece p = {.place = 0};

	*ret_quotes = false;
	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < ' ' && *c != '\t') {
			*ret_why = "has a control character";
			return -EINVAL;
		}
	}
	for (const char *at = value; p.place != -1;) {
		if (next_piece(&at, &p)) {
			*ret_why =
				"{ } may hold caller, called, peer, other, domain, value or 1 to 9 "
				"({{ is a {)";
			return -EINVAL;
		}
		if (p.place == PLACE_GROUP && p.group > groups) {
			*ret_why = "names a group the pattern does not have";
			return -EINVAL;
		}
		*ret_quotes |= p.place == PLACE_VALUE || p.place == PLACE_GROUP ||
			       p.place == PLACE_CALLER || p.place == PLACE_CALLED;
	}
	return 0;
}

struct fill {
	char *buf;
	size_t n;
	int err;
};

static void put(struct fill *f, struct wire_text t)
{
	if (t.n > POLICY_VALUE_MAX_BYTES - f->n)
		f->err = -E2BIG;
	if (f->err || !t.n)
		return;
	memcpy(f->buf + f->n, t.s, t.n);
	f->n += t.n;
}

static void put_text(struct fill *f, const char *text)
{
	put(f, (struct wire_text){text, strlen(text)});
}

/* Only what a user part is made of without escapes. */
static void put_user(struct fill *f, struct wire_text t)
{
	static const char also[] = "+*#-_.!~'()&=$";

	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c && strchr(also, c)))
			put(f, (struct wire_text){t.s + i, 1});
	}
}

static void put_party(struct fill *f, const struct policy_scene *s, enum policy_party party)
{
	struct wire_party p;
	struct wire_uri uri;
	char number[POLICY_NUMBER_BYTES];
	size_t n;

	if (party == POLICY_CALLER)
		wire_from(s->m, &p);
	else
		wire_to(s->m, &p);
	uri = p.uri;
	if (party == POLICY_CALLED && wire_is_request(s->m) && !p.tag.n)
		wire_request_uri(s->m, &uri);
	if (!uri.is_sip && !uri.is_tel)
		return; /* of other schemes all is one text */
	n = policy_number_in(policy_of(s->way->from), party, uri.user, number, sizeof(number),
			     NULL);
	put_user(f, n ? (struct wire_text){number, n} : uri.user);
}

static void put_place(struct fill *f, const struct policy_scene *s, const struct piece *p,
		      const struct wire_text *groups)
{
	const struct policy_way *way = s->way;
	bool in = s->direction == PEER_POLICY_IN;
	const struct peer *mine = in ? way->from : way->to, *other = in ? way->to : way->from;

	switch (p->place) {
	case PLACE_CALLER:
		put_party(f, s, POLICY_CALLER);
		break;
	case PLACE_CALLED:
		put_party(f, s, POLICY_CALLED);
		break;
	case PLACE_PEER:
		put_text(f, mine ? mine->name : "");
		break;
	case PLACE_OTHER:
		put_text(f, other ? other->name : "");
		break;
	case PLACE_DOMAIN:
		put_text(f, way->our_host ? way->our_host : "");
		break;
	case PLACE_VALUE:
		if (groups)
			put(f, groups[0]);
		break;
	case PLACE_GROUP:
		if (groups)
			put(f, groups[p->group]);
		break;
	default:
		break;
	}
}

int policy_template_fill(const struct policy_scene *s, const char *value,
			 const struct wire_text *groups, char *buf, size_t *ret_bytes)
{
	struct fill f = {.buf = buf};
	struct piece p = {.place = 0};

	for (const char *at = value; p.place != -1 && !f.err;) {
		if (next_piece(&at, &p))
			return -EINVAL;
		put(&f, p.text);
		put_place(&f, s, &p, groups);
	}
	for (size_t i = 0; i < f.n; i++) { /* folds of the old value become one line */
		if (buf[i] == '\r' || buf[i] == '\n')
			buf[i] = ' ';
		if (!buf[i])
			return -EINVAL;
	}
	*ret_bytes = f.n;
	return f.err;
}
