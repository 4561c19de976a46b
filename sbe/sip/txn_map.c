/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_map - chained hash map of keys that are keyed hashes already, so the key's low bits are the slot.
 *
 * common/table.h costs 72 bytes an entry; a server transaction is in two maps and lives 32 s after its
 * work is done. Growing may fail: the chains then get longer and nothing else happens.
 */
#include <errno.h>

#include "common/mem.h"
#include "sbe/sip/txn_private.h"

#define TXN_MAP_FIRST_SLOTS 64U

static struct txn_link **txn_map_slots(size_t n)
{
	struct txn_link **slots = mem_buffer(n * sizeof(*slots));

	if (slots)
		for (size_t i = 0; i < n; i++)
			slots[i] = NULL;
	return slots;
}

int txn_map_init(struct txn_map *m)
{
	m->count = 0;
	m->slots = txn_map_slots(TXN_MAP_FIRST_SLOTS);
	if (!m->slots)
		return -ENOMEM;
	m->nslots = TXN_MAP_FIRST_SLOTS;
	return 0;
}

void txn_map_clear(struct txn_map *m)
{
	mem_free(m->slots);
	*m = (struct txn_map){0};
}

static struct txn_link **txn_map_slot(const struct txn_map *m, uint64_t key)
{
	return &m->slots[key & (m->nslots - 1)];
}

static void txn_map_grow(struct txn_map *m)
{
	struct txn_map bigger = {txn_map_slots(m->nslots * 2), m->nslots * 2, m->count};

	if (!bigger.slots)
		return;
	for (size_t i = 0; i < m->nslots; i++) {
		struct txn_link *e = m->slots[i];

		while (e) {
			struct txn_link *next = e->next, **slot = txn_map_slot(&bigger, e->key);

			e->next = *slot;
			*slot = e;
			e = next;
		}
	}
	mem_free(m->slots);
	*m = bigger;
}

void txn_map_add(struct txn_map *m, struct txn_link *e, uint64_t key)
{
	struct txn_link **slot;

	if (m->count >= m->nslots)
		txn_map_grow(m);
	slot = txn_map_slot(m, key);
	e->key = key;
	e->next = *slot;
	*slot = e;
	m->count++;
}

void txn_map_remove(struct txn_map *m, struct txn_link *e)
{
	struct txn_link **p = txn_map_slot(m, e->key);

	while (*p && *p != e)
		p = &(*p)->next;
	if (!*p)
		return;
	*p = e->next;
	e->next = NULL;
	m->count--;
}

struct txn_link *txn_map_find(const struct txn_map *m, uint64_t key)
{
	struct txn_link *e = *txn_map_slot(m, key);

	while (e && e->key != key)
		e = e->next;
	return e;
}

struct txn_link *txn_map_first(const struct txn_map *m)
{
	for (size_t i = 0; i < m->nslots && m->count; i++)
		if (m->slots[i])
			return m->slots[i];
	return NULL;
}
