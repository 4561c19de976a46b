/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/gate/gate_pool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_private.h"

#define REQUEST_MS 500U
#define OPEN_MS 2000U
#define HEARTBEAT_MS 250U
#define HOLD_S 30U

int gate_pool_new(const struct gate_pool_options *o, struct timer_wheel *wheel,
		  struct gate_pool **ret_pool)
{
	struct gate_pool *p;
	size_t i;
	int err = 0;

	if (!gate_name_valid(o->node) || o->ndbes > GATE_DBES_MAX)
		return -EINVAL;
	p = mem_zalloc(sizeof(*p), NULL);
	if (!p)
		return -ENOMEM;
	metric_register(&gate_metrics);
	snprintf(p->node, sizeof(p->node), "%s", o->node);
	p->epoch = clock_wall_ms();
	p->wheel = wheel;
	p->request_ms = o->request_ms ? o->request_ms : REQUEST_MS;
	p->open_ms = o->open_ms ? o->open_ms : OPEN_MS;
	p->hold_ms = (o->hold_s ? o->hold_s : HOLD_S) * 1000;
	p->random = clock_now_us() | 1;
	TAILQ_INIT(&p->ending);
	for (i = 0; i < o->ndbes && !err; i++) {
		if (!gate_name_valid(o->dbes[i]) || gate_pool_find(p, o->dbes[i]))
			err = -EINVAL;
		else
			err = gate_dbe_new(p, o->dbes[i],
					   o->heartbeat_ms ? o->heartbeat_ms : HEARTBEAT_MS,
					   &p->dbes[p->ndbes]);
		if (!err) {
			p->dbes[p->ndbes]->index = (unsigned)p->ndbes;
			p->ndbes++;
		}
	}
	if (err) {
		gate_pool_free(p);
		return err;
	}
	gate_pool_count(p);
	*ret_pool = p;
	return 0;
}

struct gate_dbe *gate_pool_find(const struct gate_pool *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->ndbes; i++)
		if (!strcmp(p->dbes[i]->name, name))
			return p->dbes[i];
	return NULL;
}

uint16_t gate_pool_realm(struct gate_pool *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->nrealms; i++)
		if (!strcmp(p->realms[i], name))
			return (uint16_t)i;
	if (p->nrealms == GATE_POOL_REALMS_MAX || strlen(name) >= GATE_NAME_BYTES)
		return GATE_NO_REALM;
	strcpy(p->realms[p->nrealms], name);
	return (uint16_t)p->nrealms++;
}

const char *gate_pool_realm_name(const struct gate_pool *p, uint16_t realm)
{
	return realm < p->nrealms ? p->realms[realm] : "";
}

void gate_pool_count(struct gate_pool *p)
{
	metric_set(&gate_metrics, GATE_M_IN_SERVICE, (int64_t)gate_pool_in_service(p));
}

size_t gate_pool_contexts(const struct gate_pool *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->ndbes; i++)
		n += p->dbes[i]->ncontexts;
	return n;
}

size_t gate_pool_in_service(const struct gate_pool *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->ndbes; i++)
		n += gate_dbe_in_service(p->dbes[i]) && p->dbes[i]->health == GATE_DBE_UP;
	return n;
}

int gate_pool_drain(struct gate_pool *p, const char *name, bool drain)
{
	struct gate_dbe *d = gate_pool_find(p, name);

	if (!d)
		return -ENOENT;
	d->drained = drain;
	gate_pool_count(p);
	return 0;
}
