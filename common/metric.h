/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metric - counters and gauges from tables; one row gives the code's name, the CLI, /metrics and docs.
 *
 * A module states its rows once:
 *     #define PEER_METRICS(X) X(PEER_LIMITED, COUNTER, "sbe_limit_rejects_total", "calls refused by a limit")
 *     METRIC_ENUM(PEER_METRICS)                  (in the header)
 *     METRIC_TABLE(peer_metrics, PEER_METRICS)   (in the source; register with metric_register)
 * and counts with metric_add(&peer_metrics, PEER_LIMITED, 1).
 * Owner: static storage of the module. Thread: values are relaxed atomics, any thread.
 */
#ifndef COMMON_METRIC_H
#define COMMON_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric_def {
	const char *name; /* Prometheus name, optionally with labels: foo_total{reason="x"} */
	const char *help;
	enum metric_kind kind;
};

struct metric_group {
	const struct metric_def *defs;
	_Atomic int64_t *values;
	size_t n;
	struct metric_group *next; /* set by metric_register */
};

#define METRIC_ENUM_ROW_(id, kind, name, help) id,
#define METRIC_DEF_ROW_(id, kind, name, help) {name, help, METRIC_##kind},
#define METRIC_ENUM(group, ROWS)                                                                   \
	enum group##_id{ROWS(METRIC_ENUM_ROW_) group##_COUNT};                                     \
	extern struct metric_group group;
#define METRIC_TABLE(group, ROWS)                                                                  \
	static const struct metric_def group##_defs[] = {ROWS(METRIC_DEF_ROW_)};                   \
	static _Atomic int64_t group##_values[group##_COUNT];                                      \
	struct metric_group group = {group##_defs, group##_values, group##_COUNT, NULL};

/** Make a group visible to metric_print and metric_each. Twice is harmless. Start-up only. */
void metric_register(struct metric_group *g);

static inline void metric_add(struct metric_group *g, int id, int64_t n)
{
	atomic_fetch_add_explicit(&g->values[id], n, memory_order_relaxed);
}
static inline void metric_set(struct metric_group *g, int id, int64_t v)
{
	atomic_store_explicit(&g->values[id], v, memory_order_relaxed);
}
static inline int64_t metric_get(struct metric_group *g, int id)
{
	return atomic_load_explicit(&g->values[id], memory_order_relaxed);
}

/** Walk all registered metrics. */
typedef void(metric_each_h)(const struct metric_def *def, int64_t value, void *arg);
void metric_each(metric_each_h *fn, void *arg);

/**
 * Text in the same format for what has no table, since its labels come and go (peers): stands behind the tables until
 * it is set again. Names must not be those of a table. @param text copied; NULL = none. @return 0, -ENOMEM (the old stays).
 */
int metric_set_page(const char *text, size_t len_bytes);

/** Write Prometheus text (HELP/TYPE once per name). @return bytes needed without the 0 (snprintf rule). */
size_t metric_print(char *buf, size_t size_bytes);

#endif
