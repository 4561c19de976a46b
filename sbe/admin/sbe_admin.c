/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin - commands on calls, dbes and gates.
 */
#include "sbe/admin/sbe_admin.h"

#include <errno.h>
#include <string.h>

static int call_list_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	(void)c;
	*ret_data = call_list(((struct sbe_admin_app *)app)->calls);
	return ADMIN_OK;
}

static int call_error(struct admin_call *c, int err)
{
	if (err == -ENOMEM)
		return err;
	if (err == -EEXIST)
		return admin_error(c, ADMIN_FAILED, "%s fits several calls: give more of the token",
				   c->args[0]);
	if (err == -EINVAL)
		return admin_error(c, ADMIN_USAGE, "a reason is plain words without quotes");
	return admin_error(c, ADMIN_NOT_FOUND, "no call %s (see: call list)", c->args[0]);
}

static void call_shown(void *arg, json_t *object)
{
	if (object)
		admin_finish(arg, ADMIN_OK, NULL, object);
	else
		admin_finish(arg, ADMIN_FAILED, "out of memory", NULL);
}

static int call_show_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	struct admin_pending *p = admin_defer(c);
	int err;

	(void)ret_data;
	if (!p)
		return ADMIN_FAILED;
	err = call_show(((struct sbe_admin_app *)app)->calls, c->args[0], call_shown, p);
	if (err == -ENOENT && !call_why(((struct sbe_admin_app *)app)->calls, c->args[0], ret_data))
		return ADMIN_OK; /* it is over: what is kept of it */
	return err ? call_error(c, err) : ADMIN_LATER;
}

static int call_ended_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	(void)c;
	*ret_data = call_ended(((struct sbe_admin_app *)app)->calls);
	return ADMIN_OK;
}

static int call_why_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	int err = call_why(((struct sbe_admin_app *)app)->calls, c->args[0], ret_data);

	return err ? call_error(c, err) : ADMIN_OK;
}

static int call_kill_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	int err =
		call_kill(((struct sbe_admin_app *)app)->calls, c->args[0], admin_opt(c, "reason"));

	if (err)
		return call_error(c, err);
	*ret_data = json_pack("{s:s}", "text", "The call is being released on both legs.");
	return ADMIN_OK;
}

static int dbe_list_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	(void)c;
	*ret_data = gate_pool_list(((struct sbe_admin_app *)app)->gates);
	return ADMIN_OK;
}

static int dbe_unknown(struct admin_call *c)
{
	return admin_error(c, ADMIN_NOT_FOUND, "no dbe %s (see: dbe list)", c->args[0]);
}

static int dbe_show_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	*ret_data = gate_pool_show(((struct sbe_admin_app *)app)->gates, c->args[0]);
	return *ret_data ? ADMIN_OK : dbe_unknown(c);
}

static int drain(void *app, struct admin_call *c, json_t **ret_data, bool on)
{
	if (gate_pool_drain(((struct sbe_admin_app *)app)->gates, c->args[0], on))
		return dbe_unknown(c);
	*ret_data = json_pack(
		"{s:s}", "text",
		on ? "No new calls go to this dbe; those it carries go on. Undo: dbe undrain NAME"
		   : "New calls may go to this dbe again.");
	return ADMIN_OK;
}

static int dbe_drain_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	return drain(app, c, ret_data, true);
}

static int dbe_undrain_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	return drain(app, c, ret_data, false);
}

/* One row for each realm of a dbe. */
static void pool_rows(json_t *table, const json_t *dbe)
{
	const json_t *realm;
	size_t i;

	json_array_foreach(json_object_get(dbe, "realms"), i, realm) {
		json_int_t total = json_integer_value(json_object_get(realm, "ports_total"));
		json_int_t left = json_integer_value(json_object_get(realm, "ports_free"));

		admin_row(table,
			  json_pack("[O,O,s,I,I,I,O]", json_object_get(dbe, "name"),
				    json_object_get(realm, "name"),
				    json_is_true(json_object_get(realm, "up")) ? "up" : "down",
				    total, total - left, left, json_object_get(dbe, "health")));
	}
}

