/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_luf - one entry per question and server: its answer, and while the server is asked those who wait.
 */
#include "sbe/route/route_luf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/route/route_luf_private.h"

METRIC_TABLE(route_luf_metrics, ROUTE_LUF_METRICS)

#define ENTRIES_DEFAULT 10000U

struct route_luf_wait {
	struct luf_entry *entry;
	route_luf_h *fn;
	void *arg;
	struct timer deadline;
	TAILQ_ENTRY(route_luf_wait) link;
};

/* ---- answers ---- */

static void answer_destroy(void *obj)
{
	struct route_luf_answer *a = obj;

	mem_unref(a->sed);
}

struct route_luf_answer *luf_answer_new(enum route_luf_result result, uint32_t ttl_s,
					const char *why)
{
	struct route_luf_answer *a = mem_zalloc(sizeof(*a), answer_destroy);

	if (!a)
		return NULL;
	a->result = result;
	a->ttl_s = ttl_s;
	if (why)
		text_copy(a->why, sizeof(a->why), why);
	return a;
}

/* ---- entries ---- */

static void measure(const struct route_luf *l)
{
	metric_set(&route_luf_metrics, ROUTE_LUF_ENTRIES, (int64_t)table_count(l->entries));
}

static void stop_asking(struct luf_entry *e)
{
	timer_stop(&e->deadline);
	web_cancel(e->get);
	e->get = NULL;
	luf_sip_stop(e);
	e->peer = mem_unref(e->peer);
	e->asking = false;
}

static void entry_destroy(void *obj)
{
	struct luf_entry *e = obj;

	mem_unref(e->answer);
}

static void entry_drop(struct luf_entry *e)
{
	stop_asking(e);
	TAILQ_REMOVE(&e->luf->used, e, used);
	table_remove(&e->by_key);
	mem_unref(e);
}

static void luf_destroy(void *obj)
{
	struct route_luf *l = obj;
	struct luf_entry *e;

	while ((e = TAILQ_FIRST(&l->used))) {
		struct route_luf_wait *w;

		while ((w = TAILQ_FIRST(&e->waiters)))
			route_luf_cancel(w);
		entry_drop(e);
	}
	table_free(l->entries);
}

int route_luf_new(const struct route_luf_options *o, struct route_luf **ret_luf)
{
	struct route_luf *l = mem_zalloc(sizeof(*l), luf_destroy);

	if (!l)
		return -ENOMEM;
	l->o = *o;
	if (!l->o.entries_max)
		l->o.entries_max = ENTRIES_DEFAULT;
	if (!l->o.stale_s)
		l->o.stale_s = ROUTE_LUF_STALE_S;
	TAILQ_INIT(&l->used);
	if (table_new(0, &l->entries)) {
		mem_unref(l);
		return -ENOMEM;
	}
	*ret_luf = l;
	return 0;
}

void route_luf_free(struct route_luf *l)
{
	mem_unref(l);
}

static int make_room(struct route_luf *l)
{
	struct luf_entry *e;

	if (table_count(l->entries) < l->o.entries_max)
		return 0;
	TAILQ_FOREACH(e, &l->used, used) {
		if (e->asking || !TAILQ_EMPTY(&e->waiters))
			continue;
		entry_drop(e);
		return 0;
	}
	return -EBUSY;
}

/* Server and question; a host is the same in any case. */
static size_t make_key(const struct route_luf_question *q, char key[LUF_KEY_BYTES])
{
	const struct route_step_conf *s = q->step;
	int n = snprintf(key, LUF_KEY_BYTES, "%d %s %s@", s->type, s->url ? s->url : s->peer,
			 q->user);
	size_t at = n > 0 && n < LUF_KEY_BYTES ? (size_t)n : LUF_KEY_BYTES - 1;

	for (const char *p = q->host; *p && at + 1 < LUF_KEY_BYTES; p++)
		key[at++] = (char)tolower((unsigned char)*p);
	return at;
}

