/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefix - one hash table keyed by (family, length, network), and the set of lengths in use.
 *
 * A look-up tries the lengths in use from the longest on. Configurations use a handful of lengths,
 * so that is a handful of probes whatever the number of prefixes.
 */
#include "common/prefix.h"

#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "common/table.h"

#define PREFIX_LENGTHS 129 /* 0 to 128 */

struct prefix_key {
	uint8_t family, bits;
	uint8_t ip[16];
};

struct prefix_node {
	struct table_entry entry;
	struct prefix_key key;
	void *obj;
	struct prefix_node *next; /* all nodes of the set, to free them */
};

struct prefix_set {
	struct table *table;
	struct prefix_node *nodes;
	/* lengths in use, longest first, by family */
	uint8_t lengths_v4[33], lengths_v6[PREFIX_LENGTHS];
	size_t nlengths_v4, nlengths_v6;
};

static void prefix_set_destroy(void *obj)
{
	struct prefix_set *s = obj;
	struct prefix_node *n;

	table_free(s->table);
	while ((n = s->nodes)) {
		s->nodes = n->next;
		mem_unref(n);
	}
}

int prefix_set_new(struct prefix_set **ret_set)
{
	struct prefix_set *s = mem_zalloc(sizeof(*s), prefix_set_destroy);

	if (!s || table_new(0, &s->table)) {
		mem_unref(s);
		return -ENOMEM;
	}
	*ret_set = s;
	return 0;
}

void prefix_set_free(struct prefix_set *s)
{
	mem_unref(s);
}

static void prefix_add_length(uint8_t *lengths, size_t *n, uint8_t bits)
{
	size_t i = 0;

	while (i < *n && lengths[i] > bits)
		i++;
	if (i < *n && lengths[i] == bits)
		return;
	memmove(lengths + i + 1, lengths + i, *n - i);
	lengths[i] = bits;
	(*n)++;
}

/* The key of the network of `bits` bits that holds a. */
static struct prefix_key prefix_key_of(const struct addr *a, uint8_t bits)
{
	struct prefix_key k = {.family = a->family, .bits = bits};
	size_t whole = bits / 8;

	memcpy(k.ip, a->ip, whole);
	if (bits % 8)
		k.ip[whole] = (uint8_t)(a->ip[whole] & 0xff00 >> bits % 8);
	return k;
}

int prefix_set_add(struct prefix_set *s, const struct addr_prefix *p, void *obj)
{
	struct prefix_key key;
	struct prefix_node *n;
	void *same;

	if (!obj || p->bits > (p->net.family == ADDR_V4 ? 32 : 128) || p->net.family == ADDR_NONE)
		return -EINVAL;
	key = prefix_key_of(&p->net, p->bits);
	same = table_find(s->table, &key, sizeof(key));
	if (same)
		return ((struct prefix_node *)same)->obj == obj ? 0 : -EEXIST;
	n = mem_zalloc(sizeof(*n), NULL);
	if (!n)
		return -ENOMEM;
	n->key = key;
	n->obj = obj;
	if (table_add(s->table, &n->entry, &n->key, sizeof(n->key), n)) {
		mem_unref(n);
		return -ENOMEM;
	}
	n->next = s->nodes;
	s->nodes = n;
	if (p->net.family == ADDR_V4)
		prefix_add_length(s->lengths_v4, &s->nlengths_v4, p->bits);
	else
		prefix_add_length(s->lengths_v6, &s->nlengths_v6, p->bits);
	return 0;
}

void *prefix_set_find(const struct prefix_set *s, const struct addr *a)
{
	const uint8_t *lengths;
	size_t n;

	if (!s || a->family == ADDR_NONE)
		return NULL;
	lengths = a->family == ADDR_V4 ? s->lengths_v4 : s->lengths_v6;
	n = a->family == ADDR_V4 ? s->nlengths_v4 : s->nlengths_v6;
	for (size_t i = 0; i < n; i++) {
		struct prefix_key key = prefix_key_of(a, lengths[i]);
		struct prefix_node *node = table_find(s->table, &key, sizeof(key));

		if (node)
			return node->obj;
	}
	return NULL;
}
