/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call - the B2BUA: one call is two legs (dialogs of ours), one gate context, one CDR.
 *
 * The only layer that sees SIP, SDP and gates together. The app feeds it what the transaction layer
 * delivers; all it needs from outside comes in struct call_options, so it runs on any loop and clock.
 * Owner: the core owns calls. Thread: the loop.
 */
#ifndef SBE_CALL_CALL_H
#define SBE_CALL_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "common/metric.h"
#include "common/timer.h"
#include "sbe/cdr/cdr.h"
#include "sbe/gate/gate.h"
#include "sbe/peer/peer.h"
#include "sbe/peer/peer_identify.h"
#include "sbe/route/route_ask.h"
#include "sbe/sip/txn.h"

#define CALL_METRICS(X)                                                                            \
	X(CALL_ACTIVE, GAUGE, "sbe_calls_active", "calls in set-up or up now")                     \
	X(CALL_ATTEMPTS, COUNTER, "sbe_call_attempts_total", "new INVITEs from known peers")       \
	X(CALL_ANSWERED, COUNTER, "sbe_calls_answered_total", "calls that were answered")          \
	X(CALL_REFUSED, COUNTER, "sbe_calls_refused_total",                                        \
	  "INVITEs refused before anything was allocated")                                         \
	X(CALL_STRANGER, COUNTER, "sbe_requests_stranger_total",                                   \
	  "requests from sources that are no peer of the realm, answered 403")                     \
	X(CALL_NO_DBE, COUNTER, "sbe_calls_no_dbe_total", "calls refused since no dbe was there")  \
	X(CALL_GATE_FAILED, COUNTER, "sbe_calls_gate_failed_total",                                \
	  "calls ended because a dbe refused, timed out or lost the context")                      \
	X(CALL_FAILOVERS, COUNTER, "sbe_route_failovers_total",                                    \
	  "attempts moved to another next hop")                                                    \
	X(CALL_REDIRECTS, COUNTER, "sbe_route_redirects_total", "3xx of peers that were followed") \
	X(CALL_FOREIGN, COUNTER, "sbe_in_dialog_foreign_total",                                    \
	  "in-dialog requests that did not come from the leg's peer, answered 481")                \
	X(CALL_MEDIA_ASTRAY, COUNTER, "sbe_calls_media_astray_total",                              \
	  "session descriptions with addresses a peer has no media at")                            \
	X(CALL_MEDIA_SILENT, COUNTER, "sbe_calls_media_silent_total",                              \
	  "calls released because their media stopped")                                            \
	X(CALL_FORKS_DROPPED, COUNTER, "sbe_forks_dropped_total",                                  \
	  "early dialogs of forks that were not followed because one call had too many")           \
	X(CALL_SESSION_EXPIRED, COUNTER, "sbe_calls_session_expired_total",                        \
	  "calls released because nobody refreshed their session")                                 \
	X(CALL_RELAY_REFUSED, COUNTER, "sbe_in_dialog_refused_total",                              \
	  "requests inside calls refused because their peer sent too many")                        \
	X(CALL_LATE_2XX, COUNTER, "sbe_late_2xx_total",                                            \
	  "2xx of forks or after a CANCEL, ended with ACK and BYE")
METRIC_ENUM(call_metrics, CALL_METRICS)

struct call_realm {
	const char *name;  /* SIP realm */
	const char *media; /* its media realm on the dbes */
};

struct call_core;

/* A snapshot of the configuration; replaced as a whole at reload. Strings live as long as it. */
struct call_config {
	const char *node;
	const char *const *domains; /* ours */
	size_t ndomains;
	const struct call_realm *realms;
	size_t nrealms;
	struct peer_set *peers;
	struct route_set *routes;
	struct conf_list emergency; /* const char *: users that are emergency numbers */
};

struct call_options {
	struct dns *dns;       /* NULL = names are not looked up */
	struct route_luf *luf; /* NULL = lookup servers are not asked */
	struct timer_wheel *wheel;
	struct transport *transport;
	struct txn_layer *txns;
	struct gate_pool *gates;
	struct cdr_writer *cdr; /* NULL = none */
	uint32_t calls_max;     /* 0 = 100000 */
};

/** What routing needs of us (speerctl route test). */
void call_route_env(struct call_core *core, struct route_env *ret_env);

int call_core_new(const struct call_options *o, const struct call_config *c,
		  struct call_core **ret_core);
/** Calls still there are dropped without signalling; use call_shutdown first. */
void call_core_free(struct call_core *core);
/** Use another snapshot for new calls; the old one must live until no call uses it (peers are counted). */
void call_core_configure(struct call_core *core, const struct call_config *c);

/* From the transaction layer */
void call_on_request(struct call_core *core, struct txn_server *s, const struct wire_msg *m);
void call_on_ack(struct call_core *core, const struct wire_msg *m,
		 const struct transport_target *from);
void call_on_stray_2xx(struct call_core *core, const struct wire_msg *m,
		       const struct transport_target *from, bool again);

/** Somebody answered 2xx to an INVITE that was none of a call: ACK and BYE. */
void call_hang_up(struct call_core *core, const struct wire_msg *m,
		  const struct transport_target *to);

/** Refuse new calls with 503 and release all with BYE; when the last is gone done(arg) is called (also if there is none). */
void call_shutdown(struct call_core *core, void (*done)(void *arg), void *arg);

/* Admin; token may be any unique prefix (at least 3 characters). JSON in the shapes of common/admin.h. */
json_t *call_list(struct call_core *core);
/** Calls that ended or were refused of late (call_trace.h), and why one went as it did. */
json_t *call_ended(struct call_core *core);
int call_why(struct call_core *core, const char *which, json_t **ret_object);
/** What routing says of a peer that sends from this address: by what it is known, and which policy is its own. */
void call_why_peer(const struct peer *p, const struct addr *from, char *buf, size_t size_bytes);
void call_why_policy(const struct peer *p, char *buf, size_t size_bytes);
/** A connection that we opened came up. */
void call_link_up(struct call_core *core, const struct transport_target *to);
/** @param object the callee's to give back; NULL: out of memory. */
typedef void(call_show_h)(void *arg, json_t *object);
/**
 * One call; the dbe is asked for its counters first, for 1.5 s at most, and the object says if it did not tell.
 * @return 0 (done is called once, maybe before this returns), -ENOENT, -EEXIST (prefix is not unique), -ENOMEM.
 */
int call_show(struct call_core *core, const char *token, call_show_h *done, void *arg);
/** Release a call by hand. @param why goes into the Reason header (NULL = a standard text). @return 0, -ENOENT,
 *  -EEXIST (prefix is not unique), -EINVAL (why has characters that may not stand there). */
int call_kill(struct call_core *core, const char *token, const char *why);
size_t call_count(const struct call_core *core);

#endif
