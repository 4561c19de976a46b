/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_mix - one policy of what a peer uses and says itself.
 *
 * Lists of rules add up: header rules of what is used come first and the peer's own last, so that they have the last
 * word; where the first rule that fits decides (numbers, causes) its own come first. Any other value is the peer's own
 * if it has one; two used policies that say different things are an error, not a question of order.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sbe/policy/policy_private.h"

#define LAYERS_MAX 17 /* 16 used, and the peer's own */
#define PATH_BYTES 256

struct layer {
	const json_t *values; /* object, or NULL */
	char path[PATH_BYTES];
	bool own;
};

struct mix {
	struct policy_build *b;
	struct layer layers[LAYERS_MAX];
	size_t n;
	char key[PATH_BYTES]; /* "numbers.in" */
};

static int no_memory(bool failed)
{
	return failed ? -ENOMEM : 0;
}

static int note_origin(struct mix *k, const char *key, const char *origin)
{
	json_t *list = json_object_get(k->b->p->origins, key);

	if (!list) {
		list = json_array();
		if (json_object_set_new(k->b->p->origins, key, list))
			return -ENOMEM;
	}
	return no_memory(json_array_append_new(list, json_string(origin)));
}

static int mix_list(struct mix *k, const struct conf_field *f, json_t *out, bool own)
{
	char origin[3 * PATH_BYTES], key[PATH_BYTES + 64];
	int err = 0;

	snprintf(key, sizeof(key), "%s%s%s", k->key, k->key[0] ? "." : "", f->key);
	for (size_t i = 0; i < k->n; i++) {
		json_t *list = json_object_get(k->layers[i].values, f->key), *item;
		size_t nth;

		if (k->layers[i].own != own)
			continue;
		json_array_foreach(list, nth, item) {
			snprintf(origin, sizeof(origin), "%s.%s[%zu]", k->layers[i].path, key, nth);
			err = note_origin(k, key, origin);
			if (!err)
				err = no_memory(json_array_append(out, item));
			if (err)
				return err;
		}
	}
	return 0;
}

static int mix_rules(struct mix *k, const struct conf_field *f, json_t *out)
{
	bool own_last = !strcmp(k->key, "headers");
	json_t *list = json_array();
	int err = mix_list(k, f, list, !own_last);

	if (!err)
		err = mix_list(k, f, list, own_last);
	if (!err && json_array_size(list) > (f->max ? f->max : 4096)) {
		char why[128];

		snprintf(why, sizeof(why),
			 "its policies have %zu %s together, at most %u are allowed",
			 json_array_size(list), f->key, f->max);
		err = policy_build_fail(k->b, k->b->path, NULL, why);
	}
	if (!err && json_array_size(list))
		err = no_memory(json_object_set(out, f->key, list));
	json_decref(list);
	return err;
}

static int mix_value(struct mix *k, const struct conf_field *f, json_t *out)
{
	const struct layer *from = NULL;
	char origin[3 * PATH_BYTES], why[3 * PATH_BYTES], key[PATH_BYTES + 64];

	snprintf(key, sizeof(key), "%s%s%s", k->key, k->key[0] ? "." : "", f->key);
	for (size_t i = 0; i < k->n; i++) {
		json_t *value = json_object_get(k->layers[i].values, f->key);

		if (!value)
			continue;
		if (k->layers[i].own || !from) {
			from = &k->layers[i];
			continue;
		}
		if (json_equal(value, json_object_get(from->values, f->key)) ||
		    json_object_get(k->layers[k->n - 1].values, f->key))
			continue;
		snprintf(why, sizeof(why),
			 "%.100s says something else than %.100s; give %.60s in the peer itself",
			 key, from->path, key);
		return policy_build_fail(k->b, k->b->path, "use", why);
	}
	if (!from)
		return 0;
	snprintf(origin, sizeof(origin), "%s.%s", from->path, key);
	if (note_origin(k, key, origin))
		return -ENOMEM;
	return no_memory(json_object_set(out, f->key, json_object_get(from->values, f->key)));
}

static int mix_object(struct mix *k, const struct conf_field *fields, json_t *out);

static int mix_member(struct mix *k, const struct conf_field *f, json_t *out)
{
	const json_t *outer[LAYERS_MAX];
	size_t cut = strlen(k->key);
	json_t *object;
	int err;

	if (f->type == CONF_ARRAY)
		return mix_rules(k, f, out);
	if (f->type != CONF_OBJECT)
		return mix_value(k, f, out);
	object = json_object();
	snprintf(k->key + cut, sizeof(k->key) - cut, "%s%s", cut ? "." : "", f->key);
	for (size_t i = 0; i < k->n; i++) {
		outer[i] = k->layers[i].values;
		k->layers[i].values = json_object_get(outer[i], f->key);
	}
	err = mix_object(k, f->fields, object);
	for (size_t i = 0; i < k->n; i++)
		k->layers[i].values = outer[i];
	k->key[cut] = '\0';
	if (!err && json_object_size(object))
		err = no_memory(json_object_set(out, f->key, object));
	json_decref(object);
	return err;
}

static int mix_object(struct mix *k, const struct conf_field *fields, json_t *out)
{
	int err = 0;

	for (const struct conf_field *f = fields; !err && f->key; f++)
		err = mix_member(k, f, out);
	return err;
}

static int add_used(struct mix *k, const struct conf_list *use)
{
	const json_t *all = json_object_get(conf_json(k->b->doc), "policies");
	const char *const *names = use->items;
	char at[32], why[160];

	for (size_t i = 0; i < use->n && k->n < LAYERS_MAX - 1; i++) {
		struct layer *l = &k->layers[k->n++];

		l->values = json_object_get(all, names[i]);
		snprintf(l->path, sizeof(l->path), "policies.%.80s", names[i]);
		snprintf(at, sizeof(at), "use[%zu]", i);
		for (size_t j = 0; j < i; j++) {
			if (!strcmp(names[i], names[j]))
				return policy_build_fail(k->b, k->b->path, at, "is listed twice");
		}
		if (l->values)
			continue;
		snprintf(why, sizeof(why), "there is no \"%.80s\" in policies", names[i]);
		return policy_build_fail(k->b, k->b->path, at, why);
	}
	return 0;
}

int policy_mix(struct policy_build *b, const json_t *own, const struct conf_list *use)
{
	static struct mix k; /* some kilobytes; one thread reads configurations */
	struct policy *p = b->p;
	int err;

	memset(&k, 0, sizeof(k));
	k.b = b;
	p->values = json_object();
	p->origins = json_object();
	if (!p->values || !p->origins)
		return -ENOMEM;
	err = use ? add_used(&k, use) : 0;
	if (err)
		return err;
	k.layers[k.n].values = own;
	k.layers[k.n].own = true;
	snprintf(k.layers[k.n].path, sizeof(k.layers[k.n].path), "%s%s", b->path,
		 use ? ".policy" : "");
	k.n++;
	return mix_object(&k, peer_policy_fields, p->values);
}
