/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin_overload - what overload control sees and does, of the node and of a peer; and shedding by hand.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "sbe/admin/sbe_admin.h"

static json_int_t counter(int id)
{
	return (json_int_t)metric_get(&overload_metrics, id);
}

json_t *sbe_admin_overload(const struct sbe_admin_app *app)
{
	const struct overload *o = &app->gate->overload;

	return json_pack("{s:i,s:s,s:s,s:f,s:i,s:i,s:i,s:I,s:I,s:I}", "shed_percent",
			 (int)overload_level(o), "cause", overload_cause_name(o->cause), "why",
			 overload_cause_text(o->cause), "delay_ms",
			 (double)(long)(o->delay_ms * 10) / 10, "busy_percent",
			 (int)(o->busy * 100 + 0.5), "cpu_percent", (int)o->cpu_percent,
			 "receive_buffer_percent", (int)o->queue_percent, "calls_shed",
			 counter(OVERLOAD_SHED), "priority_let_in", counter(OVERLOAD_PRIORITY),
			 "episodes", counter(OVERLOAD_EPISODES));
}

static json_t *show_controls(const struct peer *p)
{
	const uint64_t now_ms = clock_now_ms();
	json_t *list = json_array();

	for (size_t i = 0; i < PEER_CONTROLS_MAX; i++) {
		const struct peer_control *k = &p->state->controls.servers[i];
		char text[ADDR_TEXT_BYTES];

		if (!k->server.family)
			continue;
		json_array_append_new(list, json_pack("{s:s,s:i,s:b}", "server",
						      addr_print(&k->server, text, sizeof(text)),
						      "asks_percent",
						      (int)peer_control_percent(&p->state->controls,
										&k->server, now_ms),
						      "silent", k->silent >= PEER_SILENT_AFTER));
	}
	return list;
}

json_t *sbe_admin_peer_overload(const struct peer *p)
{
	const struct peer_load *l = &p->state->load;

	return json_pack("{s:b,s:b,s:i,s:i,s:i,s:o}", "agreed", p->conf->overload.consent,
			 "takes_part", l->takes_part, "offered_cps", (int)(l->rate + 0.5),
			 "told_percent", (int)peer_load_loss(l), "shed_percent",
			 (int)(100 - (l->here * 100 + OVERLOAD_WHOLE / 2) / OVERLOAD_WHOLE),
			 "servers", show_controls(p));
}

static int overload_show_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	*ret_data = sbe_admin_overload(arg);
	return *ret_data ? ADMIN_OK : admin_error(c, ADMIN_FAILED, "out of memory");
}

static int overload_shed_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct sbe_admin_app *app = arg;
	char *end = NULL;
	long percent = strtol(c->args[0], &end, 10);

	if (!*c->args[0] || *end || percent < 0 || percent > 100)
		return admin_error(c, ADMIN_USAGE, "a share of 0 to 100, not %.40s", c->args[0]);
	overload_force(&app->gate->overload, (uint32_t)percent);
	*ret_data = json_pack(
		"{s:s}", "text",
		percent ? "So much of the new calls is shed from now on, at least; emergency and "
			  "priority calls pass. Undo: overload shed 0"
			: "Calls are shed only in overload.");
	return ADMIN_OK;
}

const struct admin_cmd sbe_admin_overload_cmds[] = {
	{"overload", "show", "", 0, 0, "What overload control measures, and what share it sheds.",
	 overload_show_cmd},
	{"overload", "shed", "PERCENT", 1, 1,
	 "Shed at least this share of new calls until told otherwise or restarted.",
	 overload_shed_cmd},
	{.noun = NULL},
};
