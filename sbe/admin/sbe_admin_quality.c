/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin_quality - how calls with peers fare: RFC 6076 and ASR, NER, PDD, ACD.
 */
#include <stdio.h>

#include "common/clock.h"
#include "sbe/admin/sbe_admin.h"

/* One decimal is as much as anybody reads. */
static json_t *number(const struct peer_quality_sums *s, enum peer_figure f)
{
	double value;
	uint64_t n;

	if (!peer_quality_figure(s, f, &value, &n))
		return json_null();
	return json_real((double)(long long)(value * 10 + 0.5) / 10);
}

static json_t *figures(const struct peer_quality_sums *s)
{
	json_t *o = json_object();
	char key[32];

	for (int f = 0; f < PEER_FIGURES; f++) {
		const struct peer_figure_row *row = &peer_figure_rows[f];

		snprintf(key, sizeof(key), "%s_%s", row->name,
			 row->unit[0] == '%' ? "percent" : row->unit);
		json_object_set_new(o, key, number(s, (enum peer_figure)f));
	}
	return o;
}

static json_t *counts(const struct peer_quality_sums *s)
{
	json_t *o = json_object();

	for (int c = 0; c < QUALITY_COUNTS; c++)
		json_object_set_new(o, peer_quality_count_name((enum peer_quality_count)c),
				    json_integer((json_int_t)s->counts[c]));
	return o;
}

static json_t *one_way(struct peer *p, enum peer_direction d)
{
	struct peer_quality_sums window;
	const struct peer_quality_way *way = &p->state->quality.ways[d];
	json_t *missed = json_array();

	peer_quality_sum(p, d, clock_now_ms(), &window);
	for (int f = 0; f < PEER_FIGURES; f++) {
		if (way->missed >> f & 1)
			json_array_append_new(missed, json_string(peer_figure_rows[f].name));
	}
	return json_pack("{s:{s:o,s:o},s:{s:o,s:o},s:o}", "window", "counts", counts(&window),
			 "figures", figures(&window), "since_start", "counts", counts(&way->all),
			 "figures", figures(&way->all), "targets_missed", missed);
}

json_t *sbe_admin_peer_quality(struct peer *p)
{
	return json_pack("{s:i,s:o,s:o}", "window_s", (int)p->conf->perf.window_s, "in",
			 one_way(p, PEER_IN), "out", one_way(p, PEER_OUT));
}

static void add_row(json_t *table, struct peer *p, enum peer_direction d)
{
	static const enum peer_figure shown[] = {FIGURE_ASR, FIGURE_NER, FIGURE_SER, FIGURE_SEER,
						 FIGURE_ISA, FIGURE_SCR, FIGURE_SRD, FIGURE_PDD,
						 FIGURE_SDD, FIGURE_ACD};
	struct peer_quality_sums s;
	json_t *row;

	peer_quality_sum(p, d, clock_now_ms(), &s);
	row = json_pack("[s,s,I]", p->name, d == PEER_IN ? "in" : "out",
			(json_int_t)s.counts[QUALITY_REQUESTS]);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		json_t *n = number(&s, shown[i]);

		json_array_append_new(row, json_is_null(n) ? json_string("-") : json_incref(n));
		json_decref(n);
	}
	json_array_append_new(row,
			      json_integer(__builtin_popcount(p->state->quality.ways[d].missed)));
	admin_row(table, row);
}

static int list_one(struct peer *p, void *table)
{
	add_row(table, p, PEER_IN);
	add_row(table, p, PEER_OUT);
	return 0;
}

static int peer_quality_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	static const char *const columns[] = {"peer",   "direction", "calls", "asr_%",  "ner_%",
					      "ser_%",  "seer_%",    "isa_%", "scr_%",  "srd_ms",
					      "pdd_ms", "sdd_ms",    "acd_s", "missed", NULL};
	struct sbe_admin_app *app = arg;
	struct peer *p;

	if (c->nargs) {
		p = peer_find_name((*app->snapshot)->peers, c->args[0]);
		if (!p)
			return admin_error(c, ADMIN_NOT_FOUND, "no peer %s (see: peer list)",
					   c->args[0]);
		*ret_data = sbe_admin_peer_quality(p);
		return *ret_data ? ADMIN_OK : admin_error(c, ADMIN_FAILED, "out of memory");
	}
	*ret_data = admin_table(columns);
	peer_each((*app->snapshot)->peers, list_one, *ret_data);
	return ADMIN_OK;
}

const struct admin_cmd sbe_admin_quality_cmds[] = {
	{"peer", "quality", "[NAME]", 0, 1,
	 "How calls with peers fare in their window, by RFC 6076 and as ASR, NER, PDD, ACD; of one peer also since the start.",
	 peer_quality_cmd},
	{.noun = NULL},
};
