/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/route/route_redirect.h"

#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "sbe/sip/wire_line.h"

#define SIP_PORT 5060
#define SIPS_PORT 5061
#define Q_ONE 1000

/* One Contact that may be taken. */
struct option {
	struct wire_party party;
	struct peer *peer;
	size_t hop; /* of the peer; nhops = all */
	unsigned q; /* thousandths */
	struct route_contact_said *said;
};

/* ---- reading a Contact ---- */

unsigned route_contact_q(struct wire_text params)
{
	struct wire_text t;
	unsigned q, weight = 100;

	if (!wire_param(params, "q", &t))
		return Q_ONE;
	if (!t.n || (t.s[0] != '0' && t.s[0] != '1') || (t.n > 1 && t.s[1] != '.') || t.n > 5)
		return 0;
	q = t.s[0] == '1' ? Q_ONE : 0;
	for (size_t i = 2; i < t.n; i++, weight /= 10) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return 0;
		q += (unsigned)(t.s[i] - '0') * weight;
	}
	return q > Q_ONE ? Q_ONE : q;
}

static bool has_expired(struct wire_text params)
{
	struct wire_text t;
	uint32_t n;

	return wire_param(params, "expires", &t) && !wire_number(t, UINT32_MAX, &n) && n == 0;
}

/* What would make of a target more than a user at a host. */
static const char *not_plain(const struct wire_uri *u)
{
	static const char *const never[] = {"maddr", "method", "ttl", "lr", NULL};
	struct wire_text v;

	if (!u->is_sip || u->sips)
		return "redirect_scheme";
	if (u->headers.s)
		return "redirect_headers";
	for (size_t i = 0; never[i]; i++) {
		if (wire_param(u->params, never[i], &v))
			return "redirect_parameter";
	}
	if (!u->user.n || u->user.n >= ROUTE_USER_BYTES || !u->host.n ||
	    u->host.n >= ROUTE_HOST_BYTES)
		return "redirect_form";
	for (size_t i = 0; i < u->user.n; i++) {
		if (u->user.s[i] <= ' ' || u->user.s[i] > '~' || strchr("@<>\",;?", u->user.s[i]))
			return "redirect_form";
	}
	return NULL;
}

/* The peer it is at: by address only in the realm whose addresses the sender of the 3xx can know. */
static const char *find_peer(const struct route_redirect *r, const struct peer *by,
			     struct option *o)
{
	const struct wire_uri *u = &o->party.uri;
	struct wire_text transport;
	struct addr a;

	if (r->ours(r->arg, u->host, u->port))
		return "redirect_self";
	if (addr_parse_ip(u->host.s, u->host.n, &a)) {
		o->peer = peer_find_domain(r->peers, u->host.s, u->host.n);
		o->hop = o->peer ? o->peer->nhops : 0;
	} else {
		bool tls = wire_param(u->params, "transport", &transport) &&
			   wire_text_is_nocase(transport, "tls");

		a.port = u->port ? u->port : tls ? SIPS_PORT : SIP_PORT;
		o->peer = peer_find_hop(r->peers, by->conf->realm, &a);
		for (o->hop = 0; o->peer && !addr_equal(&o->peer->hops[o->hop].addr, &a); o->hop++)
			;
	}
	if (!o->peer)
		return "redirect_foreign";
	if (r->from && !strcmp(o->peer->name, r->from->name))
		return "redirect_back";
	return peer_usable(o->peer) && o->peer->nhops ? NULL : "redirect_unusable";
}

/* ---- the plan ---- */

const struct route_target *route_target(const struct route_plan *plan, size_t nth)
{
	unsigned target = plan->candidates[nth].target;

	return target ? &plan->targets[target - 1] : NULL;
}

/* The candidate that asks for this user there, or has asked. Written in another way he is still the same. */
static size_t find_there(const struct route_redirect *r, const struct route_plan *plan,
			 const struct peer *p, size_t hop, const char *user)
{
	char number[ROUTE_USER_BYTES], other[ROUTE_USER_BYTES];
	size_t i;

	route_number(user, number, sizeof(number));
	for (i = 0; i < plan->n; i++) {
		const struct route_candidate *c = &plan->candidates[i];
		const struct route_target *t = route_target(plan, i);

		if (strcmp(c->peer->name, p->name) || c->hop != hop)
			continue;
		route_number(t ? t->user : r->user, other, sizeof(other));
		if (!strcmp(number, other))
			break;
	}
	return i;
}

static size_t count_redirected(const struct route_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->candidates[i].target > 0;
	return n;
}

static unsigned new_target(struct route_plan *plan, const struct option *o)
{
	const struct wire_uri *u = &o->party.uri;
	unsigned used = 0;
	struct route_target *t;
	struct addr numeric;

	for (size_t i = 0; i < plan->n; i++) {
		if (plan->candidates[i].target > used)
			used = plan->candidates[i].target;
	}
	if (!plan->targets)
		plan->targets = mem_zalloc(ROUTE_REDIRECTS_MAX * sizeof(*plan->targets), NULL);
	if (!plan->targets || used >= ROUTE_REDIRECTS_MAX)
		return 0;
	t = &plan->targets[used];
	wire_text_copy(u->user, t->user, sizeof(t->user));
	t->host[0] = '\0';
	if (addr_parse_ip(u->host.s, u->host.n, &numeric))
		wire_text_copy(u->host, t->host, sizeof(t->host));
	return used + 1;
}