/* What the dbes said when they joined and since: ports of each realm. */
static int pool_show_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	static const char *const columns[] = {"dbe",  "realm", "state",  "ports",
					      "used", "free",  "health", NULL};
	struct gate_pool *gates = ((struct sbe_admin_app *)app)->gates;
	json_t *list = gate_pool_list(gates), *row, *dbe;
	size_t i;

	(void)c;
	*ret_data = admin_table(columns);
	json_array_foreach(json_object_get(list, "rows"), i, row) {
		dbe = gate_pool_show(gates, json_string_value(json_array_get(row, 0)));
		pool_rows(*ret_data, dbe);
		json_decref(dbe);
	}
	json_decref(list);
	return ADMIN_OK;
}

static int gate_list_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	(void)c;
	*ret_data = gate_pool_gates(((struct sbe_admin_app *)app)->gates);
	return ADMIN_OK;
}

/* One row of the gate list as an object: by call label or context id. */
static int gate_show_cmd(void *app, struct admin_call *c, json_t **ret_data)
{
	json_t *table = gate_pool_gates(((struct sbe_admin_app *)app)->gates);
	json_t *columns = json_object_get(table, "columns"), *row, *found = NULL;
	size_t i, k;

	json_array_foreach(json_object_get(table, "rows"), i, row) {
		for (k = 0; k < json_array_size(row) && k < 3 && !found; k++) {
			const json_t *cell = json_array_get(row, k);
			char number[24];

			snprintf(number, sizeof(number), "%lld",
				 (long long)json_integer_value(cell));
			if ((json_is_string(cell) &&
			     !strcmp(json_string_value(cell), c->args[0])) ||
			    (json_is_integer(cell) && !strcmp(number, c->args[0])))
				found = row;
		}
	}
	if (found) {
		*ret_data = json_object();
		for (k = 0; k < json_array_size(found); k++)
			json_object_set(*ret_data, json_string_value(json_array_get(columns, k)),
					json_array_get(found, k));
	}
	json_decref(table);
	return *ret_data
		       ? ADMIN_OK
		       : admin_error(c, ADMIN_NOT_FOUND, "no gate %s (see: gate list)", c->args[0]);
}

static const struct admin_cmd call_cmds[] = {
	{"call", "list", "", 0, 0, "Calls in set-up or up now.", call_list_cmd},
	{"call", "show", "CALL", 1, 1,
	 "One call: legs, route, what both sides said, the dbe's packet counts, and why media is one-way.",
	 call_show_cmd},
	{"call", "ended", "", 0, 0, "The last 256 calls that ended or were refused.",
	 call_ended_cmd},
	{"call", "why", "CALL|CALL-ID", 1, 1,
	 "Each step of a call, also of one that is over: who, policy, lookups, next hops, phases with times.",
	 call_why_cmd},
	{"call", "kill", "CALL [--reason TEXT]", 1, 1, "Release a call on both legs.",
	 call_kill_cmd},
	{"dbe", "list", "", 0, 0, "The dbes that may join: admin state, health, load.",
	 dbe_list_cmd},
	{"dbe", "show", "NAME", 1, 1, "One dbe with its realms, ports and counters.", dbe_show_cmd},
	{"dbe", "drain", "NAME", 1, 1, "Send no new calls to a dbe; running calls go on.",
	 dbe_drain_cmd},
	{"dbe", "undrain", "NAME", 1, 1, "Send new calls to a dbe again.", dbe_undrain_cmd},
	{"pool", "show", "", 0, 0, "Media ports of the dbes by realm, as they report them.",
	 pool_show_cmd},
	{"gate", "list", "", 0, 0, "Contexts open on the dbes, with the call each belongs to.",
	 gate_list_cmd},
	{"gate", "show", "CALL|CONTEXT", 1, 1,
	 "One context as the sbe knows it; packet counts: gate show on the dbe's socket.",
	 gate_show_cmd},
	{.noun = NULL},
};

int sbe_admin_add(struct admin *a, struct sbe_admin_app *app)
{
	int err = admin_add(a, sbe_admin_node_cmds, app);

	if (!err)
		err = admin_add(a, call_cmds, app);
	if (!err)
		err = admin_add(a, sbe_admin_cert_cmds, app);
	if (!err)
		err = admin_add(a, sbe_admin_overload_cmds, app);
	if (!err)
		err = admin_add(a, sbe_admin_policy_cmds, app);
	if (!err)
		err = admin_add(a, sbe_admin_peering_cmds, app);
	if (!err)
		err = admin_add(a, sbe_admin_quality_cmds, app);
	return err ? err : admin_add(a, sbe_admin_peer_cmds, app);
}
