/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app - wiring and life of the process: start, reload on SIGHUP, orderly stop on SIGTERM.
 *
 * Messages go transport -> transactions -> call; bytes go the other way through the send handler. What a
 * layer must know of another one comes through the callbacks set up here.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <uv.h>

#include "common/admin.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/net/loop_turn.h"
#include "common/net/admin_uv.h"
#include "common/net/net_metric.h"
#include "common/net/timer_uv.h"
#include "sbe/app_private.h"
#include "sbe/cdr/cdr.h"
#include "sbe/gate/gate_pool.h"
#include "sbe/peer/peer_large.h"
#include "sbe/sip/txn.h"

/* An orderly stop never takes longer than 5 s: calls have this, the CDR writer 2 s, and then there is the alarm. */
#define STOP_LIMIT_MS 2500U
#define RUN_DOWN_MS 1200U /* a flushed close takes a second at most */
#define STOP_ALARM_S 5

/* ---- what layers tell each other ---- */

static void on_message(void *arg, struct wire_msg *m, const struct transport_target *from)
{
	struct app *a = arg;

	if (from->peer) /* a stranger does not make anybody's messages wait */
		loop_turn_worked();
	txn_receive(a->txns, m, from);
}

static void on_send_failed(void *arg, const struct transport_target *to, int err)
{
	struct app *a = arg;

	txn_transport_failed(a->txns, to, err);
}

static uint32_t on_known(void *arg, const struct transport_target *from)
{
	struct app *a = arg;
	const struct peer *p = peer_identify(a->snapshot->peers, from);

	/* the on-demand peer is everybody: the rate of strangers applies */
	return p && p->conf->mode == PEER_STATIC ? p->state->number : 0;
}

/* Who is not known by name may be the on-demand peer's; a message still has the rate of strangers. */
static bool on_welcome(void *arg, const struct transport_target *from)
{
	struct app *a = arg;

	return peer_identify(a->snapshot->peers, from) != NULL;
}

static bool on_may_go(void *arg, const struct transport_target *there, const struct addr *to)
{
	return peer_may_be_at(((struct app *)arg)->snapshot->peers, there, to);
}

static bool on_tls(void *arg, const struct transport_target *far, bool accepted,
		   struct transport_tls *ret)
{
	return app_tls_agreed(arg, far, accepted, ret);
}

static void on_link(void *arg, const struct transport_target *to, bool up, int err)
{
	struct app *a = arg;

	if (a->standing)
		peer_standing_link(a->standing, to, up, err);
	if (a->calls && up)
		call_link_up(a->calls, to);
}

static int on_stand(void *arg, const struct transport_target *to)
{
	return transport_stand(((struct app *)arg)->transport, to);
}

static int on_send(void *arg, const struct transport_target *to, const void *data, size_t len_bytes)
{
	struct app *a = arg;

	return transport_send(a->transport, to, data, len_bytes);
}

static void on_request(void *arg, struct txn_server *s, const struct wire_msg *m)
{
	struct app *a = arg;

	if (!event_on_request(a->events, s, m))
		call_on_request(a->calls, s, m);
}

static void on_ack(void *arg, const struct wire_msg *m, const struct transport_target *from)
{
	call_on_ack(((struct app *)arg)->calls, m, from);
}

static void on_stray_2xx(void *arg, const struct wire_msg *m, const struct transport_target *from,
			 bool again)
{
	call_on_stray_2xx(((struct app *)arg)->calls, m, from, again);
}

static const struct transport_listener *on_large(void *arg, const struct transport_target *to,
						 size_t len_bytes)
{
	const struct app *a = arg;

	if (!peer_large(a->snapshot->peers, to, len_bytes, clock_now_ms()))
		return NULL;
	return transport_find(a->transport, transport_realm(to->listener), TRANSPORT_TCP,
			      to->to.family);
}

static const struct transport_listener *on_tcp_refused(void *arg, const struct transport_target *to)
{
	const struct app *a = arg;

	peer_large_refused(a->snapshot->peers, to, clock_now_ms());
	return transport_find(a->transport, transport_realm(to->listener), TRANSPORT_UDP,
			      to->to.family);
}

static const struct transport_listener *probe_listener(void *arg, const struct peer *p, size_t hop)
{
	struct app *a = arg;

	return transport_find(a->transport, p->conf->realm, p->hops[hop].proto,
			      p->hops[hop].addr.family);
}

/* ---- start ---- */

