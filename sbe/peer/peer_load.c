/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_load.h"

#include "sbe/peer/peer.h"
#include "sbe/sip/overload.h"

#define SMOOTH 0.25        /* weight of the last tick */
#define FORGET 0.02        /* per tick, of a demand nobody has shown lately */
#define OC_LAPSE_MS 32000U /* a participant offers in each request; silent so long it is none */
#define HALVINGS 24 /* of the search for the level: more than a double's need for any real rate */

void peer_load_init(struct peer_load *l)
{
	*l = (struct peer_load){
		.share = OVERLOAD_WHOLE, .here = OVERLOAD_WHOLE, .most = UINT32_MAX};
}

struct division {
	double total, level;
	double below; /* rates cut at the level, summed */
	uint64_t now_ms;
	uint32_t admit;
};

static int measure(struct peer *p, void *arg)
{
	struct division *d = arg;
	struct peer_load *l = &p->state->load;
	double now = (double)l->offered * 1000 / OVERLOAD_TICK_MS;

	l->rate += SMOOTH * (now - l->rate);
	if (l->rate < 0.01)
		l->rate = 0;
	l->offered = 0;
	l->takes_part = p->conf->overload.consent && l->oc_ms && d->now_ms - l->oc_ms < OC_LAPSE_MS;
	if (!l->takes_part || l->share >= OVERLOAD_WHOLE || !l->share) {
		l->wanted = l->rate;
	} else {
		/* It was asked for less, so what arrives is less than it has; more can only be believed when seen. */
		double behind = l->rate * OVERLOAD_WHOLE / l->share;

		if (behind < l->wanted)
			l->wanted += FORGET * (behind - l->wanted);
		if (l->rate > l->wanted)
			l->wanted = l->rate;
	}
	d->total += l->wanted;
	return 0;
}

static int cut(struct peer *p, void *arg)
{
	struct division *d = arg;
	double wanted = p->state->load.wanted;

	d->below += wanted < d->level ? wanted : d->level;
	return 0;
}

static uint32_t part(double of, double whole)
{
	return of >= whole ? OVERLOAD_WHOLE : (uint32_t)(of / whole * OVERLOAD_WHOLE);
}

static int give(struct peer *p, void *arg)
{
	const struct division *d = arg;
	struct peer_load *l = &p->state->load;

	if (d->admit >= OVERLOAD_WHOLE) {
		l->share = l->here = OVERLOAD_WHOLE;
		l->most = UINT32_MAX;
		return 0;
	}
	/* Of one that has sent nothing all is welcome up to the even part: that is what the others were cut to. */
	l->share = l->wanted > 0  ? part(d->level, l->wanted)
		   : d->level > 0 ? OVERLOAD_WHOLE
				  : d->admit;
	l->most = 1 + (uint32_t)(2 * d->level * OVERLOAD_TICK_MS / 1000);
	l->here = l->takes_part && l->rate > 0 ? part(d->level, l->rate) : l->share;
	return 0;
}

void peer_load_divide(struct peer_set *s, uint32_t admit, uint64_t now_ms)
{
	struct division d = {.now_ms = now_ms, .admit = admit};
	double low = 0, high, aim;

	peer_each(s, measure, &d);
	aim = d.total * admit / OVERLOAD_WHOLE;
	high = d.total;
	for (int i = 0; i < HALVINGS && admit < OVERLOAD_WHOLE; i++) {
		d.level = (low + high) / 2;
		d.below = 0;
		peer_each(s, cut, &d);
		if (d.below > aim)
			high = d.level;
		else
			low = d.level;
	}
	d.level = low;
	peer_each(s, give, &d);
}

uint32_t peer_load_loss(const struct peer_load *l)
{
	return l->share >= OVERLOAD_WHOLE
		       ? 0
		       : 100 - (l->share * 100 + OVERLOAD_WHOLE / 2) / OVERLOAD_WHOLE;
}
