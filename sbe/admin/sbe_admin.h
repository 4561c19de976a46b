/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin - the sbe's commands for speerctl. Owner: the app. Thread: loop.
 */
#ifndef SBE_ADMIN_SBE_ADMIN_H
#define SBE_ADMIN_SBE_ADMIN_H

#include "common/admin.h"
#include "sbe/call/call.h"
#include "sbe/conf/sbe_conf.h"
#include "sbe/event/event.h"
#include "sbe/gate/gate_pool.h"
#include "sbe/peer/peer_gate.h"

struct sbe_admin_app {
	struct sbe_snapshot **snapshot; /* the app's: changes with a reload */
	struct call_core *calls;
	struct event_core *events;
	struct gate_pool *gates;
	struct transport *transport;
	struct txn_layer *txns;
	struct tls_context *const
		*identities; /* as in conf.tls; the app's: changes with a reload */
	struct cdr_writer *cdr;
	struct peer_gate *gate; /* overload control */
	/* Read the configuration again. @return 0 (why: sections that wait for a restart, or ""), or -errno with why */
	int (*reload)(void *arg, char *why, size_t why_bytes);
	void *reload_arg;
	uint64_t started_ms;
};

/** Add all tables. app must outlive the admin. @return 0, -ENOMEM. */
int sbe_admin_add(struct admin *a, struct sbe_admin_app *app);

/* sbe_admin_peer.c */
extern const struct admin_cmd sbe_admin_peer_cmds[];
/* sbe_admin_overload.c */
extern const struct admin_cmd sbe_admin_overload_cmds[];
/** One object of what overload control measures and does. */
json_t *sbe_admin_overload(const struct sbe_admin_app *app);
/** The overload part of one peer: what it offers, gets, is asked, asks. */
json_t *sbe_admin_peer_overload(const struct peer *p);
/* sbe_admin_why.c: steps of `route test` */
void sbe_admin_why_from(json_t *steps, const struct peer *p);
void sbe_admin_why_to(json_t *steps, const struct route_plan *plan);
/* sbe_admin_quality.c */
extern const struct admin_cmd sbe_admin_quality_cmds[];
/** How calls with this peer fare, per direction, in its window and since the start. */
json_t *sbe_admin_peer_quality(struct peer *p);
/* sbe_admin_cert.c */
extern const struct admin_cmd sbe_admin_cert_cmds[];
/* sbe_admin_policy.c */
extern const struct admin_cmd sbe_admin_policy_cmds[];
/* sbe_admin_peering.c */
extern const struct admin_cmd sbe_admin_peering_cmds[];
/* sbe_admin_node.c */
extern const struct admin_cmd sbe_admin_node_cmds[];

#endif
