/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - see pool.h. One timer serves all realms: it frees what has rested, and asks whether an
 * address has come or gone (a virtual address moves between hosts while we run).
 */
#include "dbe/pool/pool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/pool/pool_range.h"

METRIC_TABLE(pool_metrics, POOL_METRICS)

#define POOL_TICK_MS 1000
#define POOL_PROBE_MS 5000
#define POOL_REFUSED_MS 60000 /* whoever holds the port has it for some time */
#define POOL_WHY_BYTES 256

struct pool_home {
	struct pool_address conf;
	struct pool_ring *ring;
	bool up;
};

struct pool_realm {
	char name[POOL_NAME_BYTES];
	struct pool_home homes[POOL_ADDRESSES_MAX];
	size_t nhomes;
	uint32_t total;
	bool low, up;
};

struct pool {
	struct pool_options o;
	struct timer tick;
	uint64_t probe_due_ms;
	struct pool_realm *realms[POOL_REALMS_MAX];
	size_t nrealms;
};

static int pool_probe_kernel(const struct addr *bind_addr)
{
	struct sockaddr_storage sa;
	struct addr a = *bind_addr;
	socklen_t len;
	int fd, err = 0;

	a.port = 0;
	len = addr_to_sockaddr(&a, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		err = -errno;
	close(fd);
	return err;
}

static uint32_t realm_count(const struct pool_realm *r, enum pool_state state)
{
	uint32_t n = 0;

	for (size_t i = 0; i < r->nhomes; i++)
		n += pool_ring_count(r->homes[i].ring, state);
	return n;
}

static void pool_tell(struct pool *p, enum pool_event_type type, const struct pool_realm *r)
{
	if (p->o.event)
		p->o.event(p->o.event_arg, type, r->name, realm_count(r, POOL_FREE));
}

static void realm_watermark(struct pool *p, struct pool_realm *r)
{
	uint64_t nfree = realm_count(r, POOL_FREE);

	if (!r->low && nfree * 100 < (uint64_t)r->total * p->o.low_percent) {
		r->low = true;
		pool_tell(p, POOL_EVENT_LOW, r);
	} else if (r->low && nfree * 100 >= (uint64_t)r->total * p->o.ok_percent) {
		r->low = false;
		pool_tell(p, POOL_EVENT_OK, r);
	}
}

/* A realm is up while one of its addresses is. */
static void home_set_up(struct pool *p, struct pool_realm *r, struct pool_home *h, bool up)
{
	bool any = false;

	h->up = up;
	for (size_t i = 0; i < r->nhomes; i++)
		any = any || r->homes[i].up;
	if (any == r->up)
		return;
	r->up = any;
	pool_tell(p, any ? POOL_EVENT_UP : POOL_EVENT_DOWN, r);
}

/* Sockets that are kept open do not tell that their address has left the host. */
static void home_probe(struct pool *p, struct pool_realm *r, struct pool_home *h)
{
	int err = p->o.probe(&h->conf.bind);

	if (h->up ? err == -EADDRNOTAVAIL : err == 0)
		home_set_up(p, r, h, !h->up);
}

static void pool_on_tick(void *arg)
{
	struct pool *p = arg;
	uint64_t now_ms = clock_now_ms();
	bool probe = now_ms >= p->probe_due_ms;

	if (probe)
		p->probe_due_ms = now_ms + POOL_PROBE_MS;
	for (size_t i = 0; i < p->nrealms; i++) {
		struct pool_realm *r = p->realms[i];

		for (size_t k = 0; k < r->nhomes; k++) {
			struct pool_home *h = &r->homes[k];

			pool_ring_age(h->ring, now_ms);
			if (probe)
				home_probe(p, r, h);
		}
		realm_watermark(p, r);
	}
	timer_start(p->o.wheel, &p->tick, POOL_TICK_MS, pool_on_tick, p);
}

int pool_new(const struct pool_options *o, struct pool **ret_pool)
{
	struct pool *p = mem_zalloc(sizeof(*p), NULL);

	if (!p)
		return -ENOMEM;
	p->o = *o;
	if (!p->o.low_percent)
		p->o.low_percent = 10;
	if (p->o.ok_percent < p->o.low_percent)
		p->o.ok_percent = p->o.low_percent * 2;
	if (!p->o.probe)
		p->o.probe = pool_probe_kernel;
	if (p->o.wheel)
		timer_start(p->o.wheel, &p->tick, POOL_TICK_MS, pool_on_tick, p);
	*ret_pool = p;
	return 0;
}

static void realm_free(struct pool_realm *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nhomes; i++)
		pool_ring_free(r->homes[i].ring);
	mem_unref(r);
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	timer_stop(&p->tick);
	for (size_t i = 0; i < p->nrealms; i++)
		realm_free(p->realms[i]);
	mem_unref(p);
}

