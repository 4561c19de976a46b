/* SPDX-License-Identifier: Apache-2.0 */
/* conf_schema: what the field table says, as a JSON Schema. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/conf.h"
#include "tests/lib/oom.h"

struct inner {
	const char *name;
	uint32_t cps;
};
static const char *const words[] = {"auto", "never", NULL};

static int any(struct conf_reader *r, const json_t *value, void *out)
{
	(void)r, (void)value, (void)out;
	return 0;
}

/* clang-format off */
static const struct conf_field inner_fields[] = {
	{.key = "cps", .type = CONF_UINT, .offset = offsetof(struct inner, cps), .required = true, .max = 9, .def = "5", .text = "calls a second"},
	CONF_END,
};
static const struct conf_field fields[] = {
	{.key = "flag", .type = CONF_BOOL, .def = "true"},
	{.key = "text", .type = CONF_STRING, .min = 1, .max = 40, .def = "x"},
	{.key = "name", .type = CONF_NAME, .required = true},
	{.key = "mode", .type = CONF_ENUM, .words = words, .def = "auto"},
	{.key = "listen", .type = CONF_ADDR},
	{.key = "ports", .type = CONF_RANGE},
	{.key = "codecs", .type = CONF_STRINGS, .min = 1, .max = 8, .def = "[\"PCMA\"]"},
	{.key = "sources", .type = CONF_PREFIXES},
	{.key = "one", .type = CONF_OBJECT, .fields = inner_fields},
	{.key = "many", .type = CONF_ARRAY, .fields = inner_fields, .item_bytes = sizeof(struct inner)},
	{.key = "named", .type = CONF_MAP, .fields = inner_fields, .item_bytes = sizeof(struct inner), .min = 1},
	{.key = "own", .type = CONF_CUSTOM, .custom = any},
	CONF_END,
};
/* clang-format on */

#define INNER                                                                                       \
	"{\"type\": \"object\", \"properties\": {\"cps\": {\"type\": \"integer\", \"minimum\": 0, " \
	"\"maximum\": 9, \"description\": \"calls a second\", \"default\": 5}}, "                   \
	"\"patternProperties\": {\"^#\": {}}, \"additionalProperties\": false, "                    \
	"\"required\": [\"cps\"]}"
static const char expected[] =
	"{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": \"sbe\", "
	"\"type\": \"object\", \"patternProperties\": {\"^#\": {}}, \"additionalProperties\": false, "
	"\"required\": [\"name\"], \"properties\": {"
	"\"flag\": {\"type\": \"boolean\", \"default\": true}, "
	"\"text\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 40, \"default\": \"x\"}, "
	"\"name\": {\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$\"}, "
	"\"mode\": {\"enum\": [\"auto\", \"never\"], \"default\": \"auto\"}, "
	"\"listen\": {\"type\": \"string\"}, "
	"\"ports\": {\"type\": \"string\", \"pattern\": \"^[0-9]+-[0-9]+$\"}, "
	"\"codecs\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 8, \"items\": {\"type\": "
	"\"string\", \"minLength\": 1, \"maxLength\": 255}, \"default\": [\"PCMA\"]}, "
	"\"sources\": {\"type\": \"array\", \"maxItems\": 4096, \"items\": {\"type\": \"string\"}}, "
	"\"one\": " INNER ", "
	"\"many\": {\"type\": \"array\", \"maxItems\": 4096, \"items\": " INNER "}, "
	"\"named\": {\"type\": \"object\", \"minProperties\": 1, \"propertyNames\": {\"pattern\": "
	"\"^(#|[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$)\"}, \"patternProperties\": {\"^#\": {}}, "
	"\"additionalProperties\": " INNER "}, "
	"\"own\": {}}}";

static void table_becomes_a_schema(void **state)
{
	json_t *schema = conf_schema(fields, "sbe");
	json_t *want = json_loads(expected, 0, NULL);

	(void)state;
	assert_non_null(want);
	if (!json_equal(schema, want))
		fail_msg("%s", json_dumps(schema, JSON_INDENT(1)));
	json_decref(schema);
	json_decref(want);
}

static int build(void *arg)
{
	json_t *schema = conf_schema(fields, "sbe");

	if (!schema)
		return -ENOMEM;
	/* whatever failed, it is whole or not there */
	assert_true(json_equal(schema, arg));
	json_decref(schema);
	return 0;
}

static void out_of_memory_leaks_nothing(void **state)
{
	json_t *want = json_loads(expected, 0, NULL);

	(void)state;
	assert_non_null(want);
	assert_true(oom_each(build, want) > 100);
	json_decref(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_becomes_a_schema),
		cmocka_unit_test(out_of_memory_leaks_nothing),
	};

	json_set_alloc_funcs(mem_buffer, mem_free);
	return cmocka_run_group_tests_name("conf_schema", tests, NULL, NULL);
}
