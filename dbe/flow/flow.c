/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/flow/flow.h"

#include <errno.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/media/silence.h"

#define FLOW_BIND_TRIES 8

struct flow {
	const struct flow_host *host;
	struct path_end *end;
	struct pool_pair pair;
	struct flow_settings settings;
	struct silence silence;
	struct timer silence_timer;
	uint64_t opened_us;
	flow_event_h *event;
	void *event_arg;
};

static void flow_tell(struct flow *f, enum flow_event_type type, const struct addr *addr,
		      uint64_t value)
{
	struct flow_event e = {.type = type, .value = value};

	if (addr)
		e.addr = *addr;
	if (f->event)
		f->event(f->event_arg, &e);
}

static void flow_on_path_event(void *arg, const struct path_event *event)
{
	static const enum flow_event_type types[PATH_EVENTS] = {
		[PATH_EVENT_LATCHED] = FLOW_EVENT_LATCHED,
		[PATH_EVENT_SOURCE] = FLOW_EVENT_SOURCE,
		[PATH_EVENT_POLICED] = FLOW_EVENT_POLICED};

	flow_tell(arg, types[event->type], &event->addr, event->value);
}

/* One timer per watched flow, due when silence would begin: a stream with media costs one look per period. */
static void flow_on_silence_timer(void *arg)
{
	struct flow *f = arg;
	struct path_counters c;
	uint32_t next_ms;

	f->host->path->ops->read(f->end, &c);
	switch (silence_check(&f->silence, c.last_us, clock_now_us(), &next_ms)) {
	case SILENCE_BEGAN:
		flow_tell(f, FLOW_EVENT_SILENCE, NULL, 0);
		break;
	case SILENCE_ENDED:
		flow_tell(f, FLOW_EVENT_RESUMED, NULL, 0);
		break;
	case SILENCE_SAME:
		break;
	}
	if (next_ms)
		timer_start(f->host->wheel, &f->silence_timer, next_ms, flow_on_silence_timer, f);
}

static void flow_watch(struct flow *f)
{
	const struct flow_settings *s = &f->settings;

	silence_set(&f->silence, flow_mode_receives(s->mode), s->silence_ms, s->first_packet_ms,
		    clock_now_us());
	if (f->silence.watching)
		timer_start(f->host->wheel, &f->silence_timer, 0, flow_on_silence_timer, f);
	else
		timer_stop(&f->silence_timer);
}

static int flow_take(const struct flow_host *host, const struct flow_place *place,
		     struct pool_pair *ret_pair)
{
	if (place->local)
		return pool_take_at(host->pool, place->realm, place->local, ret_pair);
	return pool_take(host->pool, place->realm, place->family,
			 place->near ? &place->near->pair : NULL, ret_pair);
}

/* Take and bind until a pair works. */
static int flow_bind(struct flow *f, const struct flow_place *place)
{
	struct path_open o = {.event = flow_on_path_event, .event_arg = f};
	int tries = place->local ? 1 : FLOW_BIND_TRIES, err = 0, taken;

	flow_rules(&f->settings, &o.rules);
	for (int i = 0; i < tries; i++) {
		taken = flow_take(f->host, place, &f->pair);
		/* Say why the pairs we had did not work rather than that there are none left. */
		if (taken)
			return err ? err : taken;
		for (int port = 0; port < PATH_PORTS; port++)
			pool_pair_bind(f->host->pool, &f->pair, port == PATH_RTCP, &o.local[port]);
		err = f->host->path->ops->open(f->host->path, &o, &f->end);
		if (!err)
			return 0;
		pool_refuse(f->host->pool, &f->pair, err);
		if (err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS)
			break;
	}
	return err;
}

int flow_open(const struct flow_host *host, const struct flow_place *place,
	      const struct flow_settings *settings, struct flow **ret_flow)
{
	struct flow *f = mem_zalloc(sizeof(*f), NULL);
	int err;

	if (!f)
		return -ENOMEM;
	f->host = host;
	f->settings = *settings;
	f->opened_us = clock_now_us();
	err = flow_bind(f, place);
	if (err) {
		mem_unref(f);
		return err;
	}
	flow_watch(f);
	*ret_flow = f;
	return 0;
}

void flow_on_event(struct flow *f, flow_event_h *fn, void *arg)
{
	f->event = fn;
	f->event_arg = arg;
}

void flow_join(struct flow *a, struct flow *b)
{
	a->host->path->ops->join(a->end, b->end);
}

void flow_change(struct flow *f, const struct flow_settings *settings)
{
	struct path_rules rules;
	bool rearm = flow_settings_rearm(&f->settings, settings);

	f->settings = *settings;
	flow_rules(settings, &rules);
	f->host->path->ops->change(f->end, &rules, rearm);
	flow_watch(f);
}

const struct flow_settings *flow_settings_of(const struct flow *f)
{
	return &f->settings;
}

void flow_local(const struct flow *f, enum path_port port, struct addr *ret_addr)
{
	pool_pair_advertise(f->host->pool, &f->pair, port == PATH_RTCP, ret_addr);
}

uint8_t flow_family(const struct flow *f)
{
	struct addr a;

	flow_local(f, PATH_RTP, &a);
	return a.family;
}

void flow_read(const struct flow *f, struct flow_view *ret_view)
{
	struct flow_view *v = ret_view;
	uint64_t from_us;

	f->host->path->ops->read(f->end, &v->counters);
	v->settings = &f->settings;
	for (int port = 0; port < PATH_PORTS; port++)
		flow_local(f, (enum path_port)port, &v->local[port]);
	v->opened_us = f->opened_us;
	v->path = f->host->path->ops->name;
	v->silent_ms = 0;
	if (f->silence.silent) {
		from_us = v->counters.last_us > f->silence.since_us ? v->counters.last_us
								    : f->silence.since_us;
		v->silent_ms = (clock_now_us() - from_us) / 1000;
	}
}

struct flow *flow_close(struct flow *f)
{
	if (!f)
		return NULL;
	timer_stop(&f->silence_timer);
	f->host->path->ops->close(f->end);
	pool_give(f->host->pool, &f->pair);
	mem_unref(f);
	return NULL;
}
