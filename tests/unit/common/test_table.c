/* SPDX-License-Identifier: Apache-2.0 */
/* table: lookups, caps, removal while walking, and no exit when memory ends (D4). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"
#include "tests/lib/oom.h"

struct item {
	struct table_entry entry;
	char key[16];
	int walked;
};

static struct item *items_new(size_t n)
{
	struct item *items = calloc(n, sizeof(*items));

	assert_non_null(items);
	for (size_t i = 0; i < n; i++)
		snprintf(items[i].key, sizeof(items[i].key), "key-%zu", i);
	return items;
}

static int item_add(struct table *t, struct item *i)
{
	return table_add(t, &i->entry, i->key, strlen(i->key), i);
}

static void finds_what_was_added(void **state)
{
	struct item *items = items_new(3);
	struct table *t;

	(void)state;
	assert_int_equal(table_new(0, &t), 0);
	assert_null(table_find(t, "key-0", 5));
	assert_int_equal(item_add(t, &items[0]), 0);
	assert_int_equal(item_add(t, &items[1]), 0);
	assert_int_equal(table_count(t), 2);
	assert_ptr_equal(table_find(t, "key-0", 5), &items[0]);
	assert_ptr_equal(table_find(t, "key-1", 5), &items[1]);
	assert_null(table_find(t, "key-2", 5));
	assert_null(table_find(t, "key-", 4)); /* a prefix is another key */

	table_remove(&items[0].entry);
	assert_null(table_find(t, "key-0", 5));
	assert_int_equal(table_count(t), 1);
	table_remove(&items[0].entry); /* in none: no effect */
	assert_int_equal(table_count(t), 1);
	assert_int_equal(item_add(t, &items[0]), 0);
	assert_ptr_equal(table_find(t, "key-0", 5), &items[0]);
	table_free(t);
	free(items);
}

static void refusals_change_nothing(void **state)
{
	struct item *items = items_new(4);
	struct table *t, *other;

	(void)state;
	assert_int_equal(table_new(2, &t), 0);
	assert_int_equal(table_new(2, &other), 0);
	assert_int_equal(item_add(t, &items[0]), 0);
	assert_int_equal(item_add(t, &items[0]), -EALREADY);
	assert_int_equal(item_add(other, &items[0]), -EALREADY);
	strcpy(items[1].key, items[0].key);
	assert_int_equal(item_add(t, &items[1]), -EEXIST);
	assert_int_equal(item_add(t, &items[2]), 0);
	assert_int_equal(item_add(t, &items[3]), -ENOSPC);
	assert_int_equal(table_count(t), 2);
	assert_null(table_find(t, "key-3", 5));
	assert_ptr_equal(table_find(t, "key-0", 5), &items[0]);
	/* what was refused is in no table and may go elsewhere */
	assert_int_equal(item_add(other, &items[1]), 0);
	assert_int_equal(item_add(other, &items[3]), 0);
	table_free(t);
	table_free(other);
	free(items);
}

static void null_is_safe(void **state)
{
	struct table_entry e = {0};
	struct table *t;

	(void)state;
	table_free(NULL);
	table_remove(NULL);
	table_remove(&e);
	assert_int_equal(table_count(NULL), 0);
	assert_null(table_find(NULL, "a", 1));
	assert_int_equal(table_each(NULL, NULL, NULL), 0);
	assert_int_equal(table_new(0, &t), 0);
	assert_null(table_find(t, NULL, 1));
	assert_int_equal(table_add(NULL, &e, "a", 1, &e), -EINVAL);
	assert_int_equal(table_add(t, NULL, "a", 1, &e), -EINVAL);
	assert_int_equal(table_add(t, &e, NULL, 1, &e), -EINVAL);
	assert_int_equal(table_add(t, &e, "a", 1, NULL), -EINVAL);
	assert_int_equal(table_count(t), 0);
	table_free(t);
}

static void entries_survive_their_table(void **state)
{
	struct item *items = items_new(1);
	struct table *t;

	(void)state;
	assert_int_equal(table_new(0, &t), 0);
	assert_int_equal(item_add(t, &items[0]), 0);
	table_free(t);
	table_remove(
		&items[0].entry); /* would read freed memory if the entry still named its table */
	assert_int_equal(table_new(0, &t), 0);
	assert_int_equal(item_add(t, &items[0]), 0);
	table_free(t);
	free(items);
}

