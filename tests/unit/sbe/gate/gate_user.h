/* SPDX-License-Identifier: Apache-2.0 */
/* gate_user - the call layer's place in tests of the pool: one user per context, counting what it is told. */
#ifndef TESTS_UNIT_SBE_GATE_GATE_USER_H
#define TESTS_UNIT_SBE_GATE_GATE_USER_H

#include "tests/unit/sbe/gate/fake_dbe.h"

extern struct gate_pool *pool;

struct user {
	struct gate_context *c;
	size_t replies, finals, lost, back, gone, events;
	int err, final_err, side;
	uint64_t packets[2];
	uint32_t context;
	uint16_t code;
	struct gate_event event;
};

int setup(void **state);
int teardown(void **state);
void on_reply(void *arg, int err, const struct gate_action *reply);
void on_final(void *arg, int err, const struct gate_final *final);
void open_with(struct user *u, bool emergency);
void open_gate(struct user *u);
void close_gate(struct user *u);
void join(int i);
void modify(struct user *u);

#endif
