/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peering/peering_import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/jtext.h"
#include "common/mem.h"
#include "sbe/peer/peer_conf.h"

/* ---- reading */

static int fail(struct peering_why *why, const char *at, const char *text)
{
	snprintf(why->at, sizeof(why->at), "%s", at);
	snprintf(why->text, sizeof(why->text), "%s", text);
	return -EINVAL;
}

int peering_import_parse(const char *text, size_t len_bytes, json_t **ret_document,
			 struct peering_why *why)
{
	json_error_t error;
	char words[PEERING_WHY_BYTES];
	int err = jtext_load(text, len_bytes, JSON_REJECT_DUPLICATES, ret_document, &error);

	if (err == -EINVAL) {
		snprintf(words, sizeof(words), "not valid JSON in line %d: %.120s", error.line,
			 error.text);
		return fail(why, "", words);
	}
	if (err)
		return err;
	/* of which release it is; there is one */
	if (json_integer_value(json_object_get(*ret_document, "peering")) == 1) {
		json_object_del(*ret_document, "peering");
		return 0;
	}
	json_decref(*ret_document);
	*ret_document = NULL;
	return fail(why, "peering",
		    "must be 1: this is no peering document, or one of a later release");
}

int peering_import_load(const char *path, json_t **ret_document, struct peering_why *why)
{
	char *text = mem_buffer(PEERING_DOCUMENT_BYTES + 1);
	FILE *f = fopen(path, "rbe");
	size_t n = 0;
	int err = 0;

	if (!f)
		err = fail(why, "", strerror(errno));
	else if (!text)
		err = -ENOMEM;
	else
		n = fread(text, 1, PEERING_DOCUMENT_BYTES + 1, f);
	if (!err && ferror(f))
		err = fail(why, "", "cannot be read");
	if (!err && n > PEERING_DOCUMENT_BYTES)
		err = fail(why, "", "is larger than 256 KiB");
	if (!err)
		err = peering_import_parse(text, n, ret_document, why);
	if (f)
		fclose(f);
	mem_free(text);
	return err;
}

/* ---- values as ours */

/* An address or prefix no larger than a peer can need. @return static text what is wrong, or NULL */
static const char *place_wrong(const char *text, bool media)
{
	struct addr_prefix p;
	unsigned least;

	if (addr_prefix_parse(text, &p))
		return "must be IP addresses or prefixes";
	least = p.net.family == ADDR_V6 ? (media ? 32 : 48) : (media ? 16 : 24);
	if (p.bits < least)
		return media ? "media prefixes are /16 or longer, of IPv6 /32"
			     : "prefixes of border elements are /24 or longer, of IPv6 /48";
	if (addr_is_any(&p.net) || addr_is_multicast(&p.net))
		return "must be addresses of hosts";
	return NULL;
}

static int add_place(const struct peering_said *said, const char *text, json_t *list,
		     const char **ret_why)
{
	const char *why = place_wrong(text, !strcmp(said->leaf->to, "sec.media"));
	const json_t *item;
	size_t i;

	if (why) {
		*ret_why = why;
		return -EINVAL;
	}
	json_array_foreach(list, i, item) {
		if (!strcmp(json_string_value(item), text))
			return 0;
	}
	return json_array_append_new(list, json_string(text)) ? -ENOMEM : 0;
}

static json_t *word_as_ours(const struct peering_leaf *leaf, const char *text)
{
	for (size_t i = 0; leaf->to_words && leaf->words[i]; i++) {
		const char *to = leaf->to_words[i];

		if (strcmp(leaf->words[i], text))
			continue;
		if (!to)
			return NULL;
		return !strcmp(to, "true")    ? json_true()
		       : !strcmp(to, "false") ? json_false()
					      : json_string(to);
	}
	return json_string(text);
}

/* The value of a leaf as one of the key it sets; NULL with *ret_err 0: there is none. */
static json_t *as_ours(const struct peering_said *said, int *ret_err, const char **ret_why)
{
	json_t *list;
	const json_t *item;
	size_t i;

	*ret_err = 0;
	if (!said->value || !said->leaf->to)
		return NULL;
	if (said->leaf->type == PEERING_WORD)
		return word_as_ours(said->leaf, json_string_value(said->value));
	if (said->leaf->type != PEERING_PLACES && said->leaf->type != PEERING_HOPS)
		return json_incref((json_t *)(uintptr_t)said->value);
	list = json_array();
	json_array_foreach(said->value, i, item) {
		struct peer_hop hop;
		const char *why;

		if (*ret_err)
			break;
		if (said->leaf->type == PEERING_PLACES)
			*ret_err =
				add_place(said, json_string_value(json_object_get(item, "address")),
					  list, ret_why);
		else if (!peer_hop_parse(json_string_value(item), &hop,
					 &why)) /* a name is for the DNS */
			*ret_err = json_array_append(list, (json_t *)(uintptr_t)item) ? -ENOMEM : 0;
	}
	if (!*ret_err && json_array_size(list))
		return list;
	json_decref(list);
	return NULL;
}

struct keys {
	json_t *out;
	const char *why;
};

static int take_key(void *arg, const struct peering_said *said)
{
	struct keys *k = arg;
	json_t *before, *value, *item;
	size_t i;
	int err = 0;

	if (said->level == PEERING_FORBIDDEN || said->dynamic)
		return 0;
	value = as_ours(said, &err, &k->why);
	if (!value)
		return err;
	before = peering_leaf_get(k->out, said->leaf->to);
	if (!before)
		return peering_leaf_put(k->out, said->leaf->to, value);
	json_array_foreach(value, i, item) { /* both kinds of dbes are sources of media */
		bool there = false;
		size_t n;
		json_t *b;

		json_array_foreach(before, n, b) {
			there |= json_equal(b, item);
		}
		if (!there && json_array_append(before, item))
			err = -ENOMEM;
	}
	json_decref(value);
	return err;
}

