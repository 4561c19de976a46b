/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_server_private - the server's struct, for gate_server.c, gate_link.c and gate_uv.c.
 */
#ifndef DBE_GATE_GATE_SERVER_PRIVATE_H
#define DBE_GATE_GATE_SERVER_PRIVATE_H

#include "dbe/gate/gate_link.h"

/* Who made contexts here: outlives its links for the hold time. */
struct gate_controller {
	char name[GATE_NAME_BYTES]; /* "" = free row */
	uint64_t epoch;             /* highest seen */
	unsigned links;             /* associated */
	struct timer hold;
	struct gate_server *server;
};

struct gate_server {
	char name[GATE_NAME_BYTES];
	struct gate_executor executor;
	struct timer_wheel *wheel;
	struct gate_link_io io;
	struct tls_context *tls;
	bool warm, draining, stopped;
	uint32_t hold_ms, spread_ms;
	struct timer load;
	/* One more than links: a new controller may come while the old one's contexts are still held. */
	struct gate_controller controllers[GATE_CONTROLLERS_MAX * 2];
	size_t nlinks;
	struct gate_link links[GATE_CONTROLLERS_MAX];
	struct gate_message reply; /* of the request being executed */
	struct gate_uv *uv;        /* gate_uv.c */
};

/**
 * A link wants to be associated with this controller.
 * @return the controller, NULL: its epoch is older than one we have seen (C14), or too many controllers.
 */
struct gate_controller *gate_server_claim(struct gate_server *s, const char *name, uint64_t epoch);
/** A link of this controller is gone. */
void gate_server_release(struct gate_controller *c);

/** Random number below n (n > 0): jitter, nothing secret. */
uint32_t gate_server_random(uint32_t n);

/** Dials begin. */
void gate_server_run(struct gate_server *s);

#endif
