/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted_sbe - a dbe's gate server with a fake executor under it and a scripted sbe at the other end
 * of a pipe that can be cut, in virtual time. One of each; the tests look at these variables.
 */
#ifndef TESTS_UNIT_DBE_GATE_SCRIPTED_SBE_H
#define TESTS_UNIT_DBE_GATE_SCRIPTED_SBE_H

#include "dbe/gate/gate_server_private.h"
#include "proto/exchange.h"

#define QUEUE_MAX 1024

/* A frame under way */
struct wire {
	uint8_t *bytes;
	size_t len;
	bool to_sbe;
};
extern struct wire queue[QUEUE_MAX];
extern size_t nqueue;

/* The executor */
extern size_t executed, cleared, contexts;
extern bool draining, event_while_executing;
extern char seen_controller[GATE_NAME_BYTES];

/* What the sbe does, and what it has seen */
struct sbe_script {
	bool mute;       /* no answer to ServiceChange */
	uint16_t refuse; /* code */
	const char *redirect;
	uint32_t version;
	uint8_t method; /* last ServiceChange */
	uint16_t reason;
	size_t changes, notifies, loads;
	uint64_t last_value;
	const char *last_realm_seen;
	uint16_t order[64]; /* bodies and commands as they came */
	size_t norder;
};
extern struct sbe_script script;
extern struct gate_exchange *sbe;

extern struct timer_wheel *wheel;
extern struct gate_server *server;
extern struct gate_link *dialled; /* link whose connection is being made or is up */
extern struct addr dialled_to;
extern size_t dials;
extern int dial_error;
extern bool name_ok; /* the name is in the certificate */

/* Answers the sbe has got */
extern int answer_err;
extern struct gate_message answer_copy;
extern size_t answers;

void new_sbe(uint64_t epoch);
void on_answer(void *arg, int err, const struct gate_message *m);
void flow(void);
void pass_ms(uint64_t ms);
void open_connection(void);
void cut(void);
const char *state_name(void);
void wait_dial(uint64_t limit_ms);
void associate(void);
int setup(void **state);
int teardown(void **state);
void ask_add(void);

#endif
