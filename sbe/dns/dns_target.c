/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_target - three rounds: which services (NAPTR), which hosts (SRV), which addresses (A, AAAA). A round is over
 * when all its questions are answered or the time is; each keeps its order, so the last one only has to be read out.
 */
#include "sbe/dns/dns_target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"

#define SIP_PORT 5060
#define SIPS_PORT 5061
#define QUESTIONS_MAX (2 * DNS_HOSTS_MAX)

enum round { ROUND_NAPTR, ROUND_SRV, ROUND_ADDRESS };

/* What NAPTR and its absence lead to, in this order of preference when the DNS does not say. */
static const struct {
	const char *service; /* of a NAPTR */
	const char *prefix;  /* of the SRV name when there is no NAPTR */
	enum dns_proto proto;
} services[] = {
	{"SIPS+D2T", "_sips._tcp.", DNS_TLS},
	{"SIP+D2U", "_sip._udp.", DNS_UDP},
	{"SIP+D2T", "_sip._tcp.", DNS_TCP},
};
#define SERVICES (sizeof(services) / sizeof(services[0]))

struct service { /* an SRV name to ask for */
	char name[DNS_NAME_BYTES];
	uint8_t proto;
	uint16_t order, preference;
};
struct host { /* a name whose addresses are asked for */
	char name[DNS_NAME_BYTES];
	uint8_t proto;
	uint16_t port;
	size_t rank;             /* of the service it is of: answers come in any order */
	struct addr addrs[2][4]; /* by family: IPv6, IPv4 */
	size_t naddrs[2];
};
struct pending {
	struct dns_locating *l;
	struct dns_question *question;
	size_t index; /* of the service or host */
	int type;
	uint64_t asked_ms;
};
struct dns_locating {
	struct dns *dns;
	struct dns_wish wish;
	char wanted[DNS_NAME_BYTES];
	uint64_t random, end_ms;
	dns_located_h *fn;
	void *arg;
	enum round round;
	bool asking;   /* answers from the cache come while we ask */
	bool fallback; /* SRV was our guess: without one the host itself is the target */
	int err;       /* the first thing that went wrong */
	bool refused;
	struct service services[DNS_SERVICES_MAX];
	size_t nservices;
	struct host hosts[DNS_HOSTS_MAX];
	size_t nhosts;
	struct pending pending[QUESTIONS_MAX];
	size_t npending, open;
	struct dns_located found;
};

static void round_over(struct dns_locating *l);

static bool may_use(const struct dns_wish *w, unsigned proto)
{
	return w->protos & DNS_PROTO_BIT(proto) && (!w->secure || proto == DNS_TLS) &&
	       (w->proto < 0 || (unsigned)w->proto == proto);
}

static void locating_destroy(void *obj)
{
	struct dns_locating *l = obj;

	for (size_t i = 0; i < l->npending; i++)
		dns_cancel(l->pending[i].question);
}

void dns_target_cancel(struct dns_locating *l)
{
	mem_unref(l);
}

/* ---- questions */

static void take_naptr(struct dns_locating *l, const struct dns_answer *a);
static void take_srv(struct dns_locating *l, const struct service *s, const struct dns_answer *a);

static void take_addresses(struct dns_locating *l, struct host *h, int type,
			   const struct dns_answer *a)
{
	int at = type == DNS_AAAA ? 0 : 1;

	for (size_t i = 0; i < a->n && h->naddrs[at] < 4; i++) {
		const struct addr *ip = &a->records[i].u.addr;

		if (addr_is_any(ip) || addr_is_multicast(ip) ||
		    (l->wish.public_only && !addr_is_public(ip)))
			l->refused = true;
		else
			h->addrs[at][h->naddrs[at]++] = *ip;
	}
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct pending *p = arg;
	struct dns_locating *l = p->l;

	p->question = NULL;
	if (l->wish.told)
		l->wish.told(l->arg,
			     l->round == ROUND_NAPTR ? l->wanted
			     : l->round == ROUND_SRV ? l->services[p->index].name
						     : l->hosts[p->index].name,
			     p->type, a, clock_now_ms() - p->asked_ms);
	if (a->err && a->err != -ENOENT && !l->err)
		l->err = a->err;
	if (a->n && a->ttl_s < l->found.ttl_s)
		l->found.ttl_s = a->ttl_s;
	l->found.stale |= a->stale;
	if (l->round == ROUND_NAPTR)
		take_naptr(l, a);
	else if (l->round == ROUND_SRV)
		take_srv(l, &l->services[p->index], a);
	else
		take_addresses(l, &l->hosts[p->index], p->type, a);
	l->open--;
	if (!l->open && !l->asking)
		round_over(l);
}

static void ask(struct dns_locating *l, const char *name, int type, size_t index)
{
	uint64_t now_ms = clock_now_ms();
	struct pending *p = &l->pending[l->npending];
	struct dns_asker asker = {on_answer, p, 0};
	int err;

	if (l->npending == QUESTIONS_MAX)
		return;
	*p = (struct pending){.l = l, .index = index, .type = type, .asked_ms = now_ms};
	l->npending++;
	l->open++;
	asker.deadline_ms = (uint32_t)(l->end_ms - now_ms);
	err = now_ms >= l->end_ms ? -ETIMEDOUT : dns_ask(l->dns, name, type, &asker, &p->question);
	if (!err)
		return;
	l->open--;
	if (!l->err)
		l->err = err == -EINVAL ? -ENOENT : err;
}

