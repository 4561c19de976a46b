/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/admin/dbe_admin.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/metric.h"

static int admin_data(struct admin_call *call, json_t *data, json_t **ret_data)
{
	if (!data)
		return admin_error(call, ADMIN_FAILED, "out of memory");
	*ret_data = data;
	return ADMIN_OK;
}

static json_t *realms_status(const struct dbe_admin *d)
{
	json_t *realms = json_array();
	struct pool_realm_view v;

	for (size_t i = 0; pool_realm_view(d->host->pool, i, &v) == 0; i++)
		json_array_append_new(realms,
				      json_pack("{s:s,s:s,s:i,s:i}", "realm", v.name, "state",
						v.up ? "up" : "down", "free",
						(int)v.count[POOL_FREE], "total", (int)v.total));
	return realms;
}

static int admin_status(void *app, struct admin_call *call, json_t **ret_data)
{
	const struct dbe_admin *d = app;
	json_t *o = json_pack("{s:s,s:s,s:I,s:s,s:s,s:i,s:I,s:o,s:o}", "name", d->name, "version",
			      d->version, "uptime_s",
			      (json_int_t)((clock_now_ms() - d->started_ms) / 1000), "state",
			      gate_server_draining(d->server)     ? "draining"
			      : gate_server_associated(d->server) ? "in service"
								  : "no controller",
			      "path", d->host->path->ops->name, "controllers_associated",
			      (int)gate_server_associated(d->server), "contexts",
			      (json_int_t)context_count(d->store, NULL), "controllers",
			      gate_server_list(d->server), "realms", realms_status(d));

	return admin_data(call, o, ret_data);
}

static int admin_version(void *app, struct admin_call *call, json_t **ret_data)
{
	const struct dbe_admin *d = app;

	return admin_data(call, json_pack("{s:s,s:s}", "program", "dbe", "version", d->version),
			  ret_data);
}

static void pool_row(const struct dbe_admin *d, json_t *table, const char *realm, size_t i,
		     size_t k)
{
	char bind[ADDR_TEXT_BYTES], advertise[ADDR_TEXT_BYTES];
	struct pool_address_view a;

	if (pool_address_view(d->host->pool, i, k, &a) < 0)
		return;
	admin_row(table, json_pack("[s,s,s,i,i,i,i,i,i,i,i,s]", realm,
				   addr_print_ip(&a.bind, false, bind, sizeof(bind)),
				   addr_print_ip(&a.advertise, false, advertise, sizeof(advertise)),
				   (int)a.low, (int)a.high, (int)a.total, (int)a.count[POOL_USED],
				   (int)a.count[POOL_FREE], (int)a.count[POOL_RESTING],
				   (int)a.count[POOL_REFUSED],
				   (int)d->host->path->ops->warm(d->host->path, &a.bind),
				   a.up ? "up" : "down"));
}

static int admin_pool(void *app, struct admin_call *call, json_t **ret_data)
{
	static const char *const columns[] = {"realm", "bind",  "advertise", "low",     "high",
					      "pairs", "used",  "free",      "resting", "refused",
					      "warm",  "state", NULL};
	const struct dbe_admin *d = app;
	json_t *table = admin_table(columns);
	struct pool_realm_view v;

	for (size_t i = 0; table && pool_realm_view(d->host->pool, i, &v) == 0; i++) {
		for (size_t k = 0; k < v.naddresses; k++)
			pool_row(d, table, v.name, i, k);
	}
	return admin_data(call, table, ret_data);
}

static int drain_result(const struct dbe_admin *d, struct admin_call *call, json_t **ret_data)
{
	bool draining = gate_server_draining(d->server);

	return admin_data(call,
			  json_pack("{s:s,s:I,s:s}", "state", draining ? "draining" : "in service",
				    "contexts", (json_int_t)context_count(d->store, NULL), "undo",
				    draining ? "dbe undrain" : "dbe drain"),
			  ret_data);
}

static int admin_drain(void *app, struct admin_call *call, json_t **ret_data)
{
	struct dbe_admin *d = app;

	gate_server_drain(d->server, true);
	LOG_NOTICE("admin", "draining: %zu contexts left", context_count(d->store, NULL));
	return drain_result(d, call, ret_data);
}

static int admin_undrain(void *app, struct admin_call *call, json_t **ret_data)
{
	struct dbe_admin *d = app;

	gate_server_drain(d->server, false);
	LOG_NOTICE("admin", "back in service");
	return drain_result(d, call, ret_data);
}

static int admin_log_level(void *app, struct admin_call *call, json_t **ret_data)
{
	const char *subsystem = call->nargs == 2 ? call->args[0] : NULL;
	const char *word = call->args[call->nargs - 1];
	enum log_level level;

	(void)app;
	if (log_level_parse(word, &level) < 0)
		return admin_error(call, ADMIN_USAGE,
				   "%s is no level; allowed: error, warn, notice, info, debug",
				   word);
	if (log_set_level(subsystem, level) < 0)
		return admin_error(call, ADMIN_NOT_FOUND, "nothing called %s has logged",
				   subsystem);
	return admin_data(call,
			  json_pack("{s:s,s:s}", "subsystem", subsystem ? subsystem : "all",
				    "level", log_level_name(level)),
			  ret_data);
}

static int admin_config(void *app, struct admin_call *call, json_t **ret_data)
{
	const struct dbe_admin *d = app;

	return admin_data(call, json_deep_copy(d->config), ret_data);
}

static void stats_row(const struct metric_def *def, int64_t value, void *arg)
{
	admin_row(arg, json_pack("[s,I,s]", def->name, (json_int_t)value, def->help));
}

static int admin_stats(void *app, struct admin_call *call, json_t **ret_data)
{
	static const char *const columns[] = {"name", "value", "meaning", NULL};
	const struct dbe_admin *d = app;
	json_t *table = admin_table(columns);

	pool_publish(d->host->pool);
	if (table)
		metric_each(stats_row, table);
	return admin_data(call, table, ret_data);
}

const struct admin_cmd dbe_admin_commands[] = {
	{"status", "", "", 0, 0, "Show this dbe's state, controllers, realms and calls.",
	 admin_status},
	{"version", "", "", 0, 0, "Show program and version.", admin_version},
	{"gate", "list", "[--limit N]", 0, 0,
	 "List contexts with packets, drops and whether media flows.", dbe_admin_gate_list},
	{"gate", "show", "CONTEXT", 1, 1,
	 "Show a context's streams, counters, and why a direction is silent.", dbe_admin_gate_show},
	{"pool", "show", "", 0, 0, "Show port pairs per address: used, free, resting, refused.",
	 admin_pool},
	{"dbe", "drain", "", 0, 0, "Take no new contexts and tell the controllers; calls go on.",
	 admin_drain},
	{"dbe", "undrain", "", 0, 0, "Take new contexts again.", admin_undrain},
	{"log", "level", "[SUBSYSTEM] LEVEL", 1, 2, "Set what is logged.", admin_log_level},
	{"config", "show", "", 0, 0, "Show the configuration as it was read.", admin_config},
	{"stats", "show", "", 0, 0, "Show all counters and gauges.", admin_stats},
	{NULL, NULL, NULL, 0, 0, NULL, NULL},
};
