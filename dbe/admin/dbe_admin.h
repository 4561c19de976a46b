/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dbe_admin - what speerctl can ask a dbe: status, gates, pool, drain, log level, configuration, metrics.
 *
 * Owner: the app owns the struct and all it names; the table is const. Thread: the loop.
 */
#ifndef DBE_ADMIN_DBE_ADMIN_H
#define DBE_ADMIN_DBE_ADMIN_H

#include "common/admin.h"
#include "dbe/context/context_store.h"
#include "dbe/gate/gate_server.h"

struct dbe_admin {
	const char *name, *version;
	uint64_t started_ms; /* monotonic */
	struct context_store *store;
	const struct flow_host *host;
	struct gate_server *server;
	const json_t *config; /* as read; borrowed */
};

/** NULL-noun-terminated; give it to admin_add with a struct dbe_admin. */
extern const struct admin_cmd dbe_admin_commands[];

/* admin_gate.c */
int dbe_admin_gate_list(void *app, struct admin_call *call, json_t **ret_data);
int dbe_admin_gate_show(void *app, struct admin_call *call, json_t **ret_data);

#endif