static int start_tls(struct app *a)
{
	char why[320] = "";
	int err = app_tls_new(&a->snapshot->conf, &a->tls, why, sizeof(why));

	if (err)
		LOG_ERROR(APP_LOG, "%s", why);
	return err;
}

static int start_realm(struct app *a, const struct sbe_realm_conf *realm)
{
	const struct sbe_listen_conf *listens = realm->listen.items;
	const struct sbe_realm_conf *first = a->snapshot->conf.realms.items;
	struct tls_context *tls = a->tls.realms[realm - first];
	int err = 0;

	for (size_t i = 0; !err && i < realm->listen.n; i++) {
		struct transport_listen l = {.realm = realm->name,
					     .proto = listens[i].proto,
					     .local = listens[i].addr,
					     .advertise = realm->advertise,
					     .tls = listens[i].proto == TRANSPORT_TLS ? tls : NULL,
					     .device = realm->interface,
					     .dscp = (uint8_t)realm->dscp,
					     .ipsec = realm->protected_by == SBE_PROTECTED_IPSEC};
		char text[ADDR_TEXT_BYTES];

		err = transport_listen(a->transport, &l);
		if (err)
			LOG_ERROR(APP_LOG, "realm %s: cannot listen on %s %s: %s", realm->name,
				  transport_proto_name(l.proto),
				  addr_print(&l.local, text, sizeof(text)), strerror(-err));
	}
	return err;
}

static int start_sip(struct app *a)
{
	static const struct transport_handlers transport_handlers = {.message = on_message,
								     .failed = on_send_failed,
								     .known = on_known,
								     .welcome = on_welcome,
								     .gate = app_overload_gate,
								     .tls = on_tls,
								     .may_go = on_may_go,
								     .link = on_link};
	static const struct txn_layer_handlers txn_handlers = {.send = on_send,
							       .request = on_request,
							       .ack = on_ack,
							       .stray_2xx = on_stray_2xx,
							       .large = on_large,
							       .refused = on_tcp_refused,
							       .overload = app_overload_params,
							       .feedback = app_overload_feedback};
	const struct sbe_conf *c = &a->snapshot->conf;
	const struct sbe_realm_conf *realms = c->realms.items;
	struct txn_options o = {
		.t1_ms = c->timers.t1_ms, .t2_ms = c->timers.t2_ms, .t4_ms = c->timers.t4_ms};
	int err = txn_layer_new(a->wheel, &o, &txn_handlers, a, &a->txns);

	if (!err)
		err = transport_new(&a->loop, &transport_handlers, a, &a->transport);
	if (!err)
		err = transport_set_stranger_rate(a->transport, c->limits.messages_per_s);
	if (!err)
		transport_set_limits(a->transport, &c->limits.connections);
	for (size_t i = 0; !err && i < c->realms.n; i++)
		err = start_realm(a, &realms[i]);
	return err;
}

static int start_gates(struct app *a)
{
	const struct sbe_gate_conf *g = &a->snapshot->conf.gate;
	const struct addr *listens = g->listen.items;
	struct gate_pool_options o = {.node = a->snapshot->conf.node,
				      .dbes = g->dbes.items,
				      .ndbes = g->dbes.n,
				      .request_ms = g->request_ms,
				      .open_ms = g->open_ms,
				      .heartbeat_ms = g->heartbeat_ms,
				      .hold_s = g->hold_s};
	int err = gate_pool_new(&o, a->wheel, &a->gates);

	for (size_t i = 0; !err && i < g->listen.n; i++) {
		char text[ADDR_TEXT_BYTES];

		err = gate_pool_listen(a->gates, &a->loop, &listens[i], a->tls.gate);
		if (err)
			LOG_ERROR(APP_LOG, "gate control: cannot listen on %s: %s",
				  addr_print(&listens[i], text, sizeof(text)), strerror(-err));
	}
	return err;
}

struct event_config app_event_config(const struct sbe_snapshot *s)
{
	return (struct event_config){.peers = s->peers,
				     .routes = s->routes,
				     .domains = s->call.domains,
				     .ndomains = s->call.ndomains};
}

static int start_events(struct app *a)
{
	struct event_options o = {.wheel = a->wheel, .transport = a->transport, .txns = a->txns};
	struct event_config c = app_event_config(a->snapshot);

	call_route_env(a->calls, &o.env);
	return event_core_new(&o, &c, &a->events);
}