/* Another range on the same address that shares a port with a? */
static const struct pool_realm *pool_overlap(const struct pool *p, const struct pool_realm *also,
					     const struct pool_address *a,
					     const struct pool_address **ret_other)
{
	for (size_t i = 0; i <= p->nrealms; i++) {
		const struct pool_realm *r = i < p->nrealms ? p->realms[i] : also;

		for (size_t k = 0; k < r->nhomes; k++) {
			const struct pool_address *b = &r->homes[k].conf;

			if (addr_ip_equal(&a->bind, &b->bind) && a->low <= b->high &&
			    b->low <= a->high) {
				*ret_other = b;
				return r;
			}
		}
	}
	return NULL;
}

static int pool_check_address(const struct pool *p, const struct pool_realm *r,
			      const struct pool_address *a, char why[POOL_WHY_BYTES])
{
	char text[ADDR_TEXT_BYTES];
	const struct pool_address *other;
	const struct pool_realm *holder;
	struct pool_range kernel, range = {a->low, a->high};

	addr_print_ip(&a->bind, false, text, sizeof(text));
	if (addr_is_any(&a->bind) || addr_is_multicast(&a->bind)) {
		snprintf(why, POOL_WHY_BYTES, "realm %s: cannot bind media to %s; name one address",
			 r->name, text);
		return -EINVAL;
	}
	if (a->advertise.family && a->advertise.family != a->bind.family) {
		snprintf(why, POOL_WHY_BYTES,
			 "realm %s: %s cannot be advertised as an address of the other family",
			 r->name, text);
		return -EINVAL;
	}
	holder = pool_overlap(p, r, a, &other);
	if (holder) {
		snprintf(
			why, POOL_WHY_BYTES,
			"realm %s: ports %u-%u on %s overlap %u-%u of realm %s on the same address",
			r->name, a->low, a->high, text, other->low, other->high, holder->name);
		return -EEXIST;
	}
	if (pool_range_check(&range, p->o.ephemeral_file, p->o.reserved_file, &kernel) < 0) {
		snprintf(why, POOL_WHY_BYTES,
			 "realm %s: ports %u-%u overlap the kernel's own %u-%u "
			 "(net.ipv4.ip_local_port_range); move one, or put them in "
			 "net.ipv4.ip_local_reserved_ports",
			 r->name, a->low, a->high, kernel.low, kernel.high);
		return -EINVAL;
	}
	return 0;
}

static int pool_add_home(struct pool *p, struct pool_realm *r, const struct pool_address *a,
			 char why[POOL_WHY_BYTES])
{
	struct pool_home *h = &r->homes[r->nhomes];
	int err = pool_check_address(p, r, a, why);

	if (err)
		return err;
	err = pool_ring_new(a->low, a->high, &h->ring);
	if (err) {
		snprintf(why, POOL_WHY_BYTES, "realm %s: %s", r->name,
			 err == -EINVAL
				 ? "the port range holds no pair of an even port and the next"
				 : "out of memory");
		return err;
	}
	if (p->o.prefer_used)
		pool_ring_prefer_used(h->ring);
	h->conf = *a;
	if (!a->advertise.family)
		h->conf.advertise = a->bind;
	h->up = p->o.probe(&a->bind) != -EADDRNOTAVAIL;
	r->up = r->up || h->up;
	r->total += pool_ring_total(h->ring);
	r->nhomes++;
	return 0;
}

static struct pool_realm *pool_find(const struct pool *p, const char *name, uint8_t *ret_index)
{
	for (size_t i = 0; i < p->nrealms; i++) {
		if (strcmp(p->realms[i]->name, name) == 0) {
			*ret_index = (uint8_t)i;
			return p->realms[i];
		}
	}
	return NULL;
}

