/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metric - the list of registered groups, and Prometheus' text format 0.0.4.
 */
#include "common/metric.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

static struct metric_group *metric_groups;

struct metric_text {
	char *buf;
	size_t size_bytes;
	size_t used_bytes; /* may pass the size: then it counts what would be needed */
};

void metric_register(struct metric_group *g)
{
	struct metric_group **end = &metric_groups;

	for (; *end; end = &(*end)->next) {
		if (*end == g)
			return;
	}
	g->next = NULL;
	*end = g;
}

void metric_each(metric_each_h *fn, void *arg)
{
	for (struct metric_group *g = metric_groups; g; g = g->next) {
		for (size_t i = 0; i < g->n; i++)
			fn(&g->defs[i], metric_get(g, (int)i), arg);
	}
}

__attribute__((format(printf, 2, 3))) static void metric_append(struct metric_text *t,
								const char *fmt, ...)
{
	bool fits = t->used_bytes < t->size_bytes;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(fits ? t->buf + t->used_bytes : NULL,
		      fits ? t->size_bytes - t->used_bytes : 0, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->used_bytes += (size_t)n;
}

/* The name without labels. */
static size_t metric_base_len(const char *name)
{
	return strcspn(name, "{");
}

static bool metric_same_base(const char *a, const char *b)
{
	size_t len = metric_base_len(a);

	return len == metric_base_len(b) && memcmp(a, b, len) == 0;
}

/* Was this name printed already, when an earlier row of the same name was met? */
static bool metric_seen(const struct metric_def *def)
{
	for (struct metric_group *g = metric_groups; g; g = g->next) {
		for (size_t i = 0; i < g->n; i++) {
			if (&g->defs[i] == def)
				return false;
			if (metric_same_base(g->defs[i].name, def->name))
				return true;
		}
	}
	return false;
}

/* The format wants all rows of a name in one block, wherever they are registered. */
static void metric_print_name(struct metric_text *t, const struct metric_def *def)
{
	int len = (int)metric_base_len(def->name);

	metric_append(t, "# HELP %.*s %s\n# TYPE %.*s %s\n", len, def->name, def->help, len,
		      def->name, def->kind == METRIC_COUNTER ? "counter" : "gauge");
	for (struct metric_group *g = metric_groups; g; g = g->next) {
		for (size_t i = 0; i < g->n; i++) {
			if (metric_same_base(g->defs[i].name, def->name))
				metric_append(t, "%s %lld\n", g->defs[i].name,
					      (long long)metric_get(g, (int)i));
		}
	}
}

/* ---- what has no table */

static pthread_mutex_t metric_page_lock = PTHREAD_MUTEX_INITIALIZER;
static char *metric_page;

int metric_set_page(const char *text, size_t len_bytes)
{
	char *copy = NULL, *old;

	if (text && len_bytes) {
		copy = mem_buffer(len_bytes + 1);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, text, len_bytes);
		copy[len_bytes] = '\0';
	}
	pthread_mutex_lock(&metric_page_lock);
	old = metric_page;
	metric_page = copy;
	pthread_mutex_unlock(&metric_page_lock);
	mem_free(old);
	return 0;
}

/* Whole lines only: it may have grown since the caller asked how long it is. */
static void metric_print_page(struct metric_text *t)
{
	size_t left, n;

	pthread_mutex_lock(&metric_page_lock);
	n = metric_page ? strlen(metric_page) : 0;
	left = t->used_bytes + 1 < t->size_bytes ? t->size_bytes - t->used_bytes - 1 : 0;
	if (left && n > left) {
		while (left && metric_page[left - 1] != '\n')
			left--;
		n = left;
	}
	if (n && n <= left) {
		memcpy(t->buf + t->used_bytes, metric_page, n);
		t->buf[t->used_bytes + n] = '\0';
	}
	t->used_bytes += n;
	pthread_mutex_unlock(&metric_page_lock);
}

size_t metric_print(char *buf, size_t size_bytes)
{
	struct metric_text t = {buf, size_bytes, 0};

	if (size_bytes > 0)
		buf[0] = '\0';
	for (struct metric_group *g = metric_groups; g; g = g->next) {
		for (size_t i = 0; i < g->n; i++) {
			if (!metric_seen(&g->defs[i]))
				metric_print_name(&t, &g->defs[i]);
		}
	}
	metric_print_page(&t);
	return t.used_bytes;
}