int peering_import_keys(const json_t *document, json_t **ret_keys, struct peering_why *why)
{
	struct keys k = {.out = json_object()};
	int err = k.out ? peering_leaf_each(document, take_key, &k, why->at, why->text) : -ENOMEM;

	if (err) {
		if (k.why)
			snprintf(why->text, sizeof(why->text), "%s", k.why);
		json_decref(k.out);
		return err;
	}
	*ret_keys = k.out;
	return 0;
}

/* ---- does it fit? */

struct fit {
	const json_t *document, *keys, *listen;
	peering_note_h *note;
	void *arg;
	struct peering_why *why;
};

static bool lists(const json_t *list, const json_t *item)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (json_equal(one, item))
			return true;
	}
	return json_equal(list, item); /* a list of one may be written as that one */
}

/* How many items of a list does ours have? */
static size_t common(const json_t *ours, const json_t *wanted)
{
	const json_t *item;
	size_t i, n = 0;

	json_array_foreach(wanted, i, item) {
		n += lists(ours, item);
	}
	return n;
}

static bool agrees(enum peering_rule rule, const json_t *ours, const json_t *wanted)
{
	if (rule == PEERING_AT_MOST)
		return json_integer_value(ours) > 0 &&
		       json_integer_value(ours) <= json_integer_value(wanted);
	if (rule == PEERING_ALL_OF)
		return common(ours, wanted) == json_array_size(wanted);
	return json_equal(ours, wanted);
}

static bool forbidden(const json_t *ours, const json_t *value)
{
	if (!value || !ours)
		return ours && !value && !json_is_false(ours);
	return json_is_array(value) ? common(ours, value) > 0 : json_equal(ours, value);
}

static int refuse(struct fit *f, const struct peering_said *said, const char *what)
{
	char text[PEERING_WHY_BYTES];

	snprintf(text, sizeof(text), "%s, and the peer's %s %s", what, said->leaf->to,
		 strcmp(what, "is forbidden") ? "says something else" : "says so");
	return fail(f->why, said->leaf->key, text);
}

/* sip.transport, net.family: what our listeners of the realm can. */
static const char *not_listened(const struct fit *f, const struct peering_said *said)
{
	bool transport = !strcmp(said->leaf->key, "sip.transport");
	const json_t *want, *have;
	size_t i, k;

	if ((!transport && strcmp(said->leaf->key, "net.family") != 0) || !f->listen)
		return NULL;
	json_array_foreach(said->value, i, want) {
		const char *word = json_string_value(want);
		bool found = false;

		json_array_foreach(f->listen, k, have) {
			const char *l = json_string_value(have);

			found |= l &&
				 (transport ? !strncmp(l, word, 3)
					    : (strchr(l, '[') != NULL) == !strcmp(word, "ipv6"));
		}
		if (!found)
			return "its realm has no such listener";
	}
	return NULL;
}

static int condition(struct fit *f, const struct peering_said *said, const json_t *ours,
		     const json_t *value)
{
	const char *cannot = said->leaf->cannot && said->value ? said->leaf->cannot(said->value)
							       : not_listened(f, said);
	char text[PEERING_WHY_BYTES];

	if (cannot) {
		snprintf(text, sizeof(text), "is mandatory, and %s", cannot);
		return fail(f->why, said->leaf->key, text);
	}
	/* what changes by itself is told by overload control */
	if (said->dynamic && !strncmp(said->leaf->key, "cap.", 4) &&
	    !json_is_true(peering_leaf_get(f->keys, "overload.consent")))
		return fail(f->why, said->leaf->key,
			    "is mandatory and dynamic, which needs overload.consent (RFC 7339)");
	if (!value || said->dynamic || agrees(said->leaf->rule, ours, value))
		return 0;
	return refuse(f, said, "is mandatory");
}

static int fit_leaf(void *arg, const struct peering_said *said)
{
	struct fit *f = arg;
	const json_t *ours = said->leaf->to ? peering_leaf_get(f->keys, said->leaf->to) : NULL;
	const char *why = "";
	json_t *value;
	int err = 0;

	if (!strncmp(said->leaf->key, "perf.", 5) && strstr(said->leaf->key, "_target") &&
	    !peering_leaf_get(f->document, "perf.window_s"))
		return fail(f->why, said->leaf->key,
			    "needs perf.window_s: over how long it is measured");
	value = as_ours(said, &err, &why);
	if (err)
		return err;
	if (said->level == PEERING_MANDATORY)
		err = condition(f, said, ours, value);
	else if (said->level == PEERING_FORBIDDEN && said->leaf->to && forbidden(ours, value))
		err = refuse(f, said, "is forbidden");
	else if (said->level == PEERING_RECOMMENDED && value && !said->dynamic && f->note &&
		 !agrees(said->leaf->rule, ours, value))
		f->note(f->arg, said->leaf->key,
			"is recommended, and the peer says something else");
	json_decref(value);
	return err;
}

int peering_import_check(const json_t *document, const json_t *keys, const json_t *listen,
			 peering_note_h *note, void *arg, struct peering_why *why)
{
	struct fit f = {document, keys, listen, note, arg, why};
	struct peering_why form = {"", ""};
	int err;

	why->text[0] = '\0';
	err = peering_leaf_each(document, fit_leaf, &f, form.at, form.text);
	if (err && !why->text[0])
		*why = form;
	return err;
}