/* ---- services */

static void add_service(struct dns_locating *l, const char *name, unsigned proto,
			const struct dns_naptr *n)
{
	struct service *s, *list = l->services;
	size_t k;

	if (l->nservices == DNS_SERVICES_MAX)
		return;
	k = l->nservices++;
	if (n) { /* by order, TLS first within one, then preference (RFC 3263 4.1, 3403) */
		for (; k > 0; k--) {
			const struct service *b = &list[k - 1];

			if (b->order < n->order || (b->order == n->order &&
						    ((b->proto == DNS_TLS) > (proto == DNS_TLS) ||
						     ((b->proto == DNS_TLS) == (proto == DNS_TLS) &&
						      b->preference <= n->preference))))
				break;
			list[k] = list[k - 1];
		}
	}
	s = &list[k];
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->proto = (uint8_t)proto;
	s->order = n ? n->order : 0;
	s->preference = n ? n->preference : 0;
}

static void take_naptr(struct dns_locating *l, const struct dns_answer *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct dns_naptr *n = &a->records[i].u.naptr;

		if (strcasecmp(n->flags, "s") != 0 || !strcmp(n->replacement, "."))
			continue;
		for (size_t k = 0; k < SERVICES; k++) {
			if (!strcasecmp(n->services, services[k].service) &&
			    may_use(&l->wish, services[k].proto))
				add_service(l, n->replacement, services[k].proto, n);
		}
	}
}

/* No NAPTR: the well-known service names (4.1, last paragraphs). */
static void guess_services(struct dns_locating *l)
{
	char name[DNS_NAME_BYTES + 16];

	l->fallback = true;
	for (size_t k = 0; k < SERVICES; k++) {
		if (!may_use(&l->wish, services[k].proto))
			continue;
		snprintf(name, sizeof(name), "%s%s", services[k].prefix, l->wanted);
		if (strlen(name) < DNS_NAME_BYTES)
			add_service(l, name, services[k].proto, NULL);
	}
}

/* ---- hosts */

static uint64_t next_random(struct dns_locating *l)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return l->random;
}

static void add_host(struct dns_locating *l, const char *name, const struct service *of,
		     unsigned port)
{
	size_t rank = (size_t)(of - l->services), k;
	struct host *h;

	if (l->nhosts == DNS_HOSTS_MAX && l->hosts[l->nhosts - 1].rank <= rank)
		return;
	k = l->nhosts < DNS_HOSTS_MAX ? l->nhosts++ : l->nhosts - 1;
	for (; k > 0 && l->hosts[k - 1].rank > rank; k--)
		l->hosts[k] = l->hosts[k - 1];
	h = &l->hosts[k];
	memset(h, 0, sizeof(*h));
	snprintf(h->name, sizeof(h->name), "%s", name);
	h->proto = of->proto;
	h->port = (uint16_t)port;
	h->rank = rank;
}

/* RFC 2782: among those of the lowest priority left, one by weight; those of weight 0 stand first on the line. */
static size_t draw(struct dns_locating *l, const struct dns_answer *a, const bool *used)
{
	unsigned lowest = 65536;
	uint64_t sum = 0, point;
	size_t last = a->n;

	for (size_t i = 0; i < a->n; i++) {
		if (!used[i] && a->records[i].u.srv.priority < lowest)
			lowest = a->records[i].u.srv.priority;
	}
	for (size_t i = 0; i < a->n; i++) {
		if (!used[i] && a->records[i].u.srv.priority == lowest)
			sum += a->records[i].u.srv.weight;
	}
	point = next_random(l) % (sum + 1);
	sum = 0;
	for (int zero = 1; zero >= 0; zero--) {
		for (size_t i = 0; i < a->n; i++) {
			const struct dns_srv *s = &a->records[i].u.srv;

			if (used[i] || s->priority != lowest || (s->weight == 0) != (zero == 1))
				continue;
			sum += s->weight;
			last = i;
			if (sum >= point)
				return i;
		}
	}
	return last;
}

static void take_srv(struct dns_locating *l, const struct service *s, const struct dns_answer *a)
{
	bool used[DNS_RECORDS_MAX] = {false};

	if (a->n)
		l->fallback =
			false; /* also "." is an answer: there is no such service (RFC 2782) */
	for (size_t i = 0; i < a->n; i++) {
		size_t k = draw(l, a, used);
		const struct dns_srv *srv = &a->records[k].u.srv;

		used[k] = true;
		if (strcmp(srv->target, ".") != 0 && srv->port)
			add_host(l, srv->target, s, srv->port);
	}
}

/* ---- rounds */