struct walk {
	struct item *items;
	size_t n;
	int seen, stop_at;
};

static int remove_current_and_next(void *obj, void *arg)
{
	struct item *i = obj;
	struct walk *w = arg;

	assert_ptr_equal(i, &w->items[w->seen * 2]); /* order of insertion */
	w->seen++;
	table_remove(&i->entry);
	if (i + 1 < w->items + w->n)
		table_remove(&i[1].entry);
	return 0;
}

static int count_and_stop(void *obj, void *arg)
{
	struct walk *w = arg;

	(void)obj;
	return ++w->seen == w->stop_at ? 7 : 0;
}

static void walk_survives_removals(void **state)
{
	struct walk w = {.items = items_new(101), .n = 101};
	struct table *t;

	(void)state;
	assert_int_equal(table_new(0, &t), 0);
	for (size_t i = 0; i < w.n; i++)
		assert_int_equal(item_add(t, &w.items[i]), 0);
	w.stop_at = 5;
	assert_int_equal(table_each(t, count_and_stop, &w), 7);
	assert_int_equal(w.seen, 5);
	w.seen = 0;
	assert_int_equal(table_each(t, remove_current_and_next, &w), 0);
	assert_int_equal(w.seen, 51);
	assert_int_equal(table_count(t), 0);
	table_free(t);
	free(w.items);
}

#define MANY 3000

static int fill(void *arg)
{
	struct item *items = arg;
	struct table *t;
	size_t added = 0;
	int err = table_new(0, &t);

	if (err)
		return err;
	for (; added < MANY && !err; added++)
		err = item_add(t, &items[added]);
	if (err) {
		/* The entry that failed is out, every other one is still found. */
		added--;
		assert_int_equal(table_count(t), added);
		assert_null(items[added].entry.owner);
		for (size_t i = 0; i < added; i++)
			assert_ptr_equal(table_find(t, items[i].key, strlen(items[i].key)),
					 &items[i]);
		assert_int_equal(item_add(t, &items[added]), 0); /* and memory came back */
		assert_int_equal(table_count(t), added + 1);
	}
	table_free(t);
	return err;
}

static void out_of_memory_leaks_and_loses_nothing(void **state)
{
	struct item *items = items_new(MANY);

	(void)state;
	/* table, uthash's head, buckets, and several doublings of the buckets */
	assert_true(oom_each(fill, items) >= 6);
	free(items);
}

static void siphash_gives_the_published_values(void **state)
{
	/* Appendix A of the SipHash paper: key 00..0f, message 00..0e; and the reference vectors
	 * for lengths 0 and 8. */
	const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	const uint8_t message[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

	(void)state;
	assert_true(table_siphash(key, message, 15) == 0xa129ca6149be45e5);
	assert_true(table_siphash(key, message, 0) == 0x726fdb47dd0e0e31);
	assert_true(table_siphash(key, message, 8) == 0x93f5f5799a932462);
}

static void hash_is_keyed_and_spreads(void **state)
{
	const uint64_t zero[2] = {0, 0};
	unsigned buckets[64] = {0};

	(void)state;
	assert_true(table_hash("abc", 3) == table_hash("abc", 3));
	assert_true(table_hash("abc", 3) != table_hash("abd", 3));
	assert_true(table_hash("abc", 3) != table_siphash(zero, "abc", 3));
	for (uint32_t i = 0; i < 64000; i++)
		buckets[table_hash(&i, sizeof(i)) % 64]++;
	/* 1000 expected, deviation 31: six of them either way */
	for (int i = 0; i < 64; i++)
		assert_in_range(buckets[i], 810, 1190);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(refusals_change_nothing),
		cmocka_unit_test(null_is_safe),
		cmocka_unit_test(entries_survive_their_table),
		cmocka_unit_test(walk_survives_removals),
		cmocka_unit_test(out_of_memory_leaks_and_loses_nothing),
		cmocka_unit_test(siphash_gives_the_published_values),
		cmocka_unit_test(hash_is_keyed_and_spreads),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
