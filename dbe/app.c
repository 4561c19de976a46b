/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app - the one file that knows all parts. Built from the bottom up, taken apart from the top down.
 */
#include "dbe/app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <uv.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/net/admin_uv.h"
#include "common/net/metrics_http.h"
#include "common/net/net_metric.h"
#include "common/net/timer_uv.h"
#include "common/net/tls.h"
#include "dbe/admin/dbe_admin.h"
#include "dbe/path/path_metric.h"
#include "dbe/path/path_socket.h"
#include "version.h"

#define APP_TICK_MS 1000
#define APP_OTHER_DESCRIPTORS 128 /* gate control, speerctl, metrics, epoll */
#define APP_DESCRIPTORS_PER_PAIR 2
#define APP_TLS_WHY_BYTES 256

struct dbe_app {
	char conf_path[256];
	struct dbe_conf *conf;
	uv_loop_t loop;
	uv_signal_t signals[3]; /* TERM, INT, HUP */
	bool loop_up, signals_up, stopping;
	struct timer_wheel *wheel;
	struct timer_uv *timers;
	struct timer tick;
	struct flow_host host;
	struct context_store *store;
	struct tls_context *tls;
	struct gate_server *gates;
	struct dbe_admin admin;
	struct admin *commands;
	struct admin_uv *admin_socket;
	struct metrics_http *metrics;
};

static int app_fail(struct conf_error *err, int code, const char *what)
{
	snprintf(err->text, sizeof(err->text), "%s: %s", what, strerror(-code));
	return code;
}

/* ---------------------------------------------------------------- events */

static void app_on_pool_event(void *arg, enum pool_event_type type, const char *realm,
			      uint32_t value)
{
	struct dbe_app *a = arg;

	switch (type) {
	case POOL_EVENT_LOW:
		LOG_WARN("pool", "realm %s is running out of ports: %u pairs free", realm, value);
		break;
	case POOL_EVENT_OK:
		LOG_NOTICE("pool", "realm %s has ports again: %u pairs free", realm, value);
		break;
	case POOL_EVENT_DOWN:
		LOG_ERROR("pool", "realm %s is down: its address is not on this host", realm);
		break;
	case POOL_EVENT_UP:
		LOG_NOTICE("pool", "realm %s is up", realm);
		break;
	}
	if (a->store)
		context_on_pool_event(a->store, type, realm, value);
}

static void app_on_context_event(void *arg, const char *controller, uint32_t context,
				 const char *termination, const struct gate_event *event)
{
	struct dbe_app *a = arg;
	char text[ADDR_TEXT_BYTES];

	if (context && event->addr.family)
		LOG_INFO("gate", "context %u %s stream %u: %s %s", context, termination,
			 event->stream_id, gate_event_name(event->type),
			 addr_print(&event->addr, text, sizeof(text)));
	else if (context)
		LOG_INFO("gate", "context %u %s stream %u: %s", context, termination,
			 event->stream_id, gate_event_name(event->type));
	gate_server_event(a->gates, controller, context, termination, event);
}

static void app_on_tick(void *arg)
{
	struct dbe_app *a = arg;

	pool_publish(a->host.pool);
	metrics_http_set_ready(a->metrics, gate_server_associated(a->gates) > 0 &&
						   !gate_server_draining(a->gates));
	timer_start(a->wheel, &a->tick, APP_TICK_MS, app_on_tick, a);
}

/* ---------------------------------------------------------------- what gate control executes on */

static int executor_execute(void *arg, const char *controller, const struct gate_action *request,
			    struct gate_action *ret_reply)
{
	return context_execute(arg, controller, request, ret_reply);
}

static size_t executor_clear(void *arg, const char *controller)
{
	return context_clear(arg, controller);
}

static size_t executor_count(void *arg, const char *controller)
{
	return context_count(arg, controller);
}

static void executor_describe(void *arg, struct gate_service_change *ret_change)
{
	context_describe(arg, ret_change);
}

static void executor_set_draining(void *arg, bool draining)
{
	context_set_draining(arg, draining);
}

/* ---------------------------------------------------------------- signals */

static void app_stop(struct dbe_app *a)
{
	if (a->stopping) /* asked twice: at once */
		_exit(0);
	a->stopping = true;
	sd_notify(0, "STOPPING=1");
	LOG_NOTICE("dbe", "stopping: %zu contexts", context_count(a->store, NULL));
	metrics_http_set_ready(a->metrics, false);
	uv_stop(&a->loop);
}