int pool_add_realm(struct pool *p, const char *name, const struct pool_address *addresses,
		   size_t naddresses, char ret_why[POOL_WHY_BYTES])
{
	struct pool_realm *r;
	uint8_t index;
	int err = 0;

	if (pool_find(p, name, &index)) {
		snprintf(ret_why, POOL_WHY_BYTES, "realm %s is there twice", name);
		return -EEXIST;
	}
	if (p->nrealms == POOL_REALMS_MAX || naddresses > POOL_ADDRESSES_MAX || naddresses == 0 ||
	    strlen(name) >= POOL_NAME_BYTES) {
		snprintf(ret_why, POOL_WHY_BYTES,
			 "realm %.40s: at most %d realms, each with 1-%d addresses", name,
			 POOL_REALMS_MAX, POOL_ADDRESSES_MAX);
		return -ENOSPC;
	}
	r = mem_zalloc(sizeof(*r), NULL);
	if (!r) {
		snprintf(ret_why, POOL_WHY_BYTES, "out of memory");
		return -ENOMEM;
	}
	strcpy(r->name, name);
	for (size_t i = 0; i < naddresses && !err; i++)
		err = pool_add_home(p, r, &addresses[i], ret_why);
	if (err) {
		realm_free(r);
		return err;
	}
	p->realms[p->nrealms++] = r;
	return 0;
}

/* The address of this family with the most free pairs; near's own address first. */
static int realm_pick(const struct pool_realm *r, uint8_t family, const struct pool_pair *near,
		      uint64_t now_ms, size_t *ret_home)
{
	bool known = false, up = false, found = false;
	uint32_t best = 0;

	for (size_t i = 0; i < r->nhomes; i++) {
		const struct pool_home *h = &r->homes[i];
		uint32_t nfree;

		if (h->conf.bind.family != family)
			continue;
		known = true;
		if (!h->up)
			continue;
		up = true;
		pool_ring_age(h->ring, now_ms);
		nfree = pool_ring_count(h->ring, POOL_FREE);
		if (nfree == 0)
			continue;
		if (near && near->port && near->address == i)
			nfree = UINT32_MAX;
		if (nfree > best) {
			best = nfree;
			*ret_home = i;
			found = true;
		}
	}
	if (found)
		return 0;
	return !known ? -EAFNOSUPPORT : !up ? -ENETDOWN : -ENOSPC;
}

int pool_take(struct pool *p, const char *realm, uint8_t family, const struct pool_pair *near,
	      struct pool_pair *ret_pair)
{
	uint64_t now_ms = clock_now_ms();
	struct pool_pair pair = {0};
	struct pool_realm *r = pool_find(p, realm, &pair.realm);
	size_t home = 0;
	int err;

	if (!r)
		return -ENOENT;
	if (near && near->realm != pair.realm)
		near = NULL;
	err = realm_pick(r, family == ADDR_V6 ? ADDR_V6 : ADDR_V4, near, now_ms, &home);
	if (err == -EAFNOSUPPORT && family == ADDR_NONE)
		err = realm_pick(r, ADDR_V6, near, now_ms, &home);
	if (err == -ENOSPC)
		metric_add(&pool_metrics, POOL_EMPTY, 1);
	if (err)
		return err;
	err = pool_ring_take(r->homes[home].ring, now_ms, &pair.port);
	if (err)
		return err;
	pair.address = (uint8_t)home;
	realm_watermark(p, r);
	*ret_pair = pair;
	return 0;
}

int pool_take_at(struct pool *p, const char *realm, const struct addr *advertised,
		 struct pool_pair *ret_pair)
{
	struct pool_pair pair = {.port = advertised->port};
	struct pool_realm *r = pool_find(p, realm, &pair.realm);
	int err = -EINVAL;

	if (!r)
		return -ENOENT;
	for (size_t i = 0; i < r->nhomes && err == -EINVAL; i++) {
		if (!addr_ip_equal(&r->homes[i].conf.advertise, advertised))
			continue;
		err = pool_ring_take_port(r->homes[i].ring, clock_now_ms(), advertised->port);
		pair.address = (uint8_t)i;
	}
	if (err)
		return err;
	realm_watermark(p, r);
	*ret_pair = pair;
	return 0;
}

void pool_give(struct pool *p, const struct pool_pair *pair)
{
	struct pool_realm *r = p->realms[pair->realm];

	pool_ring_give(r->homes[pair->address].ring, pair->port, POOL_RESTING, clock_now_ms(),
		       p->o.quarantine_ms);
}

