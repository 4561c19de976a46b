/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dbe/context/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"

struct rig rig;
struct path_fake_packet rig_out;

static int rig_probe(const struct addr *bind)
{
	(void)bind;
	return 0;
}

static void rig_on_event(void *arg, const char *controller, uint32_t context,
			 const char *termination, const struct gate_event *event)
{
	size_t at = strlen(rig.events);

	(void)arg;
	(void)context;
	rig.last = *event;
	snprintf(rig.events + at, sizeof(rig.events) - at, "%s:%.4s:%s;", controller, termination,
		 gate_event_name(event->type));
}

static void rig_on_pool(void *arg, enum pool_event_type type, const char *realm, uint32_t value)
{
	(void)arg;
	if (rig.store)
		context_on_pool_event(rig.store, type, realm, value);
}

struct addr rig_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

int rig_setup(void **state)
{
	struct pool_options o = {.quarantine_ms = 5000,
				 .ephemeral_file = "/dev/null",
				 .probe = rig_probe,
				 .event = rig_on_pool};
	struct pool_address core = {.bind = rig_addr("127.0.0.1"), .low = 20000, .high = 20199};
	struct pool_address peering[2] = {
		{.bind = rig_addr("127.0.0.3"), .low = 20000, .high = 20199},
		{.bind = rig_addr("::1"), .low = 20000, .high = 20199}};
	struct pool_address tiny = {.bind = rig_addr("127.0.0.4"), .low = 20000, .high = 20003};
	struct context_options co = {.host = &rig.host, .contexts_max = 40};
	struct path_options po = {0};
	char why[256];

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.live = mem_live();
	clock_fake(1000000000, 1700000000000);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &rig.host.wheel), 0);
	o.wheel = rig.host.wheel;
	assert_int_equal(pool_new(&o, &rig.host.pool), 0);
	assert_int_equal(pool_add_realm(rig.host.pool, "core", &core, 1, why), 0);
	assert_int_equal(pool_add_realm(rig.host.pool, "peering", peering, 2, why), 0);
	assert_int_equal(pool_add_realm(rig.host.pool, "tiny", &tiny, 1, why), 0);
	assert_int_equal(path_fake.create(NULL, &po, &rig.host.path), 0);
	assert_int_equal(context_store_new(&co, &rig.store), 0);
	context_on_event(rig.store, rig_on_event, NULL);
	return 0;
}

int rig_teardown(void **state)
{
	(void)state;
	context_store_free(rig.store);
	rig.store = NULL;
	assert_int_equal(path_fake_ends(rig.host.path), 0);
	path_fake.destroy(rig.host.path);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(rig_ports(i, POOL_USED), 0);
	pool_free(rig.host.pool);
	assert_int_equal(timer_wheel_count(rig.host.wheel), 0);
	timer_wheel_free(rig.host.wheel);
	clock_real();
	assert_int_equal(mem_live(), rig.live);
	return 0;
}

void rig_pass_ms(uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 10) {
		clock_advance_ms(10);
		timer_wheel_run(rig.host.wheel, clock_now_ms());
	}
}

void rig_begin(int context_ref, uint32_t context)
{
	gate_action_clear(&rig.request);
	rig.request.context_ref = (uint8_t)context_ref;
	rig.request.context = context;
}

struct gate_command *rig_command(int type, int ref, const char *termination)
{
	struct gate_command *c = gate_action_add(&rig.request, type, ref);

	assert_non_null(c);
	snprintf(c->termination, sizeof(c->termination), "%s", termination);
	return c;
}

struct gate_stream *rig_stream(struct gate_command *c, uint32_t id)
{
	struct gate_stream *s = &c->streams[c->nstreams++];

	gate_stream_clear(s);
	s->id = id;
	return s;
}

void rig_set_remote(struct gate_stream *s, const char *remote)
{
	s->has |= GATE_HAS_REMOTE;
	s->remote_rtp = rig_addr(remote);
}

void rig_set_mode(struct gate_stream *s, int mode)
{
	s->has |= GATE_HAS_MODE;
	s->mode = (uint8_t)mode;
}

struct gate_command *rig_add(const char *realm, const char *remote)
{
	struct gate_command *c = rig_command(GATE_ADD, GATE_REF_CHOOSE, "");
	struct gate_stream *s = rig_stream(c, 1);

	snprintf(c->realm, sizeof(c->realm), "%s", realm);
	rig_set_mode(s, GATE_SENDRECV);
	if (remote)
		rig_set_remote(s, remote);
	return c;
}

int rig_run_as(const char *controller)
{
	assert_int_equal(context_execute(rig.store, controller, &rig.request, &rig.reply), 0);
	return rig.reply.ncommands ? rig.reply.commands[rig.reply.ncommands - 1].code : 0;
}

int rig_run(void)
{
	return rig_run_as("sbe1");
}

uint32_t rig_call(char core[GATE_NAME_BYTES], char peering[GATE_NAME_BYTES], struct addr local[2])
{
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("core", "192.0.2.1:4000");
	rig_add("peering", "192.0.2.2:5000");
	assert_int_equal(rig_run(), 0);
	assert_int_equal(rig.reply.ncommands, 2);
	assert_int_equal(rig.reply.commands[0].code, 0);
	if (core)
		strcpy(core, rig.reply.commands[0].termination);
	if (peering)
		strcpy(peering, rig.reply.commands[1].termination);
	for (int i = 0; local && i < 2; i++)
		local[i] = rig.reply.commands[i].streams[0].local_rtp;
	return rig.reply.context;
}

bool rig_send(const struct addr *to, const char *from)
{
	uint8_t packet[172] = {0x80, 8};
	struct addr source = rig_addr(from);

	path_fake_deliver(rig.host.path, to, &source, packet, sizeof(packet));
	return path_fake_take(rig.host.path, &rig_out) == 0;
}

uint32_t rig_ports(size_t realm, enum pool_state state)
{
	struct pool_realm_view v;

	assert_int_equal(pool_realm_view(rig.host.pool, realm, &v), 0);
	return v.count[state];
}
