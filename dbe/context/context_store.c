/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/context/context_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "dbe/context/context_private.h"

METRIC_TABLE(context_metrics, CONTEXT_METRICS)

int context_store_new(const struct context_options *o, struct context_store **ret_store)
{
	struct context_store *s = mem_zalloc(sizeof(*s), NULL);
	uint32_t seeds[2] = {0, 0};

	if (!s)
		return -ENOMEM;
	s->o = *o;
	LIST_INIT(&s->controllers);
	/* Ids count up from a random start: none is used again for a long time, also across our restarts. */
	if (getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
		seeds[0] = (uint32_t)clock_wall_ms();
	s->next_id = seeds[0];
	s->next_termination = seeds[1] & 0x7fffffffU;
	if (table_new(0, &s->contexts) < 0) {
		mem_unref(s);
		return -ENOMEM;
	}
	*ret_store = s;
	return 0;
}

static int store_close_one(void *obj, void *arg)
{
	(void)arg;
	context_close(obj);
	return 0;
}

void context_store_free(struct context_store *s)
{
	if (!s)
		return;
	s->event = NULL;
	table_each(s->contexts, store_close_one, NULL);
	table_free(s->contexts);
	mem_unref(s);
}

static struct controller *controller_find(const struct context_store *s, const char *name)
{
	struct controller *k;

	LIST_FOREACH(k, &s->controllers, link) {
		if (strcmp(k->name, name) == 0)
			return k;
	}
	return NULL;
}

static struct controller *controller_get(struct context_store *s, const char *name)
{
	struct controller *k = controller_find(s, name);

	if (k)
		return k;
	k = mem_zalloc(sizeof(*k), NULL);
	if (!k)
		return NULL;
	text_copy(k->name, sizeof(k->name), name);
	LIST_INSERT_HEAD(&s->controllers, k, link);
	return k;
}

static void controller_put(struct controller *k)
{
	if (!k || k->ncontexts)
		return;
	LIST_REMOVE(k, link);
	mem_unref(k);
}

int context_new(struct context_store *s, const char *controller, struct context **ret_context)
{
	struct controller *k;
	struct context *c;
	int err = -ENOMEM;

	if (s->o.contexts_max && table_count(s->contexts) >= s->o.contexts_max)
		return -ENOSPC;
	k = controller_get(s, controller);
	if (!k)
		return -ENOMEM;
	c = mem_zalloc(sizeof(*c), NULL);
	if (c) {
		do {
			c->id = s->next_id++;
		} while (c->id == 0 || context_find(s, NULL, c->id));
		err = table_add(s->contexts, &c->by_id, &c->id, sizeof(c->id), c);
	}
	if (err) {
		mem_unref(c);
		controller_put(k);
		return err;
	}
	c->store = s;
	c->controller = k;
	c->made_ms = clock_now_ms();
	k->ncontexts++;
	metric_add(&context_metrics, CONTEXT_NOW, 1);
	*ret_context = c;
	return 0;
}

void context_close(struct context *c)
{
	while (c->nterminations)
		termination_close(c->terminations[0]);
	table_remove(&c->by_id);
	c->controller->ncontexts--;
	controller_put(c->controller);
	mem_unref(c->record);
	mem_unref(c);
	metric_add(&context_metrics, CONTEXT_NOW, -1);
}

struct context *context_find(const struct context_store *s, const char *controller, uint32_t id)
{
	struct context *c = table_find(s->contexts, &id, sizeof(id));

	return c && controller && strcmp(c->controller->name, controller) != 0 ? NULL : c;
}

/* ---------------------------------------------------------------- walks */

struct clear_walk {
	const char *controller;
	size_t n;
};

static int clear_one(void *obj, void *arg)
{
	struct context *c = obj;
	struct clear_walk *w = arg;

	if (strcmp(c->controller->name, w->controller) == 0) {
		context_close(c);
		w->n++;
	}
	return 0;
}

size_t context_clear(struct context_store *s, const char *controller)
{
	struct clear_walk w = {.controller = controller};

	/* The controller's own name may be what was passed, and goes with its last context. */
	char name[GATE_NAME_BYTES];

	text_copy(name, sizeof(name), controller);
	w.controller = name;
	table_each(s->contexts, clear_one, &w);
	return w.n;
}

size_t context_count(const struct context_store *s, const char *controller)
{
	const struct controller *k;

	if (!controller)
		return table_count(s->contexts);
	k = controller_find(s, controller);
	return k ? k->ncontexts : 0;
}

struct ids_walk {
	const char *controller;
	uint32_t after, *ids;
	size_t n;
};

static int ids_one(void *obj, void *arg)
{
	struct context *c = obj;
	struct ids_walk *w = arg;

	if (c->id > w->after && strcmp(c->controller->name, w->controller) == 0)
		w->ids[w->n++] = c->id;
	return 0;
}

static int ids_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int context_ids(struct context_store *s, const char *controller, uint32_t after,
		struct gate_action *ret_reply)
{
	struct ids_walk w = {.controller = controller, .after = after};
	size_t n = table_count(s->contexts);

	ret_reply->ncontexts = 0;
	ret_reply->more = false;
	if (n == 0)
		return 0;
	w.ids = mem_buffer(n * sizeof(*w.ids));
	if (!w.ids)
		return -ENOMEM;
	table_each(s->contexts, ids_one, &w);
	qsort(w.ids, w.n, sizeof(*w.ids), ids_compare);
	ret_reply->more = w.n > GATE_CONTEXTS_PER_AUDIT;
	ret_reply->ncontexts = ret_reply->more ? GATE_CONTEXTS_PER_AUDIT : w.n;
	memcpy(ret_reply->contexts, w.ids, ret_reply->ncontexts * sizeof(*w.ids));
	mem_free(w.ids);
	return 0;
}

static void view_of(const struct context *c, struct context_view *ret_view)
{
	*ret_view = (struct context_view){.id = c->id,
					  .controller = c->controller->name,
					  .emergency = c->emergency,
					  .nterminations = c->nterminations,
					  .record_bytes = c->record_bytes,
					  .age_ms = clock_now_ms() - c->made_ms};
}

struct view_walk {
	context_each_h *fn;
	void *arg;
};

static int view_one(void *obj, void *arg)
{
	struct view_walk *w = arg;
	struct context_view v;

	view_of(obj, &v);
	return w->fn(&v, w->arg);
}

int context_each(struct context_store *s, context_each_h *fn, void *arg)
{
	struct view_walk w = {fn, arg};

	return table_each(s->contexts, view_one, &w);
}

int context_view_of(const struct context_store *s, uint32_t id, struct context_view *ret_view)
{
	struct context *c = context_find(s, NULL, id);

	if (!c)
		return -ENOENT;
	view_of(c, ret_view);
	return 0;
}

int context_each_stream(struct context_store *s, uint32_t id, context_stream_each_h *fn, void *arg)
{
	struct context *c = context_find(s, NULL, id);
	char name[GATE_NAME_BYTES];
	struct flow_view v;

	if (!c)
		return -ENOENT;
	for (size_t i = 0; i < c->nterminations; i++) {
		struct termination *t = c->terminations[i];

		termination_name(t, name);
		for (size_t k = 0; k < t->nstreams; k++) {
			flow_read(t->streams[k].flow, &v);
			fn(name, t->streams[k].id, &v, arg);
		}
	}
	return 0;
}

/* ---------------------------------------------------------------- the node */

void context_set_draining(struct context_store *s, bool draining)
{
	s->draining = draining;
}

bool context_is_draining(const struct context_store *s)
{
	return s->draining;
}

uint32_t context_max(const struct context_store *s)
{
	return s->o.contexts_max;
}

void context_on_event(struct context_store *s, context_event_h *fn, void *arg)
{
	s->event = fn;
	s->event_arg = arg;
}

void context_on_pool_event(struct context_store *s, enum pool_event_type type, const char *realm,
			   uint32_t value)
{
	static const uint8_t types[] = {[POOL_EVENT_LOW] = GATE_EVENT_POOL_LOW,
					[POOL_EVENT_OK] = GATE_EVENT_POOL_OK,
					[POOL_EVENT_DOWN] = GATE_EVENT_REALM_DOWN,
					[POOL_EVENT_UP] = GATE_EVENT_REALM_UP};
	struct gate_event e = {.type = types[type], .value = value, .at_wall_ms = clock_wall_ms()};

	if (!s->event)
		return;
	text_copy(e.realm, sizeof(e.realm), realm);
	s->event(s->event_arg, "", 0, "", &e);
}

/* Where media of a realm are: what a peer needs for its own filters (B3). */
static void describe_ranges(const struct pool *pool, size_t realm, struct gate_service_change *c)
{
	struct pool_address_view a;

	for (size_t i = 0; c->nranges < GATE_RANGES_MAX && !pool_address_view(pool, realm, i, &a);
	     i++) {
		struct gate_media_range *r = &c->ranges[c->nranges++];

		r->realm = (uint8_t)realm;
		r->first = a.advertise.family ? a.advertise : a.bind;
		r->first.port = a.low;
		r->last = a.high;
	}
}

void context_describe(const struct context_store *s, struct gate_service_change *ret_change)
{
	struct pool_realm_view v;
	size_t n = 0;

	ret_change->nranges = 0;
	for (; n < GATE_REALMS_MAX && pool_realm_view(s->o.host->pool, n, &v) == 0; n++) {
		struct gate_realm_info *r = &ret_change->realms[n];

		memset(r, 0, sizeof(*r));
		text_copy(r->name, sizeof(r->name), v.name);
		r->ports_total = v.total;
		r->ports_free = v.count[POOL_FREE];
		r->ipv4 = v.ipv4;
		r->ipv6 = v.ipv6;
		r->up = v.up;
		describe_ranges(s->o.host->pool, n, ret_change);
	}
	ret_change->nrealms = n;
	ret_change->contexts_max = s->o.contexts_max;
	ret_change->contexts_now = (uint32_t)table_count(s->contexts);
}