static void ask_addresses(struct dns_locating *l)
{
	l->round = ROUND_ADDRESS;
	l->npending = 0;
	l->asking = true;
	for (size_t i = 0; i < l->nhosts; i++) {
		if (l->wish.families & DNS_FAMILY_V6)
			ask(l, l->hosts[i].name, DNS_AAAA, i);
		if (l->wish.families & DNS_FAMILY_V4)
			ask(l, l->hosts[i].name, DNS_A, i);
	}
	l->asking = false;
	if (!l->open)
		round_over(l);
}

static void ask_services(struct dns_locating *l)
{
	l->round = ROUND_SRV;
	l->npending = 0;
	l->asking = true;
	for (size_t i = 0; i < l->nservices; i++)
		ask(l, l->services[i].name, DNS_SRV, i);
	l->asking = false;
	if (!l->open)
		round_over(l);
}

static void add_target(struct dns_locating *l, const struct host *h, const struct addr *ip)
{
	struct dns_located *f = &l->found;
	struct dns_target *t = &f->targets[f->n];

	if (f->n == DNS_TARGETS_MAX)
		return;
	t->proto = h->proto;
	t->addr = *ip;
	t->addr.port = h->port;
	snprintf(t->name, sizeof(t->name), "%s", h->name);
	for (size_t i = 0; i < f->n; i++) {
		if (f->targets[i].proto == t->proto && addr_equal(&f->targets[i].addr, &t->addr))
			return; /* once is enough */
	}
	f->n++;
}

static void finish(struct dns_locating *l)
{
	struct dns_located *f = &l->found;

	for (size_t i = 0; i < l->nhosts; i++) {
		const struct host *h = &l->hosts[i];

		for (int family = 0; family < 2; family++) {
			for (size_t k = 0; k < h->naddrs[family]; k++)
				add_target(l, h, &h->addrs[family][k]);
		}
	}
	f->err = f->n ? 0 : l->refused ? -EACCES : l->err ? l->err : -ENOENT;
	l->fn(l->arg, f);
	mem_unref(l);
}

static unsigned default_proto(const struct dns_wish *w)
{
	if (w->secure)
		return DNS_TLS;
	if (w->proto >= 0)
		return (unsigned)w->proto;
	return w->protos & DNS_PROTO_BIT(DNS_UDP) ? DNS_UDP : DNS_TCP;
}

/* The URI's host is the target. @return false: nothing we may send over. */
static bool add_itself(struct dns_locating *l)
{
	unsigned proto = default_proto(&l->wish);
	unsigned port = proto == DNS_TLS ? SIPS_PORT : SIP_PORT;

	if (!may_use(&l->wish, proto))
		return false;
	l->services[0].proto = (uint8_t)proto;
	add_host(l, l->wanted, &l->services[0], l->wish.port ? l->wish.port : port);
	return true;
}

static void host_itself(struct dns_locating *l)
{
	(void)add_itself(l);
	ask_addresses(l);
}

static void round_over(struct dns_locating *l)
{
	switch (l->round) {
	case ROUND_NAPTR:
		if (l->err &&
		    !l->nservices) { /* nobody answers: guessing would ask them six times more */
			finish(l);
			return;
		}
		if (!l->nservices)
			guess_services(l);
		ask_services(l);
		return;
	case ROUND_SRV:
		if (!l->nhosts && l->fallback && !l->err)
			host_itself(l);
		else
			ask_addresses(l);
		return;
	case ROUND_ADDRESS:
		finish(l);
		return;
	}
}

static void begin(struct dns_locating *l)
{
	struct addr ip;

	if (!addr_parse_ip(l->wanted, strlen(l->wanted), &ip)) {
		struct dns_record record = {.u.addr = ip};
		const struct dns_answer self = {.n = 1, .records = &record};
		bool v6 = ip.family == ADDR_V6;

		if (l->wish.families & (v6 ? DNS_FAMILY_V6 : DNS_FAMILY_V4) && add_itself(l))
			take_addresses(l, &l->hosts[0], v6 ? DNS_AAAA : DNS_A, &self);
		finish(l);
	} else if (l->wish.port) {
		host_itself(l);
	} else if (l->wish.proto >= 0) {
		guess_services(l);
		ask_services(l);
	} else {
		l->asking = true;
		ask(l, l->wanted, DNS_NAPTR, 0);
		l->asking = false;
		if (!l->open)
			round_over(l);
	}
}

int dns_target_find(struct dns *dns, const struct dns_wish *wish, uint64_t random,
		    dns_located_h *fn, void *arg, struct dns_locating **ret_locating)
{
	struct dns_locating *l;
	size_t n = strlen(wish->host);

	*ret_locating = NULL;
	if (!n || n >= DNS_NAME_BYTES)
		return -EINVAL;
	l = mem_zalloc(sizeof(*l), locating_destroy);
	if (!l)
		return -ENOMEM;
	l->dns = dns;
	l->wish = *wish;
	strcpy(l->wanted, wish->host);
	l->random = random;
	l->end_ms = clock_now_ms() + wish->deadline_ms;
	l->fn = fn;
	l->arg = arg;
	l->found.ttl_s = DNS_TTL_MAX_S;
	mem_ref(l); /* finish() may run inside begin() */
	begin(l);
	*ret_locating = mem_refs(l) > 1 ? l : NULL;
	mem_unref(l);
	return 0;
}
