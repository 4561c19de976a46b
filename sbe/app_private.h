/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_private - what the files of the app share; nobody else includes it.
 *
 * app.c builds and ends everything, app_reload.c takes a new configuration, app_tls.c holds our certificates,
 * app_overload.c keeps too much from coming in, app_dns.c is the way to the name servers, app_lookup.c to lookup servers.
 */
#ifndef SBE_APP_PRIVATE_H
#define SBE_APP_PRIVATE_H

#include <uv.h>

#include "common/net/metrics_http.h"
#include "common/net/tls.h"
#include "common/timer.h"
#include "sbe/admin/sbe_admin.h"
#include "sbe/app.h"
#include "sbe/app_cert.h"
#include "sbe/event/event.h"
#include "sbe/peer/peer_gate.h"
#include "sbe/dns/dns_ares.h"
#include "sbe/route/route_luf.h"
#include "sbe/web/web.h"
#include "sbe/peer/peer_probe.h"
#include "sbe/peer/peer_standing.h"

#define APP_LOG "sbe"

/* Our certificates. Made as a whole for a snapshot, so that a reload uses all new ones or none. */
struct app_tls {
	struct tls_context *sip[SBE_TLS_MAX]; /* as in conf.tls */
	struct tls_context **realms;          /* as in conf.realms; NULL = has none */
	struct tls_trust **peers;             /* as in conf.peers; NULL = the identity's */
	size_t nrealms, npeers;
	struct tls_context *gate; /* stricter than the same identity towards SIP; NULL = plain */
};

struct app {
	char *conf_path;
	struct sbe_snapshot *snapshot;
	uv_loop_t loop;
	uv_signal_t term, intr, hup;
	struct timer_wheel *wheel;
	struct timer_uv *driver;
	struct dns_ares *ares;
	struct dns *dns;
	struct web *web;
	struct route_luf *luf;
	struct transport *transport;
	struct txn_layer *txns;
	struct gate_pool *gates;
	struct call_core *calls;
	struct event_core *events;
	struct cdr_writer *cdr;
	struct peer_probe *probe;
	struct peer_standing *standing;
	struct timer cert_hour, quality_tick;
	struct peer_gate gate; /* ready when timer overload_tick runs */
	struct timer overload_tick;
	struct admin *admin;
	struct admin_uv *admin_server;
	struct metrics_http *http;
	struct sbe_admin_app admin_app;
	struct app_tls tls;
	struct timer stop_limit, watchdog;
	uint64_t watchdog_ms; /* 0 = systemd does not ask for signs of life */
	bool stopping, loop_ready;
};

/* app_tls.c */
/** @return 0, or -errno with why. */
int app_tls_new(const struct sbe_conf *c, struct app_tls *ret_tls, char *why, size_t why_bytes);
void app_tls_clear(struct app_tls *t);
/** What is agreed with a far end: transport_handlers.tls. */
bool app_tls_agreed(const struct app *a, const struct transport_target *far, bool accepted,
		    struct transport_tls *ret);

/* app_overload.c */
void app_overload_start(struct app *a);
void app_overload_reload(struct app *a);
enum guard_verdict app_overload_gate(void *arg, const struct transport_offer *offer,
				     struct guard_reply *ret_reply, uint16_t *ret_port);
const char *app_overload_params(void *arg, const struct transport_target *from);
void app_overload_feedback(void *arg, const struct transport_target *to, const struct wire_oc *oc,
			   int err);
/* app_quality.c */
void app_quality_start(struct app *a);
void app_quality_stop(struct app *a);
/* app.c */
struct event_config app_event_config(const struct sbe_snapshot *s);

/* app_dns.c */
/** @return 0, or -errno, logged. */
int app_dns_start(struct app *a);
void app_dns_stop(struct app *a);

/* app_lookup.c: after the transactions, before the calls */
/** @return 0, or -errno, logged. */
int app_lookup_start(struct app *a);
void app_lookup_stop(struct app *a);

/* app_reload.c */
/** Read the configuration again and use it; a bad one changes nothing. arg: struct app. @return 0, or -errno; why is
 *  then what is wrong, else what waits for a restart ("" if nothing does). */
int app_reload(void *arg, char *why, size_t why_bytes);

#endif