static int entry_of(struct route_luf *l, const struct route_luf_question *q,
		    struct luf_entry **ret_entry)
{
	char key[LUF_KEY_BYTES];
	size_t key_bytes = make_key(q, key);
	struct luf_entry *e = table_find(l->entries, key, key_bytes);
	int err = e ? 0 : make_room(l);

	if (!e && !err) {
		e = mem_zalloc(sizeof(*e) + key_bytes + 1, entry_destroy);
		if (!e)
			return -ENOMEM;
		e->luf = l;
		e->key_bytes = key_bytes;
		memcpy(e->key, key, key_bytes);
		TAILQ_INIT(&e->waiters);
		err = table_add(l->entries, &e->by_key, e->key, key_bytes, e);
		if (err) {
			mem_unref(e);
			return err;
		}
		TAILQ_INSERT_TAIL(&l->used, e, used);
		measure(l);
	}
	if (!err) {
		TAILQ_REMOVE(&l->used, e, used);
		TAILQ_INSERT_TAIL(&l->used, e, used);
		*ret_entry = e;
	}
	return err;
}

/* May what is there serve although its time is over? Only what helps a call. */
static bool may_serve_stale(const struct luf_entry *e)
{
	return e->answer && e->answer->result == ROUTE_LUF_FOUND &&
	       e->luf->o.stale_s != UINT32_MAX &&
	       clock_now_ms() < e->expires_ms + e->luf->o.stale_s * 1000ULL;
}

static struct route_luf_said said_of(const struct luf_entry *e, const struct route_luf_answer *a)
{
	uint64_t now_ms = clock_now_ms();

	return (struct route_luf_said){.answer = a,
				       .ttl_s =
					       a == e->answer && e->expires_ms > now_ms
						       ? (uint32_t)((e->expires_ms - now_ms) / 1000)
						       : 0};
}

/* ---- those who wait ---- */

static void wait_free(struct route_luf_wait *w)
{
	timer_stop(&w->deadline);
	TAILQ_REMOVE(&w->entry->waiters, w, link);
	w->entry->luf->waiters--;
	mem_unref(w);
}

void route_luf_cancel(struct route_luf_wait *w)
{
	if (w)
		wait_free(w);
}

static void deliver(struct route_luf_wait *w, const struct route_luf_said *said)
{
	route_luf_h *fn = w->fn;
	void *arg = w->arg;

	wait_free(w);
	fn(arg, said);
}

static void too_late(void *arg)
{
	struct route_luf_wait *w = arg;
	struct luf_entry *e = w->entry;
	const bool old = may_serve_stale(e);
	struct route_luf_answer *a =
		old ? mem_ref(e->answer) : luf_answer_new(ROUTE_LUF_FAILED, 0, "no answer in time");
	struct route_luf_answer none = {.result = ROUTE_LUF_FAILED, .why = "out of memory"};
	struct route_luf_said said = {.answer = a ? a : &none, .stale = old, .cached = old};

	metric_add(&route_luf_metrics, old ? ROUTE_LUF_STALE : ROUTE_LUF_FAILURES, 1);
	deliver(w, &said);
	mem_unref(a);
}

static int wait_for(struct luf_entry *e, const struct route_luf_question *q,
		    struct route_luf_wait **ret_wait)
{
	struct route_luf_wait *w;

	if (e->luf->waiters >= ROUTE_LUF_WAITERS_MAX)
		return -EBUSY;
	w = mem_zalloc(sizeof(*w), NULL);
	if (!w)
		return -ENOMEM;
	w->entry = e;
	w->fn = q->fn;
	w->arg = q->arg;
	TAILQ_INSERT_TAIL(&e->waiters, w, link);
	e->luf->waiters++;
	timer_start(e->luf->o.wheel, &w->deadline, q->deadline_ms, too_late, w);
	*ret_wait = w;
	return 0;
}

