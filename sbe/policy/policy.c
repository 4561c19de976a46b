/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy - from the configuration to compiled policies, one for each peer that has any.
 */
#include "sbe/policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/policy/policy_private.h"

METRIC_TABLE(policy_metrics, POLICY_METRICS)

/* What the tables give to an empty object. */
static const struct policy nothing_agreed = {
	.conf = {.identity = {.assert_id = PEER_POLICY_OWNED, .foreign = PEER_POLICY_REJECT},
		 .body = {.opaque = PEER_POLICY_REJECT}},
};

const struct policy *policy_of(const struct peer *p)
{
	return p && p->conf->compiled ? p->conf->compiled : &nothing_agreed;
}

static void policy_destroy(void *obj)
{
	struct policy *p = obj;

	policy_rules_free(p);
	policy_numbers_free(p);
	policy_causes_free(p);
	json_decref(p->values);
	json_decref(p->origins);
	conf_doc_free(p->doc);
}

const char *policy_origin(const struct policy *p, const char *key, size_t nth)
{
	const char *path = json_string_value(json_array_get(json_object_get(p->origins, key), nth));

	return path ? path : key;
}

int policy_build_fail(struct policy_build *b, const char *origin, const char *member,
		      const char *why)
{
	char at[384];

	snprintf(at, sizeof(at), "%s%s%s", origin, member ? "." : "", member ? member : "");
	return conf_fail_at(b->doc, at, b->err, "%s", why);
}

/* The mixed values through the table: defaults, and what the parts did not break but the whole does. */
static int read_mixed(struct policy_build *b)
{
	struct conf_error error = {""};
	char *text = json_dumps(b->p->values, JSON_COMPACT);
	int err;

	if (!text)
		return -ENOMEM;
	err = conf_parse("policy", text, strlen(text), &b->p->doc, &error);
	free(text);
	if (!err)
		err = conf_read(b->p->doc, peer_policy_fields, &b->p->conf, &error);
	return err == -EINVAL ? policy_build_fail(b, b->path, NULL, error.text) : err;
}

/* @param use NULL: a named policy by itself, so that its mistakes are found though nobody uses it */
static int build(struct policy_build *b, const json_t *own, const struct conf_list *use,
		 struct policy **ret_policy)
{
	struct policy *p = mem_zalloc(sizeof(*p), policy_destroy);
	int err;

	if (!p)
		return -ENOMEM;
	b->p = p;
	err = policy_mix(b, own, use);
	if (!err)
		err = read_mixed(b);
	if (!err)
		err = policy_rules_build(b);
	if (!err)
		err = policy_numbers_build(b);
	if (!err)
		err = policy_causes_build(b);
	if (!err)
		err = policy_words_build(b);
	if (err)
		mem_unref(p);
	else
		*ret_policy = p;
	return err;
}

static int build_named(const struct conf_doc *doc, const char *name, struct conf_error *err)
{
	const json_t *own = json_object_get(json_object_get(conf_json(doc), "policies"), name);
	struct policy *p = NULL;
	char path[96];
	struct policy_build b = {.doc = doc, .path = path, .err = err};
	int e;

	snprintf(path, sizeof(path), "policies.%s", name);
	e = build(&b, own, NULL, &p);
	mem_unref(p);
	return e;
}

static int build_peer(const struct conf_doc *doc, struct peer_conf *c, struct conf_error *err)
{
	const json_t *all = json_object_get(conf_json(doc), "peers");
	const json_t *own = json_object_get(json_object_get(all, c->name), "policy");
	char path[96];
	struct policy_build b = {.doc = doc, .path = path, .err = err};

	if (!own && !c->use.n)
		return 0;
	snprintf(path, sizeof(path), "peers.%s", c->name);
	return build(&b, own, &c->use, &c->compiled);
}

int policy_compile(const struct conf_doc *doc, const struct conf_list *named,
		   const struct conf_list *confs, struct conf_error *err)
{
	const struct peer_policy_named *n = named->items;
	struct peer_conf *c = confs->items;
	int e = 0;

	for (size_t i = 0; i < confs->n; i++)
		c[i].compiled = NULL;
	for (size_t i = 0; !e && i < named->n; i++)
		e = build_named(doc, n[i].name, err);
	for (size_t i = 0; !e && i < confs->n; i++)
		e = build_peer(doc, &c[i], err);
	return e;
}

void policy_free(const struct conf_list *confs)
{
	struct peer_conf *c = confs->items;

	for (size_t i = 0; i < confs->n; i++)
		c[i].compiled = mem_unref(c[i].compiled);
}

json_t *policy_values(const struct peer_conf *c)
{
	return c->compiled ? json_incref(c->compiled->values) : json_object();
}

void policy_note(const struct policy_way *way, struct wire_text before, struct wire_text after,
		 const char *why)
{
	const struct policy_note note = {before, after, why};

	if (way->trace)
		way->trace(way->trace_arg, &note);
}
