/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - hash table on uthash with a keyed hash (SipHash, random key per process: peers cannot
 * choose colliding keys), a cap on entries and no exit when memory ends.
 *
 * Owner: intrusive; the entry lives inside the caller's object, the key bytes too. The table owns
 * neither. Thread: one.
 */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* uthash must be set up before it is included, so everybody gets it from here. */
#include "common/table_hash.h"

struct table_entry {
	UT_hash_handle hh;
	void *obj;           /* the object this entry lives in */
	struct table *owner; /* NULL while in no table */
};

struct table;

/** @param max_entries 0 = no cap. @return 0, -ENOMEM. Free with table_free (entries are left alone). */
int table_new(size_t max_entries, struct table **ret_table);
void table_free(struct table *t);

/**
 * Add obj under key (the bytes must live as long as the entry is in).
 * @return 0, -EEXIST (same key is there), -ENOSPC (cap), -ENOMEM, -EALREADY (entry is in a table).
 */
int table_add(struct table *t, struct table_entry *e, const void *key, size_t key_bytes, void *obj);

/** Take an entry out of its table; no effect if it is in none. */
void table_remove(struct table_entry *e);

/** @return the object under key, or NULL. Borrowed. */
void *table_find(const struct table *t, const void *key, size_t key_bytes);

size_t table_count(const struct table *t);

/** Walk in order of insertion; the current object may be removed while walking. Return non-0 to stop: it is passed on. */
typedef int(table_each_h)(void *obj, void *arg);
int table_each(struct table *t, table_each_h *fn, void *arg);

/** Keyed 64-bit hash of bytes with the process key (SipHash-2-4). */
uint64_t table_hash(const void *bytes, size_t len_bytes);

/** The same with a key of the caller's (hashes that two processes must agree on; test vectors). */
uint64_t table_siphash(const uint64_t key[2], const void *bytes, size_t len_bytes);

#endif
