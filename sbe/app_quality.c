/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_quality - every few seconds: are the peers' targets met, and their figures as text for /metrics.
 */
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/app_private.h"

#define TICK_MS 5000U
#define PEERS_MAX 200   /* in the page: it is written on the loop */
#define PEER_BYTES 8192 /* of one peer in it */
#define HEAD_BYTES 512

static void tell(void *arg, struct peer *p, enum peer_direction d, enum peer_figure f, double value,
		 bool missed)
{
	const struct peer_figure_row *row = &peer_figure_rows[f];
	const char *calls = d == PEER_OUT ? "calls to it" : "its calls";

	(void)arg;
	if (missed)
		LOG_WARN(APP_LOG, "peer %s: %s of %s is %.1f %s, the target is %s %u", p->name,
			 row->name, calls, value, row->unit, row->higher ? "at least" : "at most",
			 p->conf->perf.targets[f]);
	else
		LOG_NOTICE(APP_LOG, "peer %s: %s of %s is %.1f %s: the target %u is met again",
			   p->name, row->name, calls, value, row->unit, p->conf->perf.targets[f]);
}

static bool has_calls(const struct peer *p)
{
	const struct peer_quality *q = &p->state->quality;

	return q->ways[PEER_IN].all.counts[QUALITY_REQUESTS] ||
	       q->ways[PEER_OUT].all.counts[QUALITY_REQUESTS];
}

struct page {
	struct text_out t;
	unsigned peers;
	uint64_t now_ms;
	int64_t missed;
	bool counts; /* the first pass: rows of one name stand together */
};

static int look(struct peer *p, void *arg)
{
	struct page *page = arg;

	peer_quality_window(p, page->now_ms);
	if (!has_calls(p))
		return 0;
	page->missed += peer_quality_judge(p, page->now_ms, tell, NULL);
	page->peers += p->conf->perf.report && page->peers < PEERS_MAX;
	return 0;
}

static void row_start(struct text_out *t, const char *name, const struct peer *p, int d,
		      const char *key, const char *value)
{
	text_add(t, name);
	text_add(t, "{peer=\"");
	text_add(t, p->name);
	text_add(t, d == PEER_OUT ? "\",direction=\"out\"," : "\",direction=\"in\",");
	text_add(t, key);
	text_add(t, "=\"");
	text_add(t, value);
	text_add(t, "\"} ");
}

static void put_counts(struct page *page, const struct peer *p, int d)
{
	const struct peer_quality_sums *s = &p->state->quality.ways[d].all;

	for (int c = 0; c < QUALITY_COUNTS; c++) {
		row_start(&page->t, "sbe_peer_calls_total", p, d, "outcome",
			  peer_quality_count_name((enum peer_quality_count)c));
		text_add_number(&page->t, s->counts[c]);
		text_add(&page->t, "\n");
	}
}

static void put_figures(struct page *page, struct peer *p, int d)
{
	struct peer_quality_sums s;
	uint64_t n;
	double value;

	peer_quality_sum(p, (enum peer_direction)d, page->now_ms, &s);
	for (int f = 0; f < PEER_FIGURES; f++) {
		if (!peer_quality_figure(&s, (enum peer_figure)f, &value, &n))
			continue;
		row_start(&page->t, "sbe_peer_quality", p, d, "figure", peer_figure_rows[f].name);
		text_add_number(&page->t, (unsigned long long)value);
		text_add(&page->t, ".");
		text_add_number(&page->t, (unsigned long long)(value * 10) % 10);
		text_add(&page->t, "\n");
	}
}

static int put(struct peer *p, void *arg)
{
	struct page *page = arg;

	if (!p->conf->perf.report || !has_calls(p))
		return 0;
	if (!page->peers)
		return 1;
	page->peers--;
	for (int d = 0; d < 2; d++) {
		if (page->counts)
			put_counts(page, p, d);
		else
			put_figures(page, p, d);
	}
	return 0;
}

static void publish(struct app *a, struct page *page)
{
	const unsigned peers = page->peers;
	size_t size_bytes = HEAD_BYTES + (size_t)peers * PEER_BYTES;
	char *buf = peers ? mem_buffer(size_bytes) : NULL;

	if (!buf)
		return;
	text_start(&page->t, buf, size_bytes);
	page->counts = true;
	text_add(&page->t, "# HELP sbe_peer_calls_total calls of a peer by outcome\n"
			   "# TYPE sbe_peer_calls_total counter\n");
	peer_each(a->snapshot->peers, put, page);
	page->counts = false;
	page->peers = peers;
	text_add(
		&page->t,
		"# HELP sbe_peer_quality figures of RFC 6076 and ASR, NER, PDD, ACD in the peer's window\n"
		"# TYPE sbe_peer_quality gauge\n");
	peer_each(a->snapshot->peers, put, page);
	if (page->t.len_bytes < size_bytes)
		(void)metric_set_page(buf, page->t.len_bytes);
	mem_free(buf);
}

static void on_tick(void *arg)
{
	struct app *a = arg;
	struct page page = {.now_ms = clock_now_ms()};

	peer_each(a->snapshot->peers, look, &page);
	metric_set(&peer_quality_metrics, PEER_QUALITY_MISSED, page.missed);
	publish(a, &page);
	timer_start(a->wheel, &a->quality_tick, TICK_MS, on_tick, a);
}

void app_quality_start(struct app *a)
{
	on_tick(a);
}

void app_quality_stop(struct app *a)
{
	timer_stop(&a->quality_tick);
	(void)metric_set_page(NULL, 0);
}
