/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/gate/gate_user.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "proto/result.h"
#include "sbe/gate/gate_metric.h"
#include "tests/unit/sbe/gate/fake_dbe.h"

struct gate_pool *pool;
static struct timer_wheel *wheel;

int setup(void **state)
{
	(void)state;
	return fake_setup(&pool, &wheel);
}

int teardown(void **state)
{
	(void)state;
	assert_int_equal(gate_pool_contexts(pool), 0);
	return fake_teardown();
}

void on_reply(void *arg, int err, const struct gate_action *reply)
{
	struct user *u = arg;

	u->replies++;
	u->err = err;
	u->code = err == -EPROTO && reply ? reply->commands[0].code : 0;
	if (!err)
		u->context = reply->context;
}

void on_final(void *arg, int err, const struct gate_final *final)
{
	struct user *u = arg;
	int side;

	u->finals++;
	u->final_err = err;
	for (side = 0; side < 2; side++)
		u->packets[side] =
			err ? 0 : final->terminations[side].streams[0].statistics.packets_in;
}

static void on_trouble(void *arg, enum gate_trouble what, int side, const struct gate_event *e)
{
	struct user *u = arg;

	u->lost += what == GATE_TROUBLE_LOST;
	u->back += what == GATE_TROUBLE_BACK;
	u->gone += what == GATE_TROUBLE_GONE;
	if (what == GATE_TROUBLE_EVENT) {
		u->events++;
		u->side = side;
		u->event = *e;
	}
}

void open_with(struct user *u, bool emergency)
{
	static struct gate_open_params p;
	int side;

	memset(u, 0, sizeof(*u));
	memset(&p, 0, sizeof(p));
	p.realm[0] = "core";
	p.realm[1] = "peering";
	p.family[0] = p.family[1] = ADDR_V4;
	p.nstreams = 1;
	p.emergency = emergency;
	p.label = "call-1";
	for (side = 0; side < 2; side++) {
		p.streams[side][0].id = 1;
		p.streams[side][0].has = GATE_HAS_MODE;
	}
	assert_int_equal(gate_open(pool, &p, on_reply, u, &u->c), 0);
	assert_int_equal(u->replies, 0);
	gate_on_trouble(u->c, on_trouble, u);
}

void open_gate(struct user *u)
{
	open_with(u, false);
	flow();
}

void close_gate(struct user *u)
{
	gate_close(u->c, on_final, u);
	assert_int_equal(u->finals, 0);
	flow();
	u->c = NULL;
}

void join(int i)
{
	fake_join(&fakes[i], GATE_RESTART, GATE_REASON_COLD);
	assert_int_equal(gate_pool_find(pool, fakes[i].name)->health, GATE_DBE_UP);
}

void modify(struct user *u)
{
	struct gate_stream s;
	struct gate_change change = {{NULL, &s}, {0, 1}};

	gate_stream_clear(&s);
	s.id = 1;
	s.has = GATE_HAS_MODE;
	s.mode = GATE_SENDRECV;
	assert_int_equal(gate_modify(u->c, &change, on_reply, u), 0);
}
