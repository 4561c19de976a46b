/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin_node - commands on the node itself: status, configuration, log, counters.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/metric.h"
#include "sbe/admin/sbe_admin.h"
#include "sbe/conf/sbe_conf_lint.h"
#include "sbe/cdr/cdr.h"
#include "sbe/sip/txn.h"
#include "version.h"

static int count_peer(struct peer *p, void *arg)
{
	int *n = arg;

	n[p->state->blocked ? 2 : p->down ? 1 : 0]++;
	return 0;
}

static long rss_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (f) {
		if (fscanf(f, "%*d %ld", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int status_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct sbe_admin_app *app = arg;
	int peers[3] = {0, 0, 0};

	(void)c;
	peer_each((*app->snapshot)->peers, count_peer, peers);
	*ret_data = json_pack(
		"{s:s,s:s,s:I,s:I,s:I,s:I,s:{s:i,s:i,s:i},s:I,s:I,s:{s:I,s:I},s:{s:I,s:I},s:I,s:o}",
		"node", (*app->snapshot)->conf.node, "version", SPEERMINT_VERSION, "uptime_s",
		(json_int_t)((clock_now_ms() - app->started_ms) / 1000), "calls",
		(json_int_t)call_count(app->calls), "calls_attempted",
		(json_int_t)metric_get(&call_metrics, CALL_ATTEMPTS), "calls_answered",
		(json_int_t)metric_get(&call_metrics, CALL_ANSWERED), "peers", "up", peers[0],
		"down", peers[1], "blocked", peers[2], "dbes_in_service",
		(json_int_t)gate_pool_in_service(app->gates), "contexts",
		(json_int_t)gate_pool_contexts(app->gates), "transactions", "server",
		(json_int_t)txn_count_server(app->txns), "client",
		(json_int_t)txn_count_client(app->txns), "cdr", "backlog_bytes",
		(json_int_t)cdr_backlog_bytes(app->cdr), "lost", (json_int_t)cdr_lost(app->cdr),
		"memory_kib", (json_int_t)rss_kib(), "overload", sbe_admin_overload(app));
	return *ret_data ? ADMIN_OK : admin_error(c, ADMIN_FAILED, "out of memory");
}

static int version_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	(void)arg;
	(void)c;
	*ret_data = json_pack("{s:s,s:s}", "program", "sbe", "version", SPEERMINT_VERSION);
	return ADMIN_OK;
}

static void add_warning(void *arg, const char *text)
{
	json_array_append_new(arg, json_string(text));
}

static int config_check_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct sbe_snapshot *s = NULL;
	struct conf_error error = {""};
	json_t *warnings;

	(void)arg;
	if (sbe_conf_load(c->args[0], NULL, &s, &error))
		return admin_error(c, ADMIN_FAILED, "%.250s", error.text);
	warnings = json_array();
	(void)sbe_conf_lint(s, add_warning, warnings);
	mem_unref(s);
	*ret_data = json_pack("{s:s}", "text", "The file is good.");
	if (json_array_size(warnings))
		json_object_set(*ret_data, "warnings", warnings);
	json_decref(warnings);
	return ADMIN_OK;
}

static int config_show_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct sbe_admin_app *app = arg;

	(void)c; /* keys are files in this configuration: nothing secret stands in it */
	*ret_data = json_deep_copy(conf_json((*app->snapshot)->doc));
	return *ret_data ? ADMIN_OK : admin_error(c, ADMIN_FAILED, "out of memory");
}

static int config_reload_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct sbe_admin_app *app = arg;
	char why[512] = "";

	if (app->reload(app->reload_arg, why, sizeof(why)))
		return admin_error(c, ADMIN_FAILED, "%.250s", why);
	*ret_data = json_pack(
		"{s:s,s:s}", "text",
		why[0] ? "The configuration of the file is in use, but for the sections that wait for a "
			 "restart."
		       : "The configuration of the file is in use.",
		"waits_for_restart", why);
	return ADMIN_OK;
}

static int log_level_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	const char *subsystem = c->nargs == 2 ? c->args[0] : NULL;
	enum log_level level;

	(void)arg;
	if (log_level_parse(c->args[c->nargs - 1], &level))
		return admin_error(c, ADMIN_USAGE,
				   "level is one of: error, warn, notice, info, debug");
	if (log_set_level(subsystem, level))
		return admin_error(c, ADMIN_NOT_FOUND, "no log subsystem %s", subsystem);
	*ret_data = json_pack("{s:s}", "level", log_level_name(level));
	return ADMIN_OK;
}

static void add_metric(const struct metric_def *def, int64_t value, void *table)
{
	admin_row(table, json_pack("[s,I,s]", def->name, (json_int_t)value, def->help));
}

static int stats_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	static const char *const columns[] = {"name", "value", "meaning", NULL};

	(void)arg;
	(void)c;
	*ret_data = admin_table(columns);
	metric_each(add_metric, *ret_data);
	return ADMIN_OK;
}

static int connections_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	(void)c;
	*ret_data = transport_list(((struct sbe_admin_app *)arg)->transport);
	return ADMIN_OK;
}

const struct admin_cmd sbe_admin_node_cmds[] = {
	{"status", "", "", 0, 0, "The node on one screen.", status_cmd},
	{"version", "", "", 0, 0, "Program and version.", version_cmd},
	{"config", "check", "FILE", 1, 1, "Check a configuration file without using it.",
	 config_check_cmd},
	{"config", "show", "", 0, 0, "The configuration in use.", config_show_cmd},
	{"config", "reload", "", 0, 0, "Read the configuration again; a bad file changes nothing.",
	 config_reload_cmd},
	{"log", "level", "[SUBSYSTEM] LEVEL", 1, 2,
	 "Set how much is logged: error, warn, notice, info, debug.", log_level_cmd},
	{"stats", "show", "", 0, 0, "All counters with their meaning.", stats_cmd},
	{"connection", "list", "", 0, 0, "SIP connections that are open.", connections_cmd},
	{.noun = NULL},
};
