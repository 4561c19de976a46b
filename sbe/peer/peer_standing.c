/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_standing - one small watcher per next hop with its timer, like peer_probe. It only says "stand" again and again:
 * the transport opens what is missing and keeps what is there.
 */
#include "sbe/peer/peer_standing.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "sbe/sip/wire_out.h"

#define SUBSYSTEM "peer"
#define AGAIN_MS (TRANSPORT_STAND_MS / 3)
#define BACKOFF_FIRST_MS 500U
#define BACKOFF_MAX_MS 30000U

struct stand {
	struct peer_standing *ps;
	struct peer *peer; /* reference */
	size_t hop;
	struct timer timer;
	uint32_t backoff_ms;
	bool is_down; /* we found it so, and it is ours to find it up */
};

struct peer_standing {
	struct peer_standing_options o;
	struct peer_set *set;
	struct stand *stands;
	size_t n;
};

static void stand(void *arg);

/* Between half and all of it. */
static uint32_t jitter(uint32_t ms)
{
	char token[9];

	wire_random_token(token, sizeof(token), 32);
	return ms / 2 + (uint32_t)(strtoul(token, NULL, 16) % (ms / 2 + 1));
}

static void found_up(struct stand *s)
{
	struct peer *p = s->peer;

	s->backoff_ms = BACKOFF_FIRST_MS;
	timer_start(s->ps->o.wheel, &s->timer, AGAIN_MS, stand, s);
	if (!s->is_down)
		return;
	s->is_down = false;
	peer_hop_set_down(p, s->hop, NULL);
	peer_set_measure(s->ps->set);
	LOG_NOTICE(SUBSYSTEM, "peer %s: next hop %s is connected again", p->name,
		   p->hops[s->hop].uri);
}

static void found_down(struct stand *s, const char *why)
{
	struct peer *p = s->peer;
	char text[64];

	timer_start(s->ps->o.wheel, &s->timer, jitter(s->backoff_ms), stand, s);
	s->backoff_ms = s->backoff_ms * 2 < BACKOFF_MAX_MS ? s->backoff_ms * 2 : BACKOFF_MAX_MS;
	if (s->is_down)
		return;
	s->is_down = true;
	snprintf(text, sizeof(text), "no connection: %s", why);
	peer_hop_set_down(p, s->hop, text);
	peer_set_measure(s->ps->set);
	LOG_WARN(SUBSYSTEM, "peer %s: next hop %s has no connection: %s%s", p->name,
		 p->hops[s->hop].uri, why, p->down ? "; no next hop is left" : "");
}

static struct transport_target target(const struct stand *s)
{
	const struct peer_hop *hop = &s->peer->hops[s->hop];

	return (struct transport_target){.proto = (uint8_t)hop->proto,
					 .to = hop->addr,
					 .peer = s->peer->state->number,
					 .listener =
						 s->ps->o.listener(s->ps->o.arg, s->peer, s->hop)};
}

static void stand(void *arg)
{
	struct stand *s = arg;
	struct transport_target to = target(s);
	int r = to.listener ? s->ps->o.stand(s->ps->o.arg, &to) : -EADDRNOTAVAIL;

	if (r == -ENOMEM) /* says nothing about the hop */
		r = 0;
	if (r > 0)
		found_up(s);
	else if (r < 0)
		found_down(s, strerror(-r));
	else /* what becomes of it is told by link; this is for the case that it is not */
		timer_start(s->ps->o.wheel, &s->timer, AGAIN_MS, stand, s);
}

void peer_standing_link(struct peer_standing *ps, const struct transport_target *to, bool up,
			int err)
{
	for (size_t i = 0; i < ps->n; i++) {
		struct stand *s = &ps->stands[i];
		const struct peer_hop *hop = &s->peer->hops[s->hop];

		if (hop->proto != (enum transport_proto)to->proto ||
		    !addr_equal(&hop->addr, &to->to) ||
		    (to->peer && to->peer != s->peer->state->number) ||
		    strcmp(s->peer->conf->realm, transport_realm(to->listener)))
			continue;
		if (up)
			found_up(s);
		else
			found_down(s, strerror(-err));
	}
}

/* ---- who is watched */

static void drop(struct stand *stands, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		timer_stop(&stands[i].timer);
		mem_unref(stands[i].peer);
	}
	mem_free(stands);
}

static void standing_destroy(void *obj)
{
	struct peer_standing *ps = obj;

	drop(ps->stands, ps->n);
}

int peer_standing_new(const struct peer_standing_options *o, struct peer_standing **ret_standing)
{
	struct peer_standing *ps = mem_zalloc(sizeof(*ps), standing_destroy);

	if (!ps)
		return -ENOMEM;
	ps->o = *o;
	*ret_standing = ps;
	return 0;
}

void peer_standing_free(struct peer_standing *ps)
{
	mem_unref(ps);
}

static bool is_wanted(const struct peer *p, size_t hop)
{
	return p->conf->standing && p->hops[hop].proto != TRANSPORT_UDP;
}

static int count(struct peer *p, void *arg)
{
	for (size_t i = 0; i < p->nhops; i++)
		*(size_t *)arg += is_wanted(p, i);
	return 0;
}

static int start(struct peer *p, void *arg)
{
	struct peer_standing *ps = arg;

	for (size_t i = 0; i < p->nhops; i++) {
		struct stand *s = &ps->stands[ps->n];

		if (!is_wanted(p, i))
			continue;
		/* One that was down when the configuration was read again is still ours to find up. */
		*s = (struct stand){.ps = ps,
				    .peer = mem_ref(p),
				    .hop = i,
				    .backoff_ms = BACKOFF_FIRST_MS,
				    .is_down = p->hops[i].down};
		timer_start(ps->o.wheel, &s->timer, 0, stand, s);
		ps->n++;
	}
	return 0;
}

int peer_standing_watch(struct peer_standing *ps, struct peer_set *set)
{
	struct stand *stands;
	size_t n = 0;

	peer_each(set, count, &n);
	stands = mem_buffer((n + 1) * sizeof(*stands));
	if (!stands)
		return -ENOMEM;
	drop(ps->stands, ps->n);
	ps->stands = stands;
	ps->n = 0;
	ps->set = set;
	peer_each(set, start, ps);
	return 0;
}
