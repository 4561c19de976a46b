/* SPDX-License-Identifier: Apache-2.0 */
/* jtext: no allocation failure may change what is read or pass for a wrong text (D4). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/jtext.h"
#include "tests/lib/oom.h"

static const char text[] =
	"{\"a\": [\"127.0.0.20:5060\", 1.5, {\"a key that makes buffers grow\": \"and "
	"so does this value, which is longer still\"}]}";

static void reads_good_text(void **state)
{
	json_t *j = NULL;

	(void)state;
	assert_int_equal(jtext_load(text, strlen(text), 0, &j, NULL), 0);
	assert_string_equal(json_string_value(json_array_get(json_object_get(j, "a"), 0)),
			    "127.0.0.20:5060");
	json_decref(j);
}

static void tells_what_is_wrong(void **state)
{
	json_t *j = NULL;
	json_error_t e;

	(void)state;
	assert_int_equal(jtext_load("{\n\"a\": x}", 9, 0, &j, &e), -EINVAL);
	assert_int_equal(e.line, 2);
	assert_true(strlen(e.text) > 0);
	assert_int_equal(jtext_load("", 0, 0, &j, &e), -EINVAL);
	assert_int_equal(jtext_load("{} x", 4, 0, &j, NULL), -EINVAL);
	assert_int_equal(jtext_load("{\"a\": \"\xff\"}", 10, 0, &j, NULL), -EINVAL);
	assert_int_equal(jtext_load("{\"a\":\n1\0}", 9, 0, &j, &e), -EINVAL);
	assert_int_equal(e.line, 2);
	assert_string_equal(e.text, "a 0 byte is not allowed");
	assert_int_equal(jtext_load("{\"a\":\n1\0}", 9, 0, &j, NULL), -EINVAL);
	assert_null(j);
}

static int load(void *arg)
{
	json_t *j = NULL;
	int err = jtext_load(text, strlen(text), 0, &j, NULL);

	if (!err)
		assert_true(json_equal(j, arg));
	else
		assert_null(j);
	json_decref(j);
	return err;
}

static void failing_allocations_never_change_a_value(void **state)
{
	json_t *expected = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(expected);
	assert_true(oom_each(load, expected) > 20);
	json_decref(expected);
}

static void prints_with_an_end(void **state)
{
	json_t *j = json_pack("{s:s, s:[i]}", "a", "x\ny", "b", 1);
	char *out = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(jtext_dump(j, JSON_COMPACT, "\n", &out, &n), 0);
	assert_string_equal(out, "{\"a\":\"x\\ny\",\"b\":[1]}\n");
	assert_int_equal(n, strlen(out));
	mem_free(out);
	json_decref(j);
}

struct printed {
	json_t *json;
	char *expected;
};

static int dump(void *arg)
{
	struct printed *p = arg;
	char *out = NULL;
	size_t n = 0;
	int err = jtext_dump(p->json, 0, "", &out, &n);

	if (!err)
		assert_string_equal(out, p->expected);
	else
		assert_null(out);
	mem_free(out);
	return err;
}

static void failing_allocations_never_drop_characters(void **state)
{
	struct printed p = {.json = json_loads(text, 0, NULL)};

	(void)state;
	p.expected = json_dumps(p.json, 0);
	assert_non_null(p.expected);
	assert_true(oom_each(dump, &p) > 3);
	mem_free(p.expected);
	json_decref(p.json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_good_text),
		cmocka_unit_test(tells_what_is_wrong),
		cmocka_unit_test(failing_allocations_never_change_a_value),
		cmocka_unit_test(prints_with_an_end),
		cmocka_unit_test(failing_allocations_never_drop_characters),
	};

	json_set_alloc_funcs(mem_buffer, mem_free);
	return cmocka_run_group_tests_name("jtext", tests, NULL, NULL);
}
