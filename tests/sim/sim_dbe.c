/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_dbe - dbes of this repository: contexts, ports and gate control are the real ones, packets go through the
 * fake data plane (dbe/path/path_fake.h), connections over sim_stream.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/context/context_store.h"
#include "dbe/gate/gate_server.h"
#include "dbe/path/path_fake.h"
#include "tests/sim/sim.h"

#define QUARANTINE_MS 300
#define PORT_LOW 30000
#define PORT_HIGH 30199

static struct sim_dbe {
	bool up;
	struct timer_wheel *wheel;
	struct flow_host host;
	struct context_store *store;
	struct gate_server *server;
} dbes[SIM_DBES];

static int here(const struct addr *bind)
{
	(void)bind;
	return 0;
}

static void on_pool_event(void *arg, enum pool_event_type type, const char *realm, uint32_t value)
{
	struct sim_dbe *d = arg;

	if (d->store)
		context_on_pool_event(d->store, type, realm, value);
}

static void on_context_event(void *arg, const char *controller, uint32_t context,
			     const char *termination, const struct gate_event *event)
{
	gate_server_event(((struct sim_dbe *)arg)->server, controller, context, termination, event);
}

static int execute(void *arg, const char *controller, const struct gate_action *request,
		   struct gate_action *ret_reply)
{
	return context_execute(arg, controller, request, ret_reply);
}

static size_t clear(void *arg, const char *controller)
{
	return context_clear(arg, controller);
}

static size_t count(void *arg, const char *controller)
{
	return context_count(arg, controller);
}

static void describe(void *arg, struct gate_service_change *ret_change)
{
	context_describe(arg, ret_change);
}

static void set_draining(void *arg, bool draining)
{
	context_set_draining(arg, draining);
}

static void add_realm(struct sim_dbe *d, const char *name, const char *text)
{
	struct pool_address a = {.low = PORT_LOW, .high = PORT_HIGH};
	char why[256];

	if (addr_parse(text, &a.bind) || pool_add_realm(d->host.pool, name, &a, 1, why))
		sim_breach("dbe: realm %s", name);
}

static void start_media(struct sim_dbe *d, unsigned i)
{
	struct pool_options o = {.wheel = d->wheel,
				 .quarantine_ms = QUARANTINE_MS,
				 .ephemeral_file = "/dev/null",
				 .reserved_file = "/dev/null",
				 .probe = here,
				 .event = on_pool_event,
				 .event_arg = d};
	struct context_options co = {.host = &d->host};
	struct path_options po = {0};
	char text[32];
	int err = pool_new(&o, &d->host.pool);

	if (err)
		sim_breach("dbe: pool");
	snprintf(text, sizeof(text), "10.0.0.%u", 2 + i);
	add_realm(d, "core", text);
	snprintf(text, sizeof(text), "203.0.113.%u", 2 + i);
	add_realm(d, "peering", text);
	d->host.wheel = d->wheel;
	if (path_fake.create(NULL, &po, &d->host.path) || context_store_new(&co, &d->store))
		sim_breach("dbe: contexts");
}

void sim_dbe_up(unsigned i)
{
	struct sim_dbe *d = &dbes[i];
	struct gate_executor x = {.execute = execute,
				  .clear = clear,
				  .count = count,
				  .describe = describe,
				  .set_draining = set_draining};
	struct gate_server_options o = {.ncontrollers = 1,
					.epoch = clock_wall_ms(),
					.hold_s = 2 * sim.plan.hold_s,
					.heartbeat_ms = sim.plan.heartbeat_ms};
	struct addr sbe;
	char name[16];

	if (d->up)
		return;
	memset(d, 0, sizeof(*d));
	if (addr_parse("127.0.0.1:2944", &sbe) || timer_wheel_new(clock_now_ms(), &d->wheel))
		sim_breach("dbe: timers");
	timer_wheel_set_clock(d->wheel, clock_now_ms);
	start_media(d, i);
	snprintf(name, sizeof(name), "dbe%u", i + 1);
	o.name = name;
	o.controllers = &sbe;
	x.arg = d->store;
	if (gate_server_new(&o, &x, d->wheel, &d->server) || gate_server_start(d->server, NULL))
		sim_breach("dbe: gate control");
	context_on_event(d->store, on_context_event, d);
	d->up = true;
	sim_trace("-- dbe%u is up", i + 1);
}