/* Only the log level may change without a restart; the rest is checked, so that the operator hears of mistakes now. */
static void app_reload(struct dbe_app *a)
{
	struct conf_error err;
	struct dbe_conf *c;

	if (dbe_conf_load(a->conf_path, &c, &err) < 0) {
		LOG_ERROR("conf", "reload refused, nothing changed: %s", err.text);
		return;
	}
	log_set_level(NULL, (enum log_level)c->log.level);
	LOG_NOTICE("conf", "reloaded: log level %s; other settings take effect at the next start",
		   log_level_name((enum log_level)c->log.level));
	dbe_conf_free(c);
}

static void app_on_signal(uv_signal_t *handle, int number)
{
	if (number == SIGHUP)
		app_reload(handle->data);
	else
		app_stop(handle->data);
}

static void app_watch_signals(struct dbe_app *a)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < 3; i++) {
		uv_signal_init(&a->loop, &a->signals[i]);
		a->signals[i].data = a;
		uv_signal_start(&a->signals[i], app_on_signal, numbers[i]);
	}
	a->signals_up = true;
}

/* ---------------------------------------------------------------- building */

/* Each port pair needs two descriptors; better said now than found out with the last call that fits. */
static void app_raise_descriptors(const struct dbe_conf *c)
{
	uint64_t pairs = dbe_conf_pairs(c), need;
	struct rlimit limit;

	if (c->relay.contexts_max && c->relay.contexts_max * 2ULL < pairs)
		pairs = c->relay.contexts_max * 2ULL;
	need = pairs * APP_DESCRIPTORS_PER_PAIR + APP_OTHER_DESCRIPTORS;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		LOG_WARN("dbe", "cannot raise the limit on open files: %s", strerror(errno));
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < need)
		LOG_WARN("dbe",
			 "%llu port pairs need %llu open files, the limit is %llu: raise it "
			 "(LimitNOFILE), or configure fewer ports",
			 (unsigned long long)pairs, (unsigned long long)need,
			 (unsigned long long)limit.rlim_cur);
}

static int app_tls(const struct dbe_conf *c, struct tls_context **ret_tls, struct conf_error *err)
{
	char certificate[512], key[512], trust[16][512], why[APP_TLS_WHY_BYTES];
	const char *trust_files[16];
	struct tls_options o = {.certificate_file = certificate,
				.private_key_file = key,
				.trust_files = trust_files,
				.min_version = TLS_MIN_1_3,
				.require_peer = true};
	const char *const *names = c->tls.trust.items;

	if (!c->has_tls)
		return 0;
	dbe_conf_file(c, c->tls.certificate, certificate, sizeof(certificate));
	dbe_conf_file(c, c->tls.private_key, key, sizeof(key));
	for (o.ntrust = 0; o.ntrust < c->tls.trust.n && o.ntrust < 16; o.ntrust++)
		trust_files[o.ntrust] =
			dbe_conf_file(c, names[o.ntrust], trust[o.ntrust], sizeof(trust[0]));
	if (tlsid_new(&o, ret_tls, why) == 0)
		return 0;
	conf_fail_at(c->doc, "tls", err, "%s", why);
	return -EINVAL;
}

int dbe_app_check(const struct dbe_conf *c, struct conf_error *err)
{
	struct pool_options o = {0};
	struct tls_context *tls = NULL;
	struct pool *pool = NULL;
	int e = dbe_conf_pool(c, &o, &pool, err);

	pool_free(pool);
	if (!e)
		e = app_tls(c, &tls, err);
	mem_unref(tls);
	return e ? -EINVAL : 0;
}

static int app_build_loop(struct dbe_app *a, struct conf_error *err)
{
	int e = uv_loop_init(&a->loop);

	if (e)
		return app_fail(err, e, "event loop");
	a->loop_up = true;
	e = timer_wheel_new(clock_now_ms(), &a->wheel);
	if (!e)
		e = timer_uv_new(&a->loop, a->wheel, &a->timers);
	return e ? app_fail(err, e, "timers") : 0;
}

static int app_build_media(struct dbe_app *a, struct conf_error *err)
{
	struct pool_options po = {.wheel = a->wheel, .event = app_on_pool_event, .event_arg = a};
	struct path_options path = {.receive_buffer_bytes = a->conf->relay.receive_buffer_bytes,
				    .warm_pairs_max = a->conf->relay.warm_pairs_max};
	struct context_options co = {.host = &a->host, .contexts_max = a->conf->relay.contexts_max};
	struct pool_realm_view v;
	int e;

	a->host.wheel = a->wheel;
	if (dbe_conf_pool(a->conf, &po, &a->host.pool, err) < 0)
		return -EINVAL;
	for (size_t i = 0; pool_realm_view(a->host.pool, i, &v) == 0; i++) {
		if (!v.up)
			LOG_ERROR("pool", "realm %s starts down: its address is not on this host",
				  v.name);
	}
	e = path_socket.create(&a->loop, &path, &a->host.path);
	if (e)
		return app_fail(err, e, "media sockets");
	e = context_store_new(&co, &a->store);
	return e ? app_fail(err, e, "contexts") : 0;
}