static int start_calls(struct app *a)
{
	const struct sbe_conf *c = &a->snapshot->conf;
	struct cdr_options cdr = {.directory = c->cdr.directory,
				  .node = c->node,
				  .rotate_s = c->cdr.rotate_s,
				  .rotate_bytes = c->cdr.rotate_bytes,
				  .queue_bytes = c->cdr.queue_bytes};
	struct call_options o = {.wheel = a->wheel, .calls_max = c->limits.calls_max};
	struct peer_probe_options probe = {
		.wheel = a->wheel, .txns = a->txns, .listener = probe_listener, .arg = a};
	struct peer_standing_options standing = {
		.wheel = a->wheel, .listener = probe_listener, .stand = on_stand, .arg = a};
	int err = cdr_start(&cdr, &a->cdr);

	if (err) {
		LOG_ERROR(APP_LOG, "cdr directory %s: %s", cdr.directory, strerror(-err));
		return err;
	}
	err = app_dns_start(a);
	if (!err)
		err = app_lookup_start(a);
	if (err)
		return err;
	o.dns = a->dns;
	o.luf = a->luf;
	o.transport = a->transport;
	o.txns = a->txns;
	o.gates = a->gates;
	o.cdr = a->cdr;
	err = call_core_new(&o, &a->snapshot->call, &a->calls);
	if (!err)
		err = start_events(a);
	if (!err)
		err = peer_probe_new(&probe, &a->probe);
	if (!err)
		err = peer_probe_watch(a->probe, a->snapshot->peers);
	if (!err)
		err = peer_standing_new(&standing, &a->standing);
	if (!err)
		err = peer_standing_watch(a->standing, a->snapshot->peers);
	if (err)
		return err;
	app_overload_start(a);
	app_cert_watch(a);
	app_quality_start(a);
	return 0;
}

static int start_admin(struct app *a)
{
	const struct sbe_conf *c = &a->snapshot->conf;
	int err = admin_new(&a->admin);

	a->admin_app = (struct sbe_admin_app){.snapshot = &a->snapshot,
					      .calls = a->calls,
					      .events = a->events,
					      .gates = a->gates,
					      .transport = a->transport,
					      .txns = a->txns,
					      .identities = a->tls.sip,
					      .cdr = a->cdr,
					      .gate = &a->gate,
					      .reload = app_reload,
					      .reload_arg = a,
					      .started_ms = clock_now_ms()};
	if (!err)
		err = sbe_admin_add(a->admin, &a->admin_app);
	if (!err)
		err = admin_uv_listen(&a->loop, c->control.socket, a->admin, &a->admin_server);
	if (err) {
		LOG_ERROR(APP_LOG, "control socket %s: %s", c->control.socket, strerror(-err));
		return err;
	}
	if (!c->http.listen.family)
		return 0;
	err = metrics_http_start(&c->http.listen, &a->http);
	if (err)
		LOG_ERROR(APP_LOG, "http: %s", strerror(-err));
	return err;
}

/* ---- signals ---- */

static void on_hup(uv_signal_t *handle, int signum)
{
	char why[512];

	(void)signum;
	sd_notify(0, "RELOADING=1");
	app_reload(handle->data, why, sizeof(why));
	sd_notify(0, "READY=1");
}

/* Whatever hangs at the end (a dead mount, a library): this process does not outlive its stop. */
static void on_alarm(int signum)
{
	(void)signum;
	_exit(EXIT_FAILURE);
}

static void stop_now(void *arg)
{
	struct app *a = arg;

	timer_stop(&a->stop_limit);
	uv_stop(&a->loop);
}

static void on_term(uv_signal_t *handle, int signum)
{
	struct app *a = handle->data;

	(void)signum;
	if (a->stopping) { /* asked twice: now */
		stop_now(a);
		return;
	}
	a->stopping = true;
	sd_notify(0, "STOPPING=1");
	alarm(STOP_ALARM_S);
	LOG_NOTICE(APP_LOG, "stopping: %zu calls are released", call_count(a->calls));
	if (a->http)
		metrics_http_set_ready(a->http, false);
	timer_start(a->wheel, &a->stop_limit, STOP_LIMIT_MS, stop_now, a);
	call_shutdown(a->calls, stop_now, a);
}

static int start_signals(struct app *a)
{
	struct {
		uv_signal_t *handle;
		uv_signal_cb fn;
		int number;
	} all[] = {{&a->term, on_term, SIGTERM},
		   {&a->intr, on_term, SIGINT},
		   {&a->hup, on_hup, SIGHUP}};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a CDR file at a limit is an error of the disk, not the end */
	signal(SIGALRM, on_alarm);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int err = uv_signal_init(&a->loop, all[i].handle);

		all[i].handle->data = a;
		if (!err)
			err = uv_signal_start(all[i].handle, all[i].fn, all[i].number);
		if (err)
			return err;
	}
	return 0;
}