/* ---- the answer ---- */

/* @return the one to tell, which e keeps or a is */
static struct route_luf_answer *keep(struct luf_entry *e, struct route_luf_answer *a,
				     bool *ret_stale)
{
	*ret_stale = false;
	if (a->result == ROUTE_LUF_FAILED) {
		metric_add(&route_luf_metrics, ROUTE_LUF_FAILURES, 1);
		*ret_stale = may_serve_stale(e);
		if (*ret_stale)
			return e->answer; /* worth more than the error */
	}
	if (a->result == ROUTE_LUF_DENIED)
		metric_add(&route_luf_metrics, ROUTE_LUF_REFUSALS, 1);
	mem_unref(e->answer);
	e->answer = mem_ref(a);
	e->expires_ms = clock_now_ms() + a->ttl_s * 1000ULL;
	return a;
}

void luf_answered(struct luf_entry *e, struct route_luf_answer *a)
{
	struct route_luf_answer none = {.result = ROUTE_LUF_FAILED, .why = "out of memory"};
	struct route_luf_answer *tell = &none;
	struct route_luf *l = mem_ref(e->luf);
	struct route_luf_said said;
	struct route_luf_wait *w;
	bool stale = false;

	mem_ref(e);
	stop_asking(e);
	if (a)
		tell = keep(e, a, &stale);
	said = said_of(e, tell);
	said.stale = said.cached = stale;
	metric_add(&route_luf_metrics, stale ? ROUTE_LUF_STALE : ROUTE_LUF_ASKED, 1);
	if (tell != &none)
		mem_ref(tell);
	while ((w = TAILQ_FIRST(&e->waiters)) && !e->asking)
		deliver(w, &said);
	if (tell != &none)
		mem_unref(tell);
	mem_unref(a);
	mem_unref(e);
	mem_unref(l);
}

static void gave_up(void *arg)
{
	struct luf_entry *e = arg;

	luf_answered(e,
		     luf_answer_new(ROUTE_LUF_FAILED, ROUTE_LUF_ERROR_TTL_S, "no answer in time"));
}

static int start_asking(struct luf_entry *e, const struct route_luf_question *q)
{
	int err;

	if (e->asking)
		return 0;
	e->asking = true;
	e->end_ms = clock_now_ms() + q->deadline_ms;
	timer_start(e->luf->o.wheel, &e->deadline, q->deadline_ms, gave_up, e);
	err = q->step->type == LOOKUP_HTTPS ? luf_https_start(e, q) : luf_sip_start(e, q);
	if (err)
		stop_asking(e);
	return err;
}

int route_luf_ask(struct route_luf *l, const struct route_luf_question *q,
		  struct route_luf_wait **ret_wait)
{
	struct luf_entry *e;
	int err;

	*ret_wait = NULL;
	err = entry_of(l, q, &e);
	if (err)
		return err;
	if (e->answer && clock_now_ms() < e->expires_ms) {
		struct route_luf_answer *a = mem_ref(e->answer);
		struct route_luf_said said = said_of(e, a);

		said.cached = true;
		metric_add(&route_luf_metrics, ROUTE_LUF_CACHED, 1);
		q->fn(q->arg, &said);
		mem_unref(a);
		return 0;
	}
	if (q->cached_only)
		return -ENODATA;
	err = wait_for(e, q, ret_wait);
	if (!err)
		err = start_asking(e, q);
	if (err) {
		route_luf_cancel(*ret_wait);
		*ret_wait = NULL;
	}
	return err;
}

size_t route_luf_flush(struct route_luf *l)
{
	struct luf_entry *e, *next;
	size_t n = 0;

	for (e = TAILQ_FIRST(&l->used); e; e = next) {
		next = TAILQ_NEXT(e, used);
		if (e->asking || !TAILQ_EMPTY(&e->waiters))
			continue;
		entry_drop(e);
		n++;
	}
	measure(l);
	return n;
}