/* Where the next one is inserted, and how many more may be. */
struct place {
	size_t at, left;
	uint8_t depth;
};

static void insert(struct route_plan *plan, struct place *place, struct peer *p, size_t hop,
		   unsigned target)
{
	struct route_candidate *c = &plan->candidates[place->at];

	memmove(c + 1, c, (plan->n - place->at) * sizeof(*c));
	*c = (struct route_candidate){
		.peer = mem_ref(p), .hop = hop, .target = (uint8_t)target, .depth = place->depth};
	plan->n++;
	place->at++;
	place->left--;
}

/* It was planned for later anyway: now it comes next. */
static void advance(struct route_plan *plan, struct place *place, size_t nth, unsigned target)
{
	struct route_candidate c = plan->candidates[nth], *to = &plan->candidates[place->at];

	memmove(to + 1, to, (nth - place->at) * sizeof(c));
	c.target = (uint8_t)target;
	c.depth = place->depth;
	*to = c;
	place->at++;
	place->left--;
}

/* All next hops of its peer, or the one it names; those that failed lately last. */
static const char *take(const struct route_redirect *r, struct route_plan *plan,
			const struct option *o, struct place *place)
{
	const char *why = "redirect_loop";
	char user[ROUTE_USER_BYTES];
	unsigned target = 0;
	size_t nth;

	wire_text_copy(o->party.uri.user, user, sizeof(user));
	for (int last = 0; last < 2; last++) {
		for (size_t i = 0; i < o->peer->nhops; i++) {
			if ((o->hop < o->peer->nhops && o->hop != i) ||
			    peer_hop_last(o->peer, i, r->now_ms) != (last == 1))
				continue;
			nth = find_there(r, plan, o->peer, i, user);
			if (nth < plan->n && (nth <= r->at || plan->candidates[nth].target))
				continue; /* has been asked, or will be by this or another 3xx */
			if (!place->left)
				return target ? "redirect_taken" : "redirect_many";
			if (!target)
				target = new_target(plan, o);
			if (!target)
				return "redirect_many";
			if (nth < plan->n)
				advance(plan, place, nth, target);
			else
				insert(plan, place, o->peer, i, target);
			why = "redirect_taken";
		}
	}
	return why;
}

/* ---- all Contacts ---- */

static void name_contact(struct route_contact_said *s, const struct wire_party *p)
{
	wire_text_copy(p->uri.text, s->contact, sizeof(s->contact));
	for (char *c = s->contact; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

/* Those that may be taken, the most wanted first; the others are told why not. */
static size_t sort(const struct route_redirect *r, const struct wire_msg *m,
		   const struct route_plan *plan, struct route_redirect_said *said,
		   struct option options[ROUTE_CONTACTS_MAX])
{
	const struct peer *by = plan->candidates[r->at].peer;
	size_t n = 0;

	for (said->n = 0; said->n < ROUTE_CONTACTS_MAX; said->n++) {
		struct option o = {.said = &said->contacts[said->n]};
		size_t k = n;

		if (!wire_contact(m, (unsigned)said->n, &o.party))
			break;
		name_contact(o.said, &o.party);
		o.said->result = not_plain(&o.party.uri);
		if (!o.said->result && has_expired(o.party.params))
			o.said->result = "redirect_expired";
		if (!o.said->result)
			o.said->result = find_peer(r, by, &o);
		if (o.said->result)
			continue;
		o.q = route_contact_q(o.party.params);
		for (; k > 0 && options[k - 1].q < o.q; k--)
			options[k] = options[k - 1];
		options[k] = o;
		n++;
	}
	return n;
}

size_t route_redirect(const struct route_redirect *r, const struct wire_msg *m,
		      struct route_plan *plan, struct route_redirect_said *ret_said)
{
	struct option options[ROUTE_CONTACTS_MAX];
	struct place place = {.at = r->at + 1,
			      .depth = (uint8_t)(plan->candidates[r->at].depth + 1)};
	size_t n = sort(r, m, plan, ret_said, options), there = count_redirected(plan);

	/* Those that wait in the plan count as sent: nothing that redirects can make more of them. */
	if (r->invites < ROUTE_INVITES_MAX)
		place.left = ROUTE_INVITES_MAX - r->invites;
	if (place.left > ROUTE_REDIRECTS_MAX - there)
		place.left = ROUTE_REDIRECTS_MAX - there;
	for (size_t i = 0; i < n; i++)
		options[i].said->result = place.depth > ROUTE_REDIRECT_DEPTH_MAX
						  ? "redirect_depth"
						  : take(r, plan, &options[i], &place);
	return place.at - r->at - 1;
}
