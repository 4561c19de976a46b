/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_mix - puts shared values under an object of a document, before its tables are read.
 *
 * Where the object has a member itself that stands; objects are mixed member by member, everything else as a whole. Two
 * layers that differ where the object says nothing are an error, for which of them is meant nobody can know.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/conf_private.h"
#include "common/mem.h"

#define CONF_LAYERS_MAX 16

struct conf_mix {
	struct conf_doc *doc;
	struct conf_error *err;
	const struct conf_layer *layers;
	size_t n;
	const json_t *values[CONF_LAYERS_MAX]; /* of the layers, at the place where we are */
	struct conf_path at;                   /* of the target */
	struct conf_path below;                /* the same, under target and layers */
};

static int conf_mix_object(struct conf_mix *m, json_t *out);

static void conf_mix_where(const struct conf_mix *m, size_t layer, struct conf_path *ret)
{
	ret->len_bytes = 0;
	conf_path_key(ret, m->layers[layer].path);
	if (m->below.len_bytes)
		conf_path_key(ret, m->below.text);
}

static int conf_mix_disagree(struct conf_mix *m, size_t a, size_t b)
{
	struct conf_path first, second;

	conf_mix_where(m, a, &first);
	conf_mix_where(m, b, &second);
	return conf_fail_at(m->doc, second.text, m->err,
			    "differs from %s (line %u), and both count for %s: say it there",
			    first.text, conf_scan_line(m->doc->text, m->doc->len_bytes, first.text),
			    m->at.text);
}

/* So that an error in what was taken is shown where it was written. */
static int conf_mix_note(struct conf_mix *m, size_t layer)
{
	struct conf_path from;

	if (!m->doc->origins)
		m->doc->origins = json_object();
	conf_mix_where(m, layer, &from);
	return json_object_set_new(m->doc->origins, m->at.text, json_string(from.text)) ? -ENOMEM
											: 0;
}

/* A member that the target does not have, or has as an object like the layers. */
static int conf_mix_member(struct conf_mix *m, const char *key, json_t *out)
{
	const json_t *outer[CONF_LAYERS_MAX];
	json_t *own = json_object_get(out, key), *object;
	size_t at = conf_path_key(&m->at, key), below = conf_path_key(&m->below, key);
	size_t first = m->n;
	int err = 0;

	memcpy(outer, m->values, sizeof(outer));
	for (size_t i = 0; !err && i < m->n; i++) {
		m->values[i] = json_object_get(outer[i], key);
		if (!m->values[i])
			continue;
		if (first == m->n)
			first = i;
		else if (!own && !json_equal(m->values[first], m->values[i]) &&
			 !(json_is_object(m->values[first]) && json_is_object(m->values[i])))
			err = conf_mix_disagree(m, first, i);
	}
	if (!err && first < m->n && json_is_object(m->values[first]) &&
	    (!own || json_is_object(own))) {
		object = own ? json_copy(own) : json_object();
		err = conf_mix_object(m, object);
		if (!err && json_object_set(out, key, object))
			err = -ENOMEM;
		json_decref(object);
	} else if (!err && first < m->n && !own) {
		err = json_object_set(out, key, (json_t *)(uintptr_t)m->values[first])
			      ? -ENOMEM
			      : conf_mix_note(m, first);
	}
	memcpy(m->values, outer, sizeof(outer));
	conf_path_cut(&m->at, at);
	conf_path_cut(&m->below, below);
	return err;
}

static int conf_mix_object(struct conf_mix *m, json_t *out)
{
	const char *key;
	json_t *member;
	int err = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; !err && i < m->n; i++) {
		json_object_foreach((json_t *)(uintptr_t)m->values[i], key, member) {
			bool seen = false;

			for (size_t k = 0; k < i; k++)
				seen |= json_object_get(m->values[k], key) != NULL;
			if (!err && !seen)
				err = conf_mix_member(m, key, out);
		}
	}
	return err;
}

int conf_mix(struct conf_doc *d, const char *map, const char *name, const struct conf_layer *layers,
	     size_t nlayers, struct conf_error *err)
{
	json_t *all = json_object_get(d->json, map), *own = json_object_get(all, name), *mixed;
	struct conf_mix m = {.doc = d, .err = err, .layers = layers, .n = nlayers};
	int e;

	if (!json_is_object(own) || nlayers > CONF_LAYERS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < nlayers; i++)
		m.values[i] = layers[i].values;
	conf_path_key(&m.at, map);
	conf_path_key(&m.at, name);
	mixed = json_copy(own);
	e = conf_mix_object(&m, mixed);
	if (!e && json_object_set(all, name, mixed))
		e = -ENOMEM;
	json_decref(mixed);
	return e;
}

void conf_mix_origin(const struct conf_doc *d, const char *path, struct conf_path *ret)
{
	size_t n = strlen(path);

	ret->len_bytes = 0;
	for (; d->origins && n > 0; n--) {
		const char *from;
		char key[CONF_PATH_BYTES];

		if ((path[n] && !strchr(".[", path[n])) || n >= sizeof(key))
			continue;
		memcpy(key, path, n);
		key[n] = '\0';
		from = json_string_value(json_object_get(d->origins, key));
		if (!from)
			continue;
		conf_path_key(ret, from);
		if (path[n])
			conf_path_key(ret, path[n] == '.' ? path + n + 1 : path + n);
		return;
	}
	conf_path_key(ret, path);
}