void pool_refuse(struct pool *p, const struct pool_pair *pair, int err)
{
	struct pool_realm *r = p->realms[pair->realm];
	struct pool_home *h = &r->homes[pair->address];
	bool taken = err == -EADDRINUSE || err == -EACCES || err == -EPERM;

	if (taken)
		metric_add(&pool_metrics, POOL_BIND_FAILED, 1);
	pool_ring_give(h->ring, pair->port, taken ? POOL_REFUSED : POOL_FREE, clock_now_ms(),
		       POOL_REFUSED_MS);
	if (err == -EADDRNOTAVAIL)
		home_set_up(p, r, h, false);
}

static void pair_addr(const struct addr *ip, const struct pool_pair *pair, bool rtcp,
		      struct addr *ret_addr)
{
	*ret_addr = *ip;
	ret_addr->port = (uint16_t)(pair->port + (rtcp ? 1 : 0));
}

void pool_pair_bind(const struct pool *p, const struct pool_pair *pair, bool rtcp,
		    struct addr *ret_addr)
{
	pair_addr(&p->realms[pair->realm]->homes[pair->address].conf.bind, pair, rtcp, ret_addr);
}

void pool_pair_advertise(const struct pool *p, const struct pool_pair *pair, bool rtcp,
			 struct addr *ret_addr)
{
	pair_addr(&p->realms[pair->realm]->homes[pair->address].conf.advertise, pair, rtcp,
		  ret_addr);
}

size_t pool_realms(const struct pool *p)
{
	return p->nrealms;
}

int pool_realm_view(const struct pool *p, size_t realm, struct pool_realm_view *ret_view)
{
	struct pool_realm_view v = {0};
	const struct pool_realm *r;

	if (realm >= p->nrealms)
		return -ENOENT;
	r = p->realms[realm];
	v.name = r->name;
	v.total = r->total;
	v.up = r->up;
	v.naddresses = r->nhomes;
	for (int s = 0; s < POOL_STATES; s++)
		v.count[s] = realm_count(r, (enum pool_state)s);
	for (size_t i = 0; i < r->nhomes; i++) {
		v.ipv4 = v.ipv4 || r->homes[i].conf.bind.family == ADDR_V4;
		v.ipv6 = v.ipv6 || r->homes[i].conf.bind.family == ADDR_V6;
	}
	*ret_view = v;
	return 0;
}

bool pool_owns(const struct pool *p, const struct addr *a)
{
	for (size_t i = 0; i < p->nrealms; i++) {
		for (size_t k = 0; k < p->realms[i]->nhomes; k++) {
			const struct pool_address *h = &p->realms[i]->homes[k].conf;

			if (!addr_ip_equal(&h->bind, a) && !addr_ip_equal(&h->advertise, a))
				continue;
			if (!addr_is_loopback(a) || (a->port >= h->low && a->port <= h->high))
				return true;
		}
	}
	return false;
}

int pool_address_view(const struct pool *p, size_t realm, size_t address,
		      struct pool_address_view *ret_view)
{
	const struct pool_home *h;

	if (realm >= p->nrealms || address >= p->realms[realm]->nhomes)
		return -ENOENT;
	h = &p->realms[realm]->homes[address];
	*ret_view = (struct pool_address_view){.bind = h->conf.bind,
					       .advertise = h->conf.advertise,
					       .low = h->conf.low,
					       .high = h->conf.high,
					       .total = pool_ring_total(h->ring),
					       .up = h->up};
	for (int s = 0; s < POOL_STATES; s++)
		ret_view->count[s] = pool_ring_count(h->ring, (enum pool_state)s);
	return 0;
}

void pool_publish(const struct pool *p)
{
	static const int gauges[POOL_STATES] = {[POOL_FREE] = POOL_PORTS_FREE,
						[POOL_USED] = POOL_PORTS_USED,
						[POOL_RESTING] = POOL_PORTS_RESTING,
						[POOL_REFUSED] = POOL_PORTS_REFUSED};

	for (int s = 0; s < POOL_STATES; s++) {
		uint32_t n = 0;

		for (size_t i = 0; i < p->nrealms; i++)
			n += realm_count(p->realms[i], (enum pool_state)s);
		metric_set(&pool_metrics, gauges[s], n);
	}
}
