/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peering/peering_mix.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sbe/peer/peer.h"
#include "sbe/peering/peering_import.h"

#define AT_BYTES 200

struct mixing {
	struct conf_doc *doc;
	const char *conf_path;
	json_t *notes;
	struct conf_error *err;
	const char *name; /* of the peer */
	const char *kind; /* "peering", "document" */
	const char *file; /* of the document, or NULL */
};

static json_t *peer_of(const struct mixing *m)
{
	return json_object_get(json_object_get(conf_json(m->doc), "peers"), m->name);
}

static int mix_federations(struct mixing *m, const json_t *names)
{
	const json_t *all = json_object_get(conf_json(m->doc), "federations");
	struct conf_layer layers[PEER_FEDERATIONS_MAX];
	char at[PEER_FEDERATIONS_MAX][AT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(names) && n < PEER_FEDERATIONS_MAX; i++) {
		const char *from = json_string_value(json_array_get(names, i));
		const json_t *rules =
			json_object_get(json_object_get(all, from ? from : ""), "rules");

		if (!json_is_object(rules))
			continue;
		snprintf(at[n], sizeof(at[n]), "federations.%s.rules", from);
		layers[n] = (struct conf_layer){at[n], rules};
		n++;
	}
	return n ? conf_mix(m->doc, "peers", m->name, layers, n, m->err) : 0;
}

/* What is wrong, where the operator can find it. */
static int fail(struct mixing *m, const struct peering_why *why)
{
	char at[AT_BYTES];

	snprintf(at, sizeof(at), "peers.%s.%s%s%s", m->name, m->kind,
		 !m->file && why->at[0] ? "." : "", m->file ? "" : why->at);
	return conf_fail_at(m->doc, at, m->err, "%.120s%s%s%s%s", m->file ? m->file : "",
			    m->file ? ": " : "", m->file ? why->at : "",
			    m->file && why->at[0] ? ": " : "", why->text);
}

static int mix_document(struct mixing *m, const json_t *document)
{
	struct peering_why why = {"", ""};
	char at[AT_BYTES];
	json_t *keys = NULL;
	int err = peering_import_keys(document, &keys, &why);

	if (err)
		return err == -EINVAL ? fail(m, &why) : err;
	snprintf(at, sizeof(at), "peers.%s.%s", m->name, m->kind);
	err = conf_mix(m->doc, "peers", m->name, &(struct conf_layer){at, keys}, 1, m->err);
	json_decref(keys);
	return err;
}

static void note(void *arg, const char *key, const char *text)
{
	struct mixing *m = arg;
	struct peering_why why;
	struct conf_error *err = m->err, error = {""};

	snprintf(why.at, sizeof(why.at), "%s", key);
	snprintf(why.text, sizeof(why.text), "%s", text);
	m->err = &error;
	(void)fail(m, &why);
	m->err = err;
	json_array_append_new(m->notes, json_string(error.text));
}

static int check_document(struct mixing *m, const json_t *document)
{
	struct peering_why why = {"", ""};
	const json_t *peer = peer_of(m), *realm;
	const char *name = json_string_value(json_object_get(peer, "realm"));
	int err;

	realm = json_object_get(json_object_get(conf_json(m->doc), "realms"), name ? name : "");
	err = peering_import_check(document, peer, json_object_get(realm, "listen"), note, m, &why);
	return err == -EINVAL ? fail(m, &why) : err;
}

static int load(struct mixing *m, const char *file, json_t **ret_document)
{
	const char *slash = strrchr(m->conf_path, '/');
	struct peering_why why = {"", ""};
	char path[PATH_MAX];
	int err;

	m->kind = "document";
	m->file = file;
	snprintf(path, sizeof(path), "%.*s%s",
		 *file == '/' || !slash ? 0 : (int)(slash + 1 - m->conf_path), m->conf_path, file);
	err = peering_import_load(path, ret_document, &why);
	return err == -EINVAL ? fail(m, &why) : err;
}

static int mix_peer(struct mixing *m)
{
	const json_t *peer = peer_of(m);
	json_t *own = json_incref(json_object_get(peer, "peering")), *given = NULL;
	json_t *names = json_incref(json_object_get(peer, "federations"));
	json_t *file = json_incref(json_object_get(peer, "document"));
	int err = 0;

	m->kind = "peering";
	m->file = NULL;
	if (json_is_object(own))
		err = mix_document(m, own);
	if (!err && json_is_string(file))
		err = load(m, json_string_value(file), &given);
	if (!err && given)
		err = mix_document(m, given);
	if (!err && json_array_size(names) > 0)
		err = mix_federations(m, names);
	if (!err && given)
		err = check_document(m, given);
	m->kind = "peering";
	m->file = NULL;
	if (!err && json_is_object(own))
		err = check_document(m, own);
	json_decref(own);
	json_decref(names);
	json_decref(file);
	json_decref(given);
	return err;
}

int peering_mix(struct conf_doc *doc, const char *path, json_t **ret_notes, struct conf_error *err)
{
	struct mixing m = {.doc = doc, .conf_path = path, .notes = json_array(), .err = err};
	json_t *peers = json_object_get(conf_json(doc), "peers"), *peer;
	void *next;
	int e = 0;

	*ret_notes = m.notes;
	json_object_foreach_safe(peers, next, m.name, peer) {
		if (!e && json_is_object(peer))
			e = mix_peer(&m);
	}
	return e;
}
