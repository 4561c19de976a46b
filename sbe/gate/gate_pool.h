/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_pool - the dbes that dial in: who may, which are in service, which one gets the next call.
 *
 * Owner: the app. Thread: the loop. Admin state (drain) and health are two fields, never mixed.
 */
#ifndef SBE_GATE_GATE_POOL_H
#define SBE_GATE_GATE_POOL_H

#include <jansson.h>
#include <uv.h>

#include "common/addr.h"
#include "common/timer.h"
#include "sbe/gate/gate.h"

struct gate_pool_options {
	const char *node;        /* our name */
	const char *const *dbes; /* names that may join */
	size_t ndbes;
	uint32_t request_ms; /* deadline of one request to one dbe; 0 = 500 */
	uint32_t open_ms;    /* deadline of gate_open over all tries; 0 = 2000 */
	uint32_t
		heartbeat_ms; /* 0 = 250; three missed = association lost, so a dead dbe is out within a second */
	uint32_t hold_s; /* contexts of a lost dbe are reported GONE after this; 0 = 30 */
};

int gate_pool_new(const struct gate_pool_options *o, struct timer_wheel *wheel,
		  struct gate_pool **ret_pool);
void gate_pool_free(struct gate_pool *p);

struct tls_context;
/** Listen for dbes (gate_uv.c). tls NULL = plain: only on loopback, else -EPERM. Call once per address. */
int gate_pool_listen(struct gate_pool *p, uv_loop_t *loop, const struct addr *local,
		     struct tls_context *tls);
/** Another certificate for dbes that join from now on; associations that are up keep theirs. */
void gate_pool_set_tls(struct gate_pool *p, struct tls_context *tls);
void gate_pool_close_listeners(struct gate_pool *p);

/* Admin: JSON in the shapes of common/admin.h */
json_t *gate_pool_list(const struct gate_pool *p);                   /* dbe list */
json_t *gate_pool_show(const struct gate_pool *p, const char *name); /* NULL = no such dbe */
/** Media addresses and ports of a media realm as the dbes told: [{"address","ports","dbe"}]. Those of dbes that are lost
 *  stay: their calls may go on. NULL = no memory. */
json_t *gate_pool_media(const struct gate_pool *p, const char *realm);
int gate_pool_drain(struct gate_pool *p, const char *name, bool drain); /* 0, -ENOENT */
json_t *gate_pool_gates(const struct gate_pool *p); /* gate list, as the sbe knows it */

/** Contexts open now, and dbes in service. */
size_t gate_pool_contexts(const struct gate_pool *p);
size_t gate_pool_in_service(const struct gate_pool *p);

#endif