static int app_build_gates(struct dbe_app *a, struct conf_error *err)
{
	struct gate_server_options o = {.name = a->conf->name,
					.controllers = a->conf->controller_addrs,
					.ncontrollers = a->conf->ncontrollers,
					.hold_s = a->conf->hold_s};
	struct gate_executor x = {.arg = a->store,
				  .execute = executor_execute,
				  .clear = executor_clear,
				  .count = executor_count,
				  .describe = executor_describe,
				  .set_draining = executor_set_draining};
	int e = app_tls(a->conf, &a->tls, err);

	if (e)
		return e;
	o.tls = a->tls;
	e = gate_server_new(&o, &x, a->wheel, &a->gates);
	if (e)
		return app_fail(err, e, "gate control");
	context_on_event(a->store, app_on_context_event, a);
	e = gate_server_start(a->gates, &a->loop);
	return e ? app_fail(err, e, "gate control") : 0;
}

static int app_build_access(struct dbe_app *a, struct conf_error *err)
{
	char text[ADDR_TEXT_BYTES];
	int e;

	metric_register(&net_metrics);
	metric_register(&pool_metrics);
	metric_register(&path_metrics);
	metric_register(&context_metrics);
	a->admin = (struct dbe_admin){.name = a->conf->name,
				      .version = SPEERMINT_VERSION,
				      .started_ms = clock_now_ms(),
				      .store = a->store,
				      .host = &a->host,
				      .server = a->gates,
				      .config = conf_json(a->conf->doc)};
	e = admin_new(&a->commands);
	if (!e)
		e = admin_add(a->commands, dbe_admin_commands, &a->admin);
	if (e)
		return app_fail(err, e, "commands");
	e = admin_uv_listen(&a->loop, a->conf->control.socket, a->commands, &a->admin_socket);
	if (e)
		return app_fail(err, e, a->conf->control.socket);
	e = metrics_http_start(&a->conf->http.listen, &a->metrics);
	if (e)
		return app_fail(err, e, addr_print(&a->conf->http.listen, text, sizeof(text)));
	return 0;
}

int dbe_app_new(const char *conf_path, struct dbe_conf *conf, struct dbe_app **ret_app,
		struct conf_error *err)
{
	struct dbe_app *a = mem_zalloc(sizeof(*a), NULL);
	int e;

	if (!a) {
		dbe_conf_free(conf);
		return app_fail(err, -ENOMEM, "start");
	}
	a->conf = conf;
	snprintf(a->conf_path, sizeof(a->conf_path), "%s", conf_path);
	log_set_level(NULL, (enum log_level)conf->log.level);
	app_raise_descriptors(conf);
	e = app_build_loop(a, err);
	if (!e)
		e = app_build_media(a, err);
	if (!e)
		e = app_build_gates(a, err);
	if (!e)
		e = app_build_access(a, err);
	if (e) {
		dbe_app_free(a);
		return e;
	}
	app_watch_signals(a);
	app_on_tick(a);
	*ret_app = a;
	return 0;
}

int dbe_app_run(struct dbe_app *a)
{
	LOG_NOTICE("dbe", "%s %s: %u port pairs in %zu realms, media by %s", a->conf->name,
		   SPEERMINT_VERSION, dbe_conf_pairs(a->conf), a->conf->realms.n,
		   a->host.path->ops->name);
	sd_notify(0, "READY=1");
	uv_run(&a->loop, UV_RUN_DEFAULT);
	return 0;
}

void dbe_app_free(struct dbe_app *a)
{
	if (!a)
		return;
	a->metrics = metrics_http_stop(a->metrics);
	a->admin_socket = admin_uv_close(a->admin_socket);
	admin_free(a->commands);
	if (a->store)
		context_on_event(a->store, NULL, NULL);
	if (a->gates)
		gate_server_stop(a->gates);
	gate_server_free(a->gates);
	mem_unref(a->tls);
	context_store_free(a->store);
	a->store = NULL;
	if (a->host.path)
		a->host.path->ops->destroy(a->host.path);
	pool_free(a->host.pool);
	timer_stop(&a->tick);
	for (size_t i = 0; a->signals_up && i < 3; i++)
		uv_close((uv_handle_t *)&a->signals[i], NULL);
	timer_uv_close(a->timers);
	/* What is left is closing or flushing a good-bye, which is bounded. */
	if (a->loop_up) {
		uv_run(&a->loop, UV_RUN_DEFAULT);
		uv_loop_close(&a->loop);
	}
	timer_wheel_free(a->wheel);
	dbe_conf_free(a->conf);
	mem_unref(a);
}
