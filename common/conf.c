/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf - walks a field table over a document: objects, lists, defaults, unknown keys.
 */
#include "common/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/conf_private.h"
#include "common/mem.h"

static int conf_read_value(struct conf_reader *r, const struct conf_field *f, const json_t *value,
			   void *out);

static int conf_no_memory(struct conf_reader *r)
{
	conf_set_error(r->err, r->doc->name, 0, "", "out of memory");
	return -ENOMEM;
}

static const struct conf_field *conf_find(const struct conf_field *fields, const char *key)
{
	for (; fields->key; fields++) {
		if (strcmp(fields->key, key) == 0)
			return fields;
	}
	return NULL;
}

static int conf_refuse_unknown(struct conf_reader *r, const struct conf_field *fields,
			       const json_t *object)
{
	char allowed[400] = "none";
	const char *key;
	json_t *member;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)object, key, member) {
		if (conf_find(fields, key))
			continue;
		for (; fields->key && n < sizeof(allowed); fields++)
			n += (size_t)snprintf(allowed + n, sizeof(allowed) - n, "%s%s",
					      n > 0 ? ", " : "", fields->key);
		return conf_fail(r, key, "unknown key, allowed: %s", allowed);
	}
	return 0;
}

/*
 * A value that is not in the file. Texts point to the table itself; lists may be pointed into, so
 * they are kept with the document; everything else is gone after reading.
 */
static int conf_read_default(struct conf_reader *r, const struct conf_field *f, void *out)
{
	json_t *value;
	int err;

	if (f->type == CONF_STRING || f->type == CONF_NAME) {
		*(const char **)out = f->def;
		return 0;
	}
	value = conf_default_json(f);
	if (!value)
		return conf_no_memory(r);
	err = conf_read_value(r, f, value, out);
	if (!err && (json_is_array(value) || json_is_object(value)) &&
	    json_array_append(r->doc->defaults, value))
		err = conf_no_memory(r);
	json_decref(value);
	return err;
}

/* Fields of an object. object NULL: the whole of it is absent and gets defaults only. */
static int conf_read_fields(struct conf_reader *r, const struct conf_field *fields,
			    const json_t *object, void *out)
{
	int err = object ? conf_refuse_unknown(r, fields, object) : 0;

	for (const struct conf_field *f = fields; !err && f->key; f++) {
		const json_t *value = object ? json_object_get(object, f->key) : NULL;
		void *member = (char *)out + f->offset;
		size_t outer = conf_path_key(&r->path, f->key);

		if (f->type != CONF_OBJECT || value || f->def)
			memset(member, 0, conf_value_bytes(f));
		if (value)
			err = conf_read_value(r, f, value, member);
		else if (f->required && object)
			err = conf_fail(r, NULL, "is required");
		else if (f->def)
			err = conf_read_default(r, f, member);
		else if (f->type == CONF_OBJECT)
			err = conf_read_fields(r, f->fields, NULL, member);
		conf_path_cut(&r->path, outer);
	}
	return err;
}

static int conf_read_object(struct conf_reader *r, const struct conf_field *f, const json_t *value,
			    void *out)
{
	int err;

	if (!json_is_object(value))
		return conf_fail(r, NULL, "must be an object { ... }");
	err = conf_read_fields(r, f->fields, value, out);
	if (!err && f->check)
		err = f->check(r, out);
	return err;
}

/* Type and number of a list or map, and memory for its items. */
static int conf_list_begin(struct conf_reader *r, const struct conf_field *f, const json_t *value,
			   size_t item_bytes, struct conf_list *ret_list)
{
	bool map = f->type == CONF_MAP;
	size_t n = map ? json_object_size(value) : json_array_size(value);
	uint32_t max = conf_value_max(f);

	if (map ? !json_is_object(value) : !json_is_array(value))
		return conf_expect(r, f, value);
	if (n < f->min || n > max)
		return conf_fail(r, NULL, "must have %u to %u %s, not %zu", f->min, max,
				 map ? "members" : "items", n);
	ret_list->items = NULL;
	if (n > 0) {
		ret_list->items = conf_alloc(r, n * item_bytes);
		if (!ret_list->items)
			return conf_no_memory(r);
	}
	ret_list->n = n;
	return 0;
}

static int conf_read_list(struct conf_reader *r, const struct conf_field *f, const json_t *value,
			  void *out)
{
	const struct conf_field scalar = {
		.type = f->type == CONF_PREFIXES ? CONF_PREFIX : CONF_STRING,
		.min = 1, /* an empty text in a list is a slip */
	};
	bool objects = f->type == CONF_ARRAY;
	size_t item_bytes = objects ? f->item_bytes : conf_value_bytes(&scalar);
	struct conf_list list;
	int err = conf_list_begin(r, f, value, item_bytes, &list);

	for (size_t i = 0; !err && i < list.n; i++) {
		const json_t *item = json_array_get(value, i);
		void *to = (char *)list.items + i * item_bytes;
		size_t outer = conf_path_index(&r->path, i);

		err = objects ? conf_read_object(r, f, item, to)
			      : conf_value_read(r, &scalar, item, to);
		conf_path_cut(&r->path, outer);
	}
	if (!err)
		*(struct conf_list *)out = list;
	return err;
}

static int conf_read_map(struct conf_reader *r, const struct conf_field *f, const json_t *value,
			 void *out)
{
	struct conf_list list;
	const char *key;
	json_t *item;
	char *to;
	int err = conf_list_begin(r, f, value, f->item_bytes, &list);

	if (err)
		return err;
	to = list.items;
	json_object_foreach((json_t *)(uintptr_t)value, key, item) {
		size_t outer = conf_path_key(&r->path, key);

		if (conf_name_ok(key)) {
			*(const char **)(void *)to = key; /* lives as long as the document */
			err = conf_read_object(r, f, item, to);
		} else {
			err = conf_fail(r, NULL, "not a name (" CONF_NAME_RULE ")");
		}
		conf_path_cut(&r->path, outer);
		if (err)
			return err;
		to += f->item_bytes;
	}
	*(struct conf_list *)out = list;
	return 0;
}

static int conf_read_custom(struct conf_reader *r, const struct conf_field *f, const json_t *value,
			    void *out)
{
	int err = f->custom(r, value, out);

	if (err == -ENOMEM)
		return conf_no_memory(r);
	if (err)
		conf_fail(r, NULL, "is not valid"); /* only if it has not said why */
	return err;
}

static int conf_read_value(struct conf_reader *r, const struct conf_field *f, const json_t *value,
			   void *out)
{
	switch (f->type) {
	case CONF_OBJECT:
		return conf_read_object(r, f, value, out);
	case CONF_STRINGS:
	case CONF_PREFIXES:
	case CONF_ARRAY:
		return conf_read_list(r, f, value, out);
	case CONF_MAP:
		return conf_read_map(r, f, value, out);
	case CONF_CUSTOM:
		return conf_read_custom(r, f, value, out);
	default:
		return conf_value_read(r, f, value, out);
	}
}

int conf_read(struct conf_doc *d, const struct conf_field *fields, void *out,
	      struct conf_error *err)
{
	struct conf_reader r = {.doc = d, .err = err};

	err->text[0] = '\0';
	if (!d->defaults)
		d->defaults = json_array();
	if (!d->defaults)
		return conf_no_memory(&r);
	return conf_read_fields(&r, fields, d->json, out);
}
