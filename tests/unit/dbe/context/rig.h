/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig - a context store on the fake data plane, and short ways to build actions.
 */
#ifndef TESTS_UNIT_DBE_CONTEXT_RIG_H
#define TESTS_UNIT_DBE_CONTEXT_RIG_H

#include "dbe/context/context_store.h"
#include "dbe/path/path_fake.h"

struct rig {
	struct flow_host host;
	struct context_store *store;
	struct gate_action request, reply;
	char events[512]; /* "controller:termination:event;" */
	struct gate_event last;
	size_t live;
};

extern struct rig rig;

int rig_setup(void **state);
int rig_teardown(void **state);
void rig_pass_ms(uint64_t ms);
struct addr rig_addr(const char *text);

/** Begin a request. */
void rig_begin(int context_ref, uint32_t context);
struct gate_command *rig_command(int type, int ref, const char *termination);
/** Add with CHOOSE in a realm, and one stream, sendrecv with this far end. */
struct gate_command *rig_add(const char *realm, const char *remote);
/** Append a stream. */
struct gate_stream *rig_stream(struct gate_command *c, uint32_t id);
void rig_set_remote(struct gate_stream *s, const char *remote);
void rig_set_mode(struct gate_stream *s, int mode);
/** Run as sbe1. @return the code of the last command in the reply. */
int rig_run(void);
int rig_run_as(const char *controller);

/** A call: core (far end 192.0.2.1:4000) and peering (192.0.2.2:5000), stream 1 open. Replies are copied out. */
uint32_t rig_call(char core[GATE_NAME_BYTES], char peering[GATE_NAME_BYTES], struct addr local[2]);
/** Send RTP. @return true if something came out of the other side; rig_out is then filled. */
bool rig_send(const struct addr *to, const char *from);
extern struct path_fake_packet rig_out;
uint32_t rig_ports(size_t realm, enum pool_state state);

#endif
