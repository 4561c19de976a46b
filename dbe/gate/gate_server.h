/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_server - the dbe's side of gate control: dials every controller, executes what they ask, tells
 * them what happens, and keeps their contexts for a hold time when they are gone.
 *
 * A controller is a name (under TLS: the one in its certificate). It sees only contexts it made. Its
 * contexts outlive its process: a new epoch of the same name takes them over and cleans up by audit.
 * Owner: the app. Thread: the loop.
 */
#ifndef DBE_GATE_GATE_SERVER_H
#define DBE_GATE_GATE_SERVER_H

#include <jansson.h>
#include <uv.h>

#include "common/addr.h"
#include "common/timer.h"
#include "proto/message.h"

#define GATE_CONTROLLERS_MAX 16

/* What executes actions: dbe/context in the daemon, a fake in tests. The meanings are those of dbe/context/context.h. */
struct gate_executor {
	void *arg;
	/* ret_reply comes with its head cleared, context and context_ref copied from the request. @return 0, else a 500 is answered */
	int (*execute)(void *arg, const char *controller, const struct gate_action *request,
		       struct gate_action *ret_reply);
	size_t (*clear)(void *arg, const char *controller);
	size_t (*count)(void *arg, const char *controller);
	void (*describe)(void *arg, struct gate_service_change *ret_change);
	void (*set_draining)(void *arg, bool draining);
	unsigned (*load)(void *arg); /* percent busy; NULL = the fullest realm's ports */
};

struct tls_context;
struct gate_server_options {
	const char *name;               /* our node name */
	const struct addr *controllers; /* where to dial; copied */
	size_t ncontrollers;
	struct tls_context *tls; /* NULL = plain: only to loopback */
	uint64_t epoch;          /* 0 = the wall clock now, in ms */
	bool warm;             /* contexts of the last process are still there: Restart with 902 */
	uint32_t hold_s;       /* contexts of a lost controller are kept so long; 0 = 300 */
	uint32_t heartbeat_ms; /* 0 = 250 */
	uint32_t
		spread_ms; /* the first dial waits a random time up to this (restart avalanche); 0 = at once */
};

struct gate_server;

/** @return 0, -EINVAL (name, too many controllers), -ENOMEM. */
int gate_server_new(const struct gate_server_options *o, const struct gate_executor *executor,
		    struct timer_wheel *wheel, struct gate_server **ret_server);
void gate_server_free(struct gate_server *s);

/** Begin to dial. @return 0, -EPERM (plain, and a controller is not on loopback). */
int gate_server_start(struct gate_server *s, uv_loop_t *loop);

/** Tell the controllers that we go (ServiceChange Forced, 905) and hang up; nothing is dialled any more. */
void gate_server_stop(struct gate_server *s);

/** Give to context_on_event. An event goes to the context's controller; controller "" = to all. Bounded and rate-limited. */
void gate_server_event(void *server, const char *controller, uint32_t context,
		       const char *termination, const struct gate_event *event);

/** Refuse new contexts and say so (Graceful, 905), or take it back (Restart, 918). */
void gate_server_drain(struct gate_server *s, bool drain);
bool gate_server_draining(const struct gate_server *s);

/** Associations for the admin (a table of common/admin.h), and how many are up. */
json_t *gate_server_list(const struct gate_server *s);
size_t gate_server_associated(const struct gate_server *s);

#endif
