/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_schema - the field tables as a JSON Schema (draft 2020-12), for editors and for docs/.
 *
 * It says what the parser says, except for rules that a schema cannot hold: addresses are plain
 * strings in it, and checks across fields are missing.
 */
#include <string.h>

#include "common/conf_private.h"

#define CONF_NAME_PATTERN "[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"

static json_t *conf_schema_object(const struct conf_field *fields);

/* json_object_set_new takes the value's reference also when it fails, and fails for NULL: one
 * check at the end is enough. */
static bool conf_put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *conf_schema_words(const char *const *words)
{
	json_t *list = json_array();

	for (; list && *words; words++) {
		if (json_array_append_new(list, json_string(*words))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *conf_schema_typed(const char *type, const char *limit_low, const char *limit_high,
				 uint32_t low, uint32_t high)
{
	json_t *s = json_pack("{s:s}", "type", type);

	if (!s)
		return NULL;
	if ((low > 0 && !conf_put(s, limit_low, json_integer(low))) ||
	    !conf_put(s, limit_high, json_integer(high))) {
		json_decref(s);
		return NULL;
	}
	return s;
}

static json_t *conf_schema_list(const struct conf_field *f, json_t *items)
{
	json_t *s = conf_schema_typed("array", "minItems", "maxItems", f->min, conf_value_max(f));

	if (!s) {
		json_decref(items);
		return NULL;
	}
	if (!conf_put(s, "items", items)) {
		json_decref(s);
		return NULL;
	}
	return s;
}

static json_t *conf_schema_map(const struct conf_field *f)
{
	/* comments are among the names, too */
	json_t *s = json_pack("{s:s, s:{s:s}, s:{s:{}}, s:o}", "type", "object", "propertyNames",
			      "pattern", "^(#|" CONF_NAME_PATTERN "$)", "patternProperties", "^#",
			      "additionalProperties", conf_schema_object(f->fields));

	if (s && f->min > 0 && !conf_put(s, "minProperties", json_integer(f->min))) {
		json_decref(s);
		return NULL;
	}
	return s;
}

static json_t *conf_schema_type(const struct conf_field *f)
{
	uint32_t max = conf_value_max(f);

	switch (f->type) {
	case CONF_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case CONF_UINT:
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
				 (json_int_t)f->min, "maximum", (json_int_t)max);
	case CONF_STRING:
		return conf_schema_typed("string", "minLength", "maxLength", f->min, max);
	case CONF_NAME:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
				 "^" CONF_NAME_PATTERN "$");
	case CONF_ENUM:
		return json_pack("{s:o}", "enum", conf_schema_words(f->words));
	case CONF_RANGE:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]+-[0-9]+$");
	case CONF_STRINGS:
		return conf_schema_list(f, json_pack("{s:s, s:i, s:i}", "type", "string",
						     "minLength", 1, "maxLength", CONF_STRING_MAX));
	case CONF_PREFIXES:
		return conf_schema_list(f, json_pack("{s:s}", "type", "string"));
	case CONF_OBJECT:
		return conf_schema_object(f->fields);
	case CONF_ARRAY:
		return conf_schema_list(f, conf_schema_object(f->fields));
	case CONF_MAP:
		return conf_schema_map(f);
	case CONF_CUSTOM:
		return json_object();
	default:
		return json_pack("{s:s}", "type", "string");
	}
}

static json_t *conf_schema_field(const struct conf_field *f)
{
	json_t *s = conf_schema_type(f);

	if (!s)
		return NULL;
	if ((f->text && !conf_put(s, "description", json_string(f->text))) ||
	    (f->def && !conf_put(s, "default", conf_default_json(f)))) {
		json_decref(s);
		return NULL;
	}
	return s;
}

static json_t *conf_schema_object(const struct conf_field *fields)
{
	json_t *properties = json_object(), *required = json_array(), *s;
	bool ok = properties && required;

	for (const struct conf_field *f = fields; ok && f->key; f++) {
		ok = conf_put(properties, f->key, conf_schema_field(f));
		if (ok && f->required)
			ok = json_array_append_new(required, json_string(f->key)) == 0;
	}
	if (!ok) {
		json_decref(properties);
		json_decref(required);
		return NULL;
	}
	s = json_pack("{s:s, s:o, s:{s:{}}, s:b}", "type", "object", "properties", properties,
		      "patternProperties", "^#", "additionalProperties", 0);
	if (!s || json_array_size(required) == 0) {
		json_decref(required);
		return s;
	}
	if (!conf_put(s, "required", required)) {
		json_decref(s);
		return NULL;
	}
	return s;
}

json_t *conf_schema(const struct conf_field *fields, const char *title)
{
	json_t *s = conf_schema_object(fields);

	if (!s)
		return NULL;
	if (!conf_put(s, "$schema", json_string("https://json-schema.org/draft/2020-12/schema")) ||
	    !conf_put(s, "title", json_string(title))) {
		json_decref(s);
		return NULL;
	}
	return s;
}