static void on_watchdog(void *arg)
{
	struct app *a = arg;

	sd_notify(0, "WATCHDOG=1");
	timer_start(a->wheel, &a->watchdog, a->watchdog_ms, on_watchdog, a);
}

/* systemd restarts a daemon whose loop has stopped turning. */
static void start_watchdog(struct app *a)
{
	uint64_t us = 0;

	if (sd_watchdog_enabled(0, &us) <= 0)
		return;
	a->watchdog_ms = us / 1000 / 3;
	on_watchdog(a);
}

int app_new(const char *conf_path, struct sbe_snapshot *snapshot, struct app **ret_app)
{
	struct app *a = mem_zalloc(sizeof(*a), NULL);
	int err;

	if (!a)
		return -ENOMEM;
	a->snapshot = snapshot;
	wire_setup();
	metric_register(&net_metrics);
	metric_register(&dns_metrics);
	metric_register(&route_luf_metrics);
	err = uv_loop_init(&a->loop);
	a->loop_ready = !err;
	if (!err)
		err = loop_turn_start(&a->loop);
	if (!err)
		err = mem_strdup(conf_path, 4096, &a->conf_path);
	if (!err)
		err = start_signals(a);
	if (!err)
		err = timer_wheel_new(clock_now_ms(), &a->wheel);
	if (!err)
		err = timer_uv_new(&a->loop, a->wheel, &a->driver);
	if (!err)
		err = start_tls(a);
	if (!err)
		err = start_gates(a);
	if (!err)
		err = start_sip(a);
	if (!err)
		err = start_calls(a);
	if (!err)
		err = start_admin(a);
	if (err) {
		LOG_ERROR(APP_LOG, "cannot start: %s", strerror(-err));
		a->snapshot = NULL; /* stays the caller's */
		app_free(a);
		return err;
	}
	*ret_app = a;
	return 0;
}

int app_run(struct app *a)
{
	if (a->http)
		metrics_http_set_ready(a->http, true);
	sd_notify(0, "READY=1");
	start_watchdog(a);
	LOG_NOTICE(APP_LOG, "%s is up: %zu realms, %zu peers", a->snapshot->conf.node,
		   a->snapshot->conf.realms.n, a->snapshot->conf.peers.n);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	LOG_NOTICE(APP_LOG, "stopped");
	return 0;
}

static void close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (uv_handle_get_type(h) != UV_UNKNOWN_HANDLE && !uv_is_closing(h))
		uv_close(h, NULL);
}

static void give_up(uv_timer_t *guard)
{
	uv_stop(guard->loop);
}

/* Streams that were closed end in their own callbacks, some after what they had queued was sent. */
static void run_down(struct app *a)
{
	uv_timer_t guard;

	close_handle((uv_handle_t *)&a->term, NULL);
	close_handle((uv_handle_t *)&a->intr, NULL);
	close_handle((uv_handle_t *)&a->hup, NULL);
	uv_timer_init(&a->loop, &guard);
	uv_timer_start(&guard, give_up, RUN_DOWN_MS, 0);
	uv_unref((uv_handle_t *)&guard);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	uv_walk(&a->loop, close_handle, NULL);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	uv_loop_close(&a->loop);
}

void app_free(struct app *a)
{
	if (!a)
		return;
	metrics_http_stop(a->http);
	admin_uv_close(
		a->admin_server); /* answers still under way use the table: it is freed behind the loop */
	peer_probe_free(a->probe);
	peer_standing_free(a->standing);
	a->standing = NULL;
	event_core_free(a->events);
	call_core_free(a->calls);
	app_lookup_stop(a);
	app_dns_stop(a);
	gate_pool_free(a->gates);
	txn_layer_free(a->txns);
	transport_free(a->transport);
	cdr_stop(a->cdr);
	if (a->driver)
		timer_uv_close(a->driver);
	if (a->loop_ready)
		run_down(a);
	admin_free(a->admin);
	timer_stop(&a->stop_limit);
	timer_stop(&a->watchdog);
	timer_stop(&a->cert_hour);
	app_quality_stop(a);
	timer_stop(&a->overload_tick);
	timer_wheel_free(a->wheel);
	app_tls_clear(&a->tls);
	mem_unref(a->snapshot);
	mem_unref(a->conf_path);
	mem_unref(a);
}
