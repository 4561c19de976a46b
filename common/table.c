/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - uthash behind functions, and SipHash-2-4 with a key of this process.
 *
 * SipHash is written from its authors' paper (Aumasson, Bernstein: "SipHash: a fast short-input
 * PRF", 2012): two rounds for each 8-byte word, four at the end, length in the last byte.
 */
#include "common/table.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include "common/mem.h"

/* A walk under way; table_remove moves it on when its next entry goes. */
struct table_walk {
	struct table_entry *next;
	struct table_walk *outer;
};

struct table {
	struct table_entry *head;
	size_t max_entries; /* 0 = no cap */
	struct table_walk *walks;
};

static pthread_once_t table_key_once = PTHREAD_ONCE_INIT;
static uint64_t table_key[2];

static void table_make_key(void)
{
	size_t have = 0;

	while (have < sizeof(table_key)) {
		ssize_t n = getrandom((char *)table_key + have, sizeof(table_key) - have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	/* A system call filter may forbid getrandom; the kernel also hands every process 16 random
	 * bytes at its start. */
	if (have < sizeof(table_key)) {
		const void *bytes = (const void *)(uintptr_t)getauxval(AT_RANDOM);

		if (bytes)
			memcpy(table_key, bytes, sizeof(table_key));
	}
}

static inline uint64_t table_rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void table_sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = table_rotate(v[1], 13) ^ v[0];
	v[3] = table_rotate(v[3], 16) ^ v[2];
	v[0] = table_rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = table_rotate(v[1], 17) ^ v[2];
	v[3] = table_rotate(v[3], 21) ^ v[0];
	v[2] = table_rotate(v[2], 32);
}

/* Bytes to a word, lowest first; at most 8. */
static inline uint64_t table_word(const uint8_t *bytes, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)bytes[i] << (8 * i);
	return w;
}

uint64_t table_siphash(const uint64_t key[2], const void *bytes, size_t len_bytes)
{
	const uint8_t *p = bytes;
	size_t left = len_bytes;
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			 key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};

	for (; left >= 8; left -= 8, p += 8) {
		uint64_t w;

		memcpy(&w, p, sizeof(w)); /* one load, where table_word would take eight */
		w = le64toh(w);
		v[3] ^= w;
		table_sip_round(v);
		table_sip_round(v);
		v[0] ^= w;
	}

	uint64_t last = table_word(p, left) | (uint64_t)len_bytes << 56;

	v[3] ^= last;
	table_sip_round(v);
	table_sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		table_sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t table_hash(const void *bytes, size_t len_bytes)
{
	pthread_once(&table_key_once, table_make_key);
	return table_siphash(table_key, bytes, len_bytes);
}

int table_new(size_t max_entries, struct table **ret_table)
{
	struct table *t = mem_zalloc(sizeof(*t), NULL);

	if (!t)
		return -ENOMEM;
	t->max_entries = max_entries;
	*ret_table = t;
	return 0;
}

void table_free(struct table *t)
{
	struct table_entry *e, *next;

	if (!t)
		return;
	/* The entries outlive us: a later table_remove must find them in no table. */
	for (e = t->head; e; e = next) {
		next = e->hh.next;
		e->owner = NULL;
	}
	HASH_CLEAR(hh, t->head);
	mem_unref(t);
}

int table_add(struct table *t, struct table_entry *e, const void *key, size_t key_bytes, void *obj)
{
	struct table_entry *same = NULL;
	unsigned hash;

	if (!t || !e || !obj || (!key && key_bytes > 0) || key_bytes > UINT_MAX)
		return -EINVAL;
	if (e->owner)
		return -EALREADY;
	hash = (unsigned)table_hash(key, key_bytes);
	HASH_FIND_BYHASHVALUE(hh, t->head, key, (unsigned)key_bytes, hash, same);
	if (same)
		return -EEXIST;
	if (t->max_entries > 0 && table_count(t) >= t->max_entries)
		return -ENOSPC;

	memset(&e->hh, 0, sizeof(e->hh));
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, t->head, key, (unsigned)key_bytes, hash, e);
	if (!e->hh.tbl) /* uthash's way to say that buckets could not be made or doubled */
		return -ENOMEM;
	e->obj = obj;
	e->owner = t;
	return 0;
}

void table_remove(struct table_entry *e)
{
	struct table *t = e ? e->owner : NULL;

	if (!t)
		return;
	for (struct table_walk *w = t->walks; w; w = w->outer) {
		if (w->next == e)
			w->next = e->hh.next;
	}
	HASH_DELETE(hh, t->head, e);
	e->owner = NULL;
}

void *table_find(const struct table *t, const void *key, size_t key_bytes)
{
	struct table_entry *e = NULL;

	if (!t || !t->head || (!key && key_bytes > 0) || key_bytes > UINT_MAX)
		return NULL;
	HASH_FIND(hh, t->head, key, (unsigned)key_bytes, e);
	return e ? e->obj : NULL;
}

size_t table_count(const struct table *t)
{
	return t ? HASH_COUNT(t->head) : 0;
}

int table_each(struct table *t, table_each_h *fn, void *arg)
{
	struct table_walk walk;
	int stop = 0;

	if (!t)
		return 0;
	walk = (struct table_walk){.next = t->head, .outer = t->walks};
	t->walks = &walk;
	while (walk.next && !stop) {
		struct table_entry *e = walk.next;

		walk.next = e->hh.next;
		stop = fn(e->obj, arg);
	}
	t->walks = walk.outer;
	return stop;
}
