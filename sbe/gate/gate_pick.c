/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which dbe gets the next context: of two taken at random the one with the lower load. Two random
 * ones instead of the best of all: the load is up to a second old, and the best would be flooded.
 */
#include <errno.h>
#include <string.h>

#include "sbe/gate/gate_private.h"

/* Differences below this are noise; then the number of contexts decides, which is exact. */
#define LOAD_STEP_PERCENT 10U

struct gate_realm_state *gate_dbe_realm(struct gate_dbe *d, uint16_t realm)
{
	size_t i;

	for (i = 0; i < d->nrealms; i++)
		if (d->realms[i].name == realm)
			return &d->realms[i];
	return NULL;
}

bool gate_dbe_in_service(const struct gate_dbe *d)
{
	return d->health != GATE_DBE_LOST && !d->drained && !d->draining;
}

static bool family_fits(const struct gate_realm_state *r, uint8_t family)
{
	return family == ADDR_V4 ? r->ipv4 : family == ADDR_V6 ? r->ipv6 : r->ipv4 || r->ipv6;
}

/* @return 0, -ENOSYS: not there, -ENODEV: does not fit, -ENOSPC: full, -EBUSY: tripped. */
static int fits(struct gate_dbe *d, const struct gate_wish *w)
{
	const struct gate_realm_state *r[2];
	int side;

	if (d->health == GATE_DBE_LOST)
		return -ENOSYS;
	/* RFC 3525 7.2.8: while draining only emergencies are let in. */
	if (!gate_dbe_in_service(d) && !w->emergency)
		return -ENODEV;
	for (side = 0; side < 2; side++) {
		r[side] = gate_dbe_realm(d, w->realm[side]);
		if (!r[side] || !r[side]->up || !family_fits(r[side], w->family[side]))
			return -ENODEV;
	}
	for (side = 0; side < 2; side++)
		if (r[side]->ports_total &&
		    r[side]->ports_free < w->nstreams * (r[0] == r[1] ? 2 : 1))
			return -ENOSPC;
	if (d->contexts_max && d->ncontexts + d->nopenings >= d->contexts_max)
		return -ENOSPC;
	if (d->health == GATE_DBE_TRIPPED || (d->probation && d->nopenings))
		return -EBUSY;
	return 0;
}

static unsigned load_of(struct gate_dbe *d, const struct gate_wish *w)
{
	unsigned load = d->load_percent;
	int side;

	for (side = 0; side < 2; side++) {
		const struct gate_realm_state *r = gate_dbe_realm(d, w->realm[side]);
		unsigned used = 0;

		if (r && r->ports_total && r->ports_free <= r->ports_total)
			used = (unsigned)((uint64_t)(r->ports_total - r->ports_free) * 100 /
					  r->ports_total);
		load = used > load ? used : load;
	}
	return load / LOAD_STEP_PERCENT;
}

static struct gate_dbe *lighter(struct gate_dbe *a, struct gate_dbe *b, const struct gate_wish *w)
{
	unsigned load_a = load_of(a, w), load_b = load_of(b, w);

	if (load_a != load_b)
		return load_a < load_b ? a : b;
	return a->ncontexts + a->nopenings <= b->ncontexts + b->nopenings ? a : b;
}

/* xorshift64*: spreads load, decides nothing a peer could profit from */
static uint64_t draw(struct gate_pool *p)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return (p->random * 2685821657736338717ULL) >> 16;
}

static struct gate_dbe *one_of(struct gate_pool *p, struct gate_dbe **list, size_t n,
			       const struct gate_wish *w)
{
	size_t a, b;

	if (n == 1)
		return list[0];
	a = draw(p) % n;
	b = draw(p) % (n - 1);
	return lighter(list[a], list[b >= a ? b + 1 : b], w);
}

int gate_pick(struct gate_pool *p, const struct gate_wish *w, struct gate_dbe **ret_dbe)
{
	struct gate_dbe *good[GATE_DBES_MAX], *tripped[GATE_DBES_MAX];
	size_t ngood = 0, ntripped = 0, i;
	int err = -ENOSYS;

	for (i = 0; i < p->ndbes; i++) {
		int why;

		if (w->tried & (1ULL << i))
			continue;
		why = fits(p->dbes[i], w);
		if (!why)
			good[ngood++] = p->dbes[i];
		else if (why == -EBUSY)
			tripped[ntripped++] = p->dbes[i];
		else if (why == -ENOSPC || (why == -ENODEV && err == -ENOSYS))
			err = why;
	}
	/* A doubtful dbe is better than none: after a pause of our own all of them look slow. */
	if (ngood)
		*ret_dbe = one_of(p, good, ngood, w);
	else if (ntripped)
		*ret_dbe = one_of(p, tripped, ntripped, w);
	else
		return err;
	return 0;
}

int gate_available(const struct gate_pool *p, const char *realm0, const char *realm1)
{
	int err = -ENOSYS;
	size_t i;

	for (i = 0; i < p->ndbes; i++) {
		const struct gate_dbe *d = p->dbes[i];
		const char *want[2] = {realm0, realm1};
		int found = 0, side;
		size_t k;

		if (d->health == GATE_DBE_LOST)
			continue;
		err = -ENODEV;
		if (!gate_dbe_in_service(d))
			continue;
		for (side = 0; side < 2; side++) {
			for (k = 0; k < d->nrealms; k++) {
				if (d->realms[k].up &&
				    !strcmp(gate_pool_realm_name(p, d->realms[k].name),
					    want[side])) {
					found++;
					break;
				}
			}
		}
		if (found == 2)
			return 0;
	}
	return err;
}
