/* SPDX-License-Identifier: Apache-2.0 */
/* mem: counts, destructors, bounded copies and failures on demand (D4). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/mem.h"
#include "tests/lib/oom.h"

struct thing {
	int *destroyed;
	char *name;
	struct thing *child;
};

static void thing_destroy(void *obj)
{
	struct thing *t = obj;

	/* Whoever is told of the end may hold the object for a moment. */
	mem_unref(mem_ref(t));
	if (t->destroyed)
		(*t->destroyed)++;
	mem_unref(t->name);
	mem_unref(t->child);
}

static void object_is_zeroed_and_counted(void **state)
{
	size_t live = mem_live();
	int destroyed = 0;
	struct thing *t = mem_zalloc(sizeof(*t), thing_destroy);

	(void)state;
	assert_non_null(t);
	assert_null(t->destroyed);
	assert_null(t->name);
	assert_int_equal((uintptr_t)t % _Alignof(max_align_t), 0);
	t->destroyed = &destroyed;
	assert_int_equal(mem_refs(t), 1);
	assert_int_equal(mem_live(), live + 1);

	assert_ptr_equal(mem_ref(t), t);
	assert_int_equal(mem_refs(t), 2);
	assert_null(mem_unref(t));
	assert_int_equal(destroyed, 0);
	assert_int_equal(mem_live(), live + 1);
	assert_null(mem_unref(t));
	assert_int_equal(destroyed, 1);
	assert_int_equal(mem_live(), live);
}

static void null_is_passed_through(void **state)
{
	(void)state;
	assert_null(mem_ref(NULL));
	assert_null(mem_unref(NULL));
	assert_int_equal(mem_refs(NULL), 0);
	mem_free(NULL);
}

static void copies_are_bounded(void **state)
{
	const char unended[3] = {'a', 'b', 'c'};
	char *copy = (char *)"untouched";
	char *keep = copy;

	(void)state;
	assert_int_equal(mem_strdup(NULL, 10, &copy), -EINVAL);
	assert_int_equal(mem_strdup("four", 3, &copy), -E2BIG);
	assert_int_equal(mem_strdup(unended, 2, &copy), -E2BIG);
	assert_ptr_equal(copy, keep);

	assert_int_equal(mem_strdup("four", 4, &copy), 0);
	assert_string_equal(copy, "four");
	mem_unref(copy);
	assert_int_equal(mem_strdup("", 0, &copy), 0);
	assert_string_equal(copy, "");
	mem_unref(copy);
	assert_int_equal(mem_strdup("long", SIZE_MAX, &copy), 0);
	assert_string_equal(copy, "long");
	mem_unref(copy);

	assert_int_equal(mem_dup("a\0b", 3, &copy), 0);
	assert_memory_equal(copy, "a\0b\0", 4);
	mem_unref(copy);
	assert_int_equal(mem_dup(NULL, 0, &copy), 0);
	assert_string_equal(copy, "");
	mem_unref(copy);
}

static void sizes_that_overflow_are_refused(void **state)
{
	size_t live = mem_live();
	char *copy;

	(void)state;
	assert_null(mem_zalloc(SIZE_MAX, NULL));
	assert_null(mem_zalloc(SIZE_MAX - 8, NULL));
	assert_int_equal(mem_dup("x", SIZE_MAX, &copy), -ENOMEM);
	assert_int_equal(mem_live(), live);
}

static void buffers_grow_and_count_once(void **state)
{
	size_t live = mem_live();
	char *b = mem_buffer(0);

	(void)state;
	assert_non_null(b);
	b = mem_resize(b, 100);
	assert_non_null(b);
	memset(b, 'x', 100);
	b = mem_resize(b, 10000);
	assert_non_null(b);
	assert_int_equal(b[99], 'x');
	assert_int_equal(mem_live(), live + 1);
	mem_free(b);
	b = mem_resize(NULL, 3);
	assert_non_null(b);
	assert_int_equal(mem_live(), live + 1);
	mem_free(b);
	assert_int_equal(mem_live(), live);
}

static void nth_allocation_fails_once(void **state)
{
	char *b, *copy = NULL;

	(void)state;
	mem_fail_at(3);
	b = mem_buffer(1);
	assert_non_null(b);
	assert_int_equal(mem_fail_left(), 2);
	assert_int_equal(mem_strdup("x", 1, &copy), 0);
	assert_null(mem_resize(b, 2));
	assert_int_equal(mem_fail_left(), 0);
	b = mem_resize(b, 2);
	assert_non_null(b);
	mem_free(b);
	mem_unref(copy);

	mem_fail_at(1);
	assert_null(mem_zalloc(1, NULL));
	mem_fail_at(1);
	mem_fail_at(0);
	copy = mem_zalloc(1, NULL);
	assert_non_null(copy);
	mem_unref(copy);
}

static int build_two(void *arg)
{
	struct thing *t = mem_zalloc(sizeof(*t), thing_destroy);
	int err = -ENOMEM;

	(void)arg;
	if (!t)
		return -ENOMEM;
	t->child = mem_zalloc(sizeof(*t), thing_destroy);
	if (t->child)
		err = mem_strdup("child", 10, &t->child->name);
	mem_unref(t);
	return err;
}

static void half_built_objects_do_not_leak(void **state)
{
	(void)state;
	assert_int_equal(oom_each(build_two, NULL), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_is_zeroed_and_counted),
		cmocka_unit_test(null_is_passed_through),
		cmocka_unit_test(copies_are_bounded),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(buffers_grow_and_count_once),
		cmocka_unit_test(nth_allocation_fails_once),
		cmocka_unit_test(half_built_objects_do_not_leak),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