static void down(struct sim_dbe *d)
{
	if (!d->up)
		return;
	context_on_event(d->store, NULL, NULL);
	gate_server_free(d->server);
	context_store_free(d->store);
	d->store = NULL;
	if (path_fake_ends(d->host.path))
		sim_breach("dbe: %zu ends are open without a context",
			   path_fake_ends(d->host.path));
	path_fake.destroy(d->host.path);
	pool_free(d->host.pool);
	timer_wheel_free(d->wheel);
	d->up = false;
}

void sim_dbe_crash(unsigned i, bool silent)
{
	if (!dbes[i].up)
		return;
	sim_count(COVER_DBE_CRASHES);
	sim_trace("-- dbe%u crashes%s", i + 1, silent ? " without a word" : "");
	sim_stream_silent(silent);
	down(&dbes[i]);
	sim_stream_silent(false);
}

bool sim_dbe_is_up(unsigned i)
{
	return dbes[i].up;
}

void sim_dbe_drain(unsigned i, bool drain)
{
	if (!dbes[i].up || gate_server_draining(dbes[i].server) == drain)
		return;
	sim_trace("-- dbe%u %s", i + 1, drain ? "drains" : "drains no more");
	if (drain)
		sim_count(COVER_DBE_DRAINS);
	gate_server_drain(dbes[i].server, drain);
}

void sim_dbe_down_all(void)
{
	for (unsigned i = 0; i < SIM_DBES; i++)
		down(&dbes[i]);
}

/* ---- time */

void sim_dbe_tick(void)
{
	for (unsigned i = 0; i < SIM_DBES; i++) {
		if (dbes[i].up)
			timer_wheel_run(dbes[i].wheel, clock_now_ms());
	}
}

int64_t sim_dbe_next_ms(void)
{
	int64_t best = -1;

	for (unsigned i = 0; i < SIM_DBES; i++) {
		int64_t ms = dbes[i].up ? timer_wheel_next_ms(dbes[i].wheel, clock_now_ms()) : -1;

		if (ms >= 0 && (best < 0 || ms < best))
			best = ms;
	}
	return best;
}

bool sim_dbe_packet(const struct addr *from, const struct addr *to, unsigned payload,
		    struct addr *ret_from, struct addr *ret_to)
{
	static struct path_fake_packet out;
	static uint16_t sequence;
	uint8_t rtp[172] = {0x80, (uint8_t)payload, (uint8_t)(++sequence >> 8), (uint8_t)sequence};

	for (unsigned i = 0; i < SIM_DBES; i++) {
		struct path *p = dbes[i].up ? dbes[i].host.path : NULL;

		if (!p || path_fake_deliver(p, to, from, rtp, sizeof(rtp)) ||
		    path_fake_take(p, &out))
			continue;
		*ret_from = out.from;
		*ret_to = out.to;
		return true;
	}
	return false;
}

/* ---- what is there */

size_t sim_dbe_contexts(void)
{
	size_t n = 0;

	for (unsigned i = 0; i < SIM_DBES; i++)
		n += dbes[i].up ? context_count(dbes[i].store, NULL) : 0;
	return n;
}

size_t sim_dbe_ends(void)
{
	size_t n = 0;

	for (unsigned i = 0; i < SIM_DBES; i++)
		n += dbes[i].up ? path_fake_ends(dbes[i].host.path) : 0;
	return n;
}

size_t sim_dbe_ports_used(void)
{
	struct pool_realm_view v;
	size_t n = 0;

	for (unsigned i = 0; i < SIM_DBES; i++) {
		for (size_t r = 0; dbes[i].up && !pool_realm_view(dbes[i].host.pool, r, &v); r++)
			n += v.count[POOL_USED];
	}
	return n;
}

size_t sim_dbe_timers(void)
{
	size_t n = 0;

	for (unsigned i = 0; i < SIM_DBES; i++)
		n += dbes[i].up ? timer_wheel_count(dbes[i].wheel) : 0;
	return n;
}
