/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_dbe - scripted dbes for tests of the pool: an exchange each, a set of contexts, and a wire that
 * can be cut. Everything runs in virtual time.
 */
#ifndef TESTS_UNIT_SBE_GATE_FAKE_DBE_H
#define TESTS_UNIT_SBE_GATE_FAKE_DBE_H

#include "proto/exchange.h"
#include "sbe/gate/gate_private.h"

#define FAKE_DBES 3
#define FAKE_CONTEXTS 4096U

struct fake_dbe {
	int index;
	char name[16];
	uint64_t epoch;
	struct gate_exchange *exchange;
	bool connected;
	bool joined; /* its first frame has been let in */
	bool flushed;
	/* behaviour */
	bool mute;       /* executes, answers when told to (fake_release) */
	bool deaf;       /* does not even execute, nor beat */
	uint16_t refuse; /* code for each Add */
	bool second_add_fails;
	uint16_t audit_error;
	uint32_t page; /* contexts per audit reply */
	uint32_t ports_total, ports_free;
	bool no_peering;
	/* what happened */
	bool context[FAKE_CONTEXTS];
	uint32_t next;
	size_t adds, modifies, subtracts, audits;
	struct gate_message last; /* last request */
	uint16_t change_code;     /* answer to the last ServiceChange */
	uint32_t held[64];
	size_t nheld;
};

extern struct fake_dbe fakes[FAKE_DBES]; /* WHY: shared by the test and its part */

/** Wheel, pool and dbes "dbe0".."dbe2"; nothing is connected. */
int fake_setup(struct gate_pool **ret_pool, struct timer_wheel **ret_wheel);
int fake_teardown(void);
void fake_restart(struct fake_dbe *f, uint64_t epoch, bool keep_contexts);
/** Connect and register. */
void fake_join(struct fake_dbe *f, int method, int reason);
/** Connect and send one message as the first. @return what gate_pool_join says. */
int fake_join_raw(struct fake_dbe *f, const struct gate_message *m, const char *address);
void fake_cut(struct fake_dbe *f);
/** Answer what was held back by mute. */
void fake_release(struct fake_dbe *f);
size_t fake_contexts(const struct fake_dbe *f);
void fake_notify(struct fake_dbe *f, uint32_t context, const char *termination,
		 const struct gate_event *e);
void fake_change(struct fake_dbe *f, int method, int reason);
/** Is the name in the certificate? */
void fake_certificate(bool ok);
void flow(void);
void pass_ms(uint64_t ms);

#endif
